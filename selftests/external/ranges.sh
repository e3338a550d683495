# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# ranges: like fsx, with direct I/O and with ranges that move, are shared or become zero.

# shellcheck disable=SC2034 # for run
bare_first=

run_suite() {
	local dir=$1 case log started
	shift
	if (($# == 0)); then
		set -- seed-1
		[[ -n $SUITES_QUICK ]] || set -- seed-1 seed-2 seed-3
	fi
	for case; do
		log=$SWITCHFS_SCRATCH/ranges-$side-$case.log
		started=$SECONDS
		if timeout 20000 "$SWITCHFS_SELFTESTS/external/ranges" "$SUITES_OPERATIONS" "${case#seed-}" "$dir/file" >"$log" 2>&1; then
			echo "pass $case"
		else
			echo "fail $case $(grep -m 1 ranges: "$log")"
		fi
		echo "$(tail -n 1 "$log"), $((SECONDS - started)) s" >&2
	done
}
