// SPDX-License-Identifier: GPL-2.0-only
/*
 * chooser: loads BPF choosers for switchfs and keeps them.
 *
 *   chooser load OBJECT                 registers the programs of OBJECT (x.bpf.o)
 *   chooser swap OBJECT                 puts them in the place of those of the same name
 *   chooser unload NAME                 lets them go
 *   chooser list                        what is loaded, with its maps and its mounts
 *   chooser set NAME MAP KEY [VALUE]    changes a map; VALUE is 1 if left out
 *   chooser unset NAME MAP KEY
 *   chooser audit [NAME [MAP]]          prints what audit.bpf.c saw, until it is ended
 *
 * KEY and VALUE are numbers, or @PATH: the inode number of PATH, which for a folder of cgroup2
 * is the id of the group. Pins are /sys/fs/bpf/switchfs/NAME/link and a file for each map there,
 * which bpftool reads and writes (`map dump pinned`); a dot of a name is a comma. They are what
 * keeps the programs: nothing has to go on running.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "chooser.h"
#include <bpf/btf.h>

#define BPFFS "/sys/fs/bpf"
#define PINS BPFFS "/switchfs"
#define MAPS_MAX 64

/* An object that is being loaded. */
struct loading {
	struct bpf_object *object;
	struct bpf_map *ops;
	char name[64];
	/* The maps that had no pins before. */
	struct bpf_map *fresh[MAPS_MAX];
	int fresh_count;
};

/* What libbpf said, of which only the failures are told. */
static char said[65536];
static size_t said_len;

static int keep_said(enum libbpf_print_level level, const char *format, va_list args)
{
	int len;

	if (level != LIBBPF_WARN)
		return 0;
	len = vsnprintf(said + said_len, sizeof(said) - said_len, format, args);
	if (len > 0)
		said_len += (size_t)len < sizeof(said) - said_len ? (size_t)len :
			    sizeof(said) - said_len - 1;
	return len;
}

void die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	if (said_len)
		fwrite(said, 1, said_len, stderr);
	fputs("chooser: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

const char *pin_path(const char *name, const char *what)
{
	static char paths[4][512];
	static int turn;
	char *path = paths[turn++ % 4], *at;

	if (strchr(name, '/') || (what && strchr(what, '/')))
		die("%s: no name has a slash", strchr(name, '/') ? name : what);
	snprintf(path, sizeof(paths[0]), PINS "/%s%s%s", name, what ? "/" : "", what ?: "");
	/* bpffs takes no dots, and names no commas. */
	for (at = path; (at = strchr(at, '.')); at++)
		*at = ',';
	return path;
}

int open_map(const char *name, const char *what)
{
	int fd = bpf_obj_get(pin_path(name, what));

	if (fd < 0)
		die("%s of %s: %s", what, name,
		    errno == ENOENT ? "there is no such map" : strerror(errno));
	return fd;
}

static bool is_bpffs(void)
{
	struct statfs fs;

	return !statfs(BPFFS, &fs) && fs.f_type == BPF_FS_MAGIC;
}

/* What has to be there to load anything; bpffs often is not. */
static void prepare(void)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (access("/sys/kernel/btf/switchfs", F_OK))
		die("the module switchfs is not loaded, or has no BTF");
	if (!is_bpffs() && mount("bpf", BPFFS, "bpf", flags, "mode=0700"))
		die(BPFFS ": cannot mount bpffs: %s", strerror(errno));
	if (mkdir(PINS, 0700) && errno != EEXIST)
		die(PINS ": %s", strerror(errno));
}

/* The name by which mounts ask for it. */
static const char *name_of(const struct loading *loading)
{
	const struct btf *btf = bpf_object__btf(loading->object);
	int id = btf__find_by_name_kind(btf, "switchfs_ops", BTF_KIND_STRUCT), i;
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, id);
	const char *data = bpf_map__initial_value(loading->ops, NULL);

	for (i = 0; type && data && i < btf_vlen(type); i++) {
		const struct btf_member *member = btf_members(type) + i;

		if (!strcmp(btf__name_by_offset(btf, member->name_off), "chooser"))
			return data + member->offset / 8;
	}
	return NULL;
}

