// SPDX-License-Identifier: GPL-2.0-only
/* Names that a program hides: the same promises as of rules that hide. */
#include "../callers/hide_cells.h"
#include "load.h"

#include <dirent.h>
#include <sys/fsuid.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

/* Loaded by main(): `name` only, as a program that does not sleep and as one that does. */
static struct chooser quick, sleeping;
static const char *trouble;

/* Hides names that begin with "secret" from `uid`, or from all if that is -1. */
static void hide(struct chooser *c, uid_t uid)
{
	script_reset(c);
	strcpy(c->script->match, "secret");
	c->script->uid = uid;
	c->script->name = uid == (uid_t)-1 ? WORD_ALL(SWITCHFS_HIDE) : SWITCHFS_HIDE;
	c->script->name_other = WORD_ALL(SWITCHFS_RULES);
}

#define MOUNT(c, ...)								\
	do {									\
		ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);	\
		DOES(chooser_register(c));					\
		ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script", ##__VA_ARGS__)) \
			TH_LOG("%s", mount_log);				\
	} while (0)

TEST_F_TIMEOUT(site, no_call_tells_a_user_what_is_hidden, 120)
{
	hide(&quick, SOMEONE);
	MOUNT(&quick);
	try_calls(_metadata, &self->site, &(struct way){});
}

/* In a directory of its own for each, so that nothing is known. */
static void try_cold(struct __test_metadata *_metadata, struct site *site, bool root)
{
	struct way way = { .root = root };
	char source[PATH_SIZE], mnt[PATH_SIZE];
	struct cell cell;
	enum kind kind;
	size_t i;

	snprintf(source, PATH_SIZE, "%s", site_path(site, "hot"));
	snprintf(mnt, PATH_SIZE, "%s", site_path(site, "mnt"));
	for (i = 0; i < sizeof(hide_calls) / sizeof(*hide_calls); i++) {
		int expected = -1;

		if (hide_calls[i].privileged && !root)
			continue;
		for (kind = ABSENT; kind < DIR_KIND; kind++) {
			ASSERT_EQ(0, make_cell(&cell, source, mnt, kind));
			try_cell(_metadata, &cell, &hide_calls[i], &way, &expected, kinds[kind]);
			/* What is known by now makes no difference. */
			try_cell(_metadata, &cell, &hide_calls[i], &way, &expected, kinds[kind]);
		}
	}
	ASSERT_OK(chdir(site->w.work));
}

TEST_F_TIMEOUT(site, no_call_tells_anybody_what_is_hidden_from_all, 120)
{
	hide(&quick, -1);
	MOUNT(&quick);
	try_cold(_metadata, &self->site, true);
}

TEST_F_TIMEOUT(site, no_call_tells_a_user_what_a_sleeping_program_hides, 120)
{
	hide(&sleeping, SOMEONE);
	MOUNT(&sleeping);
	try_cold(_metadata, &self->site, false);
}

static int seen_by(uid_t uid, const char *path)
{
	int err;

	setfsuid(uid);
	err = present(path) ? 0 : errno;
	setfsuid(0);
	return err;
}

/* One caller's lookup is not another's answer, neither what is there nor what is not. */
static void take_turns(struct __test_metadata *_metadata, struct site *site, struct chooser *c)
{
	int i;

	hide(c, SOMEONE);
	ASSERT_OK(chmod("hot", 0777));
	DOES(chooser_register(c));
	ASSERT_EQ(0, SITE_MOUNT(site, "chooser", "bpf:script"));
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(ENOENT, seen_by(0, "mnt/secret"));
		EXPECT_EQ(ENOENT, seen_by(SOMEONE, "mnt/secret"));
		EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt/secret", O_CREAT | O_WRONLY, 0644)));
		EXPECT_EQ(EACCES, AS_USER(SOMEONE, mkdir("mnt/secret", 0755)));
		DOES(put("mnt/secret", "text"));
		EXPECT_EQ(ENOENT, seen_by(SOMEONE, "mnt/secret"));
		EXPECT_EQ(0, seen_by(SOMEONE_ELSE, "mnt/secret"));
		EXPECT_EQ(EACCES, AS_USER(SOMEONE, mkdir("mnt/secret", 0755)));
		EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt/secret", O_CREAT | O_WRONLY, 0644)));
		EXPECT_STREQ("text", get("mnt/secret"));
		ASSERT_OK(unlink("mnt/secret"));
	}
	chooser_unregister(c);
	ASSERT_OK(umount2("mnt", 0));
}

