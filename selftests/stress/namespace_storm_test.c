// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names are made, moved and removed over three homes by several processes, while
 * the branches change underneath, policies replace one another and caches are
 * dropped. Afterwards the mount shows under every policy what a naive reading of it
 * says of what is in the branches then.
 *
 * For 2 seconds; SWITCHFS_SCALE=full: for 10 minutes.
 */
#include "handles.h"
#include "model.h"
#include "site.h"

#include <dirent.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <time.h>

FIXTURE_VARIANT_ADD(site, all) { .parts = SITE_EXT4 | SITE_FUSE | SITE_RAM };

#define WORKERS 4
#define RELOAD_MS 50
#define DROP_MS 200
#define CHANGE_US 500
/* Nothing waits longer than this, on a stock kernel. */
#define PATIENCE 30

/*
 * Under none of them a name in ".c" has its home in ram, or one in ".r" in cold:
 * what workers make is not found there, whatever it was renamed to and under which policies.
 */
static const struct policy {
	int base;
	struct rule rules[MODEL_RULES];
} policies[] = {
	{ HOT, {
		{ .name = "*.c", .verdict = "cold" },
		{ .name = "*.r", .verdict = "ram" },
	} },
	{ HOT, {
		{ .path = "/n0/**", .name = "*.c", .verdict = "hot" },
		{ .name = "*.c", .verdict = "cold" },
		{ .path = "/**/n1/**", .name = "*.r", .verdict = "ram" },
	} },
	{ HOT, {
		{ .name = "n2*", .uid = 1 + SOMEONE, .verdict = "hide" },
		{ .op = "lookup", .name = "n3.c", .uid = 1 + SOMEONE, .verdict = "deny" },
		{ .name = "*.c", .exists = "cold", .verdict = "cold" },
		{ .name = "*.r", .verdict = "ram|hot" },
		{ .op = "getattr", .name = "n1*", .verdict = "deny:EPERM" },
	} },
	{ HOT, { { } } },
	{ RAM, {
		{ .name = "*.c", .verdict = "cold" },
		{ .op = "open", .name = "*.r", .verdict = "gate:hot ram" },
	} },
	{ HOT, {
		{ .path = "/n0", .verdict = "cold" },
		{ .path = "/n1/n2/**", .name = "*.r", .verdict = "ram" },
		{ .name = "*.c", .missing = "cold", .verdict = "hot" },
		{ .name = "*.c", .verdict = "cold" },
		{ .op = "unlink+rmdir", .name = "n4*", .verdict = "deny" },
	} },
};
#define POLICIES (sizeof(policies) / sizeof(*policies))

enum kind {
	CREATE_FILE, MAKE_DIR, MAKE_LINK, MOVE, EXCHANGE, REMOVE, REMOVE_DIR, LOOK, LIST,
	READ, CALL_KINDS
};
static const char *const names[] = {
	"create", "mkdir", "link", "rename", "exchange", "unlink", "rmdir", "stat",
	"readdir", "open",
};

/* What all processes see of one another. */
static struct shared {
	volatile bool stop;
	unsigned long calls[CALL_KINDS], done[CALL_KINDS];
	unsigned long reloads, drops, changes;
	long size;	/* of the next file: it tells which one is seen */
} *shared;

static unsigned int state;

static unsigned int roll(unsigned int sides)
{
	state = state * 1103515245 + 12345;
	return (state >> 16) % sides;
}

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is made directly is called x; what processes make in the mount is n. */
static const char *some_path(const char *root, bool direct)
{
	static const char *const suffixes[] = { "", ".c", ".r" };
	char path[64] = "";
	int depth = 1 + roll(3);

	while (depth--)
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%c%u%s",
			 direct && !depth ? 'x' : 'n', roll(5),
			 depth && roll(3) ? "" : suffixes[roll(3)]);
	return fmt("%s%s", root, path);
}

static int create(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666), err = 0;

	if (fd < 0)
		return errno;
	err = ERR(ftruncate(fd, __sync_add_and_fetch(&shared->size, 1)));
	close(fd);
	return err;
}

static int list(const char *path)
{
	DIR *d = opendir(path);
	int err = 0;

	if (!d)
		return errno;
	errno = 0;
	while (readdir(d))
		;
	err = errno;
	closedir(d);
	return err;
}

