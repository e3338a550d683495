// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random rule lists over a tree of 500 objects on ext4, tmpfs and FUSE, used by
 * four callers: each result, each branch's content and each listing is what
 * a model says that tries the rules one by one on the whole path.
 */
#include "model.h"
#include "site.h"

#include <dirent.h>
#include <grp.h>
#include <sys/fsuid.h>

#define OBJECTS 500
#define STEPS 150

FIXTURE_VARIANT_ADD(site, all) { .parts = SITE_EXT4 | SITE_FUSE | SITE_RAM };

static const struct who callers[] = { { 0, 0 }, { 1000, 1000 }, { 1001, 1000 }, { 1001, 2000 } };
static unsigned int state;
/* Each file gets another size when it is written; rules tell those above 30. */
static long last_size = 30;

static unsigned int below(unsigned int n)
{
	state = state * 1103515245 + 12345;
	return (state >> 8) % n;
}

#define ONE_OF(table) ((table)[below(sizeof(table) / sizeof(*(table)))])

static const char *random_path(char path[MODEL_PATH])
{
	static const char *const parts[] = {
		"a", "b", "c", "d.c", "f", "f1", "f2", "f3", "g.c", "h.c", "i.r", "j.r", "k",
	};
	int n = 1 + below(3);

	path[0] = '\0';
	while (n--) {
		strcat(path, "/");
		strcat(path, n ? parts[below(4)] : ONE_OF(parts));
	}
	return path;
}

static const char *random_branch(int one_in)
{
	return below(one_in) ? NULL : ONE_OF(model_branches);
}

static bool is_word(const struct rule *r, const char *word)
{
	return r->op && !strcmp(r->op, word);
}

static void random_rule(struct rule *r)
{
	static const char *const ops[] = { NULL, NULL, NULL, NULL, "name", "name", "data", "meta",
		"lookup", "readdir", "create", "mkdir", "link", "unlink", "rmdir", "rename",
		"getattr", "open" };
	static const char *const paths[] = { NULL, NULL, NULL, "/a/**", "/b/*", "/*/c", "/**/f1",
		"/c/**/h.c", "/*", "/a/b/**", "/**/d.c/**", "/b/**" };
	static const char *const names[] = { NULL, NULL, "*.c", "*.r", "f*", "[a-c]", "d?c", "k" };
	static const char *const verdicts[] = { "hot", "ram", "cold", "hot|cold", "cold|ram",
		"ram|hot", "ram", "cold", "deny", "deny:EPERM", "gate:hot cold", "gate:ram hot",
		"gate:cold ram" };
	static const char *const refusals[] = { "deny", "deny:EPERM", "hide", "hide", "hide" };
	static const char *const serving[] = { "data", "meta", "getattr", "open" };
	static const char *const some_sizes[] = { "<30", ">30" };

	*r = (struct rule){
		.op = ONE_OF(ops), .path = ONE_OF(paths), .name = ONE_OF(names),
		.verdict = ONE_OF(verdicts), .exists = random_branch(6),
	};
	if (!r->exists)
		r->missing = random_branch(10);
	if (!below(3))
		r->uid = 1 + ONE_OF(callers).uid;
	if (!below(4))
		r->gid = 1 + ONE_OF(callers).gid;
	if ((r->uid || r->gid) && below(2))
		r->op = ONE_OF(serving);
	else if (r->uid || r->gid)
		r->verdict = ONE_OF(refusals);
	if (!below(5) && !is_word(r, "lookup") && !is_word(r, "readdir"))
		r->type = below(2) ? "f" : "d";
	if (!below(8) && !is_word(r, "lookup") && !is_word(r, "readdir") &&
	    !is_word(r, "create") && !is_word(r, "mkdir"))
		r->size = ONE_OF(some_sizes);
	if (!below(2) && (!r->op || is_word(r, "data") || is_word(r, "open")))
		r->access = below(2) ? "r" : "w";
	if (!strcmp(r->verdict, "hide")) {
		r->op = NULL;
		r->type = NULL;
		r->access = NULL;
		r->size = NULL;
		r->exists = NULL;
		r->missing = NULL;
	}
	model_rule_text(r);
}

static bool is_new(const struct rule *r)
{
	const struct rule *other;

	for (other = rules; other < r; other++)
		if (!strcmp(other->text, r->text))
			return false;
	return true;
}

static const char *all_rules(void)
{
	static char text[MODEL_RULES * 256];
	int i;

	text[0] = '\0';
	for (i = 0; i < rule_count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "\n#   %d: %s", i + 1,
			 rules[i].text);
	return text;
}

