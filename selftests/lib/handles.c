// SPDX-License-Identifier: GPL-2.0-only
/* File handles. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "handles.h"

int handle_as(const char *path, struct handle *h, int flags)
{
	int mount_id;

	memset(h, 0, sizeof(*h));
	h->fh.handle_bytes = MAX_HANDLE_SZ;
	return ERR(name_to_handle_at(AT_FDCWD, path, &h->fh, &mount_id, flags));
}

int handle_of(const char *path, struct handle *h)
{
	return handle_as(path, h, 0);
}

int handle_open(const char *dir, const struct handle *h, int flags)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, err;
	struct handle copy = *h;

	if (at < 0)
		return -1;
	fd = open_by_handle_at(at, &copy.fh, flags | O_CLOEXEC);
	err = errno;
	close(at);
	errno = err;
	return fd;
}

int handle_opens(const char *dir, const struct handle *h, int flags)
{
	int fd = handle_open(dir, h, flags);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

const char *handle_get(const char *dir, const struct handle *h)
{
	int fd = handle_open(dir, h, O_RDONLY);
	const char *text;

	if (fd < 0)
		return fmt("<%s>", strerror(errno));
	text = get(fmt("/proc/self/fd/%d", fd));
	close(fd);
	return text;
}

struct stat handle_stat(const char *dir, const struct handle *h)
{
	int fd = handle_open(dir, h, O_PATH);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		memset(&st, 0, sizeof(st));
	if (fd >= 0)
		close(fd);
	return st;
}

bool same_handle(const struct handle *a, const struct handle *b)
{
	return a->fh.handle_type == b->fh.handle_type &&
	       a->fh.handle_bytes == b->fh.handle_bytes &&
	       !memcmp(a->fh.f_handle, b->fh.f_handle, a->fh.handle_bytes);
}

/* What stands for an object goes first, and then what it kept. */
void drop_caches(void)
{
	int i;

	for (i = 0; i < 2; i++)
		if (put("/proc/sys/vm/drop_caches", "2"))
			perror("# drop_caches");
}
