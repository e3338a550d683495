// SPDX-License-Identifier: GPL-2.0-only
/* A server that has to agree, and then is out of the way. */
#include "switchfs_test.h"

#include <dirent.h>
#include <linux/fuse.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

FIXTURE(gate) {
	struct world w;
	struct server s;
	char hot[PATH_SIZE], srv[PATH_SIZE];
};

FIXTURE_SETUP(gate)
{
	NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(make_path("hot/d"));
	DOES(make_path("hot.staging"));
	DOES(make_path("srv-source/d"));
	snprintf(self->hot, PATH_SIZE, "hot=%s/hot", self->w.work);
	snprintf(self->srv, PATH_SIZE, "srv=%s/srv", self->w.work);
}

FIXTURE_TEARDOWN(gate)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		server_stop(&self->s);
	}
	world_leave(&self->w);
}

/* Without default_permissions, so that it is asked about each access. */
static int start(struct world *w, struct server *s)
{
	const char *dir = fmt("%s/srv", w->work);
	const char *const options[] = {
		"-oallow_other,dev,suid", "--access", fmt("--fail=%s-fail", dir),
		fmt("--hydrate=%s/hot", w->work), NULL,
	};

	return server_start(s, dir, options) ?: server_fails(s);
}

#define MOUNT(...)							\
	switchfs_mount("mnt", "branch", self->hot, "branch", self->srv,	##__VA_ARGS__, END)
/* As the README has it: what is local is served so, opening makes it local. */
#define MOUNT_HYDRATING()						\
	MOUNT("rule", "exists=hot -> hot", "rule", "op=data -> gate:srv hot",	\
	      "rule", "path=/** -> srv")

static int gate_op(const char *op)
{
	return switchfs_remount("mnt", "norules", NULL, "rule",
				fmt("op=%s path=/d/** -> gate:srv hot", op), END);
}

static char scratch[64];

static int closing(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd;
}

static int lists(const char *dir)
{
	struct dirent **list;

	return scandir(dir, &list, NULL, alphasort);
}

/* X(OP, THE SAME REQUEST, CALL) */
#define READING(X)							\
X(lookup, FUSE_LOOKUP, "LOOKUP", access("mnt/d/f", F_OK))		\
X(open, FUSE_OPEN, "OPEN", closing(open("mnt/d/f", O_RDONLY)))	\
X(readdir, FUSE_READDIR, "READDIR", lists("mnt/d"))			\
X(getattr, FUSE_GETATTR, "GETATTR", lstat("mnt/d/f", &(struct stat){}))	\
X(readlink, FUSE_READLINK, "READLINK", readlink("mnt/d/l", scratch, 64)) \
X(getxattr, FUSE_GETXATTR, "GETXATTR", getxattr("mnt/d/f", "user.a", scratch, 64)) \
X(listxattr, FUSE_LISTXATTR, "LISTXATTR", listxattr("mnt/d/f", scratch, 64)) \
X(statfs, FUSE_STATFS, "STATFS", statfs("mnt/d/f", &(struct statfs){}))

#define CHANGING(X)							\
X(setattr, FUSE_SETATTR, "SETATTR", chmod("mnt/d/f", 0600))		\
X(setxattr, FUSE_SETXATTR, "SETXATTR", setxattr("mnt/d/f", "user.b", "b", 1, 0)) \
X(removexattr, FUSE_REMOVEXATTR, "REMOVEXATTR", removexattr("mnt/d/f", "user.b")) \
X(link, FUSE_LINK, "LINK", link("mnt/d/f", "mnt/d/new"))		\
X(rename, FUSE_RENAME2, "RENAME2", rename("mnt/d/new", "mnt/d/f2"))	\
X(unlink, FUSE_UNLINK, "UNLINK", unlink("mnt/d/f2"))			\
X(create, FUSE_CREATE, "CREATE", closing(open("mnt/d/c", O_CREAT | O_RDWR, 0644))) \
X(mkdir, FUSE_MKDIR, "MKDIR", mkdir("mnt/d/dir", 0755))			\
X(rmdir, FUSE_RMDIR, "RMDIR", rmdir("mnt/d/dir"))			\
X(symlink, FUSE_SYMLINK, "SYMLINK", symlink("x", "mnt/d/sym"))		\
X(mknod, FUSE_MKNOD, "MKNOD", mkfifo("mnt/d/p", 0644))			\
X(open, FUSE_OPEN, "OPEN", closing(open("mnt/d/f", O_WRONLY | O_TRUNC)))

#define FUNCTION(op, opcode, word, call) static int on_##op(void) { return ERR(call); }
#define CHANGE_FUNCTION(op, opcode, word, call) static int change_##op(void) { return ERR(call); }
#define ROW(op, opcode, word, call) { #op, opcode, word, on_##op },
#define CHANGE_ROW(op, opcode, word, call) { #op, opcode, word, change_##op },

READING(FUNCTION)
CHANGING(CHANGE_FUNCTION)

struct asking {
	const char *op;
	int opcode;
	const char *word;
	int (*run)(void);
};

static const struct asking reading[] = { READING(ROW) };
static const struct asking changing[] = { CHANGING(CHANGE_ROW) };

static void make_objects(struct __test_metadata *_metadata)
{
	static const char *const places[] = { "hot", "srv-source" };
	int i;

	for (i = 0; i < 2; i++) {
		DOES(put(fmt("%s/d/f", places[i]), "f"));
		ASSERT_OK(setxattr(fmt("%s/d/f", places[i]), "user.a", "a", 1, 0));
		ASSERT_OK(symlink("f", fmt("%s/d/l", places[i])));
	}
}

#define N(table) (int)(sizeof(table) / sizeof(*(table)))

TEST_F(gate, reading_asks_by_the_same_operation)
{
	unsigned long before;
	int i;

	make_objects(_metadata);
	DOES(start(&self->w, &self->s));
	ASSERT_EQ(0, MOUNT()) TH_LOG("%s", mount_log);
	for (i = 0; i < N(reading); i++) {
		ASSERT_EQ(0, gate_op(reading[i].op)) TH_LOG("%s", mount_log);
		before = server_count(&self->s, reading[i].word);
		EXPECT_EQ(0, reading[i].run()) TH_LOG("%s", reading[i].op);
		EXPECT_LT(before, server_count(&self->s, reading[i].word))
			TH_LOG("%s was not asked", reading[i].op);
	}
}

TEST_F(gate, veto_of_reading_reaches_the_caller)
{
	int i;

	make_objects(_metadata);
	DOES(start(&self->w, &self->s));
	ASSERT_EQ(0, MOUNT());
	for (i = 0; i < N(reading); i++) {
		ASSERT_EQ(0, gate_op(reading[i].op));
		self->s.fail[reading[i].opcode] = EDQUOT;
		EXPECT_EQ(EDQUOT, reading[i].run()) TH_LOG("%s", reading[i].op);
		self->s.fail[reading[i].opcode] = 0;
		EXPECT_EQ(0, reading[i].run()) TH_LOG("%s", reading[i].op);
	}
}

TEST_F(gate, changing_asks_for_permission_and_nothing_more)
{
	unsigned long before, same;
	int i;

	make_objects(_metadata);
	/* What is there already at a new name does not matter to it. */
	DOES(put("srv-source/d/f2", ""));
	DOES(put("srv-source/d/new", ""));
	DOES(make_path("srv-source/d/dir"));
	DOES(start(&self->w, &self->s));
	ASSERT_EQ(0, MOUNT());
	for (i = 0; i < N(changing); i++) {
		ASSERT_EQ(0, gate_op(changing[i].op));
		before = server_count(&self->s, "ACCESS");
		same = server_count(&self->s, changing[i].word);
		EXPECT_EQ(0, changing[i].run()) TH_LOG("%s", changing[i].op);
		EXPECT_LT(before, server_count(&self->s, "ACCESS"))
			TH_LOG("%s was not asked", changing[i].op);
		EXPECT_EQ(same, server_count(&self->s, changing[i].word))
			TH_LOG("%s was done there, too", changing[i].op);
	}
	EXPECT_STREQ("dir f f2 l new", names_in("srv-source/d"));
	EXPECT_STREQ("f", get("srv-source/d/f"));
	EXPECT_STREQ("c f l p sym", names_in("hot/d"));
	EXPECT_STREQ("", get("hot/d/f"));
}

TEST_F(gate, veto_of_changing_changes_nothing)
{
	const char *names;
	int i;

	make_objects(_metadata);
	DOES(put("hot/d/new", ""));
	DOES(put("hot/d/f2", ""));
	DOES(make_path("hot/d/dir"));
	DOES(put("srv-source/d/f2", ""));
	DOES(put("srv-source/d/new", ""));
	DOES(make_path("srv-source/d/dir"));
	ASSERT_OK(setxattr("hot/d/f", "user.b", "b", 1, 0));
	DOES(start(&self->w, &self->s));
	ASSERT_EQ(0, MOUNT());
	names = names_in("hot/d");
	for (i = 0; i < N(changing); i++) {
		const char *op = changing[i].op;

		if (!strcmp(op, "link") || !strcmp(op, "mkdir"))
			continue;
		ASSERT_EQ(0, gate_op(op));
		self->s.fail[FUSE_ACCESS] = EDQUOT;
		EXPECT_EQ(EDQUOT, changing[i].run()) TH_LOG("%s", op);
		self->s.fail[FUSE_ACCESS] = 0;
	}
	EXPECT_STREQ(names, names_in("hot/d"));
	EXPECT_STREQ("f", get("hot/d/f"));
	EXPECT_EQ(0644, stat_of("hot/d/f").st_mode & 07777);
	EXPECT_EQ(1, getxattr("hot/d/f", "user.b", scratch, 64));
}

TEST_F(gate, what_the_gate_does_not_have_is_not_there)
{
	DOES(put("hot/d/f", "f"));
	DOES(start(&self->w, &self->s));
	ASSERT_EQ(0, MOUNT("rule", "op=lookup+readdir path=/d/** -> gate:srv hot"));
	EXPECT_FALSE(present("mnt/d/f"));
	EXPECT_STREQ("", names_in("mnt/d"));
	DOES(put("srv-source/d/f", ""));
	EXPECT_STREQ("f", get("mnt/d/f"));
	EXPECT_STREQ("f", names_in("mnt/d"));
}

/* The server hears of the end a moment after close. */
static bool released(const struct server *s, unsigned long n)
{
	int i;

	for (i = 0; i < 500 * time_factor() && server_count(s, "RELEASE") < n; i++)
		usleep(10000);
	return server_count(s, "RELEASE") == n;
}

TEST_F(gate, file_of_the_gate_is_open_until_release)
{
	int fd, copy;

	make_objects(_metadata);
	DOES(start(&self->w, &self->s));
	ASSERT_EQ(0, MOUNT("rule", "op=open path=/d/** -> gate:srv hot"));
	fd = open("mnt/d/f", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, server_count(&self->s, "OPEN"));
	EXPECT_EQ(1, pwrite(fd, "F", 1, 0));
	EXPECT_EQ(1, pread(fd, scratch, 64, 0));
	copy = dup(fd);
	close(fd);
	usleep(100000);
	EXPECT_EQ(0, server_count(&self->s, "RELEASE"));
	close(copy);
	EXPECT_TRUE(released(&self->s, 1));
	EXPECT_EQ(0, server_count(&self->s, "READ"));
	EXPECT_EQ(0, server_count(&self->s, "WRITE"));
	EXPECT_STREQ("F", get("hot/d/f"));
	EXPECT_STREQ("f", get("srv-source/d/f"));
}

#define BIG (1 << 20)
#define READERS 32

static int put_big(const char *path)
{
	static char text[BIG];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644), i;

	for (i = 0; i < BIG; i++)
		text[i] = 'a' + i % 23;
	i = write(fd, text, BIG) == BIG ? 0 : EIO;
	close(fd);
	return i;
}

