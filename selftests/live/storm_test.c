// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eight processes work while the mount changes between two configurations that
 * have no place for a file in common. What is in a place that neither would
 * choose was made by a mixture of both.
 */
#include "site.h"

#include <dirent.h>
#include <stdlib.h>
#include <time.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_EXT4 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

#define WORKERS 8
#define REMOUNTS 200
/* Fewer, but not less than this, when that takes too long; SWITCHFS_SCALE=full has time. */
#define LEAST 20
#define SECONDS 3
#define SECONDS_FULL 120

static const char *const dirs[] = { "", "d/", "d/e/" };

/* One of a few names, half of them .c; what it holds is its stem. */
static const char *name_of(unsigned int *seed, unsigned int worker)
{
	unsigned int dir = rand_r(seed) % 3, number = rand_r(seed) % 6;

	return fmt("mnt/%sw%u-%u%s", dirs[dir], worker, number,
		   rand_r(seed) % 2 ? ".c" : "");
}

/* Errors that a name may give which another policy takes away in the middle. */
static bool expected(int err)
{
	return err == 0 || err == ENOENT || err == EEXIST || err == ESTALE ||
	       err == EXDEV;
}

static int make(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err = errno ?: EIO;
	close(fd);
	return err;
}

static int check(const char *path, const char *text)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY), err = 0;

	if (fd < 0)
		return errno;
	if (read(fd, buf, sizeof(buf) - 1) < 0)
		err = errno;
	else if (strcmp(buf, "") && strcmp(buf, text))
		err = EBADMSG;
	close(fd);
	return err;
}

/* Works until *STOP; 0, or the errno that was none of the expected. */
static int work(unsigned int worker, const volatile int *stop)
{
	unsigned int seed = worker + 1;
	struct stat st;

	while (!*stop) {
		const char *path = name_of(&seed, worker);
		const char *text = fmt("worker %u", worker);
		unsigned int what = rand_r(&seed) % 6;
		int err = 0;

		if (what < 2) {
			err = make(path, text);
		} else if (what == 2) {
			err = ERR(stat(path, &st));
		} else if (what == 3) {
			err = check(path, text);
		} else if (what == 4) {
			err = ERR(rename(path, name_of(&seed, worker)));
		} else {
			err = ERR(unlink(path));
		}
		if (!expected(err)) {
			fprintf(stderr, "# %s: %u: %s\n", path, what, strerror(err));
			return err;
		}
	}
	return 0;
}

static bool is_c(const char *name)
{
	size_t len = strlen(name);

	return len > 2 && !strcmp(name + len - 2, ".c");
}

/* How many files of TOP, or of what is below, are .c as wanted, or are not. */
static void count(const char *top, bool c, int *right, int *wrong)
{
	size_t i;

	for (i = 0; i < 3; i++) {
		DIR *d = opendir(fmt("%s/%s", top, dirs[i]));
		struct dirent *e;

		while (d && (e = readdir(d))) {
			if (e->d_name[0] != 'w')
				continue;
			if (is_c(e->d_name) == c)
				++*right;
			else
				++*wrong;
		}
		if (d)
			closedir(d);
	}
}

TEST_F_TIMEOUT(site, each_file_is_where_one_whole_policy_puts_it, 200)
{
	static const struct { const char *top; bool c; } places[] = {
		{ "hot", false }, { "cold", true },	/* the first */
		{ "h2", true }, { "c2", false },	/* the second */
	};
	const char *h2 = fmt("hot=%s", site_path(&self->site, "h2"));
	const char *c2 = fmt("cold=%s", site_path(&self->site, "c2"));
	char first[PATH_SIZE], second[PATH_SIZE];
	volatile int *stop;
	int status, right, wrong, log = klog_open();
	const char *scale = getenv("SWITCHFS_SCALE");
	bool full = scale && !strcmp(scale, "full");
	time_t end = time(NULL) + (full ? SECONDS_FULL : SECONDS) * time_factor();
	pid_t pids[WORKERS];
	unsigned int i;

	snprintf(first, sizeof(first), "%s", h2);
	snprintf(second, sizeof(second), "%s", c2);
	for (i = 0; i < 4; i++)
		DOES(make_path(fmt("%s/d/e", places[i].top)));
	stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, stop);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	for (i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(work(i, stop));
	}
	/* An even number of them: the first configuration comes last. */
	for (i = 0; i < REMOUNTS; i++) {
		int err;

		if (i >= LEAST && i % 2 == 0 && time(NULL) > end)
			break;
		usleep(10000);
		err = i % 2 ? switchfs_remount("mnt", "branch", self->site.hot,
				"branch", self->site.cold, "default", "hot",
				"rule", "name=*.c -> cold", END) :
			      switchfs_remount("mnt", "branch", first, "branch",
				second, "default", "cold", "rule",
				"name=*.c -> hot", END);
		EXPECT_EQ(0, err) TH_LOG("%u: %s", i, mount_log);
	}
	*stop = 1;
	for (i = 0; i < WORKERS; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status) TH_LOG("%s", strerror(WEXITSTATUS(status)));
	}
	for (i = 0; i < 4; i++) {
		right = 0;
		wrong = 0;
		count(places[i].top, places[i].c, &right, &wrong);
		/* Both configurations were at work. */
		EXPECT_LT(0, right) TH_LOG("%s", places[i].top);
		EXPECT_EQ(0, wrong) TH_LOG("%s", places[i].top);
	}
	/* The first is in force: each of its files is found, and no other. */
	right = 0;
	wrong = 0;
	count("hot", false, &right, &wrong);
	count("cold", true, &right, &wrong);
	i = right;
	right = 0;
	wrong = 0;
	count("mnt", true, &right, &wrong);
	EXPECT_EQ(i, right + wrong);
	EXPECT_STREQ("", klog_complaints(log, false));
	EXPECT_OK(umount2("mnt", 0));
}

SWITCHFS_TEST_MAIN
