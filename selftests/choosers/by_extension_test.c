// SPDX-License-Identifier: GPL-2.0-only
/* by-extension does what the equal rules do, to every path, by every operation. */
#include "explain.h"
#include "loader.h"
#include "site.h"

#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_FUSE | SITE_CACHED };

/* Two mounts over two branches each: by program, by rules. */
FIXTURE(twins) {
	struct world w;
};

#define PATHS 300
#define RULED "rule", "op=lookup name=*.iso -> cold", "rule", "op=lookup name=*.mkv -> cold", \
	      "rule", "op=lookup name=*.mp4 -> cold"

static const char *branch(const struct world *w, const char *name, const char *side)
{
	return fmt("%s=%s/%s/%s", name, w->work, side, name);
}

FIXTURE_SETUP(twins)
{
	const struct world *w = &self->w;

	NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(own_bpffs());
	DOES(make_path("bpf/hot"));
	DOES(make_path("bpf/cold"));
	DOES(make_path("bpf/mnt"));
	DOES(make_path("rule/hot"));
	DOES(make_path("rule/cold"));
	DOES(make_path("rule/mnt"));
	ASSERT_EQ(0, loader("load", object_of("by-extension"), NULL)) TH_LOG("%s", loader_said);
	ASSERT_EQ(0, switchfs_mount("bpf/mnt", "branch", branch(w, "hot", "bpf"), "branch",
				    branch(w, "cold", "bpf"), "chooser", "bpf:by-extension", END))
		TH_LOG("%s", mount_log);
	ASSERT_EQ(0, switchfs_mount("rule/mnt", "branch", branch(w, "hot", "rule"), "branch",
				    branch(w, "cold", "rule"), RULED, END))
		TH_LOG("%s", mount_log);
}

FIXTURE_TEARDOWN(twins)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("bpf/mnt", MNT_DETACH);
		umount2("rule/mnt", MNT_DETACH);
		loader("unload", "by-extension", NULL);
	}
	world_leave(&self->w);
}

static const char *path_of(int i)
{
	static const char *const ends[] = {
		".iso", ".mkv", ".mp4", ".txt", "", ".ISO", ".iso.txt", "iso", ".mp3", ".tar.mkv",
	};

	return fmt("d%d/e%d/%d%s", i % 3, i % 7, i / 10, ends[i % 10]);
}

/* The errno of OP on PATH below the one side's mount. */
static int run(const char *side, int op, const char *path)
{
	const char *full = fmt("%s/mnt/%s", side, path);
	static char room[64];

	switch (op) {
	case 0:
		return put(full, path);
	case 1:
		return strcmp(path, get(full)) ? EIO : 0;
	case 2:
		return ERR(chmod(full, 0600));
	case 3:
		return ERR(setxattr(full, "user.a", "a", 1, 0));
	case 4:
		return ERR(getxattr(full, "user.a", room, sizeof(room)));
	case 5:
		return ERR(truncate(full, 3));
	case 6:
		return ERR(link(full, fmt("%s.mkv", full)));
	case 7:
		return ERR(rename(full, fmt("%s.iso", full)));
	case 8:
		return ERR(mkdir(fmt("%s.dir.mp4", full), 0755));
	case 9:
		return put(fmt("%s.dir.mp4/in", full), "in");
	case 10:
		return ERR(symlink("x", fmt("%s.link.iso", full)));
	case 11:
		return ERR(rename(fmt("%s.dir.mp4", full), fmt("%s.dir2.mp4", full)));
	case 12:
		return ERR(unlink(full));
	case 13:
		return opens(full, O_RDONLY);
	default:
		return -1;
	}
}

/* The routes without the column that says which rule it was. */
static const char *routes(const char *path)
{
	char op[32], verdict[64], at[512], rule[32], depth[8], *copy, *line, *rest;
	static char text[2][8192];
	static int turn;
	char *to = text[turn++ % 2];
	size_t len = 0;

	copy = strdup(route_of(path));
	*to = '\0';
	for (line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "%31s %63s %511s %31s %7s", op, verdict, at, rule, depth) != 5)
			snprintf(at, sizeof(at), "?");
		len += snprintf(to + len, sizeof(text[0]) - len, "%s %s %s %s\n", op, verdict, at,
				depth);
	}
	free(copy);
	return to;
}

