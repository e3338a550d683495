// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings: executable ones, what mprotect, msync, madvise and mremap do with
 * them, under which name they are shown.
 */
#include "tree.h"

#include <setjmp.h>
#include <sys/ptrace.h>

#define SIZE 16384

static int filled(const char *path, char with)
{
	static char block[SIZE];
	int fd = open(path, O_CREAT | O_RDWR, 0644);

	memset(block, with, SIZE);
	return fd >= 0 && write(fd, block, SIZE) == SIZE ? fd : -1;
}

static char *map(int fd, int prot, int flags)
{
	return mmap(NULL, SIZE, prot, flags, fd, 0);
}

/* mov eax, 42; ret */
static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };

TEST_F(tree, code_runs_from_mappings_of_both_kinds)
{
	static const int kinds[] = { MAP_PRIVATE, MAP_SHARED };
	int fd = filled("f.c", 0x90), i;
	char *at;

	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(code), pwrite(fd, code, sizeof(code), 0));
	for (i = 0; i < 2; i++) {
		at = map(fd, PROT_READ | PROT_EXEC, kinds[i]);
		ASSERT_NE(MAP_FAILED, at);
		EXPECT_EQ(42, ((int (*)(void))at)());
		ASSERT_OK(munmap(at, SIZE));
		/* And when the permission comes later. */
		at = map(fd, PROT_READ, kinds[i]);
		ASSERT_NE(MAP_FAILED, at);
		ASSERT_OK(mprotect(at, 4096, PROT_READ | PROT_EXEC));
		EXPECT_EQ(42, ((int (*)(void))at)());
		ASSERT_OK(munmap(at, SIZE));
	}
}

static sigjmp_buf back;

static void on_fault(int number)
{
	siglongjmp(back, number);
}

/* The signal that storing there gives, or 0. */
static int fault(char *at)
{
	int number = sigsetjmp(back, 1);

	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	if (!number)
		*(volatile char *)at = 'x';
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	return number;
}

