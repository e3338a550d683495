// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permission events of inode and filesystem marks on a branch hold for access
 * through the mount.
 */
#include "tree.h"

#include <sys/fanotify.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#ifndef FAN_PRE_ACCESS
#define FAN_PRE_ACCESS 0x00100000
#endif

static int listen_for(const char *path, unsigned int how, unsigned long long mask)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fanotify_mark(fd, FAN_MARK_ADD | how, mask, AT_FDCWD, path)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* How often the kernel asked, and what the act gave. */
struct verdict {
	int asked;
	int result;
};

/*
 * Runs ACT in a process of its own; whatever PID is asked for is answered
 * with ANSWER, others are let through.
 */
static struct verdict answer(int fan, int answer_with, int (*act)(void))
{
	struct verdict v = { 0, -1 };
	char buf[256] __attribute__((aligned(8)));
	struct fanotify_event_metadata *e = (void *)buf;
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(act());
	fcntl(fan, F_SETFL, O_NONBLOCK);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		struct fanotify_response r;

		/* One at a time: the next one waits for the answer. */
		if (read(fan, buf, sizeof(buf)) < (ssize_t)sizeof(*e)) {
			usleep(1000);
			continue;
		}
		r.fd = e->fd;
		r.response = e->pid == pid ? answer_with : FAN_ALLOW;
		v.asked += e->pid == pid;
		write(fan, &r, sizeof(r));
		close(e->fd);
	}
	v.result = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
	return v;
}

static int read_it(void)
{
	char buf[8];
	int fd = open("f.c", O_RDONLY);

	return fd < 0 ? errno : ERR(read(fd, buf, sizeof(buf)));
}

static int open_it(void)
{
	return opens("f.c", O_RDONLY);
}

static int open_to_write(void)
{
	return opens("f.c", O_RDWR);
}

static int splice_it(void)
{
	int fd = open("f.c", O_RDONLY), p[2];

	pipe(p);
	return fd < 0 ? errno : ERR(splice(fd, NULL, p[1], NULL, 4, 0));
}

static int send_it(void)
{
	int fd = open("f.c", O_RDONLY), out = open("/dev/null", O_WRONLY);

	return fd < 0 ? errno : ERR(sendfile(out, fd, NULL, 4));
}

static int copy_it(void)
{
	int fd = open("f.c", O_RDONLY), out = open("g.c", O_CREAT | O_WRONLY, 0644);

	return fd < 0 ? errno : ERR(copy_file_range(fd, NULL, out, NULL, 4, 0));
}

static int readv_it(void)
{
	char buf[8];
	struct iovec iov = { buf, sizeof(buf) };
	int fd = open("f.c", O_RDONLY);

	return fd < 0 ? errno : ERR(preadv2(fd, &iov, 1, 0, RWF_HIPRI));
}

static int run_it(void)
{
	int status = runs("prog.c", 0);

	return status >= 1000 ? status - 1000 : 0;
}

TEST_F(tree, opening_is_refused_by_a_mark_on_the_object)
{
	struct verdict v;
	int fan;

	DOES(put("f.c", "text"));
	DOES(put("g.c", "text"));
	/* Nor is one that was opened before. */
	EXPECT_EQ(0, open_it());
	EXPECT_EQ(0, open_to_write());
	fan = listen_for(fmt("%s/f.c", self->dot_c), 0, FAN_OPEN_PERM);
	ASSERT_LE(0, fan);
	v = answer(fan, FAN_DENY, open_it);
	EXPECT_EQ(EPERM, v.result);
	EXPECT_EQ(1, v.asked);
	v = answer(fan, FAN_DENY, open_to_write);
	EXPECT_EQ(EPERM, v.result);
	v = answer(fan, FAN_ALLOW, read_it);
	EXPECT_EQ(0, v.result);
	EXPECT_EQ(1, v.asked);
	close(fan);
	EXPECT_EQ(0, open_it());
}

TEST_F(tree, opening_is_refused_by_a_mark_on_the_directory)
{
	struct verdict v;
	int fan;

	DOES(put("f.c", "text"));
	fan = listen_for(self->dot_c, 0, FAN_OPEN_PERM | FAN_EVENT_ON_CHILD);
	ASSERT_LE(0, fan);
	v = answer(fan, FAN_DENY, open_it);
	EXPECT_EQ(EPERM, v.result);
	EXPECT_EQ(1, v.asked);
}

