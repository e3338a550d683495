// SPDX-License-Identifier: GPL-2.0-only
/* When a program is asked again, and when what it said is kept. */
#include "load.h"
#include "site.h"

#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_RAM };

static struct chooser route, name, sleeping;
static const char *trouble;

#define MOUNT(c, ...)								\
	do {									\
		ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);	\
		DOES(chooser_register(c));					\
		ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script", ##__VA_ARGS__)) \
			TH_LOG("%s", mount_log);				\
	} while (0)

static void say_to_all(struct chooser *c, __u64 word)
{
	int i;

	script_reset(c);
	for (i = 0; i < SCRIPT_OPS; i++)
		c->script->route[i] = word;
	c->script->name = word;
}

static unsigned long asked(struct chooser *c)
{
	unsigned long sum = c->script->asked_name;
	int i;

	for (i = 0; i < SCRIPT_OPS; i++)
		sum += c->script->asked[i];
	return sum;
}

/* Operations that change no name, each of an object that is known by then. */
static int use_all(const char *in)
{
	char room[64];
	int fd = open(fmt("%s/f", in), O_RDWR | O_CLOEXEC), err;

	err = fd < 0 ? errno : ERR(pwrite(fd, "f", 1, 0)) ?: ERR(pread(fd, room, 8, 0)) ?:
						 ERR(lseek(fd, 0, SEEK_HOLE));
	close(fd);
	return err ?: ERR(access(fmt("%s/f", in), F_OK)) ?:
	       ERR(lstat(fmt("%s/f", in), &(struct stat){})) ?:
	       ERR(chmod(fmt("%s/f", in), 0644)) ?:
	       ERR(setxattr(fmt("%s/f", in), "user.a", "a", 1, 0)) ?:
	       ERR(getxattr(fmt("%s/f", in), "user.a", room, 8)) ?:
	       ERR(listxattr(fmt("%s/f", in), room, 64)) ?:
	       ERR(removexattr(fmt("%s/f", in), "user.a")) ?:
	       ERR(statfs(fmt("%s/f", in), &(struct statfs){})) ?:
	       ERR(readlink(fmt("%s/s", in), room, 8)) ?:
	       ERR(access(fmt("%s/d", in), X_OK)) ?:
	       (ERR(access(fmt("%s/absent", in), F_OK)) == ENOENT ? 0 : EINVAL);
}

static int make_objects(const char *in)
{
	return make_path(fmt("%s/d", in)) ?: put(fmt("%s/f", in), "f") ?:
	       ERR(symlink("f", fmt("%s/s", in)));
}

static void keeps(struct __test_metadata *_metadata, struct site *site, struct chooser *c)
{
	unsigned long before;
	int i;

	say_to_all(c, WORD_ALL(SWITCHFS_RULES));
	DOES(chooser_register(c));
	ASSERT_EQ(0, SITE_MOUNT(site, "chooser", "bpf:script"));
	/* The second time finds what the first one had to make. */
	DOES(use_all("mnt"));
	DOES(use_all("mnt"));
	before = asked(c);
	EXPECT_LT(0, before);
	for (i = 0; i < 20; i++)
		DOES(use_all("mnt"));
	EXPECT_EQ(before, asked(c));
	/* What it does not say for all, it is asked each time. */
	say_to_all(c, SWITCHFS_RULES);
	ASSERT_EQ(0, switchfs_remount("mnt", "chooser", "none", END));
	ASSERT_EQ(0, switchfs_remount("mnt", "chooser", "bpf:script", END));
	DOES(use_all("mnt"));
	DOES(use_all("mnt"));
	for (i = 0; i < 5; i++) {
		before = asked(c);
		DOES(use_all("mnt"));
		EXPECT_LE(before + 12, asked(c));
	}
	chooser_unregister(c);
	ASSERT_OK(umount2("mnt", 0));
}

TEST_F(site, what_holds_for_all_is_asked_once)
{
	ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);
	DOES(make_objects("hot"));
	keeps(_metadata, &self->site, &route);
	keeps(_metadata, &self->site, &name);
	keeps(_metadata, &self->site, &sleeping);
}

