// SPDX-License-Identifier: GPL-2.0-only
/*
 * What open and cached files cost in memory, beside overlayfs, and that it is
 * given back. SWITCHFS_SCALE=full takes 50,000 open files and a tree of
 * 1,000,000; SWITCHFS_SCALE_OPEN and SWITCHFS_SCALE_FILES set the numbers.
 */
#include "switchfs_test.h"

#include <ftw.h>
#include <sys/resource.h>
#include <time.h>

FIXTURE(scale) {
	struct world w;
};

FIXTURE_SETUP(scale)
{
	NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(make_path("over"));
	DOES(make_path("lower"));
	DOES(make_path("scratch"));
	DOES(make_path("hot"));
	ASSERT_OK(mount("hot", "hot", "tmpfs", 0, "mode=755,size=90%,nr_inodes=0"));
	DOES(make_path("hot/files"));
	DOES(make_path("hot/work"));
}

FIXTURE_TEARDOWN(scale)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		umount2("over", MNT_DETACH);
		umount2("hot", MNT_DETACH);
	}
	world_leave(&self->w);
}

static long number(const char *name, long few, long full)
{
	const char *text = getenv(name), *scale = getenv("SWITCHFS_SCALE");

	if (text)
		return atol(text);
	return scale && !strcmp(scale, "full") ? full : few;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int mount_over(const char *what, const struct world *w)
{
	if (!strcmp(what, "mnt"))
		return switchfs_mount("mnt", "branch", fmt("a=%s/hot/files", w->work), END);
	return ERR(mount("overlay", "over", "overlay", 0,
			 "lowerdir=lower,upperdir=hot/files,workdir=hot/work"));
}

/* Objects in use and the size of one, by name; NULL: bytes of all caches. */
static long slab(const char *name, long *size)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	char line[512], found[64];
	long active, total, each, sum = -1;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %ld %ld %ld", found, &active, &total, &each) != 4)
			continue;
		if (!name) {
			sum += active * each;
		} else if (!strcmp(found, name)) {
			sum = active;
			if (size)
				*size = each;
		}
	}
	if (f)
		fclose(f);
	return sum;
}

/* Lets go of what is cached, and waits for RCU. */
static void drop(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		put("/proc/sys/vm/drop_caches", "2");
		usleep(50000 * time_factor());
	}
	put("/sys/kernel/slab/switchfs_inode/shrink", "1");
	put("/sys/kernel/slab/ovl_inode/shrink", "1");
	put("/sys/kernel/slab/dentry/shrink", "1");
}

static int make_files(long count)
{
	int err = 0;
	long i;

	for (i = 0; i < count && !err; i++) {
		if (i % 1000 == 0)
			err = ERR(mkdir(fmt("hot/files/d%ld", i / 1000), 0755));
		err = err ?: ERR(mknod(fmt("hot/files/d%ld/f%ld", i / 1000, i % 1000),
				       S_IFREG | 0644, 0));
	}
	return err;
}

/* Bytes that each of COUNT open files costs there, or minus an errno. */
static long cost_of_open_files(const char *at, long count)
{
	int *fds = calloc(count, sizeof(*fds));
	long i, before = 0, after, err = 0;

	for (i = 0; i < count; i++) {
		struct stat st;

		if (stat(fmt("%s/d%ld/f%ld", at, i / 1000, i % 1000), &st))
			return -errno;
	}
	before = slab(NULL, NULL);
	for (i = 0; i < count && !err; i++) {
		fds[i] = open(fmt("%s/d%ld/f%ld", at, i / 1000, i % 1000), O_RDWR | O_CLOEXEC);
		if (fds[i] < 0)
			err = -errno;
	}
	after = slab(NULL, NULL);
	while (i-- > 0)
		close(fds[i]);
	free(fds);
	return err ?: (after - before) / count;
}

TEST_F_TIMEOUT(scale, open_files_cost_no_more_than_overlayfs, 900)
{
	const long count = number("SWITCHFS_SCALE_OPEN", 2000, 50000);
	struct rlimit limit = { 4 * count + 100, 4 * count + 100 };
	long ours, theirs;
	double began;

	put("/proc/sys/fs/nr_open", "1048576");
	put("/proc/sys/fs/file-max", "4000000");
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
	DOES(make_files(count));
	DOES(mount_over("over", &self->w));
	theirs = cost_of_open_files("over", count);
	ASSERT_LT(0, theirs);
	ASSERT_OK(umount2("over", 0));
	DOES(mount_over("mnt", &self->w));
	began = now();
	ours = cost_of_open_files("mnt", count);
	ASSERT_LT(0, ours);
	TH_LOG("%ld files open at once: %ld bytes each, overlayfs %ld (%.1f s)", count,
	       ours, theirs, now() - began);
	/* What other programs allocate meanwhile is in it. */
	EXPECT_GE(theirs + theirs / 20, ours);
	EXPECT_OK(umount2("mnt", 0));
}

static long walked;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	walked++;
	return 0;
}

static long walk(const char *at)
{
	walked = 0;
	return nftw(at, visit, 20, FTW_PHYS) ? -1 : walked;
}

TEST_F_TIMEOUT(scale, cached_files_cost_no_more_than_overlayfs, 3000)
{
	const long count = number("SWITCHFS_SCALE_FILES", 5000, 1000000);
	const long expected = count + (count + 999) / 1000 + 1;
	long size = 0, ovl_size = 0, before, ours, theirs, objects, names;
	double began;

	DOES(make_files(count));
	DOES(mount_over("over", &self->w));
	drop();
	before = slab(NULL, NULL);
	began = now();
	ASSERT_EQ(expected, walk("over"));
	theirs = (slab(NULL, NULL) - before) / count;
	TH_LOG("overlayfs: walked in %.1f s", now() - began);
	EXPECT_LT(count, slab("ovl_inode", &ovl_size));
	ASSERT_OK(umount2("over", 0));

	DOES(mount_over("mnt", &self->w));
	drop();
	names = slab("dentry", NULL);
	before = slab(NULL, NULL);
	began = now();
	ASSERT_EQ(expected, walk("mnt"));
	ours = (slab(NULL, NULL) - before) / count;
	TH_LOG("switchfs: walked in %.1f s", now() - began);
	began = now();
	ASSERT_EQ(expected, walk("mnt"));
	TH_LOG("again in %.1f s", now() - began);
	EXPECT_LT(count, slab("switchfs_inode", &size));
	TH_LOG("%ld files: %ld bytes each, overlayfs %ld; an inode %ld, overlayfs %ld", count,
	       ours, theirs, size, ovl_size);
	EXPECT_GE(ovl_size, size);
	EXPECT_GE(theirs + theirs / 20, ours);

	drop();
	objects = slab("switchfs_inode", NULL);
	names = slab("dentry", NULL) - names;
	TH_LOG("%ld inodes and %ld names are left under pressure", objects, names);
	EXPECT_GE(100, objects);
	EXPECT_GE(count / 20, names);
	ASSERT_EQ(expected, walk("mnt"));
	EXPECT_OK(umount2("mnt", 0));
	drop();
	EXPECT_GE(100, slab("switchfs_inode", NULL));
}

SWITCHFS_TEST_MAIN
