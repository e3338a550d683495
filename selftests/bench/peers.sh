# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What is compared: the same tmpfs directory by itself and under kinds of mounts, switchfs also with rules
# and with programs.

# shellcheck disable=SC2034 # used by those who read this file
bench=$SWITCHFS_SELFTESTS/bench/ops_bench
loader=$SWITCHFS_SELFTESTS/../choosers/chooser
work=$(mktemp -d)

# Where mappings lie decides what it takes to make one.
echo 0 >/proc/sys/kernel/randomize_va_space
modprobe -q overlay || true
insmod "$SWITCHFS_KO"

# rules COUNT: so many, of the kinds that lists have. Some are about the directories that are measured
# in, some speak of the names in them, and give them the home that they have.
rules() {
	awk -v count="$1" 'BEGIN {
		split("cold hot deny cold|hot", verdict, " ")
		split("op=data op=meta op=open+read op=getattr", ops, " ")
		for (i = 0; i < count; i++) {
			v = verdict[i % 4 + 1]
			k = i % 50
			if (k < 20)
				print "path=/srv/" i % 7 "/project" i "/** -> " v
			else if (k < 30)
				print "path=/home/u" i "/.cache/** " ops[i % 4 + 1] " -> cold"
			else if (k < 35)
				print "path=/var/*/log" i "/*.gz -> " v
			else if (k < 40)
				print "path=/many/g" i " -> cold"
			else if (k < 47)
				print "name=artifact" i ".o -> " v
			else if (k < 48)
				print "name=*.ext" i " -> cold"
			else if (k < 49)
				print "path=/many/*.part" i " -> cold"
			else
				print "path=/many/f" i % 512 " " ops[int(i / 512) % 4 + 1] " size=>" i "G -> cold"
		}
		print "path=/many/f1* -> hot"
		print "name=fil? op=data -> hot"
		print "path=/** type=d -> hot"
	}' >"$work/rules"
}

# mount_switchfs OPTION...: over a directory of $at.
mount_switchfs() {
	local option options=branches=hot=$at/dir begun
	for option; do
		options+=,$option
	done
	begun=${EPOCHREALTIME/./}
	mount -i -t switchfs -o "$options" none "$dir"
	took=$((${EPOCHREALTIME/./} - begun))
}

# place PEER: makes a fresh tmpfs, and in $dir the directory to measure in; what mounting took is in $took.
#
#   native, bind, overlayfs   without switchfs
#   switchfs                  without rules
#   rulesCOUNT, caller        with so many rules that do not ask for the caller, and with one that does
#   name, route               with a program that keeps names, and with one that answers for every operation
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
	switchfs) mount_switchfs ;;
	rules*)
		rules "${1#rules}"
		mount_switchfs "branch=cold=$at/lower" "rules=$work/rules"
		;;
	caller) mount_switchfs 'rule=path=/** uid=1000-2000 -> hide' ;;
	name | route)
		mountpoint -q /sys/fs/bpf || mount -t bpf none /sys/fs/bpf
		"$loader" load "$SWITCHFS_SELFTESTS/bpf/cost_$1.bpf.o" >/dev/null
		mount_switchfs "chooser=bpf:cost-$1"
		;;
	esac
}

# clear_away PEER: takes it down.
clear_away() {
	umount "$dir" "$work/$1"
	rmdir "$work/$1"
	case $1 in
	name | route) "$loader" unload "cost-$1" >/dev/null ;;
	esac
}

# remove_module: the last program may go a moment after it was unloaded.
remove_module() {
	local try
	for ((try = 0; try < 50; try++)); do
		! rmmod switchfs 2>/dev/null || return 0
		sleep 0.1
	done
	rmmod switchfs
}

# measure PEER...: each, into $work/PEER.out, a line an operation; mounting is one if $mounting is set.
measure() {
	local peer
	for peer; do
		place "$peer"
		{
			[[ -z ${mounting:-} ]] || echo "mount ${took}000"
			"$bench" "$dir"
		} >"$work/$peer.out"
		clear_away "$peer"
	done
}

# join_all PEER...: their lines in one, an operation a line.
join_all() {
	local out=$work/$1.out peer next
	shift
	for peer; do
		next=$work/joined.$peer
		paste -d ' ' "$out" <(awk '{print $2}' "$work/$peer.out") >"$next"
		out=$next
	done
	cat "$out"
}

# as_json PEER...: what join_all printed.
as_json() {
	awk -v kernel="$(uname -r)" -v peers="$*" '
		BEGIN {
			count = split(peers, peer, " ")
			printf "{\"kernel\": \"%s\", \"mode\": \"counted\", \"branch\": \"tmpfs\", \"ops\": {", kernel
		}
		{
			printf "%s\"%s\": {", (NR > 1 ? ", " : ""), $1
			for (i = 1; i <= count; i++)
				printf "%s\"%s\": %d", (i > 1 ? ", " : ""), peer[i], $(i + 1)
			printf "}"
		}
		END { print "}}" }'
}
