# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# fsx: random operations on one file, compared with what it should hold.

# shellcheck disable=SC2034 # for run
bare_first=

# A thread's stack of the usual 2 MiB gets a huge page, and fsx starts a thread for each sendfile().
export RUST_MIN_STACK=131072

# run_suite DIR [seed-N...]: SUITES_OPERATIONS for each seed.
run_suite() {
	local dir=$1 case log status started
	shift
	if (($# == 0)); then
		set -- seed-1
		[[ -n $SUITES_QUICK ]] || set -- seed-1 seed-2 seed-3
	fi
	for case; do
		log=$SWITCHFS_SCRATCH/fsx-$side-$case.log
		started=$SECONDS status=0
		timeout 20000 "$SUITES_PROGRAMS/fsx" -q -N "$SUITES_OPERATIONS" -S "${case#seed-}" -f "$here/fsx.toml" \
			-P "$SWITCHFS_SCRATCH" "$dir/file" >"$log" 2>&1 || status=$?
		echo "fsx $side $case: $SUITES_OPERATIONS operations, status $status, $((SECONDS - started)) s" >&2
		if ((status == 0)); then
			echo "pass $case"
		else
			echo "fail $case ended with $status: $(grep -v '^$' "$log" | head -n 1)"
		fi
	done
}
