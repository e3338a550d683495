// SPDX-License-Identifier: GPL-2.0-only
/* Files without a name. */
#include "tree.h"

#include <sys/xattr.h>

/* The errno with which the home makes files without a name, or 0. */
static int branch_errno(const char *home)
{
	return opens(home, O_TMPFILE | O_RDWR);
}

static int link_fd(int fd, const char *to)
{
	return ERR(linkat(AT_FDCWD, fmt("/proc/self/fd/%d", fd), AT_FDCWD, to,
			  AT_SYMLINK_FOLLOW));
}

TEST_F(tree, tmpfile_holds_data_and_has_no_name)
{
	char buf[8] = "";
	struct stat st;
	int fd;

	fd = open(".", O_TMPFILE | O_RDWR, 0640);
	ASSERT_EQ(branch_errno(self->home), fd < 0 ? errno : 0);
	if (fd < 0)
		return;
	EXPECT_EQ(4, write(fd, "data", 4));
	EXPECT_EQ(4, pread(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("data", buf);
	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	EXPECT_EQ(4, st.st_size);
	EXPECT_EQ(S_IFREG | 0640, st.st_mode);
	EXPECT_OK(fchmod(fd, 0600));
	EXPECT_OK(ftruncate(fd, 2));
	EXPECT_OK(fsync(fd));
	EXPECT_STREQ("", names_in("."));
	EXPECT_STREQ("", names_in(self->home));
}

TEST_F(tree, tmpfile_can_get_a_name)
{
	int fd;

	if (branch_errno(self->home))
		return;
	fd = open(".", O_TMPFILE | O_WRONLY, 0644);
	ASSERT_LE(0, fd);
	EXPECT_EQ(4, write(fd, "kept", 4));
	EXPECT_EQ(0, link_fd(fd, "named"));
	EXPECT_STREQ("kept", get("named"));
	EXPECT_STREQ("kept", get(fmt("%s/named", self->home)));
	EXPECT_EQ(1, stat_of("named").st_nlink);
	/* The descriptor is of the same file. */
	EXPECT_EQ(4, write(fd, "more", 4));
	EXPECT_STREQ("keptmore", get("named"));
	if (variant->kind == RULES)
		EXPECT_EQ(EXDEV, link_fd(fd, "named.c"));
	close(fd);
	fd = open(".", O_TMPFILE | O_WRONLY | O_EXCL, 0644);
	ASSERT_LE(0, fd);
	EXPECT_EQ(ENOENT, link_fd(fd, "never"));
}

TEST_F(tree, tmpfile_belongs_to_the_caller)
{
	struct stat st;
	int fd;

	if (branch_errno(self->home))
		return;
	user_become(SOMEONE);
	umask(027);
	fd = open(".", O_TMPFILE | O_RDWR, 0666);
	umask(022);
	EXPECT_LE(0, fd);
	EXPECT_EQ(EACCES, opens("/proc/1/root", O_TMPFILE | O_RDWR));
	user_return();
	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(SOMEONE, st.st_uid);
	EXPECT_EQ(0640, st.st_mode & 07777);
}

TREE_TEST_MAIN
