// SPDX-License-Identifier: GPL-2.0-only
/* fanotify on the mount: events of inode, mount and filesystem marks. */
#include "tree.h"

#include <sys/fanotify.h>

static const struct {
	unsigned long long bit;
	const char *name;
} kinds[] = {
	{ FAN_ACCESS, "access" }, { FAN_MODIFY, "modify" },
	{ FAN_ATTRIB, "attrib" }, { FAN_CLOSE_WRITE, "close_write" },
	{ FAN_CLOSE_NOWRITE, "close" }, { FAN_OPEN, "open" },
	{ FAN_MOVED_FROM, "from" }, { FAN_MOVED_TO, "to" },
	{ FAN_CREATE, "create" }, { FAN_DELETE, "delete" },
	{ FAN_RENAME, "rename" }, { FAN_OPEN_EXEC, "exec" },
};

static int watch(unsigned int how, unsigned long long mask, const char *path)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_CLOEXEC,
			       O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fanotify_mark(fd, FAN_MARK_ADD | how, mask, AT_FDCWD, path)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What this process did, as "open:/path modify+close_write:/path". */
static const char *events(int fan)
{
	static char text[8192];
	char buf[4096] __attribute__((aligned(8))), path[PATH_SIZE];
	size_t len = 0, i;
	ssize_t n;

	text[0] = '\0';
	while ((n = read(fan, buf, sizeof(buf))) > 0) {
		struct fanotify_event_metadata *e = (void *)buf;

		for (; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
			const char *sep = len ? " " : "";

			memset(path, 0, sizeof(path));
			readlink(fmt("/proc/self/fd/%d", e->fd), path, sizeof(path) - 1);
			close(e->fd);
			if (e->pid != getpid())
				continue;
			for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
				if (!(e->mask & kinds[i].bit))
					continue;
				len += snprintf(text + len, sizeof(text) - len,
						"%s%s", sep, kinds[i].name);
				sep = "+";
			}
			len += snprintf(text + len, sizeof(text) - len, ":%s", path);
		}
	}
	return text;
}

TEST_F(tree, directory_mark_tells_of_its_files)
{
	const char *path = fmt("%s/f.c", self->dir);
	int fan;

	DOES(put("f.c", "text"));
	fan = watch(0, FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD, ".");
	ASSERT_LE(0, fan);
	DOES(put("f.c", "more"));
	/* Events of one object in a row are one. */
	EXPECT_STREQ(fmt("modify+close_write+open:%s", path), events(fan));
	ASSERT_OK(mkdir("d", 0755));
	DOES(put("d/below", ""));
	EXPECT_STREQ("", events(fan));
}

TEST_F(tree, file_mark_tells_of_its_object)
{
	char buf[8];
	int fan, fd;

	DOES(put("f.c", "text"));
	DOES(put("g.c", "text"));
	fan = watch(0, FAN_ACCESS | FAN_CLOSE, "f.c");
	ASSERT_LE(0, fan);
	EXPECT_STREQ("text", get("g.c"));
	EXPECT_STREQ("", events(fan));
	fd = open("f.c", O_RDONLY);
	EXPECT_EQ(4, read(fd, buf, sizeof(buf)));
	close(fd);
	EXPECT_STREQ(fmt("access+close:%s/f.c", self->dir), events(fan));
}

TEST_F(tree, mount_and_filesystem_marks_tell_of_all_below)
{
	static const unsigned int hows[] = { FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM };
	size_t i;
	int fan;

	ASSERT_OK(mkdir("d", 0755));
	DOES(put("d/f.c", "text"));
	for (i = 0; i < 2; i++) {
		fan = watch(hows[i], FAN_MODIFY | FAN_CLOSE_WRITE, ".");
		ASSERT_LE(0, fan);
		DOES(put("d/g.c", "text"));
		EXPECT_STREQ(fmt("modify+close_write:%s/d/g.c", self->dir), events(fan));
		close(fan);
	}
}

TEST_F(tree, execution_is_told)
{
	char buf[4096] __attribute__((aligned(8)));
	struct fanotify_event_metadata *e = (void *)buf;
	int fan;

	DOES(put_program("prog.c"));
	fan = watch(0, FAN_OPEN_EXEC, "prog.c");
	ASSERT_LE(0, fan);
	EXPECT_EQ(0, opens("prog.c", O_RDONLY));
	EXPECT_EQ(-1, read(fan, buf, sizeof(buf)));
	EXPECT_EQ(10, runs("prog.c", 0));
	EXPECT_LT(0, read(fan, buf, sizeof(buf)));
	EXPECT_EQ(FAN_OPEN_EXEC, e->mask);
}

TEST_F(tree, descriptor_of_an_event_is_the_object)
{
	char buf[4096] __attribute__((aligned(8))), text[8] = "";
	struct fanotify_event_metadata *e = (void *)buf;
	int fan;

	fan = watch(0, FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD, ".");
	ASSERT_LE(0, fan);
	DOES(put("f.c", "text"));
	ASSERT_LT(0, read(fan, buf, sizeof(buf)));
	EXPECT_EQ(4, read(e->fd, text, sizeof(text)));
	EXPECT_STREQ("text", text);
	EXPECT_EQ(getpid(), e->pid);
	close(e->fd);
	/* Its use is no event. */
	EXPECT_EQ(-1, read(fan, buf, sizeof(buf)));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_F(tree, permission_events_of_the_mount_are_asked)
{
	struct fanotify_event_metadata e;
	struct fanotify_response r = { .response = FAN_DENY };
	int fan, status, i;
	pid_t pid;

	DOES(put("f.c", "text"));
	fan = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fan);
	ASSERT_OK(fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "f.c"));
	for (i = 0; i < 2; i++) {
		pid = fork();
		if (!pid)
			_exit(opens("f.c", O_RDONLY));
		ASSERT_EQ(sizeof(e), read(fan, &e, sizeof(e)));
		EXPECT_EQ(FAN_OPEN_PERM, e.mask);
		r.fd = e.fd;
		EXPECT_EQ(sizeof(r), write(fan, &r, sizeof(r)));
		close(e.fd);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(i ? 0 : EPERM, WEXITSTATUS(status));
		r.response = FAN_ALLOW;
	}
}

TREE_TEST_MAIN
