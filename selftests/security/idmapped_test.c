// SPDX-License-Identifier: GPL-2.0-only
/* A branch on an idmapped mount: its mapping holds through switchfs. */
#include "switchfs_test.h"

#include <sched.h>
#include <sys/syscall.h>

/* Ids 0 to 999 on disk are these in the mount, and no others exist. */
#define BASE 100000

FIXTURE(idmapped) {
	struct world w;
};

FIXTURE_VARIANT(idmapped) {
	bool bare;		/* the idmapped mount itself: proves the test */
};

FIXTURE_VARIANT_ADD(idmapped, bare) { .bare = true };
FIXTURE_VARIANT_ADD(idmapped, branch) { .bare = false };

/* A user namespace with that mapping, as a descriptor; or minus an errno. */
static int mapping(void)
{
	int ready[2], fd = -1, err = 0;
	const char *map = fmt("0 %d 1000\n", BASE);
	char byte;
	pid_t pid;

	if (pipe(ready))
		return -errno;
	pid = fork();
	if (!pid) {
		byte = unshare(CLONE_NEWUSER) ? 'n' : 'y';
		write(ready[1], &byte, 1);
		pause();
		_exit(0);
	}
	if (read(ready[0], &byte, 1) != 1 || byte != 'y')
		err = EPERM;
	if (!err)
		err = put(fmt("/proc/%d/uid_map", pid), map) ?:
		      put(fmt("/proc/%d/gid_map", pid), map);
	if (!err) {
		fd = open(fmt("/proc/%d/ns/user", pid), O_RDONLY | O_CLOEXEC);
		err = fd < 0 ? errno : 0;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	return err ? -err : fd;
}

static int idmap(const char *from, const char *to)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int ns = mapping(), tree, err = 0;

	if (ns < 0)
		return -ns;
	attr.userns_fd = ns;
	tree = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 ||
	    syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ||
	    move_mount(tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH))
		err = errno;
	if (tree >= 0)
		close(tree);
	close(ns);
	return err;
}

FIXTURE_SETUP(idmapped)
{
	if (!variant->bare)
		NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(make_path("mapped"));
	DOES(ext4_mount(&self->w, fmt("%s/disk", self->w.work)));
	ASSERT_OK(chmod("disk", 0777));
	DOES(put("disk/f", "text"));
	ASSERT_OK(chown("disk/f", 5, 6));
	ASSERT_OK(chmod("disk/f", 0640));
	DOES(idmap("disk", "mapped"));
	if (variant->bare) {
		DOES(bind_mount("mapped", "mnt"));
		return;
	}
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
				    fmt("a=%s/mapped", self->w.work), END))
		TH_LOG("%s", mount_log);
}

FIXTURE_TEARDOWN(idmapped)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		umount2("mapped", MNT_DETACH);
		umount2("disk", MNT_DETACH);
	}
	world_leave(&self->w);
}

TEST_F(idmapped, owners_are_those_of_the_mapping)
{
	struct stat st = stat_of("mnt/f");

	EXPECT_EQ(BASE + 5, st.st_uid);
	EXPECT_EQ(BASE + 6, st.st_gid);
	EXPECT_EQ(0, AS_USER(BASE + 5, open("mnt/f", O_RDWR)));
	EXPECT_EQ(0, AS_USER(BASE + 6, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(BASE + 6, open("mnt/f", O_RDWR)));
	EXPECT_EQ(EACCES, AS_USER(5, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(0, AS_USER(BASE + 5, chmod("mnt/f", 0600)));
	EXPECT_EQ(S_IFREG | 0600, stat_of("disk/f").st_mode);
}

TEST_F(idmapped, new_objects_are_mapped_back)
{
	EXPECT_EQ(0, AS_USER(BASE + 7, open("mnt/g", O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(0, AS_USER(BASE + 7, mkdir("mnt/d", 0700)));
	EXPECT_EQ(7, stat_of("disk/g").st_uid);
	EXPECT_EQ(7, stat_of("disk/d").st_gid);
	EXPECT_EQ(BASE + 7, stat_of("mnt/g").st_uid);
	/* Nobody outside the mapping can own anything there. */
	EXPECT_EQ(EOVERFLOW, AS_USER(SOMEONE, open("mnt/h", O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(EOVERFLOW, AS_USER(SOMEONE, mkdir("mnt/h", 0700)));
	EXPECT_FALSE(present("disk/h"));
}

TEST_F(idmapped, owners_are_changed_through_the_mapping)
{
	EXPECT_OK(chown("mnt/f", BASE + 8, BASE + 9));
	EXPECT_EQ(8, stat_of("disk/f").st_uid);
	EXPECT_EQ(9, stat_of("disk/f").st_gid);
	EXPECT_ERR(EOVERFLOW, chown("mnt/f", SOMEONE, -1));
	EXPECT_EQ(8, stat_of("disk/f").st_uid);
}

SWITCHFS_TEST_MAIN
