// SPDX-License-Identifier: GPL-2.0-only
/* Attributes that are withheld, routed or refused. */
#include "site.h"

#include <linux/capability.h>
#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_EXT4 };

static const char *const own = "trusted.switchfs.route";

/* CAP_NET_RAW, effective. */
static const struct vfs_cap_data some_cap = {
	.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
	.data = { { .permitted = 1 << CAP_NET_RAW } },
};

TEST_F(site, names_of_switchfs_itself_are_not_the_branches)
{
	char buf[64];

	DOES(put("hot/f", ""));
	ASSERT_OK(setxattr("hot/f", own, "lie", 3, 0));
	ASSERT_OK(setxattr("hot/f", "trusted.other", "x", 1, 0));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_EQ(14, listxattr("mnt/f", buf, sizeof(buf)));
	EXPECT_STREQ("trusted.other", buf);
	EXPECT_ERR(EPERM, setxattr("mnt/f", own, "x", 1, 0));
	EXPECT_ERR(EPERM, removexattr("mnt/f", own));
	EXPECT_EQ(3, getxattr("hot/f", own, buf, sizeof(buf)));
	EXPECT_FALSE(getxattr("mnt/f", own, buf, sizeof(buf)) == 3 &&
		     !memcmp(buf, "lie", 3));
}

TEST_F(site, capabilities_of_a_nosuid_branch_are_not_returned)
{
	char buf[64];

	DOES(tmpfs_mount("ground"));
	DOES(put("ground/f", ""));
	ASSERT_OK(setxattr("ground/f", "security.capability", &some_cap,
			   sizeof(some_cap), 0));
	ASSERT_OK(mount(NULL, "ground", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
				    fmt("g=%s", site_path(&self->site, "ground")), END));
	EXPECT_ERR(ENODATA, getxattr("mnt/f", "security.capability", buf, sizeof(buf)));
	EXPECT_EQ(0, listxattr("mnt/f", buf, sizeof(buf)));
	ASSERT_OK(umount("mnt"));
	ASSERT_OK(mount(NULL, "ground", NULL, MS_REMOUNT | MS_BIND, NULL));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
				    fmt("g=%s", site_path(&self->site, "ground")), END));
	EXPECT_EQ(sizeof(some_cap), getxattr("mnt/f", "security.capability", buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(&some_cap, buf, sizeof(some_cap)));
	ASSERT_OK(umount("mnt"));
	ASSERT_OK(umount("ground"));
}

TEST_F(site, capabilities_are_lost_when_data_changes)
{
	int fd;

	DOES(put("hot/f", "data"));
	ASSERT_OK(chmod("hot/f", 0777));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	/* Written once before: that nothing is to be lost may be remembered. */
	fd = open("mnt/f", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
	EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
	ASSERT_OK(setxattr("hot/f", "security.capability", &some_cap,
			   sizeof(some_cap), 0));
	EXPECT_EQ(1, pwrite(fd, "y", 1, 0));
	EXPECT_ERR(ENODATA, getxattr("hot/f", "security.capability", NULL, 0));
	ASSERT_OK(setxattr("mnt/f", "security.capability", &some_cap,
			   sizeof(some_cap), 0));
	EXPECT_OK(ftruncate(fd, 1));
	EXPECT_ERR(ENODATA, getxattr("mnt/f", "security.capability", NULL, 0));
}

TEST_F(site, rules_route_attributes)
{
	char buf[8];

	DOES(put("hot/f", "home"));
	DOES(put("cold/f", "cold"));
	DOES(put("hot/deny", ""));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule",
		"op=getxattr+setxattr+listxattr+removexattr path=/f -> cold",
		"rule", "op=setxattr path=/deny -> deny:EROFS",
		"rule", "op=listxattr path=/deny -> deny"));
	ASSERT_OK(setxattr("mnt/f", "trusted.a", "1", 1, 0));
	EXPECT_EQ(1, getxattr("cold/f", "trusted.a", buf, sizeof(buf)));
	EXPECT_ERR(ENODATA, getxattr("hot/f", "trusted.a", buf, sizeof(buf)));
	EXPECT_EQ(1, getxattr("mnt/f", "trusted.a", buf, sizeof(buf)));
	EXPECT_EQ(10, listxattr("mnt/f", NULL, 0));
	EXPECT_OK(removexattr("mnt/f", "trusted.a"));
	EXPECT_EQ(0, listxattr("cold/f", NULL, 0));
	EXPECT_ERR(EROFS, setxattr("mnt/deny", "trusted.a", "1", 1, 0));
	EXPECT_ERR(EACCES, listxattr("mnt/deny", NULL, 0));
	EXPECT_ERR(ENODATA, getxattr("mnt/deny", "trusted.a", NULL, 0));
}

TEST_F(site, read_only_branch_takes_none)
{
	DOES(tmpfs_mount("ground"));
	DOES(put("ground/f", ""));
	ASSERT_OK(mount(NULL, "ground", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
				    fmt("g=%s", site_path(&self->site, "ground")), END));
	EXPECT_ERR(EROFS, setxattr("mnt/f", "trusted.a", "1", 1, 0));
	EXPECT_ERR(EROFS, removexattr("mnt/f", "trusted.a"));
	ASSERT_OK(umount("mnt"));
	ASSERT_OK(umount("ground"));
}

SWITCHFS_TEST_MAIN
