// SPDX-License-Identifier: GPL-2.0-only
/* create and open flags, mkdir, mknod, symlink, readlink. */
#include "tree.h"

#include <sys/socket.h>
#include <sys/un.h>

TEST_F(tree, create_makes_a_file_in_the_branch)
{
	int fd = open("f.c", O_CREAT | O_RDWR, 0604);

	ASSERT_LE(0, fd);
	EXPECT_EQ(S_IFREG | 0604, stat_of("f.c").st_mode);
	EXPECT_EQ(S_IFREG | 0604, stat_of(fmt("%s/f.c", self->dot_c)).st_mode);
	EXPECT_EQ(3, write(fd, "abc", 3));
	ASSERT_OK(close(fd));
	EXPECT_STREQ("abc", get(fmt("%s/f.c", self->dot_c)));
}

TEST_F(tree, create_with_a_mode_without_write_gives_a_writable_descriptor)
{
	int fd;

	user_become(SOMEONE);
	fd = open("f.c", O_CREAT | O_RDWR | O_EXCL, 0400);
	EXPECT_LE(0, fd);
	EXPECT_EQ(1, write(fd, "x", 1));
	user_return();
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open("f.c", O_WRONLY)));
}

TEST_F(tree, exclusive_create_fails_on_what_exists)
{
	EXPECT_EQ(0, opens("f.c", O_CREAT | O_EXCL | O_WRONLY));
	EXPECT_EQ(EEXIST, opens("f.c", O_CREAT | O_EXCL | O_WRONLY));
	ASSERT_OK(symlink("absent.c", "s.c"));
	EXPECT_EQ(EEXIST, opens("s.c", O_CREAT | O_EXCL | O_WRONLY));
	EXPECT_EQ(0, opens("s.c", O_CREAT | O_WRONLY));
	EXPECT_TRUE(present("absent.c"));
	ASSERT_OK(mkdir("d", 0755));
	EXPECT_EQ(EEXIST, opens("d", O_CREAT | O_EXCL | O_WRONLY));
	EXPECT_EQ(EISDIR, opens("d", O_CREAT | O_WRONLY));
}

TEST_F(tree, open_flags_do_what_they_say)
{
	DOES(put("f.c", "content"));
	ASSERT_OK(mkdir("d", 0755));
	ASSERT_OK(symlink("f.c", "s.c"));
	EXPECT_EQ(ENOENT, opens("absent.c", O_RDONLY));
	EXPECT_EQ(ENOENT, opens("absent/f", O_CREAT | O_WRONLY));
	EXPECT_EQ(EISDIR, opens("d", O_WRONLY));
	EXPECT_EQ(0, opens("d", O_RDONLY | O_DIRECTORY));
	EXPECT_EQ(ENOTDIR, opens("f.c", O_RDONLY | O_DIRECTORY));
	EXPECT_EQ(ELOOP, opens("s.c", O_RDONLY | O_NOFOLLOW));
	EXPECT_EQ(0, opens("s.c", O_PATH | O_NOFOLLOW));
	EXPECT_EQ(0, opens("f.c", O_PATH));
	EXPECT_EQ(0, opens("f.c", O_RDONLY | O_NOATIME));
	EXPECT_EQ(0, opens("f.c", O_RDONLY | O_NONBLOCK));
	EXPECT_EQ(0, opens("f.c", O_RDWR | O_SYNC));
	EXPECT_EQ(0, opens("f.c", O_RDWR | O_DSYNC));
	EXPECT_STREQ("content", get("f.c"));
	EXPECT_EQ(0, opens("f.c", O_WRONLY | O_TRUNC));
	EXPECT_EQ(0, stat_of("f.c").st_size);
	EXPECT_EQ(0, stat_of(fmt("%s/f.c", self->dot_c)).st_size);
}

TEST_F(tree, create_over_an_existing_file_keeps_mode_and_truncates)
{
	int fd;

	DOES(put("f.c", "old content"));
	ASSERT_OK(chmod("f.c", 0600));
	fd = open("f.c", O_CREAT | O_TRUNC | O_RDWR, 0777);
	ASSERT_LE(0, fd);
	EXPECT_EQ(S_IFREG | 0600, stat_of("f.c").st_mode);
	EXPECT_EQ(0, stat_of("f.c").st_size);
}

TEST_F(tree, reading_needs_a_descriptor_for_reading_and_writing_one_for_it)
{
	char c;
	int fd;

	DOES(put("f.c", "x"));
	fd = open("f.c", O_WRONLY);
	EXPECT_ERR(EBADF, read(fd, &c, 1));
	close(fd);
	fd = open("f.c", O_RDONLY);
	EXPECT_ERR(EBADF, write(fd, "y", 1));
	EXPECT_ERR(EINVAL, ftruncate(fd, 0));
	close(fd);
	EXPECT_STREQ("x", get("f.c"));
}

TEST_F(tree, mkdir_makes_an_empty_directory)
{
	ASSERT_OK(mkdir("d", 0750));
	EXPECT_EQ(S_IFDIR | 0750, stat_of("d").st_mode);
	EXPECT_EQ(S_IFDIR | 0750, stat_of(fmt("%s/d", self->home)).st_mode);
	EXPECT_STREQ("", names_in("d"));
	EXPECT_ERR(EEXIST, mkdir("d", 0755));
	EXPECT_ERR(ENOENT, mkdir("absent/d", 0755));
	DOES(put("f.c", ""));
	EXPECT_ERR(ENOTDIR, mkdir("f.c/d", 0755));
	EXPECT_ERR(EEXIST, mkdir("f.c", 0755));
}

