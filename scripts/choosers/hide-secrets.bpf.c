// SPDX-License-Identifier: GPL-2.0-only
/*
 * hide-secrets: names like .env, .env.local, *.pem and *.key do not exist for the tasks of some
 * control groups (version 2), in whatever directory, whenever they are made. Everybody else sees
 * them.
 *
 * Load:   chooser load hide-secrets.bpf.o
 *         chooser set hide-secrets hidden_from @/sys/fs/cgroup/agents
 * Mount:  mount -t switchfs -o branches=/srv,chooser=bpf:hide-secrets none /mnt
 *
 * The groups, with those below them, are the keys of the map `hidden_from`: their ids, which are
 * the inode numbers of their folders. A group can be added and removed while the mount is in
 * use, and counts from the next call on. An empty map hides from nobody; with 1, the root's id,
 * from everybody.
 *
 * It decides by the task that calls, also about a descriptor that another one opened. The equal
 * rules:
 *
 *   name=.env cgroup=/agents -> hide       name=*.pem cgroup=/agents -> hide
 *   name=.env.* cgroup=/agents -> hide     name=*.key cgroup=/agents -> hide
 */
#include "switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u8);
} hidden_from SEC(".maps");

/* In any case: where the branch folds case, .ENV is the same file. */
static bool is_secret(struct switchfs_ctx *ctx)
{
	char head[5], tail[4];

	if (switchfs_lower_name(ctx, -4, tail, sizeof(tail)) == 4 &&
	    (!__builtin_memcmp(tail, ".pem", 4) || !__builtin_memcmp(tail, ".key", 4)))
		return true;
	return switchfs_lower_name(ctx, 0, head, sizeof(head)) >= 4 &&
	       !__builtin_memcmp(head, ".env", 4) && (!head[4] || head[4] == '.');
}

SEC("struct_ops")
__u64 BPF_PROG(keep, struct switchfs_ctx *call)
{
	/* What is no secret is none for anybody: said once, it costs nothing any more. */
	if (!is_secret(call))
		return SWITCHFS_RULES | SWITCHFS_FOR_ALL;
	if (switchfs_caller_under(&hidden_from))
		return SWITCHFS_HIDE;
	return SWITCHFS_RULES;
}

SEC(".struct_ops.link")
struct switchfs_ops hide_secrets = {
	.name = (void *)keep,
	.chooser = "hide-secrets",
};
