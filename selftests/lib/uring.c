// SPDX-License-Identifier: GPL-2.0-only
/* An io_uring without a library, used by one thread. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uring.h"

#define LOAD(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define STORE(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)

static void *map_ring(int fd, size_t size, off_t at)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, at);
}

int ring_open(struct ring *r, unsigned int entries, unsigned int flags)
{
	struct io_uring_params p = { .flags = flags, .sq_thread_idle = 100 };
	char *at;

	memset(r, 0, sizeof(*r));
	r->fd = syscall(SYS_io_uring_setup, entries, &p);
	if (r->fd < 0)
		return errno;
	r->entries = p.sq_entries;
	r->polled = flags & IORING_SETUP_SQPOLL;
	r->size[0] = p.sq_off.array + p.sq_entries * sizeof(int);
	if (p.cq_off.cqes + p.cq_entries * sizeof(*r->cqes) > r->size[0])
		r->size[0] = p.cq_off.cqes + p.cq_entries * sizeof(*r->cqes);
	r->size[1] = p.sq_entries * sizeof(*r->sqes);
	/* Both rings are one mapping (IORING_FEAT_SINGLE_MMAP). */
	r->map[0] = map_ring(r->fd, r->size[0], IORING_OFF_SQ_RING);
	r->map[1] = map_ring(r->fd, r->size[1], IORING_OFF_SQES);
	if (r->map[0] == MAP_FAILED || r->map[1] == MAP_FAILED)
		return ENOMEM;
	at = r->map[0];
	r->sq_tail = (void *)(at + p.sq_off.tail);
	r->sq_mask = (void *)(at + p.sq_off.ring_mask);
	r->sq_array = (void *)(at + p.sq_off.array);
	r->sq_flags = (void *)(at + p.sq_off.flags);
	r->cq_head = (void *)(at + p.cq_off.head);
	r->cq_tail = (void *)(at + p.cq_off.tail);
	r->cq_mask = (void *)(at + p.cq_off.ring_mask);
	r->cqes = (void *)(at + p.cq_off.cqes);
	r->sqes = r->map[1];
	return 0;
}

void ring_close(struct ring *r)
{
	munmap(r->map[0], r->size[0]);
	munmap(r->map[1], r->size[1]);
	close(r->fd);
}

int ring_register(struct ring *r, unsigned int what, const void *arg, unsigned int n)
{
	return syscall(SYS_io_uring_register, r->fd, what, arg, n) < 0 ? errno : 0;
}

struct io_uring_sqe *ring_sqe(struct ring *r, int opcode, int fd)
{
	unsigned int slot = (*r->sq_tail + r->pending) & *r->sq_mask;
	struct io_uring_sqe *sqe = &r->sqes[slot];

	r->sq_array[slot] = slot;
	r->pending++;
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = opcode;
	sqe->fd = fd;
	return sqe;
}

int ring_submit(struct ring *r, unsigned int wait)
{
	unsigned int n = r->pending, flags = wait ? IORING_ENTER_GETEVENTS : 0;

	STORE(r->sq_tail, *r->sq_tail + n);
	r->pending = 0;
	if (r->polled && LOAD(r->sq_flags) & IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	return syscall(SYS_io_uring_enter, r->fd, n, wait, flags, NULL, 0);
}

int ring_run_all(struct ring *r, int *results, int n)
{
	unsigned int head;
	int done = 0;

	if (ring_submit(r, n) < 0)
		return -errno;
	for (head = *r->cq_head; done < n && head != LOAD(r->cq_tail); head++, done++) {
		struct io_uring_cqe *cqe = &r->cqes[head & *r->cq_mask];

		if (cqe->user_data < (unsigned int)n)
			results[cqe->user_data] = cqe->res;
	}
	STORE(r->cq_head, head);
	return done;
}

int ring_run(struct ring *r)
{
	int result = -EIO, done = ring_run_all(r, &result, 1);

	return done == 1 ? result : done;
}
