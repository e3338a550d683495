// SPDX-License-Identifier: GPL-2.0-only
/* The files of a mount in debugfs. */
#include "explain.h"
#include "site.h"

#include <pthread.h>
#include <sys/wait.h>

FIXTURE_VARIANT_ADD(site, plain) { .parts = 0 };

TEST_F(site, branches_and_rules)
{
	const char *text;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "default", "cold", "rule", "name=*.iso -> hot",
				"rule", "op=open path=/secret -> deny:EPERM"));
	text = debug_text("mnt", "branches");
	EXPECT_STREQ(fmt("0 hot usable 1 - 0 %s\n1 cold usable 1 default 0 %s\n",
			 site_path(&self->site, "hot"), site_path(&self->site, "cold")), text);
	EXPECT_STREQ("0 1 name=*.iso -> hot\n0 2 op=open path=/secret -> deny:EPERM\n"
		     "0 default -> cold\n", debug_text("mnt", "rules"));
	EXPECT_STREQ("0\n", debug_text("mnt", "enable"));
	EXPECT_STREQ("", debug_text("mnt", "files"));
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, "rule", "name=x -> hot", END));
	EXPECT_STREQ("0 1 name=x -> hot\n0 default -> cold\n", debug_text("mnt", "rules"));
}

TEST_F(site, only_root_may_look)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open(debug_path("mnt", "files"), O_RDONLY)));
	EXPECT_EQ(EACCES, AS_USER(SOMEONE, open(debug_path("mnt", "enable"), O_WRONLY)));
}

TEST_F(site, nothing_is_counted_unless_enabled)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=f -> hot"));
	DOES(put("mnt/f", "x"));
	EXPECT_EQ(0, hits_of("mnt", "1"));
	EXPECT_EQ(0, hits_of("mnt", "default"));
	EXPECT_EQ(0, counted("mnt", "call hot create"));
	DOES(debug_write("mnt", "enable", "1"));
	EXPECT_STREQ("1\n", debug_text("mnt", "enable"));
	get("mnt/f");
	EXPECT_LT(0, hits_of("mnt", "1"));
	DOES(debug_write("mnt", "enable", "0"));
	EXPECT_STREQ("0\n", debug_text("mnt", "enable"));
	EXPECT_EQ(EINVAL, debug_write("mnt", "enable", "?"));
}

TEST_F(site, enabled_for_one_mount_alone)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(make_path("other"));
	ASSERT_EQ(0, switchfs_mount("other", "branch", self->site.hot, END));
	DOES(put("hot/f", ""));
	DOES(debug_write("other", "enable", "1"));
	get("mnt/f");
	EXPECT_EQ(0, counted("mnt", "call hot open"));
	get("other/f");
	EXPECT_EQ(1, counted("other", "call hot open"));
	/* The other goes on counting when this one is gone. */
	DOES(debug_write("mnt", "enable", "1"));
	ASSERT_OK(umount("mnt"));
	get("other/f");
	EXPECT_EQ(2, counted("other", "call hot open"));
	ASSERT_OK(umount("other"));
}

TEST_F(site, calls_and_hits)
{
	struct stat st;
	char c;
	int fd, i;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=getattr name=f -> cold"));
	DOES(put("hot/f", "abc"));
	DOES(put("cold/f", ""));
	fd = open("mnt/f", O_RDWR);
	ASSERT_LE(0, fd);
	DOES(debug_write("mnt", "enable", "1"));
	for (i = 0; i < 10; i++) {
		ASSERT_OK(fstat(fd, &st));
		ASSERT_EQ(1, pread(fd, &c, 1, 0));
	}
	for (i = 0; i < 7; i++)
		ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
	DOES(debug_write("mnt", "enable", "0"));
	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(10, counted("mnt", "call cold getattr"));
	/* Of the mount's root, to find the folder. */
	EXPECT_EQ(1, counted("mnt", "call hot getattr"));
	EXPECT_EQ(10, counted("mnt", "call hot read"));
	EXPECT_EQ(7, counted("mnt", "call hot write"));
	EXPECT_EQ(10, hits_of("mnt", "1"));
	EXPECT_EQ(10, counted("mnt", "verdict branch"));
	/* They are kept, and go on. */
	DOES(debug_write("mnt", "enable", "1"));
	ASSERT_OK(fstat(fd, &st));
	EXPECT_EQ(11, hits_of("mnt", "1"));
}

