// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is hidden cannot be told from what does not exist: each call of the
 * table in hide.h, with and without the object, whoever has looked at it
 * before.
 */
#include "hide_cells.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_FUSE | SITE_CACHED };

static int mount_hiding(struct site *site, const struct way *way)
{
	return switchfs_mount("mnt", "branch", site->hot, "branch", site->cold,
			      "default", way->fuse ? "cold" : "hot",
			      "rule", "name=secret uid=1000 -> hide",
			      "rule", fmt("name=secret gid=%d -> hide", HIDDEN_GROUP),
			      "creds", way->creds ?: "mounter",
			      way->read_only ? "ro" : END, NULL, END);
}

static void try_all(struct __test_metadata *_metadata, struct site *site, const struct way *way)
{
	ASSERT_EQ(0, mount_hiding(site, way)) TH_LOG("%s", mount_log);
	try_calls(_metadata, site, way);
}

/* A call that would answer the same without the rule proves nothing. */
TEST(each_call_tells_presence_in_a_plain_directory)
{
	int first = 0, differ, err;
	enum warmth warmth;
	struct world w = {};
	struct cell cell;
	enum kind kind;
	size_t i;

	ASSERT_EQ(0, world_enter(&w));
	for (i = 0; i < sizeof(hide_calls) / sizeof(*hide_calls); i++) {
		differ = 0;
		EACH_CELL(kind, warmth, false) {
			ASSERT_EQ(0, make_cell(&cell, w.work, w.work, kind));
			ASSERT_OK(chdir(cell.dir));
			warm_up(&cell, warmth);
			err = run_as(&hide_calls[i], true);
			if (kind == ABSENT && warmth == COLD)
				first = err;
			differ += err != first;
			if (cell.held >= 0)
				close(cell.held);
		}
		EXPECT_LT(0, differ)
			TH_LOG("%s is always %s", hide_calls[i].name, strerror(first));
	}
	world_leave(&w);
}

TEST_F_TIMEOUT(site, no_call_tells_a_user_what_is_hidden, 120)
{
	struct way way = { .fuse = variant->parts };

	try_all(_metadata, &self->site, &way);
}

TEST_F_TIMEOUT(site, no_call_tells_root_what_is_hidden, 120)
{
	struct way way = { .root = true };

	/* Its own calls differ in who makes them, not in who is asked. */
	if (!variant->parts)
		try_all(_metadata, &self->site, &way);
}

TEST_F_TIMEOUT(site, no_call_under_the_callers_credentials_tells, 120)
{
	struct way way = { .fuse = variant->parts, .creds = "caller" };

	try_all(_metadata, &self->site, &way);
}

TEST_F_TIMEOUT(site, no_call_tells_on_a_read_only_mount, 120)
{
	struct way way = { .root = true, .read_only = true };

	if (variant->parts)
		return;
	try_all(_metadata, &self->site, &way);
	ASSERT_OK(umount2("mnt", MNT_DETACH));
	way.root = false;
	try_all(_metadata, &self->site, &way);
}

SWITCHFS_TEST_MAIN
