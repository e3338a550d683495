# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What a kernel log must not hold.

kernel_log_bad=(
	'WARNING: ' 'BUG: ' 'BUG kmalloc' 'BUG .*: ' 'Oops' 'Kernel panic' 'general protection fault' 'unable to handle'
	'cut here' 'Call Trace:' 'rust_kernel: panicked' 'UBSAN: ' 'KASAN: ' 'KFENCE: '
	'possible recursive locking' 'possible circular locking' 'possible irq lock inversion' 'inconsistent lock state'
	'suspicious RCU usage' 'INFO: possible' 'DEBUG_LOCKS_WARN_ON' 'MAX_LOCK.* too low' 'held lock freed' 'bad unlock balance'
	'sleeping function called' 'scheduling while atomic' 'INFO: task .* blocked' 'INFO: .*detected .*stall'
	'soft lockup' 'hard LOCKUP' 'workqueue lockup' 'kmemleak: [0-9]+ new suspected' 'unreferenced object'
	'refcount_t: ' '(list_add|list_del).*corruption' 'Busy inodes after unmount' 'Objects remaining' 'still has objects'
	'VFS_(WARN|BUG)_ON' 'Dentry .* still in use' 'page allocation failure' 'Bad page state'
)

# One line each, with its reason.
kernel_log_good=(
	# virtme-ng's init tells what it misses in a small root.
	'virtme-ng-init: '
	# Linux under TCG has no microcode to mitigate with.
	'(MDS|TAA|MMIO|VMSCAPE|Spectre|Retbleed|SRSO|TSA|ITS).*(vulnerable|WARNING)'
)

# kernel_log_reports FILE: prints what it must not hold, with the lines that follow; false if there was anything.
kernel_log_reports() {
	local bad good
	bad=$(
		IFS='|'
		echo "${kernel_log_bad[*]}"
	)
	good=$(
		IFS='|'
		echo "${kernel_log_good[*]}"
	)
	tr -d '\r' <"$1" | awk -v bad="$bad" -v good="$good" '
		$0 ~ bad && $0 !~ good { found = 1; quote = 24 }
		quote > 0 && lines < 120 { print; quote--; lines++ }
		END { exit found }'
}

# kernel_log_ended FILE: whether the machine shut down by itself.
kernel_log_ended() {
	grep -q 'reboot: Power down' "$1"
}
