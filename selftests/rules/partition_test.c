// SPDX-License-Identifier: GPL-2.0-only
/* Directories whose names have their homes in three branches. */
#include "handles.h"
#include "site.h"

#include <dirent.h>

FIXTURE_VARIANT_ADD(site, all) { .parts = SITE_EXT4 | SITE_FUSE | SITE_CACHED | SITE_RAM };

/* Every tenth is the server's, to which each costs a request. */
static const char *const suffixes[] = { "", ".r", "", ".r", "", ".r", "", ".r", "", ".c" };
static const char *const places[] = { "hot", "ram", "hot", "ram", "hot", "ram", "hot", "ram",
				      "hot", "cold-source" };
static unsigned char *times;

#define MOUNT(...)							\
	switchfs_mount("mnt", "branch", self->site.hot, "branch", self->site.ram,	\
		       "branch", self->site.cold, "rule", "name=*.r -> ram",		\
		       "rule", "name=*.c -> cold", ##__VA_ARGS__, END)

static const char *name_of(int i)
{
	return fmt("n%d%s", i, suffixes[i % 10]);
}

static int make_entry(int i)
{
	const char *path = fmt("%s/d/%s", places[i % 10], name_of(i));

	if (i % 7 == 3)
		return ERR(mkdir(path, 0755));
	if (i % 7 == 5)
		return ERR(symlink("x", path));
	return ERR(mknod(path, (i % 7 == 6 ? S_IFIFO : S_IFREG) | 0644, 0));
}

static unsigned char type_of(int i)
{
	return i % 7 == 3 ? DT_DIR : i % 7 == 5 ? DT_LNK : i % 7 == 6 ? DT_FIFO : DT_REG;
}

static int make_entries(int n)
{
	int i, err = make_path("hot/d") ?: make_path("ram/d") ?: make_path("cold-source/d");

	for (i = 0; i < n && !err; i++)
		err = make_entry(i);
	/* These have their homes elsewhere, and do not show. */
	return err ?: put("hot/d/stray.r", "") ?: put("ram/d/stray", "") ?:
	       put("cold-source/d/stray.r", "");
}

/* The number of an entry that is one of them, -1 for dots, -2 for others. */
static int number_of(const struct dirent *e, int n)
{
	int i;

	if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
		return -1;
	i = e->d_name[0] == 'n' ? atoi(e->d_name + 1) : -1;
	return i >= 0 && i < n && !strcmp(e->d_name, name_of(i)) ? i : -2;
}

static void walk_all(struct __test_metadata *_metadata, int n)
{
	DIR *d = opendir("mnt/d");
	struct dirent *e;
	int i, seen = 0;

	ASSERT_NE(NULL, d);
	memset(times, 0, n);
	while ((e = readdir(d))) {
		i = number_of(e, n);
		ASSERT_NE(-2, i) TH_LOG("%s", e->d_name);
		if (i < 0)
			continue;
		ASSERT_EQ(0, times[i]++) TH_LOG("%s twice", e->d_name);
		EXPECT_EQ(type_of(i), e->d_type) TH_LOG("%s", e->d_name);
		if (i % 97 == 0) {
			EXPECT_EQ(stat_of(fmt("mnt/d/%s", e->d_name)).st_ino, e->d_ino)
				TH_LOG("%s", e->d_name);
		}
		if (++seen == n / 2)
			drop_caches();
	}
	EXPECT_EQ(n, seen);
	closedir(d);
}

/* Positions taken on the way lead back, also in the other order. */
static void walk_back(struct __test_metadata *_metadata, int n)
{
	enum { KEPT = 64 };
	static long at[KEPT];
	static char names[KEPT][32];
	DIR *d = opendir("mnt/d");
	int i, kept = 0, seen = 0;
	struct dirent *e;
	long pos;

	ASSERT_NE(NULL, d);
	for (;;) {
		pos = telldir(d);
		e = readdir(d);
		if (!e)
			break;
		if (seen++ % (n / KEPT + 1) == 0 && kept < KEPT) {
			at[kept] = pos;
			snprintf(names[kept++], 32, "%s", e->d_name);
		}
	}
	EXPECT_EQ(n + 2, seen);
	for (i = kept - 1; i >= 0; i--) {
		if (i == kept / 2)
			drop_caches();
		seekdir(d, at[i]);
		e = readdir(d);
		ASSERT_NE(NULL, e);
		EXPECT_STREQ(names[i], e->d_name);
	}
	rewinddir(d);
	for (seen = 0; readdir(d); seen++)
		;
	EXPECT_EQ(n + 2, seen);
	closedir(d);
}

/* What is removed during the walk may show or not, all else shows once. */
static void walk_removing(struct __test_metadata *_metadata, int n)
{
	DIR *d = opendir("mnt/d");
	struct dirent *e;
	int i, j;

	ASSERT_NE(NULL, d);
	memset(times, 0, n);
	while ((e = readdir(d))) {
		i = number_of(e, n);
		ASSERT_NE(-2, i);
		if (i < 0)
			continue;
		ASSERT_EQ(0, times[i]++) TH_LOG("%s twice", e->d_name);
		/* Itself, and one that is far away. */
		if (i % 3)
			continue;
		for (j = i; j < n; j += n / 2 + 1)
			if (j % 3 == 0)
				remove(fmt("mnt/d/%s", name_of(j)));
	}
	closedir(d);
	for (i = 0; i < n; i++) {
		if (i % 3) {
			ASSERT_EQ(1, times[i]) TH_LOG("%s", name_of(i));
		}
	}
	EXPECT_EQ(n - (n + 2) / 3, count_in("mnt/d"));
}

/* As many as SWITCHFS_SCALE says, for which the usual filesystem may have too few inodes. */
static int make_many(const struct site *site, int usual, int full)
{
	static const char *const maker[] = {
		"mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-O", "^has_journal", "-N", "70000",
		"-E", "lazy_itable_init=1,nodiscard", NULL,
	};
	const char *scale = getenv("SWITCHFS_SCALE");
	int n = scale && !strcmp(scale, "full") ? full : usual;

	times = calloc(n, 1);
	if (n > 30000 && image_mount(&site->w, site_path(site, "hot"), "ext4", 512 << 20, maker))
		return 0;
	return make_entries(n) ? 0 : n;
}

TEST_F_TIMEOUT(site, listing_of_many_entries_is_what_lookup_finds, 800)
{
	int n = make_many(&self->site, 20000, 100000), i;

	ASSERT_LT(0, n);
	ASSERT_EQ(0, MOUNT()) TH_LOG("%s", mount_log);
	walk_all(_metadata, n);
	for (i = 0; i < n; i += 199) {
		EXPECT_TRUE(present(fmt("mnt/d/%s", name_of(i)))) TH_LOG("%s", name_of(i));
	}
	EXPECT_FALSE(present("mnt/d/stray"));
	EXPECT_FALSE(present("mnt/d/stray.r"));
	walk_back(_metadata, n);
	free(times);
}

TEST_F_TIMEOUT(site, listing_survives_deletion_on_the_way, 800)
{
	int n = make_many(&self->site, 1500, 100000);

	ASSERT_LT(0, n);
	ASSERT_EQ(0, MOUNT());
	walk_removing(_metadata, n);
	free(times);
}

TEST_F(site, rmdir_counts_what_has_its_home_elsewhere)
{
	ASSERT_EQ(0, MOUNT("rule", "name=secret uid=1000 -> hide"));
	ASSERT_OK(chmod("hot", 0777));
	ASSERT_OK(mkdir("mnt/d", 0777));
	ASSERT_OK(chown("mnt/d", SOMEONE, SOMEONE));
	DOES(put("mnt/d/x.c", "x"));
	EXPECT_ERR(ENOTEMPTY, rmdir("mnt/d"));
	EXPECT_STREQ("x", get("cold-source/d/x.c"));
	EXPECT_TRUE(present("hot/d"));
	ASSERT_OK(unlink("mnt/d/x.c"));
	DOES(put("mnt/d/secret", "s"));
	EXPECT_EQ(ENOTEMPTY, AS_USER(SOMEONE, rmdir("mnt/d")));
	EXPECT_STREQ("s", get("hot/d/secret"));
	ASSERT_OK(unlink("mnt/d/secret"));
	/* Also what no name of the mount leads to. */
	DOES(make_path("ram/d"));
	DOES(put("ram/d/stray", "s"));
	EXPECT_STREQ("", names_in("mnt/d"));
	EXPECT_ERR(ENOTEMPTY, rmdir("mnt/d"));
	EXPECT_STREQ("s", get("ram/d/stray"));
	EXPECT_TRUE(present("cold-source/d"));
	EXPECT_TRUE(present("hot/d"));
	ASSERT_OK(unlink("ram/d/stray"));
	EXPECT_OK(rmdir("mnt/d"));
	EXPECT_STREQ("", names_in("hot"));
	EXPECT_STREQ("", names_in("ram"));
	EXPECT_STREQ("", names_in("cold-source"));
}

TEST_F(site, parents_are_made_on_the_way_like_those_they_mirror)
{
	struct stat st;

	ASSERT_EQ(0, MOUNT());
	ASSERT_OK(mkdir("mnt/a", 0751));
	ASSERT_OK(mkdir("mnt/a/b", 02770));
	ASSERT_OK(chown("mnt/a/b", SOMEONE, 77));
	ASSERT_OK(chmod("mnt/a/b", 02770));
	DOES(put("mnt/a/b/x.r", "r"));
	EXPECT_STREQ("r", get("ram/a/b/x.r"));
	st = stat_of("ram/a");
	EXPECT_EQ(S_IFDIR | 0751, st.st_mode);
	st = stat_of("ram/a/b");
	EXPECT_EQ(S_IFDIR | 02770, st.st_mode);
	EXPECT_EQ(SOMEONE, st.st_uid);
	EXPECT_EQ(77, st.st_gid);
	EXPECT_FALSE(present("cold-source/a"));
	/* A failing create makes no names appear. */
	EXPECT_EQ(EEXIST, opens("mnt/a/b/x.r", O_CREAT | O_EXCL | O_WRONLY));
	EXPECT_STREQ("b", names_in("mnt/a"));
}

SWITCHFS_TEST_MAIN
