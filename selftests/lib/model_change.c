// SPDX-License-Identifier: GPL-2.0-only
/* The naive reading of rules: calls that change names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "model_call.h"

static struct object *new_object(int branch, const char *path)
{
	struct object *o = objects;

	while (o < objects + made && !o->gone)
		o++;
	made += o == objects + made;
	snprintf(o->path, MODEL_PATH, "%s", path);
	o->hash = model_hash(path);
	o->branch = branch;
	o->gone = false;
	return o;
}

/* One that no object has. */
static int new_file(void)
{
	static bool used[MODEL_ROOM];
	int i;

	memset(used, 0, sizeof(used));
	for (i = 0; i < made; i++)
		if (!objects[i].gone && objects[i].file >= 0)
			used[objects[i].file] = true;
	for (i = 0; used[i]; i++)
		;
	return i;
}

void model_add(int branch, const char *path, long size)
{
	int file = size < 0 ? -1 : new_file();

	new_object(branch, path)->file = file;
	if (size >= 0)
		sizes[file] = size;
}

static char *parent_of(const char *path, char parent[MODEL_PATH])
{
	snprintf(parent, MODEL_PATH, "%.*s", (int)(strrchr(path, '/') - path), path);
	return parent;
}

/* Whether there is a directory for the name; the root always is. */
static bool has_parent(int branch, const char *path)
{
	char parent[MODEL_PATH];
	struct object *o;

	if (!*parent_of(path, parent))
		return true;
	o = model_find(branch, parent);
	return o && o->file < 0;
}

/* Directories that are missing on the way to PATH. */
static int make_parents(int branch, const char *path)
{
	char part[MODEL_PATH];
	const char *end;
	struct object *o;

	for (end = strchrnul(path + 1, '/'); *end; end = strchrnul(end + 1, '/')) {
		snprintf(part, MODEL_PATH, "%.*s", (int)(end - path), path);
		o = model_find(branch, part);
		if (o && o->file >= 0)
			return ENOTDIR;
		if (!o)
			model_add(branch, part, -1);
	}
	return 0;
}

/*
 * The branch in which OP makes a name, as less than 0: -1 the first. What is there already, and
 * not found because a gate does not have it, is ESTALE.
 */
static int target(enum operation op, const char *path, const struct who *who, char type)
{
	struct call c = model_call(op, path, who, NULL);
	struct decision d;

	c.type = type;
	c.makes = true;
	d = model_decide(&c);
	if (d.err)
		return d.err == ENOENT ? EACCES : d.err;
	if (d.gate >= 0 && !has_parent(d.gate, path))
		return ENOENT;
	return model_home_if_made(path, d.branch) != d.branch ? EINVAL : -1 - d.branch;
}

int model_make(const char *path, struct who who, enum operation op)
{
	struct object *o;
	int err = model_walk(path, &who, true, &o), branch;

	if (err)
		return err;
	if (o)
		return EEXIST;
	err = target(op, path, &who, op == MKDIR ? 'd' : 'f');
	if (err >= 0)
		return err;
	branch = -1 - err;
	err = make_parents(branch, path);
	if (!err && model_find(branch, path))
		err = ESTALE;
	if (!err)
		model_add(branch, path, op == MKDIR ? -1 : 0);
	return err;
}

int model_link(const char *from, const char *to, struct who who)
{
	struct object *old, *o;
	int err = model_walk(from, &who, false, &old) ?: model_walk(to, &who, true, &o);

	if (err)
		return err;
	if (o)
		return EEXIST;
	if (old->file < 0)
		return EPERM;
	err = target(LINK, to, &who, 'f');
	if (err >= 0)
		return err;
	if (-1 - err != old->branch)
		return EXDEV;
	err = make_parents(old->branch, to);
	if (!err && model_find(old->branch, to))
		err = ESTALE;
	if (!err)
		new_object(old->branch, to)->file = old->file;
	return err;
}

int model_unlink(const char *path, struct who who)
{
	struct object *o, *other;
	int err = model_walk(path, &who, false, &o);
	struct decision d;
	struct call c;

	if (err)
		return err;
	if (o->file < 0)
		return EISDIR;
	c = model_call(UNLINK, path, &who, o);
	d = model_decide(&c);
	if (d.err)
		return d.err;
	if (d.gate >= 0 && !has_parent(d.gate, path))
		return ENOENT;
	other = model_find(d.branch, path);
	if (!other)
		return ENOENT;
	if (other->file < 0)
		return EISDIR;
	other->gone = true;
	return 0;
}

/* Whether a branch holds anything below PATH; if VISIBLE, that its names lead to. */
static bool holds(int branch, const char *path, bool visible)
{
	int i;

	for (i = 0; i < made; i++)
		if (!objects[i].gone && objects[i].branch == branch &&
		    model_is_below(objects[i].path, path) &&
		    (!visible || model_home(objects[i].path) == branch))
			return true;
	return false;
}

/* Whether some branch but that of O has a directory at its path. */
static bool is_mirrored(int branch, const char *path)
{
	struct object *o;
	int i;

	for (i = 0; i < MODEL_BRANCHES; i++) {
		o = i == branch ? NULL : model_find(i, path);
		if (o && o->file < 0)
			return true;
	}
	return false;
}

/* What is empty in the list may be gone in the branch. */
static void follow_empty(int branch, const char *path)
{
	struct object *o = model_find(branch, path);
	char at[2 * MODEL_PATH];
	struct stat st;

	snprintf(at, sizeof(at), "%s%s", model_places[branch], path);
	if (o && o->file < 0 && !holds(branch, path, false) && lstat(at, &st))
		o->gone = true;
}

