/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's NFS server and its client, over the loopback of a network
 * namespace, in the work folder of a world.
 */
#ifndef SWITCHFS_NFS_H
#define SWITCHFS_NFS_H

#include <sys/types.h>

/* What answers the server's questions, to be started before it; for nfs_end(). */
pid_t nfs_tracker(void);
/*
 * Enters a network namespace, exports ROOT as the root of NFS, with more
 * export FLAGS, and mounts it at CLIENT; 0 or an errno.
 */
int nfs_serve(const char *root, const char *client, int flags);
void nfs_end(pid_t tracker, const char *client);

#endif
