// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints. */
#include "explain.h"
#include "site.h"

#include <sys/wait.h>

FIXTURE_VARIANT_ADD(site, plain) { .parts = 0 };

/* "dev 0:41 op", so that nobody else's mount is meant. */
static const char *of_mnt(const char *rest)
{
	struct stat st = stat_of("mnt");

	return fmt("dev %u:%u %s", major(st.st_dev), minor(st.st_dev), rest);
}

TEST_F(site, fields)
{
	static const struct {
		const char *event, *fields[6];
	} events[] = {
		{ "switchfs_route", { " op;", " name;", " ino;", " branch;", " rule;", " dev;" } },
		{ "switchfs_refuse", { " op;", " name;", " reason;", " err;", " rule;", " dev;" } },
		{ "switchfs_revalidate", { " name;", " result;", " dev;" } },
		{ "switchfs_open", { " branch;", " ino;", " flags;", " dev;" } },
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		const char *format = get(fmt("/sys/kernel/tracing/events/switchfs/%s/format",
					     events[i].event));

		for (j = 0; j < 6 && events[i].fields[j]; j++) {
			char word[32];

			/* Strings are declared as arrays: "name;" ends both. */
			snprintf(word, sizeof(word), "%s", events[i].fields[j]);
			EXPECT_HAS(format, word);
		}
	}
}

TEST_F(site, what_is_traced)
{
	struct trace t;
	const char *text;
	struct stat st;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.iso -> cold", "rule",
				"op=open name=secret -> deny:EPERM"));
	DOES(put("mnt/x.iso", ""));
	DOES(put("hot/secret", ""));
	st = stat_of("mnt/x.iso");
	ASSERT_EQ(0, trace_begin(&t));
	trace_text(&t);

	/* Nothing as long as it is off. */
	get("mnt/x.iso");
	EXPECT_EQ(NULL, strstr(trace_text(&t), "switchfs_"));

	ASSERT_EQ(0, trace_enable(&t, "switchfs_route", true));
	get("mnt/x.iso");
	text = trace_text(&t);
	EXPECT_HAS(text, "switchfs_route: dev");
	EXPECT_HAS(text, of_mnt(fmt("op lookup ino %lu branch cold rule 1 name x.iso", st.st_ino)));
	EXPECT_HAS(text, of_mnt(fmt("op open ino %lu branch cold rule 1 name x.iso", st.st_ino)));
	EXPECT_HAS(text, of_mnt(fmt("op read ino %lu branch cold rule -1 name x.iso", st.st_ino)));
	EXPECT_EQ(NULL, strstr(text, "switchfs_open"));
	EXPECT_EQ(NULL, strstr(text, "switchfs_revalidate"));
	ASSERT_EQ(0, trace_enable(&t, "switchfs_route", false));

	ASSERT_EQ(0, trace_enable(&t, "switchfs_refuse", true));
	EXPECT_EQ(EPERM, opens("mnt/secret", O_RDONLY));
	EXPECT_ERR(EXDEV, rename("mnt/secret", "mnt/y.iso"));
	text = trace_text(&t);
	EXPECT_HAS(text, of_mnt("op open reason deny err 1 rule 2 name secret"));
	EXPECT_HAS(text, of_mnt("op rename reason cross err 18 rule 0 name y.iso"));
	ASSERT_EQ(0, trace_enable(&t, "switchfs_refuse", false));

	ASSERT_EQ(0, trace_enable(&t, "switchfs_revalidate", true));
	EXPECT_OK(access("mnt/x.iso", F_OK));
	text = trace_text(&t);
	EXPECT_HAS(text, fmt("switchfs_revalidate: %s", of_mnt("result 1 name x.iso")));
	ASSERT_OK(rename("cold/x.iso", "cold/z.iso"));
	EXPECT_ERR(ENOENT, access("mnt/x.iso", F_OK));
	EXPECT_HAS(trace_text(&t), of_mnt("result 0 name x.iso"));
	ASSERT_EQ(0, trace_enable(&t, "switchfs_revalidate", false));

	ASSERT_EQ(0, trace_enable(&t, "switchfs_open", true));
	st = stat_of("cold/z.iso");
	EXPECT_EQ(0, opens("mnt/z.iso", O_RDONLY));
	EXPECT_HAS(trace_text(&t), fmt("switchfs_open: %s",
				       of_mnt(fmt("branch cold ino %lu flags 0x", st.st_ino))));
	ASSERT_EQ(0, trace_enable(&t, "switchfs_open", false));

	/* Off again; until then mounts of other tests were traced, too. */
	trace_text(&t);
	get("mnt/z.iso");
	EXPECT_EQ(NULL, strstr(trace_text(&t), "switchfs_"));
	trace_end(&t);
}

/* Counters and tracepoints keep the hooks on independently. */
TEST_F(site, counters_stay_when_tracing_ends)
{
	struct trace t;
	long before;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("mnt/f", ""));
	ASSERT_EQ(0, trace_begin(&t));
	ASSERT_EQ(0, trace_enable(&t, "", true));
	DOES(debug_write("mnt", "enable", "1"));
	ASSERT_EQ(0, trace_enable(&t, "", false));
	trace_end(&t);
	before = counted("mnt", "call hot open");
	EXPECT_EQ(0, opens("mnt/f", O_RDONLY));
	EXPECT_EQ(before + 1, counted("mnt", "call hot open"));
}

SWITCHFS_TEST_MAIN
