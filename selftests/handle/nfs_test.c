// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exported by the kernel's NFS server, and mounted again over the loopback of
 * a network namespace (nfs.h).
 */
#include "handles.h"
#include "nfs.h"
#include "site.h"

#include <linux/nfsd/export.h>
#include <sys/time.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_EXT4 };

/* What any client does; names in ".c" may be another branch's. */
static void use(struct __test_metadata *_metadata)
{
	struct stat before;
	int fd, i;

	DOES(put("client/f", "one"));
	DOES(put("client/x.c", "c"));
	EXPECT_STREQ("one", get("mnt/f"));
	EXPECT_STREQ("c", get("mnt/x.c"));
	ASSERT_OK(mkdir("client/d", 0755));
	ASSERT_OK(mkdir("client/d/e", 0750));
	DOES(put("client/d/e/g", "deep"));
	DOES(put("client/d/e/y.c", "deep c"));
	ASSERT_OK(symlink("f", "client/s"));
	EXPECT_STREQ("one", get("client/s"));
	ASSERT_OK(link("client/f", "client/h"));
	EXPECT_EQ(2, stat_of("client/h").st_nlink);
	EXPECT_EQ(stat_of("client/f").st_ino, stat_of("client/h").st_ino);
	EXPECT_EQ(stat_of("mnt/f").st_ino, stat_of("client/h").st_ino);
	ASSERT_OK(rename("client/f", "client/d/moved"));
	EXPECT_STREQ("one", get("client/d/moved"));
	EXPECT_STREQ("one", get("mnt/d/moved"));
	ASSERT_OK(chmod("client/h", 0600));
	EXPECT_EQ(S_IFREG | 0600, stat_of("mnt/h").st_mode);
	ASSERT_OK(truncate("client/h", 2));
	EXPECT_STREQ("on", get("mnt/h"));
	ASSERT_OK(mkfifo("client/p", 0600));
	EXPECT_EQ(S_IFIFO | 0600, stat_of("mnt/p").st_mode);

	/* An open file goes on when the server has forgotten it. */
	fd = open("client/d/e/g", O_RDWR);
	ASSERT_LE(0, fd);
	before = stat_of("client/d/e/g");
	drop_caches();
	ASSERT_EQ(4, pwrite(fd, "DEEP", 4, 0));
	ASSERT_OK(fsync(fd));
	EXPECT_STREQ("DEEP", get("mnt/d/e/g"));
	ASSERT_OK(close(fd));
	drop_caches();
	EXPECT_STREQ("DEEP", get("client/d/e/g"));
	EXPECT_STREQ("deep c", get("client/d/e/y.c"));
	EXPECT_EQ(before.st_ino, stat_of("client/d/e/g").st_ino);
	EXPECT_STREQ("e moved", names_in("client/d"));
	EXPECT_STREQ("d h p s x.c", names_in("client"));

	for (i = 0; i < 150; i++)
		DOES(put(fmt("mnt/d/e/%d-%0100d", i, i), ""));
	ASSERT_OK(utimes("client/d/e", NULL));
	EXPECT_EQ(152, count_in("client/d/e"));
	for (i = 0; i < 150; i++)
		ASSERT_OK(unlink(fmt("mnt/d/e/%d-%0100d", i, i)));
	ASSERT_OK(unlink("client/d/e/g"));
	ASSERT_OK(unlink("client/d/e/y.c"));
	ASSERT_OK(rmdir("client/d/e"));
	ASSERT_OK(unlink("client/d/moved"));
	EXPECT_STREQ("", names_in("mnt/d"));
	EXPECT_EQ(ENOENT, ERR(access("client/absent", F_OK)));
}

#define NEED_NFS()							\
	do {								\
		pid_t __pid = nfs_tracker();				\
		int __err = nfs_serve(site_path(&self->site, "mnt"),	\
				      "client", flags);			\
									\
		tracker = __pid;					\
		ASSERT_EQ(0, __err);					\
	} while (0)

