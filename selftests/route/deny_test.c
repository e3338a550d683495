// SPDX-License-Identifier: GPL-2.0-only
/* The verdict deny, for each operation. */
#include "site.h"

#include <sys/sendfile.h>

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };
FIXTURE_VARIANT_ADD(site, fuse) { .parts = SITE_EXT4 | SITE_FUSE };

TEST_F(site, denied_name_stays_listed_and_cannot_be_reached)
{
	DOES(put("hot/secret", "s"));
	ASSERT_OK(mkdir("hot/vault", 0755));
	DOES(put("hot/vault/f", "f"));
	DOES(put("hot/open", "o"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/secret -> deny",
				"rule", "path=/vault/** -> deny:EPERM"));
	EXPECT_STREQ("open secret vault", names_in("mnt"));
	EXPECT_ERR(EACCES, access("mnt/secret", F_OK));
	EXPECT_EQ(EACCES, opens("mnt/secret", O_RDONLY));
	EXPECT_ERR(EPERM, access("mnt/vault", F_OK));
	EXPECT_ERR(EPERM, access("mnt/vault/f", F_OK));
	EXPECT_ERR(EACCES, unlink("mnt/secret"));
	EXPECT_ERR(EACCES, rename("mnt/open", "mnt/secret"));
	EXPECT_ERR(EACCES, link("mnt/open", "mnt/secret"));
	EXPECT_ERR(EPERM, rmdir("mnt/vault"));
	EXPECT_STREQ("o", get("mnt/open"));
	EXPECT_STREQ("s", get("hot/secret"));
}

TEST_F(site, denied_absent_name_cannot_be_made)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.key -> deny:EPERM"));
	EXPECT_EQ(EPERM, put("mnt/a.key", ""));
	EXPECT_ERR(EPERM, mkdir("mnt/a.key", 0755));
	EXPECT_ERR(EPERM, symlink("x", "mnt/a.key"));
	EXPECT_ERR(EPERM, mknod("mnt/a.key", S_IFIFO | 0600, 0));
	EXPECT_STREQ("", names_in("hot"));
}

TEST_F(site, each_name_operation_can_be_denied_alone)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site,
		"rule", "op=create name=x -> deny:EPERM",
		"rule", "op=mkdir name=x -> deny:EROFS",
		"rule", "op=mknod name=x -> deny:EBUSY",
		"rule", "op=symlink name=x -> deny:ENOSPC",
		"rule", "op=unlink name=keep -> deny:EBUSY",
		"rule", "op=rmdir name=keepdir -> deny:EPERM",
		"rule", "op=rename name=keep -> deny:EPERM",
		"rule", "op=link name=l -> deny:EMLINK",
		"rule", "op=lookup name=unseen -> deny:ENXIO"));
	EXPECT_EQ(EPERM, put("mnt/x", ""));
	EXPECT_ERR(EROFS, mkdir("mnt/x", 0755));
	EXPECT_ERR(EBUSY, mknod("mnt/x", S_IFIFO | 0600, 0));
	EXPECT_ERR(ENOSPC, symlink("t", "mnt/x"));
	EXPECT_STREQ("", names_in("mnt"));
	DOES(put("mnt/keep", "kept"));
	ASSERT_OK(mkdir("mnt/keepdir", 0755));
	EXPECT_ERR(EBUSY, unlink("mnt/keep"));
	EXPECT_ERR(EPERM, rmdir("mnt/keepdir"));
	EXPECT_ERR(EPERM, rename("mnt/keep", "mnt/y"));
	DOES(put("mnt/other", ""));
	EXPECT_ERR(EPERM, rename("mnt/other", "mnt/keep"));
	EXPECT_ERR(EMLINK, link("mnt/keep", "mnt/l"));
	DOES(put("hot/unseen", ""));
	EXPECT_ERR(ENXIO, access("mnt/unseen", F_OK));
	EXPECT_TRUE(listed("mnt", "unseen", NULL, NULL));
	EXPECT_STREQ("kept", get("mnt/keep"));
}

