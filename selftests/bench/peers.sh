# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What is compared: the same tmpfs directory by itself and under three kinds of mount.

# shellcheck disable=SC2034 # used by those who read this file
bench=$SWITCHFS_SELFTESTS/bench/ops_bench
peers=(native bind overlayfs switchfs)
work=$(mktemp -d)

modprobe -q overlay || true
insmod "$SWITCHFS_KO"

# place PEER: makes a fresh tmpfs, and in $dir the directory to measure in.
place() {
	local at=$work/$1
	dir=$at/mnt
	mkdir "$at"
	mount -t tmpfs none "$at"
	mkdir "$at/dir" "$at/lower" "$at/work" "$at/mnt"
	case $1 in
	native)
		dir=$at/dir
		mount --bind "$dir" "$dir"
		;;
	bind) mount --bind "$at/dir" "$dir" ;;
	overlayfs) mount -t overlay -o "lowerdir=$at/lower,upperdir=$at/dir,workdir=$at/work" none "$dir" ;;
	switchfs) mount -t switchfs -o "branches=$at/dir" none "$dir" ;;
	esac
}

# clear_away PEER: takes it down.
clear_away() {
	umount "$dir" "$work/$1"
	rmdir "$work/$1"
}
