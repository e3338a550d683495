// SPDX-License-Identifier: GPL-2.0-only
/* For bench/choosers: answers for every operation, for all. */
#include "../../scripts/choosers/switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("struct_ops")
__u64 BPF_PROG(cost_answer, struct switchfs_ctx *call)
{
	if (bpf_switchfs_ends(call, ".pem"))
		return SWITCHFS_DENY_WITH(EACCES) | SWITCHFS_FOR_ALL;
	return SWITCHFS_RULES | SWITCHFS_FOR_ALL;
}

SEC(".struct_ops.link")
struct switchfs_ops cost_route = {
	.route = (void *)cost_answer,
	.chooser = "cost-route",
};