/* Opens the object; its maps will be pinned, or are those that are pinned already. */
static void open_object(struct loading *loading, const char *path)
{
	const char *name, *pin;
	struct bpf_map *map;

	loading->object = bpf_object__open_file(path, NULL);
	if (!loading->object)
		die("%s: %s", path, strerror(errno));
	bpf_object__for_each_map(map, loading->object) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		if (loading->ops)
			die("%s: it has more than one chooser", path);
		loading->ops = map;
	}
	name = loading->ops ? name_of(loading) : NULL;
	if (!name || !*name)
		die("%s: it has no chooser with a name", path);
	snprintf(loading->name, sizeof(loading->name), "%.32s", name);
	bpf_object__for_each_map(map, loading->object) {
		if (map == loading->ops || bpf_map__is_internal(map))
			continue;
		pin = pin_path(loading->name, bpf_map__name(map));
		if (bpf_map__set_pin_path(map, pin))
			die("%s: %s", pin, strerror(errno));
		if (access(pin, F_OK) && loading->fresh_count < MAPS_MAX)
			loading->fresh[loading->fresh_count++] = map;
	}
}

/* Ends with a message, with the pins as they were. */
static void give_up(const struct loading *loading, const char *what, int err)
{
	int i;

	for (i = 0; i < loading->fresh_count; i++)
		unlink(bpf_map__pin_path(loading->fresh[i]));
	rmdir(pin_path(loading->name, NULL));
	die("%s: %s: %s", loading->name, what, strerror(err < 0 ? -err : err));
}

static void load_object(const struct loading *loading)
{
	int err = bpf_object__load(loading->object);

	if (err)
		give_up(loading, "the kernel does not take it", err);
}

static int load(const char *path)
{
	struct loading loading = { };
	struct bpf_link *link;
	int err;

	prepare();
	open_object(&loading, path);
	if (!access(pin_path(loading.name, "link"), F_OK))
		die("%s is loaded already: swap it, or unload it first", loading.name);
	if (mkdir(pin_path(loading.name, NULL), 0700) && errno != EEXIST)
		die("%s: %s", pin_path(loading.name, NULL), strerror(errno));
	load_object(&loading);
	link = bpf_map__attach_struct_ops(loading.ops);
	if (!link)
		give_up(&loading, "not registered", errno);
	err = bpf_link__pin(link, pin_path(loading.name, "link"));
	if (err)
		give_up(&loading, "not pinned", err);
	return 0;
}

/* Removes the pins in a folder but "link" and those of the maps of OBJECT, if there is one. */
static void remove_pins(const char *name, const struct bpf_object *object)
{
	DIR *dir = opendir(pin_path(name, NULL));
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, "link") || *entry->d_name == '.')
			continue;
		if (!object || !bpf_object__find_map_by_name(object, entry->d_name))
			unlink(pin_path(name, entry->d_name));
	}
	if (dir)
		closedir(dir);
}

static int swap(const char *path)
{
	struct loading loading = { };
	struct bpf_link *other;
	int link, err;

	prepare();
	open_object(&loading, path);
	link = bpf_obj_get(pin_path(loading.name, "link"));
	if (link < 0)
		die("%s is not loaded: load it", loading.name);
	load_object(&loading);
	/*
	 * The programs become the map's value when it is attached, which fails since the name is
	 * taken; libbpf has no other way for a link that it did not make itself.
	 */
	other = bpf_map__attach_struct_ops(loading.ops);
	if (other)
		give_up(&loading, "it is not registered any more: unload it, and load it", ENOLINK);
	if (errno != EEXIST)
		give_up(&loading, "not registered", errno);
	err = bpf_link_update(link, bpf_map__fd(loading.ops), NULL);
	if (err)
		give_up(&loading, "not swapped", err);
	remove_pins(loading.name, loading.object);
	return 0;
}

static int unload(const char *name)
{
	int link = bpf_obj_get(pin_path(name, "link"));

	if (link < 0)
		die("%s is not loaded", name);
	/* Else it would be gone a moment later only; one that was detached is EINVAL. */
	if (bpf_link_detach(link) && errno != EINVAL && errno != ENOLINK)
		die("%s: %s", name, strerror(errno));
	if (unlink(pin_path(name, "link")))
		die("%s: %s", pin_path(name, "link"), strerror(errno));
	remove_pins(name, NULL);
	if (rmdir(pin_path(name, NULL)))
		die("%s: %s", pin_path(name, NULL), strerror(errno));
	return 0;
}

