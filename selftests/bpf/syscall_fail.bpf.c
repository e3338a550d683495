// SPDX-License-Identifier: GPL-2.0-only
/* A program of another type that calls a kfunc of ours. */
#include "../../scripts/choosers/switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("syscall")
int other_type(void *ctx)
{
	struct switchfs_attr attr = {};

	return bpf_switchfs_set_attr(&attr, 0, 0);
}

SEC(".struct_ops.link")
struct switchfs_ops ops = {
	.chooser = "syscall",
};
