// SPDX-License-Identifier: GPL-2.0-only
/* Each verdict that a program can give, for each operation. */
#include "explain.h"
#include "load.h"
#include "site.h"

#include <dirent.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <linux/fs.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_RAM };

static struct chooser route;
static const char *trouble;

enum { HOT, COLD };

#define BEGIN()									\
	do {									\
		ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);	\
		script_reset(&route);						\
		DOES(chooser_register(&route));					\
	} while (0)
#define MOUNT(...)								\
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script", ##__VA_ARGS__)) \
		TH_LOG("%s", mount_log)
/* Lets nothing count that was said before. */
#define AFRESH()								\
	do {									\
		ASSERT_EQ(0, switchfs_remount("mnt", "chooser", "none", END));	\
		ASSERT_EQ(0, switchfs_remount("mnt", "chooser", "bpf:script", END)); \
	} while (0)
#define SAY(op, word) (route.script->route[SWITCHFS_OP_##op] = (word))
#define ASKED(op) (route.script->asked[SWITCHFS_OP_##op])

static char room[64];

static int lists(const char *dir)
{
	DIR *d = opendir(dir);
	int err = errno;

	if (d) {
		errno = 0;
		readdir(d);
		err = errno;
		closedir(d);
	} else {
		err = errno;
	}
	errno = err;
	return err ? -1 : 0;
}

static int puts_in(const char *path)
{
	errno = put(path, "");
	return errno ? -1 : 0;
}

/* Opens PATH and does CALL with fd; its errno. */
#define WITH(path, flags, call)							\
	({									\
		int fd = open(path, (flags) | O_CLOEXEC), failed = fd, err;	\
		if (fd >= 0)							\
			failed = (call) < 0 ? -1 : 0;				\
		err = errno;							\
		if (fd >= 0)							\
			close(fd);						\
		errno = err;							\
		failed;								\
	})

static int maps(int fd)
{
	void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (at != MAP_FAILED)
		munmap(at, 4096);
	return at == MAP_FAILED ? -1 : 0;
}

static int splices(int fd)
{
	int ends[2], n, err;

	if (pipe(ends))
		return -1;
	n = splice(fd, NULL, ends[1], NULL, 1, 0);
	err = errno;
	close(ends[0]);
	close(ends[1]);
	errno = err;
	return n;
}

static int flags_of(int fd)
{
	int flags;

	return ioctl(fd, FS_IOC_GETFLAGS, &flags);
}

static int copies(int fd)
{
	int to = open("mnt/g", O_WRONLY | O_CLOEXEC), n, err;
	loff_t at = 100;

	n = to < 0 ? -1 : copy_file_range(fd, NULL, to, &at, 1, 0);
	err = errno;
	close(to);
	errno = err;
	return n;
}

/* X(OP, CALL) */
#define OPERATIONS(X)							\
X(LOOKUP, lstat("mnt/g", &(struct stat){}))				\
X(READDIR, lists("mnt/d"))						\
X(CREATE, puts_in("mnt/x"))						\
X(MKDIR, mkdir("mnt/x", 0755))						\
X(MKNOD, mkfifo("mnt/x", 0600))						\
X(SYMLINK, symlink("g", "mnt/x"))					\
X(LINK, link("mnt/g", "mnt/x"))						\
X(UNLINK, unlink("mnt/g"))						\
X(RMDIR, rmdir("mnt/d"))						\
X(RENAME, rename("mnt/g", "mnt/x"))					\
X(TMPFILE, open("mnt/d", O_TMPFILE | O_RDWR, 0600))			\
X(GETATTR, lstat("mnt/g", &(struct stat){}))				\
X(SETATTR, chmod("mnt/g", 0600))					\
X(READLINK, readlink("mnt/s", room, 8))				\
X(GETXATTR, getxattr("mnt/g", "user.a", room, 8))			\
X(SETXATTR, setxattr("mnt/g", "user.a", "", 0, 0))			\
X(LISTXATTR, listxattr("mnt/g", room, 8))				\
X(REMOVEXATTR, removexattr("mnt/g", "user.a"))				\
X(FILEATTR, WITH("mnt/g", O_RDONLY, flags_of(fd)))			\
X(STATFS, statfs("mnt/g", &(struct statfs){}))				\
X(OPEN, WITH("mnt/g", O_RDONLY, 0))					\
X(READ, WITH("mnt/g", O_RDONLY, read(fd, room, 1)))			\
X(WRITE, WITH("mnt/g", O_WRONLY, write(fd, "g", 1)))			\
X(MMAP, WITH("mnt/g", O_RDONLY, maps(fd)))				\
X(SPLICE, WITH("mnt/g", O_RDONLY, splices(fd)))			\
X(LSEEK, WITH("mnt/g", O_RDONLY, lseek(fd, 0, SEEK_HOLE)))		\
X(COPY, WITH("mnt/g", O_RDONLY, copies(fd)))

