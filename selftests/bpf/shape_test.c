// SPDX-License-Identifier: GPL-2.0-only
/* What programs show of attributes, and the errors that they replace. */
#include "explain.h"
#include "load.h"
#include "site.h"

#include <sys/fsuid.h>
#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_RAM };

static struct chooser shape, sleeping;
static const char *trouble;

#define BEGIN(c)								\
	do {									\
		ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);	\
		script_reset(c);						\
		DOES(put("hot/f", "text"));					\
		DOES(put("hot/g", "text"));					\
		ASSERT_OK(mkdir("hot/d", 0755));				\
		DOES(chooser_register(c));					\
		ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script"));	\
	} while (0)

/* Sets one field for f; what it shows then. */
static struct stat shown(struct chooser *c, unsigned int field, __u64 value)
{
	strcpy(c->script->match, "f");
	c->script->sets = 1;
	c->script->field = field;
	c->script->value = value;
	return stat_of("mnt/f");
}

static void show_each(struct __test_metadata *_metadata, struct chooser *c)
{
	struct stat real = stat_of("hot/f"), g = stat_of("mnt/g"), st;
	int fd = open("mnt/f", O_RDONLY | O_CLOEXEC);
	struct statx stx;

	ASSERT_LE(0, fd);
	EXPECT_EQ(1LL << 40, shown(c, SWITCHFS_ATTR_SIZE, 1LL << 40).st_size);
	EXPECT_EQ(0, c->script->set_returned);
	EXPECT_EQ(S_IFREG | 07531, shown(c, SWITCHFS_ATTR_MODE, 07531).st_mode);
	st = shown(c, SWITCHFS_ATTR_UID, 4711);
	EXPECT_EQ(4711, st.st_uid);
	EXPECT_EQ(real.st_gid, st.st_gid);
	EXPECT_EQ(4712, shown(c, SWITCHFS_ATTR_GID, 4712).st_gid);
	EXPECT_EQ(99, shown(c, SWITCHFS_ATTR_NLINK, 99).st_nlink);
	st = shown(c, SWITCHFS_ATTR_ATIME, 1234567890123456789ULL);
	EXPECT_EQ(1234567890, st.st_atim.tv_sec);
	EXPECT_EQ(123456789, st.st_atim.tv_nsec);
	st = shown(c, SWITCHFS_ATTR_MTIME, 2000000000000000003ULL);
	EXPECT_EQ(2000000000, st.st_mtim.tv_sec);
	EXPECT_EQ(3, st.st_mtim.tv_nsec);
	/* Before 1970. */
	st = shown(c, SWITCHFS_ATTR_CTIME, -1000000001LL);
	EXPECT_EQ(-2, st.st_ctim.tv_sec);
	EXPECT_EQ(999999999, st.st_ctim.tv_nsec);
	/* By a descriptor, and statx. */
	shown(c, SWITCHFS_ATTR_SIZE, 77);
	EXPECT_OK(fstat(fd, &st));
	EXPECT_EQ(77, st.st_size);
	EXPECT_OK(statx(AT_FDCWD, "mnt/f", 0, STATX_SIZE, &stx));
	EXPECT_EQ(77, stx.stx_size);
	/* It is only shown: nothing else goes by it. */
	EXPECT_STREQ("text", get("mnt/f"));
	EXPECT_EQ(4, lseek(fd, 0, SEEK_END));
	shown(c, SWITCHFS_ATTR_MODE, 0);
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/f", O_RDONLY)));
	EXPECT_EQ(real.st_mode, stat_of("hot/f").st_mode);
	EXPECT_EQ(g.st_size, stat_of("mnt/g").st_size);
	EXPECT_EQ(g.st_mode, stat_of("mnt/g").st_mode);
	c->script->sets = 0;
	EXPECT_EQ(4, stat_of("mnt/f").st_size);
	EXPECT_EQ(real.st_mode, stat_of("mnt/f").st_mode);
	close(fd);
}

TEST_F(site, each_attribute_can_be_shown_otherwise)
{
	BEGIN(&shape);
	show_each(_metadata, &shape);
}

TEST_F(site, each_attribute_by_a_program_that_sleeps)
{
	BEGIN(&sleeping);
	show_each(_metadata, &sleeping);
}

