// SPDX-License-Identifier: GPL-2.0-only
/* rename within one home. */
#include "tree.h"

#include <linux/fs.h>
#include <sys/syscall.h>

static int rename2(const char *from, const char *to, unsigned int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

TEST_F(tree, rename_moves_a_file)
{
	ino_t ino;

	DOES(put("a.c", "moved"));
	ino = stat_of("a.c").st_ino;
	ASSERT_OK(rename("a.c", "b.c"));
	EXPECT_FALSE(present("a.c"));
	EXPECT_STREQ("moved", get("b.c"));
	EXPECT_EQ(ino, stat_of("b.c").st_ino);
	EXPECT_STREQ("b.c", names_in("."));
	EXPECT_STREQ("moved", get(fmt("%s/b.c", self->dot_c)));
	EXPECT_FALSE(present(fmt("%s/a.c", self->dot_c)));
}

TEST_F(tree, rename_between_directories)
{
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(mkdir("e", 0755));
	DOES(put("d/a.c", "far"));
	DOES(put("d/b", "near"));
	ASSERT_OK(rename("d/a.c", "e/a2.c"));
	ASSERT_OK(rename("d/b", "e/b2"));
	EXPECT_STREQ("", names_in("d"));
	EXPECT_STREQ("a2.c b2", names_in("e"));
	EXPECT_STREQ("far", get("e/a2.c"));
	EXPECT_STREQ("near", get("e/b2"));
}

TEST_F(tree, rename_replaces_a_file)
{
	int fd;
	char buf[8] = "";

	DOES(put("a.c", "new"));
	DOES(put("b.c", "old"));
	fd = open("b.c", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_OK(rename("a.c", "b.c"));
	EXPECT_STREQ("new", get("b.c"));
	EXPECT_FALSE(present("a.c"));
	EXPECT_EQ(3, read(fd, buf, sizeof(buf)));
	EXPECT_STREQ("old", buf);
}

TEST_F(tree, rename_of_open_file_keeps_the_descriptor)
{
	int fd = open("a.c", O_CREAT | O_RDWR, 0644);

	ASSERT_LE(0, fd);
	ASSERT_OK(rename("a.c", "b.c"));
	EXPECT_EQ(5, write(fd, "after", 5));
	EXPECT_STREQ("after", get("b.c"));
}

TEST_F(tree, rename_to_itself_or_another_link_does_nothing)
{
	DOES(put("a.c", "x"));
	ASSERT_OK(link("a.c", "b.c"));
	EXPECT_OK(rename("a.c", "a.c"));
	EXPECT_OK(rename("a.c", "b.c"));
	EXPECT_TRUE(present("a.c"));
	EXPECT_TRUE(present("b.c"));
}

TEST_F(tree, rename_moves_a_directory_with_what_is_below)
{
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(mkdir("d/sub", 0755));
	DOES(put("d/sub/f", "below"));
	ASSERT_OK(rename("d", "e"));
	EXPECT_FALSE(present("d"));
	EXPECT_STREQ("below", get("e/sub/f"));
	ASSERT_OK(mkdir("x", 0755));
	ASSERT_OK(rename("e/sub", "x/sub"));
	EXPECT_STREQ("below", get("x/sub/f"));
	EXPECT_STREQ("", names_in("e"));
	EXPECT_EQ(2, stat_of("e").st_nlink);
	EXPECT_EQ(3, stat_of("x").st_nlink);
	EXPECT_EQ(stat_of("x").st_ino, stat_of("x/sub/..").st_ino);
}

TEST_F(tree, rename_replaces_only_an_empty_directory)
{
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(mkdir("empty", 0755));
	ASSERT_OK(mkdir("full", 0755));
	DOES(put("full/f", ""));
	DOES(put("f", ""));
	EXPECT_ERR(ENOTEMPTY, rename("d", "full"));
	EXPECT_ERR(ENOTDIR, rename("d", "f"));
	EXPECT_ERR(EISDIR, rename("f", "d"));
	ASSERT_OK(rename("full", "empty"));
	EXPECT_STREQ("d empty f", names_in("."));
	EXPECT_STREQ("f", names_in("empty"));
}

TEST_F(tree, rename_refuses_what_rename_must)
{
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(mkdir("d/sub", 0755));
	DOES(put("f.c", ""));
	EXPECT_ERR(EINVAL, rename("d", "d/sub/d"));
	EXPECT_ERR(ENOTEMPTY, rename("d/sub", "d"));
	EXPECT_ERR(ENOENT, rename("absent", "x"));
	EXPECT_ERR(ENOENT, rename("f.c", "absent/f.c"));
	EXPECT_ERR(ENOTDIR, rename("f.c", "f.c/x"));
	EXPECT_ERR(EINVAL, rename2("f.c", "g.c", 1 << 20));
	EXPECT_ERR(EINVAL, rename2("f.c", "g.c",
				   RENAME_NOREPLACE | RENAME_EXCHANGE));
}

TEST_F(tree, noreplace_never_replaces)
{
	DOES(put("a.c", "a"));
	DOES(put("b.c", "b"));
	EXPECT_ERR(EEXIST, rename2("a.c", "b.c", RENAME_NOREPLACE));
	EXPECT_STREQ("b", get("b.c"));
	ASSERT_OK(rename2("a.c", "c.c", RENAME_NOREPLACE));
	EXPECT_STREQ("a", get("c.c"));
	EXPECT_FALSE(present("a.c"));
}

TEST_F(tree, exchange_swaps_two_names)
{
	ino_t a, b;

	DOES(put("a.c", "a"));
	DOES(put("b.c", "b"));
	a = stat_of("a.c").st_ino;
	b = stat_of("b.c").st_ino;
	ASSERT_OK(rename2("a.c", "b.c", RENAME_EXCHANGE));
	EXPECT_STREQ("b", get("a.c"));
	EXPECT_STREQ("a", get("b.c"));
	EXPECT_EQ(b, stat_of("a.c").st_ino);
	EXPECT_EQ(a, stat_of("b.c").st_ino);
	ASSERT_OK(mkdir("d", 0755));
	DOES(put("d/in", "d"));
	DOES(put("f", "f"));
	ASSERT_OK(rename2("d", "f", RENAME_EXCHANGE));
	EXPECT_STREQ("f", get("d"));
	EXPECT_STREQ("d", get("f/in"));
	EXPECT_ERR(ENOENT, rename2("a.c", "absent.c", RENAME_EXCHANGE));
}

TEST_F(tree, symlink_itself_is_renamed)
{
	char buf[16] = "";

	ASSERT_OK(symlink("nowhere", "s.c"));
	ASSERT_OK(rename("s.c", "t.c"));
	EXPECT_EQ(7, readlink("t.c", buf, sizeof(buf)));
	EXPECT_STREQ("nowhere", buf);
}

TREE_TEST_MAIN
