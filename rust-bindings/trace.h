/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints. Each one that is on keeps switchfs_watch on: as long as nobody
 * looks, a call passes one nop, whatever could be told of it.
 *
 * Operations and names are not NUL-terminated; an err is a positive errno.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM switchfs

#if !defined(SWITCHFS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SWITCHFS_TRACE_H

#include <linux/kdev_t.h>
#include <linux/tracepoint.h>

int switchfs_trace_reg(void);
void switchfs_trace_unreg(void);

/* What was decided: the branch that serves. Rule 0 is none, -1 that of the open. */
TRACE_EVENT_FN(switchfs_route,
	TP_PROTO(dev_t dev, const char *op, size_t op_len, const unsigned char *name,
		 size_t len, u64 ino, const char *branch, int rule),
	TP_ARGS(dev, op, op_len, name, len, ino, branch, rule),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(int, rule)
		__string_len(op, op, op_len)
		__string_len(name, name, len)
		__string(branch, branch)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->ino = ino;
		__entry->rule = rule;
		__assign_str(op);
		__assign_str(name);
		__assign_str(branch);
	),
	TP_printk("dev %d:%d op %s ino %llu branch %s rule %d name %s",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __get_str(op), __entry->ino,
		  __get_str(branch), __entry->rule, __get_str(name)),
	switchfs_trace_reg, switchfs_trace_unreg
);

/* What was refused, and why: deny, hide, deep, cross, lost, missing. */
TRACE_EVENT_FN(switchfs_refuse,
	TP_PROTO(dev_t dev, const char *op, size_t op_len, const unsigned char *name,
		 size_t len, const char *reason, int err, int rule),
	TP_ARGS(dev, op, op_len, name, len, reason, err, rule),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(int, err)
		__field(int, rule)
		__string_len(op, op, op_len)
		__string_len(name, name, len)
		__string(reason, reason)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->err = err;
		__entry->rule = rule;
		__assign_str(op);
		__assign_str(name);
		__assign_str(reason);
	),
	TP_printk("dev %d:%d op %s reason %s err %d rule %d name %s",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __get_str(op),
		  __get_str(reason), __entry->err, __entry->rule, __get_str(name)),
	switchfs_trace_reg, switchfs_trace_unreg
);

/* Whether a cached name still holds: 1, 0, or a negative errno. */
TRACE_EVENT_FN(switchfs_revalidate,
	TP_PROTO(dev_t dev, const unsigned char *name, size_t len, int result),
	TP_ARGS(dev, name, len, result),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(int, result)
		__string_len(name, name, len)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->result = result;
		__assign_str(name);
	),
	TP_printk("dev %d:%d result %d name %s", MAJOR(__entry->dev), MINOR(__entry->dev),
		  __entry->result, __get_str(name)),
	switchfs_trace_reg, switchfs_trace_unreg
);

/* A backing file that was opened: the branch's inode, and O_* of the open. */
TRACE_EVENT_FN(switchfs_open,
	TP_PROTO(dev_t dev, const char *branch, u64 ino, unsigned int flags),
	TP_ARGS(dev, branch, ino, flags),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(unsigned int, flags)
		__string(branch, branch)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->ino = ino;
		__entry->flags = flags;
		__assign_str(branch);
	),
	TP_printk("dev %d:%d branch %s ino %llu flags 0x%x", MAJOR(__entry->dev),
		  MINOR(__entry->dev), __get_str(branch), __entry->ino, __entry->flags),
	switchfs_trace_reg, switchfs_trace_unreg
);

#endif /* SWITCHFS_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
