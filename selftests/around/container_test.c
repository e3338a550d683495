// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mount used in a container: a user and mount namespace whose root is an
 * ordinary user outside, and gains nothing over the branches.
 */
#include "switchfs_test.h"

#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

FIXTURE(container) {
	struct world w;
};

FIXTURE_VARIANT(container) {
	bool bare;		/* the branch itself: proves the test */
	const char *creds;
};

FIXTURE_VARIANT_ADD(container, bare) { .bare = true };
FIXTURE_VARIANT_ADD(container, mounter) { .creds = "mounter" };
FIXTURE_VARIANT_ADD(container, caller) { .creds = "caller" };

FIXTURE_SETUP(container)
{
	if (!variant->bare)
		NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(ext4_mount(&self->w, fmt("%s/disk", self->w.work)));
	if (variant->bare) {
		DOES(bind_mount("disk", "mnt"));
	} else {
		ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("a=%s/disk", self->w.work),
					    "creds", variant->creds, END))
			TH_LOG("%s", mount_log);
	}
	/* A folder of the container's root, and others' files. */
	ASSERT_OK(mkdir("disk/home", 0755));
	ASSERT_OK(chown("disk/home", SOMEONE, SOMEONE));
	DOES(put("disk/of-root", "secret"));
	ASSERT_OK(chmod("disk/of-root", 0600));
	DOES(put("disk/of-else", "secret"));
	ASSERT_OK(chown("disk/of-else", SOMEONE_ELSE, SOMEONE_ELSE));
	ASSERT_OK(chmod("disk/of-else", 0600));
}

FIXTURE_TEARDOWN(container)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		umount2("disk", MNT_DETACH);
	}
	world_leave(&self->w);
}

/* Runs ACT as root of a container, which is user SOMEONE outside; its result. */
static int contained(int (*act)(void))
{
	int ready[2], go[2], status;
	char byte = 'n';
	pid_t pid;

	if (pipe(ready) || pipe(go))
		return -1;
	pid = fork();
	if (!pid) {
		if (setresgid(SOMEONE, SOMEONE, SOMEONE) ||
		    setresuid(SOMEONE, SOMEONE, SOMEONE) ||
		    unshare(CLONE_NEWUSER | CLONE_NEWNS))
			_exit(200);
		write(ready[1], "r", 1);
		if (read(go[0], &byte, 1) != 1 || setgid(0) || setuid(0))
			_exit(201);
		_exit(act());
	}
	read(ready[0], &byte, 1);
	put(fmt("/proc/%d/setgroups", pid), "deny");
	put(fmt("/proc/%d/gid_map", pid), fmt("0 %d 1\n", SOMEONE));
	put(fmt("/proc/%d/uid_map", pid), fmt("0 %d 1\n", SOMEONE));
	write(go[1], "g", 1);
	waitpid(pid, &status, 0);
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 202;
}

/* Which step of a run in the container failed is its exit status. */
#define STEP(condition)	do { if (!(condition)) return __LINE__ % 199 + 1; } while (0)

static int uses_its_own(void)
{
	int fd;

	STEP(!put("mnt/home/f", "text"));
	STEP(stat_of("mnt/home/f").st_uid == 0);
	STEP(!strcmp(get("mnt/home/f"), "text"));
	STEP(!mkdir("mnt/home/d", 0755));
	STEP(!rename("mnt/home/f", "mnt/home/d/g"));
	STEP(!link("mnt/home/d/g", "mnt/home/h"));
	STEP(!chmod("mnt/home/h", 0600));
	STEP(!setxattr("mnt/home/h", "user.a", "v", 1, 0));
	STEP(!chown("mnt/home/h", 0, 0));
	fd = open("mnt/home/h", O_RDWR | O_NOATIME);
	STEP(fd >= 0);
	STEP(write(fd, "more", 4) == 4);
	STEP(!unlink("mnt/home/h"));
	STEP(!strcmp(names_in("mnt/home"), "d"));
	/* A part of it, bound elsewhere in its namespace. */
	STEP(!mount("t", "disk", "tmpfs", 0, NULL) || errno == EPERM || errno == EACCES);
	STEP(!mount("mnt/home", "mnt/home/d", NULL, MS_BIND, NULL));
	STEP(!put("mnt/home/d/bound", ""));
	STEP(present("mnt/home/bound"));
	STEP(!umount2("mnt/home/d", 0));
	return 0;
}

