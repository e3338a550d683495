// SPDX-License-Identifier: GPL-2.0-only
/* Attaching choosers to mounts, and what is left when they go away. */
#include "handles.h"
#include "load.h"
#include "site.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/syscall.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

/* Loaded by main(): a name only; all members, two of one name. */
static struct chooser minimal, all, sleeping, other;
static const char *trouble;

#define SETUP()									\
	do {									\
		ASSERT_EQ(NULL, trouble) TH_LOG("%s: %s", trouble, load_log);	\
		script_reset(&all);						\
		script_reset(&sleeping);					\
		script_reset(&other);						\
		DOES(put("hot/f", "hot"));					\
		DOES(put("cold/f", "cold"));					\
	} while (0)
#define MOUNT(...) SITE_MOUNT(&self->site, ##__VA_ARGS__)
#define REMOUNT(...) switchfs_remount("mnt", ##__VA_ARGS__, END)
#define SHOWN() shown_options(site_path(&self->site, "mnt"))
/* What all say who have something to say: data from cold, to everybody. */
#define TO_COLD WORD_ALL(SWITCHFS_TO_BRANCH(1))

static void opens_cold(struct chooser *c)
{
	c->script->route[SWITCHFS_OP_OPEN] = TO_COLD;
}

TEST_F(site, name_only)
{
	SETUP();
	DOES(chooser_register(&minimal));
	ASSERT_EQ(0, MOUNT("chooser", "bpf:minimal")) TH_LOG("%s", mount_log);
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_HAS(SHOWN(), "chooser=bpf:minimal");
	EXPECT_EQ(NULL, strstr(SHOWN(), "on_detach"));
	DOES(put("mnt/new", "n"));
	EXPECT_STREQ("f new", names_in("mnt"));
	ASSERT_EQ(0, REMOUNT("chooser", "none")) TH_LOG("%s", mount_log);
	EXPECT_EQ(NULL, strstr(SHOWN(), "chooser"));
	EXPECT_STREQ("hot", get("mnt/f"));
	ASSERT_EQ(0, REMOUNT("chooser", "bpf:minimal"));
	EXPECT_HAS(SHOWN(), "chooser=bpf:minimal");
	EXPECT_STREQ("hot", get("mnt/f"));
}

static void try_all_members(struct __test_metadata *_metadata, struct site *site,
			    struct chooser *c)
{
	opens_cold(c);
	DOES(chooser_register(c));
	ASSERT_EQ(0, SITE_MOUNT(site, "chooser", "bpf:script")) TH_LOG("%s", mount_log);
	EXPECT_EQ(1, c->script->begun);
	EXPECT_STREQ("cold", get("mnt/f"));
	EXPECT_STREQ("f", names_in("mnt"));
	EXPECT_EQ(3, stat_of("mnt/f").st_size);
	EXPECT_ERR(ENOENT, access("mnt/absent", F_OK));
	EXPECT_LT(0, c->script->asked[SWITCHFS_OP_OPEN]);
	EXPECT_LT(0, c->script->asked[SWITCHFS_OP_LOOKUP]);
	EXPECT_LT(0, c->script->asked_name);
	EXPECT_LT(0, c->script->asked_getattr);
	EXPECT_EQ(0, c->script->ended);
	ASSERT_EQ(0, REMOUNT("chooser", "none"));
	EXPECT_EQ(1, c->script->ended);
	EXPECT_STREQ("hot", get("mnt/f"));
	ASSERT_EQ(0, REMOUNT("chooser", "bpf:script"));
	EXPECT_EQ(2, c->script->begun);
	EXPECT_STREQ("cold", get("mnt/f"));
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_EQ(2, c->script->ended);
	chooser_unregister(c);
}

TEST_F(site, all_members)
{
	SETUP();
	try_all_members(_metadata, &self->site, &all);
}

TEST_F(site, all_members_that_sleep)
{
	SETUP();
	try_all_members(_metadata, &self->site, &sleeping);
}

