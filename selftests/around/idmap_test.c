// SPDX-License-Identifier: GPL-2.0-only
/*
 * Id-mapped mounts of switchfs: a clone of the mount that shows other owners.
 * What is tested of it is what is true of such a clone of ext4 itself.
 */
#include "switchfs_test.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#include "idmap.h"

/* Ids 0 to 999 of switchfs are these in the clone, and no others exist. */
#define BASE 100000

#define ACCESS_LIST	"system.posix_acl_access"

FIXTURE(clone) {
	struct world w;
};

FIXTURE_VARIANT(clone) {
	bool bare;		/* of the branch itself: proves the test */
	bool twice;		/* the branch is an id-mapped mount, too */
};

FIXTURE_VARIANT_ADD(clone, bare) { .bare = true };
FIXTURE_VARIANT_ADD(clone, mount) { .twice = false };
FIXTURE_VARIANT_ADD(clone, mapped_branch) { .twice = true };

/*
 * The branch is disk, mnt is mounted over it, view is the id-mapped clone of
 * mnt. With a mapped branch disk's ids are 5,000 higher than mnt's.
 */
FIXTURE_SETUP(clone)
{
	if (!variant->bare)
		NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(make_path("view"));
	DOES(make_path("mapped"));
	DOES(ext4_mount(&self->w, fmt("%s/disk", self->w.work)));
	if (variant->twice) {
		DOES(idmap_mount("disk", "mapped", 5000, 0, 1000));
	} else {
		DOES(bind_mount("disk", "mapped"));
	}
	if (variant->bare) {
		DOES(bind_mount("mapped", "mnt"));
	} else {
		ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("a=%s/mapped", self->w.work),
					    END))
			TH_LOG("%s", mount_log);
	}
	if (variant->twice)
		ASSERT_OK(chown("disk", 5000, 5000));
	ASSERT_OK(chmod("disk", 0777));
	DOES(put("disk/f", "text"));
	ASSERT_OK(chown("disk/f", 5 + 5000 * variant->twice, 6 + 5000 * variant->twice));
	ASSERT_OK(chmod("disk/f", 0640));
	DOES(idmap_mount("mnt", "view", 0, BASE, 1000));
}

FIXTURE_TEARDOWN(clone)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("view", MNT_DETACH);
		umount2("mnt", MNT_DETACH);
		umount2("mapped", MNT_DETACH);
		umount2("disk", MNT_DETACH);
	}
	world_leave(&self->w);
}

#define BELOW(id) ((id) + 5000 * variant->twice)

