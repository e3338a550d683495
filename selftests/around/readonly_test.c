// SPDX-License-Identifier: GPL-2.0-only
/* The mount, another view of it, or a branch becomes read-only, or breaks. */
#include "site.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_EXT4 };

#define SHUTDOWN	_IOR('X', 125, unsigned int)

static int remount(const char *at, unsigned long flags)
{
	return ERR(mount(NULL, at, NULL, MS_REMOUNT | flags, NULL));
}

/* All of them refused with that errno. */
static void refused(struct __test_metadata *_metadata, const char *at, int with)
{
	EXPECT_EQ(with, put(fmt("%s/f", at), "x"));
	EXPECT_EQ(with, put(fmt("%s/new", at), "x"));
	EXPECT_ERR(with, mkdir(fmt("%s/new", at), 0755));
	EXPECT_ERR(with, unlink(fmt("%s/f", at)));
	EXPECT_ERR(with, rename(fmt("%s/f", at), fmt("%s/g", at)));
	EXPECT_ERR(with, link(fmt("%s/f", at), fmt("%s/g", at)));
	EXPECT_ERR(with, symlink("f", fmt("%s/s", at)));
	EXPECT_ERR(with, chmod(fmt("%s/f", at), 0600));
	EXPECT_ERR(with, truncate(fmt("%s/f", at), 0));
	EXPECT_ERR(with, utimensat(AT_FDCWD, fmt("%s/f", at), NULL, 0));
	EXPECT_ERR(with, setxattr(fmt("%s/f", at), "user.a", "v", 1, 0));
}

TEST_F(site, mount_becomes_read_only_and_writable_again)
{
	char buf[8] = "";
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("mnt/f", "text"));
	fd = open("mnt/f", O_RDWR);
	ASSERT_LE(0, fd);
	/* Not while somebody may write. */
	EXPECT_EQ(EBUSY, remount("mnt", MS_RDONLY));
	EXPECT_EQ(1, pwrite(fd, "T", 1, 0));
	close(fd);
	fd = open("mnt/f", O_RDONLY);
	ASSERT_EQ(0, remount("mnt", MS_RDONLY));
	refused(_metadata, "mnt", EROFS);
	EXPECT_EQ(4, read(fd, buf, sizeof(buf)));
	EXPECT_STREQ("Text", buf);
	/* The branch is as writable as ever. */
	EXPECT_EQ(0, put("hot/f", "other"));
	EXPECT_STREQ("other", get("mnt/f"));
	ASSERT_EQ(0, remount("mnt", 0));
	EXPECT_EQ(0, put("mnt/f", "again"));
	close(fd);
}

TEST_F(site, view_of_the_mount_is_read_only_by_itself)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("mnt/f", "text"));
	DOES(bind_mount("mnt", "view"));
	ASSERT_EQ(0, remount("view", MS_BIND | MS_RDONLY));
	refused(_metadata, "view", EROFS);
	EXPECT_STREQ("text", get("view/f"));
	EXPECT_EQ(0, put("mnt/f", "more"));
	EXPECT_STREQ("more", get("view/f"));
	ASSERT_OK(umount2("view", MNT_DETACH));
}

/* Reads what was last read long ago; whether that is seen in the branch. */
static bool reading_counts(void)
{
	struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };
	struct stat st;

	if (utimensat(AT_FDCWD, "hot/f", times, 0) || utimensat(AT_FDCWD, "hot/dir", times, 0))
		return false;
	get("mnt/f");
	names_in("mnt/dir");
	if (stat("hot/f", &st))
		return false;
	if (st.st_atim.tv_sec != 1000)
		return true;
	return stat("hot/dir", &st) || st.st_atim.tv_sec != 1000;
}

TEST_F(site, reading_through_a_read_only_mount_changes_no_access_time)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("mnt/f", "text"));
	ASSERT_OK(mkdir("mnt/dir", 0755));
	EXPECT_TRUE(reading_counts());
	ASSERT_EQ(0, remount("mnt", MS_RDONLY));
	EXPECT_FALSE(reading_counts());
	ASSERT_EQ(0, remount("mnt", 0));
	EXPECT_TRUE(reading_counts());
}

TEST_F(site, branch_becomes_read_only_under_open_files)
{
	char buf[8] = "", *at;
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("mnt/f", "text"));
	fd = open("mnt/f", O_RDWR);
	ASSERT_LE(0, fd);
	/* One who writes through the mount writes in the branch. */
	EXPECT_EQ(EBUSY, remount("hot", MS_RDONLY));
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	EXPECT_EQ(EBUSY, remount("hot", MS_RDONLY));
	ASSERT_OK(munmap(at, 4096));
	fd = open("mnt/f", O_RDONLY);
	ASSERT_EQ(0, remount("hot", MS_RDONLY));
	refused(_metadata, "mnt", EROFS);
	EXPECT_EQ(4, read(fd, buf, sizeof(buf)));
	EXPECT_STREQ("text", buf);
	EXPECT_STREQ("f", names_in("mnt"));
	close(fd);
	ASSERT_EQ(0, remount("hot", 0));
	EXPECT_EQ(0, put("mnt/f", "again"));
}

TEST_F(site, view_of_the_branch_made_read_only_later_is_not_the_branch)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("mnt/f", "text"));
	/* Only the mount of the branch, not its filesystem. */
	ASSERT_EQ(0, remount("hot", MS_BIND | MS_RDONLY));
	EXPECT_EQ(EROFS, put("hot/f", "x"));
	EXPECT_EQ(0, put("mnt/f", "more"));
	EXPECT_STREQ("more", get("hot/f"));
}

TEST_F(site, errors_of_a_branch_that_was_shut_down_arrive)
{
	unsigned int how = 2;	/* without writing anything more */
	int fd, dir, err;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(put("mnt/f", "text"));
	DOES(put("mnt/d", "text"));
	fd = open("mnt/f", O_RDWR);
	ASSERT_LE(0, fd);
	dir = open("hot", O_RDONLY | O_DIRECTORY);
	ASSERT_OK(ioctl(dir, SHUTDOWN, &how));
	close(dir);
	err = put("hot/new", "x");
	EXPECT_NE(0, err);
	EXPECT_EQ(err, put("mnt/new", "x"));
	EXPECT_EQ(ERR(unlink("hot/d")), ERR(unlink("mnt/d")));
	EXPECT_EQ(ERR(chmod("hot/f", 0600)), ERR(chmod("mnt/f", 0600)));
	EXPECT_ERR(EIO, pwrite(fd, "x", 1, 0));
	EXPECT_ERR(EIO, fsync(fd));
	EXPECT_ERR(EIO, fallocate(fd, 0, 0, 8192));
	close(fd);
	/* The other branch works on. */
	EXPECT_EQ(0, put("mnt/f.c", "fine"));
	EXPECT_STREQ("fine", get("cold/f.c"));
	ASSERT_OK(umount2("mnt", 0));
}

SWITCHFS_TEST_MAIN
