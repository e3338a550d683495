// SPDX-License-Identifier: GPL-2.0-only
/*
 * nosuid, nodev, noexec and read-only of a branch hold through switchfs, and
 * so do immutable and append-only set in a branch.
 */
#include "site.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_EXT4 };

/* A tmpfs mounted so, with a program and a device in it, as branch of mnt. */
static void mount_over(struct __test_metadata *_metadata,
		       const struct site *site, unsigned long flags)
{
	DOES(tmpfs_mount("ground"));
	DOES(put_program("ground/prog"));
	ASSERT_OK(chmod("ground/prog", 04755));
	ASSERT_OK(mknod("ground/zero", S_IFCHR | 0666, makedev(1, 5)));
	ASSERT_OK(mount(NULL, "ground", NULL, MS_REMOUNT | MS_BIND | flags, NULL));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", site->hot, "branch",
		fmt("flags=%s", site_path(site, "ground")),
		"rule", "path=/prog -> flags", "rule", "path=/zero -> flags",
		END))
		TH_LOG("%s", mount_log);
	ASSERT_OK(umount2("ground", MNT_DETACH));
	DOES(put_program("hot/free"));
	ASSERT_OK(chmod("hot/free", 04755));
	ASSERT_OK(mknod("hot/null", S_IFCHR | 0666, makedev(1, 3)));
}

TEST_F(site, nosuid_of_a_branch_holds)
{
	mount_over(_metadata, &self->site, MS_NOSUID);
	EXPECT_EQ((10 + SOMEONE) & 255, runs("mnt/prog", SOMEONE));
	EXPECT_EQ(10, runs("mnt/free", SOMEONE));
	EXPECT_EQ(0, opens("mnt/zero", O_RDONLY));
}

TEST_F(site, nodev_of_a_branch_holds)
{
	mount_over(_metadata, &self->site, MS_NODEV);
	EXPECT_EQ(EACCES, opens("mnt/zero", O_RDONLY));
	EXPECT_EQ(0, opens("mnt/null", O_RDONLY));
	EXPECT_EQ(10, runs("mnt/prog", SOMEONE));
}

TEST_F(site, noexec_of_a_branch_holds)
{
	void *map;
	int fd;

	mount_over(_metadata, &self->site, MS_NOEXEC);
	EXPECT_EQ(1000 + EACCES, runs("mnt/prog", 0));
	EXPECT_EQ(10, runs("mnt/free", 0));
	fd = open("mnt/prog", O_RDONLY);
	ASSERT_LE(0, fd);
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_EQ(EACCES, errno);
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_ERR(EACCES, mprotect(map, 4096, PROT_READ | PROT_EXEC));
}

TEST_F(site, noexec_holds_for_the_branch_that_serves_the_data)
{
	int fd;

	DOES(tmpfs_mount("ground"));
	DOES(put_program("ground/prog"));
	DOES(put_program("hot/prog"));
	ASSERT_OK(mount(NULL, "ground", NULL,
			MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch",
		fmt("flags=%s", site_path(&self->site, "ground")),
		"rule", "op=data name=prog -> flags", END));
	ASSERT_OK(umount2("ground", MNT_DETACH));
	EXPECT_EQ(1000 + EACCES, runs("mnt/prog", 0));
	fd = open("mnt/prog", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ | PROT_EXEC,
				   MAP_PRIVATE, fd, 0));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(site, nosuid_holds_for_the_branch_that_serves_the_data)
{
	DOES(tmpfs_mount("ground"));
	DOES(put_program("ground/prog"));
	ASSERT_OK(chmod("ground/prog", 04755));
	DOES(put_program("hot/prog"));
	ASSERT_OK(chmod("hot/prog", 04755));
	ASSERT_OK(mount(NULL, "ground", NULL,
			MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch",
		fmt("flags=%s", site_path(&self->site, "ground")),
		"rule", "op=data name=prog -> flags", END));
	ASSERT_OK(umount2("ground", MNT_DETACH));
	EXPECT_EQ((10 + SOMEONE) & 255, runs("mnt/prog", SOMEONE));
}

TEST_F(site, flags_of_the_mount_itself_hold)
{
	DOES(put_program("hot/prog"));
	ASSERT_OK(chmod("hot/prog", 04755));
	ASSERT_OK(mknod("hot/zero", S_IFCHR | 0666, makedev(1, 5)));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "nosuid", NULL, "nodev", NULL));
	EXPECT_EQ((10 + SOMEONE) & 255, runs("mnt/prog", SOMEONE));
	EXPECT_EQ(EACCES, opens("mnt/zero", O_RDONLY));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "noexec", NULL));
	EXPECT_EQ(1000 + EACCES, runs("mnt/prog", 0));
}

