// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation of each operation fails once: the operation gives ENOMEM or
 * succeeds, leaves nothing half made, and works the next time. It needs a
 * kernel with fault injection.
 */
#include "site.h"

#include <dirent.h>

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
