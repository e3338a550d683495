// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes made directly in a branch are seen by the next call that looks the
 * name up. On FUSE the server allows no caching here.
 */
#include "tree.h"

/* The path of NAME in its branch: ".c" may be in another than the rest. */
#define UNDER(name)							\
	fmt("%s/%s", strstr(name, ".c") ? self->dot_c : self->home, name)

/* In `rules`, cold's directory is made when something is put there. */
static int make_dot_c(const char *path)
{
	return make_path(path);
}

TEST_F(tree, created_objects_appear)
{
	DOES(make_dot_c(self->dot_c));
	EXPECT_FALSE(present("f.c"));
	EXPECT_FALSE(present("f"));
	EXPECT_FALSE(present("d"));
	EXPECT_FALSE(present("s.c"));
	DOES(put(UNDER("f.c"), "far"));
	DOES(put(UNDER("f"), "near"));
	ASSERT_OK(mkdir(UNDER("d"), 0755));
	ASSERT_OK(symlink("f", UNDER("s.c")));
	EXPECT_STREQ("far", get("f.c"));
	EXPECT_STREQ("near", get("f"));
	EXPECT_STREQ("near", get("s.c"));
	EXPECT_TRUE(S_ISDIR(stat_of("d").st_mode));
	EXPECT_STREQ("d f f.c s.c", names_in("."));
}

TEST_F(tree, removed_objects_are_gone)
{
	DOES(put("f.c", ""));
	DOES(put("f", ""));
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(symlink("x", "s.c"));
	EXPECT_TRUE(present("f.c"));
	ASSERT_OK(unlink(UNDER("f.c")));
	ASSERT_OK(unlink(UNDER("f")));
	ASSERT_OK(rmdir(UNDER("d")));
	ASSERT_OK(unlink(UNDER("s.c")));
	EXPECT_ERR(ENOENT, access("f.c", F_OK));
	EXPECT_EQ(ENOENT, opens("f", O_RDONLY));
	EXPECT_ERR(ENOENT, rmdir("d"));
	EXPECT_ERR(ENOENT, unlink("s.c"));
	EXPECT_STREQ("", names_in("."));
	/* And can be made again. */
	DOES(put("f.c", "new"));
	EXPECT_STREQ("new", get("f.c"));
	ASSERT_OK(mkdir("d", 0700));
	EXPECT_STREQ("", names_in("d"));
}

TEST_F(tree, replaced_file_is_the_new_one)
{
	ino_t old;

	DOES(put("f.c", "old"));
	EXPECT_STREQ("old", get("f.c"));
	old = stat_of("f.c").st_ino;
	DOES(put(UNDER("new.c"), "replacement"));
	ASSERT_OK(rename(UNDER("new.c"), UNDER("f.c")));
	EXPECT_STREQ("replacement", get("f.c"));
	EXPECT_EQ(11, stat_of("f.c").st_size);
	EXPECT_NE(old, stat_of("f.c").st_ino);
	EXPECT_FALSE(present("new.c"));
}

TEST_F(tree, object_of_another_kind_is_seen_as_that)
{
	DOES(put("n", "file"));
	EXPECT_TRUE(S_ISREG(stat_of("n").st_mode));
	ASSERT_OK(unlink(UNDER("n")));
	ASSERT_OK(mkdir(UNDER("n"), 0755));
	EXPECT_TRUE(S_ISDIR(stat_of("n").st_mode));
	DOES(put("n/in", "in"));
	EXPECT_STREQ("in", get("n/in"));
	ASSERT_OK(unlink(UNDER("n/in")));
	ASSERT_OK(rmdir(UNDER("n")));
	ASSERT_OK(symlink("target", UNDER("n")));
	EXPECT_TRUE(S_ISLNK(stat_of("n").st_mode));
	EXPECT_FALSE(present("n/in"));
}

TEST_F(tree, renamed_file_is_found_at_its_new_name_only)
{
	DOES(put("a.c", "moved"));
	EXPECT_FALSE(present("b.c"));
	ASSERT_OK(rename(UNDER("a.c"), UNDER("b.c")));
	EXPECT_STREQ("moved", get("b.c"));
	EXPECT_FALSE(present("a.c"));
	EXPECT_STREQ("b.c", names_in("."));
}

