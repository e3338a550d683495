// SPDX-License-Identifier: GPL-2.0-only
/*
 * by-extension: *.iso, *.mkv and *.mp4 have their home in the branch `cold`, all else is as the
 * rules say.
 *
 * Load:   chooser load by-extension.bpf.o
 * Mount:  mount -t switchfs -o branches=hot=/srv/hot:cold=/mnt/fuse \
 *                 -o chooser=bpf:by-extension none /mnt
 *
 * It is asked where a name is looked up and nothing else: new objects are made in the home of
 * their name, and what nobody speaks of the home serves. Every answer is for all callers, so
 * each name costs one call of the program, and then none. The equal rules:
 *
 *   op=lookup name=*.iso -> cold
 *   op=lookup name=*.mkv -> cold
 *   op=lookup name=*.mp4 -> cold
 *
 * A mount without a branch `cold` is as if there were no program.
 */
#include "switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

static bool belongs(struct switchfs_ctx *ctx)
{
	return bpf_switchfs_ends(ctx, ".iso") || bpf_switchfs_ends(ctx, ".mkv") ||
	       bpf_switchfs_ends(ctx, ".mp4");
}

SEC("struct_ops")
__u64 BPF_PROG(choose, struct switchfs_ctx *call)
{
	int cold;

	if (!belongs(call))
		return SWITCHFS_RULES | SWITCHFS_FOR_ALL;
	cold = bpf_switchfs_branch(call, "cold");
	if (cold < 0)
		return SWITCHFS_RULES | SWITCHFS_FOR_ALL;
	return SWITCHFS_TO_BRANCH(cold) | SWITCHFS_FOR_ALL;
}

SEC(".struct_ops.link")
struct switchfs_ops by_extension = {
	.route = (void *)choose,
	.ops = SWITCHFS_ASKS(SWITCHFS_OP_LOOKUP),
	.chooser = "by-extension",
};
