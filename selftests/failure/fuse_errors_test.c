// SPDX-License-Identifier: GPL-2.0-only
/*
 * A server that answers with errors: what the bare FUSE mount gives is what
 * switchfs gives, nothing stays behind, and it all works again afterwards.
 */
#include "site.h"

#include <dirent.h>
#include <linux/fuse.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

static const char *at(const char *root, const char *name)
{
	return fmt("%s/%s", root, name);
}

static int do_stat(const char *root)
{
	struct stat st;

	return ERR(stat(at(root, "f"), &st));
}

static int do_chmod(const char *root)
{
	return ERR(chmod(at(root, "f"), 0600));
}

static int do_truncate(const char *root)
{
	return ERR(truncate(at(root, "f"), 2));
}

static int do_readlink(const char *root)
{
	char buf[16];

	return ERR(readlink(at(root, "s"), buf, sizeof(buf)));
}

static int do_follow(const char *root)
{
	return opens(at(root, "s"), O_RDONLY);
}

static int do_symlink(const char *root)
{
	return ERR(symlink("f", at(root, "new")));
}

static int do_mknod(const char *root)
{
	return ERR(mknod(at(root, "new"), S_IFREG | 0644, 0));
}

static int do_create(const char *root)
{
	return opens(at(root, "new"), O_CREAT | O_EXCL | O_RDWR);
}

static int do_mkdir(const char *root)
{
	return ERR(mkdir(at(root, "new"), 0755));
}

static int do_unlink(const char *root)
{
	return ERR(unlink(at(root, "f")));
}

static int do_rmdir(const char *root)
{
	return ERR(rmdir(at(root, "d")));
}

static int do_rename(const char *root)
{
	return ERR(rename(at(root, "f"), at(root, "new")));
}

static int do_link(const char *root)
{
	return ERR(link(at(root, "f"), at(root, "new")));
}

static int do_open(const char *root)
{
	return opens(at(root, "f"), O_RDWR);
}

static int do_read(const char *root)
{
	char buf[8];
	int fd = open(at(root, "f"), O_RDONLY), err;

	if (fd < 0)
		return errno;
	err = ERR(read(fd, buf, sizeof(buf)));
	close(fd);
	return err;
}

static int do_map(const char *root)
{
	int fd = open(at(root, "f"), O_RDONLY), p[2], err;
	char *map;

	if (fd < 0)
		return errno;
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	/* A write from it is EFAULT where a load would be SIGBUS. */
	pipe(p);
	err = ERR(write(p[1], map, 1));
	munmap(map, 4096);
	close(p[0]);
	close(p[1]);
	close(fd);
	return err;
}

static int do_write(const char *root)
{
	int fd = open(at(root, "f"), O_WRONLY), err;

	if (fd < 0)
		return errno;
	err = ERR(write(fd, "x", 1));
	close(fd);
	return err;
}

static int do_fsync(const char *root)
{
	int fd = open(at(root, "f"), O_RDWR), err;

	if (fd < 0)
		return errno;
	err = ERR(fsync(fd));
	close(fd);
	return err;
}

static int do_close(const char *root)
{
	int fd = open(at(root, "f"), O_RDWR);

	return fd < 0 ? errno : ERR(close(fd));
}

static int do_allocate(const char *root)
{
	int fd = open(at(root, "f"), O_RDWR), err;

	if (fd < 0)
		return errno;
	err = ERR(fallocate(fd, 0, 0, 100));
	close(fd);
	return err;
}

static int do_seek(const char *root)
{
	int fd = open(at(root, "f"), O_RDONLY), err;

	if (fd < 0)
		return errno;
	err = ERR(lseek(fd, 0, SEEK_HOLE));
	close(fd);
	return err;
}

static int do_copy(const char *root)
{
	int fd = open(at(root, "f"), O_RDONLY), to = open(at(root, "g"), O_WRONLY), err;

	if (fd < 0 || to < 0)
		return errno;
	err = ERR(copy_file_range(fd, NULL, to, NULL, 4, 0));
	close(fd);
	close(to);
	return err;
}

static int do_set(const char *root)
{
	return ERR(setxattr(at(root, "f"), "user.b", "v", 1, 0));
}

static int do_get(const char *root)
{
	char value[8];

	return ERR(getxattr(at(root, "f"), "user.a", value, sizeof(value)));
}

static int do_list(const char *root)
{
	char list[64];

	return ERR(listxattr(at(root, "f"), list, sizeof(list)));
}

static int do_remove(const char *root)
{
	return ERR(removexattr(at(root, "f"), "user.a"));
}

static int do_opendir(const char *root)
{
	return opens(at(root, "d"), O_RDONLY | O_DIRECTORY);
}

static int do_readdir(const char *root)
{
	DIR *d = opendir(root);
	int err;

	if (!d)
		return errno;
	errno = 0;
	while (readdir(d))
		;
	err = errno;
	closedir(d);
	return err;
}

static int do_statfs(const char *root)
{
	struct statvfs st;

	return ERR(statvfs(at(root, "f"), &st));
}

