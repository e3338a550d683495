// SPDX-License-Identifier: GPL-2.0-only
/* The world under the fixture `tree`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "files.h"
#include "mounting.h"
#include "tree_world.h"

struct world tree_world;
struct server tree_server;
char tree_trouble[512];

static const char *in_work(const char *path)
{
	return fmt("%s/%s", tree_world.work, path);
}

const char *tree_mount(enum tree_kind kind)
{
	static const char *const at[] = {
		[PLAIN] = "ext4/plain", [LOCAL] = "mnt/local",
		[FUSE] = "mnt/fuse", [RULES] = "mnt/both", [BELOW] = "mnt/both",
	};

	return in_work(at[kind]);
}

void tree_branch_dir(char path[PATH_SIZE], enum tree_kind kind, bool dot_c,
		     const char *fuse, const char *under)
{
	const bool apart = kind == RULES && dot_c && !getenv("SWITCHFS_STAND_IN");
	const char *root = "ext4/plain";

	switch (kind) {
	case PLAIN:
		break;
	case LOCAL:
		root = "ext4/local";
		break;
	case FUSE:
		root = fmt("%s/whole", fuse);
		break;
	case RULES:
		root = apart ? fmt("%s/cold", fuse) : "ext4/hot";
		break;
	case BELOW:
		root = fmt("%s/cold", fuse);
		break;
	}
	snprintf(path, PATH_SIZE, "%s/%s/%st%d", tree_world.work, root, under,
		 getpid());
}

static int trouble(const char *what, int err)
{
	snprintf(tree_trouble, sizeof(tree_trouble), "%s: %s: %.300s", what,
		 strerror(err), mount_log);
	return err;
}

static int make_stand_ins(void)
{
	int err = bind_mount(in_work("ext4/local"), in_work("mnt/local")) ?:
		  bind_mount(in_work("fuse/whole"), in_work("mnt/fuse")) ?:
		  bind_mount(in_work("ext4/hot"), in_work("mnt/both"));

	if (err)
		return err;
	return bind_mount(in_work("fuse/cold/cold"), in_work("mnt/both/cold"));
}

static int make_mounts(void)
{
	const char *creds = getenv("SWITCHFS_TREE_CREDS") ?: "mounter";
	int err;

	if (getenv("SWITCHFS_STAND_IN")) {
		err = make_path(in_work("ext4/hot/cold")) ?: make_stand_ins();
		return err ? trouble("stand-ins", err) : 0;
	}
	if (!switchfs_present())
		return trouble("no switchfs in /proc/filesystems", ENODEV);
	err = switchfs_mount(in_work("mnt/local"),
			     "branch", fmt("a=%s", in_work("ext4/local")),
			     "creds", creds, END);
	if (err)
		return trouble("mount of local", err);
	err = switchfs_mount(in_work("mnt/fuse"),
			     "branch", fmt("a=%s", in_work("fuse/whole")),
			     "creds", creds, END);
	if (err)
		return trouble("mount of fuse", err);
	err = switchfs_mount(in_work("mnt/both"),
			     "branch", fmt("hot=%s", in_work("ext4/hot")),
			     "branch", fmt("cold=%s", in_work("fuse/cold")),
			     "rule", "path=/cold/** -> cold",
			     "rule", "name=*.c -> cold", "creds", creds, END);
	return err ? trouble("mount of both", err) : 0;
}

/* SWITCHFS_TREE_GROUND: another filesystem than ext4 under it all. */
static int mount_ground(void)
{
	const char *ground = getenv("SWITCHFS_TREE_GROUND") ?: "ext4";
	const char *at = in_work("ext4");

	if (ground[0] == '/')
		return bind_mount(ground, at);
	if (!strcmp(ground, "tmpfs"))
		return tmpfs_mount(at);
	if (!strcmp(ground, "overlay"))
		return make_path(in_work("lower")) ?: make_path(in_work("upper")) ?:
		       make_path(in_work("scratch")) ?: make_path(at) ?:
		       ERR(mount("overlay", at, "overlay", 0,
				 fmt("lowerdir=%s,upperdir=%s,workdir=%s",
				     in_work("lower"), in_work("upper"),
				     in_work("scratch"))));
	return ext4_mount(&tree_world, at);
}

/* What cannot be made without the module under test must be there. */
static int make_ground(const char *server_option)
{
	/* SWITCHFS_TREE_SERVER: another option of the server's. */
	const char *const options[] = {
		server_option, getenv("SWITCHFS_TREE_SERVER"), NULL,
	};
	static const char *const dirs[] = {
		"ext4/plain", "ext4/local", "ext4/hot", "fuse/whole",
		"fuse/cold/cold", "mnt/local", "mnt/fuse", "mnt/both",
	};
	size_t i;
	int err;

	err = world_enter(&tree_world);
	if (!err)
		err = mount_ground();
	if (!err)
		err = server_start(&tree_server, in_work("fuse"), options);
	for (i = 0; !err && i < sizeof(dirs) / sizeof(*dirs); i++)
		err = make_path(in_work(dirs[i]));
	return err;
}

static void leave(void)
{
	static const char *const mounts[] = {
		"mnt/both/cold", "mnt/both", "mnt/fuse", "mnt/local",
	};
	size_t i;

	if (getpid() != tree_world.owner)
		return;
	if (chdir("/"))
		return;
	for (i = 0; i < sizeof(mounts) / sizeof(*mounts); i++)
		umount2(in_work(mounts[i]), MNT_DETACH);
	server_stop(&tree_server);
	umount2(in_work("ext4"), MNT_DETACH);
	world_leave(&tree_world);
}

int tree_main(int argc, char **argv, const char *server_option,
	      int (*run)(int, char **))
{
	int err = make_ground(server_option);

	if (err) {
		printf("Bail out! no ground for the tests: %s\n", strerror(err));
		leave();
		return 1;
	}
	make_mounts();
	/* The harness ends with exit(). */
	atexit(leave);
	return run(argc, argv);
}
