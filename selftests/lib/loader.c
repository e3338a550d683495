// SPDX-License-Identifier: GPL-2.0-only
/* Running the loader of ready-made choosers. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "loader.h"
#include "world.h"

char loader_said[65536];

static const char *program(void)
{
	return built("../choosers/chooser");
}

const char *object_of(const char *name)
{
	return built(fmt("../choosers/%s.bpf.o", name));
}

int own_bpffs(void)
{
	return mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) ? errno : 0;
}

int loader(const char *command, ...)
{
	const char *argv[8] = { program(), command };
	size_t len = 0;
	int n = 2, out[2], status;
	ssize_t part;
	va_list args;
	pid_t pid;

	va_start(args, command);
	do {
		argv[n] = va_arg(args, const char *);
	} while (argv[n] && ++n < 7);
	va_end(args);
	if (pipe2(out, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		execv(argv[0], (char *const *)argv);
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(out[1]);
	while ((part = read(out[0], loader_said + len, sizeof(loader_said) - 1 - len)) > 0)
		len += part;
	loader_said[len] = '\0';
	close(out[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t audit_begin(const char *file)
{
	pid_t pid = fork();
	int i;

	if (!pid) {
		int out = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0644);

		dup2(out, 1);
		execl(program(), "chooser", "audit", NULL);
		_exit(127);
	}
	/* Its head says that it reads. */
	for (i = 0; i < 500 * time_factor() && *get(file) != '#'; i++)
		usleep(10000);
	return pid;
}

void audit_end(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}
