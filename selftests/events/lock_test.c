// SPDX-License-Identifier: GPL-2.0-only
/* flock, POSIX locks and those of open files. */
#include "tree.h"

#include <sys/file.h>

static struct flock range(short type, off_t start, off_t len)
{
	return (struct flock){
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = len,
	};
}

static int lock(int fd, int how, short type, off_t start, off_t len)
{
	struct flock l = range(type, start, len);

	return ERR(fcntl(fd, how, &l));
}

/* What another process gets when it asks for the lock through PATH. */
static int elsewhere(const char *path, int how, short type, off_t start, off_t len)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int fd = open(path, O_RDWR);

		_exit(fd < 0 ? 255 : lock(fd, how, type, start, len));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 254;
}

TEST_F(tree, flock_is_of_the_open_file)
{
	int one, two, copy;

	one = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, one);
	two = open("f.c", O_RDONLY);
	copy = dup(one);
	ASSERT_OK(flock(one, LOCK_SH | LOCK_NB));
	EXPECT_OK(flock(two, LOCK_SH | LOCK_NB));
	/* Not to be had while the other shares it; the own one may be lost. */
	EXPECT_ERR(EWOULDBLOCK, flock(one, LOCK_EX | LOCK_NB));
	ASSERT_OK(flock(two, LOCK_UN));
	ASSERT_OK(flock(one, LOCK_EX | LOCK_NB));
	EXPECT_OK(flock(copy, LOCK_EX | LOCK_NB));
	EXPECT_ERR(EWOULDBLOCK, flock(two, LOCK_SH | LOCK_NB));
	/* The last descriptor of it lets it go. */
	close(one);
	EXPECT_ERR(EWOULDBLOCK, flock(two, LOCK_SH | LOCK_NB));
	close(copy);
	EXPECT_OK(flock(two, LOCK_EX | LOCK_NB));
}

TEST_F(tree, locks_are_of_the_object_under_all_its_names)
{
	int one, two;

	one = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, one);
	ASSERT_OK(link("f.c", "g.c"));
	two = open("g.c", O_RDWR);
	ASSERT_OK(flock(one, LOCK_EX));
	EXPECT_ERR(EWOULDBLOCK, flock(two, LOCK_EX | LOCK_NB));
	EXPECT_EQ(0, lock(one, F_SETLK, F_WRLCK, 0, 10));
	EXPECT_EQ(EAGAIN, elsewhere("g.c", F_SETLK, F_RDLCK, 5, 1));
	ASSERT_OK(rename("g.c", "h.c"));
	EXPECT_EQ(EAGAIN, elsewhere("h.c", F_SETLK, F_RDLCK, 5, 1));
	EXPECT_EQ(0, elsewhere("h.c", F_SETLK, F_RDLCK, 10, 1));
}

