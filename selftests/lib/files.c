// SPDX-License-Identifier: GPL-2.0-only
/* Short forms for what tests do with files. */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "world.h"

#define BUFFERS 16
#define BUFFER_SIZE 8192
#define CONTENT_SIZE 65536

static gid_t kept_groups[64];
static int kept_count;

/* The effective ids only, so that the way back needs no other process. */
void user_become(uid_t uid)
{
	kept_count = getgroups(64, kept_groups);
	if (setgroups(0, NULL) || setegid(uid) || seteuid(uid)) {
		perror("# user_become");
		_exit(1);
	}
}

void user_return(void)
{
	int err = errno;

	if (seteuid(0) || setegid(0) || setgroups(kept_count, kept_groups)) {
		perror("# user_return");
		_exit(1);
	}
	errno = err;
}

static char *next_buffer(void)
{
	static char buffers[BUFFERS][BUFFER_SIZE];
	static int turn;

	return buffers[turn++ % BUFFERS];
}

const char *fmt(const char *format, ...)
{
	char *buf = next_buffer();
	va_list args;

	va_start(args, format);
	vsnprintf(buf, BUFFER_SIZE, format, args);
	va_end(args);
	return buf;
}

int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t len = strlen(text), n;
	int err = 0;

	if (fd < 0)
		return errno;
	n = write(fd, text, len);
	if (n < 0)
		err = errno;
	else if (n != len)
		err = EMSGSIZE;
	if (close(fd) && !err)
		err = errno;
	return err;
}

const char *get(const char *path)
{
	static char content[4][CONTENT_SIZE];
	static int turn;
	char *text = content[turn++ % 4];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 0, len = 0;

	while (fd >= 0 && len < CONTENT_SIZE - 1 &&
	       (n = read(fd, text + len, CONTENT_SIZE - 1 - len)) > 0)
		len += n;
	if (n < 0)
		len = snprintf(text, CONTENT_SIZE, "<%s>", strerror(errno));
	text[len] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

int make_path(const char *path)
{
	char part[4096], *at = part;

	snprintf(part, sizeof(part), "%s", path);
	while ((at = strchr(at + 1, '/'))) {
		*at = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return errno;
		*at = '/';
	}
	return mkdir(part, 0755) && errno != EEXIST ? errno : 0;
}

bool present(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static int real_name(const struct dirent *e)
{
	return strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
}

const char *names_in(const char *dir)
{
	struct dirent **list;
	char *text = next_buffer();
	int n = scandir(dir, &list, real_name, alphasort), i;
	size_t len = 0;

	text[0] = '\0';
	if (n < 0)
		return strerror(errno);
	for (i = 0; i < n; i++) {
		if (len < BUFFER_SIZE - 300)
			len += sprintf(text + len, "%s%s", i ? " " : "",
				       list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return text;
}

int count_in(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	if (!d)
		return -1;
	while ((e = readdir(d)))
		n += !!real_name(e);
	closedir(d);
	return n;
}

bool listed(const char *dir, const char *name, ino_t *ino, unsigned char *type)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d))) {
		found = !strcmp(e->d_name, name);
		if (found && ino)
			*ino = e->d_ino;
		if (found && type)
			*type = e->d_type;
	}
	if (d)
		closedir(d);
	return found;
}

struct stat stat_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		memset(&st, 0, sizeof(st));
	return st;
}

int opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* ext4 takes a flag left out as to be cleared, its own of extents among them. */
int change_flags(const char *path, int set, int clear)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), flags = 0, err;

	if (fd < 0)
		return errno;
	err = ERR(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	flags = (flags | set) & ~clear;
	if (!err)
		err = ERR(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	close(fd);
	return err;
}

int runs(const char *path, uid_t uid)
{
	int report[2], err = 0, status;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC))
		return 1000 + errno;
	pid = fork();
	if (!pid) {
		char *argv[] = { (char *)path, NULL };

		if (!uid || (!setgroups(0, NULL) && !setresgid(uid, uid, uid) &&
			     !setresuid(uid, uid, uid)))
			execv(path, argv);
		err = errno;
		if (write(report[1], &err, sizeof(err)) < 0)
			_exit(126);
		_exit(127);
	}
	close(report[1]);
	if (read(report[0], &err, sizeof(err)) != sizeof(err))
		err = 0;
	close(report[0]);
	waitpid(pid, &status, 0);
	if (err)
		return 1000 + err;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 999;
}

static char state_of(pid_t pid)
{
	const char *end = strrchr(get(fmt("/proc/%d/stat", pid)), ')');

	return end && end[1] ? end[2] : 0;
}

bool still_waits(pid_t pid)
{
	int status, i;
	char state;

	/* On a busy machine it takes its time to come there. */
	for (i = 0; i < 1000 * time_factor(); i++) {
		usleep(10000);
		state = state_of(pid);
		if (state == 'S' || state == 'D' || state == 'Z')
			break;
	}
	usleep(50000);
	return waitpid(pid, &status, WNOHANG) == 0;
}

const char *built(const char *file)
{
	char self[4096] = "";

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return file;
	return fmt("%s/../%s", dirname(self), file);
}

int put_tool(const char *path, const char *tool)
{
	int in = open(built(fmt("tools/%s", tool)), O_RDONLY | O_CLOEXEC);
	int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	static char buf[65536];
	int err = in < 0 || out < 0 ? errno : 0;
	ssize_t n;

	while (!err && (n = read(in, buf, sizeof(buf))) != 0)
		if (n < 0 || write(out, buf, n) != n)
			err = errno ?: EIO;
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) && !err)
		err = errno;
	return err;
}

int put_program(const char *path)
{
	return put_tool(path, "show_euid");
}
