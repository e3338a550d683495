// SPDX-License-Identifier: GPL-2.0-only
/* The naive reading of rules: what they make of a path, and of a caller. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "model_call.h"
#include "mounting.h"

const char *const model_branches[] = { "hot", "ram", "cold" };
const char *const model_places[] = { "hot", "ram", "cold-source" };

struct object objects[MODEL_ROOM];
long sizes[MODEL_ROOM];
int made;
struct rule rules[MODEL_RULES];
int rule_count, default_branch;

static const char *const words[] = {
	"lookup", "readdir", "create", "mkdir", "link", "unlink", "rmdir", "rename", "getattr",
	"open",
};

static const char *class_of(enum operation op)
{
	return op < GETATTR ? "name" : op == GETATTR ? "meta" : "data";
}

static void say(struct rule *r, const char *key, const char *value)
{
	size_t len = strlen(r->text);

	if (value)
		snprintf(r->text + len, sizeof(r->text) - len, "%s=%s ", key, value);
}

static void say_number(struct rule *r, const char *key, int value)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", value - 1);
	say(r, key, value ? number : NULL);
}

void model_rule_text(struct rule *r)
{
	r->text[0] = '\0';
	say(r, "op", r->op);
	say(r, "path", r->path);
	say(r, "name", r->name);
	say(r, "type", r->type);
	say(r, "access", r->access);
	say(r, "size", r->size);
	say_number(r, "uid", r->uid);
	say_number(r, "gid", r->gid);
	say(r, "exists", r->exists);
	say(r, "missing", r->missing);
	snprintf(r->text + strlen(r->text), 32, "-> %s", r->verdict);
}

/* Components of GLOB against those of PATH, both with a slash ahead. */
static bool matches(const char *glob, const char *path)
{
	char first[MODEL_PATH], part[MODEL_PATH];
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
	snprintf(first, MODEL_PATH, "%.*s", (int)(rest - glob), glob);
	snprintf(part, MODEL_PATH, "%.*s", (int)(next - path), path);
	return !fnmatch(first, part, 0) && matches(rest, next);
}

unsigned int model_hash(const char *path)
{
	unsigned int hash = 0;

	while (*path)
		hash = hash * 31 + *path++;
	return hash;
}

struct object *model_find(int branch, const char *path)
{
	unsigned int hash = model_hash(path);
	int i;

	for (i = 0; i < made; i++)
		if (objects[i].hash == hash && objects[i].branch == branch && !objects[i].gone &&
		    !strcmp(objects[i].path, path))
			return &objects[i];
	return NULL;
}

bool model_is_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return !strncmp(path, top, len) && path[len] == '/';
}

static int number(const char *name, size_t len)
{
	int i;

	for (i = 0; i < MODEL_BRANCHES; i++)
		if (len == strlen(model_branches[i]) && !strncmp(name, model_branches[i], len))
			return i;
	return -1;
}

static bool is_there(const struct call *c, int branch)
{
	return branch == c->made_in || model_find(branch, c->path);
}

static bool applies(const struct rule *r, const struct call *c)
{
	bool finds = c->op == LOOKUP || c->op == READDIR;
	long limit = r->size ? atol(r->size + 1) : 0;

	if (r->op && strcmp(r->op, words[c->op]) && strcmp(r->op, class_of(c->op)))
		return false;
	if (r->type && (finds || c->type != *r->type))
		return false;
	if (r->access && (c->op != OPEN || c->access != *r->access))
		return false;
	if (r->size && (finds || c->size < 0 ||
			(*r->size == '<' ? c->size >= limit : c->size <= limit)))
		return false;
	if (r->path && !matches(r->path, c->path))
		return false;
	if (r->name && fnmatch(r->name, strrchr(c->path, '/') + 1, 0))
		return false;
	if (r->uid && (!c->who || c->who->uid != (uid_t)r->uid - 1))
		return false;
	if (r->gid && (!c->who || c->who->gid != (gid_t)r->gid - 1))
		return false;
	if (r->exists && !is_there(c, number(r->exists, strlen(r->exists))))
		return false;
	return !r->missing || !is_there(c, number(r->missing, strlen(r->missing)));
}

