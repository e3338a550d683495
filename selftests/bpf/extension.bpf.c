// SPDX-License-Identifier: GPL-2.0-only
/* What the rules of equal_test.c say, as a program. */
#include "../../scripts/choosers/switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

enum { HOT, COLD, USER = 1000 };

static bool below_d3(struct switchfs_ctx *call)
{
	char path[256];

	if (bpf_switchfs_path(call, path, sizeof(path)) < 3)
		return false;
	return path[0] == '/' && path[1] == 'd' && path[2] == '3' && (!path[3] || path[3] == '/');
}

/* What depends on the caller hides here, so that the rest of what is said can hold for all. */
SEC("struct_ops")
__u64 BPF_PROG(extension_name, struct switchfs_ctx *call)
{
	if (bpf_switchfs_ends(call, ".v"))
		return call->caller_uid == USER ? SWITCHFS_HIDE : SWITCHFS_RULES;
	return SWITCHFS_RULES | SWITCHFS_FOR_ALL;
}

SEC("struct_ops")
__u64 BPF_PROG(extension_route, struct switchfs_ctx *call)
{
	bool user = call->caller_uid == USER;
	__u32 op = call->op;
	__u64 otherwise;

	/* Other data operations follow the open. */
	if (op > SWITCHFS_OP_OPEN)
		return SWITCHFS_RULES | SWITCHFS_FOR_ALL;
	if (bpf_switchfs_ends(call, ".c"))
		return SWITCHFS_TO_BRANCH(COLD) | SWITCHFS_FOR_ALL;
	if (bpf_switchfs_ends(call, ".o") && (op == SWITCHFS_OP_OPEN || op == SWITCHFS_OP_GETATTR))
		return SWITCHFS_TO_BRANCH(COLD) | SWITCHFS_FOR_ALL;
	if (bpf_switchfs_ends(call, ".x"))
		return SWITCHFS_DENY_WITH(EPERM) | SWITCHFS_FOR_ALL;
	if (bpf_switchfs_ends(call, ".h"))
		return SWITCHFS_HIDE | SWITCHFS_FOR_ALL;
	if (bpf_switchfs_ends(call, ".g") &&
	    (op == SWITCHFS_OP_OPEN || op == SWITCHFS_OP_GETXATTR))
		return SWITCHFS_GATE_TO(COLD, HOT) | SWITCHFS_FOR_ALL;
	if (bpf_switchfs_ends(call, ".f"))
		return SWITCHFS_FIRST_OF(HOT, COLD) | SWITCHFS_FOR_ALL;
	otherwise = below_d3(call) ? SWITCHFS_TO_BRANCH(COLD) : SWITCHFS_RULES;
	if (bpf_switchfs_ends(call, ".p") && op == SWITCHFS_OP_GETATTR)
		return user ? SWITCHFS_TO_BRANCH(COLD) : otherwise;
	if (bpf_switchfs_ends(call, ".u") && op == SWITCHFS_OP_OPEN)
		return user ? SWITCHFS_DENY_WITH(EROFS) : otherwise;
	return otherwise | SWITCHFS_FOR_ALL;
}

SEC(".struct_ops.link")
struct switchfs_ops extension = {
	.route = (void *)extension_route,
	.name = (void *)extension_name,
	.chooser = "extension",
};
