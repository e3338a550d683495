// SPDX-License-Identifier: GPL-2.0-only
/* Names and attributes: what fuse_branch answers without an open file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "node.h"

static void branch_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e;
	struct stat st;
	int err;

	/* Of a handle; what has no link any more is gone. */
	if (!strcmp(name, ".") || !strcmp(name, "..")) {
		if (!node_known(parent) ||
		    fstatat(node_fd(parent), "", &st, AT_EMPTY_PATH) ||
		    !st.st_nlink) {
			fuse_reply_err(req, ENOENT);
			return;
		}
	}
	err = !strcmp(name, ".") ? node_again(parent, &e) :
				   node_lookup(parent, name, &e);
	if (err == ENOENT && settings.negative_timeout > 0) {
		memset(&e, 0, sizeof(e));
		e.entry_timeout = settings.negative_timeout;
		err = 0;
	}
	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_entry(req, &e);
}

static void branch_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	node_forget(ino, count);
	fuse_reply_none(req);
}

static void branch_forget_multi(fuse_req_t req, size_t count,
				struct fuse_forget_data *forgets)
{
	size_t i;

	for (i = 0; i < count; i++)
		node_forget(forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void branch_getattr(fuse_req_t req, fuse_ino_t ino,
			   struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	if (fstatat(node_fd(ino), "", &st, AT_EMPTY_PATH))
		fuse_reply_err(req, errno);
	else
		fuse_reply_attr(req, &st, settings.attr_timeout);
}

static struct timespec chosen_time(int valid, int set, int now,
				   const struct timespec *given)
{
	struct timespec t = { .tv_nsec = UTIME_OMIT };

	if (valid & now)
		t.tv_nsec = UTIME_NOW;
	else if (valid & set)
		t = *given;
	return t;
}

static int set_attributes(fuse_ino_t ino, const struct stat *to, int valid,
			  const struct fuse_file_info *fi)
{
	char path[64];

	node_path(ino, path);
	if (valid & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) {
		uid_t uid = valid & FUSE_SET_ATTR_UID ? to->st_uid : (uid_t)-1;
		gid_t gid = valid & FUSE_SET_ATTR_GID ? to->st_gid : (gid_t)-1;

		if (fchownat(node_fd(ino), "", uid, gid,
			     AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
			return errno;
	}
	if (valid & FUSE_SET_ATTR_MODE && chmod(path, to->st_mode & 07777))
		return errno;
	if (valid & FUSE_SET_ATTR_SIZE) {
		int failed = fi ? ftruncate((int)fi->fh, to->st_size) :
				  truncate(path, to->st_size);

		if (failed)
			return errno;
	}
	if (valid & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)) {
		struct timespec times[2] = {
			chosen_time(valid, FUSE_SET_ATTR_ATIME,
				    FUSE_SET_ATTR_ATIME_NOW, &to->st_atim),
			chosen_time(valid, FUSE_SET_ATTR_MTIME,
				    FUSE_SET_ATTR_MTIME_NOW, &to->st_mtim),
		};

		if (utimensat(node_fd(ino), "", times, AT_EMPTY_PATH) &&
		    utimensat(AT_FDCWD, path, times, 0))
			return errno;
	}
	return 0;
}

static void branch_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr,
			   int valid, struct fuse_file_info *fi)
{
	int err = set_attributes(ino, attr, valid, fi);

	if (err)
		fuse_reply_err(req, err);
	else
		branch_getattr(req, ino, fi);
}

static void branch_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[PATH_MAX + 1];
	ssize_t len = readlinkat(node_fd(ino), "", target, PATH_MAX);

	if (len < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	target[len] = '\0';
	fuse_reply_readlink(req, target);
}

/*
 * A new object belongs to the caller. The group of a set-group-id parent
 * stays, and chown drops set-id bits, hence the chmod.
 */
int give_to_caller(fuse_req_t req, fuse_ino_t parent, const char *name,
		   mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	int dir = node_fd(parent);
	struct stat st;

	if (fstatat(dir, "", &st, AT_EMPTY_PATH))
		return errno;
	if (fchownat(dir, name, ctx->uid, st.st_mode & S_ISGID ? (gid_t)-1 : ctx->gid,
		     AT_SYMLINK_NOFOLLOW))
		return errno;
	if (mode & (S_ISUID | S_ISGID) && !S_ISDIR(mode) && fchmodat(dir, name, mode & 07777, 0))
		return errno;
	return 0;
}

static void reply_new(fuse_req_t req, fuse_ino_t parent, const char *name,
		      int failed, mode_t mode)
{
	struct fuse_entry_param e;
	int err = failed ? errno : 0;

	if (!err)
		err = give_to_caller(req, parent, name, mode);
	if (!err)
		err = node_lookup(parent, name, &e);
	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_entry(req, &e);
}

static void branch_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
			 mode_t mode, dev_t rdev)
{
	int failed = mknodat(node_fd(parent), name, mode, rdev);

	reply_new(req, parent, name, failed, mode);
}

static void branch_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
			 mode_t mode)
{
	int failed = mkdirat(node_fd(parent), name, mode);

	reply_new(req, parent, name, failed, S_IFDIR | mode);
}

