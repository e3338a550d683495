# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# pjdfstest: what POSIX says of the calls that take names.

# shellcheck disable=SC2034 # for run
bare_first=1

run_suite() {
	local log=$SWITCHFS_SCRATCH/pjdfstest-$side.log
	# useradd wants a new /etc/shadow, and that of a virtual machine is a mount.
	if ! getent passwd tests >/dev/null; then
		echo tests:x:2000:2000::/:/bin/false >>/etc/passwd
		echo tests:x:2000: >>/etc/group
	fi
	# Descriptors that earlier cases leak keep a mount from turning read-only: those cases get a run of their own.
	run_cases "$1" -c "$here/pjdfstest.toml" >"$log"
	run_cases "$1" -c <(sed 's/^allow_remount.*/allow_remount = true/' "$here/pjdfstest.toml") erofs >>"$log"
	awk '
		/^[^\t ]+ +(ok|FAILED|skipped)$/ { name = $1; verdict[name] = $2; why[name] = ""; next }
		/^\t/ && why[name] == "" { why[name] = $0; sub(/^\t+/, " ", why[name]); next }
		END {
			for (name in verdict)
				print (verdict[name] == "ok" ? "pass" : verdict[name] == "FAILED" ? "fail" : "skip"), name why[name]
		}' "$log"
}

# run_cases DIR OPTION...: its status tells no more than its lines do.
run_cases() {
	local dir=$1
	shift
	NO_COLOR=1 timeout 900 "$SUITES_PROGRAMS/pjdfstest" -s "$work/other" -p "$dir" "$@" || true
}