TEST_F(clone, owners_are_seen_and_obeyed_through_the_mapping)
{
	struct stat st = stat_of("view/f");

	EXPECT_EQ(BASE + 5, st.st_uid);
	EXPECT_EQ(BASE + 6, st.st_gid);
	EXPECT_EQ(5, stat_of("mnt/f").st_uid);
	EXPECT_EQ(0, AS_USER(BASE + 5, open("view/f", O_RDWR)));
	EXPECT_EQ(0, AS_USER(BASE + 6, open("view/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(BASE + 6, open("view/f", O_RDWR)));
	EXPECT_EQ(EACCES, AS_USER(5, open("view/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(BASE + 5, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(0, AS_USER(5, open("mnt/f", O_RDWR)));
	EXPECT_EQ(EACCES, AS_USER(5, faccessat(AT_FDCWD, "view/f", R_OK, AT_EACCESS)));
	EXPECT_EQ(0, AS_USER(BASE + 5, chmod("view/f", 0600)));
	EXPECT_EQ(EPERM, AS_USER(5, chmod("view/f", 0644)));
	EXPECT_EQ(S_IFREG | 0600, stat_of("disk/f").st_mode);
	EXPECT_EQ(0, AS_USER(BASE + 5, utimensat(AT_FDCWD, "view/f", NULL, 0)));
	EXPECT_EQ(0, AS_USER(BASE + 5, truncate("view/f", 1)));
	EXPECT_EQ(0, AS_USER(BASE + 5, open("view/f", O_RDONLY | O_NOATIME)));
}

TEST_F(clone, new_objects_get_the_mapped_ids)
{
	int fd;

	EXPECT_EQ(0, AS_USER(BASE + 7, open("view/g", O_CREAT | O_EXCL | O_RDWR, 0600)));
	EXPECT_EQ(0, AS_USER(BASE + 7, mkdir("view/d", 0700)));
	EXPECT_EQ(0, AS_USER(BASE + 7, symlink("g", "view/s")));
	EXPECT_EQ(0, AS_USER(BASE + 7, mknod("view/p", S_IFIFO | 0600, 0)));
	EXPECT_EQ(0, AS_USER(BASE + 7, link("view/g", "view/h")));
	EXPECT_EQ(0, AS_USER(BASE + 7, rename("view/h", "view/d/h")));
	EXPECT_EQ(BELOW(7), stat_of("disk/g").st_uid);
	EXPECT_EQ(BELOW(7), stat_of("disk/g").st_gid);
	EXPECT_EQ(BELOW(7), stat_of("disk/d").st_uid);
	EXPECT_EQ(BELOW(7), stat_of("disk/s").st_uid);
	EXPECT_EQ(BELOW(7), stat_of("disk/p").st_gid);
	EXPECT_EQ(BASE + 7, stat_of("view/g").st_uid);
	EXPECT_EQ(7, stat_of("mnt/g").st_uid);
	user_become(BASE + 7);
	fd = open("view", O_TMPFILE | O_RDWR, 0600);
	EXPECT_LE(0, fd);
	EXPECT_OK(linkat(AT_FDCWD, fmt("/proc/self/fd/%d", fd), AT_FDCWD, "view/t",
			 AT_SYMLINK_FOLLOW));
	user_return();
	EXPECT_EQ(BELOW(7), stat_of("disk/t").st_uid);
	/* Nobody outside the mapping can own anything there. */
	EXPECT_EQ(EOVERFLOW, AS_USER(SOMEONE, open("view/x", O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(EOVERFLOW, AS_USER(SOMEONE, mkdir("view/x", 0700)));
	EXPECT_FALSE(present("disk/x"));
}

TEST_F(clone, owners_are_changed_through_the_mapping)
{
	EXPECT_OK(chown("view/f", BASE + 8, BASE + 9));
	EXPECT_EQ(BELOW(8), stat_of("disk/f").st_uid);
	EXPECT_EQ(BELOW(9), stat_of("disk/f").st_gid);
	EXPECT_EQ(BASE + 8, stat_of("view/f").st_uid);
	EXPECT_ERR(EOVERFLOW, chown("view/f", SOMEONE, -1));
	EXPECT_ERR(EOVERFLOW, chown("view/f", -1, 8));
	EXPECT_EQ(BELOW(8), stat_of("disk/f").st_uid);
	EXPECT_EQ(EPERM, AS_USER(BASE + 8, chown("view/f", BASE + 5, -1)));
	EXPECT_EQ(0, AS_USER(BASE + 8, chown("view/f", BASE + 8, BASE + 8)));
	EXPECT_EQ(BELOW(8), stat_of("disk/f").st_gid);
}

TEST_F(clone, group_of_a_directory_is_inherited_mapped)
{
	ASSERT_OK(mkdir("mnt/d", 0777));
	ASSERT_OK(chown("view/d", BASE, BASE + 9));
	ASSERT_OK(chmod("view/d", 02777));
	EXPECT_EQ(0, AS_USER(BASE + 7, mknod("view/d/f", S_IFREG | 02770, 0)));
	EXPECT_EQ(0, AS_USER(BASE + 7, mkdir("view/d/e", 0755)));
	EXPECT_EQ(BELOW(9), stat_of("disk/d/f").st_gid);
	EXPECT_EQ(BELOW(7), stat_of("disk/d/f").st_uid);
	EXPECT_EQ(BASE + 9, stat_of("view/d/e").st_gid);
	EXPECT_EQ(02755, stat_of("view/d/e").st_mode & 07777);
	/* Not of that group: no set-group-id program of it. */
	EXPECT_EQ(0770, stat_of("view/d/f").st_mode & 07777);
	EXPECT_EQ(0, AS_USER(BASE + 7, chmod("view/d/f", 02770)));
	EXPECT_EQ(0770, stat_of("view/d/f").st_mode & 07777);
}

TEST_F(clone, sticky_directory_knows_mapped_owners)
{
	ASSERT_OK(mkdir("mnt/d", 0777));
	ASSERT_OK(chmod("view/d", 01777));
	EXPECT_EQ(0, AS_USER(BASE + 7, mknod("view/d/f", S_IFREG | 0666, 0)));
	EXPECT_EQ(EPERM, AS_USER(BASE + 8, unlink("view/d/f")));
	EXPECT_EQ(EPERM, AS_USER(7, rename("view/d/f", "view/d/g")));
	EXPECT_EQ(0, AS_USER(BASE + 7, unlink("view/d/f")));
}

TEST_F(clone, set_user_id_programs_run_as_the_mapped_owner)
{
	DOES(put_program("disk/prog"));
	ASSERT_OK(chown("disk/prog", BELOW(5), BELOW(5)));
	ASSERT_OK(chmod("disk/prog", 04755));
	EXPECT_EQ((10 + BASE + 5) & 255, runs("view/prog", SOMEONE));
	EXPECT_EQ(15, runs("mnt/prog", SOMEONE));
	/* Writing takes the bit away as of any other file. */
	EXPECT_EQ(0, AS_USER(BASE + 5, truncate("view/prog", 10)));
	EXPECT_EQ(0755, stat_of("disk/prog").st_mode & 07777);
}

struct list {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entry[5];
};

TEST_F(clone, access_lists_hold_mapped_ids)
{
	struct list list = {
		.header.a_version = POSIX_ACL_XATTR_VERSION,
		.entry = {
			{ ACL_USER_OBJ, 6, ACL_UNDEFINED_ID },
			{ ACL_USER, 4, BASE + 8 },
			{ ACL_GROUP_OBJ, 0, ACL_UNDEFINED_ID },
			{ ACL_MASK, 4, ACL_UNDEFINED_ID },
			{ ACL_OTHER, 0, ACL_UNDEFINED_ID },
		},
	}, back;

	ASSERT_OK(setxattr("view/f", ACCESS_LIST, &list, sizeof(list), 0));
	ASSERT_EQ(sizeof(back), getxattr("disk/f", ACCESS_LIST, &back, sizeof(back)));
	EXPECT_EQ(BELOW(8), back.entry[1].e_id);
	ASSERT_EQ(sizeof(back), getxattr("mnt/f", ACCESS_LIST, &back, sizeof(back)));
	EXPECT_EQ(8, back.entry[1].e_id);
	ASSERT_EQ(sizeof(back), getxattr("view/f", ACCESS_LIST, &back, sizeof(back)));
	EXPECT_EQ(BASE + 8, back.entry[1].e_id);
	EXPECT_EQ(0, AS_USER(BASE + 8, open("view/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(8, open("view/f", O_RDONLY)));
	EXPECT_EQ(0, AS_USER(8, open("mnt/f", O_RDONLY)));
	/* One who does not exist there cannot be in a list. */
	list.entry[1].e_id = SOMEONE;
	EXPECT_NE(0, ERR(setxattr("view/f", ACCESS_LIST, &list, sizeof(list), 0)));
	EXPECT_EQ(EPERM, AS_USER(BASE + 8, removexattr("view/f", ACCESS_LIST)));
	EXPECT_EQ(0, AS_USER(BASE + 5, removexattr("view/f", ACCESS_LIST)));
}

TEST_F(clone, both_views_are_of_one_file)
{
	int one = open("mnt/f", O_RDWR), two = open("view/f", O_RDWR);
	char buf[8] = "";

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	EXPECT_EQ(4, pwrite(one, "both", 4, 0));
	EXPECT_EQ(4, pread(two, buf, sizeof(buf), 0));
	EXPECT_STREQ("both", buf);
	EXPECT_EQ(stat_of("mnt/f").st_ino, stat_of("view/f").st_ino);
	EXPECT_EQ(stat_of("mnt/f").st_dev, stat_of("view/f").st_dev);
	EXPECT_ERR(EXDEV, link("mnt/f", "view/h"));
}

/* The branch would see the caller's ids as they are, and not as the clone has them. */
TEST_F(clone, mount_under_the_callers_credentials_cannot_be_mapped)
{
	DOES(make_path("own"));
	DOES(make_path("refused"));
	if (variant->bare) {
		EXPECT_EQ(0, idmap_mount("mapped", "refused", 0, BASE, 1000));
		ASSERT_OK(umount2("refused", MNT_DETACH));
		return;
	}
	ASSERT_EQ(0, switchfs_mount("own", "branch", fmt("a=%s/mapped", self->w.work),
				    "creds", "caller", END))
		TH_LOG("%s", mount_log);
	EXPECT_EQ(EINVAL, idmap_mount("own", "refused", 0, BASE, 1000));
	ASSERT_OK(umount2("own", 0));
}

SWITCHFS_TEST_MAIN
