/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture `tree`: a test runs in a fresh, empty directory as its current
 * one, on each of
 *
 *   plain  a directory of ext4, which proves the test
 *   local  switchfs over one ext4 branch
 *   fuse   switchfs over one FUSE branch
 *   rules  switchfs over ext4 and FUSE, a directory whose home is ext4 and
 *          whose names that end in ".c" go to the FUSE server
 *   below  the same mount, a directory below a rule that sends all to FUSE
 *
 * SWITCHFS_TREE_GROUND=tmpfs|overlay|/DIRECTORY takes another filesystem than ext4,
 * SWITCHFS_TREE_CREDS=caller and SWITCHFS_TREE_SERVER=OPTION vary the rest.
 * The world is made once a program; a test that breaks it makes its own.
 * With SWITCHFS_STAND_IN=1 bind mounts stand in for switchfs, which proves
 * the tests and the FUSE server on a kernel without the module.
 */
#ifndef SWITCHFS_TREE_H
#define SWITCHFS_TREE_H

#include "switchfs_test.h"
#include "tree_world.h"

FIXTURE(tree) {
	char dir[PATH_SIZE];	/* the current directory */
	char home[PATH_SIZE];	/* the same directory in its home branch */
	char dot_c[PATH_SIZE];	/* the branch directory of names in ".c" */
	/* the same two where a server takes them from: behind its back */
	char home_source[PATH_SIZE], dot_c_source[PATH_SIZE];
	bool fuse;		/* names but those in ".c" are on FUSE */
	bool fuse_dot_c;	/* names in ".c" are on FUSE */
};

FIXTURE_VARIANT(tree) {
	enum tree_kind kind;
};

FIXTURE_VARIANT_ADD(tree, plain) { .kind = PLAIN };
FIXTURE_VARIANT_ADD(tree, local) { .kind = LOCAL };
FIXTURE_VARIANT_ADD(tree, fuse) { .kind = FUSE };
FIXTURE_VARIANT_ADD(tree, rules) { .kind = RULES };
FIXTURE_VARIANT_ADD(tree, below) { .kind = BELOW };

FIXTURE_SETUP(tree)
{
	enum tree_kind kind = variant->kind;
	const char *under = kind == BELOW ? "cold/" : "";

	if (kind != PLAIN && tree_trouble[0])
		SKIP(return, "%s", tree_trouble);
	snprintf(self->dir, sizeof(self->dir), "%s/%st%d", tree_mount(kind),
		 under, getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0755));
	ASSERT_EQ(0, chmod(self->dir, 0777));
	ASSERT_EQ(0, chdir(self->dir));
	self->fuse = kind == FUSE || kind == BELOW;
	self->fuse_dot_c = self->fuse || kind == RULES;
	tree_branch_dir(self->home, kind, false, "fuse", under);
	tree_branch_dir(self->dot_c, kind, true, "fuse", under);
	tree_branch_dir(self->home_source, kind, false, "fuse-source", under);
	tree_branch_dir(self->dot_c_source, kind, true, "fuse-source", under);
}

FIXTURE_TEARDOWN(tree)
{
	EXPECT_EQ(0, chdir("/"));
}

/*
 * TIMEOUT is how long the server lets the kernel believe it: changes behind
 * the server's back need 0.
 */
#define TREE_TEST_MAIN_TIMEOUT(timeout)					\
int main(int argc, char **argv)						\
{									\
	scale_time_limits();						\
	return tree_main(argc, argv, "--timeout=" timeout,		\
			 test_harness_run);				\
}
#define TREE_TEST_MAIN TREE_TEST_MAIN_TIMEOUT("60")

#endif
