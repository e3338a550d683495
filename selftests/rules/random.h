/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a mount of three branches is to do, told naively: rules are tried one by
 * one on the whole path, and what is in a branch is a list.
 */
#ifndef SWITCHFS_RANDOM_H
#define SWITCHFS_RANDOM_H

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define ROOM 4000
#define RULES 8
#define LONGEST 64

static const char *const branches[] = { "hot", "ram", "cold" };
static const char *const places[] = { "hot", "ram", "cold-source" };

/* What is in a branch: a file's size tells it from those of other branches. */
static struct object {
	char path[LONGEST];
	int branch, size;	/* the size of a file, -1 for a directory */
	bool gone;
} objects[ROOM];
static int made;

enum operation { LOOKUP, READDIR, CREATE, MKDIR, UNLINK, GETATTR, OPEN, OPS };
static const char *const words[] = {
	"lookup", "readdir", "create", "mkdir", "unlink", "getattr", "open",
};

static const char *class_of(enum operation op)
{
	return op < GETATTR ? "name" : op == GETATTR ? "meta" : "data";
}

/* A rule in its parts; what is "" or negative is not said. */
static struct rule {
	const char *op, *path, *name, *type, *verdict;
	int uid, exists, missing;
	char text[256];
} rules[RULES];
static int count;

/* Components of GLOB against those of PATH, both with a slash ahead. */
static bool matches(const char *glob, const char *path)
{
	char first[LONGEST], part[LONGEST];
	const char *rest, *next;

	if (!*glob)
		return !*path;
	rest = strchrnul(glob + 1, '/');
	if (rest - glob == 3 && !strncmp(glob, "/**", 3)) {
		for (next = path;; next = strchrnul(next + 1, '/')) {
			if (matches(rest, next))
				return true;
			if (!*next)
				return false;
		}
	}
	if (!*path)
		return false;
	next = strchrnul(path + 1, '/');
	snprintf(first, LONGEST, "%.*s", (int)(rest - glob), glob);
	snprintf(part, LONGEST, "%.*s", (int)(next - path), path);
	return !fnmatch(first, part, 0) && matches(rest, next);
}

static struct object *find(int branch, const char *path)
{
	int i;

	for (i = 0; i < made; i++)
		if (objects[i].branch == branch && !objects[i].gone &&
		    !strcmp(objects[i].path, path))
			return &objects[i];
	return NULL;
}

/* The letter is 0 when the type is not known. */
static bool applies(const struct rule *r, enum operation op, const char *path, uid_t uid, char type,
		    int made_in)
{
	if (*r->op && strcmp(r->op, words[op]) && strcmp(r->op, class_of(op)))
		return false;
	if (*r->type && (op == LOOKUP || op == READDIR || type != *r->type))
		return false;
	if (*r->path && !matches(r->path, path))
		return false;
	if (*r->name && fnmatch(r->name, strrchr(path, '/') + 1, 0))
		return false;
	if (r->uid >= 0 && uid != r->uid)
		return false;
	if (r->exists >= 0 && r->exists != made_in && !find(r->exists, path))
		return false;
	return r->missing < 0 || (r->missing != made_in && !find(r->missing, path));
}

static int number(const char *verdict, size_t len)
{
	int i;

	for (i = 0; i < 3; i++)
		if (len == strlen(branches[i]) && !strncmp(verdict, branches[i], len))
			return i;
	return -1;
}

/* The branch of a verdict, the first of its list that has PATH; -1 when it is none. */
static int branch_of(const char *verdict, const char *path, int made_in, bool makes)
{
	const char *bar = strchr(verdict, '|');
	int a = number(verdict, bar ? bar - verdict : strlen(verdict));
	int b = bar ? number(bar + 1, strlen(bar + 1)) : -1;

	if (a < 0 || !bar || makes || a == made_in || find(a, path))
		return a;
	return b == made_in || find(b, path) ? b : -2;
}

static int home_if_made(const char *path, int made_in)
{
	int i, branch;

	for (i = 0; *path && i < count; i++) {
		if (!applies(&rules[i], LOOKUP, path, -1, 0, made_in) || rules[i].uid >= 0)
			continue;
		branch = branch_of(rules[i].verdict, path, made_in, false);
		/* In none of the list: the first is to have it. */
		if (branch == -2)
			return branch_of(rules[i].verdict, path, made_in, true);
		if (branch >= 0)
			return branch;
	}
	return 0;
}

static int home(const char *path)
{
	return home_if_made(path, -1);
}

static int errno_of(const char *verdict)
{
	return !strcmp(verdict, "hide") ? ENOENT : !strcmp(verdict, "deny") ? EACCES : EPERM;
}

/* An errno, or which branch serves, as less than 0: -1 the first. */
static int decide(enum operation op, const char *path, uid_t uid, char type)
{
	bool makes = op == CREATE || op == MKDIR;
	int i, branch;

	for (i = 0; i < count; i++) {
		if (!applies(&rules[i], op, path, uid, type, -1))
			continue;
		branch = branch_of(rules[i].verdict, path, -1, makes);
		if (branch == -2)
			return ENOENT;
		return branch >= 0 ? -1 - branch : errno_of(rules[i].verdict);
	}
	return -1 - home(path);
}

