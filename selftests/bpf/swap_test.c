// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that are swapped, registered and let go while processes work: each
 * operation sees one of them.
 */
#include "load.h"
#include "site.h"

#include <sys/wait.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_RAM };

#define WORKERS 8

/* Of one name: two that refuse by errnos of their own, one that hides. */
static struct chooser one, two, hiding;
static const char *trouble;

struct shared {
	int go, stop;
	unsigned long done, seen[3], wrong;
	int last_wrong;
};

static struct shared *shared;

static int swaps(int n)
{
	const char *scale = getenv("SWITCHFS_SCALE");

	return scale && !strcmp(scale, "full") ? n * 10 : n;
}

static void say(struct chooser *c, __u64 word)
{
	int i;

	script_reset(c);
	strcpy(c->script->match, "f");
	for (i = 0; i < SCRIPT_OPS; i++)
		c->script->other = WORD_ALL(SWITCHFS_RULES);
	c->script->route[SWITCHFS_OP_OPEN] = word;
	c->script->name_other = WORD_ALL(SWITCHFS_RULES);
}

#define BEGIN()									\
	do {									\
		ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);	\
		shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,		\
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);		\
		ASSERT_NE(MAP_FAILED, shared);					\
		DOES(put("hot/f", "hot"));					\
		DOES(put("hot/f2", "hot"));					\
		DOES(put("hot/g", "hot"));					\
		say(&one, WORD_ALL(SWITCHFS_DENY_WITH(EPERM)));			\
		say(&two, WORD_ALL(SWITCHFS_DENY_WITH(EROFS)));			\
		say(&hiding, 0);						\
	} while (0)

/* Opens what all refuse, and what none does. */
static pid_t worker(int number, int first, int second)
{
	const char *path = number % 2 ? "mnt/f" : "mnt/f2";
	pid_t pid = fork();

	if (pid)
		return pid;
	while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
		int err = opens(path, O_RDONLY);

		if (err == first || err == second) {
			__atomic_add_fetch(&shared->seen[err == second], 1, __ATOMIC_RELAXED);
		} else {
			__atomic_add_fetch(&shared->wrong, 1, __ATOMIC_RELAXED);
			shared->last_wrong = err;
		}
		if (opens("mnt/g", O_RDONLY)) {
			__atomic_add_fetch(&shared->wrong, 1, __ATOMIC_RELAXED);
			shared->last_wrong = -1;
		}
		__atomic_add_fetch(&shared->done, 1, __ATOMIC_RELAXED);
	}
	_exit(0);
}

static void start(pid_t pids[WORKERS], int first, int second)
{
	int i;

	for (i = 0; i < WORKERS; i++)
		pids[i] = worker(i, first, second);
}