/* Warm lookups, in RCU walk too. */
TEST_F(site, warm_lookups_are_counted)
{
	struct stat st;
	int i;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/d -> hot", "rule",
				"path=/d/f -> hot"));
	DOES(make_path("mnt/d"));
	DOES(put("mnt/d/f", ""));
	ASSERT_OK(stat("mnt/d/f", &st));
	DOES(debug_write("mnt", "enable", "1"));
	for (i = 0; i < 100; i++)
		ASSERT_OK(access("mnt/d/f", F_OK));
	EXPECT_EQ(100, hits_of("mnt", "1"));
	EXPECT_EQ(100, hits_of("mnt", "2"));
	EXPECT_EQ(200, counted("mnt", "call hot lookup"));
}

TEST_F(site, refusals_by_reason)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open name=secret -> deny", "rule",
				"op=create name=lost -> cold", "rule", "op=getattr name=f -> cold",
				"rule", "name=*.iso -> cold", "rule",
				"op=lookup name=no -> deny:EPERM"));
	DOES(put("hot/secret", ""));
	DOES(put("hot/f", ""));
	DOES(debug_write("mnt", "enable", "1"));
	EXPECT_EQ(EACCES, opens("mnt/secret", O_RDONLY));
	EXPECT_EQ(1, counted("mnt", "refused deny"));
	EXPECT_ERR(EPERM, access("mnt/no", F_OK));
	EXPECT_EQ(2, counted("mnt", "refused deny"));
	EXPECT_EQ(2, counted("mnt", "verdict deny"));
	EXPECT_ERR(EINVAL, open("mnt/lost", O_CREAT | O_WRONLY, 0600));
	EXPECT_EQ(1, counted("mnt", "refused lost"));
	EXPECT_ERR(ENOENT, stat("mnt/f", &(struct stat){}));
	EXPECT_EQ(1, counted("mnt", "refused missing"));
	EXPECT_ERR(EXDEV, rename("mnt/f", "mnt/f.iso"));
	EXPECT_ERR(EXDEV, link("mnt/f", "mnt/f.iso"));
	EXPECT_EQ(2, counted("mnt", "refused cross"));
	EXPECT_EQ(0, counted("mnt", "refused hide"));
	EXPECT_EQ(0, counted("mnt", "refused deep"));
	EXPECT_EQ(1, hits_of("mnt", "1"));
	EXPECT_EQ(1, hits_of("mnt", "5"));
}

/* A branch that cannot serve anything. */
TEST_F(site, too_deep)
{
	DOES(make_path("one"));
	DOES(make_path("two"));
	DOES(make_path("three"));
	DOES(make_path("base/f"));
	ASSERT_EQ(0, switchfs_mount("one", "branch",
				    fmt("b=%s", site_path(&self->site, "base")), END));
	ASSERT_EQ(0, switchfs_mount("two", "branch",
				    fmt("b=%s", site_path(&self->site, "one")), END));
	ASSERT_EQ(0, switchfs_mount("three", "branch", self->site.hot, "branch",
				    fmt("low=%s", site_path(&self->site, "two")),
				    "rule", "name=f -> low", END));
	EXPECT_HAS(debug_text("three", "branches"), "1 low deep 3 - 0 ");
	EXPECT_ERR(ELOOP, access("three/f", F_OK));
	EXPECT_ERR(ELOOP, access("three/f", F_OK));
	EXPECT_HAS(debug_text("three", "branches"), "1 low deep 3 - 2 ");
	EXPECT_EQ(2, counted("three", "refused deep"));
	ASSERT_OK(umount("three"));
	ASSERT_OK(umount("two"));
	ASSERT_OK(umount("one"));
}

