// SPDX-License-Identifier: GPL-2.0-only
/* Starting, stopping and questioning fuse_branch. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "world.h"

#define START_SECONDS 20

static void become_server(const struct server *s, const char *const *options,
			  int ready)
{
	const char *program = built("fuse/fuse_branch");
	char stats[PATH_SIZE + 16], ready_fd[32];
	const char *argv[32];
	int n = 0;

	snprintf(stats, sizeof(stats), "--stats=%s", s->stats);
	snprintf(ready_fd, sizeof(ready_fd), "--ready-fd=%d", ready);
	argv[n++] = program;
	argv[n++] = stats;
	argv[n++] = ready_fd;
	/* Mount options of the caller's replace the usual ones. */
	if (!options || !*options || strncmp(*options, "-o", 2))
		argv[n++] = "-oallow_other,default_permissions,dev,suid";
	while (options && *options && n < 28)
		argv[n++] = *options++;
	argv[n++] = s->source;
	argv[n++] = s->mount;
	argv[n] = NULL;
	/* A group of its own would hide it from the harness's time limit. */
	execv(program, (char *const *)argv);
	fprintf(stderr, "# %s: %s\n", program, strerror(errno));
	_exit(127);
}

int server_start(struct server *s, const char *dir, const char *const *options)
{
	struct pollfd ready;
	int pipefd[2], err;
	char byte;

	snprintf(s->mount, sizeof(s->mount), "%s", dir);
	snprintf(s->source, sizeof(s->source), "%.*s-source", PATH_SIZE - 16, dir);
	snprintf(s->stats, sizeof(s->stats), "%.*s-stats", PATH_SIZE - 16, dir);
	err = make_path(s->source) ?: make_path(s->mount);
	if (err)
		return err;
	if (pipe(pipefd))
		return errno;
	s->pid = fork();
	if (s->pid < 0)
		return errno;
	if (!s->pid) {
		close(pipefd[0]);
		become_server(s, options, pipefd[1]);
	}
	close(pipefd[1]);
	ready.fd = pipefd[0];
	ready.events = POLLIN;
	err = ETIMEDOUT;
	if (poll(&ready, 1, START_SECONDS * 1000 * time_factor()) == 1)
		err = read(pipefd[0], &byte, 1) == 1 ? 0 : EIO;
	close(pipefd[0]);
	if (err)
		server_stop(s);
	return err;
}

int server_start_failing(struct server *s, const char *dir)
{
	const char *const options[] = { fmt("--fail=%s-fail", dir), NULL };
	int err = server_start(s, dir, options);

	return err ?: server_fails(s);
}

int server_fails(struct server *s)
{
	int fd = open(fmt("%s-fail", s->mount), O_RDWR | O_CLOEXEC);

	s->fail = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return s->fail == MAP_FAILED ? ENOMEM : 0;
}

void server_kill(struct server *s)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void server_stop(struct server *s)
{
	server_kill(s);
	if (s->mount[0])
		umount2(s->mount, MNT_DETACH);
}

void server_counts(const struct server *s, struct counts *c)
{
	FILE *f = fopen(s->stats, "re");
	int i = 0;

	memset(c, 0, sizeof(*c));
	if (!f)
		return;
	while (i < COUNTS && fscanf(f, "%19s %lu", c->name[i], &c->n[i]) == 2)
		i++;
	fclose(f);
}

unsigned long server_count(const struct server *s, const char *opcode)
{
	struct counts c;
	int i;

	server_counts(s, &c);
	for (i = 0; i < COUNTS; i++)
		if (!strcmp(c.name[i], opcode))
			return c.n[i];
	return 0;
}

static int sent_later(const char *opcode)
{
	static const char *const later[] = {
		"FORGET", "BATCH_FORGET", "RELEASE", "RELEASEDIR", "INTERRUPT",
	};
	size_t i;

	for (i = 0; i < sizeof(later) / sizeof(*later); i++)
		if (!strcmp(opcode, later[i]))
			return 1;
	return 0;
}

const char *server_asked(const struct server *s, const struct counts *before)
{
	static char text[1024];
	struct counts now;
	size_t len = 0;
	int i;

	server_counts(s, &now);
	text[0] = '\0';
	if (!now.name[0][0])
		return "no counters";
	for (i = 0; i < COUNTS && now.name[i][0]; i++) {
		if (now.n[i] == before->n[i] || sent_later(now.name[i]))
			continue;
		len += snprintf(text + len, sizeof(text) - len, "%s%s+%lu",
				len ? " " : "", now.name[i],
				now.n[i] - before->n[i]);
	}
	return text;
}
