/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading choosers by libbpf. It takes long, so main() does it once and the
 * tests register what it loaded: a registration ends with its process.
 */
#ifndef SWITCHFS_LOAD_H
#define SWITCHFS_LOAD_H

#include <linux/types.h>
#include <stdbool.h>

#include "../../rust-bindings/uapi/switchfs_bpf.h"
#include "script.h"

struct bpf_object;
struct bpf_map;
struct bpf_link;

/* The kernel's struct switchfs_ops as programs have it. */
struct switchfs_ops {
	void *route, *name, *getattr, *error, *init, *exit;
	__u64 ops;
	char chooser[SWITCHFS_CHOOSER_LEN];
};

enum { ROUTE = 1, NAME = 2, GETATTR = 4, ERROR = 8, INIT = 16, EXIT = 32, ALL = 63, SLEEPS = 64 };

struct chooser {
	struct bpf_object *obj;
	struct bpf_map *ops;
	struct bpf_link *link;
	struct script *script;	/* of script.bpf.o */
};

/* What libbpf and the verifier said last. */
extern char load_log[1 << 18];

/*
 * They return 0 or an errno. FILE is of selftests/bpf, OPS the variable in
 * it that is loaded, the only one; NAME replaces the chooser's name.
 */
int chooser_load(struct chooser *c, const char *file, const char *ops, const char *name);
/* script.bpf.o with these MEMBERS, its route asked about the operations in the bits of ASKED. */
int script_load(struct chooser *c, const char *name, int members, __u64 asked);
int chooser_register(struct chooser *c);
void chooser_unregister(struct chooser *c);
/* Puts the programs of NEW in the place of those of C, whose link it is. */
int chooser_swap(struct chooser *c, struct chooser *new);
void chooser_unload(struct chooser *c);
/* All of it: nothing is said, all is counted from 0. */
void script_reset(struct chooser *c);
/* The memory of programs, whose variable is the only one in that SECTION. */
void *chooser_memory(struct chooser *c, const char *section);

/* How many programs, maps and links there are in the kernel. */
struct bpf_counts {
	int progs, maps, links;
};
struct bpf_counts bpf_counts(void);
/* Whether there come to be as many as BEFORE: they are freed a while later. */
bool bpf_counts_return(struct bpf_counts before);

#define WORD_ALL(word) ((word) | SWITCHFS_FOR_ALL)

#endif