static void finish(struct __test_metadata *_metadata, const pid_t pids[WORKERS])
{
	int i, status;

	__atomic_store_n(&shared->stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < WORKERS; i++) {
		EXPECT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_LT(WORKERS, shared->done);
	EXPECT_EQ(0, shared->wrong) TH_LOG("%s (%d)", strerror(shared->last_wrong),
					   shared->last_wrong);
}

TEST_F_TIMEOUT(site, each_operation_sees_one_of_two, 300)
{
	struct bpf_counts before;
	pid_t pids[WORKERS];
	int i, n = swaps(1000);

	BEGIN();
	DOES(chooser_register(&one));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script"));
	before = bpf_counts();
	start(pids, EPERM, EROFS);
	for (i = 0; i < n; i++) {
		EXPECT_EQ(0, chooser_swap(&one, i % 2 ? &one : &two)) TH_LOG("%d", i);
	}
	finish(_metadata, pids);
	EXPECT_LT(0, shared->seen[0]);
	EXPECT_LT(0, shared->seen[1]);
	EXPECT_TRUE(bpf_counts_return(before));
	EXPECT_EQ(EPERM, opens("mnt/f", O_RDONLY));
	ASSERT_EQ(0, chooser_swap(&one, &two));
	EXPECT_EQ(EROFS, opens("mnt/f", O_RDONLY));
	/* A mount begins and ends with each. */
	EXPECT_EQ(0, one.script->begun - one.script->ended);
	EXPECT_EQ(1, two.script->begun - two.script->ended);
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_EQ(0, two.script->begun - two.script->ended);
}

/* Programs with other members, so that other questions are asked. */
TEST_F_TIMEOUT(site, each_operation_sees_one_of_two_with_other_members, 300)
{
	pid_t pids[WORKERS];
	int i, n = swaps(100);

	BEGIN();
	hiding.script->name = SWITCHFS_HIDE;
	DOES(chooser_register(&one));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script"));
	start(pids, EPERM, ENOENT);
	for (i = 0; i < n; i++) {
		EXPECT_EQ(0, chooser_swap(&one, i % 2 ? &one : &hiding)) TH_LOG("%d", i);
	}
	finish(_metadata, pids);
	EXPECT_LT(0, shared->seen[0]);
	EXPECT_LT(0, shared->seen[1]);
}

TEST_F(site, program_can_be_swapped_by_one_of_its_name_only)
{
	struct chooser other, refusing;

	BEGIN();
	ASSERT_EQ(0, script_load(&other, "other", ROUTE, 0));
	ASSERT_EQ(0, script_load(&refusing, "script", ROUTE | INIT, 0));
	script_reset(&other);
	script_reset(&refusing);
	DOES(chooser_register(&one));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script"));
	EXPECT_EQ(EINVAL, chooser_swap(&one, &other));
	EXPECT_EQ(EPERM, opens("mnt/f", O_RDONLY));
	/* All mounts have to be taken over. */
	refusing.script->init = -EBUSY;
	EXPECT_EQ(EBUSY, chooser_swap(&one, &refusing));
	EXPECT_EQ(EPERM, opens("mnt/f", O_RDONLY));
	EXPECT_EQ(1, one.script->begun);
	EXPECT_EQ(0, one.script->ended);
	refusing.script->init = 0;
	ASSERT_EQ(0, chooser_swap(&one, &refusing));
	EXPECT_EQ(0, opens("mnt/f", O_RDONLY));
	EXPECT_EQ(1, one.script->ended);
	/* By itself, too. */
	ASSERT_EQ(0, chooser_swap(&one, &refusing));
	ASSERT_EQ(0, chooser_swap(&one, &one));
	EXPECT_EQ(EPERM, opens("mnt/f", O_RDONLY));
	ASSERT_OK(umount2("mnt", 0));
	chooser_unregister(&one);
	chooser_unload(&other);
	chooser_unload(&refusing);
}

/* What it has let through before it is asked of the next one, too. */
TEST_F(site, swapped_program_is_asked_about_what_is_known)
{
	BEGIN();
	say(&two, WORD_ALL(SWITCHFS_RULES));
	DOES(chooser_register(&one));
	ASSERT_EQ(0, chooser_swap(&one, &two));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script"));
	EXPECT_EQ(0, opens("mnt/f", O_RDONLY));
	ASSERT_EQ(0, chooser_swap(&one, &one));
	EXPECT_EQ(EPERM, opens("mnt/f", O_RDONLY));
	ASSERT_EQ(0, chooser_swap(&one, &hiding));
	EXPECT_EQ(0, opens("mnt/f", O_RDONLY));
	hiding.script->name = SWITCHFS_HIDE;
	EXPECT_EQ(0, opens("mnt/g", O_RDONLY));
	ASSERT_EQ(0, chooser_swap(&one, &two));
	ASSERT_EQ(0, chooser_swap(&one, &hiding));
	EXPECT_EQ(ENOENT, opens("mnt/f", O_RDONLY));
}

/*
 * Refused by the program, or because it went: never neither. The workers are
 * begun first, since a registration lasts as long as any process has it.
 */
TEST_F_TIMEOUT(site, program_that_goes_leaves_a_refusal, 120)
{
	pid_t pids[WORKERS];
	int i, n = swaps(50);

	BEGIN();
	for (i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		while (!__atomic_load_n(&shared->go, __ATOMIC_RELAXED))
			usleep(1000);
		while (!__atomic_load_n(&shared->stop, __ATOMIC_RELAXED)) {
			int err = opens(i % 2 ? "mnt/f" : "mnt/f2", O_RDONLY);

			if (err != EPERM && err != EROFS && err != EACCES) {
				__atomic_add_fetch(&shared->wrong, 1, __ATOMIC_RELAXED);
				shared->last_wrong = err;
			}
			__atomic_add_fetch(&shared->seen[err == EACCES], 1, __ATOMIC_RELAXED);
			__atomic_add_fetch(&shared->done, 1, __ATOMIC_RELAXED);
		}
		_exit(0);
	}
	DOES(chooser_register(&one));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script", "on_detach", "deny"));
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELAXED);
	for (i = 0; i < n; i++) {
		chooser_unregister(i % 2 ? &two : &one);
		EXPECT_EQ(0, chooser_register(i % 2 ? &one : &two));
		EXPECT_EQ(0, switchfs_remount("mnt", "chooser", "bpf:script", END));
		usleep(1000);
	}
	finish(_metadata, pids);
	EXPECT_LT(0, shared->seen[0]);
	EXPECT_LT(0, shared->seen[1]);
}

int main(int argc, char **argv)
{
	scale_time_limits();
	if (script_load(&one, "script", ROUTE | INIT | EXIT, 1 << SWITCHFS_OP_OPEN))
		trouble = "one";
	else if (script_load(&two, "script", ROUTE | INIT | EXIT | SLEEPS, 1 << SWITCHFS_OP_OPEN))
		trouble = "two";
	else if (script_load(&hiding, "script", NAME, 0))
		trouble = "hiding";
	return test_harness_run(argc, argv);
}
