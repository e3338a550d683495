// SPDX-License-Identifier: GPL-2.0-only
/* What a caller is told of hidden names by listings, handles and descriptors. */
#include "handles.h"
#include "site.h"

#include <dirent.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_FUSE };

#define FILES 40

static int mount_hiding(struct site *site, const char *home)
{
	return SITE_MOUNT(site, "default", home, "rule", "name=secret* uid=1000 -> hide",
			  "rule", "name=secret* gid=2000 -> hide");
}

/* All that getdents64 tells of DIR, positions and all; how many bytes. */
static long raw_listing(const char *dir, char *to, long room)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long len = 0, n = 1;

	while (fd >= 0 && n > 0) {
		n = syscall(SYS_getdents64, fd, to + len, room - len);
		len += n > 0 ? n : 0;
	}
	if (fd >= 0)
		close(fd);
	return fd < 0 || n < 0 ? -1 : len;
}

static const char *home_of(const struct site *site)
{
	return site->s.source[0] ? "cold" : "hot";
}

static const char *at_home(const struct site *site, const char *name)
{
	return fmt("%s/%s", site->s.source[0] ? "cold-source" : "hot", name);
}

TEST_F(site, listing_is_the_same_with_and_without)
{
	static char with[16384], without[16384];
	long n, m;
	int i;

	ASSERT_OK(mkdir(at_home(&self->site, "d"), 0777));
	for (i = 0; i < FILES; i++)
		DOES(put(at_home(&self->site, fmt("d/f%d", i)), ""));
	DOES(put(at_home(&self->site, "d/secret"), "s"));
	DOES(put(at_home(&self->site, "d/secret2"), "s"));
	DOES(put(at_home(&self->site, "d/last"), ""));
	ASSERT_EQ(0, mount_hiding(&self->site, home_of(&self->site))) TH_LOG("%s", mount_log);
	EXPECT_EQ(FILES + 3, count_in("mnt/d"));
	user_become(SOMEONE);
	EXPECT_EQ(FILES + 1, count_in("mnt/d"));
	n = raw_listing("mnt/d", with, sizeof(with));
	user_return();
	ASSERT_OK(unlink("mnt/d/secret"));
	ASSERT_OK(unlink("mnt/d/secret2"));
	user_become(SOMEONE);
	m = raw_listing("mnt/d", without, sizeof(without));
	user_return();
	EXPECT_LT(0, n);
	/* A server's positions are places in its own listing. */
	if (!variant->parts) {
		EXPECT_EQ(n, m);
		EXPECT_EQ(0, memcmp(with, without, n));
	}
	EXPECT_EQ(FILES + 1, count_in("mnt/d"));
}

TEST_F(site, every_position_leads_on_past_the_hidden)
{
	struct dirent *e;
	long at[FILES + 8];
	char names[FILES + 8][32];
	int i, n = 0;
	DIR *d;

	for (i = 0; i < FILES; i++)
		DOES(put(at_home(&self->site, fmt("%s%d", i % 3 ? "f" : "secret", i)), ""));
	ASSERT_EQ(0, mount_hiding(&self->site, home_of(&self->site)));
	user_become(SOMEONE);
	d = opendir("mnt");
	user_return();
	ASSERT_NE(NULL, d);
	while (n < FILES + 8) {
		at[n] = telldir(d);
		e = readdir(d);
		if (!e)
			break;
		EXPECT_NE(0, strncmp(e->d_name, "secret", 6)) TH_LOG("%s", e->d_name);
		snprintf(names[n++], 32, "%s", e->d_name);
	}
	EXPECT_EQ(2 + FILES - (FILES + 2) / 3, n);
	for (i = n - 1; i >= 0; i--) {
		seekdir(d, at[i]);
		e = readdir(d);
		ASSERT_NE(NULL, e);
		EXPECT_STREQ(names[i], e->d_name);
	}
	closedir(d);
}

