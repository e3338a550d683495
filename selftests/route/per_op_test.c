// SPDX-License-Identifier: GPL-2.0-only
/* One object served by several branches, operation by operation. */
#include "site.h"

#include <time.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = SITE_RAM };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

TEST_F(site, data_comes_from_the_branch_of_the_open)
{
	char buf[16] = "";
	char *map;
	int fd;

	DOES(put("hot/f.dat", "home"));
	DOES(put("cold/f.dat", "cold data"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=data name=*.dat -> cold"));
	EXPECT_STREQ("cold data", get("mnt/f.dat"));
	fd = open("mnt/f.dat", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(4, pwrite(fd, "COLD", 4, 0));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(0, memcmp(map, "COLD data", 9));
	EXPECT_EQ(9, pread(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("COLD data", get("cold/f.dat"));
	EXPECT_STREQ("home", get("hot/f.dat"));
}

TEST_F(site, rule_on_open_alone_carries_all_data)
{
	int fd;

	DOES(put("hot/f.dat", "home"));
	DOES(put("cold/f.dat", "cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open name=*.dat -> cold"));
	fd = open("mnt/f.dat", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwrite(fd, "C", 1, 0));
	EXPECT_OK(fsync(fd));
	close(fd);
	EXPECT_STREQ("Cold", get("cold/f.dat"));
	EXPECT_STREQ("home", get("hot/f.dat"));
}

TEST_F(site, reads_and_writes_can_go_apart)
{
	char buf[8] = "";
	int fd;

	DOES(put("hot/f.dat", "home"));
	DOES(put("cold/f.dat", "cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=write name=*.dat -> cold"));
	fd = open("mnt/f.dat", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwrite(fd, "W", 1, 0));
	EXPECT_EQ(4, pread(fd, buf, sizeof(buf), 0));
	EXPECT_STREQ("home", buf);
	EXPECT_OK(fsync(fd));
	close(fd);
	EXPECT_STREQ("Wold", get("cold/f.dat"));
	EXPECT_STREQ("home", get("hot/f.dat"));
}

TEST_F(site, size_of_the_routed_data_counts_for_data_operations)
{
	char buf[16] = "";
	int fd;

	DOES(put("hot/f.dat", "four"));
	DOES(put("cold/f.dat", "nine char"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=data name=*.dat -> cold"));
	fd = open("mnt/f.dat", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(9, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(9, lseek(fd, 0, SEEK_HOLE));
	EXPECT_EQ(4, pread(fd, buf, 16, 5));
	EXPECT_STREQ("char", buf);
	close(fd);
	fd = open("mnt/f.dat", O_WRONLY | O_APPEND);
	EXPECT_EQ(1, write(fd, "!", 1));
	close(fd);
	EXPECT_STREQ("nine char!", get("cold/f.dat"));
	EXPECT_EQ(4, stat_of("mnt/f.dat").st_size);
	EXPECT_STREQ("four", get("hot/f.dat"));
}

TEST_F(site, truncation_follows_the_data)
{
	DOES(put("hot/f.dat", "home"));
	DOES(put("cold/f.dat", "cold data"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=data name=*.dat -> cold"));
	DOES(put("mnt/f.dat", "new"));
	EXPECT_STREQ("new", get("cold/f.dat"));
	EXPECT_STREQ("home", get("hot/f.dat"));
	ASSERT_OK(truncate("mnt/f.dat", 1));
	EXPECT_STREQ("n", get("cold/f.dat"));
	EXPECT_STREQ("home", get("hot/f.dat"));
}

TEST_F(site, attributes_come_from_the_branch_of_the_verdict)
{
	struct stat st;
	ino_t ino;

	DOES(put("hot/f", "four"));
	DOES(put("cold/f", "nine char"));
	DOES(put("hot/g", "g"));
	ASSERT_OK(chmod("cold/f", 0640));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	ino = stat_of("mnt/f").st_ino;
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=getattr name=f -> cold"));
	st = stat_of("mnt/f");
	EXPECT_EQ(9, st.st_size);
	EXPECT_EQ(S_IFREG | 0640, st.st_mode);
	/* Identity always comes from the home. */
	EXPECT_EQ(ino, st.st_ino);
	EXPECT_STREQ("four", get("mnt/f"));
}

TEST_F(site, changes_of_attributes_go_to_the_branch_of_the_verdict)
{
	DOES(put("hot/f", "home"));
	DOES(put("cold/f", "cold"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=setattr name=f -> cold"));
	ASSERT_OK(chmod("mnt/f", 0600));
	EXPECT_EQ(S_IFREG | 0600, stat_of("cold/f").st_mode);
	EXPECT_EQ(S_IFREG | 0644, stat_of("hot/f").st_mode);
}

TEST_F(site, object_missing_in_the_branch_of_the_verdict_is_enoent)
{
	DOES(put("hot/f", "home"));
	ASSERT_OK(symlink("f", "hot/s"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=open name=f -> cold",
				"rule", "op=setattr name=f -> cold",
				"rule", "op=readlink name=s -> cold"));
	EXPECT_EQ(4, stat_of("mnt/f").st_size);
	EXPECT_EQ(ENOENT, opens("mnt/f", O_RDONLY));
	EXPECT_ERR(ENOENT, chmod("mnt/f", 0600));
	EXPECT_ERR(ENOENT, readlink("mnt/s", (char[8]){}, 8));
	EXPECT_TRUE(listed("mnt", "f", NULL, NULL));
	DOES(put("cold/f", "now there"));
	EXPECT_STREQ("now there", get("mnt/f"));
}

TEST_F(site, links_are_read_from_the_branch_of_the_verdict)
{
	char buf[16] = "";

	ASSERT_OK(symlink("hot-target", "hot/s"));
	ASSERT_OK(symlink("cold-target", "cold/s"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=readlink name=s -> cold"));
	EXPECT_EQ(11, readlink("mnt/s", buf, sizeof(buf)));
	EXPECT_STREQ("cold-target", buf);
}

TEST_F(site, statfs_follows_its_rule)
{
	struct statfs here, hot, cold;

	ASSERT_EQ(0, switchfs_mount("mnt", "branch", self->site.hot, "branch",
				    self->site.cold, "branch", self->site.ram,
				    "rule", "op=statfs path=/d/** -> cold", END));
	DOES(make_path("mnt/d"));
	DOES(make_path("cold/d"));
	ASSERT_OK(statfs("hot", &hot));
	ASSERT_OK(statfs("cold", &cold));
	ASSERT_OK(statfs("mnt", &here));
	EXPECT_EQ(hot.f_blocks, here.f_blocks);
	ASSERT_OK(statfs("mnt/d", &here));
	EXPECT_EQ(cold.f_blocks, here.f_blocks);
}

TEST_F(site, create_that_would_not_be_found_again_is_einval)
{
	int log = klog_open();

	ASSERT_EQ(0, SITE_MOUNT(&self->site,
		"rule", "op=create+mkdir+mknod+symlink name=*.x -> cold"));
	EXPECT_EQ(EINVAL, put("mnt/f.x", ""));
	EXPECT_STRNE("", klog_complaints(log, true))
		TH_LOG("no log line names the rules");
	EXPECT_ERR(EINVAL, mkdir("mnt/d.x", 0755));
	EXPECT_ERR(EINVAL, mknod("mnt/p.x", S_IFIFO | 0600, 0));
	EXPECT_ERR(EINVAL, symlink("t", "mnt/s.x"));
	EXPECT_STREQ("", names_in("hot"));
	EXPECT_STREQ("", names_in("cold"));
	EXPECT_STREQ("", names_in("mnt"));
	EXPECT_STREQ("", klog_complaints(log, false));
}

TEST_F(site, refusals_do_not_flood_the_log)
{
	const time_t begun = time(NULL);
	const char *said;
	int log = klog_open(), i, lines = 0;

	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=create name=*.x -> cold"));
	for (i = 0; i < 200; i++)
		EXPECT_EQ(EINVAL, put(fmt("mnt/f%d.x", i), ""));
	for (said = klog_complaints(log, true); *said; said++)
		lines += *said == '\n';
	/* Ten in five seconds is what the kernel's own limit lets through. */
	EXPECT_GE(10 * (2 + (time(NULL) - begun) / 5), lines);
}

TEST_F(site, create_routed_along_with_lookup_is_found_again)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule",
				"op=name+meta+data name=*.x -> cold"));
	DOES(put("mnt/f.x", "x"));
	EXPECT_STREQ("x", get("mnt/f.x"));
	EXPECT_TRUE(present("cold/f.x"));
	EXPECT_STREQ("f.x", names_in("mnt"));
}

SWITCHFS_TEST_MAIN
