// SPDX-License-Identifier: GPL-2.0-only
/* What each kfunc tells a program. */
#include "explain.h"
#include "kfuncs.h"
#include "load.h"
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_RAM };

static struct chooser chooser;
static struct kfuncs *k;
static const char *trouble;

#define BEGIN(operation, ...)							\
	do {									\
		ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);	\
		memset(k, 0, sizeof(*k));					\
		k->op = SWITCHFS_OP_##operation;				\
		DOES(make_path("hot/one/two/three"));				\
		DOES(put("hot/one/two/three/file.txt", ""));			\
		DOES(chooser_register(&chooser));				\
		ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:kfuncs", ##__VA_ARGS__)) \
			TH_LOG("%s", mount_log);				\
	} while (0)

/* Everything about the name /one/two/three/file.txt. */
static void expect_file(struct __test_metadata *_metadata)
{
	static const char *const parts[] = { "file.txt", "three", "two", "one" };
	int i;

	ASSERT_LT(0, k->calls);
	EXPECT_EQ(8, k->whole);
	EXPECT_STREQ("file.txt", k->whole_name);
	EXPECT_EQ(3, k->tail);
	EXPECT_STREQ("txt", k->tail_name);
	EXPECT_EQ(4, k->cut);
	EXPECT_EQ(0, memcmp("ile.", k->cut_name, 4));
	EXPECT_EQ(-EINVAL, k->past_end);
	EXPECT_EQ(-EINVAL, k->before);
	EXPECT_EQ(0, k->at_end);
	EXPECT_EQ(1, k->ends_txt);
	EXPECT_EQ(1, k->ends_empty);
	EXPECT_EQ(0, k->ends_long);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ((int)strlen(parts[i]), k->component[i]) TH_LOG("%d", i);
		EXPECT_STREQ(parts[i], k->component_name[i]);
	}
	EXPECT_EQ(-ENOENT, k->component[4]);
	EXPECT_STREQ("", k->component_name[4]);
	EXPECT_EQ(-ENOENT, k->component[5]);
	EXPECT_EQ(-ENOENT, k->far);
	EXPECT_EQ(23, k->path);
	EXPECT_STREQ("/one/two/three/file.txt", k->path_text);
	EXPECT_EQ(-ENAMETOOLONG, k->path_short);
	EXPECT_EQ(-ENAMETOOLONG, k->path_one);
	EXPECT_EQ(0, k->hot);
	EXPECT_EQ(1, k->cold);
	EXPECT_EQ(-ENOENT, k->none);
	EXPECT_EQ(-ENOENT, k->empty);
	EXPECT_EQ(0, k->count);
	EXPECT_EQ(0, k->count_last);
	EXPECT_EQ(-EINVAL, k->count_past);
}

TEST_F(site, of_what_is_there)
{
	BEGIN(OPEN);
	EXPECT_EQ(0, opens("mnt/one/two/three/file.txt", O_RDONLY));
	expect_file(_metadata);
}

TEST_F(site, of_what_is_looked_up)
{
	BEGIN(LOOKUP);
	EXPECT_OK(access("mnt/one/two/three/file.txt", F_OK));
	expect_file(_metadata);
	/* Once more from RCU walk. */
	k->calls = 0;
	EXPECT_OK(access("mnt/one/two/three/file.txt", F_OK));
	expect_file(_metadata);
}

TEST_F(site, of_what_is_not_there)
{
	BEGIN(LOOKUP);
	ASSERT_OK(unlink("hot/one/two/three/file.txt"));
	EXPECT_ERR(ENOENT, access("mnt/one/two/three/file.txt", F_OK));
	expect_file(_metadata);
}

TEST_F(site, of_what_is_made)
{
	BEGIN(CREATE);
	ASSERT_OK(unlink("hot/one/two/three/file.txt"));
	DOES(put("mnt/one/two/three/file.txt", ""));
	expect_file(_metadata);
}