TEST_F(site, mount_shows_what_makes_it_again)
{
	char shown[512];

	SETUP();
	opens_cold(&all);
	DOES(chooser_register(&all));
	DOES(chooser_register(&other));
	ASSERT_EQ(0, MOUNT("rule", "name=x -> deny", "chooser", "bpf:script", "on_detach", "deny"));
	snprintf(shown, sizeof(shown), "%s", SHOWN());
	EXPECT_HAS(shown, ",chooser=bpf:script,on_detach=deny");
	/* As mount(8) does it: the options in force ahead of the new ones. */
	ASSERT_EQ(0, switchfs_mount_string("mnt", MS_REMOUNT, shown));
	EXPECT_STREQ(shown, SHOWN());
	EXPECT_EQ(1, all.script->begun);
	ASSERT_EQ(0, switchfs_mount_string("mnt", MS_REMOUNT, fmt("%s,chooser=none", shown)));
	EXPECT_EQ(NULL, strstr(SHOWN(), "chooser"));
	ASSERT_EQ(0, switchfs_mount_string("mnt", MS_REMOUNT, fmt("%s,chooser=bpf:other", shown)));
	EXPECT_HAS(SHOWN(), ",chooser=bpf:other,on_detach=deny");
	ASSERT_EQ(0, REMOUNT("on_detach", "keep"));
	EXPECT_EQ(NULL, strstr(SHOWN(), "on_detach"));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_EQ(0, switchfs_mount_string("mnt", 0, shown));
	EXPECT_STREQ(shown, SHOWN());
	EXPECT_STREQ("cold", get("mnt/f"));
}

TEST_F(site, messages_name_what_is_wrong)
{
	SETUP();
	EXPECT_EQ(ENOENT, MOUNT("chooser", "bpf:nobody"));
	EXPECT_HAS(mount_log, "chooser: no BPF chooser `nobody` is registered");
	EXPECT_EQ(EINVAL, MOUNT("chooser", "script"));
	EXPECT_HAS(mount_log, "chooser: `script`: expected bpf:NAME or none");
	EXPECT_EQ(EINVAL, MOUNT("chooser", "bpf:"));
	EXPECT_HAS(mount_log, "chooser: `bpf:`: expected bpf:NAME or none");
	EXPECT_EQ(EINVAL, MOUNT("chooser", "none", "on_detach", "later"));
	EXPECT_HAS(mount_log, "on_detach: `later`: expected keep, rules or deny");
	EXPECT_EQ(EINVAL, MOUNT("on_detach", "deny"));
	EXPECT_HAS(mount_log, "on_detach: without chooser=bpf:NAME there is nothing to detach");
	DOES(chooser_register(&all));
	all.script->init = -EPERM;
	EXPECT_EQ(EPERM, MOUNT("chooser", "bpf:script"));
	EXPECT_HAS(mount_log, "chooser: `script` refuses this mount (EPERM)");
	all.script->init = -4000;
	EXPECT_EQ(EIO, MOUNT("chooser", "bpf:script"));
	all.script->init = 1;
	EXPECT_EQ(EIO, MOUNT("chooser", "bpf:script"));
	EXPECT_EQ(0, all.script->ended);
	all.script->init = 0;
	/* What fails elsewhere tells the program that it is over. */
	EXPECT_EQ(EINVAL, MOUNT("chooser", "bpf:script", "rule", "name=x -> nowhere"));
	EXPECT_EQ(all.script->begun - 3, all.script->ended);
	ASSERT_EQ(0, MOUNT());
	EXPECT_EQ(EINVAL, REMOUNT("on_detach", "deny"));
	EXPECT_EQ(ENOENT, REMOUNT("chooser", "bpf:nobody"));
	EXPECT_HAS(mount_log, "chooser: no BPF chooser `nobody` is registered");
	all.script->init = -EACCES;
	EXPECT_EQ(EACCES, REMOUNT("chooser", "bpf:script"));
	EXPECT_HAS(mount_log, "refuses this mount (EACCES)");
	EXPECT_EQ(NULL, strstr(SHOWN(), "chooser"));
	EXPECT_STREQ("hot", get("mnt/f"));
}

TEST_F(site, one_of_a_name)
{
	SETUP();
	DOES(chooser_register(&all));
	EXPECT_EQ(EEXIST, chooser_register(&sleeping));
	DOES(chooser_register(&other));
	chooser_unregister(&all);
	DOES(chooser_register(&sleeping));
	EXPECT_EQ(EEXIST, chooser_register(&all));
}

/* The value of a struct_ops map: what the kernel keeps there, then the operations. */
struct value {
	__u32 refcnt, state;
	char room[56];
	struct switchfs_ops ops;
};

static int set_value(int map, const char *name, __u64 ops)
{
	char bytes[256] = "";
	struct value *value = (struct value *)bytes;
	__u32 zero = 0;

	value->ops.ops = ops;
	memcpy(value->ops.chooser, name, strnlen(name, sizeof(value->ops.chooser)));
	return ERR(bpf_map_update_elem(map, &zero, bytes, 0));
}

