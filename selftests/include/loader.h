/* SPDX-License-Identifier: GPL-2.0-only */
/* The ready-made choosers and their loader, which are built beside the tests. */
#ifndef SWITCHFS_LOADER_H
#define SWITCHFS_LOADER_H

#include <sys/types.h>

/* What the last command of the loader printed, messages too. */
extern char loader_said[65536];

/* Runs the loader with up to 5 words, ended by NULL; its exit status. */
int loader(const char *command, ...) __attribute__((sentinel));
/* The object of the ready-made chooser NAME. */
const char *object_of(const char *name);
/* A bpffs of one's own at /sys/fs/bpf, for the mount namespace of a test; 0 or an errno. */
int own_bpffs(void);

/* Starts `chooser audit`, which writes to FILE; its pid, when it reads. */
pid_t audit_begin(const char *file);
/* Ends it, when it has read all. */
void audit_end(pid_t pid);

#endif
