// SPDX-License-Identifier: GPL-2.0-only
/* The line in /proc/self/mountinfo: the mount can be made again from it. */
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

static void round_trip(struct __test_metadata *_metadata,
		       const struct site *site)
{
	static char first[65536];
	const char *again = shown_options(site_path(site, "mnt"));

	ASSERT_NE(NULL, again);
	strcpy(first, again);
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_EQ(0, switchfs_mount_string("mnt", 0, first))
		TH_LOG("%s", first);
	again = shown_options(site_path(site, "mnt"));
	ASSERT_NE(NULL, again);
	EXPECT_STREQ(first, again);
}

TEST_F(site, mount_can_be_made_again_from_its_line)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "default", "cold",
				"rule", "path=/media/** -> cold",
				"rule", "op=open+read name=*.c -> hot",
				"rule", "op=create path=/x -> deny:EPERM"));
	round_trip(_metadata, &self->site);
	DOES(put("mnt/f", ""));
	EXPECT_TRUE(present("cold/f"));
	EXPECT_EQ(EPERM, put("mnt/x", ""));
}

TEST_F(site, shown_line_holds_what_was_given)
{
	const char *line;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/m/** -> cold"));
	line = shown_options(site_path(&self->site, "mnt"));
	ASSERT_NE(NULL, line);
	EXPECT_HAS(line, fmt("%s", self->site.hot));
	EXPECT_HAS(line, fmt("%s", self->site.cold));
	EXPECT_HAS(line, "rule=path=/m/** -> cold");
	EXPECT_EQ(NULL, strstr(line, "norules"));
}

TEST_F(site, odd_bytes_in_rules_survive_the_round_trip)
{
	DOES(put("hot/a,b.c", "hot"));
	DOES(put("cold/a,b.c", "cold"));
	DOES(put("cold/q\"'.c", "quotes"));
	DOES(put("cold/t\tn\nb\\.c", "control"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=a,b.c -> cold",
				"rule", "name=q\\x22\\x27.c -> cold",
				"rule", "name=t\\x09n\\x0ab\\x5c.c -> cold"))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("cold", get("mnt/a,b.c"));
	EXPECT_STREQ("quotes", get("mnt/q\"'.c"));
	round_trip(_metadata, &self->site);
	EXPECT_STREQ("cold", get("mnt/a,b.c"));
	EXPECT_STREQ("quotes", get("mnt/q\"'.c"));
	EXPECT_EQ(NULL, strchr(shown_options(site_path(&self->site, "mnt")), '"'));
	/* A comma would split the line: those there are between options. */
	EXPECT_EQ(NULL, strstr(shown_options(site_path(&self->site, "mnt")), "a,b"));
}

TEST_F(site, colons_and_blanks_in_paths_survive_the_round_trip)
{
	char path[PATH_SIZE];

	DOES(make_path("odd:na me"));
	DOES(put("odd:na me/f", "odd"));
	snprintf(path, sizeof(path), "odd=%s",
		 site_path(&self->site, "odd:na me"));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", path, "branch",
				    self->site.cold, END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("odd", get("mnt/f"));
	round_trip(_metadata, &self->site);
	EXPECT_STREQ("odd", get("mnt/f"));
	ASSERT_OK(umount2("mnt", 0));
	snprintf(path, sizeof(path), "odd=%s:%s",
		 site_path(&self->site, "odd\\:na me"), self->site.cold);
	ASSERT_EQ(0, switchfs_mount("mnt", "branches", path, END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("odd", get("mnt/f"));
	round_trip(_metadata, &self->site);
}

TEST_F(site, unnamed_branches_are_shown_so_that_they_stay_what_they_are)
{
	ASSERT_EQ(0, switchfs_mount("mnt", "branches",
		fmt("%s:%s", site_path(&self->site, "hot"),
		    site_path(&self->site, "cold")),
		"rule", "name=*.c -> 1", END))
		TH_LOG("%s", mount_log);
	DOES(put("mnt/f.c", ""));
	EXPECT_TRUE(present("cold/f.c"));
	round_trip(_metadata, &self->site);
	EXPECT_TRUE(present("mnt/f.c"));
}

SWITCHFS_TEST_MAIN