TEST_F(site, handle_of_the_owner_opens_for_the_owner_only)
{
	gid_t group = 2000;
	struct handle h, gone;

	if (variant->parts)
		return;
	DOES(put("hot/secret", "s"));
	DOES(put("hot/secret2", "s"));
	ASSERT_EQ(0, mount_hiding(&self->site, "hot"));
	DOES(handle_of("mnt/secret", &h));
	DOES(handle_of("mnt/secret2", &gone));
	ASSERT_OK(unlink("mnt/secret2"));
	EXPECT_STREQ("s", handle_get("mnt", &h));
	ASSERT_OK(setgroups(1, &group));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_PATH));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &gone, O_RDONLY));
	drop_caches();
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
	ASSERT_OK(setgroups(0, NULL));
	EXPECT_STREQ("s", handle_get("mnt", &h));
}

/* By a descriptor that somebody else opened, as a caller to whom its name is hidden. */
TEST_F(site, descriptor_reads_for_its_opener_but_its_attributes_are_the_callers)
{
	const char *by_proc;
	struct stat st;
	char buf[8] = "";
	int fd;

	DOES(put(at_home(&self->site, "secret"), "data"));
	ASSERT_OK(chmod(at_home(&self->site, "secret"), 0666));
	ASSERT_OK(lchown(at_home(&self->site, "secret"), SOMEONE, SOMEONE));
	ASSERT_EQ(0, mount_hiding(&self->site, home_of(&self->site)));
	fd = open("mnt/secret", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	by_proc = fmt("/proc/self/fd/%d", fd);
	user_become(SOMEONE);
	EXPECT_EQ(4, pread(fd, buf, 8, 0));
	EXPECT_EQ(1, pwrite(fd, "D", 1, 0));
	EXPECT_ERR(ENOENT, fstat(fd, &st));
	EXPECT_ERR(ENOENT, fchmod(fd, 0600));
	EXPECT_ERR(ENOENT, fchown(fd, -1, SOMEONE));
	EXPECT_ERR(ENOENT, futimens(fd, NULL));
	EXPECT_ERR(ENOENT, fgetxattr(fd, "user.a", buf, 8));
	EXPECT_ERR(ENOENT, flistxattr(fd, buf, 8));
	EXPECT_ERR(ENOENT, fsetxattr(fd, "user.a", "a", 1, 0));
	EXPECT_ERR(ENOENT, fremovexattr(fd, "user.a"));
	EXPECT_EQ(ENOENT, opens(by_proc, O_RDONLY));
	EXPECT_ERR(ENOENT, stat(by_proc, &st));
	EXPECT_ERR(ENOENT, chmod(by_proc, 0600));
	EXPECT_ERR(ENOENT, truncate(by_proc, 0));
	user_return();
	EXPECT_OK(fstat(fd, &st));
	EXPECT_EQ(0666, st.st_mode & 07777);
	EXPECT_EQ(4, st.st_size);
	close(fd);
	EXPECT_STREQ("Data", get("mnt/secret"));
}

static int pass(int socket, int fd)
{
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = "";
	struct iovec io = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = room,
		.msg_controllen = sizeof(room),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return ERR(sendmsg(socket, &msg, 0));
}

static int receive(int socket)
{
	char byte, room[CMSG_SPACE(sizeof(int))] = "";
	struct iovec io = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = room,
		.msg_controllen = sizeof(room),
	};
	int fd = -1;

	if (recvmsg(socket, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static int become_for_good(uid_t uid)
{
	return setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid);
}

/* The names that an open directory gives from its beginning. */
static int names_by(int fd, char names[256])
{
	DIR *d = fdopendir(fd);
	struct dirent *e;

	names[0] = '\0';
	if (!d)
		return errno;
	rewinddir(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			snprintf(names + strlen(names), 256 - strlen(names), "%s ", e->d_name);
	closedir(d);
	return 0;
}

/* Opens NAME as UID in another process and hands the descriptor over. */
static int opened_by(uid_t uid, const char *path, int flags)
{
	int pair[2], fd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		return -1;
	pid = fork();
	if (!pid) {
		if (become_for_good(uid))
			_exit(1);
		_exit(pass(pair[0], open(path, flags)));
	}
	close(pair[0]);
	fd = receive(pair[1]);
	close(pair[1]);
	waitpid(pid, NULL, 0);
	return fd;
}

TEST_F(site, passed_on_descriptors_keep_their_openers_view)
{
	char names[256], buf[8] = "";
	int owners, hiding, file;

	ASSERT_OK(mkdir(at_home(&self->site, "d"), 0777));
	DOES(put(at_home(&self->site, "d/a"), "a"));
	DOES(put(at_home(&self->site, "d/secret"), "s"));
	ASSERT_EQ(0, mount_hiding(&self->site, home_of(&self->site)));
	hiding = opened_by(SOMEONE, "mnt/d", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, hiding);
	DOES(names_by(hiding, names));
	EXPECT_STREQ("a ", names);
	owners = opened_by(SOMEONE_ELSE, "mnt/d", O_RDONLY | O_DIRECTORY);
	file = opened_by(SOMEONE_ELSE, "mnt/d/secret", O_RDONLY);
	ASSERT_LE(0, owners);
	ASSERT_LE(0, file);
	user_become(SOMEONE);
	EXPECT_EQ(1, read(file, buf, 8));
	/* A lookup is the caller's own. */
	EXPECT_ERR(ENOENT, openat(owners, "secret", O_RDONLY));
	DOES(names_by(owners, names));
	user_return();
	EXPECT_NE(NULL, strstr(names, "secret "));
	EXPECT_NE(NULL, strstr(names, "a "));
	close(file);
}

/* A path rule must not be shaken off by giving a directory above another name. */
TEST_F(site, renaming_a_parent_shows_nothing_new)
{
	ASSERT_OK(chmod(at_home(&self->site, ""), 0777));
	ASSERT_OK(mkdir(at_home(&self->site, "a"), 0777));
	ASSERT_OK(lchown(at_home(&self->site, "a"), SOMEONE, SOMEONE));
	DOES(put(at_home(&self->site, "a/key"), "s"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "default", home_of(&self->site),
				"rule", "path=/a/key uid=1000 -> hide",
				"rule", "path=/b/key uid=1001 -> deny"));
	EXPECT_EQ(ENOENT, AS_USER(SOMEONE, lstat("mnt/a/key", &(struct stat){})));
	EXPECT_EQ(EXDEV, AS_USER(SOMEONE, rename("mnt/a", "mnt/c")));
	EXPECT_EQ(ENOENT, AS_USER(SOMEONE, lstat("mnt/c/key", &(struct stat){})));
	EXPECT_TRUE(present("mnt/a/key"));
}

TEST_F(site, other_link_is_what_its_own_name_is)
{
	DOES(put(at_home(&self->site, "secret"), "s"));
	ASSERT_OK(link(at_home(&self->site, "secret"), at_home(&self->site, "alias")));
	ASSERT_EQ(0, mount_hiding(&self->site, home_of(&self->site)));
	EXPECT_STREQ("s", get("mnt/secret"));
	user_become(SOMEONE);
	EXPECT_STREQ("s", get("mnt/alias"));
	EXPECT_FALSE(present("mnt/secret"));
	EXPECT_STREQ("alias", names_in("mnt"));
	user_return();
}

/* A directory that is held by who may not see its name. */
TEST_F(site, directory_that_is_held_shows_nothing_to_whom_it_is_hidden)
{
	int at;

	ASSERT_OK(mkdir(at_home(&self->site, "secret"), 0777));
	DOES(put(at_home(&self->site, "secret/x"), "x"));
	ASSERT_EQ(0, mount_hiding(&self->site, home_of(&self->site)));
	at = open("mnt/secret", O_PATH | O_CLOEXEC);
	user_become(SOMEONE);
	EXPECT_ERR(ENOENT, openat(at, ".", O_RDONLY));
	EXPECT_ERR(ENOENT, fstat(at, &(struct stat){}));
	user_return();
	EXPECT_OK(faccessat(at, "x", F_OK, 0));
	close(at);
}

SWITCHFS_TEST_MAIN
