// SPDX-License-Identifier: GPL-2.0-only
/*
 * The struct_ops type switchfs_ops and its kfuncs: what has to be in the
 * module's BTF. Everything that decides is in chooser.rs.
 *
 * No kfunc calls into a branch: while a program that may sleep runs, programs
 * elsewhere cannot be freed.
 */
#include <linux/bpf.h>
#include <linux/bpf_verifier.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/dcache.h>
#include <linux/filter.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "bpf.h"

/* Stubs: the types of arguments, and what an absent member does. */

static u64 switchfs_ops__route(struct switchfs_ctx *ctx)
{
	return SWITCHFS_RULES;
}

static u64 switchfs_ops__name(struct switchfs_ctx *ctx)
{
	return SWITCHFS_RULES;
}

static int switchfs_ops__getattr(struct switchfs_ctx *ctx, struct switchfs_attr *attr)
{
	return 0;
}

static int switchfs_ops__error(struct switchfs_ctx *ctx, int error)
{
	return 0;
}

static int switchfs_ops__init(struct switchfs_mount *mount)
{
	return 0;
}

static void switchfs_ops__exit(struct switchfs_mount *mount)
{
}

static struct switchfs_ops switchfs_stubs = {
	.route = switchfs_ops__route,
	.name = switchfs_ops__name,
	.getattr = switchfs_ops__getattr,
	.error = switchfs_ops__error,
	.init = switchfs_ops__init,
	.exit = switchfs_ops__exit,
};

/* Without BTF of this module neither type nor kfuncs exist, and nothing says so. */
static bool switchfs_has_btf;

static int switchfs_ops_init(struct btf *btf)
{
	switchfs_has_btf = true;
	return 0;
}

/* Data members; 1 when they were taken. */
static int switchfs_ops_init_member(const struct btf_type *t, const struct btf_member *member,
				    void *kdata, const void *udata)
{
	const struct switchfs_ops *from = udata;
	struct switchfs_ops *to = kdata;
	size_t len;

	switch (__btf_member_bit_offset(t, member) / 8) {
	case offsetof(struct switchfs_ops, ops):
		if (from->ops >> (SWITCHFS_OP_REMAP + 1))
			return -EINVAL;
		to->ops = from->ops;
		return 1;
	case offsetof(struct switchfs_ops, chooser):
		len = strnlen(from->chooser, sizeof(from->chooser));
		if (!len || len == sizeof(from->chooser))
			return -EINVAL;
		for (size_t i = 0; i < len; i++) {
			char c = from->chooser[i];

			if (!isalnum(c) && c != '_' && c != '.' && c != '-')
				return -EINVAL;
		}
		strscpy(to->chooser, from->chooser, sizeof(to->chooser));
		return 1;
	}
	return 0;
}

static int switchfs_ops_validate(void *kdata)
{
	const struct switchfs_ops *ops = kdata;

	return ops->chooser[0] ? 0 : -EINVAL;
}

static int switchfs_ops_reg(void *kdata, struct bpf_link *link)
{
	return switchfs_chooser_reg(kdata);
}

static void switchfs_ops_unreg(void *kdata, struct bpf_link *link)
{
	switchfs_chooser_unreg(kdata);
}

static int switchfs_ops_update(void *kdata, void *old_kdata, struct bpf_link *link)
{
	return switchfs_chooser_update(kdata, old_kdata);
}

static const struct bpf_verifier_ops switchfs_verifier_ops = {
	.get_func_proto = bpf_base_func_proto,
	.is_valid_access = bpf_tracing_btf_ctx_access,
};

static struct bpf_struct_ops switchfs_struct_ops = {
	.verifier_ops = &switchfs_verifier_ops,
	.init = switchfs_ops_init,
	.init_member = switchfs_ops_init_member,
	.validate = switchfs_ops_validate,
	.reg = switchfs_ops_reg,
	.unreg = switchfs_ops_unreg,
	.update = switchfs_ops_update,
	.cfi_stubs = &switchfs_stubs,
	.owner = THIS_MODULE,
	.name = "switchfs_ops",
};

