// SPDX-License-Identifier: GPL-2.0-only
/* chooser audit: what audit.bpf.c saw, a line an operation. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../../rust-bindings/uapi/switchfs_bpf.h"
#include "audit.h"
#include "chooser.h"

static const char *const ops[] = {
	"lookup", "readdir", "create", "mkdir", "mknod", "symlink", "link", "unlink", "rmdir",
	"rename", "tmpfile", "getattr", "setattr", "readlink", "getxattr", "setxattr", "listxattr",
	"removexattr", "getacl", "setacl", "fileattr", "statfs", "open", "read", "write", "mmap",
	"splice", "lseek", "copy", "remap",
};

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

/* The byte at PLACE of what a verdict's kind needs. */
static unsigned int needs(__u64 verdict, int place)
{
	return verdict >> (8 + 8 * place) & 0xff;
}

/* Branches by their numbers: programs know no others. */
static void print_verdict(__u64 verdict)
{
	const char *name;
	int i;

	switch (verdict & SWITCHFS_KIND) {
	case SWITCHFS_RULES:
		printf("home");
		break;
	case SWITCHFS_BRANCH:
		printf("%u", needs(verdict, 0));
		break;
	case SWITCHFS_FIRST:
		for (i = 0; i < SWITCHFS_LIST && needs(verdict, i); i++)
			printf("%s%u", i ? "|" : "", needs(verdict, i) - 1);
		break;
	case SWITCHFS_DENY:
		name = strerrorname_np(verdict >> 8);
		printf("deny:%s", name ?: "?");
		break;
	case SWITCHFS_HIDE:
		printf("hide");
		break;
	case SWITCHFS_GATE:
		printf("gate:%u:%u", needs(verdict, 0), needs(verdict, 1));
		break;
	default:
		/* A rule by size, exists or missing: not known to programs. */
		printf("asks");
	}
}

/* A column, or the rest of a line: what would break it as \ooo. */
static void print_text(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c <= ' ' || c == 0x7f || c == '\\')
			printf("\\%03o", c);
		else
			putchar(c);
	}
}

static int print_event(void *unused, void *data, size_t size)
{
	const struct audit_event *event = data;

	(void)unused;
	if (size < sizeof(*event) || event->name_len > sizeof(event->name))
		return 0;
	printf("0:%u %s ", event->mount,
	       event->op < sizeof(ops) / sizeof(*ops) ? ops[event->op] : "?");
	print_verdict(event->verdict);
	if (event->home < 0)
		printf(" -");
	else
		printf(" %d", event->home);
	printf(" %llu %u %u ", (unsigned long long)event->ino, event->uid, event->pid);
	print_text(event->comm, strnlen(event->comm, sizeof(event->comm)));
	putchar(' ');
	print_text(event->name, event->name_len);
	putchar('\n');
	return 0;
}

int audit(const char *name, const char *map)
{
	const struct sigaction action = { .sa_handler = end };
	struct ring_buffer *events;
	int fd = open_map(name, map), err;

	events = ring_buffer__new(fd, print_event, NULL, NULL);
	if (!events)
		die("%s of %s: no ring buffer: %s", map, name, strerror(errno));
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	setlinebuf(stdout);
	printf("# mount op verdict home ino uid pid comm name\n");
	do {
		err = ring_buffer__poll(events, 1000);
	} while (!ended && (err >= 0 || err == -EINTR));
	if (err >= 0 || err == -EINTR)
		err = ring_buffer__consume(events);
	ring_buffer__free(events);
	if (err < 0)
		die("%s of %s: %s", map, name, strerror(-err));
	return 0;
}
