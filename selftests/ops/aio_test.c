// SPDX-License-Identifier: GPL-2.0-only
/* Asynchronous reads and writes, whose completion comes from the branch. */
#include "tree.h"

#include <linux/aio_abi.h>
#include <sys/syscall.h>

#define DEPTH 8
#define SIZE 4096

static int submit_and_wait(int fd, int opcode, unsigned char *buf)
{
	struct io_event events[DEPTH];
	struct iocb iocbs[DEPTH], *list[DEPTH];
	aio_context_t context = 0;
	int i, n = 0, err = 0;

	if (syscall(SYS_io_setup, DEPTH, &context))
		return errno;
	memset(iocbs, 0, sizeof(iocbs));
	for (i = 0; i < DEPTH; i++) {
		iocbs[i].aio_fildes = fd;
		iocbs[i].aio_lio_opcode = opcode;
		iocbs[i].aio_buf = (uintptr_t)(buf + i * SIZE);
		iocbs[i].aio_nbytes = SIZE;
		iocbs[i].aio_offset = i * SIZE;
		list[i] = &iocbs[i];
	}
	if (syscall(SYS_io_submit, context, DEPTH, list) != DEPTH)
		err = errno ?: EIO;
	while (!err && n < DEPTH) {
		long got = syscall(SYS_io_getevents, context, 1, DEPTH, events, NULL);

		if (got < 1)
			err = errno ?: EIO;
		for (i = 0; i < got; i++, n++)
			if (events[i].res != SIZE)
				err = events[i].res < 0 ? -events[i].res : EIO;
	}
	syscall(SYS_io_destroy, context);
	return err;
}

static unsigned char *buffer(unsigned char with)
{
	unsigned char *buf = mmap(NULL, DEPTH * SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(buf, with, DEPTH * SIZE);
	return buf;
}

static void write_and_read(struct __test_metadata *_metadata, int flags)
{
	unsigned char *out = buffer('w'), *in = buffer(0);
	int fd = open("f.c", O_CREAT | O_RDWR | flags, 0644);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, submit_and_wait(fd, IOCB_CMD_PWRITE, out));
	EXPECT_EQ(DEPTH * SIZE, stat_of("f.c").st_size);
	EXPECT_EQ(0, submit_and_wait(fd, IOCB_CMD_PREAD, in));
	EXPECT_EQ(0, memcmp(in, out, DEPTH * SIZE));
	EXPECT_OK(close(fd));
}

TEST_F(tree, asynchronous_buffered_io)
{
	write_and_read(_metadata, 0);
}

TEST_F(tree, asynchronous_direct_io)
{
	DOES(put("f.c", ""));
	if (opens(fmt("%s/f.c", self->dot_c), O_RDWR | O_DIRECT))
		return;
	write_and_read(_metadata, O_DIRECT);
}

TEST_F(tree, file_closed_while_requests_are_under_way)
{
	struct iocb iocbs[DEPTH], *list[DEPTH];
	unsigned char *buf = buffer('x');
	aio_context_t context = 0;
	int fd, i;

	DOES(put("f.c", ""));
	if (opens(fmt("%s/f.c", self->dot_c), O_RDWR | O_DIRECT))
		return;
	fd = open("f.c", O_RDWR | O_DIRECT);
	ASSERT_LE(0, fd);
	ASSERT_OK(syscall(SYS_io_setup, DEPTH, &context));
	memset(iocbs, 0, sizeof(iocbs));
	for (i = 0; i < DEPTH; i++) {
		iocbs[i].aio_fildes = fd;
		iocbs[i].aio_lio_opcode = IOCB_CMD_PWRITE;
		iocbs[i].aio_buf = (uintptr_t)(buf + i * SIZE);
		iocbs[i].aio_nbytes = SIZE;
		iocbs[i].aio_offset = i * SIZE;
		list[i] = &iocbs[i];
	}
	EXPECT_EQ(DEPTH, syscall(SYS_io_submit, context, DEPTH, list));
	ASSERT_OK(close(fd));
	ASSERT_OK(unlink("f.c"));
	/* Waits for them all. */
	ASSERT_OK(syscall(SYS_io_destroy, context));
}

TREE_TEST_MAIN