static int do_one(enum kind what, const char *a, const char *b)
{
	struct stat st;

	switch (what) {
	case CREATE_FILE:
		return create(a);
	case MAKE_DIR:
		return ERR(mkdir(a, 0777));
	case MAKE_LINK:
		return ERR(link(a, b));
	case MOVE:
		return ERR(rename(a, b));
	case EXCHANGE:
		return ERR(syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE));
	case REMOVE:
		return ERR(unlink(a));
	case REMOVE_DIR:
		return ERR(rmdir(a));
	case LOOK:
		return ERR(lstat(a, &st));
	case LIST:
		return list(a);
	default:
		return opens(a, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	}
}

/* What others and the policies may make of a call; anything else is wrong. */
static bool expected(int err)
{
	static const int errors[] = {
		0, ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY, EXDEV, EINVAL, ESTALE, EACCES, EPERM,
	};
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (err == errors[i])
			return true;
	return false;
}

/* Half of the calls are in one deep directory, where they meet. */
static int work(const char *root, bool direct)
{
	static const char *const meeting = "/n1/n2/";

	while (!shared->stop) {
		enum kind what = roll(CALL_KINDS);
		/* Directly nothing is made that is called n. */
		bool makes = what == CREATE_FILE || what == MAKE_DIR || what == EXCHANGE;
		const char *a = some_path(root, direct && (makes || roll(4)));
		const char *b = some_path(root, direct);
		int err;

		if (roll(2))
			a = fmt("%s%s%s", root, meeting, strrchr(a, '/') + 1);
		if (roll(2))
			b = fmt("%s%s%s", root, meeting, strrchr(b, '/') + 1);
		if (!direct && !roll(16))
			setfsuid(roll(2) ? SOMEONE : 0);
		err = do_one(what, a, b);
		if (direct) {
			__sync_fetch_and_add(&shared->changes, 1);
			usleep(CHANGE_US);
			continue;
		}
		__sync_fetch_and_add(&shared->calls[what], 1);
		if (!err)
			__sync_fetch_and_add(&shared->done[what], 1);
		if (!expected(err)) {
			fprintf(stderr, "# %s %s %s: %s\n", names[what], a, b, strerror(err));
			return err;
		}
	}
	return 0;
}

/* All branches in turn, so that names come and go below what the mount has cached. */
static int change_branches(void)
{
	pid_t pid = 0;
	int i;

	for (i = 1; i < MODEL_BRANCHES && !pid; i++)
		pid = fork() ? 0 : i;
	state += pid;
	work(model_places[pid], true);
	if (!pid)
		while (wait(NULL) > 0)
			;
	return 0;
}

static int set_policy(const struct policy *p)
{
	const struct rule *r = p->rules;

	default_branch = p->base;
	for (rule_count = 0; rule_count < MODEL_RULES && r->verdict; r++) {
		rules[rule_count] = *r;
		model_rule_text(&rules[rule_count++]);
	}
	return model_remount("mnt");
}

static int reload(void)
{
	int i, err = 0;

	for (i = 0; !shared->stop && !err; i++) {
		err = set_policy(&policies[i % POLICIES]);
		if (err)
			fprintf(stderr, "# policy %d: %s\n", i % (int)POLICIES, mount_log);
		shared->reloads++;
		usleep(RELOAD_MS * 1000);
	}
	return err;
}

static int drop(void)
{
	while (!shared->stop) {
		put("/proc/sys/vm/drop_caches", "2");
		shared->drops++;
		usleep(DROP_MS * 1000);
	}
	return 0;
}

static int use_mount(void)
{
	return work("mnt", false);
}

static pid_t begin(int (*run)(void), unsigned int seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	setpgid(0, 0);
	state = seed;
	_exit(run());
}

/* Whether it ends in time; if not, where it hangs is told, and it is killed. */
static bool ends(pid_t pid, int *status)
{
	long until = now() + PATIENCE * 1000L * time_factor();

	while (now() < until) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		usleep(10000);
	}
	fprintf(stderr, "# %d hangs: %s\n", pid, get(fmt("/proc/%d/stack", pid)));
	kill(-pid, SIGKILL);
	return false;
}

/* A name, as the mount has it, and as the model says. */
static void check_name(struct __test_metadata *_metadata, const char *path, struct who who)
{
	struct object *o = NULL, *served = NULL;
	int err = model_lookup(path, who, &o), seen;
	struct stat st;

	if (!err)
		err = model_serve(GETATTR, path, who, 0, &served);
	seen = ERR(lstat(fmt("mnt%s", path), &st));
	EXPECT_EQ(err, seen) TH_LOG("%s: %s, not %s", path, strerror(seen), strerror(err));
	if (err || seen)
		return;
	EXPECT_EQ(o->file < 0, S_ISDIR(st.st_mode)) TH_LOG("%s", path);
	if (o->file >= 0) {
		EXPECT_EQ(sizes[served->file], st.st_size) TH_LOG("%s", path);
	}
}

