// SPDX-License-Identifier: GPL-2.0-only
/* Which branch a name comes from, and what its directory lists. */
#include "site.h"

#include <dirent.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

TEST_F(site, name_comes_from_its_home_and_no_other_branch)
{
	DOES(put("hot/f", "hot"));
	DOES(put("cold/f", "cold"));
	DOES(put("hot/x.c", "hot"));
	DOES(put("cold/x.c", "cold"));
	DOES(put("hot/only.c", "hidden"));
	DOES(put("cold/only", "hidden"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_STREQ("cold", get("mnt/x.c"));
	EXPECT_FALSE(present("mnt/only.c"));
	EXPECT_FALSE(present("mnt/only"));
	EXPECT_STREQ("f x.c", names_in("mnt"));
}

TEST_F(site, first_branch_is_the_default_and_default_names_another)
{
	DOES(put("hot/f", "hot"));
	DOES(put("cold/f", "cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_STREQ("hot", get("mnt/f"));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "default", "cold"));
	EXPECT_STREQ("cold", get("mnt/f"));
	DOES(put("mnt/g", "g"));
	EXPECT_TRUE(present("cold/g"));
	EXPECT_FALSE(present("hot/g"));
}

TEST_F(site, first_rule_that_matches_wins)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/d/keep.c -> hot",
				"rule", "name=*.c -> cold",
				"rule", "path=/** -> hot"));
	ASSERT_OK(mkdir("mnt/d", 0755));
	DOES(put("mnt/d/keep.c", ""));
	DOES(put("mnt/d/other.c", ""));
	DOES(put("mnt/keep.c", ""));
	EXPECT_TRUE(present("hot/d/keep.c"));
	EXPECT_FALSE(present("cold/d/keep.c"));
	EXPECT_TRUE(present("cold/d/other.c"));
	EXPECT_TRUE(present("cold/keep.c"));
	EXPECT_STREQ("keep.c other.c", names_in("mnt/d"));
}

TEST_F(site, subtree_rule_covers_the_directory_itself)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/media/** -> cold"));
	ASSERT_OK(mkdir("mnt/media", 0755));
	ASSERT_OK(mkdir("mnt/media/sub", 0755));
	DOES(put("mnt/media/sub/film", "film"));
	DOES(put("mnt/mediax", ""));
	EXPECT_FALSE(present("hot/media"));
	EXPECT_STREQ("film", get("cold/media/sub/film"));
	EXPECT_TRUE(present("hot/mediax"));
	EXPECT_STREQ("media mediax", names_in("mnt"));
	EXPECT_STREQ("sub", names_in("mnt/media"));
}

TEST_F(site, single_star_stays_within_a_component)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/d/*.c -> cold",
				"rule", "path=/e/**/g -> cold",
				"rule", "path=/[a-c]?/x -> cold"));
	DOES(make_path("mnt/d/sub"));
	DOES(make_path("mnt/e/1/2"));
	DOES(make_path("mnt/b1"));
	DOES(make_path("mnt/d1"));
	DOES(put("mnt/d/x.c", ""));
	DOES(put("mnt/d/sub/x.c", ""));
	DOES(put("mnt/e/1/2/g", ""));
	DOES(put("mnt/e/g", ""));
	DOES(put("mnt/b1/x", ""));
	DOES(put("mnt/d1/x", ""));
	EXPECT_TRUE(present("cold/d/x.c"));
	EXPECT_TRUE(present("hot/d/sub/x.c"));
	EXPECT_TRUE(present("cold/e/1/2/g"));
	EXPECT_TRUE(present("cold/e/g"));
	EXPECT_TRUE(present("cold/b1/x"));
	EXPECT_TRUE(present("hot/d1/x"));
}

