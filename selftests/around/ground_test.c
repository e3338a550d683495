// SPDX-License-Identifier: GPL-2.0-only
/* Each filesystem as the branch: what it can is what the mount can. */
#include "switchfs_test.h"

#include <dirent.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "grounds.h"

#define NAMES 120

FIXTURE(ground) {
	struct world w;
};

FIXTURE_VARIANT(ground) {
	enum ground kind;
};

FIXTURE_VARIANT_ADD(ground, ext4) { .kind = GROUND_EXT4 };
FIXTURE_VARIANT_ADD(ground, xfs) { .kind = GROUND_XFS };
FIXTURE_VARIANT_ADD(ground, btrfs) { .kind = GROUND_BTRFS };
FIXTURE_VARIANT_ADD(ground, tmpfs) { .kind = GROUND_TMPFS };
FIXTURE_VARIANT_ADD(ground, overlay) { .kind = GROUND_OVERLAY };
FIXTURE_VARIANT_ADD(ground, nfs) { .kind = GROUND_NFS };

/* bare and below are two directories of it; mnt is mounted over below. */
FIXTURE_SETUP(ground)
{
	const char *scale = getenv("SWITCHFS_SCALE");

	NEED_SWITCHFS();
	if (variant->kind == GROUND_NFS && (!scale || strcmp(scale, "full")))
		SKIP(return, "takes long: only with SWITCHFS_SCALE=full");
	ASSERT_EQ(0, world_enter(&self->w));
	DOES(make_path("mnt"));
	DOES(ground_mount(&self->w, variant->kind, "disk"));
	DOES(make_path("disk/bare"));
	DOES(make_path("disk/below"));
	ASSERT_EQ(0, switchfs_mount("mnt", "branch", fmt("a=%s/disk/below", self->w.work), END))
		TH_LOG("%s", mount_log);
}

FIXTURE_TEARDOWN(ground)
{
	if (self->w.work[0] && !chdir(self->w.work)) {
		umount2("mnt", MNT_DETACH);
		ground_leave("disk");
	}
	world_leave(&self->w);
}

static int rename_how(const char *from, const char *to, unsigned int how)
{
	return ERR(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, how));
}

/* What a series of calls in DIR gave, one errno or number each. */
static const char *outcome(const char *dir)
{
	static char text[2][4096];
	static int turn;
	char *to = text[turn++ % 2], value[16];
	size_t len = 0;
	struct stat st;
	int fd, other;

#define SAY(call)	(len += snprintf(to + len, 4096 - len, #call "=%ld\n", (long)(call)))
	if (chdir(dir))
		return "no directory";
	SAY(mkdir("d", 02755));
	fd = open("d/f", O_CREAT | O_RDWR, 0640);
	SAY(write(fd, "0123456789", 10));
	SAY(ERR(setxattr("d/f", "user.a", "value", 5, 0)));
	SAY(getxattr("d/f", "user.a", value, sizeof(value)));
	SAY(ERR(setxattr("d/f", "trusted.a", "value", 5, 0)));
	SAY(listxattr("d/f", NULL, 0));
	SAY(ERR(link("d/f", "d/l")));
	SAY(ERR(symlink("d/f", "s")));
	SAY(ERR(mknod("p", S_IFIFO | 0600, 0)));
	SAY(ERR(mknod("c", S_IFCHR | 0600, makedev(1, 3))));
	SAY(stat_of("d/f").st_nlink);
	SAY(rename_how("s", "d/l", RENAME_NOREPLACE));
	SAY(rename_how("s", "d/l", RENAME_EXCHANGE));
	SAY(rename_how("s", "t", 0));
	SAY(stat_of("d/l").st_mode & S_IFMT);
	SAY(ERR(fallocate(fd, 0, 0, 20000)));
	SAY(ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096)));
	SAY(ERR(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096)));
	SAY(ERR(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096)));
	SAY(ERR(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, 4096)));
	SAY(fstat(fd, &st) ? -1 : st.st_size);
	SAY(lseek(fd, 0, SEEK_END));
	other = open("clone", O_CREAT | O_RDWR, 0644);
	SAY(ERR(ioctl(other, FICLONE, fd)));
	SAY(copy_file_range(fd, (loff_t[1]){ 0 }, other, (loff_t[1]){ 0 }, 4096, 0));
	SAY(ERR(fcntl(fd, F_SETFL, O_DIRECT)));
	close(other);
	other = open(".", O_TMPFILE | O_RDWR, 0600);
	SAY(other < 0 ? errno : 0);
	close(other);
	SAY(ERR(fsync(fd)));
	SAY(ERR(syncfs(fd)));
	close(fd);
	SAY(ERR(rmdir("d")));
	SAY(ERR(chown("d/f", SOMEONE, SOMEONE)));
	SAY(ERR(chmod("d/f", 04711)));
	SAY(ERR(truncate("d/f", 5)));
	SAY(stat_of("d/f").st_mode);
	SAY(stat_of("d").st_nlink > 0);
	SAY(count_in("."));
	SAY(ERR(unlink("d/l")));
	SAY(ERR(unlink("d/f")));
	/* Not before what NFS renames instead of removing it is gone. */
	SAY(ERR(rmdir("d")));