TEST_F(tree, renamed_directory_takes_its_names_along)
{
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(mkdir("d/sub", 0755));
	DOES(put("d/sub/f", "below"));
	EXPECT_FALSE(present("e"));
	ASSERT_OK(rename(UNDER("d"), UNDER("e")));
	EXPECT_STREQ("below", get("e/sub/f"));
	EXPECT_FALSE(present("d/sub/f"));
	EXPECT_FALSE(present("d"));
	EXPECT_STREQ("e", names_in("."));
}

TEST_F(tree, renamed_parent_of_a_cached_file_is_noticed)
{
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(mkdir("d/sub", 0755));
	DOES(put("d/sub/f", "one"));
	EXPECT_STREQ("one", get("d/sub/f"));
	ASSERT_OK(rename(UNDER("d/sub"), UNDER("d/old")));
	ASSERT_OK(mkdir(UNDER("d/sub"), 0755));
	DOES(put(UNDER("d/sub/f"), "two"));
	EXPECT_STREQ("two", get("d/sub/f"));
	EXPECT_STREQ("one", get("d/old/f"));
}

TEST_F(tree, exchanged_names_are_exchanged)
{
	DOES(put("a.c", "a"));
	DOES(put("b.c", "b"));
	ASSERT_OK(rename(UNDER("a.c"), UNDER("t.c")));
	ASSERT_OK(rename(UNDER("b.c"), UNDER("a.c")));
	ASSERT_OK(rename(UNDER("t.c"), UNDER("b.c")));
	EXPECT_STREQ("b", get("a.c"));
	EXPECT_STREQ("a", get("b.c"));
}

/* Of a name that was used a moment ago less is looked at. */
TEST_F(tree, names_in_use_are_noticed_to_move)
{
	int i;

	DOES(put("a.c", "a"));
	DOES(put("b.c", "b"));
	ASSERT_OK(link("a.c", "l.c"));
	for (i = 0; i < 4; i++) {
		EXPECT_STREQ("a", get("a.c"));
		EXPECT_STREQ("a", get("a.c"));
		EXPECT_STREQ("b", get("b.c"));
		EXPECT_STREQ("b", get("b.c"));
		EXPECT_STREQ("a", get("l.c"));
		ASSERT_OK(rename(UNDER("a.c"), UNDER("t.c")));
		EXPECT_FALSE(present("a.c"));
		ASSERT_OK(rename(UNDER("b.c"), UNDER("a.c")));
		EXPECT_STREQ("b", get("a.c"));
		ASSERT_OK(rename(UNDER("t.c"), UNDER("b.c")));
		EXPECT_STREQ("a", get("b.c"));
		EXPECT_STREQ("b", get("a.c"));
		EXPECT_STREQ("a", get("l.c"));
		/* And back again through the mount. */
		ASSERT_OK(rename("a.c", "t.c"));
		ASSERT_OK(rename("b.c", "a.c"));
		EXPECT_STREQ("a", get("a.c"));
		ASSERT_OK(rename("t.c", "b.c"));
		EXPECT_FALSE(present("t.c"));
	}
	/* Forth and back, so that all is as it was but for the object. */
	ASSERT_OK(rename(UNDER("l.c"), UNDER("t.c")));
	DOES(put(UNDER("l.c"), "new"));
	EXPECT_STREQ("new", get("l.c"));
	ASSERT_OK(rename(UNDER("t.c"), UNDER("l.c")));
	EXPECT_STREQ("a", get("l.c"));
	EXPECT_STREQ("a", get("a.c"));
	ASSERT_OK(unlink(UNDER("a.c")));
	EXPECT_FALSE(present("a.c"));
	EXPECT_STREQ("a", get("l.c"));
}

