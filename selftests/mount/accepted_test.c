// SPDX-License-Identifier: GPL-2.0-only
/* Mounts at the edge of what is allowed, and what a mount does as a mount. */
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

TEST_F(site, mount_over_its_own_branch_works)
{
	int log = klog_open();

	DOES(put("hot/f", "below"));
	ASSERT_EQ(0, switchfs_mount("hot", "branch", self->site.hot, "branch",
				    self->site.cold, "rule", "name=*.c -> cold",
				    END))
		TH_LOG("%s", mount_log);
	EXPECT_STREQ("below", get("hot/f"));
	DOES(put("hot/g", "new"));
	DOES(put("hot/h.c", "far"));
	EXPECT_STREQ("f g h.c", names_in("hot"));
	EXPECT_TRUE(present("cold/h.c"));
	ASSERT_OK(umount2("hot", 0));
	EXPECT_STREQ("f g", names_in("hot"));
	EXPECT_STREQ("", klog_complaints(log, true));
}

TEST_F(site, mount_below_its_own_branch_works)
{
	DOES(make_path("hot/m"));
	DOES(put("hot/f", "f"));
	ASSERT_EQ(0, switchfs_mount("hot/m", "branch", self->site.hot, END));
	EXPECT_STREQ("f m", names_in("hot/m"));
	EXPECT_STREQ("", names_in("hot/m/m"));
	ASSERT_OK(umount2("hot/m", 0));
}

TEST_F(site, sixty_four_branches)
{
	static char branch[64][128], rule[64][64];
	const char *pairs[4 * 64 + 2];
	int i, n = 0, log = klog_open();

	for (i = 0; i < 64; i++) {
		DOES(make_path(fmt("many/%d", i)));
		snprintf(branch[i], sizeof(branch[i]), "b%d=%s", i,
			 site_path(&self->site, fmt("many/%d", i)));
		snprintf(rule[i], sizeof(rule[i]), "name=*.%d -> b%d", i, i);
		pairs[n++] = "branch";
		pairs[n++] = branch[i];
	}
	for (i = 0; i < 64; i++) {
		pairs[n++] = "rule";
		pairs[n++] = rule[i];
	}
	pairs[n] = END;
	ASSERT_EQ(0, switchfs_mount_array("mnt", pairs))
		TH_LOG("%s", mount_log);
	for (i = 0; i < 64; i += 9) {
		DOES(put(fmt("mnt/f.%d", i), ""));
		EXPECT_TRUE(present(fmt("many/%d/f.%d", i, i)));
	}
	EXPECT_EQ(8, count_in("mnt"));
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_STREQ("", klog_complaints(log, true));
}

TEST_F(site, thousand_rules)
{
	static char rule[1000][32], line[65536];
	const char *pairs[2 * 1002 + 2];
	int i, n = 4;

	pairs[0] = "branch";
	pairs[1] = self->site.hot;
	pairs[2] = "branch";
	pairs[3] = self->site.cold;
	for (i = 0; i < 1000; i++) {
		snprintf(rule[i], sizeof(rule[i]), "path=/n%d -> %s", i,
			 i % 2 ? "cold" : "hot");
		pairs[n++] = "rule";
		pairs[n++] = rule[i];
	}
	pairs[n] = END;
	ASSERT_EQ(0, switchfs_mount_array("mnt", pairs))
		TH_LOG("%s", mount_log);
	DOES(put("mnt/n998", ""));
	DOES(put("mnt/n999", ""));
	EXPECT_TRUE(present("hot/n998"));
	EXPECT_TRUE(present("cold/n999"));
	EXPECT_STREQ("n998 n999", names_in("mnt"));
	/* All are shown, however long the line gets. */
	snprintf(line, sizeof(line), "%s",
		 shown_options(site_path(&self->site, "mnt")) ?: "");
	EXPECT_HAS(line, "path=/n999 -> cold");
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, END));
	EXPECT_FALSE(present("mnt/n999"));
}