TEST_F(site, values_that_cannot_be_are_refused)
{
	static const struct {
		unsigned int field;
		__u64 value;
	} bad[] = {
		{ SWITCHFS_ATTR_SIZE, 1ULL << 63 }, { SWITCHFS_ATTR_SIZE, -1 },
		{ SWITCHFS_ATTR_MODE, 010000 }, { SWITCHFS_ATTR_MODE, S_IFDIR | 0755 },
		{ SWITCHFS_ATTR_UID, 0xffffffff }, { SWITCHFS_ATTR_UID, 1ULL << 32 },
		{ SWITCHFS_ATTR_GID, 0xffffffff }, { SWITCHFS_ATTR_GID, 1ULL << 40 },
		{ SWITCHFS_ATTR_NLINK, 0 }, { SWITCHFS_ATTR_NLINK, 1ULL << 32 },
		{ 8, 1 }, { 0xffffffff, 1 },
	};
	struct stat before, after;
	size_t i;

	BEGIN(&shape);
	before = stat_of("mnt/f");
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		after = shown(&shape, bad[i].field, bad[i].value);
		EXPECT_EQ(-EINVAL, shape.script->set_returned) TH_LOG("%zu", i);
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before))) TH_LOG("%zu", i);
	}
}

TEST_F(site, attributes_depend_on_who_looks)
{
	BEGIN(&shape);
	shape.script->uid = SOMEONE;
	shown(&shape, SWITCHFS_ATTR_SIZE, 1);
	user_become(SOMEONE);
	EXPECT_EQ(1, stat_of("mnt/f").st_size);
	user_return();
	EXPECT_EQ(4, stat_of("mnt/f").st_size);
	user_become(SOMEONE_ELSE);
	EXPECT_EQ(4, stat_of("mnt/f").st_size);
	user_return();
}

TEST_F(site, getattr_can_refuse)
{
	BEGIN(&shape);
	strcpy(shape.script->match, "f");
	shape.script->getattr = -EPERM;
	EXPECT_ERR(EPERM, lstat("mnt/f", &(struct stat){}));
	EXPECT_OK(lstat("mnt/g", &(struct stat){}));
	EXPECT_STREQ("text", get("mnt/f"));
	/* What it had set is not shown either. */
	shown(&shape, SWITCHFS_ATTR_SIZE, 1);
	EXPECT_ERR(EPERM, lstat("mnt/f", &(struct stat){}));
	EXPECT_EQ(0, counted("mnt", "bpf invalid"));
	shape.script->getattr = -4095;
	EXPECT_ERR(EIO, lstat("mnt/f", &(struct stat){}));
	shape.script->getattr = -512;
	EXPECT_ERR(EIO, lstat("mnt/f", &(struct stat){}));
	shape.script->getattr = INT_MIN;
	EXPECT_ERR(EIO, lstat("mnt/f", &(struct stat){}));
	EXPECT_EQ(3, counted("mnt", "bpf invalid"));
}

static char room[8];

/* Operations, each of which a rule denies. */
#define REFUSED(X)							\
X(LOOKUP, lstat("mnt/x", &(struct stat){}))				\
X(CREATE, open("mnt/x", O_CREAT | O_WRONLY, 0644))			\
X(MKDIR, mkdir("mnt/x", 0755))						\
X(MKNOD, mkfifo("mnt/x", 0644))						\
X(SYMLINK, symlink("f", "mnt/x"))					\
X(LINK, link("mnt/f", "mnt/x"))						\
X(UNLINK, unlink("mnt/f"))						\
X(RMDIR, rmdir("mnt/d"))						\
X(RENAME, rename("mnt/f", "mnt/x"))					\
X(GETATTR, lstat("mnt/f", &(struct stat){}))				\
X(SETATTR, chmod("mnt/f", 0600))					\
X(GETXATTR, getxattr("mnt/f", "user.a", room, 8))			\
X(SETXATTR, setxattr("mnt/f", "user.a", "", 0, 0))			\
X(LISTXATTR, listxattr("mnt/f", room, 8))				\
X(REMOVEXATTR, removexattr("mnt/f", "user.a"))				\
X(STATFS, statfs("mnt/f", &(struct statfs){}))				\
X(OPEN, open("mnt/f", O_RDONLY))

#define FUNCTION(op, call) static int refused_##op(void) { return ERR(call); }
#define ROW(op, call) { SWITCHFS_OP_##op, #op, refused_##op },

REFUSED(FUNCTION)

static const struct {
	int op;
	const char *name;
	int (*run)(void);
} refused[] = { REFUSED(ROW) };

