// SPDX-License-Identifier: GPL-2.0-only
/* A chooser that calls every kfunc, and leaves what they return to the test. */
#include "../../scripts/choosers/switchfs.bpf.h"
#include "kfuncs.h"

char _license[] SEC("license") = "GPL";

struct kfuncs kfuncs = { .op = -1 };

SEC("struct_ops")
__u64 BPF_PROG(kfuncs_route, struct switchfs_ctx *call)
{
	char one[1];
	__u32 up;

	if (call->op != kfuncs.op)
		return SWITCHFS_RULES;
	kfuncs.whole = bpf_switchfs_name(call, 0, kfuncs.whole_name, sizeof(kfuncs.whole_name));
	kfuncs.tail = bpf_switchfs_name(call, -3, kfuncs.tail_name, sizeof(kfuncs.tail_name));
	kfuncs.cut = bpf_switchfs_name(call, 1, kfuncs.cut_name, sizeof(kfuncs.cut_name));
	kfuncs.past_end = bpf_switchfs_name(call, call->name_len + 1, one, sizeof(one));
	kfuncs.at_end = bpf_switchfs_name(call, call->name_len, one, sizeof(one));
	kfuncs.before = bpf_switchfs_name(call, -1000, one, sizeof(one));
	kfuncs.ends_txt = bpf_switchfs_ends(call, ".txt");
	kfuncs.ends_empty = bpf_switchfs_ends(call, "");
	kfuncs.ends_long = bpf_switchfs_ends(call, "a suffix that is longer than the name");
	for (up = 0; up < COMPONENTS; up++)
		kfuncs.component[up] = bpf_switchfs_component(call, up, kfuncs.component_name[up],
							      sizeof(kfuncs.component_name[up]));
	kfuncs.far = bpf_switchfs_component(call, 0xffffffff, one, sizeof(one));
	kfuncs.path = bpf_switchfs_path(call, kfuncs.path_text, sizeof(kfuncs.path_text));
	kfuncs.path_short = bpf_switchfs_path(call, kfuncs.cut_name, sizeof(kfuncs.cut_name));
	kfuncs.path_one = bpf_switchfs_path(call, one, sizeof(one));
	bpf_switchfs_name(call, 1, kfuncs.cut_name, sizeof(kfuncs.cut_name));
	kfuncs.rules = bpf_switchfs_rules(call);
	kfuncs.hot = bpf_switchfs_branch(call, "hot");
	kfuncs.cold = bpf_switchfs_branch(call, "cold");
	kfuncs.none = bpf_switchfs_branch(call, "warm");
	kfuncs.empty = bpf_switchfs_branch(call, "");
	kfuncs.count = bpf_switchfs_count(call, 0, 5);
	kfuncs.count_last = bpf_switchfs_count(call, SWITCHFS_COUNTERS - 1, 1);
	kfuncs.count_past = bpf_switchfs_count(call, SWITCHFS_COUNTERS, 1);
	kfuncs.calls++;
	return SWITCHFS_RULES;
}

SEC(".struct_ops.link")
struct switchfs_ops kfuncs_ops = {
	.route = (void *)kfuncs_route,
	.chooser = "kfuncs",
};
