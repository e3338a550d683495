# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The cache: everything that is made outside the checkout, keyed by what it was made from.
#
# An entry is made under its final name, because kernel trees hold absolute paths, and counts
# only when it holds `.complete`. What an interrupted run left behind is removed and made again.

SWITCHFS_CACHE=${SWITCHFS_CACHE:-$HOME/.cache/switchfs}
export SWITCHFS_CACHE

# The space that making an entry needs, with some air. A script that makes more sets more.
need_gb=4

# key STRING...: a short hash of a recipe.
key() {
	printf '%s\0' "$@" | sha256sum | cut -c 1-12
}

# need_root WHAT: scripts that mount and chroot cannot do without.
need_root() {
	[[ $(id -u) == 0 ]] || die "must be root for its build root and loop devices; run: sudo $1"
}

need_space() {
	local free
	mkdir -p "$SWITCHFS_CACHE"
	free=$(df --output=avail -B 1G "$SWITCHFS_CACHE" | tail -n 1)
	((free >= need_gb)) ||
		die "needs $need_gb GB of disk for $SWITCHFS_CACHE, there are less than $((free + 1)) GB; free some or set SWITCHFS_CACHE"
}

# complete ENTRY: whether it needs no more work.
complete() {
	[[ -e $1/.complete ]]
}

# make_entry ENTRY COMMAND [ARG...]: makes the entry by `COMMAND ARG... ENTRY`, one process at a time.
make_entry() {
	local entry=$1 lock
	shift
	complete "$entry" && return
	need_space
	exec {lock}>"$SWITCHFS_CACHE/.lock-${entry##*/}"
	flock "$lock"
	if ! complete "$entry"; then
		rm -rf "$entry"
		mkdir -p "$entry"
		"$@" "$entry"
		touch "$entry/.complete"
	fi
	exec {lock}>&-
}
