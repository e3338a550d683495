// SPDX-License-Identifier: GPL-2.0-only
/* overlayfs with the mount as its lower layer. */
#include "site.h"

#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_EXT4 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

/* All names but those in ".c" are in hot, the mount is below over. */
static int stack(struct site *site, const char *more)
{
	int err = SITE_MOUNT(site, "rule", "name=*.c -> cold");

	return err ?: make_path("upper") ?: make_path("scratch") ?: make_path("over") ?:
		ERR(mount("overlay", "over", "overlay", 0,
			  fmt("lowerdir=mnt,upperdir=upper,workdir=scratch%s", more)));
}

static void unstack(void)
{
	umount2("over", MNT_DETACH);
}

TEST_F(site, lower_files_are_read_listed_and_run)
{
	char *at;
	int fd;

	DOES(make_path("hot/d"));
	DOES(put("hot/d/f", "of hot"));
	DOES(put(behind(&self->site, "f.c"), "of cold"));
	DOES(put_program("hot/prog"));
	DOES(stack(&self->site, ""));
	EXPECT_STREQ("d f.c prog", names_in("over"));
	EXPECT_STREQ("of hot", get("over/d/f"));
	EXPECT_STREQ("of cold", get("over/f.c"));
	EXPECT_EQ(10, runs("over/prog", 0));
	fd = open("over/f.c", O_RDONLY);
	at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, memcmp(at, "of cold", 7));
	munmap(at, 4096);
	close(fd);
	unstack();
}

TEST_F(site, changes_go_to_the_upper_layer_alone)
{
	char value[8] = "";

	DOES(make_path("hot/d"));
	DOES(put("hot/d/f", "of hot"));
	ASSERT_OK(chown("hot/d/f", SOMEONE, SOMEONE));
	ASSERT_OK(chmod("hot/d/f", 0640));
	ASSERT_OK(setxattr("hot/d/f", "user.a", "value", 5, 0));
	DOES(put(behind(&self->site, "f.c"), "of cold"));
	DOES(stack(&self->site, ""));
	DOES(put("over/f.c", "changed"));
	ASSERT_OK(chmod("over/d/f", 0600));
	EXPECT_EQ(5, getxattr("over/d/f", "user.a", value, sizeof(value)));
	EXPECT_STREQ("value", value);
	EXPECT_EQ(SOMEONE, stat_of("over/d/f").st_uid);
	EXPECT_EQ(S_IFREG | 0600, stat_of("over/d/f").st_mode);
	ASSERT_OK(rename("over/d/f", "over/g"));
	DOES(put("over/d/new", ""));
	EXPECT_STREQ("d f.c g", names_in("over"));
	EXPECT_STREQ("new", names_in("over/d"));
	EXPECT_STREQ("of hot", get("over/g"));
	ASSERT_OK(unlink("over/f.c"));
	EXPECT_STREQ("d g", names_in("over"));
	/* Below it is as it was. */
	EXPECT_STREQ("d f.c", names_in("mnt"));
	EXPECT_STREQ("f", names_in("mnt/d"));
	EXPECT_STREQ("of cold", get("mnt/f.c"));
	EXPECT_EQ(S_IFREG | 0640, stat_of("mnt/d/f").st_mode);
	unstack();
}

TEST_F(site, numbers_of_lower_files_stay_over_a_copy)
{
	struct stat before, after;

	DOES(put("hot/f", "text"));
	DOES(stack(&self->site, ""));
	before = stat_of("over/f");
	EXPECT_NE(0, before.st_ino);
	DOES(put("/proc/sys/vm/drop_caches", "2"));
	after = stat_of("over/f");
	EXPECT_EQ(before.st_ino, after.st_ino);
	EXPECT_EQ(before.st_dev, after.st_dev);
	unstack();
}

TEST_F(site, mount_is_refused_as_the_upper_layer)
{
	DOES(make_path("hot/upper"));
	DOES(make_path("hot/scratch"));
	DOES(make_path("lower"));
	DOES(make_path("over"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_ERR(EINVAL, mount("overlay", "over", "overlay", 0,
				 "lowerdir=lower,upperdir=mnt/upper,workdir=mnt/scratch"));
	EXPECT_STREQ("scratch upper", names_in("mnt"));
	EXPECT_EQ(0, put("mnt/f", "goes on"));
}

SWITCHFS_TEST_MAIN
