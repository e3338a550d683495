// SPDX-License-Identifier: GPL-2.0-only
/* Handles while names are moved and caches are dropped. */
#include "handles.h"
#include "site.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_EXT4 };

#define FILES 8
#define MILLISECONDS 700

static struct handle handles[FILES], dirs[2];

/* Moves files between two directories, and one of these, here and in the branch. */
static void move(void)
{
	unsigned int seed = 1, i;

	for (;;) {
		const char *in = rand_r(&seed) % 4 ? "mnt" : "hot";

		i = rand_r(&seed) % FILES;
		rename(fmt("%s/a/%u", in, i), fmt("%s/b/%u", in, i));
		i = rand_r(&seed) % FILES;
		rename(fmt("%s/b/%u", in, i), fmt("%s/a/%u", in, i));
		if (!(rand_r(&seed) % 4)) {
			rename(fmt("%s/b", in), fmt("%s/a/b", in));
			rename(fmt("%s/a/b", in), fmt("%s/b", in));
		}
		/* Numbers are used again. */
		i = rand_r(&seed) % FILES;
		put(fmt("%s/a/new%u", in, i), "new");
		unlink(fmt("%s/a/new%u", in, rand_r(&seed) % FILES));
	}
}

static void drop(void)
{
	for (;;) {
		drop_caches();
		usleep(5000);
	}
}

static pid_t start(void (*work)(void))
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid;
	/* A test that failed leaves nobody behind who drops caches. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		work();
	_exit(0);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Opens them all the time: what opens is what the handle was made of. */
static void follow(struct __test_metadata *_metadata, const ino_t *ino, unsigned int *found)
{
	long until = now() + MILLISECONDS;
	int at = open("mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned int i;

	while (now() < until) {
		char text[8] = "";
		struct stat st;
		int fd;

		for (i = 0; i < FILES; i++) {
			fd = open_by_handle_at(at, &handles[i].fh, O_RDONLY);
			if (fd < 0) {
				ASSERT_EQ(ESTALE, errno);
				continue;
			}
			ASSERT_LT(0, read(fd, text, sizeof(text) - 1));
			ASSERT_STREQ(fmt("%u", i), text);
			close(fd);
			++*found;
		}
		for (i = 0; i < 2; i++) {
			fd = open_by_handle_at(at, &dirs[i].fh, O_RDONLY | O_DIRECTORY);
			if (fd < 0) {
				ASSERT_EQ(ESTALE, errno);
				continue;
			}
			ASSERT_OK(fstat(fd, &st));
			ASSERT_EQ(ino[i], st.st_ino);
			close(fd);
			++*found;
		}
	}
	close(at);
}

static void race(struct __test_metadata *_metadata)
{
	unsigned int i, found = 0;
	int log = klog_open();
	pid_t movers[2], dropper;
	ino_t ino[2];

	ASSERT_OK(mkdir("mnt/a", 0755));
	ASSERT_OK(mkdir("mnt/b", 0755));
	/* Before they begin to move. */
	ino[0] = stat_of("hot/a").st_ino;
	ino[1] = stat_of("hot/b").st_ino;
	DOES(handle_of("mnt/a", &dirs[0]));
	DOES(handle_of("mnt/b", &dirs[1]));
	for (i = 0; i < FILES; i++) {
		DOES(put(fmt("mnt/a/%u", i), fmt("%u", i)));
		DOES(handle_of(fmt("mnt/a/%u", i), &handles[i]));
	}
	movers[0] = start(move);
	movers[1] = start(move);
	dropper = start(drop);
	follow(_metadata, ino, &found);
	end(movers[0]);
	end(movers[1]);
	end(dropper);
	EXPECT_LT(0, found);
	/* None is lost when it is quiet again. */
	if (found)
		EXPECT_EQ(0, handle_opens("mnt", &dirs[0], O_RDONLY));
	EXPECT_STREQ("", klog_complaints(log, true));
}

TEST_F(site, handles_lead_to_nothing_else_while_names_move)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	race(_metadata);
}

TEST_F(site, handles_lead_to_nothing_else_under_rules)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	race(_metadata);
}

SWITCHFS_TEST_MAIN
