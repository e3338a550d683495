// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that are opened again: nothing of how they were used before is seen,
 * in the mount or in the branch.
 */
#include "tree.h"

#include <linux/fs.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statfs.h>

static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };

/* Opens PATH in all ways, the last one twice, and closes it. */
static int use(const char *path)
{
	int err = 0;
	size_t i;

	for (i = 0; !err && i < 4; i++)
		err = opens(path, modes[i < 3 ? i : 2]);
	return err;
}

TEST_F(tree, each_open_starts_at_the_beginning_with_flags_of_its_own)
{
	char buf[8] = "";
	int fd, round;

	DOES(put("f.c", "text"));
	for (round = 0; round < 3; round++) {
		fd = open("f.c", O_RDWR);
		ASSERT_LE(0, fd);
		EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
		EXPECT_EQ(0, lseek(fd, 0, SEEK_CUR));
		EXPECT_EQ(3, read(fd, buf, 3));
		EXPECT_EQ(0, memcmp("tex", buf, 3));
		/* What is left behind is not found by the next one. */
		ASSERT_OK(fcntl(fd, F_SETFL, round == 1 ? O_APPEND : O_NONBLOCK));
		ASSERT_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
		close(fd);
		fd = open("f.c", O_RDONLY);
		EXPECT_ERR(EBADF, write(fd, "x", 1));
		EXPECT_EQ(4, read(fd, buf, sizeof(buf)));
		close(fd);
		fd = open("f.c", O_WRONLY);
		EXPECT_ERR(EBADF, read(fd, buf, 1));
		EXPECT_EQ(1, pwrite(fd, "t", 1, 0));
		close(fd);
	}
	EXPECT_STREQ("text", get("f.c"));
}

TEST_F(tree, many_files_opened_in_turn_are_not_mistaken_for_each_other)
{
	enum { COUNT = 300 };
	int i, round;

	for (i = 0; i < COUNT; i++)
		DOES(put(fmt("%d%s", i, i % 2 ? ".c" : ""), fmt("of %d", i)));
	for (round = 0; round < 3; round++)
		for (i = 0; i < COUNT; i += round + 1)
			ASSERT_STREQ(fmt("of %d", i), get(fmt("%d%s", i, i % 2 ? ".c" : "")));
}

/* Whether /proc/self/maps has a line that ends in NAME. */
static bool is_mapped(const char *name)
{
	char line[PATH_SIZE + 128];
	FILE *maps = fopen("/proc/self/maps", "r");
	bool found = false;

	while (maps && fgets(line, sizeof(line), maps)) {
		line[strcspn(line, "\n")] = '\0';
		found |= strlen(line) > strlen(name) &&
			 !strcmp(line + strlen(line) - strlen(name), name);
	}
	if (maps)
		fclose(maps);
	return found;
}

TEST_F(tree, mapping_shows_the_name_by_which_it_was_opened_last)
{
	void *first, *second;
	int fd;

	DOES(put("f.c", "text"));
	ASSERT_OK(link("f.c", "g.c"));
	DOES(use("f.c"));
	fd = open("g.c", O_RDONLY);
	first = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, first);
	close(fd);
	EXPECT_TRUE(is_mapped(fmt("%s/g.c", self->dir)));
	EXPECT_FALSE(is_mapped(fmt("%s/f.c", self->dir)));
	/* What is mapped stays what it is when the file is opened again. */
	DOES(use("f.c"));
	fd = open("f.c", O_RDWR);
	second = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, second);
	close(fd);
	EXPECT_TRUE(is_mapped(fmt("%s/g.c", self->dir)));
	EXPECT_TRUE(is_mapped(fmt("%s/f.c", self->dir)));
	memcpy(second, "next", 4);
	EXPECT_EQ(0, memcmp("next", first, 4));
	EXPECT_OK(munmap(first, 4096));
	EXPECT_OK(munmap(second, 4096));
}

