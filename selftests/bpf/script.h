/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests and the program script.bpf.c tell each other, in the program's memory. */
#ifndef SWITCHFS_SCRIPT_H
#define SWITCHFS_SCRIPT_H

#define SCRIPT_OPS 32

struct script {
	/* What route says of names that begin with `match` to the caller `uid`. */
	unsigned long long route[SCRIPT_OPS];
	/* The same once it knows that the branch `exists` - 1 has the name, or the attribute. */
	unsigned long long present;
	/* What it says of all other names; to other callers it says nothing of these. */
	unsigned long long other;
	/* What name says, of the same names and of others. */
	unsigned long long name;
	unsigned long long name_other;
	char match[16];		/* empty: of all */
	unsigned int uid;	/* -1: to all */
	unsigned int exists;	/* a branch's number and one: it is needed */
	unsigned int xattr;	/* user.state is needed */
	unsigned int always;	/* NEED is all it ever says */
	unsigned int invalidates;	/* route invalidates so many times more */
	/* getattr: sets this field to this value, and what it returns */
	unsigned int sets, field;
	unsigned long long value;
	int set_returned;
	int getattr;
	/* error: what it returns for this errno, or for all if that is 0 */
	int error, error_of;
	/* init: what it returns */
	int init;
	/* How often it was asked. */
	unsigned long long asked[SCRIPT_OPS];
	unsigned long long asked_name, asked_getattr, asked_error[SCRIPT_OPS];
	unsigned long long begun, ended;
	/* The last time: what kfuncs returned, and the error that was there. */
	int exists_returned, xattr_returned, last_error;
	char value_read[32];
	/* The last context of route, asked about the operation `see`. */
	unsigned int see;
	struct {
		unsigned int op, flags, branches, type, mode, uid, gid, depth, access, open_flags;
		unsigned int caller_uid, caller_gid, name_len;
		int home;
		unsigned long long size, ino;
	} seen;
};

#endif
