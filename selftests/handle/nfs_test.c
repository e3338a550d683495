// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exported by the kernel's NFS server, and mounted again over the loopback of
 * a network namespace. Without nfs-utils: the test writes the export tables,
 * and answers the server's questions about clients before the boot itself.
 */
#include "handles.h"
#include "site.h"

#include <linux/nfsd/cld.h>
#include <linux/nfsd/export.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_EXT4 };

#define NEVER "2147483647"

/* The whole of TEXT in one write; 0 or an errno. */
static int tell(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

static int loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = ERR(ioctl(s, SIOCSIFFLAGS, &ifr));

	close(s);
	return err;
}

/* No client had anything before: every question is answered so. */
static pid_t start_tracker(void)
{
	pid_t parent = getpid(), pid = fork();
	struct pollfd pipe = { .fd = -1, .events = POLLIN };
	char msg[4096];
	ssize_t n;

	if (pid)
		return pid;
	while (getppid() == parent && pipe.fd < 0) {
		pipe.fd = open("pipes/nfsd/cld", O_RDWR | O_NONBLOCK | O_CLOEXEC);
		usleep(10000);
	}
	while (getppid() == parent) {
		struct cld_msg *m = (struct cld_msg *)msg;

		if (poll(&pipe, 1, 100) < 1)
			continue;
		n = read(pipe.fd, msg, sizeof(msg));
		if (n < (ssize_t)sizeof(struct cld_msg_hdr))
			continue;
		m->cm_status = 0;
		/* Read as the answer to only one of the questions. */
		m->cm_u.cm_version = 1;
		if (write(pipe.fd, msg, n) != n)
			break;
	}
	_exit(0);
}

/* Exports mnt as the root of NFS, with more export flags, and mounts it at client. */
static int serve(const struct site *site, int flags)
{
	const char *root = site_path(site, "mnt");

	if (unshare(CLONE_NEWNET))
		return errno;
	if (system("modprobe -qa nfsd nfsv4"))
		return ENOPKG;
	return loopback_up() ?:
	       make_path("nfsd") ?: make_path("pipes") ?: make_path("client") ?:
	       ERR(mount("pipes", "pipes", "rpc_pipefs", 0, NULL)) ?:
	       ERR(mount("nfsd", "nfsd", "nfsd", 0, NULL)) ?:
	       tell("/proc/net/rpc/auth.unix.ip/channel",
		    "nfsd 127.0.0.1 " NEVER " self\n") ?:
	       tell("/proc/net/rpc/nfsd.export/channel",
		    fmt("self %s " NEVER " %d 65534 65534 0\n", root,
			NFSEXP_FSID | NFSEXP_INSECURE_PORT | flags)) ?:
	       tell("/proc/net/rpc/nfsd.fh/channel",
		    fmt("self 1 \\x00000000 " NEVER " %s\n", root)) ?:
	       tell("nfsd/versions", "-3 +4 +4.1 +4.2\n") ?:
	       tell("nfsd/portlist", "tcp 2049\n") ?:
	       tell("nfsd/threads", "2\n") ?:
	       ERR(mount("127.0.0.1:/", "client", "nfs4", 0,
			 "vers=4.2,proto=tcp,addr=127.0.0.1,clientaddr=127.0.0.1,sec=sys"));
}

static void end(pid_t tracker)
{
	umount2("client", MNT_FORCE);
	umount2("client", MNT_DETACH);
	tell("nfsd/threads", "0\n");
	tell("/proc/net/rpc/nfsd.export/flush", "1\n");
	if (tracker > 0) {
		kill(tracker, SIGKILL);
		waitpid(tracker, NULL, 0);
	}
	umount2("nfsd", MNT_DETACH);
	umount2("pipes", MNT_DETACH);
}

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
		pid_t __pid = start_tracker();				\
		int __err = serve(&self->site, flags);			\
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
	end(tracker);
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
	end(tracker);
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_STREQ("", klog_complaints(log, true));
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
	end(tracker);
	ASSERT_OK(umount2("mnt", 0));
}

TEST_F(site, branch_without_handles_is_not_exported)
{
	DOES(make_path("bare"));
	ASSERT_OK(mount("ramfs", "bare", "ramfs", 0, NULL));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch",
				    fmt("bare=%s", site_path(&self->site, "bare")), END));
	EXPECT_EQ(EINVAL, serve(&self->site, NFSEXP_NOSUBTREECHECK));
	end(0);
	ASSERT_OK(umount2("mnt", 0));
	umount2("bare", MNT_DETACH);
}

SWITCHFS_TEST_MAIN