TEST_F(site, of_what_is_listed)
{
	BEGIN(LOOKUP);
	EXPECT_OK(access("mnt/one/two/three", F_OK));
	k->calls = 0;
	EXPECT_STREQ("file.txt", names_in("mnt/one/two/three"));
	expect_file(_metadata);
	/* In the root, too. */
	DOES(put("hot/top", ""));
	ASSERT_OK(rename("hot/one", "one"));
	EXPECT_STREQ("top", names_in("mnt"));
	EXPECT_EQ(4, k->path);
	EXPECT_STREQ("/top", k->path_text);
	EXPECT_EQ(3, k->component[0]);
	EXPECT_EQ(-ENOENT, k->component[1]);
}

/* What is removed while it is open has a path, as the VFS says it. */
TEST_F(site, of_the_root_and_of_what_has_no_name)
{
	BEGIN(GETATTR);
	EXPECT_OK(lstat("mnt", &(struct stat){}));
	EXPECT_EQ(0, k->calls);
	DOES(put("hot/long", ""));
	EXPECT_OK(lstat("mnt/long", &(struct stat){}));
	EXPECT_EQ(4, k->whole);
	EXPECT_EQ(0, k->ends_txt);
	EXPECT_EQ(5, k->path);
	EXPECT_EQ(0, strcmp("/long", k->path_text));
}

TEST_F(site, what_the_rules_say)
{
	static const struct {
		const char *name;
		__u64 word;
	} expected[] = {
		{ "none", SWITCHFS_RULES }, { "cold", SWITCHFS_TO_BRANCH(1) },
		{ "perm", SWITCHFS_DENY_WITH(EPERM) }, { "hide", SWITCHFS_HIDE },
		{ "gate", SWITCHFS_GATE_TO(1, 0) }, { "both", SWITCHFS_FIRST_OF(1, 0) },
		{ "user", SWITCHFS_RULES }, { "asks", SWITCHFS_NEED },
	};
	size_t i;

	BEGIN(LOOKUP, "rule", "name=cold -> cold", "rule", "name=perm -> deny:EPERM",
	      "rule", "name=hide -> hide", "rule", "name=gate -> gate:cold hot",
	      "rule", "name=both -> cold|hot", "rule", "name=user uid=1000 -> deny:EROFS",
	      "rule", "name=asks exists=cold -> cold");
	for (i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		k->calls = 0;
		access(fmt("mnt/%s", expected[i].name), F_OK);
		EXPECT_LT(0, k->calls);
		EXPECT_EQ(expected[i].word, k->rules)
			TH_LOG("%s: %llx", expected[i].name, k->rules);
	}
	user_become(SOMEONE);
	EXPECT_OK(lstat("mnt", &(struct stat){}));
	stat_of("mnt/user");
	user_return();
	EXPECT_EQ(SWITCHFS_DENY_WITH(EROFS), k->rules);
}

TEST_F(site, what_the_rules_say_of_data)
{
	BEGIN(OPEN, "rule", "op=open name=*.txt -> cold", "rule", "op=read name=*.o -> cold");
	DOES(make_path("cold/one/two/three"));
	DOES(put("cold/one/two/three/file.txt", "cold"));
	EXPECT_STREQ("cold", get("mnt/one/two/three/file.txt"));
	EXPECT_EQ(SWITCHFS_TO_BRANCH(1), k->rules);
	/* Reading follows the open. */
	k->op = SWITCHFS_OP_READ;
	EXPECT_STREQ("cold", get("mnt/one/two/three/file.txt"));
	EXPECT_LT(0, k->calls);
	EXPECT_EQ(SWITCHFS_TO_BRANCH(1), k->rules);
}

TEST_F(site, counters_of_a_mount)
{
	int i;

	BEGIN(OPEN);
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, opens("mnt/one/two/three/file.txt", O_RDONLY));
	EXPECT_EQ(5 * k->calls, counted("mnt", "bpf 0"));
	EXPECT_EQ(k->calls, counted("mnt", "bpf 15"));
	EXPECT_EQ(0, counted("mnt", "bpf invalid"));
	EXPECT_LE(10, k->calls);
}

int main(int argc, char **argv)
{
	scale_time_limits();
	if (chooser_load(&chooser, "kfuncs.bpf.o", NULL, NULL))
		trouble = "kfuncs";
	else
		k = chooser_memory(&chooser, ".data");
	return test_harness_run(argc, argv);
}
