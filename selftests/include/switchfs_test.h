/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every switchfs kselftest includes: the harness with time limits that
 * can be scaled, and the helpers.
 */
#ifndef SWITCHFS_TEST_H
#define SWITCHFS_TEST_H

#include "kselftest_harness.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "files.h"
#include "mounting.h"
#include "world.h"

#define EXPECT_ERR(expected, call)	EXPECT_EQ(expected, ERR(call))
#define ASSERT_ERR(expected, call)	ASSERT_EQ(expected, ERR(call))
#define EXPECT_OK(call)			EXPECT_EQ(0, ERR(call))
#define ASSERT_OK(call)			ASSERT_EQ(0, ERR(call))
/* For helpers that return 0 or an errno themselves. */
#define DOES(call)			ASSERT_EQ(0, call)

/* For EXPECT_TRUE(has(mount_log, "rule")). */
#define EXPECT_HAS(text, part)						\
	EXPECT_NE(NULL, strstr(text, part))				\
		TH_LOG("no '%s' in '%s'", part, text)

/* A host that has other things to do takes its time; a hang takes for ever. */
#define TIMEOUT_SLACK 3

static inline void scale_time_limits(void)
{
	struct __fixture_metadata *f;
	struct __test_metadata *t;

	for (f = __fixture_list; f; f = f->next)
		for (t = f->tests; t; t = t->next)
			t->timeout *= TIMEOUT_SLACK * time_factor();
}

/* A main program whose tests make their worlds themselves. */
#define SWITCHFS_TEST_MAIN						\
int main(int argc, char **argv)						\
{									\
	scale_time_limits();						\
	return test_harness_run(argc, argv);				\
}

/* For the setup of fixtures that cannot do without the module. */
#define NEED_SWITCHFS()							\
	do {								\
		if (!switchfs_present())				\
			SKIP(return, "no switchfs in /proc/filesystems"); \
	} while (0)

#endif
