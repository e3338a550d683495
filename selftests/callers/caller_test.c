// SPDX-License-Identifier: GPL-2.0-only
/* Verdicts that depend on the caller are those of this caller, every time. */
#include "site.h"

#include <grp.h>
#include <sys/fsuid.h>
#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_FUSE | SITE_CACHED };

#define TURNS 10000

static const char *home_of(const struct site *site)
{
	return site->s.source[0] ? "cold" : "hot";
}

static const char *at_home(const struct site *site, const char *name)
{
	return fmt("%s/%s", site->s.source[0] ? "cold-source" : "hot", name);
}

#define MOUNT(...) \
	SITE_MOUNT(&self->site, "default", home_of(&self->site), ##__VA_ARGS__)

/* The errno of looking at PATH with that fsuid. */
static int seen_by(uid_t uid, const char *path)
{
	int err;

	setfsuid(uid);
	err = present(path) ? 0 : errno;
	setfsuid(0);
	return err;
}

TEST_F(site, uid_is_the_fsuid)
{
	DOES(put(at_home(&self->site, "f"), ""));
	ASSERT_EQ(0, MOUNT("rule", "name=f uid=1000-1002 -> hide", "rule",
			   "name=f uid=2000 -> deny:EPERM"));
	EXPECT_EQ(0, seen_by(999, "mnt/f"));
	EXPECT_EQ(ENOENT, seen_by(1000, "mnt/f"));
	EXPECT_EQ(ENOENT, seen_by(1002, "mnt/f"));
	EXPECT_EQ(0, seen_by(1003, "mnt/f"));
	EXPECT_EQ(EPERM, seen_by(2000, "mnt/f"));
	EXPECT_EQ(0, seen_by(0, "mnt/f"));
}

TEST_F(site, gid_is_the_fsgid_or_a_supplementary_group)
{
	gid_t groups[] = { 7, 3001, 9000 }, near[] = { 2999, 3003 };

	DOES(put(at_home(&self->site, "f"), ""));
	ASSERT_EQ(0, MOUNT("rule", "name=f gid=3000-3002 -> hide"));
	EXPECT_TRUE(present("mnt/f"));
	setfsgid(3000);
	EXPECT_FALSE(present("mnt/f"));
	setfsgid(0);
	EXPECT_TRUE(present("mnt/f"));
	ASSERT_OK(setgroups(3, groups));
	EXPECT_FALSE(present("mnt/f"));
	ASSERT_OK(setgroups(2, near));
	EXPECT_TRUE(present("mnt/f"));
	ASSERT_OK(setgroups(0, NULL));
}

static char room[8];

static int lists(const char *dir)
{
	const char *names = names_in(dir);

	errno = strcmp(names, strerror(EPERM)) ? 0 : EPERM;
	return errno ? -1 : 0;
}

static int puts_in(const char *path)
{
	errno = put(path, "");
	return errno ? -1 : 0;
}

/* X(OP, CALL) */
#define DENIED(X)							\
X(getattr, lstat("mnt/g", &(struct stat){}))				\
X(readlink, readlink("mnt/s", room, 8))				\
X(getxattr, getxattr("mnt/g", "user.a", room, 8))			\
X(listxattr, listxattr("mnt/g", room, 8))				\
X(statfs, statfs("mnt/g", &(struct statfs){}))				\
X(open, open("mnt/g", O_RDONLY))					\
X(readdir, lists("mnt/d"))						\
X(setattr, chmod("mnt/g", 0600))					\
X(setxattr, setxattr("mnt/g", "user.a", "", 0, 0))			\
X(removexattr, removexattr("mnt/g", "user.a"))				\
X(unlink, unlink("mnt/g"))						\
X(rmdir, rmdir("mnt/d"))						\
X(rename, rename("mnt/g", "mnt/x"))					\
X(mkdir, mkdir("mnt/x", 0755))						\
X(create, puts_in("mnt/x"))						\
X(symlink, symlink("g", "mnt/x"))					\
X(link, link("mnt/g", "mnt/x"))					\
X(mknod, mkfifo("mnt/x", 0600))

#define FUNCTION(op, call) static int denied_##op(void) { return ERR(call); }
#define ROW(op, call) { #op, denied_##op },

DENIED(FUNCTION)

static const struct {
	const char *op;
	int (*run)(void);
} denied[] = { DENIED(ROW) };

TEST_F(site, every_operation_can_be_denied_to_a_caller)
{
	size_t i;
	int err;

	DOES(put(at_home(&self->site, "g"), "g"));
	ASSERT_OK(symlink("g", at_home(&self->site, "s")));
	ASSERT_OK(mkdir(at_home(&self->site, "d"), 0777));
	ASSERT_OK(chmod(at_home(&self->site, ""), 0777));
	for (i = 0; i < 3; i++) {
		ASSERT_OK(lchown(at_home(&self->site, fmt("%c", "gsd"[i])), SOMEONE, SOMEONE));
	}
	ASSERT_EQ(0, MOUNT());
	for (i = 0; i < sizeof(denied) / sizeof(*denied); i++) {
		ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, "rule",
					      fmt("op=%s uid=1000 -> deny:EPERM", denied[i].op),
					      END))
			TH_LOG("%s: %s", denied[i].op, mount_log);
		user_become(SOMEONE);
		err = denied[i].run();
		user_return();
		EXPECT_EQ(EPERM, err) TH_LOG("%s: %s", denied[i].op, strerror(err));
	}
	EXPECT_STREQ("d g s", names_in(at_home(&self->site, "")));
}

