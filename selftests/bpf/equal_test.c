// SPDX-License-Identifier: GPL-2.0-only
/* A program and the rules that say the same give the same, for every operation. */
#include "explain.h"
#include "load.h"
#include "site.h"

#include <dirent.h>
#include <sys/fsuid.h>
#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_RAM };

#define NAMES 1000
#define USER 1000

static struct chooser extension;
static const char *trouble;

static const char *const ends[] = {
	".c", ".o", ".x", ".h", ".g", ".f", ".p", ".u", ".v", "", ".txt",
};
#define ENDS (sizeof(ends) / sizeof(*ends))

static const char *dir_of(int i)
{
	static const char *const dirs[] = { "", "/d1", "/d1/e", "/d3", "/d3/e" };

	return dirs[i % 5];
}

static const char *name_of(int i)
{
	const char *end = ends[i % ENDS];

	/* Of what it refuses a program does not say where it is. */
	if (i % 5 > 2 && (!strcmp(end, ".x") || !strcmp(end, ".h")))
		end = ".y";
	return fmt("n%d%s", i, end);
}

/* In one branch, in the other or in both; by turns a file, a directory, a link. */
static int make_object(const char *branch, int i)
{
	const char *path = fmt("%s%s/%s", branch, dir_of(i), name_of(i));

	switch (i % 7) {
	case 5:
		return ERR(mkdir(path, 0777)) ?: ERR(chmod(path, 0777));
	case 6:
		return ERR(symlink(branch[0] == 'h' ? "hot" : "cold!", path));
	default:
		return put(path, fmt("%c%d", branch[0], i)) ?: ERR(chmod(path, 0666));
	}
}

/* The branches of mount NUMBER, the same for each. */
static int make_branches(int number)
{
	char hot[32], cold[32];
	int i, err = 0;

	snprintf(hot, sizeof(hot), "h%d", number);
	snprintf(cold, sizeof(cold), "c%d", number);
	for (i = 0; i < 5 && !err; i++)
		err = make_path(fmt("%s%s", hot, dir_of(i))) ?:
		      make_path(fmt("%s%s", cold, dir_of(i))) ?:
		      ERR(chmod(fmt("%s%s", hot, dir_of(i)), 0777)) ?:
		      ERR(chmod(fmt("%s%s", cold, dir_of(i)), 0777));
	for (i = 0; i < NAMES && !err; i++) {
		if (i % 3 != 1)
			err = make_object(hot, i);
		if (i % 3 && !err)
			err = make_object(cold, i);
	}
	return err ?: make_path(fmt("m%d", number));
}

static int mount_both(struct site *site)
{
	int err = make_branches(0) ?: make_branches(1) ?: chooser_register(&extension);

	return err ?:
	       switchfs_mount("m0", "branch", fmt("hot=%s", site_path(site, "h0")), "branch",
			      fmt("cold=%s", site_path(site, "c0")),
			      "rule", "name=*.c -> cold",
			      "rule", "op=open+getattr name=*.o -> cold",
			      "rule", "name=*.x -> deny:EPERM",
			      "rule", "name=*.h -> hide",
			      "rule", "op=open+getxattr name=*.g -> gate:cold hot",
			      "rule", "name=*.f -> hot|cold",
			      "rule", "op=getattr name=*.p uid=1000 -> cold",
			      "rule", "op=open name=*.u uid=1000 -> deny:EROFS",
			      "rule", "name=*.v uid=1000 -> hide",
			      "rule", "path=/d3/** -> cold", END) ?:
	       switchfs_mount("m1", "branch", fmt("hot=%s", site_path(site, "h1")), "branch",
			      fmt("cold=%s", site_path(site, "c1")), "chooser",
			      "bpf:extension", END);
}

/* Without the column of the rule: OP VERDICT PATH RULE DEPTH. */
static const char *without_rules(const char *text)
{
	static char plain[2][65536];
	static int turn;
	char *to = plain[turn++ % 2], *start = to;
	int column = 0;

	for (; *text; text++) {
		if (*text == ' ')
			column++;
		if (*text == '\n')
			column = 0;
		if (column != 3)
			*to++ = *text;
	}
	*to = '\0';
	return start;
}

