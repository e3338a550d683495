// SPDX-License-Identifier: GPL-2.0-only
/* Rules from files: what is read, when it is, and what is refused. */
#include "site.h"

#include <sched.h>
#include <sys/mman.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

static const char *shown(const struct site *site)
{
	return shown_options(site_path(site, "mnt")) ?: "nothing";
}

/* Writes LEN bytes as the whole of PATH. */
static int put_bytes(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	ssize_t n;

	if (fd < 0)
		return errno;
	n = write(fd, bytes, len);
	close(fd);
	return n == (ssize_t)len ? 0 : EIO;
}

/* COUNT rules, a line each, for names of their own. */
static int put_many(const char *path, int count)
{
	FILE *f = fopen(path, "we");
	int i;

	for (i = 0; f && i < count; i++)
		fprintf(f, "name=n%d -> %s\n", i, i % 2 ? "cold" : "hot");
	return f && !fclose(f) ? 0 : EIO;
}

/* Mounts hot and cold with the rules of a descriptor; 0 or the errno, with the messages. */
static int mount_descriptor(const struct site *site, int fd)
{
	int fs = fsopen("switchfs", FSOPEN_CLOEXEC), mnt, err = 0;
	ssize_t n;

	if (fsconfig(fs, FSCONFIG_SET_STRING, "branch", site->hot, 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "branch", site->cold, 0) ||
	    fsconfig(fs, FSCONFIG_SET_FD, "rules", NULL, fd) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		err = errno;
	n = read(fs, mount_log, sizeof(mount_log) - 1);
	mount_log[n < 0 ? 0 : n] = '\0';
	if (!err) {
		mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
		err = ERR(move_mount(mnt, "", AT_FDCWD, "mnt", MOVE_MOUNT_F_EMPTY_PATH));
		close(mnt);
	}
	close(fs);
	return err;
}

/* NAME in the work folder, as the value of rules=. */
#define AT(name)	site_path(&self->site, name)
#define REMOUNT(...)							\
	ASSERT_EQ(0, switchfs_remount("mnt", __VA_ARGS__, END))	\
		TH_LOG("%s", mount_log)
/* Mounts with rules=NAME and wants it refused, with SAID in the message. */
#define REFUSED(err, name, said)					\
	do {								\
		EXPECT_EQ(err, SITE_MOUNT(&self->site, "rules", AT(name))); \
		EXPECT_HAS(mount_log, said);				\
	} while (0)

TEST_F(site, lines_blanks_comments_and_carriage_returns)
{
	DOES(put("r", "# what goes where\n"
		      "name=*.a -> cold\r\n"
		      "\n   \t\r\n"
		      "\t  #name=*.b -> cold\n"
		      "  op=name\tname=#c -> cold \x20\n"
		      "name=*.d -> cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rules", AT("r"))) TH_LOG("%s", mount_log);
	DOES(put("mnt/f.a", ""));
	DOES(put("mnt/f.b", ""));
	DOES(put("mnt/#c", ""));
	DOES(put("mnt/f.d", ""));
	EXPECT_STREQ("#c f.a f.d", names_in("cold"));
	EXPECT_STREQ("f.b", names_in("hot"));
}

TEST_F(site, empty_files_give_no_rules)
{
	DOES(put("empty", ""));
	DOES(put("blank", "\n\n# nothing"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rules", AT("empty"), "rule", "name=a -> cold",
				"rules", AT("blank")));
	EXPECT_HAS(shown(&self->site), fmt("rules=%s,rule=name=a -> cold,rules=%s",
					   AT("empty"), AT("blank")));
	DOES(put("mnt/a", ""));
	EXPECT_TRUE(present("cold/a"));
}

TEST_F(site, order_is_that_of_the_options)
{
	static char line[65536];

	DOES(put("r1", "name=b -> cold\nname=c -> cold\n"));
	DOES(put("r2", "name=c* -> hot\nname=d -> cold\n"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=a -> cold", "rule", "name=b -> hot",
				"rules", AT("r1"), "rules", AT("r2"),
				"rule", "name=d* -> hot", "rule", "name=e -> cold"));
	DOES(put("mnt/a", ""));
	DOES(put("mnt/b", ""));
	DOES(put("mnt/c", ""));
	DOES(put("mnt/cc", ""));
	DOES(put("mnt/d", ""));
	DOES(put("mnt/dd", ""));
	DOES(put("mnt/e", ""));
	EXPECT_STREQ("a c d e", names_in("cold"));
	EXPECT_STREQ("b cc dd", names_in("hot"));
	strcpy(line, shown(&self->site));
	EXPECT_HAS(line, fmt("rule=name=a -> cold,rule=name=b -> hot,rules=%s,rules=%s,%s",
			     AT("r1"), AT("r2"), "rule=name=d* -> hot,rule=name=e -> cold"));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_EQ(0, switchfs_mount_string("mnt", 0, line));
	EXPECT_STREQ(line, shown(&self->site));
	EXPECT_STREQ("a b c cc d dd e", names_in("mnt"));
}

TEST_F(site, norules_forgets_files)
{
	DOES(put("r", "name=a -> cold\n"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rules", AT("nowhere"), "norules", NULL,
				"rules", AT("r")))
		TH_LOG("%s", mount_log);
	DOES(put("mnt/a", ""));
	EXPECT_TRUE(present("cold/a"));
	REMOUNT("norules", NULL);
	EXPECT_FALSE(present("mnt/a"));
	EXPECT_EQ(NULL, strstr(shown(&self->site), "rule"));
}

TEST_F(site, descriptors)
{
	char byte;
	int fd;

	DOES(put("r", "name=a -> cold\n"));
	fd = open("r", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(1, read(fd, &byte, 1));
	ASSERT_EQ(0, mount_descriptor(&self->site, fd)) TH_LOG("%s", mount_log);
	/* Read from its start, wherever its owner is. */
	EXPECT_EQ(1, lseek(fd, 0, SEEK_CUR));
	close(fd);
	EXPECT_HAS(shown(&self->site), fmt("rules=%s", AT("r")));
	DOES(put("mnt/a", ""));
	EXPECT_TRUE(present("cold/a"));
	DOES(put("r", "name=b -> cold\n"));
	REMOUNT("reload", NULL);
	EXPECT_FALSE(present("mnt/a"));
	ASSERT_OK(umount2("mnt", 0));

	/* One that has no path to be read again by. */
	fd = memfd_create("rules", MFD_CLOEXEC);
	ASSERT_EQ(15, write(fd, "name=a -> cold\n", 15));
	ASSERT_EQ(0, mount_descriptor(&self->site, fd)) TH_LOG("%s", mount_log);
	close(fd);
	EXPECT_TRUE(present("mnt/a"));
	EXPECT_NE(0, switchfs_remount("mnt", "reload", NULL, END));
	EXPECT_TRUE(present("mnt/a"));
	ASSERT_EQ(0, switchfs_mount_string("mnt", MS_REMOUNT, shown(&self->site)));
	EXPECT_TRUE(present("mnt/a"));
	ASSERT_OK(umount2("mnt", 0));

	fd = open("r", O_WRONLY | O_CLOEXEC);
	EXPECT_EQ(EBADF, mount_descriptor(&self->site, fd));
	EXPECT_HAS(mount_log, "not open for reading");
	close(fd);
	fd = open("r", O_PATH | O_CLOEXEC);
	EXPECT_EQ(EBADF, mount_descriptor(&self->site, fd));
	close(fd);
	fd = open("hot", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EXPECT_EQ(EISDIR, mount_descriptor(&self->site, fd));
	EXPECT_HAS(mount_log, "directory");
	close(fd);
}

TEST_F(site, what_is_no_file_is_refused_at_once)
{
	int log = klog_open();

	REFUSED(ENOENT, "nowhere", "no such file");
	EXPECT_HAS(mount_log, AT("nowhere"));
	REFUSED(EISDIR, "hot", "directory");
	ASSERT_OK(mkfifo("fifo", 0644));
	REFUSED(EINVAL, "fifo", "not a regular file");
	EXPECT_EQ(EINVAL, SITE_MOUNT(&self->site, "rules", "/dev/zero"));
	EXPECT_HAS(mount_log, "not a regular file");
	/* Neither is a file that only read(2) can read. */
	EXPECT_EQ(EINVAL, SITE_MOUNT(&self->site, "rules", "/proc/self/comm"));
	DOES(put("r", ""));
	EXPECT_EQ(EINVAL, SITE_MOUNT(&self->site, "rules", "r"));
	EXPECT_HAS(mount_log, "absolute");
	EXPECT_EQ(EINVAL, SITE_MOUNT(&self->site, "rules", ""));
	EXPECT_EQ(EINVAL, SITE_MOUNT(&self->site, "rules", NULL));
	EXPECT_EQ(EINVAL, SITE_MOUNT(&self->site, "reload", NULL));
	EXPECT_HAS(mount_log, "remount");
	EXPECT_EQ(EINVAL, SITE_MOUNT(&self->site, "reload", "r"));
	EXPECT_STREQ("", klog_complaints(log, true));
}

/* A file of procfs that has no size. */
TEST_F(site, file_without_a_size)
{
	ASSERT_OK(unshare(CLONE_NEWUTS));
	ASSERT_OK(setdomainname("name=*.a -> cold", 16));
	EXPECT_EQ(0, stat_of("/proc/sys/kernel/domainname").st_size);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rules", "/proc/sys/kernel/domainname"))
		TH_LOG("%s", mount_log);
	DOES(put("mnt/f.a", ""));
	EXPECT_TRUE(present("cold/f.a"));
}

TEST_F(site, message_names_file_line_and_word)
{
	DOES(put("r", "# one\r\n\r\nname=a -> cold\r\nname=b -> nowhere\r\n"));
	REFUSED(EINVAL, "r", fmt("%s line 4: ", AT("r")));
	EXPECT_HAS(mount_log, "`name=b -> nowhere`: unknown branch `nowhere`");
	DOES(put("r", "op=fly -> cold"));
	REFUSED(EINVAL, "r", "line 1: rule `op=fly -> cold`: unknown op `fly`, expected one of ");
	/* The list of all operations is not cut. */
	EXPECT_HAS(mount_log, "copy, remap");
	DOES(put("r", "name=a -> cold\n\nname=b -> cold\n name=a  ->  cold\n"));
	REFUSED(EINVAL, "r", "line 4: rule `name=a -> cold` is given twice");
	DOES(put("r", "name=a -> cold"));
	EXPECT_EQ(EINVAL, SITE_MOUNT(&self->site, "rule", "name=a -> cold", "rules", AT("r")));
	EXPECT_HAS(mount_log, "line 1: rule `name=a -> cold` is given twice");
	EXPECT_EQ(EINVAL, SITE_MOUNT(&self->site, "rules", AT("r"), "rule", "name=a -> cold"));
	EXPECT_EQ(NULL, strstr(mount_log, "line"));
	EXPECT_HAS(mount_log, "given twice");
}

TEST_F(site, odd_bytes)
{
	char line[65536];

	DOES(put_bytes("r", "name=a\0b -> cold\n", 17));
	REFUSED(EINVAL, "r", "line 1: rule `name=a\\x00b -> cold`");
	DOES(put_bytes("r", "\0\0\0", 3));
	REFUSED(EINVAL, "r", "line 1: rule `\\x00\\x00\\x00`");
	DOES(put("r", "name=x -> deny\nn\xff\xfe=x -> cold\n"));
	REFUSED(EINVAL, "r", "line 2: rule `n\\xff\\xfe=x -> cold`");
	/* In a name they are as good as any other, and are shown so that they stay. */
	DOES(put("r", "name=caf\xe9,\" -> cold\n"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rules", AT("r"))) TH_LOG("%s", mount_log);
	DOES(put("mnt/caf\xe9,\"", ""));
	EXPECT_TRUE(present("cold/caf\xe9,\""));
	ASSERT_OK(umount2("mnt", 0));
	/* So are they in the path of the file. */
	ASSERT_OK(rename("r", "r #=:\\"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rules", AT("r #=:\\")));
	strcpy(line, shown(&self->site));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_EQ(0, switchfs_mount_string("mnt", 0, line)) TH_LOG("%s", line);
	EXPECT_STREQ(line, shown(&self->site));
	EXPECT_TRUE(present("mnt/caf\xe9,\""));
}

TEST_F(site, limits)
{
	static char line[8192];

	/* A line. */
	memset(line, 'x', sizeof(line));
	memcpy(line, "name=", 5);
	strcpy(line + 4096 - 8, " -> cold");
	DOES(put("r", line));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rules", AT("r"))) TH_LOG("%s", mount_log);
	ASSERT_OK(umount2("mnt", 0));
	line[4096 - 8] = 'x';
	strcpy(line + 4096 - 7, " -> cold");
	DOES(put("r", fmt("#\n")));
	DOES(put("r", line));
	REFUSED(EINVAL, "r", "line 1: more than 4096 bytes");
	/* Rules. */
	DOES(put_many("r", 65534));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rules", AT("r"))) TH_LOG("%s", mount_log);
	DOES(put("mnt/n65533", ""));
	EXPECT_TRUE(present("cold/n65533"));
	ASSERT_OK(umount2("mnt", 0));
	DOES(put_many("r", 65535));
	REFUSED(EINVAL, "r", "more than 65534 rules");
	/* Bytes. */
	ASSERT_OK(truncate("r", 0));
	DOES(put("r", "# a hole\n"));
	ASSERT_OK(truncate("r", (16 << 20) + 1));
	REFUSED(EFBIG, "r", "16 MiB");
	ASSERT_OK(truncate("r", 1L << 40));
	REFUSED(EFBIG, "r", "16 MiB");
}

TEST_F(site, ten_thousand_rules)
{
	DOES(put_many("r", 10000));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rules", AT("r"))) TH_LOG("%s", mount_log);
	DOES(put("mnt/n9998", ""));
	DOES(put("mnt/n9999", ""));
	EXPECT_STREQ("n9998", names_in("hot"));
	EXPECT_STREQ("n9999", names_in("cold"));
	EXPECT_GT(4096, strlen(shown(&self->site)));
	DOES(put_many("r", 9999));
	REMOUNT("reload", NULL);
	EXPECT_FALSE(present("mnt/n9999"));
	EXPECT_TRUE(present("mnt/n9998"));
}

/* Who may mount, but not read the file. */
TEST_F(site, file_is_read_as_the_mounter)
{
	DOES(put("r", "name=a -> cold\n"));
	ASSERT_OK(chmod("r", 0600));
	ASSERT_OK(chown("r", SOMEONE, SOMEONE));
	EXPECT_EQ(0, SITE_MOUNT(&self->site, "rules", AT("r")));
	ASSERT_OK(umount2("mnt", 0));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE, mount("none", "mnt", "switchfs", 0,
		fmt("branch=%s,rules=%s", self->site.hot, AT("r")))));
}

TEST_F(site, equal_remount_reads_nothing)
{
	static char before[65536];

	DOES(put("r", "name=a -> cold\n"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open+read  name=z -> deny",
				"rules", AT("r")));
	DOES(put("mnt/a", ""));
	strcpy(before, shown(&self->site));
	DOES(put("r", "name=b -> nowhere\n"));
	ASSERT_EQ(0, switchfs_mount_string("mnt", MS_REMOUNT | MS_RDONLY, before));
	REMOUNT("rw", NULL, "norules", NULL, "rule", "op=read+open name=z -> deny",
		"rules", AT("r"));
	ASSERT_OK(unlink("r"));
	ASSERT_EQ(0, switchfs_mount_string("mnt", MS_REMOUNT, before));
	/* The same file beside other rules, or elsewhere in the list. */
	REMOUNT("rules", AT("r"), "rule", "name=c -> cold");
	DOES(put("mnt/c", ""));
	EXPECT_STREQ("a c", names_in("cold"));
	EXPECT_STREQ("a c", names_in("mnt"));
	/* Other branches, or another default, with the same rules. */
	DOES(make_path("new"));
	REMOUNT("branch", fmt("cold=%s", AT("new")), "default", "cold");
	DOES(put("mnt/a", "new"));
	EXPECT_STREQ("new", get("new/a"));
	EXPECT_HAS(shown(&self->site), fmt("rules=%s,rule=name=c", AT("r")));
}

TEST_F(site, reload_reads_again_or_changes_nothing)
{
	static char before[65536];
	static const char *const bad[] = { "name=b -> nowhere\n", "name=b\n", "\xff" };
	size_t i;

	DOES(put("r", "name=a -> cold\n"));
	DOES(put("s", "name=s -> cold\n"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rules", AT("s"), "rule", "name=m -> cold",
				"rules", AT("r")));
	DOES(put("mnt/a", "cold"));
	DOES(put("mnt/m", "cold"));
	DOES(put("hot/a", "hot"));
	strcpy(before, shown(&self->site));
	DOES(put("s", "name=s -> hot\n"));
	for (i = 0; i < 3; i++) {
		DOES(put("r", bad[i]));
		EXPECT_EQ(EINVAL, switchfs_remount("mnt", "reload", NULL, END));
		EXPECT_HAS(mount_log, fmt("%s line 1: ", AT("r")));
		EXPECT_STREQ("cold", get("mnt/a"));
		DOES(put("mnt/s", ""));
		EXPECT_FALSE(present("hot/s"));
	}
	ASSERT_OK(unlink("r"));
	EXPECT_EQ(ENOENT, switchfs_remount("mnt", "reload", NULL, "ro", NULL, END));
	EXPECT_HAS(mount_log, AT("r"));
	EXPECT_STREQ(before, shown(&self->site));
	EXPECT_STREQ("cold", get("mnt/a"));
	DOES(put("r", "# emptied\n"));
	REMOUNT("reload", NULL);
	EXPECT_STREQ("hot", get("mnt/a"));
	EXPECT_STREQ("cold", get("mnt/m"));
	EXPECT_FALSE(present("mnt/s"));
	EXPECT_STREQ(before, shown(&self->site));
	/* Together with a list: the files in it are read again. */
	DOES(put("r", "name=b -> cold\n"));
	REMOUNT("reload", NULL, "norules", NULL, "rules", AT("r"));
	DOES(put("mnt/b", ""));
	EXPECT_TRUE(present("cold/b"));
	EXPECT_FALSE(present("mnt/m"));
	/* Nothing to read is nothing to do. */
	REMOUNT("norules", NULL);
	REMOUNT("reload", NULL);
	EXPECT_EQ(NULL, strstr(shown(&self->site), "reload"));
}

TEST_F(site, bad_file_at_remount_changes_nothing)
{
	static char before[65536];

	DOES(make_path("new"));
	DOES(put("hot/f", "hot"));
	DOES(put("r", "name=f -> cold\n"));
	DOES(put("bad", "name=f -> cold\nname=g ->\n"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	strcpy(before, shown(&self->site));
	EXPECT_EQ(EINVAL, switchfs_remount("mnt", "branch", fmt("cold=%s", AT("new")),
					   "default", "cold", "rules", AT("r"), "rules", AT("bad"),
					   "ro", NULL, END));
	EXPECT_HAS(mount_log, fmt("%s line 2: ", AT("bad")));
	EXPECT_STREQ(before, shown(&self->site));
	EXPECT_STREQ("hot", get("mnt/f"));
	DOES(put("mnt/g", ""));
	EXPECT_TRUE(present("hot/g"));
}

/* A file on the mount itself, that the rules in it are about. */
TEST_F(site, file_on_the_mount_itself)
{
	DOES(put("hot/r", "name=a -> cold\n"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	REMOUNT("rules", AT("mnt/r"));
	DOES(put("mnt/a", ""));
	EXPECT_TRUE(present("cold/a"));
	DOES(put("mnt/r", "name=b -> cold\n"));
	REMOUNT("reload", NULL, "ro", NULL);
	EXPECT_FALSE(present("mnt/a"));
	ASSERT_OK(umount2("mnt", 0));
}

SWITCHFS_TEST_MAIN