TEST_F(site, values_of_255_bytes)
{
	char value[256], path[256], name[256];
	size_t len;

	/* A branch whose NAME=PATH has 255 bytes. */
	len = snprintf(path, sizeof(path), "%s", self->site.w.work);
	path[len++] = '/';
	memset(path + len, 'p', sizeof(path) - len);
	path[255 - 4] = '\0';
	DOES(make_path(path));
	snprintf(value, sizeof(value), "big=%s", path);
	ASSERT_EQ(255, strlen(value));
	memset(name, 'n', sizeof(name));
	name[255 - strlen("name= -> big")] = '\0';
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch",
				    value, "rule", fmt("name=%s -> big", name),
				    END))
		TH_LOG("%s", mount_log);
	DOES(put(fmt("mnt/%s", name), "long"));
	EXPECT_STREQ("long", get(fmt("%s/%s", path, name)));
	ASSERT_OK(umount2("mnt", 0));
	/* One more is the kernel's limit, not ours. */
	EXPECT_NE(0, switchfs_mount("mnt", "branch", fmt("%sp", value), END));
}

TEST_F(site, branches_in_one_option_and_unnamed)
{
	ASSERT_EQ(0, switchfs_mount("mnt", "branches",
		fmt("%s:%s:r=%s", site_path(&self->site, "hot"),
		    site_path(&self->site, "cold"),
		    site_path(&self->site, "ram")),
		"default", "1", "rule", "name=a -> 0", "rule", "name=b -> r",
		END))
		TH_LOG("%s", mount_log);
	DOES(put("mnt/a", ""));
	DOES(put("mnt/b", ""));
	DOES(put("mnt/c", ""));
	EXPECT_STREQ("a", names_in("hot"));
	EXPECT_STREQ("b", names_in("ram"));
	EXPECT_STREQ("c", names_in("cold"));
}