static void replace_each(struct __test_metadata *_metadata, struct chooser *c)
{
	char word[16];
	size_t i, n;
	int err;

	for (i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		for (n = 0; refused[i].name[n]; n++)
			word[n] = refused[i].name[n] + 32;
		word[n] = '\0';
		ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, "rule",
					      fmt("op=%s -> deny:EPERM", word), END))
			TH_LOG("%s", mount_log);
		c->script->error = 0;
		EXPECT_EQ(EPERM, refused[i].run()) TH_LOG("%s", word);
		c->script->error = -ENOSPC;
		c->script->error_of = EPERM;
		err = refused[i].run();
		EXPECT_EQ(ENOSPC, err) TH_LOG("%s: %s", word, strerror(err));
		EXPECT_EQ(EPERM, c->script->last_error) TH_LOG("%s", word);
		EXPECT_LT(0, c->script->asked_error[refused[i].op]) TH_LOG("%s", word);
		c->script->error_of = EROFS;
		EXPECT_EQ(EPERM, refused[i].run()) TH_LOG("%s", word);
	}
	EXPECT_STREQ("d f g", names_in("hot"));
}

TEST_F(site, errors_are_replaced)
{
	BEGIN(&shape);
	replace_each(_metadata, &shape);
}

TEST_F(site, errors_are_replaced_by_a_program_that_sleeps)
{
	BEGIN(&sleeping);
	replace_each(_metadata, &sleeping);
}

TEST_F(site, errors_of_branches_are_replaced_for_one_caller)
{
	BEGIN(&shape);
	DOES(put("hot/d/x", ""));
	shape.script->error = -EBUSY;
	shape.script->uid = 0;
	EXPECT_ERR(EBUSY, rmdir("mnt/d"));
	EXPECT_EQ(ENOTEMPTY, shape.script->last_error);
	shape.script->uid = SOMEONE;
	EXPECT_ERR(ENOTEMPTY, rmdir("mnt/d"));
	EXPECT_STREQ("x", names_in("hot/d"));
}

TEST_F(site, error_is_not_called_for_what_succeeded)
{
	int i;

	BEGIN(&shape);
	shape.script->error = -ENOSPC;
	DOES(put("mnt/new", "new"));
	EXPECT_STREQ("new", get("mnt/new"));
	ASSERT_OK(rename("mnt/new", "mnt/newer"));
	ASSERT_OK(link("mnt/newer", "mnt/link"));
	ASSERT_OK(mkdir("mnt/newdir", 0755));
	ASSERT_OK(rmdir("mnt/newdir"));
	ASSERT_OK(unlink("mnt/link"));
	ASSERT_OK(chmod("mnt/newer", 0600));
	ASSERT_OK(setxattr("mnt/newer", "user.a", "a", 1, 0));
	EXPECT_EQ(1, getxattr("mnt/newer", "user.a", &i, 1));
	ASSERT_OK(truncate("mnt/newer", 1));
	EXPECT_STREQ("d f g newer", names_in("mnt"));
	for (i = 0; i < SCRIPT_OPS; i++) {
		/* Names are looked for before they are made; the kernel asks for capabilities. */
		if (i != SWITCHFS_OP_LOOKUP && i != SWITCHFS_OP_GETXATTR) {
			EXPECT_EQ(0, shape.script->asked_error[i]) TH_LOG("%d", i);
		}
	}
}

TEST_F(site, errors_that_are_none_are_eio)
{
	static const int bad[] = { -4095, -512, -134, INT_MIN, INT_MAX, 512 };
	size_t i;

	BEGIN(&shape);
	DOES(put("hot/d/x", ""));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		shape.script->error = bad[i];
		EXPECT_ERR(EIO, rmdir("mnt/d")) TH_LOG("%d", bad[i]);
	}
	EXPECT_EQ(sizeof(bad) / sizeof(*bad), counted("mnt", "bpf invalid"));
	/* 0 keeps what it was. */
	shape.script->error = 0;
	EXPECT_ERR(ENOTEMPTY, rmdir("mnt/d"));
	EXPECT_TRUE(present("hot/d"));
}

int main(int argc, char **argv)
{
	scale_time_limits();
	if (script_load(&shape, "script", GETATTR | ERROR, 0))
		trouble = "shape";
	else if (script_load(&sleeping, "script", GETATTR | ERROR | SLEEPS, 0))
		trouble = "sleeping";
	return test_harness_run(argc, argv);
}
