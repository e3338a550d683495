// SPDX-License-Identifier: GPL-2.0-only
/* permission, ownership of new objects, umask, set-id and sticky bits. */
#include "tree.h"

static int file_of(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	return put(path, "data") ?: ERR(chown(path, uid, gid)) ?:
	       ERR(chmod(path, mode));
}

static int dir_of(const char *path, uid_t uid, mode_t mode)
{
	return ERR(mkdir(path, 0700)) ?: ERR(chown(path, uid, uid)) ?:
	       ERR(chmod(path, mode));
}

TEST_F(tree, mode_bits_decide_reading_and_writing)
{
	DOES(file_of("f.c", SOMEONE, SOMEONE, 0640));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("f.c", O_RDWR)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, open("f.c", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, open("f.c", O_WRONLY)));
	ASSERT_OK(chmod("f.c", 0604));
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, open("f.c", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, open("f.c", O_RDWR)));
	ASSERT_OK(chmod("f.c", 0044));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("f.c", O_RDONLY)));
	ASSERT_OK(chown("f.c", 0, SOMEONE_ELSE));
	ASSERT_OK(chmod("f.c", 0060));
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, open("f.c", O_RDWR)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("f.c", O_RDONLY)));
}

TEST_F(tree, access_follows_the_mode)
{
	DOES(file_of("f.c", SOMEONE, SOMEONE, 0540));
	EXPECT_EQ(0, AS_USER(SOMEONE, faccessat(AT_FDCWD, "f.c", R_OK | X_OK,
						AT_EACCESS)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, faccessat(AT_FDCWD, "f.c", W_OK,
						     AT_EACCESS)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, faccessat(AT_FDCWD, "f.c", R_OK,
							  AT_EACCESS)));
	ASSERT_OK(chmod("f.c", 0600));
	EXPECT_ERR(EACCES, access("f.c", X_OK));
}

TEST_F(tree, search_and_list_of_a_directory_are_checked_apart)
{
	DOES(dir_of("d", SOMEONE, 0711));
	DOES(put("d/f", "seen"));
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, open("d/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, open("d", O_RDONLY)));
	ASSERT_OK(chmod("d", 0744));
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, open("d", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, open("d/f", O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, open("d/absent", O_RDONLY)));
	ASSERT_OK(chmod("d", 0700));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, chdir("d")));
}

TEST_F(tree, changing_a_directory_needs_write_and_search)
{
	DOES(dir_of("d", SOMEONE, 0755));
	DOES(put("d/f", ""));
	ASSERT_OK(chown("d/f", SOMEONE_ELSE, SOMEONE_ELSE));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, mkdir("d/new", 0755)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, open("d/n.c", O_CREAT | O_WRONLY,
						     0644)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, symlink("x", "d/s")));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, unlink("d/f")));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, rename("d/f", "d/g")));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE_ELSE, link("d/f", "d/g")));
	EXPECT_EQ(0, AS_USER(SOMEONE, mkdir("d/new", 0755)));
	EXPECT_EQ(0, AS_USER(SOMEONE, rename("d/f", "d/g")));
	EXPECT_EQ(0, AS_USER(SOMEONE, unlink("d/g")));
	ASSERT_OK(chmod("d", 0200));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, rmdir("d/new")));
}

TEST_F(tree, sticky_directory_protects_what_others_own)
{
	DOES(dir_of("d", 0, 01777));
	DOES(file_of("d/f", SOMEONE, SOMEONE, 0666));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE_ELSE, unlink("d/f")));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE_ELSE, rename("d/f", "d/g")));
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, mkdir("d/own", 0755)));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE, rmdir("d/own")));
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, rmdir("d/own")));
	EXPECT_EQ(0, AS_USER(SOMEONE, unlink("d/f")));
}

