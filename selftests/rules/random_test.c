// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random rule lists over a tree of 500 objects on ext4, tmpfs and FUSE, used by
 * three callers: each result, each branch's content and each listing is what
 * a model says that tries the rules one by one on the whole path.
 */
#include "random.h"
#include "site.h"

#include <dirent.h>
#include <sys/fsuid.h>

#define OBJECTS 500
#define STEPS 150

FIXTURE_VARIANT_ADD(site, all) { .parts = SITE_EXT4 | SITE_FUSE | SITE_RAM };

static const uid_t users[] = { 0, 1000, 1001 };
static unsigned int state;

static unsigned int below(unsigned int n)
{
	state = state * 1103515245 + 12345;
	return (state >> 8) % n;
}

#define ONE_OF(table) ((table)[below(sizeof(table) / sizeof(*(table)))])

static const char *random_path(char path[LONGEST])
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

static int random_choice(int one_in)
{
	return below(one_in) ? -1 : (int)below(3);
}

static void random_rule(struct rule *r)
{
	static const char *const ops[] = { "", "", "", "", "name", "name", "data", "meta",
		"lookup", "readdir", "create", "mkdir", "unlink", "getattr", "open" };
	static const char *const paths[] = { "", "", "/a/**", "/b/*", "/*/c", "/**/f1",
		"/c/**/h.c", "/*", "/a/b/**", "/**/d.c/**", "/b/**" };
	static const char *const names[] = { "", "", "*.c", "*.r", "f*", "[a-c]", "d?c", "k" };
	static const char *const verdicts[] = { "hot", "ram", "cold", "hot|cold", "cold|ram",
		"ram|hot", "ram", "cold", "deny", "deny:EPERM" };
	static const char *const refusals[] = { "deny", "deny:EPERM", "hide", "hide", "hide" };
	static const char *const serving[] = { "data", "meta", "getattr", "open" };
	char *t = r->text;

	r->op = ONE_OF(ops);
	r->path = ONE_OF(paths);
	r->name = ONE_OF(names);
	r->type = "";
	r->verdict = ONE_OF(verdicts);
	r->exists = random_choice(6);
	r->missing = r->exists < 0 ? random_choice(10) : -1;
	r->uid = below(3) ? -1 : (int)users[below(3)];
	if (!below(5) && strcmp(r->op, "lookup") && strcmp(r->op, "readdir"))
		r->type = below(2) ? "f" : "d";
	if (r->uid >= 0 && below(2))
		r->op = ONE_OF(serving);
	else if (r->uid >= 0)
		r->verdict = ONE_OF(refusals);
	if (!strcmp(r->verdict, "hide")) {
		r->op = "";
		r->type = "";
		r->exists = -1;
		r->missing = -1;
	}
	t += sprintf(t, "%s%s%s%s%s%s", *r->op ? "op=" : "", r->op, *r->path ? " path=" : "",
		     r->path, *r->name ? " name=" : "", r->name);
	t += sprintf(t, "%s%s", *r->type ? " type=" : "", r->type);
	if (r->uid >= 0)
		t += sprintf(t, " uid=%d", r->uid);
	if (r->exists >= 0)
		t += sprintf(t, " exists=%s", branches[r->exists]);
	if (r->missing >= 0)
		t += sprintf(t, " missing=%s", branches[r->missing]);
	sprintf(t, " -> %s", r->verdict);
}

static bool is_new(const struct rule *r)
{
	const struct rule *other;

	for (other = rules; other < r; other++)
		if (!strcmp(other->text, r->text))
			return false;
	return true;
}

static int remount(void)
{
	const char *pairs[2 * RULES + 4] = { "norules", NULL };
	int i, fs = fspick(AT_FDCWD, "mnt", FSPICK_CLOEXEC), failed;

	failed = fsconfig(fs, FSCONFIG_SET_FLAG, pairs[0], NULL, 0);
	for (i = 0; i < count && !failed; i++)
		failed = fsconfig(fs, FSCONFIG_SET_STRING, "rule", rules[i].text, 0);
	failed = failed ?: fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	i = failed ? errno : 0;
	while (failed && read(fs, mount_log, sizeof(mount_log) - 1) > 0)
		;
	close(fs);
	return i;
}

static const char *all_rules(void)
{
	static char text[RULES * 256];
	int i;

	text[0] = '\0';
	for (i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "\n#   %d: %s", i + 1,
			 rules[i].text);
	return text;
}

/* Directly in a branch, with the directories above it. */
static void plant(struct __test_metadata *_metadata)
{
	char path[LONGEST], part[LONGEST];
	const char *end;
	int branch = below(3);

	random_path(path);
	for (end = strchrnul(path + 1, '/'); *end; end = strchrnul(end + 1, '/')) {
		struct object *o;

		snprintf(part, LONGEST, "%.*s", (int)(end - path), path);
		o = find(branch, part);
		if (o && o->size >= 0)
			return;
		if (o)
			continue;
		ASSERT_OK(mkdir(fmt("%s%s", places[branch], part), 0777));
		add(branch, part, -1);
	}
	if (find(branch, path))
		return;
	if (below(5) == 0) {
		ASSERT_OK(mkdir(fmt("%s%s", places[branch], path), 0777));
		add(branch, path, -1);
		return;
	}
	add(branch, path, 1 + branch);
	DOES(put(fmt("%s%s", places[branch], path), &"xxx"[2 - branch]));
	ASSERT_OK(chmod(fmt("%s%s", places[branch], path), 0666));
}

