// SPDX-License-Identifier: GPL-2.0-only
/* A module with BPF choosers, unmounted, unregistered and unloaded in every order. */
#include "../bpf/load.h"
#include "site.h"

#include <sys/syscall.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

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
	return ERR(syscall(SYS_delete_module, "switchfs", O_NONBLOCK));
}

/* Programs are freed a while after they were let go. */
static int removed_soon(void)
{
	int err = EAGAIN, tries;

	for (tries = 0; tries < 500 * time_factor(); tries++) {
		err = removed();
		if (err != EAGAIN && err != EBUSY)
			break;
		usleep(20000);
	}
	return err;
}

static int load_registered(struct chooser *c)
{
	int err = script_load(c, "script", ALL, 0) ?: chooser_register(c);

	if (!err)
		script_reset(c);
	return err;
}

enum step { UNMOUNT, UNREGISTER, UNLOAD, STEPS };

static void take(struct __test_metadata *_metadata, enum step step, struct chooser *c)
{
	switch (step) {
	case UNMOUNT:
		ASSERT_OK(umount2("mnt", 0));
		break;
	case UNREGISTER:
		chooser_unregister(c);
		break;
	default:
		chooser_unload(c);
		break;
	}
}

TEST_F_TIMEOUT(site, every_order_ends_without_the_module, 200)
{
	static const enum step orders[][STEPS] = {
		{ UNMOUNT, UNREGISTER, UNLOAD }, { UNREGISTER, UNMOUNT, UNLOAD },
		{ UNREGISTER, UNLOAD, UNMOUNT }, { UNLOAD, UNMOUNT, STEPS },
		{ UNMOUNT, UNLOAD, STEPS },
	};
	static const char *const modes[] = { "keep", "rules", "deny" };
	struct bpf_counts before;
	int log = klog_open();
	struct chooser c;
	size_t order, i;

	if (!getenv("SWITCHFS_KO"))
		SKIP(return, "SWITCHFS_KO is not set");
	DOES(put("hot/f", "hot"));
	ASSERT_EQ(0, removed_soon());
	before = bpf_counts();
	for (order = 0; order < sizeof(orders) / sizeof(*orders); order++) {
		ASSERT_EQ(0, insert());
		ASSERT_EQ(0, load_registered(&c)) TH_LOG("%s", load_log);
		EXPECT_EQ(EAGAIN, removed());
		ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:script", "on_detach",
					modes[order % 3])) TH_LOG("%s", mount_log);
		EXPECT_STREQ("hot", get("mnt/f"));
		for (i = 0; i < STEPS && orders[order][i] != STEPS; i++) {
			EXPECT_EQ(EAGAIN, removed()) TH_LOG("order %zu, step %zu", order, i);
			take(_metadata, orders[order][i], &c);
		}
		ASSERT_EQ(0, removed_soon()) TH_LOG("order %zu", order);
		EXPECT_FALSE(switchfs_present());
		EXPECT_TRUE(bpf_counts_return(before)) TH_LOG("order %zu", order);
	}
	EXPECT_STREQ("", klog_complaints(log, true));
	close(log);
	ASSERT_EQ(0, insert());
}

SWITCHFS_TEST_MAIN
