# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The Debian mirror, taken from the host's apt, and mmdebstrap on top of it.

# The release whose compilers built the stock kernels.
suite=trixie

# host_mirror: the mirror to use, or nothing, which is mmdebstrap's own default.
host_mirror() {
	local id codename
	if [[ -n ${SWITCHFS_MIRROR:-} ]]; then
		echo "$SWITCHFS_MIRROR"
		return
	fi
	id=$(sed -n 's/^ID=//p' /etc/os-release)
	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	# Another distribution's mirror has no Debian.
	[[ $id == debian ]] || return 0
	apt-get indextargets --format='$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
		awk -v codename="$codename" \
			'$2 == "main" && $3 ~ /^(https?|file):.*debian/ && $3 !~ /security/ && ($1 == codename || $1 ~ /^(oldstable|stable|testing|unstable|sid)$/) { print $3; exit }'
}

# host_apt_options: what the host needs to reach its mirror, as mmdebstrap options.
host_apt_options() {
	apt-config dump --no-empty --format='--aptopt=%F "%v"%n' \
		Acquire::http::Proxy Acquire::https::Proxy Acquire::Check-Date Acquire::Check-Valid-Until
}

need_mmdebstrap() {
	[[ -x /usr/bin/mmdebstrap && -e /usr/share/keyrings/debian-archive-keyring.gpg ]] && return
	command -v apt-get >/dev/null || die "needs mmdebstrap, and this host has no apt-get to install it"
	step_log=$SWITCHFS_CACHE/logs/apt-mmdebstrap.log
	mkdir -p "${step_log%/*}"
	note "installing mmdebstrap"
	{
		DEBIAN_FRONTEND=noninteractive apt-get -q update &&
			DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends mmdebstrap debian-archive-keyring
	} >"$step_log" 2>&1 || die "needs mmdebstrap and apt-get cannot install it: $(grep -m 1 '^E:' "$step_log") (log: $step_log)"
}

need_mirror() {
	local mirror folder
	mirror=$(host_mirror)
	[[ -n $mirror ]] || return 0
	folder=$(mktemp -d)
	/usr/lib/apt/apt-helper -o Acquire::Retries=0 download-file "${mirror%/}/dists/$suite/InRelease" "$folder/InRelease" \
		>/dev/null 2>&1 || rm -r "$folder"
	[[ -e $folder ]] ||
		die "no Debian mirror with $suite at $mirror; give one with SWITCHFS_MIRROR=URL"
	rm -r "$folder"
}

# debootstrap_into DIR PACKAGE,... [OPTION...]: a trixie with backports.
debootstrap_into() {
	local dir=$1 packages=$2 mirror options=()
	shift 2
	mirror=$(host_mirror)
	mapfile -t options < <(host_apt_options)
	# The hook repeats the first line, whatever mirror it names, for backports.
	mmdebstrap --variant=apt --include="$packages" "${options[@]}" "$@" \
		--aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
		--dpkgopt=path-exclude='/usr/share/man/*' --dpkgopt=path-exclude='/usr/share/locale/*' \
		--dpkgopt=path-exclude='/usr/share/doc/*' --dpkgopt=path-include='/usr/share/doc/*/copyright' \
		--setup-hook="sed -n 's/ $suite main/ $suite-backports main/p;T;q' \"\$1/etc/apt/sources.list\" >\"\$1/etc/apt/sources.list.d/backports.list\"" \
		"$suite" "$dir" ${mirror:+"$mirror"}
}
