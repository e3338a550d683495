// SPDX-License-Identifier: GPL-2.0-only
/* The caller runs out of descriptors, space or patience: nothing stays behind. */
#include "tree.h"

#include <sys/resource.h>
#include <sys/time.h>

TEST_F(tree, open_that_finds_no_descriptor_leaves_nothing_open)
{
	struct rlimit limit = { 20, 4096 };
	int fds[32], n = 0, err;

	DOES(put("f.c", "text"));
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
	while (n < 32 && (fds[n] = open("f.c", O_RDWR)) >= 0)
		n++;
	err = errno;
	EXPECT_EQ(EMFILE, err);
	/* Refused before the name is looked at. */
	EXPECT_ERR(EMFILE, open("new.c", O_CREAT | O_RDWR, 0644));
	EXPECT_FALSE(present("new.c"));
	while (n--)
		close(fds[n]);
	EXPECT_EQ(0, put("new.c", "fine"));
	ASSERT_OK(unlink("f.c"));
}

TEST_F(tree, size_limit_ends_every_way_of_writing)
{
	struct rlimit limit = { 5000, RLIM_INFINITY };
	static char block[8192];
	int fd, from, p[2], expected, under;

	signal(SIGXFSZ, SIG_IGN);
	from = open("from.c", O_CREAT | O_RDWR, 0644);
	ASSERT_EQ(8192, write(from, block, 8192));
	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	under = open(fmt("%s/g.c", self->dot_c), O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, under);
	ASSERT_OK(setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_EQ(5000, copy_file_range(from, (loff_t[1]){ 0 }, fd, (loff_t[1]){ 0 }, 8192, 0));
	EXPECT_ERR(EFBIG, copy_file_range(from, (loff_t[1]){ 0 }, fd, (loff_t[1]){ 5000 }, 1, 0));
	ASSERT_OK(pipe(p));
	ASSERT_EQ(100, write(p[1], block, 100));
	expected = ERR(splice(p[0], NULL, under, (loff_t[1]){ 5000 }, 10, 0));
	EXPECT_ERR(expected, splice(p[0], NULL, fd, (loff_t[1]){ 5000 }, 10, 0));
	expected = ERR(fallocate(under, 0, 0, 8192));
	EXPECT_ERR(expected, fallocate(fd, 0, 0, 8192));
	EXPECT_ERR(EFBIG, truncate("f.c", 5001));
	EXPECT_EQ(5000, stat_of("f.c").st_size);
}

static void on_alarm(int number)
{
}

TEST_F(tree, interrupted_calls_can_go_on)
{
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
	struct sigaction act = { .sa_handler = on_alarm };
	static char out[1 << 18], in[1 << 18];
	ssize_t n, done = 0;
	int fd, i;

	memset(out, 'i', sizeof(out));
	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	while (done < (ssize_t)sizeof(out)) {
		n = pwrite(fd, out + done, sizeof(out) - done, done);
		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? n : 0;
	}
	for (i = 0; i < 20; i++) {
		struct stat st;

		while (mkdir("d.c", 0755) && errno == EINTR)
			;
		while (stat("d.c", &st) && errno == EINTR)
			;
		while (rmdir("d.c") && errno == EINTR)
			;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_EQ(sizeof(out), done);
	EXPECT_FALSE(present("d.c"));
	EXPECT_EQ(sizeof(in), pread(fd, in, sizeof(in), 0));
	EXPECT_EQ(0, memcmp(in, out, sizeof(in)));
}

TREE_TEST_MAIN
