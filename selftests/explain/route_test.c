// SPDX-License-Identifier: GPL-2.0-only
/* trusted.switchfs.route: what each operation on a name would meet. */
#include "explain.h"
#include "site.h"

#include <sys/fsuid.h>
#include <sys/wait.h>
#include <sys/xattr.h>

static const char *const attribute = "trusted.switchfs.route";

FIXTURE_VARIANT_ADD(site, plain) { .parts = 0 };

#define EXPECT_LINE(expected, text, op)				\
	EXPECT_STREQ(expected, line_of(text, op)) TH_LOG("of %s in: %s", op, text)

TEST_F(site, a_file_without_rules)
{
	const char *text, *at;
	int lines = 0;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(make_path("mnt/dir"));
	DOES(put("mnt/dir/f", "x"));
	text = route_of("mnt/dir/f");
	for (at = text; *at; at++)
		lines += *at == '\n';
	EXPECT_EQ(33, lines);
	EXPECT_LINE("hot /dir/f default 1", text, "lookup");
	EXPECT_LINE("hot /dir/f default 1", text, "getattr");
	EXPECT_LINE("hot /dir/f default 1", text, "open");
	EXPECT_LINE("hot /dir/f default 1", text, "splice-to");
	EXPECT_LINE("- - - -", text, "readdir");
	EXPECT_LINE("- - - -", text, "readlink");
	EXPECT_LINE("- - - -", text, "tmpfile");
}

TEST_F(site, a_file_of_another_branch)
{
	const char *text;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=getxattr name=f -> deny",
				"rule", "path=/media/** -> cold"));
	DOES(make_path("mnt/media/dir"));
	DOES(put("mnt/media/dir/a b\\c\n", "x"));
	text = route_of("mnt/media/dir/a b\\c\n");
	EXPECT_LINE("cold /media/dir/a\\040b\\134c\\012 2 1", text, "lookup");
	EXPECT_LINE("cold /media/dir/a\\040b\\134c\\012 2 1", text, "write");
}

TEST_F(site, operations_that_go_elsewhere)
{
	const char *text;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=getattr+read path=/f -> cold"));
	DOES(put("mnt/f", "x"));
	text = route_of("mnt/f");
	EXPECT_LINE("hot /f default 1", text, "lookup");
	EXPECT_LINE("hot /f default 1", text, "open");
	EXPECT_LINE("hot /f default 1", text, "write");
	EXPECT_LINE("hot /f default 1", text, "copy-to");
	/* What is not there yet has no depth, and those who ask get ENOENT. */
	EXPECT_LINE("cold /f 1 -", text, "getattr");
	EXPECT_ERR(ENOENT, stat("mnt/f", &(struct stat){}));
	DOES(put("cold/f", "y"));
	text = route_of("mnt/f");
	EXPECT_LINE("cold /f 1 1", text, "getattr");
	EXPECT_LINE("cold /f 1 1", text, "read");
	EXPECT_LINE("cold /f 1 1", text, "lseek");
	EXPECT_LINE("cold /f 1 1", text, "copy");
}

TEST_F(site, denied_operations)
{
	const char *text;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open path=/f -> deny",
				"rule", "op=setattr+getxattr path=/f -> deny:EROFS"));
	DOES(put("hot/f", "x"));
	text = route_of("mnt/f");
	EXPECT_LINE("deny:EACCES - 1 -", text, "open");
	EXPECT_LINE("deny:EACCES - 1 -", text, "read");
	EXPECT_LINE("deny:EROFS - 2 -", text, "setattr");
	/* It is told all the same. */
	EXPECT_LINE("deny:EROFS - 2 -", text, "getxattr");
	EXPECT_LINE("hot /f default 1", text, "unlink");
	EXPECT_EQ(EACCES, opens("mnt/f", O_RDONLY));
}

TEST_F(site, changes_that_would_not_last)
{
	const char *text;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=create+link+rename path=/f -> cold"));
	DOES(put("hot/f", "x"));
	text = route_of("mnt/f");
	EXPECT_LINE("lost:cold - 1 -", text, "create");
	EXPECT_LINE("lost:cold - 1 -", text, "link");
	EXPECT_LINE("cross:cold - 1 -", text, "rename");
	EXPECT_ERR(EXDEV, rename("mnt/f", "mnt/g"));
}

