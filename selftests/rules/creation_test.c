// SPDX-License-Identifier: GPL-2.0-only
/* A file that could not be opened where its open goes is not made either. */
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

static const int ways[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_EXCL, O_WRONLY | O_TRUNC };

/* Opens mnt/NAME with O_CREAT in each way as UID and wants ERR, and nothing made. */
static void refused(struct __test_metadata *_metadata, const char *name, uid_t uid, int err)
{
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const char *path = fmt("mnt/%s", name);

		EXPECT_EQ(err, AS_USER(uid, open(path, ways[i] | O_CREAT | O_CLOEXEC, 0666)))
			TH_LOG("%s, way %zu", path, i);
		/* Cached as missing, and not. */
		EXPECT_ERR(ENOENT, access(path, F_OK));
		EXPECT_FALSE(present(fmt("hot/%s", name)));
		EXPECT_FALSE(present(fmt("cold/%s", name)));
	}
}

static int opens_new(const char *path, int flags)
{
	int fd = open(path, flags | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* All may write in the branches' roots. */
static void open_up(struct __test_metadata *_metadata)
{
	ASSERT_OK(chmod("hot", 0777));
	ASSERT_OK(chmod("cold", 0777));
}

TEST_F(site, open_in_a_branch_without_it)
{
	int log = klog_open();

	open_up(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=data name=*.x -> cold"));
	refused(_metadata, "a.x", 0, EINVAL);
	EXPECT_HAS(klog_complaints(log, true), "branch hot, but rule 1 opens it in cold");
	EXPECT_STREQ("", klog_complaints(log, false));
	/* What does not open it makes it. */
	ASSERT_OK(mknod("mnt/a.x", S_IFREG | 0644, 0));
	EXPECT_TRUE(present("hot/a.x"));
	EXPECT_EQ(ENOENT, opens("mnt/a.x", O_RDONLY));
	/* Where the other branch has it, it can be made and opened. */
	DOES(put("cold/b.x", "cold"));
	EXPECT_EQ(0, opens_new("mnt/b.x", O_RDWR | O_EXCL));
	EXPECT_STREQ("cold", get("mnt/b.x"));
	EXPECT_STREQ("", get("hot/b.x"));
	/* A directory there is no file. */
	DOES(make_path("cold/c.x"));
	EXPECT_EQ(EINVAL, opens_new("mnt/c.x", O_RDWR));
	EXPECT_FALSE(present("hot/c.x"));
	/* Others are not concerned. */
	EXPECT_EQ(0, opens_new("mnt/d", O_RDWR));
}

TEST_F(site, conditions_are_those_after_it_was_made)
{
	open_up(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site,
				"rule", "op=data name=*.m missing=hot -> cold",
				"rule", "op=data name=*.u uid=1001 missing=cold -> cold",
				"rule", "op=data name=*.f -> cold|hot"));
	EXPECT_EQ(0, opens_new("mnt/a.m", O_RDWR));
	EXPECT_EQ(0, AS_USER(1000, open("mnt/a.u", O_RDWR | O_CREAT | O_CLOEXEC, 0666)));
	refused(_metadata, "b.u", 1001, EINVAL);
	EXPECT_EQ(0, opens_new("mnt/b.u", O_RDWR));
	EXPECT_EQ(0, opens_new("mnt/a.f", O_RDWR));
	EXPECT_STREQ("a.f a.m a.u b.u", names_in("hot"));
	EXPECT_STREQ("", names_in("cold"));
}

TEST_F(site, denied_open_makes_nothing)
{
	open_up(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open name=*.d -> deny:EAGAIN",
				"rule", "op=open name=*.c uid=1000 -> deny:EPERM",
				"rule", "op=open name=*.w access=w -> deny:EROFS"));
	refused(_metadata, "a.d", 0, EAGAIN);
	refused(_metadata, "a.c", 1000, EPERM);
	EXPECT_EQ(0, opens_new("mnt/a.c", O_RDWR));
	ASSERT_OK(mknod("mnt/a.d", S_IFREG | 0644, 0));
	EXPECT_EQ(EAGAIN, opens("mnt/a.d", O_RDONLY));
	/* How it is to be opened is not known when it is made. */
	EXPECT_EQ(0, opens_new("mnt/a.w", O_RDONLY));
	EXPECT_EQ(EROFS, opens_new("mnt/b.w", O_WRONLY));
	EXPECT_TRUE(present("hot/b.w"));
}

TEST_F(site, what_create_refuses_is_refused_as_before)
{
	open_up(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=create name=*.n -> deny:ENOSPC",
				"rule", "op=create name=*.l -> cold",
				"rule", "op=open -> deny:EBUSY"));
	EXPECT_EQ(ENOSPC, opens_new("mnt/a.n", O_RDWR));
	EXPECT_EQ(EINVAL, opens_new("mnt/a.l", O_RDWR));
	EXPECT_EQ(EBUSY, opens_new("mnt/a", O_RDWR));
	EXPECT_STREQ("", names_in("hot"));
	EXPECT_STREQ("", names_in("cold"));
	/* One that exists is opened, and that is refused. */
	DOES(put("hot/there", ""));
	EXPECT_EQ(EBUSY, opens_new("mnt/there", O_RDWR));
	EXPECT_EQ(EEXIST, opens_new("mnt/there", O_RDWR | O_EXCL));
}

SWITCHFS_TEST_MAIN
