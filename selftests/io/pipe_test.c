// SPDX-License-Identifier: GPL-2.0-only
/* splice, tee, vmsplice and sendfile between files of the mount and pipes. */
#include "tree.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int with(const char *path, const char *text, int flags)
{
	return put(path, text) ? -1 : open(path, flags);
}

TEST_F(tree, tee_duplicates_what_a_file_gave)
{
	int from, one, two, a[2], b[2];

	from = with("from.c", "0123456789", O_RDONLY);
	one = open("one.c", O_CREAT | O_RDWR, 0644);
	two = open("two.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, two);
	ASSERT_OK(pipe(a));
	ASSERT_OK(pipe(b));
	EXPECT_EQ(10, splice(from, NULL, a[1], NULL, 100, 0));
	EXPECT_EQ(10, tee(a[0], b[1], 100, 0));
	EXPECT_EQ(10, splice(a[0], NULL, one, NULL, 100, 0));
	EXPECT_EQ(10, splice(b[0], NULL, two, NULL, 100, 0));
	EXPECT_STREQ("0123456789", get("one.c"));
	EXPECT_STREQ("0123456789", get("two.c"));
	/* What went into the pipe is the file's page, not a reference to one. */
	EXPECT_EQ(1, pwrite(one, "X", 1, 0));
	EXPECT_STREQ("0123456789", get("from.c"));
	EXPECT_STREQ("0123456789", get("two.c"));
}

TEST_F(tree, splice_obeys_positions_and_ends)
{
	loff_t at = 4;
	int fd, p[2], q[2];

	fd = with("f.c", "0123456789", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_OK(pipe(p));
	ASSERT_OK(pipe(q));
	EXPECT_EQ(3, splice(fd, &at, p[1], NULL, 3, 0));
	EXPECT_EQ(7, at);
	EXPECT_EQ(0, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(2, splice(fd, NULL, p[1], NULL, 2, 0));
	EXPECT_EQ(2, lseek(fd, 0, SEEK_CUR));
	at = 10;
	EXPECT_EQ(0, splice(fd, &at, q[1], NULL, 3, 0));
	at = 8;
	EXPECT_EQ(5, splice(p[0], NULL, fd, &at, 100, 0));
	EXPECT_EQ(13, at);
	EXPECT_STREQ("0123456745601", get("f.c"));
	EXPECT_ERR(ESPIPE, splice(fd, NULL, q[1], &at, 3, 0));
	EXPECT_ERR(EINVAL, splice(fd, NULL, fd, NULL, 3, 0));
	close(fd);
	fd = open("f.c", O_WRONLY | O_APPEND);
	EXPECT_EQ(1, write(q[1], "x", 1));
	EXPECT_ERR(EINVAL, splice(q[0], NULL, fd, NULL, 1, 0));
	EXPECT_ERR(EBADF, splice(fd, NULL, q[1], NULL, 1, 0));
	close(fd);
	fd = open("f.c", O_RDONLY);
	EXPECT_ERR(EBADF, splice(q[0], NULL, fd, NULL, 1, 0));
}

TEST_F(tree, memory_is_spliced_into_a_file)
{
	static char page[8192];
	struct iovec iov = { page, sizeof(page) };
	int fd, p[2], i;

	memset(page, 'p', sizeof(page));
	fd = with("f.c", "", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_OK(pipe(p));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(8192, vmsplice(p[1], &iov, 1, 0));
		ASSERT_EQ(8192, splice(p[0], NULL, fd, NULL, 8192, SPLICE_F_MOVE));
	}
	EXPECT_EQ(32768, stat_of("f.c").st_size);
	EXPECT_EQ('p', get("f.c")[32767]);
}

TEST_F(tree, file_is_sent_to_a_socket_and_into_itself)
{
	char buf[32] = "";
	off_t at = 2;
	int fd, s[2];

	fd = with("f.c", "0123456789", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	EXPECT_EQ(5, sendfile(s[0], fd, &at, 5));
	EXPECT_EQ(7, at);
	EXPECT_EQ(5, read(s[1], buf, sizeof(buf)));
	EXPECT_STREQ("23456", buf);
	EXPECT_EQ(0, sendfile(s[0], fd, (at = 10, &at), 5));
	at = 0;
	EXPECT_EQ(10, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(3, sendfile(fd, fd, &at, 3));
	EXPECT_STREQ("0123456789012", get("f.c"));
	at = -1;
	EXPECT_ERR(EINVAL, sendfile(s[0], fd, &at, 1));
}

TEST_F(tree, splicing_in_drops_set_id_bits_and_is_seen)
{
	int fd, p[2];

	DOES(put("f.c", "0123"));
	ASSERT_OK(chmod("f.c", 06777));
	ASSERT_OK(pipe(p));
	EXPECT_EQ(2, write(p[1], "xy", 2));
	user_become(SOMEONE);
	fd = open("f.c", O_WRONLY);
	EXPECT_EQ(2, splice(p[0], NULL, fd, NULL, 2, 0));
	user_return();
	EXPECT_EQ(0777, stat_of("f.c").st_mode & 07777);
	EXPECT_STREQ("xy23", get("f.c"));
	EXPECT_STREQ("xy23", get(fmt("%s/f.c", self->dot_c)));
}

TEST_F(tree, large_files_pass_whole_through_a_pipe)
{
	static unsigned char out[1 << 20], in[1 << 20];
	int from, to, p[2], status, i;
	ssize_t n, done = 0;
	pid_t pid;

	for (i = 0; i < 1 << 20; i++)
		out[i] = i * 11 + (i >> 7);
	from = open("from.c", O_CREAT | O_RDWR, 0644);
	to = open("to.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, to);
	ASSERT_EQ(1 << 20, pwrite(from, out, 1 << 20, 0));
	ASSERT_OK(pipe(p));
	pid = fork();
	if (!pid) {
		close(p[0]);
		while ((n = splice(from, NULL, p[1], NULL, 1 << 20, 0)) > 0)
			;
		_exit(n ? errno : 0);
	}
	close(p[1]);
	while ((n = splice(p[0], NULL, to, NULL, 1 << 20, 0)) > 0)
		done += n;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1 << 20, done);
	EXPECT_EQ(1 << 20, pread(to, in, 1 << 20, 0));
	EXPECT_EQ(0, memcmp(in, out, 1 << 20));
}

TREE_TEST_MAIN
