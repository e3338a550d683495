// SPDX-License-Identifier: GPL-2.0-only
/* Which branch's data is copied when rules tell reading from writing. */
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

TEST_F(site, copies_read_where_reads_go_and_write_where_writes_go)
{
	int from, to;

	DOES(put("hot/from", "home data"));
	DOES(put("cold/from", "cold data"));
	DOES(put("hot/to", "home"));
	DOES(put("cold/to", "cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=read path=/from -> cold",
				"rule", "op=write path=/to -> cold"));
	from = open("mnt/from", O_RDONLY);
	to = open("mnt/to", O_WRONLY);
	ASSERT_LE(0, to);
	EXPECT_EQ(9, copy_file_range(from, NULL, to, NULL, 9, 0));
	EXPECT_STREQ("cold data", get("cold/to"));
	EXPECT_STREQ("home", get("hot/to"));
}

TEST_F(site, denied_copies_and_clones_are_refused)
{
	int from, to;

	DOES(put("hot/from", "data"));
	DOES(put("hot/to", "open"));
	DOES(put("hot/locked", "lock"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site,
				"rule", "op=copy path=/from -> deny:EROFS",
				"rule", "op=write path=/locked -> deny",
				"rule", "op=read path=/to -> deny"));
	from = open("mnt/from", O_RDONLY);
	to = open("mnt/to", O_RDWR);
	ASSERT_LE(0, to);
	EXPECT_ERR(EROFS, copy_file_range(from, NULL, to, NULL, 4, 0));
	close(from);
	from = open("mnt/locked", O_RDWR);
	ASSERT_LE(0, from);
	/* Its data may not be written, that of the other not be read. */
	EXPECT_ERR(EACCES, copy_file_range(to, NULL, from, NULL, 4, 0));
	EXPECT_EQ(4, copy_file_range(from, NULL, to, NULL, 4, 0));
	EXPECT_STREQ("lock", get("hot/to"));
}

SWITCHFS_TEST_MAIN