/* Directly in a branch, with the directories above it. */
static void plant(struct __test_metadata *_metadata)
{
	char path[MODEL_PATH], part[MODEL_PATH];
	const char *end, *at;
	int branch = below(3);

	random_path(path);
	for (end = strchrnul(path + 1, '/'); *end; end = strchrnul(end + 1, '/')) {
		struct object *o;

		snprintf(part, MODEL_PATH, "%.*s", (int)(end - path), path);
		o = model_find(branch, part);
		if (o && o->file >= 0)
			return;
		if (o)
			continue;
		ASSERT_OK(mkdir(fmt("%s%s", model_places[branch], part), 0777));
		model_add(branch, part, -1);
	}
	if (model_find(branch, path))
		return;
	at = fmt("%s%s", model_places[branch], path);
	if (below(5) == 0) {
		ASSERT_OK(mkdir(at, 0777));
		model_add(branch, path, -1);
		return;
	}
	model_add(branch, path, below(2) ? 1 + branch : ++last_size);
	DOES(put(at, ""));
	ASSERT_OK(chmod(at, 0666));
	ASSERT_OK(truncate(at, sizes[model_find(branch, path)->file]));
}

static void become(struct who who)
{
	setfsgid(who.gid);
	setfsuid(who.uid);
}

static void be_root(void)
{
	setfsuid(0);
	setfsgid(0);
}

/* What is made of a path, or of two, and what it shows of the object there. */
struct result {
	int err;
	long size;
};

static struct result do_stat(const char *path)
{
	struct stat st;
	int err = ERR(lstat(path, &st));

	return (struct result){ err, err || S_ISDIR(st.st_mode) ? -1 : st.st_size };
}

/* Opens it and looks at its end; with a new size, makes it grow. */
static struct result do_open(const char *path, int flags, long new_size)
{
	int fd = open(path, flags | O_CLOEXEC), err = fd < 0 ? errno : 0;
	long size = -1;

	if (!err && new_size && pwrite(fd, "x", 1, new_size - 1) != 1)
		err = errno ?: EIO;
	if (!err)
		size = lseek(fd, 0, SEEK_END);
	if (fd >= 0)
		close(fd);
	return (struct result){ err, size };
}

enum kind { STAT, READ, WRITE, MAKE_FILE, MAKE_DIR, ADD_LINK, REMOVE, REMOVE_DIR, MOVE, CALLS };
static const char *const call_names[] = {
	"stat", "read", "write", "mknod", "mkdir", "link", "unlink", "rmdir", "rename",
};
static unsigned int tried[CALLS], done[CALLS];

static struct result make_call(enum kind what, const char *path, const char *to)
{
	struct result r = { .size = -1 };

	switch (what) {
	case STAT:
		return do_stat(path);
	case READ:
		return do_open(path, O_RDONLY, 0);
	case WRITE:
		return do_open(path, O_WRONLY, last_size);
	case MAKE_FILE:
		/* Without opening it, which rules may send elsewhere. */
		r.err = ERR(mknod(path, S_IFREG | 0666, 0));
		break;
	case MAKE_DIR:
		r.err = ERR(mkdir(path, 0777));
		break;
	case ADD_LINK:
		r.err = ERR(link(path, to));
		break;
	case REMOVE:
		r.err = ERR(unlink(path));
		break;
	case REMOVE_DIR:
		r.err = ERR(rmdir(path));
		break;
	default:
		r.err = ERR(rename(path, to));
	}
	return r;
}

static struct result predict(enum kind what, const char *path, const char *to, struct who who,
			     int seen)
{
	struct object *o = NULL;
	struct result r = { .size = -1 };

	switch (what) {
	case STAT:
		r.err = model_serve(GETATTR, path, who, 0, &o);
		break;
	case READ:
		r.err = model_serve(OPEN, path, who, 'r', &o);
		break;
	case WRITE:
		r.err = model_serve(OPEN, path, who, 'w', &o);
		if (!r.err)
			sizes[o->file] = last_size;
		break;
	case MAKE_FILE:
		r.err = model_make(path, who, CREATE);
		break;
	case MAKE_DIR:
		r.err = model_make(path, who, MKDIR);
		break;
	case ADD_LINK:
		r.err = model_link(path, to, who);
		break;
	case REMOVE:
		r.err = model_unlink(path, who);
		break;
	case REMOVE_DIR:
		r.err = model_rmdir(path, who, seen);
		break;
	default:
		r.err = model_rename(path, to, who, seen);
	}
	if (!r.err && o && o->file >= 0)
		r.size = sizes[o->file];
	return r;
}

