// SPDX-License-Identifier: GPL-2.0-only
/* A chooser that is not under the GPL. */
#include "../../scripts/choosers/switchfs.bpf.h"

char _license[] SEC("license") = "Proprietary";

SEC("struct_ops")
__u64 BPF_PROG(proprietary, struct switchfs_ctx *call)
{
	return call->op & 0;
}

SEC(".struct_ops.link")
struct switchfs_ops ops_proprietary = {
	.route = (void *)proprietary,
	.chooser = "proprietary",
};
