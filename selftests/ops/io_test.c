// SPDX-License-Identifier: GPL-2.0-only
/* read, write, their vectored and positioned forms, splice, positions. */
#include "tree.h"

#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define BIG (300 * 1024)

static void fill(unsigned char *buf, size_t len, unsigned int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = (seed += 2654435761u) >> 24;
}

static int fresh(const char *path, int flags)
{
	return open(path, O_CREAT | O_RDWR | flags, 0644);
}

TEST_F(tree, large_writes_are_read_back)
{
	static unsigned char out[BIG], in[BIG];
	int fd = fresh("f.c", 0), direct;

	fill(out, BIG, 1);
	ASSERT_LE(0, fd);
	EXPECT_EQ(BIG, write(fd, out, BIG));
	EXPECT_EQ(BIG, stat_of("f.c").st_size);
	EXPECT_EQ(BIG, pread(fd, in, BIG, 0));
	EXPECT_EQ(0, memcmp(in, out, BIG));
	direct = open(fmt("%s/f.c", self->dot_c), O_RDONLY);
	memset(in, 0, BIG);
	EXPECT_EQ(BIG, read(direct, in, BIG));
	EXPECT_EQ(0, memcmp(in, out, BIG));
	EXPECT_EQ(0, read(direct, in, BIG));
}

TEST_F(tree, positioned_and_vectored_io_agree)
{
	struct iovec out[3] = { { "one", 3 }, { "two", 3 }, { "three", 5 } };
	char a[4] = "", b[8] = "", all[32] = "";
	struct iovec in[2] = { { a, 3 }, { b, 7 } };
	int fd = fresh("f.c", 0);

	ASSERT_LE(0, fd);
	EXPECT_EQ(11, pwritev(fd, out, 3, 2));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(10, preadv(fd, in, 2, 2));
	EXPECT_STREQ("one", a);
	EXPECT_STREQ("twothre", b);
	EXPECT_EQ(3, pwrite(fd, "TWO", 3, 5));
	EXPECT_EQ(13, pread(fd, all, sizeof(all), 0));
	EXPECT_EQ(0, memcmp(all, "\0\0oneTWOthree", 13));
	EXPECT_EQ(0, pread(fd, all, sizeof(all), 13));
	EXPECT_EQ(6, readv(fd, (struct iovec[2]){ { a, 2 }, { b, 4 } }, 2));
	EXPECT_EQ(6, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(3, pwritev2(fd, out, 1, 0, RWF_DSYNC));
	EXPECT_EQ(3, preadv2(fd, in, 1, -1, 0));
	EXPECT_EQ(9, lseek(fd, 0, SEEK_CUR));
	EXPECT_ERR(EINVAL, pread(fd, all, 1, -1));
}

TEST_F(tree, append_writes_at_the_end_whatever_the_position)
{
	int one = fresh("f.c", O_APPEND), two = open("f.c", O_WRONLY | O_APPEND);

	ASSERT_LE(0, one);
	EXPECT_EQ(3, write(one, "one", 3));
	EXPECT_EQ(3, write(two, "two", 3));
	EXPECT_EQ(0, lseek(one, 0, SEEK_SET));
	EXPECT_EQ(5, write(one, "three", 5));
	EXPECT_EQ(11, lseek(one, 0, SEEK_CUR));
	EXPECT_STREQ("onetwothree", get("f.c"));
	/* A write elsewhere in between moves the end. */
	DOES(put("g.c", "0123"));
	close(one);
	one = open("g.c", O_WRONLY | O_APPEND);
	ASSERT_OK(truncate("g.c", 2));
	EXPECT_EQ(1, write(one, "x", 1));
	EXPECT_STREQ("01x", get("g.c"));
}

TEST_F(tree, append_can_be_switched_on_later)
{
	int fd = fresh("f.c", 0);

	ASSERT_LE(0, fd);
	EXPECT_EQ(4, write(fd, "0123", 4));
	ASSERT_OK(fcntl(fd, F_SETFL, O_APPEND));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(1, write(fd, "4", 1));
	EXPECT_STREQ("01234", get("f.c"));
}

TEST_F(tree, sparse_file_reads_zeros)
{
	char buf[8192];
	int fd = fresh("f.c", 0), i;

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwrite(fd, "x", 1, 1 << 20));
	EXPECT_EQ((1 << 20) + 1, stat_of("f.c").st_size);
	EXPECT_EQ(8192, pread(fd, buf, 8192, 4096));
	for (i = 0; i < 8192 && !buf[i]; i++)
		;
	EXPECT_EQ(8192, i);
	EXPECT_GT(1024, stat_of("f.c").st_blocks);
}

TEST_F(tree, two_descriptors_see_each_others_writes)
{
	char buf[8] = "";
	int one = fresh("f.c", 0), two;

	ASSERT_LE(0, one);
	two = open("f.c", O_RDWR);
	ASSERT_LE(0, two);
	EXPECT_EQ(3, pwrite(one, "abc", 3, 0));
	EXPECT_EQ(3, pread(two, buf, 8, 0));
	EXPECT_STREQ("abc", buf);
	EXPECT_EQ(1, pwrite(two, "B", 1, 1));
	EXPECT_EQ(3, pread(one, buf, 8, 0));
	EXPECT_STREQ("aBc", buf);
	ASSERT_OK(ftruncate(two, 1));
	EXPECT_EQ(1, pread(one, buf, 8, 0));
}

