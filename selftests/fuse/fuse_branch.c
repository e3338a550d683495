// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuse_branch: a FUSE server that passes a directory through and counts the
 * requests it gets.
 *
 *   fuse_branch [OPTION]... SOURCE MOUNTPOINT
 *   fuse_branch --reset FILE
 *
 *   -o OPTIONS             mount options: allow_other,default_permissions,...
 *   --timeout=SECONDS      entry and attribute timeout (0 unless given)
 *   --entry-timeout=, --attr-timeout=, --negative-timeout=
 *   --readdirplus          offer READDIRPLUS
 *   --handles=yes|no       its objects can be found again by file handles, or have
 *                          none at all (found again while they are cached)
 *   --access               answer ACCESS (ENOSYS otherwise)
 *   --stats=FILE           count requests there, as text, a line an opcode
 *   --fail=FILE            answer each opcode with the errno there, if it is not 0:
 *                          a number of 32 bits for each opcode, read at each request;
 *                          1000 to die, 1001 never to answer, 1002 to answer late
 *   --hydrate=FOLDER       an open makes a copy of the file there, by its path, which
 *                          is put together in FOLDER.staging; a file that is there and has
 *                          the attribute user.placeholder is filled, by ACCESS for writing,
 *                          too, and loses it
 *   --ready-fd=N           write a byte there when mounted
 *   --daemon               go to the background when mounted and outlive the
 *                          parent; without it the server dies with its parent
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "node.h"
#include "stats.h"

struct settings settings;

static int ready_fd = -1;
static int background;
/* Which errno each opcode is answered with. */
static const volatile uint32_t *failing;

#define OPCODES 64

/* What stands beside errnos in it. */
enum { DIE = 1000, HANG, LATE };

static int fail_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	void *map;

	if (fd < 0 || ftruncate(fd, OPCODES * sizeof(*failing)))
		return -1;
	map = mmap(NULL, OPCODES * sizeof(*failing), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return -1;
	failing = map;
	return 0;
}

/* Whether the request was refused without being looked at. */
static bool refused(struct fuse_session *se, const struct fuse_in_header *in)
{
	struct fuse_out_header out = { .len = sizeof(out), .unique = in->unique };
	int err = failing && in->opcode < OPCODES ? failing[in->opcode] : 0;

	switch (err) {
	case 0:
		return false;
	case DIE:
		_exit(1);
	case HANG:
		return true;
	case LATE:
		usleep(200000);
		return false;
	}
	out.error = -err;
	return write(fuse_session_fd(se), &out, sizeof(out)) == sizeof(out);
}

static int fail(const char *what)
{
	fprintf(stderr, "fuse_branch: %s: %s\n", what, strerror(errno));
	return 1;
}

static int usage(void)
{
	fputs("usage: fuse_branch [-o OPTIONS] [--timeout=S] [--entry-timeout=S]\n"
	      "         [--attr-timeout=S] [--negative-timeout=S] [--readdirplus]\n"
	      "         [--access] [--handles=yes|no] [--stats=FILE] [--fail=FILE]\n"
	      "         [--hydrate=FOLDER] [--ready-fd=N] [--daemon] SOURCE MOUNTPOINT\n"
	      "       fuse_branch --reset FILE\n", stderr);
	return 2;
}

/* libfuse's own loop, with each request's opcode counted on the way. */
static int serve(struct fuse_session *se)
{
	struct fuse_buf buf = { .mem = NULL };
	int res = 0;

	while (!fuse_session_exited(se)) {
		res = fuse_session_receive_buf(se, &buf);
		if (res == -EINTR || res == -EAGAIN)
			continue;
		if (res <= 0)
			break;
		stats_count(((struct fuse_in_header *)buf.mem)->opcode);
		if (!refused(se, buf.mem))
			fuse_session_process_buf(se, &buf);
	}
	free(buf.mem);
	return res < 0;
}

static int run(struct fuse_args *args, const char *mountpoint)
{
	struct fuse_lowlevel_ops ops = { 0 };
	struct fuse_session *se;
	int status = 1;

	name_ops(&ops);
	file_ops(&ops);
	dir_ops(&ops);
	xattr_ops(&ops);
	se = fuse_session_new(args, &ops, sizeof(ops), NULL);
	if (!se)
		return 1;
	if (fuse_set_signal_handlers(se))
		goto destroy;
	if (fuse_session_mount(se, mountpoint))
		goto signals;
	if (background && daemon(0, 1)) {
		fail("daemon");
		goto unmount;
	}
	if (ready_fd >= 0) {
		if (write(ready_fd, "r", 1) != 1)
			goto unmount;
		close(ready_fd);
	}
	status = serve(se);
unmount:
	fuse_session_unmount(se);
signals:
	fuse_remove_signal_handlers(se);
destroy:
	fuse_session_destroy(se);
	return status;
}

/* One descriptor an object that the kernel knows. */
static void more_files(void)
{
	struct rlimit limit = { 1 << 18, 1 << 18 };

	if (!setrlimit(RLIMIT_NOFILE, &limit) || getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

enum {
	TIMEOUT = 256, ENTRY, ATTR, NEGATIVE, PLUS, ACCESS, HANDLES, STATS, FAIL, READY, DAEMON,
	RESET, HYDRATE,
};

static const struct option options[] = {
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "entry-timeout", required_argument, NULL, ENTRY },
	{ "attr-timeout", required_argument, NULL, ATTR },
	{ "negative-timeout", required_argument, NULL, NEGATIVE },
	{ "readdirplus", no_argument, NULL, PLUS },
	{ "access", no_argument, NULL, ACCESS },
	{ "handles", required_argument, NULL, HANDLES },
	{ "stats", required_argument, NULL, STATS },
	{ "fail", required_argument, NULL, FAIL },
	{ "ready-fd", required_argument, NULL, READY },
	{ "daemon", no_argument, NULL, DAEMON },
	{ "reset", required_argument, NULL, RESET },
	{ "hydrate", required_argument, NULL, HYDRATE },
	{ NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	pid_t parent = getppid();
	int c;

	fuse_opt_add_arg(&args, argv[0]);
	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			fuse_opt_add_arg(&args, "-o");
			fuse_opt_add_arg(&args, optarg);
			break;
		case TIMEOUT:
			settings.entry_timeout = atof(optarg);
			settings.attr_timeout = settings.entry_timeout;
			break;
		case ENTRY:
			settings.entry_timeout = atof(optarg);
			break;
		case ATTR:
			settings.attr_timeout = atof(optarg);
			break;
		case NEGATIVE:
			settings.negative_timeout = atof(optarg);
			break;
		case PLUS:
			settings.readdirplus = true;
			break;
		case ACCESS:
			settings.check_access = true;
			break;
		case HANDLES:
			settings.handles = optarg;
			break;
		case STATS:
			settings.stats = optarg;
			break;
		case FAIL:
			if (fail_open(optarg))
				return fail(optarg);
			break;
		case HYDRATE:
			settings.hydrate = optarg;
			break;
		case READY:
			ready_fd = atoi(optarg);
			break;
		case DAEMON:
			background = 1;
			break;
		case RESET:
			return stats_reset(optarg) ? fail(optarg) : 0;
		default:
			return usage();
		}
	}
	if (argc - optind != 2)
		return usage();

	/* Not to outlive a test that was killed. */
	if (!background) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			return 1;
	}
	umask(0);
	more_files();
	settings.source = argv[optind];
	root.fd = open(settings.source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root.fd < 0)
		return fail(settings.source);
	if (settings.stats && stats_open(settings.stats))
		return fail(settings.stats);
	return run(&args, argv[optind + 1]);
}