TEST_F_TIMEOUT(twins, both_do_the_same_to_every_path, 120)
{
	static const char *const places[] = { "hot", "cold", "mnt" };
	int i, j, op, by_program, by_rule, moved = 0;

	for (i = 0; i < 3; i++)
		for (j = 0; j < 7; j++) {
			DOES(make_path(fmt("bpf/mnt/d%d/e%d", i, j)));
			DOES(make_path(fmt("rule/mnt/d%d/e%d", i, j)));
		}
	for (op = 0; op < 14; op++) {
		for (i = 0; i < PATHS; i++) {
			/* What makes many names only for some. */
			if (op >= 6 && op <= 11 && i % 9)
				continue;
			by_program = run("bpf", op, path_of(i));
			by_rule = run("rule", op, path_of(i));
			ASSERT_EQ(by_rule, by_program) TH_LOG("%d: %s", op, path_of(i));
			if (op)
				continue;
			ASSERT_EQ(0, by_rule) TH_LOG("%s", path_of(i));
			ASSERT_STREQ(routes(fmt("rule/mnt/%s", path_of(i))),
				     routes(fmt("bpf/mnt/%s", path_of(i))))
				TH_LOG("%s", path_of(i));
			moved += present(fmt("bpf/cold/%s", path_of(i)));
		}
	}
	EXPECT_EQ(PATHS * 4 / 10, moved);
	for (i = 0; i < 3; i++)
		for (j = 0; j < 7; j++)
			for (op = 0; op < 3; op++)
				EXPECT_STREQ(names_in(fmt("rule/%s/d%d/e%d", places[op], i, j)),
					     names_in(fmt("bpf/%s/d%d/e%d", places[op], i, j)));
}

TEST_F_TIMEOUT(twins, mount_without_the_branch_is_as_without_the_program, 60)
{
	ASSERT_OK(umount("bpf/mnt"));
	ASSERT_EQ(0, switchfs_mount("bpf/mnt", "branch", fmt("hot=%s/bpf/hot", self->w.work),
				    "chooser", "bpf:by-extension", END)) TH_LOG("%s", mount_log);
	EXPECT_EQ(0, put("bpf/mnt/x.iso", "x"));
	EXPECT_STREQ("x", get("bpf/hot/x.iso"));
}

TEST_F(site, server_is_asked_about_its_own_names_only)
{
	struct counts before;

	DOES(own_bpffs());
	ASSERT_EQ(0, loader("load", object_of("by-extension"), NULL)) TH_LOG("%s", loader_said);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:by-extension"))
		TH_LOG("%s", mount_log);
	EXPECT_EQ(0, put("mnt/film.mkv", "film"));
	EXPECT_STREQ("film", get("cold-source/film.mkv"));
	server_counts(&self->site.s, &before);
	EXPECT_EQ(0, put("mnt/notes", "notes"));
	EXPECT_STREQ("notes", get("mnt/notes"));
	EXPECT_OK(chmod("mnt/notes", 0600));
	EXPECT_OK(mkdir("mnt/d", 0755));
	EXPECT_OK(rename("mnt/notes", "mnt/d/notes.txt"));
	EXPECT_STREQ("", server_asked(&self->site.s, &before));
	EXPECT_STREQ("notes", get("hot/d/notes.txt"));
	EXPECT_STREQ("d film.mkv", names_in("mnt"));
	EXPECT_STREQ("film", get("mnt/film.mkv"));
	EXPECT_LT(0, server_count(&self->site.s, "OPEN"));
	/* Each keeps to its own when the server is gone. */
	server_kill(&self->site.s);
	EXPECT_EQ(ENOTCONN, opens("mnt/film.mkv", O_RDONLY));
	EXPECT_STREQ("notes", get("mnt/d/notes.txt"));
	EXPECT_OK(umount("mnt"));
	EXPECT_EQ(0, loader("unload", "by-extension", NULL)) TH_LOG("%s", loader_said);
}

SWITCHFS_TEST_MAIN