static int errno_of(const char *verdict)
{
	if (!strcmp(verdict, "hide"))
		return ENOENT;
	return !strcmp(verdict, "deny") ? EACCES : !strcmp(verdict, "deny:EPERM") ? EPERM : 0;
}

/* What a verdict means that refuses nothing; of a list, the first branch that has the path. */
static struct decision served_by(const char *verdict, const struct call *c)
{
	struct decision d = { .gate = -1 };
	const char *bar = strchrnul(verdict, '|'), *space = strchr(verdict, ' ');

	if (space) {
		d.gate = number(verdict + 5, space - verdict - 5);
		d.branch = number(space + 1, strlen(space + 1));
		return d;
	}
	d.branch = number(verdict, bar - verdict);
	if (*bar && !c->makes && !is_there(c, d.branch)) {
		int second = number(bar + 1, strlen(bar + 1));

		/* In none of them: the first is to have it. */
		if (is_there(c, second))
			d.branch = second;
	}
	return d;
}

int model_home_if_made(const char *path, int made_in)
{
	struct call c = { .op = LOOKUP, .path = path, .size = -1, .made_in = made_in };
	int i;

	for (i = 0; *path && i < rule_count; i++)
		if (!errno_of(rules[i].verdict) && applies(&rules[i], &c))
			return served_by(rules[i].verdict, &c).branch;
	return default_branch;
}

int model_home(const char *path)
{
	return model_home_if_made(path, -1);
}

struct decision model_decide(const struct call *c)
{
	struct decision d = { .gate = -1, .branch = -1 };
	int i;

	for (i = 0; i < rule_count; i++) {
		if (!applies(&rules[i], c))
			continue;
		d.err = errno_of(rules[i].verdict);
		if (!d.err)
			d = served_by(rules[i].verdict, c);
		d.by_rule = true;
		return d;
	}
	d.branch = model_home(c->path);
	return d;
}

struct call model_call(enum operation op, const char *path, const struct who *who,
		       const struct object *o)
{
	struct call c = { .op = op, .path = path, .who = who, .size = -1, .made_in = -1 };

	if (o) {
		c.type = o->file < 0 ? 'd' : 'f';
		/* A directory's is not small. */
		c.size = o->file < 0 ? 4096 : sizes[o->file];
	}
	return c;
}

/* Whether the caller is let to the name itself, found or not; -1: to its absence. */
static int admitted(const char *path, const struct who *who, bool makes)
{
	struct call c = model_call(LOOKUP, path, who, NULL);
	struct decision d = model_decide(&c);

	if (d.err)
		return makes && d.err == ENOENT ? EACCES : d.err;
	return d.gate >= 0 && !model_find(d.gate, path) ? -1 : 0;
}

int model_walk(const char *path, const struct who *who, bool makes, struct object **o)
{
	char part[MODEL_PATH];
	const char *end = path;
	int err;

	*o = NULL;
	while (*end) {
		if (*o && (*o)->file >= 0)
			return ENOTDIR;
		end = strchrnul(end + 1, '/');
		snprintf(part, MODEL_PATH, "%.*s", (int)(end - path), path);
		err = admitted(part, who, makes && !*end);
		if (err > 0)
			return err;
		*o = err ? NULL : model_find(model_home(part), part);
		if (!*o)
			return *end || !makes ? ENOENT : 0;
	}
	return 0;
}

int model_lookup(const char *path, struct who who, struct object **o)
{
	return model_walk(path, &who, false, o);
}

/* What is at PATH in BRANCH, of the type of LIKE. */
static struct object *counterpart(int branch, const char *path, const struct object *like)
{
	struct object *o = model_find(branch, path);

	return o && (o->file < 0) == (like->file < 0) ? o : NULL;
}

int model_serve(enum operation op, const char *path, struct who who, char access,
		struct object **o)
{
	int err = model_walk(path, &who, false, o);
	struct decision d;
	struct call c;