/* Opens PATH when the pipe closes, and reads all of it. */
static int reads_all(const char *path, int begin)
{
	static char text[BIG + 1];
	int fd, i;
	ssize_t n, len = 0;

	if (read(begin, text, 1))
		return 1;
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 2;
	while ((n = read(fd, text + len, BIG + 1 - len)) > 0)
		len += n;
	if (len != BIG)
		return 3;
	for (i = 0; i < BIG; i++)
		if (text[i] != 'a' + i % 23)
			return 4;
	return 0;
}

TEST_F_TIMEOUT(gate, each_of_32_that_open_a_cold_file_sees_it_complete, 60)
{
	int begin[2], i, status;
	struct counts before;
	pid_t pids[READERS];

	DOES(put_big("srv-source/d/big"));
	DOES(start(&self->w, &self->s));
	self->s.fail[FUSE_OPEN] = SERVER_IS_LATE;
	ASSERT_EQ(0, MOUNT_HYDRATING()) TH_LOG("%s", mount_log);
	ASSERT_OK(pipe(begin));
	for (i = 0; i < READERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			close(begin[1]);
			_exit(reads_all("mnt/d/big", begin[0]));
		}
	}
	close(begin[0]);
	close(begin[1]);
	for (i = 0; i < READERS; i++) {
		waitpid(pids[i], &status, 0);
		EXPECT_EQ(0, status) TH_LOG("reader %d: %d", i, WEXITSTATUS(status));
	}
	EXPECT_EQ(BIG, stat_of("hot/d/big").st_size);
	EXPECT_STREQ("", names_in("hot.staging"));
	EXPECT_EQ(0, server_count(&self->s, "READ"));
	/* From now on it is not asked at all. */
	EXPECT_EQ(0, opens("mnt/d/big", O_RDONLY));
	server_counts(&self->s, &before);
	EXPECT_EQ(0, opens("mnt/d/big", O_RDONLY));
	EXPECT_EQ(0, opens("mnt/d/big", O_RDWR));
	EXPECT_EQ(BIG, stat_of("mnt/d/big").st_size);
	EXPECT_ERR(0, chmod("mnt/d/big", 0600));
	EXPECT_STREQ("", server_asked(&self->s, &before));
}

