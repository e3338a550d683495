/* SPDX-License-Identifier: GPL-2.0-only */
/* What switchfs says of itself: routes, debugfs, tracepoints. */
#ifndef SWITCHFS_EXPLAIN_H
#define SWITCHFS_EXPLAIN_H

#include <stdbool.h>
#include <sys/types.h>

/* The text of trusted.switchfs.route; "<errno text>" on an error. */
const char *route_of(const char *path);
/* The same of what PATH itself is, also if that is a symbolic link. */
const char *route_of_link(const char *path);
/*
 * The same by the ioctl, for NAME in DIR, of the file type of MODE; the errno
 * is in errno, 0 on success.
 */
const char *route_in(const char *dir, const char *name, mode_t mode);
/* What follows "OP " in TEXT; "" when there is no such line. */
const char *line_of(const char *text, const char *op);

/* FILE of the mount at TARGET in debugfs. */
const char *debug_path(const char *target, const char *file);
/* What it holds. */
const char *debug_text(const char *target, const char *file);
/* Writes TEXT to it; 0 or an errno. */
int debug_write(const char *target, const char *file, const char *text);
/* The number at the end of the line of `counters` that begins with WHAT. */
long counted(const char *target, const char *what);
/* The hits of a rule. */
long hits_of(const char *target, const char *number);

/* An instance of tracefs of one's own, of what the caller does and its children do not. */
struct trace {
	char dir[128];
};

int trace_begin(struct trace *t);
int trace_enable(const struct trace *t, const char *event, bool on);
/* What was traced since it was read last, of at most 64K. */
const char *trace_text(const struct trace *t);
void trace_end(struct trace *t);

#endif