TEST_F(site, root_stays_in_the_default_branch)
{
	ASSERT_OK(chmod("hot", 0751));
	ASSERT_OK(chmod("cold", 0700));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/** -> cold"));
	EXPECT_EQ(S_IFDIR | 0751, stat_of("mnt").st_mode);
	DOES(put("mnt/f", "in cold"));
	EXPECT_STREQ("in cold", get("cold/f"));
	EXPECT_STREQ("f", names_in("mnt"));
	EXPECT_TRUE(S_ISDIR(stat_of("mnt").st_mode));
}

TEST_F(site, missing_parents_are_mirrored_with_mode_and_owner)
{
	struct stat st;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(make_path("mnt/p/q"));
	ASSERT_OK(chown("mnt/p", 5, 6));
	ASSERT_OK(chmod("mnt/p", 0751));
	ASSERT_OK(chown("mnt/p/q", 7, 8));
	ASSERT_OK(chmod("mnt/p/q", 03777));
	EXPECT_FALSE(present("cold/p"));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/p/q/f.c", O_CREAT | O_RDWR,
					   0640)));
	st = stat_of("cold/p");
	EXPECT_EQ(S_IFDIR | 0751, st.st_mode);
	EXPECT_EQ(5, st.st_uid);
	EXPECT_EQ(6, st.st_gid);
	st = stat_of("cold/p/q");
	EXPECT_EQ(S_IFDIR | 03777, st.st_mode);
	EXPECT_EQ(7, st.st_uid);
	EXPECT_EQ(8, st.st_gid);
	st = stat_of("cold/p/q/f.c");
	EXPECT_EQ(S_IFREG | 0640, st.st_mode);
	EXPECT_EQ(SOMEONE, st.st_uid);
	EXPECT_EQ(8, st.st_gid);
	EXPECT_STREQ("f.c", names_in("mnt/p/q"));
	EXPECT_STREQ("q", names_in("mnt/p"));
	EXPECT_STREQ("p", names_in("mnt"));
}

TEST_F(site, only_the_homes_directory_is_checked)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	ASSERT_OK(mkdir("mnt/d", 0777));
	ASSERT_OK(mkdir("cold/d", 0700));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/d/f.c", O_CREAT | O_RDWR, 0644)));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/d/f.c", O_RDWR)));
	EXPECT_EQ(SOMEONE, stat_of("cold/d/f.c").st_uid);
}

TEST_F(site, file_where_a_parent_must_be_mirrored_is_an_error)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	ASSERT_OK(mkdir("mnt/d", 0755));
	DOES(put("cold/d", "in the way"));
	EXPECT_NE(0, put("mnt/d/f.c", ""));
	EXPECT_STREQ("in the way", get("cold/d"));
	EXPECT_FALSE(present("mnt/d/f.c"));
	DOES(put("mnt/d/f", ""));
	EXPECT_STREQ("f", names_in("mnt/d"));
}

TEST_F(site, directory_with_a_dead_end_in_one_branch_lists_the_other)
{
	/* cold has no /d at all, and then one that is empty. */
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	ASSERT_OK(mkdir("mnt/d", 0755));
	DOES(put("mnt/d/f", ""));
	EXPECT_STREQ("f", names_in("mnt/d"));
	ASSERT_OK(mkdir("cold/d", 0755));
	EXPECT_STREQ("f", names_in("mnt/d"));
	DOES(put("cold/d/late.c", ""));
	EXPECT_STREQ("f late.c", names_in("mnt/d"));
}

TEST_F(site, numbers_differ_between_branches_and_agree_with_entries)
{
	struct dirent *e;
	DIR *d;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(put("mnt/a", ""));
	DOES(put("mnt/a.c", ""));
	DOES(put("mnt/b", ""));
	DOES(put("mnt/b.c", ""));
	d = opendir("mnt");
	ASSERT_NE(NULL, d);
	while ((e = readdir(d))) {
		const char *path = fmt("mnt/%s", e->d_name);

		if (!strcmp(e->d_name, ".."))
			continue;
		EXPECT_EQ(stat_of(path).st_ino, e->d_ino) TH_LOG("%s", path);
		EXPECT_EQ(stat_of("mnt").st_dev, stat_of(path).st_dev);
	}
	closedir(d);
	EXPECT_NE(stat_of("mnt/a").st_ino, stat_of("mnt/a.c").st_ino);
	EXPECT_NE(stat_of("mnt/b").st_ino, stat_of("mnt/b.c").st_ino);
}

TEST_F(site, equal_numbers_of_two_filesystems_do_not_collide)
{
	const char *one = site_path(&self->site, "one");
	const char *two = site_path(&self->site, "two");

	DOES(ext4_mount(&self->site.w, one));
	DOES(ext4_mount(&self->site.w, two));
	DOES(put("one/f", ""));
	DOES(put("two/f.c", ""));
	ASSERT_EQ(stat_of("one/f").st_ino, stat_of("two/f.c").st_ino);
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("one=%s", one), "branch",
				    fmt("two=%s", two), "rule",
				    "name=*.c -> two", END));
	EXPECT_NE(stat_of("mnt/f").st_ino, stat_of("mnt/f.c").st_ino);
	EXPECT_STREQ("f f.c lost+found", names_in("mnt"));
	ASSERT_OK(umount2("mnt", 0));
	umount2("one", MNT_DETACH);
	umount2("two", MNT_DETACH);
}

TEST_F(site, mounts_below_a_branch_are_not_crossed)
{
	DOES(make_path("hot/d/m"));
	DOES(put("hot/d/m/under", "under"));
	DOES(tmpfs_mount("hot/d/m"));
	DOES(put("hot/d/m/over", "over"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_STREQ("under", names_in("mnt/d/m"));
	EXPECT_STREQ("under", get("mnt/d/m/under"));
	ASSERT_OK(umount2("hot/d/m", 0));
}

SWITCHFS_TEST_MAIN