/* Every name that any branch has, and some that none has. */
static void check_policy(struct __test_metadata *_metadata, const struct policy *p)
{
	static char text[MODEL_TEXT];
	struct who who = { 0, 0 };
	const char *seen;
	int i, err;

	ASSERT_EQ(0, set_policy(p)) TH_LOG("%s", mount_log);
	for (i = -1; i < made; i++) {
		const char *path = i < 0 ? "" : objects[i].path;

		who.uid = i % 2 ? SOMEONE : 0;
		setfsuid(who.uid);
		if (*path) {
			check_name(_metadata, path, who);
			check_name(_metadata, fmt("%s.c", path), who);
			check_name(_metadata, some_path("", false), who);
		}
		if (!*path || objects[i].file < 0) {
			err = model_listing(path, who, text);
			seen = names_in(fmt("mnt%s", path));
			EXPECT_STREQ(err ? strerror(err) : text, seen)
				TH_LOG("policy %d, %s by %d", (int)(p - policies), path, who.uid);
		}
		setfsuid(0);
	}
}

static bool ends_in(const char *path, const char *suffix)
{
	size_t len = strlen(path), n = strlen(suffix);

	return len > n && !strcmp(path + len - n, suffix);
}

/* What was made through the mount is where some policy makes it. */
static void check_places(struct __test_metadata *_metadata)
{
	int i;

	for (i = 0; i < made; i++) {
		const struct object *o = &objects[i];

		if (o->file < 0 || *(strrchr(o->path, '/') + 1) != 'n')
			continue;
		EXPECT_FALSE((o->branch == RAM && ends_in(o->path, ".c")) ||
			     (o->branch == COLD && ends_in(o->path, ".r")))
			TH_LOG("%s in %s", o->path, model_branches[o->branch]);
	}
}

/* Whether each kind of call was done once. */
static bool all_done(void)
{
	int i;

	for (i = 0; i < CALL_KINDS; i++)
		if (!shared->done[i])
			return false;
	return true;
}

TEST_F_TIMEOUT(site, names_are_consistent_after_a_storm, 800)
{
	const char *scale = getenv("SWITCHFS_SCALE"), *seed = getenv("SWITCHFS_SEED");
	int first = seed ? atoi(seed) : 1, status, i, log = klog_open();
	long end = now() + (scale && !strcmp(scale, "full") ? 600 * 1000L : 2000L * time_factor());
	long patience = end + PATIENCE * 1000L * time_factor();
	pid_t pids[WORKERS + 3];

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	for (i = 0; i < MODEL_BRANCHES; i++) {
		ASSERT_OK(chmod(model_places[i], 0777));
		DOES(make_path(fmt("%s/n1/n2", model_places[i])));
		ASSERT_OK(chmod(fmt("%s/n1", model_places[i]), 0777));
		ASSERT_OK(chmod(fmt("%s/n1/n2", model_places[i]), 0777));
	}
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch", self->site.ram,
				    "branch", self->site.cold, END));
	for (i = 0; i < WORKERS; i++)
		pids[i] = begin(use_mount, first * 100 + i);
	pids[WORKERS] = begin(change_branches, first * 100 + 50);
	pids[WORKERS + 1] = begin(reload, 0);
	pids[WORKERS + 2] = begin(drop, 0);
	/* On a busy machine they may be few. */
	while (now() < end || (!all_done() && now() < patience))
		usleep(10000);
	shared->stop = true;
	for (i = 0; i < WORKERS + 3; i++) {
		ASSERT_TRUE(ends(pids[i], &status)) TH_LOG("process %d hangs", i);
		EXPECT_EQ(0, status) TH_LOG("process %d", i);
	}
	for (i = 0; i < CALL_KINDS; i++) {
		fprintf(stderr, "# %s: %lu of %lu done\n", names[i], shared->done[i],
			shared->calls[i]);
		EXPECT_LT(0, shared->done[i]) TH_LOG("no %s", names[i]);
	}
	fprintf(stderr, "# %lu reloads, %lu caches dropped, %lu changes in branches\n",
		shared->reloads, shared->drops, shared->changes);
	DOES(model_scan());
	ASSERT_LT(0, made);
	fprintf(stderr, "# %d objects are left\n", made);
	check_places(_metadata);
	for (i = 0; i < (int)POLICIES; i++)
		check_policy(_metadata, &policies[i]);
	EXPECT_STREQ("", klog_complaints(log, false));
	EXPECT_OK(umount2("mnt", 0));
}

SWITCHFS_TEST_MAIN
