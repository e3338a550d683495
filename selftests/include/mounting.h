/* SPDX-License-Identifier: GPL-2.0-only */
/* Mounting switchfs through fsopen(2), with the messages kept. */
#ifndef SWITCHFS_MOUNTING_H
#define SWITCHFS_MOUNTING_H

#include <stdbool.h>

/*
 * What follows TARGET are pairs of key and value, ended by END; the value of
 * a flag is NULL. They return 0 or the errno of the call that failed, and
 * leave what the kernel said in mount_log.
 */
#define END ((const char *)0)

extern char mount_log[8192];

int switchfs_mount(const char *target, ...);
int switchfs_remount(const char *target, ...);
/* The same with the pairs in an array, ended by END. */
int switchfs_mount_array(const char *target, const char *const *pairs);
/* As mount(8) does it: mount(2) with one option string. */
int switchfs_mount_string(const char *target, unsigned long flags,
			  const char *options);
/* Whether the kernel has the filesystem. */
bool switchfs_present(void);
/*
 * The super options of TARGET in /proc/self/mountinfo, as they can be given to
 * mount(2); or NULL.
 */
const char *shown_options(const char *target);

#endif
