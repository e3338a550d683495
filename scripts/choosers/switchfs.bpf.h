/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * For BPF choosers: the types of switchfs, as far as programs use them, and its kfuncs. Offsets are
 * taken from the loaded module (CO-RE), so a program that was built once runs with later ones.
 */
#ifndef SWITCHFS_BPF_PROGRAM_H
#define SWITCHFS_BPF_PROGRAM_H

#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "../../rust-bindings/uapi/switchfs_bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct switchfs_ctx {
	__u32 op;
	__u32 flags;
	__u32 mount;
	__u32 branches;
	__u32 type;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u64 size;
	__u64 ino;
	__s32 home;
	__u32 depth;
	__u32 access;
	__u32 open_flags;
	__u32 caller_uid;
	__u32 caller_gid;
	__u32 name_len;
};

struct switchfs_mount {
	__u32 mount;
	__u32 branches;
};

struct switchfs_attr {
	__u64 size;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 nlink;
	__s64 times[3];
};

#pragma clang attribute pop

struct switchfs_ops {
	__u64 (*route)(struct switchfs_ctx *ctx);
	__u64 (*name)(struct switchfs_ctx *ctx);
	int (*getattr)(struct switchfs_ctx *ctx, struct switchfs_attr *attr);
	int (*error)(struct switchfs_ctx *ctx, int error);
	int (*init)(struct switchfs_mount *mount);
	void (*exit)(struct switchfs_mount *mount);
	__u64 ops;
	char chooser[SWITCHFS_CHOOSER_LEN];
};

extern int bpf_switchfs_name(struct switchfs_ctx *ctx, __s32 from, void *to, __u32 to__sz) __ksym;
extern bool bpf_switchfs_ends(struct switchfs_ctx *ctx, const char *suffix__str) __ksym;
extern int bpf_switchfs_component(struct switchfs_ctx *ctx, __u32 up, void *to,
				  __u32 to__sz) __ksym;
extern int bpf_switchfs_path(struct switchfs_ctx *ctx, void *to, __u32 to__sz) __ksym;
extern __u64 bpf_switchfs_rules(struct switchfs_ctx *ctx) __ksym;
extern int bpf_switchfs_branch(struct switchfs_ctx *ctx, const char *name__str) __ksym;
extern int bpf_switchfs_exists(struct switchfs_ctx *ctx, __u32 branch) __ksym;
extern int bpf_switchfs_xattr(struct switchfs_ctx *ctx, const char *name__str, void *to,
			      __u32 to__sz) __ksym;
extern int bpf_switchfs_count(struct switchfs_ctx *ctx, __u32 which, __u64 add) __ksym;
extern void bpf_switchfs_invalidate(struct switchfs_ctx *ctx) __ksym;
extern int bpf_switchfs_set_attr(struct switchfs_attr *attr, __u32 field, __u64 value) __ksym;

/* The bit of an operation in switchfs_ops.ops. */
#define SWITCHFS_ASKS(op) (1ULL << (op))

/* Operations that make, remove or change something, but for those on an open file's data. */
#define SWITCHFS_ASKS_CHANGES						\
	(SWITCHFS_ASKS(SWITCHFS_OP_CREATE) | SWITCHFS_ASKS(SWITCHFS_OP_MKDIR) |	\
	 SWITCHFS_ASKS(SWITCHFS_OP_MKNOD) | SWITCHFS_ASKS(SWITCHFS_OP_SYMLINK) | \
	 SWITCHFS_ASKS(SWITCHFS_OP_LINK) | SWITCHFS_ASKS(SWITCHFS_OP_UNLINK) |	\
	 SWITCHFS_ASKS(SWITCHFS_OP_RMDIR) | SWITCHFS_ASKS(SWITCHFS_OP_RENAME) | \
	 SWITCHFS_ASKS(SWITCHFS_OP_TMPFILE) | SWITCHFS_ASKS(SWITCHFS_OP_SETATTR) | \
	 SWITCHFS_ASKS(SWITCHFS_OP_SETXATTR) | SWITCHFS_ASKS(SWITCHFS_OP_REMOVEXATTR) | \
	 SWITCHFS_ASKS(SWITCHFS_OP_SETACL) | SWITCHFS_ASKS(SWITCHFS_OP_FILEATTR))

#ifndef S_IFMT
#define S_IFMT	 0170000
#define S_IFREG	 0100000
#define S_IFDIR	 0040000
#define S_IFLNK	 0120000
#endif

#ifndef O_TRUNC
#define O_TRUNC	 00001000
#endif

/*
 * SIZE bytes of the name from the byte FROM, or from so many before its end, with A to Z as a to z;
 * the length as of bpf_switchfs_name(). SIZE has to be a constant.
 */
static __always_inline int switchfs_lower_name(struct switchfs_ctx *ctx, __s32 from, char *to,
					       __u32 size)
{
	int len = bpf_switchfs_name(ctx, from, to, size);
	__u32 i;

	for (i = 0; i < size; i++)
		if (to[i] >= 'A' && to[i] <= 'Z')
			to[i] += 'a' - 'A';
	return len;
}

/* Whether the caller is in a cgroup whose id is a key of MAP, or below it. */
static __always_inline bool switchfs_caller_under(void *map)
{
	int level;

	/* The root's level is 0; there is none below the caller's own, which is 0. */
	for (level = 0; level < 32; level++) {
		__u64 id = bpf_get_current_ancestor_cgroup_id(level);

		if (!id)
			return false;
		if (bpf_map_lookup_elem(map, &id))
			return true;
	}
	return false;
}

#endif