static int add_sleeper(struct bpf_prog *prog, void *data)
{
	u32 *members = data;

	if (!prog->sleepable)
		return 0;
	switch (prog->aux->attach_st_ops_member_off) {
	case offsetof(struct switchfs_ops, route):
		*members |= SWITCHFS_MEMBER_ROUTE;
		break;
	case offsetof(struct switchfs_ops, name):
		*members |= SWITCHFS_MEMBER_NAME;
		break;
	case offsetof(struct switchfs_ops, getattr):
		*members |= SWITCHFS_MEMBER_GETATTR;
		break;
	case offsetof(struct switchfs_ops, error):
		*members |= SWITCHFS_MEMBER_ERROR;
		break;
	}
	return 0;
}

/* The members, by SWITCHFS_MEMBER_*, whose programs may sleep. */
u32 switchfs_bpf_sleepers(const struct switchfs_ops *ops)
{
	u32 members = 0;

	bpf_struct_ops_for_each_prog(ops, add_sleeper, &members);
	return members;
}

static struct switchfs_question *question_of(struct switchfs_ctx *ctx)
{
	return container_of(ctx, struct switchfs_question, ctx);
}

__bpf_kfunc_start_defs();

/**
 * bpf_switchfs_name - bytes of the name that the program is asked about
 * @ctx: the context
 * @from: the first byte to copy; from the end of the name if negative
 * @to: where to; the rest is filled with zeros
 * @to__sz: how many bytes
 *
 * The number of bytes of the name copied, or -EINVAL if @from is not within it. In a directory that
 * folds names it is the folded one.
 */
__bpf_kfunc int bpf_switchfs_name(struct switchfs_ctx *ctx, s32 from, void *to, u32 to__sz)
{
	struct switchfs_question *q = question_of(ctx);
	s64 start = from < 0 ? (s64)ctx->name_len + from : from;
	u32 len;

	if (start < 0 || start > ctx->name_len) {
		memset(to, 0, to__sz);
		return -EINVAL;
	}
	len = min_t(u32, ctx->name_len - start, to__sz);
	memcpy(to, q->name + start, len);
	memset(to + len, 0, to__sz - len);
	return len;
}

/**
 * bpf_switchfs_ends - whether the name ends so
 * @ctx: the context
 * @suffix__str: the end
 */
__bpf_kfunc bool bpf_switchfs_ends(struct switchfs_ctx *ctx, const char *suffix__str)
{
	struct switchfs_question *q = question_of(ctx);
	size_t len = strlen(suffix__str);

	return len <= ctx->name_len && !memcmp(q->name + ctx->name_len - len, suffix__str, len);
}

/**
 * bpf_switchfs_component - a component of the path
 * @ctx: the context
 * @up: which: 0 for the last, the name itself, 1 for the one before
 * @to: where to; cut or filled with zeros
 * @to__sz: how many bytes
 *
 * The length of the component; -ENOENT above the mount's root.
 */
__bpf_kfunc int bpf_switchfs_component(struct switchfs_ctx *ctx, u32 up, void *to, u32 to__sz)
{
	struct switchfs_question *q = question_of(ctx);
	struct name_snapshot name;
	struct dentry *dentry;
	u32 len;
	int ret = -ENOENT;

	memset(to, 0, to__sz);
	if (!up) {
		memcpy(to, q->name, min_t(u32, ctx->name_len, to__sz));
		return ctx->name_len;
	}
	if (up > 4096)
		return -ENOENT;
	if (q->is_listed)
		up--;
	rcu_read_lock();
	dentry = q->dentry;
	while (dentry && up && !IS_ROOT(dentry)) {
		dentry = READ_ONCE(dentry->d_parent);
		up--;
	}
	if (dentry && !IS_ROOT(dentry)) {
		take_dentry_name_snapshot(&name, dentry);
		len = name.name.len;
		memcpy(to, name.name.name, min_t(u32, len, to__sz));
		release_dentry_name_snapshot(&name);
		ret = len;
	}
	rcu_read_unlock();
	return ret;
}

/**
 * bpf_switchfs_path - the path from the mount's root
 * @ctx: the context
 * @to: where to, with a NUL; "/" for the root
 * @to__sz: how many bytes
 *
 * Its length without the NUL; -ENAMETOOLONG when it does not fit; -ENOENT for what has no path.
 */
