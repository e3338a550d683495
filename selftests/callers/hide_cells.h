/* SPDX-License-Identifier: GPL-2.0-only */
/* Trying the calls of hide.h in directories in which things are hidden. */
#ifndef SWITCHFS_HIDE_CELLS_H
#define SWITCHFS_HIDE_CELLS_H

#include "hide_uring.h"
#include "site.h"

#include <grp.h>

#define HIDDEN_GROUP 2000

enum kind { ABSENT, FILE_KIND, DIR_KIND, LINK_KIND, KINDS };
enum warmth { COLD, WARM, HELD, WARMTHS };

static const char *const kinds[] = { "absent", "file", "directory", "symlink" };
static const char *const warmths[] = { "cold", "warm", "held" };

/* A directory in which one call is tried. */
struct cell {
	char source[PATH_SIZE];	/* in the branch, behind a server's back */
	char dir[PATH_SIZE];	/* where the call is made */
	int held;
};

static int make_secret(const char *path, enum kind kind)
{
	switch (kind) {
	case FILE_KIND:
		return put(path, "secret") ?: ERR(chmod(path, 0755));
	case DIR_KIND:
		return ERR(mkdir(path, 0777)) ?: put(fmt("%s/x", path), "x");
	case LINK_KIND:
		return ERR(symlink("plain", path));
	default:
		return 0;
	}
}

/* Directly in the branch, so that the mount knows nothing of it yet. */
static int make_cell(struct cell *cell, const char *source, const char *mnt, enum kind kind)
{
	static int serial;
	const char *name = fmt("c%d", serial++), *in;

	snprintf(cell->source, PATH_SIZE, "%s/%s", source, name);
	snprintf(cell->dir, PATH_SIZE, "%s/%s", mnt, name);
	cell->held = -1;
	in = cell->source;
	return ERR(mkdir(in, 0777)) ?: put(fmt("%s/plain", in), "plain") ?:
	       ERR(mkdir(fmt("%s/odir", in), 0777)) ?:
	       ERR(symlink("secret", fmt("%s/to", in))) ?:
	       ERR(chown(fmt("%s/plain", in), SOMEONE, SOMEONE)) ?:
	       ERR(chown(fmt("%s/odir", in), SOMEONE, SOMEONE)) ?:
	       make_secret(fmt("%s/secret", in), kind) ?:
	       (kind == ABSENT ? 0 :
				 ERR(lchown(fmt("%s/secret", in), SOMEONE, SOMEONE)));
}

/* The owner looks, in the cell. */
static void warm_up(struct cell *cell, enum warmth warmth)
{
	struct stat st;

	if (warmth == COLD)
		return;
	lstat("secret", &st);
	stat("secret/x", &st);
	names_in(".");
	if (warmth == HELD)
		cell->held = open("secret", O_RDONLY | O_CLOEXEC);
}

static int run_as(const struct hide_call *call, bool root)
{
	gid_t group = HIDDEN_GROUP;
	int err;

	if (root) {
		if (setgroups(1, &group))
			return -1;
		err = call->run();
		setgroups(0, NULL);
	} else {
		/* access(2) goes by the real ids. */
		if (setgroups(0, NULL) || setresgid(SOMEONE, SOMEONE, 0) ||
		    setresuid(SOMEONE, SOMEONE, 0))
			return -1;
		err = call->run();
		if (setresuid(0, 0, 0) || setresgid(0, 0, 0))
			return -1;
	}
	return err;
}

/* What is at PATH and in it, so that any change shows. */
static const char *print_of(const char *path)
{
	struct stat st = stat_of(path);

	return fmt("%o %lu %lu %ld.%ld %s", st.st_mode, (long)st.st_ino, (long)st.st_nlink,
		   st.st_ctim.tv_sec, st.st_ctim.tv_nsec,
		   S_ISDIR(st.st_mode) ? names_in(path) : "");
}

/* Who calls, on which kind of mount. */
struct way {
	bool fuse, root, read_only;
	const char *creds;
};

/* Where a server has to be asked for each, two of each tell enough. */
#define EACH_CELL(kind, warmth, few)						\
	for (kind = ABSENT; kind < ((few) ? DIR_KIND : KINDS); kind++)		\
		for (warmth = COLD; warmth < ((few) ? HELD : WARMTHS); warmth++)

/* One call in one cell, which is to stay as it is. A read-only mount may tell that it is one. */
static void try_cell(struct __test_metadata *_metadata, struct cell *cell,
		     const struct hide_call *call, const struct way *way, int *expected,
		     const char *what)
{
	const char *before = print_of(fmt("%s/secret", cell->source));
	const char *names = names_in(cell->source);
	int err;

	ASSERT_OK(chdir(cell->dir));
	err = run_as(call, way->root);
	/* Whatever the object is. */
	if (way->read_only && err == EROFS && *expected < 0)
		*expected = EROFS;
	else if (*expected < 0)
		*expected = call->expected;
	EXPECT_EQ(*expected, err)
		TH_LOG("%s by %s, %s: %s", call->name, way->root ? "root" : "a user", what,
		       strerror(err));
	EXPECT_STREQ(before, print_of(fmt("%s/secret", cell->source)))
		TH_LOG("%s, %s: changed", call->name, what);
	EXPECT_STREQ(names, names_in(cell->source)) TH_LOG("%s, %s", call->name, what);
}

/*
 * Each call where "secret" is hidden by the mount from the user SOMEONE and from
 * root as a member of HIDDEN_GROUP. What nobody has looked at is new for each
 * call; what is warm stays so.
 */
static void try_calls(struct __test_metadata *_metadata, struct site *site, const struct way *way)
{
	bool fuse = way->fuse;
	char source[PATH_SIZE], mnt[PATH_SIZE];
	struct cell cells[KINDS][WARMTHS], cold;
	enum warmth warmth;
	enum kind kind;
	size_t i;

	snprintf(source, PATH_SIZE, "%s", site_path(site, fuse ? "cold-source" : "hot"));
	snprintf(mnt, PATH_SIZE, "%s", site_path(site, "mnt"));
	EACH_CELL(kind, warmth, fuse) {
		ASSERT_EQ(0, make_cell(&cells[kind][warmth], source, mnt, kind));
		ASSERT_OK(chdir(cells[kind][warmth].dir));
		warm_up(&cells[kind][warmth], warmth);
	}
	for (i = 0; i < sizeof(hide_calls) / sizeof(*hide_calls); i++) {
		const struct hide_call *call = &hide_calls[i];
		int expected = -1;

		if (call->privileged && !way->root)
			continue;
		EACH_CELL(kind, warmth, fuse) {
			const char *what = fmt("%s, %s", kinds[kind], warmths[warmth]);

			if (warmth == COLD) {
				ASSERT_EQ(0, make_cell(&cold, source, mnt, kind));
				try_cell(_metadata, &cold, call, way, &expected, what);
			} else {
				stat_of(fmt("%s/secret", cells[kind][warmth].dir));
				try_cell(_metadata, &cells[kind][warmth], call, way, &expected,
					 what);
			}
		}
	}
	EACH_CELL(kind, warmth, fuse) {
		EXPECT_EQ(kind != ABSENT, present(fmt("%s/secret", cells[kind][warmth].dir)));
		if (cells[kind][warmth].held >= 0)
			close(cells[kind][warmth].held);
	}
	ASSERT_OK(chdir(site->w.work));
}

#endif
