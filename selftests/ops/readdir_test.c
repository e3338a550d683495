// SPDX-License-Identifier: GPL-2.0-only
/* readdir: completeness, positions, types and numbers. */
#include "tree.h"

#include <dirent.h>
#include <sys/syscall.h>

#define MANY 3000

/*
 * Makes d with files n0, n1 ..., each third ending in SUFFIX, in the folders
 * that the branches show: that many requests to a server take long.
 */
static int make_many(const FIXTURE_DATA(tree) *self, int count,
		     const char *suffix)
{
	int err = make_path(fmt("%s/d", self->home_source)), home, dot_c, i;

	if (!err)
		err = make_path(fmt("%s/d", self->dot_c_source));
	if (err)
		return err;
	home = open(fmt("%s/d", self->home_source), O_PATH);
	dot_c = open(fmt("%s/d", self->dot_c_source), O_PATH);
	for (i = 0; i < count && !err; i++) {
		const char *end = i % 3 ? "" : suffix;

		err = ERR(mknodat(*end ? dot_c : home, fmt("n%d%s", i, end),
				  S_IFREG | 0644, 0));
	}
	close(home);
	close(dot_c);
	return err;
}

/* Counts each nN or nN.c of d; -1 when one comes twice or is unknown. */
static int count_many(DIR *d, char *seen, int max)
{
	struct dirent *e;
	int n = 0, at;

	memset(seen, 0, max);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (sscanf(e->d_name, "n%d", &at) != 1 || at >= max || seen[at]++)
			return -1;
		n++;
	}
	return n;
}

TEST_F_TIMEOUT(tree, large_directory_lists_each_name_once, 60)
{
	static char seen[MANY];
	DIR *d;

	DOES(make_many(self, MANY, ""));
	d = opendir("d");
	ASSERT_NE(NULL, d);
	EXPECT_EQ(MANY, count_many(d, seen, MANY));
	rewinddir(d);
	EXPECT_EQ(MANY, count_many(d, seen, MANY));
	closedir(d);
}

TEST_F(tree, names_of_both_branches_are_listed_once)
{
	static char seen[150];
	DIR *d;

	DOES(make_many(self, 150, ".c"));
	d = opendir("d");
	ASSERT_NE(NULL, d);
	EXPECT_EQ(150, count_many(d, seen, 150));
	closedir(d);
}