/* One call, made and predicted. */
static void step(struct __test_metadata *_metadata)
{
	char path[MODEL_PATH], to[MODEL_PATH];
	enum kind what = below(CALLS);
	struct who who = ONE_OF(callers);
	struct result seen, expected;
	struct object *o;

	random_path(path);
	random_path(to);
	/* Directories are opened, and listed from their names' homes. */
	if ((what == READ || what == WRITE) && !model_lookup(path, who, &o) && o->file < 0)
		return;
	if (what == MOVE && !model_has_room(path, to))
		return;
	last_size += what == WRITE;
	become(who);
	seen = make_call(what, fmt("mnt%s", path), fmt("mnt%s", to));
	be_root();
	expected = predict(what, path, to, who, seen.err);
	tried[what]++;
	done[what] += !seen.err;
	ASSERT_EQ(expected.err, seen.err)
		TH_LOG("%s %s (%s) by %d:%d: %s, not %s%s", call_names[what], path, to, who.uid,
		       who.gid, strerror(seen.err), strerror(expected.err), all_rules());
	ASSERT_EQ(expected.size, seen.size)
		TH_LOG("%s %s by %d:%d%s", call_names[what], path, who.uid, who.gid, all_rules());
}

static void check_listings(struct __test_metadata *_metadata)
{
	static char text[MODEL_TEXT];
	int i, err;

	for (i = -1; i < made; i++) {
		const char *path = i < 0 ? "" : objects[i].path, *seen;
		struct who who = ONE_OF(callers);

		if (i >= 0 && (objects[i].file >= 0 || objects[i].gone || below(4)))
			continue;
		err = model_listing(path, who, text);
		become(who);
		seen = names_in(fmt("mnt%s", path));
		be_root();
		ASSERT_STREQ(err ? strerror(err) : text, seen)
			TH_LOG("%s by %d:%d%s", path, who.uid, who.gid, all_rules());
	}
}

static int count_below(int branch, const char *path)
{
	struct dirent *e;
	char below[MODEL_PATH];
	int n = 0;
	DIR *d = opendir(fmt("%s%s", model_places[branch], path));

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(below, MODEL_PATH, "%s/%.16s", path, e->d_name);
		n++;
		if (e->d_type == DT_DIR)
			n += count_below(branch, below);
	}
	if (d)
		closedir(d);
	return n;
}

static void check_branches(struct __test_metadata *_metadata)
{
	int n[MODEL_BRANCHES] = { 0 }, i;

	for (i = 0; i < made; i++) {
		const struct object *o = &objects[i];
		struct stat st;

		if (o->gone)
			continue;
		n[o->branch]++;
		st = stat_of(fmt("%s%s", model_places[o->branch], o->path));
		ASSERT_EQ(o->file < 0 ? S_IFDIR : S_IFREG, st.st_mode & S_IFMT)
			TH_LOG("%s in %s%s", o->path, model_branches[o->branch], all_rules());
		if (o->file >= 0) {
			ASSERT_EQ(sizes[o->file], st.st_size) TH_LOG("%s", o->path);
		}
	}
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(n[i], count_below(i, ""))
			TH_LOG("in %s%s", model_branches[i], all_rules());
	}
}

TEST_F_TIMEOUT(site, rules_do_what_a_naive_reading_of_them_says, 800)
{
	const char *scale = getenv("SWITCHFS_SCALE"), *seed = getenv("SWITCHFS_SEED");
	int lists = scale && !strcmp(scale, "full") ? 200 : 10, list, i;

	state = seed ? atoi(seed) : 4;
	ASSERT_OK(setgroups(0, NULL));
	for (i = 0; i < 3; i++) {
		ASSERT_OK(chmod(model_places[i], 0777));
	}
	while (made < OBJECTS)
		plant(_metadata);
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch", self->site.ram,
				    "branch", self->site.cold, END));
	for (list = 0; list < lists; list++) {
		for (rule_count = 1 + below(MODEL_RULES), i = 0; i < rule_count; i++)
			do {
				random_rule(&rules[i]);
			} while (!is_new(&rules[i]));
		ASSERT_EQ(0, model_remount("mnt")) TH_LOG("%s%s", mount_log, all_rules());
		for (i = 0; i < STEPS && made < MODEL_ROOM - 10; i++)
			step(_metadata);
		check_listings(_metadata);
		check_branches(_metadata);
	}
	for (i = 0; i < CALLS; i++) {
		EXPECT_LT(0, done[i]) TH_LOG("no %s was done", call_names[i]);
		fprintf(stderr, "# %s: %u of %u done\n", call_names[i], done[i], tried[i]);
	}
}

SWITCHFS_TEST_MAIN
