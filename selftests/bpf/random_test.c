// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that answers anything, under a storm: nothing breaks, and nothing
 * gets where it may not.
 */
#include "explain.h"
#include "load.h"
#include "site.h"

#include <dirent.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_RAM };

#define WORKERS 4

static struct chooser quick, sleeping;
static const char *trouble;

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

static const char *some_path(void)
{
	static const char *const dirs[] = { "", "d/", "d/e/", "dc/" };

	return fmt("mnt/%sn%u%s", dirs[roll(4)], roll(6), roll(2) ? "c" : "");
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
	lseek(fd, 0, SEEK_HOLE);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		munmap(map, 4096);
	fstat(fd, &(struct stat){});
	if (!roll(4))
		ftruncate(fd, roll(4096));
	close(fd);
}

static void one_step(void)
{
	const char *a = some_path(), *b = some_path();
	char room[256];

	switch (roll(14)) {
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
		readlink(a, room, sizeof(room));
		break;
	case 9:
		list(roll(2) ? "mnt/d" : "mnt/d/e");
		break;
	case 10:
		stat_of(a);
		chmod(a, 0600 + roll(64));
		break;
	case 11:
		syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
		break;
	case 12:
		setxattr(a, "user.random", "r", 1, 0);
		getxattr(a, "user.random", room, sizeof(room));
		listxattr(a, room, sizeof(room));
		break;
	case 13:
		route_of(a);
		statfs(a, &(struct statfs){});
		break;
	}
}

static pid_t worker(unsigned int seed, long until)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	state = seed;
	while (now() < until)
		one_step();
	_exit(0);
}

TEST_F_TIMEOUT(site, random_answers_break_nothing, 400)
{
	const char *scale = getenv("SWITCHFS_SCALE");
	int log = klog_open(), i, n, status;
	long until, nonsense, invalid = 0;
	pid_t pids[WORKERS];

	ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);
	until = now() + (scale && !strcmp(scale, "full") ? 300000 : 3000);
	DOES(chooser_register(&quick));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "branch", self->site.ram, "chooser", "bpf:random"))
		TH_LOG("%s", mount_log);
	for (i = 0; i < 2; i++) {
		const char *at = i ? "cold" : "hot";

		DOES(make_path(fmt("%s/d/e", at)));
		DOES(make_path(fmt("%s/dc", at)));
	}
	for (i = 0; i < WORKERS; i++)
		pids[i] = worker(i + 1, until);
	for (n = 0; now() < until; n++) {
		EXPECT_EQ(0, chooser_swap(&quick, n % 2 ? &quick : &sleeping));
		usleep(50000);
	}
	for (i = 0; i < WORKERS; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	/* Every word that was none was counted; others are homes that differ. */
	nonsense = *(__u64 *)chooser_memory(&quick, ".bss") +
		   *(__u64 *)chooser_memory(&sleeping, ".bss");
	EXPECT_LT(0, nonsense);
	/* It may refuse the stat that tells whose counters they are. */
	for (i = 0; i < 100 && invalid < nonsense; i++)
		invalid = counted("mnt", "bpf invalid");
	EXPECT_LE(nonsense, invalid);
	/* The third branch was never named. */
	EXPECT_STREQ("", names_in("ram"));
	EXPECT_LT(0, count_in("hot"));
	ASSERT_EQ(0, switchfs_remount("mnt", "chooser", "none", END));
	EXPECT_STREQ(names_in("hot"), names_in("mnt"));
	EXPECT_STREQ(names_in("hot/d/e"), names_in("mnt/d/e"));
	DOES(put("mnt/after", "after"));
	EXPECT_STREQ("after", get("hot/after"));
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_STREQ("", klog_complaints(log, false));
	close(log);
}

int main(int argc, char **argv)
{
	scale_time_limits();
	if (chooser_load(&quick, "random.bpf.o", "random_n", NULL))
		trouble = "random";
	else if (chooser_load(&sleeping, "random.bpf.o", "random_s", NULL))
		trouble = "sleeping";
	return test_harness_run(argc, argv);
}
