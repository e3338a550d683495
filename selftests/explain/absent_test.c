// SPDX-License-Identifier: GPL-2.0-only
/* SWITCHFS_IOC_ROUTE: what would happen to a name that need not exist. */
#include "explain.h"
#include "site.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "../../rust-bindings/uapi/switchfs.h"

FIXTURE_VARIANT_ADD(site, plain) { .parts = 0 };

#define EXPECT_LINE(expected, text, op)				\
	EXPECT_STREQ(expected, line_of(text, op)) TH_LOG("of %s in: %s", op, text)

TEST_F(site, a_name_that_is_not_there)
{
	const char *text;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.iso -> cold", "rule",
				"op=create name=no* -> deny:ENOSPC"));
	DOES(make_path("mnt/d"));
	text = route_in("mnt/d", "x.iso", S_IFREG);
	EXPECT_EQ(0, errno);
	EXPECT_LINE("cold /d/x.iso 1 -", text, "lookup");
	EXPECT_LINE("cold /d/x.iso 1 -", text, "create");
	EXPECT_LINE("cold /d/x.iso 1 -", text, "open");
	EXPECT_LINE("- - - -", text, "readdir");
	text = route_in("mnt/d", "none", S_IFREG);
	EXPECT_LINE("hot /d/none default -", text, "lookup");
	EXPECT_LINE("deny:ENOSPC - 2 -", text, "create");
	EXPECT_LINE("hot /d/none default -", text, "mkdir");
	text = route_in("mnt", "none", 0);
	EXPECT_LINE("hot /none default -", text, "lookup");
	EXPECT_ERR(ENOENT, access("hot/d/none", F_OK));
	EXPECT_ERR(ENOENT, access("cold/d", F_OK));
}

TEST_F(site, a_name_that_is_there_is_told_as_by_the_attribute)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=getattr name=f -> cold"));
	DOES(put("hot/f", ""));
	DOES(put("cold/f", ""));
	EXPECT_STREQ(route_of("mnt/f"), route_in("mnt", "f", S_IFREG));
}

TEST_F(site, a_name_that_the_rules_refuse)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=lookup name=secret -> deny"));
	DOES(put("hot/secret", ""));
	EXPECT_STREQ("<Permission denied>", route_of("mnt/secret"));
	EXPECT_LINE("deny:EACCES - 1 -", route_in("mnt", "secret", S_IFREG), "lookup");
}

TEST_F(site, what_would_be_lost)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=create+mkdir name=x -> cold"));
	EXPECT_LINE("lost:cold - 1 -", route_in("mnt", "x", 0), "create");
	EXPECT_EQ(EINVAL, put("mnt/x", ""));
	EXPECT_LINE("lost:cold - 1 -", route_in("mnt", "x", 0), "mkdir");
	EXPECT_LINE("hot /x default -", route_in("mnt", "x", 0), "symlink");
}

TEST_F(site, a_name_that_is_hidden)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=secret -> hide", "rule",
				"op=create type=f name=x -> deny", "rule",
				"op=mknod type=p name=x -> deny:EPERM"));
	EXPECT_LINE("hide - 1 -", route_in("mnt", "secret", 0), "lookup");
	EXPECT_LINE("hide - 1 -", route_in("mnt", "secret", 0), "create");
	EXPECT_LINE("deny:EACCES - 2 -", route_in("mnt", "x", 0), "create");
	EXPECT_LINE("hot /x default -", route_in("mnt", "x", S_IFSOCK), "mknod");
	EXPECT_LINE("deny:EPERM - 3 -", route_in("mnt", "x", S_IFIFO), "mknod");
}

TEST_F(site, arguments)
{
	struct switchfs_route_query query = { .size = 0, .name = "n" };
	char buf[8192];
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	fd = open("mnt", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	/* Only the size. */
	EXPECT_OK(ioctl(fd, SWITCHFS_IOC_ROUTE, &query));
	ASSERT_LT(100, query.size);
	ASSERT_GT(sizeof(buf), query.size);
	query.buffer = (uintptr_t)buf;
	query.size--;
	EXPECT_ERR(ERANGE, ioctl(fd, SWITCHFS_IOC_ROUTE, &query));
	memset(buf, '#', sizeof(buf));
	EXPECT_OK(ioctl(fd, SWITCHFS_IOC_ROUTE, &query));
	EXPECT_EQ('\n', buf[query.size - 1]);
	EXPECT_EQ('#', buf[query.size]);
	query.buffer = 8;
	EXPECT_ERR(EFAULT, ioctl(fd, SWITCHFS_IOC_ROUTE, &query));
	EXPECT_ERR(EFAULT, ioctl(fd, SWITCHFS_IOC_ROUTE, 8));
	query.type = 0100644;
	EXPECT_ERR(EINVAL, ioctl(fd, SWITCHFS_IOC_ROUTE, &query));
	query.type = 0;
	strcpy(query.name, "");
	EXPECT_ERR(EINVAL, ioctl(fd, SWITCHFS_IOC_ROUTE, &query));
	strcpy(query.name, ".");
	EXPECT_ERR(EINVAL, ioctl(fd, SWITCHFS_IOC_ROUTE, &query));
	strcpy(query.name, "..");
	EXPECT_ERR(EINVAL, ioctl(fd, SWITCHFS_IOC_ROUTE, &query));
	strcpy(query.name, "a/b");
	EXPECT_ERR(EINVAL, ioctl(fd, SWITCHFS_IOC_ROUTE, &query));
	memset(query.name, 'x', sizeof(query.name));
	EXPECT_ERR(EINVAL, ioctl(fd, SWITCHFS_IOC_ROUTE, &query));
	query.name[255] = 0;
	query.size = 0;
	EXPECT_OK(ioctl(fd, SWITCHFS_IOC_ROUTE, &query));
}

TEST_F(site, only_for_who_may)
{
	struct switchfs_route_query query = { .name = "n" };
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	fd = open("mnt", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EPERM, AS_USER(SOMEONE, ioctl(fd, SWITCHFS_IOC_ROUTE, &query)));
}

TEST_F(site, other_ioctls_are_none)
{
	int fd, value;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("hot/f", ""));
	fd = open("mnt", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	EXPECT_ERR(ENOTTY, ioctl(fd, TCGETS, &value));
	EXPECT_ERR(ENOTTY, ioctl(fd, FS_IOC_GETVERSION, &value));
	EXPECT_ERR(ENOTTY, ioctl(fd, _IO(0xF5, 1), &value));
	EXPECT_ERR(ENOTTY, ioctl(fd, _IO(0xF5, 2), &value));
	fd = open("mnt/f", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_ERR(ENOTTY, ioctl(fd, SWITCHFS_IOC_ROUTE, &value));
}

SWITCHFS_TEST_MAIN
