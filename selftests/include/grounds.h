/* SPDX-License-Identifier: GPL-2.0-only */
/* Filesystems of every kind that the machine can make. */
#ifndef SWITCHFS_GROUNDS_H
#define SWITCHFS_GROUNDS_H

#include "world.h"

enum ground {
	GROUND_EXT4, GROUND_XFS, GROUND_BTRFS, GROUND_TMPFS, GROUND_OVERLAY, GROUND_NFS,
};

/* Formats what takes long, once for all tests of the program. */
void grounds_prepare(void);
/* A fresh one at DIR of the work folder; 0 or an errno. */
int ground_mount(const struct world *w, enum ground kind, const char *dir);
void ground_leave(const char *dir);

#endif