/* The mounts that this process sees. */
static void list_mounts(const char *name)
{
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *mount;
	char wanted[64];
	size_t len;

	len = snprintf(wanted, sizeof(wanted), "chooser=bpf:%.32s", name);
	while (mounts && (mount = getmntent(mounts))) {
		const char *option = hasmntopt(mount, "chooser");

		if (!strcmp(mount->mnt_type, "switchfs") && option &&
		    !strncmp(option, wanted, len) && (!option[len] || option[len] == ','))
			printf("\tmount %s\n", mount->mnt_dir);
	}
	if (mounts)
		endmntent(mounts);
}

static void list_one(char *name)
{
	struct bpf_link_info info = { };
	__u32 len = sizeof(info);
	int link = bpf_obj_get(pin_path(name, "link"));
	DIR *dir = opendir(pin_path(name, NULL));
	struct dirent *entry;
	char *at;

	for (at = name; (at = strchr(at, ',')); at++)
		*at = '.';
	if (link < 0 || bpf_link_get_info_by_fd(link, &info, &len) || !info.struct_ops.map_id)
		printf("%s: detached\n", name);
	else
		printf("%s: link %u, map %u\n", name, info.id, info.struct_ops.map_id);
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, "link") && *entry->d_name != '.')
			printf("\tmap %s\n", entry->d_name);
	if (dir)
		closedir(dir);
	if (link >= 0)
		close(link);
	list_mounts(name);
}

static int list(void)
{
	struct dirent **names;
	int n = scandir(PINS, &names, NULL, alphasort), i;

	if (n < 0 && errno != ENOENT)
		die(PINS ": %s", strerror(errno));
	for (i = 0; i < n; i++) {
		if (*names[i]->d_name != '.')
			list_one(names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return 0;
}

/* Puts the number in TEXT into SIZE bytes. */
static void parse(const char *text, unsigned int size, void *to)
{
	__u64 number;
	struct stat st;
	char *end;

	if (*text == '@') {
		if (stat(text + 1, &st))
			die("%s: %s", text + 1, strerror(errno));
		number = st.st_ino;
	} else {
		errno = 0;
		number = strtoull(text, &end, 0);
		if (errno || end == text || *end || *text == '-')
			die("%s: expected a number, or @PATH", text);
	}
	if (size < 8 && number >> size * 8)
		die("%s: it does not fit into %u bytes", text, size);
	switch (size) {
	case 1:
		*(__u8 *)to = number;
		break;
	case 2:
		*(__u16 *)to = number;
		break;
	case 4:
		*(__u32 *)to = number;
		break;
	case 8:
		*(__u64 *)to = number;
		break;
	default:
		die("its keys and values are no numbers: use bpftool");
	}
}

/* Without VALUE the key is removed. */
static int set(const char *name, const char *map, const char *key, const char *value)
{
	int fd = open_map(name, map), err;
	struct bpf_map_info info = { };
	__u32 len = sizeof(info);
	__u64 key_room, value_room;

	if (bpf_map_get_info_by_fd(fd, &info, &len))
		die("%s of %s: %s", map, name, strerror(errno));
	parse(key, info.key_size, &key_room);
	if (value) {
		parse(value, info.value_size, &value_room);
		err = bpf_map_update_elem(fd, &key_room, &value_room, BPF_ANY);
	} else {
		err = bpf_map_delete_elem(fd, &key_room);
	}
	if (err)
		die("%s of %s: %s: %s", map, name, key, strerror(errno));
	return 0;
}

static int usage(void)
{
	fputs("usage: chooser load OBJECT\n"
	      "       chooser swap OBJECT\n"
	      "       chooser unload NAME\n"
	      "       chooser list\n"
	      "       chooser set NAME MAP KEY [VALUE]\n"
	      "       chooser unset NAME MAP KEY\n"
	      "       chooser audit [NAME [MAP]]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	libbpf_set_print(keep_said);
	if (!strcmp(command, "load") && argc == 3)
		return load(argv[2]);
	if (!strcmp(command, "swap") && argc == 3)
		return swap(argv[2]);
	if (!strcmp(command, "unload") && argc == 3)
		return unload(argv[2]);
	if (!strcmp(command, "list") && argc == 2)
		return list();
	if (!strcmp(command, "set") && (argc == 5 || argc == 6))
		return set(argv[2], argv[3], argv[4], argc == 6 ? argv[5] : "1");
	if (!strcmp(command, "unset") && argc == 5)
		return set(argv[2], argv[3], argv[4], NULL);
	if (!strcmp(command, "audit") && argc <= 4)
		return audit(argc > 2 ? argv[2] : "audit", argc > 3 ? argv[3] : "events");
	return usage();
}
