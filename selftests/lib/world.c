// SPDX-License-Identifier: GPL-2.0-only
/* The private mount namespace of a test and the filesystems in it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "world.h"

#define IMAGE_SIZE (64L << 20)

int time_factor(void)
{
	const char *text = getenv("SWITCHFS_TIME_FACTOR");
	int factor = text ? atoi(text) : 1;

	return factor > 1 ? factor : 1;
}

int world_enter(struct world *w)
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return errno;
	strcpy(w->work, "/tmp/switchfs.XXXXXX");
	if (!mkdtemp(w->work))
		return errno;
	umask(0);
	if (mount("work", w->work, "tmpfs", 0, "mode=755") || chdir(w->work))
		return errno;
	w->owner = getpid();
	return 0;
}

void world_leave(struct world *w)
{
	if (!w->work[0] || w->owner != getpid())
		return;
	if (chdir("/"))
		return;
	umount2(w->work, MNT_DETACH);
	rmdir(w->work);
	w->work[0] = '\0';
}

int run_quietly(char *const argv[])
{
	pid_t pid = fork();
	int status, null;

	if (pid < 0)
		return errno;
	if (!pid) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : EIO;
}

/* The data extents of FROM only: an empty filesystem is nearly all hole. */
static int copy_sparse(int fd, int to)
{
	int err = 0;
	off_t at = 0, end;
	char buf[16384];

	if (fd < 0)
		return EBADF;
	while (!err && (at = lseek(fd, at, SEEK_DATA)) >= 0) {
		end = lseek(fd, at, SEEK_HOLE);
		while (at < end) {
			size_t left = end - at;
			ssize_t n = pread(fd, buf, left < sizeof(buf) ?
					  left : sizeof(buf), at);

			if (n <= 0 || pwrite(to, buf, n, at) != n) {
				err = errno ?: EIO;
				break;
			}
			at += n;
		}
	}
	return err;
}

/* mke2fs takes long in a slow machine: a ready image may be handed in. */
static int make_image(const char *path, bool quota)
{
	const char *ready = quota ? NULL : getenv("SWITCHFS_EXT4_IMAGE");
	char *argv[] = { "mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-O",
			 quota ? "^has_journal,quota" : "^has_journal", "-b",
			 "4096", "-E", "lazy_itable_init=1,nodiscard",
			 (char *)path, NULL };
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int err = 0;

	if (fd < 0 || ftruncate(fd, IMAGE_SIZE))
		return errno;
	if (ready) {
		int from = open(ready, O_RDONLY | O_CLOEXEC);

		err = copy_sparse(from, fd);
		close(from);
	}
	close(fd);
	return ready ? err : run_quietly(argv);
}

static int loop_attach(const char *image, char device[32])
{
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC), number, tries;
	int err = EBUSY, fd;

	if (ctl < 0)
		return -errno;
	config.fd = open(image, O_RDWR | O_CLOEXEC);
	/* Another test may take the free device first. */
	for (tries = 0; err == EBUSY && tries < 50; tries++) {
		number = ioctl(ctl, LOOP_CTL_GET_FREE);
		snprintf(device, 32, "/dev/loop%d", number);
		fd = open(device, O_RDWR | O_CLOEXEC);
		err = fd < 0 || ioctl(fd, LOOP_CONFIGURE, &config) ? errno : 0;
		if (err && fd >= 0)
			close(fd);
	}
	close(config.fd);
	close(ctl);
	return err ? -err : fd;
}

static const char *new_image(const struct world *w)
{
	static int serial;

	return fmt("%s/.image-%d-%d", w->work, getpid(), serial++);
}

static int mount_file(const char *image, const char *dir, const char *type)
{
	char device[32];
	int fd = loop_attach(image, device), err = 0;

	if (fd < 0)
		return -fd;
	if (mount(device, dir, type, 0, NULL))
		err = errno;
	close(fd);
	if (!err && chmod(dir, 0755))
		err = errno;
	return err;
}

static int mount_image(const struct world *w, const char *dir, bool quota)
{
	const char *image = new_image(w);

	return make_image(image, quota) ?: make_path(dir) ?: mount_file(image, dir, "ext4");
}

int image_mount(const struct world *w, const char *dir, const char *type, off_t size,
		const char *const *maker)
{
	const char *image = new_image(w);
	char *argv[16];
	int n = 0, fd, err;

	while (maker[n] && n < 14) {
		argv[n] = (char *)maker[n];
		n++;
	}
	argv[n++] = (char *)image;
	argv[n] = NULL;
	fd = open(image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, size))
		return errno;
	close(fd);
	err = run_quietly(argv);
	return err ?: make_path(dir) ?: mount_file(image, dir, type);
}

int folding_mount(const struct world *w, const char *dir)
{
	static const char *const maker[] = {
		"mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-O", "^has_journal,casefold",
		"-E", "encoding=utf8,nodiscard", NULL,
	};
	const char *d = fmt("%s/d", dir);

	return image_mount(w, dir, "ext4", 16 << 20, maker) ?: ERR(mkdir(d, 0777)) ?:
	       change_flags(d, FS_CASEFOLD_FL, 0);
}

int image_copy_mount(const struct world *w, const char *dir, const char *type, int from)
{
	const char *image = new_image(w);
	int fd = open(image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), err;
	struct stat st;

	if (fd < 0 || fstat(from, &st) || ftruncate(fd, st.st_size))
		return errno;
	err = copy_sparse(from, fd);
	close(fd);
	return err ?: make_path(dir) ?: mount_file(image, dir, type);
}

int ext4_mount(const struct world *w, const char *dir)
{
	return mount_image(w, dir, false);
}

int ext4_quota_mount(const struct world *w, const char *dir)
{
	return mount_image(w, dir, true);
}

int tmpfs_mount(const char *dir)
{
	int err = make_path(dir);

	if (!err && mount("tmpfs", dir, "tmpfs", 0, "mode=755"))
		err = errno;
	return err;
}

int bind_mount(const char *from, const char *to)
{
	int err = make_path(to);

	if (!err && mount(from, to, NULL, MS_BIND, NULL))
		err = errno;
	return err;
}
