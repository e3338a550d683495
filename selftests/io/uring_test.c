// SPDX-License-Identifier: GPL-2.0-only
/* io_uring: operations on files of the mount, also with what is registered. */
#include "uring.h"
#include "tree.h"

#include <linux/stat.h>

#define SIZE 65536

static unsigned char *buffer(unsigned char seed)
{
	unsigned char *buf = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i;

	for (i = 0; seed && i < SIZE; i++)
		buf[i] = seed + i * 7 + (i >> 9);
	return buf;
}

static int rw(struct ring *r, int op, int fd, void *buf, unsigned int len, off_t at)
{
	struct io_uring_sqe *sqe = ring_sqe(r, op, fd);

	sqe->addr = (uintptr_t)buf;
	sqe->len = len;
	sqe->off = at;
	return ring_run(r);
}

static void write_and_read(struct __test_metadata *_metadata, int flags, int how)
{
	unsigned char *out = buffer(1), *in = buffer(0);
	struct ring r;
	int fd;

	ASSERT_EQ(0, ring_open(&r, 8, how));
	fd = open("f.c", O_CREAT | O_RDWR | flags, 0644);
	ASSERT_LE(0, fd);
	EXPECT_EQ(SIZE, rw(&r, IORING_OP_WRITE, fd, out, SIZE, 0));
	EXPECT_EQ(SIZE, stat_of("f.c").st_size);
	EXPECT_EQ(SIZE, rw(&r, IORING_OP_READ, fd, in, SIZE, 0));
	EXPECT_EQ(0, memcmp(in, out, SIZE));
	EXPECT_EQ(0, rw(&r, IORING_OP_READ, fd, in, SIZE, SIZE));
	ring_sqe(&r, IORING_OP_FSYNC, fd);
	EXPECT_EQ(0, ring_run(&r));
	close(fd);
	ring_close(&r);
}

TEST_F(tree, buffered_reads_and_writes)
{
	write_and_read(_metadata, 0, 0);
}

TEST_F(tree, direct_reads_and_writes)
{
	DOES(put("f.c", ""));
	if (opens(fmt("%s/f.c", self->dot_c), O_RDWR | O_DIRECT))
		return;
	write_and_read(_metadata, O_DIRECT, 0);
}

TEST_F(tree, kernel_thread_submits)
{
	write_and_read(_metadata, 0, IORING_SETUP_SQPOLL);
}

TEST_F(tree, registered_files_and_buffers)
{
	unsigned char *out = buffer(1), *in = buffer(0);
	struct iovec buffers[2] = { { out, SIZE }, { in, SIZE } };
	struct io_uring_sqe *sqe;
	struct ring r;
	int fd;

	ASSERT_EQ(0, ring_open(&r, 8, 0));
	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ring_register(&r, IORING_REGISTER_BUFFERS, buffers, 2));
	ASSERT_EQ(0, ring_register(&r, IORING_REGISTER_FILES, &fd, 1));
	/* The ring keeps the file open. */
	close(fd);
	sqe = ring_sqe(&r, IORING_OP_WRITE_FIXED, 0);
	sqe->flags = IOSQE_FIXED_FILE;
	sqe->addr = (uintptr_t)out;
	sqe->len = SIZE;
	EXPECT_EQ(SIZE, ring_run(&r));
	sqe = ring_sqe(&r, IORING_OP_READ_FIXED, 0);
	sqe->flags = IOSQE_FIXED_FILE | IOSQE_ASYNC;
	sqe->addr = (uintptr_t)in;
	sqe->len = SIZE;
	sqe->buf_index = 1;
	EXPECT_EQ(SIZE, ring_run(&r));
	EXPECT_EQ(0, memcmp(in, out, SIZE));
	ASSERT_OK(unlink("f.c"));
	ring_close(&r);
}

