// SPDX-License-Identifier: GPL-2.0-only
/* The FUSE server of one branch dies or hangs: the others go on. */
#include "site.h"

FIXTURE_VARIANT_ADD(site, uncached) { .parts = SITE_EXT4 | SITE_FUSE };
FIXTURE_VARIANT_ADD(site, cached) { .parts = SITE_EXT4 | SITE_FUSE | SITE_CACHED };

static void mount_and_fill(struct __test_metadata *_metadata,
			   const struct site *site)
{
	ASSERT_EQ(0, SITE_MOUNT(site, "rule", "path=/media/** -> cold"));
	DOES(make_path("mnt/media/d"));
	DOES(put("mnt/media/f", "on fuse"));
	DOES(make_path("mnt/d"));
	DOES(put("mnt/d/f", "local"));
	DOES(put("mnt/g", "local"));
}

/* What the bare FUSE mount gives when its server is gone. */
static bool dead(int err)
{
	return err == ENOTCONN || err == ECONNABORTED;
}

static void local_works(struct __test_metadata *_metadata)
{
	struct statfs fs;

	EXPECT_STREQ("local", get("mnt/d/f"));
	EXPECT_EQ(0, put("mnt/d/new", "x"));
	EXPECT_STREQ("f new", names_in("mnt/d"));
	EXPECT_OK(rename("mnt/d/new", "mnt/d/newer"));
	EXPECT_OK(unlink("mnt/d/newer"));
	EXPECT_OK(mkdir("mnt/d/sub", 0755));
	EXPECT_OK(rmdir("mnt/d/sub"));
	EXPECT_OK(statfs("mnt", &fs));
	EXPECT_OK(statfs("mnt/d/f", &fs));
	EXPECT_OK(chmod("mnt/g", 0600));
	EXPECT_FALSE(present("mnt/absent"));
	EXPECT_ERR(ENOENT, access("mnt/absent", F_OK));
}

TEST_F(site, objects_of_a_dead_server_fail_and_all_others_work)
{
	struct statfs fs;
	char buf[8];
	int fd, local;

	mount_and_fill(_metadata, &self->site);
	fd = open("mnt/media/f", O_RDWR);
	local = open("mnt/d/f", O_RDWR);
	ASSERT_LE(0, fd);
	server_kill(&self->site.s);
	EXPECT_TRUE(dead(ERR(access("mnt/media/absent", F_OK))));
	EXPECT_TRUE(dead(put("mnt/media/new", "x")));
	EXPECT_TRUE(dead(ERR(mkdir("mnt/media/n", 0755))));
	EXPECT_TRUE(dead(ERR(pwrite(fd, "x", 1, 0))));
	EXPECT_TRUE(dead(ERR(statfs("mnt/media", &fs))) ||
		    !(variant->parts & SITE_CACHED));
	EXPECT_TRUE(dead(ERR(fsync(fd))));
	EXPECT_EQ(5, pread(local, buf, sizeof(buf), 0));
	EXPECT_EQ(5, pwrite(local, "local", 5, 0));
	EXPECT_OK(fsync(local));
	local_works(_metadata);
	close(fd);
	close(local);
	EXPECT_OK(umount2("mnt", 0));
}

TEST_F(site, same_errors_as_the_bare_mount)
{
	static const char *const paths[] = { "media", "media/f", "media/absent" };
	size_t i;

	mount_and_fill(_metadata, &self->site);
	server_kill(&self->site.s);
	for (i = 0; i < 3; i++) {
		int bare = opens(fmt("cold/%s", paths[i]), O_RDONLY);
		int here = opens(fmt("mnt/%s", paths[i]), O_RDONLY);

		EXPECT_TRUE(bare == here || (dead(bare) && dead(here)))
			TH_LOG("%s: %s, bare %s", paths[i], strerror(here),
			       strerror(bare));
	}
}

