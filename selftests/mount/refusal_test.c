// SPDX-License-Identifier: GPL-2.0-only
/* What cannot be mounted is refused with a message that says why. */
#include "site.h"

#include <sched.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

/*
 * Mounts with the given pairs and wants it refused, with PART and WORD in
 * the message and nothing in the kernel log.
 */
#define REFUSED(part, word, ...)					\
	do {								\
		int __log = klog_open();				\
		EXPECT_NE(0, switchfs_mount("mnt", ##__VA_ARGS__, END))	\
			TH_LOG("mounted: %s", #__VA_ARGS__);		\
		EXPECT_NE(NULL, strstr(mount_log, part))		\
			TH_LOG("no '%s' in '%s'", part, mount_log);	\
		EXPECT_NE(NULL, strstr(mount_log, word))		\
			TH_LOG("no '%s' in '%s'", word, mount_log);	\
		EXPECT_STREQ("", klog_complaints(__log, true));		\
		close(__log);						\
		while (!umount2("mnt", MNT_DETACH))			\
			;						\
	} while (0)

#define BOTH "branch", self->site.hot, "branch", self->site.cold

TEST_F(site, no_branches)
{
	int log = klog_open();

	REFUSED("branch", "");
	EXPECT_NE(0, switchfs_mount_string("mnt", 0, NULL));
	EXPECT_NE(0, switchfs_mount_string("mnt", 0, "ro"));
	/* mount(2) has no other place for its message. */
	EXPECT_STREQ("", klog_complaints(log, false));
}

TEST_F(site, path_that_is_no_directory)
{
	DOES(put("file", ""));
	REFUSED("branch", "absent", "branch",
		fmt("a=%s", site_path(&self->site, "absent")));
	EXPECT_HAS(mount_log, "a");
	REFUSED("branch", "file", "branch",
		fmt("a=%s", site_path(&self->site, "file")));
	REFUSED("branch", "cold", "branch", self->site.hot, "branch",
		fmt("cold=%s", site_path(&self->site, "absent")));
}

TEST_F(site, path_that_is_not_absolute)
{
	REFUSED("branch", "hot", "branch", "a=hot");
	REFUSED("branch", "", "branch", "a=");
	REFUSED("branch", "", "branch", "");
	REFUSED("branches", "hot", "branches", "a=hot:b=cold");
}

TEST_F(site, two_branches_of_one_name)
{
	REFUSED("branch", "a", "branch",
		fmt("a=%s", site_path(&self->site, "hot")), "branch",
		fmt("a=%s", site_path(&self->site, "cold")));
}

TEST_F(site, bad_branch_names)
{
	static const char *const bad[] = {
		"deny", "hide", "gate", "none", "a/b", "a b", "a+b", "a|b",
		"n2345678901234567890123456789012",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		REFUSED("branch", bad[i], "branch",
			fmt("%s=%s", bad[i], site_path(&self->site, "hot")));
	REFUSED("branch", "caf", "branch",
		fmt("caf\xc3\xa9=%s", site_path(&self->site, "hot")));
}

TEST_F(site, more_branches_than_there_can_be)
{
	static char branch[65][128];
	const char *pairs[2 * 65 + 2];
	int i, n = 0;

	for (i = 0; i < 65; i++) {
		DOES(make_path(fmt("many/%d", i)));
		snprintf(branch[i], sizeof(branch[i]), "b%d=%s", i,
			 site_path(&self->site, fmt("many/%d", i)));
		pairs[n++] = "branch";
		pairs[n++] = branch[i];
	}
	pairs[n] = END;
	EXPECT_NE(0, switchfs_mount_array("mnt", pairs));
	EXPECT_HAS(mount_log, "branch");
	EXPECT_HAS(mount_log, "64");
}

TEST_F(site, one_branch_inside_another)
{
	DOES(make_path("hot/sub/below"));
	REFUSED("branch", "sub", "branch", self->site.hot, "branch",
		fmt("sub=%s", site_path(&self->site, "hot/sub")));
	REFUSED("branch", "sub", "branch",
		fmt("sub=%s", site_path(&self->site, "hot/sub/below")),
		"branch", self->site.hot);
	REFUSED("branch", "again", "branch", self->site.hot, "branch",
		fmt("again=%s", site_path(&self->site, "hot")));
	/* The same by another way in. */
	DOES(bind_mount("hot/sub", "other"));
	REFUSED("branch", "sub", "branch", self->site.hot, "branch",
		fmt("sub=%s", site_path(&self->site, "other")));
	umount2("other", MNT_DETACH);
}

TEST_F(site, unknown_default)
{
	REFUSED("default", "nowhere", BOTH, "default", "nowhere");
	REFUSED("default", "", BOTH, "default", "");
}

TEST_F(site, unknown_options_and_values)
{
	REFUSED("frobnicate", "", BOTH, "frobnicate", "1");
	REFUSED("creds", "nobody", BOTH, "creds", "nobody");
	REFUSED("branch", "", BOTH, "branch", NULL);
	REFUSED("rule", "", BOTH, "rule", NULL);
	REFUSED("norules", "", BOTH, "norules", "value");
}

TEST_F(site, rules_of_bad_syntax)
{
	static const char *const bad[] = {
		"", "->", "-> ", "path=/x", "path=/x ->", "path=/x cold",
		"frob=/x -> cold", "path -> cold", "name=x -> cold extra",
		"name= -> cold", "path= -> cold", "op= -> cold",
		"name=x -> deny:", "name=x -> deny:ENOSUCH",
		"x -> cold", "name=x - > cold", "name=a name=b -> cold",
		"name=\\xZZ -> cold", "name=\\x2 -> cold", "name=x -> cold|",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		REFUSED("rule", "", BOTH, "rule", bad[i]);
}

TEST_F(site, rule_with_unclosed_bracket)
{
	REFUSED("rule", "[", BOTH, "rule", "name=[a -> cold");
	REFUSED("rule", "[", BOTH, "rule", "path=/x/[ -> cold");
	REFUSED("rule", "[", BOTH, "rule", "path=/[a-/x -> cold");
}

TEST_F(site, rule_with_unknown_branch_or_operation)
{
	REFUSED("rule", "nowhere", BOTH, "rule", "name=x -> nowhere");
	REFUSED("rule", "frob", BOTH, "rule", "op=frob name=x -> cold");
	REFUSED("rule", "frob", BOTH, "rule", "op=read+frob name=x -> cold");
	REFUSED("rule", "", BOTH, "rule", "op=read+ name=x -> cold");
	/* Named before the branches are known as well as after. */
	REFUSED("rule", "nowhere", "rule", "name=x -> nowhere", BOTH);
}

TEST_F(site, same_rule_twice)
{
	REFUSED("rule", "name=x", BOTH, "rule", "name=x -> cold", "rule",
		"name=y -> cold", "rule", "name=x -> cold");
}

TEST_F(site, mounting_is_for_the_administrator)
{
	int status;
	pid_t pid;

	EXPECT_EQ(EPERM, AS_USER(SOMEONE, mount("none", "mnt", "switchfs", 0,
		fmt("branches=%s", self->site.hot))));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			_exit(100);
		_exit(mount("none", "mnt", "switchfs", 0,
			    fmt("branches=%s", self->site.hot)) ? errno : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
	ASSERT_EQ(0, switchfs_mount("mnt", BOTH, END));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE, mount("none", "mnt", "switchfs",
						MS_REMOUNT, "norules")));
}

SWITCHFS_TEST_MAIN