TEST_F(tree, branchs_object_is_open_for_nobody_after_the_last_close)
{
	int fd, status;
	pid_t pid;

	DOES(put("f.c", "#!/bin/sh\nexit 7\n"));
	ASSERT_OK(chmod("f.c", 0755));
	DOES(use("f.c"));
	/* A lease for the only user. */
	fd = open(fmt("%s/f.c", self->dot_c), O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_OK(fcntl(fd, F_SETLEASE, F_WRLCK));
	EXPECT_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	close(fd);
	/* Who writes keeps it from being executed. */
	pid = fork();
	if (!pid) {
		execl(fmt("%s/f.c", self->dot_c), "f.c", NULL);
		_exit(ERR(-1));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(7, WEXITSTATUS(status));
}

/* The events that came, as a mask. */
static unsigned int events(int fd)
{
	char buf[4096] __attribute__((aligned(8)));
	unsigned int mask = 0;
	ssize_t n;
	char *p;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (p = buf; p < buf + n;) {
			struct inotify_event *e = (struct inotify_event *)p;

			mask |= e->mask;
			p += sizeof(*e) + e->len;
		}
	return mask;
}

TEST_F(tree, who_watches_the_branchs_object_sees_each_open_and_close)
{
	int watch = inotify_init1(IN_NONBLOCK), id, fd, other, round;

	DOES(put("f.c", "text"));
	DOES(put("g.c", "text"));
	DOES(use("f.c"));
	fd = open("g.c", O_RDONLY);
	id = inotify_add_watch(watch, self->dot_c, IN_OPEN | IN_CLOSE);
	ASSERT_LE(0, id);
	EXPECT_EQ(0, events(watch));
	/* It was opened before. */
	close(fd);
	EXPECT_EQ(IN_CLOSE_NOWRITE, events(watch));
	for (round = 0; round < 2; round++) {
		fd = open("f.c", O_RDONLY);
		EXPECT_EQ(IN_OPEN, events(watch));
		other = open("f.c", O_RDWR);
		EXPECT_EQ(IN_OPEN, events(watch));
		close(fd);
		EXPECT_EQ(IN_CLOSE_NOWRITE, events(watch));
		close(other);
		EXPECT_EQ(IN_CLOSE_WRITE, events(watch));
	}
	ASSERT_OK(inotify_rm_watch(watch, id));
	events(watch);
	DOES(use("f.c"));
	ASSERT_LE(0, inotify_add_watch(watch, self->dot_c, IN_OPEN | IN_CLOSE));
	/* What goes with the file is no close of anybody's. */
	ASSERT_OK(unlink("f.c"));
	EXPECT_EQ(0, events(watch));
	close(watch);
}

TEST_F(tree, open_without_access_times_is_none_for_the_next)
{
	struct timespec times[2] = { { 1000, 0 }, { 2000, 0 } };
	char buf[4];
	int fd;

	DOES(put("f.c", "text"));
	ASSERT_OK(utimensat(AT_FDCWD, "f.c", times, 0));
	fd = open("f.c", O_RDONLY | O_NOATIME);
	ASSERT_LE(0, fd);
	EXPECT_EQ(4, read(fd, buf, 4));
	close(fd);
	EXPECT_EQ(1000, stat_of("f.c").st_atime);
	/* FUSE leaves access times to the server. */
	if (self->fuse_dot_c)
		return;
	EXPECT_STREQ("text", get("f.c"));
	EXPECT_LT(2000, stat_of("f.c").st_atime);
	ASSERT_OK(utimensat(AT_FDCWD, "f.c", times, 0));
	fd = open("f.c", O_RDONLY | O_NOATIME);
	EXPECT_EQ(4, read(fd, buf, 4));
	close(fd);
	EXPECT_EQ(1000, stat_of("f.c").st_atime);
}

TEST_F(tree, immutable_object_is_not_opened_for_writing_again)
{
	int fd, flags;

	/* FUSE has no flags. */
	if (self->fuse_dot_c)
		return;
	DOES(put("f.c", "text"));
	DOES(use("f.c"));
	fd = open(fmt("%s/f.c", self->dot_c), O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_OK(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	flags |= FS_IMMUTABLE_FL;
	ASSERT_OK(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	EXPECT_EQ(0, opens("f.c", O_RDONLY));
	EXPECT_EQ(EPERM, opens("f.c", O_RDWR));
	EXPECT_EQ(EPERM, opens("f.c", O_WRONLY));
	flags &= ~FS_IMMUTABLE_FL;
	ASSERT_OK(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	EXPECT_EQ(0, use("f.c"));
	close(fd);
}

static long blocks_free(const char *at)
{
	struct statfs buf;

	return statfs(at, &buf) ? -1 : (long)buf.f_bfree;
}

TEST_F(tree, removed_file_gives_its_space_back_at_once)
{
	enum { SIZE = 8 << 20, MUCH = 1024 };
	int dir = open(".", O_RDONLY), fd, i;
	long before;

	ASSERT_LE(0, dir);
	/* The directory may be in that branch from now on only. */
	DOES(put("g.c", "text"));
	ASSERT_OK(syncfs(dir));
	before = blocks_free(self->dot_c);
	fd = open("f.c", O_RDWR | O_CREAT, 0644);
	ASSERT_EQ(0, posix_fallocate(fd, 0, SIZE));
	close(fd);
	ASSERT_OK(syncfs(dir));
	ASSERT_GT(before - MUCH, blocks_free(self->dot_c));
	DOES(use("f.c"));
	ASSERT_OK(unlink("f.c"));
	/* The filesystem may take a moment. */
	for (i = 0; i < 50 && blocks_free(self->dot_c) < before - MUCH; i++) {
		ASSERT_OK(syncfs(dir));
		usleep(100000);
	}
	EXPECT_LE(before - MUCH, blocks_free(self->dot_c));
	close(dir);
}

TREE_TEST_MAIN
