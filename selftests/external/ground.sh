# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# In the guest: a fresh filesystem as a branch, bare or with switchfs over it.

work=/run/suite

prepare_ground() {
	mkdir -p "$work/branch" "$work/source" "$work/mnt" "$work/other"
	# What a filesystem needs is taken as it is used.
	modprobe brd rd_nr=1 rd_size=$((1 << 21))
	modprobe -qa ext4 xfs btrfs || true
	mount -t tmpfs none "$work/other"
	insmod "$SWITCHFS_KO"
}

# place BRANCH SIDE: mounts a fresh filesystem; $dir becomes a directory of it, bare or through switchfs.
place() {
	local branch=$1 side=$2
	case $branch in
	ext4) mke2fs -q -F -t ext4 -E nodiscard /dev/ram0 ;;
	xfs) mkfs.xfs -q -f /dev/ram0 ;;
	btrfs) mkfs.btrfs -q -f /dev/ram0 ;;
	esac
	case $branch in
	tmpfs) mount -t tmpfs -o size=2G none "$work/branch" ;;
	fuse)
		mount -t tmpfs -o size=2G none "$work/source"
		"$SWITCHFS_SELFTESTS/fuse/fuse_branch" --daemon -o allow_other,default_permissions,dev,suid "$work/source" "$work/branch"
		;;
	*) mount -t "$branch" /dev/ram0 "$work/branch" ;;
	esac
	mkdir "$work/branch/dir"
	dir=$work/branch/dir
	if [[ $side == switchfs ]]; then
		mount -t switchfs -o "branches=$dir" none "$work/mnt"
		dir=$work/mnt
	fi
}

# clear_away SIDE: takes down what place made; what a killed program holds goes a moment later.
clear_away() {
	local place
	for place in mnt branch source; do
		if ! mountpoint -q "$work/$place"; then
			continue
		fi
		umount "$work/$place" 2>/dev/null || { sleep 2 && umount "$work/$place"; }
	done
}