TEST_F(tree, protection_follows_the_open_mode)
{
	int fd = filled("f.c", 'a');
	char *at;

	ASSERT_LE(0, fd);
	close(fd);
	fd = open("f.c", O_RDONLY);
	at = map(fd, PROT_READ, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_ERR(EACCES, mprotect(at, SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(SIGSEGV, fault(at));
	ASSERT_OK(munmap(at, SIZE));
	close(fd);
	fd = open("f.c", O_RDWR);
	at = map(fd, PROT_READ, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(SIGSEGV, fault(at));
	ASSERT_OK(mprotect(at, SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, fault(at));
	EXPECT_EQ('x', get("f.c")[0]);
	ASSERT_OK(mprotect(at, SIZE, PROT_NONE));
	EXPECT_EQ(SIGSEGV, fault(at));
}

TEST_F(tree, msync_brings_changes_to_the_branch)
{
	int fd = filled("f.c", 'a');
	char *at, byte;
	int direct;

	ASSERT_LE(0, fd);
	at = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, at);
	at[5000] = 'z';
	EXPECT_OK(msync(at, SIZE, MS_ASYNC));
	EXPECT_OK(msync(at, SIZE, MS_SYNC));
	EXPECT_ERR(EINVAL, msync(at + 1, SIZE, MS_SYNC));
	direct = open(fmt("%s/f.c", self->dot_c), O_RDONLY);
	EXPECT_EQ(1, pread(direct, &byte, 1, 5000));
	EXPECT_EQ('z', byte);
	if (self->fuse_dot_c)
		EXPECT_EQ('z', get(fmt("%s/f.c", self->dot_c_source))[5000]);
	ASSERT_OK(munmap(at, SIZE));
	EXPECT_ERR(ENOMEM, msync(at, SIZE, MS_SYNC));
}

TEST_F(tree, advice_on_a_mapping_is_followed)
{
	int fd = filled("f.c", 'a'), under, expected;
	char *at, *below;

	ASSERT_LE(0, fd);
	at = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, at);
	at[0] = 'b';
	EXPECT_OK(madvise(at, SIZE, MADV_WILLNEED));
	EXPECT_OK(madvise(at, SIZE, MADV_DONTNEED));
	/* Shared pages are the file's, and are there again. */
	EXPECT_EQ('b', at[0]);
	EXPECT_OK(madvise(at, SIZE, MADV_POPULATE_WRITE));
	/* A hole is punched into the file, where the branch can. */
	under = open(fmt("%s/f.c", self->dot_c), O_RDWR);
	below = map(under, PROT_READ | PROT_WRITE, MAP_SHARED);
	expected = ERR(madvise(below, 4096, MADV_REMOVE));
	EXPECT_ERR(expected, madvise(at + 4096, 4096, MADV_REMOVE));
	if (!expected) {
		EXPECT_EQ(0, at[0]);
		EXPECT_EQ(0, at[5000]);
		EXPECT_EQ('a', at[8192]);
	}
}

TEST_F(tree, mapping_can_be_moved_and_grown)
{
	int fd = filled("f.c", 'a');
	char *at, *to;

	ASSERT_LE(0, fd);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	ASSERT_NE(MAP_FAILED, at);
	at[0] = 'b';
	to = mremap(at, 4096, 8192, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, to);
	EXPECT_EQ('b', to[0]);
	to[4096] = 'c';
	EXPECT_EQ('b', get("f.c")[4096]);
	EXPECT_EQ('c', get("f.c")[8192]);
	EXPECT_EQ('a', get("f.c")[4095]);
}

TEST_F(tree, file_is_read_into_and_written_from_its_own_mapping)
{
	int fd = filled("f.c", 'a');
	char *at;

	ASSERT_LE(0, fd);
	at = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	ASSERT_NE(MAP_FAILED, at);
	memcpy(at, "head", 4);
	EXPECT_EQ(4096, pwrite(fd, at, 4096, 8192));
	EXPECT_EQ(0, memcmp(at + 8192, "head", 4));
	EXPECT_EQ(4096, pread(fd, at + 4096, 4096, 0));
	EXPECT_EQ(0, memcmp(at + 4096, "head", 4));
	/* Pages that are not there yet are faulted in by the write itself. */
	ASSERT_OK(madvise(at, SIZE, MADV_DONTNEED));
	EXPECT_EQ(SIZE, pwrite(fd, at, SIZE, SIZE));
	EXPECT_EQ(2 * SIZE, stat_of("f.c").st_size);
	EXPECT_EQ(0, memcmp(get("f.c") + SIZE, "head", 4));
}

TEST_F(tree, private_copy_does_not_follow_the_file)
{
	int fd = filled("f.c", 'a');
	char *at;

	ASSERT_LE(0, fd);
	at = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	ASSERT_NE(MAP_FAILED, at);
	at[0] = 'p';
	EXPECT_EQ(1, pwrite(fd, "f", 1, 0));
	EXPECT_EQ(1, pwrite(fd, "f", 1, 4096));
	EXPECT_EQ('p', at[0]);
	/* A page that was not changed is still the file's. */
	EXPECT_EQ('f', at[4096]);
	EXPECT_OK(madvise(at, SIZE, MADV_DONTNEED));
	EXPECT_EQ('f', at[0]);
}

/* The path of the mapping at AT in /proc/self/maps. */
static const char *shown(const char *at)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[1024];
	const char *path = "";

	while (f && fgets(line, sizeof(line), f)) {
		if (strtoul(line, NULL, 16) != (unsigned long)at)
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (strchr(line, '/'))
			path = fmt("%s", strchr(line, '/'));
	}
	if (f)
		fclose(f);
	return path;
}

TEST_F(tree, mapping_is_shown_under_the_users_name)
{
	static const int kinds[] = { MAP_PRIVATE, MAP_SHARED };
	char target[PATH_SIZE] = "";
	int fd = filled("f.c", 'a'), i;
	char *at[2];

	ASSERT_LE(0, fd);
	for (i = 0; i < 2; i++) {
		at[i] = map(fd, PROT_READ, kinds[i]);
		ASSERT_NE(MAP_FAILED, at[i]);
		EXPECT_STREQ(fmt("%s/f.c", self->dir), shown(at[i]));
	}
	ASSERT_LT(0, readlink(fmt("/proc/self/map_files/%lx-%lx", (long)at[1],
				  (long)at[1] + SIZE), target, sizeof(target) - 1));
	EXPECT_STREQ(fmt("%s/f.c", self->dir), target);
	close(fd);
	ASSERT_OK(rename("f.c", "g.c"));
	EXPECT_STREQ(fmt("%s/g.c", self->dir), shown(at[0]));
	ASSERT_OK(unlink("g.c"));
	EXPECT_STREQ(fmt("%s/g.c (deleted)", self->dir), shown(at[0]));
	EXPECT_EQ('a', at[0][0]);
}

TEST_F(tree, running_program_is_shown_under_the_users_name)
{
	char exe[PATH_SIZE] = "";
	int status;
	pid_t pid;

	DOES(put_program("prog.c"));
	/* The binary under /proc/PID/exe: asked of a stopped child. */
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execl("prog.c", "prog.c", NULL);
		_exit(99);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_LT(0, readlink(fmt("/proc/%d/exe", pid), exe, sizeof(exe) - 1));
	EXPECT_STREQ(fmt("%s/prog.c", self->dir), exe);
	EXPECT_EQ(ETXTBSY, opens("prog.c", O_WRONLY));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

TREE_TEST_MAIN
