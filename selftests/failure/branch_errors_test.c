// SPDX-License-Identifier: GPL-2.0-only
/* Errors of a branch come through unchanged. */
#include "site.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

TEST_F(site, full_branch_gives_enospc)
{
	static char block[65536];
	int fd, i;

	DOES(make_path("small"));
	ASSERT_OK(mount("small", "small", "tmpfs", 0, "size=256k,nr_inodes=20"));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
		fmt("s=%s", site_path(&self->site, "small")), END));
	ASSERT_OK(umount2("small", MNT_DETACH));
	fd = open("mnt/f", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(65536, write(fd, block, 65536));
	EXPECT_ERR(ENOSPC, write(fd, block, 65536));
	EXPECT_EQ(4 * 65536, stat_of("mnt/f").st_size);
	ASSERT_OK(ftruncate(fd, 0));
	EXPECT_EQ(65536, pwrite(fd, block, 65536, 0));
	for (i = 0; i < 30 && !ERR(mkdir(fmt("mnt/d%d", i), 0755)); i++)
		;
	EXPECT_GT(30, i);
	EXPECT_ERR(ENOSPC, mkdir("mnt/last", 0755));
	EXPECT_EQ(ENOSPC, put("mnt/last", ""));
	EXPECT_FALSE(present("mnt/last"));
}

TEST_F(site, failing_creates_leave_nothing_half_made)
{
	ASSERT_OK(mount("small", "ram", "tmpfs", 0, "nr_inodes=3"));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch",
				    self->site.ram, "rule", "name=*.c -> ram",
				    END));
	DOES(make_path("mnt/p/q"));
	/* The mirrors of p and q fit, the file does not. */
	EXPECT_EQ(ENOSPC, put("mnt/p/q/f.c", ""));
	EXPECT_FALSE(present("mnt/p/q/f.c"));
	EXPECT_STREQ("", names_in("mnt/p/q"));
	EXPECT_EQ(0, put("mnt/p/q/f", ""));
	ASSERT_OK(unlink("mnt/p/q/f"));
	EXPECT_OK(rmdir("mnt/p/q"));
	EXPECT_OK(rmdir("mnt/p"));
	EXPECT_STREQ("", names_in("ram"));
}

TEST_F(site, frozen_branch_holds_writers_until_it_thaws)
{
	int frozen, status;
	pid_t pid[2];

	DOES(ext4_mount(&self->site.w, site_path(&self->site, "hot")));
	DOES(put("hot/f", "f"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	/* Known from here on: no lookup needs the lock of the directory. */
	EXPECT_STREQ("f", get("mnt/f"));
	frozen = open("hot", O_RDONLY | O_DIRECTORY);
	ASSERT_OK(ioctl(frozen, FIFREEZE, 0));
	pid[0] = fork();
	if (!pid[0])
		_exit(put("mnt/f", "changed"));
	pid[1] = fork();
	if (!pid[1])
		_exit(ERR(mkdir("mnt/d", 0755)));
	EXPECT_TRUE(still_waits(pid[0]));
	EXPECT_TRUE(still_waits(pid[1]));
	EXPECT_EQ(1, stat_of("mnt/f").st_nlink);
	ASSERT_OK(ioctl(frozen, FITHAW, 0));
	ASSERT_EQ(pid[0], waitpid(pid[0], &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(pid[1], waitpid(pid[1], &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_STREQ("changed", get("hot/f"));
	EXPECT_TRUE(present("hot/d"));
	close(frozen);
}

SWITCHFS_TEST_MAIN
