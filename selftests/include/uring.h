/* SPDX-License-Identifier: GPL-2.0-only */
/* An io_uring without a library. */
#ifndef SWITCHFS_URING_H
#define SWITCHFS_URING_H

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>

struct ring {
	int fd;
	unsigned int entries, pending;
	bool polled;
	unsigned int *sq_tail, *sq_mask, *sq_array, *sq_flags;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	void *map[2];
	size_t size[2];
};

/* 0 or an errno. */
int ring_open(struct ring *r, unsigned int entries, unsigned int flags);
void ring_close(struct ring *r);
int ring_register(struct ring *r, unsigned int what, const void *arg, unsigned int n);
/* The next request, zeroed but for the two. */
struct io_uring_sqe *ring_sqe(struct ring *r, int opcode, int fd);
/* Hands over what is pending and waits for WAIT answers; how many it took. */
int ring_submit(struct ring *r, unsigned int wait);
/* Hands over the one pending request and waits: its result. */
int ring_run(struct ring *r);
/* The same for N requests, whose results go where their user_data says. */
int ring_run_all(struct ring *r, int *results, int n);

#endif
