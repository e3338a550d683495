/* SPDX-License-Identifier: GPL-2.0-only */
/* The mounts under the fixture `tree` (tree.h), made once a program. */
#ifndef SWITCHFS_TREE_WORLD_H
#define SWITCHFS_TREE_WORLD_H

#include "world.h"

enum tree_kind { PLAIN, LOCAL, FUSE, RULES, BELOW };

extern struct world tree_world;
extern struct server tree_server;
/* Whether the mounts are there, and why not. */
extern char tree_trouble[512];

int tree_main(int argc, char **argv, const char *server_option,
	      int (*run)(int, char **));
/*
 * The current test's directory in a branch: that of names in ".c" or of the
 * others, with FUSE being the folder of what the server shows.
 */
void tree_branch_dir(char path[PATH_SIZE], enum tree_kind kind, bool dot_c,
		     const char *fuse, const char *under);
/* Where the mount of KIND is. */
const char *tree_mount(enum tree_kind kind);

#endif