TEST_F(tree, opening_is_refused_by_a_mark_on_the_filesystem)
{
	struct verdict v;
	int fan;

	DOES(put("f.c", "text"));
	fan = listen_for(self->dot_c, FAN_MARK_FILESYSTEM, FAN_OPEN_PERM);
	ASSERT_LE(0, fan);
	v = answer(fan, FAN_DENY, open_it);
	EXPECT_EQ(EPERM, v.result);
	EXPECT_EQ(1, v.asked);
	v = answer(fan, FAN_ALLOW, read_it);
	EXPECT_EQ(0, v.result);
}

TEST_F(tree, reading_in_every_way_is_refused_by_a_mark_on_the_object)
{
	static int (*const ways[])(void) = {
		read_it, readv_it, splice_it, send_it, copy_it,
	};
	struct verdict v;
	size_t i;
	int fan;

	DOES(put("f.c", "text"));
	fan = listen_for(fmt("%s/f.c", self->dot_c), 0, FAN_ACCESS_PERM);
	ASSERT_LE(0, fan);
	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		v = answer(fan, FAN_DENY, ways[i]);
		EXPECT_EQ(EPERM, v.result) TH_LOG("way %zu", i);
		EXPECT_LE(1, v.asked) TH_LOG("way %zu", i);
		v = answer(fan, FAN_ALLOW, ways[i]);
		EXPECT_EQ(0, v.result) TH_LOG("way %zu", i);
	}
}

TEST_F(tree, execution_is_refused_by_a_mark_on_the_filesystem)
{
	struct verdict v;
	int fan;

	DOES(put_program("prog.c"));
	DOES(put("f.c", "text"));
	fan = listen_for(self->dot_c, FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC_PERM);
	ASSERT_LE(0, fan);
	/* It is the child of the child that is asked about. */
	v = answer(fan, FAN_ALLOW, open_it);
	EXPECT_EQ(0, v.result);
	EXPECT_EQ(0, v.asked);
	close(fan);
	fan = listen_for(fmt("%s/prog.c", self->dot_c), 0, FAN_OPEN_EXEC_PERM);
	ASSERT_LE(0, fan);
	v = answer(fan, FAN_ALLOW, run_it);
	EXPECT_EQ(0, v.result);
}

TEST_F(tree, execution_waits_for_the_answer)
{
	struct fanotify_event_metadata e;
	struct fanotify_response r = { .response = FAN_DENY };
	int fan, status;
	pid_t pid;

	DOES(put_program("prog.c"));
	fan = listen_for(fmt("%s/prog.c", self->dot_c), 0, FAN_OPEN_EXEC_PERM);
	ASSERT_LE(0, fan);
	pid = fork();
	if (!pid) {
		execl("prog.c", "prog.c", NULL);
		_exit(errno);
	}
	ASSERT_EQ(sizeof(e), read(fan, &e, sizeof(e)));
	EXPECT_EQ(pid, e.pid);
	r.fd = e.fd;
	EXPECT_EQ(sizeof(r), write(fan, &r, sizeof(r)));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
}

TEST_F(tree, content_is_filled_in_before_it_is_read)
{
	struct verdict v;
	int fan = fanotify_init(FAN_CLASS_PRE_CONTENT | FAN_CLOEXEC, O_RDWR | O_CLOEXEC);

	DOES(put("f.c", "text"));
	ASSERT_LE(0, fan);
	if (fanotify_mark(fan, FAN_MARK_ADD, FAN_PRE_ACCESS, AT_FDCWD,
			  fmt("%s/f.c", self->dot_c))) {
		/* Not every filesystem has it. */
		EXPECT_EQ(EOPNOTSUPP, errno);
		EXPECT_TRUE(self->fuse_dot_c);
		return;
	}
	v = answer(fan, FAN_DENY, read_it);
	EXPECT_EQ(EPERM, v.result);
	EXPECT_EQ(1, v.asked);
	v = answer(fan, FAN_ALLOW, read_it);
	EXPECT_EQ(0, v.result);
}

TREE_TEST_MAIN
