// SPDX-License-Identifier: GPL-2.0-only
/* A branch on an idmapped mount: its mapping holds through switchfs. */
#include "switchfs_test.h"

#include "idmap.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

/* Ids 0 to 999 on disk are these in the mount, and no others exist. */
#define BASE 100000

FIXTURE(idmapped) {
	struct world w;
};

FIXTURE_VARIANT(idmapped) {
	bool bare;		/* the idmapped mount itself: proves the test */
};

FIXTURE_VARIANT_ADD(idmapped, bare) { .bare = true };
FIXTURE_VARIANT_ADD(idmapped, branch) { .bare = false };

FIXTURE_SETUP(idmapped)
{
	if (!variant->bare)
		NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(make_path("mapped"));
	DOES(ext4_mount(&self->w, fmt("%s/disk", self->w.work)));
	ASSERT_OK(chmod("disk", 0777));
	DOES(put("disk/f", "text"));
	ASSERT_OK(chown("disk/f", 5, 6));
	ASSERT_OK(chmod("disk/f", 0640));
	DOES(idmap_mount("disk", "mapped", 0, BASE, 1000));
	if (variant->bare) {
		DOES(bind_mount("mapped", "mnt"));
		return;
	}
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
				    fmt("a=%s/mapped", self->w.work), END))
		TH_LOG("%s", mount_log);
}

FIXTURE_TEARDOWN(idmapped)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		umount2("mapped", MNT_DETACH);
		umount2("disk", MNT_DETACH);
	}
	world_leave(&self->w);
}

TEST_F(idmapped, owners_are_those_of_the_mapping)
{
	struct stat st = stat_of("mnt/f");

	EXPECT_EQ(BASE + 5, st.st_uid);
	EXPECT_EQ(BASE + 6, st.st_gid);
	EXPECT_EQ(0, AS_USER(BASE + 5, open("mnt/f", O_RDWR)));
	EXPECT_EQ(0, AS_USER(BASE + 6, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(BASE + 6, open("mnt/f", O_RDWR)));
	EXPECT_EQ(EACCES, AS_USER(5, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(0, AS_USER(BASE + 5, chmod("mnt/f", 0600)));
	EXPECT_EQ(S_IFREG | 0600, stat_of("disk/f").st_mode);
}

TEST_F(idmapped, new_objects_are_mapped_back)
{
	EXPECT_EQ(0, AS_USER(BASE + 7, open("mnt/g", O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(0, AS_USER(BASE + 7, mkdir("mnt/d", 0700)));
	EXPECT_EQ(7, stat_of("disk/g").st_uid);
	EXPECT_EQ(7, stat_of("disk/d").st_gid);
	EXPECT_EQ(BASE + 7, stat_of("mnt/g").st_uid);
	/* Nobody outside the mapping can own anything there. */
	EXPECT_EQ(EOVERFLOW, AS_USER(SOMEONE, open("mnt/h", O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(EOVERFLOW, AS_USER(SOMEONE, mkdir("mnt/h", 0700)));
	EXPECT_FALSE(present("disk/h"));
}

TEST_F(idmapped, owners_are_changed_through_the_mapping)
{
	EXPECT_OK(chown("mnt/f", BASE + 8, BASE + 9));
	EXPECT_EQ(8, stat_of("disk/f").st_uid);
	EXPECT_EQ(9, stat_of("disk/f").st_gid);
	EXPECT_ERR(EOVERFLOW, chown("mnt/f", SOMEONE, -1));
	EXPECT_EQ(8, stat_of("disk/f").st_uid);
}

TEST_F(idmapped, access_lists_hold_mapped_ids)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entry[5];
	} list = {
		.header.a_version = POSIX_ACL_XATTR_VERSION,
		.entry = {
			{ ACL_USER_OBJ, 6, ACL_UNDEFINED_ID },
			{ ACL_USER, 4, BASE + 8 },
			{ ACL_GROUP_OBJ, 0, ACL_UNDEFINED_ID },
			{ ACL_MASK, 4, ACL_UNDEFINED_ID },
			{ ACL_OTHER, 0, ACL_UNDEFINED_ID },
		},
	}, back;

	EXPECT_EQ(EACCES, AS_USER(BASE + 8, open("mnt/f", O_RDONLY)));
	ASSERT_OK(setxattr("mnt/f", "system.posix_acl_access", &list, sizeof(list), 0));
	ASSERT_EQ(sizeof(back), getxattr("disk/f", "system.posix_acl_access", &back,
					 sizeof(back)));
	EXPECT_EQ(8, back.entry[1].e_id);
	ASSERT_EQ(sizeof(back), getxattr("mnt/f", "system.posix_acl_access", &back,
					 sizeof(back)));
	EXPECT_EQ(BASE + 8, back.entry[1].e_id);
	EXPECT_EQ(0, AS_USER(BASE + 8, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(8, open("mnt/f", O_RDONLY)));
	/* Set in the branch, it counts at once. */
	back.entry[1].e_id = 9;
	ASSERT_OK(setxattr("disk/f", "system.posix_acl_access", &back, sizeof(back), 0));
	EXPECT_EQ(EACCES, AS_USER(BASE + 8, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(0, AS_USER(BASE + 9, open("mnt/f", O_RDONLY)));
}

TEST_F(idmapped, group_and_set_id_bits_follow_the_mapping)
{
	ASSERT_OK(mkdir("disk/d", 0777));
	ASSERT_OK(chown("disk/d", 0, 9));
	ASSERT_OK(chmod("disk/d", 02777));
	EXPECT_EQ(0, AS_USER(BASE + 7, mknod("mnt/d/f", S_IFREG | 0770, 0)));
	EXPECT_EQ(9, stat_of("disk/d/f").st_gid);
	EXPECT_EQ(0, AS_USER(BASE + 7, chmod("mnt/d/f", 02770)));
	EXPECT_EQ(0770, stat_of("disk/d/f").st_mode & 07777);
	DOES(put_program("disk/prog"));
	ASSERT_OK(chown("disk/prog", 5, 5));
	ASSERT_OK(chmod("disk/prog", 04755));
	EXPECT_EQ((10 + BASE + 5) & 255, runs("mnt/prog", SOMEONE));
	EXPECT_EQ(EPERM, AS_USER(5, chmod("mnt/prog", 0777)));
	EXPECT_EQ(0, AS_USER(BASE + 5, truncate("mnt/prog", 10)));
	EXPECT_EQ(0755, stat_of("disk/prog").st_mode & 07777);
}

SWITCHFS_TEST_MAIN
