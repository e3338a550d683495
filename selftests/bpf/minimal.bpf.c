// SPDX-License-Identifier: GPL-2.0-only
/* The least that a chooser is: a name. */
#include "../../scripts/choosers/switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

SEC(".struct_ops.link")
struct switchfs_ops minimal = {
	.chooser = "minimal",
};