TEST_F(tree, posix_locks_are_of_the_process)
{
	int fd = open("f.c", O_CREAT | O_RDWR, 0644), second;
	struct flock l;
	pid_t pid;
	int status;

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, lock(fd, F_SETLK, F_WRLCK, 0, 100));
	/* Given back in the middle, which leaves two. */
	EXPECT_EQ(0, lock(fd, F_SETLK, F_UNLCK, 40, 10));
	EXPECT_EQ(EAGAIN, elsewhere("f.c", F_SETLK, F_WRLCK, 0, 1));
	EXPECT_EQ(0, elsewhere("f.c", F_SETLK, F_WRLCK, 40, 10));
	EXPECT_EQ(EAGAIN, elsewhere("f.c", F_SETLK, F_WRLCK, 49, 2));
	pid = fork();
	if (!pid) {
		l = range(F_WRLCK, 0, 0);
		fcntl(open("f.c", O_RDWR), F_GETLK, &l);
		_exit(l.l_type == F_WRLCK && l.l_pid == getppid() &&
		      !l.l_start && l.l_len == 40 ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* Any descriptor of the process that is closed lets all of them go. */
	second = open("f.c", O_RDONLY);
	close(second);
	EXPECT_EQ(0, elsewhere("f.c", F_SETLK, F_WRLCK, 0, 0));
	/* A child has none of its parent's. */
	EXPECT_EQ(0, lock(fd, F_SETLK, F_RDLCK, 0, 0));
	EXPECT_EQ(0, elsewhere("f.c", F_SETLK, F_RDLCK, 0, 0));
	EXPECT_EQ(EAGAIN, elsewhere("f.c", F_SETLK, F_WRLCK, 0, 0));
}

TEST_F(tree, locks_of_an_open_file_are_apart_in_one_process)
{
	int one = open("f.c", O_CREAT | O_RDWR, 0644), two;
	struct flock l = range(F_WRLCK, 0, 0);

	ASSERT_LE(0, one);
	two = open("f.c", O_RDWR);
	EXPECT_EQ(0, lock(one, F_OFD_SETLK, F_WRLCK, 0, 10));
	EXPECT_EQ(EAGAIN, lock(two, F_OFD_SETLK, F_WRLCK, 9, 1));
	EXPECT_EQ(EAGAIN, lock(two, F_SETLK, F_WRLCK, 9, 1));
	EXPECT_EQ(0, lock(two, F_OFD_SETLK, F_WRLCK, 10, 0));
	ASSERT_OK(fcntl(two, F_OFD_GETLK, &l));
	EXPECT_EQ(F_WRLCK, l.l_type);
	EXPECT_EQ(-1, l.l_pid);
	EXPECT_EQ(10, l.l_len);
	/* Another descriptor of the file that is closed means nothing. */
	close(open("f.c", O_RDONLY));
	EXPECT_EQ(EAGAIN, lock(two, F_OFD_SETLK, F_WRLCK, 0, 1));
	close(one);
	EXPECT_EQ(0, lock(two, F_OFD_SETLK, F_WRLCK, 0, 1));
}

TEST_F(tree, waiting_lock_is_granted_when_the_holder_lets_go)
{
	static const int how[] = { F_SETLKW, F_OFD_SETLKW };
	int fd = open("f.c", O_CREAT | O_RDWR, 0644), status;
	size_t i;
	pid_t pid;

	ASSERT_LE(0, fd);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0));
		pid = fork();
		if (!pid)
			_exit(lock(open("f.c", O_RDWR), how[i], F_WRLCK, 0, 0));
		EXPECT_TRUE(still_waits(pid));
		ASSERT_EQ(0, lock(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
	ASSERT_OK(flock(fd, LOCK_EX));
	pid = fork();
	if (!pid)
		_exit(ERR(flock(open("f.c", O_RDWR), LOCK_EX)));
	EXPECT_TRUE(still_waits(pid));
	ASSERT_OK(flock(fd, LOCK_UN));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(tree, locks_end_with_their_process)
{
	int fd = open("f.c", O_CREAT | O_RDWR, 0644), ready[2];
	char byte;
	pid_t pid;

	ASSERT_LE(0, fd);
	ASSERT_OK(pipe(ready));
	pid = fork();
	if (!pid) {
		int own = open("f.c", O_RDWR);

		close(fd);
		lock(own, F_SETLK, F_WRLCK, 0, 10);
		flock(own, LOCK_EX);
		write(ready[1], "r", 1);
		pause();
		_exit(0);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(EAGAIN, lock(fd, F_SETLK, F_RDLCK, 0, 1));
	EXPECT_ERR(EWOULDBLOCK, flock(fd, LOCK_SH | LOCK_NB));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(0, lock(fd, F_SETLK, F_WRLCK, 0, 0));
	EXPECT_OK(flock(fd, LOCK_EX | LOCK_NB));
}

TEST_F(tree, deadlock_is_noticed)
{
	int fd = open("f.c", O_CREAT | O_RDWR, 0644), ready[2], status, err;
	char byte;
	pid_t pid;

	ASSERT_LE(0, fd);
	ASSERT_OK(pipe(ready));
	ASSERT_EQ(0, lock(fd, F_SETLK, F_WRLCK, 0, 1));
	pid = fork();
	if (!pid) {
		int own = open("f.c", O_RDWR);

		lock(own, F_SETLK, F_WRLCK, 1, 1);
		write(ready[1], "r", 1);
		_exit(lock(own, F_SETLKW, F_WRLCK, 0, 1));
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_TRUE(still_waits(pid));
	err = lock(fd, F_SETLKW, F_WRLCK, 1, 1);
	EXPECT_EQ(EDEADLK, err);
	close(fd);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

/* As with overlayfs: a lock is of the inode of the mount (see below). */
TEST_F(tree, locks_of_the_branch_are_not_those_of_the_mount)
{
	const int expected = variant->kind == PLAIN ? EWOULDBLOCK : 0;
	int fd = open("f.c", O_CREAT | O_RDWR, 0644), under;

	ASSERT_LE(0, fd);
	under = open(fmt("%s/f.c", self->dot_c), O_RDWR);
	ASSERT_LE(0, under);
	ASSERT_OK(flock(under, LOCK_EX));
	EXPECT_ERR(expected, flock(fd, LOCK_EX | LOCK_NB));
	EXPECT_EQ(0, lock(under, F_OFD_SETLK, F_WRLCK, 0, 0));
	EXPECT_EQ(expected, lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0));
}

TEST(locks_of_overlayfs_are_not_those_of_its_upper_layer)
{
	struct world w;
	int fd, under;

	ASSERT_EQ(0, world_enter(&w));
	DOES(make_path("lower"));
	DOES(make_path("upper"));
	DOES(make_path("scratch"));
	DOES(make_path("over"));
	DOES(put("upper/f", ""));
	ASSERT_OK(mount("o", "over", "overlay", 0,
			"lowerdir=lower,upperdir=upper,workdir=scratch"));
	fd = open("over/f", O_RDWR);
	ASSERT_LE(0, fd);
	under = open("upper/f", O_RDWR);
	ASSERT_OK(flock(under, LOCK_EX));
	EXPECT_OK(flock(fd, LOCK_EX | LOCK_NB));
	EXPECT_EQ(0, lock(under, F_OFD_SETLK, F_WRLCK, 0, 0));
	EXPECT_EQ(0, lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0));
	close(fd);
	close(under);
	umount2("over", MNT_DETACH);
	world_leave(&w);
}

TREE_TEST_MAIN