static const struct step {
	const char *what;
	int opcode[3];
	int (*act)(const char *root);
} steps[] = {
	{ "lookup", { FUSE_LOOKUP }, do_stat },
	{ "getattr", { FUSE_GETATTR }, do_stat },
	{ "chmod", { FUSE_SETATTR }, do_chmod },
	{ "truncate", { FUSE_SETATTR }, do_truncate },
	{ "readlink", { FUSE_READLINK }, do_readlink },
	{ "link on the way", { FUSE_READLINK }, do_follow },
	{ "symlink", { FUSE_SYMLINK }, do_symlink },
	{ "mknod", { FUSE_MKNOD }, do_mknod },
	{ "create", { FUSE_CREATE, FUSE_MKNOD }, do_create },
	{ "mkdir", { FUSE_MKDIR }, do_mkdir },
	{ "unlink", { FUSE_UNLINK }, do_unlink },
	{ "rmdir", { FUSE_RMDIR }, do_rmdir },
	{ "rename", { FUSE_RENAME, FUSE_RENAME2 }, do_rename },
	{ "link", { FUSE_LINK }, do_link },
	{ "open", { FUSE_OPEN }, do_open },
	{ "read", { FUSE_READ }, do_read },
	{ "fault", { FUSE_READ }, do_map },
	{ "write", { FUSE_WRITE }, do_write },
	{ "fsync", { FUSE_FSYNC }, do_fsync },
	{ "close", { FUSE_FLUSH }, do_close },
	{ "release", { FUSE_RELEASE }, do_close },
	{ "fallocate", { FUSE_FALLOCATE }, do_allocate },
	{ "lseek", { FUSE_LSEEK }, do_seek },
	{ "copy", { FUSE_COPY_FILE_RANGE }, do_copy },
	{ "setxattr", { FUSE_SETXATTR }, do_set },
	{ "getxattr", { FUSE_GETXATTR }, do_get },
	{ "listxattr", { FUSE_LISTXATTR }, do_list },
	{ "removexattr", { FUSE_REMOVEXATTR }, do_remove },
	{ "opendir", { FUSE_OPENDIR }, do_opendir },
	{ "readdir", { FUSE_READDIR }, do_readdir },
	{ "statfs", { FUSE_STATFS }, do_statfs },
};

static void remake(void)
{
	rmdir("cold-source/new");
	unlink("cold-source/new");
	put("cold-source/f", "text");
	chmod("cold-source/f", 0644);
	setxattr("cold-source/f", "user.a", "v", 1, 0);
	removexattr("cold-source/f", "user.b");
	put("cold-source/g", "");
	symlink("f", "cold-source/s");
	mkdir("cold-source/d", 0755);
	/* A page that is cached is not read again. */
	put("/proc/sys/vm/drop_caches", "1");
}

static int result(const struct server *s, const struct step *step, int err, const char *root)
{
	int i, got;

	remake();
	for (i = 0; i < 3 && step->opcode[i]; i++)
		s->fail[step->opcode[i]] = err;
	got = step->act(root);
	memset(s->fail, 0, 256);
	return got;
}

TEST_F_TIMEOUT(site, errors_of_each_request_arrive_unchanged, 60)
{
	static const int errs[] = { EIO, ENOSPC, EDQUOT, EACCES, ENOMEM, ESTALE, EINTR, ENOSYS };
	struct server *s = &self->site.s;
	const char *listed;
	size_t i, k;
	int bare;

	DOES(server_start_failing(s, site_path(&self->site, "cold")));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/** -> cold"));
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		/* The kernel remembers ENOSYS for good, so it comes last. */
		for (k = 0; k < 7; k++) {
			bare = result(s, &steps[i], errs[k], "cold");
			EXPECT_EQ(bare, result(s, &steps[i], errs[k], "mnt"))
				TH_LOG("%s answered with %s", steps[i].what, strerror(errs[k]));
		}
		remake();
		listed = names_in("cold-source");
		EXPECT_STREQ(listed, names_in("mnt"));
		EXPECT_EQ(0, steps[i].act("mnt")) TH_LOG("%s afterwards", steps[i].what);
	}
	remake();
	/* Nothing that was refused is held. */
	EXPECT_OK(umount2("mnt", 0));
	EXPECT_OK(umount2("cold", 0));
}

TEST_F(site, what_the_server_does_not_know_is_not_needed)
{
	static const int optional[] = {
		FUSE_FLUSH, FUSE_FSYNC, FUSE_GETXATTR, FUSE_SETXATTR, FUSE_LISTXATTR,
		FUSE_REMOVEXATTR, FUSE_ACCESS, FUSE_FALLOCATE, FUSE_LSEEK,
		FUSE_COPY_FILE_RANGE, FUSE_STATFS,
	};
	struct server *s = &self->site.s;
	size_t i, k;

	DOES(server_start_failing(s, site_path(&self->site, "cold")));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/** -> cold"));
	remake();
	for (i = 0; i < sizeof(optional) / sizeof(*optional); i++)
		s->fail[optional[i]] = ENOSYS;
	for (k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
		int bare;

		remake();
		bare = steps[k].act("cold");
		remake();
		EXPECT_EQ(bare, steps[k].act("mnt")) TH_LOG("%s", steps[k].what);
	}
	EXPECT_OK(umount2("mnt", 0));
}

SWITCHFS_TEST_MAIN
