// SPDX-License-Identifier: GPL-2.0-only
/*
 * Protection that the branch gives a file, attacked in every way that there is
 * to change data. The variant `bare` is the branch itself.
 */
#include "switchfs_test.h"
#include "uring.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

#define PROTECTED (FS_IMMUTABLE_FL | FS_APPEND_FL)

FIXTURE(attack) {
	struct world w;
};

FIXTURE_VARIANT(attack) {
	bool bare;
	const char *creds;
};

FIXTURE_VARIANT_ADD(attack, bare) { .bare = true };
FIXTURE_VARIANT_ADD(attack, mounter) { .creds = "mounter" };
FIXTURE_VARIANT_ADD(attack, caller) { .creds = "caller" };

FIXTURE_SETUP(attack)
{
	if (!variant->bare)
		NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(ext4_mount(&self->w, fmt("%s/disk", self->w.work)));
	if (variant->bare) {
		DOES(bind_mount("disk", "mnt"));
	} else {
		ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("a=%s/disk", self->w.work),
					    "creds", variant->creds, END))
			TH_LOG("%s", mount_log);
	}
	ASSERT_OK(chmod("disk", 0777));
	DOES(put("disk/f", "0123456789"));
	DOES(put("disk/from", "attack"));
}

FIXTURE_TEARDOWN(attack)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		change_flags("disk/f", 0, PROTECTED);
		umount2("mnt", MNT_DETACH);
		umount2("disk", MNT_DETACH);
	}
	world_leave(&self->w);
}

static int by_write(int fd)
{
	return ERR(pwrite(fd, "X", 1, 0));
}

static int by_append(int fd)
{
	struct iovec iov = { "X", 1 };

	return ERR(pwritev2(fd, &iov, 1, -1, RWF_APPEND));
}

static int by_splice(int fd)
{
	loff_t at = 0;
	int p[2], err;

	pipe(p);
	write(p[1], "X", 1);
	err = ERR(splice(p[0], NULL, fd, &at, 1, 0));
	close(p[0]);
	close(p[1]);
	return err;
}

static int by_sendfile(int fd)
{
	int from = open("disk/from", O_RDONLY), err = ERR(sendfile(fd, from, NULL, 3));

	close(from);
	return err;
}

static int by_copy(int fd)
{
	int from = open("mnt/from", O_RDONLY);
	int err = ERR(copy_file_range(from, NULL, fd, (loff_t[1]){ 0 }, 3, 0));

	close(from);
	return err;
}

static int by_allocation(int fd)
{
	return ERR(fallocate(fd, 0, 0, 8192));
}

static int by_hole(int fd)
{
	return ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
}

static int by_size(int fd)
{
	return ERR(ftruncate(fd, 1));
}

static int by_ring(int fd)
{
	struct io_uring_sqe *sqe;
	struct ring r;
	int result;

	if (ring_open(&r, 2, 0))
		return -1;
	sqe = ring_sqe(&r, IORING_OP_WRITE, fd);
	sqe->addr = (uintptr_t)"X";
	sqe->len = 1;
	result = ring_run(&r);
	ring_close(&r);
	return result < 0 ? -result : 0;
}

static int by_mode(int fd)
{
	return ERR(fchmod(fd, 0777));
}

static int by_owner(int fd)
{
	return ERR(fchown(fd, SOMEONE, -1));
}

static int by_times(int fd)
{
	struct timespec old[2] = { { 1, 0 }, { 1, 0 } };

	return ERR(futimens(fd, old));
}

static int by_attribute(int fd)
{
	return ERR(fsetxattr(fd, "user.a", "v", 1, 0));
}

static int by_removal(int fd)
{
	return ERR(unlink("mnt/f"));
}

static int by_rename(int fd)
{
	return ERR(rename("mnt/f", "mnt/g"));
}

static int by_replacement(int fd)
{
	return ERR(rename("mnt/from", "mnt/f"));
}

static int by_link(int fd)
{
	return ERR(link("mnt/f", "mnt/g"));
}

static int by_truncation(int fd)
{
	return ERR(truncate("mnt/f", 0));
}

static int by_opening(int fd)
{
	return opens("mnt/f", O_WRONLY | O_TRUNC);
}

static const struct way {
	char what[16];
	int (*act)(int fd);
} ways[] = {
	{ "write", by_write }, { "append", by_append }, { "splice", by_splice },
	{ "sendfile", by_sendfile }, { "copy", by_copy }, { "fallocate", by_allocation },
	{ "hole", by_hole }, { "size", by_size }, { "io_uring", by_ring },
	{ "mode", by_mode }, { "owner", by_owner }, { "times", by_times },
	{ "attribute", by_attribute }, { "unlink", by_removal },
	{ "rename", by_rename }, { "replacement", by_replacement }, { "link", by_link },
	{ "truncate", by_truncation }, { "open", by_opening },
};

#define WAYS (sizeof(ways) / sizeof(*ways))

TEST_F(attack, immutable_file_resists_who_has_it_open)
{
	struct stat st;
	size_t i;
	int fd;

	fd = open("mnt/f", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, change_flags("disk/f", FS_IMMUTABLE_FL, 0));
	for (i = 0; i < WAYS; i++)
		EXPECT_EQ(EPERM, ways[i].act(fd)) TH_LOG("by %s", ways[i].what);
	EXPECT_STREQ("0123456789", get("disk/f"));
	st = stat_of("disk/f");
	EXPECT_EQ(S_IFREG | 0644, st.st_mode);
	EXPECT_EQ(1, st.st_nlink);
	EXPECT_EQ(-1, getxattr("disk/f", "user.a", NULL, 0));
	close(fd);
}