TEST_F(site, each_attribute_operation_can_be_denied_alone)
{
	char buf[16];
	struct statfs fs;

	DOES(put("hot/f", "f"));
	ASSERT_OK(symlink("f", "hot/s"));
	DOES(put("hot/g", "g"));
	ASSERT_OK(mkdir("hot/d", 0755));
	DOES(put("hot/d/in", ""));
	ASSERT_EQ(0, SITE_MOUNT(&self->site,
		"rule", "op=getattr name=g -> deny:EIO",
		"rule", "op=setattr name=f -> deny:EPERM",
		"rule", "op=readlink name=s -> deny:ENXIO",
		"rule", "op=statfs name=f -> deny:ENOSYS",
		"rule", "op=readdir name=d -> deny:EBUSY"));
	EXPECT_ERR(EIO, access("mnt/g", F_OK) ?: lstat("mnt/g", &(struct stat){}));
	EXPECT_STREQ("g", get("mnt/g"));
	EXPECT_ERR(EPERM, chmod("mnt/f", 0600));
	EXPECT_ERR(ENXIO, readlink("mnt/s", buf, sizeof(buf)));
	EXPECT_EQ(ENXIO, opens("mnt/s", O_RDONLY));
	EXPECT_ERR(ENOSYS, statfs("mnt/f", &fs));
	EXPECT_OK(statfs("mnt/g", &fs));
	EXPECT_TRUE(present("mnt/d/in"));
	EXPECT_STREQ(strerror(EBUSY), names_in("mnt/d"));
}

TEST_F(site, each_data_operation_can_be_denied_alone)
{
	char buf[8];
	int fd, out;
	off_t at = 0;

	DOES(put("hot/o", "o"));
	DOES(put("hot/r", "r"));
	DOES(put("hot/w", "w"));
	DOES(put("hot/m", "m"));
	DOES(put("hot/l", "l"));
	DOES(put("hot/plain", "p"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site,
		"rule", "op=open name=o -> deny:ETXTBSY",
		"rule", "op=read+splice name=r -> deny:EIO",
		"rule", "op=write name=w -> deny:EROFS",
		"rule", "op=mmap name=m -> deny:ENODEV",
		"rule", "op=lseek name=l -> deny:ESPIPE"))
		TH_LOG("%s", mount_log);
	EXPECT_EQ(ETXTBSY, opens("mnt/o", O_RDONLY));
	EXPECT_TRUE(present("mnt/o"));
	fd = open("mnt/r", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_ERR(EIO, read(fd, buf, 1));
	EXPECT_EQ(1, write(fd, "x", 1));
	out = open("mnt/plain", O_RDWR);
	EXPECT_ERR(EIO, sendfile(out, fd, &at, 1));
	close(fd);
	fd = open("mnt/w", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, read(fd, buf, 1));
	EXPECT_ERR(EROFS, write(fd, "x", 1));
	close(fd);
	/* Truncation follows write. */
	EXPECT_ERR(EROFS, truncate("mnt/w", 0));
	EXPECT_STREQ("w", get("mnt/w"));
	fd = open("mnt/m", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(ENODEV, errno);
	close(fd);
	fd = open("mnt/l", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_ERR(ESPIPE, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(1, read(fd, buf, 1));
	close(fd);
}

TEST_F(site, class_of_operations_can_be_denied)
{
	DOES(put("hot/f", "f"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=data name=f -> deny",
				"rule", "op=meta name=g -> deny",
				"rule", "op=name name=h -> deny"));
	EXPECT_TRUE(present("mnt/f"));
	EXPECT_EQ(EACCES, opens("mnt/f", O_RDONLY));
	DOES(put("mnt/g", "g"));
	EXPECT_STREQ("g", get("mnt/g"));
	EXPECT_ERR(EACCES, chmod("mnt/g", 0600));
	EXPECT_EQ(EACCES, put("mnt/h", ""));
}

TEST_F(site, earlier_rule_exempts_from_a_denial)
{
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/d/ok -> cold",
				"rule", "path=/d/* -> deny"));
	ASSERT_OK(mkdir("mnt/d", 0755));
	DOES(put("mnt/d/ok", "fine"));
	EXPECT_STREQ("fine", get("cold/d/ok"));
	EXPECT_EQ(EACCES, put("mnt/d/other", ""));
}

TEST_F(site, root_is_never_denied)
{
	DOES(put("hot/f", ""));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "op=lookup path=/** -> deny"));
	EXPECT_TRUE(S_ISDIR(stat_of("mnt").st_mode));
	EXPECT_STREQ("f", names_in("mnt"));
	EXPECT_ERR(EACCES, access("mnt/f", F_OK));
}

SWITCHFS_TEST_MAIN
