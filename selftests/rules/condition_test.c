// SPDX-License-Identifier: GPL-2.0-only
/* Conditions on what is called upon: type, size, access, exists, missing. */
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_FUSE };

static const char *seen_by_user(const char *path)
{
	const char *text;

	user_become(SOMEONE);
	text = get(path);
	user_return();
	return text;
}

TEST_F(site, type_tells_objects_of_one_name_apart)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=setattr name=x type=f -> deny:EPERM",
				"rule", "op=setattr name=x type=d+p -> deny:EROFS"));
	DOES(put("mnt/x", ""));
	EXPECT_ERR(EPERM, chmod("mnt/x", 0600));
	ASSERT_OK(unlink("mnt/x"));
	ASSERT_OK(mkdir("mnt/x", 0755));
	EXPECT_ERR(EROFS, chmod("mnt/x", 0700));
	ASSERT_OK(rmdir("mnt/x"));
	ASSERT_OK(mkfifo("mnt/x", 0644));
	EXPECT_ERR(EROFS, chmod("mnt/x", 0600));
	ASSERT_OK(unlink("mnt/x"));
	ASSERT_OK(mknod("mnt/x", S_IFSOCK | 0644, 0));
	EXPECT_OK(chmod("mnt/x", 0600));
	/* Changed behind the mount. */
	ASSERT_OK(unlink("hot/x"));
	ASSERT_OK(mkdir("hot/x", 0755));
	EXPECT_ERR(EROFS, chmod("mnt/x", 0700));
}

TEST_F(site, type_of_a_new_object_counts_when_it_is_made)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=name type=p+s -> deny:EPERM",
				"rule", "op=create type=f name=no* -> deny:EROFS"));
	EXPECT_ERR(EPERM, mkfifo("mnt/a", 0644));
	EXPECT_ERR(EPERM, mknod("mnt/a", S_IFSOCK | 0644, 0));
	EXPECT_OK(mknod("mnt/b", S_IFREG | 0644, 0));
	EXPECT_EQ(EROFS, put("mnt/no", ""));
	EXPECT_OK(mkdir("mnt/no", 0755));
	/* Lookup does not know a type. */
	ASSERT_OK(mkfifo("hot/p", 0644));
	EXPECT_TRUE(present("mnt/p"));
	EXPECT_ERR(EPERM, unlink("mnt/p"));
	EXPECT_STREQ("b no p", names_in("mnt"));
}

TEST_F(site, size_is_the_homes_at_this_moment)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open size=>1K -> deny:EFBIG",
				"rule", "op=setattr size=<4 -> deny:EPERM"));
	DOES(put("mnt/f", "abc"));
	EXPECT_EQ(0, opens("mnt/f", O_RDONLY));
	EXPECT_ERR(EPERM, chmod("mnt/f", 0600));
	DOES(put("hot/f", "abcd"));
	EXPECT_OK(chmod("mnt/f", 0600));
	ASSERT_OK(truncate("hot/f", 1024));
	EXPECT_EQ(0, opens("mnt/f", O_RDONLY));
	ASSERT_OK(truncate("hot/f", 1025));
	EXPECT_EQ(EFBIG, opens("mnt/f", O_RDONLY));
	/* A truncation is a write, which goes by the verdict of open. */
	EXPECT_ERR(EFBIG, truncate("mnt/f", 1000));
	ASSERT_OK(truncate("hot/f", 1000));
	EXPECT_EQ(0, opens("mnt/f", O_RDONLY));
	/* A lookup does not know it. */
	ASSERT_OK(truncate("hot/f", 5000));
	EXPECT_TRUE(present("mnt/f"));
}

TEST_F(site, size_chooses_the_data)
{
	DOES(put("hot/f", "long text"));
	DOES(put(behind(&self->site, "f"), "cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=data size=>4 -> cold"));
	EXPECT_STREQ("cold", get("mnt/f"));
	DOES(put("hot/f", "text"));
	EXPECT_STREQ("text", get("mnt/f"));
}

TEST_F(site, access_is_how_the_file_is_opened)
{
	DOES(put_program("hot/p"));
	DOES(put("hot/f", "f"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open name=f access=w -> deny:EROFS",
				"rule", "op=open name=p access=x -> deny:ENXIO",
				"rule", "op=open name=r access=r -> deny:EIO"));
	EXPECT_EQ(0, opens("mnt/f", O_RDONLY));
	EXPECT_EQ(EROFS, opens("mnt/f", O_WRONLY));
	EXPECT_EQ(EROFS, opens("mnt/f", O_RDWR));
	EXPECT_EQ(EROFS, opens("mnt/f", O_WRONLY | O_APPEND));
	EXPECT_EQ(0, opens("mnt/f", O_PATH));
	EXPECT_STREQ("f", get("hot/f"));
	EXPECT_EQ(1000 + ENXIO, runs("mnt/p", 0));
	EXPECT_EQ(0, opens("mnt/p", O_RDWR));
	DOES(put("mnt/r", "r"));
	EXPECT_EQ(EIO, opens("mnt/r", O_RDONLY));
	EXPECT_EQ(EIO, opens("mnt/r", O_RDWR));
	/* A directory is opened for reading. */
	DOES(make_path("hot/d/r"));
	EXPECT_EQ(EIO, opens("mnt/d/r", O_RDONLY | O_DIRECTORY));
	EXPECT_EQ(0, opens("mnt/d/r", O_PATH));
	DOES(make_path("hot/d/f"));
	EXPECT_EQ(0, opens("mnt/d/f", O_RDONLY | O_DIRECTORY));
}