TEST_F(attack, append_only_file_resists_who_opened_it_to_append)
{
	struct iovec iov = { "X", 1 };
	size_t i;
	int fd;

	ASSERT_EQ(0, change_flags("disk/f", FS_APPEND_FL, 0));
	fd = open("mnt/f", O_WRONLY | O_APPEND);
	ASSERT_LE(0, fd);
	EXPECT_ERR(EPERM, fcntl(fd, F_SETFL, 0));
	EXPECT_NE(0, ERR(pwritev2(fd, &iov, 1, 0, RWF_NOAPPEND)));
	for (i = 0; i < WAYS; i++) {
		/* Written at the end, or refused. */
		if (ways[i].act == by_write || ways[i].act == by_ring ||
		    ways[i].act == by_append || ways[i].act == by_allocation ||
		    ways[i].act == by_attribute)
			continue;
		EXPECT_NE(0, ways[i].act(fd)) TH_LOG("by %s", ways[i].what);
	}
	EXPECT_STREQ("0123456789", get("disk/f"));
	EXPECT_EQ(0, by_write(fd));
	EXPECT_EQ(0, by_append(fd));
	EXPECT_EQ(0, by_ring(fd));
	EXPECT_STREQ("0123456789XXX", get("disk/f"));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0));
	close(fd);
	EXPECT_EQ(EPERM, opens("mnt/f", O_RDWR));
}

TEST_F(attack, protected_directory_takes_and_gives_no_names)
{
	DOES(make_path("disk/d"));
	DOES(put("disk/d/f", ""));
	EXPECT_TRUE(present("mnt/d/f"));
	ASSERT_EQ(0, change_flags("disk/d", FS_APPEND_FL, 0));
	EXPECT_EQ(0, put("mnt/d/new", ""));
	EXPECT_ERR(EPERM, unlink("mnt/d/f"));
	EXPECT_ERR(EPERM, rename("mnt/d/f", "mnt/d/g"));
	EXPECT_ERR(EPERM, rename("mnt/d", "mnt/e"));
	EXPECT_ERR(EPERM, rmdir("mnt/d"));
	ASSERT_EQ(0, change_flags("disk/d", FS_IMMUTABLE_FL, FS_APPEND_FL));
	EXPECT_EQ(EPERM, put("mnt/d/more", ""));
	EXPECT_ERR(EPERM, link("mnt/f", "mnt/d/l"));
	EXPECT_ERR(EPERM, symlink("f", "mnt/d/s"));
	EXPECT_ERR(EPERM, open("mnt/d", O_TMPFILE | O_RDWR, 0600));
	EXPECT_STREQ("f new", names_in("disk/d"));
	ASSERT_EQ(0, change_flags("disk/d", 0, PROTECTED));
	EXPECT_EQ(0, put("mnt/d/more", ""));
}

TEST_F(attack, set_id_bits_go_whichever_way_the_data_changes)
{
	static int (*const changes[])(int) = {
		by_write, by_append, by_splice, by_sendfile, by_copy, by_allocation,
		by_hole, by_size, by_ring,
	};
	size_t i;
	int fd;

	for (i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		DOES(put("disk/f", "0123456789"));
		ASSERT_OK(chmod("disk/f", 06777));
		user_become(SOMEONE);
		fd = open("mnt/f", O_RDWR);
		EXPECT_EQ(0, changes[i](fd)) TH_LOG("number %zu", i);
		user_return();
		EXPECT_EQ(0777, stat_of("disk/f").st_mode & 07777) TH_LOG("number %zu", i);
		EXPECT_EQ(0777, stat_of("mnt/f").st_mode & 07777) TH_LOG("number %zu", i);
		close(fd);
	}
}

TEST_F(attack, commands_for_the_branchs_filesystem_stay_outside)
{
	static const struct {
		const char *what;
		unsigned long request;
	} commands[] = {
		{ "shutdown", _IOR('X', 125, unsigned int) },
		{ "trim", FITRIM }, { "resize", _IOW('f', 16, unsigned long long) },
		{ "swap boot", _IO('f', 17) }, { "migrate", _IO('f', 9) },
		{ "set version", FS_IOC_SETVERSION }, { "verity", _IOW('f', 133, char[128]) },
		{ "encryption policy", _IOR('f', 19, char[12]) },
		{ "checkpoint", _IOW('f', 43, unsigned int) },
	};
	unsigned long long room[64] = { 1 };
	int fd, dir;
	size_t i;

	if (variant->bare)
		return;
	fd = open("mnt/f", O_RDWR);
	dir = open("mnt", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, dir);
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		EXPECT_ERR(ENOTTY, ioctl(fd, commands[i].request, room))
			TH_LOG("%s", commands[i].what);
		EXPECT_ERR(ENOTTY, ioctl(dir, commands[i].request, room))
			TH_LOG("%s", commands[i].what);
	}
	EXPECT_EQ(0, put("disk/new", "works"));
	EXPECT_STREQ("works", get("mnt/new"));
	close(fd);
	close(dir);
}

SWITCHFS_TEST_MAIN
