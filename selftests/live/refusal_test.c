// SPDX-License-Identifier: GPL-2.0-only
/* A remount that is refused says why and changes nothing. */
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

static const char *mounts(void)
{
	return get("/proc/self/mounts");
}

/* Remounts with KEY=VALUE after changes that alone would be made. */
static int refused(struct __test_metadata *_metadata, const struct site *site,
		   const char *key, const char *value, const char *said)
{
	char before[65536];
	int err;

	snprintf(before, sizeof(before), "%s", mounts());
	err = switchfs_remount("mnt", "ro", NULL, "branch",
			       fmt("cold=%s", site_path(site, "new")), "default",
			       "cold", "norules", NULL, "rule", "name=f -> deny",
			       key, value, END);
	EXPECT_NE(0, err) TH_LOG("%s=%s", key, value);
	EXPECT_HAS(mount_log, said);
	EXPECT_STREQ(before, mounts());
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_STREQ("cold", get("mnt/f.c"));
	EXPECT_EQ(0, put("mnt/g", "g"));
	EXPECT_STREQ("g", get("hot/g"));
	EXPECT_STREQ("d f g", names_in("hot"));
	return err;
}

#define REFUSED(key, value, said)					\
	refused(_metadata, &self->site, key, value, said)
#define AT(name, path)	fmt("%s=%s", name, site_path(&self->site, path))

static void fill(struct __test_metadata *_metadata, const struct site *site)
{
	DOES(put("hot/f", "hot"));
	DOES(make_path("hot/d"));
	DOES(put("cold/f.c", "cold"));
	DOES(make_path("new/sub"));
	DOES(put("new/f", "new"));
	DOES(put("new/f.c", "new"));
	ASSERT_EQ(0, SITE_MOUNT(site, "rule", "name=*.c -> cold"));
}

TEST_F(site, options_that_cannot_be)
{
	fill(_metadata, &self->site);
	REFUSED("branch", AT("more", "new"), "`more` cannot be added");
	REFUSED("branches", site_path(&self->site, "hot"), "cannot be added");
	REFUSED("reattach", "nowhere", "reattach: unknown branch `nowhere`");
	REFUSED("reattach", "", "reattach");
	REFUSED("default", "nowhere", "default: unknown branch `nowhere`");
	REFUSED("creds", "caller", "creds");
	REFUSED("rule", "name=x -> nowhere", "nowhere");
	REFUSED("frobnicate", "1", "frobnicate");
}

TEST_F(site, paths_that_cannot_be)
{
	fill(_metadata, &self->site);
	DOES(put("file", ""));
	EXPECT_EQ(ENOENT, REFUSED("branch", AT("hot", "nowhere"), "`hot`"));
	EXPECT_EQ(ENOTDIR, REFUSED("branch", AT("hot", "file"), "`hot`"));
	REFUSED("branch", "hot=relative", "absolute");
	REFUSED("branch", AT("hot", "new/sub"), "is inside `cold`");
	REFUSED("branch", AT("hot", ""), "is inside `hot`");
	REFUSED("branch", AT("hot", "new"), "is inside");
}

TEST_F(site, paths_on_the_mount_itself)
{
	fill(_metadata, &self->site);
	DOES(make_path("bound"));
	DOES(bind_mount("mnt/d", "bound"));
	REFUSED("branch", AT("hot", "mnt"), "this very mount");
	REFUSED("branch", AT("hot", "mnt/d"), "this very mount");
	ASSERT_OK(umount2("bound", 0));
}

TEST_F(site, reattach_that_fails)
{
	fill(_metadata, &self->site);
	if (self->site.s.pid)
		return;
	ASSERT_OK(rename("cold", "away"));
	EXPECT_EQ(ENOENT, switchfs_remount("mnt", "reattach", "cold", END));
	EXPECT_STREQ("cold", get("mnt/f.c"));
	/* All others can be changed meanwhile. */
	EXPECT_EQ(0, switchfs_remount("mnt", "branch", AT("hot", "new"), END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("new", get("mnt/f"));
	EXPECT_STREQ("cold", get("mnt/f.c"));
	ASSERT_OK(rename("away", "cold"));
}

TEST_F(site, branch_too_deep_for_the_published_depth)
{
	fill(_metadata, &self->site);
	DOES(make_path("ovl"));
	DOES(make_path("low"));
	ASSERT_OK(mount("overlay", "ovl", "overlay", 0, "lowerdir=low:new"));
	EXPECT_EQ(ELOOP, REFUSED("branch", AT("hot", "ovl"), "too deep"));
	ASSERT_OK(umount2("mnt", 0));
	/* Where the depth was published it can come and go. */
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", AT("hot", "ovl"), "branch",
				    self->site.cold, END)) TH_LOG("%s", mount_log);
	EXPECT_STREQ("new", get("mnt/f"));
	EXPECT_EQ(0, switchfs_remount("mnt", "branch", self->site.hot, END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_EQ(0, switchfs_remount("mnt", "branch", AT("hot", "ovl"), END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("new", get("mnt/f"));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_OK(umount2("ovl", 0));
}

TEST_F(site, reattach_is_for_remounts)
{
	EXPECT_NE(0, SITE_MOUNT(&self->site, "reattach", "cold"));
	EXPECT_HAS(mount_log, "reattach: only a remount");
}

SWITCHFS_TEST_MAIN
