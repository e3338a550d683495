/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fixture `site`: a world of its own (site_world.h) for each test.
 */
#ifndef SWITCHFS_SITE_H
#define SWITCHFS_SITE_H

#include "site_world.h"
#include "switchfs_test.h"

/* The fixture of tests that need both kinds of second branch. */
FIXTURE(site) {
	struct site site;
};

FIXTURE_VARIANT(site) {
	int parts;
};

FIXTURE_SETUP(site)
{
	NEED_SWITCHFS();
	ASSERT_EQ(0, site_make(&self->site, variant->parts));
}

FIXTURE_TEARDOWN(site)
{
	site_leave(&self->site);
}

#endif
