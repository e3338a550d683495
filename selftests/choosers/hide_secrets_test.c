// SPDX-License-Identifier: GPL-2.0-only
/* hide-secrets: what a control group must not see it does not see, whoever looked before. */
#include "loader.h"
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_FUSE | SITE_CACHED };

#define TOP "switchfs-choosers"
#define ALL ".ENV .env .env.local .environment a.key environment pem x.PEM x.pem"
#define SHOWN ".environment environment pem"

static int enter(const char *group)
{
	return put(fmt("cg/%s/cgroup.procs", group), fmt("%d", getpid()));
}

static int make_groups(void)
{
	return make_path("cg") ?: ERR(mount("cgroup2", "cg", "cgroup2", 0, NULL)) ?:
	       make_path("cg/" TOP "/in/below") ?: make_path("cg/" TOP "/out");
}

static void remove_groups(void)
{
	static const char *const groups[] = { TOP "/in/below", TOP "/in", TOP "/out", TOP };
	size_t i;

	enter("");
	for (i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		rmdir(fmt("cg/%s", groups[i]));
	umount2("cg", MNT_DETACH);
}

static const char *const names[] = {
	".ENV", ".env", ".env.local", ".environment", "a.key", "environment", "pem", "x.PEM",
	"x.pem",
};

static int make_names(const char *dir)
{
	int err = make_path(dir);
	size_t i;

	for (i = 0; !err && i < sizeof(names) / sizeof(*names); i++)
		err = put(fmt("%s/%s", dir, names[i]), names[i]);
	return err;
}

static bool is_shown(const char *name)
{
	return strcmp(name, "pem") == 0 || strstr(name, "environment");
}

static void drop_caches(void)
{
	put("/proc/sys/vm/drop_caches", "2");
}

/* Whether exactly the names that are no secrets are there for the caller, in DIR. */
static const char *wrongly_seen(const char *dir)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *path = fmt("%s/%s", dir, names[i]);

		if (opens(path, O_RDONLY) != (is_shown(names[i]) ? 0 : ENOENT) ||
		    opens(path, O_RDONLY | O_CREAT) != (is_shown(names[i]) ? 0 : EACCES))
			return path;
	}
	return strcmp(SHOWN, names_in(dir)) ? names_in(dir) : "";
}

TEST_F_TIMEOUT(site, secrets_are_there_for_all_but_the_group, 60)
{
	const char *home = variant->parts ? "cold" : "hot";
	int i;

	DOES(own_bpffs());
	DOES(make_groups());
	DOES(make_names(behind(&self->site, "d/e")));
	if (!variant->parts)
		DOES(make_names("hot/d/e"));
	ASSERT_EQ(0, loader("load", object_of("hide-secrets"), NULL)) TH_LOG("%s", loader_said);
	ASSERT_EQ(0, loader("set", "hide-secrets", "hidden_from", "@cg/" TOP "/in", NULL))
		TH_LOG("%s", loader_said);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "default", home, "chooser", "bpf:hide-secrets"))
		TH_LOG("%s", mount_log);
	for (i = 0; i < 4; i++) {
		/* Cold, and what the other side has looked up just before. */
		if (i < 2)
			drop_caches();
		DOES(enter(TOP "/in"));
		EXPECT_STREQ("", wrongly_seen("mnt/d/e"));
		DOES(enter(TOP "/in/below"));
		EXPECT_STREQ("", wrongly_seen("mnt/d/e"));
		if (i < 2)
			drop_caches();
		DOES(enter(TOP "/out"));
		EXPECT_STREQ(ALL, names_in("mnt/d/e"));
		EXPECT_STREQ("x.pem", get("mnt/d/e/x.pem"));
		EXPECT_STREQ(".ENV", get("mnt/d/e/.ENV"));
	}
	/* What is made later, anywhere. */
	DOES(put("mnt/new.key", ""));
	DOES(enter(TOP "/in"));
	EXPECT_FALSE(present("mnt/new.key"));
	EXPECT_EQ(EACCES, put("mnt/other.key", ""));
	EXPECT_ERR(ENOENT, unlink("mnt/new.key"));
	EXPECT_ERR(EACCES, rename("mnt/d/e/pem", "mnt/d/e/x.pem"));
	/* Until the group is allowed to. */
	EXPECT_EQ(0, loader("unset", "hide-secrets", "hidden_from", "@cg/" TOP "/in", NULL))
		TH_LOG("%s", loader_said);
	EXPECT_TRUE(present("mnt/new.key"));
	EXPECT_STREQ(ALL, names_in("mnt/d/e"));
	remove_groups();
	EXPECT_OK(umount("mnt"));
	EXPECT_EQ(0, loader("unload", "hide-secrets", NULL)) TH_LOG("%s", loader_said);
}

SWITCHFS_TEST_MAIN
