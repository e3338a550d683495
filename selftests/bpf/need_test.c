// SPDX-License-Identifier: GPL-2.0-only
/* Programs that need to know about branches, and words that are no verdicts. */
#include "explain.h"
#include "load.h"
#include "site.h"

#include <linux/fuse.h>
#include <signal.h>
#include <sys/wait.h>
#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_RAM };

static struct chooser route, sleeping, both;
static const char *trouble;

enum { HOT, COLD };

#define BEGIN(c)								\
	do {									\
		ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);	\
		script_reset(c);						\
		DOES(chooser_register(c));					\
	} while (0)
#define MOUNT(...)								\
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script", ##__VA_ARGS__)) \
		TH_LOG("%s", mount_log)

static void try_exists(struct __test_metadata *_metadata, struct site *site, struct chooser *c)
{
	DOES(chooser_register(c));
	script_reset(c);
	c->script->exists = COLD + 1;
	c->script->present = WORD_ALL(SWITCHFS_TO_BRANCH(COLD));
	c->script->route[SWITCHFS_OP_LOOKUP] = WORD_ALL(SWITCHFS_TO_BRANCH(HOT));
	ASSERT_EQ(0, SITE_MOUNT(site, "chooser", "bpf:script"));
	EXPECT_STREQ("hot", get("mnt/hot"));
	EXPECT_EQ(0, c->script->exists_returned);
	EXPECT_STREQ("cold", get("mnt/cold"));
	EXPECT_EQ(1, c->script->exists_returned);
	EXPECT_STREQ("cold", get("mnt/both"));
	EXPECT_ERR(ENOENT, access("mnt/neither", F_OK));
	EXPECT_STREQ("both cold hot", names_in("mnt"));
	/* Twice for each that is new: first it did not know. */
	EXPECT_LE(8, c->script->asked[SWITCHFS_OP_LOOKUP]);
	c->script->exists = 3;
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, END));
	EXPECT_STREQ("hot", get("mnt/hot"));
	EXPECT_EQ(-EINVAL, c->script->exists_returned);
	ASSERT_OK(umount2("mnt", 0));
	chooser_unregister(c);
}

TEST_F(site, what_exists_in_a_branch)
{
	ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);
	DOES(put("hot/hot", "hot"));
	DOES(put("cold/cold", "cold"));
	DOES(put("hot/both", "hot"));
	DOES(put("cold/both", "cold"));
	try_exists(_metadata, &self->site, &route);
	try_exists(_metadata, &self->site, &sleeping);
}

TEST_F(site, attribute_of_the_homes_object)
{
	char big[300];

	DOES(put("hot/f", "hot"));
	DOES(put("cold/f", "cold"));
	DOES(put("hot/g", "hot"));
	ASSERT_OK(setxattr("hot/f", "user.state", "complete", 8, 0));
	BEGIN(&route);
	route.script->xattr = 1;
	route.script->route[SWITCHFS_OP_OPEN] = SWITCHFS_DENY_WITH(EBUSY);
	route.script->present = SWITCHFS_TO_BRANCH(COLD);
	MOUNT();
	EXPECT_STREQ("cold", get("mnt/f"));
	EXPECT_EQ(8, route.script->xattr_returned);
	EXPECT_STREQ("complete", route.script->value_read);
	EXPECT_EQ(EBUSY, opens("mnt/g", O_RDONLY));
	EXPECT_EQ(-ENODATA, route.script->xattr_returned);
	/* It is read each time. */
	ASSERT_OK(setxattr("hot/g", "user.state", "x", 1, 0));
	EXPECT_EQ(ENOENT, opens("mnt/g", O_RDONLY));
	EXPECT_EQ(1, route.script->xattr_returned);
	EXPECT_STREQ("x", route.script->value_read);
	memset(big, 'b', sizeof(big));
	ASSERT_OK(setxattr("hot/f", "user.state", big, SWITCHFS_XATTR_MAX, 0));
	EXPECT_STREQ("cold", get("mnt/f"));
	EXPECT_EQ(SWITCHFS_XATTR_MAX, route.script->xattr_returned);
	ASSERT_OK(setxattr("hot/f", "user.state", big, SWITCHFS_XATTR_MAX + 1, 0));
	EXPECT_EQ(EBUSY, opens("mnt/f", O_RDONLY));
	EXPECT_EQ(-E2BIG, route.script->xattr_returned);
	/* There is none of what is not there yet. */
	route.script->route[SWITCHFS_OP_CREATE] = WORD_ALL(SWITCHFS_DENY_WITH(ENOSPC));
	EXPECT_EQ(ENOSPC, put("mnt/new", ""));
	EXPECT_EQ(-ENODATA, route.script->xattr_returned);
}

