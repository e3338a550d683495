// SPDX-License-Identifier: GPL-2.0-only
/* fuse_branch as a server that makes files local when they are opened. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "node.h"

/* The path of INO below the source, with a slash ahead. */
static int path_below(fuse_ino_t ino, char below[PATH_MAX])
{
	char link[64], path[PATH_MAX], top[PATH_MAX];
	ssize_t len = readlink(node_path(ino, link), path, PATH_MAX - 1);
	ssize_t top_len = readlink(node_path(FUSE_ROOT_ID, link), top, PATH_MAX - 1);

	if (len < 0 || top_len < 0 || len <= top_len)
		return EIO;
	path[len] = '\0';
	strcpy(below, path + top_len);
	return 0;
}

/* A server takes its time: in small pieces. */
static int copy(int from, int to)
{
	char buf[4096];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, n) != n)
			return errno ?: EIO;
	return n < 0 ? errno : 0;
}

/*
 * Fills the file at PATH if it is a placeholder: the attribute, which says so, goes last, and the
 * times stay.
 */
static int fill(fuse_ino_t ino, const char *path)
{
	struct timespec times[2];
	char link[64];
	struct stat st;
	int from, to, err;

	if (getxattr(path, "user.placeholder", NULL, 0) < 0)
		return 0;
	from = open(node_path(ino, link), O_RDONLY | O_CLOEXEC);
	to = open(path, O_WRONLY | O_CLOEXEC);
	err = from < 0 || to < 0 || fstat(to, &st) ? errno : copy(from, to);
	if (!err) {
		times[0] = st.st_atim;
		times[1] = st.st_mtim;
		if (futimens(to, times) || fremovexattr(to, "user.placeholder"))
			err = errno;
	}
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return err;
}

/* Only what is finished is moved into place. */
int hydrate(fuse_ino_t ino, bool makes)
{
	char below[PATH_MAX], path[PATH_MAX + 256], staged[PATH_MAX], link[64];
	int err = path_below(ino, below), from, to;

	if (err)
		return err;
	snprintf(path, sizeof(path), "%s%s", settings.hydrate, below);
	if (!access(path, F_OK))
		return fill(ino, path);
	if (!makes)
		return 0;
	snprintf(staged, sizeof(staged), "%.4000s.staging/%lu", settings.hydrate,
		 (unsigned long)ino);
	from = open(node_path(ino, link), O_RDONLY | O_CLOEXEC);
	to = open(staged, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	err = from < 0 || to < 0 ? errno : copy(from, to);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	if (!err && rename(staged, path))
		err = errno;
	return err;
}
