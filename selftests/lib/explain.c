// SPDX-License-Identifier: GPL-2.0-only
/* What switchfs says of itself; see explain.h. */
#include "explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../rust-bindings/uapi/switchfs.h"
#include "files.h"

#define ROUTE "trusted.switchfs.route"

/* One of a few buffers that are used in turn. */
static char *buffer(void)
{
	static char *ring[4];
	static unsigned int next;
	unsigned int i = next++ % 4;

	if (!ring[i])
		ring[i] = malloc(65537);
	return ring[i];
}

static const char *finish(char *text, ssize_t n)
{
	if (n < 0)
		sprintf(text, "<%s>", strerror(errno));
	else
		text[n] = 0;
	return text;
}

const char *route_of(const char *path)
{
	char *text = buffer();

	return finish(text, getxattr(path, ROUTE, text, 65536));
}

const char *route_of_link(const char *path)
{
	char *text = buffer();

	return finish(text, lgetxattr(path, ROUTE, text, 65536));
}

const char *route_in(const char *dir, const char *name, mode_t mode)
{
	struct switchfs_route_query query = { .type = mode & S_IFMT, .size = 65536 };
	char *text = buffer();
	int fd, ret;

	query.buffer = (uintptr_t)text;
	snprintf(query.name, sizeof(query.name), "%s", name);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return finish(text, -1);
	ret = ioctl(fd, SWITCHFS_IOC_ROUTE, &query);
	finish(text, ret < 0 ? -1 : (ssize_t)query.size);
	if (!ret)
		errno = 0;
	ret = errno;
	close(fd);
	errno = ret;
	return text;
}

const char *line_of(const char *text, const char *op)
{
	static char lines[8][512];
	static unsigned int next;
	char *line = lines[next++ % 8];
	size_t len = strlen(op);

	*line = 0;
	while (text && *text) {
		if (!strncmp(text, op, len) && text[len] == ' ') {
			snprintf(line, sizeof(lines[0]), "%.*s",
				 (int)strcspn(text + len + 1, "\n"), text + len + 1);
			return line;
		}
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return line;
}

const char *debug_path(const char *target, const char *file)
{
	struct stat st = stat_of(target);

	return fmt("/sys/kernel/debug/switchfs/%u:%u/%s", major(st.st_dev),
		   minor(st.st_dev), file);
}

const char *debug_text(const char *target, const char *file)
{
	return get(debug_path(target, file));
}

int debug_write(const char *target, const char *file, const char *text)
{
	int fd = open(debug_path(target, file), O_WRONLY | O_CLOEXEC);
	int err = fd < 0 ? errno : ERR(write(fd, text, strlen(text)));

	if (fd >= 0)
		close(fd);
	return err;
}

long counted(const char *target, const char *what)
{
	const char *number = line_of(debug_text(target, "counters"), what);

	return *number ? atol(number) : 0;
}

long hits_of(const char *target, const char *number)
{
	const char *text = debug_text(target, "rules");
	char word[32];
	long hits;

	while (text && sscanf(text, "%ld %31s", &hits, word) == 2) {
		if (!strcmp(word, number))
			return hits;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return -1;
}

int trace_begin(struct trace *t)
{
	snprintf(t->dir, sizeof(t->dir), "/sys/kernel/tracing/instances/switchfs-%d", getpid());
	/* What other tests do meanwhile is more than one reading takes. */
	return ERR(mkdir(t->dir, 0700)) ?:
	       put(fmt("%s/set_event_pid", t->dir), fmt("%d", getpid()));
}

int trace_enable(const struct trace *t, const char *event, bool on)
{
	return put(fmt("%s/events/switchfs/%s/enable", t->dir, event), on ? "1" : "0");
}

const char *trace_text(const struct trace *t)
{
	const char *text = get(fmt("%s/trace", t->dir));

	/* Truncated, it is empty. */
	close(open(fmt("%s/trace", t->dir), O_WRONLY | O_TRUNC | O_CLOEXEC));
	return text;
}

void trace_end(struct trace *t)
{
	rmdir(t->dir);
}
