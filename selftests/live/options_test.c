// SPDX-License-Identifier: GPL-2.0-only
/* default= and branch= on the live mount: what changes, and what is refused. */
#include "handles.h"
#include "site.h"

#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

static const char *shown(const struct site *site)
{
	return shown_options(site_path(site, "mnt")) ?: "nothing";
}

/* NAME=PATH of a folder in the work folder. */
static const char *branch(const struct site *site, const char *name, const char *path)
{
	return fmt("%s=%s", name, site_path(site, path));
}

#define REMOUNT(...)							\
	ASSERT_EQ(0, switchfs_remount(site_path(&self->site, "mnt"),	\
				      __VA_ARGS__, END))		\
		TH_LOG("%s", mount_log)

static void fill(struct __test_metadata *_metadata)
{
	DOES(put("hot/f", "hot"));
	DOES(put("cold/f", "cold"));
	DOES(make_path("hot/d"));
	DOES(make_path("cold/d"));
	DOES(put("hot/d/g", "hot"));
	DOES(put("cold/d/g", "cold"));
	DOES(make_path("new/d"));
	DOES(put("new/f", "new"));
	DOES(put("new/d/g", "new"));
}

TEST_F(site, another_default)
{
	fill(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> hot"));
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_STREQ("hot", get("mnt/d/g"));
	REMOUNT("default", "cold");
	EXPECT_HAS(shown(&self->site), "default=cold");
	EXPECT_HAS(shown(&self->site), "rule=name");
	EXPECT_STREQ("cold", get("mnt/f"));
	EXPECT_STREQ("cold", get("mnt/d/g"));
	DOES(put("mnt/d/made", "made"));
	DOES(put("mnt/d/a.c", "made"));
	EXPECT_STREQ("g made", names_in("cold/d"));
	EXPECT_STREQ("a.c g", names_in("hot/d"));
	EXPECT_STREQ("a.c g made", names_in("mnt/d"));
	REMOUNT("default", "hot");
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_FALSE(present("mnt/d/made"));
}

/* The root is the default branch's: attributes, lists, entries, permission. */
TEST_F(site, root_follows_the_default)
{
	char value[8] = "";
	int root;

	fill(_metadata);
	DOES(put("cold/only", ""));
	ASSERT_OK(chmod("hot", 0751));
	ASSERT_OK(chmod("cold", 0705));
	ASSERT_OK(chown("cold", 7, 8));
	setxattr("hot", "user.who", "hot", 3, 0);
	setxattr("cold", "user.who", "cold", 4, 0);
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	root = open("mnt", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, root);
	EXPECT_EQ(S_IFDIR | 0751, stat_of("mnt").st_mode);
	EXPECT_EQ(0, AS_USER(SOMEONE, chdir("mnt/d")));
	ASSERT_OK(chdir(self->site.w.work));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt", O_RDONLY)));
	REMOUNT("default", "cold");
	EXPECT_EQ(S_IFDIR | 0705, stat_of("mnt").st_mode);
	EXPECT_EQ(7, stat_of("mnt").st_uid);
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt", O_RDONLY | O_CLOEXEC)));
	EXPECT_STREQ("d f only", names_in("mnt"));
	if (getxattr("cold", "user.who", value, sizeof(value)) == 4) {
		EXPECT_EQ(4, getxattr("mnt", "user.who", value, sizeof(value)));
		EXPECT_EQ(0, memcmp("cold", value, 4));
	}
	ASSERT_OK(chmod("mnt", 0711));
	EXPECT_EQ(S_IFDIR | 0711, stat_of("cold").st_mode);
	EXPECT_EQ(S_IFDIR | 0751, stat_of("hot").st_mode);
	/* Also for who had it open before. */
	EXPECT_EQ(0, faccessat(root, "only", F_OK, 0));
	DOES(put("mnt/new", "n"));
	EXPECT_STREQ("n", get("cold/new"));
	ASSERT_OK(rename("mnt/new", "mnt/newer"));
	ASSERT_OK(link("mnt/newer", "mnt/d/link"));
	EXPECT_STREQ("n", get("cold/d/link"));
	ASSERT_OK(unlink("mnt/newer"));
	EXPECT_OK(fsync(root));
	close(root);
	REMOUNT("default", "hot");
	EXPECT_EQ(S_IFDIR | 0751, stat_of("mnt").st_mode);
	EXPECT_STREQ("d f", names_in("mnt"));
}

TEST_F(site, moved_branch)
{
	char buf[8] = "";
	ino_t hot;
	int fd;

	fill(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/d/** -> cold"));
	hot = stat_of("mnt/f").st_ino;
	fd = open("mnt/d/g", O_RDWR);
	ASSERT_LE(0, fd);
	REMOUNT("branch", branch(&self->site, "cold", "new"));
	EXPECT_HAS(shown(&self->site), branch(&self->site, "branch=cold", "new"));
	EXPECT_EQ(NULL, strstr(shown(&self->site), self->site.cold));
	EXPECT_STREQ("new", get("mnt/d/g"));
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_EQ(hot, stat_of("mnt/f").st_ino);
	DOES(put("mnt/d/made", "made"));
	EXPECT_STREQ("made", get("new/d/made"));
	EXPECT_FALSE(present("cold/d/made"));
	/* What is open keeps what it has. */
	EXPECT_EQ(4, pread(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("cold", buf);
	EXPECT_EQ(4, pwrite(fd, "COLD", 4, 0));
	EXPECT_OK(fchmod(fd, 0600));
	close(fd);
	EXPECT_STREQ("COLD", get("cold/d/g"));
	EXPECT_STREQ("new", get("mnt/d/g"));
}

TEST_F(site, moved_default_branch_takes_the_root_along)
{
	fill(_metadata);
	ASSERT_OK(chmod("new", 0715));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	REMOUNT("branch", branch(&self->site, "hot", "new"));
	EXPECT_EQ(S_IFDIR | 0715, stat_of("mnt").st_mode);
	EXPECT_STREQ("new", get("mnt/f"));
	EXPECT_STREQ("new", get("mnt/d/g"));
	ASSERT_OK(mkdir("mnt/e", 0755));
	EXPECT_TRUE(present("new/e"));
	REMOUNT("branch", self->site.hot);
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_FALSE(present("mnt/e"));
	EXPECT_OK(umount2("mnt", 0));
}

/* Both at once, with rules: each means the branches of its own remount. */
TEST_F(site, everything_changes_in_one_step)
{
	fill(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=f -> cold"));
	EXPECT_STREQ("cold", get("mnt/f"));
	REMOUNT("branch", branch(&self->site, "hot", "new"), "default", "cold",
		"norules", NULL, "rule", "path=/d/** -> hot");
	EXPECT_STREQ("cold", get("mnt/f"));
	EXPECT_STREQ("new", get("mnt/d/g"));
	EXPECT_STREQ("d f", names_in("mnt"));
}

TEST_F(site, last_option_for_a_branch_wins)
{
	fill(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	/* As mount(8) does it: what is in force, then what is wanted. */
	ASSERT_EQ(0, switchfs_mount_string("mnt", MS_REMOUNT,
		fmt("%s,branch=%s", shown(&self->site),
		    branch(&self->site, "hot", "new"))));
	EXPECT_STREQ("new", get("mnt/f"));
	/* Of the one that does not win the path is not even resolved. */
	REMOUNT("branch", branch(&self->site, "hot", "nowhere"),
		"branches", self->site.hot);
	EXPECT_STREQ("hot", get("mnt/f"));
}

TEST_F(site, options_in_force_ask_no_server)
{
	struct counts before;

	if (!self->site.s.pid)
		return;
	fill(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "default", "cold"));
	EXPECT_STREQ("cold", get("mnt/f"));
	server_counts(&self->site.s, &before);
	ASSERT_EQ(0, switchfs_mount_string("mnt", MS_REMOUNT, shown(&self->site)));
	REMOUNT("ro", NULL);
	REMOUNT("rw", NULL);
	EXPECT_STREQ("", server_asked(&self->site.s, &before));
}

TEST_F(site, reattach_resolves_the_path_again)
{
	char before[4096];
	struct stat st;

	fill(_metadata);
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", branch(&self->site, "new", "new"),
				    "branch", self->site.cold, END));
	snprintf(before, sizeof(before), "%s", shown(&self->site));
	st = stat_of("mnt/f");
	REMOUNT("reattach", "new");
	/* The same directory is the same branch. */
	EXPECT_EQ(st.st_ino, stat_of("mnt/f").st_ino);
	DOES(tmpfs_mount("new"));
	DOES(put("new/f", "over"));
	REMOUNT("branch", branch(&self->site, "new", "new"));
	EXPECT_STREQ("new", get("mnt/f"));
	REMOUNT("reattach", "new");
	EXPECT_STREQ("over", get("mnt/f"));
	EXPECT_STREQ(before, shown(&self->site));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_OK(umount2("new", 0));
}

TEST_F(site, held_directory_is_found_again_or_is_stale)
{
	int dir, err;

	fill(_metadata);
	DOES(make_path("hot/gone"));
	DOES(put("hot/gone/f", "hot"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	dir = open("mnt/gone", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, dir);
	ASSERT_OK(chdir("mnt/d"));
	EXPECT_STREQ("hot", get("g"));
	REMOUNT("branch", branch(&self->site, "hot", "new"));
	err = opens("g", O_RDONLY);
	EXPECT_TRUE(err == ESTALE || (!err && !strcmp(get("g"), "new")))
		TH_LOG("%s: %s", strerror(err), get("g"));
	err = put("made", "m");
	EXPECT_TRUE(err == ESTALE || err == ENOENT ||
		    (!err && present(site_path(&self->site, "new/d/made"))));
	EXPECT_FALSE(present(site_path(&self->site, "hot/d/made")));
	/* Never what is in the old branch. */
	err = ERR(faccessat(dir, "f", F_OK, 0));
	EXPECT_TRUE(err == ESTALE || err == ENOENT) TH_LOG("%s", strerror(err));
	/* It is not made again, nor is anything in the old one. */
	EXPECT_ERR(ESTALE, openat(dir, "f2", O_CREAT | O_WRONLY, 0644));
	EXPECT_ERR(ESTALE, mkdirat(dir, "d2", 0755));
	EXPECT_ERR(ESTALE, renameat(AT_FDCWD, site_path(&self->site, "mnt/f"),
				    dir, "f2"));
	EXPECT_ERR(ESTALE, openat(dir, ".", O_TMPFILE | O_RDWR, 0600));
	EXPECT_FALSE(present(site_path(&self->site, "new/gone")));
	EXPECT_STREQ("f", names_in(site_path(&self->site, "hot/gone")));
	close(dir);
	ASSERT_OK(chdir(self->site.w.work));
	EXPECT_STREQ("new", get("mnt/d/g"));
}

/* The same objects through another mount: what that one refuses holds at once. */
TEST_F(site, flags_of_the_new_mount_hold)
{
	DOES(make_path("again"));
	DOES(make_path("hot/d"));
	DOES(put("hot/d/prog", ""));
	ASSERT_OK(chmod("hot/d/prog", 0755));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(bind_mount("hot", "again"));
	ASSERT_OK(mount(NULL, "again", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL));
	ASSERT_OK(chdir("mnt/d"));
	EXPECT_OK(access("prog", X_OK));
	REMOUNT("branch", branch(&self->site, "hot", "again"));
	/* First by the held directory, so that its path is known when it is walked. */
	EXPECT_ERR(EACCES, access("prog", X_OK));
	ASSERT_OK(chdir(self->site.w.work));
	EXPECT_ERR(EACCES, access("mnt/d/prog", X_OK));
	REMOUNT("branch", self->site.hot);
	EXPECT_OK(access("mnt/d/prog", X_OK));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_OK(umount2("again", 0));
}

TEST_F(site, handles_of_a_moved_branch_are_stale)
{
	struct handle f, g;

	fill(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	if (handle_of("mnt/f", &f))
		return;
	EXPECT_STREQ("hot", handle_get("mnt", &f));
	REMOUNT("branch", branch(&self->site, "hot", "new"));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &f, O_RDONLY));
	DOES(handle_of("mnt/f", &g));
	EXPECT_FALSE(same_handle(&f, &g));
	EXPECT_STREQ("new", handle_get("mnt", &g));
	DOES(handle_of("mnt", &g));
	EXPECT_EQ(stat_of("mnt").st_ino, handle_stat("mnt", &g).st_ino);
	/* The branch is back, and so are its handles. */
	REMOUNT("branch", self->site.hot);
	EXPECT_STREQ("hot", handle_get("mnt", &f));
}

TEST_F(site, shown_options_make_the_mount_again)
{
	char after[4096];

	fill(_metadata);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(make_path("odd #:="));
	REMOUNT("branch", branch(&self->site, "cold", "odd #:="), "default",
		"cold", "rule", "path=/d/** -> hot");
	DOES(put("mnt/f", "odd"));
	snprintf(after, sizeof(after), "%s", shown(&self->site));
	ASSERT_EQ(0, switchfs_mount_string("mnt", MS_REMOUNT, after));
	EXPECT_STREQ(after, shown(&self->site));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_EQ(0, switchfs_mount_string("mnt", 0, after));
	EXPECT_STREQ(after, shown(&self->site));
	EXPECT_STREQ("odd", get("mnt/f"));
	EXPECT_STREQ("hot", get("mnt/d/g"));
}

/* A number for each branch that was ever attached; then it is refused. */
TEST_F_TIMEOUT(site, used_up_branches_are_refused, 120)
{
	char before[4096] = "";
	int i, err = 0;

	if (self->site.s.pid)
		return;
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	for (i = 0; i < 64 && !err; i++) {
		char to[8];

		snprintf(before, sizeof(before), "%s", shown(&self->site));
		snprintf(to, sizeof(to), "n%d", i);
		DOES(make_path(to));
		DOES(put(fmt("%s/f", to), to));
		err = switchfs_remount("mnt", "branch",
				       branch(&self->site, "hot", to), END);
		if (!err)
			EXPECT_STREQ(to, get("mnt/f"));
	}
	EXPECT_EQ(ENOSPC, err);
	EXPECT_EQ(63, i);
	EXPECT_HAS(mount_log, "64");
	EXPECT_STREQ(before, shown(&self->site));
	EXPECT_STREQ("n61", get("mnt/f"));
	/* One that was there before needs none. */
	REMOUNT("branch", branch(&self->site, "hot", "n5"));
	EXPECT_STREQ("n5", get("mnt/f"));
	EXPECT_OK(umount2("mnt", 0));
}

SWITCHFS_TEST_MAIN