#define FUNCTION(op, call) static int do_##op(void) { return ERR(call); }
#define ROW(op, call) { SWITCHFS_OP_##op, #op, do_##op },

OPERATIONS(FUNCTION)

static const struct {
	int op;
	const char *name;
	int (*run)(void);
} operations[] = { OPERATIONS(ROW) };

#define EACH(i) for (i = 0; i < sizeof(operations) / sizeof(*operations); i++)

static int make_objects(const char *in)
{
	return put(fmt("%s/g", in), in) ?: ERR(symlink(in, fmt("%s/s", in))) ?:
	       ERR(mkdir(fmt("%s/d", in), 0777)) ?: ERR(chmod(in, 0777));
}

/* A verdict that is kept, and one that is asked for each time. */
static void deny_each(struct __test_metadata *_metadata, __u64 kept)
{
	size_t i;
	int err;

	EACH(i) {
		__u64 *word = &route.script->route[operations[i].op];

		AFRESH();
		/* What was met before it was denied. */
		stat_of("mnt/g");
		stat_of("mnt/d");
		AFRESH();
		*word = SWITCHFS_DENY_WITH(EPERM) | kept;
		err = operations[i].run();
		EXPECT_EQ(EPERM, err) TH_LOG("%s: %s", operations[i].name, strerror(err));
		err = operations[i].run();
		EXPECT_EQ(EPERM, err) TH_LOG("%s again: %s", operations[i].name, strerror(err));
		EXPECT_LT(0, route.script->asked[operations[i].op])
			TH_LOG("%s", operations[i].name);
		*word = 0;
	}
	EXPECT_STREQ("d g s", names_in("hot"));
	EXPECT_STREQ("hot", get("hot/g"));
}

TEST_F(site, every_operation_can_be_denied)
{
	DOES(make_objects("hot"));
	BEGIN();
	MOUNT();
	deny_each(_metadata, 0);
	deny_each(_metadata, SWITCHFS_FOR_ALL);
}

TEST_F(site, denied_to_one_caller_by_an_errno_of_its_choice)
{
	DOES(make_objects("hot"));
	ASSERT_OK(chmod("hot/g", 0666));
	BEGIN();
	route.script->uid = SOMEONE;
	SAY(OPEN, SWITCHFS_DENY_WITH(EROFS));
	SAY(CREATE, SWITCHFS_DENY_WITH(ENOSPC));
	MOUNT();
	EXPECT_EQ(EROFS, AS_USER(SOMEONE, open("mnt/g", O_RDONLY)));
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, open("mnt/g", O_RDONLY)));
	EXPECT_EQ(ENOSPC, AS_USER(SOMEONE, open("mnt/new", O_CREAT | O_WRONLY, 0644)));
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, open("mnt/new", O_CREAT | O_WRONLY, 0644)));
	EXPECT_EQ(SOMEONE, route.script->seen.caller_uid);
}

