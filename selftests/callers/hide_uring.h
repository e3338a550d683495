/* SPDX-License-Identifier: GPL-2.0-only */
/* The requests of io_uring that take a name, as the calls of hide.h; and the whole table. */
#ifndef SWITCHFS_HIDE_URING_H
#define SWITCHFS_HIDE_URING_H

#include "hide.h"
#include "uring.h"

/* Hands in the request with these fields, and waits: -1 and errno if it fails. */
static int requested(const struct io_uring_sqe *fields)
{
	static struct ring ring;
	int result;

	if (!ring.entries && ring_open(&ring, 4, 0))
		_exit(1);
	*ring_sqe(&ring, fields->opcode, fields->fd) = *fields;
	result = ring_run(&ring);
	if (result >= 0 && (fields->opcode == IORING_OP_OPENAT ||
			    fields->opcode == IORING_OP_OPENAT2))
		close(result);
	errno = -result;
	return result < 0 ? -1 : 0;
}

static struct open_how hide_how = { .flags = O_RDONLY, .resolve = RESOLVE_BENEATH };

/* The paths and what goes with them are in the same fields for nearly all. */
#define P(op, a, b, f, n) requested(&(struct io_uring_sqe){			\
	.opcode = IORING_OP_##op, .fd = AT_FDCWD, .addr = (unsigned long)(a),	\
	.addr2 = (unsigned long)(b), .open_flags = f, .len = n })
#define PX(op, value, n) requested(&(struct io_uring_sqe){			\
	.opcode = IORING_OP_##op, .addr = (unsigned long)"user.a",		\
	.addr2 = (unsigned long)(value), .addr3 = (unsigned long)S, .len = n })

#define URING_CALLS(X)								\
X(uring_openat, ENOENT, 0, P(OPENAT, S, NULL, O_RDONLY, 0))			\
X(uring_openat_write, ENOENT, 0, P(OPENAT, S, NULL, O_WRONLY | O_TRUNC, 0))	\
X(uring_openat_create, EACCES, 0, P(OPENAT, S, NULL, O_WRONLY | O_CREAT, 0644)) \
X(uring_openat_exclusive, EACCES, 0, P(OPENAT, S, NULL, O_RDWR | O_CREAT | O_EXCL, 0644)) \
X(uring_openat2, ENOENT, 0, P(OPENAT2, S, &hide_how, 0, sizeof(hide_how)))	\
X(uring_statx, ENOENT, 0, P(STATX, S, &hide_stx, 0, STATX_ALL))		\
X(uring_unlinkat, ENOENT, 0, P(UNLINKAT, S, NULL, 0, 0))			\
X(uring_rmdir, ENOENT, 0, P(UNLINKAT, S, NULL, AT_REMOVEDIR, 0))		\
X(uring_renameat_from, ENOENT, 0, P(RENAMEAT, S, "new", 0, AT_FDCWD))		\
X(uring_renameat_to, EACCES, 0, P(RENAMEAT, "plain", S, 0, AT_FDCWD))		\
X(uring_renameat_no_replace, EACCES, 0, P(RENAMEAT, "plain", S, RENAME_NOREPLACE, AT_FDCWD)) \
X(uring_renameat_exchange, ENOENT, 0, P(RENAMEAT, "plain", S, RENAME_EXCHANGE, AT_FDCWD)) \
X(uring_mkdirat, EACCES, 0, P(MKDIRAT, S, NULL, 0, 0755))			\
X(uring_symlinkat, EACCES, 0, P(SYMLINKAT, "plain", S, 0, 0))			\
X(uring_linkat_to, EACCES, 0, P(LINKAT, "plain", S, 0, AT_FDCWD))		\
X(uring_linkat_from, ENOENT, 0, P(LINKAT, S, "new", 0, AT_FDCWD))		\
X(uring_getxattr, ENOENT, 0, PX(GETXATTR, hide_buf, sizeof(hide_buf))) \
X(uring_setxattr, ENOENT, 0, PX(SETXATTR, "b", 1))

LOOKING_CALLS(HIDE_FUNCTION)
OPENING_CALLS(HIDE_FUNCTION)
CHANGING_CALLS(HIDE_FUNCTION)
URING_CALLS(HIDE_FUNCTION)

static const struct hide_call hide_calls[] = {
	LOOKING_CALLS(HIDE_ROW)
	OPENING_CALLS(HIDE_ROW)
	CHANGING_CALLS(HIDE_ROW)
	URING_CALLS(HIDE_ROW)
};

#endif
