# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the user sees: one line per step, one clear line per failure. The rest goes to a log.
#
# A script sets `steps` to the number of its steps before the first one.

script=${0##*/}
steps=${steps:-1}
step_number=0
log=

# die MESSAGE: ends the script with one line.
die() {
	printf '%s: %s\n' "$script" "$*" >&2
	exit 1
}

# note MESSAGE: tells something that is not a step.
note() {
	printf '%s: %s\n' "$script" "$*" >&2
}

# step WHAT COMMAND [ARG...]: runs a command with its output in the log; tells what, how far, how long.
step() {
	local what=$1 start=$SECONDS status=0 head
	shift
	step_number=$((step_number + 1))
	head="[$script $step_number/$steps] $what"
	if [[ -z $log ]]; then
		mkdir -p "$SWITCHFS_CACHE/logs"
		log="$SWITCHFS_CACHE/logs/$script-$(date +%Y%m%d-%H%M%S)-$$.log"
	fi
	printf '=== %s\n' "$head" >>"$log"
	if [[ -t 2 ]]; then
		printf '%s ...\r' "$head" >&2
	fi
	# A subshell of its own, so that `set -e` holds inside COMMAND.
	set +e
	(
		set -e
		"$@"
	) >>"$log" 2>&1
	status=$?
	set -e
	if ((status != 0)); then
		printf '%s: failed after %d s, the log ends with:\n' "$head" $((SECONDS - start)) >&2
		tail -n 15 "$log" | sed 's/^/    /' >&2
		die "failed; the whole log is $log"
	fi
	printf '%s: %d s\n' "$head" $((SECONDS - start)) >&2
}