TEST_F(site, denied_names_stay_listed_hidden_ones_do_not)
{
	DOES(make_objects("hot"));
	BEGIN();
	strcpy(route.script->match, "g");
	MOUNT();
	SAY(LOOKUP, SWITCHFS_DENY_WITH(EPERM));
	EXPECT_STREQ("d g s", names_in("mnt"));
	EXPECT_ERR(EPERM, lstat("mnt/g", &(struct stat){}));
	SAY(LOOKUP, SWITCHFS_HIDE);
	EXPECT_STREQ("d s", names_in("mnt"));
	EXPECT_ERR(ENOENT, lstat("mnt/g", &(struct stat){}));
	EXPECT_ERR(EACCES, mkdir("mnt/g", 0755));
	EXPECT_ERR(EACCES, rename("mnt/s", "mnt/g"));
	SAY(LOOKUP, WORD_ALL(SWITCHFS_HIDE));
	EXPECT_STREQ("d s", names_in("mnt"));
	EXPECT_ERR(ENOENT, lstat("mnt/g", &(struct stat){}));
	EXPECT_ERR(EACCES, mkdir("mnt/g", 0755));
	/* To all other operations it is a refusal. */
	SAY(LOOKUP, SWITCHFS_RULES);
	SAY(GETATTR, SWITCHFS_HIDE);
	AFRESH();
	EXPECT_OK(access("mnt/g", F_OK));
	EXPECT_ERR(ENOENT, lstat("mnt/g", &(struct stat){}));
	EXPECT_STREQ("hot", get("mnt/g"));
}

static void route_each(struct __test_metadata *_metadata, __u64 kept)
{
	struct stat st;

	SAY(OPEN, SWITCHFS_TO_BRANCH(COLD) | kept);
	EXPECT_STREQ("cold", get("mnt/g"));
	EXPECT_EQ(3, stat_of("mnt/g").st_size);
	SAY(GETATTR, SWITCHFS_TO_BRANCH(COLD) | kept);
	SAY(READLINK, SWITCHFS_TO_BRANCH(COLD) | kept);
	SAY(SETATTR, SWITCHFS_TO_BRANCH(COLD) | kept);
	SAY(SETXATTR, SWITCHFS_TO_BRANCH(COLD) | kept);
	SAY(GETXATTR, SWITCHFS_TO_BRANCH(COLD) | kept);
	AFRESH();
	st = stat_of("mnt/g");
	EXPECT_EQ(4, st.st_size);
	EXPECT_EQ(4, readlink("mnt/s", room, sizeof(room)));
	ASSERT_OK(chmod("mnt/g", 0640));
	EXPECT_EQ(0640, stat_of("cold/g").st_mode & 07777);
	EXPECT_EQ(0644, stat_of("hot/g").st_mode & 07777);
	ASSERT_OK(setxattr("mnt/g", "user.a", "value", 5, 0));
	EXPECT_EQ(5, getxattr("mnt/g", "user.a", room, sizeof(room)));
	EXPECT_EQ(5, getxattr("cold/g", "user.a", room, sizeof(room)));
	EXPECT_ERR(ENODATA, getxattr("hot/g", "user.a", room, sizeof(room)));
	ASSERT_OK(chmod("cold/g", 0644));
	/* The home stays whose it is. */
	AFRESH();
	route.script->route[SWITCHFS_OP_GETATTR] = 0;
	EXPECT_EQ(st.st_ino, stat_of("mnt/g").st_ino);
	EXPECT_EQ(3, stat_of("mnt/g").st_size);
}

TEST_F(site, operations_go_to_branches)
{
	DOES(make_objects("hot"));
	DOES(make_objects("cold"));
	BEGIN();
	MOUNT();
	route_each(_metadata, 0);
	script_reset(&route);
	AFRESH();
	route_each(_metadata, SWITCHFS_FOR_ALL);
}