__bpf_kfunc int bpf_switchfs_path(struct switchfs_ctx *ctx, void *to, u32 to__sz)
{
	struct switchfs_question *q = question_of(ctx);
	char *at;
	size_t len;

	if (!q->dentry || !to__sz) {
		memset(to, 0, to__sz);
		return -ENOENT;
	}
	at = dentry_path_raw(q->dentry, to, to__sz);
	if (IS_ERR(at)) {
		memset(to, 0, to__sz);
		return PTR_ERR(at);
	}
	len = strlen(at);
	memmove(to, at, len + 1);
	if (q->is_listed) {
		if (len == 1)
			len = 0;
		if (len + 1 + ctx->name_len >= to__sz) {
			memset(to, 0, to__sz);
			return -ENAMETOOLONG;
		}
		((char *)to)[len++] = '/';
		memcpy(to + len, q->name, ctx->name_len);
		len += ctx->name_len;
		((char *)to)[len] = 0;
	}
	memset(to + len, 0, to__sz - len);
	return len;
}

/**
 * bpf_switchfs_rules - what the static rules say
 * @ctx: the context
 *
 * As ->route returns it; SWITCHFS_NEED when a branch would have to be asked for it.
 */
__bpf_kfunc u64 bpf_switchfs_rules(struct switchfs_ctx *ctx)
{
	return switchfs_chooser_rules(question_of(ctx));
}

/**
 * bpf_switchfs_branch - the number of a branch
 * @ctx: the context
 * @name__str: its name
 *
 * -ENOENT when the mount has no such branch.
 */
__bpf_kfunc int bpf_switchfs_branch(struct switchfs_ctx *ctx, const char *name__str)
{
	return switchfs_chooser_branch(question_of(ctx), name__str, strlen(name__str));
}

/**
 * bpf_switchfs_exists - whether the name exists in a branch
 * @ctx: the context
 * @branch: the branch's number
 *
 * 0 or 1; -EAGAIN while that is not known: return SWITCHFS_NEED, and ask again. -EINVAL for what
 * is no branch.
 */
__bpf_kfunc int bpf_switchfs_exists(struct switchfs_ctx *ctx, u32 branch)
{
	struct switchfs_question *q = question_of(ctx);

	if (branch >= ctx->branches || branch >= SWITCHFS_BRANCHES)
		return -EINVAL;
	if (!(q->known & BIT_ULL(branch))) {
		q->asked |= BIT_ULL(branch);
		return -EAGAIN;
	}
	return !!(q->present & BIT_ULL(branch));
}

/**
 * bpf_switchfs_xattr - an extended attribute of the home's object
 * @ctx: the context
 * @name__str: its name; the same for all calls about one operation
 * @to: where to; cut or filled with zeros
 * @to__sz: how many bytes
 *
 * The length of the value; -EAGAIN while that is not known: return SWITCHFS_NEED, and ask again.
 * Else an errno: -ENODATA when there is no attribute or no object, -E2BIG for more than
 * SWITCHFS_XATTR_MAX bytes, -EINVAL when another attribute was asked for before.
 */
__bpf_kfunc int bpf_switchfs_xattr(struct switchfs_ctx *ctx, const char *name__str, void *to,
				   u32 to__sz)
{
	struct switchfs_question *q = question_of(ctx);

	memset(to, 0, to__sz);
	if (!q->xattr) {
		struct switchfs_xattr *xattr;

		if (strlen(name__str) > XATTR_NAME_MAX)
			return -EINVAL;
		xattr = kzalloc_obj(*xattr, GFP_NOWAIT);
		if (!xattr)
			return -ENOMEM;
		strscpy(xattr->name, name__str, sizeof(xattr->name));
		q->xattr = xattr;
		return -EAGAIN;
	}
	if (strcmp(q->xattr->name, name__str))
		return -EINVAL;
	if (q->xattr_len > 0)
		memcpy(to, q->xattr->value, min_t(u32, q->xattr_len, to__sz));
	return q->xattr_len;
}

