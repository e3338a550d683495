// SPDX-License-Identifier: GPL-2.0-only
/* rename, link and rmdir where names have different homes. */
#include "site.h"

#include <linux/fs.h>
#include <sys/syscall.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

static int exchange(const char *a, const char *b)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

TEST_F(site, rename_across_branches_returns_exdev)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(put("mnt/a", "a"));
	DOES(put("mnt/b.c", "b"));
	EXPECT_ERR(EXDEV, rename("mnt/a", "mnt/a.c"));
	EXPECT_ERR(EXDEV, rename("mnt/b.c", "mnt/b"));
	EXPECT_ERR(EXDEV, rename("mnt/a", "mnt/b.c"));
	EXPECT_ERR(EXDEV, exchange("mnt/a", "mnt/b.c"));
	EXPECT_STREQ("a b.c", names_in("mnt"));
	EXPECT_STREQ("a", get("mnt/a"));
	EXPECT_STREQ("b", get("mnt/b.c"));
	EXPECT_STREQ("a", names_in("hot"));
	EXPECT_STREQ("b.c", names_in("cold"));
	EXPECT_OK(rename("mnt/a", "mnt/a2"));
	EXPECT_OK(rename("mnt/b.c", "mnt/b2.c"));
	EXPECT_STREQ("a2 b2.c", names_in("mnt"));
}

TEST_F(site, link_across_branches_returns_exdev)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(put("mnt/a", "a"));
	EXPECT_ERR(EXDEV, link("mnt/a", "mnt/a.c"));
	EXPECT_FALSE(present("mnt/a.c"));
	EXPECT_EQ(1, stat_of("mnt/a").st_nlink);
	EXPECT_OK(link("mnt/a", "mnt/b"));
}

TEST_F(site, link_and_rename_mirror_missing_parents)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(put("mnt/a.c", "a"));
	DOES(make_path("mnt/p/q"));
	ASSERT_OK(chmod("mnt/p/q", 0710));
	EXPECT_OK(link("mnt/a.c", "mnt/p/q/b.c"));
	EXPECT_EQ(S_IFDIR | 0710, stat_of("cold/p/q").st_mode);
	DOES(make_path("mnt/r"));
	EXPECT_OK(rename("mnt/a.c", "mnt/r/a.c"));
	EXPECT_STREQ("a", get("mnt/r/a.c"));
	EXPECT_STREQ("a", get("cold/r/a.c"));
	EXPECT_STREQ("p r", names_in("mnt"));
}

TEST_F(site, directory_below_which_nothing_changes_home_is_renamed)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/media/** -> cold"));
	DOES(make_path("mnt/d/sub"));
	DOES(put("mnt/d/sub/f", "f"));
	EXPECT_OK(rename("mnt/d", "mnt/e"));
	EXPECT_STREQ("f", get("mnt/e/sub/f"));
	EXPECT_STREQ("f", get("hot/e/sub/f"));
	DOES(make_path("mnt/media/x"));
	DOES(put("mnt/media/x/g", "g"));
	EXPECT_OK(rename("mnt/media/x", "mnt/media/y"));
	EXPECT_STREQ("g", get("cold/media/y/g"));
}

TEST_F(site, directory_below_which_a_name_would_change_home_is_not)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/a/x/** -> cold"));
	DOES(make_path("mnt/a"));
	DOES(make_path("mnt/b"));
	DOES(make_path("mnt/c/x"));
	DOES(put("mnt/c/x/f", "f"));
	/* Names at a/x leave cold for hot, names at c/x enter it. */
	EXPECT_ERR(EXDEV, rename("mnt/a", "mnt/a2"));
	ASSERT_OK(rmdir("mnt/a"));
	EXPECT_ERR(EXDEV, rename("mnt/c", "mnt/a"));
	EXPECT_STREQ("f", get("mnt/c/x/f"));
	EXPECT_STREQ("b c", names_in("mnt"));
	EXPECT_OK(rename("mnt/b", "mnt/b2"));
	EXPECT_OK(rename("mnt/c", "mnt/c2"));
}

