/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world for one test: the work folder is the current one, with the folders
 * hot, ram and cold to be branches and mnt to mount on.
 */
#ifndef SWITCHFS_SITE_WORLD_H
#define SWITCHFS_SITE_WORLD_H

#include "mounting.h"
#include "world.h"

struct site {
	struct world w;
	struct server s;	/* serves cold, when FUSE does */
	/* NAME=PATH of each branch, for branch= */
	char hot[PATH_SIZE], ram[PATH_SIZE], cold[PATH_SIZE];
};

enum {
	SITE_EXT4 = 1,		/* hot is an ext4 filesystem */
	SITE_FUSE = 2,		/* cold is a FUSE server's, over cold-source */
	SITE_RAM = 4,		/* ram is a tmpfs of its own */
	SITE_CACHED = 8,	/* the server allows caching for a minute */
};

int site_make(struct site *site, int parts);
void site_leave(struct site *site);
/* The absolute path of one in the work folder. */
const char *site_path(const struct site *site, const char *path);
/* Paths that hold in cold whoever made them: behind the server's back. */
const char *behind(const struct site *site, const char *path);

/* Mounts hot and cold (and more options) at mnt. */
#define SITE_MOUNT(site, ...)						\
	switchfs_mount("mnt", "branch", (site)->hot, "branch", (site)->cold, \
		       ##__VA_ARGS__, END)

#endif
