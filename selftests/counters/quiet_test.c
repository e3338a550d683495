// SPDX-License-Identifier: GPL-2.0-only
/*
 * Below directories whose home is local, no operation on an object with a
 * local home sends a request to the FUSE server. The server allows no
 * caching: whatever asks it is counted.
 */
#include "site.h"

#include <linux/fs.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

/* Runs the statement and wants the server not to have been asked. */
#define QUIET(what, ...)						\
	do {								\
		struct counts before;					\
		server_counts(&self->site.s, &before);			\
		__VA_ARGS__;						\
		EXPECT_STREQ("", server_asked(&self->site.s, &before))	\
			TH_LOG("asked by %s", what);			\
	} while (0)

/* Only a rule on paths elsewhere: also directories are all local. */
#define MOUNT_BY_PATH() \
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/media/** -> cold"))
/* A rule on names, so that the server's part of any directory counts too. */
#define MOUNT_BY_NAME() \
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.iso -> cold"))

TEST_F(site, operations_on_fuse_objects_are_counted)
{
	struct counts before;

	MOUNT_BY_PATH();
	server_counts(&self->site.s, &before);
	EXPECT_STREQ("", server_asked(&self->site.s, &before));
	DOES(make_path("mnt/media"));
	DOES(put("mnt/media/f", "x"));
	EXPECT_STREQ("x", get("mnt/media/f"));
	EXPECT_HAS(server_asked(&self->site.s, &before), "MKDIR+1");
	EXPECT_HAS(server_asked(&self->site.s, &before), "WRITE+1");
	EXPECT_LT(0, server_count(&self->site.s, "OPEN"));
}

static void walk_names(struct __test_metadata *_metadata,
		       FIXTURE_DATA(site) *self)
{
	char buf[64];

	QUIET("mkdir", ASSERT_OK(mkdir("mnt/d", 0755)));
	QUIET("lookup", EXPECT_TRUE(present("mnt/d")));
	QUIET("negative lookup", EXPECT_FALSE(present("mnt/d/absent")));
	QUIET("negative lookup again", EXPECT_FALSE(present("mnt/d/absent")));
	QUIET("create", DOES(put("mnt/d/f", "text")));
	QUIET("exclusive create",
	      EXPECT_EQ(0, opens("mnt/d/e", O_CREAT | O_EXCL | O_RDWR)));
	QUIET("mknod", EXPECT_OK(mknod("mnt/d/p", S_IFIFO | 0600, 0)));
	QUIET("symlink", EXPECT_OK(symlink("f", "mnt/d/s")));
	QUIET("readlink", EXPECT_EQ(1, readlink("mnt/d/s", buf, sizeof(buf))));
	QUIET("follow", EXPECT_STREQ("text", get("mnt/d/s")));
	QUIET("link", EXPECT_OK(link("mnt/d/f", "mnt/d/l")));
	QUIET("rename", EXPECT_OK(rename("mnt/d/l", "mnt/d/m")));
	QUIET("replacing rename", EXPECT_OK(rename("mnt/d/m", "mnt/d/e")));
	QUIET("exchange", EXPECT_OK(syscall(SYS_renameat2, AT_FDCWD, "mnt/d/p",
					    AT_FDCWD, "mnt/d/s", RENAME_EXCHANGE)));
	QUIET("unlink", EXPECT_OK(unlink("mnt/d/e")));
	QUIET("failing unlink", EXPECT_ERR(ENOENT, unlink("mnt/d/e")));
}

TEST_F(site, names_below_local_directories_are_quiet)
{
	MOUNT_BY_PATH();
	walk_names(_metadata, self);
}

TEST_F(site, local_names_under_a_name_rule_are_quiet)
{
	MOUNT_BY_NAME();
	walk_names(_metadata, self);
}

TEST_F(site, directories_outside_every_rule_are_quiet)
{
	MOUNT_BY_PATH();
	QUIET("mkdir", DOES(make_path("mnt/d/sub")));
	QUIET("create", DOES(put("mnt/d/sub/f", "")));
	QUIET("readdir", EXPECT_STREQ("f", names_in("mnt/d/sub")));
	QUIET("readdir", EXPECT_STREQ("sub", names_in("mnt/d")));
	QUIET("rename of a directory", EXPECT_OK(rename("mnt/d/sub", "mnt/d/t")));
	QUIET("unlink", EXPECT_OK(unlink("mnt/d/t/f")));
	QUIET("rmdir", EXPECT_OK(rmdir("mnt/d/t")));
	QUIET("failing rmdir", EXPECT_ERR(ENOENT, rmdir("mnt/d/t")));
}