TEST_F_TIMEOUT(site, branch_is_exported, 60)
{
	int flags = NFSEXP_NOSUBTREECHECK, log = klog_open();
	pid_t tracker;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	NEED_NFS();
	use(_metadata);
	EXPECT_EQ(S_IFREG | 0600, stat_of("hot/h").st_mode);
	nfs_end(tracker, "client");
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_STREQ("", klog_complaints(log, true));
}

TEST_F_TIMEOUT(site, routed_names_are_exported_and_refused_ones_are_not, 60)
{
	const char *const options[] = { "--timeout=60", "--handles=yes", NULL };
	int flags = NFSEXP_NOSUBTREECHECK, log = klog_open();
	pid_t tracker;

	DOES(server_start(&self->site.s, site_path(&self->site, "fuse"), options));
	DOES(put("hot/secret", "secret"));
	DOES(put("hot/shut", "shut"));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch",
				    fmt("fuse=%s", site_path(&self->site, "fuse")),
				    "rule", "path=/secret -> deny",
				    "rule", "op=readdir+lookup path=/shut -> deny:EPERM",
				    "rule", "path=/d/e/*.c -> fuse", END))
		TH_LOG("%s", mount_log);
	NEED_NFS();
	EXPECT_EQ(EACCES, opens("client/secret", O_RDONLY));
	EXPECT_EQ(EPERM, ERR(access("client/shut", F_OK)));
	ASSERT_OK(unlink("hot/secret"));
	ASSERT_OK(unlink("hot/shut"));
	use(_metadata);
	nfs_end(tracker, "client");
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_STREQ("", klog_complaints(log, true));
}

/*
 * A client comes back with the position of an entry, to a directory that the
 * server has opened anew.
 */
TEST_F_TIMEOUT(site, long_directory_of_two_branches_is_listed_whole, 60)
{
	const char *const options[] = { "--timeout=60", "--handles=yes", NULL };
	int flags = NFSEXP_NOSUBTREECHECK, i;
	const int each = 300;
	pid_t tracker;

	DOES(server_start(&self->site.s, site_path(&self->site, "fuse"), options));
	for (i = 0; i < each; i++) {
		DOES(put(fmt("hot/%d-%0150d", i, i), ""));
		DOES(put(fmt("fuse-source/%d-%0150d.c", i, i), ""));
	}
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch",
				    fmt("fuse=%s", site_path(&self->site, "fuse")),
				    "rule", "name=*.c -> fuse", END));
	ASSERT_EQ(2 * each, count_in("mnt"));
	NEED_NFS();
	EXPECT_EQ(2 * each, count_in("client"));
	drop_caches();
	EXPECT_EQ(2 * each, count_in("client"));
	nfs_end(tracker, "client");
	ASSERT_OK(umount2("mnt", 0));
}

TEST_F_TIMEOUT(site, subtree_check_finds_the_path, 60)
{
	int flags = 0, fd;
	pid_t tracker;

	DOES(make_path("hot/d/e"));
	DOES(put("hot/d/e/f", "f"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	NEED_NFS();
	fd = open("client/d/e/f", O_RDWR);
	ASSERT_LE(0, fd);
	drop_caches();
	ASSERT_EQ(1, pwrite(fd, "F", 1, 0));
	ASSERT_OK(fsync(fd));
	ASSERT_OK(close(fd));
	EXPECT_STREQ("F", get("hot/d/e/f"));
	EXPECT_STREQ("F", get("client/d/e/f"));
	nfs_end(tracker, "client");
	ASSERT_OK(umount2("mnt", 0));
}

TEST_F(site, branch_without_handles_is_not_exported)
{
	DOES(make_path("bare"));
	ASSERT_OK(mount("ramfs", "bare", "ramfs", 0, NULL));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
				    fmt("bare=%s", site_path(&self->site, "bare")), END));
	EXPECT_EQ(EINVAL, nfs_serve(site_path(&self->site, "mnt"), "client",
				    NFSEXP_NOSUBTREECHECK));
	nfs_end(0, "client");
	ASSERT_OK(umount2("mnt", 0));
	umount2("bare", MNT_DETACH);
}

SWITCHFS_TEST_MAIN
