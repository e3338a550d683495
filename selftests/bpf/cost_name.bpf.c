// SPDX-License-Identifier: GPL-2.0-only
/* For bench/choosers: keeps each name, for all. */
#include "../../scripts/choosers/switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("struct_ops")
__u64 BPF_PROG(cost_keep, struct switchfs_ctx *call)
{
	if (bpf_switchfs_ends(call, ".pem"))
		return SWITCHFS_HIDE | SWITCHFS_FOR_ALL;
	return SWITCHFS_RULES | SWITCHFS_FOR_ALL;
}

SEC(".struct_ops.link")
struct switchfs_ops cost_name = {
	.name = (void *)cost_keep,
	.chooser = "cost-name",
};