TEST_F(site, callers_take_turns)
{
	ASSERT_EQ(NULL, trouble);
	take_turns(_metadata, &self->site, &quick);
	take_turns(_metadata, &self->site, &sleeping);
}

TEST_F(site, listings_lack_what_lookups_do)
{
	int i, fd;
	DIR *d;

	for (i = 0; i < 300; i++)
		DOES(put(fmt("hot/%s%d", i % 3 ? "n" : "secret", i), ""));
	ASSERT_OK(mkdir("hot/secretdir", 0777));
	DOES(put("hot/secretdir/x", ""));
	hide(&quick, SOMEONE);
	MOUNT(&quick);
	EXPECT_EQ(301, count_in("mnt"));
	user_become(SOMEONE);
	EXPECT_EQ(200, count_in("mnt"));
	EXPECT_FALSE(listed("mnt", "secret3", NULL, NULL));
	d = opendir("mnt");
	user_return();
	EXPECT_EQ(301, count_in("mnt"));
	/* An open directory keeps its opener's view. */
	for (i = 0; readdir(d); i++)
		;
	closedir(d);
	EXPECT_EQ(202, i);
	/* What is below a hidden directory has names of its own. */
	fd = open("mnt/secretdir", O_PATH | O_CLOEXEC);
	user_become(SOMEONE);
	EXPECT_ERR(ENOENT, openat(fd, ".", O_RDONLY));
	EXPECT_ERR(ENOENT, lstat("mnt/secretdir/x", &(struct stat){}));
	EXPECT_OK(faccessat(fd, "x", F_OK, 0));
	user_return();
	close(fd);
	/* From all: the owner, too. */
	quick.script->uid = -1;
	EXPECT_EQ(200, count_in("mnt"));
	EXPECT_ERR(ENOENT, lstat("mnt/secret3", &(struct stat){}));
	EXPECT_ERR(ENOTEMPTY, rmdir("hot/secretdir"));
}

TEST_F(site, rmdir_counts_what_is_hidden)
{
	ASSERT_OK(mkdir("hot/d", 0777));
	DOES(put("hot/d/secret", ""));
	hide(&quick, -1);
	MOUNT(&quick);
	EXPECT_STREQ("", names_in("mnt/d"));
	EXPECT_ERR(ENOTEMPTY, rmdir("mnt/d"));
	EXPECT_TRUE(present("hot/d/secret"));
}

TEST_F(site, other_links_handles_and_descriptors)
{
	struct handle h;
	struct stat st;
	char buf[8];
	int fd;

	DOES(put("hot/secret", "text"));
	ASSERT_OK(chmod("hot/secret", 0666));
	ASSERT_OK(chown("hot/secret", SOMEONE, SOMEONE));
	ASSERT_OK(link("hot/secret", "hot/alias"));
	DOES(put("hot/secret2", "text"));
	hide(&quick, SOMEONE);
	MOUNT(&quick);
	DOES(handle_of("mnt/secret2", &h));
	EXPECT_STREQ("text", handle_get("mnt", &h));
	fd = open("mnt/secret", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	user_become(SOMEONE);
	EXPECT_STREQ("text", get("mnt/alias"));
	EXPECT_EQ(4, pread(fd, buf, 8, 0));
	EXPECT_ERR(ENOENT, fstat(fd, &st));
	EXPECT_ERR(ENOENT, fchmod(fd, 0600));
	EXPECT_ERR(ENOENT, fgetxattr(fd, "user.a", buf, 8));
	EXPECT_EQ(ENOENT, opens(fmt("/proc/self/fd/%d", fd), O_RDONLY));
	user_return();
	EXPECT_OK(fstat(fd, &st));
	close(fd);
	/* From now on from the owner, who has the handle. */
	quick.script->uid = 0;
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_PATH));
	drop_caches();
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
	quick.script->uid = SOMEONE;
	EXPECT_STREQ("text", handle_get("mnt", &h));
}

