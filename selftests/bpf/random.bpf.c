// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chooser that answers anything: words that are verdicts, of the branches 0
 * and 1 only, and words that are none; and calls kfuncs on the way.
 */
#include "../../scripts/choosers/switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

/* How many words it gave that are no verdicts. */
__u64 nonsense;

static __u64 random64(void)
{
	return (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
}

/* Payloads that no verdict has: more bytes than there can be, or errnos beyond all. */
static __u64 no_verdict(void)
{
	__sync_fetch_and_add(&nonsense, 1);
	switch (bpf_get_prandom_u32() % 4) {
	case 0:
		return random64() | 1ULL << 63 | 0x08;
	case 1:
		return SWITCHFS_TO_BRANCH(3 + bpf_get_prandom_u32() % 253);
	case 2:
		return SWITCHFS_GATE_TO(0, 1) | 1ULL << (24 + bpf_get_prandom_u32() % 40);
	default:
		return SWITCHFS_DENY_WITH(134 + bpf_get_prandom_u32() % 60000);
	}
}

static void call_kfuncs(struct switchfs_ctx *call)
{
	char text[64];

	switch (bpf_get_prandom_u32() % 12) {
	case 0:
		bpf_switchfs_name(call, bpf_get_prandom_u32(), text, sizeof(text));
		break;
	case 1:
		bpf_switchfs_component(call, bpf_get_prandom_u32() % 8, text, sizeof(text));
		break;
	case 2:
		bpf_switchfs_path(call, text, sizeof(text));
		break;
	case 3:
		bpf_switchfs_rules(call);
		break;
	case 4:
		bpf_switchfs_exists(call, bpf_get_prandom_u32() % 70);
		break;
	case 5:
		bpf_switchfs_xattr(call, "user.random", text, sizeof(text));
		break;
	case 6:
		bpf_switchfs_count(call, bpf_get_prandom_u32() % 20, random64());
		break;
	case 7:
		if (!(bpf_get_prandom_u32() % 50))
			bpf_switchfs_invalidate(call);
		break;
	}
}

static __u64 any_word(struct switchfs_ctx *call)
{
	__u64 all = bpf_get_prandom_u32() % 2 ? SWITCHFS_FOR_ALL : 0;
	__u32 pick = bpf_get_prandom_u32() % 64;
	__u32 one = bpf_get_prandom_u32() & 1;

	call_kfuncs(call);
	/* Homes by the name mostly, so that something is found again. */
	if (call->op <= SWITCHFS_OP_TMPFILE && pick < 40)
		return SWITCHFS_TO_BRANCH(bpf_switchfs_ends(call, "c")) | SWITCHFS_FOR_ALL;
	if (pick < 44)
		return SWITCHFS_RULES | all;
	if (pick < 48)
		return SWITCHFS_TO_BRANCH(one) | SWITCHFS_FOR_ALL;
	if (pick < 52)
		return SWITCHFS_FIRST_OF(one, !one) | SWITCHFS_FOR_ALL;
	if (pick < 54)
		return SWITCHFS_GATE_TO(one, !one) | SWITCHFS_FOR_ALL;
	if (pick < 57)
		return SWITCHFS_DENY_WITH(1 + bpf_get_prandom_u32() % 2 * 12) | all;
	if (pick < 58)
		return SWITCHFS_HIDE | all;
	if (pick < 61)
		return SWITCHFS_NEED;
	return no_verdict();
}

static __u64 any_name(struct switchfs_ctx *call)
{
	__u64 all = bpf_get_prandom_u32() % 2 ? SWITCHFS_FOR_ALL : 0;
	__u32 pick = bpf_get_prandom_u32() % 64;

	call_kfuncs(call);
	if (pick < 58)
		return SWITCHFS_RULES | all;
	if (pick < 60)
		return SWITCHFS_HIDE;
	if (pick < 62)
		return SWITCHFS_NEED;
	return no_verdict();
}

static int any_getattr(struct switchfs_ctx *call, struct switchfs_attr *attr)
{
	call_kfuncs(call);
	bpf_switchfs_set_attr(attr, bpf_get_prandom_u32() % 10, random64());
	bpf_switchfs_set_attr(attr, bpf_get_prandom_u32() % 8, bpf_get_prandom_u32() % 4096);
	return bpf_get_prandom_u32() % 8 ? 0 : (int)bpf_get_prandom_u32();
}

static int any_error(struct switchfs_ctx *call)
{
	call_kfuncs(call);
	return bpf_get_prandom_u32() % 8 ? 0 : (int)bpf_get_prandom_u32();
}

#define MEMBERS(how, sec)								\
SEC(sec) __u64 BPF_PROG(route##how, struct switchfs_ctx *call)				\
{ return any_word(call); }								\
SEC(sec) __u64 BPF_PROG(name##how, struct switchfs_ctx *call)				\
{ return any_name(call); }								\
SEC(sec) int BPF_PROG(getattr##how, struct switchfs_ctx *call, struct switchfs_attr *attr) \
{ return any_getattr(call, attr); }							\
SEC(sec) int BPF_PROG(error##how, struct switchfs_ctx *call, int error)		\
{ return any_error(call); }								\
SEC(".struct_ops.link") struct switchfs_ops random##how = {				\
	.route = (void *)route##how,							\
	.name = (void *)name##how,							\
	.getattr = (void *)getattr##how,						\
	.error = (void *)error##how,							\
	.chooser = "random",								\
}

MEMBERS(_n, "struct_ops");
MEMBERS(_s, "struct_ops.s");