TEST_F(site, each_operation_is_kept_by_itself)
{
	unsigned long before;
	int i;

	DOES(make_objects("hot"));
	script_reset(&route);
	for (i = 0; i < SCRIPT_OPS; i++)
		route.script->route[i] = WORD_ALL(SWITCHFS_RULES);
	route.script->route[SWITCHFS_OP_OPEN] = SWITCHFS_RULES;
	MOUNT(&route);
	DOES(use_all("mnt"));
	DOES(use_all("mnt"));
	before = asked(&route) - route.script->asked[SWITCHFS_OP_OPEN];
	for (i = 0; i < 5; i++) {
		unsigned long opens = route.script->asked[SWITCHFS_OP_OPEN];

		DOES(use_all("mnt"));
		EXPECT_LT(opens, route.script->asked[SWITCHFS_OP_OPEN]);
	}
	EXPECT_EQ(before, asked(&route) - route.script->asked[SWITCHFS_OP_OPEN]);
}

TEST_F(site, refusals_are_kept)
{
	unsigned long before;
	int i;

	DOES(make_objects("hot"));
	say_to_all(&route, WORD_ALL(SWITCHFS_RULES));
	route.script->route[SWITCHFS_OP_OPEN] = WORD_ALL(SWITCHFS_DENY_WITH(EPERM));
	MOUNT(&route);
	EXPECT_EQ(EPERM, opens("mnt/f", O_RDONLY));
	EXPECT_EQ(EPERM, opens("mnt/f", O_RDONLY));
	before = asked(&route);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(EPERM, opens("mnt/f", O_RDONLY));
	EXPECT_EQ(before, asked(&route));
}

/* What a program says of other names is kept while it is asked about one. */
TEST_F(site, each_name_is_kept_by_itself)
{
	unsigned long before;
	int i;

	DOES(make_objects("hot"));
	DOES(put("hot/own", ""));
	say_to_all(&name, SWITCHFS_RULES);
	strcpy(name.script->match, "own");
	name.script->name_other = WORD_ALL(SWITCHFS_RULES);
	MOUNT(&name);
	DOES(use_all("mnt"));
	before = name.script->asked_name;
	DOES(use_all("mnt"));
	EXPECT_EQ(before, name.script->asked_name);
	for (i = 0; i < 5; i++) {
		before = name.script->asked_name;
		EXPECT_OK(access("mnt/own", F_OK));
		EXPECT_LT(before, name.script->asked_name);
	}
}

TEST_F(site, invalidating_lets_it_be_asked_again)
{
	unsigned long before;

	DOES(make_objects("hot"));
	DOES(put("hot/f", "hot"));
	DOES(put("cold/f", "cold"));
	DOES(put("hot/other", ""));
	say_to_all(&route, WORD_ALL(SWITCHFS_RULES));
	MOUNT(&route);
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_STREQ("hot", get("mnt/f"));
	before = asked(&route);
	route.script->route[SWITCHFS_OP_OPEN] = WORD_ALL(SWITCHFS_TO_BRANCH(1));
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_EQ(before, asked(&route));
	/* Asked about another name, it forgets all. */
	route.script->invalidates = 1;
	EXPECT_OK(access("mnt/other", F_OK));
	EXPECT_EQ(0, route.script->invalidates);
	EXPECT_STREQ("cold", get("mnt/f"));
	EXPECT_LT(before, asked(&route));
	route.script->route[SWITCHFS_OP_OPEN] = WORD_ALL(SWITCHFS_RULES);
	EXPECT_STREQ("cold", get("mnt/f"));
	route.script->invalidates = 3;
	EXPECT_ERR(ENOENT, access("mnt/absent", F_OK));
	EXPECT_ERR(ENOENT, access("mnt/absent2", F_OK));
	EXPECT_STREQ("hot", get("mnt/f"));
	/* Invalidating at every question is slow, and nothing else. */
	route.script->invalidates = 1000000;
	DOES(use_all("mnt"));
	DOES(use_all("mnt"));
	EXPECT_STREQ("d f other s", names_in("mnt"));
}

TEST_F(site, remount_and_rename_let_it_be_asked_again)
{
	unsigned long before;

	DOES(make_path("hot/a/b"));
	DOES(put("hot/a/b/f", ""));
	say_to_all(&name, WORD_ALL(SWITCHFS_RULES));
	MOUNT(&name);
	EXPECT_OK(access("mnt/a/b/f", F_OK));
	EXPECT_OK(access("mnt/a/b/f", F_OK));
	before = asked(&name);
	ASSERT_EQ(0, switchfs_remount("mnt", "rule", "name=x -> deny", END));
	EXPECT_OK(access("mnt/a/b/f", F_OK));
	EXPECT_LT(before, asked(&name));
	before = asked(&name);
	EXPECT_OK(access("mnt/a/b/f", F_OK));
	EXPECT_EQ(before, asked(&name));
	/* Paths below it changed. */
	ASSERT_OK(rename("mnt/a", "mnt/c"));
	before = asked(&name);
	EXPECT_OK(access("mnt/c/b/f", F_OK));
	EXPECT_LT(before, asked(&name));
	EXPECT_ERR(ENOENT, access("mnt/a/b/f", F_OK));
}

