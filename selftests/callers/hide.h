/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a caller gets that takes the name of a hidden object, call by call: the
 * table "Hiding" of the README.
 *
 * Each call runs in a directory that holds, besides what is or is not
 * "secret": the file "plain", the directory "odir" and the symlink "to" that
 * leads to "secret".
 */
#ifndef SWITCHFS_HIDE_H
#define SWITCHFS_HIDE_H

#include "switchfs_test.h"

#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "handles.h"

struct hide_call {
	const char *name;
	int expected;		/* the errno, whether "secret" exists or not */
	bool privileged;	/* root only */
	int (*run)(void);
};

static int close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd;
}

static int resolving(const char *path, int flags, int resolve)
{
	struct open_how how = {
		.flags = flags, .mode = flags & O_CREAT ? 0644 : 0, .resolve = resolve,
	};

	return close_fd(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

static int renaming(const char *from, const char *to, int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static int handle_made(void)
{
	struct handle h;
	int err = handle_of("secret", &h);

	errno = err;
	return err ? -1 : 0;
}

static int watched(void)
{
	int fd = inotify_init1(IN_CLOEXEC), failed, err;

	failed = inotify_add_watch(fd, "secret", IN_ALL_EVENTS);
	err = errno;
	close(fd);
	errno = err;
	return failed;
}

static int marked(void)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, 0), failed, err;

	failed = fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "secret");
	err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	return failed;
}

static int socket_at(bool binds)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "secret" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), failed, err;

	failed = binds ? bind(fd, (struct sockaddr *)&at, sizeof(at)) :
			 connect(fd, (struct sockaddr *)&at, sizeof(at));
	err = errno;
	close(fd);
	errno = err;
	return failed;
}

static int executed(void)
{
	int status = runs("secret", 0);

	errno = status - 1000;
	return status >= 1000 ? -1 : 0;
}

static int went_to(const char *path)
{
	int back = open(".", O_PATH | O_CLOEXEC), failed = chdir(path), err = errno;

	if (fchdir(back))
		_exit(1);
	close(back);
	errno = err;
	return failed;
}

static int rooted(void)
{
	int top = open("/", O_PATH | O_CLOEXEC), back = open(".", O_PATH | O_CLOEXEC);
	int failed = chroot("secret"), err = errno;

	if (fchdir(top) || chroot(".") || fchdir(back))
		_exit(1);
	close(top);
	close(back);
	errno = err;
	return failed;
}

static int mounted(const char *from, const char *to, const char *type, int flags)
{
	int failed = mount(from, to, type, flags, NULL), err = errno;

	if (!failed)
		umount2(to, MNT_DETACH);
	errno = err;
	return failed;
}

static int accounted(void)
{
	int failed = acct("secret"), err = errno;

	if (!failed)
		acct(NULL);
	errno = err;
	return failed;
}

static struct stat hide_st;
static struct statx hide_stx;
static struct statfs hide_sfs;
static char hide_buf[64];

#define S "secret"
#define A ((struct mount_attr){ .attr_set = MOUNT_ATTR_NODIRATIME })

