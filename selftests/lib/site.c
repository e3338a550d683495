// SPDX-License-Identifier: GPL-2.0-only
/* Worlds with branches to mount over. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "files.h"
#include "site_world.h"

const char *site_path(const struct site *site, const char *path)
{
	return fmt("%s/%s", site->w.work, path);
}

const char *behind(const struct site *site, const char *path)
{
	return fmt("%s/%s", site->s.source[0] ? "cold-source" : "cold", path);
}

int site_make(struct site *site, int parts)
{
	static const char *const cached[] = { "--timeout=60", NULL };
	int err = world_enter(&site->w);

	if (!err)
		err = make_path("mnt") ?: make_path("hot") ?:
		      make_path("ram") ?: make_path("cold");
	if (!err && parts & SITE_EXT4)
		err = ext4_mount(&site->w, site_path(site, "hot"));
	if (!err && parts & SITE_RAM)
		err = tmpfs_mount(site_path(site, "ram"));
	if (!err && parts & SITE_FUSE)
		err = server_start(&site->s, site_path(site, "cold"),
				   parts & SITE_CACHED ? cached : NULL);
	/* ext4 makes it, and a test wants to see its own names only. */
	rmdir("hot/lost+found");
	snprintf(site->hot, PATH_SIZE, "hot=%s", site_path(site, "hot"));
	snprintf(site->ram, PATH_SIZE, "ram=%s", site_path(site, "ram"));
	snprintf(site->cold, PATH_SIZE, "cold=%s", site_path(site, "cold"));
	return err;
}

void site_leave(struct site *site)
{
	if (!site->w.work[0] || chdir(site->w.work))
		return;
	while (!umount2("mnt", MNT_DETACH))
		;
	if (site->s.mount[0])
		server_stop(&site->s);
	while (!umount2("ram", MNT_DETACH))
		;
	while (!umount2("hot", MNT_DETACH))
		;
	world_leave(&site->w);
}
