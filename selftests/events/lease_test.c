// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases: of files of the mount, and of the branch's object, which access
 * through the mount breaks as any other access does.
 */
#include "tree.h"

#include <sys/xattr.h>
#include <time.h>

#ifndef F_SETDELEG
#define F_SETDELEG 1040
struct delegation {
	unsigned int d_flags;
	unsigned short d_type;
	unsigned short pad;
};
#endif

/* The kernel asks the holder by SIGIO. */
static void expect_requests(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool was_requested(void)
{
	struct timespec limit = { 5 * time_factor(), 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	return sigtimedwait(&set, NULL, &limit) == SIGIO;
}

static int take(int fd, int type)
{
	return ERR(fcntl(fd, F_SETLEASE, type));
}

static int delegate(int fd, int type)
{
	struct delegation d = { .d_type = type };

	return ERR(fcntl(fd, F_SETDELEG, &d));
}

TEST_F(tree, lease_is_broken_by_a_conflicting_open)
{
	int fd, other;

	DOES(put("f.c", "text"));
	expect_requests();
	fd = open("f.c", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, take(fd, F_RDLCK));
	EXPECT_EQ(F_RDLCK, fcntl(fd, F_GETLEASE));
	/* One who reads does not conflict. */
	EXPECT_EQ(0, opens("f.c", O_RDONLY | O_NONBLOCK));
	EXPECT_EQ(EWOULDBLOCK, opens("f.c", O_WRONLY | O_NONBLOCK));
	EXPECT_TRUE(was_requested());
	EXPECT_EQ(F_UNLCK, fcntl(fd, F_GETLEASE));
	ASSERT_EQ(0, take(fd, F_UNLCK));
	EXPECT_EQ(0, opens("f.c", O_WRONLY | O_NONBLOCK));
	/* Not to be had while somebody writes. */
	other = open("f.c", O_WRONLY);
	EXPECT_EQ(EAGAIN, take(fd, F_RDLCK));
	close(other);
	EXPECT_EQ(0, take(fd, F_RDLCK));
}

TEST_F(tree, write_lease_is_for_the_only_one)
{
	int fd, other;

	DOES(put("f.c", "text"));
	expect_requests();
	fd = open("f.c", O_RDWR);
	ASSERT_LE(0, fd);
	other = open("f.c", O_RDWR);
	EXPECT_EQ(EAGAIN, take(fd, F_WRLCK));
	close(other);
	ASSERT_EQ(0, take(fd, F_WRLCK));
	EXPECT_EQ(EWOULDBLOCK, opens("f.c", O_RDONLY | O_NONBLOCK));
	EXPECT_TRUE(was_requested());
	EXPECT_EQ(F_RDLCK, fcntl(fd, F_GETLEASE));
	ASSERT_EQ(0, take(fd, F_UNLCK));
	EXPECT_EQ(0, opens("f.c", O_RDONLY | O_NONBLOCK));
}

TEST_F(tree, opening_waits_until_the_lease_is_given_back)
{
	int fd, status;
	pid_t pid;

	DOES(put("f.c", "text"));
	expect_requests();
	fd = open("f.c", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, take(fd, F_RDLCK));
	pid = fork();
	if (!pid)
		_exit(opens("f.c", O_RDWR));
	EXPECT_TRUE(was_requested());
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	ASSERT_EQ(0, take(fd, F_UNLCK));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(tree, leases_are_for_the_owner_of_the_file)
{
	int fd;

	DOES(put("f.c", "text"));
	user_become(SOMEONE);
	fd = open("f.c", O_RDONLY);
	EXPECT_EQ(EACCES, take(fd, F_RDLCK));
	user_return();
	ASSERT_OK(chown("f.c", SOMEONE, SOMEONE));
	user_become(SOMEONE);
	EXPECT_EQ(0, take(fd, F_RDLCK));
	user_return();
}

TEST_F(tree, opening_breaks_a_lease_of_the_branchs_object)
{
	int fd;

	DOES(put("f.c", "text"));
	EXPECT_STREQ("text", get("f.c"));
	expect_requests();
	fd = open(fmt("%s/f.c", self->dot_c), O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, take(fd, F_RDLCK));
	EXPECT_STREQ("text", get("f.c"));
	EXPECT_EQ(EWOULDBLOCK, opens("f.c", O_WRONLY | O_NONBLOCK));
	EXPECT_TRUE(was_requested());
	ASSERT_EQ(0, take(fd, F_UNLCK));
	EXPECT_EQ(0, opens("f.c", O_WRONLY | O_NONBLOCK));
	/* One for the only user is not to be had while the mount has it open. */
	close(fd);
	fd = open(fmt("%s/f.c", self->dot_c), O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, take(fd, F_WRLCK));
	EXPECT_EQ(EWOULDBLOCK, opens("f.c", O_RDONLY | O_NONBLOCK));
	EXPECT_TRUE(was_requested());
	ASSERT_EQ(0, take(fd, F_UNLCK));
	EXPECT_LE(0, open("f.c", O_RDWR));
	EXPECT_EQ(EAGAIN, take(fd, F_WRLCK));
}

static int set_size(void)
{
	return ERR(truncate("f.c", 0));
}

/* Whether ACT waits for whoever holds the lease; its result, or -1. */
static int result_after(int (*give_back)(int, int), int fd, int (*act)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(act());
	if (!was_requested()) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -1;
	}
	if (waitpid(pid, &status, WNOHANG) == 0) {
		give_back(fd, F_UNLCK);
		waitpid(pid, &status, 0);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

TEST_F(tree, truncation_breaks_a_lease_of_the_branchs_object)
{
	int fd;

	DOES(put("f.c", "text"));
	EXPECT_EQ(4, stat_of("f.c").st_size);
	expect_requests();
	fd = open(fmt("%s/f.c", self->dot_c), O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, take(fd, F_RDLCK));
	EXPECT_EQ(0, result_after(take, fd, set_size));
	EXPECT_EQ(0, stat_of("f.c").st_size);
}

static int open_to_write(void)
{
	return opens("f.c", O_RDWR);
}

TEST_F(tree, opening_again_breaks_a_lease_of_the_branchs_object)
{
	int fd, round;

	DOES(put("f.c", "text"));
	expect_requests();
	for (round = 0; round < 2; round++) {
		EXPECT_EQ(0, open_to_write());
		fd = open(fmt("%s/f.c", self->dot_c), O_RDONLY);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, take(fd, F_RDLCK));
		EXPECT_EQ(0, result_after(take, fd, open_to_write));
		close(fd);
	}
}

static int remove_it(void)
{
	return ERR(unlink("f.c"));
}

static int change_mode(void)
{
	return ERR(chmod("f.c", 0600));
}

static int rename_it(void)
{
	return ERR(rename("f.c", "g.c"));
}

static int link_it(void)
{
	return ERR(link("f.c", "g.c"));
}

static int replace_it(void)
{
	return ERR(rename("other.c", "f.c"));
}

static int change_times(void)
{
	return ERR(utimensat(AT_FDCWD, "f.c", NULL, 0));
}

static int set_attribute(void)
{
	return ERR(setxattr("f.c", "user.a", "value", 5, 0));
}

/*
 * A delegation (what the NFS server takes of a file) is also broken by what
 * changes attributes and names.
 */
TEST_F(tree, changes_wait_for_delegations_of_the_branchs_file)
{
	static int (*const acts[])(void) = {
		change_mode, change_times, set_attribute, set_size,
		link_it, rename_it, replace_it, remove_it,
	};
	size_t i;
	int fd;

	expect_requests();
	for (i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		unlink("g.c");
		unlink("f.c");
		DOES(put("f.c", "text"));
		DOES(put("other.c", "text"));
		fd = open(fmt("%s/f.c", self->dot_c), O_RDONLY);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, delegate(fd, F_RDLCK));
		EXPECT_EQ(0, result_after(delegate, fd, acts[i]))
			TH_LOG("number %zu", i);
		close(fd);
	}
}

static int make_in_it(void)
{
	return put("d/new", "text");
}

static int make_node_in_it(void)
{
	return ERR(mknod("d/fifo", S_IFIFO | 0600, 0));
}

static int make_symlink_in_it(void)
{
	return ERR(symlink("target", "d/symlink"));
}

static int link_into_it(void)
{
	return ERR(link("f", "d/link"));
}

static int rename_into_it(void)
{
	return ERR(rename("f", "d/f"));
}

static int rename_in_it(void)
{
	return ERR(rename("d/old", "d/newer"));
}

static int remove_from_it(void)
{
	return ERR(unlink("d/old"));
}

static int make_dir_in_it(void)
{
	return ERR(mkdir("d/sub", 0755));
}

static int remove_dir_from_it(void)
{
	return ERR(rmdir("d/sub"));
}

/* One of a directory is broken by what changes names in it. */
TEST_F(tree, changes_wait_for_delegations_of_the_branchs_directory)
{
	static int (*const acts[])(void) = {
		make_in_it, make_node_in_it, make_symlink_in_it, make_dir_in_it,
		remove_dir_from_it, link_into_it, rename_into_it, rename_in_it,
		remove_from_it,
	};
	size_t i;
	int fd;

	expect_requests();
	DOES(ERR(mkdir("d", 0755)));
	for (i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		DOES(put("f", "text"));
		DOES(put("d/old", "text"));
		fd = open(fmt("%s/d", self->home), O_RDONLY | O_DIRECTORY);
		ASSERT_LE(0, fd);
		if (self->fuse) {
			/* FUSE gives none of its directories. */
			ASSERT_EQ(EINVAL, delegate(fd, F_RDLCK));
			return;
		}
		ASSERT_EQ(0, delegate(fd, F_RDLCK));
		EXPECT_EQ(0, result_after(delegate, fd, acts[i]))
			TH_LOG("number %zu", i);
		close(fd);
		unlink("f");
	}
}

TREE_TEST_MAIN
