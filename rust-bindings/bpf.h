/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BPF choosers: what programs see, and what bpf.c and chooser.rs give each other.
 *
 * The types are C so that they are in the module's BTF.
 */
#ifndef SWITCHFS_BPF_H
#define SWITCHFS_BPF_H

#include <linux/limits.h>
#include <linux/types.h>

#include "uapi/switchfs_bpf.h"

/**
 * struct switchfs_ctx - what a program is asked about
 * @op: the operation, enum switchfs_op; for ->name and ->getattr the one for which it is asked
 * @flags: enum switchfs_ctx_flags
 * @mount: the mount, as the minor number of its device
 * @branches: how many branches it has
 * @type: S_IFMT of the object, or of the one to be made; 0 while it is not known: never in lookup
 * @mode: its permission bits, as all of the following 0 while there is no object
 * @uid: its owner
 * @gid: its group
 * @size: its size
 * @ino: its inode number
 * @home: its home, -1 while there is no object
 * @depth: how many filesystems are stacked on it
 * @access: enum switchfs_access
 * @open_flags: O_*, of an open
 * @caller_uid: the fsuid of who calls; for an open file of who opened it
 * @caller_gid: the fsgid
 * @name_len: how long the name is; 0 of the mount's root, and of what has no name
 * @call: the call, for chooser.rs. A pointer also keeps the verifier from taking any memory that is
 *	long enough for a context, as it does where a structure has numbers only
 */
struct switchfs_ctx {
	u32 op;
	u32 flags;
	u32 mount;
	u32 branches;
	u32 type;
	u32 mode;
	u32 uid;
	u32 gid;
	u64 size;
	u64 ino;
	s32 home;
	u32 depth;
	u32 access;
	u32 open_flags;
	u32 caller_uid;
	u32 caller_gid;
	u32 name_len;
	const void *call;
};

/**
 * struct switchfs_mount - a mount that a program is attached to, or detached from
 * @mount: as in struct switchfs_ctx
 * @branches: as in struct switchfs_ctx
 */
struct switchfs_mount {
	u32 mount;
	u32 branches;
};

/**
 * struct switchfs_attr - attributes as the branch gave them, for bpf_switchfs_set_attr() to change
 * @times: atime, mtime and ctime in nanoseconds
 */
struct switchfs_attr {
	u64 size;
	u32 mode;
	u32 uid;
	u32 gid;
	u32 nlink;
	s64 times[3];
};

/**
 * struct switchfs_ops - a BPF chooser
 * @route: gives the verdict of an operation; may sleep
 * @name: keeps or hides a name, in lookups and listings; asked in RCU walk unless it may sleep
 * @getattr: changes what this caller is shown; 0 or an errno
 * @error: gives the errno in place of that of an operation that changed nothing; 0 keeps it
 * @init: a mount begins to use it; an errno refuses
 * @exit: a mount does not use it any more
 * @ops: the operations that @route is asked about, a bit each by enum switchfs_op; 0 means all
 * @chooser: its name, of A-Z a-z 0-9 _ . -
 */
struct switchfs_ops {
	u64 (*route)(struct switchfs_ctx *ctx);
	u64 (*name)(struct switchfs_ctx *ctx);
	int (*getattr)(struct switchfs_ctx *ctx, struct switchfs_attr *attr);
	int (*error)(struct switchfs_ctx *ctx, int error);
	int (*init)(struct switchfs_mount *mount);
	void (*exit)(struct switchfs_mount *mount);
	u64 ops;
	char chooser[SWITCHFS_CHOOSER_LEN];
};

struct dentry;

/**
 * struct switchfs_xattr - an extended attribute that a program needs to know
 * @name: its name
 * @value: its value
 */
struct switchfs_xattr {
	char name[XATTR_NAME_MAX + 1];
	char value[SWITCHFS_XATTR_MAX];
};

/**
 * struct switchfs_question - a context with what kfuncs need to answer
 * @ctx: what programs see; first
 * @name: the name, of @ctx.name_len bytes
 * @dentry: the dentry of that name; or of its directory if @is_listed
 * @is_listed: whether the name has no dentry
 * @asked: a bit for each branch that it needs to know about
 * @known: a bit for each branch that is known about
 * @present: a bit for each branch that has the name
 * @xattr_len: the length of the value of @xattr, or an errno; -EAGAIN while not known
 * @xattr: the attribute that it needs to know, if it does; made by kfuncs, freed by who asks
 */
struct switchfs_question {
	struct switchfs_ctx ctx;
	const unsigned char *name;
	struct dentry *dentry;
	bool is_listed;
	int xattr_len;
	u64 asked;
	u64 known;
	u64 present;
	struct switchfs_xattr *xattr;
};

/* How many programs a switchfs_ops has, and which of them may sleep. */
enum switchfs_member {
	SWITCHFS_MEMBER_ROUTE = 1,
	SWITCHFS_MEMBER_NAME = 2,
	SWITCHFS_MEMBER_GETATTR = 4,
	SWITCHFS_MEMBER_ERROR = 8,
};

/* bpf.c, for chooser.rs */
int switchfs_bpf_init(void);
u32 switchfs_bpf_sleepers(const struct switchfs_ops *ops);

/* chooser.rs, for bpf.c; under the lock of all struct_ops, so that none may wait for a branch */
int switchfs_chooser_reg(const struct switchfs_ops *ops);
void switchfs_chooser_unreg(const struct switchfs_ops *ops);
int switchfs_chooser_update(const struct switchfs_ops *ops, const struct switchfs_ops *old);
u64 switchfs_chooser_rules(const struct switchfs_question *question);
int switchfs_chooser_branch(const struct switchfs_question *question, const char *name, u32 len);
int switchfs_chooser_count(const struct switchfs_question *question, u32 which, u64 add);
void switchfs_chooser_invalidate(const struct switchfs_question *question);

#endif
