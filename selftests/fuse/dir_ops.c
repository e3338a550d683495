// SPDX-License-Identifier: GPL-2.0-only
/* Open directories of fuse_branch. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node.h"

struct open_dir {
	DIR *dir;
	struct dirent *entry;	/* read, but it did not fit the last answer */
	off_t offset;
};

static struct open_dir *open_dir_of(const struct fuse_file_info *fi)
{
	return (struct open_dir *)(uintptr_t)fi->fh;
}

static void branch_opendir(fuse_req_t req, fuse_ino_t ino,
			   struct fuse_file_info *fi)
{
	struct open_dir *d = calloc(1, sizeof(*d));
	int fd = d ? openat(node_fd(ino), ".", O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0)
		d->dir = fdopendir(fd);
	if (fd < 0 || !d->dir) {
		fuse_reply_err(req, d ? errno : ENOMEM);
		if (fd >= 0)
			close(fd);
		free(d);
		return;
	}
	fi->fh = (uintptr_t)d;
	fuse_reply_open(req, fi);
}

static size_t add_entry(fuse_req_t req, fuse_ino_t ino, char *at, size_t room,
			const struct open_dir *d, bool plus)
{
	const char *name = d->entry->d_name;
	struct fuse_entry_param e = {
		.attr.st_ino = d->entry->d_ino,
		.attr.st_mode = d->entry->d_type << 12,
	};
	size_t size;

	if (!plus)
		return fuse_add_direntry(req, at, room, name, &e.attr,
					 d->entry->d_off);
	if (strcmp(name, ".") && strcmp(name, ".."))
		if (node_lookup(ino, name, &e))
			e.ino = 0;
	size = fuse_add_direntry_plus(req, at, room, name, &e, d->entry->d_off);
	if (size > room && e.ino)
		node_forget(e.ino, 1);
	return size;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi, bool plus)
{
	struct open_dir *d = open_dir_of(fi);
	char *buf = malloc(size);
	size_t used = 0;
	int err = buf ? 0 : ENOMEM;

	if (offset != d->offset || !offset) {
		seekdir(d->dir, offset);
		if (!offset)
			rewinddir(d->dir);
		d->entry = NULL;
		d->offset = offset;
	}
	while (!err) {
		size_t need;

		if (!d->entry) {
			errno = 0;
			d->entry = readdir(d->dir);
			if (!d->entry) {
				err = errno;
				break;
			}
		}
		need = add_entry(req, ino, buf + used, size - used, d, plus);
		if (need > size - used)
			break;
		used += need;
		d->offset = d->entry->d_off;
		d->entry = NULL;
	}
	if (err && !used)
		fuse_reply_err(req, err);
	else
		fuse_reply_buf(req, buf, used);
	free(buf);
}

static void branch_readdir(fuse_req_t req, fuse_ino_t ino, size_t size,
			   off_t offset, struct fuse_file_info *fi)
{
	list(req, ino, size, offset, fi, false);
}

static void branch_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size,
			       off_t offset, struct fuse_file_info *fi)
{
	list(req, ino, size, offset, fi, true);
}

static void branch_releasedir(fuse_req_t req, fuse_ino_t ino,
			      struct fuse_file_info *fi)
{
	struct open_dir *d = open_dir_of(fi);

	(void)ino;
	closedir(d->dir);
	free(d);
	fuse_reply_err(req, 0);
}

static void branch_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
			    struct fuse_file_info *fi)
{
	int fd = dirfd(open_dir_of(fi)->dir);

	(void)ino;
	fuse_reply_err(req, (datasync ? fdatasync(fd) : fsync(fd)) ? errno : 0);
}

void dir_ops(struct fuse_lowlevel_ops *ops)
{
	ops->opendir = branch_opendir;
	ops->readdir = branch_readdir;
	if (settings.readdirplus)
		ops->readdirplus = branch_readdirplus;
	ops->releasedir = branch_releasedir;
	ops->fsyncdir = branch_fsyncdir;
}
