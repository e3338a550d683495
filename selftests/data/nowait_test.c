// SPDX-License-Identifier: GPL-2.0-only
/* What an open file can do is what the branch's can: RWF_NOWAIT, O_DIRECT. */
#include "tree.h"

#include <signal.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

TEST_F(tree, nowait_is_supported_where_the_branch_supports_it)
{
	char buf[4096];
	struct iovec iov = { buf, sizeof(buf) };
	int fd, below, expected, err, i;

	memset(buf, 'n', sizeof(buf));
	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	EXPECT_EQ(4096, pwrite(fd, buf, 4096, 0));
	EXPECT_EQ(4096, pwrite(fd, buf, 4096, 0));
	below = open(fmt("%s/f.c", self->dot_c), O_RDWR);
	ASSERT_LE(0, below);
	/* What is in the page cache is read without waiting. */
	EXPECT_EQ(4096, pread(fd, buf, 4096, 0));
	expected = ERR(preadv2(below, &iov, 1, 0, RWF_NOWAIT));
	EXPECT_ERR(expected, preadv2(fd, &iov, 1, 0, RWF_NOWAIT));
	/* Where the branch can, a write is done or would have waited. */
	expected = ERR(pwritev2(below, &iov, 1, 0, RWF_NOWAIT)) == EOPNOTSUPP;
	for (i = 0; i < 50; i++) {
		err = ERR(pwritev2(fd, &iov, 1, 0, RWF_NOWAIT));
		EXPECT_EQ(expected, err == EOPNOTSUPP);
		EXPECT_TRUE(!err || err == EAGAIN || err == EOPNOTSUPP);
		if (!err)
			break;
		usleep(10000);
	}
}

/* One that may not wait meets, again and again, one that has the file. */
TEST_F(tree, write_that_would_wait_leaves_the_lock_to_its_holder)
{
	static char big[1 << 18], buf[64];
	struct iovec iov = { buf, sizeof(buf) };
	struct timespec end, now;
	int fd, status;
	pid_t writer;

	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	writer = fork();
	ASSERT_LE(0, writer);
	if (!writer) {
		alarm(30);
		for (;;)
			pwrite(fd, big, sizeof(big), 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec++;
	do {
		pwritev2(fd, &iov, 1, 0, RWF_NOWAIT);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec ||
		 (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
	ASSERT_OK(kill(writer, SIGKILL));
	/* Had the lock been given back by one who had not got it, nobody would get it any more. */
	ASSERT_EQ(writer, waitpid(writer, &status, 0));
	EXPECT_EQ(sizeof(buf), pwrite(fd, buf, sizeof(buf), 0));
	close(fd);
}

TEST_F(tree, direct_io_can_be_switched_on_where_the_branch_has_it)
{
	int fd, below;

	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	below = open(fmt("%s/f.c", self->dot_c), O_RDWR);
	ASSERT_LE(0, below);
	EXPECT_EQ(ERR(fcntl(below, F_SETFL, O_DIRECT)), ERR(fcntl(fd, F_SETFL, O_DIRECT)));
	close(fd);
	EXPECT_EQ(opens(fmt("%s/f.c", self->dot_c), O_RDWR | O_DIRECT),
		  opens("f.c", O_RDWR | O_DIRECT));
}

TEST_F(tree, statx_agrees_with_the_branch)
{
	const unsigned int mask = STATX_BASIC_STATS | STATX_BTIME | STATX_DIOALIGN;
	struct statx ours, theirs;

	DOES(put("f.c", "data"));
	memset(&ours, 0, sizeof(ours));
	memset(&theirs, 0, sizeof(theirs));
	ASSERT_OK(statx(AT_FDCWD, fmt("%s/f.c", self->dot_c), 0, mask, &theirs));
	ASSERT_OK(statx(AT_FDCWD, "f.c", 0, mask, &ours));
	EXPECT_EQ(theirs.stx_mask & mask, ours.stx_mask & mask);
	EXPECT_EQ(0, memcmp(&theirs.stx_btime, &ours.stx_btime, sizeof(ours.stx_btime)));
	EXPECT_EQ(theirs.stx_dio_mem_align, ours.stx_dio_mem_align);
	EXPECT_EQ(theirs.stx_dio_offset_align, ours.stx_dio_offset_align);
	EXPECT_EQ(theirs.stx_attributes, ours.stx_attributes);
	EXPECT_EQ(theirs.stx_attributes_mask, ours.stx_attributes_mask);
	EXPECT_EQ(theirs.stx_blksize, ours.stx_blksize);
	EXPECT_EQ(theirs.stx_blocks, ours.stx_blocks);
}

TREE_TEST_MAIN
