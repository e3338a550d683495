// SPDX-License-Identifier: GPL-2.0-only
/* Open files and extended attributes of fuse_branch. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "node.h"

/*
 * The kernel knows where an append goes, and pages of a mapping are written
 * to where they belong; direct I/O is between the caller and the kernel.
 */
static int server_flags(int flags)
{
	return (flags & ~(O_APPEND | O_DIRECT | O_NOFOLLOW)) | O_CLOEXEC;
}

static void branch_open(fuse_req_t req, fuse_ino_t ino,
			struct fuse_file_info *fi)
{
	char path[64];
	int err = settings.hydrate ? hydrate(ino, true) : 0, fd;

	if (err) {
		fuse_reply_err(req, err);
		return;
	}
	fd = open(node_path(ino, path), server_flags(fi->flags));
	if (fd < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	fi->fh = fd;
	fuse_reply_open(req, fi);
}

static void branch_create(fuse_req_t req, fuse_ino_t parent, const char *name,
			  mode_t mode, struct fuse_file_info *fi)
{
	int flags = server_flags(fi->flags) | O_CREAT | O_NOFOLLOW;
	int dir = node_fd(parent);
	struct fuse_entry_param e;
	int fd, err = 0;

	fd = openat(dir, name, flags | O_EXCL, mode);
	if (fd >= 0)
		err = give_to_caller(req, parent, name, mode);
	else if (errno == EEXIST && !(flags & O_EXCL))
		fd = openat(dir, name, flags, mode);
	if (fd < 0)
		err = errno;
	if (!err)
		err = node_lookup(parent, name, &e);
	if (err) {
		if (fd >= 0)
			close(fd);
		fuse_reply_err(req, err);
		return;
	}
	fi->fh = fd;
	fuse_reply_create(req, &e, fi);
}

static void branch_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t at,
			struct fuse_file_info *fi)
{
	struct fuse_bufvec buf = FUSE_BUFVEC_INIT(size);

	(void)ino;
	buf.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	buf.buf[0].fd = (int)fi->fh;
	buf.buf[0].pos = at;
	fuse_reply_data(req, &buf, FUSE_BUF_SPLICE_MOVE);
}

static void branch_write(fuse_req_t req, fuse_ino_t ino, const char *data,
			 size_t size, off_t at, struct fuse_file_info *fi)
{
	ssize_t done = pwrite((int)fi->fh, data, size, at);

	(void)ino;
	if (done < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_write(req, done);
}

static void branch_flush(fuse_req_t req, fuse_ino_t ino,
			 struct fuse_file_info *fi)
{
	(void)ino;
	fuse_reply_err(req, close(dup((int)fi->fh)) ? errno : 0);
}

static void branch_release(fuse_req_t req, fuse_ino_t ino,
			   struct fuse_file_info *fi)
{
	(void)ino;
	close((int)fi->fh);
	fuse_reply_err(req, 0);
}

static void branch_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
			 struct fuse_file_info *fi)
{
	int fd = (int)fi->fh;

	(void)ino;
	fuse_reply_err(req, (datasync ? fdatasync(fd) : fsync(fd)) ? errno : 0);
}

static void branch_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
			 struct fuse_file_info *fi)
{
	off_t at = lseek((int)fi->fh, off, whence);

	(void)ino;
	if (at < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_lseek(req, at);
}

static void branch_fallocate(fuse_req_t req, fuse_ino_t ino, int mode,
			     off_t at, off_t len, struct fuse_file_info *fi)
{
	(void)ino;
	fuse_reply_err(req, fallocate((int)fi->fh, mode, at, len) ? errno : 0);
}

static void branch_copy_file_range(fuse_req_t req, fuse_ino_t ino_in,
				   off_t off_in, struct fuse_file_info *fi_in,
				   fuse_ino_t ino_out, off_t off_out,
				   struct fuse_file_info *fi_out, size_t len,
				   int flags)
{
	ssize_t done = copy_file_range((int)fi_in->fh, &off_in, (int)fi_out->fh,
				       &off_out, len, flags);

	(void)ino_in;
	(void)ino_out;
	if (done < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_write(req, done);
}

void file_ops(struct fuse_lowlevel_ops *ops)
{
	ops->open = branch_open;
	ops->create = branch_create;
	ops->read = branch_read;
	ops->write = branch_write;
	ops->flush = branch_flush;
	ops->release = branch_release;
	ops->fsync = branch_fsync;
	ops->lseek = branch_lseek;
	ops->fallocate = branch_fallocate;
	ops->copy_file_range = branch_copy_file_range;
}

/* A symlink cannot be named through /proc: it has no attributes here. */
static int xattr_path(fuse_ino_t ino, char path[64])
{
	struct stat st;

	if (fstatat(node_fd(ino), "", &st, AT_EMPTY_PATH))
		return errno;
	if (S_ISLNK(st.st_mode))
		return ENOTSUP;
	node_path(ino, path);
	return 0;
}

static void reply_xattr(fuse_req_t req, ssize_t got, const char *value,
			size_t size)
{
	if (got < 0)
		fuse_reply_err(req, errno);
	else if (size)
		fuse_reply_buf(req, value, got);
	else
		fuse_reply_xattr(req, got);
}

static void branch_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			    size_t size)
{
	char path[64], *value = malloc(size ?: 1);
	int err = value ? xattr_path(ino, path) : ENOMEM;

	if (err)
		fuse_reply_err(req, err);
	else
		reply_xattr(req, getxattr(path, name, value, size), value, size);
	free(value);
}

static void branch_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	char path[64], *value = malloc(size ?: 1);
	int err = value ? xattr_path(ino, path) : ENOMEM;

	if (err)
		fuse_reply_err(req, err);
	else
		reply_xattr(req, listxattr(path, value, size), value, size);
	free(value);
}

static void branch_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			    const char *value, size_t size, int flags)
{
	char path[64];
	int err = xattr_path(ino, path);

	if (!err && setxattr(path, name, value, size, flags))
		err = errno;
	fuse_reply_err(req, err);
}

static void branch_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	char path[64];
	int err = xattr_path(ino, path);

	if (!err && removexattr(path, name))
		err = errno;
	fuse_reply_err(req, err);
}

void xattr_ops(struct fuse_lowlevel_ops *ops)
{
	ops->getxattr = branch_getxattr;
	ops->listxattr = branch_listxattr;
	ops->setxattr = branch_setxattr;
	ops->removexattr = branch_removexattr;
}
