/* SPDX-License-Identifier: GPL-2.0-only */
/* Short forms for what tests do with files all the time. */
#ifndef SWITCHFS_FILES_H
#define SWITCHFS_FILES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* The errno of a call, 0 when it succeeded. */
#define ERR(call)	({ errno = 0; (long)(call) < 0 ? errno : 0; })

/* The same with the caller being an unprivileged user of that number. */
#define AS_USER(uid, call) ({				\
	int __err;					\
	user_become(uid);				\
	__err = ERR(call);				\
	user_return();					\
	__err;						\
})

void user_become(uid_t uid);
void user_return(void);
#define SOMEONE		1000
#define SOMEONE_ELSE	1001

/* printf into one of a few buffers that are used in turn. */
const char *fmt(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * Writes TEXT as the whole of PATH, made with mode 0644; 0 or an errno, EMSGSIZE
 * when not all of it was written.
 */
int put(const char *path, const char *text);
/* What PATH holds, as a string of at most 64K; "<errno text>" on an error. */
const char *get(const char *path);
/* Makes PATH and what is missing above it; 0 or an errno. */
int make_path(const char *path);
bool present(const char *path);
/* The names in DIR but . and .., sorted and joined by spaces. */
const char *names_in(const char *dir);
int count_in(const char *dir);
/* Whether NAME is listed in DIR; its entry's d_ino and d_type if asked. */
bool listed(const char *dir, const char *name, ino_t *ino, unsigned char *type);
/* lstat() in one expression; all zero when it fails. */
struct stat stat_of(const char *path);
/* Whether PID came to sleep in a call, and sleeps on. */
bool still_waits(pid_t pid);
/* Opens PATH, closes it again; 0 or an errno. */
int opens(const char *path, int flags);
/*
 * Adds the FS_*_FL in SET to the flags of PATH and takes those in CLEAR away;
 * 0 or an errno.
 */
int change_flags(const char *path, int set, int clear);
/* Runs PATH with no arguments; its exit status, or 1000 + errno of exec. */
int runs(const char *path, uid_t uid);
/* A copy of tools/TOOL, mode 0755; or an errno. */
int put_tool(const char *path, const char *tool);
/* A copy of tools/show_euid, mode 0755: exits with 10 + its euid; or errno. */
int put_program(const char *path);
/* Where FILE of the built selftests is. */
const char *built(const char *file);

#endif
