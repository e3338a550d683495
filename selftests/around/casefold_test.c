// SPDX-License-Identifier: GPL-2.0-only
/* Directories of a branch in which names differ by more than case. */
#include "switchfs_test.h"

FIXTURE(folded) {
	struct world w;
};

FIXTURE_VARIANT(folded) {
	bool bare;		/* ext4 itself: proves the test */
};

FIXTURE_VARIANT_ADD(folded, bare) { .bare = true };
FIXTURE_VARIANT_ADD(folded, branch) { .bare = false };

FIXTURE_SETUP(folded)
{
	if (!variant->bare)
		NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(folding_mount(&self->w, fmt("%s/disk", self->w.work)));
	if (variant->bare) {
		DOES(bind_mount("disk", "mnt"));
		return;
	}
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("a=%s/disk", self->w.work), END))
		TH_LOG("%s", mount_log);
}

FIXTURE_TEARDOWN(folded)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		umount2("disk", MNT_DETACH);
	}
	world_leave(&self->w);
}

TEST_F(folded, any_case_finds_the_name_that_was_given)
{
	DOES(put("mnt/d/File", "text"));
	EXPECT_STREQ("text", get("mnt/d/fILE"));
	EXPECT_STREQ("text", get("mnt/d/FILE"));
	EXPECT_EQ(stat_of("mnt/d/file").st_ino, stat_of("mnt/d/File").st_ino);
	EXPECT_STREQ("File", names_in("mnt/d"));
	EXPECT_EQ(EEXIST, opens("mnt/d/file", O_CREAT | O_EXCL | O_WRONLY));
	EXPECT_EQ(0, put("mnt/d/FILE", "more"));
	EXPECT_STREQ("more", get("disk/d/File"));
	EXPECT_STREQ("File", names_in("mnt/d"));
	/* Elsewhere case counts. */
	DOES(put("mnt/File", ""));
	EXPECT_EQ(ENOENT, opens("mnt/file", O_RDONLY));
}

TEST_F(folded, absence_is_not_remembered_under_another_case)
{
	int i;

	for (i = 0; i < 3; i++) {
		EXPECT_EQ(ENOENT, opens("mnt/d/name", O_RDONLY));
		EXPECT_EQ(ENOENT, opens("mnt/d/NAME", O_RDONLY));
		DOES(put("mnt/d/Name", "text"));
		EXPECT_STREQ("text", get("mnt/d/name"));
		EXPECT_STREQ("text", get("mnt/d/NAME"));
		ASSERT_OK(unlink("mnt/d/nAME"));
		EXPECT_EQ(ENOENT, opens("mnt/d/Name", O_RDONLY));
		/* Made behind the back. */
		DOES(put("disk/d/NAME", "other"));
		EXPECT_STREQ("other", get("mnt/d/name"));
		ASSERT_OK(unlink("disk/d/name"));
		EXPECT_EQ(ENOENT, opens("mnt/d/NAME", O_RDONLY));
	}
}

TEST_F(folded, rename_changes_the_case)
{
	DOES(put("mnt/d/name", "text"));
	ASSERT_OK(rename("mnt/d/NAME", "mnt/d/other"));
	EXPECT_STREQ("other", names_in("mnt/d"));
	ASSERT_OK(rename("mnt/d/other", "mnt/d/Name"));
	EXPECT_STREQ("text", get("mnt/d/name"));
	ASSERT_OK(link("mnt/d/NAME", "mnt/d/second"));
	EXPECT_ERR(EEXIST, link("mnt/d/NAME", "mnt/d/SECOND"));
	ASSERT_OK(mkdir("mnt/d/Sub", 0755));
	DOES(put("mnt/d/sUB/File", "in"));
	EXPECT_STREQ("in", get("mnt/d/SUB/file"));
	ASSERT_OK(unlink("mnt/d/sub/FILE"));
	ASSERT_OK(rmdir("mnt/d/SUB"));
	EXPECT_STREQ("Name second", names_in("mnt/d"));
}

SWITCHFS_TEST_MAIN
