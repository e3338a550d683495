// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a directory in other branches are found by path: what lies in
 * the way there, how long or how deep it is, must not lead anywhere else.
 */
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

TEST_F(site, symlink_in_place_of_a_mirror_is_not_followed)
{
	DOES(make_path("outside"));
	DOES(put("outside/f.c", "secret"));
	DOES(make_path("hot/d"));
	DOES(put("hot/d/f", "f"));
	ASSERT_OK(symlink(site_path(&self->site, "outside"), "cold/d"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	EXPECT_FALSE(present("mnt/d/f.c"));
	EXPECT_NE(0, opens("mnt/d/f.c", O_RDONLY));
	EXPECT_NE(0, put("mnt/d/new.c", "x"));
	EXPECT_NE(0, ERR(mkdir("mnt/d/dir.c", 0755)));
	EXPECT_NE(0, ERR(unlink("mnt/d/f.c")));
	EXPECT_STREQ("f", names_in("mnt/d"));
	EXPECT_STREQ("f.c", names_in("outside"));
	EXPECT_STREQ("secret", get("outside/f.c"));
}

TEST_F(site, symlink_in_place_of_the_routed_object_is_not_followed)
{
	DOES(put("outside", "secret"));
	DOES(put("hot/f.dat", "home"));
	ASSERT_OK(symlink(site_path(&self->site, "outside"), "cold/f.dat"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=data name=*.dat -> cold",
				"rule", "op=setattr name=*.dat -> cold"));
	EXPECT_STRNE("secret", get("mnt/f.dat"));
	EXPECT_NE(0, put("mnt/f.dat", "overwritten"));
	EXPECT_STREQ("secret", get("outside"));
	chmod("mnt/f.dat", 0777);
	EXPECT_EQ(S_IFREG | 0644, stat_of("outside").st_mode);
}

TEST_F(site, object_of_another_kind_in_the_routed_branch_is_an_error)
{
	DOES(put("hot/f.dat", "home"));
	ASSERT_OK(mkdir("cold/f.dat", 0755));
	DOES(put("hot/p.dat", "home"));
	ASSERT_OK(mkfifo("cold/p.dat", 0600));
	ASSERT_OK(mkdir("hot/d.dat", 0755));
	DOES(put("cold/d.dat", "file"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=data name=*.dat -> cold"));
	EXPECT_NE(0, opens("mnt/f.dat", O_RDONLY));
	EXPECT_NE(0, opens("mnt/p.dat", O_RDONLY | O_NONBLOCK));
	EXPECT_TRUE(S_ISREG(stat_of("mnt/f.dat").st_mode));
	names_in("mnt/d.dat");
	EXPECT_STREQ("d.dat f.dat p.dat", names_in("mnt"));
}

TEST_F(site, mirror_made_later_is_noticed)
{
	DOES(make_path("hot/d/e"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	EXPECT_FALSE(present("mnt/d/e/f.c"));
	EXPECT_FALSE(present("mnt/d/e/f.c"));
	DOES(make_path("cold/d/e"));
	EXPECT_FALSE(present("mnt/d/e/f.c"));
	DOES(put("cold/d/e/f.c", "late"));
	EXPECT_STREQ("late", get("mnt/d/e/f.c"));
	EXPECT_STREQ("f.c", names_in("mnt/d/e"));
}

TEST_F(site, mirror_replaced_or_moved_is_noticed)
{
	DOES(make_path("hot/d"));
	DOES(make_path("cold/d"));
	DOES(put("cold/d/f.c", "one"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	EXPECT_STREQ("one", get("mnt/d/f.c"));
	ASSERT_OK(rename("cold/d", "cold/away"));
	EXPECT_FALSE(present("mnt/d/f.c"));
	EXPECT_STREQ("", names_in("mnt/d"));
	DOES(make_path("cold/d"));
	DOES(put("cold/d/f.c", "two"));
	EXPECT_STREQ("two", get("mnt/d/f.c"));
	ASSERT_OK(unlink("cold/d/f.c"));
	ASSERT_OK(rmdir("cold/d"));
	EXPECT_FALSE(present("mnt/d/f.c"));
	DOES(put("mnt/d/f.c", "three"));
	EXPECT_STREQ("three", get("cold/d/f.c"));
	EXPECT_STREQ("one", get("cold/away/f.c"));
}

TEST_F(site, directory_moved_out_of_its_branch_is_gone)
{
	if (variant->parts)
		return;
	DOES(make_path("hot/d/sub"));
	DOES(make_path("outside"));
	DOES(put("outside/secret", "secret"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	ASSERT_OK(chdir("mnt/d/sub"));
	ASSERT_OK(rename("../../../hot/d", "../../../outside/d"));
	EXPECT_FALSE(present(site_path(&self->site, "mnt/d")));
	EXPECT_FALSE(present("../../secret"));
	EXPECT_STRNE("secret", get("../../secret"));
	ASSERT_OK(chdir(self->site.w.work));
}

TEST_F_TIMEOUT(site, mirror_of_a_deep_directory_is_made, 60)
{
	const int deep = variant->parts ? 60 : 300;
	int i;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	ASSERT_OK(chdir("mnt"));
	for (i = 0; i < deep; i++) {
		ASSERT_OK(mkdir("d", 0755));
		ASSERT_OK(chdir("d"));
	}
	DOES(put("f.c", "deep"));
	EXPECT_STREQ("deep", get("f.c"));
	DOES(put("f", "near"));
	EXPECT_STREQ("f f.c", names_in("."));
	ASSERT_OK(unlink("f"));
	ASSERT_OK(unlink("f.c"));
	for (i = 0; i < 3; i++) {
		ASSERT_OK(chdir(".."));
		EXPECT_OK(rmdir("d"));
	}
	ASSERT_OK(chdir(self->site.w.work));
}

TEST_F_TIMEOUT(site, paths_longer_than_4096_bytes, 60)
{
	char name[256];
	int i, err;

	memset(name, 'n', 255);
	name[255] = '\0';
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	ASSERT_OK(chdir("mnt"));
	for (i = 0; i < 20; i++) {
		ASSERT_OK(mkdir(name, 0755));
		ASSERT_OK(chdir(name));
	}
	DOES(put("f", "near"));
	EXPECT_STREQ("near", get("f"));
	err = put("f.c", "far");
	EXPECT_TRUE(!err || err == ENAMETOOLONG) TH_LOG("%s", strerror(err));
	EXPECT_STREQ(err ? "f" : "f f.c", names_in("."));
	if (!err) {
		EXPECT_STREQ("far", get("f.c"));
	}
	ASSERT_OK(chdir(self->site.w.work));
}

TEST_F(site, patterns_that_could_backtrack_do_not)
{
	char path[600] = "mnt";
	int i;

	ASSERT_EQ(0, SITE_MOUNT(&self->site,
		"rule", "path=/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b -> cold",
		"rule", "name=*a*a*a*a*a*a*a*a*a*a*a*a*a*ab -> cold"));
	for (i = 0; i < 60; i++) {
		strcat(path, "/a");
		ASSERT_OK(mkdir(path, 0755));
	}
	EXPECT_FALSE(present(fmt("%s/c", path)));
	memset(path, 'a', 250);
	memcpy(path, "mnt/", 4);
	path[250] = '\0';
	EXPECT_EQ(0, put(path, ""));
	EXPECT_FALSE(present("hot/b"));
}

SWITCHFS_TEST_MAIN
