// SPDX-License-Identifier: GPL-2.0-only
/* POSIX access control lists through the mount. */
#include "tree.h"

#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#define ACCESS_LIST	"system.posix_acl_access"
#define DEFAULT_LIST	"system.posix_acl_default"

struct list {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entry[5];
};

/* rw- for the owner, PERM for user SOMEONE, --- for the rest. */
static struct list list_for_someone(int perm)
{
	struct list list = {
		.header.a_version = POSIX_ACL_XATTR_VERSION,
		.entry = {
			{ ACL_USER_OBJ, 6, ACL_UNDEFINED_ID },
			{ ACL_USER, perm, SOMEONE },
			{ ACL_GROUP_OBJ, 0, ACL_UNDEFINED_ID },
			{ ACL_MASK, perm, ACL_UNDEFINED_ID },
			{ ACL_OTHER, 0, ACL_UNDEFINED_ID },
		},
	};

	return list;
}

static int set_list(const char *path, const char *name, int perm)
{
	struct list list = list_for_someone(perm);

	return ERR(setxattr(path, name, &list, sizeof(list), 0));
}

/* The errno with which the branch of names in ".c" takes lists, or 0. */
static int branch_errno(const char *dot_c)
{
	const char *probe = fmt("%s/probe.c", dot_c);
	int err;

	put(probe, "");
	err = set_list(probe, ACCESS_LIST, 4);
	unlink(probe);
	return err;
}

TEST_F(tree, list_decides_who_may_open)
{
	struct list list;
	int expected;

	/* First, since it makes the directory in its branch. */
	DOES(put("f.c", "x"));
	expected = branch_errno(self->dot_c);
	ASSERT_EQ(expected, set_list("f.c", ACCESS_LIST, 4));
	if (expected) {
		EXPECT_ERR(expected, getxattr("f.c", ACCESS_LIST, &list, sizeof(list)));
		EXPECT_ERR(expected, removexattr("f.c", ACCESS_LIST));
		return;
	}
	EXPECT_EQ(sizeof(list), getxattr("f.c", ACCESS_LIST, &list, sizeof(list)));
	EXPECT_EQ(SOMEONE, list.entry[1].e_id);
	EXPECT_EQ(4, list.entry[1].e_perm);
	/* A server that did not ask for it has lists that decide nothing. */
	if (self->fuse_dot_c)
		return;
	EXPECT_EQ(0640, stat_of("f.c").st_mode & 07777);
	EXPECT_EQ(0, AS_USER(SOMEONE, access("f.c", R_OK) ?: -opens("f.c", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("f.c", O_WRONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, open("f.c", O_RDONLY)));
	EXPECT_OK(chmod("f.c", 0600));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("f.c", O_RDONLY)));
	EXPECT_OK(removexattr("f.c", ACCESS_LIST));
	EXPECT_ERR(ENODATA, getxattr("f.c", ACCESS_LIST, &list, sizeof(list)));
}

TEST_F(tree, list_set_in_the_branch_counts_at_once)
{
	DOES(put("f.c", "x"));
	if (self->fuse_dot_c || branch_errno(self->dot_c))
		return;
	ASSERT_OK(chmod("f.c", 0600));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("f.c", O_RDONLY)));
	ASSERT_EQ(0, set_list(fmt("%s/f.c", self->dot_c), ACCESS_LIST, 4));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("f.c", O_RDONLY)));
	ASSERT_EQ(0, set_list(fmt("%s/f.c", self->dot_c), ACCESS_LIST, 0));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("f.c", O_RDONLY)));
}

TEST_F(tree, only_the_owner_changes_a_list)
{
	DOES(put("f.c", "x"));
	if (branch_errno(self->dot_c))
		return;
	ASSERT_OK(chmod("f.c", 0666));
	user_become(SOMEONE);
	EXPECT_EQ(EPERM, set_list("f.c", ACCESS_LIST, 7));
	EXPECT_ERR(EPERM, removexattr("f.c", ACCESS_LIST));
	user_return();
	ASSERT_OK(chown("f.c", SOMEONE, SOMEONE));
	user_become(SOMEONE);
	EXPECT_EQ(0, set_list("f.c", ACCESS_LIST, 7));
	user_return();
	EXPECT_EQ(EACCES, set_list("f.c", DEFAULT_LIST, 7));
}

TEST_F(tree, list_of_a_stranger_takes_setgid_away)
{
	DOES(put("mine.c", "x"));
	DOES(put("other.c", "x"));
	if (branch_errno(self->dot_c))
		return;
	ASSERT_OK(chown("mine.c", SOMEONE, SOMEONE));
	ASSERT_OK(chown("other.c", SOMEONE, 4242));
	ASSERT_OK(chmod("mine.c", 02770));
	ASSERT_OK(chmod("other.c", 02770));
	user_become(SOMEONE);
	EXPECT_EQ(0, set_list("mine.c", ACCESS_LIST, 7));
	EXPECT_EQ(0, set_list("other.c", ACCESS_LIST, 7));
	user_return();
	EXPECT_EQ(S_ISGID, stat_of("mine.c").st_mode & S_ISGID);
	EXPECT_EQ(0, stat_of("other.c").st_mode & S_ISGID);
	ASSERT_OK(chmod("other.c", 02770));
	EXPECT_EQ(0, set_list("other.c", ACCESS_LIST, 7));
	EXPECT_EQ(S_ISGID, stat_of("other.c").st_mode & S_ISGID);
}

TEST_F(tree, default_list_is_inherited)
{
	struct list list;

	if (self->fuse || branch_errno(self->home))
		return;
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_EQ(0, set_list("d", DEFAULT_LIST, 4));
	umask(077);
	DOES(put("d/f", ""));
	ASSERT_OK(mkdir("d/sub", 0777));
	umask(022);
	EXPECT_EQ(0640, stat_of("d/f").st_mode & 07777);
	EXPECT_EQ(sizeof(list), getxattr("d/f", ACCESS_LIST, &list, sizeof(list)));
	EXPECT_EQ(sizeof(list), getxattr("d/sub", DEFAULT_LIST, &list, sizeof(list)));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("d/f", O_RDONLY)));
}

TREE_TEST_MAIN
