/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The private world of a test: a mount namespace with a tmpfs work folder,
 * in it an ext4 image on a loop device and FUSE servers.
 *
 * All calls return 0 or an errno, unless they say otherwise.
 */
#ifndef SWITCHFS_WORLD_H
#define SWITCHFS_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

#define PATH_SIZE 512

struct world {
	char work[64];
	char kept_cwd[PATH_SIZE];
	pid_t owner;
};

/* A running fuse_branch: SOURCE shown at MOUNT, counting into STATS. */
struct server {
	pid_t pid;
	char source[PATH_SIZE];
	char mount[PATH_SIZE];
	char stats[PATH_SIZE];
	unsigned int *fail;	/* of server_fails() */
};

int world_enter(struct world *w);
void world_leave(struct world *w);
/* Makes an ext4 filesystem of its own and mounts it at DIR. */
int ext4_mount(const struct world *w, const char *dir);
/* The same with accounting for quotas, which quotactl(2) can switch on. */
int ext4_quota_mount(const struct world *w, const char *dir);
/*
 * One of that TYPE, on an image of SIZE that the command MAKER, ended by NULL,
 * formats.
 */
int image_mount(const struct world *w, const char *dir, const char *type, off_t size,
		const char *const *maker);
/* An ext4 with a directory "d", for all to write in, that does not tell cases apart. */
int folding_mount(const struct world *w, const char *dir);
/* As image_mount() with a copy of an image that is formatted already. */
int image_copy_mount(const struct world *w, const char *dir, const char *type, int from);
/* Runs a command without its output; 0, or an errno when it failed. */
int run_quietly(char *const argv[]);
int tmpfs_mount(const char *dir);
int bind_mount(const char *from, const char *to);

/*
 * Starts fuse_branch over DIR-source, which is made when it is missing, at
 * DIR. OPTIONS are further words of its command line, ended by NULL; NULL
 * stands for none. The usual mount options are allow_other,
 * default_permissions, dev and suid; a first word "-o..." replaces them.
 */
int server_start(struct server *s, const char *dir, const char *const *options);
/* Ends the server and takes its mount away; harmless when it is gone. */
void server_stop(struct server *s);
/* Ends the server and leaves the dead mount. */
void server_kill(struct server *s);

/*
 * Starts it with --fail: FUSE_* opcodes are answered with the errno that is in
 * s->fail[OPCODE], unless that is 0.
 */
int server_start_failing(struct server *s, const char *dir);
/* The same for one that was started with --fail=DIR-fail. */
int server_fails(struct server *s);
/* What else the server may do with an opcode: end, not answer, answer late. */
enum { SERVER_DIES = 1000, SERVER_HANGS, SERVER_IS_LATE };

/* How often the server was asked, by opcode. */
#define COUNTS 64
struct counts {
	char name[COUNTS][20];
	unsigned long n[COUNTS];
};

void server_counts(const struct server *s, struct counts *c);
unsigned long server_count(const struct server *s, const char *opcode);
/*
 * What was asked since BEFORE, as "LOOKUP+1 READ+2"; what the kernel sends by
 * itself later (forgets and releases) is left out. Empty: nothing.
 */
const char *server_asked(const struct server *s, const struct counts *before);

/* SWITCHFS_TIME_FACTOR: how much slower than a stock kernel this one is. */
int time_factor(void);

/*
 * Lines of the kernel log since klog_open() that a correct mount, refusal or
 * unload never writes; empty when there are none. Lines of the module's own
 * ("switchfs: ") count when OWN_TOO.
 */
int klog_open(void);
const char *klog_complaints(int fd, bool own_too);

#endif
