/* SPDX-License-Identifier: GPL-2.0-only */
/* User namespaces made for a mapping, and mounts that are seen through one. */
#ifndef SWITCHFS_IDMAP_H
#define SWITCHFS_IDMAP_H

/* A user namespace in which INSIDE is OUTSIDE, COUNT ids of both kinds; or minus an errno. */
int idmap_userns(unsigned int inside, unsigned int outside, unsigned int count);
/*
 * Shows FROM at TO, its ids from FIRST on being those from SHOWN on in the mount, and no others
 * there; 0 or an errno.
 */
int idmap_mount(const char *from, const char *to, unsigned int first, unsigned int shown,
		unsigned int count);

#endif