TEST_F(site, names_and_operations_are_checked)
{
	static const char *const bad[] = {
		"", "a b", "a/b", "a:b", "a,b", "\xc3\xa4", "\x01",
		"12345678901234567890123456789012",
	};
	struct chooser c;
	size_t i;
	int map;

	SETUP();
	ASSERT_EQ(0, chooser_load(&c, "minimal.bpf.o", NULL, NULL)) TH_LOG("%s", load_log);
	map = bpf_map__fd(c.ops);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		EXPECT_EQ(EINVAL, set_value(map, bad[i], 0)) TH_LOG("`%s`", bad[i]);
	}
	EXPECT_EQ(EINVAL, set_value(map, "ops", 1ULL << 30));
	EXPECT_EQ(EINVAL, set_value(map, "ops", ~0ULL));
	DOES(set_value(map, "1234567890.234567890_23456789-1", (1ULL << 30) - 1));
	DOES(chooser_register(&c));
	ASSERT_EQ(0, MOUNT("chooser", "bpf:1234567890.234567890_23456789-1"));
	EXPECT_HAS(SHOWN(), ",chooser=bpf:1234567890.234567890_23456789-1");
	ASSERT_OK(umount2("mnt", 0));
	chooser_unload(&c);
}

TEST_F(site, on_detach_rules)
{
	int fd;

	SETUP();
	opens_cold(&all);
	DOES(chooser_register(&all));
	ASSERT_EQ(0, MOUNT("chooser", "bpf:script", "on_detach", "rules",
			   "rule", "op=getattr name=f -> cold"));
	EXPECT_STREQ("cold", get("mnt/f"));
	fd = open("mnt/f", O_RDONLY | O_CLOEXEC);
	chooser_unregister(&all);
	EXPECT_EQ(1, all.script->ended);
	EXPECT_STREQ("hot", get("mnt/f"));
	EXPECT_EQ(4, stat_of("mnt/f").st_size);
	EXPECT_HAS(SHOWN(), "chooser=bpf:script,on_detach=rules");
	/* What is open keeps what it has. */
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(ENOENT, REMOUNT("on_detach", "keep"));
	EXPECT_HAS(mount_log, "on_detach: `script` is not registered any more");
	EXPECT_EQ(0, REMOUNT("on_detach", "deny"));
	EXPECT_EQ(EACCES, opens("mnt/f", O_RDONLY));
	EXPECT_EQ(0, REMOUNT("on_detach", "rules"));
	EXPECT_STREQ("hot", get("mnt/f"));
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_EQ(1, all.script->ended);
}

TEST_F(site, on_detach_deny)
{
	char buf[8] = "";
	int fd, dir;

	SETUP();
	ASSERT_OK(mkdir("hot/d", 0755));
	DOES(chooser_register(&all));
	ASSERT_EQ(0, MOUNT("chooser", "bpf:script", "on_detach", "deny"));
	EXPECT_STREQ("hot", get("mnt/f"));
	fd = open("mnt/f", O_RDONLY | O_CLOEXEC);
	dir = open("mnt/d", O_PATH | O_CLOEXEC);
	chooser_unregister(&all);
	EXPECT_EQ(EACCES, opens("mnt/f", O_RDONLY));
	EXPECT_ERR(EACCES, lstat("mnt/f", &(struct stat){}));
	EXPECT_ERR(EACCES, lstat("mnt/absent", &(struct stat){}));
	EXPECT_EQ(EACCES, put("mnt/new", ""));
	EXPECT_ERR(EACCES, mkdir("mnt/new", 0755));
	EXPECT_ERR(EACCES, unlink("mnt/f"));
	EXPECT_ERR(EACCES, rename("mnt/f", "mnt/g"));
	EXPECT_ERR(EACCES, openat(dir, ".", O_RDONLY));
	EXPECT_ERR(EACCES, faccessat(dir, "x", F_OK, 0));
	EXPECT_STREQ("d f", names_in("hot"));
	/* What is open keeps its opener's view. */
	EXPECT_EQ(3, read(fd, buf, 8));
	close(fd);
	close(dir);
	ASSERT_EQ(0, REMOUNT("chooser", "none"));
	EXPECT_STREQ("hot", get("mnt/f"));
}

