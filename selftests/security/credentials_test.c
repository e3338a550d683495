// SPDX-License-Identifier: GPL-2.0-only
/* Whose permissions count: the caller's above, the mounter's below. */
#include "site.h"

#include <grp.h>
#include <sys/wait.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

/* A server that only root, who mounted it, may use. */
static const char *const private[] = { "-odefault_permissions", NULL };
/* One that checks nothing itself and lets the kernel check nothing. */
static const char *const trusting[] = { "-oallow_other", NULL };

TEST_F(site, callers_need_no_way_to_the_branch)
{
	DOES(make_path("closed/in"));
	ASSERT_OK(chmod("closed", 0700));
	DOES(put("closed/in/f", "text"));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
		fmt("a=%s", site_path(&self->site, "closed/in")), END));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("closed/in/f", O_RDONLY)));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt/f", O_RDWR)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt/g", O_CREAT | O_RDWR, 0644)));
	ASSERT_OK(chmod("closed/in", 0777));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/g", O_CREAT | O_RDWR, 0644)));
	EXPECT_EQ(SOMEONE, stat_of("closed/in/g").st_uid);
}

TEST_F(site, root_of_the_branch_that_is_closed_closes_the_mount)
{
	DOES(put("hot/f", "text"));
	ASSERT_OK(chmod("hot", 0700));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt", O_RDONLY)));
	ASSERT_OK(chmod("hot", 0711));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/f", O_RDONLY)));
}

TEST_F(site, private_server_is_reached_with_the_mounters_credentials)
{
	DOES(server_start(&self->site.s, site_path(&self->site, "cold"), private));
	DOES(put("cold/f", "text"));
	ASSERT_OK(chmod("cold", 0777));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/** -> cold"));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("cold/f", O_RDONLY)));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt/f", O_WRONLY)));
	ASSERT_OK(chmod("hot", 0777));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/g", O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(SOMEONE, stat_of("cold-source/g").st_uid);
}

TEST_F(site, callers_own_credentials_do_not_reach_a_private_server)
{
	DOES(server_start(&self->site.s, site_path(&self->site, "cold"), private));
	DOES(put("cold/f", "text"));
	DOES(put("hot/h", "text"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "creds", "caller",
				"rule", "path=/f -> cold"))
		TH_LOG("%s", mount_log);
	EXPECT_EQ(0, opens("mnt/f", O_RDONLY));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/h", O_RDONLY)));
	EXPECT_HAS(shown_options(site_path(&self->site, "mnt")), "creds=caller");
}

TEST_F(site, callers_own_credentials_make_objects_of_the_caller)
{
	ASSERT_OK(chmod("hot", 0777));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "creds", "caller",
				"rule", "name=*.c -> cold"));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/f", O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(0, AS_USER(SOMEONE, mkdir("mnt/d", 0755)));
	EXPECT_EQ(SOMEONE, stat_of("hot/f").st_uid);
	EXPECT_EQ(SOMEONE, stat_of("hot/d").st_uid);
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, mkdir("mnt/d/x", 0755)));
}

/* Makes files in the directory PATH as a user of its own, whose groups differ, too. */
static int make_files(const char *path, int user)
{
	int i, fd;

	if (setgroups(0, NULL) || setresgid(2000 + user / 2, 2000 + user / 2, 2000 + user / 2) ||
	    setresuid(1000 + user % 3, 1000 + user % 3, 1000 + user % 3))
		return errno;
	for (i = 0; i < 200; i++) {
		fd = open(fmt("%s/f%d.%d", path, user, i), O_CREAT | O_EXCL | O_WRONLY, 0600);
		if (fd < 0)
			return errno;
		close(fd);
		if (mkdir(fmt("%s/d%d.%d", path, user, i), 0700))
			return errno;
	}
	return 0;
}

TEST_F(site, objects_made_at_once_belong_each_to_its_maker)
{
	pid_t child[4];
	int user, i, status;
	struct stat st;

	ASSERT_OK(chmod("hot", 0777));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	for (user = 0; user < 4; user++) {
		child[user] = fork();
		ASSERT_LE(0, child[user]);
		if (!child[user])
			_exit(make_files("mnt", user));
	}
	for (user = 0; user < 4; user++) {
		ASSERT_EQ(child[user], waitpid(child[user], &status, 0));
		EXPECT_EQ(0, status);
		for (i = 0; i < 200; i++) {
			st = stat_of(fmt("hot/f%d.%d", user, i));
			EXPECT_EQ(1000 + user % 3, st.st_uid);
			EXPECT_EQ(2000 + user / 2, st.st_gid);
			st = stat_of(fmt("hot/d%d.%d", user, i));
			EXPECT_EQ(1000 + user % 3, st.st_uid);
			EXPECT_EQ(2000 + user / 2, st.st_gid);
		}
	}
}

TEST_F(site, callers_own_credentials_ask_for_no_more_than_the_call_does)
{
	int fd;

	DOES(put_program("hot/prog"));
	ASSERT_OK(chmod("hot/prog", 0711));
	ASSERT_OK(chmod("hot", 0777));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "creds", "caller"));
	EXPECT_EQ((10 + SOMEONE) & 255, runs("mnt/prog", SOMEONE));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt/prog", O_RDONLY)));
	/* The mode of a new file is for those who open it later. */
	user_become(SOMEONE);
	fd = open("mnt/f", O_CREAT | O_EXCL | O_RDWR, 0400);
	EXPECT_LE(0, fd);
	EXPECT_EQ(1, write(fd, "x", 1));
	user_return();
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt/f", O_RDWR)));
}

TEST_F(site, permission_is_checked_above_a_server_that_checks_nothing)
{
	DOES(server_start(&self->site.s, site_path(&self->site, "cold"), trusting));
	DOES(put("cold/f", "text"));
	ASSERT_OK(chown("cold-source/f", SOMEONE, SOMEONE));
	ASSERT_OK(chmod("cold-source/f", 0600));
	DOES(make_path("cold/d"));
	ASSERT_OK(chmod("cold-source/d", 0700));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/** -> cold"));
	/* Through the server itself anything goes: no confused deputy. */
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, open("cold/f", O_RDWR)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, open("mnt/d/g", O_CREAT | O_RDWR,
						     0644)));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE_ELSE, chmod("mnt/f", 0777)));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/f", O_RDWR)));
}

TEST_F(site, descriptor_passed_on_keeps_its_openers_rights)
{
	char buf[8] = "";
	int fd;

	DOES(put("hot/f", "text"));
	ASSERT_OK(chmod("hot/f", 0600));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	fd = open("mnt/f", O_RDWR);
	ASSERT_LE(0, fd);
	user_become(SOMEONE);
	EXPECT_EQ(4, pread(fd, buf, sizeof(buf), 0));
	EXPECT_EQ(4, pwrite(fd, "abcd", 4, 0));
	EXPECT_EQ(0, ERR(ftruncate(fd, 2)));
	user_return();
	EXPECT_STREQ("ab", get("hot/f"));
}

SWITCHFS_TEST_MAIN