TEST_F(site, reads_and_writes_can_go_apart)
{
	char buf[8] = "";
	int fd;

	DOES(make_objects("hot"));
	DOES(make_objects("cold"));
	BEGIN();
	SAY(WRITE, WORD_ALL(SWITCHFS_TO_BRANCH(COLD)));
	MOUNT();
	fd = open("mnt/g", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwrite(fd, "C", 1, 0));
	EXPECT_EQ(3, pread(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("hot", buf);
	close(fd);
	EXPECT_STREQ("Cold", get("cold/g"));
}

TEST_F(site, names_have_the_home_that_it_gives)
{
	__u64 words[] = { SWITCHFS_TO_BRANCH(COLD), WORD_ALL(SWITCHFS_TO_BRANCH(COLD)) };
	size_t i;

	DOES(make_objects("hot"));
	DOES(make_objects("cold"));
	DOES(put("cold/there", "t"));
	DOES(put("hot/here", "h"));
	BEGIN();
	MOUNT();
	for (i = 0; i < 2; i++) {
		SAY(LOOKUP, words[i]);
		SAY(CREATE, WORD_ALL(SWITCHFS_TO_BRANCH(COLD)));
		SAY(MKDIR, WORD_ALL(SWITCHFS_TO_BRANCH(COLD)));
		AFRESH();
		EXPECT_STREQ("cold", get("mnt/g"));
		EXPECT_STREQ("d g s there", names_in("mnt"));
		EXPECT_ERR(ENOENT, lstat("mnt/here", &(struct stat){}));
		DOES(put("mnt/new", "n"));
		EXPECT_STREQ("n", get("cold/new"));
		EXPECT_STREQ("n", get("mnt/new"));
		ASSERT_OK(mkdir("mnt/newdir", 0755));
		DOES(put("mnt/newdir/f", "f"));
		EXPECT_STREQ("f", get("cold/newdir/f"));
		ASSERT_OK(unlink("mnt/newdir/f"));
		ASSERT_OK(rmdir("mnt/newdir"));
		ASSERT_OK(unlink("mnt/new"));
		EXPECT_STREQ("d g here s", names_in("hot"));
		script_reset(&route);
	}
	AFRESH();
	EXPECT_STREQ("hot", get("mnt/g"));
	EXPECT_STREQ("d g here s", names_in("mnt"));
}

/* As for rules: what is made has to be found again. */
TEST_F(site, object_made_elsewhere_than_it_is_found_is_refused)
{
	DOES(make_objects("hot"));
	BEGIN();
	SAY(CREATE, WORD_ALL(SWITCHFS_TO_BRANCH(COLD)));
	SAY(MKDIR, WORD_ALL(SWITCHFS_TO_BRANCH(COLD)));
	MOUNT();
	EXPECT_EQ(EINVAL, put("mnt/new", "n"));
	EXPECT_ERR(EINVAL, mkdir("mnt/newdir", 0755));
	EXPECT_STREQ("", names_in("cold"));
	EXPECT_STREQ("d g s", names_in("hot"));
	/* Not for one caller only: that would give names two homes. */
	SAY(CREATE, SWITCHFS_TO_BRANCH(COLD));
	AFRESH();
	EXPECT_EQ(EIO, put("mnt/new", "n"));
	EXPECT_STREQ("", names_in("cold"));
}

TEST_F(site, first_of_some_that_has_it)
{
	DOES(put("hot/both", "hot"));
	DOES(put("cold/both", "cold"));
	DOES(put("cold/one", "cold"));
	DOES(put("hot/third", "hot"));
	BEGIN();
	SAY(LOOKUP, WORD_ALL(SWITCHFS_FIRST_OF(HOT, COLD)));
	SAY(CREATE, WORD_ALL(SWITCHFS_FIRST_OF(HOT, COLD)));
	MOUNT();
	EXPECT_STREQ("hot", get("mnt/both"));
	EXPECT_STREQ("cold", get("mnt/one"));
	EXPECT_STREQ("both one third", names_in("mnt"));
	DOES(put("mnt/new", "n"));
	EXPECT_STREQ("n", get("hot/new"));
	/* Where it is may change at any time. */
	ASSERT_OK(unlink("hot/both"));
	EXPECT_STREQ("cold", get("mnt/both"));
	DOES(put("hot/one", "moved"));
	EXPECT_STREQ("moved", get("mnt/one"));
	SAY(LOOKUP, WORD_ALL(SWITCHFS_FIRST_OF(COLD, HOT)));
	SAY(CREATE, WORD_ALL(SWITCHFS_FIRST_OF(COLD, HOT)));
	AFRESH();
	EXPECT_STREQ("cold", get("mnt/one"));
	EXPECT_STREQ("hot", get("mnt/third"));
	EXPECT_EQ(0, put("mnt/newer", "n"));
	EXPECT_STREQ("n", get("cold/newer"));
}

TEST_F(site, first_of_some_for_data)
{
	DOES(put("hot/f", "hot"));
	DOES(put("hot/both", "hot"));
	DOES(put("cold/both", "cold"));
	BEGIN();
	SAY(OPEN, WORD_ALL(SWITCHFS_FIRST_OF(COLD, HOT)));
	MOUNT();
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_STREQ("cold", get("mnt/both"));
	DOES(put("cold/f", "came"));
	EXPECT_STREQ("came", get("mnt/f"));
	ASSERT_OK(unlink("cold/f"));
	EXPECT_STREQ("hot", get("mnt/f"));
}

TEST_F(site, gate_has_to_agree)
{
	__u64 words[] = { SWITCHFS_GATE_TO(COLD, HOT), WORD_ALL(SWITCHFS_GATE_TO(COLD, HOT)) };
	size_t i;

	DOES(put("hot/both", "hot"));
	DOES(put("cold/both", "gate"));
	DOES(put("hot/one", "hot"));
	BEGIN();
	MOUNT();
	for (i = 0; i < 2; i++) {
		SAY(OPEN, words[i]);
		AFRESH();
		EXPECT_STREQ("hot", get("mnt/both"));
		EXPECT_EQ(3, stat_of("mnt/one").st_size);
		EXPECT_EQ(ENOENT, opens("mnt/one", O_RDONLY));
		ASSERT_OK(chmod("cold/both", 0));
		EXPECT_STREQ("hot", get("mnt/both"));
		EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("cold/both", O_RDONLY)));
		ASSERT_OK(chmod("cold/both", 0644));
		SAY(OPEN, 0);
		SAY(LOOKUP, words[i]);
		AFRESH();
		EXPECT_STREQ("hot", get("mnt/both"));
		EXPECT_ERR(ENOENT, lstat("mnt/one", &(struct stat){}));
		EXPECT_STREQ("both", names_in("mnt"));
		SAY(LOOKUP, 0);
	}
}