TEST_F(tree, deep_trees_can_be_made_walked_and_removed)
{
	char path[200] = "d";
	int i;

	for (i = 0; i < 15; i++) {
		ASSERT_OK(mkdir(path, 0755));
		strcat(path, "/d");
	}
	DOES(put(path, "deep"));
	EXPECT_STREQ("deep", get(path));
	ASSERT_OK(unlink(path));
	for (i = 0; i < 15; i++) {
		path[strlen(path) - 2] = '\0';
		ASSERT_OK(rmdir(path));
	}
	EXPECT_STREQ("", names_in("."));
}

TEST_F(tree, mknod_makes_each_kind)
{
	struct stat st;

	ASSERT_OK(mknod("r.c", S_IFREG | 0600, 0));
	ASSERT_OK(mknod("p.c", S_IFIFO | 0620, 0));
	ASSERT_OK(mknod("k.c", S_IFSOCK | 0600, 0));
	ASSERT_OK(mknod("c.c", S_IFCHR | 0600, makedev(1, 3)));
	ASSERT_OK(mknod("b", S_IFBLK | 0600, makedev(7, 200)));
	EXPECT_EQ(S_IFREG | 0600, stat_of("r.c").st_mode);
	EXPECT_EQ(S_IFIFO | 0620, stat_of("p.c").st_mode);
	EXPECT_EQ(S_IFSOCK | 0600, stat_of("k.c").st_mode);
	st = stat_of("c.c");
	EXPECT_EQ(S_IFCHR | 0600, st.st_mode);
	EXPECT_EQ(makedev(1, 3), st.st_rdev);
	st = stat_of("b");
	EXPECT_EQ(S_IFBLK | 0600, st.st_mode);
	EXPECT_EQ(makedev(7, 200), st.st_rdev);
	EXPECT_ERR(EEXIST, mknod("p.c", S_IFIFO | 0600, 0));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE, mknod("c2", S_IFCHR | 0600,
						makedev(1, 3))));
}

TEST_F(tree, fifo_passes_data)
{
	char buf[8] = "";
	int in, out;

	ASSERT_OK(mkfifo("p.c", 0600));
	in = open("p.c", O_RDONLY | O_NONBLOCK);
	ASSERT_LE(0, in);
	out = open("p.c", O_WRONLY);
	ASSERT_LE(0, out);
	EXPECT_EQ(5, write(out, "through", 5));
	EXPECT_EQ(5, read(in, buf, sizeof(buf)));
	EXPECT_STREQ("throu", buf);
}

TEST_F(tree, socket_can_be_bound_and_connected)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "k.c" };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	ASSERT_OK(bind(listener, (struct sockaddr *)&addr, sizeof(addr)));
	EXPECT_TRUE(S_ISSOCK(stat_of("k.c").st_mode));
	ASSERT_OK(listen(listener, 1));
	EXPECT_OK(connect(client, (struct sockaddr *)&addr, sizeof(addr)));
	EXPECT_ERR(EADDRINUSE, bind(socket(AF_UNIX, SOCK_STREAM, 0),
				    (struct sockaddr *)&addr, sizeof(addr)));
}

TEST_F(tree, device_node_opens_its_device)
{
	char c = 'x';
	int fd;

	ASSERT_OK(mknod("zero.c", S_IFCHR | 0600, makedev(1, 5)));
	fd = open("zero.c", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, read(fd, &c, 1));
	EXPECT_EQ(0, c);
}

TEST_F(tree, symlink_is_followed_and_read_back)
{
	char buf[64] = "";
	struct stat st;

	DOES(put("target.c", "reached"));
	ASSERT_OK(symlink("target.c", "s.c"));
	EXPECT_EQ(8, readlink("s.c", buf, sizeof(buf)));
	EXPECT_STREQ("target.c", buf);
	EXPECT_STREQ("reached", get("s.c"));
	st = stat_of("s.c");
	EXPECT_TRUE(S_ISLNK(st.st_mode));
	EXPECT_EQ(8, st.st_size);
	EXPECT_EQ(3, readlink("s.c", buf, 3));
	EXPECT_ERR(EINVAL, readlink("target.c", buf, sizeof(buf)));
	EXPECT_ERR(EEXIST, symlink("x", "s.c"));
	ASSERT_OK(symlink("loop", "loop"));
	EXPECT_EQ(ELOOP, opens("loop", O_RDONLY));
	ASSERT_OK(mkdir("d", 0755));
	DOES(put("d/f", "inside"));
	ASSERT_OK(symlink("d", "to_d"));
	EXPECT_STREQ("inside", get("to_d/f"));
}

TEST_F(tree, symlink_target_may_have_4095_bytes)
{
	char target[4097], back[4200] = "";

	/* A fast symlink ends at 59 bytes on ext4, a block at its size. */
	memset(target, 't', sizeof(target));
	target[59] = '\0';
	ASSERT_OK(symlink(target, "s59.c"));
	EXPECT_EQ(59, readlink("s59.c", back, sizeof(back)));
	target[59] = 't';
	target[60] = '\0';
	ASSERT_OK(symlink(target, "s60.c"));
	EXPECT_EQ(60, readlink("s60.c", back, sizeof(back)));
	target[60] = 't';
	target[4096] = '\0';
	EXPECT_ERR(ENAMETOOLONG, symlink(target, "s4096.c"));
	target[4095] = '\0';
	ASSERT_OK(symlink(target, "s4095.c"));
	memset(back, 0, sizeof(back));
	EXPECT_EQ(4095, readlink("s4095.c", back, sizeof(back)));
	EXPECT_STREQ(target, back);
}

TREE_TEST_MAIN
