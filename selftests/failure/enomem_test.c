// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation of each operation fails once: the operation gives ENOMEM or
 * succeeds, leaves nothing half made, and works the next time. It needs a
 * kernel with fault injection.
 */
#include "site.h"

#include <dirent.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

#define FAULTS "/sys/kernel/debug"
#define MOST 400

static bool can_inject(void)
{
	static const char *const off[] = {
		"failslab/ignore-gfp-wait", "fail_page_alloc/ignore-gfp-wait",
	};
	static const char *const quiet[] = {
		"failslab/verbose", "fail_page_alloc/verbose",
	};
	size_t i;

	if (!present("/proc/self/fail-nth"))
		return false;
	mount("debugfs", FAULTS, "debugfs", 0, NULL);
	for (i = 0; i < 2; i++)
		if (put(fmt(FAULTS "/%s", off[i]), "N") ||
		    put(fmt(FAULTS "/%s", quiet[i]), "0"))
			return false;
	return !put(FAULTS "/fail_page_alloc/min-order", "0");
}

struct step {
	const char *what;
	int (*prepare)(void);
	int (*act)(void);	/* 0 or an errno */
	/* Whether the world is whole: done, or as before. */
	bool (*whole)(bool done);
};

static int nothing(void)
{
	return 0;
}

static bool fine(bool done)
{
	(void)done;
	return true;
}

static int remove_f(void)
{
	unlink("mnt/f");
	unlink("mnt/p/f.c");
	unlink("mnt/g");
	return 0;
}

static int make_f(void)
{
	remove_f();
	return put("mnt/f", "text");
}

/* Cached dentries and inodes of the mount need no allocation. */
static int make_f_uncached(void)
{
	int err = make_f();

	put("/proc/sys/vm/drop_caches", "2");
	return err;
}

static int do_create(void)
{
	return ERR(mknod("mnt/f", S_IFREG | 0644, 0));
}

static bool created(bool done)
{
	return present("mnt/f") == done && present("hot/f") == done &&
	       listed("mnt", "f", NULL, NULL) == done;
}

static int remove_mirror(void)
{
	remove_f();
	rmdir("cold/p");
	return 0;
}

static int do_mirror(void)
{
	return ERR(mknod("mnt/p/f.c", S_IFREG | 0644, 0));
}

static bool mirrored(bool done)
{
	return present("mnt/p/f.c") == done && present("cold/p/f.c") == done;
}

static int do_open(void)
{
	return opens("mnt/f", O_RDWR);
}

static int do_stat(void)
{
	struct stat st;

	return ERR(stat("mnt/f", &st));
}

static int do_read(void)
{
	int fd = open("mnt/f", O_RDWR), err;
	char buf[8];

	if (fd < 0)
		return errno;
	err = ERR(read(fd, buf, sizeof(buf))) ?: ERR(pwrite(fd, "TEXT", 4, 0));
	close(fd);
	return err;
}

static bool content(bool done)
{
	(void)done;
	return !strcasecmp(get("mnt/f"), "text");
}

static int do_rename(void)
{
	return ERR(rename("mnt/f", "mnt/g"));
}

static bool renamed(bool done)
{
	return present("mnt/g") == done && present("mnt/f") != done;
}

static int do_link(void)
{
	return ERR(link("mnt/f", "mnt/g"));
}

static bool linked(bool done)
{
	return present("mnt/g") == done && present("mnt/f");
}

static int do_unlink(void)
{
	return ERR(unlink("mnt/f"));
}

static bool unlinked(bool done)
{
	return present("mnt/f") != done && present("hot/f") != done;
}

