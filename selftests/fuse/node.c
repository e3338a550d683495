// SPDX-License-Identifier: GPL-2.0-only
/* The inode table of fuse_branch. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node.h"

#define BUCKETS 4096

struct node root = { .fd = -1 };
static struct node *table[BUCKETS];

struct node *node_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? &root : (struct node *)(uintptr_t)ino;
}

int node_fd(fuse_ino_t ino)
{
	return node_of(ino)->fd;
}

const char *node_path(fuse_ino_t ino, char buf[64])
{
	snprintf(buf, 64, "/proc/self/fd/%d", node_fd(ino));
	return buf;
}

static struct node **bucket(dev_t dev, ino_t ino)
{
	return &table[(ino ^ dev * 31) % BUCKETS];
}

bool node_known(fuse_ino_t ino)
{
	const struct node *n;
	int i;

	if (ino == FUSE_ROOT_ID)
		return true;
	for (i = 0; i < BUCKETS; i++)
		for (n = table[i]; n; n = n->next)
			if ((uintptr_t)n == ino)
				return true;
	return false;
}

/* Above its root there is nothing; only a handle's parent is asked for so. */
static bool is_root(const struct stat *st)
{
	struct stat top;

	return settings.handles && !fstat(root.fd, &top) &&
	       top.st_dev == st->st_dev && top.st_ino == st->st_ino;
}

int node_lookup(fuse_ino_t parent, const char *name, struct fuse_entry_param *e)
{
	struct node *n, **head;
	int fd, err;

	memset(e, 0, sizeof(*e));
	e->attr_timeout = settings.attr_timeout;
	e->entry_timeout = settings.entry_timeout;
	fd = openat(node_fd(parent), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (fstatat(fd, "", &e->attr, AT_EMPTY_PATH)) {
		err = errno;
		close(fd);
		return err;
	}
	if (is_root(&e->attr)) {
		close(fd);
		e->ino = FUSE_ROOT_ID;
		return 0;
	}
	head = bucket(e->attr.st_dev, e->attr.st_ino);
	for (n = *head; n; n = n->next)
		if (n->dev == e->attr.st_dev && n->ino == e->attr.st_ino)
			break;
	if (n) {
		close(fd);
	} else {
		n = calloc(1, sizeof(*n));
		if (!n) {
			close(fd);
			return ENOMEM;
		}
		n->fd = fd;
		n->dev = e->attr.st_dev;
		n->ino = e->attr.st_ino;
		n->next = *head;
		*head = n;
	}
	n->lookups++;
	e->ino = (uintptr_t)n;
	return 0;
}

int node_again(fuse_ino_t ino, struct fuse_entry_param *e)
{
	memset(e, 0, sizeof(*e));
	e->attr_timeout = settings.attr_timeout;
	e->entry_timeout = settings.entry_timeout;
	if (fstatat(node_fd(ino), "", &e->attr, AT_EMPTY_PATH))
		return errno;
	if (ino != FUSE_ROOT_ID)
		node_of(ino)->lookups++;
	e->ino = ino;
	return 0;
}

void node_forget(fuse_ino_t ino, uint64_t count)
{
	struct node *n = node_of(ino), **at;

	if (n == &root)
		return;
	n->lookups -= count < n->lookups ? count : n->lookups;
	/* Handles outlive what the kernel remembers. */
	if (n->lookups || settings.handles)
		return;
	for (at = bucket(n->dev, n->ino); *at != n; at = &(*at)->next)
		;
	*at = n->next;
	close(n->fd);
	free(n);
}
