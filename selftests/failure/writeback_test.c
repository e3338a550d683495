// SPDX-License-Identifier: GPL-2.0-only
/* Writeback of the branch fails: whoever syncs is told, once. */
#include "site.h"

#include <sys/statvfs.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_EXT4 };

/*
 * The image of the branch cannot grow from here on; or can again. The loop
 * device says so of a write that finds no room for its first page.
 */
static int fill_disk(void)
{
	struct statvfs fs;

	if (statvfs(".", &fs))
		return errno;
	return ERR(mount("work", ".", "tmpfs", MS_REMOUNT,
			 fmt("size=%lu", (fs.f_blocks - fs.f_bfree) * fs.f_frsize)));
}

static int empty_disk(void)
{
	return ERR(mount("work", ".", "tmpfs", MS_REMOUNT, "size=1g"));
}

/* The first is of data, the second of what the filesystem keeps about it. */
static bool no_room(int err)
{
	return err == ENOSPC || err == EIO;
}

static void write_much(struct __test_metadata *_metadata, const char *path)
{
	static char block[1 << 20];
	int fd = open(path, O_CREAT | O_WRONLY, 0644);

	memset(block, 'b', sizeof(block));
	ASSERT_LE(0, fd);
	/* Into the cache: the branch has room, the disk has not. */
	ASSERT_EQ(sizeof(block), write(fd, block, sizeof(block)));
	close(fd);
}

/*
 * What is written to PATH is lost: SYNC tells each of the three open files
 * once. The disk has room again as soon as the first has been told.
 */
static void each_is_told_once(struct __test_metadata *_metadata, const char *path,
			      int (*sync)(int), const int fds[3])
{
	int i;

	ASSERT_EQ(0, fill_disk());
	write_much(_metadata, path);
	for (i = 0; i < 3; i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_TRUE(no_room(ERR(sync(fds[i])))) TH_LOG("number %d", i);
		ASSERT_EQ(0, empty_disk());
		EXPECT_OK(sync(fds[i])) TH_LOG("number %d", i);
	}
}

TEST_F(site, syncfs_tells_each_open_file_once_of_failed_writeback)
{
	int bare, one, two, late;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("mnt/f", "f"));
	bare = open("hot", O_RDONLY | O_DIRECTORY);
	one = open("mnt", O_RDONLY | O_DIRECTORY);
	two = open("mnt/f", O_RDONLY);
	ASSERT_OK(syncfs(one));
	each_is_told_once(_metadata, "mnt/lost", syncfs, (int[]){ one, two, bare });
	late = open("mnt/f", O_RDONLY);
	EXPECT_OK(syncfs(late));
	/* Also of what failed when somebody else synced. */
	each_is_told_once(_metadata, "hot/lost too", syncfs, (int[]){ bare, one, late });
	close(bare);
	close(one);
	close(two);
	close(late);
}

TEST_F(site, fsync_tells_each_open_file_once_of_failed_writeback)
{
	int bare, one, two;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("mnt/lost", ""));
	bare = open("hot/lost", O_RDONLY);
	one = open("mnt/lost", O_RDWR);
	two = open("mnt/lost", O_RDONLY);
	ASSERT_OK(syncfs(one));
	each_is_told_once(_metadata, "mnt/lost", fsync, (int[]){ one, two, bare });
	each_is_told_once(_metadata, "mnt/lost", fdatasync, (int[]){ two, one, bare });
	close(bare);
	close(one);
	close(two);
}

SWITCHFS_TEST_MAIN
