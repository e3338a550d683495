// SPDX-License-Identifier: GPL-2.0-only
/* Programs that the verifier must refuse, each for one reason; see verifier_test.c. */
#include "../../scripts/choosers/switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

struct sock;
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};

extern int bpf_copy_from_user_str(void *dst, __u32 dst__sz, const void *unsafe_ptr__ign,
				  __u64 flags) __weak __ksym;

#define ROUTE(name, body)							\
SEC("struct_ops") __u64 BPF_PROG(name, struct switchfs_ctx *call) { body }	\
SEC(".struct_ops.link") struct switchfs_ops ops_##name = {			\
	.route = (void *)name, .chooser = #name,				\
}

#define GETATTR(name, body)							\
SEC("struct_ops") int BPF_PROG(name, struct switchfs_ctx *call, struct switchfs_attr *attr) \
{ body }									\
SEC(".struct_ops.link") struct switchfs_ops ops_##name = {			\
	.getattr = (void *)name, .chooser = #name,				\
}

ROUTE(writes_ctx, call->op = 1; return 0;);
ROUTE(reads_beyond, return *(volatile __u64 *)((char *)call + 4096););
ROUTE(no_such_argument, (void)call; return ctx[1];);
ROUTE(no_ctx, char to[256] = ""; (void)call;
	return bpf_switchfs_name((void *)to, 0, to, sizeof(to)););
ROUTE(number_for_ctx, return bpf_switchfs_rules((void *)(long)call->op););
ROUTE(buffer_too_small, char to[8]; return bpf_switchfs_name(call, 0, to, 4096););
ROUTE(length_unknown, char to[8]; return bpf_switchfs_name(call, 0, to, call->name_len););
ROUTE(no_constant, char to[8]; bpf_switchfs_name(call, 0, to, 8); to[7] = 0;
	return bpf_switchfs_ends(call, to););
ROUTE(sleeps, char to[8]; (void)call; return bpf_copy_from_user_str(to, sizeof(to), NULL, 0););
GETATTR(writes_attr, attr->size = 1; return 0;);
GETATTR(wrong_type, return bpf_switchfs_rules((void *)attr););
GETATTR(attr_of_ctx, return bpf_switchfs_set_attr((void *)call, 0, 0););

/* Programs of other types have no context of ours. */
SEC("struct_ops") __u32 BPF_PROG(other_ops, struct sock *sk)
{
	struct switchfs_attr attr = {};

	return bpf_switchfs_set_attr(&attr, 0, 0);
}

SEC(".struct_ops") struct tcp_congestion_ops ops_other_ops = {
	.ssthresh = (void *)other_ops, .name = "other_ops",
};
