// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an operation costs in a directory: ops_bench DIRECTORY [SCALE], or, to
 * be watched from outside, one of them until killed: ops_bench DIRECTORY OP.
 *
 * Prints "OP NUMBER" lines, nanoseconds per call: on a machine that counts
 * instructions (scripts/vm --icount) that is instructions per call. Every
 * number is the least of several rounds, all with warm caches but lookupcold.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 12
#define FILES 512
#define BIG (1 << 20)

static char *buf;
static int fd;
static unsigned long scale = 1;

static long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static void must(long ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
}

static const char *numbered(const char *prefix, unsigned long i)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s%lu", prefix, i);
	return name;
}

static void do_stat(unsigned long i)
{
	struct stat st;

	(void)i;
	must(stat("file", &st), "stat");
}

static void do_access(unsigned long i)
{
	(void)i;
	must(access("file", R_OK), "access");
}

static void do_openclose(unsigned long i)
{
	int f = open("file", O_RDWR);

	(void)i;
	must(f, "open");
	close(f);
}

static void do_pread4k(unsigned long i)
{
	(void)i;
	must(pread(fd, buf, 4096, 0), "pread");
}

static void do_pwrite4k(unsigned long i)
{
	(void)i;
	must(pwrite(fd, buf, 4096, 0), "pwrite");
}

static void do_pread1m(unsigned long i)
{
	(void)i;
	must(pread(fd, buf, BIG, 0), "pread");
}

static void do_pwrite1m(unsigned long i)
{
	(void)i;
	must(pwrite(fd, buf, BIG, 0), "pwrite");
}

/* One fault in a fresh shared mapping, and what makes and ends it. */
static void do_mmapfault(unsigned long i)
{
	volatile char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	(void)i;
	if (map == MAP_FAILED)
		err(1, "mmap");
	(void)*map;
	munmap((void *)map, 4096);
}

static void do_create(unsigned long i)
{
	int f = open(numbered("new", i), O_CREAT | O_EXCL | O_WRONLY, 0644);

	must(f, "create");
	close(f);
}

static void do_unlink(unsigned long i)
{
	must(unlink(numbered("new", i)), "unlink");
}

static void do_mkdir(unsigned long i)
{
	must(mkdir(numbered("dir", i), 0755), "mkdir");
}

static void do_rmdir(unsigned long i)
{
	must(rmdir(numbered("dir", i)), "rmdir");
}

static void do_rename(unsigned long i)
{
	must(i % 2 ? rename("there", "here") : rename("here", "there"), "rename");
}

/* One listing of a directory of FILES entries. */
static void do_readdir(unsigned long i)
{
	DIR *d = opendir("many");

	(void)i;
	if (!d)
		err(1, "opendir");
	while (readdir(d))
		;
	closedir(d);
}

static void do_getxattr(unsigned long i)
{
	char value[16];

	(void)i;
	if (getxattr("file", "user.bench", value, sizeof(value)) < 0 &&
	    errno != EOPNOTSUPP && errno != ENODATA)
		err(1, "getxattr");
}

static void do_lookupmiss(unsigned long i)
{
	(void)i;
	if (!access("missing", F_OK))
		errx(1, "a missing name exists");
}

static void do_lookupcold(unsigned long i)
{
	struct stat st;

	must(stat(numbered("many/f", i % FILES), &st), "stat");
}

static void drop_caches(void)
{
	int f = open("/proc/sys/vm/drop_caches", O_WRONLY);

	must(f, "drop_caches");
	must(write(f, "2", 1), "drop_caches");
	close(f);
}

/* What is done between the rounds, not measured. */
static void undo_create(unsigned long count)
{
	while (count--)
		do_unlink(count);
}

static void undo_mkdir(unsigned long count)
{
	while (count--)
		do_rmdir(count);
}

static void redo_create(unsigned long count)
{
	while (count--)
		do_create(count);
}

static void redo_drop(unsigned long count)
{
	(void)count;
	drop_caches();
}

static const struct op {
	const char *name;
	void (*run)(unsigned long i);
	unsigned long count;
	void (*before)(unsigned long count);
	void (*after)(unsigned long count);
} ops[] = {
	{ "stat", do_stat, 1000, NULL, NULL },
	{ "access", do_access, 1000, NULL, NULL },
	{ "openclose", do_openclose, 500, NULL, NULL },
	{ "pread4k", do_pread4k, 1000, NULL, NULL },
	{ "pwrite4k", do_pwrite4k, 1000, NULL, NULL },
	{ "pread1m", do_pread1m, 20, NULL, NULL },
	{ "pwrite1m", do_pwrite1m, 20, NULL, NULL },
	{ "mmapfault", do_mmapfault, 200, NULL, NULL },
	{ "create", do_create, 128, NULL, undo_create },
	{ "unlink", do_unlink, 128, redo_create, NULL },
	{ "mkdir", do_mkdir, 128, NULL, undo_mkdir },
	{ "rename", do_rename, 256, NULL, NULL },
	{ "readdir", do_readdir, 8, NULL, NULL },
	{ "getxattr", do_getxattr, 1000, NULL, NULL },
	{ "lookupmiss", do_lookupmiss, 1000, NULL, NULL },
	{ "lookupcold", do_lookupcold, FILES, redo_drop, NULL },
};

/*
 * What is given up, also before the round, comes back after a grace period: it
 * would be counted with the operations that run then.
 */
static void settle(void)
{
	const struct timespec grace_periods = { .tv_nsec = 50000000 };

	nanosleep(&grace_periods, NULL);
}

static void measure(const struct op *op)
{
	unsigned long count = op->count * scale, i;
	long best = -1;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		long start, took;

		if (op->before)
			op->before(count);
		settle();
		start = now();
		for (i = 0; i < count; i++)
			op->run(i);
		took = now() - start;
		if (op->after)
			op->after(count);
		if (best < 0 || took < best)
			best = took;
	}
	printf("%s %ld\n", op->name, best / (long)count);
}

/* Does one operation, round after round. */
static void repeat(const char *name)
{
	unsigned long i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		const struct op *op = &ops[i];
		/* Some whole rounds must fit into the moment that is watched. */
		unsigned long count = op->count < 16 ? op->count : 16;
		unsigned long n;

		if (strcmp(op->name, name))
			continue;
		for (;;) {
			if (op->before)
				op->before(count);
			for (n = 0; n < count; n++)
				op->run(n);
			if (op->after)
				op->after(count);
		}
	}
	errx(2, "no operation is called %s", name);
}

int main(int argc, char **argv)
{
	const char *watched = NULL;
	unsigned long i;
	int f;

	if (argc < 2 || argc > 3)
		errx(2, "usage: ops_bench DIRECTORY [SCALE|OP]");
	must(chdir(argv[1]), argv[1]);
	if (argc == 3) {
		scale = strtoul(argv[2], NULL, 10);
		if (!scale)
			watched = argv[2];
	}
	buf = aligned_alloc(4096, BIG);
	if (!buf)
		err(1, "memory");
	memset(buf, 'x', BIG);

	fd = open("file", O_RDWR | O_CREAT, 0644);
	must(fd, "file");
	must(write(fd, buf, BIG), "write");
	setxattr("file", "user.bench", "value", 5, 0);
	f = open("here", O_CREAT | O_WRONLY, 0644);
	must(f, "here");
	close(f);
	must(mkdir("many", 0755), "many");
	for (i = 0; i < FILES; i++) {
		f = open(numbered("many/f", i), O_CREAT | O_WRONLY, 0644);
		must(f, "many");
		close(f);
	}
	if (watched)
		repeat(watched);
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		measure(&ops[i]);
	return 0;
}
