// SPDX-License-Identifier: GPL-2.0-only
/* Reading the kernel log from a point on. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

int klog_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Said once by the kernel of every module that is not its own. */
static bool taint_notice(const char *line)
{
	return strstr(line, "loading out-of-tree module taints kernel") ||
	       strstr(line, "module verification failed");
}

static bool complaint(const char *line, bool own_too)
{
	static const char *const alarms[] = {
		"WARNING", "BUG", "Oops", "Call Trace", "RIP:", "cut here",
		"general protection", "refcount_t", "still has locks",
		"Busy inodes", "slab_", "kmem_cache", "possible",
	};
	size_t i;

	for (i = 0; i < sizeof(alarms) / sizeof(*alarms); i++)
		if (strstr(line, alarms[i]))
			return true;
	if (!strstr(line, "switchfs") || taint_notice(line))
		return false;
	return own_too || strncmp(line, "switchfs: ", 10);
}

const char *klog_complaints(int fd, bool own_too)
{
	static char text[4096];
	char record[8192];
	size_t len = 0;
	ssize_t n;

	text[0] = '\0';
	while ((n = read(fd, record, sizeof(record) - 1)) > 0) {
		char *line, *end;

		record[n] = '\0';
		line = strchr(record, ';');
		if (!line++)
			continue;
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		if (complaint(line, own_too))
			len += snprintf(text + len, sizeof(text) - len,
					"%.500s\n", line);
		if (len > sizeof(text) - 512)
			break;
	}
	return text;
}