static void walk_attributes(struct __test_metadata *_metadata,
			    FIXTURE_DATA(site) *self)
{
	struct timespec t[2] = { { 1, 0 }, { 2, 0 } };
	struct statfs fs;
	struct stat st;
	int fd;

	DOES(make_path("mnt/d"));
	DOES(put("mnt/d/f", "text"));
	QUIET("stat", EXPECT_OK(stat("mnt/d/f", &st)));
	QUIET("stat of a directory", EXPECT_OK(stat("mnt/d", &st)));
	QUIET("chmod", EXPECT_OK(chmod("mnt/d/f", 0640)));
	QUIET("chmod of a directory", EXPECT_OK(chmod("mnt/d", 0777)));
	QUIET("chown", EXPECT_OK(chown("mnt/d/f", SOMEONE, SOMEONE)));
	QUIET("truncate", EXPECT_OK(truncate("mnt/d/f", 2)));
	QUIET("utimensat", EXPECT_OK(utimensat(AT_FDCWD, "mnt/d/f", t, 0)));
	QUIET("permission", EXPECT_EQ(0, AS_USER(SOMEONE,
		faccessat(AT_FDCWD, "mnt/d/f", R_OK | W_OK, AT_EACCESS))));
	QUIET("refused permission", EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE,
		faccessat(AT_FDCWD, "mnt/d/f", R_OK, AT_EACCESS))));
	QUIET("statfs", EXPECT_OK(statfs("mnt/d/f", &fs)));
	QUIET("statfs of a directory", EXPECT_OK(statfs("mnt/d", &fs)));
	fd = open("mnt/d/f", O_RDWR);
	QUIET("fstat", EXPECT_OK(fstat(fd, &st)));
	QUIET("fchmod", EXPECT_OK(fchmod(fd, 0600)));
	QUIET("ftruncate", EXPECT_OK(ftruncate(fd, 1)));
	close(fd);
}

TEST_F(site, attributes_below_local_directories_are_quiet)
{
	MOUNT_BY_PATH();
	walk_attributes(_metadata, self);
}

TEST_F(site, local_attributes_under_a_name_rule_are_quiet)
{
	MOUNT_BY_NAME();
	walk_attributes(_metadata, self);
}

static void walk_data(struct __test_metadata *_metadata,
		      FIXTURE_DATA(site) *self)
{
	struct iovec iov = { "vector", 6 };
	char buf[64], *map = NULL;
	int fd = -1, other, p[2];
	off_t at = 0;

	DOES(make_path("mnt/d"));
	DOES(put("mnt/d/f", "text"));
	DOES(put("mnt/d/g", ""));
	ASSERT_OK(pipe(p));
	other = open("mnt/d/g", O_RDWR);
	QUIET("open", fd = open("mnt/d/f", O_RDWR));
	ASSERT_LE(0, fd);
	QUIET("read", EXPECT_EQ(4, read(fd, buf, sizeof(buf))));
	QUIET("write", EXPECT_EQ(3, pwrite(fd, "new", 3, 0)));
	QUIET("writev", EXPECT_EQ(6, pwritev(fd, &iov, 1, 0)));
	QUIET("fsync", EXPECT_OK(fsync(fd)));
	QUIET("fdatasync", EXPECT_OK(fdatasync(fd)));
	QUIET("lseek", EXPECT_EQ(6, lseek(fd, 0, SEEK_END)));
	QUIET("lseek for holes", EXPECT_EQ(6, lseek(fd, 0, SEEK_HOLE)));
	QUIET("sendfile", EXPECT_EQ(6, sendfile(other, fd, &at, 6)));
	at = 0;
	QUIET("splice", EXPECT_EQ(6, splice(fd, &at, p[1], NULL, 6, 0)));
	at = 0;
	QUIET("splice", EXPECT_EQ(6, splice(p[0], NULL, other, &at, 6, 0)));
	QUIET("mmap", map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
				 fd, 0));
	ASSERT_NE(MAP_FAILED, map);
	QUIET("page faults", map[1] = map[0]);
	QUIET("msync", EXPECT_OK(msync(map, 4096, MS_SYNC)));
	QUIET("munmap", EXPECT_OK(munmap(map, 4096)));
	QUIET("close", EXPECT_OK(close(fd)));
	QUIET("truncating open", EXPECT_EQ(0, opens("mnt/d/f", O_RDWR | O_TRUNC)));
	QUIET("appending open", EXPECT_EQ(0, opens("mnt/d/f", O_WRONLY | O_APPEND)));
	fd = open("mnt/d", O_RDONLY | O_DIRECTORY);
	QUIET("fsync of a directory", EXPECT_OK(fsync(fd)));
}

TEST_F(site, data_below_local_directories_are_quiet)
{
	MOUNT_BY_PATH();
	walk_data(_metadata, self);
}

TEST_F(site, local_data_under_a_name_rule_are_quiet)
{
	MOUNT_BY_NAME();
	walk_data(_metadata, self);
}

TEST_F(site, warm_fuse_file_is_read_without_asking)
{
	struct counts before;
	char buf[8];
	int fd;

	MOUNT_BY_PATH();
	DOES(make_path("mnt/media"));
	DOES(put("mnt/media/f", "text"));
	fd = open("mnt/media/f", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(4, pread(fd, buf, 8, 0));
	/* Data stays cached above the server as in the bare FUSE mount. */
	server_counts(&self->site.s, &before);
	EXPECT_EQ(4, pread(fd, buf, 4, 0));
	EXPECT_EQ(NULL, strstr(server_asked(&self->site.s, &before), "READ+"));
}

TEST_F(site, no_request_is_sent_by_mount_and_unmount_but_for_the_root)
{
	struct counts before;

	server_counts(&self->site.s, &before);
	MOUNT_BY_PATH();
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_EQ(NULL, strstr(server_asked(&self->site.s, &before), "READDIR"));
	EXPECT_EQ(NULL, strstr(server_asked(&self->site.s, &before), "OPEN"));
}

SWITCHFS_TEST_MAIN
