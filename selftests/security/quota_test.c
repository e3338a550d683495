// SPDX-License-Identifier: GPL-2.0-only
/*
 * Quotas of a branch hold for callers, although the mounter who acts for them
 * would be exempt.
 */
#include "switchfs_test.h"

#include <sys/quota.h>
#include <sys/syscall.h>

FIXTURE(quota) {
	struct world w;
};

FIXTURE_VARIANT(quota) {
	bool bare;		/* ext4 itself: proves the test */
	const char *creds;
};

FIXTURE_VARIANT_ADD(quota, bare) { .bare = true };
FIXTURE_VARIANT_ADD(quota, mounter) { .creds = "mounter" };
FIXTURE_VARIANT_ADD(quota, caller) { .creds = "caller" };

static int quota_call(const char *dir, int command, int id, void *data)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 ? errno :
		  ERR(syscall(SYS_quotactl_fd, fd, QCMD(command, USRQUOTA), id, data));

	if (fd >= 0)
		close(fd);
	return err;
}

FIXTURE_SETUP(quota)
{
	struct if_dqblk limit = {
		.dqb_bhardlimit = 64,	/* of 1024 bytes */
		.dqb_ihardlimit = 4,
		.dqb_valid = QIF_LIMITS,
	};
	const char *ext4;
	int err;

	if (!variant->bare)
		NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	ext4 = fmt("%s/ext4", self->w.work);
	DOES(make_path("mnt"));
	DOES(ext4_quota_mount(&self->w, ext4));
	ASSERT_OK(chmod("ext4", 0777));
	err = quota_call("ext4", Q_QUOTAON, 2, NULL);
	if (err && err != EBUSY && err != EEXIST)
		SKIP(return, "no quotas: %s", strerror(err));
	DOES(quota_call("ext4", Q_SETQUOTA, SOMEONE, &limit));
	if (variant->bare) {
		DOES(bind_mount(ext4, "mnt"));
		return;
	}
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("a=%s", ext4), "creds",
				    variant->creds, END))
		TH_LOG("%s", mount_log);
}

FIXTURE_TEARDOWN(quota)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		umount2("ext4", MNT_DETACH);
	}
	world_leave(&self->w);
}

static ssize_t write_block(int fd)
{
	static char block[4096];

	return write(fd, block, sizeof(block));
}

TEST_F(quota, blocks_are_limited)
{
	int fd, n = 0;

	user_become(SOMEONE);
	fd = open("mnt/f", O_CREAT | O_WRONLY, 0644);
	EXPECT_LE(0, fd);
	while (n < 100 && write_block(fd) == 4096)
		n++;
	EXPECT_EQ(EDQUOT, errno);
	user_return();
	EXPECT_GE(16, n);
	EXPECT_LE(10, n);
}

TEST_F(quota, objects_are_limited)
{
	int n = 0, err = 0;

	while (n < 20 && !err)
		err = AS_USER(SOMEONE, mknod(fmt("mnt/f%d", n++), S_IFREG | 0644, 0));
	EXPECT_EQ(EDQUOT, err);
	EXPECT_EQ(5, n);
	EXPECT_EQ(EDQUOT, AS_USER(SOMEONE, mkdir("mnt/d", 0755)));
	EXPECT_OK(mkdir("mnt/of-root", 0755));
}

SWITCHFS_TEST_MAIN
