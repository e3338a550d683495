// SPDX-License-Identifier: GPL-2.0-only
/* Mappings, and their agreement with read and write. */
#include "tree.h"

#define SIZE 16384

static int file_of_zeros(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR, 0644);

	if (fd < 0 || ftruncate(fd, SIZE))
		return -1;
	return fd;
}

TEST_F(tree, shared_mapping_agrees_with_read_and_write)
{
	int fd = file_of_zeros("f.c"), other;
	char buf[8] = "", *map;

	ASSERT_LE(0, fd);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(5, pwrite(fd, "hello", 5, 4096));
	EXPECT_EQ(0, memcmp(map + 4096, "hello", 5));
	memcpy(map + 8192, "mapped", 6);
	EXPECT_EQ(6, pread(fd, buf, 6, 8192));
	EXPECT_STREQ("mapped", buf);
	other = open("f.c", O_RDONLY);
	EXPECT_EQ(6, pread(other, buf, 6, 8192));
	EXPECT_STREQ("mapped", buf);
	EXPECT_OK(msync(map, SIZE, MS_SYNC));
	EXPECT_OK(munmap(map, SIZE));
}

TEST_F(tree, shared_mapping_is_the_branch_files_cache)
{
	int fd = file_of_zeros("f.c"), direct;
	char *map, *under, buf[8] = "";

	ASSERT_LE(0, fd);
	direct = open(fmt("%s/f.c", self->dot_c), O_RDWR);
	ASSERT_LE(0, direct);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	under = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, direct, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_NE(MAP_FAILED, under);
	memcpy(map, "above", 5);
	EXPECT_EQ(0, memcmp(under, "above", 5));
	memcpy(under + 100, "below", 5);
	EXPECT_EQ(0, memcmp(map + 100, "below", 5));
	EXPECT_EQ(5, pread(direct, buf, 5, 0));
	EXPECT_STREQ("above", buf);
}

TEST_F(tree, private_mapping_keeps_its_changes_to_itself)
{
	int fd;
	char *map;

	DOES(put("f.c", "original"));
	fd = open("f.c", O_RDONLY);
	ASSERT_LE(0, fd);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, memcmp(map, "original", 8));
	memcpy(map, "CHANGED!", 8);
	EXPECT_STREQ("original", get("f.c"));
}

TEST_F(tree, mapping_outlives_the_descriptor_and_the_name)
{
	int fd = file_of_zeros("f.c");
	char *map;

	ASSERT_LE(0, fd);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_OK(close(fd));
	memcpy(map, "still", 5);
	EXPECT_EQ(0, memcmp(get("f.c"), "still", 5));
	ASSERT_OK(unlink("f.c"));
	map[4096] = 'x';
	EXPECT_EQ('x', map[4096]);
	EXPECT_OK(msync(map, SIZE, MS_SYNC));
	EXPECT_OK(munmap(map, SIZE));
}

TEST_F(tree, mapping_needs_the_matching_open_mode)
{
	int fd;

	DOES(put("f.c", "x"));
	fd = open("f.c", O_RDONLY);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0));
	EXPECT_EQ(EACCES, errno);
	close(fd);
	fd = open("f.c", O_WRONLY);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(tree, access_behind_the_end_is_a_bus_error)
{
	int fd = file_of_zeros("f.c"), status;
	char *map;
	pid_t pid;

	ASSERT_LE(0, fd);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	map[8192] = 1;
	ASSERT_OK(ftruncate(fd, 4096));
	pid = fork();
	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		map[8192] = 1;
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGBUS, WTERMSIG(status));
	map[0] = 1;
}

TEST_F(tree, writing_through_a_mapping_updates_the_times)
{
	struct timespec old[2] = { { 1, 0 }, { 1, 0 } };
	int fd = file_of_zeros("f.c");
	char *map;

	ASSERT_LE(0, fd);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_OK(futimens(fd, old));
	map[0] = 1;
	ASSERT_OK(msync(map, SIZE, MS_SYNC));
	ASSERT_OK(munmap(map, SIZE));
	ASSERT_OK(close(fd));
	EXPECT_LT(1, stat_of("f.c").st_mtim.tv_sec);
}

TEST_F(tree, proc_maps_names_the_file_of_the_mount)
{
	int fd = file_of_zeros("mapped-file.c");
	char line[1024];
	bool found = false;
	FILE *f;

	ASSERT_LE(0, fd);
	ASSERT_NE(MAP_FAILED, mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0));
	f = fopen("/proc/self/maps", "r");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f))
		found |= !!strstr(line, fmt("%s/mapped-file.c", self->dir));
	EXPECT_TRUE(found);
}

TREE_TEST_MAIN
