// SPDX-License-Identifier: GPL-2.0-only
/* inotify on the mount: what changes are told, of which names, how often. */
#include "tree.h"

#include <sys/inotify.h>

static const struct {
	unsigned int bit;
	const char *name;
} kinds[] = {
	{ IN_ACCESS, "access" }, { IN_MODIFY, "modify" },
	{ IN_ATTRIB, "attrib" }, { IN_CLOSE_WRITE, "close_write" },
	{ IN_CLOSE_NOWRITE, "close" }, { IN_OPEN, "open" },
	{ IN_MOVED_FROM, "from" }, { IN_MOVED_TO, "to" },
	{ IN_CREATE, "create" }, { IN_DELETE, "delete" },
	{ IN_DELETE_SELF, "delete_self" }, { IN_MOVE_SELF, "move_self" },
	{ IN_UNMOUNT, "unmount" }, { IN_IGNORED, "ignored" },
	{ IN_Q_OVERFLOW, "overflow" },
};

static unsigned int cookie[64];

/* What came, as "open:f access:f"; the cookies in their order. */
static const char *events(int fd)
{
	static char text[4096];
	char buf[4096] __attribute__((aligned(8)));
	size_t len = 0, count = 0, i;
	ssize_t n;
	char *p;

	text[0] = '\0';
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (p = buf; p < buf + n;) {
			struct inotify_event *e = (struct inotify_event *)p;

			for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
				if (e->mask & kinds[i].bit)
					len += snprintf(text + len, sizeof(text) - len,
							"%s%s%s%s", len ? " " : "",
							kinds[i].name, e->len ? ":" : "",
							e->len ? e->name : "");
			if (count < 64)
				cookie[count++] = e->cookie;
			p += sizeof(*e) + e->len;
		}
	}
	return text;
}

static int watch(const char *path, unsigned int mask)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	return inotify_add_watch(fd, path, mask) < 0 ? -1 : fd;
}

TEST_F(tree, use_of_a_file_is_told_to_the_directory)
{
	char buf[8];
	int fd, file;

	DOES(put("f.c", "text"));
	fd = watch(".", IN_ALL_EVENTS);
	ASSERT_LE(0, fd);
	file = open("f.c", O_RDWR);
	EXPECT_STREQ("open:f.c", events(fd));
	EXPECT_EQ(4, read(file, buf, sizeof(buf)));
	EXPECT_STREQ("access:f.c", events(fd));
	EXPECT_EQ(2, pwrite(file, "ab", 2, 0));
	EXPECT_STREQ("modify:f.c", events(fd));
	ASSERT_OK(ftruncate(file, 1));
	EXPECT_HAS(events(fd), "modify:f.c");
	ASSERT_OK(fchmod(file, 0600));
	EXPECT_STREQ("attrib:f.c", events(fd));
	close(file);
	EXPECT_STREQ("close_write:f.c", events(fd));
	EXPECT_EQ(0, opens("f.c", O_RDONLY));
	EXPECT_STREQ("open:f.c close:f.c", events(fd));
	ASSERT_OK(truncate("f.c", 0));
	EXPECT_HAS(events(fd), "modify:f.c");
}

TEST_F(tree, watch_on_a_file_follows_the_object)
{
	int fd, file;

	DOES(put("f.c", "text"));
	fd = watch("f.c", IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF);
	ASSERT_LE(0, fd);
	ASSERT_OK(rename("f.c", "g.c"));
	EXPECT_STREQ("move_self", events(fd));
	ASSERT_OK(link("g.c", "h.c"));
	EXPECT_STREQ("attrib", events(fd));
	file = open("h.c", O_WRONLY);
	EXPECT_EQ(1, write(file, "x", 1));
	EXPECT_STREQ("modify", events(fd));
	ASSERT_OK(unlink("h.c"));
	EXPECT_STREQ("attrib", events(fd));
	close(file);
	ASSERT_OK(unlink("g.c"));
	EXPECT_STREQ("attrib delete_self ignored", events(fd));
}

