// SPDX-License-Identifier: GPL-2.0-only
/* Project ids and their quotas: set, inherited and enforced by the branch. */
#include "switchfs_test.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/syscall.h>

#ifndef PRJQUOTA
#define PRJQUOTA 2
#endif

FIXTURE(project) {
	struct world w;
};

FIXTURE_VARIANT(project) {
	bool bare;		/* ext4 itself: proves the test */
	const char *creds;
};

FIXTURE_VARIANT_ADD(project, bare) { .bare = true };
FIXTURE_VARIANT_ADD(project, mounter) { .creds = "mounter" };
FIXTURE_VARIANT_ADD(project, caller) { .creds = "caller" };

FIXTURE_SETUP(project)
{
	static const char *const maker[] = {
		"mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-I", "256", "-O",
		"^has_journal,quota,project", "-E", "quotatype=prjquota,nodiscard", NULL,
	};

	if (!variant->bare)
		NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(image_mount(&self->w, fmt("%s/disk", self->w.work), "ext4", 32 << 20, maker));
	ASSERT_OK(chmod("disk", 0777));
	if (variant->bare) {
		DOES(bind_mount("disk", "mnt"));
		return;
	}
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("a=%s/disk", self->w.work), "creds",
				    variant->creds, END))
		TH_LOG("%s", mount_log);
}

FIXTURE_TEARDOWN(project)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		umount2("disk", MNT_DETACH);
	}
	world_leave(&self->w);
}

static int project_of(const char *path)
{
	struct fsxattr attr;
	int fd = open(path, O_RDONLY), err = ERR(ioctl(fd, FS_IOC_FSGETXATTR, &attr));

	close(fd);
	return err ? -err : (int)attr.fsx_projid;
}

static int set_project(const char *path, unsigned int id, unsigned int flags)
{
	struct fsxattr attr;
	int fd = open(path, O_RDONLY), err = ERR(ioctl(fd, FS_IOC_FSGETXATTR, &attr));

	attr.fsx_projid = id;
	attr.fsx_xflags |= flags;
	err = err ?: ERR(ioctl(fd, FS_IOC_FSSETXATTR, &attr));
	close(fd);
	return err;
}

TEST_F(project, id_makes_the_round_trip_and_is_inherited)
{
	ASSERT_OK(mkdir("mnt/d", 0777));
	DOES(put("mnt/f", ""));
	EXPECT_EQ(0, project_of("mnt/d"));
	ASSERT_EQ(0, set_project("mnt/d", 77, FS_XFLAG_PROJINHERIT));
	EXPECT_EQ(77, project_of("mnt/d"));
	EXPECT_EQ(77, project_of("disk/d"));
	DOES(put("mnt/d/new", ""));
	ASSERT_OK(mkdir("mnt/d/sub", 0755));
	EXPECT_EQ(77, project_of("mnt/d/new"));
	EXPECT_EQ(77, project_of("disk/d/sub"));
	/* Set below, seen above. */
	ASSERT_EQ(0, set_project("disk/f", 78, 0));
	EXPECT_EQ(78, project_of("mnt/f"));
	/* What is of another project is not linked or moved in. */
	EXPECT_ERR(EXDEV, link("mnt/f", "mnt/d/l"));
	EXPECT_ERR(EXDEV, rename("mnt/f", "mnt/d/f"));
	user_become(SOMEONE);
	EXPECT_EQ(EPERM, set_project("mnt/f", 79, 0));
	user_return();
	EXPECT_EQ(78, project_of("disk/f"));
}

TEST_F(project, quota_of_the_project_is_enforced)
{
	struct if_dqblk limit = {
		.dqb_bhardlimit = 64,	/* of 1024 bytes */
		.dqb_valid = QIF_LIMITS,
	};
	static char block[4096];
	int fd, n = 0, err;

	fd = open("disk", O_RDONLY | O_DIRECTORY);
	err = ERR(syscall(SYS_quotactl_fd, fd, QCMD(Q_QUOTAON, PRJQUOTA), 4, NULL));
	ASSERT_TRUE(!err || err == EBUSY || err == EEXIST) TH_LOG("%s", strerror(err));
	ASSERT_OK(syscall(SYS_quotactl_fd, fd, QCMD(Q_SETQUOTA, PRJQUOTA), 77, &limit));
	close(fd);
	ASSERT_OK(mkdir("mnt/d", 0777));
	ASSERT_EQ(0, set_project("mnt/d", 77, FS_XFLAG_PROJINHERIT));
	user_become(SOMEONE);
	fd = open("mnt/d/f", O_CREAT | O_WRONLY, 0644);
	EXPECT_LE(0, fd);
	while (n < 100 && write(fd, block, sizeof(block)) == sizeof(block))
		n++;
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_ERR(EDQUOT, fallocate(fd, 0, 0, 1 << 20));
	user_return();
	EXPECT_GE(16, n);
	EXPECT_LE(8, n);
	/* The statistics of the directory are the project's. */
	close(fd);
	EXPECT_EQ(0, put("mnt/elsewhere", "fine"));
}

SWITCHFS_TEST_MAIN
