// SPDX-License-Identifier: GPL-2.0-only
/* Handles as far as the branch has them. */
#include "handles.h"
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_RAM };

#define FILES 100

/* A ramfs has no handles that can be opened. */
static int ramfs_mount(const char *dir)
{
	return make_path(dir) ?: ERR(mount("ramfs", dir, "ramfs", 0, NULL));
}

static int mount_one(const struct site *site, const char *branch)
{
	return switchfs_mount("mnt", "branch", fmt("b=%s", site_path(site, branch)), END);
}

TEST_F(site, branch_without_handles_refuses_them)
{
	struct handle h, again;

	DOES(ramfs_mount("bare"));
	DOES(put("bare/f", "f"));
	EXPECT_EQ(EOPNOTSUPP, handle_of("bare/f", &h));
	DOES(handle_as("bare/f", &h, AT_HANDLE_FID));
	ASSERT_EQ(0, mount_one(&self->site, "bare"));
	EXPECT_EQ(EOPNOTSUPP, handle_of("mnt/f", &h));
	EXPECT_EQ(EOPNOTSUPP, handle_of("mnt", &h));
	/* To tell objects apart they do. */
	DOES(handle_as("mnt/f", &h, AT_HANDLE_FID));
	DOES(handle_as("mnt/f", &again, AT_HANDLE_FID));
	EXPECT_TRUE(same_handle(&h, &again));
	DOES(handle_as("mnt", &again, AT_HANDLE_FID));
	EXPECT_FALSE(same_handle(&h, &again));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
	ASSERT_OK(umount2("mnt", 0));
	umount2("bare", MNT_DETACH);
}

TEST_F(site, branch_without_handles_does_not_keep_others_from_theirs)
{
	struct handle h;
	int log = klog_open();

	DOES(ramfs_mount("bare"));
	DOES(put("bare/x.c", "c"));
	DOES(put("ram/f", "f"));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.ram, "branch",
				    fmt("bare=%s", site_path(&self->site, "bare")),
				    "rule", "name=*.c -> bare", END));
	DOES(handle_of("mnt/f", &h));
	EXPECT_STREQ("f", handle_get("mnt", &h));
	EXPECT_EQ(EOVERFLOW, handle_of("mnt/x.c", &h));
	EXPECT_STREQ("c", get("mnt/x.c"));
	EXPECT_STREQ("", klog_complaints(log, true));
	ASSERT_OK(umount2("mnt", 0));
	umount2("bare", MNT_DETACH);
}

TEST_F(site, overlay_gives_what_it_has)
{
	const char *layers = "lowerdir=ram/lower,upperdir=ram/upper,workdir=ram/work";
	struct handle h;

	DOES(make_path("ram/lower"));
	DOES(make_path("ram/upper"));
	DOES(make_path("ram/work"));
	DOES(make_path("ovl"));
	DOES(put("ram/lower/f", "low"));
	ASSERT_OK(mount("overlay", "ovl", "overlay", 0, layers));
	EXPECT_EQ(EOPNOTSUPP, handle_of("ovl/f", &h));
	ASSERT_EQ(0, mount_one(&self->site, "ovl"));
	EXPECT_EQ(EOPNOTSUPP, handle_of("mnt/f", &h));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_OK(umount2("ovl", 0));
	ASSERT_OK(mount("overlay", "ovl", "overlay", 0,
			fmt("%s,index=on,nfs_export=on", layers)));
	DOES(handle_of("ovl/f", &h));
	ASSERT_EQ(0, mount_one(&self->site, "ovl"));
	DOES(handle_of("mnt/f", &h));
	drop_caches();
	EXPECT_STREQ("low", handle_get("mnt", &h));
	DOES(put("mnt/f", "high"));
	EXPECT_STREQ("high", handle_get("mnt", &h));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_OK(umount2("ovl", 0));
}

TEST_F(site, overlay_over_switchfs_keeps_working)
{
	DOES(make_path("ram/upper"));
	DOES(make_path("ram/work"));
	DOES(make_path("ovl"));
	DOES(make_path("hot/d"));
	DOES(put("hot/d/f", "low"));
	ASSERT_EQ(0, mount_one(&self->site, "hot"));
	ASSERT_OK(mount("overlay", "ovl", "overlay", 0,
			"lowerdir=mnt,upperdir=ram/upper,workdir=ram/work,index=on"));
	drop_caches();
	DOES(put("ovl/d/f", "high"));
	drop_caches();
	EXPECT_STREQ("high", get("ovl/d/f"));
	EXPECT_STREQ("low", get("mnt/d/f"));
	ASSERT_OK(umount2("ovl", 0));
	ASSERT_OK(umount2("mnt", 0));
	/* What the upper layer remembers of the lower one is stale now. */
	ASSERT_EQ(0, mount_one(&self->site, "hot"));
	ASSERT_OK(mount("overlay", "ovl", "overlay", 0,
			"lowerdir=mnt,upperdir=ram/upper,workdir=ram/work,index=off"));
	EXPECT_STREQ("high", get("ovl/d/f"));
	DOES(put("hot/d/g", "low"));
	DOES(put("ovl/d/g", "high"));
	EXPECT_STREQ("high", get("ovl/d/g"));
	EXPECT_STREQ("low", get("hot/d/g"));
	ASSERT_OK(umount2("ovl", 0));
	ASSERT_OK(umount2("mnt", 0));
}