TEST_F(tree, names_made_and_moved_are_told_with_cookies)
{
	int fd, other;

	ASSERT_OK(mkdir("d", 0755));
	fd = watch(".", IN_CREATE | IN_DELETE | IN_MOVE);
	other = watch("d", IN_CREATE | IN_DELETE | IN_MOVE);
	ASSERT_LE(0, other);
	DOES(put("f.c", ""));
	ASSERT_OK(link("f.c", "l.c"));
	ASSERT_OK(symlink("f.c", "s"));
	ASSERT_OK(mknod("p", S_IFIFO | 0600, 0));
	EXPECT_STREQ("create:f.c create:l.c create:s create:p", events(fd));
	ASSERT_OK(rename("s", "t"));
	EXPECT_STREQ("from:s to:t", events(fd));
	EXPECT_NE(0, cookie[0]);
	EXPECT_EQ(cookie[0], cookie[1]);
	ASSERT_OK(rename("f.c", "d/g.c"));
	EXPECT_STREQ("from:f.c", events(fd));
	EXPECT_STREQ("to:g.c", events(other));
	/* What is replaced is gone. */
	ASSERT_OK(rename("d/g.c", "d/h.c"));
	events(other);
	ASSERT_OK(unlink("d/h.c"));
	EXPECT_STREQ("delete:h.c", events(other));
	ASSERT_OK(unlink("t"));
	ASSERT_OK(unlink("p"));
	EXPECT_STREQ("delete:t delete:p", events(fd));
}

TEST_F(tree, watched_directory_that_is_removed_says_so)
{
	int fd;

	ASSERT_OK(mkdir("d", 0755));
	fd = watch("d", IN_DELETE_SELF | IN_MOVE_SELF | IN_CREATE);
	ASSERT_LE(0, fd);
	DOES(put("d/f", ""));
	EXPECT_STREQ("create:f", events(fd));
	ASSERT_OK(rename("d", "e"));
	EXPECT_STREQ("move_self", events(fd));
	ASSERT_OK(unlink("e/f"));
	ASSERT_OK(rmdir("e"));
	EXPECT_STREQ("delete_self ignored", events(fd));
}

TEST_F(tree, watch_outlives_the_cached_names)
{
	int fd, child;

	ASSERT_OK(mkdir("d", 0755));
	DOES(put("d/f.c", "text"));
	fd = watch("d", IN_MODIFY | IN_CREATE);
	child = watch("d/f.c", IN_MODIFY);
	ASSERT_LE(0, child);
	DOES(put("/proc/sys/vm/drop_caches", "2"));
	DOES(put("/proc/sys/vm/drop_caches", "2"));
	DOES(put("d/g", ""));
	EXPECT_STREQ("create:g", events(fd));
	ASSERT_OK(truncate("d/f.c", 1));
	EXPECT_STREQ("modify:f.c", events(fd));
	EXPECT_STREQ("modify", events(child));
}

/* As with overlayfs: a watch on the mount is told of what passes through it. */
TEST_F(tree, changes_in_the_branch_are_told_there)
{
	const bool one = variant->kind == PLAIN;
	int fd, under;

	fd = watch(".", IN_CREATE | IN_MODIFY | IN_DELETE);
	under = watch(self->home, IN_CREATE | IN_MODIFY | IN_DELETE);
	ASSERT_LE(0, under);
	DOES(put(fmt("%s/f", self->home), "x"));
	EXPECT_STREQ(one ? "create:f modify:f" : "", events(fd));
	EXPECT_STREQ("create:f modify:f", events(under));
	/* And what passes through the mount is told to both. */
	DOES(put("g", "x"));
	EXPECT_STREQ("create:g modify:g", events(fd));
	EXPECT_HAS(events(under), "create:g");
	ASSERT_OK(unlink("f"));
	EXPECT_STREQ("delete:f", events(fd));
	EXPECT_STREQ("delete:f", events(under));
}

TREE_TEST_MAIN
