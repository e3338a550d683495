// SPDX-License-Identifier: GPL-2.0-only
/* switchfs over and under other stacking filesystems. */
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

/* An overlay of UPPER over LOWER at AT, or an errno. */
static int overlay(const char *at, const char *lower, const char *upper,
		   const char *work)
{
	const char *options = upper ?
		fmt("lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work) :
		fmt("lowerdir=%s", lower);

	return make_path(at) ?: ERR(mount("overlay", at, "overlay", 0, options));
}

/* hot as a lower layer, at ovl1; that one as a lower layer, at ovl2. */
static void two_overlays(struct __test_metadata *_metadata)
{
	DOES(put("hot/low", "low"));
	DOES(make_path("hot/d"));
	DOES(put("hot/d/in", "in"));
	DOES(make_path("up/upper"));
	DOES(make_path("up/work"));
	DOES(make_path("up/upper2"));
	DOES(make_path("up/work2"));
	DOES(overlay("ovl1", "hot", "up/upper", "up/work"));
	DOES(put("ovl1/top", "top"));
	DOES(overlay("ovl2", "ovl1", "up/upper2", "up/work2"));
}

static void end_overlays(void)
{
	while (!umount2("ovl3", MNT_DETACH) || !umount2("ovl2", MNT_DETACH) ||
	       !umount2("ovl1", MNT_DETACH))
		;
}

TEST_F(site, overlay_of_depth_one_works_as_a_branch)
{
	two_overlays(_metadata);
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
		fmt("o=%s", site_path(&self->site, "ovl1")), "branch",
		self->site.cold, "rule", "name=*.c -> cold", END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("d low top", names_in("mnt"));
	EXPECT_STREQ("low", get("mnt/low"));
	/* Copied up by the overlay below, on the same name. */
	DOES(put("mnt/low", "changed"));
	EXPECT_STREQ("changed", get("mnt/low"));
	EXPECT_STREQ("changed", get("ovl1/low"));
	EXPECT_STREQ("low", get("hot/low"));
	ASSERT_OK(unlink("mnt/top"));
	ASSERT_OK(mkdir("mnt/d/sub", 0755));
	DOES(put("mnt/d/sub/f", "f"));
	EXPECT_STREQ("f", get("ovl1/d/sub/f"));
	EXPECT_STREQ("d low", names_in("mnt"));
	ASSERT_OK(umount2("mnt", 0));
	end_overlays();
}

TEST_F(site, overlay_of_depth_two_is_refused_alone)
{
	int log = klog_open();

	two_overlays(_metadata);
	EXPECT_NE(0, switchfs_mount("mnt", "branch",
		fmt("deep=%s", site_path(&self->site, "ovl2")), END));
	EXPECT_HAS(mount_log, "branch");
	EXPECT_STREQ("", klog_complaints(log, false));
	end_overlays();
}

TEST_F(site, object_too_deep_is_eloop_and_its_neighbours_work)
{
	int log = klog_open();

	two_overlays(_metadata);
	DOES(put("cold/fine", "fine"));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.cold, "branch",
		fmt("deep=%s", site_path(&self->site, "ovl2")),
		"rule", "path=/low -> deep", END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("fine", get("mnt/fine"));
	EXPECT_ERR(ELOOP, access("mnt/low", F_OK));
	EXPECT_EQ(ELOOP, opens("mnt/low", O_RDONLY));
	EXPECT_STREQ("fine", get("mnt/fine"));
	DOES(put("mnt/other", "other"));
	EXPECT_STRNE("", klog_complaints(log, true))
		TH_LOG("no log line names branch and path");
	EXPECT_STREQ("", klog_complaints(log, false));
	ASSERT_OK(umount2("mnt", 0));
	end_overlays();
}

TEST_F(site, switchfs_works_over_switchfs_once)
{
	DOES(make_path("mnt2"));
	DOES(make_path("mnt3"));
	DOES(put("hot/f", "f"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	ASSERT_EQ(0, switchfs_mount("mnt2", "branch",
		fmt("a=%s", site_path(&self->site, "mnt")), END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("f", get("mnt2/f"));
	DOES(put("mnt2/g.c", "g"));
	EXPECT_STREQ("g", get("cold/g.c"));
	EXPECT_STREQ("f g.c", names_in("mnt2"));
	ASSERT_OK(rename("mnt2/f", "mnt2/h"));
	EXPECT_STREQ("f", get("hot/h"));
	ASSERT_OK(unlink("mnt2/g.c"));
	EXPECT_FALSE(present("cold/g.c"));
	EXPECT_NE(0, switchfs_mount("mnt3", "branch",
		fmt("a=%s", site_path(&self->site, "mnt2")), END));
	EXPECT_HAS(mount_log, "branch");
	ASSERT_OK(umount2("mnt2", 0));
	ASSERT_OK(umount2("mnt", 0));
}

TEST_F(site, overlay_takes_switchfs_as_a_lower_layer)
{
	DOES(put("hot/f", "lower"));
	DOES(put("cold/g.c", "lower too"));
	DOES(make_path("hot/d"));
	DOES(put("hot/d/in", "in"));
	DOES(make_path("up/upper"));
	DOES(make_path("up/work"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	ASSERT_EQ(0, overlay("ovl1", "mnt", "up/upper", "up/work"));
	EXPECT_STREQ("d f g.c", names_in("ovl1"));
	EXPECT_STREQ("lower", get("ovl1/f"));
	DOES(put("ovl1/f", "upper"));
	EXPECT_STREQ("lower", get("hot/f"));
	EXPECT_STREQ("upper", get("ovl1/f"));
	EXPECT_STREQ("in", get("ovl1/d/in"));
	ASSERT_OK(unlink("ovl1/g.c"));
	EXPECT_STREQ("d f", names_in("ovl1"));
	EXPECT_TRUE(present("cold/g.c"));
	end_overlays();
}

TEST_F(site, overlay_refuses_switchfs_as_the_upper_layer)
{
	DOES(put("hot/f", "f"));
	DOES(make_path("cold/upper"));
	DOES(make_path("cold/work"));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.cold, END));
	EXPECT_NE(0, overlay("ovl1", "hot", "mnt/upper", "mnt/work"));
	end_overlays();
}

TEST_F(site, third_layer_on_top_is_refused)
{
	two_overlays(_metadata);
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
		fmt("o=%s", site_path(&self->site, "ovl1")), END));
	EXPECT_NE(0, overlay("ovl3", "mnt:hot", NULL, NULL));
	end_overlays();
}

SWITCHFS_TEST_MAIN
