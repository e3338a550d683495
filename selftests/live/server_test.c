// SPDX-License-Identifier: GPL-2.0-only
/* Remounting over a FUSE server that is dead or hangs, and attaching its successor. */
#include "site.h"

#include <time.h>

FIXTURE_VARIANT_ADD(site, uncached) { .parts = SITE_EXT4 | SITE_FUSE };
FIXTURE_VARIANT_ADD(site, cached) { .parts = SITE_EXT4 | SITE_FUSE | SITE_CACHED };

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* What may take no server's time takes less than a request's, by far. */
#define AT_ONCE(call)							\
	do {								\
		double __from = seconds();				\
		EXPECT_EQ(0, call) TH_LOG("%s", mount_log);		\
		EXPECT_GT(2.0 * time_factor(), seconds() - __from);	\
	} while (0)

static bool dead(int err)
{
	return err == ENOTCONN || err == ECONNABORTED;
}

static void mount_and_fill(struct __test_metadata *_metadata,
			   const struct site *site)
{
	ASSERT_EQ(0, SITE_MOUNT(site, "rule", "path=/media/** -> cold"));
	DOES(make_path("mnt/media/d"));
	DOES(put("mnt/media/f", "on fuse"));
	DOES(put("mnt/g", "local"));
}

/* Takes the dead mount away and serves the same folder at the same path. */
static int succeed(const struct site *site, struct server *s)
{
	return ERR(umount2("cold", MNT_DETACH)) ?:
	       server_start(s, site_path(site, "cold"), NULL);
}

/* A child that looks for PATH; its pid. */
static pid_t ask(const char *path)
{
	pid_t pid = fork();

	if (!pid)
		_exit(ERR(access(path, F_OK)));
	return pid;
}

/* Remounts of every kind that concern the server in nothing. */
static void remounts(struct __test_metadata *_metadata, const struct site *site)
{
	AT_ONCE(switchfs_remount("mnt", "ro", NULL, END));
	EXPECT_EQ(EROFS, put("mnt/g", "x"));
	AT_ONCE(switchfs_mount_string("mnt", MS_REMOUNT,
				      shown_options(site_path(site, "mnt"))));
	AT_ONCE(switchfs_remount("mnt", "rw", NULL, END));
	EXPECT_EQ(0, put("mnt/g", "local"));
	AT_ONCE(switchfs_remount("mnt", "branch", site->hot, "branch", site->cold,
				 "default", "hot", "creds", "mounter", END));
	AT_ONCE(switchfs_remount("mnt", "rule", "path=/media/** -> cold", "rule",
				 "name=none -> deny", END));
	AT_ONCE(switchfs_remount("mnt", "branch",
				 fmt("hot=%s", site_path(site, "moved")), END));
	AT_ONCE(switchfs_remount("mnt", "branch", site->hot, END));
	EXPECT_STREQ("local", get("mnt/g"));
}

