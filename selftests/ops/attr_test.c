// SPDX-License-Identifier: GPL-2.0-only
/* lookup, getattr and setattr. */
#include "tree.h"

#include <sys/syscall.h>

TEST_F(tree, lookup_finds_what_exists_and_only_that)
{
	DOES(put("f.c", "x"));
	ASSERT_OK(mkdir("d", 0755));
	DOES(put("d/g", "y"));
	EXPECT_TRUE(present("f.c"));
	EXPECT_TRUE(present("d/g"));
	EXPECT_TRUE(present("d/../f.c"));
	EXPECT_ERR(ENOENT, access("absent.c", F_OK));
	EXPECT_ERR(ENOENT, access("d/absent", F_OK));
	EXPECT_ERR(ENOENT, access("absent/g", F_OK));
	EXPECT_ERR(ENOTDIR, access("f.c/x", F_OK));
}

TEST_F(tree, names_of_255_bytes_work_and_256_are_too_long)
{
	char name[257];

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	DOES(put(name, "long"));
	EXPECT_STREQ("long", get(name));
	EXPECT_STREQ(name, names_in("."));
	EXPECT_OK(unlink(name));
	name[255] = 'n';
	name[256] = '\0';
	EXPECT_EQ(ENAMETOOLONG, put(name, ""));
	EXPECT_ERR(ENAMETOOLONG, mkdir(name, 0755));
	EXPECT_ERR(ENAMETOOLONG, access(name, F_OK));
}

TEST_F(tree, names_may_hold_any_byte_but_slash)
{
	static const char *const odd[] = {
		" ", "\n", "\\", ",", "\x01\x02", "\xff\xfe", "*", "[", "...",
		"a:b", "-> hot", "caf\xc3\xa9",
	};
	size_t i;

	for (i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		DOES(put(odd[i], odd[i]));
	for (i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		EXPECT_STREQ(odd[i], get(odd[i]));
		EXPECT_TRUE(listed(".", odd[i], NULL, NULL));
	}
	EXPECT_EQ(12, count_in("."));
}

TEST_F(tree, stat_agrees_with_the_branch)
{
	struct stat here, there;

	DOES(put("f.c", "four"));
	ASSERT_OK(chmod("f.c", 0640));
	ASSERT_OK(chown("f.c", 12, 34));
	here = stat_of("f.c");
	there = stat_of(fmt("%s/f.c", self->dot_c));
	EXPECT_EQ(S_IFREG | 0640, here.st_mode);
	EXPECT_EQ(12, here.st_uid);
	EXPECT_EQ(34, here.st_gid);
	EXPECT_EQ(4, here.st_size);
	EXPECT_EQ(1, here.st_nlink);
	EXPECT_EQ(there.st_mode, here.st_mode);
	EXPECT_EQ(there.st_uid, here.st_uid);
	EXPECT_EQ(there.st_gid, here.st_gid);
	EXPECT_EQ(there.st_size, here.st_size);
	EXPECT_EQ(there.st_blocks, here.st_blocks);
	EXPECT_EQ(there.st_blksize, here.st_blksize);
	EXPECT_EQ(there.st_mtim.tv_sec, here.st_mtim.tv_sec);
	EXPECT_EQ(there.st_mtim.tv_nsec, here.st_mtim.tv_nsec);
	EXPECT_EQ(there.st_ctim.tv_sec, here.st_ctim.tv_sec);
	EXPECT_EQ(there.st_ctim.tv_nsec, here.st_ctim.tv_nsec);
}

TEST_F(tree, st_dev_is_one_in_the_mount_and_st_ino_is_stable)
{
	struct stat dir, one, two, again;
	int fd;

	DOES(put("one.c", ""));
	DOES(put("two", ""));
	dir = stat_of(".");
	one = stat_of("one.c");
	two = stat_of("two");
	EXPECT_EQ(dir.st_dev, one.st_dev);
	EXPECT_EQ(dir.st_dev, two.st_dev);
	EXPECT_NE(one.st_ino, two.st_ino);
	EXPECT_NE(dir.st_ino, one.st_ino);
	fd = open("one.c", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_OK(fstat(fd, &again));
	EXPECT_EQ(one.st_ino, again.st_ino);
	EXPECT_EQ(one.st_dev, again.st_dev);
}

TEST_F(tree, directory_link_count_counts_subdirectories)
{
	ASSERT_OK(mkdir("d", 0755));
	EXPECT_EQ(2, stat_of("d").st_nlink);
	ASSERT_OK(mkdir("d/one", 0755));
	ASSERT_OK(mkdir("d/two", 0755));
	EXPECT_EQ(4, stat_of("d").st_nlink);
	ASSERT_OK(rmdir("d/one"));
	EXPECT_EQ(3, stat_of("d").st_nlink);
}

TEST_F(tree, statx_gives_type_and_birth_time_fields)
{
	struct statx stx;

	DOES(put("f.c", "x"));
	ASSERT_OK(statx(AT_FDCWD, "f.c", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
			&stx));
	EXPECT_EQ(STATX_BASIC_STATS, stx.stx_mask & STATX_BASIC_STATS);
	EXPECT_EQ(S_IFREG | 0644, stx.stx_mode);
	EXPECT_EQ(1, stx.stx_size);
	ASSERT_OK(statx(AT_FDCWD, "f.c", AT_STATX_DONT_SYNC, STATX_SIZE, &stx));
	EXPECT_EQ(1, stx.stx_size);
}

TEST_F(tree, chmod_sets_all_twelve_bits)
{
	DOES(put("f.c", ""));
	ASSERT_OK(chmod("f.c", 07777));
	EXPECT_EQ(S_IFREG | 07777, stat_of("f.c").st_mode);
	ASSERT_OK(chmod("f.c", 0));
	EXPECT_EQ(S_IFREG, stat_of("f.c").st_mode);
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(chmod("d", 01711));
	EXPECT_EQ(S_IFDIR | 01711, stat_of("d").st_mode);
	EXPECT_EQ(S_IFDIR | 01711, stat_of(fmt("%s/d", self->home)).st_mode);
}

TEST_F(tree, fchmod_and_fchown_act_on_the_open_file)
{
	int fd = open("f.c", O_RDWR | O_CREAT, 0600);

	ASSERT_LE(0, fd);
	EXPECT_OK(fchmod(fd, 0444));
	EXPECT_OK(fchown(fd, 5, 6));
	EXPECT_EQ(S_IFREG | 0444, stat_of("f.c").st_mode);
	EXPECT_EQ(5, stat_of("f.c").st_uid);
	EXPECT_EQ(6, stat_of("f.c").st_gid);
}

TEST_F(tree, chown_drops_set_id_bits_and_lchown_changes_the_link)
{
	DOES(put("f.c", ""));
	ASSERT_OK(chmod("f.c", 06755));
	ASSERT_OK(chown("f.c", 7, -1));
	EXPECT_EQ(S_IFREG | 0755, stat_of("f.c").st_mode);
	EXPECT_EQ(7, stat_of("f.c").st_uid);
	ASSERT_OK(symlink("f.c", "s"));
	ASSERT_OK(lchown("s", 8, 9));
	EXPECT_EQ(8, stat_of("s").st_uid);
	EXPECT_EQ(9, stat_of("s").st_gid);
	EXPECT_EQ(7, stat_of("f.c").st_uid);
}

TEST_F(tree, only_the_owner_changes_mode_and_nobody_gives_away)
{
	DOES(put("f.c", ""));
	ASSERT_OK(chown("f.c", SOMEONE, SOMEONE));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE_ELSE, chmod("f.c", 0777)));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE_ELSE, utimensat(AT_FDCWD, "f.c",
		(struct timespec[2]){ { 1, 0 }, { 2, 0 } }, 0)));
	EXPECT_EQ(0, AS_USER(SOMEONE, chmod("f.c", 0600)));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE, chown("f.c", SOMEONE_ELSE, -1)));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE, chown("f.c", -1, SOMEONE_ELSE)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, truncate("f.c", 0)));
	EXPECT_EQ(S_IFREG | 0600, stat_of("f.c").st_mode);
}