TEST_F(site, sync_and_unmount_survive_a_dead_server)
{
	int fd;

	mount_and_fill(_metadata, &self->site);
	fd = open("mnt/d", O_RDONLY);
	server_kill(&self->site.s);
	sync();
	/* It may tell of the dead branch, but it comes back. */
	syncfs(fd);
	close(fd);
	EXPECT_OK(umount2("mnt", 0));
	EXPECT_STREQ("local", get("hot/d/f"));
}

TEST_F(site, root_directory_can_be_opened_with_a_dead_server)
{
	struct stat st;

	mount_and_fill(_metadata, &self->site);
	server_kill(&self->site.s);
	EXPECT_OK(stat("mnt", &st));
	EXPECT_EQ(0, opens("mnt", O_RDONLY | O_DIRECTORY));
	EXPECT_STREQ("local", get("mnt/g"));
	/* Names that may be the dead server's are not in it, or an error is. */
	EXPECT_TRUE(listed("mnt", "g", NULL, NULL) ||
		    dead(ERR(count_in("mnt") < 0 ? -1 : 0)));
}

TEST_F(site, remount_works_over_a_dead_server)
{
	mount_and_fill(_metadata, &self->site);
	server_kill(&self->site.s);
	EXPECT_EQ(0, switchfs_remount("mnt", "ro", NULL, END))
		TH_LOG("%s", mount_log);
	EXPECT_EQ(EROFS, put("mnt/g", "x"));
	EXPECT_EQ(0, switchfs_remount("mnt", "rw", NULL, END));
	EXPECT_EQ(0, switchfs_remount("mnt", "norules", NULL, END))
		TH_LOG("%s", mount_log);
	EXPECT_ERR(ENOENT, access("mnt/media", F_OK));
	local_works(_metadata);
}

TEST_F(site, dead_branch_cannot_be_mounted_and_says_so)
{
	int err;

	server_kill(&self->site.s);
	err = SITE_MOUNT(&self->site);
	/* Refused, when it died before it had answered the kernel's first request. */
	EXPECT_TRUE(dead(err) || err == ECONNREFUSED)
		TH_LOG("%s: %s", strerror(err), mount_log);
	EXPECT_HAS(mount_log, "cold");
}

/* A child that asks the server for NAME; its pid. */
static pid_t ask(const char *path)
{
	pid_t pid = fork();

	if (!pid)
		_exit(ERR(open(path, O_RDONLY)));
	return pid;
}

TEST_F_TIMEOUT(site, hanging_server_holds_up_only_who_asks_it, 120)
{
	int status;
	pid_t pid;

	mount_and_fill(_metadata, &self->site);
	ASSERT_OK(kill(self->site.s.pid, SIGSTOP));
	pid = ask("mnt/media/never-seen");
	EXPECT_TRUE(still_waits(pid));
	local_works(_metadata);
	/* The wait is killable. */
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	pid = ask("mnt/media/f2");
	EXPECT_TRUE(still_waits(pid));
	ASSERT_OK(kill(self->site.s.pid, SIGCONT));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(ENOENT, WEXITSTATUS(status));
	EXPECT_STREQ("on fuse", get("mnt/media/f"));
}

TEST_F(site, death_frees_who_waits)
{
	int status;
	pid_t pid;

	mount_and_fill(_metadata, &self->site);
	ASSERT_OK(kill(self->site.s.pid, SIGSTOP));
	pid = ask("mnt/media/never-seen");
	EXPECT_TRUE(still_waits(pid));
	server_kill(&self->site.s);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(dead(WEXITSTATUS(status)))
		TH_LOG("%s", strerror(WEXITSTATUS(status)));
	local_works(_metadata);
}

TEST_F(site, forced_unmount_leaves_the_server_alone)
{
	int fd;

	mount_and_fill(_metadata, &self->site);
	fd = open("mnt/media/f", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_ERR(EBUSY, umount2("mnt", MNT_FORCE));
	EXPECT_STREQ("on fuse", get("cold/media/f"));
	close(fd);
	EXPECT_OK(umount2("mnt", MNT_FORCE));
	EXPECT_STREQ("on fuse", get("cold/media/f"));
	EXPECT_EQ(0, put("cold/media/g", ""));
}

SWITCHFS_TEST_MAIN