TEST_F(site, facts_of_a_second_need_are_not_looked_up)
{
	DOES(put("hot/f", "hot"));
	BEGIN(&route);
	route.script->always = 1;
	MOUNT();
	EXPECT_ERR(EIO, access("mnt/f", F_OK));
	EXPECT_EQ(2, route.script->asked[SWITCHFS_OP_LOOKUP]);
	EXPECT_EQ(1, counted("mnt", "bpf invalid"));
	EXPECT_EQ(EIO, put("mnt/new", ""));
	EXPECT_STREQ("f", names_in("hot"));
}

/* What no rule could say. */
static const __u64 no_verdicts[] = {
	7, 8, 0x0f, 0x10, 0x40, 0x7f, 0xff, ~0ULL, 1ULL << 63,
	SWITCHFS_RULES | 1 << 8, SWITCHFS_HIDE | 1 << 8, SWITCHFS_HIDE | 1ULL << 63,
	SWITCHFS_TO_BRANCH(2), SWITCHFS_TO_BRANCH(64), SWITCHFS_TO_BRANCH(255),
	SWITCHFS_TO_BRANCH(0) | 1 << 16, SWITCHFS_TO_BRANCH(256),
	SWITCHFS_FIRST, SWITCHFS_FIRST | 3 << 8, SWITCHFS_FIRST_OF(0, 2), SWITCHFS_FIRST | 1 << 16,
	SWITCHFS_FIRST_OF(0, 1) | 1ULL << 32,
	SWITCHFS_DENY, SWITCHFS_DENY_WITH(4096), SWITCHFS_DENY_WITH(134), SWITCHFS_DENY_WITH(512),
	SWITCHFS_DENY_WITH(0x10001), SWITCHFS_DENY | ~0ULL << 8,
	SWITCHFS_GATE_TO(2, 0), SWITCHFS_GATE_TO(0, 2), SWITCHFS_GATE_TO(0, 0) | 1 << 24,
	SWITCHFS_NEED | SWITCHFS_FOR_ALL, SWITCHFS_NEED | 1 << 8,
};

#define WORDS (sizeof(no_verdicts) / sizeof(*no_verdicts))

static int log_lines(int log, const char *part)
{
	char record[8192];
	int lines = 0;
	ssize_t n;

	while ((n = read(log, record, sizeof(record) - 1)) > 0) {
		record[n] = '\0';
		lines += !!strstr(record, part);
	}
	return lines;
}

TEST_F(site, words_that_are_no_verdicts_are_eio)
{
	int log = klog_open(), i, turn;
	long before;

	DOES(put("hot/f", "hot"));
	BEGIN(&both);
	MOUNT();
	for (turn = 0; turn < 3; turn++) {
		before = counted("mnt", "bpf invalid");
		for (i = 0; i < (int)WORDS; i++) {
			script_reset(&both);
			if (turn == 0)
				both.script->route[SWITCHFS_OP_LOOKUP] = no_verdicts[i];
			else if (turn == 1)
				both.script->route[SWITCHFS_OP_OPEN] = no_verdicts[i];
			else
				both.script->name = no_verdicts[i];
			ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, END));
			EXPECT_EQ(EIO, opens("mnt/f", O_RDONLY))
				TH_LOG("%d: %llx", turn, no_verdicts[i]);
		}
		EXPECT_LE(before + (int)WORDS, counted("mnt", "bpf invalid"));
	}
	EXPECT_EQ(1, log_lines(log, "chooser bpf:script: 0x7 is no verdict for lookup"));
	/* Nor can `name` send a name somewhere, or refuse it. */
	script_reset(&both);
	both.script->name = SWITCHFS_TO_BRANCH(COLD);
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, END));
	EXPECT_ERR(EIO, access("mnt/f", F_OK));
	both.script->name = SWITCHFS_DENY_WITH(EPERM);
	EXPECT_ERR(EIO, access("mnt/f", F_OK));
	EXPECT_STREQ("f", names_in("hot"));
	EXPECT_STREQ("", names_in("cold"));
	EXPECT_EQ(0, log_lines(log, "is no verdict"));
	script_reset(&both);
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, END));
	EXPECT_STREQ("hot", get("mnt/f"));
	close(log);
}