TEST_F(tree, small_buffers_lose_nothing)
{
	char buf[512], seen[200] = "";
	int fd, n = 0, at;
	long len;

	DOES(make_many(self, 200, ".c"));
	fd = open("d", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	while ((len = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		char *p = buf;

		while (p < buf + len) {
			struct dirent64 *e = (struct dirent64 *)p;

			if (sscanf(e->d_name, "n%d", &at) == 1) {
				EXPECT_EQ(0, seen[at]++);
				n++;
			}
			p += e->d_reclen;
		}
	}
	EXPECT_EQ(0, len);
	EXPECT_EQ(200, n);
	ASSERT_OK(lseek(fd, 0, SEEK_SET));
	EXPECT_ERR(EINVAL, syscall(SYS_getdents64, fd, buf, 10));
}

TEST_F(tree, seekdir_goes_back_to_any_position)
{
	long positions[120];
	char names[120][256];
	struct dirent *e;
	int n = 0, i;
	DIR *d;

	DOES(make_many(self, 100, ".c"));
	d = opendir("d");
	ASSERT_NE(NULL, d);
	for (;;) {
		positions[n] = telldir(d);
		e = readdir(d);
		if (!e)
			break;
		strcpy(names[n++], e->d_name);
		ASSERT_GT(119, n);
	}
	EXPECT_EQ(102, n);
	for (i = n - 1; i >= 0; i -= 7) {
		seekdir(d, positions[i]);
		e = readdir(d);
		ASSERT_NE(NULL, e) TH_LOG("nothing at entry %d", i);
		EXPECT_STREQ(names[i], e->d_name);
	}
	/* From the middle on, all that came after. */
	seekdir(d, positions[n / 2]);
	for (i = n / 2; (e = readdir(d)); i++)
		EXPECT_STREQ(names[i], e->d_name);
	EXPECT_EQ(n, i);
	closedir(d);
}

TEST_F(tree, rewinddir_sees_changes_made_since)
{
	char seen[10];
	DIR *d;

	DOES(make_many(self, 5, ".c"));
	d = opendir("d");
	ASSERT_NE(NULL, d);
	EXPECT_EQ(5, count_many(d, seen, 10));
	DOES(put("d/n7", ""));
	DOES(put("d/n8.c", ""));
	ASSERT_OK(unlink("d/n1"));
	rewinddir(d);
	EXPECT_EQ(6, count_many(d, seen, 10));
	EXPECT_EQ(0, seen[1]);
	EXPECT_EQ(1, seen[7]);
	EXPECT_EQ(1, seen[8]);
	closedir(d);
}

TEST_F(tree, removing_while_listing_removes_all)
{
	struct dirent *e;
	int rounds = 0;
	DIR *d;

	DOES(make_many(self, 120, ".c"));
	while (rounds++ < 4 && count_in("d")) {
		d = opendir("d");
		ASSERT_NE(NULL, d);
		while ((e = readdir(d)))
			if (e->d_name[0] == 'n')
				EXPECT_OK(unlinkat(dirfd(d), e->d_name, 0));
		closedir(d);
	}
	EXPECT_STREQ("", names_in("d"));
	EXPECT_EQ(2, rounds);
}

TEST_F(tree, entries_have_type_and_the_number_that_stat_gives)
{
	static const struct {
		const char *name;
		unsigned char type;
	} made[] = {
		{ "f", DT_REG }, { "f.c", DT_REG }, { "d", DT_DIR },
		{ "s", DT_LNK }, { "s.c", DT_LNK }, { "p", DT_FIFO },
		{ "p.c", DT_FIFO }, { "k", DT_SOCK }, { "c.c", DT_CHR },
	};
	unsigned char type;
	size_t i;
	ino_t ino;

	DOES(put("f", ""));
	DOES(put("f.c", ""));
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(symlink("x", "s"));
	ASSERT_OK(symlink("x", "s.c"));
	ASSERT_OK(mknod("p", S_IFIFO | 0600, 0));
	ASSERT_OK(mknod("p.c", S_IFIFO | 0600, 0));
	ASSERT_OK(mknod("k", S_IFSOCK | 0600, 0));
	ASSERT_OK(mknod("c.c", S_IFCHR | 0600, makedev(1, 3)));
	for (i = 0; i < sizeof(made) / sizeof(*made); i++) {
		ASSERT_TRUE(listed(".", made[i].name, &ino, &type))
			TH_LOG("%s", made[i].name);
		EXPECT_EQ(made[i].type, type) TH_LOG("%s", made[i].name);
		EXPECT_EQ(stat_of(made[i].name).st_ino, ino)
			TH_LOG("%s", made[i].name);
	}
	EXPECT_EQ(9, count_in("."));
}

TEST_F(tree, dot_and_dot_dot_are_listed_with_their_numbers)
{
	unsigned char type;
	ino_t ino;

	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(mkdir("d/sub", 0755));
	ASSERT_TRUE(listed("d/sub", ".", &ino, &type));
	EXPECT_EQ(DT_DIR, type);
	EXPECT_EQ(stat_of("d/sub").st_ino, ino);
	ASSERT_TRUE(listed("d/sub", "..", &ino, &type));
	EXPECT_EQ(DT_DIR, type);
	EXPECT_EQ(stat_of("d").st_ino, ino);
}

TEST_F(tree, removed_directory_lists_nothing)
{
	char buf[1024];
	int fd;

	ASSERT_OK(mkdir("d", 0755));
	fd = open("d", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	ASSERT_OK(rmdir("d"));
	errno = 0;
	if (syscall(SYS_getdents64, fd, buf, sizeof(buf)) < 0)
		EXPECT_EQ(ENOENT, errno);
	EXPECT_ERR(ENOENT, openat(fd, "new.c", O_CREAT | O_WRONLY, 0644));
	EXPECT_ERR(ENOENT, mkdirat(fd, "new", 0755));
}

TREE_TEST_MAIN
