// SPDX-License-Identifier: GPL-2.0-only
/* Asynchronous requests of all kinds (Linux AIO), and ranges sent to the disk. */
#include "tree.h"

#include <linux/aio_abi.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static aio_context_t context;

static long request(int fd, int opcode, const void *buf, size_t len, off_t at,
		    int rw_flags, int event_fd)
{
	struct iocb cb = {
		.aio_fildes = fd,
		.aio_lio_opcode = opcode,
		.aio_buf = (uintptr_t)buf,
		.aio_nbytes = len,
		.aio_offset = at,
		.aio_rw_flags = rw_flags,
		.aio_flags = event_fd < 0 ? 0 : IOCB_FLAG_RESFD,
		.aio_resfd = event_fd < 0 ? 0 : event_fd,
	};
	struct iocb *list[1] = { &cb };
	struct io_event event;

	if (!context && syscall(SYS_io_setup, 4, &context))
		return -errno;
	if (syscall(SYS_io_submit, context, 1, list) != 1)
		return -errno;
	if (syscall(SYS_io_getevents, context, 1, 1, &event, NULL) != 1)
		return -EIO;
	return event.res;
}

TEST_F(tree, vectors_and_flags_of_asynchronous_requests)
{
	struct iovec out[2] = { { "one", 3 }, { "two", 3 } };
	char a[8] = "";
	struct iovec in[2] = { { a, 2 }, { a + 2, 4 } };
	int fd = open("f.c", O_CREAT | O_RDWR, 0644);

	ASSERT_LE(0, fd);
	EXPECT_EQ(6, request(fd, IOCB_CMD_PWRITEV, out, 2, 0, 0, -1));
	EXPECT_EQ(6, request(fd, IOCB_CMD_PREADV, in, 2, 0, 0, -1));
	EXPECT_STREQ("onetwo", a);
	EXPECT_EQ(3, request(fd, IOCB_CMD_PWRITE, "end", 3, 0, RWF_APPEND, -1));
	EXPECT_EQ(3, request(fd, IOCB_CMD_PWRITE, "ONE", 3, 0, RWF_DSYNC, -1));
	EXPECT_STREQ("ONEtwoend", get("f.c"));
	EXPECT_EQ(-EOPNOTSUPP, request(fd, IOCB_CMD_PREAD, a, 1, 0, 0x40000000, -1));
	EXPECT_EQ(-EINVAL, request(fd, 99, a, 1, 0, 0, -1));
	EXPECT_EQ(0, request(fd, IOCB_CMD_PREAD, a, 8, 100, 0, -1));
}

TEST_F(tree, asynchronous_sync)
{
	int fd = open("f.c", O_CREAT | O_RDWR, 0644);

	ASSERT_LE(0, fd);
	EXPECT_EQ(4, write(fd, "data", 4));
	EXPECT_EQ(0, request(fd, IOCB_CMD_FSYNC, NULL, 0, 0, 0, -1));
	EXPECT_EQ(0, request(fd, IOCB_CMD_FDSYNC, NULL, 0, 0, 0, -1));
}

TEST_F(tree, completion_is_told_by_an_eventfd)
{
	int fd = open("f.c", O_CREAT | O_RDWR, 0644), event = eventfd(0, EFD_NONBLOCK);
	uint64_t n = 0;

	ASSERT_LE(0, fd);
	EXPECT_EQ(4, request(fd, IOCB_CMD_PWRITE, "data", 4, 0, 0, event));
	EXPECT_EQ(8, read(event, &n, 8));
	EXPECT_EQ(1, n);
}

TEST_F(tree, asynchronous_write_drops_set_id_bits_and_is_seen)
{
	int fd;

	DOES(put("f.c", "0123"));
	ASSERT_OK(chmod("f.c", 06777));
	user_become(SOMEONE);
	fd = open("f.c", O_WRONLY);
	EXPECT_EQ(8, request(fd, IOCB_CMD_PWRITE, "abcdefgh", 8, 0, 0, -1));
	user_return();
	EXPECT_EQ(S_IFREG | 0777, stat_of("f.c").st_mode);
	EXPECT_EQ(8, stat_of("f.c").st_size);
}

/* As on overlayfs it does nothing, but says so of what cannot be. */
TEST_F(tree, ranges_can_be_asked_to_go_to_the_disk)
{
	const unsigned int all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
		SYNC_FILE_RANGE_WAIT_AFTER;
	int fd = open("f.c", O_CREAT | O_RDWR, 0644), p[2];

	ASSERT_LE(0, fd);
	EXPECT_EQ(4, write(fd, "data", 4));
	EXPECT_OK(sync_file_range(fd, 0, 0, all));
	EXPECT_OK(sync_file_range(fd, 0, 4, SYNC_FILE_RANGE_WRITE));
	EXPECT_ERR(EINVAL, sync_file_range(fd, 0, 4, 0x100));
	EXPECT_ERR(EINVAL, sync_file_range(fd, -1, 4, all));
	ASSERT_OK(pipe(p));
	EXPECT_ERR(ESPIPE, sync_file_range(p[0], 0, 0, all));
	EXPECT_ERR(EINVAL, readahead(p[0], 0, 4096));
	fd = open("f.c", O_WRONLY);
	EXPECT_ERR(EBADF, readahead(fd, 0, 4096));
}

TREE_TEST_MAIN
