// SPDX-License-Identifier: GPL-2.0-only
/* User namespaces made for a mapping, and mounts that are seen through one. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "idmap.h"

int idmap_userns(unsigned int inside, unsigned int outside, unsigned int count)
{
	const char *map = fmt("%u %u %u\n", inside, outside, count);
	int ready[2], fd = -1, err = 0;
	char byte;
	pid_t pid;

	if (pipe(ready))
		return -errno;
	pid = fork();
	if (!pid) {
		byte = unshare(CLONE_NEWUSER) ? 'n' : 'y';
		write(ready[1], &byte, 1);
		pause();
		_exit(0);
	}
	if (read(ready[0], &byte, 1) != 1 || byte != 'y')
		err = EPERM;
	if (!err)
		err = put(fmt("/proc/%d/uid_map", pid), map) ?:
		      put(fmt("/proc/%d/gid_map", pid), map);
	if (!err) {
		fd = open(fmt("/proc/%d/ns/user", pid), O_RDONLY | O_CLOEXEC);
		err = fd < 0 ? errno : 0;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	return err ? -err : fd;
}

int idmap_mount(const char *from, const char *to, unsigned int first, unsigned int shown,
		unsigned int count)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int ns = idmap_userns(first, shown, count), tree, err = 0;

	if (ns < 0)
		return -ns;
	attr.userns_fd = ns;
	tree = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 ||
	    syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) ||
	    move_mount(tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH))
		err = errno;
	if (tree >= 0)
		close(tree);
	close(ns);
	return err;
}
