// SPDX-License-Identifier: GPL-2.0-only
/* What is hidden in a directory that does not tell cases apart is hidden in any. */
#include "switchfs_test.h"

FIXTURE(folded) {
	struct world w;
};

FIXTURE_SETUP(folded)
{
	NEED_SWITCHFS();
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(folding_mount(&self->w, fmt("%s/disk", self->w.work)));
	DOES(put("disk/d/plain", ""));
	ASSERT_OK(chown("disk/d/plain", SOMEONE, SOMEONE));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("a=%s/disk", self->w.work),
				    "rule", "name=secret uid=1000 -> hide", "rule",
				    "path=/d/Down/* uid=1000 -> hide", END))
		TH_LOG("%s", mount_log);
}

FIXTURE_TEARDOWN(folded)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		umount2("disk", MNT_DETACH);
	}
	world_leave(&self->w);
}

static const char *const spellings[] = { "secret", "SECRET", "SeCrEt", "\xc5\xbf\x65\x63ret" };

/* The answers do not depend on whether some spelling of the name exists. */
static void ask_all(struct __test_metadata *_metadata, const char *what)
{
	size_t i;

	/* The last one, with a long s, folds to the same, too. */
	for (i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
		const char *path = fmt("mnt/d/%s", spellings[i]);

		EXPECT_EQ(ENOENT, AS_USER(SOMEONE, lstat(path, &(struct stat){})))
			TH_LOG("%s: %s", what, path);
		EXPECT_EQ(ENOENT, AS_USER(SOMEONE, open(path, O_RDONLY))) TH_LOG("%s", path);
		EXPECT_EQ(ENOENT, AS_USER(SOMEONE, unlink(path))) TH_LOG("%s", path);
		EXPECT_EQ(EACCES, AS_USER(SOMEONE, open(path, O_CREAT | O_WRONLY, 0644)))
			TH_LOG("%s: %s", what, path);
		EXPECT_EQ(EACCES, AS_USER(SOMEONE, mkdir(path, 0755)))
			TH_LOG("%s: %s", what, path);
		EXPECT_EQ(EACCES, AS_USER(SOMEONE, rename("mnt/d/plain", path)))
			TH_LOG("%s: %s", what, path);
		EXPECT_EQ(EACCES, AS_USER(SOMEONE, link("mnt/d/plain", path)))
			TH_LOG("%s: %s", what, path);
	}
	user_become(SOMEONE);
	EXPECT_STREQ("plain", names_in("mnt/d")) TH_LOG("%s", what);
	user_return();
}

TEST_F(folded, hidden_in_any_case_present_or_absent)
{
	size_t i;

	ask_all(_metadata, "absent, cold");
	EXPECT_FALSE(present("mnt/d/Secret"));
	ask_all(_metadata, "absent, warm");
	for (i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
		DOES(put(fmt("disk/d/%s", spellings[i]), "s"));
		ask_all(_metadata, "present, cold");
		EXPECT_STREQ("s", get("mnt/d/sECRET"));
		EXPECT_EQ(2, count_in("mnt/d"));
		ask_all(_metadata, "present, warm");
		ASSERT_OK(unlink("disk/d/secret"));
	}
}

TEST_F(folded, path_is_folded_where_its_directories_are)
{
	ASSERT_OK(mkdir("mnt/d/DOWN", 0777));
	DOES(put("mnt/d/down/f", ""));
	EXPECT_EQ(ENOENT, AS_USER(SOMEONE, lstat("mnt/d/Down/f", &(struct stat){})));
	EXPECT_EQ(ENOENT, AS_USER(SOMEONE, lstat("mnt/d/dOWN/F", &(struct stat){})));
	EXPECT_TRUE(present("mnt/d/dOWN/F"));
	/* Directories above it tell cases apart. */
	ASSERT_OK(mkdir("mnt/D", 0777));
	ASSERT_OK(mkdir("mnt/D/Down", 0777));
	DOES(put("mnt/D/Down/f", ""));
	EXPECT_EQ(0, AS_USER(SOMEONE, lstat("mnt/D/Down/f", &(struct stat){})));
	/* And so does this one. */
	DOES(put("disk/SECRET", ""));
	EXPECT_EQ(0, AS_USER(SOMEONE, lstat("mnt/SECRET", &(struct stat){})));
}

SWITCHFS_TEST_MAIN
