// SPDX-License-Identifier: GPL-2.0-only
/* /proc/PID/fdinfo/FD: the backing files of an open file. */
#include "explain.h"
#include "site.h"

#include <sys/syscall.h>
#include <sys/wait.h>

FIXTURE_VARIANT_ADD(site, plain) { .parts = 0 };

static const char *info_of(int fd)
{
	const char *text = get(fmt("/proc/self/fdinfo/%d", fd));
	const char *own = strstr(text, "switchfs:");

	return own ? own : text;
}

TEST_F(site, a_file)
{
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.iso -> cold"));
	DOES(make_path("mnt/d"));
	DOES(put("mnt/d/a b", ""));
	DOES(put("mnt/d/x.iso", ""));
	fd = open("mnt/d/a b", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("switchfs:\tall hot /d/a\\040b\n", info_of(fd));
	fd = open("mnt/d/x.iso", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("switchfs:\tall cold /d/x.iso\n", info_of(fd));
	/* It is where it was opened, whatever its name is now. */
	ASSERT_OK(rename("cold/d/x.iso", "cold/d/y.iso"));
	EXPECT_STREQ("switchfs:\tall cold /d/y.iso\n", info_of(fd));
}

TEST_F(site, uses_that_are_apart)
{
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=read name=f -> cold", "rule",
				"op=mmap name=f -> deny:EPERM"));
	DOES(put("hot/f", ""));
	DOES(put("cold/f", ""));
	fd = open("mnt/f", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("switchfs:\topen,write,splice-to,copy-to,remap-to hot /f\n"
		     "switchfs:\tread,splice,lseek,copy,remap cold /f\n"
		     "switchfs:\tmmap deny:EPERM -\n", info_of(fd));
}

TEST_F(site, gates)
{
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open name=f -> gate:cold hot", "rule",
				"op=read name=g -> cold", "rule",
				"op=open name=g -> gate:cold hot"));
	DOES(put("hot/f", ""));
	DOES(put("cold/f", ""));
	DOES(put("hot/g", ""));
	DOES(put("cold/g", ""));
	fd = open("mnt/f", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("switchfs:\tall hot /f\nswitchfs:\tgate cold /f\n", info_of(fd));
	fd = open("mnt/g", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("switchfs:\topen,write,mmap,splice-to,copy-to,remap-to hot /g\n"
		     "switchfs:\tread,splice,lseek,copy,remap cold /g\n"
		     "switchfs:\tgate cold /g\n", info_of(fd));
}

TEST_F(site, a_directory)
{
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/d/*.iso -> cold"));
	DOES(make_path("mnt/d"));
	DOES(put("mnt/d/x.iso", ""));
	fd = open("mnt/d", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("switchfs:\treaddir hot /d\n", info_of(fd));
	names_in(fmt("/proc/self/fd/%d", fd));
	/* That was another open directory; this one is listed now. */
	EXPECT_STREQ("switchfs:\treaddir hot /d\n", info_of(fd));
	while (syscall(SYS_getdents64, fd, (char[4096]){}, 4096) > 0)
		;
	EXPECT_STREQ("switchfs:\treaddir hot /d\nswitchfs:\treaddir cold /d\n", info_of(fd));
}

TEST_F(site, a_file_without_a_name)
{
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	fd = open("mnt", O_TMPFILE | O_RDWR, 0600);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, strncmp("switchfs:\tall hot /", info_of(fd), 19)) TH_LOG("%s", info_of(fd));
	EXPECT_HAS(info_of(fd), "deleted");
}

/* While it is opened and closed all the time. */
TEST_F(site, while_it_goes_away)
{
	pid_t child;
	int i, fd, status;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(put("hot/f", ""));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		for (i = 0; i < 3000; i++) {
			fd = open("mnt/f", O_RDONLY);
			if (fd != 3 && dup2(fd, 3) < 0)
				_exit(1);
			close(3);
			close(fd);
		}
		_exit(0);
	}
	while (!waitpid(child, &status, WNOHANG))
		get(fmt("/proc/%d/fdinfo/3", child));
	EXPECT_EQ(0, status);
}

SWITCHFS_TEST_MAIN
