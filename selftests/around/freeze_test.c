// SPDX-License-Identifier: GPL-2.0-only
/* A frozen branch: what changes it waits, what reads it does not. */
#include "switchfs_test.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

FIXTURE(frozen) {
	struct world w;
	int disk;
};

FIXTURE_VARIANT(frozen) {
	bool bare;		/* the branch itself: proves the test */
};

FIXTURE_VARIANT_ADD(frozen, bare) { .bare = true };
FIXTURE_VARIANT_ADD(frozen, branch) { .bare = false };

FIXTURE_SETUP(frozen)
{
	if (!variant->bare)
		NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(ext4_mount(&self->w, fmt("%s/disk", self->w.work)));
	if (variant->bare) {
		DOES(bind_mount("disk", "mnt"));
	} else {
		ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("a=%s/disk", self->w.work),
					    "noatime", NULL, END))
			TH_LOG("%s", mount_log);
	}
	self->disk = open("disk", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

FIXTURE_TEARDOWN(frozen)
{
	ioctl(self->disk, FITHAW, 0);
	close(self->disk);
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		umount2("disk", MNT_DETACH);
	}
	world_leave(&self->w);
}

static int create_it(void)
{
	return ERR(mknod("mnt/a/new", S_IFREG | 0644, 0));
}

static int write_it(void)
{
	return ERR(pwrite(open("mnt/b/f", O_RDWR), "X", 1, 0));
}

static int set_size(void)
{
	return ERR(truncate("mnt/c/f", 0));
}

static int remove_it(void)
{
	return ERR(unlink("mnt/d/f"));
}

static int rename_it(void)
{
	return ERR(rename("mnt/e/f", "mnt/e/g"));
}

static int change_mode(void)
{
	return ERR(chmod("mnt/f/f", 0600));
}

static int set_attribute(void)
{
	return ERR(setxattr("mnt/g/f", "user.a", "v", 1, 0));
}

static int link_it(void)
{
	return ERR(link("mnt/h/f", "mnt/h/g"));
}

static int map_it(void)
{
	char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			open("mnt/i/f", O_RDWR), 0);

	if (at == MAP_FAILED)
		return errno;
	at[0] = 'X';
	return 0;
}

static int splice_it(void)
{
	int p[2], fd = open("mnt/j/f", O_WRONLY);

	pipe(p);
	write(p[1], "X", 1);
	return ERR(splice(p[0], NULL, fd, NULL, 1, 0));
}

static int allocate_it(void)
{
	return ERR(fallocate(open("mnt/k/f", O_WRONLY), 0, 0, 8192));
}

/* Each in a directory of its own, so that none waits for a lock of another. */
static int (*const changes[])(void) = {
	create_it, write_it, set_size, remove_it, rename_it, change_mode,
	set_attribute, link_it, map_it, splice_it, allocate_it,
};

#define CHANGES (sizeof(changes) / sizeof(*changes))

TEST_F(frozen, every_change_waits_for_the_thaw)
{
	pid_t pid[CHANGES];
	struct stat st;
	int status;
	size_t i;

	for (i = 0; i < CHANGES; i++) {
		ASSERT_OK(mkdir(fmt("mnt/%c", (char)('a' + i)), 0755));
		DOES(put(fmt("mnt/%c/f", (char)('a' + i)), "text"));
	}
	DOES(put("mnt/seen", "seen"));
	/* Known from here on. */
	EXPECT_STREQ("seen", get("mnt/seen"));
	ASSERT_OK(ioctl(self->disk, FIFREEZE, 0));
	for (i = 0; i < CHANGES; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(changes[i]());
	}
	for (i = 0; i < CHANGES; i++)
		EXPECT_TRUE(still_waits(pid[i])) TH_LOG("change %zu", i);
	/* Reading goes on. */
	EXPECT_STREQ("seen", get("mnt/seen"));
	EXPECT_OK(stat("mnt/seen", &st));
	EXPECT_STREQ("a b c d e f g h i j k lost+found seen", names_in("mnt"));
	ASSERT_OK(ioctl(self->disk, FITHAW, 0));
	for (i = 0; i < CHANGES; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status) TH_LOG("change %zu", i);
	}
	EXPECT_STREQ("f new", names_in("disk/a"));
	EXPECT_STREQ("Xext", get("disk/b/f"));
	EXPECT_STREQ("g", names_in("disk/e"));
	EXPECT_STREQ("Xext", get("disk/j/f"));
}

TEST_F(frozen, waiting_change_can_be_killed_where_the_branch_can)
{
	int status;
	pid_t pid;

	ASSERT_OK(mkdir("mnt/b", 0755));
	DOES(put("mnt/b/f", "text"));
	ASSERT_OK(ioctl(self->disk, FIFREEZE, 0));
	pid = fork();
	if (!pid)
		_exit(write_it());
	EXPECT_TRUE(still_waits(pid));
	kill(pid, SIGKILL);
	usleep(50000);
	/* It may have to wait for the thaw, but no longer. */
	ASSERT_OK(ioctl(self->disk, FITHAW, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) || WIFEXITED(status));
	EXPECT_EQ(0, put("mnt/b/f", "after"));
}

/* There is nothing of its own to freeze: as with overlayfs. */
TEST_F(frozen, mount_itself_cannot_be_frozen)
{
	int fd = open("mnt", O_RDONLY | O_DIRECTORY);

	ASSERT_LE(0, fd);
	if (variant->bare) {
		EXPECT_OK(ioctl(fd, FIFREEZE, 0));
		EXPECT_OK(ioctl(fd, FITHAW, 0));
		return;
	}
	EXPECT_ERR(EOPNOTSUPP, ioctl(fd, FIFREEZE, 0));
	EXPECT_EQ(0, put("mnt/f", "goes on"));
}

TEST_F(frozen, unmounting_over_a_frozen_branch_works)
{
	if (variant->bare)
		return;
	DOES(put("mnt/f", "text"));
	ASSERT_OK(ioctl(self->disk, FIFREEZE, 0));
	EXPECT_OK(umount2("mnt", 0));
	ASSERT_OK(ioctl(self->disk, FITHAW, 0));
	EXPECT_STREQ("text", get("disk/f"));
}

SWITCHFS_TEST_MAIN