TEST_F(tree, new_objects_belong_to_the_caller)
{
	static const char *const made[] = { "f.c", "f", "d", "s", "p" };
	size_t i;

	EXPECT_EQ(0, AS_USER(SOMEONE, open("f.c", O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("f", O_CREAT | O_RDWR, 0600)));
	EXPECT_EQ(0, AS_USER(SOMEONE, mkdir("d", 0700)));
	EXPECT_EQ(0, AS_USER(SOMEONE, symlink("x", "s")));
	EXPECT_EQ(0, AS_USER(SOMEONE, mknod("p", S_IFIFO | 0600, 0)));
	for (i = 0; i < sizeof(made) / sizeof(*made); i++) {
		struct stat st = stat_of(made[i]);

		EXPECT_EQ(SOMEONE, st.st_uid) TH_LOG("%s", made[i]);
		EXPECT_EQ(SOMEONE, st.st_gid) TH_LOG("%s", made[i]);
	}
	EXPECT_EQ(SOMEONE, stat_of(fmt("%s/f.c", self->dot_c)).st_uid);
	EXPECT_EQ(SOMEONE, stat_of(fmt("%s/d", self->home)).st_uid);
}

TEST_F(tree, set_group_id_directory_hands_its_group_down)
{
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(chown("d", 0, 77));
	ASSERT_OK(chmod("d", 02777));
	EXPECT_EQ(0, AS_USER(SOMEONE, open("d/f.c", O_CREAT | O_RDWR, 0644)));
	EXPECT_EQ(0, AS_USER(SOMEONE, mkdir("d/sub", 0755)));
	EXPECT_EQ(77, stat_of("d/f.c").st_gid);
	EXPECT_EQ(SOMEONE, stat_of("d/f.c").st_uid);
	EXPECT_EQ(77, stat_of("d/sub").st_gid);
	EXPECT_EQ(S_IFDIR | 02755, stat_of("d/sub").st_mode);
	/* Not a member of 77: the file may not have its set-group-id bit. */
	EXPECT_EQ(0, AS_USER(SOMEONE, open("d/g", O_CREAT | O_RDWR, 02755)));
	EXPECT_EQ(S_IFREG | 0755, stat_of("d/g").st_mode);
}

TEST_F(tree, umask_applies_to_all_new_objects)
{
	umask(027);
	ASSERT_OK(open("f.c", O_CREAT | O_RDWR, 0666));
	ASSERT_OK(mkdir("d", 0777));
	ASSERT_OK(mknod("p", S_IFIFO | 0666, 0));
	umask(0);
	EXPECT_EQ(S_IFREG | 0640, stat_of("f.c").st_mode);
	EXPECT_EQ(S_IFDIR | 0750, stat_of("d").st_mode);
	EXPECT_EQ(S_IFIFO | 0640, stat_of("p").st_mode);
}

TEST_F(tree, writing_drops_set_id_bits_for_an_ordinary_user)
{
	int fd;

	DOES(file_of("f.c", SOMEONE, SOMEONE, 06777));
	user_become(SOMEONE_ELSE);
	fd = open("f.c", O_WRONLY);
	EXPECT_EQ(1, write(fd, "x", 1));
	close(fd);
	user_return();
	EXPECT_EQ(S_IFREG | 0777, stat_of("f.c").st_mode);
	ASSERT_OK(chmod("f.c", 06777));
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, truncate("f.c", 1)));
	EXPECT_EQ(S_IFREG | 0777, stat_of("f.c").st_mode);
	ASSERT_OK(chmod("f.c", 06777));
	EXPECT_EQ(0, AS_USER(SOMEONE_ELSE, open("f.c", O_WRONLY | O_TRUNC)));
	EXPECT_EQ(S_IFREG | 0777, stat_of("f.c").st_mode);
}

TEST_F(tree, a_program_runs_only_with_execute_permission)
{
	DOES(put_program("prog.c"));
	EXPECT_EQ(10, runs("prog.c", 0));
	ASSERT_OK(chmod("prog.c", 0644));
	EXPECT_EQ(1000 + EACCES, runs("prog.c", 0));
	ASSERT_OK(chmod("prog.c", 0711));
	EXPECT_EQ((10 + SOMEONE) & 255, runs("prog.c", SOMEONE));
	ASSERT_OK(chmod("prog.c", 0710));
	EXPECT_EQ(1000 + EACCES, runs("prog.c", SOMEONE));
}

TEST_F(tree, set_user_id_program_runs_as_its_owner)
{
	DOES(put_program("prog.c"));
	ASSERT_OK(chown("prog.c", 5, 5));
	ASSERT_OK(chmod("prog.c", 04755));
	EXPECT_EQ(15, runs("prog.c", SOMEONE));
}

TEST_F(tree, a_running_program_cannot_be_written)
{
	int fd;

	DOES(put_program("prog.c"));
	fd = open("prog.c", O_WRONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1000 + ETXTBSY, runs("prog.c", 0));
	ASSERT_OK(close(fd));
	EXPECT_EQ(10, runs("prog.c", 0));
}

TREE_TEST_MAIN
