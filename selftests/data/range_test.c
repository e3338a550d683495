// SPDX-License-Identifier: GPL-2.0-only
/* Ranges of files: copying, sharing, advice. */
#include "tree.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#define BIG (1 << 20)

static unsigned char out[BIG], in[BIG];

static int filled(const char *path)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0644), i;

	for (i = 0; i < BIG; i++)
		out[i] = i * 7 + (i >> 8);
	return pwrite(fd, out, BIG, 0) == BIG ? fd : -1;
}

TEST_F(tree, copy_file_range_copies_and_stops_at_the_end)
{
	loff_t from_at = 0, to_at = 100;
	ssize_t n, done = 0;
	int from = filled("from.c"), to;

	ASSERT_LE(0, from);
	to = open("to.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, to);
	while ((n = copy_file_range(from, &from_at, to, &to_at, 2 * BIG, 0)) > 0)
		done += n;
	EXPECT_EQ(0, n);
	EXPECT_EQ(BIG, done);
	EXPECT_EQ(BIG + 100, stat_of("to.c").st_size);
	EXPECT_EQ(BIG, pread(to, in, BIG, 100));
	EXPECT_EQ(0, memcmp(in, out, BIG));
	/* Within one file, apart and overlapping. */
	from_at = 0;
	to_at = BIG / 2;
	EXPECT_EQ(4096, copy_file_range(from, &from_at, from, &to_at, 4096, 0));
	from_at = 0;
	to_at = 10;
	EXPECT_ERR(EINVAL, copy_file_range(from, &from_at, from, &to_at, 4096, 0));
}

TEST_F(tree, copy_file_range_across_branches_is_exdev)
{
	int from = filled("from"), to;

	ASSERT_LE(0, from);
	to = open("to.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, to);
	EXPECT_EQ(variant->kind == RULES ? EXDEV : 0,
		  ERR(copy_file_range(from, NULL, to, NULL, 4096, 0)));
}

TEST_F(tree, copy_takes_setid_bits_away)
{
	int from = filled("from.c"), to;

	ASSERT_LE(0, from);
	DOES(put("to.c", ""));
	ASSERT_OK(chown("to.c", SOMEONE, SOMEONE));
	ASSERT_OK(chmod("to.c", 06777));
	ASSERT_OK(chmod("from.c", 0666));
	user_become(SOMEONE);
	to = open("to.c", O_WRONLY);
	EXPECT_EQ(4096, copy_file_range(from, NULL, to, NULL, 4096, 0));
	user_return();
	EXPECT_EQ(0777, stat_of("to.c").st_mode & 07777);
}

TEST_F(tree, copy_obeys_how_the_files_were_opened)
{
	int from = filled("from.c"), to;

	ASSERT_LE(0, from);
	to = open("to.c", O_CREAT | O_RDONLY, 0644);
	EXPECT_ERR(EBADF, copy_file_range(from, NULL, to, NULL, 4096, 0));
	close(to);
	to = open("to.c", O_WRONLY);
	EXPECT_ERR(EBADF, copy_file_range(to, NULL, from, NULL, 4096, 0));
	close(to);
	to = open("to.c", O_WRONLY | O_APPEND);
	EXPECT_ERR(EBADF, copy_file_range(from, NULL, to, NULL, 4096, 0));
}

TEST_F(tree, clone_and_dedupe_say_what_the_branch_says)
{
	struct file_dedupe_range *dedupe = calloc(1, sizeof(*dedupe) +
						  sizeof(struct file_dedupe_range_info));
	int from = filled("from.c"), to, below_from, below_to, expected, err;

	ASSERT_LE(0, from);
	to = open("to.c", O_CREAT | O_RDWR, 0644);
	below_from = open(fmt("%s/from.c", self->dot_c), O_RDWR);
	below_to = open(fmt("%s/to.c", self->dot_c), O_RDWR);
	ASSERT_LE(0, below_to);
	EXPECT_EQ(ERR(ioctl(below_to, FICLONE, below_from)), ERR(ioctl(to, FICLONE, from)));
	dedupe->src_length = 4096;
	dedupe->dest_count = 1;
	dedupe->info[0].dest_fd = below_to;
	expected = -ERR(ioctl(below_from, FIDEDUPERANGE, dedupe));
	if (!expected)
		expected = dedupe->info[0].status;
	dedupe->info[0].dest_fd = to;
	dedupe->info[0].status = 0;
	/* Through the mount an error is that of the one target. */
	err = -ERR(ioctl(from, FIDEDUPERANGE, dedupe));
	EXPECT_EQ(expected, err ?: dedupe->info[0].status);
}

TEST_F(tree, advice_and_readahead_are_taken)
{
	int fd = filled("f.c"), p[2];

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	EXPECT_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
	EXPECT_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	EXPECT_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
	EXPECT_EQ(EINVAL, posix_fadvise(fd, 0, 0, 99));
	EXPECT_OK(readahead(fd, 0, 65536));
	ASSERT_OK(pipe(p));
	EXPECT_EQ(ESPIPE, posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL));
	EXPECT_EQ(BIG, pread(fd, in, BIG, 0));
	EXPECT_EQ(0, memcmp(in, out, BIG));
}

TREE_TEST_MAIN
