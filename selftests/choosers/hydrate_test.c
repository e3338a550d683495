// SPDX-License-Identifier: GPL-2.0-only
/* hydrate: placeholders are filled when they are opened, and complete files cost no request. */
#include "loader.h"
#include "switchfs_test.h"

#include <linux/fuse.h>
#include <sys/wait.h>
#include <sys/xattr.h>

FIXTURE(demand) {
	struct world w;
	struct server s;
};

#define TEXT "what the server has"
#define OPENERS 8

static int put_placeholder(const char *path)
{
	return put(path, "") ?: ERR(truncate(path, strlen(TEXT))) ?:
	       ERR(setxattr(path, "user.placeholder", "", 0, 0));
}

/* Without default_permissions, so that it is asked about truncation. */
static int start(struct world *w, struct server *s)
{
	const char *dir = fmt("%s/srv", w->work);
	const char *const options[] = {
		"-oallow_other,dev,suid", "--access", "--timeout=60", fmt("--fail=%s-fail", dir),
		fmt("--hydrate=%s/hot", w->work), NULL,
	};

	return server_start(s, dir, options) ?: server_fails(s);
}

FIXTURE_SETUP(demand)
{
	int i;

	NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(own_bpffs());
	DOES(make_path("mnt"));
	DOES(make_path("hot/d"));
	DOES(make_path("srv-source/d"));
	for (i = 0; i < 5; i++) {
		DOES(put(fmt("srv-source/d/%d", i), TEXT));
		DOES(put_placeholder(fmt("hot/d/%d", i)));
	}
	DOES(put("hot/d/local", "local"));
	DOES(start(&self->w, &self->s));
	ASSERT_EQ(0, loader("load", object_of("hydrate"), NULL)) TH_LOG("%s", loader_said);
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("hot=%s/hot", self->w.work), "branch",
				    fmt("srv=%s/srv", self->w.work), "chooser", "bpf:hydrate", END))
		TH_LOG("%s", mount_log);
}

FIXTURE_TEARDOWN(demand)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		loader("unload", "hydrate", NULL);
		server_stop(&self->s);
	}
	world_leave(&self->w);
}

static bool is_placeholder(const char *path)
{
	return getxattr(path, "user.placeholder", NULL, 0) >= 0;
}

TEST_F(demand, nothing_but_opening_asks_the_server)
{
	struct counts before;

	server_counts(&self->s, &before);
	EXPECT_STREQ("0 1 2 3 4 local", names_in("mnt/d"));
	EXPECT_EQ(strlen(TEXT), stat_of("mnt/d/0").st_size);
	EXPECT_OK(chmod("mnt/d/1", 0600));
	EXPECT_OK(rename("mnt/d/1", "mnt/d/one"));
	EXPECT_OK(unlink("mnt/d/one"));
	EXPECT_STREQ("local", get("mnt/d/local"));
	EXPECT_EQ(0, put("mnt/d/local", "changed"));
	EXPECT_EQ(0, put("mnt/d/new", "new"));
	EXPECT_STREQ("new", get("mnt/d/new"));
	EXPECT_STREQ("", server_asked(&self->s, &before));
}

TEST_F(demand, opening_fills_the_file_once)
{
	struct stat before = stat_of("mnt/d/0"), after;
	struct counts counts;
	int i;

	EXPECT_STREQ(TEXT, get("mnt/d/0"));
	EXPECT_STREQ(TEXT, get("hot/d/0"));
	EXPECT_FALSE(is_placeholder("hot/d/0"));
	after = stat_of("mnt/d/0");
	EXPECT_EQ(before.st_ino, after.st_ino);
	EXPECT_EQ(before.st_size, after.st_size);
	EXPECT_EQ(before.st_mtime, after.st_mtime);
	EXPECT_EQ(1, server_count(&self->s, "OPEN"));
	EXPECT_EQ(0, server_count(&self->s, "READ"));
	server_counts(&self->s, &counts);
	for (i = 0; i < 3; i++) {
		if (i == 1)
			DOES(put("/proc/sys/vm/drop_caches", "2"));
		EXPECT_STREQ(TEXT, get("mnt/d/0"));
		EXPECT_EQ(0, opens("mnt/d/0", O_RDWR));
	}
	EXPECT_STREQ("", server_asked(&self->s, &counts));
	EXPECT_TRUE(is_placeholder("hot/d/2"));
}

TEST_F(demand, placeholder_that_is_moved_into_place_is_filled_again)
{
	EXPECT_STREQ(TEXT, get("mnt/d/0"));
	DOES(put_placeholder("hot/.evicted"));
	DOES(put("srv-source/d/0", "what the server got"));
	ASSERT_OK(rename("hot/.evicted", "hot/d/0"));
	EXPECT_STREQ("what the server got", get("mnt/d/0"));
	EXPECT_FALSE(is_placeholder("hot/d/0"));
}

TEST_F(demand, file_that_is_to_be_emptied_is_no_placeholder_any_more)
{
	EXPECT_EQ(0, put("mnt/d/0", "mine"));
	EXPECT_FALSE(is_placeholder("hot/d/0"));
	EXPECT_STREQ("mine", get("mnt/d/0"));
	EXPECT_OK(truncate("mnt/d/1", 4));
	EXPECT_FALSE(is_placeholder("hot/d/1"));
	EXPECT_STREQ("what", get("mnt/d/1"));
	EXPECT_STREQ(TEXT, get("srv-source/d/1"));
}

TEST_F(demand, each_of_several_openers_sees_it_complete)
{
	pid_t pids[OPENERS];
	int i, status;

	self->s.fail[FUSE_OPEN] = SERVER_IS_LATE;
	for (i = 0; i < OPENERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(strcmp(TEXT, get("mnt/d/3")) != 0);
	}
	for (i = 0; i < OPENERS; i++) {
		waitpid(pids[i], &status, 0);
		EXPECT_EQ(0, status);
	}
}

TEST_F(demand, servers_error_is_the_openers_and_its_end_no_one_elses)
{
	EXPECT_STREQ(TEXT, get("mnt/d/0"));
	self->s.fail[FUSE_OPEN] = EDQUOT;
	EXPECT_EQ(EDQUOT, opens("mnt/d/2", O_RDONLY));
	EXPECT_TRUE(is_placeholder("hot/d/2"));
	server_kill(&self->s);
	EXPECT_EQ(ENOTCONN, opens("mnt/d/2", O_RDONLY));
	EXPECT_STREQ(TEXT, get("mnt/d/0"));
	EXPECT_EQ(0, put("mnt/d/local", "changed"));
	EXPECT_EQ(strlen(TEXT), stat_of("mnt/d/2").st_size);
}

SWITCHFS_TEST_MAIN