static int do_list(void)
{
	DIR *d = opendir("mnt");
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

static int do_remount(void)
{
	return switchfs_remount("mnt", "norules", NULL, "rule", "name=*.c -> cold",
				"rule", "path=/x/** -> cold", END);
}

static bool routed(bool done)
{
	(void)done;
	return remove_mirror() == 0 && do_mirror() == 0 && mirrored(true);
}

static int do_chmod(void)
{
	return ERR(chmod("mnt/f", 0600));
}

static int make_two(void)
{
	return make_f() ?: put("mnt/g", "");
}

static int do_set_attribute(void)
{
	return ERR(setxattr("mnt/f", "user.a", "value", 5, 0));
}

static bool attribute_set(bool done)
{
	char value[8];

	return done == (getxattr("hot/f", "user.a", value, sizeof(value)) == 5);
}

static int make_attribute(void)
{
	return make_f_uncached() ?: ERR(setxattr("hot/f", "user.a", "value", 5, 0));
}

static int do_get_attributes(void)
{
	char value[64];

	return ERR(getxattr("mnt/f", "user.a", value, sizeof(value))) ?:
		ERR(listxattr("mnt/f", value, sizeof(value)));
}

static int do_remove_attribute(void)
{
	return ERR(removexattr("mnt/f", "user.a"));
}

static bool attribute_removed(bool done)
{
	return done == (getxattr("hot/f", "user.a", NULL, 0) < 0);
}

static int do_set_list(void)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entry[5];
	} list = {
		.header.a_version = POSIX_ACL_XATTR_VERSION,
		.entry = {
			{ ACL_USER_OBJ, 6, ACL_UNDEFINED_ID }, { ACL_USER, 4, SOMEONE },
			{ ACL_GROUP_OBJ, 0, ACL_UNDEFINED_ID }, { ACL_MASK, 4, ACL_UNDEFINED_ID },
			{ ACL_OTHER, 0, ACL_UNDEFINED_ID },
		},
	};

	return ERR(setxattr("mnt/f", "system.posix_acl_access", &list, sizeof(list), 0));
}

static bool list_set(bool done)
{
	return done == (getxattr("hot/f", "system.posix_acl_access", NULL, 0) > 0);
}

/* Becoming somebody allocates, too: not while allocations fail. */
static int make_list(void)
{
	int err = make_f_uncached() ?: do_set_list();

	user_become(SOMEONE);
	return err;
}

static int do_check_list(void)
{
	return opens("mnt/f", O_RDONLY);
}

static bool list_checked(bool done)
{
	(void)done;
	user_return();
	return true;
}

static int do_get_list(void)
{
	char value[64];

	return ERR(getxattr("mnt/f", "system.posix_acl_access", value, sizeof(value)));
}

static int make_list_only(void)
{
	return make_f_uncached() ?: do_set_list();
}

static int do_copy(void)
{
	int from = open("mnt/f", O_RDONLY), to = open("mnt/g", O_WRONLY);
	int err = from < 0 || to < 0 ? ENOMEM :
		ERR(copy_file_range(from, NULL, to, NULL, 4, 0)) ?:
		ERR(sendfile(to, from, NULL, 4));

	close(from);
	close(to);
	return err;
}

static int do_map(void)
{
	int fd = open("mnt/f", O_RDWR), err;
	char *at;

	if (fd < 0)
		return errno;
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	err = at == MAP_FAILED ? errno : 0;
	if (!err)
		err = ERR(madvise(at, 4096, MADV_POPULATE_WRITE));
	if (at != MAP_FAILED)
		munmap(at, 4096);
	close(fd);
	/* What the fault of a page gives for want of memory. */
	return err == EFAULT || err == EAGAIN ? ENOMEM : err;
}

static int do_truncate(void)
{
	return ERR(truncate("mnt/f", 2)) ?: ERR(truncate("mnt/f", 4));
}

static int do_tmpfile(void)
{
	int fd = open("mnt", O_TMPFILE | O_RDWR, 0600), err;

	if (fd < 0)
		return errno;
	err = ERR(linkat(AT_FDCWD, fmt("/proc/self/fd/%d", fd), AT_FDCWD, "mnt/f",
			 AT_SYMLINK_FOLLOW));
	close(fd);
	return err;
}

static int do_symlink(void)
{
	char target[8];

	return ERR(symlink("target", "mnt/f")) ?: ERR(readlink("mnt/f", target, 8));
}

static int do_statfs(void)
{
	struct statfs st;

	return ERR(statfs("mnt/f", &st));
}

