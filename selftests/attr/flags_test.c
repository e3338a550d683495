// SPDX-License-Identifier: GPL-2.0-only
/* Flags of files: chattr, extended flags, extents. */
#include "tree.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

/* The errno with which the branch of names in ".c" gives flags, or 0. */
static int branch_errno(const char *dot_c)
{
	const char *probe = fmt("%s/probe.c", dot_c);
	int fd, flags, err;

	fd = open(probe, O_CREAT | O_RDONLY, 0644);
	err = ERR(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	close(fd);
	unlink(probe);
	return err;
}

static int flags_of(const char *path)
{
	int fd = open(path, O_RDONLY), flags = -1;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		flags = -errno;
	close(fd);
	return flags;
}

TEST_F(tree, flags_are_the_branches)
{
	int expected;

	DOES(put("f.c", "x"));
	expected = branch_errno(self->dot_c);
	ASSERT_EQ(expected, change_flags("f.c", FS_NODUMP_FL, 0));
	if (expected)
		return;
	EXPECT_EQ(FS_NODUMP_FL, flags_of("f.c") & FS_NODUMP_FL);
	EXPECT_EQ(flags_of("f.c"), flags_of(fmt("%s/f.c", self->dot_c)));
	EXPECT_EQ(0, change_flags("f.c", 0, FS_NODUMP_FL));
	EXPECT_EQ(0, flags_of(fmt("%s/f.c", self->dot_c)) & FS_NODUMP_FL);
	ASSERT_OK(mkdir("d", 0755));
	if (!self->fuse)
		EXPECT_EQ(0, change_flags("d", FS_NODUMP_FL, 0));
}

TEST_F(tree, immutable_files_do_not_change)
{
	int fd;

	DOES(put("f.c", "x"));
	if (branch_errno(self->dot_c))
		return;
	fd = open("f.c", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, change_flags("f.c", FS_IMMUTABLE_FL, 0));
	EXPECT_ERR(EPERM, open("f.c", O_WRONLY));
	EXPECT_ERR(EPERM, unlink("f.c"));
	EXPECT_ERR(EPERM, rename("f.c", "g.c"));
	EXPECT_ERR(EPERM, link("f.c", "g.c"));
	EXPECT_ERR(EPERM, chmod("f.c", 0600));
	EXPECT_ERR(EPERM, truncate("f.c", 0));
	EXPECT_ERR(EPERM, utimensat(AT_FDCWD, "f.c", NULL, 0));
	EXPECT_EQ(0, change_flags("f.c", 0, FS_IMMUTABLE_FL));
	EXPECT_EQ(1, write(fd, "y", 1));
	EXPECT_OK(unlink("f.c"));
}

TEST_F(tree, append_only_files_only_grow)
{
	int fd;

	DOES(put("f.c", "x"));
	if (branch_errno(self->dot_c))
		return;
	ASSERT_EQ(0, change_flags("f.c", FS_APPEND_FL, 0));
	EXPECT_ERR(EPERM, open("f.c", O_WRONLY));
	EXPECT_ERR(EPERM, open("f.c", O_WRONLY | O_APPEND | O_TRUNC));
	fd = open("f.c", O_WRONLY | O_APPEND);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, write(fd, "y", 1));
	EXPECT_ERR(EPERM, fcntl(fd, F_SETFL, 0));
	EXPECT_ERR(EPERM, ftruncate(fd, 0));
	close(fd);
	EXPECT_STREQ("xy", get("f.c"));
	EXPECT_EQ(0, change_flags("f.c", 0, FS_APPEND_FL));
}

TEST_F(tree, only_the_owner_changes_flags_and_only_root_protects)
{
	DOES(put("f.c", "x"));
	if (branch_errno(self->dot_c))
		return;
	ASSERT_OK(chmod("f.c", 0666));
	user_become(SOMEONE);
	EXPECT_EQ(EPERM, change_flags("f.c", FS_NODUMP_FL, 0));
	user_return();
	ASSERT_OK(chown("f.c", SOMEONE, SOMEONE));
	user_become(SOMEONE);
	EXPECT_EQ(0, change_flags("f.c", FS_NODUMP_FL, 0));
	EXPECT_EQ(EPERM, change_flags("f.c", FS_IMMUTABLE_FL, 0));
	user_return();
}

TEST_F(tree, extended_flags_agree)
{
	struct fsxattr ours = {}, theirs = {};
	int fd, below;

	DOES(put("f.c", "x"));
	if (branch_errno(self->dot_c) || self->fuse_dot_c)
		return;
	fd = open("f.c", O_RDONLY);
	below = open(fmt("%s/f.c", self->dot_c), O_RDONLY);
	ASSERT_OK(ioctl(fd, FS_IOC_FSGETXATTR, &ours));
	ours.fsx_xflags |= FS_XFLAG_NODUMP;
	EXPECT_OK(ioctl(fd, FS_IOC_FSSETXATTR, &ours));
	EXPECT_OK(ioctl(fd, FS_IOC_FSGETXATTR, &ours));
	EXPECT_OK(ioctl(below, FS_IOC_FSGETXATTR, &theirs));
	EXPECT_EQ(0, memcmp(&ours, &theirs, sizeof(ours)));
	EXPECT_EQ(FS_XFLAG_NODUMP, ours.fsx_xflags & FS_XFLAG_NODUMP);
}

TEST_F(tree, extents_are_the_branches)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent[4];
	} ours = {}, theirs = {};
	static char block[65536];
	int fd, below;

	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	EXPECT_EQ(65536, pwrite(fd, block, 65536, 65536));
	ASSERT_OK(fsync(fd));
	below = open(fmt("%s/f.c", self->dot_c), O_RDONLY);
	ASSERT_LE(0, below);
	ours.map.fm_length = FIEMAP_MAX_OFFSET;
	theirs.map.fm_length = FIEMAP_MAX_OFFSET;
	ours.map.fm_extent_count = 4;
	theirs.map.fm_extent_count = 4;
	EXPECT_EQ(ERR(ioctl(below, FS_IOC_FIEMAP, &theirs)),
		  ERR(ioctl(fd, FS_IOC_FIEMAP, &ours)));
	EXPECT_EQ(0, memcmp(&ours, &theirs, sizeof(ours)));
	if (!self->fuse_dot_c)
		EXPECT_EQ(1, ours.map.fm_mapped_extents);
}

TEST_F(tree, other_ioctls_are_not_passed_down)
{
	int fd, version;

	DOES(put("f.c", "x"));
	fd = open("f.c", O_RDONLY);
	if (variant->kind != PLAIN)
		EXPECT_ERR(ENOTTY, ioctl(fd, FS_IOC_GETVERSION, &version));
}

TREE_TEST_MAIN
