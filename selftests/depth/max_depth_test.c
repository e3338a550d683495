// SPDX-License-Identifier: GPL-2.0-only
/* max_depth=: what is published, who can stack on it, and which objects are refused for it. */
#include "site.h"

#include <linux/fuse.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

/* An overlay of LOWER at AT, over UP if that is not NULL; or an errno. */
static int overlay(const char *at, const char *lower, const char *up)
{
	const char *options = fmt("lowerdir=%s", lower);

	if (up) {
		if (make_path(fmt("%s/upper", up)) || make_path(fmt("%s/work", up)))
			return EIO;
		options = fmt("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, up, up);
	}
	return make_path(at) ?: ERR(mount("overlay", at, "overlay", 0, options));
}

/* hot with file and low; ovl, an overlay that has low, with one filesystem below it. */
static void fill(struct __test_metadata *_metadata)
{
	DOES(put("hot/file", "hot"));
	DOES(make_path("lower"));
	DOES(put("lower/low", "deep"));
	DOES(put("lower/f.deep", "deep"));
	DOES(overlay("ovl", "lower", "up"));
}

#define DEEP fmt("deep=%s", site_path(&self->site, "ovl"))
#define MOUNT(...)							\
	switchfs_mount("mnt", "branch", self->site.hot, "branch", DEEP, \
		       "rule", "name=low -> deep", ##__VA_ARGS__, END)

static const char *shown(const struct site *site)
{
	return shown_options(site_path(site, "mnt")) ?: "nothing";
}

/*
 * The errno with which a FUSE server that lets MAX filesystems be stacked, itself included, is
 * refused passthrough to PATH; 0 when it gets it.
 */
static int passthrough(const char *path, unsigned int max)
{
	struct {
		struct fuse_in_header head;
		struct fuse_init_in init;
		char rest[8192];
	} in;
	struct fuse_out_header head = { .len = sizeof(head) + sizeof(struct fuse_init_out) };
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.flags = FUSE_INIT_EXT,
		.flags2 = (1ULL << 37) >> 32, /* FUSE_PASSTHROUGH */
		.max_write = 4096,
		.max_stack_depth = max,
	};
	struct iovec out[] = { { &head, sizeof(head) }, { &init, sizeof(init) } };
	int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC), err;
	struct fuse_backing_map map = { .fd = -1 };

	if (dev < 0 || make_path("passing") ||
	    mount("pass", "passing", "fuse", 0,
		  fmt("fd=%d,rootmode=40000,user_id=0,group_id=0", dev)))
		return errno;
	if (read(dev, &in, sizeof(in)) < 0 || in.head.opcode != FUSE_INIT)
		return EPROTO;
	head.unique = in.head.unique;
	if (writev(dev, out, 2) < 0)
		return errno;
	map.fd = open(path, O_RDONLY | O_CLOEXEC);
	err = map.fd < 0 ? errno : ERR(ioctl(dev, FUSE_DEV_IOC_BACKING_OPEN, &map));
	umount2("passing", MNT_DETACH);
	close(map.fd);
	close(dev);
	return err;
}

TEST_F(site, one_refuses_what_is_deeper_and_lets_others_stack)
{
	int log = klog_open();

	fill(_metadata);
	ASSERT_EQ(0, MOUNT("max_depth", "1")) TH_LOG("%s", mount_log);
	EXPECT_HAS(shown(&self->site), "max_depth=1");
	EXPECT_STREQ("hot", get("mnt/file"));
	EXPECT_ERR(ELOOP, access("mnt/low", F_OK));
	EXPECT_EQ(ELOOP, opens("mnt/low", O_RDONLY));
	EXPECT_EQ(ELOOP, put("mnt/low", ""));
	EXPECT_STRNE("", klog_complaints(log, true));
	DOES(put("mnt/new", "new"));
	EXPECT_STREQ("new", get("hot/new"));
	EXPECT_OK(syncfs(open("mnt", O_RDONLY | O_DIRECTORY)));

	EXPECT_EQ(0, passthrough("mnt/file", 2));
	EXPECT_EQ(ELOOP, passthrough("mnt/file", 1));
	ASSERT_EQ(0, overlay("over", "mnt", "up2"));
	EXPECT_STREQ("hot", get("over/file"));
	DOES(put("over/file", "copied up"));
	EXPECT_STREQ("hot", get("hot/file"));
	EXPECT_ERR(ELOOP, access("over/low", F_OK));
	ASSERT_OK(umount2("over", 0));
	EXPECT_STREQ("", klog_complaints(log, false));
}