TEST_F(container, its_root_uses_what_belongs_to_it)
{
	EXPECT_EQ(0, contained(uses_its_own));
	EXPECT_EQ(SOMEONE, stat_of("disk/home/d").st_uid);
	EXPECT_EQ(SOMEONE, stat_of("disk/home/bound").st_gid);
}

static int reaches_for_others(void)
{
	int fd, flags = FS_IMMUTABLE_FL;
	char value[8];

	STEP(opens("mnt/of-root", O_RDONLY) == EACCES);
	STEP(opens("mnt/of-else", O_RDWR) == EACCES);
	STEP(opens("mnt/new", O_CREAT | O_WRONLY) == EACCES);
	STEP(ERR(unlink("mnt/of-root")) == EACCES);
	STEP(ERR(rename("mnt/of-root", "mnt/home/x")) == EACCES);
	STEP(ERR(chmod("mnt/of-root", 0666)) == EPERM);
	STEP(ERR(chown("mnt/of-root", 0, 0)) == EPERM);
	STEP(ERR(truncate("mnt/of-root", 0)) == EACCES);
	STEP(ERR(link("mnt/of-root", "mnt/home/x")) != 0);
	STEP(stat_of("mnt/of-root").st_uid == 65534);
	/* Nor can it make its own objects into more than it is. */
	STEP(!put("mnt/home/f", ""));
	STEP(ERR(chown("mnt/home/f", 1, -1)) == EINVAL);
	STEP(ERR(mknod("mnt/home/dev", S_IFCHR | 0666, makedev(1, 3))) == EPERM);
	STEP(ERR(setxattr("mnt/home/f", "trusted.a", "v", 1, 0)) == EPERM);
	STEP(ERR(getxattr("mnt/home/f", "trusted.a", value, 8)) == ENODATA);
	fd = open("mnt/home/f", O_RDONLY);
	STEP(ERR(ioctl(fd, FS_IOC_SETFLAGS, &flags)) == EPERM);
	return 0;
}

TEST_F(container, its_root_gains_nothing_over_others)
{
	EXPECT_EQ(0, contained(reaches_for_others));
	EXPECT_EQ(0, stat_of("disk/of-root").st_uid);
	EXPECT_STREQ("secret", get("disk/of-root"));
}

static int mounts_and_remounts(void)
{
	STEP(ERR(umount2("mnt", 0)) == EINVAL);
	STEP(ERR(mount(NULL, "mnt", NULL, MS_REMOUNT | MS_NOSUID, NULL)) == EPERM);
	STEP(switchfs_mount("mnt/home", "branch", "a=/", END) == EPERM);
	STEP(ERR(mount("none", "mnt/home", "switchfs", 0, "branches=/")) == EPERM);
	return 0;
}

TEST_F(container, its_root_mounts_and_remounts_nothing)
{
	if (variant->bare && !switchfs_present())
		SKIP(return, "no switchfs to refuse anything");
	EXPECT_EQ(0, contained(mounts_and_remounts));
}

static int runs_program(void)
{
	int status = runs("mnt/prog", 0);

	return status;
}

TEST_F(container, set_user_id_programs_of_strangers_do_not_count)
{
	DOES(put_program("disk/prog"));
	ASSERT_OK(chmod("disk/prog", 04755));
	/* Root outside is nobody inside: the bit is ignored, it runs as its caller. */
	EXPECT_EQ(10, contained(runs_program));
	ASSERT_OK(chown("disk/prog", SOMEONE, SOMEONE));
	ASSERT_OK(chmod("disk/prog", 04755));
	EXPECT_EQ(10, contained(runs_program));
}

SWITCHFS_TEST_MAIN
