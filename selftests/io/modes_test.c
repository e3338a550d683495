// SPDX-License-Identifier: GPL-2.0-only
/* How files are opened, what F_SETFL changes later, and flags of one call. */
#include "tree.h"

#include <linux/fs.h>
#include <sys/uio.h>

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

#define CHILDREN 6
#define RECORDS 30

/* How many of CHILDREN processes ACT succeeded in. */
static int how_many(int (*act)(int number))
{
	int i, status, n = 0, go[2];
	pid_t pid[CHILDREN];
	char byte;

	if (pipe(go))
		return -1;
	for (i = 0; i < CHILDREN; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			close(go[1]);
			read(go[0], &byte, 1);
			_exit(act(i));
		}
	}
	close(go[1]);
	close(go[0]);
	for (i = 0; i < CHILDREN; i++)
		if (waitpid(pid[i], &status, 0) == pid[i])
			n += !status;
	return n;
}

static int make_alone(int number)
{
	return opens("f.c", O_CREAT | O_EXCL | O_WRONLY);
}

static int append_records(int number)
{
	char record[64];
	int fd = open("f.c", O_WRONLY | O_APPEND), i;

	memset(record, 'a' + number, sizeof(record));
	for (i = 0; i < RECORDS; i++)
		if (write(fd, record, sizeof(record)) != sizeof(record))
			return 1;
	return 0;
}

TEST_F(tree, exclusive_creation_has_one_winner)
{
	EXPECT_EQ(1, how_many(make_alone));
	EXPECT_STREQ("f.c", names_in("."));
}

TEST_F(tree, appends_of_many_do_not_overlap)
{
	int count[CHILDREN] = { 0 }, i;
	const char *text;

	DOES(put("f.c", ""));
	EXPECT_EQ(CHILDREN, how_many(append_records));
	ASSERT_EQ(CHILDREN * RECORDS * 64, stat_of("f.c").st_size);
	text = get("f.c");
	for (i = 0; i < CHILDREN * RECORDS * 64; i++) {
		ASSERT_LE('a', text[i]);
		/* Whole records. */
		ASSERT_EQ(text[i & ~63], text[i]);
		count[text[i] - 'a']++;
	}
	for (i = 0; i < CHILDREN; i++)
		EXPECT_EQ(RECORDS * 64, count[i]);
}

TEST_F(tree, truncation_at_open_needs_permission_and_counts)
{
	DOES(put("f.c", "text"));
	ASSERT_OK(chmod("f.c", 0644));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("f.c", O_RDONLY | O_TRUNC)));
	EXPECT_STREQ("text", get("f.c"));
	EXPECT_EQ(0, opens("f.c", O_RDONLY | O_TRUNC));
	EXPECT_EQ(0, stat_of("f.c").st_size);
	DOES(put("f.c", "text"));
	EXPECT_EQ(EEXIST, opens("f.c", O_CREAT | O_EXCL | O_TRUNC | O_WRONLY));
	EXPECT_STREQ("text", get("f.c"));
	EXPECT_EQ(EISDIR, opens(".", O_WRONLY | O_TRUNC));
}

TEST_F(tree, path_descriptor_is_a_place_and_no_file)
{
	struct stat st;
	char buf[8];
	int fd, again;

	DOES(put("f.c", "text"));
	ASSERT_OK(chmod("f.c", 0600));
	fd = open("f.c", O_PATH);
	ASSERT_LE(0, fd);
	EXPECT_ERR(EBADF, read(fd, buf, 1));
	EXPECT_ERR(EBADF, write(fd, "x", 1));
	EXPECT_ERR(EBADF, fchmod(fd, 0644));
	EXPECT_ERR(EBADF, ftruncate(fd, 0));
	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(stat_of("f.c").st_ino, st.st_ino);
	again = open(fmt("/proc/self/fd/%d", fd), O_RDWR);
	EXPECT_EQ(4, read(again, buf, sizeof(buf)));
	/* It gives no right that the name would not. */
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open(fmt("/proc/self/fd/%d", fd), O_RDONLY)));
	ASSERT_OK(unlink("f.c"));
	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	ASSERT_OK(mkdir("d", 0755));
	fd = open("d", O_PATH | O_DIRECTORY);
	ASSERT_OK(fchdir(fd));
	DOES(put("in", ""));
	EXPECT_STREQ("in", names_in("../d"));
}

