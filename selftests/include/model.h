/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a mount of the branches hot, ram and cold is to do, told naively: rules
 * are tried one by one on the whole path, and what is in a branch is a list.
 */
#ifndef SWITCHFS_MODEL_H
#define SWITCHFS_MODEL_H

#include <stdbool.h>
#include <sys/types.h>

#define MODEL_ROOM 4000
#define MODEL_RULES 8
#define MODEL_PATH 128
#define MODEL_TEXT 8192

enum { HOT, RAM, COLD, MODEL_BRANCHES };
extern const char *const model_branches[MODEL_BRANCHES];
/* Where they are in the work folder, behind a server's back. */
extern const char *const model_places[MODEL_BRANCHES];

/* What is in a branch, at a path from its root: "" is the root itself. */
struct object {
	char path[MODEL_PATH];
	unsigned int hash;	/* of the path */
	int branch;
	int file;	/* the index of its size, which its links share; -1: a directory */
	bool gone;
};

extern struct object objects[MODEL_ROOM];
extern int made;
/* Of files; a number for each, so that it tells which one is seen. */
extern long sizes[MODEL_ROOM];

enum operation {
	LOOKUP, READDIR, CREATE, MKDIR, LINK, UNLINK, RMDIR, RENAME, GETATTR, OPEN, OPERATIONS,
};

/* A rule in its parts; what is NULL or 0 is not said. */
struct rule {
	const char *op, *path, *name, *type, *access, *size, *verdict;
	const char *exists, *missing;	/* names of branches */
	int uid, gid;			/* one more than the number */
	char text[256];
};

extern struct rule rules[MODEL_RULES];
extern int rule_count, default_branch;

/* Writes the text of the rule. */
void model_rule_text(struct rule *r);

struct who {
	uid_t uid;
	gid_t gid;
};

/* Gives the mount the rules and the default branch; 0 or an errno, and mount_log. */
int model_remount(const char *target);
/* Fills the list with what is in the branches; 0 or an errno. */
int model_scan(void);
unsigned int model_hash(const char *path);
struct object *model_find(int branch, const char *path);
/* Its file is new with the size, or it is a directory when that is -1. */
void model_add(int branch, const char *path, long size);
/* The branch that is the name's home. */
int model_home(const char *path);
/* The object that a caller finds at PATH: 0 or an errno. */
int model_lookup(const char *path, struct who who, struct object **o);
/* Whose attributes are shown (OP is GETATTR) or data opened (OPEN, with r or w as ACCESS). */
int model_serve(enum operation op, const char *path, struct who who, char access,
		struct object **o);
/* What a call returns: 0 or an errno. The list is then what the branches hold after it. */
int model_make(const char *path, struct who who, enum operation op);
int model_link(const char *from, const char *to, struct who who);
int model_unlink(const char *path, struct who who);
/*
 * Where it depends on what rules could do with names that do not exist, the answer is SEEN, what
 * the call has returned.
 */
int model_rename(const char *old, const char *new, struct who who, int seen);
int model_rmdir(const char *path, struct who who, int seen);
/* Whether the list has room for the paths after that rename. */
bool model_has_room(const char *old, const char *new);
/* The names in a directory as the caller is to see them, or an errno. */
int model_listing(const char *path, struct who who, char text[MODEL_TEXT]);

#endif
