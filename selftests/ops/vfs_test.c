// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel around the filesystem does with it. */
#include "tree.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

/* The events that came, as text "create:f.c close_write:f.c". */
static const char *events(int fd)
{
	static char text[2048];
	char buf[4096] __attribute__((aligned(8)));
	size_t len = 0;
	ssize_t n;
	char *p;

	text[0] = '\0';
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (p = buf; p < buf + n;) {
			struct inotify_event *e = (struct inotify_event *)p;
			const char *what = e->mask & IN_CREATE ? "create" :
				e->mask & IN_MODIFY ? "modify" :
				e->mask & IN_CLOSE_WRITE ? "close_write" :
				e->mask & IN_DELETE ? "delete" :
				e->mask & IN_MOVED_FROM ? "from" :
				e->mask & IN_MOVED_TO ? "to" :
				e->mask & IN_ATTRIB ? "attrib" : "other";

			len += snprintf(text + len, sizeof(text) - len, "%s%s:%s",
					len ? " " : "", what,
					e->len ? e->name : "");
			p += sizeof(*e) + e->len;
		}
	}
	return text;
}

TEST_F(tree, each_change_is_notified_once)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	ASSERT_LE(0, inotify_add_watch(fd, ".", IN_CREATE | IN_MODIFY |
				       IN_CLOSE_WRITE | IN_DELETE | IN_MOVE |
				       IN_ATTRIB));
	DOES(put("f.c", "x"));
	EXPECT_STREQ("create:f.c modify:f.c close_write:f.c", events(fd));
	ASSERT_OK(rename("f.c", "g.c"));
	EXPECT_STREQ("from:f.c to:g.c", events(fd));
	ASSERT_OK(mkdir("d", 0755));
	EXPECT_STREQ("create:d", events(fd));
	ASSERT_OK(chmod("g.c", 0600));
	EXPECT_STREQ("attrib:g.c", events(fd));
	ASSERT_OK(unlink("g.c"));
	EXPECT_HAS(events(fd), "delete:g.c");
	ASSERT_OK(rmdir("d"));
	EXPECT_STREQ("delete:d", events(fd));
}

TEST_F(tree, paths_of_descriptors_are_those_of_the_mount)
{
	char path[PATH_SIZE] = "";
	int fd;

	ASSERT_OK(mkdir("d", 0755));
	DOES(put("d/f", ""));
	fd = open("d/f", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, readlink(fmt("/proc/self/fd/%d", fd), path, sizeof(path)));
	EXPECT_STREQ(fmt("%s/d/f", self->dir), path);
	ASSERT_OK(rename("d", "e"));
	memset(path, 0, sizeof(path));
	ASSERT_LT(0, readlink(fmt("/proc/self/fd/%d", fd), path, sizeof(path)));
	EXPECT_STREQ(fmt("%s/e/f", self->dir), path);
}

TEST_F(tree, getcwd_follows_a_rename)
{
	char path[PATH_SIZE];

	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(chdir("d"));
	ASSERT_OK(rename("../d", "../e"));
	ASSERT_NE(NULL, getcwd(path, sizeof(path)));
	EXPECT_STREQ(fmt("%s/e", self->dir), path);
	DOES(put("f", ""));
	EXPECT_TRUE(present("../e/f"));
}

TEST_F(tree, filesystem_can_be_mounted_on_a_directory)
{
	ASSERT_OK(mkdir("m", 0755));
	DOES(put("m/under", ""));
	ASSERT_OK(mount("t", "m", "tmpfs", 0, NULL));
	DOES(put("m/over", ""));
	EXPECT_STREQ("over", names_in("m"));
	EXPECT_ERR(EBUSY, rmdir("m"));
	EXPECT_ERR(EBUSY, rename("m", "n"));
	EXPECT_ERR(EXDEV, link("m/over", "l"));
	ASSERT_OK(umount2("m", 0));
	EXPECT_STREQ("under", names_in("m"));
}

TEST_F(tree, exchange_and_links_by_descriptor_directories)
{
	int d, e;

	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(mkdir("e", 0755));
	d = open("d", O_PATH);
	e = open("e", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, d);
	ASSERT_LE(0, openat(d, "f", O_CREAT | O_RDWR, 0600));
	ASSERT_OK(linkat(d, "f", e, "g", 0));
	ASSERT_OK(renameat(d, "f", e, "h"));
	EXPECT_STREQ("g h", names_in("e"));
	ASSERT_OK(fchmodat(e, "g", 0640, 0));
	ASSERT_OK(unlinkat(e, "g", 0));
	EXPECT_EQ(S_IFREG | 0640, stat_of("e/h").st_mode);
	ASSERT_OK(fchdir(d));
	EXPECT_STREQ("", names_in("."));
}

TEST_F(tree, what_is_not_supported_fails_cleanly)
{
	union {
		struct file_handle handle;
		char room[256];
	} h = { .handle.handle_bytes = 128 };
	struct fiemap map = { .fm_length = 4096 };
	char value[16];
	int fd, id;

	DOES(put("f.c", "0123456789"));
	fd = open("f.c", O_RDWR);
	ASSERT_LE(0, fd);
	/* Any answer will do as long as nothing is damaged. */
	setxattr("f.c", "user.x", "v", 1, 0);
	getxattr("f.c", "user.x", value, sizeof(value));
	listxattr("f.c", value, 0);
	fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 65536);
	ioctl(fd, FICLONE, fd);
	ioctl(fd, FS_IOC_GETFLAGS, value);
	ioctl(fd, FS_IOC_FIEMAP, &map);
	ioctl(fd, FIGETBSZ, value);
	name_to_handle_at(AT_FDCWD, "f.c", &h.handle, &id, 0);
	close(open(".", O_TMPFILE | O_RDWR, 0600));
	EXPECT_ERR(EINVAL, swapon(fmt("%s/f.c", self->dir), 0) ? -1 : 0);
	readahead(fd, 0, 4096);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	fcntl(fd, F_SETLEASE, F_WRLCK);
	fcntl(fd, F_SETLEASE, F_UNLCK);
	EXPECT_STREQ("0123456789", get("f.c"));
}

TREE_TEST_MAIN