/* Whether the caller is let to the name itself, found or not. */
static int admitted(const char *path, uid_t uid, bool makes)
{
	int i;

	for (i = 0; i < count; i++) {
		if (!applies(&rules[i], LOOKUP, path, uid, 0, -1))
			continue;
		if (branch_of(rules[i].verdict, path, -1, true) >= 0)
			return 0;
		return makes && !strcmp(rules[i].verdict, "hide") ? EACCES :
								    errno_of(rules[i].verdict);
	}
	return 0;
}

static int lookup(const char *path, uid_t uid, bool makes, struct object **o)
{
	char part[LONGEST];
	const char *end = path;
	int err;

	*o = NULL;
	while (*end) {
		if (*o && (*o)->size >= 0)
			return ENOTDIR;
		end = strchrnul(end + 1, '/');
		snprintf(part, LONGEST, "%.*s", (int)(end - path), path);
		err = admitted(part, uid, makes && !*end);
		if (err)
			return err;
		*o = find(home(part), part);
		if (!*o)
			return *end ? ENOENT : makes ? 0 : ENOENT;
	}
	return 0;
}

static char letter(const struct object *o)
{
	return o->size < 0 ? 'd' : 'f';
}

/* Who serves OP on what was found, or why not. */
static int serve(enum operation op, const char *path, uid_t uid, struct object **o)
{
	int err = lookup(path, uid, false, o), decision;
	struct object *other;

	if (err)
		return err;
	decision = decide(op, path, uid, letter(*o));
	if (decision >= 0)
		return decision;
	other = find(-1 - decision, path);
	if (!other || letter(other) != letter(*o))
		return ENOENT;
	*o = other;
	return 0;
}

static void add(int branch, const char *path, int size)
{
	struct object *o = objects;

	while (o < objects + made && !o->gone)
		o++;
	made += o == objects + made;
	snprintf(o->path, LONGEST, "%s", path);
	o->branch = branch;
	o->size = size;
	o->gone = false;
}

static int make(const char *path, uid_t uid, enum operation op)
{
	char part[LONGEST];
	const char *end = path;
	struct object *o;
	int err = lookup(path, uid, true, &o), branch;

	if (err)
		return err;
	if (o)
		return EEXIST;
	err = decide(op, path, uid, op == MKDIR ? 'd' : 'f');
	if (err >= 0)
		return err == ENOENT ? EACCES : err;
	branch = -1 - err;
	if (home_if_made(path, branch) != branch)
		return EINVAL;
	for (end = strchrnul(path + 1, '/'); *end; end = strchrnul(end + 1, '/')) {
		snprintf(part, LONGEST, "%.*s", (int)(end - path), path);
		o = find(branch, part);
		if (o && o->size >= 0)
			return ENOTDIR;
		if (!o)
			add(branch, part, -1);
	}
	if (find(branch, path))
		return EEXIST;
	add(branch, path, op == MKDIR ? -1 : 0);
	return 0;
}

static int unlinks(const char *path, uid_t uid)
{
	struct object *o, *other;
	int err = lookup(path, uid, false, &o);

	if (err)
		return err;
	if (o->size < 0)
		return EISDIR;
	err = decide(UNLINK, path, uid, 'f');
	if (err >= 0)
		return err;
	other = find(-1 - err, path);
	if (!other)
		return ENOENT;
	if (other->size < 0)
		return EISDIR;
	other->gone = true;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Why OP on a directory is denied, if it is. */
static int refused(enum operation op, const char *path, uid_t uid)
{
	int err = decide(op, path, uid, 'd');

	return err > 0 && err != ENOENT ? err : 0;
}

/* The names in a directory as UID is to see them, or an errno. */
static int listing(const char *path, uid_t uid, char text[8192])
{
	static char *names[ROOM];
	struct object *dir;
	int err = lookup(path, uid, false, &dir), i, n = 0;
	size_t len = strlen(path);

	text[0] = '\0';
	if (!err && *path) {
		if (dir->size >= 0)
			return ENOTDIR;
		/* Which branch serves does not matter, but for the look at what is open. */
		err = refused(OPEN, path, uid) ?: serve(GETATTR, path, uid, &dir) ?:
		      refused(READDIR, path, uid);
	}
	if (err > 0)
		return err;
	for (i = 0; i < made; i++) {
		const struct object *o = &objects[i];

		if (!o->gone && !strncmp(o->path, path, len) && o->path[len] == '/' &&
		    !strchr(o->path + len + 1, '/') && home(o->path) == o->branch &&
		    admitted(o->path, uid, false) != ENOENT)
			names[n++] = objects[i].path + len + 1;
	}
	qsort(names, n, sizeof(*names), by_name);
	for (i = 0; i < n; i++)
		snprintf(text + strlen(text), 8192 - strlen(text), "%s%s", i ? " " : "", names[i]);
	return 0;
}

#endif