TEST_F(site, directory_whose_own_home_would_change_is_not_renamed)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/media/** -> cold"));
	DOES(make_path("mnt/d"));
	DOES(make_path("mnt/media/m"));
	EXPECT_ERR(EXDEV, rename("mnt/d", "mnt/media/d"));
	EXPECT_ERR(EXDEV, rename("mnt/media/m", "mnt/m"));
	EXPECT_ERR(EXDEV, rename("mnt/media", "mnt/other"));
	EXPECT_STREQ("d media", names_in("mnt"));
	EXPECT_STREQ("m", names_in("mnt/media"));
}

TEST_F(site, directory_with_a_part_in_another_branch_is_not_renamed)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(make_path("mnt/d"));
	DOES(put("mnt/d/f", "f"));
	/* By name alone nothing below changes its home. */
	EXPECT_OK(rename("mnt/d", "mnt/e"));
	DOES(put("mnt/e/f.c", "f.c"));
	EXPECT_ERR(EXDEV, rename("mnt/e", "mnt/d"));
	EXPECT_STREQ("f f.c", names_in("mnt/e"));
	EXPECT_FALSE(present("mnt/d"));
	/* The other branch holds a directory at the new path. */
	DOES(make_path("mnt/g"));
	DOES(make_path("cold/h"));
	EXPECT_ERR(EXDEV, rename("mnt/g", "mnt/h"));
	ASSERT_OK(rmdir("cold/h"));
	EXPECT_OK(rename("mnt/g", "mnt/h"));
}

TEST_F(site, rmdir_refuses_while_any_branch_holds_an_entry)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(make_path("mnt/d"));
	DOES(put("mnt/d/f.c", ""));
	EXPECT_ERR(ENOTEMPTY, rmdir("mnt/d"));
	ASSERT_OK(unlink("mnt/d/f.c"));
	/* Hidden: its home is hot, but it is in cold. */
	DOES(put("cold/d/hidden", "mine"));
	EXPECT_STREQ("", names_in("mnt/d"));
	EXPECT_ERR(ENOTEMPTY, rmdir("mnt/d"));
	EXPECT_STREQ("mine", get("cold/d/hidden"));
	EXPECT_TRUE(present("mnt/d"));
	ASSERT_OK(unlink("cold/d/hidden"));
	DOES(put("hot/d/hidden.c", "mine"));
	EXPECT_STREQ("", names_in("mnt/d"));
	EXPECT_ERR(ENOTEMPTY, rmdir("mnt/d"));
	ASSERT_OK(unlink("hot/d/hidden.c"));
	EXPECT_OK(rmdir("mnt/d"));
	EXPECT_FALSE(present("hot/d"));
	EXPECT_FALSE(present("cold/d"));
	EXPECT_FALSE(present("mnt/d"));
}

TEST_F(site, rmdir_takes_empty_mirrors_along)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(make_path("mnt/d/e"));
	DOES(put("mnt/d/e/f.c", ""));
	ASSERT_OK(unlink("mnt/d/e/f.c"));
	EXPECT_TRUE(present("cold/d/e"));
	EXPECT_OK(rmdir("mnt/d/e"));
	EXPECT_FALSE(present("cold/d/e"));
	EXPECT_OK(rmdir("mnt/d"));
	EXPECT_FALSE(present("cold/d"));
	EXPECT_STREQ("", names_in("mnt"));
}

TEST_F(site, replacing_a_directory_by_rename_spares_hidden_entries)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(make_path("mnt/d"));
	DOES(make_path("mnt/t"));
	DOES(make_path("cold/t"));
	DOES(put("cold/t/hidden", "mine"));
	EXPECT_NE(0, ERR(rename("mnt/d", "mnt/t")));
	EXPECT_STREQ("mine", get("cold/t/hidden"));
	EXPECT_TRUE(present("mnt/d"));
}

SWITCHFS_TEST_MAIN
