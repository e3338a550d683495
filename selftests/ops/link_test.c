// SPDX-License-Identifier: GPL-2.0-only
/* link, unlink and rmdir. */
#include "tree.h"

TEST_F(tree, hard_links_are_one_object)
{
	DOES(put("a.c", "shared"));
	ASSERT_OK(link("a.c", "b.c"));
	EXPECT_EQ(2, stat_of("a.c").st_nlink);
	EXPECT_EQ(2, stat_of("b.c").st_nlink);
	EXPECT_EQ(stat_of("a.c").st_ino, stat_of("b.c").st_ino);
	EXPECT_STREQ("shared", get("b.c"));
	DOES(put("b.c", "changed"));
	EXPECT_STREQ("changed", get("a.c"));
	ASSERT_OK(chmod("b.c", 0600));
	EXPECT_EQ(S_IFREG | 0600, stat_of("a.c").st_mode);
	ASSERT_OK(unlink("a.c"));
	EXPECT_EQ(1, stat_of("b.c").st_nlink);
	EXPECT_STREQ("changed", get("b.c"));
}

TEST_F(tree, link_works_between_directories)
{
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(mkdir("e", 0755));
	DOES(put("d/f.c", "x"));
	ASSERT_OK(link("d/f.c", "e/g.c"));
	EXPECT_EQ(stat_of("d/f.c").st_ino, stat_of("e/g.c").st_ino);
	EXPECT_TRUE(listed("e", "g.c", NULL, NULL));
}

TEST_F(tree, link_refuses_what_link_must)
{
	DOES(put("a.c", ""));
	DOES(put("b.c", ""));
	ASSERT_OK(mkdir("d", 0755));
	EXPECT_ERR(EEXIST, link("a.c", "b.c"));
	EXPECT_ERR(EPERM, link("d", "e"));
	EXPECT_ERR(ENOENT, link("absent.c", "e.c"));
	EXPECT_ERR(ENOENT, link("a.c", "absent/e.c"));
	EXPECT_ERR(ENOTDIR, link("a.c", "b.c/e"));
}

TEST_F(tree, link_to_a_symlink_links_the_link)
{
	ASSERT_OK(symlink("nowhere", "s.c"));
	ASSERT_OK(link("s.c", "t.c"));
	EXPECT_TRUE(S_ISLNK(stat_of("t.c").st_mode));
	EXPECT_EQ(2, stat_of("s.c").st_nlink);
}

