/* SPDX-License-Identifier: GPL-2.0-only */
/* File handles. */
#ifndef SWITCHFS_HANDLES_H
#define SWITCHFS_HANDLES_H

#include <fcntl.h>
#include <stdbool.h>

/* The longest that there is, and its room. */
struct handle {
	union {
		struct file_handle fh;
		unsigned char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	};
};

#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID AT_REMOVEDIR
#endif
#ifndef AT_HANDLE_CONNECTABLE
#define AT_HANDLE_CONNECTABLE 0x002
#endif

/* The handle of PATH, itself if it is a link; 0 or an errno. */
int handle_of(const char *path, struct handle *h);
/* The same with flags of name_to_handle_at(2). */
int handle_as(const char *path, struct handle *h, int flags);
/* Opens it in the mount that DIR is on; a descriptor, or -1 and errno. */
int handle_open(const char *dir, const struct handle *h, int flags);
/* The errno of opening it so, 0 when it opens. */
int handle_opens(const char *dir, const struct handle *h, int flags);
/* What its file holds; "<errno text>" on an error. */
const char *handle_get(const char *dir, const struct handle *h);
/* Its object's attributes; all zero when it cannot be opened. */
struct stat handle_stat(const char *dir, const struct handle *h);
bool same_handle(const struct handle *a, const struct handle *b);

/* Lets go of every name and object that is not in use. */
void drop_caches(void);

#endif
