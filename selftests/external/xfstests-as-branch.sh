# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Added to xfstests' common/rc and friends in the guest: what makes or describes the filesystem on the device, and mounts
# nothing, knows that it is the branch's.
if [[ -e common/$(cat /run/switchfs-branch) ]]; then
	# shellcheck source=/dev/null
	. "common/$(cat /run/switchfs-branch)"
fi
for name in _scratch_mkfs_sized _try_scratch_mkfs_sized _scratch_mkfs_blocksized _scratch_mkfs_geom \
	_filesystem_timestamp_range _has_metadata_journaling _has_casefold_kernel_support _scratch_mkfs_casefold \
	_scratch_mkfs_casefold_strict _require_names_are_bytes; do
	if declare -F "$name" >/dev/null && ! declare -F "_branch$name" >/dev/null; then
		eval "_branch$(declare -f "$name")"
		eval "$name() { local FSTYP; FSTYP=\$(cat /run/switchfs-branch); _branch$name \"\$@\"; }"
	fi
done
unset name
_scratch_mount_casefold() { _scratch_mount; }
_scratch_mount_casefold_strict() { _scratch_mount; }
