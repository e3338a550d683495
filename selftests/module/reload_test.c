// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading the module, with a mount in between. It needs the
 * module to itself and SWITCHFS_KO, and leaves it loaded as it was.
 */
#include "site_world.h"
#include "switchfs_test.h"

#include <sys/syscall.h>

#define TIMES 50
#define NAMES 60
#define PADS 50

FIXTURE(module) {
	struct site site;
};

static int insert(void)
{
	const char *path = getenv("SWITCHFS_KO");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1, err;

	if (fd < 0)
		return ENOENT;
	err = ERR(syscall(SYS_finit_module, fd, "", 0));
	close(fd);
	return err;
}

static int removed(void)
{
	int err, tries;

	/* Mounts of a test that ended before may take a moment to go. */
	for (tries = 0; tries < 50; tries++) {
		err = ERR(syscall(SYS_delete_module, "switchfs", O_NONBLOCK));
		if (err != EAGAIN && err != EBUSY)
			break;
		usleep(20000);
	}
	return err;
}

FIXTURE_SETUP(module)
{
	if (!getenv("SWITCHFS_KO"))
		SKIP(return, "SWITCHFS_KO is not set");
	NEED_SWITCHFS();
	ASSERT_EQ(0, site_make(&self->site, SITE_FUSE));
}

FIXTURE_TEARDOWN(module)
{
	site_leave(&self->site);
	if (!switchfs_present())
		insert();
}

/* Objects in use by cache, as far as slabinfo knows; -1: no such cache. */
static long slab_objects(const char *cache)
{
	char line[512], name[64];
	long active, found = -1;
	FILE *f;

	/* What is freed but kept from reuse, by KASAN above all, counts as in use. */
	put(fmt("/sys/kernel/slab/%s/shrink", cache), "1");
	f = fopen("/proc/slabinfo", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %ld", name, &active) == 2 &&
		    !strcmp(name, cache))
			found = active;
	if (f)
		fclose(f);
	return found;
}

/* What a mount that is not torn down whole would leave behind. */
struct in_use {
	long mounts, creds;
};

static struct in_use in_use(void)
{
	return (struct in_use){
		.mounts = slab_objects("mnt_cache"),
		.creds = slab_objects("cred") + slab_objects("cred_jar"),
	};
}

static bool slab_with(const char *part)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	char line[512];
	bool found = false;

	while (f && fgets(line, sizeof(line), f))
		found |= !!strstr(line, part);
	if (f)
		fclose(f);
	return found;
}

static long references(void)
{
	return atol(get("/sys/module/switchfs/refcnt"));
}

static void use_once(struct __test_metadata *_metadata, const struct site *site)
{
	int i;

	/* Loading used the memory that was freed last; these, what was before. */
	for (i = 0; i < PADS; i++)
		DOES(put(fmt("pad%d", i), ""));
	ASSERT_EQ(0, SITE_MOUNT(site, "rule", "name=*.c -> cold"))
		TH_LOG("%s", mount_log);
	for (i = 0; i < PADS; i++)
		DOES(ERR(unlink(fmt("pad%d", i))));
	DOES(put("mnt/f", "f"));
	DOES(put("mnt/g.c", "g"));
	EXPECT_STREQ("g", get("mnt/g.c"));
	ASSERT_OK(mkdir("mnt/d", 0755));
	EXPECT_STREQ("d f g.c", names_in("mnt"));
	ASSERT_OK(rmdir("mnt/d"));
	ASSERT_OK(unlink("mnt/f"));
	ASSERT_OK(unlink("mnt/g.c"));
	EXPECT_FALSE(present("mnt/absent"));
	/* Their memory is the next mount's, to which they say nothing. */
	for (i = 0; i < NAMES; i++)
		EXPECT_FALSE(present(fmt("mnt/absent%d.c", i)));
	ASSERT_OK(umount2("mnt", 0));
}

TEST_F_TIMEOUT(module, fifty_loads_leak_nothing_and_say_nothing, 200)
{
	struct in_use before = { 0 }, after;
	int log = klog_open(), i;

	ASSERT_EQ(0, removed());
	for (i = 0; i < TIMES; i++) {
		ASSERT_EQ(0, insert());
		ASSERT_TRUE(switchfs_present());
		use_once(_metadata, &self->site);
		EXPECT_EQ(0, references());
		ASSERT_EQ(0, removed());
		ASSERT_FALSE(switchfs_present());
		/* The first rounds fill caches for good. */
		if (i == 9)
			before = in_use();
	}
	EXPECT_FALSE(slab_with("switchfs"));
	EXPECT_ERR(ENOENT, access("/sys/module/switchfs", F_OK));
	/* One left behind a round would be 40 more. */
	after = in_use();
	EXPECT_GT(before.mounts + 36, after.mounts);
	EXPECT_GT(before.creds + 36, after.creds);
	EXPECT_STREQ("", klog_complaints(log, true));
	ASSERT_EQ(0, insert());
}

TEST_F(module, mounted_module_cannot_be_unloaded)
{
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_LT(0, references());
	EXPECT_ERR(EAGAIN, syscall(SYS_delete_module, "switchfs", O_NONBLOCK));
	DOES(put("mnt/f", "f"));
	fd = open("mnt/f", O_RDONLY);
	ASSERT_OK(umount2("mnt", MNT_DETACH));
	EXPECT_ERR(EAGAIN, syscall(SYS_delete_module, "switchfs", O_NONBLOCK));
	close(fd);
	EXPECT_EQ(0, removed());
	EXPECT_EQ(0, insert());
}

SWITCHFS_TEST_MAIN
