# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# fio: four jobs of random reads and writes at a time, each block with its checksum.

# shellcheck disable=SC2034 # for run
bare_first=

run_suite() {
	local dir=$1 case size=64M log options
	shift
	[[ -z $SUITES_QUICK ]] || size=8M
	(($#)) || set -- {io_uring,io_uring-fixed,libaio}-{direct,buffered}
	for case; do
		log=$SWITCHFS_SCRATCH/fio-$side-$case.log
		options=("--ioengine=${case%%-*}" --direct=0)
		[[ $case != *-direct ]] || options+=(--direct=1)
		[[ $case != *-fixed-* ]] || options+=(--fixedbufs=1 --registerfiles=1)
		if timeout 600 fio --name=randrw --directory="$dir" --rw=randrw --bsrange=4k-64k --numjobs=4 --size="$size" --iodepth=16 \
			--verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0 --group_reporting "${options[@]}" >"$log" 2>&1 &&
			! grep -q '^verify:\|bad magic\|verify failed' "$log"; then
			echo "pass $case"
		else
			echo "fail $case $(grep -m 1 -i 'verify\|error\|fio:' "$log")"
		fi
		rm -f "$dir"/randrw.*
	done
}
