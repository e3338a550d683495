// SPDX-License-Identifier: GPL-2.0-only
/*
 * A branch of a user namespace that is not ours: whoever rules there has no
 * rights here, whatever bits its objects have.
 */
#include "switchfs_test.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/xattr.h>

FIXTURE(foreign) {
	struct world w;
};

FIXTURE_VARIANT(foreign) {
	bool bare;		/* the foreign filesystem itself: proves the test */
	bool moved;		/* only the data comes from there */
};

FIXTURE_VARIANT_ADD(foreign, bare) { .bare = true };
FIXTURE_VARIANT_ADD(foreign, branch) { .bare = false };
FIXTURE_VARIANT_ADD(foreign, routed) { .moved = true };

static void send_fd(int to, int fd)
{
	char room[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 'f';
	struct iovec iov = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	sendmsg(to, &m, 0);
}

static int receive_fd(int from)
{
	char room[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (!c)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

/* A tmpfs that another user namespace owns, mounted at AT; 0 or an errno. */
static int foreign_mount(const char *at)
{
	int s[2], go[2], fs, mnt, err = 0;
	char byte;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) || pipe(go))
		return errno;
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			_exit(1);
		write(s[1], "u", 1);
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
		fsconfig(fs, FSCONFIG_SET_STRING, "mode", "755", 0);
		fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
		mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
		if (mnt >= 0)
			send_fd(s[1], mnt);
		_exit(mnt < 0);
	}
	close(s[1]);
	if (read(s[0], &byte, 1) != 1)
		err = EPERM;
	/* The same ids: only the owner of the namespace differs. */
	err = err ?: put(fmt("/proc/%d/uid_map", pid), "0 0 100000\n") ?:
		put(fmt("/proc/%d/gid_map", pid), "0 0 100000\n");
	write(go[1], "g", 1);
	mnt = err ? -1 : receive_fd(s[0]);
	waitpid(pid, NULL, 0);
	if (mnt < 0)
		return err ?: EPERM;
	return make_path(at) ?: ERR(move_mount(mnt, "", AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH));
}

FIXTURE_SETUP(foreign)
{
	int err;

	if (!variant->bare)
		NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(make_path("hot"));
	err = foreign_mount("theirs");
	ASSERT_EQ(0, err) TH_LOG("%s", strerror(err));
	DOES(put_program("theirs/prog"));
	ASSERT_OK(mknod("theirs/zero", S_IFCHR | 0666, makedev(1, 5)));
	if (variant->bare) {
		DOES(bind_mount("theirs", "mnt"));
		return;
	}
	if (variant->moved) {
		DOES(put_program("hot/prog"));
		ASSERT_OK(mknod("hot/zero", S_IFCHR | 0666, makedev(1, 5)));
	}
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("hot=%s/hot", self->w.work), "branch",
				    fmt("theirs=%s/theirs", self->w.work), "rule",
				    variant->moved ? "op=data path=/** -> theirs" :
						     "path=/** -> theirs", END))
		TH_LOG("%s", mount_log);
}

FIXTURE_TEARDOWN(foreign)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		umount2("theirs", MNT_DETACH);
	}
	world_leave(&self->w);
}

TEST_F(foreign, set_id_bits_are_not_honoured)
{
	ASSERT_OK(chmod("theirs/prog", 06755));
	if (variant->moved)
		ASSERT_OK(chmod("hot/prog", 06755));
	EXPECT_EQ((10 + SOMEONE) & 255, runs("mnt/prog", SOMEONE));
	EXPECT_EQ(10, runs("mnt/prog", 0));
}

TEST_F(foreign, devices_are_not_opened)
{
	if (variant->moved)
		return;
	EXPECT_EQ(EACCES, opens("mnt/zero", O_RDONLY));
	EXPECT_EQ(EACCES, opens("mnt/zero", O_RDWR));
}

static int give_capability(const char *path)
{
	struct vfs_cap_data data = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1 << CAP_SETUID,
	};

	return ERR(setxattr(path, "security.capability", &data, XATTR_CAPS_SZ_2, 0));
}

TEST_F(foreign, capabilities_of_files_are_not_honoured)
{
	struct vfs_cap_data data;

	/* A file of our own, to know that they can be had at all. */
	DOES(put_tool("own", "show_caps"));
	DOES(give_capability("own"));
	EXPECT_EQ(11, runs("own", SOMEONE));
	DOES(put_tool("theirs/prog", "show_caps"));
	DOES(give_capability("theirs/prog"));
	if (variant->moved) {
		DOES(put_tool("hot/prog", "show_caps"));
		DOES(give_capability("hot/prog"));
	}
	EXPECT_EQ(10, runs("mnt/prog", SOMEONE));
	if (!variant->bare && !variant->moved)
		EXPECT_ERR(ENODATA, getxattr("mnt/prog", "security.capability", &data,
					     sizeof(data)));
}

SWITCHFS_TEST_MAIN
