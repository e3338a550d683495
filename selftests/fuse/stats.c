// SPDX-License-Identifier: GPL-2.0-only
/* Request counters as text, counted in place in a mapped file. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stats.h"

#define DIGITS 10
#define MAX_OPCODE 64

#define OPCODE(name) [FUSE_##name] = #name
static const char *const names[MAX_OPCODE] = {
	OPCODE(LOOKUP), OPCODE(FORGET), OPCODE(GETATTR), OPCODE(SETATTR),
	OPCODE(READLINK), OPCODE(SYMLINK), OPCODE(MKNOD), OPCODE(MKDIR),
	OPCODE(UNLINK), OPCODE(RMDIR), OPCODE(RENAME), OPCODE(LINK),
	OPCODE(OPEN), OPCODE(READ), OPCODE(WRITE), OPCODE(STATFS),
	OPCODE(RELEASE), OPCODE(FSYNC), OPCODE(SETXATTR), OPCODE(GETXATTR),
	OPCODE(LISTXATTR), OPCODE(REMOVEXATTR), OPCODE(FLUSH), OPCODE(INIT),
	OPCODE(OPENDIR), OPCODE(READDIR), OPCODE(RELEASEDIR), OPCODE(FSYNCDIR),
	OPCODE(GETLK), OPCODE(SETLK), OPCODE(SETLKW), OPCODE(ACCESS),
	OPCODE(CREATE), OPCODE(INTERRUPT), OPCODE(BMAP), OPCODE(DESTROY),
	OPCODE(IOCTL), OPCODE(POLL), OPCODE(NOTIFY_REPLY),
	OPCODE(BATCH_FORGET), OPCODE(FALLOCATE), OPCODE(READDIRPLUS),
	OPCODE(RENAME2), OPCODE(LSEEK), OPCODE(COPY_FILE_RANGE),
	OPCODE(SETUPMAPPING), OPCODE(REMOVEMAPPING), OPCODE(SYNCFS),
	[51] = "TMPFILE", [52] = "STATX",
	[0] = "OTHER",
};

/* The first digit of each opcode's number, in the mapped file. */
static char *counters[MAX_OPCODE];

static int write_zeros(const char *path)
{
	char text[MAX_OPCODE * 40];
	size_t len = 0, i;
	int fd, ok;

	for (i = 0; i < MAX_OPCODE; i++)
		if (names[i])
			len += snprintf(text + len, sizeof(text) - len,
					"%s %0*d\n", names[i], DIGITS, 0);
	/* In place and in one write: a reader never sees half of it. */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	ok = pwrite(fd, text, len, 0) == (ssize_t)len;
	if (!ok) {
		close(fd);
		return -1;
	}
	return fd;
}

int stats_open(const char *path)
{
	int fd = write_zeros(path);
	struct stat st;
	char *text, *at;
	size_t i;

	if (fd < 0 || fstat(fd, &st))
		return -1;
	text = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (text == MAP_FAILED)
		return -1;
	for (at = text, i = 0; i < MAX_OPCODE; i++) {
		if (!names[i])
			continue;
		counters[i] = at + strlen(names[i]) + 1;
		at = counters[i] + DIGITS + 1;
	}
	return 0;
}

/* Adds one to a decimal number in place; the server is single-threaded. */
void stats_count(uint32_t opcode)
{
	char *digits = counters[opcode < MAX_OPCODE && names[opcode] ? opcode : 0];
	int i;

	if (!digits)
		return;
	for (i = DIGITS - 1; i >= 0; i--) {
		if (digits[i] < '9') {
			digits[i]++;
			return;
		}
		digits[i] = '0';
	}
}

int stats_reset(const char *path)
{
	int fd = write_zeros(path);

	if (fd < 0)
		return -1;
	return close(fd);
}