TEST_F(site, rules_decide_where_it_says_nothing)
{
	DOES(make_objects("hot"));
	DOES(make_objects("cold"));
	BEGIN();
	MOUNT("rule", "op=open name=g -> cold", "rule", "op=getattr name=g -> deny:EPERM");
	EXPECT_STREQ("cold", get("mnt/g"));
	EXPECT_ERR(EPERM, lstat("mnt/g", &(struct stat){}));
	/* What it says holds before any rule. */
	SAY(OPEN, WORD_ALL(SWITCHFS_TO_BRANCH(HOT)));
	SAY(GETATTR, WORD_ALL(SWITCHFS_TO_BRANCH(COLD)));
	AFRESH();
	EXPECT_STREQ("hot", get("mnt/g"));
	EXPECT_EQ(4, stat_of("mnt/g").st_size);
}

TEST_F(site, it_is_told_what_the_call_knows)
{
	DOES(make_objects("hot"));
	ASSERT_OK(chown("hot/g", 12, 34));
	ASSERT_OK(chmod("hot/g", 0646));
	BEGIN();
	strcpy(route.script->match, "g");
	route.script->see = SWITCHFS_OP_OPEN;
	MOUNT();
	EXPECT_EQ(0, AS_USER(SOMEONE, open("mnt/g", O_RDWR | O_APPEND)));
	EXPECT_EQ(SWITCHFS_OP_OPEN, route.script->seen.op);
	EXPECT_EQ(2, route.script->seen.branches);
	EXPECT_EQ(S_IFREG, route.script->seen.type);
	EXPECT_EQ(0646, route.script->seen.mode);
	EXPECT_EQ(12, route.script->seen.uid);
	EXPECT_EQ(34, route.script->seen.gid);
	EXPECT_EQ(3, route.script->seen.size);
	EXPECT_EQ(stat_of("mnt/g").st_ino, route.script->seen.ino);
	EXPECT_EQ(0, route.script->seen.home);
	EXPECT_EQ(1, route.script->seen.depth);
	EXPECT_EQ(1, route.script->seen.name_len);
	EXPECT_EQ(SWITCHFS_READS | SWITCHFS_WRITES, route.script->seen.access);
	EXPECT_EQ(O_APPEND | O_RDWR, route.script->seen.open_flags & (O_APPEND | O_ACCMODE));
	EXPECT_EQ(SOMEONE, route.script->seen.caller_uid);
	EXPECT_EQ(SOMEONE, route.script->seen.caller_gid);
	/* Of what is made, its type. */
	DOES(put("mnt/gx", ""));
	EXPECT_LT(0, ASKED(CREATE));
	route.script->see = SWITCHFS_OP_MKDIR;
	memset(&route.script->seen, 0, sizeof(route.script->seen));
	route.script->route[SWITCHFS_OP_MKDIR] = SWITCHFS_DENY_WITH(EPERM);
	EXPECT_ERR(EPERM, mkdir("mnt/gdir", 0755));
	EXPECT_EQ(SWITCHFS_OP_MKDIR, route.script->seen.op);
	EXPECT_EQ(S_IFDIR, route.script->seen.type);
	EXPECT_EQ(-1, route.script->seen.home);
}