TEST_F(site, branch_given_as_a_descriptor)
{
	int fs = fsopen("switchfs", FSOPEN_CLOEXEC), fd, mnt;

	DOES(put("hot/f", "f"));
	fd = open("hot", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, fs);
	ASSERT_OK(fsconfig(fs, FSCONFIG_SET_FD, "branch", NULL, fd));
	ASSERT_OK(fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	mnt = fsmount(fs, 0, 0);
	ASSERT_LE(0, mnt);
	ASSERT_OK(move_mount(mnt, "", AT_FDCWD, "mnt", MOVE_MOUNT_F_EMPTY_PATH));
	EXPECT_STREQ("f", get("mnt/f"));
	close(mnt);
	close(fs);
}

TEST_F(site, options_may_come_in_any_order)
{
	ASSERT_EQ(0, switchfs_mount("mnt", "rule", "name=*.c -> cold",
				    "default", "hot", "branch", self->site.cold,
				    "branch", self->site.hot, END))
		TH_LOG("%s", mount_log);
	DOES(put("mnt/f.c", ""));
	DOES(put("mnt/f", ""));
	EXPECT_STREQ("f.c", names_in("cold"));
	EXPECT_STREQ("f", names_in("hot"));
}

TEST_F(site, read_only_mount_refuses_changes)
{
	DOES(put("hot/f", "f"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "ro", NULL));
	EXPECT_STREQ("f", get("mnt/f"));
	EXPECT_EQ(EROFS, put("mnt/f", "x"));
	EXPECT_EQ(EROFS, put("mnt/g", "x"));
	EXPECT_ERR(EROFS, mkdir("mnt/d", 0755));
	EXPECT_ERR(EROFS, unlink("mnt/f"));
	EXPECT_ERR(EROFS, chmod("mnt/f", 0600));
	EXPECT_ERR(EROFS, rename("mnt/f", "mnt/g"));
	EXPECT_EQ(0, ERR(access("mnt/f", R_OK)));
	EXPECT_ERR(EROFS, access("mnt/f", W_OK));
}

TEST_F(site, busy_mount_is_not_unmounted_and_lazily_goes_later)
{
	char buf[8] = "";
	int fd;

	DOES(put("hot/f", "f"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	fd = open("mnt/f", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_ERR(EBUSY, umount2("mnt", 0));
	ASSERT_OK(umount2("mnt", MNT_DETACH));
	EXPECT_EQ(1, pread(fd, buf, 8, 0));
	EXPECT_EQ(1, pwrite(fd, "g", 1, 0));
	ASSERT_OK(close(fd));
	EXPECT_STREQ("g", get("hot/f"));
}

TEST_F(site, two_mounts_of_the_same_branches_are_independent)
{
	DOES(make_path("mnt2"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	ASSERT_EQ(0, switchfs_mount("mnt2", "branch", self->site.hot, "branch",
				    self->site.cold, "rule", "name=*.c -> cold",
				    END));
	DOES(put("mnt/f.c", "hot"));
	EXPECT_FALSE(present("mnt2/f.c"));
	DOES(put("mnt2/f.c", "cold"));
	EXPECT_STREQ("hot", get("mnt/f.c"));
	DOES(put("mnt/g", "shared"));
	EXPECT_STREQ("shared", get("mnt2/g"));
	EXPECT_NE(stat_of("mnt").st_dev, stat_of("mnt2").st_dev);
	ASSERT_OK(umount2("mnt2", 0));
}

TEST_F(site, mount_works_on_when_the_branch_is_unmounted_elsewhere)
{
	DOES(tmpfs_mount("ground"));
	DOES(put("ground/f", "f"));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
		fmt("a=%s", site_path(&self->site, "ground")), END));
	ASSERT_OK(umount2("ground", MNT_DETACH));
	EXPECT_STREQ("f", get("mnt/f"));
	DOES(put("mnt/g", "g"));
	EXPECT_STREQ("f g", names_in("mnt"));
	ASSERT_OK(umount2("mnt", 0));
}

/* Whether the process ends by itself soon. */
static bool ends(pid_t pid)
{
	int status, tries;

	for (tries = 0; tries < 200 * time_factor(); tries++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return true;
		usleep(10000);
	}
	return false;
}

TEST_F(site, unmount_lets_the_branches_go)
{
	int i;

	DOES(ext4_mount(&self->site.w, site_path(&self->site, "hot")));
	DOES(server_start(&self->site.s, site_path(&self->site, "cold"), NULL));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	for (i = 0; i < 20; i++) {
		DOES(put(fmt("mnt/f%d", i), "x"));
		DOES(put(fmt("mnt/f%d.c", i), "x"));
		EXPECT_FALSE(present(fmt("mnt/g%d.c", i)));
	}
	DOES(make_path("mnt/d/e"));
	DOES(put("mnt/d/e/f.c", "x"));
	EXPECT_LE(41, count_in("mnt"));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_OK(umount2("hot", 0));
	ASSERT_OK(umount2("cold", 0));
	/* The server ends with the last reference to its filesystem. */
	EXPECT_TRUE(ends(self->site.s.pid));
	self->site.s.pid = 0;
}

TEST_F(site, what_is_mounted_on_a_vanished_name_is_detached)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(make_path("mnt/m"));
	ASSERT_OK(mount("t", "mnt/m", "tmpfs", 0, NULL));
	DOES(put("mnt/m/over", ""));
	ASSERT_OK(rmdir("hot/m"));
	EXPECT_FALSE(present("mnt/m"));
	ASSERT_OK(mkdir("hot/m", 0755));
	EXPECT_STREQ("", names_in("mnt/m"));
	ASSERT_OK(umount2("mnt", 0));
}

TEST_F(site, statfs_tells_the_type_and_no_other_fields_of_a_branch)
{
	struct statfs here, hot;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	ASSERT_OK(statfs("mnt", &here));
	ASSERT_OK(statfs("hot", &hot));
	EXPECT_NE(hot.f_type, here.f_type);
	EXPECT_NE(0, here.f_type);
}

SWITCHFS_TEST_MAIN
