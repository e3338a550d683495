// SPDX-License-Identifier: GPL-2.0-only
/* Extended attributes agree with what the branch has. */
#include "tree.h"

#include <sys/xattr.h>

/* The errno with which the branch of names in ".c" takes user.*, or 0. */
static int branch_errno(const char *dot_c)
{
	const char *probe = fmt("%s/probe.c", dot_c);
	int err;

	put(probe, "");
	err = ERR(setxattr(probe, "user.probe", "x", 1, 0));
	unlink(probe);
	return err;
}

/* The names of PATH's attributes, each followed by a space. */
static const char *names_of(const char *path)
{
	static char list[4096];
	ssize_t n = llistxattr(path, list, sizeof(list)), i;

	if (n < 0)
		return strerror(errno);
	if (n != llistxattr(path, NULL, 0))
		return "another length";
	for (i = 0; i < n; i++)
		if (!list[i])
			list[i] = ' ';
	list[n] = 0;
	return list;
}

TEST_F(tree, values_are_set_read_replaced_and_removed)
{
	const char *below = fmt("%s/f.c", self->dot_c);
	char buf[64] = "";
	int expected;

	/* First, since it makes the directory in its branch. */
	DOES(put("f.c", "x"));
	expected = branch_errno(self->dot_c);
	ASSERT_ERR(expected, setxattr("f.c", "user.one", "first", 5, XATTR_CREATE));
	if (expected)
		return;
	EXPECT_EQ(5, getxattr("f.c", "user.one", NULL, 0));
	EXPECT_EQ(5, getxattr("f.c", "user.one", buf, sizeof(buf)));
	EXPECT_STREQ("first", buf);
	EXPECT_ERR(ERANGE, getxattr("f.c", "user.one", buf, 3));
	EXPECT_ERR(EEXIST, setxattr("f.c", "user.one", "x", 1, XATTR_CREATE));
	EXPECT_ERR(ENODATA, setxattr("f.c", "user.two", "x", 1, XATTR_REPLACE));
	EXPECT_OK(setxattr("f.c", "user.one", "second", 6, XATTR_REPLACE));
	EXPECT_EQ(6, getxattr(below, "user.one", buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp("second", buf, 6));
	EXPECT_OK(setxattr("f.c", "user.empty", "", 0, 0));
	EXPECT_EQ(0, getxattr("f.c", "user.empty", buf, sizeof(buf)));
	EXPECT_OK(removexattr("f.c", "user.one"));
	EXPECT_ERR(ENODATA, getxattr("f.c", "user.one", buf, sizeof(buf)));
	EXPECT_ERR(ENODATA, removexattr("f.c", "user.one"));
	EXPECT_STREQ("user.empty ", names_of("f.c"));
}

TEST_F(tree, descriptors_reach_them_too)
{
	char buf[8];
	int fd;

	DOES(put("f.c", ""));
	if (branch_errno(self->dot_c))
		return;
	fd = open("f.c", O_CREAT | O_RDWR, 0644);
	ASSERT_LE(0, fd);
	EXPECT_OK(fsetxattr(fd, "user.a", "1", 1, 0));
	EXPECT_EQ(1, fgetxattr(fd, "user.a", buf, sizeof(buf)));
	EXPECT_EQ(7, flistxattr(fd, buf, sizeof(buf)));
	EXPECT_OK(fremovexattr(fd, "user.a"));
	EXPECT_EQ(0, flistxattr(fd, NULL, 0));
	/* Also when the file has no name any more. */
	ASSERT_OK(unlink("f.c"));
	EXPECT_OK(fsetxattr(fd, "user.a", "2", 1, 0));
	EXPECT_EQ(1, fgetxattr(fd, "user.a", buf, sizeof(buf)));
	EXPECT_EQ('2', buf[0]);
}

TEST_F(tree, lists_are_complete_and_of_the_exact_length)
{
	char buf[32];

	DOES(put("f.c", ""));
	if (branch_errno(self->dot_c))
		return;
	EXPECT_EQ(0, listxattr("f.c", NULL, 0));
	EXPECT_OK(setxattr("f.c", "user.a", "1", 1, 0));
	EXPECT_OK(setxattr("f.c", "trusted.b", "1", 1, 0));
	EXPECT_EQ(17, listxattr("f.c", NULL, 0));
	EXPECT_EQ(17, listxattr("f.c", buf, 17));
	EXPECT_ERR(ERANGE, listxattr("f.c", buf, 16));
}

TEST_F(tree, trusted_ones_are_for_the_privileged)
{
	char buf[32];

	DOES(put("f.c", ""));
	if (branch_errno(self->dot_c))
		return;
	ASSERT_OK(chmod("f.c", 0666));
	ASSERT_OK(setxattr("f.c", "trusted.secret", "1", 1, 0));
	ASSERT_OK(setxattr("f.c", "user.open", "1", 1, 0));
	EXPECT_HAS(names_of("f.c"), "trusted.secret");
	user_become(SOMEONE);
	EXPECT_STREQ("user.open ", names_of("f.c"));
	EXPECT_ERR(ERANGE, listxattr("f.c", buf, 9));
	EXPECT_EQ(10, listxattr("f.c", buf, 10));
	EXPECT_ERR(ENODATA, getxattr("f.c", "trusted.secret", buf, 8));
	EXPECT_ERR(EPERM, setxattr("f.c", "trusted.secret", "2", 1, 0));
	user_return();
}

TEST_F(tree, user_ones_need_permission_and_a_file_or_directory)
{
	DOES(put("f.c", ""));
	if (branch_errno(self->dot_c))
		return;
	ASSERT_OK(chmod("f.c", 0600));
	ASSERT_OK(mkfifo("p.c", 0666));
	ASSERT_OK(symlink("nowhere", "l.c"));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, setxattr("f.c", "user.a", "1", 1, 0)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, getxattr("f.c", "user.a", NULL, 0)));
	EXPECT_ERR(EPERM, setxattr("p.c", "user.a", "1", 1, 0));
	EXPECT_ERR(EPERM, lsetxattr("l.c", "user.a", "1", 1, 0));
	/* The test server has none on links. */
	if (self->fuse_dot_c)
		return;
	EXPECT_OK(lsetxattr("l.c", "trusted.a", "1", 1, 0));
	EXPECT_STREQ("trusted.a ", names_of("l.c"));
}

TEST_F(tree, change_of_an_attribute_changes_ctime_and_nothing_else)
{
	struct stat before, after;

	DOES(put("f.c", "x"));
	if (branch_errno(self->dot_c))
		return;
	before = stat_of("f.c");
	usleep(20000);
	EXPECT_OK(setxattr("f.c", "user.a", "1", 1, 0));
	after = stat_of("f.c");
	EXPECT_NE(0, memcmp(&before.st_ctim, &after.st_ctim, sizeof(after.st_ctim)));
	EXPECT_EQ(0, memcmp(&before.st_mtim, &after.st_mtim, sizeof(after.st_mtim)));
	EXPECT_EQ(before.st_mode, after.st_mode);
}

TREE_TEST_MAIN