TEST_F(tree, many_requests_at_once)
{
	unsigned char *out = buffer(3), *in = buffer(0);
	struct io_uring_sqe *sqe;
	int fd, i, results[16];
	struct ring r;

	ASSERT_EQ(0, ring_open(&r, 16, 0));
	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	for (i = 0; i < 16; i++) {
		sqe = ring_sqe(&r, IORING_OP_WRITE, fd);
		sqe->flags = i & 1 ? IOSQE_ASYNC : 0;
		sqe->addr = (uintptr_t)(out + i * 4096);
		sqe->len = 4096;
		sqe->off = i * 4096;
		sqe->user_data = i;
	}
	ASSERT_EQ(16, ring_run_all(&r, results, 16));
	for (i = 0; i < 16; i++)
		EXPECT_EQ(4096, results[i]);
	EXPECT_EQ(SIZE, pread(fd, in, SIZE, 0));
	EXPECT_EQ(0, memcmp(in, out, SIZE));
	/* Appends in a row go one behind the other. */
	ASSERT_OK(ftruncate(fd, 0));
	ASSERT_OK(fcntl(fd, F_SETFL, O_APPEND));
	for (i = 0; i < 16; i++) {
		sqe = ring_sqe(&r, IORING_OP_WRITE, fd);
		sqe->flags = IOSQE_ASYNC;
		sqe->addr = (uintptr_t)out;
		sqe->len = 100;
		sqe->user_data = i;
	}
	ASSERT_EQ(16, ring_run_all(&r, results, 16));
	for (i = 0; i < 16; i++)
		EXPECT_EQ(100, results[i]);
	EXPECT_EQ(1600, stat_of("f.c").st_size);
	ring_close(&r);
}

static int path_op(struct ring *r, int op, const char *path, const char *to,
		   unsigned int len)
{
	struct io_uring_sqe *sqe = ring_sqe(r, op, AT_FDCWD);

	sqe->addr = (uintptr_t)path;
	sqe->addr2 = (uintptr_t)to;
	sqe->len = len;
	return ring_run(r);
}

TEST_F(tree, names_are_made_moved_and_removed)
{
	struct statx st = { 0 };
	struct io_uring_sqe *sqe;
	struct ring r;
	int fd;

	ASSERT_EQ(0, ring_open(&r, 8, 0));
	sqe = ring_sqe(&r, IORING_OP_OPENAT, AT_FDCWD);
	sqe->addr = (uintptr_t)"f.c";
	sqe->len = 0640;
	sqe->open_flags = O_CREAT | O_EXCL | O_RDWR;
	fd = ring_run(&r);
	ASSERT_LE(0, fd);
	EXPECT_EQ(4, rw(&r, IORING_OP_WRITE, fd, "text", 4, 0));
	EXPECT_EQ(0, path_op(&r, IORING_OP_MKDIRAT, "d", NULL, 0755));
	sqe = ring_sqe(&r, IORING_OP_STATX, AT_FDCWD);
	sqe->addr = (uintptr_t)"f.c";
	sqe->len = STATX_BASIC_STATS;
	sqe->off = (uintptr_t)&st;
	EXPECT_EQ(0, ring_run(&r));
	EXPECT_EQ(4, st.stx_size);
	EXPECT_EQ(S_IFREG | 0640, st.stx_mode);
	EXPECT_EQ(0, path_op(&r, IORING_OP_LINKAT, "f.c", "l.c", AT_FDCWD));
	EXPECT_EQ(0, path_op(&r, IORING_OP_SYMLINKAT, "f.c", "s", 0));
	EXPECT_EQ(0, path_op(&r, IORING_OP_RENAMEAT, "f.c", "d/g.c", AT_FDCWD));
	EXPECT_EQ(0, path_op(&r, IORING_OP_UNLINKAT, "l.c", NULL, 0));
	EXPECT_STREQ("d s", names_in("."));
	EXPECT_STREQ("text", get("d/g.c"));
	ring_sqe(&r, IORING_OP_CLOSE, fd);
	EXPECT_EQ(0, ring_run(&r));
	EXPECT_ERR(EBADF, fcntl(fd, F_GETFD));
	ring_close(&r);
}

TEST_F(tree, sizes_space_and_advice)
{
	struct io_uring_sqe *sqe;
	int fd, under, expected;
	struct ring r;

	ASSERT_EQ(0, ring_open(&r, 8, 0));
	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	under = open(fmt("%s/f.c", self->dot_c), O_RDWR);
	expected = -ERR(fallocate(under, 0, 0, 8192));
	sqe = ring_sqe(&r, IORING_OP_FALLOCATE, fd);
	sqe->addr = 16384;
	EXPECT_EQ(expected, ring_run(&r));
	EXPECT_EQ(expected ? 0 : 16384, stat_of("f.c").st_size);
	sqe = ring_sqe(&r, IORING_OP_FTRUNCATE, fd);
	sqe->off = 100;
	EXPECT_EQ(0, ring_run(&r));
	EXPECT_EQ(100, stat_of("f.c").st_size);
	sqe = ring_sqe(&r, IORING_OP_FADVISE, fd);
	sqe->len = 100;
	sqe->fadvise_advice = POSIX_FADV_WILLNEED;
	EXPECT_EQ(0, ring_run(&r));
	sqe = ring_sqe(&r, IORING_OP_SYNC_FILE_RANGE, fd);
	EXPECT_EQ(0, ring_run(&r));
	ring_close(&r);
}