TEST_F(site, auto_publishes_the_deepest)
{
	static const char *const values[] = { NULL, "auto", "2" };
	size_t i;

	fill(_metadata);
	for (i = 0; i < 3; i++) {
		if (values[i]) {
			ASSERT_EQ(0, MOUNT("max_depth", values[i])) TH_LOG("%s", mount_log);
		} else {
			ASSERT_EQ(0, MOUNT()) TH_LOG("%s", mount_log);
		}
		EXPECT_STREQ("hot", get("mnt/file"));
		EXPECT_STREQ("deep", get("mnt/low"));
		EXPECT_EQ(i == 2, !!strstr(shown(&self->site), "max_depth=2"));
		EXPECT_EQ(i == 2, !!strstr(shown(&self->site), "max_depth"));
		/* Also for what is not deep: they look at the whole mount. */
		EXPECT_EQ(ELOOP, passthrough("mnt/file", 2));
		EXPECT_NE(0, overlay("over", "mnt", "up2"));
		ASSERT_OK(umount2("mnt", 0));
	}
	/* Over what is not stacked auto is 1. */
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_EQ(0, passthrough("mnt/file", 2));
}

TEST_F(site, shown_line_makes_the_mount_again)
{
	static char line[65536];

	fill(_metadata);
	ASSERT_EQ(0, MOUNT("max_depth", "1"));
	strcpy(line, shown(&self->site));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_EQ(0, switchfs_mount_string("mnt", 0, line));
	EXPECT_STREQ(line, shown(&self->site));
	EXPECT_ERR(ELOOP, access("mnt/low", F_OK));
}

TEST_F(site, what_cannot_be_is_refused)
{
	static const char *const bad[] = { "0", "3", "", "deep", "-1", "01" };
	size_t i;

	fill(_metadata);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		EXPECT_EQ(EINVAL, MOUNT("max_depth", bad[i])) TH_LOG("%s", bad[i]);
		EXPECT_HAS(mount_log, "max_depth");
	}
	/* The root has to be served. */
	EXPECT_EQ(ELOOP, MOUNT("max_depth", "1", "default", "deep"));
	EXPECT_HAS(mount_log, "default: ");
	EXPECT_EQ(ELOOP, switchfs_mount("mnt", "branch", DEEP, "max_depth", "1", END));
	EXPECT_HAS(mount_log, "none can serve anything");
}

TEST_F(site, remount_keeps_what_was_published)
{
	static char before[65536];

	fill(_metadata);
	/* Published is 1, by itself: no deeper branch comes in later. */
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_EQ(ELOOP, switchfs_remount("mnt", "branch",
		fmt("cold=%s", site_path(&self->site, "ovl")), END));
	EXPECT_HAS(mount_log, "too deep for a mount of depth 1");
	EXPECT_EQ(EINVAL, switchfs_remount("mnt", "max_depth", "2", END));
	EXPECT_EQ(0, switchfs_remount("mnt", "max_depth", "auto", END));
	ASSERT_OK(umount2("mnt", 0));
	/* 2 leaves room for one. */
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "max_depth", "2", "rule", "name=low -> cold"));
	EXPECT_EQ(ELOOP, passthrough("mnt/file", 2));
	ASSERT_EQ(0, switchfs_remount("mnt", "branch",
		fmt("cold=%s", site_path(&self->site, "ovl")), END)) TH_LOG("%s", mount_log);
	EXPECT_STREQ("deep", get("mnt/low"));
	strcpy(before, shown(&self->site));
	EXPECT_EQ(EINVAL, switchfs_remount("mnt", "max_depth", "1", "norules", NULL, "ro", NULL,
					   END));
	EXPECT_HAS(mount_log, "max_depth: cannot be changed");
	EXPECT_EQ(EINVAL, switchfs_remount("mnt", "max_depth", "auto", END));
	EXPECT_EQ(0, switchfs_remount("mnt", "max_depth", "2", END));
	EXPECT_STREQ(before, shown(&self->site));
	EXPECT_STREQ("deep", get("mnt/low"));
}

/* A switchfs below counts with each inode's own depth. */
TEST_F(site, switchfs_as_a_branch_counts_by_inode)
{
	fill(_metadata);
	DOES(make_path("mnt2"));
	ASSERT_EQ(0, MOUNT());
	ASSERT_EQ(0, switchfs_mount("mnt2", "branch",
		fmt("s=%s", site_path(&self->site, "mnt")), END)) TH_LOG("%s", mount_log);
	EXPECT_STREQ("hot", get("mnt2/file"));
	EXPECT_ERR(ELOOP, access("mnt2/low", F_OK));
	EXPECT_EQ(ELOOP, passthrough("mnt2/file", 2));
	ASSERT_OK(umount2("mnt2", 0));
	EXPECT_EQ(ELOOP, switchfs_mount("mnt2", "branch",
		fmt("s=%s", site_path(&self->site, "mnt")), "max_depth", "1", END));
}

SWITCHFS_TEST_MAIN
