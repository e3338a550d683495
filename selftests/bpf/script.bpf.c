// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chooser that says what a test wrote into its memory, and counts what it is
 * asked; every member twice, as a program that may sleep and as one that may not.
 */
#include "../../scripts/choosers/switchfs.bpf.h"
#include "script.h"

char _license[] SEC("license") = "GPL";

struct script script = { .uid = -1 };

static bool matches(struct switchfs_ctx *call)
{
	char name[16];
	int i;

	if (!script.match[0])
		return true;
	bpf_switchfs_name(call, 0, name, sizeof(name));
	for (i = 0; i < (int)sizeof(name) && script.match[i]; i++)
		if (name[i] != script.match[i])
			return false;
	return true;
}

static bool is_for(struct switchfs_ctx *call)
{
	return script.uid == (__u32)-1 || script.uid == call->caller_uid;
}

static void see(struct switchfs_ctx *call)
{
	script.seen.op = call->op;
	script.seen.flags = call->flags;
	script.seen.branches = call->branches;
	script.seen.type = call->type;
	script.seen.mode = call->mode;
	script.seen.uid = call->uid;
	script.seen.gid = call->gid;
	script.seen.depth = call->depth;
	script.seen.access = call->access;
	script.seen.open_flags = call->open_flags;
	script.seen.caller_uid = call->caller_uid;
	script.seen.caller_gid = call->caller_gid;
	script.seen.name_len = call->name_len;
	script.seen.home = call->home;
	script.seen.size = call->size;
	script.seen.ino = call->ino;
}

static __u64 route_of(struct switchfs_ctx *call)
{
	__u32 op = call->op & (SCRIPT_OPS - 1);
	__u64 word;

	if (!matches(call))
		return script.other;
	if (!is_for(call))
		return SWITCHFS_RULES;
	__sync_fetch_and_add(&script.asked[op], 1);
	if (op == script.see)
		see(call);
	if (script.invalidates) {
		script.invalidates--;
		bpf_switchfs_invalidate(call);
	}
	word = script.route[op];
	if (script.always)
		return SWITCHFS_NEED;
	if (script.exists && word) {
		script.exists_returned = bpf_switchfs_exists(call, script.exists - 1);
		if (script.exists_returned == -EAGAIN)
			return SWITCHFS_NEED;
		if (script.exists_returned == 1)
			word = script.present;
	}
	if (script.xattr && word) {
		script.xattr_returned = bpf_switchfs_xattr(call, "user.state", script.value_read,
							   sizeof(script.value_read));
		if (script.xattr_returned == -EAGAIN)
			return SWITCHFS_NEED;
		if (script.xattr_returned > 0)
			word = script.present;
	}
	return word;
}

static __u64 name_of(struct switchfs_ctx *call)
{
	if (!matches(call))
		return script.name_other;
	if (!is_for(call))
		return SWITCHFS_RULES;
	__sync_fetch_and_add(&script.asked_name, 1);
	return script.name;
}

static int getattr_of(struct switchfs_ctx *call, struct switchfs_attr *attr)
{
	if (!matches(call) || !is_for(call))
		return 0;
	__sync_fetch_and_add(&script.asked_getattr, 1);
	if (script.sets)
		script.set_returned = bpf_switchfs_set_attr(attr, script.field, script.value);
	return script.getattr;
}

static int error_of(struct switchfs_ctx *call, int error)
{
	__u32 op = call->op & (SCRIPT_OPS - 1);

	if (!matches(call) || !is_for(call))
		return 0;
	__sync_fetch_and_add(&script.asked_error[op], 1);
	script.last_error = error;
	return script.error_of && script.error_of != error ? 0 : script.error;
}

static int begin(void)
{
	__sync_fetch_and_add(&script.begun, 1);
	return script.init;
}

static void end(void)
{
	__sync_fetch_and_add(&script.ended, 1);
}

#define MEMBERS(how, sec)								\
SEC(sec) __u64 BPF_PROG(route##how, struct switchfs_ctx *call)				\
{ return route_of(call); }								\
SEC(sec) __u64 BPF_PROG(name##how, struct switchfs_ctx *call)				\
{ return name_of(call); }								\
SEC(sec) int BPF_PROG(getattr##how, struct switchfs_ctx *call, struct switchfs_attr *attr) \
{ return getattr_of(call, attr); }							\
SEC(sec) int BPF_PROG(error##how, struct switchfs_ctx *call, int error)		\
{ return error_of(call, error); }							\
SEC(sec) int BPF_PROG(init##how, struct switchfs_mount *mount)				\
{ return begin(); }									\
SEC(sec) void BPF_PROG(exit##how, struct switchfs_mount *mount)			\
{ end(); }										\
SEC(".struct_ops.link") struct switchfs_ops ops##how = {				\
	.route = (void *)route##how,							\
	.name = (void *)name##how,							\
	.getattr = (void *)getattr##how,						\
	.error = (void *)error##how,							\
	.init = (void *)init##how,							\
	.exit = (void *)exit##how,							\
	.chooser = "script",								\
}

MEMBERS(_n, "struct_ops");
MEMBERS(_s, "struct_ops.s");
