// SPDX-License-Identifier: GPL-2.0-only
/* Loading choosers; see load.h. */
#include "load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "world.h"

char load_log[1 << 18];

static int keep(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t len = strlen(load_log);

	if (level <= LIBBPF_INFO && len < sizeof(load_log) - 1)
		vsnprintf(load_log + len, sizeof(load_log) - len, format, args);
	return 0;
}

static int open_file(struct chooser *c, const char *file, const char *ops)
{
	struct bpf_map *map;

	memset(c, 0, sizeof(*c));
	load_log[0] = '\0';
	libbpf_set_print(keep);
	c->obj = bpf_object__open_file(built(fmt("bpf/%s", file)), NULL);
	if (!c->obj)
		return errno;
	bpf_object__for_each_map(map, c->obj) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		if (!ops || !strcmp(bpf_map__name(map), ops))
			c->ops = map;
		else
			bpf_map__set_autocreate(map, false);
	}
	return c->ops ? 0 : ENOENT;
}

static void *memory_of(const struct bpf_map *map)
{
	size_t size;

	return bpf_map__initial_value(map, &size);
}

static int load(struct chooser *c, const char *name)
{
	struct switchfs_ops *ops = memory_of(c->ops);
	int err;

	if (name) {
		memset(ops->chooser, 0, sizeof(ops->chooser));
		memcpy(ops->chooser, name, strnlen(name, sizeof(ops->chooser)));
	}
	err = -bpf_object__load(c->obj);
	if (err) {
		chooser_unload(c);
		return err;
	}
	c->script = chooser_memory(c, ".data");
	return 0;
}

int chooser_load(struct chooser *c, const char *file, const char *ops, const char *name)
{
	int err = open_file(c, file, ops);

	return err ?: load(c, name);
}

/* A program that is not to be one. */
static void drop(void **member)
{
	struct bpf_program *prog = *member;

	*member = NULL;
	bpf_program__set_autoload(prog, false);
}

int script_load(struct chooser *c, const char *name, int members, __u64 asked)
{
	int err = open_file(c, "script.bpf.o", members & SLEEPS ? "ops_s" : "ops_n"), i;
	struct switchfs_ops *ops;
	void **member[6];

	if (err)
		return err;
	ops = memory_of(c->ops);
	member[0] = &ops->route;
	member[1] = &ops->name;
	member[2] = &ops->getattr;
	member[3] = &ops->error;
	member[4] = &ops->init;
	member[5] = &ops->exit;
	for (i = 0; i < 6; i++)
		if (!(members & 1 << i))
			drop(member[i]);
	ops->ops = asked;
	return load(c, name);
}

int chooser_register(struct chooser *c)
{
	c->link = bpf_map__attach_struct_ops(c->ops);
	return c->link ? 0 : errno;
}

void chooser_unregister(struct chooser *c)
{
	bpf_link__destroy(c->link);
	c->link = NULL;
}

int chooser_swap(struct chooser *c, struct chooser *new)
{
	return bpf_link__update_map(c->link, new->ops) ? errno : 0;
}

void chooser_unload(struct chooser *c)
{
	chooser_unregister(c);
	bpf_object__close(c->obj);
	memset(c, 0, sizeof(*c));
}

void *chooser_memory(struct chooser *c, const char *section)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, c->obj)
		if (strstr(bpf_map__name(map), section))
			return memory_of(map);
	return NULL;
}

void script_reset(struct chooser *c)
{
	memset(c->script, 0, sizeof(*c->script));
	c->script->uid = -1;
}

static int count(int (*next)(__u32, __u32 *))
{
	__u32 id = 0;
	int n = 0;

	while (!next(id, &id))
		n++;
	return n;
}

struct bpf_counts bpf_counts(void)
{
	return (struct bpf_counts){
		.progs = count(bpf_prog_get_next_id), .maps = count(bpf_map_get_next_id),
		.links = count(bpf_link_get_next_id),
	};
}

bool bpf_counts_return(struct bpf_counts before)
{
	struct bpf_counts now;
	int i;

	for (i = 0; i < 100 * time_factor(); i++) {
		now = bpf_counts();
		if (!memcmp(&now, &before, sizeof(now)))
			return true;
		usleep(20000);
	}
	printf("# %d programs, %d maps, %d links, before %d, %d, %d\n", now.progs, now.maps,
	       now.links, before.progs, before.maps, before.links);
	return false;
}