	if (err)
		return err;
	c = model_call(op, path, &who, *o);
	c.access = access;
	d = model_decide(&c);
	if (d.err)
		return d.err;
	if (d.gate >= 0 && !counterpart(d.gate, path, *o))
		return ENOENT;
	*o = counterpart(d.branch, path, *o);
	return *o ? 0 : ENOENT;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Why OP on a directory is denied, if it is; who serves it does not matter. */
static int refused(enum operation op, const char *path, const struct who *who,
		   const struct object *dir)
{
	struct call c = model_call(op, path, who, dir);
	struct decision d;
	struct object *gate;

	c.access = 'r';
	d = model_decide(&c);
	if (d.err || d.gate < 0)
		return d.err;
	gate = model_find(d.gate, path);
	return gate && gate->file < 0 ? 0 : ENOENT;
}

int model_listing(const char *path, struct who who, char text[MODEL_TEXT])
{
	static char *names[MODEL_ROOM];
	struct object *dir, *served;
	int err = model_walk(path, &who, false, &dir), i, n = 0;
	size_t len = strlen(path), at = 0;

	text[0] = '\0';
	if (!err && *path) {
		if (dir->file >= 0)
			return ENOTDIR;
		err = refused(OPEN, path, &who, dir) ?:
		      model_serve(GETATTR, path, who, 0, &served);
		if (err)
			return err;
		err = refused(READDIR, path, &who, dir);
		/* Which readdir(3) takes for the end. */
		if (err)
			return err == ENOENT ? 0 : err;
	} else if (err) {
		return err;
	}
	for (i = 0; i < made; i++) {
		struct object *o = &objects[i];

		if (!o->gone && model_is_below(o->path, path) && !strchr(o->path + len + 1, '/') &&
		    model_home(o->path) == o->branch) {
			err = admitted(o->path, &who, false);
			if (err >= 0 && err != ENOENT)
				names[n++] = o->path + len + 1;
		}
	}
	qsort(names, n, sizeof(*names), by_name);
	for (i = 0; i < n; i++)
		at += snprintf(text + at, MODEL_TEXT - at, "%s%s", i ? " " : "", names[i]);
	return 0;
}

int model_remount(const char *target)
{
	int i, fs = fspick(AT_FDCWD, target, FSPICK_CLOEXEC), err;
	ssize_t n;

	err = ERR(fsconfig(fs, FSCONFIG_SET_FLAG, "norules", NULL, 0)) ?:
	      ERR(fsconfig(fs, FSCONFIG_SET_STRING, "default", model_branches[default_branch], 0));
	for (i = 0; i < rule_count && !err; i++)
		err = ERR(fsconfig(fs, FSCONFIG_SET_STRING, "rule", rules[i].text, 0));
	err = err ?: ERR(fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	n = err ? read(fs, mount_log, sizeof(mount_log) - 1) : 0;
	mount_log[n > 0 ? n : 0] = '\0';
	close(fs);
	return err;
}

/* Takes in what is in DIR of the branch, whose path from its root is PATH. */
static int scan(int branch, const char *path)
{
	char at[2 * MODEL_PATH], below[MODEL_PATH];
	struct dirent *e;
	struct stat st;
	int err = 0;
	DIR *d;

	snprintf(at, sizeof(at), "%s%s", model_places[branch], path);
	d = opendir(at);
	if (!d)
		return errno;
	while (!err && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (made == MODEL_ROOM ||
		    snprintf(below, MODEL_PATH, "%s/%s", path, e->d_name) >= MODEL_PATH)
			err = ENAMETOOLONG;
		else if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			err = errno;
		else
			model_add(branch, below, S_ISDIR(st.st_mode) ? -1 : st.st_size);
		if (!err && S_ISDIR(st.st_mode))
			err = scan(branch, below);
	}
	closedir(d);
	return err;
}

int model_scan(void)
{
	int i, err = 0;

	made = 0;
	for (i = 0; i < MODEL_BRANCHES && !err; i++)
		err = scan(i, "");
	return err;
}