/* The first line in which two texts differ. */
static const char *difference(const char *a, const char *b)
{
	while (*a && *a == *b && strchr(a, '\n')) {
		size_t line = strcspn(a, "\n") + 1;

		if (strncmp(a, b, line))
			break;
		a += line;
		b += line;
	}
	return fmt("rules: %.*s; program: %.*s", (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"),
		   b);
}

/* What is told of what is there, and of a name that need not be. */
static void compare_routes(struct __test_metadata *_metadata, uid_t uid, int from, int step)
{
	int i;

	setfsuid(uid);
	for (i = from; i < NAMES; i += step) {
		const char *dir = dir_of(i), *name = name_of(i), *a, *b;

		a = without_rules(route_of_link(fmt("m0%s/%s", dir, name)));
		b = without_rules(route_of_link(fmt("m1%s/%s", dir, name)));
		ASSERT_EQ(0, strcmp(a, b)) TH_LOG("%s/%s for %d: %s", dir, name, uid,
						  difference(a, b));
		a = without_rules(route_in(fmt("m0%s", dir), name, S_IFREG));
		b = without_rules(route_in(fmt("m1%s", dir), name, S_IFREG));
		ASSERT_EQ(0, strcmp(a, b)) TH_LOG("%s/%s for %d: %s", dir, name, uid,
						  difference(a, b));
	}
	setfsuid(0);
}

/* What an operation on PATH gives: its errno and what it shows. */
typedef const char *(*action)(const char *mnt, const char *path, int i);

#define ACTION(name, call)								\
static const char *do_##name(const char *mnt, const char *path, int i)			\
{											\
	char shown[64] = "";								\
	const char *full = fmt("%s%s", mnt, path);					\
	int err = ERR(call);								\
	(void)i;									\
	return fmt("%s %s", strerror(err), err ? "" : shown);				\
}

static long show_stat(const char *path, char *shown)
{
	struct stat st;

	if (lstat(path, &st))
		return -1;
	sprintf(shown, "%o %ld %d", st.st_mode, S_ISDIR(st.st_mode) ? 0 : (long)st.st_size,
		(int)st.st_uid);
	return 0;
}

static long show_content(const char *path, char *shown, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644), err;
	long n = -1;

	if (fd < 0)
		return -1;
	n = read(fd, shown, 60);
	if (n >= 0 && (flags & O_ACCMODE) == O_RDWR)
		n = write(fd, "+", 1);
	err = errno;
	close(fd);
	errno = err;
	return n;
}

ACTION(stat, show_stat(full, shown))
ACTION(access, access(full, F_OK))
ACTION(read, show_content(full, shown, O_RDONLY))
ACTION(write, show_content(full, shown, O_RDWR))
ACTION(readlink, readlink(full, shown, 60))
ACTION(setxattr, setxattr(full, "user.a", "a", 1, 0))
ACTION(getxattr, getxattr(full, "user.a", shown, 60))
ACTION(listxattr, listxattr(full, shown, 60))
ACTION(removexattr, removexattr(full, "user.a"))
ACTION(chmod, chmod(full, 0764))
ACTION(truncate, truncate(full, 3))
ACTION(statfs, statfs(full, &(struct statfs){}))
ACTION(exclusive, show_content(full, shown, O_RDWR | O_CREAT | O_EXCL))
ACTION(mkdir, mkdir(full, 0755))
ACTION(fifo, mkfifo(full, 0644))
ACTION(create, show_content(fmt("%s.new%s", full, ends[i % ENDS]), shown, O_RDWR | O_CREAT))
ACTION(make_dir, mkdir(fmt("%s.dir%s", full, ends[i % ENDS]), 0755))
ACTION(symlink, symlink("x", fmt("%s.link%s", full, ends[i % ENDS])))
ACTION(link, link(full, fmt("%s.hard%s", full, ends[i / 11 % ENDS])))
/*
 * A directory is not renamed when a program gives names their homes; what stat
 * says is of a branch.
 */
static int move(const char *from, const char *to)
{
	int here = open(".", O_PATH | O_CLOEXEC), err;

	err = chdir(from) ? rename(from, to) : fchdir(here);
	close(here);
	return err;
}

