// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who calls: what rules ask of a task and of its credentials.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/rcupdate.h>
#include <linux/uidgid.h>

#include "helpers.h"

/*
 * Whether the fsgid of @cred, or one of its supplementary groups, is between
 * @first and @last. Groups are sorted. May run in RCU walk.
 */
bool switchfs_helper_in_groups(const struct cred *cred, u32 first, u32 last)
{
	const struct group_info *groups = cred->group_info;
	gid_t fsgid = __kgid_val(cred->fsgid);
	int low = 0, high = groups->ngroups;

	if (fsgid >= first && fsgid <= last)
		return true;
	while (low < high) {
		int middle = (low + high) / 2;

		if (__kgid_val(groups->gid[middle]) < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low < groups->ngroups && __kgid_val(groups->gid[low]) <= last;
}

#ifdef CONFIG_CGROUPS
/* The current task's cgroup of the unified hierarchy, with a reference. */
struct cgroup *switchfs_helper_cgroup_get(void)
{
	struct cgroup *cgrp;

	guard(rcu)();
	/* A task may be on the way to another one. */
	do {
		cgrp = task_dfl_cgroup(current);
	} while (!cgroup_tryget(cgrp));
	return cgrp;
}

void switchfs_helper_cgroup_put(struct cgroup *cgrp)
{
	cgroup_put(cgrp);
}

/* Compares the names of @cgrp and of those above it, from the last one. */
static bool is_at(struct cgroup *cgrp, const char *path, size_t len)
{
	for (; cgrp->level; cgrp = cgroup_parent(cgrp)) {
		/* Cgroups of the unified hierarchy are not renamed. */
		const char *name = rcu_dereference(cgrp->kn->name);
		size_t n = strlen(name);

		if (n >= len || path[len - n - 1] != '/' || memcmp(path + len - n, name, n))
			return false;
		len -= n + 1;
	}
	return !len;
}

/*
 * Whether @cgrp, or the current task's if it is NULL, is at @path, a path of
 * @level names each led by a slash, or below. Numbers of cgroups are never
 * used again, so the last ones that were and were not there are remembered in
 * @known and @other. May run in RCU walk.
 */
bool switchfs_helper_in_cgroup(struct cgroup *cgrp, const char *path, size_t len, int level,
			       u64 *known, u64 *other)
{
	u64 id;

	guard(rcu)();
	if (!cgrp)
		cgrp = task_dfl_cgroup(current);
	cgrp = cgroup_ancestor(cgrp, level);
	if (!cgrp)
		return false;
	id = cgroup_id(cgrp);
	if (id == READ_ONCE(*known))
		return true;
	if (id == READ_ONCE(*other))
		return false;
	if (is_at(cgrp, path, len)) {
		WRITE_ONCE(*known, id);
		return true;
	}
	WRITE_ONCE(*other, id);
	return false;
}
#else
struct cgroup *switchfs_helper_cgroup_get(void)
{
	return NULL;
}

void switchfs_helper_cgroup_put(struct cgroup *cgrp)
{
}

bool switchfs_helper_in_cgroup(struct cgroup *cgrp, const char *path, size_t len, int level,
			       u64 *known, u64 *other)
{
	return false;
}
#endif