TEST_F(site, switchfs_over_switchfs_has_handles_of_both)
{
	struct handle h, old;

	DOES(make_path("mnt2"));
	DOES(make_path("hot/d"));
	DOES(put("hot/d/f", "f"));
	ASSERT_EQ(0, mount_one(&self->site, "hot"));
	ASSERT_EQ(0, switchfs_mount("mnt2", "branch",
				    fmt("m=%s", site_path(&self->site, "mnt")), END));
	DOES(handle_of("mnt2/d/f", &h));
	drop_caches();
	EXPECT_STREQ("f", handle_get("mnt2", &h));
	DOES(handle_of("mnt/d/f", &old));
	EXPECT_LT(old.fh.handle_bytes, h.fh.handle_bytes);
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
	ASSERT_OK(umount2("mnt2", 0));
	ASSERT_OK(umount2("mnt", 0));
}

static void with_server(struct __test_metadata *_metadata, struct site *site,
			const char *option)
{
	const char *const options[] = { "--timeout=60", option, NULL };

	DOES(server_start(&site->s, site_path(site, "fuse"), options));
	DOES(make_path("fuse-source/d"));
	DOES(put("fuse-source/d/f", "f"));
}

TEST_F(site, server_without_handles_has_none_here)
{
	struct handle h;

	with_server(_metadata, &self->site, "--handles=no");
	EXPECT_EQ(EOPNOTSUPP, handle_of("fuse/d/f", &h));
	DOES(handle_as("fuse/d/f", &h, AT_HANDLE_FID));
	ASSERT_EQ(0, mount_one(&self->site, "fuse"));
	EXPECT_EQ(EOPNOTSUPP, handle_of("mnt/d/f", &h));
	DOES(handle_as("mnt/d/f", &h, AT_HANDLE_FID));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
	ASSERT_OK(umount2("mnt", 0));
}

TEST_F(site, server_that_forgets_has_them_as_long_as_they_are_cached)
{
	struct handle bare, h;
	int fd;

	with_server(_metadata, &self->site, NULL);
	ASSERT_EQ(0, mount_one(&self->site, "fuse"));
	DOES(handle_of("fuse/d/f", &bare));
	DOES(handle_of("mnt/d/f", &h));
	fd = open("mnt/d/f", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("f", handle_get("fuse", &bare));
	EXPECT_STREQ("f", handle_get("mnt", &h));
	close(fd);
	drop_caches();
	EXPECT_EQ(ESTALE, handle_opens("fuse", &bare, O_RDONLY));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
	ASSERT_OK(umount2("mnt", 0));
}

/* This server's node numbers are addresses, which it uses again. */
TEST_F(site, server_that_gives_a_number_again_does_not_lead_astray)
{
	struct handle bare[FILES], h[FILES];
	int i, right = 0, astray = 0;

	with_server(_metadata, &self->site, NULL);
	ASSERT_EQ(0, mount_one(&self->site, "fuse"));
	for (i = 0; i < FILES; i++) {
		DOES(put(fmt("mnt/%d", i), fmt("%d", i)));
		DOES(handle_of(fmt("mnt/%d", i), &h[i]));
		DOES(handle_of(fmt("fuse/%d", i), &bare[i]));
	}
	drop_caches();
	for (i = FILES; i-- > 0;)
		EXPECT_STREQ(fmt("%d", i), get(fmt("mnt/%d", i)));
	for (i = 0; i < FILES; i++) {
		const char *text = handle_get("mnt", &h[i]);

		if (!strcmp(text, fmt("%d", i)))
			right++;
		else
			EXPECT_STREQ(fmt("<%s>", strerror(ESTALE)), text);
		text = handle_get("fuse", &bare[i]);
		if (text[0] != '<' && strcmp(text, fmt("%d", i)))
			astray++;
	}
	TH_LOG("%d of %d were still found; %d led astray on the bare mount",
	       right, FILES, astray);
	ASSERT_OK(umount2("mnt", 0));
}

TEST_F(site, dead_server_is_as_dead_for_handles)
{
	struct handle bare, h;
	int err;

	with_server(_metadata, &self->site, "--handles=yes");
	ASSERT_EQ(0, mount_one(&self->site, "fuse"));
	DOES(handle_of("fuse/d/f", &bare));
	DOES(handle_of("mnt/d/f", &h));
	drop_caches();
	EXPECT_STREQ("f", handle_get("mnt", &h));
	server_kill(&self->site.s);
	drop_caches();
	err = handle_opens("fuse", &bare, O_RDONLY);
	EXPECT_TRUE(err == ESTALE || err == ENOTCONN);
	EXPECT_EQ(err, handle_opens("mnt", &h, O_RDONLY));
	umount2("mnt", MNT_DETACH);
}

SWITCHFS_TEST_MAIN
