# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Running commands in the build root, at the same paths as on the host.

# The environment that may pass: nothing that changes a build by accident.
root_environment() {
	local name
	for name in $(compgen -e); do
		case $name in
		PIP_* | CARGO_HTTP_* | CARGO_NET_* | CARGO_REGISTRIES_* | CARGO_SOURCE_* | *_proxy | *_PROXY | TERM | SWITCHFS_*) printf '%s=%s\0' "$name" "${!name}" ;;
		esac
	done
}

# in_root ROOT COMMAND [ARG...]: runs COMMAND there, as the same user, in the same folder.
#
# Mounts are private to the command, and it dies with its caller: nothing is left behind.
in_root() {
	local root=$1 environment=()
	shift
	mapfile -d '' -t environment < <(root_environment)
	setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child \
		"$checkout/scripts/lib/enter" "$root" "$PWD" \
		env -i HOME=/root LANG=C.UTF-8 PATH=/usr/lib/llvm-19/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		"${environment[@]}" "$@"
}