/**
 * bpf_switchfs_count - adds to a counter of the mount
 * @ctx: the context
 * @which: 0 to 15
 * @add: how much
 *
 * 0, or -EINVAL when there is no such counter.
 */
__bpf_kfunc int bpf_switchfs_count(struct switchfs_ctx *ctx, u32 which, u64 add)
{
	return switchfs_chooser_count(question_of(ctx), which, add);
}

/**
 * bpf_switchfs_invalidate - lets no verdict be kept that was given so far on this mount
 * @ctx: the context
 */
__bpf_kfunc void bpf_switchfs_invalidate(struct switchfs_ctx *ctx)
{
	switchfs_chooser_invalidate(question_of(ctx));
}

/**
 * bpf_switchfs_set_attr - changes an attribute that the caller is shown
 * @attr: the attributes
 * @field: enum switchfs_attr_field
 * @value: the value
 *
 * 0, or -EINVAL for what is no field, or no value of it.
 */
__bpf_kfunc int bpf_switchfs_set_attr(struct switchfs_attr *attr, u32 field, u64 value)
{
	switch (field) {
	case SWITCHFS_ATTR_SIZE:
		if (value > S64_MAX)
			return -EINVAL;
		attr->size = value;
		return 0;
	case SWITCHFS_ATTR_MODE:
		if (value & ~07777ULL)
			return -EINVAL;
		attr->mode = value;
		return 0;
	case SWITCHFS_ATTR_UID:
	case SWITCHFS_ATTR_GID:
		if (value >= U32_MAX)
			return -EINVAL;
		if (field == SWITCHFS_ATTR_UID)
			attr->uid = value;
		else
			attr->gid = value;
		return 0;
	case SWITCHFS_ATTR_NLINK:
		if (!value || value > U32_MAX)
			return -EINVAL;
		attr->nlink = value;
		return 0;
	case SWITCHFS_ATTR_ATIME:
	case SWITCHFS_ATTR_MTIME:
	case SWITCHFS_ATTR_CTIME:
		attr->times[field - SWITCHFS_ATTR_ATIME] = value;
		return 0;
	}
	return -EINVAL;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(switchfs_kfuncs)
BTF_ID_FLAGS(func, bpf_switchfs_name)
BTF_ID_FLAGS(func, bpf_switchfs_ends)
BTF_ID_FLAGS(func, bpf_switchfs_component)
BTF_ID_FLAGS(func, bpf_switchfs_path)
BTF_ID_FLAGS(func, bpf_switchfs_rules)
BTF_ID_FLAGS(func, bpf_switchfs_branch)
BTF_ID_FLAGS(func, bpf_switchfs_exists)
BTF_ID_FLAGS(func, bpf_switchfs_xattr)
BTF_ID_FLAGS(func, bpf_switchfs_count)
BTF_ID_FLAGS(func, bpf_switchfs_invalidate)
BTF_ID_FLAGS(func, bpf_switchfs_set_attr)
BTF_KFUNCS_END(switchfs_kfuncs)

/*
 * The contexts are our own: programs of other types have none. Asked about kfuncs
 * of this module only; the set has their ids as they were when the module was
 * built, so that it tells nothing.
 */
static int switchfs_kfunc_filter(const struct bpf_prog *prog, u32 id)
{
	/* Not known yet in the first of the verifier's passes. */
	if (prog->aux->st_ops && prog->aux->st_ops != &switchfs_struct_ops)
		return -EACCES;
	return 0;
}

static const struct btf_kfunc_id_set switchfs_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &switchfs_kfuncs,
	.filter = switchfs_kfunc_filter,
};

/* Makes the type and the kfuncs known; they go when the module goes. -EOPNOTSUPP without BTF. */
int switchfs_bpf_init(void)
{
	int ret;

	ret = register_btf_kfunc_id_set(BPF_PROG_TYPE_STRUCT_OPS, &switchfs_kfunc_set);
	if (!ret)
		ret = register_bpf_struct_ops(&switchfs_struct_ops, switchfs_ops);
	if (!ret && !switchfs_has_btf)
		ret = -EOPNOTSUPP;
	return ret;
}
