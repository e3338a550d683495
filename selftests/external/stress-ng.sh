# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# stress-ng: its class filesystem, a stressor at a time with two workers, SUITES_SECONDS in all through switchfs.

# shellcheck disable=SC2034 # for run
bare_first=1

run_suite() {
	local dir=$1 case seconds log status stressors
	shift
	# It prints the names of a class that is followed by a question mark.
	mapfile -t stressors < <(stress-ng --class 'filesystem?' | sed 's/.*: *//' | tr -s ' ' '\n' | grep -v '^$')
	seconds=$(((SUITES_SECONDS + ${#stressors[@]} - 1) / ${#stressors[@]}))
	# Whether it passes at all needs less.
	((seconds <= 3)) || [[ $side == switchfs ]] || seconds=3
	echo "stress-ng $side: ${#stressors[@]} stressors of $seconds s" >&2
	for case in "${stressors[@]}"; do
		log=$SWITCHFS_SCRATCH/stress-ng-$side-$case.log
		status=0
		mkdir "$dir/$case"
		timeout -k 10 $((seconds + 120)) stress-ng "--$case" 2 --timeout "$seconds" --verify --temp-path "$dir/$case" \
			>"$log" 2>&1 || status=$?
		rm -rf "${dir:?}/$case" 2>/dev/null || true
		case $status in
		0) echo "pass $case" ;;
		# Nothing to do it with, or not built in.
		3 | 4) echo "skip $case $(grep -m 1 'skipp\|not ' "$log" | sed 's/.*\] //')" ;;
		*) echo "fail $case status $status: $(grep -m 1 'fail:\|error:' "$log" | sed 's/.*\] //')" ;;
		esac
	done
}