TEST_F(site, the_root)
{
	const char *text;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.iso -> cold", "rule",
				"op=getattr path=/** -> deny"));
	text = route_of("mnt");
	EXPECT_LINE("hot / default 1", text, "lookup");
	EXPECT_LINE("hot / default 1", text, "getattr");
	EXPECT_LINE("hot|cold / default 1", text, "readdir");
	EXPECT_LINE("hot / default 1", text, "open");
	EXPECT_LINE("- - - -", text, "read");
}

TEST_F(site, a_directory)
{
	const char *text;
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/d/*.c -> cold", "rule",
				"op=tmpfile path=/d/** -> deny"));
	DOES(make_path("mnt/d/s.c"));
	text = route_of("mnt/d");
	EXPECT_LINE("hot|cold /d default 1", text, "readdir");
	EXPECT_LINE("hot /d default 1", text, "mkdir");
	EXPECT_ERR(EACCES, open("mnt/d", O_TMPFILE | O_RDWR, 0600));
	EXPECT_LINE("deny:EACCES - 2 -", text, "tmpfile");
	EXPECT_LINE("hot / default 1", route_of("mnt"), "tmpfile");
	fd = open("mnt", O_TMPFILE | O_RDWR, 0600);
	EXPECT_LE(0, fd);
	text = route_of("mnt/d/s.c");
	EXPECT_LINE("cold /d/s.c 1 1", text, "lookup");
	/* What is below it has its home elsewhere. */
	EXPECT_LINE("hot /d/s.c 1 1", text, "readdir");
}