TEST_F(site, read_only_branch_mount_refuses_writes)
{
	DOES(tmpfs_mount("ground"));
	DOES(put("ground/f", "f"));
	ASSERT_OK(mount(NULL, "ground", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY,
			NULL));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch",
		fmt("ro=%s", site_path(&self->site, "ground")),
		"rule", "name=f -> ro", "rule", "name=*.ro -> ro", END));
	EXPECT_STREQ("f", get("mnt/f"));
	EXPECT_EQ(EROFS, put("mnt/f", "x"));
	EXPECT_EQ(EROFS, put("mnt/new.ro", "x"));
	EXPECT_ERR(EROFS, unlink("mnt/f"));
	EXPECT_ERR(EROFS, chmod("mnt/f", 0600));
	EXPECT_ERR(EROFS, mkdir("mnt/d.ro", 0755));
	EXPECT_EQ(0, put("mnt/g", "fine"));
	ASSERT_OK(umount2("mnt", 0));
	umount2("ground", MNT_DETACH);
}

TEST_F(site, branch_remounted_read_only_refuses_writes)
{
	DOES(put("hot/f", "f"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(put("mnt/f", "g"));
	ASSERT_OK(mount(NULL, "hot", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_EQ(EROFS, put("mnt/f", "x"));
	EXPECT_EQ(EROFS, put("mnt/new", "x"));
	EXPECT_ERR(EROFS, unlink("mnt/f"));
	EXPECT_ERR(EROFS, chmod("mnt/f", 0600));
	EXPECT_ERR(EROFS, rename("mnt/f", "mnt/g"));
	EXPECT_STREQ("g", get("mnt/f"));
	EXPECT_EQ(0, put("mnt/f.c", "fine"));
	ASSERT_OK(mount(NULL, "hot", NULL, MS_REMOUNT, NULL));
	EXPECT_EQ(0, put("mnt/f", "again"));
}

TEST_F(site, immutable_file_is_not_changed)
{
	char *map;
	int fd;

	DOES(put("hot/f", "text"));
	DOES(make_path("hot/d"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	fd = open("mnt/f", O_RDWR);
	ASSERT_LE(0, fd);
	DOES(change_flags("hot/f", FS_IMMUTABLE_FL, 0));
	DOES(change_flags("hot/d", FS_IMMUTABLE_FL, 0));
	EXPECT_EQ(EPERM, opens("mnt/f", O_WRONLY));
	EXPECT_EQ(EPERM, opens("mnt/f", O_RDWR | O_TRUNC));
	EXPECT_ERR(EPERM, truncate("mnt/f", 0));
	EXPECT_ERR(EPERM, chmod("mnt/f", 0600));
	EXPECT_ERR(EPERM, unlink("mnt/f"));
	EXPECT_ERR(EPERM, rename("mnt/f", "mnt/g"));
	EXPECT_ERR(EPERM, link("mnt/f", "mnt/g"));
	EXPECT_EQ(EPERM, put("mnt/d/new", ""));
	EXPECT_ERR(EPERM, mkdir("mnt/d/new", 0755));
	EXPECT_STREQ("text", get("mnt/f"));
	/* Open for writing since before. */
	EXPECT_ERR(EPERM, pwrite(fd, "x", 1, 0));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_STREQ("text", get("mnt/f"));
	close(fd);
	DOES(change_flags("hot/f", 0, FS_IMMUTABLE_FL));
	DOES(change_flags("hot/d", 0, FS_IMMUTABLE_FL));
	EXPECT_EQ(0, put("mnt/f", "changed"));
}

TEST_F(site, append_only_file_is_only_appended_to)
{
	DOES(put("hot/f", "a"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(change_flags("hot/f", FS_APPEND_FL, 0));
	EXPECT_EQ(EPERM, opens("mnt/f", O_WRONLY));
	EXPECT_EQ(EPERM, opens("mnt/f", O_WRONLY | O_APPEND | O_TRUNC));
	EXPECT_EQ(0, opens("mnt/f", O_WRONLY | O_APPEND));
	EXPECT_ERR(EPERM, truncate("mnt/f", 0));
	EXPECT_ERR(EPERM, unlink("mnt/f"));
	EXPECT_STREQ("a", get("mnt/f"));
	DOES(change_flags("hot/f", 0, FS_APPEND_FL));
}

TEST_F(site, ioctls_are_not_passed_down)
{
	long version;
	int fd;

	DOES(put("hot/f", ""));
	fd = open("hot/f", O_RDONLY);
	ASSERT_OK(ioctl(fd, FS_IOC_GETVERSION, &version));
	close(fd);
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	fd = open("mnt/f", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_ERR(ENOTTY, ioctl(fd, FS_IOC_GETVERSION, &version));
	close(fd);
	fd = open("mnt", O_RDONLY | O_DIRECTORY);
	EXPECT_ERR(ENOTTY, ioctl(fd, FS_IOC_GETVERSION, &version));
	EXPECT_ERR(ENOTTY, ioctl(fd, 0x12345678, &version));
}

SWITCHFS_TEST_MAIN