ACTION(rename, move(full, fmt("%s.moved%s", full, ends[i / 11 % ENDS])))
ACTION(unlink, unlink(full))
ACTION(rmdir, rmdir(full))

static const struct {
	const char *name;
	action run;
} actions[] = {
#define A(name) { #name, do_##name }
	A(stat), A(access), A(read), A(write), A(readlink), A(setxattr), A(getxattr), A(listxattr),
	A(removexattr), A(chmod), A(truncate), A(statfs), A(exclusive), A(mkdir), A(fifo),
	A(create), A(make_dir), A(symlink), A(link), A(rename), A(unlink), A(rmdir),
};

static void compare_actions(struct __test_metadata *_metadata, uid_t uid, int from, int step)
{
	size_t a;
	int i;

	for (i = from; i < NAMES; i += step) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%s", dir_of(i), name_of(i));
		for (a = 0; a < sizeof(actions) / sizeof(*actions); a++) {
			char by_rules[128], by_program[128];

			setfsuid(uid);
			snprintf(by_rules, 128, "%s", actions[a].run("m0", path, i));
			snprintf(by_program, 128, "%s", actions[a].run("m1", path, i));
			setfsuid(0);
			ASSERT_STREQ(by_rules, by_program)
				TH_LOG("%s of %s by %d", actions[a].name, path, uid);
		}
	}
}

/* A line each: path, type, size. */
static void print_tree(const char *root, const char *below, char *to, size_t room)
{
	char dir[512];
	struct dirent **list;
	int n, i;

	snprintf(dir, sizeof(dir), "%s%s", root, below);
	n = scandir(dir, &list, NULL, alphasort);
	for (i = 0; i < n; i++) {
		char path[512];
		struct stat st;
		size_t len = strlen(to);

		snprintf(path, sizeof(path), "%s/%s", below, list[i]->d_name);
		free(list[i]);
		if (!strcmp(strrchr(path, '/'), "/.") || !strcmp(strrchr(path, '/'), "/.."))
			continue;
		st = stat_of(fmt("%s%s", root, path));
		snprintf(to + len, room - len, "%s %o %ld %s\n", path, st.st_mode,
			 S_ISDIR(st.st_mode) ? 0 : (long)st.st_size,
			 S_ISREG(st.st_mode) ? get(fmt("%s%s", root, path)) : "");
		if (S_ISDIR(st.st_mode))
			print_tree(root, path, to, room);
	}
	if (n >= 0)
		free(list);
}

static void compare_trees(struct __test_metadata *_metadata, const char *a, const char *b)
{
	enum { ROOM = 1 << 20 };
	static char trees[2][ROOM];

	trees[0][0] = '\0';
	trees[1][0] = '\0';
	print_tree(a, "", trees[0], ROOM);
	print_tree(b, "", trees[1], ROOM);
	EXPECT_LT(1000, strlen(trees[0]));
	EXPECT_EQ(0, strcmp(trees[0], trees[1]))
		TH_LOG("%s and %s: %s", a, b, difference(trees[0], trees[1]));
}

/* Each path and each operation; some names are met by the user first. */
TEST_F_TIMEOUT(site, program_and_rules_give_the_same, 200)
{
	ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);
	ASSERT_EQ(0, mount_both(&self->site)) TH_LOG("%s", mount_log);
	compare_trees(_metadata, "m0", "m1");
	compare_routes(_metadata, USER, 0, 10);
	compare_routes(_metadata, 0, 0, 1);
	compare_routes(_metadata, USER, 0, 1);
	setfsuid(USER);
	compare_trees(_metadata, "m0", "m1");
	setfsuid(0);
	compare_actions(_metadata, USER, 0, 2);
	compare_actions(_metadata, 0, 1, 2);
	compare_actions(_metadata, USER, 1, 2);
	compare_trees(_metadata, "m0", "m1");
	compare_trees(_metadata, "h0", "h1");
	compare_trees(_metadata, "c0", "c1");
	umount2("m0", MNT_DETACH);
	umount2("m1", MNT_DETACH);
}

int main(int argc, char **argv)
{
	scale_time_limits();
	if (chooser_load(&extension, "extension.bpf.o", NULL, NULL))
		trouble = "extension";
	return test_harness_run(argc, argv);
}
