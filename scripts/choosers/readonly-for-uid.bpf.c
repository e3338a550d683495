// SPDX-License-Identifier: GPL-2.0-only
/*
 * readonly-for-uid: for some users everything is as on a read-only mount: what makes, removes,
 * renames, truncates or changes anything, and opening for writing, is EROFS. All others are not
 * concerned.
 *
 * Load:   chooser load readonly-for-uid.bpf.o
 *         chooser set readonly-for-uid users 1000
 * Mount:  mount -t switchfs -o branches=/srv,chooser=bpf:readonly-for-uid none /mnt
 *
 * The users are the keys of the map `users`, by their fsuid as the initial user namespace
 * counts. They can be added while the mount is in use: what a user has open for writing stays
 * writable until it is closed, but for truncation by path. access(2) looks at modes alone and
 * does not know.
 *
 * The equal rules, for the user 1000:
 *
 *   op=create+mkdir+mknod+symlink+link+unlink+rmdir+rename+tmpfile uid=1000 -> deny:EROFS
 *   op=setattr+setxattr+removexattr+setacl+fileattr uid=1000 -> deny:EROFS
 *   op=open access=w uid=1000 -> deny:EROFS
 */
#include "switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u8);
} users SEC(".maps");

SEC("struct_ops")
__u64 BPF_PROG(choose, struct switchfs_ctx *call)
{
	__u32 uid = call->caller_uid;

	if (call->op == SWITCHFS_OP_OPEN && !(call->access & SWITCHFS_WRITES) &&
	    !(call->open_flags & O_TRUNC))
		return SWITCHFS_RULES;
	if (bpf_map_lookup_elem(&users, &uid))
		return SWITCHFS_DENY_WITH(EROFS);
	return SWITCHFS_RULES;
}

SEC(".struct_ops.link")
struct switchfs_ops readonly_for_uid = {
	.route = (void *)choose,
	/* truncate(2) is asked about as opening for writing. */
	.ops = SWITCHFS_ASKS_CHANGES | SWITCHFS_ASKS(SWITCHFS_OP_OPEN),
	.chooser = "readonly-for-uid",
};