static void branch_symlink(fuse_req_t req, const char *target,
			   fuse_ino_t parent, const char *name)
{
	int failed = symlinkat(target, node_fd(parent), name);

	reply_new(req, parent, name, failed, 0);
}

static void branch_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
			const char *name)
{
	struct fuse_entry_param e;
	char path[64];
	int err = 0;

	if (linkat(AT_FDCWD, node_path(ino, path), node_fd(parent), name,
		   AT_SYMLINK_FOLLOW))
		err = errno;
	if (!err)
		err = node_lookup(parent, name, &e);
	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_entry(req, &e);
}

static void branch_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, unlinkat(node_fd(parent), name, 0) ? errno : 0);
}

static void branch_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, unlinkat(node_fd(parent), name, AT_REMOVEDIR) ?
			    errno : 0);
}

static void branch_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
			  fuse_ino_t to, const char *to_name, unsigned int flags)
{
	long failed = syscall(SYS_renameat2, node_fd(parent), name, node_fd(to),
			      to_name, flags);

	fuse_reply_err(req, failed ? errno : 0);
}

static void branch_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st;
	char path[64];

	if (statvfs(node_path(ino, path), &st))
		fuse_reply_err(req, errno);
	else
		fuse_reply_statfs(req, &st);
}

/* Mode bits only: that is all the tests ask of ACCESS. */
static void branch_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct stat st;
	unsigned int mode;
	int err;

	if (!settings.check_access) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	/* A gate asks so before it truncates. */
	err = settings.hydrate && mask & W_OK ? hydrate(ino, false) : 0;
	if (err) {
		fuse_reply_err(req, err);
		return;
	}
	if (fstatat(node_fd(ino), "", &st, AT_EMPTY_PATH)) {
		fuse_reply_err(req, errno);
		return;
	}
	mode = st.st_mode;
	if (ctx->uid == st.st_uid)
		mode >>= 6;
	else if (ctx->gid == st.st_gid)
		mode >>= 3;
	fuse_reply_err(req, ctx->uid && (mask & ~mode & 7) ? EACCES : 0);
}

static void branch_init(void *data, struct fuse_conn_info *conn)
{
	/*
	 * Whole requests in memory, so that each can be counted; set-id bits
	 * are dropped by the kernel, since this server may keep them, also
	 * when an open truncates.
	 */
	const uint64_t refuse = FUSE_CAP_SPLICE_READ | FUSE_CAP_HANDLE_KILLPRIV |
		FUSE_CAP_ATOMIC_O_TRUNC |
		(settings.readdirplus ? 0 : FUSE_CAP_READDIRPLUS);

	const uint64_t ask = !settings.handles ? 0 :
		!strcmp(settings.handles, "yes") ? FUSE_CAP_EXPORT_SUPPORT :
						   FUSE_CAP_NO_EXPORT_SUPPORT;

	(void)data;
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
	fuse_unset_feature_flag(conn, refuse);
	fuse_set_feature_flag(conn, ask);
#else
	conn->want &= ~refuse;
	conn->want |= ask;
#endif
}

void name_ops(struct fuse_lowlevel_ops *ops)
{
	ops->init = branch_init;
	ops->lookup = branch_lookup;
	ops->forget = branch_forget;
	ops->forget_multi = branch_forget_multi;
	ops->getattr = branch_getattr;
	ops->setattr = branch_setattr;
	ops->readlink = branch_readlink;
	ops->mknod = branch_mknod;
	ops->mkdir = branch_mkdir;
	ops->symlink = branch_symlink;
	ops->link = branch_link;
	ops->unlink = branch_unlink;
	ops->rmdir = branch_rmdir;
	ops->rename = branch_rename;
	ops->statfs = branch_statfs;
	ops->access = branch_access;
}
