/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Numbers that BPF choosers and switchfs exchange; for programs and for the
 * kernel alike. What they mean is in README.md, "Choosers in BPF".
 */
#ifndef SWITCHFS_UAPI_BPF_H
#define SWITCHFS_UAPI_BPF_H

enum {
	SWITCHFS_CHOOSER_LEN = 32,	/* of a chooser's name, with its NUL */
	SWITCHFS_BRANCHES = 64,		/* the most that a mount has */
	SWITCHFS_LIST = 7,		/* the most that SWITCHFS_FIRST lists */
	SWITCHFS_COUNTERS = 16,		/* that programs have for each mount */
	SWITCHFS_XATTR_MAX = 256,	/* the longest value that a program can need */
};

/* Operations, by the words that rules use. */
enum switchfs_op {
	/* class name */
	SWITCHFS_OP_LOOKUP = 0,
	SWITCHFS_OP_READDIR = 1,
	SWITCHFS_OP_CREATE = 2,
	SWITCHFS_OP_MKDIR = 3,
	SWITCHFS_OP_MKNOD = 4,
	SWITCHFS_OP_SYMLINK = 5,
	SWITCHFS_OP_LINK = 6,
	SWITCHFS_OP_UNLINK = 7,
	SWITCHFS_OP_RMDIR = 8,
	SWITCHFS_OP_RENAME = 9,
	SWITCHFS_OP_TMPFILE = 10,
	/* class meta */
	SWITCHFS_OP_GETATTR = 11,
	SWITCHFS_OP_SETATTR = 12,
	SWITCHFS_OP_READLINK = 13,
	SWITCHFS_OP_GETXATTR = 14,
	SWITCHFS_OP_SETXATTR = 15,
	SWITCHFS_OP_LISTXATTR = 16,
	SWITCHFS_OP_REMOVEXATTR = 17,
	SWITCHFS_OP_GETACL = 18,
	SWITCHFS_OP_SETACL = 19,
	SWITCHFS_OP_FILEATTR = 20,
	SWITCHFS_OP_STATFS = 21,
	/* class data */
	SWITCHFS_OP_OPEN = 22,
	SWITCHFS_OP_READ = 23,
	SWITCHFS_OP_WRITE = 24,
	SWITCHFS_OP_MMAP = 25,
	SWITCHFS_OP_SPLICE = 26,
	SWITCHFS_OP_LSEEK = 27,
	SWITCHFS_OP_COPY = 28,
	SWITCHFS_OP_REMAP = 29,
};

/*
 * What ->route and ->name return: a kind in the lowest byte, with
 * SWITCHFS_FOR_ALL or without, and above it what the kind needs, a byte each;
 * an errno takes two. Everything else has to be 0.
 */
enum switchfs_verdict {
	SWITCHFS_RULES = 0,	/* as the rules say */
	SWITCHFS_BRANCH = 1,	/* a branch's number */
	SWITCHFS_FIRST = 2,	/* up to 7 numbers plus one: where it exists first */
	SWITCHFS_DENY = 3,	/* an errno that a rule can name */
	SWITCHFS_HIDE = 4,	/* there is no such name; all that ->name can say */
	SWITCHFS_GATE = 5,	/* the gate's number, then that of the branch */
	SWITCHFS_NEED = 6,	/* ask again with the facts that were asked for */
	SWITCHFS_KIND = 0x0f,
	/* Holds for every caller, and for the object until something changes. */
	SWITCHFS_FOR_ALL = 0x80,
};

#define SWITCHFS_TO_BRANCH(n)		(SWITCHFS_BRANCH | (unsigned long long)(n) << 8)
#define SWITCHFS_DENY_WITH(errno)	(SWITCHFS_DENY | (unsigned long long)(errno) << 8)
#define SWITCHFS_GATE_TO(g, n) \
	(SWITCHFS_GATE | (unsigned long long)(g) << 8 | (unsigned long long)(n) << 16)
#define SWITCHFS_FIRST_OF(a, b) \
	(SWITCHFS_FIRST | ((unsigned long long)(a) + 1) << 8 | ((unsigned long long)(b) + 1) << 16)
#define SWITCHFS_FIRST_OF_3(a, b, c) \
	(SWITCHFS_FIRST_OF(a, b) | ((unsigned long long)(c) + 1) << 24)

/* Bits of switchfs_ctx.flags. */
enum switchfs_ctx_flags {
	SWITCHFS_MAY_SLEEP = 1,	/* what it may return needs no second call to be answered */
	SWITCHFS_MAKES = 2,	/* the name is looked up to be made */
	SWITCHFS_LISTS = 4,	/* the name is listed, not looked up */
	SWITCHFS_AGAIN = 8,	/* after SWITCHFS_NEED */
	SWITCHFS_AHEAD = 16,	/* before a file is made: could it be opened? Nothing happens yet */
};

/* Bits of switchfs_ctx.access: how the file is opened. */
enum switchfs_access {
	SWITCHFS_READS = 1,
	SWITCHFS_WRITES = 2,
	SWITCHFS_EXECUTES = 4,
};

/* What bpf_switchfs_set_attr() sets. */
enum switchfs_attr_field {
	SWITCHFS_ATTR_SIZE = 0,
	SWITCHFS_ATTR_MODE = 1,		/* the permission bits, 07777 */
	SWITCHFS_ATTR_UID = 2,
	SWITCHFS_ATTR_GID = 3,
	SWITCHFS_ATTR_NLINK = 4,	/* not 0 */
	SWITCHFS_ATTR_ATIME = 5,	/* in nanoseconds since 1970 */
	SWITCHFS_ATTR_MTIME = 6,
	SWITCHFS_ATTR_CTIME = 7,
};

#endif