int model_rmdir(const char *path, struct who who, int seen)
{
	bool open = false;
	struct object *o, *served;
	int err = model_walk(path, &who, false, &o), i;
	struct decision d;
	struct call c;

	if (err)
		return err;
	if (o->file >= 0)
		return ENOTDIR;
	c = model_call(RMDIR, path, &who, o);
	d = model_decide(&c);
	if (d.err)
		return d.err;
	if (d.gate >= 0 && !has_parent(d.gate, path))
		return ENOENT;
	for (i = 0; i < MODEL_BRANCHES; i++) {
		if (holds(i, path, i != d.branch))
			return ENOTEMPTY;
		open |= holds(i, path, false);
	}
	if (open && seen == ENOTEMPTY)
		return seen;
	served = model_find(d.branch, path);
	if (!served || served->file >= 0)
		return served && seen == ENOTDIR ? seen : ENOENT;
	for (i = 0; i < MODEL_BRANCHES; i++)
		if (i != d.branch)
			follow_empty(i, path);
	served->gone = true;
	return 0;
}

/* Whether a rename may change an entry to something of BRANCH; KEPT: and leave it there. */
static int allows(const char *path, const struct who *who, const struct object *at, char type,
		  int branch, bool kept)
{
	struct call c = model_call(RENAME, path, who, at);
	struct decision d;

	c.type = type;
	d = model_decide(&c);
	if (d.err)
		return d.err;
	if (d.by_rule && d.branch != branch)
		return EXDEV;
	if (d.gate >= 0 && !has_parent(d.gate, path))
		return ENOENT;
	return kept && model_home_if_made(path, branch) != branch ? EXDEV : 0;
}

static void moved_path(char to[MODEL_PATH], const char *path, const char *old, const char *new)
{
	snprintf(to, MODEL_PATH, "%s%s", new, path + strlen(old));
}

/* Whether something would appear or disappear when BRANCH renames a directory. */
static bool changes_below(int branch, const char *old, const char *new)
{
	char path[MODEL_PATH];
	int i;

	for (i = 0; i < made; i++) {
		const struct object *o = &objects[i];
		bool from = model_is_below(o->path, old), visible;

		if (o->gone || !(from || model_is_below(o->path, new)))
			continue;
		visible = model_home(o->path) == o->branch;
		if (o->branch == branch && from) {
			moved_path(path, o->path, old, new);
			if (visible != (model_home_if_made(path, branch) == branch))
				return true;
		} else if (o->branch != branch && visible) {
			return true;
		}
	}
	return false;
}

static bool rules_name_paths(void)
{
	int i;

	for (i = 0; i < rule_count; i++)
		if (rules[i].path)
			return true;
	return false;
}

static int walk_to_parent(const char *path, const struct who *who)
{
	char parent[MODEL_PATH];
	struct object *o;
	int err = model_walk(parent_of(path, parent), who, false, &o);

	return err ?: o && o->file >= 0 ? ENOTDIR : 0;
}

static void move(int branch, const char *old, const char *new)
{
	char path[MODEL_PATH];
	struct object *target = model_find(branch, new);
	int i;

	if (target)
		target->gone = true;
	for (i = 0; i < made; i++) {
		struct object *o = &objects[i];

		if (o->gone || o->branch != branch ||
		    !(model_is_below(o->path, old) || !strcmp(o->path, old)))
			continue;
		moved_path(path, o->path, old, new);
		strcpy(o->path, path);
		o->hash = model_hash(path);
	}
}

int model_rename(const char *old, const char *new, struct who who, int seen)
{
	struct object *o, *t;
	int err = walk_to_parent(old, &who) ?: walk_to_parent(new, &who) ?:
		  model_walk(old, &who, false, &o) ?: model_walk(new, &who, true, &t);
	bool dir;

	if (err)
		return err;
	if (model_is_below(new, old))
		return EINVAL;
	if (model_is_below(old, new))
		return ENOTEMPTY;
	dir = o->file < 0;
	if (t == o || (t && !dir && t->file == o->file))
		return 0;
	if (t && t->file >= 0 && dir)
		return ENOTDIR;
	if (t && t->file < 0 && !dir)
		return EISDIR;
	if (t && t->branch != o->branch)
		return EXDEV;
	if (rule_count)
		err = allows(old, &who, o, dir ? 'd' : 'f', o->branch, false) ?:
		      allows(new, &who, t, dir ? 'd' : 'f', o->branch, true);
	if (err)
		return err;
	if (dir && rule_count) {
		if (changes_below(o->branch, old, new))
			return EXDEV;
		if (seen == EXDEV && (rules_name_paths() || is_mirrored(o->branch, old) ||
				      is_mirrored(o->branch, new)))
			return EXDEV;
	}
	err = make_parents(o->branch, new);
	if (err)
		return err;
	if (!t && model_find(o->branch, new))
		return ESTALE;
	if (t && dir && holds(o->branch, new, false))
		return ENOTEMPTY;
	move(o->branch, old, new);
	return 0;
}

bool model_has_room(const char *old, const char *new)
{
	int i;

	for (i = 0; i < made; i++)
		if (model_is_below(objects[i].path, old) &&
		    strlen(objects[i].path) - strlen(old) + strlen(new) > MODEL_PATH - 24)
			return false;
	return true;
}