TEST_F(gate, veto_of_hydration_leaves_nothing)
{
	DOES(put("srv-source/d/f", "text"));
	DOES(start(&self->w, &self->s));
	ASSERT_EQ(0, MOUNT_HYDRATING());
	self->s.fail[FUSE_OPEN] = EDQUOT;
	EXPECT_EQ(EDQUOT, opens("mnt/d/f", O_RDONLY));
	EXPECT_EQ(EDQUOT, opens("mnt/d/f", O_RDWR));
	EXPECT_FALSE(present("hot/d/f"));
	EXPECT_EQ(4, stat_of("mnt/d/f").st_size);
	self->s.fail[FUSE_OPEN] = 0;
	EXPECT_STREQ("text", get("mnt/d/f"));
	EXPECT_STREQ("text", get("hot/d/f"));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

TEST_F(gate, server_that_dies_fails_its_callers_at_once_and_no_others)
{
	double begun;
	int err;

	DOES(put("srv-source/d/f", "text"));
	DOES(put("srv-source/d/local", "server's"));
	DOES(put("hot/d/local", "local"));
	DOES(start(&self->w, &self->s));
	ASSERT_EQ(0, MOUNT_HYDRATING());
	EXPECT_TRUE(present("mnt/d/f"));
	self->s.fail[FUSE_OPEN] = SERVER_DIES;
	begun = now();
	err = opens("mnt/d/f", O_RDONLY);
	EXPECT_TRUE(err == ENOTCONN || err == ECONNABORTED || err == EIO)
		TH_LOG("%s", strerror(err));
	EXPECT_GT(time_factor(), now() - begun);
	EXPECT_STREQ("local", get("mnt/d/local"));
	EXPECT_EQ(ENOTCONN, opens("mnt/d/f", O_RDONLY));
	EXPECT_STREQ("local", get("mnt/d/local"));
	EXPECT_FALSE(present("hot/d/f"));
	/* Nothing holds the mount. */
	EXPECT_OK(umount("mnt"));
}

TEST_F(gate, server_that_hangs_holds_up_its_callers_only)
{
	double begun;
	pid_t pid;
	int status;

	DOES(put("srv-source/d/f", "text"));
	DOES(put("hot/d/local", "local"));
	DOES(start(&self->w, &self->s));
	ASSERT_EQ(0, MOUNT_HYDRATING());
	EXPECT_TRUE(present("mnt/d/f"));
	self->s.fail[FUSE_OPEN] = SERVER_HANGS;
	pid = fork();
	if (!pid)
		_exit(opens("mnt/d/f", O_RDONLY));
	ASSERT_TRUE(still_waits(pid));
	begun = now();
	EXPECT_STREQ("local", get("mnt/d/local"));
	EXPECT_STREQ("f local", names_in("mnt/d"));
	EXPECT_GT(2 * time_factor(), now() - begun);
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	/* What the server took nobody gives up but by its end. */
	server_kill(&self->s);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WEXITSTATUS(status) == ECONNABORTED || WEXITSTATUS(status) == ENOTCONN)
		TH_LOG("%s", strerror(WEXITSTATUS(status)));
}

SWITCHFS_TEST_MAIN