TEST_F(tree, attributes_are_set_and_read)
{
	struct io_uring_sqe *sqe;
	struct ring r;
	char value[8] = "";

	ASSERT_EQ(0, ring_open(&r, 8, 0));
	DOES(put("f.c", ""));
	sqe = ring_sqe(&r, IORING_OP_SETXATTR, 0);
	sqe->addr = (uintptr_t)"user.a";
	sqe->addr2 = (uintptr_t)"value";
	sqe->addr3 = (uintptr_t)"f.c";
	sqe->len = 5;
	EXPECT_EQ(0, ring_run(&r));
	sqe = ring_sqe(&r, IORING_OP_GETXATTR, 0);
	sqe->addr = (uintptr_t)"user.a";
	sqe->addr2 = (uintptr_t)value;
	sqe->addr3 = (uintptr_t)"f.c";
	sqe->len = sizeof(value);
	EXPECT_EQ(5, ring_run(&r));
	EXPECT_STREQ("value", value);
	ring_close(&r);
}

TEST_F(tree, splice_moves_data_out_and_in)
{
	struct io_uring_sqe *sqe;
	int from, to, p[2];
	struct ring r;

	ASSERT_EQ(0, ring_open(&r, 8, 0));
	DOES(put("from.c", "spliced data"));
	from = open("from.c", O_RDONLY);
	to = open("to.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, to);
	ASSERT_OK(pipe(p));
	sqe = ring_sqe(&r, IORING_OP_SPLICE, p[1]);
	sqe->splice_fd_in = from;
	sqe->splice_off_in = 2;
	sqe->off = -1;
	sqe->len = 6;
	EXPECT_EQ(6, ring_run(&r));
	sqe = ring_sqe(&r, IORING_OP_SPLICE, to);
	sqe->splice_fd_in = p[0];
	sqe->splice_off_in = -1;
	sqe->off = 0;
	sqe->len = 6;
	EXPECT_EQ(6, ring_run(&r));
	EXPECT_STREQ("liced ", get("to.c"));
	ring_close(&r);
}

TEST_F(tree, request_keeps_the_openers_rights_and_the_rings_checks_names)
{
	struct io_uring_sqe *sqe;
	char buf[8] = "";
	struct ring r;
	int fd;

	DOES(put("f.c", "text"));
	ASSERT_OK(chmod("f.c", 0600));
	fd = open("f.c", O_RDWR);
	ASSERT_LE(0, fd);
	user_become(SOMEONE);
	EXPECT_EQ(0, ring_open(&r, 8, 0));
	EXPECT_EQ(4, rw(&r, IORING_OP_READ, fd, buf, sizeof(buf), 0));
	sqe = ring_sqe(&r, IORING_OP_OPENAT, AT_FDCWD);
	sqe->addr = (uintptr_t)"f.c";
	sqe->flags = IOSQE_ASYNC;
	EXPECT_EQ(-EACCES, ring_run(&r));
	user_return();
	ring_close(&r);
}

TEST_F(tree, ring_that_goes_away_lets_its_requests_end)
{
	unsigned char *out = buffer(1);
	struct io_uring_sqe *sqe;
	struct ring r;
	int fd, i;

	ASSERT_EQ(0, ring_open(&r, 16, 0));
	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	for (i = 0; i < 16; i++) {
		sqe = ring_sqe(&r, IORING_OP_WRITE, fd);
		sqe->flags = IOSQE_ASYNC;
		sqe->addr = (uintptr_t)out;
		sqe->len = 4096;
		sqe->off = i * 4096;
	}
	EXPECT_EQ(16, ring_submit(&r, 0));
	close(fd);
	ring_close(&r);
	ASSERT_OK(unlink("f.c"));
}

TREE_TEST_MAIN