TEST_F(tree, utimensat_keeps_nanoseconds)
{
	struct timespec t[2] = { { 1000000000, 123456789 },
				 { 1100000000, 987654321 } };
	struct stat st;

	DOES(put("f.c", ""));
	ASSERT_OK(utimensat(AT_FDCWD, "f.c", t, 0));
	st = stat_of("f.c");
	EXPECT_EQ(1000000000, st.st_atim.tv_sec);
	EXPECT_EQ(123456789, st.st_atim.tv_nsec);
	EXPECT_EQ(1100000000, st.st_mtim.tv_sec);
	EXPECT_EQ(987654321, st.st_mtim.tv_nsec);
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_nsec = UTIME_NOW;
	ASSERT_OK(utimensat(AT_FDCWD, "f.c", t, 0));
	st = stat_of("f.c");
	EXPECT_EQ(1000000000, st.st_atim.tv_sec);
	EXPECT_LT(1700000000, st.st_mtim.tv_sec);
	ASSERT_OK(symlink("f.c", "s"));
	t[0] = (struct timespec){ 5, 0 };
	t[1] = (struct timespec){ 6, 0 };
	ASSERT_OK(utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW));
	EXPECT_EQ(6, stat_of("s").st_mtim.tv_sec);
	EXPECT_LT(1700000000, stat_of("f.c").st_mtim.tv_sec);
}

TEST_F(tree, truncate_shrinks_and_grows_with_zeros)
{
	char buf[16] = "";
	int fd;

	DOES(put("f.c", "0123456789"));
	ASSERT_OK(truncate("f.c", 4));
	EXPECT_STREQ("0123", get("f.c"));
	EXPECT_EQ(4, stat_of("f.c").st_size);
	ASSERT_OK(truncate("f.c", 8));
	EXPECT_EQ(8, stat_of("f.c").st_size);
	fd = open("f.c", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(8, read(fd, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "0123\0\0\0\0", 8));
	EXPECT_OK(ftruncate(fd, 1));
	EXPECT_EQ(1, stat_of("f.c").st_size);
	EXPECT_EQ(1, stat_of(fmt("%s/f.c", self->dot_c)).st_size);
	EXPECT_ERR(EINVAL, truncate("f.c", -1));
	ASSERT_OK(mkdir("d", 0755));
	EXPECT_ERR(EISDIR, truncate("d", 0));
}

TEST_F(tree, changes_of_a_directory_touch_its_times)
{
	struct timespec old[2] = { { 1, 0 }, { 1, 0 } };

	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(utimensat(AT_FDCWD, "d", old, 0));
	EXPECT_EQ(1, stat_of("d").st_mtim.tv_sec);
	DOES(put("d/f", ""));
	EXPECT_LT(1, stat_of("d").st_mtim.tv_sec);
	ASSERT_OK(utimensat(AT_FDCWD, "d", old, 0));
	ASSERT_OK(unlink("d/f"));
	EXPECT_LT(1, stat_of("d").st_mtim.tv_sec);
}

TREE_TEST_MAIN