/* The memory of its dentry was another one's, of which something else holds. */
TEST_F(site, files_without_names_are_decided_by_their_directory)
{
	int fd, i;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=tmpfile path=/d/* -> hot", "rule",
				"op=tmpfile -> deny"));
	DOES(make_path("mnt/d"));
	for (i = 0; i < 50; i++) {
		DOES(put("mnt/f", ""));
		ASSERT_OK(unlink("mnt/f"));
		EXPECT_ERR(EACCES, open("mnt", O_TMPFILE | O_RDWR, 0600));
		fd = open("mnt/d", O_TMPFILE | O_RDWR, 0600);
		ASSERT_LE(0, fd);
		close(fd);
	}
	EXPECT_LINE("hot /d 1 1", route_of("mnt/d"), "tmpfile");
	EXPECT_LINE("deny:EACCES - 2 -", route_of("mnt"), "tmpfile");
}

TEST_F(site, a_symbolic_link)
{
	const char *text;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=readlink name=l -> cold"));
	DOES(put("hot/f", ""));
	ASSERT_OK(symlink("f", "hot/l"));
	EXPECT_LINE("hot /f default 1", route_of("hot/../mnt/f"), "lookup");
	text = route_of_link("mnt/l");
	EXPECT_LINE("hot /l default 1", text, "lookup");
	EXPECT_LINE("cold /l 1 -", text, "readlink");
	EXPECT_LINE("- - - -", text, "open");
}

TEST_F(site, a_file_without_a_name)
{
	char text[65537];
	ssize_t n;
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=read name=f -> cold"));
	DOES(put("mnt/f", ""));
	fd = open("mnt/f", O_WRONLY);
	ASSERT_LE(0, fd);
	ASSERT_OK(unlink("mnt/f"));
	n = fgetxattr(fd, attribute, text, sizeof(text) - 1);
	ASSERT_LT(0, n);
	text[n] = 0;
	EXPECT_EQ(0, strncmp("hot /", line_of(text, "getattr"), 5)) TH_LOG("%s", text);
}

TEST_F(site, the_policy_in_force)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("hot/f", ""));
	EXPECT_LINE("hot /f default 1", route_of("mnt/f"), "setattr");
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, "rule",
				      "op=setattr -> deny", END));
	EXPECT_LINE("deny:EACCES - 1 -", route_of("mnt/f"), "setattr");
}

TEST_F(site, only_for_who_may_see_trusted_attributes)
{
	char buf[16];

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("hot/f", ""));
	ASSERT_LT(0, getxattr("mnt/f", attribute, NULL, 0));
	EXPECT_EQ(ENODATA, AS_USER(SOMEONE, getxattr("mnt/f", attribute, NULL, 0)));
	EXPECT_EQ(ENODATA, AS_USER(SOMEONE, getxattr("mnt/f", attribute, buf, sizeof(buf))));
	EXPECT_ERR(ENODATA, getxattr("mnt/f", "trusted.switchfs.rout", NULL, 0));
	EXPECT_ERR(ENODATA, getxattr("mnt/f", "trusted.switchfs.routes", NULL, 0));
	EXPECT_ERR(EPERM, setxattr("mnt/f", attribute, "x", 1, 0));
	EXPECT_ERR(EPERM, removexattr("mnt/f", attribute));
}

TEST_F(site, never_listed_and_of_the_right_length)
{
	char buf[65536];
	ssize_t n;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("hot/f", ""));
	n = listxattr("mnt/f", buf, sizeof(buf));
	ASSERT_LE(0, n);
	EXPECT_EQ(NULL, memmem(buf, n, "switchfs", 8));
	n = getxattr("mnt/f", attribute, NULL, 0);
	ASSERT_LT(0, n);
	EXPECT_EQ(n, getxattr("mnt/f", attribute, buf, n));
	EXPECT_EQ('\n', buf[n - 1]);
	EXPECT_ERR(ERANGE, getxattr("mnt/f", attribute, buf, n - 1));
}

/* A path for which all lines together are longer than an attribute. */
TEST_F(site, a_path_too_long_to_be_told)
{
	char name[201] = "";
	int depth;

	memset(name, 'x', 200);
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	ASSERT_OK(chdir("mnt"));
	for (depth = 0; depth < 16; depth++) {
		ASSERT_OK(mkdir(name, 0755));
		ASSERT_OK(chdir(name));
	}
	EXPECT_ERR(E2BIG, getxattr(".", attribute, NULL, 0));
	ASSERT_OK(chdir("../../../.."));
	EXPECT_LT(0, getxattr(".", attribute, NULL, 0));
	ASSERT_OK(chdir(self->site.w.work));
}

/* Verdicts that depend on the caller, and on what branches have. */
TEST_F(site, conditions_on_the_call)
{
	const char *text;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open uid=1000 path=/f -> deny", "rule",
				"op=getattr exists=cold path=/f -> cold", "rule",
				"op=setattr size=>2 path=/f -> deny:EFBIG", "rule",
				"op=open access=w path=/f -> deny:EROFS", "rule",
				"op=readlink+unlink path=/f -> gate:cold hot", "rule",
				"op=statfs path=/f -> cold|hot"));
	DOES(put("hot/f", "x"));
	text = route_of("mnt/f");
	EXPECT_LINE("hot /f default 1", text, "open");
	EXPECT_LINE("hot /f default 1", text, "read");
	EXPECT_LINE("deny:EROFS - 4 -", text, "write");
	EXPECT_LINE("hot /f default 1", text, "getattr");
	EXPECT_LINE("hot /f default 1", text, "setattr");
	EXPECT_LINE("gate:cold:hot /f 5 1", text, "unlink");
	DOES(put("cold/f", ""));
	DOES(put("hot/f", "longer"));
	text = route_of("mnt/f");
	EXPECT_LINE("cold /f 2 1", text, "getattr");
	EXPECT_LINE("cold /f 6 1", text, "statfs");
	EXPECT_LINE("deny:EFBIG - 3 -", text, "setattr");
	/* As it would be for another user: with all rights, but that fsuid. */
	setfsuid(SOMEONE);
	text = route_of("mnt/f");
	setfsuid(0);
	EXPECT_LINE("deny:EACCES - 1 -", text, "open");
	EXPECT_LINE("deny:EACCES - 1 -", text, "read");
}

SWITCHFS_TEST_MAIN