/* Whether a cached name is opened without leaving RCU walk. */
static int opens_cached(const char *path)
{
	return ERR(resolving(path, O_RDONLY, RESOLVE_CACHED));
}

TEST_F(site, rcu_walk_is_left_only_for_programs_that_sleep)
{
	unsigned long asked;

	DOES(put("hot/secret", ""));
	DOES(put("hot/plain", ""));
	hide(&quick, SOMEONE);
	MOUNT(&quick);
	EXPECT_STREQ("plain secret", names_in("mnt"));
	EXPECT_OK(access("mnt/secret", F_OK));
	EXPECT_OK(access("mnt/plain", F_OK));
	quick.script->uid = 0;
	quick.script->name = SWITCHFS_RULES;
	EXPECT_EQ(0, opens_cached("mnt/plain"));
	asked = quick.script->asked_name;
	EXPECT_EQ(0, opens_cached("mnt/secret"));
	EXPECT_LT(asked, quick.script->asked_name);
	chooser_unregister(&quick);
	ASSERT_OK(umount2("mnt", 0));

	hide(&sleeping, 0);
	sleeping.script->name = SWITCHFS_RULES;
	MOUNT(&sleeping);
	EXPECT_OK(access("mnt/secret", F_OK));
	EXPECT_OK(access("mnt/plain", F_OK));
	EXPECT_EQ(0, opens_cached("mnt/plain"));
	EXPECT_EQ(EAGAIN, opens_cached("mnt/secret"));
	EXPECT_EQ(0, opens("mnt/secret", O_RDONLY));
	/* What it says for all is not asked again. */
	sleeping.script->name = WORD_ALL(SWITCHFS_RULES);
	EXPECT_OK(access("mnt/secret", F_OK));
	asked = sleeping.script->asked_name;
	EXPECT_EQ(0, opens_cached("mnt/secret"));
	EXPECT_EQ(asked, sleeping.script->asked_name);
}

TEST_F(site, what_is_said_for_each_call_holds_at_once)
{
	int i;

	DOES(put("hot/secret", ""));
	hide(&quick, 0);
	MOUNT(&quick);
	for (i = 0; i < 20; i++) {
		quick.script->name = i % 2 ? SWITCHFS_RULES : SWITCHFS_HIDE;
		EXPECT_EQ(i % 2, present("mnt/secret"));
		EXPECT_EQ(i % 2, listed("mnt", "secret", NULL, NULL));
	}
}

TEST_F(site, hidden_in_any_case_where_cases_do_not_count)
{
	static const char *const spellings[] = { "secret", "SECRET", "SeCrEt",
						 "\xc5\xbf\x65\x63ret" };
	size_t i, made;

	DOES(folding_mount(&self->site.w, site_path(&self->site, "hot")));
	ASSERT_OK(chmod("hot/d", 0777));
	hide(&quick, SOMEONE);
	MOUNT(&quick);
	for (made = 0; made <= sizeof(spellings) / sizeof(*spellings); made++) {
		if (made)
			DOES(put(fmt("hot/d/%s", spellings[made - 1]), "s"));
		for (i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
			const char *path = fmt("mnt/d/%s", spellings[i]);

			EXPECT_EQ(ENOENT, AS_USER(SOMEONE, lstat(path, &(struct stat){})))
				TH_LOG("%s, %zu", path, made);
			EXPECT_EQ(EACCES, AS_USER(SOMEONE, mkdir(path, 0755)))
				TH_LOG("%s, %zu", path, made);
			EXPECT_EQ(ENOENT, AS_USER(SOMEONE, unlink(path))) TH_LOG("%s", path);
			EXPECT_EQ(made ? 0 : ENOENT, seen_by(0, path)) TH_LOG("%s", path);
		}
		user_become(SOMEONE);
		EXPECT_STREQ("", names_in("mnt/d")) TH_LOG("%zu", made);
		user_return();
		unlink("hot/d/secret");
	}
}

int main(int argc, char **argv)
{
	scale_time_limits();
	if (script_load(&quick, "script", NAME, 0))
		trouble = "script";
	else if (script_load(&sleeping, "script", NAME | SLEEPS, 0))
		trouble = "sleeping";
	return test_harness_run(argc, argv);
}