TEST_F(tree, program_runs_by_descriptor)
{
	char *argv[] = { "prog", NULL };
	int fd, status;
	pid_t pid;

	DOES(put_program("prog.c"));
	fd = open("prog.c", O_PATH | O_CLOEXEC);
	ASSERT_LE(0, fd);
	pid = fork();
	if (!pid) {
		execveat(fd, "", argv, NULL, AT_EMPTY_PATH);
		_exit(errno);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(10, WEXITSTATUS(status));
}

TEST_F(tree, access_time_is_left_alone_on_request)
{
	struct timespec old[2] = { { 1000, 5 }, { 2000, 0 } };
	char buf[8];
	int fd;

	DOES(put("f.c", "text"));
	fd = open("f.c", O_RDONLY | O_NOATIME);
	ASSERT_LE(0, fd);
	ASSERT_OK(utimensat(AT_FDCWD, "f.c", old, 0));
	EXPECT_EQ(4, read(fd, buf, sizeof(buf)));
	EXPECT_EQ(1000, stat_of("f.c").st_atim.tv_sec);
	EXPECT_EQ(EPERM, AS_USER(SOMEONE, open("f.c", O_RDONLY | O_NOATIME)));
	user_become(SOMEONE);
	fd = open("f.c", O_RDONLY);
	EXPECT_ERR(EPERM, fcntl(fd, F_SETFL, O_NOATIME));
	user_return();
	if (self->fuse_dot_c)
		return;
	EXPECT_EQ(4, read(fd, buf, sizeof(buf)));
	EXPECT_LT(1000, stat_of("f.c").st_atim.tv_sec);
	ASSERT_OK(utimensat(AT_FDCWD, "f.c", old, 0));
	ASSERT_OK(fcntl(fd, F_SETFL, O_NOATIME));
	EXPECT_EQ(4, pread(fd, buf, sizeof(buf), 0));
	EXPECT_EQ(1000, stat_of("f.c").st_atim.tv_sec);
}

TEST_F(tree, flags_change_while_the_file_is_open)
{
	int fd, all;

	DOES(put("f.c", "0123"));
	fd = open("f.c", O_RDWR | O_SYNC);
	ASSERT_LE(0, fd);
	all = fcntl(fd, F_GETFL);
	EXPECT_EQ(O_RDWR | O_SYNC, all & (O_ACCMODE | O_SYNC));
	ASSERT_OK(fcntl(fd, F_SETFL, all | O_APPEND | O_NONBLOCK));
	EXPECT_EQ(O_APPEND | O_NONBLOCK, fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK));
	EXPECT_EQ(1, pwrite(fd, "4", 1, 0));
	EXPECT_STREQ("01234", get("f.c"));
	/* And back. */
	ASSERT_OK(fcntl(fd, F_SETFL, 0));
	EXPECT_EQ(1, pwrite(fd, "X", 1, 0));
	EXPECT_STREQ("X1234", get("f.c"));
	/* What cannot be changed stays. */
	EXPECT_EQ(O_RDWR | O_SYNC, fcntl(fd, F_GETFL) & (O_ACCMODE | O_SYNC));
}

TEST_F(tree, calls_can_append_or_not)
{
	struct iovec x = { "x", 1 }, y = { "y", 1 };
	int fd, under, expected;

	DOES(put("f.c", "0123"));
	fd = open("f.c", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwritev2(fd, &x, 1, 0, RWF_APPEND));
	EXPECT_STREQ("0123x", get("f.c"));
	EXPECT_EQ(1, pwritev2(fd, &y, 1, -1, RWF_APPEND));
	EXPECT_STREQ("0123xy", get("f.c"));
	close(fd);
	fd = open("f.c", O_RDWR | O_APPEND);
	under = open(fmt("%s/f.c", self->dot_c), O_RDWR | O_APPEND);
	ASSERT_LE(0, under);
	expected = ERR(pwritev2(under, &y, 1, 0, RWF_NOAPPEND));
	EXPECT_ERR(expected, pwritev2(fd, &x, 1, 1, RWF_NOAPPEND));
	if (!expected)
		EXPECT_STREQ("yx23xy", get("f.c"));
}

TEST_F(tree, calls_can_ask_for_priority_and_for_the_disk)
{
	static const int flags[] = {
		RWF_HIPRI, RWF_DSYNC, RWF_SYNC, RWF_HIPRI | RWF_SYNC, 0x40000000,
	};
	struct iovec iov = { "data", 4 };
	char buf[8];
	struct iovec in = { buf, 4 };
	int fd, under, i;

	DOES(put("f.c", ""));
	fd = open("f.c", O_RDWR);
	under = open(fmt("%s/f.c", self->dot_c), O_RDWR);
	ASSERT_LE(0, under);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(ERR(pwritev2(under, &iov, 1, 0, flags[i])),
			  ERR(pwritev2(fd, &iov, 1, 0, flags[i]))) TH_LOG("%x", flags[i]);
		EXPECT_EQ(ERR(preadv2(under, &in, 1, 0, flags[i])),
			  ERR(preadv2(fd, &in, 1, 0, flags[i]))) TH_LOG("%x", flags[i]);
	}
}

TEST_F(tree, vectors_of_any_length_arrive_whole)
{
	static char text[1024];
	struct iovec out[1025], in[2] = { { text, 1000 }, { text + 1000, 24 } };
	void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd, i;

	for (i = 0; i < 1025; i++)
		out[i] = (struct iovec){ (char *)"0123456789" + i % 10, 1 };
	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1024, writev(fd, out, 1024));
	EXPECT_ERR(EINVAL, writev(fd, out, 1025));
	EXPECT_EQ(1024, preadv(fd, in, 2, 0));
	for (i = 0; i < 1024; i++)
		ASSERT_EQ('0' + i % 10, text[i]);
	/* From memory that is not there nothing is written. */
	EXPECT_ERR(EFAULT, pwrite(fd, nowhere, 10, 0));
	EXPECT_ERR(EFAULT, pread(fd, nowhere, 10, 0));
	EXPECT_EQ(1024, stat_of("f.c").st_size);
}

TREE_TEST_MAIN
