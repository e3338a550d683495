// SPDX-License-Identifier: GPL-2.0-only
/*
 * 1,000 random paths under 3 rules over ext4, tmpfs and FUSE: each object is
 * in the branch that its rule names, and each directory lists exactly what
 * lookup finds.
 */
#include "site.h"

#include <dirent.h>

#define PATHS 1000
#define LONGEST 128

FIXTURE_VARIANT_ADD(site, all) { .parts = SITE_EXT4 | SITE_FUSE | SITE_CACHED | SITE_RAM };

struct object {
	char path[LONGEST];
	mode_t type;
};

static struct object objects[PATHS];
static int made;

static unsigned int next_random(void)
{
	static unsigned int state = 12345;

	state = state * 1103515245 + 12345;
	return state >> 8;
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), s = strlen(suffix);

	return n > s && !strcmp(name + n - s, suffix);
}

/* The three rules, written another way than the module reads them. */
static const char *home_of(const char *path)
{
	char copy[LONGEST], *part[16], *p;
	int n = 0;

	strcpy(copy, path);
	for (p = strtok(copy, "/"); p; p = strtok(NULL, "/"))
		part[n++] = p;
	if (!strcmp(part[0], "build"))
		return "ram";
	if (ends_in(part[n - 1], ".iso"))
		return "cold";
	if (n >= 3 && !strcmp(part[0], "data") && !strcmp(part[2], "old"))
		return "cold";
	return "hot";
}

static const char *const branches[] = { "hot", "ram", "cold" };
/* Where they are looked at: behind the server, which need not be asked. */
static const char *const places[] = { "hot", "ram", "cold-source" };
/* So that each rule decides often. */
static const char *const first[] = {
	"/build", "/data", "/data/a", "/data/a/old", "/data/x.iso",
	"/data/x.iso/old", "/build/sub",
};

static const struct object *find(const char *path)
{
	int i;

	for (i = 0; i < made; i++)
		if (!strcmp(objects[i].path, path))
			return &objects[i];
	return NULL;
}

static void random_name(char *to)
{
	static const char *const words[] = {
		"build", "data", "old", "src", "x.iso", "a", "b", ".iso", "olds",
	};
	unsigned int r = next_random();

	if (r % 3 == 0)
		strcpy(to, words[r / 3 % 9]);
	else
		sprintf(to, "n%u%s", r / 3 % 60, r % 5 ? "" : ".iso");
}

static int make_object(const struct object *o)
{
	const char *path = fmt("mnt%s", o->path);

	if (S_ISDIR(o->type))
		return ERR(mkdir(path, 0755));
	if (S_ISLNK(o->type))
		return ERR(symlink("target", path));
	return ERR(mknod(path, o->type | 0644, 0));
}

/* A new name in a random directory among those that exist. */
static void make_one(struct __test_metadata *_metadata)
{
	struct object *o = &objects[made];
	const struct object *parent;
	unsigned int kind;
	char name[32];

	do {
		parent = made && next_random() % 8 ?
			 &objects[next_random() % made] : NULL;
		if (parent && !S_ISDIR(parent->type))
			parent = NULL;
		if (parent && strlen(parent->path) > LONGEST - 40)
			parent = NULL;
		random_name(name);
		snprintf(o->path, LONGEST, "%.90s/%s", parent ? parent->path : "",
			 name);
	} while (find(o->path));
	kind = next_random() % 8;
	o->type = kind < 3 ? S_IFDIR : kind == 3 ? S_IFLNK :
		  kind == 4 ? S_IFIFO : S_IFREG;
	ASSERT_EQ(0, make_object(o)) TH_LOG("%s", o->path);
	made++;
}

static void check_place(struct __test_metadata *_metadata,
			const struct object *o)
{
	const char *home = home_of(o->path);
	size_t i;

	for (i = 0; i < 3; i++) {
		struct stat st = stat_of(fmt("%s%s", places[i], o->path));

		if (!strcmp(branches[i], home)) {
			EXPECT_EQ(o->type, st.st_mode & S_IFMT)
				TH_LOG("%s is not in %s", o->path, home);
		} else if (!S_ISDIR(o->type)) {
			EXPECT_EQ(0, st.st_mode)
				TH_LOG("%s is in %s too", o->path, branches[i]);
		} else {
			/* Only as the mirror of a parent. */
			EXPECT_TRUE(!st.st_mode || S_ISDIR(st.st_mode));
		}
	}
}

/* PATH is "" for the root. Counts what is below it. */
static int check_listing(struct __test_metadata *_metadata, const char *path)
{
	char dir[LONGEST + 8], below[LONGEST + 256];
	int n = 0, expected = 0, i;
	struct dirent *e;
	DIR *d;

	snprintf(dir, sizeof(dir), "mnt%s", path);
	d = opendir(dir);
	if (!d) {
		TH_LOG("%s: %s", dir, strerror(errno));
		_metadata->exit_code = KSFT_FAIL;
		return 0;
	}
	while ((e = readdir(d))) {
		const struct object *o;
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		n++;
		snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
		o = find(below);
		EXPECT_NE(NULL, o) TH_LOG("%s is listed", below);
		st = stat_of(fmt("mnt%s", below));
		EXPECT_EQ(st.st_ino, e->d_ino) TH_LOG("%s", below);
		EXPECT_EQ(e->d_type << 12, st.st_mode & S_IFMT)
			TH_LOG("%s", below);
	}
	closedir(d);
	for (i = 0; i < made; i++) {
		const char *last = strrchr(objects[i].path, '/');

		if ((size_t)(last - objects[i].path) == strlen(path) &&
		    !strncmp(objects[i].path, path, strlen(path)))
			expected++;
	}
	EXPECT_EQ(expected, n) TH_LOG("in '%s'", path);
	return n;
}

TEST_F_TIMEOUT(site, each_object_is_where_its_rule_says, 120)
{
	int i, listed = 0, in_cold = 0, in_ram = 0;

	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch",
				    self->site.ram, "branch", self->site.cold,
				    "rule", "path=/build/** -> ram",
				    "rule", "name=?*.iso -> cold",
				    "rule", "path=/data/*/old/** -> cold", END))
		TH_LOG("%s", mount_log);
	for (; made < (int)(sizeof(first) / sizeof(*first)); made++) {
		strcpy(objects[made].path, first[made]);
		objects[made].type = S_IFDIR;
		ASSERT_EQ(0, make_object(&objects[made]));
	}
	while (made < PATHS)
		make_one(_metadata);
	for (i = 0; i < made; i++) {
		check_place(_metadata, &objects[i]);
		in_cold += !strcmp(home_of(objects[i].path), "cold");
		in_ram += !strcmp(home_of(objects[i].path), "ram");
	}
	EXPECT_LT(100, in_cold);
	EXPECT_LT(20, in_ram);
	listed = check_listing(_metadata, "");
	for (i = 0; i < made; i++)
		if (S_ISDIR(objects[i].type))
			listed += check_listing(_metadata, objects[i].path);
	EXPECT_EQ(PATHS, listed);
}

SWITCHFS_TEST_MAIN
