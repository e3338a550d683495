// SPDX-License-Identifier: GPL-2.0-only
/* readonly-for-uid: who is in the map changes nothing, in no way, and everybody else does. */
#include "loader.h"
#include "site.h"

#include <sys/xattr.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_FUSE | SITE_CACHED };

static int closing(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd;
}

/*
 * X(WHAT, ERRNO, CALL): what each gives to who must not; of what is not there nobody is told more.
 * They follow from each other for who may.
 */
#define CHANGES(X)							\
X(create, EROFS, closing(open("mnt/d/new", O_CREAT | O_RDWR, 0644)))		\
X(create_to_read, EROFS, closing(open("mnt/d/other", O_CREAT | O_RDONLY, 0644))) \
X(unlink, ENOENT, unlink("mnt/d/other"))					\
X(mkdir, EROFS, mkdir("mnt/d/dir", 0755))					\
X(rmdir, ENOENT, rmdir("mnt/d/dir"))						\
X(mknod, EROFS, mkfifo("mnt/d/fifo", 0644))					\
X(symlink, EROFS, symlink("f", "mnt/d/sym"))					\
X(link, EROFS, link("mnt/d/f", "mnt/d/hard"))					\
X(rename, ENOENT, rename("mnt/d/new", "mnt/d/moved"))				\
X(rename_onto, ENOENT, rename("mnt/d/moved", "mnt/d/hard"))			\
X(write, EROFS, closing(open("mnt/d/f", O_WRONLY)))				\
X(read_and_write, EROFS, closing(open("mnt/d/f", O_RDWR)))			\
X(append, EROFS, closing(open("mnt/d/f", O_WRONLY | O_APPEND)))		\
X(empty, EROFS, closing(open("mnt/d/g", O_RDONLY | O_TRUNC)))			\
X(truncate, EROFS, truncate("mnt/d/f", 1))					\
X(chmod, EROFS, chmod("mnt/d/f", 0644))					\
X(chown, EROFS, chown("mnt/d/f", -1, SOMEONE))				\
X(utimes, EROFS, utimensat(AT_FDCWD, "mnt/d/f", NULL, 0))			\
X(setxattr, EROFS, setxattr("mnt/d/f", "user.a", "a", 1, 0))			\
X(removexattr, EROFS, removexattr("mnt/d/f", "user.a"))

#define FUNCTION(name, error, call) static int do_##name(void) { return ERR(call); }
#define ROW(name, error, call) { error, do_##name },

CHANGES(FUNCTION)

static const struct {
	int expected;
	int (*run)(void);
} changes[] = { CHANGES(ROW) };

static int as_someone(int (*run)(void))
{
	int err;

	user_become(SOMEONE);
	err = run();
	user_return();
	return err;
}

TEST_F_TIMEOUT(site, user_in_the_map_changes_nothing, 60)
{
	const char *home = variant->parts ? "cold" : "hot";
	const char *dir = variant->parts ? "cold-source/d" : "hot/d";
	struct stat before, after;
	size_t i;
	int fd;

	DOES(own_bpffs());
	DOES(make_path(dir));
	DOES(put(fmt("%s/f", dir), "text"));
	DOES(put(fmt("%s/g", dir), "text"));
	ASSERT_OK(chown(dir, SOMEONE, SOMEONE));
	ASSERT_OK(chown(fmt("%s/f", dir), SOMEONE, SOMEONE));
	ASSERT_OK(chown(fmt("%s/g", dir), SOMEONE, SOMEONE));
	ASSERT_EQ(0, loader("load", object_of("readonly-for-uid"), NULL)) TH_LOG("%s", loader_said);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "default", home, "chooser", "bpf:readonly-for-uid"))
		TH_LOG("%s", mount_log);
	user_become(SOMEONE);
	fd = open("mnt/d/f", O_RDWR);
	user_return();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, loader("set", "readonly-for-uid", "users", "1000", NULL))
		TH_LOG("%s", loader_said);
	before = stat_of(fmt("%s/f", dir));
	for (i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		int err = as_someone(changes[i].run);

		EXPECT_EQ(changes[i].expected, err) TH_LOG("change %zu: %s", i, strerror(err));
	}
	after = stat_of(fmt("%s/f", dir));
	EXPECT_EQ(0, memcmp(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim)));
	EXPECT_EQ(0, memcmp(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim)));
	EXPECT_STREQ("f g", names_in(dir));
	EXPECT_STREQ("text", get(fmt("%s/g", dir)));
	/* It still reads, and what it has open stays. */
	user_become(SOMEONE);
	EXPECT_STREQ("text", get("mnt/d/f"));
	EXPECT_STREQ("f g", names_in("mnt/d"));
	EXPECT_EQ(1, pwrite(fd, "T", 1, 0));
	user_return();
	close(fd);
	EXPECT_STREQ("Text", get(fmt("%s/f", dir)));
	/* Root is nobody of whom it is said. */
	EXPECT_EQ(0, put("mnt/d/by-root", ""));
	EXPECT_OK(unlink("mnt/d/by-root"));
	EXPECT_EQ(0, loader("unset", "readonly-for-uid", "users", "1000", NULL))
		TH_LOG("%s", loader_said);
	for (i = 0; i < sizeof(changes) / sizeof(*changes); i++)
		EXPECT_EQ(0, as_someone(changes[i].run)) TH_LOG("change %zu", i);
	EXPECT_STREQ("f fifo g hard sym", names_in(dir));
	EXPECT_OK(umount("mnt"));
	EXPECT_EQ(0, loader("unload", "readonly-for-uid", NULL)) TH_LOG("%s", loader_said);
}

SWITCHFS_TEST_MAIN
