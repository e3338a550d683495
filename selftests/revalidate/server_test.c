// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes behind a FUSE server's back: seen at once when it allows no
 * caching, and within the time it allows otherwise.
 */
#include "switchfs_test.h"

FIXTURE(behind) {
	struct world w;
	struct server s;
};

FIXTURE_VARIANT(behind) {
	const char *options[4];
	int wait_ms;		/* how long old news may be believed */
	bool bare;		/* the FUSE mount itself: proves the test */
};

FIXTURE_VARIANT_ADD(behind, bare) { .options = { NULL }, .bare = true };
FIXTURE_VARIANT_ADD(behind, uncached) { .options = { NULL } };
FIXTURE_VARIANT_ADD(behind, plus) { .options = { "--readdirplus", NULL } };
FIXTURE_VARIANT_ADD(behind, cached) {
	.options = { "--timeout=0.2", "--negative-timeout=0.2", NULL },
	.wait_ms = 250,
};

FIXTURE_SETUP(behind)
{
	if (!variant->bare)
		NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(server_start(&self->s, fmt("%s/cold", self->w.work),
			  variant->options));
	DOES(make_path("mnt"));
	if (variant->bare) {
		DOES(bind_mount(fmt("%s/cold", self->w.work), "mnt"));
		return;
	}
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
				    fmt("%s/cold", self->w.work), END))
		TH_LOG("%s", mount_log);
}

FIXTURE_TEARDOWN(behind)
{
	if (self->w.work[0] && !chdir(self->w.work))
		umount2("mnt", MNT_DETACH);
	if (self->s.mount[0])
		server_stop(&self->s);
	world_leave(&self->w);
}

#define SETTLE()	usleep(variant->wait_ms * 1000 + 1)

TEST_F(behind, created_file_appears)
{
	EXPECT_FALSE(present("mnt/f"));
	DOES(put("cold-source/f", "new"));
	SETTLE();
	EXPECT_STREQ("new", get("mnt/f"));
	EXPECT_STREQ("f", names_in("mnt"));
}

TEST_F(behind, removed_objects_are_gone)
{
	DOES(put("mnt/f", "x"));
	ASSERT_OK(mkdir("mnt/d", 0755));
	EXPECT_STREQ("x", get("mnt/f"));
	ASSERT_OK(unlink("cold-source/f"));
	ASSERT_OK(rmdir("cold-source/d"));
	SETTLE();
	EXPECT_FALSE(present("mnt/f"));
	EXPECT_EQ(ENOENT, opens("mnt/f", O_RDONLY));
	EXPECT_FALSE(present("mnt/d"));
}

TEST_F(behind, replaced_file_is_the_new_one)
{
	DOES(put("mnt/f", "old"));
	EXPECT_STREQ("old", get("mnt/f"));
	DOES(put("cold-source/g", "replacement"));
	ASSERT_OK(rename("cold-source/g", "cold-source/f"));
	SETTLE();
	EXPECT_STREQ("replacement", get("mnt/f"));
	EXPECT_EQ(11, stat_of("mnt/f").st_size);
}

TEST_F(behind, file_becomes_directory_becomes_link)
{
	DOES(put("mnt/n", "file"));
	EXPECT_TRUE(S_ISREG(stat_of("mnt/n").st_mode));
	ASSERT_OK(unlink("cold-source/n"));
	ASSERT_OK(mkdir("cold-source/n", 0755));
	SETTLE();
	EXPECT_TRUE(S_ISDIR(stat_of("mnt/n").st_mode));
	EXPECT_STREQ("", names_in("mnt/n"));
	ASSERT_OK(rmdir("cold-source/n"));
	ASSERT_OK(symlink("t", "cold-source/n"));
	SETTLE();
	EXPECT_TRUE(S_ISLNK(stat_of("mnt/n").st_mode));
}

TEST_F(behind, renamed_directory_is_found_at_its_new_name_only)
{
	DOES(make_path("mnt/d/sub"));
	DOES(put("mnt/d/sub/f", "below"));
	EXPECT_STREQ("below", get("mnt/d/sub/f"));
	ASSERT_OK(rename("cold-source/d", "cold-source/e"));
	SETTLE();
	EXPECT_STREQ("below", get("mnt/e/sub/f"));
	EXPECT_FALSE(present("mnt/d"));
	EXPECT_FALSE(present("mnt/d/sub/f"));
}

TEST_F(behind, changed_attributes_and_data_are_seen)
{
	DOES(put("mnt/f", "12345"));
	EXPECT_STREQ("12345", get("mnt/f"));
	ASSERT_OK(chmod("cold-source/f", 0600));
	DOES(put("cold-source/f", "123456789"));
	SETTLE();
	EXPECT_EQ(S_IFREG | 0600, stat_of("mnt/f").st_mode);
	EXPECT_EQ(9, stat_of("mnt/f").st_size);
	EXPECT_STREQ("123456789", get("mnt/f"));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt/f", O_RDONLY)));
}

TEST_F(behind, positive_answers_are_believed_as_long_as_the_server_says)
{
	struct counts before;

	const char *asked = "";
	int tries;

	if (!variant->wait_ms)
		return;
	DOES(put("mnt/f", "x"));
	/* A slow machine may need longer than the answer is good for. */
	for (tries = 0; tries < 10; tries++) {
		EXPECT_TRUE(present("mnt/f"));
		server_counts(&self->s, &before);
		EXPECT_TRUE(present("mnt/f"));
		asked = server_asked(&self->s, &before);
		if (!*asked)
			break;
	}
	EXPECT_STREQ("", asked);
}

SWITCHFS_TEST_MAIN
