// SPDX-License-Identifier: GPL-2.0-only
/* The loader: what it loads stays, is swapped and goes, and what it refuses leaves nothing. */
#include "loader.h"
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

#define NAME "hide-secrets"
#define PINS "/sys/fs/bpf/switchfs"
#define SAYS(part) EXPECT_HAS(loader_said, part)

#define MOUNT(...) SITE_MOUNT(&self->site, "chooser", "bpf:" NAME, ##__VA_ARGS__)

TEST_F(site, what_is_loaded_stays_until_it_is_unloaded)
{
	DOES(own_bpffs());
	DOES(put("hot/x.pem", ""));
	EXPECT_EQ(0, loader("list", NULL));
	EXPECT_STREQ("", loader_said);
	EXPECT_EQ(ENOENT, MOUNT());
	EXPECT_HAS(mount_log, "no BPF chooser `" NAME "` is registered");
	ASSERT_EQ(0, loader("load", object_of(NAME), NULL)) TH_LOG("%s", loader_said);
	EXPECT_STREQ("", loader_said);
	EXPECT_STREQ("hidden_from link", names_in(PINS "/" NAME));
	EXPECT_EQ(1, loader("load", object_of(NAME), NULL));
	SAYS(NAME " is loaded already: swap it, or unload it first\n");
	ASSERT_EQ(0, MOUNT()) TH_LOG("%s", mount_log);
	EXPECT_EQ(0, loader("list", NULL));
	SAYS(NAME ": link ");
	SAYS("\tmap hidden_from\n");
	SAYS(fmt("\tmount %s/mnt\n", self->site.w.work));
	EXPECT_TRUE(present("mnt/x.pem"));
	EXPECT_EQ(0, loader("set", NAME, "hidden_from", "1", NULL)) TH_LOG("%s", loader_said);
	EXPECT_FALSE(present("mnt/x.pem"));
	/* The mount keeps what it has, and no other gets it. */
	EXPECT_EQ(0, loader("unload", NAME, NULL)) TH_LOG("%s", loader_said);
	EXPECT_FALSE(present(PINS "/" NAME));
	EXPECT_FALSE(present("mnt/x.pem"));
	EXPECT_OK(umount("mnt"));
	EXPECT_EQ(ENOENT, MOUNT());
	EXPECT_EQ(0, loader("list", NULL));
	EXPECT_STREQ("", loader_said);
}

/* The programs in force, as `chooser list` has them; 0 for none. */
static unsigned int map_id(void)
{
	unsigned int link, map;

	loader("list", NULL);
	return sscanf(loader_said, NAME ": link %u, map %u", &link, &map) == 2 ? map : 0;
}

TEST_F(site, swap_keeps_mounts_and_maps)
{
	unsigned int before;

	DOES(own_bpffs());
	DOES(put("hot/x.pem", ""));
	EXPECT_EQ(1, loader("swap", object_of(NAME), NULL));
	SAYS(NAME " is not loaded: load it\n");
	EXPECT_FALSE(present(PINS "/" NAME));
	ASSERT_EQ(0, loader("load", object_of(NAME), NULL)) TH_LOG("%s", loader_said);
	ASSERT_EQ(0, MOUNT()) TH_LOG("%s", mount_log);
	ASSERT_EQ(0, loader("set", NAME, "hidden_from", "1", NULL)) TH_LOG("%s", loader_said);
	EXPECT_FALSE(present("mnt/x.pem"));
	before = map_id();
	EXPECT_EQ(0, loader("swap", object_of(NAME), NULL)) TH_LOG("%s", loader_said);
	EXPECT_NE(0, map_id());
	EXPECT_NE(before, map_id());
	EXPECT_FALSE(present("mnt/x.pem"));
	EXPECT_EQ(0, loader("unset", NAME, "hidden_from", "1", NULL)) TH_LOG("%s", loader_said);
	EXPECT_TRUE(present("mnt/x.pem"));
	EXPECT_EQ(0, loader("unload", NAME, NULL)) TH_LOG("%s", loader_said);
}

TEST_F(site, what_is_refused_is_told_and_leaves_nothing)
{
	DOES(own_bpffs());
	DOES(put("no-object", "text"));
	EXPECT_EQ(1, loader("load", "absent", NULL));
	SAYS("chooser: absent: No such file or directory\n");
	EXPECT_EQ(1, loader("load", "no-object", NULL));
	SAYS("chooser: no-object: ");
	EXPECT_EQ(1, loader("unload", NAME, NULL));
	SAYS(NAME " is not loaded\n");
	EXPECT_EQ(1, loader("unload", "../x", NULL));
	SAYS("no name has a slash\n");
	EXPECT_EQ(1, loader("set", NAME, "hidden_from", "1", NULL));
	SAYS("there is no such map\n");
	EXPECT_EQ(2, loader("frob", NULL));
	SAYS("usage: ");
	EXPECT_STREQ("", names_in(PINS));

	ASSERT_EQ(0, loader("load", object_of(NAME), NULL)) TH_LOG("%s", loader_said);
	EXPECT_EQ(1, loader("set", NAME, "hidden_from", "one", NULL));
	SAYS("one: expected a number, or @PATH\n");
	EXPECT_EQ(1, loader("set", NAME, "hidden_from", "1", "256", NULL));
	SAYS("256: it does not fit into 1 bytes\n");
	EXPECT_EQ(1, loader("set", NAME, "hidden_from", "@absent", NULL));
	SAYS("absent: No such file or directory\n");
	EXPECT_EQ(1, loader("unset", NAME, "hidden_from", "1", NULL));
	SAYS("No such file or directory\n");
	/* The name is taken by one that was pinned elsewhere. */
	DOES(own_bpffs());
	EXPECT_EQ(1, loader("load", object_of(NAME), NULL));
	SAYS(NAME ": not registered: File exists\n");
	EXPECT_STREQ("", names_in(PINS));
	ASSERT_OK(umount("/sys/fs/bpf"));
	EXPECT_EQ(0, loader("unload", NAME, NULL)) TH_LOG("%s", loader_said);
}

TEST_F(site, all_of_them_are_loaded_side_by_side)
{
	static const char *const names[] = {
		"audit", "by-extension", "hide-secrets", "hydrate", "readonly-for-uid",
	};
	size_t i;

	DOES(own_bpffs());
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		EXPECT_EQ(0, loader("load", object_of(names[i]), NULL)) TH_LOG("%s", loader_said);
	EXPECT_STREQ("audit by-extension hide-secrets hydrate readonly-for-uid", names_in(PINS));
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		EXPECT_EQ(0, SITE_MOUNT(&self->site, "chooser", fmt("bpf:%s", names[i])))
			TH_LOG("%s", mount_log);
		EXPECT_HAS(shown_options(site_path(&self->site, "mnt")),
			   fmt("chooser=bpf:%s", names[i]));
		EXPECT_EQ(0, put("mnt/f", names[i]));
		EXPECT_STREQ(names[i], get("mnt/f"));
		EXPECT_OK(umount("mnt"));
		EXPECT_EQ(0, loader("unload", names[i], NULL)) TH_LOG("%s", loader_said);
	}
	EXPECT_STREQ("", names_in(PINS));
}

SWITCHFS_TEST_MAIN