TEST_F(site, denied_truncating_open_truncates_nothing)
{
	DOES(put("hot/f", "kept"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open access=w -> deny:EROFS"));
	EXPECT_EQ(EROFS, opens("mnt/f", O_WRONLY | O_TRUNC));
	EXPECT_STREQ("kept", get("hot/f"));
}

TEST_F(site, home_follows_existence_at_once)
{
	int i;

	DOES(put(behind(&self->site, "f"), "cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/** exists=hot -> hot",
				"rule", "path=/** -> cold"));
	for (i = 0; i < 5; i++) {
		EXPECT_STREQ("cold", get("mnt/f"));
		DOES(put("hot/f", "hot"));
		EXPECT_STREQ("hot", get("mnt/f"));
		EXPECT_EQ(3, stat_of("mnt/f").st_size);
		EXPECT_STREQ("f", names_in("mnt"));
		ASSERT_OK(unlink("hot/f"));
	}
	EXPECT_STREQ("f", names_in("mnt"));
	ASSERT_OK(unlink(behind(&self->site, "f")));
	EXPECT_FALSE(present("mnt/f"));
	EXPECT_STREQ("", names_in("mnt"));
	/* What is new is in neither yet. */
	DOES(put("mnt/new", "new"));
	EXPECT_STREQ("new", get(behind(&self->site, "new")));
}

TEST_F(site, missing_is_the_contrary)
{
	DOES(put("hot/f", "hot"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open missing=cold -> deny:EBUSY"));
	EXPECT_EQ(EBUSY, opens("mnt/f", O_RDONLY));
	EXPECT_TRUE(present("mnt/f"));
	DOES(put(behind(&self->site, "f"), ""));
	EXPECT_STREQ("hot", get("mnt/f"));
	ASSERT_OK(unlink(behind(&self->site, "f")));
	EXPECT_EQ(EBUSY, opens("mnt/f", O_RDONLY));
}

TEST_F(site, existence_below_directories_that_one_branch_lacks)
{
	DOES(make_path(behind(&self->site, "a/b")));
	DOES(put(behind(&self->site, "a/b/f"), "cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/** exists=cold -> cold"));
	EXPECT_STREQ("cold", get("mnt/a/b/f"));
	EXPECT_EQ(0, put("mnt/a/b/g", "hot"));
	EXPECT_STREQ("hot", get("hot/a/b/g"));
	EXPECT_STREQ("f g", names_in("mnt/a/b"));
	EXPECT_STREQ("a", names_in("mnt"));
}

TEST_F(site, first_branch_that_has_it_is_the_home)
{
	DOES(put("hot/both", "hot"));
	DOES(put(behind(&self->site, "both"), "cold"));
	DOES(put(behind(&self->site, "only"), "only cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/** -> hot|cold"));
	EXPECT_STREQ("hot", get("mnt/both"));
	EXPECT_STREQ("only cold", get("mnt/only"));
	EXPECT_STREQ("both only", names_in("mnt"));
	/* What is new goes to the first. */
	DOES(put("mnt/new", "n"));
	EXPECT_STREQ("n", get("hot/new"));
	ASSERT_OK(unlink("mnt/both"));
	EXPECT_STREQ("cold", get("mnt/both"));
	ASSERT_OK(unlink("mnt/both"));
	EXPECT_FALSE(present("mnt/both"));
	EXPECT_STREQ("new only", names_in("mnt"));
}

TEST_F(site, first_branch_that_has_it_serves_the_data)
{
	DOES(put("hot/f", "hot"));
	DOES(put("hot/g", "hot"));
	DOES(put(behind(&self->site, "f"), "cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=data -> cold|hot"));
	EXPECT_STREQ("cold", get("mnt/f"));
	EXPECT_STREQ("hot", get("mnt/g"));
	/* Without an alternative, ENOENT. */
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, "rule", "op=data -> cold", END));
	EXPECT_STREQ("cold", get("mnt/f"));
	EXPECT_EQ(ENOENT, opens("mnt/g", O_RDONLY));
}

TEST_F(site, all_conditions_must_hold)
{
	DOES(put("hot/f.dat", "12345"));
	ASSERT_OK(chmod("hot/f.dat", 0666));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule",
		"op=open name=*.dat type=f uid=1000 access=w size=>4 missing=cold -> deny:EPERM"));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE, open("mnt/f.dat", O_WRONLY)));
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, open("mnt/f.dat", O_WRONLY)));
	EXPECT_STREQ("12345", seen_by_user("mnt/f.dat"));
	DOES(put(behind(&self->site, "f.dat"), ""));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/f.dat", O_WRONLY)));
	ASSERT_OK(unlink(behind(&self->site, "f.dat")));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE, open("mnt/f.dat", O_WRONLY)));
	DOES(put("hot/f.dat", "1234"));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/f.dat", O_WRONLY)));
}

SWITCHFS_TEST_MAIN