#define EXPECT_LINE(expected, text, op)				\
	EXPECT_STREQ(expected, line_of(text, op)) TH_LOG("of %s in: %s", op, text)

TEST_F(site, what_it_says_is_shown)
{
	const char *text;

	DOES(make_objects("hot"));
	DOES(put("cold/g", "cold"));
	BEGIN();
	strcpy(route.script->match, "g");
	SAY(OPEN, WORD_ALL(SWITCHFS_TO_BRANCH(COLD)));
	SAY(SETATTR, SWITCHFS_DENY_WITH(EPERM));
	SAY(READLINK, SWITCHFS_HIDE);
	SAY(GETXATTR, SWITCHFS_GATE_TO(COLD, HOT));
	SAY(LISTXATTR, WORD_ALL(SWITCHFS_FIRST_OF(COLD, HOT)));
	MOUNT("rule", "op=getattr name=g -> cold");
	text = route_of("mnt/g");
	EXPECT_LINE("hot /g default 1", text, "lookup");
	EXPECT_LINE("cold /g 1 1", text, "getattr");
	EXPECT_LINE("cold /g bpf 1", text, "open");
	EXPECT_LINE("cold /g bpf 1", text, "read");
	EXPECT_LINE("deny:EPERM - bpf -", text, "setattr");
	EXPECT_LINE("gate:cold:hot /g bpf 1", text, "getxattr");
	EXPECT_LINE("cold /g bpf 1", text, "listxattr");
	/* Of a name that is not there, too. */
	SAY(LOOKUP, WORD_ALL(SWITCHFS_TO_BRANCH(COLD)));
	SAY(CREATE, WORD_ALL(SWITCHFS_TO_BRANCH(COLD)));
	SAY(MKDIR, WORD_ALL(SWITCHFS_TO_BRANCH(HOT)));
	AFRESH();
	text = route_in("mnt", "gnew", S_IFREG);
	EXPECT_LINE("cold /gnew bpf -", text, "lookup");
	EXPECT_LINE("cold /gnew bpf -", text, "create");
	EXPECT_LINE("lost:hot - bpf -", text, "mkdir");
	EXPECT_LINE("cold /gnew default -", text, "symlink");
	EXPECT_STREQ("cold", get("mnt/g"));
}

TEST_F(site, only_the_operations_are_asked_that_it_names)
{
	static struct chooser some;
	int i;

	ASSERT_EQ(NULL, trouble);
	ASSERT_EQ(0, script_load(&some, "some", ROUTE,
				 1 << SWITCHFS_OP_OPEN | 1 << SWITCHFS_OP_UNLINK));
	script_reset(&some);
	for (i = 0; i < SCRIPT_OPS; i++)
		some.script->route[i] = SWITCHFS_DENY_WITH(EPERM);
	DOES(make_objects("hot"));
	DOES(chooser_register(&some));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:some"));
	EXPECT_OK(lstat("mnt/g", &(struct stat){}));
	EXPECT_OK(chmod("mnt/g", 0600));
	DOES(mkdir("mnt/x", 0755));
	EXPECT_EQ(EPERM, opens("mnt/g", O_RDONLY));
	EXPECT_ERR(EPERM, unlink("mnt/g"));
	for (i = 0; i < SCRIPT_OPS; i++) {
		EXPECT_EQ(i == SWITCHFS_OP_OPEN || i == SWITCHFS_OP_UNLINK, !!some.script->asked[i])
			TH_LOG("%d", i);
	}
	ASSERT_OK(umount2("mnt", 0));
	chooser_unload(&some);
}

int main(int argc, char **argv)
{
	scale_time_limits();
	if (script_load(&route, "script", ROUTE, 0))
		trouble = "script";
	return test_harness_run(argc, argv);
}