TEST_F(tree, changed_attributes_are_seen)
{
	struct timespec t[2] = { { 7, 8 }, { 9, 10 } };
	struct stat st;

	DOES(put("f.c", "0123456789"));
	ASSERT_OK(mkdir("d", 0755));
	EXPECT_EQ(10, stat_of("f.c").st_size);
	ASSERT_OK(chmod(UNDER("f.c"), 0604));
	ASSERT_OK(chown(UNDER("f.c"), 3, 4));
	ASSERT_OK(truncate(UNDER("f.c"), 5));
	ASSERT_OK(utimensat(AT_FDCWD, UNDER("f.c"), t, 0));
	ASSERT_OK(chmod(UNDER("d"), 0711));
	st = stat_of("f.c");
	EXPECT_EQ(S_IFREG | 0604, st.st_mode);
	EXPECT_EQ(3, st.st_uid);
	EXPECT_EQ(4, st.st_gid);
	EXPECT_EQ(5, st.st_size);
	EXPECT_EQ(9, st.st_mtim.tv_sec);
	EXPECT_EQ(10, st.st_mtim.tv_nsec);
	EXPECT_STREQ("01234", get("f.c"));
	EXPECT_EQ(S_IFDIR | 0711, stat_of("d").st_mode);
}

TEST_F(tree, changed_mode_decides_at_once)
{
	DOES(put("f.c", "x"));
	ASSERT_OK(mkdir("d", 0755));
	DOES(put("d/g", "x"));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("f.c", O_RDONLY)));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("d/g", O_RDONLY)));
	ASSERT_OK(chmod(UNDER("f.c"), 0600));
	ASSERT_OK(chmod(UNDER("d"), 0700));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("f.c", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("d/g", O_RDONLY)));
	ASSERT_OK(chmod(UNDER("d"), 0755));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("d/g", O_RDONLY)));
}

TEST_F(tree, data_written_in_the_branch_is_read)
{
	char buf[16] = "";
	int fd, under;

	DOES(put("f.c", "first"));
	fd = open("f.c", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(5, pread(fd, buf, sizeof(buf), 0));
	under = open(UNDER("f.c"), O_WRONLY);
	ASSERT_LE(0, under);
	EXPECT_EQ(9, pwrite(under, "second :)", 9, 0));
	close(under);
	EXPECT_EQ(9, pread(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("second :)", buf);
	EXPECT_EQ(9, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(9, stat_of("f.c").st_size);
	under = open(UNDER("f.c"), O_WRONLY | O_APPEND);
	EXPECT_EQ(1, write(under, "!", 1));
	close(under);
	fd = open("f.c", O_WRONLY | O_APPEND);
	EXPECT_EQ(1, write(fd, "?", 1));
	EXPECT_STREQ("second :)!?", get("f.c"));
}

TEST_F(tree, removal_of_an_open_file_leaves_it_usable)
{
	char buf[8] = "";
	int fd;

	DOES(put("f.c", "kept"));
	fd = open("f.c", O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_OK(unlink(UNDER("f.c")));
	EXPECT_FALSE(present("f.c"));
	EXPECT_EQ(4, pread(fd, buf, sizeof(buf), 0));
	DOES(put(UNDER("f.c"), "other"));
	EXPECT_STREQ("other", get("f.c"));
	EXPECT_EQ(4, pread(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("kept", buf);
}

TEST_F(tree, new_links_are_counted)
{
	DOES(put("a.c", "x"));
	EXPECT_EQ(1, stat_of("a.c").st_nlink);
	ASSERT_OK(link(UNDER("a.c"), UNDER("b.c")));
	EXPECT_EQ(2, stat_of("a.c").st_nlink);
	EXPECT_EQ(stat_of("a.c").st_ino, stat_of("b.c").st_ino);
	DOES(put("b.c", "through b"));
	EXPECT_STREQ("through b", get("a.c"));
	ASSERT_OK(unlink(UNDER("a.c")));
	EXPECT_EQ(1, stat_of("b.c").st_nlink);
}

TEST_F(tree, current_directory_replaced_below_is_dead)
{
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(chdir("d"));
	DOES(put("f", "old"));
	ASSERT_OK(unlink(UNDER("d/f")));
	ASSERT_OK(rmdir(UNDER("d")));
	EXPECT_NE(0, put("f", "must not appear anywhere"));
	EXPECT_FALSE(present("f"));
	ASSERT_OK(chdir(self->dir));
	EXPECT_FALSE(present("d"));
}

TREE_TEST_MAIN_TIMEOUT("0")