TEST_F(site, on_detach_keep)
{
	struct bpf_counts before, during;
	struct chooser c;

	SETUP();
	before = bpf_counts();
	ASSERT_EQ(0, script_load(&c, "kept", ALL, 0)) TH_LOG("%s", load_log);
	script_reset(&c);
	opens_cold(&c);
	DOES(chooser_register(&c));
	during = bpf_counts();
	EXPECT_LT(before.progs, during.progs);
	ASSERT_EQ(0, MOUNT("chooser", "bpf:kept"));
	chooser_unload(&c);
	drop_caches();
	EXPECT_STREQ("cold", get("mnt/f"));
	EXPECT_HAS(SHOWN(), "chooser=bpf:kept");
	EXPECT_EQ(during.progs, bpf_counts().progs);
	EXPECT_EQ(before.links, bpf_counts().links);
	/* It goes on being asked, also after remounts that are about others. */
	ASSERT_EQ(0, REMOUNT("rule", "name=g -> deny"));
	ASSERT_EQ(0, REMOUNT("chooser", "bpf:kept"));
	EXPECT_STREQ("cold", get("mnt/f"));
	EXPECT_EQ(ENOENT, switchfs_mount("hot", "branch", self->site.cold, "chooser", "bpf:kept",
					 END));
	EXPECT_EQ(ENOENT, REMOUNT("on_detach", "rules"));
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_TRUE(bpf_counts_return(before));
}

TEST_F(site, kept_programs_are_replaced_by_a_remount)
{
	SETUP();
	opens_cold(&all);
	DOES(chooser_register(&all));
	ASSERT_EQ(0, MOUNT("chooser", "bpf:script"));
	EXPECT_STREQ("cold", get("mnt/f"));
	chooser_unregister(&all);
	EXPECT_EQ(0, all.script->ended);
	DOES(chooser_register(&sleeping));
	EXPECT_STREQ("cold", get("mnt/f"));
	EXPECT_EQ(0, sleeping.script->begun);
	ASSERT_EQ(0, REMOUNT("chooser", "bpf:script"));
	EXPECT_EQ(1, all.script->ended);
	EXPECT_EQ(1, sleeping.script->begun);
	EXPECT_STREQ("hot", get("mnt/f"));
	/* The first one again, beside what goes on. */
	chooser_unregister(&sleeping);
	DOES(chooser_register(&all));
	EXPECT_STREQ("hot", get("mnt/f"));
	ASSERT_EQ(0, REMOUNT("chooser", "bpf:script"));
	EXPECT_STREQ("cold", get("mnt/f"));
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_EQ(2, all.script->begun);
	EXPECT_EQ(2, all.script->ended);
	EXPECT_EQ(1, sleeping.script->ended);
}

TEST_F(site, mounts_of_one_program_are_each_their_own)
{
	int i;

	SETUP();
	opens_cold(&all);
	for (i = 0; i < 3; i++)
		DOES(make_path(fmt("m%d", i)));
	DOES(chooser_register(&all));
	for (i = 0; i < 3; i++) {
		static const char *const modes[] = { "keep", "rules", "deny" };

		ASSERT_EQ(0, switchfs_mount(fmt("m%d", i), "branch", self->site.hot, "branch",
					    self->site.cold, "chooser", "bpf:script", "on_detach",
					    modes[i], END));
		EXPECT_STREQ("cold", get(fmt("m%d/f", i)));
	}
	EXPECT_EQ(3, all.script->begun);
	chooser_unregister(&all);
	EXPECT_EQ(2, all.script->ended);
	EXPECT_STREQ("cold", get("m0/f"));
	EXPECT_STREQ("hot", get("m1/f"));
	EXPECT_EQ(EACCES, opens("m2/f", O_RDONLY));
	for (i = 0; i < 3; i++)
		ASSERT_OK(umount2(fmt("m%d", i), 0));
	EXPECT_EQ(3, all.script->ended);
}

TEST_F(site, registered_program_pins_the_module)
{
	SETUP();
	DOES(chooser_register(&minimal));
	EXPECT_LT(0, atol(get("/sys/module/switchfs/refcnt")));
	EXPECT_ERR(EAGAIN, syscall(SYS_delete_module, "switchfs", O_NONBLOCK));
}

int main(int argc, char **argv)
{
	scale_time_limits();
	if (chooser_load(&minimal, "minimal.bpf.o", NULL, NULL))
		trouble = "minimal";
	else if (script_load(&all, "script", ALL, 0))
		trouble = "script";
	else if (script_load(&sleeping, "script", ALL | SLEEPS, 0))
		trouble = "sleeping";
	else if (script_load(&other, "other", ALL, 0))
		trouble = "other";
	return test_harness_run(argc, argv);
}
