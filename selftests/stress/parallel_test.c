// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many processes at once on few names, while the branches change underneath
 * and rules are replaced. Nothing may hang, crash or stay behind.
 */
#include "site.h"

#include <dirent.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <time.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_EXT4 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };
FIXTURE_VARIANT_ADD(site, cached) { .parts = SITE_EXT4 | SITE_FUSE | SITE_CACHED };

#define WORKERS 4
#define MILLISECONDS 1000

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned int state;

static unsigned int roll(unsigned int sides)
{
	state = state * 1103515245 + 12345;
	return (state >> 16) % sides;
}

/* One of twelve names in one of three directories, half of them on cold. */
static const char *some_path(const char *root)
{
	static const char *const dirs[] = { "", "d/", "d/e/" };

	return fmt("%s/%sn%u%s", root, dirs[roll(3)], roll(6), roll(2) ? ".c" : "");
}

static void list(const char *dir)
{
	DIR *d = opendir(dir);

	while (d && readdir(d))
		;
	if (d)
		closedir(d);
}

static void use_file(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR, 0644);
	char buf[64], *map;

	if (fd < 0)
		return;
	if (pwrite(fd, path, strlen(path), roll(4096)) > 0)
		pread(fd, buf, sizeof(buf), roll(4096));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		munmap(map, 4096);
	if (!roll(4))
		ftruncate(fd, roll(4096));
	close(fd);
}

static void one_step(const char *root)
{
	const char *a = some_path(root), *b = some_path(root);
	struct stat st;

	switch (roll(13)) {
	case 0:
	case 1:
	case 2:
		use_file(a);
		break;
	case 3:
		unlink(a);
		break;
	case 4:
		rename(a, b);
		break;
	case 5:
		link(a, b);
		break;
	case 6:
		mkdir(a, 0755);
		break;
	case 7:
		rmdir(a);
		break;
	case 8:
		symlink("n1", a);
		break;
	case 9:
		list(fmt("%s/%s", root, roll(2) ? "d" : "d/e"));
		break;
	case 10:
		lstat(a, &st);
		chmod(a, 0600 + roll(64));
		break;
	case 11:
		syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
		break;
	case 12:
		if (!roll(8))
			rename(fmt("%s/d", root), fmt("%s/d2", root));
		rename(fmt("%s/d2", root), fmt("%s/d", root));
		break;
	}
}

static pid_t worker(unsigned int seed, const char *root, long until)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	state = seed;
	while (now() < until)
		one_step(root);
	_exit(0);
}

static pid_t remounter(long until)
{
	static const char *const rules[] = {
		"name=*.c -> cold", "path=/d/** -> cold", "name=n1 -> deny",
		"op=data name=*.c -> hot",
	};
	pid_t pid = fork();
	int i;

	if (pid)
		return pid;
	for (i = 0; now() < until; i++)
		if (switchfs_remount("mnt", "norules", NULL, "rule",
				     rules[i % 4], END))
			_exit(1);
	_exit(0);
}

static void finish(struct __test_metadata *_metadata, const pid_t *pids, int n)
{
	int i, status;

	for (i = 0; i < n; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status) TH_LOG("process %d of %d", i, n);
	}
}

/* After all of it: what is listed can be looked up, and the other way. */
static void check_agreement(struct __test_metadata *_metadata)
{
	static const char *const dirs[] = { "mnt", "mnt/d", "mnt/d/e" };
	size_t i;
	int n;

	for (i = 0; i < 3; i++) {
		struct dirent *e;
		DIR *d = opendir(dirs[i]);

		while (d && (e = readdir(d))) {
			if (e->d_name[0] == '.')
				continue;
			EXPECT_EQ(e->d_ino, stat_of(fmt("%s/%s", dirs[i],
							e->d_name)).st_ino)
				TH_LOG("%s/%s", dirs[i], e->d_name);
		}
		if (d)
			closedir(d);
		for (n = 0; d && n < 12; n++) {
			const char *name = fmt("n%d%s", n / 2, n % 2 ? ".c" : "");

			EXPECT_EQ(present(fmt("%s/%s", dirs[i], name)),
				  listed(dirs[i], name, NULL, NULL))
				TH_LOG("%s/%s", dirs[i], name);
		}
	}
}

TEST_F_TIMEOUT(site, many_processes_in_one_tree, 60)
{
	long until = now() + MILLISECONDS * time_factor();
	pid_t pids[WORKERS];
	int i;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(make_path("mnt/d/e"));
	for (i = 0; i < WORKERS; i++)
		pids[i] = worker(i + 1, "mnt", until);
	finish(_metadata, pids, WORKERS);
	check_agreement(_metadata);
	EXPECT_OK(umount2("mnt", 0));
}

TEST_F_TIMEOUT(site, branches_change_underneath, 60)
{
	long until = now() + MILLISECONDS * time_factor();
	pid_t pids[4];

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(make_path("mnt/d/e"));
	pids[0] = worker(11, "mnt", until);
	pids[1] = worker(12, "mnt", until);
	pids[2] = worker(13, "hot", until);
	pids[3] = worker(14, variant->parts & SITE_CACHED ? "cold" :
			 behind(&self->site, ""), until);
	finish(_metadata, pids, 4);
	check_agreement(_metadata);
	EXPECT_OK(umount2("mnt", 0));
}

TEST_F_TIMEOUT(site, rules_are_replaced_meanwhile, 60)
{
	long until = now() + MILLISECONDS * time_factor();
	pid_t pids[3];

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(make_path("mnt/d/e"));
	pids[0] = worker(21, "mnt", until);
	pids[1] = worker(22, "mnt", until);
	pids[2] = remounter(until);
	finish(_metadata, pids, 3);
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, END));
	check_agreement(_metadata);
	EXPECT_OK(umount2("mnt", 0));
}

SWITCHFS_TEST_MAIN
