/* SPDX-License-Identifier: GPL-2.0-only */
/* What audit.bpf.c writes into its ring buffer, and `chooser audit` reads there. */
#ifndef SWITCHFS_AUDIT_H
#define SWITCHFS_AUDIT_H

#include <linux/types.h>

struct audit_event {
	__u64 verdict;		/* of the rules, as ->route returns it */
	__u64 ino;		/* 0 while there is no object */
	__u32 mount;		/* the minor number of its device */
	__u32 op;
	__u32 uid;		/* the caller's; of an open file the opener's */
	__u32 pid;		/* of who runs now */
	__s32 home;		/* a branch, or -1 */
	__u32 name_len;
	char comm[16];
	char name[256];
};

#endif