/* X(NAME, ERRNO, PRIVILEGED, CALL) */
#define LOOKING_CALLS(X)							\
X(stat, ENOENT, 0, stat(S, &hide_st))						\
X(lstat, ENOENT, 0, lstat(S, &hide_st))						\
X(statx, ENOENT, 0, statx(AT_FDCWD, S, 0, STATX_ALL, &hide_stx))		\
X(statx_no_sync, ENOENT, 0, statx(AT_FDCWD, S, AT_STATX_DONT_SYNC, STATX_ALL, &hide_stx)) \
X(access, ENOENT, 0, access(S, F_OK))						\
X(faccessat2, ENOENT, 0, faccessat(AT_FDCWD, S, R_OK, AT_EACCESS))		\
X(readlink, ENOENT, 0, readlink(S, hide_buf, sizeof(hide_buf)))			\
X(statfs, ENOENT, 0, statfs(S, &hide_sfs))					\
X(getxattr, ENOENT, 0, getxattr(S, "user.a", hide_buf, sizeof(hide_buf)))	\
X(lgetxattr, ENOENT, 0, lgetxattr(S, "security.capability", hide_buf, 64))	\
X(listxattr, ENOENT, 0, listxattr(S, hide_buf, sizeof(hide_buf)))		\
X(llistxattr, ENOENT, 0, llistxattr(S, hide_buf, sizeof(hide_buf)))		\
X(stat_slash, ENOENT, 0, stat(S "/", &hide_st))					\
X(stat_dot, ENOENT, 0, stat(S "/.", &hide_st))					\
X(stat_dot_dot, ENOENT, 0, stat(S "/../plain", &hide_st))			\
X(stat_below, ENOENT, 0, stat(S "/x", &hide_st))				\
X(stat_by_link, ENOENT, 0, stat("to", &hide_st))				\
X(stat_by_proc, ENOENT, 0, stat("/proc/self/cwd/" S, &hide_st))		\
X(name_to_handle_at, ENOENT, 0, handle_made())					\
X(inotify_add_watch, ENOENT, 0, watched())					\
X(fanotify_mark, ENOENT, 0, marked())						\
X(chdir, ENOENT, 0, went_to(S))							\
X(execve, ENOENT, 0, executed())						\
X(connect, ENOENT, 0, socket_at(false))						\
X(chroot, ENOENT, 1, rooted())							\
X(mount_at, ENOENT, 1, mounted("t", S, "tmpfs", 0))				\
X(mount_of, ENOENT, 1, mounted(S, "odir", NULL, MS_BIND))			\
X(umount, ENOENT, 1, umount2(S, 0))						\
X(open_tree, ENOENT, 1, close_fd(open_tree(AT_FDCWD, S, OPEN_TREE_CLONE)))	\
X(move_mount, ENOENT, 1, move_mount(AT_FDCWD, S, AT_FDCWD, "odir", 0))		\
X(mount_setattr, ENOENT, 1, syscall(SYS_mount_setattr, AT_FDCWD, S, 0, &A, sizeof(A))) \
X(fspick, ENOENT, 1, close_fd(fspick(AT_FDCWD, S, 0)))				\
X(pivot_root, ENOENT, 1, syscall(SYS_pivot_root, S, "odir"))			\
X(swapon, ENOENT, 1, swapon(S, 0))						\
X(acct, ENOENT, 1, accounted())

#define OPENING_CALLS(X)							\
X(open_read, ENOENT, 0, resolving(S, O_RDONLY, 0))				\
X(open_write, ENOENT, 0, resolving(S, O_WRONLY, 0))				\
X(open_both, ENOENT, 0, resolving(S, O_RDWR, 0))				\
X(open_truncate, ENOENT, 0, resolving(S, O_WRONLY | O_TRUNC, 0))		\
X(open_append, ENOENT, 0, resolving(S, O_WRONLY | O_APPEND, 0))		\
X(open_path, ENOENT, 0, resolving(S, O_PATH, 0))				\
X(open_path_no_follow, ENOENT, 0, resolving(S, O_PATH | O_NOFOLLOW, 0))	\
X(open_no_follow, ENOENT, 0, resolving(S, O_RDONLY | O_NOFOLLOW, 0))		\
X(open_directory, ENOENT, 0, resolving(S, O_RDONLY | O_DIRECTORY, 0))		\
X(open_tmpfile, ENOENT, 0, resolving(S, O_RDWR | O_TMPFILE, 0))	\
X(open_slash, ENOENT, 0, resolving(S "/", O_RDONLY, 0))			\
X(open_below, ENOENT, 0, resolving(S "/x", O_RDONLY, 0))			\
X(open_create, EACCES, 0, resolving(S, O_WRONLY | O_CREAT, 0))			\
X(open_create_read, EACCES, 0, resolving(S, O_RDONLY | O_CREAT, 0))		\
X(open_create_truncate, EACCES, 0, resolving(S, O_WRONLY | O_CREAT | O_TRUNC, 0)) \
X(open_create_exclusive, EACCES, 0, resolving(S, O_WRONLY | O_CREAT | O_EXCL, 0)) \
X(open_create_no_follow, EACCES, 0, resolving(S, O_RDWR | O_CREAT | O_NOFOLLOW, 0)) \
X(open_create_below, ENOENT, 0, resolving(S "/y", O_WRONLY | O_CREAT, 0))	\
X(open_create_by_link, EACCES, 0, resolving("to", O_WRONLY | O_CREAT, 0))	\
X(open_by_link, ENOENT, 0, resolving("to", O_RDONLY, 0))			\
X(open_beneath, ENOENT, 0, resolving(S, O_RDONLY, RESOLVE_BENEATH))		\
X(open_in_root, ENOENT, 0, resolving("/" S, O_RDONLY, RESOLVE_IN_ROOT))	\
X(open_no_symlinks, ENOENT, 0, resolving(S, O_RDONLY, RESOLVE_NO_SYMLINKS))	\
X(open_no_magiclinks, ENOENT, 0, resolving(S, O_RDONLY, RESOLVE_NO_MAGICLINKS)) \
X(open_no_xdev, ENOENT, 0, resolving(S, O_RDONLY, RESOLVE_NO_XDEV))		\
X(open_cached, EAGAIN, 0, resolving(S, O_RDONLY, RESOLVE_CACHED))		\
X(open_create_beneath, EACCES, 0, resolving(S, O_RDWR | O_CREAT, RESOLVE_BENEATH))

