// SPDX-License-Identifier: GPL-2.0-only
/* fsync, fdatasync, syncfs, statfs, locks and ioctl. */
#include "tree.h"

#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>

TEST_F(tree, fsync_and_fdatasync_succeed)
{
	int fd = open("f.c", O_CREAT | O_RDWR, 0644), dir;

	ASSERT_LE(0, fd);
	EXPECT_EQ(4, write(fd, "data", 4));
	EXPECT_OK(fdatasync(fd));
	EXPECT_OK(fsync(fd));
	close(fd);
	fd = open("f.c", O_RDONLY);
	EXPECT_OK(fsync(fd));
	dir = open(".", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, dir);
	EXPECT_OK(fsync(dir));
	EXPECT_OK(fdatasync(dir));
}

TEST_F(tree, syncfs_succeeds)
{
	int fd;

	DOES(put("f.c", "data"));
	DOES(put("f", "data"));
	fd = open("f.c", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_OK(syncfs(fd));
	fd = open(".", O_RDONLY);
	EXPECT_OK(syncfs(fd));
	EXPECT_OK(sync_file_range(fd, 0, 0, 0) ? (errno == ESPIPE ? 0 : -1) : 0);
}

TEST_F(tree, statfs_gives_the_numbers_of_the_branch)
{
	struct statfs here, there;

	DOES(put("f.c", "x"));
	ASSERT_OK(statfs(".", &here));
	ASSERT_OK(statfs(self->home, &there));
	EXPECT_EQ(there.f_blocks, here.f_blocks);
	EXPECT_EQ(there.f_bsize, here.f_bsize);
	EXPECT_EQ(there.f_files, here.f_files);
	EXPECT_EQ(there.f_namelen, here.f_namelen);
	EXPECT_LT(0, here.f_bavail);
	ASSERT_OK(statfs("f.c", &here));
	EXPECT_LT(0, here.f_blocks);
}

TEST_F(tree, locks_work_between_descriptors)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int one = open("f.c", O_CREAT | O_RDWR, 0644);
	int two = open("f.c", O_RDWR);

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	ASSERT_OK(flock(one, LOCK_EX | LOCK_NB));
	EXPECT_ERR(EWOULDBLOCK, flock(two, LOCK_EX | LOCK_NB));
	ASSERT_OK(flock(one, LOCK_UN));
	EXPECT_OK(flock(two, LOCK_EX | LOCK_NB));
	ASSERT_OK(fcntl(one, F_OFD_SETLK, &whole));
	whole.l_type = F_WRLCK;
	EXPECT_ERR(EAGAIN, fcntl(two, F_OFD_SETLK, &whole));
}

TREE_TEST_MAIN
