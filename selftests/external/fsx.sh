# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# fsx: random operations on one file, compared with what it should hold.

# shellcheck disable=SC2034 # for run
bare_first=

# fsx never unmaps what it read through a mapping, and each mapping makes truncation slower: a process does so many.
batch=20000

# run_suite DIR [seed-N...]: SUITES_OPERATIONS for each seed.
run_suite() {
	local dir=$1 case seed ran log status started
	shift
	if (($# == 0)); then
		set -- seed-1
		[[ -n $SUITES_QUICK ]] || set -- seed-1 seed-2 seed-3
	fi
	for case; do
		log=$SWITCHFS_SCRATCH/fsx-$side-$case.log
		started=$SECONDS status=0
		for ((ran = 0; ran < SUITES_OPERATIONS && status == 0; ran += batch)); do
			seed=$((${case#seed-} * 1000 + ran / batch))
			timeout 1200 "$SUITES_PROGRAMS/fsx" -q -N $((SUITES_OPERATIONS - ran < batch ? SUITES_OPERATIONS - ran : batch)) \
				-S "$seed" -f "$here/fsx.toml" -P "$SWITCHFS_SCRATCH" "$dir/file" >"$log" 2>&1 || status=$?
		done
		echo "fsx $side $case: $SUITES_OPERATIONS operations, status $status, $((SECONDS - started)) s" >&2
		if ((status == 0)); then
			echo "pass $case"
		else
			echo "fail $case -S $seed ended with $status: $(grep -v '^$' "$log" | head -n 1)"
		fi
	done
}
