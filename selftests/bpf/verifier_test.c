// SPDX-License-Identifier: GPL-2.0-only
/* Programs that must not be loaded, and what the verifier says of each. */
#include "load.h"
#include "switchfs_test.h"

#include <bpf/libbpf.h>

/* MESSAGE of 7.2, or OTHER of later ones, which say it in more words. */
static void refuses(struct __test_metadata *_metadata, const char *file, const char *ops,
		    const char *message, const char *other)
{
	struct chooser c;
	int err = chooser_load(&c, file, ops, NULL);

	EXPECT_NE(0, err) TH_LOG("%s was loaded", ops);
	EXPECT_TRUE(strstr(load_log, message) || (other && strstr(load_log, other)))
		TH_LOG("%s: no `%s` in `%s`", ops, message,
		       load_log + (strlen(load_log) > 2000 ? strlen(load_log) - 2000 : 0));
	if (!err)
		chooser_unload(&c);
}

#define REFUSED(name, ...)							\
TEST(name)									\
{										\
	static const char *const messages[2] = { __VA_ARGS__ };			\
										\
	NEED_SWITCHFS();							\
	refuses(_metadata, "refused_fail.bpf.o", "ops_" #name, messages[0], messages[1]); \
}

REFUSED(writes_ctx, "only read is supported")
REFUSED(reads_beyond, "access beyond struct switchfs_ctx at off 4096 size 8")
REFUSED(no_such_argument, "func 'route' doesn't have 2-th argument")
REFUSED(no_ctx, "pointer type STRUCT switchfs_ctx must point to scalar",
	"expects a pointer to (struct switchfs_ctx)")
REFUSED(number_for_ctx, "pointer type STRUCT switchfs_ctx must point to scalar",
	"R1 is scalar expected STRUCT switchfs_ctx")
REFUSED(buffer_too_small, "invalid")
REFUSED(length_unknown, "invalid")
REFUSED(no_constant, "doesn't point to a const string")
REFUSED(sleeps, "program must be sleepable to call sleepable kfunc")
REFUSED(writes_attr, "only read is supported")
REFUSED(wrong_type, "switchfs_ctx")
REFUSED(attr_of_ctx, "switchfs_attr")
REFUSED(other_ops, "calling kernel function bpf_switchfs_set_attr is not allowed")

TEST(other_type)
{
	NEED_SWITCHFS();
	refuses(_metadata, "syscall_fail.bpf.o", NULL,
		"calling kernel function bpf_switchfs_set_attr is not allowed", NULL);
}

TEST(license)
{
	NEED_SWITCHFS();
	refuses(_metadata, "license_fail.bpf.o", NULL,
		"struct ops programs must have a GPL compatible license", NULL);
}

SWITCHFS_TEST_MAIN
