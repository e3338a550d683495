// SPDX-License-Identifier: GPL-2.0-only
/* fanotify events with names and file handles, where the branch has those. */
#include "tree.h"

#include <sys/fanotify.h>

#ifndef FAN_REPORT_DFID_NAME
#define FAN_REPORT_DFID_NAME 0xc00
#endif

static int group(void)
{
	return fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_NONBLOCK |
			     FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
}

struct told {
	unsigned long long mask;
	char name[256];
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	};
};

/* The next event; its mask is 0 when there is none. */
static struct told next(int fan)
{
	static char buf[4096] __attribute__((aligned(8)));
	static ssize_t have, at;
	struct fanotify_event_metadata *e;
	struct told t = { 0 };

	if (at >= have) {
		have = read(fan, buf, sizeof(buf));
		at = 0;
	}
	if (have - at < (ssize_t)sizeof(*e))
		return t;
	e = (void *)(buf + at);
	at += e->event_len;
	if (e->event_len > sizeof(*e)) {
		struct fanotify_event_info_fid *info = (void *)(e + 1);
		struct file_handle *h = (void *)info->handle;

		memcpy(t.room, h, sizeof(*h) + h->handle_bytes);
		if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME)
			snprintf(t.name, sizeof(t.name), "%s",
				 (char *)h->f_handle + h->handle_bytes);
	}
	t.mask = e->mask;
	return t;
}

TEST_F(tree, events_carry_name_and_handle_of_the_directory)
{
	const unsigned long long mask = FAN_CREATE | FAN_DELETE;
	int fan = group(), under = group(), expected, dir, id;
	struct told t, own = { 0 };

	ASSERT_LE(0, fan);
	expected = ERR(fanotify_mark(under, FAN_MARK_ADD, mask, AT_FDCWD, self->home));
	EXPECT_ERR(expected, fanotify_mark(fan, FAN_MARK_ADD, mask, AT_FDCWD, "."));
	if (expected)
		return;
	DOES(put("f.c", ""));
	t = next(fan);
	EXPECT_EQ(FAN_CREATE, t.mask);
	EXPECT_STREQ("f.c", t.name);
	own.handle.handle_bytes = MAX_HANDLE_SZ;
	ASSERT_OK(name_to_handle_at(AT_FDCWD, ".", &own.handle, &id, 0));
	ASSERT_EQ(own.handle.handle_bytes, t.handle.handle_bytes);
	EXPECT_EQ(0, memcmp(own.handle.f_handle, t.handle.f_handle,
			    own.handle.handle_bytes));
	dir = open_by_handle_at(AT_FDCWD, &t.handle, O_RDONLY | O_DIRECTORY);
	EXPECT_LE(0, dir);
	EXPECT_TRUE(!fstatat(dir, "f.c", &(struct stat){ 0 }, 0));
	ASSERT_OK(unlink("f.c"));
	t = next(fan);
	EXPECT_EQ(FAN_DELETE, t.mask);
	EXPECT_STREQ("f.c", t.name);
}

TEST_F(tree, renaming_is_told_with_both_names)
{
	const unsigned long long mask = FAN_MOVED_FROM | FAN_MOVED_TO;
	int fan = group(), under = group();
	struct told t;

	ASSERT_LE(0, fan);
	if (fanotify_mark(under, FAN_MARK_ADD, mask, AT_FDCWD, self->home))
		return;
	close(under);
	DOES(put("f.c", ""));
	ASSERT_OK(fanotify_mark(fan, FAN_MARK_ADD, mask, AT_FDCWD, "."));
	ASSERT_OK(rename("f.c", "g.c"));
	t = next(fan);
	EXPECT_EQ(FAN_MOVED_FROM, t.mask);
	EXPECT_STREQ("f.c", t.name);
	t = next(fan);
	EXPECT_EQ(FAN_MOVED_TO, t.mask);
	EXPECT_STREQ("g.c", t.name);
}

TREE_TEST_MAIN