#undef SAY
	if (chdir(dir[0] == 'm' ? ".." : "../.."))
		return "no way back";
	return to;
}

static void calls(struct __test_metadata *_metadata)
{
	EXPECT_STREQ(outcome("disk/bare"), outcome("mnt"));
	EXPECT_STREQ(names_in("disk/bare"), names_in("mnt"));
	EXPECT_STREQ(names_in("disk/below"), names_in("mnt"));
}

/* NAMES names, listed once with their numbers, and from a position on. */
static void listing(struct __test_metadata *_metadata)
{
	long at = 0, places[3];
	struct dirent *e;
	int i, n = 0;
	DIR *d;

	ASSERT_OK(mkdir("mnt/large", 0755));
	for (i = 0; i < NAMES; i++)
		DOES(put(fmt("mnt/large/a-name-of-some-length-%d", i), ""));
	EXPECT_EQ(NAMES, count_in("mnt/large"));
	d = opendir("mnt/large");
	while ((e = readdir(d))) {
		if (n < 3)
			places[n] = at;
		n++;
		at = telldir(d);
		if (e->d_name[0] == 'a' && n % 20 == 0)
			EXPECT_EQ(stat_of(fmt("mnt/large/%s", e->d_name)).st_ino, e->d_ino);
	}
	EXPECT_EQ(NAMES + 2, n);
	seekdir(d, places[2]);
	for (n = 0; readdir(d); n++)
		;
	EXPECT_EQ(NAMES, n);
	closedir(d);
}

static void data_of_many_sizes(struct __test_metadata *_metadata)
{
	static unsigned char out[70000], in[70000];
	static const size_t sizes[] = { 1, 4096, 4097, 70000 };
	unsigned char *map;
	size_t i, k;
	int fd;

	for (i = 0; i < sizeof(out); i++)
		out[i] = i * 13 + (i >> 8);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		fd = open(fmt("mnt/f%zu", i), O_CREAT | O_RDWR, 0644);
		ASSERT_LE(0, fd);
		ASSERT_EQ(sizes[i], write(fd, out, sizes[i]));
		/* One is read back from the disk. */
		if (i == 2) {
			ASSERT_OK(fsync(fd));
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		}
		ASSERT_EQ(sizes[i], pread(fd, in, sizeof(in), 0));
		EXPECT_EQ(0, memcmp(in, out, sizes[i]));
		map = mmap(NULL, sizes[i], PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		ASSERT_NE(MAP_FAILED, map);
		for (k = 0; k < sizes[i]; k += 1000)
			map[k] ^= 255;
		munmap(map, sizes[i]);
		close(fd);
		fd = open(fmt("disk/below/f%zu", i), O_RDONLY);
		ASSERT_EQ(sizes[i], read(fd, in, sizeof(in)));
		for (k = 0; k < sizes[i]; k += 1000)
			ASSERT_EQ(out[k] ^ 255, in[k]);
		close(fd);
	}
}

static int do_subvolume(const char *path)
{
	struct {
		long long fd;
		char name[4088];
	} args = { 0 };
	int fd = open("disk/below", O_RDONLY | O_DIRECTORY), err;

	strcpy(args.name, path);
	/* BTRFS_IOC_SUBVOL_CREATE */
	err = ERR(ioctl(fd, _IOW(0x94, 14, args), &args));
	close(fd);
	return err;
}

static void subvolumes(struct __test_metadata *_metadata)
{
	struct stat one, two;

	DOES(do_subvolume("one"));
	DOES(do_subvolume("two"));
	DOES(put("mnt/one/f", "of one"));
	DOES(put("mnt/two/f", "of two"));
	EXPECT_EQ(stat_of("disk/below/one/f").st_ino, stat_of("disk/below/two/f").st_ino);
	one = stat_of("mnt/one/f");
	two = stat_of("mnt/two/f");
	EXPECT_EQ(one.st_dev, two.st_dev);
	EXPECT_NE(one.st_ino, two.st_ino);
	EXPECT_STREQ("of one", get("mnt/one/f"));
	EXPECT_STREQ("of two", get("mnt/two/f"));
	/* As the branch: neither linked nor moved out of its subvolume. */
	EXPECT_EQ(ERR(link("disk/below/one/f", "disk/below/two/g")),
		  ERR(link("mnt/one/f", "mnt/two/g")));
	EXPECT_EQ(0, ERR(rename("mnt/one/f", "mnt/one/g")));
	ASSERT_OK(unlink("mnt/one/g"));
	EXPECT_OK(rmdir("mnt/one"));
}

/* One test: making the filesystem takes the time. */
TEST_F(ground, mount_gives_what_the_branch_itself_gives)
{
	calls(_metadata);
	listing(_metadata);
	data_of_many_sizes(_metadata);
	if (variant->kind == GROUND_BTRFS)
		subvolumes(_metadata);
}

int main(int argc, char **argv)
{
	/* Made once: it takes long. */
	grounds_prepare();
	scale_time_limits();
	return test_harness_run(argc, argv);
}
