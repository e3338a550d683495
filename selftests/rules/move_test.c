// SPDX-License-Identifier: GPL-2.0-only
/* Renames, links and new objects where rules name more than one home. */
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_FUSE };

static int renames(const char *from, const char *to, int flags)
{
	return ERR(renameat2(AT_FDCWD, from, AT_FDCWD, to, flags));
}

/* Lines of the kernel log since LOG was opened that hold WORD. */
static int lines_with(int log, const char *word, char line[512])
{
	char record[8192];
	ssize_t n;
	int found = 0;

	while ((n = read(log, record, sizeof(record) - 1)) > 0) {
		record[n] = '\0';
		if (!strstr(record, word))
			continue;
		found++;
		snprintf(line, 512, "%s", record);
	}
	return found;
}

TEST_F(site, rename_and_link_within_a_home_are_native)
{
	ino_t ino;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(put("mnt/a.c", "a"));
	DOES(put("mnt/a", "hot"));
	ino = stat_of("mnt/a.c").st_ino;
	EXPECT_EQ(0, renames("mnt/a.c", "mnt/b.c", 0));
	EXPECT_EQ(ino, stat_of("mnt/b.c").st_ino);
	EXPECT_STREQ("a", get(behind(&self->site, "b.c")));
	EXPECT_ERR(0, link("mnt/b.c", "mnt/l.c"));
	EXPECT_EQ(0, renames("mnt/a", "mnt/b", RENAME_NOREPLACE));
	EXPECT_STREQ("b b.c l.c", names_in("mnt"));
}

TEST_F(site, rename_and_link_across_homes_are_refused)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(put("mnt/a.c", "cold"));
	DOES(put("mnt/a", "hot"));
	EXPECT_EQ(EXDEV, renames("mnt/a", "mnt/new.c", 0));
	EXPECT_EQ(EXDEV, renames("mnt/a", "mnt/a.c", 0));
	EXPECT_EQ(EXDEV, renames("mnt/a.c", "mnt/new", 0));
	EXPECT_EQ(EXDEV, renames("mnt/a.c", "mnt/a", RENAME_EXCHANGE));
	EXPECT_ERR(EXDEV, link("mnt/a", "mnt/new.c"));
	EXPECT_ERR(EXDEV, link("mnt/a.c", "mnt/new"));
	EXPECT_STREQ("hot", get("mnt/a"));
	EXPECT_STREQ("cold", get("mnt/a.c"));
	EXPECT_STREQ("a a.c", names_in("mnt"));
}

TEST_F(site, directory_is_renamed_only_where_no_name_below_moves)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/x/*.c -> cold",
				"rule", "path=/z/** -> cold"));
	ASSERT_OK(mkdir("mnt/x", 0755));
	ASSERT_OK(mkdir("mnt/y", 0755));
	DOES(put("mnt/y/f", ""));
	/* Below /x, names in .c would have another home. */
	EXPECT_EQ(EXDEV, renames("mnt/x", "mnt/w", 0));
	EXPECT_EQ(EXDEV, renames("mnt/y", "mnt/x", 0));
	EXPECT_EQ(EXDEV, renames("mnt/x", "mnt/y", RENAME_EXCHANGE));
	EXPECT_EQ(EXDEV, renames("mnt/y", "mnt/z", 0));
	EXPECT_EQ(0, renames("mnt/y", "mnt/w", 0));
	EXPECT_STREQ("f", names_in("mnt/w"));
	EXPECT_STREQ("w x", names_in("mnt"));
}

TEST_F(site, directory_with_a_mirror_elsewhere_is_not_renamed)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	ASSERT_OK(mkdir("mnt/x", 0755));
	ASSERT_OK(mkdir("mnt/y", 0755));
	DOES(put("mnt/x/a.c", ""));
	EXPECT_EQ(EXDEV, renames("mnt/x", "mnt/w", 0));
	EXPECT_EQ(0, renames("mnt/y", "mnt/v", 0));
	EXPECT_STREQ("a.c", names_in("mnt/x"));
}

TEST_F(site, create_that_would_be_lost_fails_with_one_line_that_names_both_rules)
{
	char line[512] = "";
	int log = klog_open();

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=unrelated -> deny",
				"rule", "op=create name=x* -> cold",
				"rule", "op=lookup name=x1 -> hot"));
	EXPECT_EQ(EINVAL, put("mnt/x1", ""));
	EXPECT_EQ(1, lines_with(log, "switchfs: ", line)) TH_LOG("%s", line);
	EXPECT_HAS(line, "rule 2");
	EXPECT_HAS(line, "rule 3");
	EXPECT_STREQ("", names_in("hot"));
	EXPECT_STREQ("", names_in("cold"));
	EXPECT_OK(mkdir("mnt/x1", 0755));
	close(log);
}

TEST_F(site, create_is_judged_by_what_is_there_afterwards)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=create+mkdir name=x* -> cold",
				"rule", "exists=cold -> cold"));
	EXPECT_EQ(0, put("mnt/x", "made"));
	EXPECT_STREQ("made", get(behind(&self->site, "x")));
	EXPECT_STREQ("made", get("mnt/x"));
	EXPECT_OK(mkdir("mnt/xd", 0755));
	EXPECT_TRUE(present(behind(&self->site, "xd")));
	DOES(put("mnt/y", ""));
	EXPECT_STREQ("y", names_in("hot"));
	EXPECT_STREQ("x xd y", names_in("mnt"));
	/* Made where it is missing, it would not be missing there any more. */
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, "rule", "missing=cold -> cold", END));
	EXPECT_EQ(EINVAL, put("mnt/z", ""));
	EXPECT_FALSE(present(behind(&self->site, "z")));
	EXPECT_FALSE(present("hot/z"));
}

TEST_F(site, temporary_file_is_its_directorys)
{
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	if (variant->parts)
		return;
	fd = open("mnt", O_TMPFILE | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	EXPECT_ERR(EXDEV, linkat(AT_FDCWD, fmt("/proc/self/fd/%d", fd), AT_FDCWD, "mnt/t.c",
				 AT_SYMLINK_FOLLOW));
	EXPECT_ERR(0, linkat(AT_FDCWD, fmt("/proc/self/fd/%d", fd), AT_FDCWD, "mnt/t",
			     AT_SYMLINK_FOLLOW));
	EXPECT_STREQ("t", names_in("hot"));
	close(fd);
}

SWITCHFS_TEST_MAIN
