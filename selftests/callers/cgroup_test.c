// SPDX-License-Identifier: GPL-2.0-only
/* Rules on the caller's control group. */
#include "site.h"

#include <dirent.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

#define TOP "switchfs-test"

static int enter(const char *group)
{
	return put(fmt("cg/%s/cgroup.procs", group), fmt("%d", getpid()));
}

/* The top is the hierarchy's, whatever the caller's own namespace shows. */
static int make_groups(void)
{
	return make_path("cg") ?: ERR(mount("cgroup2", "cg", "cgroup2", 0, NULL)) ?:
	       make_path("cg/" TOP "/in/below") ?: make_path("cg/" TOP "/inside") ?:
	       make_path("cg/" TOP "/out");
}

static void remove_groups(void)
{
	static const char *const groups[] = {
		TOP "/in/below", TOP "/in", TOP "/inside", TOP "/out", TOP,
	};
	size_t i;

	enter("");
	for (i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		rmdir(fmt("cg/%s", groups[i]));
	umount2("cg", MNT_DETACH);
}

TEST_F(site, group_and_those_below_it_count)
{
	DOES(make_groups());
	DOES(put("hot/f", ""));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=f cgroup=/" TOP "/in -> hide"))
		TH_LOG("%s", mount_log);
	EXPECT_TRUE(present("mnt/f"));
	DOES(enter(TOP "/in"));
	EXPECT_FALSE(present("mnt/f"));
	EXPECT_STREQ("", names_in("mnt"));
	DOES(enter(TOP "/in/below"));
	EXPECT_FALSE(present("mnt/f"));
	/* A name that only begins the same. */
	DOES(enter(TOP "/inside"));
	EXPECT_TRUE(present("mnt/f"));
	DOES(enter(TOP "/out"));
	EXPECT_TRUE(present("mnt/f"));
	EXPECT_STREQ("f", names_in("mnt"));
	DOES(enter(TOP));
	EXPECT_TRUE(present("mnt/f"));
	remove_groups();
}

TEST_F(site, group_that_is_made_again_counts)
{
	int i;

	DOES(make_groups());
	DOES(put("hot/f", ""));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=f cgroup=/" TOP "/in -> hide"));
	for (i = 0; i < 5; i++) {
		DOES(enter(TOP "/in/below"));
		EXPECT_FALSE(present("mnt/f"));
		DOES(enter(TOP "/out"));
		EXPECT_TRUE(present("mnt/f"));
		ASSERT_OK(rmdir("cg/" TOP "/in/below"));
		ASSERT_OK(rmdir("cg/" TOP "/in"));
		EXPECT_TRUE(present("mnt/f"));
		DOES(make_path("cg/" TOP "/in/below"));
	}
	remove_groups();
}

TEST_F(site, group_that_does_not_exist_yet_counts_when_it_does)
{
	DOES(make_groups());
	DOES(put("hot/f", ""));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=f cgroup=/" TOP "/in/new -> hide"));
	DOES(enter(TOP "/in"));
	EXPECT_TRUE(present("mnt/f"));
	DOES(make_path("cg/" TOP "/in/new"));
	DOES(enter(TOP "/in/new"));
	EXPECT_FALSE(present("mnt/f"));
	DOES(enter(TOP "/in"));
	ASSERT_OK(rmdir("cg/" TOP "/in/new"));
	remove_groups();
}

TEST_F(site, open_directory_keeps_its_openers_group)
{
	DIR *d;
	int n = 0;

	DOES(make_groups());
	ASSERT_OK(mkdir("hot/d", 0755));
	DOES(put("hot/d/a", ""));
	DOES(put("hot/d/f", ""));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=f cgroup=/" TOP "/in -> hide"));
	DOES(enter(TOP "/in"));
	d = opendir("mnt/d");
	ASSERT_NE(NULL, d);
	DOES(enter(TOP "/out"));
	while (readdir(d))
		n++;
	EXPECT_EQ(3, n);
	rewinddir(d);
	for (n = 0; readdir(d); n++)
		;
	EXPECT_EQ(3, n);
	closedir(d);
	EXPECT_EQ(2, count_in("mnt/d"));
	remove_groups();
}

SWITCHFS_TEST_MAIN
