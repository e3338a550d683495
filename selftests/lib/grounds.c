// SPDX-License-Identifier: GPL-2.0-only
/* Filesystems of every kind that the machine can make. */
#include <errno.h>
#include <linux/nfsd/export.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "files.h"
#include "grounds.h"
#include "nfs.h"

#define IMAGE_SIZE (128L << 20)

/* Formatted images, as descriptors that the tests inherit. */
static int xfs = -1, btrfs = -1;
/* Of the NFS server, when there is one. */
static pid_t tracker;

static int format(const char *const *words)
{
	int fd = memfd_create(words[0], 0), err;
	char *argv[16];
	int n = 0;

	while (words[n]) {
		argv[n] = (char *)words[n];
		n++;
	}
	argv[n++] = (char *)fmt("/proc/self/fd/%d", fd);
	argv[n] = NULL;
	err = ftruncate(fd, IMAGE_SIZE) ? errno : run_quietly(argv);
	if (err)
		fprintf(stderr, "# %s: %s\n", words[0], strerror(err));
	return fd;
}

void grounds_prepare(void)
{
	/* So small as is not supported, and good enough for an hour. */
	static const char *const make_xfs[] = {
		"mkfs.xfs", "-q", "-f", "-K", "--unsupported", NULL,
	};
	static const char *const make_btrfs[] = { "mkfs.btrfs", "-q", "-f", "-K", "-M", NULL };

	xfs = format(make_xfs);
	btrfs = format(make_btrfs);
}

int ground_mount(const struct world *w, enum ground kind, const char *dir)
{
	const char *at = fmt("%s/%s", w->work, dir);

	switch (kind) {
	case GROUND_EXT4:
		return ext4_mount(w, at);
	case GROUND_XFS:
		return image_copy_mount(w, at, "xfs", xfs);
	case GROUND_BTRFS:
		return image_copy_mount(w, at, "btrfs", btrfs);
	case GROUND_TMPFS:
		return tmpfs_mount(at);
	case GROUND_OVERLAY:
		return make_path("o/lower") ?: make_path("o/upper") ?: make_path("o/work") ?:
			make_path(at) ?:
			ERR(mount("overlay", at, "overlay", 0,
				  "lowerdir=o/lower,upperdir=o/upper,workdir=o/work"));
	case GROUND_NFS:
		tracker = nfs_tracker();
		return ext4_mount(w, fmt("%s/exported", w->work)) ?:
			nfs_serve(fmt("%s/exported", w->work), at, NFSEXP_NOSUBTREECHECK);
	}
	return EINVAL;
}

void ground_leave(const char *dir)
{
	if (tracker) {
		nfs_end(tracker, dir);
		umount2("exported", MNT_DETACH);
		tracker = 0;
	}
	umount2(dir, MNT_DETACH);
}
