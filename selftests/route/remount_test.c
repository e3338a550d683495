// SPDX-License-Identifier: GPL-2.0-only
/* Rules replaced on the live mount, and options read back. */
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

static const char *shown(const struct site *site)
{
	return fmt("%s", shown_options(site_path(site, "mnt")) ?: "nothing");
}

static void two_versions(struct __test_metadata *_metadata)
{
	DOES(put("hot/f.c", "hot"));
	DOES(put("cold/f.c", "cold"));
	DOES(put("hot/g", "g"));
}

TEST_F(site, remount_replaces_the_rules)
{
	ino_t g;

	two_versions(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_STREQ("hot", get("mnt/f.c"));
	g = stat_of("mnt/g").st_ino;
	ASSERT_EQ(0, switchfs_remount("mnt", "rule", "name=*.c -> cold", END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("cold", get("mnt/f.c"));
	EXPECT_EQ(g, stat_of("mnt/g").st_ino);
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, END));
	EXPECT_STREQ("hot", get("mnt/f.c"));
	EXPECT_EQ(NULL, strstr(shown(&self->site), "rule"));
	ASSERT_EQ(0, switchfs_remount("mnt", "rule", "name=g -> deny",
				      "norules", NULL, "rule",
				      "name=*.c -> deny:EPERM", END));
	EXPECT_EQ(EPERM, opens("mnt/f.c", O_RDONLY));
	EXPECT_STREQ("g", get("mnt/g"));
}

TEST_F(site, remount_works_as_mount_8_does_it)
{
	two_versions(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=g -> deny"));
	/* The old options first, then the new ones. */
	ASSERT_EQ(0, switchfs_mount_string("mnt", MS_REMOUNT,
		fmt("%s,norules,rule=name=*.c -> cold", shown(&self->site))));
	EXPECT_STREQ("cold", get("mnt/f.c"));
	EXPECT_STREQ("g", get("mnt/g"));
	ASSERT_EQ(0, switchfs_mount_string("mnt", MS_REMOUNT | MS_RDONLY,
					   shown(&self->site)));
	EXPECT_STREQ("cold", get("mnt/f.c"));
	EXPECT_EQ(EROFS, put("mnt/g", "no"));
}

TEST_F(site, remount_without_rules_leaves_them)
{
	two_versions(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	ASSERT_EQ(0, switchfs_remount("mnt", "ro", NULL, END));
	EXPECT_STREQ("cold", get("mnt/f.c"));
	EXPECT_EQ(EROFS, put("mnt/new", ""));
	EXPECT_ERR(EROFS, unlink("mnt/f.c"));
	EXPECT_ERR(EROFS, chmod("mnt/g", 0600));
	ASSERT_EQ(0, switchfs_remount("mnt", "rw", NULL, END));
	EXPECT_EQ(0, put("mnt/new", ""));
	EXPECT_STREQ("cold", get("mnt/f.c"));
}

TEST_F(site, open_files_keep_what_they_have)
{
	char buf[8] = "", *map;
	int fd;

	two_versions(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	fd = open("mnt/f.c", O_RDWR);
	ASSERT_LE(0, fd);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, switchfs_remount("mnt", "rule", "name=*.c -> cold", END));
	EXPECT_STREQ("cold", get("mnt/f.c"));
	EXPECT_EQ(3, pread(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("hot", buf);
	EXPECT_EQ(3, pwrite(fd, "HOT", 3, 0));
	EXPECT_EQ(0, memcmp(map, "HOT", 3));
	EXPECT_STREQ("HOT", get("hot/f.c"));
	EXPECT_STREQ("cold", get("cold/f.c"));
	EXPECT_OK(fsync(fd));
	EXPECT_OK(close(fd));
}

TEST_F(site, names_appear_and_disappear_with_their_home)
{
	DOES(put("hot/one.c", "1"));
	DOES(put("cold/two.c", "2"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_STREQ("one.c", names_in("mnt"));
	EXPECT_FALSE(present("mnt/two.c"));
	ASSERT_EQ(0, switchfs_remount("mnt", "rule", "name=*.c -> cold", END));
	EXPECT_TRUE(present("mnt/two.c"));
	EXPECT_FALSE(present("mnt/one.c"));
	EXPECT_STREQ("two.c", names_in("mnt"));
}

TEST_F(site, current_directory_is_found_again_or_is_stale)
{
	int err;

	DOES(make_path("hot/d"));
	DOES(make_path("cold/d"));
	DOES(put("hot/d/f", "hot"));
	DOES(put("cold/d/f", "cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	ASSERT_OK(chdir("mnt/d"));
	EXPECT_STREQ("hot", get("f"));
	ASSERT_EQ(0, switchfs_remount("..", "rule", "path=/d/** -> cold", END));
	err = opens("f", O_RDONLY);
	EXPECT_TRUE(err == ESTALE || (!err && !strcmp(get("f"), "cold")))
		TH_LOG("%s: %s", strerror(err), get("f"));
	EXPECT_STREQ("cold", get(site_path(&self->site, "mnt/d/f")));
	ASSERT_OK(chdir(self->site.w.work));
}

TEST_F(site, failing_remount_changes_nothing)
{
	static const char *const bad[][2] = {
		{ "rule", "name=[ -> cold" }, { "rule", "name=x -> nowhere" },
		{ "rule", "nonsense" }, { "creds", "caller" },
		{ "default", "nowhere" }, { "frobnicate", "1" },
		{ "branch", "new=/tmp" },
	};
	const char *before;
	size_t i;

	two_versions(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	before = shown(&self->site);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		EXPECT_NE(0, switchfs_remount("mnt", "norules", NULL, "rule",
					      "name=g -> deny", bad[i][0],
					      bad[i][1], END))
			TH_LOG("%s=%s", bad[i][0], bad[i][1]);
		EXPECT_NE(NULL, strstr(mount_log, bad[i][0]))
			TH_LOG("%s=%s: '%s'", bad[i][0], bad[i][1], mount_log);
		EXPECT_STREQ(before, shown(&self->site));
		EXPECT_STREQ("cold", get("mnt/f.c"));
		EXPECT_STREQ("g", get("mnt/g"));
	}
}

TEST_F(site, options_in_force_can_be_given_again)
{
	two_versions(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	EXPECT_EQ(0, switchfs_remount("mnt", "branch", self->site.hot, "branch",
				      self->site.cold, "default", "hot",
				      "creds", "mounter", END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("cold", get("mnt/f.c"));
}

TEST_F(site, default_can_be_changed)
{
	two_versions(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	if (switchfs_remount("mnt", "default", "cold", END)) {
		EXPECT_HAS(mount_log, "default");
		EXPECT_STREQ("hot", get("mnt/f.c"));
	} else {
		EXPECT_STREQ("cold", get("mnt/f.c"));
	}
}

SWITCHFS_TEST_MAIN