/* A file renamed to a name that is hidden is hidden at once. */
TEST_F(site, renamed_file_is_what_its_new_name_is)
{
	DOES(make_objects("hot"));
	script_reset(&name);
	strcpy(name.script->match, "secret");
	name.script->name = SWITCHFS_RULES;
	name.script->name_other = WORD_ALL(SWITCHFS_RULES);
	MOUNT(&name);
	EXPECT_STREQ("f", get("mnt/f"));
	ASSERT_OK(rename("mnt/f", "mnt/secret"));
	EXPECT_STREQ("f", get("mnt/secret"));
	name.script->name = WORD_ALL(SWITCHFS_HIDE);
	EXPECT_ERR(ENOENT, access("mnt/secret", F_OK));
	EXPECT_STREQ("d s", names_in("mnt"));
}

/* Homes given by a program: a directory is listed from both branches. */
TEST_F(site, listing_is_what_lookups_find)
{
	int i, n = 500;

	for (i = 0; i < n; i++) {
		DOES(put(fmt("hot/%s%d", i % 2 ? "c" : "h", i), "hot"));
		DOES(put(fmt("cold/%s%d", i % 4 < 2 ? "c" : "h", i), "cold"));
	}
	script_reset(&route);
	strcpy(route.script->match, "c");
	route.script->route[SWITCHFS_OP_LOOKUP] = WORD_ALL(SWITCHFS_TO_BRANCH(1));
	route.script->route[SWITCHFS_OP_CREATE] = WORD_ALL(SWITCHFS_TO_BRANCH(1));
	route.script->other = WORD_ALL(SWITCHFS_RULES);
	MOUNT(&route);
	/* h from hot: i even; c from cold: i % 4 < 2. */
	EXPECT_EQ(n / 2 + n / 2, count_in("mnt"));
	for (i = 0; i < n; i++) {
		EXPECT_EQ(i % 4 < 2, listed("mnt", fmt("c%d", i), NULL, NULL)) TH_LOG("c%d", i);
		EXPECT_EQ(i % 4 < 2, present(fmt("mnt/c%d", i)));
		EXPECT_EQ(i % 2 == 0, listed("mnt", fmt("h%d", i), NULL, NULL)) TH_LOG("h%d", i);
		EXPECT_EQ(i % 2 == 0, present(fmt("mnt/h%d", i)));
		if (i == 20)
			i = n - 20;
	}
	EXPECT_STREQ("cold", get("mnt/c0"));
	EXPECT_STREQ("hot", get("mnt/h0"));
	DOES(put("mnt/cnew", "new"));
	EXPECT_STREQ("new", get("cold/cnew"));
	EXPECT_TRUE(listed("mnt", "cnew", NULL, NULL));
	/* No name moves its home by a rename. */
	EXPECT_ERR(EXDEV, rename("mnt/h0", "mnt/c9999"));
	ASSERT_OK(rename("mnt/h0", "mnt/h9999"));
	ASSERT_OK(mkdir("mnt/hdir", 0755));
	DOES(put("mnt/hdir/c", "c"));
	EXPECT_STREQ("c", get("cold/hdir/c"));
	EXPECT_ERR(ENOTEMPTY, rmdir("mnt/hdir"));
	/* What it would say of the names below is not known. */
	EXPECT_ERR(EXDEV, rename("mnt/hdir", "mnt/hdir2"));
	ASSERT_OK(unlink("mnt/hdir/c"));
	ASSERT_OK(rmdir("mnt/hdir"));
}

int main(int argc, char **argv)
{
	scale_time_limits();
	if (script_load(&route, "script", ROUTE, 0))
		trouble = "route";
	else if (script_load(&name, "script", NAME, 0))
		trouble = "name";
	else if (script_load(&sleeping, "script", ROUTE | NAME | SLEEPS, 0))
		trouble = "sleeping";
	return test_harness_run(argc, argv);
}