TEST_F(site, open_files_of_gates)
{
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open name=f -> gate:cold hot"));
	DOES(put("hot/f", ""));
	DOES(put("cold/f", ""));
	DOES(debug_write("mnt", "enable", "1"));
	fd = open("mnt/f", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_HAS(debug_text("mnt", "files"), fmt("hot %d debugfs_test /f\n", getpid()));
	EXPECT_HAS(debug_text("mnt", "files"), fmt("cold %d debugfs_test /f\n", getpid()));
	close(fd);
	EXPECT_STREQ("", debug_text("mnt", "files"));
}

TEST_F(site, open_files)
{
	int early, fd, dir;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=read name=split -> cold"));
	DOES(put("hot/early", ""));
	DOES(put("hot/a b", ""));
	DOES(put("hot/split", ""));
	DOES(put("cold/split", ""));
	early = open("mnt/early", O_RDONLY);
	ASSERT_LE(0, early);
	DOES(debug_write("mnt", "enable", "1"));
	/* Of those that were open before nothing is known. */
	EXPECT_STREQ("", debug_text("mnt", "files"));
	fd = open("mnt/a b", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_STREQ(fmt("hot %d debugfs_test /a\\040b\n", getpid()), debug_text("mnt", "files"));
	close(early);
	EXPECT_STREQ(fmt("hot %d debugfs_test /a\\040b\n", getpid()), debug_text("mnt", "files"));
	close(fd);
	EXPECT_STREQ("", debug_text("mnt", "files"));
	fd = open("mnt/split", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_HAS(debug_text("mnt", "files"), fmt("hot %d debugfs_test /split\n", getpid()));
	EXPECT_HAS(debug_text("mnt", "files"), fmt("cold %d debugfs_test /split\n", getpid()));
	close(fd);
	dir = open("mnt", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, dir);
	EXPECT_STREQ(fmt("hot %d debugfs_test /\n", getpid()), debug_text("mnt", "files"));
	close(dir);
	fd = open("mnt", O_TMPFILE | O_RDWR, 0600);
	ASSERT_LE(0, fd);
	EXPECT_HAS(debug_text("mnt", "files"), fmt("hot %d debugfs_test /", getpid()));
	close(fd);
	EXPECT_STREQ("", debug_text("mnt", "files"));
	/* Off, and the list is empty; what it held is closed as ever. */
	fd = open("mnt/split", O_RDWR);
	ASSERT_LE(0, fd);
	DOES(debug_write("mnt", "enable", "0"));
	EXPECT_STREQ("", debug_text("mnt", "files"));
	DOES(debug_write("mnt", "enable", "1"));
	EXPECT_STREQ("", debug_text("mnt", "files"));
	close(fd);
	EXPECT_STREQ("", debug_text("mnt", "files"));
	/* What could not be opened is not on it. */
	EXPECT_EQ(ENOENT, opens("mnt/none", O_RDONLY));
	EXPECT_STREQ("", debug_text("mnt", "files"));
}

TEST_F(site, gone_with_the_mount)
{
	const char *folder;
	char buf[256], kept[PATH_SIZE];
	int fd;

	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(debug_write("mnt", "enable", "1"));
	snprintf(kept, sizeof(kept), "%s", debug_path("mnt", ""));
	folder = kept;
	EXPECT_STREQ("branches counters enable files rules", names_in(folder));
	fd = open(debug_path("mnt", "rules"), O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_OK(umount("mnt"));
	EXPECT_FALSE(present(folder));
	EXPECT_ERR(EIO, read(fd, buf, sizeof(buf)));
	close(fd);
}

static const char *const names[] = { "branches", "rules", "counters", "files", "enable" };
static char folder[PATH_SIZE];
static volatile bool done;

static void *look(void *unused)
{
	char buf[4096], path[PATH_SIZE + 32];
	unsigned int i = 0;
	int fd;

	while (!done) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i++ % 5]);
		fd = open(path, O_RDWR);
		if (fd < 0)
			fd = open(path, O_RDONLY);
		if (fd < 0) {
			usleep(1000);
			continue;
		}
		while (read(fd, buf, sizeof(buf)) > 0)
			;
		/* To switch stops all CPUs for a moment. */
		if (i % 3 == 0)
			write(fd, i & 8 ? "1" : "0", 1);
		close(fd);
	}
	return unused;
}

/* Looked at all the time, and switched on and off, it is unmounted. */
TEST_F_TIMEOUT(site, unmounted_while_it_is_read, 200)
{
	pthread_t threads[2];
	int i, j, fd;

	DOES(put("hot/f", "x"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	snprintf(folder, sizeof(folder), "%s", debug_path("mnt", ""));
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, look, NULL));
	for (i = 0; i < 100; i++) {
		for (j = 0; j < 10; j++) {
			fd = open("mnt/f", O_RDONLY);
			ASSERT_LE(0, fd);
			close(fd);
		}
		ASSERT_OK(umount("mnt"));
		/* Nearly always the number is that of the last one. */
		ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=x -> cold"));
	}
	done = true;
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ASSERT_OK(umount("mnt"));
}

SWITCHFS_TEST_MAIN
