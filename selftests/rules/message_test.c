// SPDX-License-Identifier: GPL-2.0-only
/* What is refused at mount says which rule, which word of it, and why. */
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

static const struct {
	const char *rule, *word, *why;
} wrong[] = {
	/* Section 3: a home is the same for every caller. */
	{ "uid=5 -> hot", "uid=5", "may only deny or hide" },
	{ "op=name gid=5 -> cold", "gid=5", "may only deny or hide" },
	{ "op=create cgroup=/a -> cold", "cgroup=/a", "may only deny or hide" },
	{ "op=lookup uid=5 -> gate:cold hot", "uid=5", "may only deny or hide" },
	{ "op=lookup+open uid=5 -> hot|cold", "uid=5", "may only deny or hide" },
	/* Section 4: the verdicts. */
	{ "op=open -> hide", "op=open", "with `hide`" },
	{ "type=f -> hide", "type=f", "with `hide`" },
	{ "exists=cold name=x -> hide", "exists=cold", "with `hide`" },
	{ "-> hot|hot", "hot", "twice" },
	{ "-> hot|nowhere", "nowhere", "unknown branch" },
	{ "-> gate:cold", "gate:cold", "gate:G BRANCH" },
	{ "-> gate:hot hot", "hot", "gate" },
	{ "-> gate:nowhere hot", "nowhere", "unknown branch" },
	{ "-> deny:EWHAT", "EWHAT", "unknown errno" },
	{ "-> nowhere", "nowhere", "unknown branch" },
	{ "-> hot cold", "cold", "after the verdict" },
	/* The conditions. */
	{ "exists=nowhere -> hot", "nowhere", "unknown branch" },
	{ "missing=nowhere -> hot", "nowhere", "unknown branch" },
	{ "exists=cold missing=cold -> hot", "missing=cold", "never holds" },
	{ "op=lookup type=f -> hot", "type=f", "never holds" },
	{ "op=lookup size=>3 -> hot", "size=>3", "never holds" },
	{ "op=getattr access=w -> hot", "access=w", "never holds" },
	{ "type=q -> deny", "q", "unknown type" },
	{ "access=q -> deny", "q", "unknown access" },
	{ "size=3 -> hot", "3", "expected <N or >N" },
	{ "size=<0 -> deny", "<0", "no file has size" },
	{ "size=>99999999999G -> deny", "99999999999G", "64 bits" },
	{ "uid=5-3 -> deny", "5-3", "ends before it starts" },
	{ "uid=x -> deny", "x", "expected N or N-M" },
	{ "gid=4294967295 -> deny", "4294967295", "expected N or N-M" },
	{ "cgroup=a -> deny", "a", "/" },
	{ "cgroup=/a//b -> deny", "/a//b", "empty component" },
	{ "uid=1 uid=2 -> deny", "uid", "twice" },
	{ "op=fly -> deny", "fly", "unknown op" },
	{ "uid=5", "uid=5", "no `->`" },
};

TEST_F(site, each_wrong_rule_has_a_message_that_quotes_rule_and_word)
{
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		EXPECT_EQ(EINVAL, SITE_MOUNT(&self->site, "rule", "name=fine -> cold",
					     "rule", wrong[i].rule))
			TH_LOG("%s", wrong[i].rule);
		EXPECT_HAS(mount_log, fmt("`%s`", wrong[i].rule));
		EXPECT_HAS(mount_log, wrong[i].word);
		EXPECT_HAS(mount_log, wrong[i].why);
	}
	EXPECT_FALSE(present("mnt/x"));
}

TEST_F(site, same_rule_twice_is_an_error)
{
	EXPECT_EQ(EINVAL, SITE_MOUNT(&self->site, "rule", "name=a uid=3 -> hide",
				     "rule", "name=a uid=3 -> hide"));
	EXPECT_HAS(mount_log, "twice");
	EXPECT_HAS(mount_log, "name=a uid=3 -> hide");
}

TEST_F(site, wrong_rule_at_remount_changes_nothing)
{
	DOES(put("hot/secret", ""));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=secret uid=1000 -> hide"));
	EXPECT_EQ(EINVAL, switchfs_remount("mnt", "norules", NULL, "rule", "uid=1000 -> hot", END));
	EXPECT_HAS(mount_log, "`uid=1000 -> hot`");
	EXPECT_EQ(ENOENT, AS_USER(1000, lstat("mnt/secret", &(struct stat){})));
	EXPECT_TRUE(present("mnt/secret"));
}

/* What a mount shows is what it can be made of again. */
TEST_F(site, all_conditions_and_verdicts_are_shown_as_given)
{
	static const char *const rules[] = {
		"name=a uid=3-7 -> hide", "op=open gid=4 access=r+x -> deny:EIO",
		"op=data size=>4K -> cold|hot", "exists=cold -> gate:cold hot",
		"type=d+l missing=hot -> cold", "cgroup=/x/y -> deny",
	};
	const char *shown;
	size_t i;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", rules[0], "rule", rules[1], "rule", rules[2],
				"rule", rules[3], "rule", rules[4], "rule", rules[5]))
		TH_LOG("%s", mount_log);
	shown = fmt("%s", shown_options(site_path(&self->site, "mnt")) ?: "nothing");
	for (i = 0; i < 6; i++) {
		EXPECT_HAS(shown, rules[i]);
	}
	ASSERT_OK(umount("mnt"));
	ASSERT_EQ(0, switchfs_mount_string("mnt", 0, strstr(shown, "branch"))) TH_LOG("%s", shown);
	EXPECT_STREQ(shown, shown_options(site_path(&self->site, "mnt")));
}

SWITCHFS_TEST_MAIN