TEST_F(tree, lseek_knows_the_end)
{
	int fd;

	DOES(put("f.c", "0123456789"));
	fd = open("f.c", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(10, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(7, lseek(fd, -3, SEEK_CUR));
	EXPECT_EQ(15, lseek(fd, 5, SEEK_END));
	EXPECT_ERR(EINVAL, lseek(fd, -1, SEEK_SET));
	EXPECT_ERR(EINVAL, lseek(fd, 0, 77));
	/* Grown by somebody else. */
	ASSERT_OK(truncate("f.c", 20));
	EXPECT_EQ(20, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(21, stat_of("f.c").st_size);
}

TEST_F(tree, lseek_finds_data_and_holes)
{
	static char block[65536];
	int fd = fresh("f.c", 0);

	ASSERT_LE(0, fd);
	memset(block, 'd', sizeof(block));
	EXPECT_EQ(65536, pwrite(fd, block, 65536, 1 << 20));
	ASSERT_OK(ftruncate(fd, 2 << 20));
	ASSERT_OK(fsync(fd));
	EXPECT_EQ(1 << 20, lseek(fd, 0, SEEK_DATA));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_HOLE));
	EXPECT_EQ((1 << 20) + 65536, lseek(fd, 1 << 20, SEEK_HOLE));
	EXPECT_ERR(ENXIO, lseek(fd, 3 << 20, SEEK_DATA));
	EXPECT_ERR(ENXIO, lseek(fd, (1 << 20) + 65536, SEEK_DATA));
	close(fd);
}

TEST_F(tree, sendfile_and_splice_move_data_both_ways)
{
	static unsigned char out[BIG], in[BIG];
	int from = fresh("from.c", 0), to = fresh("to.c", 0), p[2];
	off_t at = 0;
	ssize_t n, done = 0;

	fill(out, BIG, 9);
	ASSERT_LE(0, from);
	ASSERT_EQ(BIG, pwrite(from, out, BIG, 0));
	while ((n = sendfile(to, from, &at, BIG - at)) > 0)
		done += n;
	EXPECT_EQ(BIG, done);
	EXPECT_EQ(BIG, pread(to, in, BIG, 0));
	EXPECT_EQ(0, memcmp(in, out, BIG));

	ASSERT_OK(pipe(p));
	ASSERT_OK(ftruncate(to, 0));
	for (at = 0; at < 65536; at += n) {
		loff_t in_at = at, out_at = at;

		n = splice(from, &in_at, p[1], NULL, 16384, 0);
		ASSERT_LT(0, n);
		ASSERT_EQ(n, splice(p[0], NULL, to, &out_at, n, 0));
	}
	memset(in, 0, BIG);
	EXPECT_EQ(65536, pread(to, in, BIG, 0));
	EXPECT_EQ(0, memcmp(in, out, 65536));
	EXPECT_EQ(65536, stat_of("to.c").st_size);
}

TEST_F(tree, copy_file_range_copies)
{
	int from, to = fresh("to.c", 0);

	DOES(put("from.c", "copied by the kernel"));
	from = open("from.c", O_RDONLY);
	ASSERT_LE(0, from);
	EXPECT_EQ(20, copy_file_range(from, NULL, to, NULL, 100, 0));
	EXPECT_STREQ("copied by the kernel", get("to.c"));
}

TEST_F(tree, direct_io_works_where_the_branch_has_it)
{
	unsigned char *buf = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int branch, fd;

	DOES(put("f.c", ""));
	branch = opens(fmt("%s/f.c", self->dot_c), O_RDWR | O_DIRECT);
	fd = open("f.c", O_RDWR | O_DIRECT);
	EXPECT_EQ(branch, fd < 0 ? errno : 0);
	if (fd < 0)
		return;
	fill(buf, 4096, 3);
	EXPECT_EQ(4096, pwrite(fd, buf, 4096, 0));
	EXPECT_EQ(4096, pread(fd, buf + 4096, 4096, 0));
	EXPECT_EQ(0, memcmp(buf, buf + 4096, 4096));
	close(fd);
	/* And what went around the cache is what a buffered reader sees. */
	fd = open("f.c", O_RDONLY);
	memset(buf + 4096, 0, 4096);
	EXPECT_EQ(4096, read(fd, buf + 4096, 4096));
	EXPECT_EQ(0, memcmp(buf, buf + 4096, 4096));
}

TEST_F(tree, resource_limit_of_the_caller_holds)
{
	struct rlimit limit = { 1000, RLIM_INFINITY };
	static char block[2000];
	int fd = fresh("f.c", 0);

	ASSERT_LE(0, fd);
	signal(SIGXFSZ, SIG_IGN);
	ASSERT_OK(setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_EQ(1000, write(fd, block, sizeof(block)));
	EXPECT_ERR(EFBIG, write(fd, block, 1));
	EXPECT_ERR(EFBIG, ftruncate(fd, 1001));
	EXPECT_EQ(1000, stat_of("f.c").st_size);
}

TEST_F(tree, file_size_limit_is_the_branches)
{
	const off_t far = 0x7fffffffffffffffLL - 1;
	int fd = fresh("f.c", 0), under, expected;

	ASSERT_LE(0, fd);
	under = open(fmt("%s/under.c", self->dot_c), O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, under);
	expected = ERR(pwrite(under, "x", 1, far));
	EXPECT_ERR(expected, pwrite(fd, "x", 1, far));
	EXPECT_EQ(expected ? 0 : far + 1, stat_of("f.c").st_size);
}

TREE_TEST_MAIN
