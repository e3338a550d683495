// SPDX-License-Identifier: GPL-2.0-only
/* Mounting switchfs and reading what the kernel says to it. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "mounting.h"

#define MAX_PAIRS 1100

char mount_log[8192];

static void keep_log(int fs)
{
	size_t len = 0;
	ssize_t n;

	mount_log[0] = '\0';
	while (len < sizeof(mount_log) - 512) {
		n = read(fs, mount_log + len, sizeof(mount_log) - len - 2);
		if (n <= 0)
			break;
		len += n;
		if (mount_log[len - 1] != '\n')
			mount_log[len++] = '\n';
		mount_log[len] = '\0';
	}
}

static int configure(int fs, const char *const *pairs,
		     enum fsconfig_command command)
{
	int failed = 0;

	for (; pairs[0] && !failed; pairs += 2)
		failed = fsconfig(fs, pairs[1] ? FSCONFIG_SET_STRING :
						 FSCONFIG_SET_FLAG,
				  pairs[0], pairs[1], 0);
	if (!failed)
		failed = fsconfig(fs, command, NULL, NULL, 0);
	return failed ? errno : 0;
}

/* Attributes of the mount, not of the filesystem: what mount(8) does. */
static unsigned int take_attributes(const char **pairs)
{
	static const struct {
		const char *name;
		unsigned int attr;
	} known[] = {
		{ "nosuid", MOUNT_ATTR_NOSUID }, { "nodev", MOUNT_ATTR_NODEV },
		{ "noexec", MOUNT_ATTR_NOEXEC }, { "noatime", MOUNT_ATTR_NOATIME },
	};
	unsigned int attr = 0;
	const char **to = pairs;
	size_t i;

	for (; pairs[0]; pairs += 2) {
		for (i = 0; i < 4 && strcmp(pairs[0], known[i].name); i++)
			;
		if (i < 4) {
			attr |= known[i].attr;
			continue;
		}
		to[0] = pairs[0];
		to[1] = pairs[1];
		to += 2;
	}
	to[0] = END;
	return attr;
}

int switchfs_mount_array(const char *target, const char *const *given)
{
	const char *pairs[2 * MAX_PAIRS + 2];
	unsigned int attr;
	int fs, mnt, err, n = 0;

	for (; given[n] && n < 2 * MAX_PAIRS; n += 2) {
		pairs[n] = given[n];
		pairs[n + 1] = given[n + 1];
	}
	pairs[n] = END;
	attr = take_attributes(pairs);
	mount_log[0] = '\0';
	fs = fsopen("switchfs", FSOPEN_CLOEXEC);
	if (fs < 0)
		return errno;
	err = configure(fs, pairs, FSCONFIG_CMD_CREATE);
	if (!err) {
		mnt = fsmount(fs, FSMOUNT_CLOEXEC, attr);
		if (mnt < 0 ||
		    move_mount(mnt, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH))
			err = errno;
		if (mnt >= 0)
			close(mnt);
	}
	keep_log(fs);
	close(fs);
	return err;
}

static void collect(const char **pairs, va_list args)
{
	int n = 0;

	while (n < 2 * MAX_PAIRS) {
		pairs[n] = va_arg(args, const char *);
		if (!pairs[n])
			return;
		pairs[n + 1] = va_arg(args, const char *);
		n += 2;
	}
	pairs[n] = END;
}

int switchfs_mount(const char *target, ...)
{
	const char *pairs[2 * MAX_PAIRS + 2];
	va_list args;

	va_start(args, target);
	collect(pairs, args);
	va_end(args);
	return switchfs_mount_array(target, pairs);
}

int switchfs_remount(const char *target, ...)
{
	const char *pairs[2 * MAX_PAIRS + 2];
	va_list args;
	int fs, err;

	va_start(args, target);
	collect(pairs, args);
	va_end(args);
	mount_log[0] = '\0';
	fs = fspick(AT_FDCWD, target, FSPICK_CLOEXEC);
	if (fs < 0)
		return errno;
	err = configure(fs, pairs, FSCONFIG_CMD_RECONFIGURE);
	keep_log(fs);
	close(fs);
	return err;
}

int switchfs_mount_string(const char *target, unsigned long flags,
			  const char *options)
{
	return mount("none", target, "switchfs", flags, options) ? errno : 0;
}

bool switchfs_present(void)
{
	FILE *f = fopen("/proc/filesystems", "re");
	char line[128];
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		found |= !!strstr(line, "\tswitchfs\n");
	if (f)
		fclose(f);
	return found;
}

/* mountinfo writes blanks, line ends and backslashes in octal. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3') {
			*to++ = (text[1] - '0') * 64 + (text[2] - '0') * 8 +
				(text[3] - '0');
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

const char *shown_options(const char *target)
{
	static char line[65536];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	const char *found = NULL;

	while (f && fgets(line, sizeof(line), f)) {
		char at[1024], *tail;

		if (sscanf(line, "%*s %*s %*s %*s %1023s", at) != 1 ||
		    strcmp(at, target))
			continue;
		tail = strstr(line, " - switchfs ");
		if (!tail)
			continue;
		tail = strchr(tail + strlen(" - switchfs "), ' ');
		if (!tail)
			continue;
		tail[strcspn(tail, "\n")] = '\0';
		unescape(tail + 1);
		found = tail + 1;
		break;
	}
	if (f)
		fclose(f);
	return found;
}