#define CHANGING_CALLS(X)							\
X(chmod, ENOENT, 0, chmod(S, 0700))						\
X(fchmodat2, ENOENT, 0, syscall(452, AT_FDCWD, S, 0700, AT_SYMLINK_NOFOLLOW))	\
X(chown, ENOENT, 0, chown(S, -1, SOMEONE))					\
X(lchown, ENOENT, 0, lchown(S, -1, SOMEONE))					\
X(utimensat, ENOENT, 0, utimensat(AT_FDCWD, S, NULL, 0))			\
X(utimensat_link, ENOENT, 0, utimensat(AT_FDCWD, S, NULL, AT_SYMLINK_NOFOLLOW)) \
X(truncate, ENOENT, 0, truncate(S, 3))						\
X(setxattr, ENOENT, 0, setxattr(S, "user.b", "b", 1, 0))			\
X(removexattr, ENOENT, 0, removexattr(S, "user.a"))				\
X(mkdir, EACCES, 0, mkdir(S, 0755))						\
X(mkdir_slash, EACCES, 0, mkdir(S "/", 0755))					\
X(mkdir_below, ENOENT, 0, mkdir(S "/y", 0755))					\
X(mknod_file, EACCES, 0, mknod(S, S_IFREG | 0644, 0))				\
X(mknod_fifo, EACCES, 0, mknod(S, S_IFIFO | 0644, 0))				\
X(mknod_device, EACCES, 1, mknod(S, S_IFCHR | 0644, makedev(1, 3)))		\
X(mknod_slash, ENOENT, 0, mknod(S "/", S_IFIFO | 0644, 0))			\
X(bind, EACCES, 0, socket_at(true))						\
X(symlink, EACCES, 0, symlink("plain", S))					\
X(link_to, EACCES, 0, link("plain", S))					\
X(link_from, ENOENT, 0, link(S, "new"))					\
X(link_from_link, ENOENT, 0, linkat(AT_FDCWD, "to", AT_FDCWD, "new", AT_SYMLINK_FOLLOW)) \
X(rename_to, EACCES, 0, rename("plain", S))					\
X(rename_directory_to, EACCES, 0, rename("odir", S))				\
X(rename_to_no_replace, EACCES, 0, renaming("plain", S, RENAME_NOREPLACE))	\
X(rename_to_whiteout, EACCES, 1, renaming("plain", S, RENAME_WHITEOUT))	\
X(rename_to_below, ENOENT, 0, rename("plain", S "/y"))				\
X(rename_from, ENOENT, 0, rename(S, "new"))					\
X(rename_onto_other, ENOENT, 0, rename(S, "plain"))				\
X(rename_to_itself, ENOENT, 0, rename(S, S))					\
X(exchange_from, ENOENT, 0, renaming(S, "plain", RENAME_EXCHANGE))		\
X(exchange_to, ENOENT, 0, renaming("plain", S, RENAME_EXCHANGE))		\
X(unlink, ENOENT, 0, unlink(S))						\
X(unlink_slash, ENOENT, 0, unlink(S "/"))					\
X(unlink_below, ENOENT, 0, unlink(S "/x"))					\
X(rmdir, ENOENT, 0, rmdir(S))

#define HIDE_FUNCTION(name, expected, privileged, call)				\
static int hide_##name(void) { return ERR(call); }
#define HIDE_ROW(name, expected, privileged, call)				\
	{ #name, expected, privileged, hide_##name },

#endif