/* The home is the same for every caller. */
TEST_F(site, two_homes_for_two_callers_are_eio)
{
	int log = klog_open(), i;
	long before;

	DOES(put("hot/f", "hot"));
	DOES(put("cold/f", "cold"));
	BEGIN(&route);
	route.script->uid = SOMEONE;
	route.script->route[SWITCHFS_OP_LOOKUP] = SWITCHFS_TO_BRANCH(COLD);
	MOUNT();
	EXPECT_STREQ("hot", get("mnt/f"));
	before = counted("mnt", "bpf invalid");
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(EIO, AS_USER(SOMEONE, access("mnt/f", F_OK) ?:
						 open("mnt/f", O_RDONLY)));
		EXPECT_STREQ("hot", get("mnt/f"));
	}
	EXPECT_LT(before, counted("mnt", "bpf invalid"));
	EXPECT_EQ(1, log_lines(log, "is no verdict for a name that has another home"));
	close(log);
}

/*
 * A server that hangs behind a need: only who asked waits, and other programs
 * are loaded, used and freed meanwhile.
 */
FIXTURE(hanging) {
	struct site site;
};

FIXTURE_SETUP(hanging)
{
	NEED_SWITCHFS();
	ASSERT_EQ(NULL, trouble);
	ASSERT_EQ(0, site_make(&self->site, SITE_RAM));
	ASSERT_EQ(0, server_start_failing(&self->site.s, site_path(&self->site, "cold")));
}

FIXTURE_TEARDOWN(hanging)
{
	site_leave(&self->site);
}

TEST_F_TIMEOUT(hanging, need_blocks_its_caller_only, 60)
{
	struct bpf_counts before;
	struct chooser other;
	int status;
	pid_t pid;

	DOES(put("hot/f", "hot"));
	DOES(put("hot/g", "hot"));
	DOES(make_path("other"));
	script_reset(&sleeping);
	strcpy(sleeping.script->match, "f");
	sleeping.script->exists = COLD + 1;
	sleeping.script->route[SWITCHFS_OP_OPEN] = WORD_ALL(SWITCHFS_TO_BRANCH(HOT));
	sleeping.script->present = WORD_ALL(SWITCHFS_TO_BRANCH(HOT));
	DOES(chooser_register(&sleeping));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script"));
	EXPECT_OK(lstat("mnt/f", &(struct stat){}));
	before = bpf_counts();
	self->site.s.fail[FUSE_LOOKUP] = SERVER_HANGS;
	pid = fork();
	if (!pid)
		_exit(opens("mnt/f", O_RDONLY));
	ASSERT_TRUE(still_waits(pid));

	EXPECT_STREQ("hot", get("mnt/g"));
	ASSERT_EQ(0, script_load(&other, "other", ALL | SLEEPS, 0)) TH_LOG("%s", load_log);
	script_reset(&other);
	DOES(chooser_register(&other));
	ASSERT_EQ(0, switchfs_mount("other", "branch", self->site.hot, "chooser", "bpf:other",
				    END));
	EXPECT_STREQ("hot", get("other/f"));
	ASSERT_OK(umount2("other", 0));
	chooser_unload(&other);
	EXPECT_TRUE(bpf_counts_return(before));
	/* Nor does it hold up that it is replaced or goes itself. */
	ASSERT_EQ(0, switchfs_remount("mnt", "rule", "name=x -> deny", END));
	ASSERT_EQ(0, switchfs_remount("mnt", "chooser", "none", END));
	chooser_unregister(&sleeping);
	EXPECT_STREQ("hot", get("mnt/g"));

	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	/* What the server took nobody gives up but by its end. */
	server_kill(&self->site.s);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WEXITSTATUS(status) == ECONNABORTED || WEXITSTATUS(status) == ENOTCONN)
		TH_LOG("%s", strerror(WEXITSTATUS(status)));
}

int main(int argc, char **argv)
{
	scale_time_limits();
	if (script_load(&route, "script", ROUTE, 0))
		trouble = "route";
	else if (script_load(&sleeping, "script", ROUTE | SLEEPS, 0))
		trouble = "sleeping";
	else if (script_load(&both, "script", ROUTE | NAME, 0))
		trouble = "both";
	return test_harness_run(argc, argv);
}