static const struct step steps[] = {
	{ "create", remove_f, do_create, created },
	{ "create with a mirror", remove_mirror, do_mirror, mirrored },
	{ "stat", make_f_uncached, do_stat, fine },
	{ "open", make_f_uncached, do_open, fine },
	{ "read and write", make_f, do_read, content },
	{ "chmod", make_f, do_chmod, content },
	{ "rename", make_f, do_rename, renamed },
	{ "link", make_f, do_link, linked },
	{ "unlink", make_f, do_unlink, unlinked },
	{ "readdir", make_f, do_list, fine },
	{ "setxattr", make_f_uncached, do_set_attribute, attribute_set },
	{ "getxattr", make_attribute, do_get_attributes, fine },
	{ "removexattr", make_attribute, do_remove_attribute, attribute_removed },
	{ "setting a list", make_f_uncached, do_set_list, list_set },
	{ "checking a list", make_list, do_check_list, list_checked },
	{ "getting a list", make_list_only, do_get_list, fine },
	{ "copy", make_two, do_copy, content },
	{ "mmap", make_f, do_map, content },
	{ "truncate", make_f, do_truncate, fine },
	{ "tmpfile", remove_f, do_tmpfile, fine },
	{ "symlink", remove_f, do_symlink, fine },
	{ "statfs", make_f_uncached, do_statfs, fine },
	{ "remount", nothing, do_remount, routed },
};

/* Lets the NTH allocation of the action fail; whether there were so many. */
static bool fails_once(int fail, int nth, int (*act)(void), int *err)
{
	char left[16] = "";
	const char *text = fmt("%d", nth);

	if (pwrite(fail, text, strlen(text), 0) < 0)
		return false;
	*err = act();
	pread(fail, left, sizeof(left) - 1, 0);
	pwrite(fail, "0", 1, 0);
	return atoi(left) == 0;
}

TEST_F_TIMEOUT(site, every_allocation_of_every_operation_may_fail, 120)
{
	int fail, nth, err = 0;
	size_t i;

	if (!can_inject())
		SKIP(return, "no fault injection in this kernel");
	fail = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fail);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(make_path("mnt/p"));
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const struct step *s = &steps[i];

		for (nth = 1; nth < MOST; nth++) {
			bool injected;

			ASSERT_EQ(0, s->prepare()) TH_LOG("%s", s->what);
			injected = fails_once(fail, nth, s->act, &err);
			/* tmpfs says ENOSPC when it gets no inode. */
			EXPECT_TRUE(!err || err == ENOMEM || err == ENOSPC)
				TH_LOG("%s, allocation %d: %s", s->what, nth,
				       strerror(err));
			EXPECT_TRUE(s->whole(!err))
				TH_LOG("%s, allocation %d, half (%s): mount %s, hot %s, cold %s",
				       s->what, nth, strerror(err),
				       names_in("mnt"), names_in("hot"),
				       names_in("cold"));
			if (!injected)
				break;
		}
		EXPECT_GT(MOST, nth) TH_LOG("%s never came through", s->what);
		EXPECT_EQ(0, err) TH_LOG("%s", s->what);
	}
	EXPECT_OK(umount2("mnt", 0));
}

TEST_F_TIMEOUT(site, every_allocation_of_mounting_may_fail, 120)
{
	int fail, nth, err = 0;
	const char *pairs[] = {
		"branch", self->site.hot, "branch", self->site.cold,
		"rule", "name=*.c -> cold", "rule", "path=/x/[a-z]/** -> cold", END,
	};

	if (!can_inject())
		SKIP(return, "no fault injection in this kernel");
	fail = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fail);
	for (nth = 1; nth < 4 * MOST; nth++) {
		char left[16] = "";
		const char *text = fmt("%d", nth);

		pwrite(fail, text, strlen(text), 0);
		err = switchfs_mount_array("mnt", pairs);
		pread(fail, left, sizeof(left) - 1, 0);
		pwrite(fail, "0", 1, 0);
		/* The kernel's clone_private_mount() makes it EINVAL. */
		EXPECT_TRUE(!err || err == ENOMEM || err == EINVAL)
			TH_LOG("allocation %d: %s", nth, strerror(err));
		if (!err) {
			EXPECT_OK(umount2("mnt", 0));
		}
		if (atoi(left))
			break;
	}
	EXPECT_EQ(0, err);
	EXPECT_GT(4 * MOST, nth);
}

SWITCHFS_TEST_MAIN