/* Each caller in a process of its own; the answers must never be the other's. */
TEST_F_TIMEOUT(site, no_caller_gets_anothers_verdict_through_the_dcache, 120)
{
	static const char *const names[] = { "hidden", "denied", "both", "absent" };
	static const int expected[2][4] = {
		{ 0, 0, ENOENT, ENOENT }, { ENOENT, EPERM, EPERM, EPERM },
	};
	int turns = variant->parts ? TURNS / 20 : TURNS, who, i, wrong[2] = { 0, 0 };
	pid_t pids[2];
	int status;

	for (i = 0; i < 3; i++)
		DOES(put(at_home(&self->site, names[i]), ""));
	ASSERT_EQ(0, MOUNT("rule", "name=hidden uid=1001 -> hide",
			   "rule", "name=denied uid=1001 -> deny:EPERM",
			   "rule", "name=both uid=1000 -> hide",
			   "rule", "name=both uid=1001 -> deny:EPERM",
			   "rule", "name=absent uid=1001 -> deny:EPERM"));
	for (who = 0; who < 2; who++) {
		pids[who] = fork();
		if (pids[who])
			continue;
		setfsuid(1000 + who);
		for (i = 0; i < turns; i++) {
			const char *path = fmt("mnt/%s", names[i % 4]);
			int err = ERR(lstat(path, &(struct stat){}));

			wrong[who] += err != expected[who][i % 4];
		}
		_exit(!!wrong[who]);
	}
	for (who = 0; who < 2; who++) {
		waitpid(pids[who], &status, 0);
		EXPECT_EQ(0, status) TH_LOG("caller %d", who);
	}
}

TEST_F(site, negative_name_of_one_caller_is_not_the_others)
{
	int i;

	ASSERT_OK(chmod(at_home(&self->site, ""), 0777));
	ASSERT_EQ(0, MOUNT("rule", "name=f uid=1000 -> hide"));
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(ENOENT, seen_by(0, "mnt/f"));
		EXPECT_EQ(ENOENT, seen_by(1000, "mnt/f"));
		EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("mnt/f", O_CREAT | O_WRONLY, 0644)));
		DOES(put("mnt/f", "text"));
		EXPECT_EQ(ENOENT, seen_by(1000, "mnt/f"));
		EXPECT_STREQ("text", get("mnt/f"));
		ASSERT_OK(unlink("mnt/f"));
	}
}

/* The whole of data and meta may depend on the caller: other contents, not other names. */
TEST_F(site, callers_are_served_by_different_branches)
{
	DOES(put("hot/f", "whole text"));
	DOES(put(fmt("%s", behind(&self->site, "f")), "redacted"));
	ASSERT_OK(chmod("hot/f", 0644));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=data+getattr uid=1000 -> cold"));
	EXPECT_STREQ("whole text", get("mnt/f"));
	user_become(SOMEONE);
	EXPECT_STREQ("redacted", get("mnt/f"));
	EXPECT_EQ(8, stat_of("mnt/f").st_size);
	user_return();
	EXPECT_STREQ("whole text", get("mnt/f"));
	EXPECT_EQ(10, stat_of("mnt/f").st_size);
}

SWITCHFS_TEST_MAIN
