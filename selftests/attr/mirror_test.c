// SPDX-License-Identifier: GPL-2.0-only
/* Directories made on the way take after those that they mirror. */
#include "site.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_EXT4 };

struct list {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entry[5];
};

TEST_F(site, mirrored_directory_has_the_lists_of_its_model)
{
	struct list list = {
		.header.a_version = POSIX_ACL_XATTR_VERSION,
		.entry = {
			{ ACL_USER_OBJ, 7, ACL_UNDEFINED_ID },
			{ ACL_USER, 5, SOMEONE },
			{ ACL_GROUP_OBJ, 0, ACL_UNDEFINED_ID },
			{ ACL_MASK, 5, ACL_UNDEFINED_ID },
			{ ACL_OTHER, 0, ACL_UNDEFINED_ID },
		},
	}, found;

	ASSERT_OK(mkdir("hot/d", 0700));
	ASSERT_OK(mkdir("hot/d/e", 0710));
	ASSERT_OK(chown("hot/d", SOMEONE_ELSE, 77));
	ASSERT_OK(setxattr("hot/d", "system.posix_acl_access", &list, sizeof(list), 0));
	ASSERT_OK(setxattr("hot/d", "system.posix_acl_default", &list, sizeof(list), 0));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(put("mnt/d/e/f.c", "x"));
	EXPECT_EQ(0750, stat_of("cold/d").st_mode & 07777);
	EXPECT_EQ(SOMEONE_ELSE, stat_of("cold/d").st_uid);
	EXPECT_EQ(77, stat_of("cold/d").st_gid);
	EXPECT_EQ(sizeof(found), getxattr("cold/d", "system.posix_acl_access",
					  &found, sizeof(found)));
	EXPECT_EQ(0, memcmp(&list, &found, sizeof(found)));
	EXPECT_EQ(sizeof(found), getxattr("cold/d", "system.posix_acl_default",
					  &found, sizeof(found)));
	/* What the model does not have is not inherited from the mirror above. */
	EXPECT_EQ(0710, stat_of("cold/d/e").st_mode & 07777);
	EXPECT_ERR(ENODATA, getxattr("cold/d/e", "system.posix_acl_access", NULL, 0));
	EXPECT_ERR(ENODATA, getxattr("cold/d/e", "system.posix_acl_default", NULL, 0));
	EXPECT_STREQ("x", get("mnt/d/e/f.c"));
}

SWITCHFS_TEST_MAIN