static int as(uid_t uid, int (*call)(const char *), const char *path)
{
	int err;

	setfsuid(uid);
	err = call(path);
	setfsuid(0);
	return err;
}

static long size_seen;

static int do_stat(const char *path)
{
	struct stat st;
	int err = ERR(lstat(path, &st));

	size_seen = err || S_ISDIR(st.st_mode) ? -1 : st.st_size;
	return err;
}

static int do_read(const char *path)
{
	char buf[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = fd < 0 ? errno : 0;

	size_seen = fd < 0 ? -1 : read(fd, buf, sizeof(buf));
	if (fd >= 0)
		close(fd);
	return err;
}

static int do_create(const char *path)
{
	/* Without opening it, which rules may send elsewhere. */
	return ERR(mknod(path, S_IFREG | 0666, 0));
}

static int do_mkdir(const char *path)
{
	return ERR(mkdir(path, 0777));
}

static int do_unlink(const char *path)
{
	return ERR(unlink(path));
}

/* One call, made and predicted. */
static void step(struct __test_metadata *_metadata)
{
	static int (*const calls[])(const char *) = {
		do_stat, do_read, do_create, do_mkdir, do_unlink,
	};
	static const char *const names[] = { "stat", "read", "create", "mkdir", "unlink" };
	char path[LONGEST];
	struct object *o = NULL;
	uid_t uid = ONE_OF(users);
	int what = below(5), expected, err;
	long size = -1;

	random_path(path);
	if (what == 0)
		expected = serve(GETATTR, path, uid, &o);
	else if (what == 1)
		expected = serve(OPEN, path, uid, &o);
	else if (what == 4)
		expected = unlinks(path, uid);
	else
		expected = make(path, uid, what == 2 ? CREATE : MKDIR);
	if (what < 2 && !expected)
		size = o->size;
	/* Directories are opened, and listed from their names' homes. */
	if (what == 1 && o && o->size < 0)
		return;
	size_seen = -1;
	err = as(uid, calls[what], fmt("mnt%s", path));
	ASSERT_EQ(expected, err)
		TH_LOG("%s %s by %d: %s, not %s%s", names[what], path, uid, strerror(err),
		       strerror(expected), all_rules());
	ASSERT_EQ(size, size_seen)
		TH_LOG("%s %s by %d%s", names[what], path, uid, all_rules());
}

static void check_listings(struct __test_metadata *_metadata)
{
	static char text[8192];
	int i, err;

	for (i = -1; i < made; i++) {
		const char *path = i < 0 ? "" : objects[i].path, *seen;
		uid_t uid = ONE_OF(users);

		if (i >= 0 && (objects[i].size >= 0 || objects[i].gone || below(4)))
			continue;
		err = listing(path, uid, text);
		setfsuid(uid);
		seen = names_in(fmt("mnt%s", path));
		setfsuid(0);
		ASSERT_STREQ(err ? strerror(err) : text, seen)
			TH_LOG("%s by %d%s", path, uid, all_rules());
	}
}

static int count_below(int branch, const char *path)
{
	struct dirent *e;
	char below[LONGEST];
	int n = 0;
	DIR *d = opendir(fmt("%s%s", places[branch], path));

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(below, LONGEST, "%s/%.16s", path, e->d_name);
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
	int n[3] = { 0 }, i;

	for (i = 0; i < made; i++) {
		const struct object *o = &objects[i];
		struct stat st;

		if (o->gone)
			continue;
		n[o->branch]++;
		st = stat_of(fmt("%s%s", places[o->branch], o->path));
		ASSERT_EQ(o->size < 0 ? S_IFDIR : S_IFREG, st.st_mode & S_IFMT)
			TH_LOG("%s in %s%s", o->path, branches[o->branch], all_rules());
		if (o->size >= 0) {
			ASSERT_EQ(o->size, st.st_size) TH_LOG("%s", o->path);
		}
	}
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(n[i], count_below(i, "")) TH_LOG("in %s%s", branches[i], all_rules());
	}
}

TEST_F_TIMEOUT(site, rules_do_what_a_naive_reading_of_them_says, 230)
{
	const char *scale = getenv("SWITCHFS_SCALE"), *seed = getenv("SWITCHFS_SEED");
	int lists = scale && !strcmp(scale, "full") ? 200 : 10, list, i;

	state = seed ? atoi(seed) : 4;
	for (i = 0; i < 3; i++) {
		ASSERT_OK(chmod(places[i], 0777));
	}
	while (made < OBJECTS)
		plant(_metadata);
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch", self->site.ram,
				    "branch", self->site.cold, END));
	for (list = 0; list < lists; list++) {
		for (count = 1 + below(RULES), i = 0; i < count; i++)
			do {
				random_rule(&rules[i]);
			} while (!is_new(&rules[i]));
		ASSERT_EQ(0, remount()) TH_LOG("%s%s", mount_log, all_rules());
		for (i = 0; i < STEPS && made < ROOM - 10; i++)
			step(_metadata);
		check_listings(_metadata);
		check_branches(_metadata);
	}
}

SWITCHFS_TEST_MAIN