TEST_F(tree, open_descriptor_can_be_linked)
{
	int fd;

	DOES(put("f.c", "by descriptor"));
	fd = open("f.c", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_OK(linkat(fd, "", AT_FDCWD, "g.c", AT_EMPTY_PATH));
	EXPECT_STREQ("by descriptor", get("g.c"));
	EXPECT_EQ(2, stat_of("f.c").st_nlink);
}

TEST_F(tree, unlink_takes_the_name_away)
{
	DOES(put("f.c", ""));
	DOES(put("f", ""));
	ASSERT_OK(unlink("f.c"));
	EXPECT_FALSE(present("f.c"));
	EXPECT_FALSE(present(fmt("%s/f.c", self->dot_c)));
	EXPECT_STREQ("f", names_in("."));
	EXPECT_ERR(ENOENT, unlink("f.c"));
	ASSERT_OK(mkdir("d", 0755));
	EXPECT_ERR(EISDIR, unlink("d"));
	EXPECT_ERR(ENOTDIR, rmdir("f"));
	EXPECT_ERR(ENOTDIR, unlink("f/x"));
}

TEST_F(tree, unlinked_open_file_stays_usable)
{
	char buf[16] = "";
	struct stat st;
	int fd;

	DOES(put("f.c", "kept"));
	fd = open("f.c", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_OK(unlink("f.c"));
	EXPECT_FALSE(present("f.c"));
	EXPECT_EQ(4, read(fd, buf, sizeof(buf)));
	EXPECT_STREQ("kept", buf);
	EXPECT_EQ(3, pwrite(fd, "new", 3, 0));
	EXPECT_EQ(4, pread(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("newt", buf);
	/* FUSE forgets the number of links, here as everywhere. */
	ASSERT_OK(fstat(fd, &st));
	if (!self->fuse_dot_c)
		EXPECT_EQ(0, st.st_nlink);
	EXPECT_EQ(4, st.st_size);
	DOES(put("f.c", "another"));
	EXPECT_EQ(4, pread(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("another", get("f.c"));
}

TEST_F(tree, unlinked_open_file_can_be_reopened_and_changed)
{
	struct timespec t[2] = { { 1, 0 }, { 2, 0 } };
	struct stat st;
	int fd, again;

	DOES(put("f.c", "kept"));
	fd = open("f.c", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_OK(unlink("f.c"));
	EXPECT_OK(fchmod(fd, 0640));
	EXPECT_OK(futimens(fd, t));
	EXPECT_OK(ftruncate(fd, 2));
	EXPECT_OK(fsync(fd));
	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(S_IFREG | 0640, st.st_mode);
	EXPECT_EQ(2, st.st_size);
	again = open(fmt("/proc/self/fd/%d", fd), O_RDWR);
	ASSERT_LE(0, again);
	EXPECT_EQ(2, pwrite(again, "KE", 2, 0));
	EXPECT_STREQ("KE", get(fmt("/proc/self/fd/%d", fd)));
	EXPECT_ERR(ENOENT, linkat(AT_FDCWD, fmt("/proc/self/fd/%d", fd),
				  AT_FDCWD, "g.c", AT_SYMLINK_FOLLOW));
	EXPECT_STREQ("", names_in("."));
}

TEST_F(tree, name_can_be_made_again_as_another_kind)
{
	int i;

	for (i = 0; i < 3; i++) {
		DOES(put("n.c", "file"));
		EXPECT_TRUE(S_ISREG(stat_of("n.c").st_mode));
		ASSERT_OK(unlink("n.c"));
		ASSERT_OK(mkdir("n.c", 0755));
		EXPECT_TRUE(S_ISDIR(stat_of("n.c").st_mode));
		ASSERT_OK(rmdir("n.c"));
		ASSERT_OK(symlink("x", "n.c"));
		EXPECT_TRUE(S_ISLNK(stat_of("n.c").st_mode));
		ASSERT_OK(unlink("n.c"));
		EXPECT_FALSE(present("n.c"));
	}
}

TEST_F(tree, rmdir_removes_only_an_empty_directory)
{
	ASSERT_OK(mkdir("d", 0755));
	DOES(put("d/f.c", ""));
	EXPECT_ERR(ENOTEMPTY, rmdir("d"));
	ASSERT_OK(unlink("d/f.c"));
	DOES(put("d/f", ""));
	EXPECT_ERR(ENOTEMPTY, rmdir("d"));
	ASSERT_OK(unlink("d/f"));
	ASSERT_OK(mkdir("d/sub", 0755));
	EXPECT_ERR(ENOTEMPTY, rmdir("d"));
	ASSERT_OK(rmdir("d/sub"));
	ASSERT_OK(rmdir("d"));
	EXPECT_FALSE(present("d"));
	EXPECT_FALSE(present(fmt("%s/d", self->home)));
	EXPECT_FALSE(present(fmt("%s/d", self->dot_c)));
	EXPECT_ERR(ENOENT, rmdir("d"));
	EXPECT_ERR(EINVAL, rmdir("."));
}

TEST_F(tree, removed_current_directory_is_empty_and_dead)
{
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(chdir("d"));
	ASSERT_OK(rmdir("../d"));
	EXPECT_EQ(ENOENT, put("f.c", ""));
	EXPECT_ERR(ENOENT, mkdir("d", 0755));
	EXPECT_ERR(ENOENT, access("f.c", F_OK));
	EXPECT_TRUE(S_ISDIR(stat_of(".").st_mode));
}

TREE_TEST_MAIN
