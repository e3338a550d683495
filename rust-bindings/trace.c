// SPDX-License-Identifier: GPL-2.0-only
/*
 * The static key that says whether anybody watches, and the tracepoints as
 * functions. All of them may be called in RCU walk.
 */
#include <linux/jump_label.h>

#include "helpers.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

struct switchfs_key switchfs_watch = { .key = STATIC_KEY_FALSE_INIT };

int switchfs_trace_reg(void)
{
	static_branch_inc(&switchfs_watch.key);
	return 0;
}

void switchfs_trace_unreg(void)
{
	static_branch_dec(&switchfs_watch.key);
}

/* May sleep. */
void switchfs_helper_watch(bool on)
{
	if (on)
		static_branch_inc(&switchfs_watch.key);
	else
		static_branch_dec(&switchfs_watch.key);
}

void switchfs_helper_trace_route(u32 dev, const char *op, size_t op_len,
				 const unsigned char *name, size_t len, u64 ino,
				 const char *branch, int rule)
{
	trace_switchfs_route(dev, op, op_len, name, len, ino, branch, rule);
}

void switchfs_helper_trace_refuse(u32 dev, const char *op, size_t op_len,
				  const unsigned char *name, size_t len,
				  const char *reason, int err, int rule)
{
	trace_switchfs_refuse(dev, op, op_len, name, len, reason, err, rule);
}

void switchfs_helper_trace_revalidate(u32 dev, const unsigned char *name, size_t len, int result)
{
	trace_switchfs_revalidate(dev, name, len, result);
}

void switchfs_helper_trace_open(u32 dev, const char *branch, u64 ino, unsigned int flags)
{
	trace_switchfs_open(dev, branch, ino, flags);
}
