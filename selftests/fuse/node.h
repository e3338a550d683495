/* SPDX-License-Identifier: GPL-2.0-only */
/* The inode table of fuse_branch: one O_PATH descriptor an object. */
#ifndef FUSE_BRANCH_NODE_H
#define FUSE_BRANCH_NODE_H

#define FUSE_USE_VERSION 35

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct node {
	int fd;
	dev_t dev;
	ino_t ino;
	uint64_t lookups;
	struct node *next;
};

/* What the command line chose. */
struct settings {
	const char *source;
	const char *stats;
	double entry_timeout;
	double attr_timeout;
	double negative_timeout;
	bool readdirplus;
	bool check_access;
	/* NULL, "yes" or "no": whether the kernel may keep nodes by handles */
	const char *handles;
	/* NULL, or where an open leaves a copy */
	const char *hydrate;
};

extern struct settings settings;
extern struct node root;

struct node *node_of(fuse_ino_t ino);
int node_fd(fuse_ino_t ino);
/* Whether INO is one that was given out, which a handle's may not be. */
bool node_known(fuse_ino_t ino);
/* The object through /proc, for calls that take no O_PATH descriptor. */
const char *node_path(fuse_ino_t ino, char buf[64]);
/* Looks NAME up and takes one reference for the kernel; 0 or an errno. */
int node_lookup(fuse_ino_t parent, const char *name, struct fuse_entry_param *e);
/* The same for one that is known, whatever its type. */
int node_again(fuse_ino_t ino, struct fuse_entry_param *e);
void node_forget(fuse_ino_t ino, uint64_t count);

/* Makes the new NAME the property of who asked; 0 or an errno. */
int give_to_caller(fuse_req_t req, fuse_ino_t parent, const char *name,
		   mode_t mode);

/* Leaves a finished copy of the file where the settings say; 0 or an errno. */
int hydrate(fuse_ino_t ino, bool makes);

void name_ops(struct fuse_lowlevel_ops *ops);
void file_ops(struct fuse_lowlevel_ops *ops);
void dir_ops(struct fuse_lowlevel_ops *ops);
void xattr_ops(struct fuse_lowlevel_ops *ops);

#endif