TEST_F_TIMEOUT(site, dead_server_and_its_successor, 60)
{
	struct server second = {};
	char buf[8];
	int fd, bare;

	DOES(make_path("moved"));
	mount_and_fill(_metadata, &self->site);
	fd = open("mnt/media/f", O_RDONLY | O_CLOEXEC);
	bare = open("cold/media/f", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	server_kill(&self->site.s);
	remounts(_metadata, &self->site);
	EXPECT_TRUE(dead(ERR(access("mnt/media/absent", F_OK))));
	DOES(succeed(&self->site, &second));
	/* The path alone changes nothing. */
	AT_ONCE(switchfs_remount("mnt", "branch", self->site.cold, END));
	EXPECT_TRUE(dead(ERR(access("mnt/media/absent", F_OK))));
	EXPECT_EQ(0, switchfs_remount("mnt", "reattach", "cold", END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("on fuse", get("mnt/media/f"));
	EXPECT_STREQ("d f", names_in("mnt/media"));
	EXPECT_EQ(0, put("mnt/media/new", "n"));
	EXPECT_STREQ("n", get("cold-source/media/new"));
	/* What was open before gives what the bare mount gives. */
	EXPECT_EQ(ERR(pread(bare, buf, 1, 0)), ERR(pread(fd, buf, 1, 0)));
	EXPECT_EQ(ERR(fsync(bare)), ERR(fsync(fd)));
	EXPECT_TRUE(dead(ERR(fsync(fd))));
	close(fd);
	close(bare);
	EXPECT_OK(umount2("mnt", 0));
	server_stop(&second);
}

TEST_F_TIMEOUT(site, hanging_server_and_its_successor, 60)
{
	struct server second = {};
	int status;
	pid_t pid;

	DOES(make_path("moved"));
	mount_and_fill(_metadata, &self->site);
	ASSERT_OK(kill(self->site.s.pid, SIGSTOP));
	pid = ask("mnt/media/never-seen");
	EXPECT_TRUE(still_waits(pid));
	remounts(_metadata, &self->site);
	EXPECT_TRUE(still_waits(pid));
	DOES(succeed(&self->site, &second));
	EXPECT_EQ(0, switchfs_remount("mnt", "reattach", "cold", END))
		TH_LOG("%s", mount_log);
	/* Who waits goes on waiting, and nobody else does. */
	EXPECT_TRUE(still_waits(pid));
	EXPECT_STREQ("on fuse", get("mnt/media/f"));
	EXPECT_ERR(ENOENT, access("mnt/media/never-seen", F_OK));
	EXPECT_EQ(0, put("mnt/media/never-seen", "n"));
	EXPECT_STREQ("d f never-seen", names_in("mnt/media"));
	EXPECT_TRUE(still_waits(pid));
	ASSERT_OK(kill(self->site.s.pid, SIGCONT));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_STREQ("n", get("mnt/media/never-seen"));
	EXPECT_OK(umount2("mnt", 0));
	server_stop(&second);
}

TEST_F_TIMEOUT(site, branch_moved_away_from_a_hanging_server, 60)
{
	int fd, err;

	DOES(make_path("moved"));
	mount_and_fill(_metadata, &self->site);
	ASSERT_OK(kill(self->site.s.pid, SIGSTOP));
	AT_ONCE(switchfs_remount("mnt", "branch",
				 fmt("cold=%s", site_path(&self->site, "moved")),
				 END));
	EXPECT_FALSE(present("mnt/media"));
	DOES(make_path("mnt/media"));
	DOES(put("mnt/media/f", "moved"));
	EXPECT_STREQ("moved", get("moved/media/f"));
	/* Not even syncfs asks it any more. */
	fd = open("mnt", O_RDONLY);
	EXPECT_OK(syncfs(fd));
	close(fd);
	AT_ONCE(switchfs_remount("mnt", "ro", NULL, END));
	ASSERT_OK(kill(self->site.s.pid, SIGCONT));
	err = opens("mnt/media/f", O_RDONLY);
	EXPECT_EQ(0, err);
	EXPECT_OK(umount2("mnt", 0));
}

TEST_F_TIMEOUT(site, successor_that_is_dead_too_is_refused, 60)
{
	struct server second = {};
	char before[4096];

	mount_and_fill(_metadata, &self->site);
	server_kill(&self->site.s);
	DOES(succeed(&self->site, &second));
	snprintf(before, sizeof(before), "%s",
		 shown_options(site_path(&self->site, "mnt")));
	server_kill(&second);
	EXPECT_NE(0, switchfs_remount("mnt", "reattach", "cold", END));
	EXPECT_HAS(mount_log, "`cold`");
	EXPECT_STREQ(before, shown_options(site_path(&self->site, "mnt")));
	EXPECT_STREQ("local", get("mnt/g"));
	server_stop(&second);
}

SWITCHFS_TEST_MAIN
