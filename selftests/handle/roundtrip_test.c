// SPDX-License-Identifier: GPL-2.0-only
/* name_to_handle_at and open_by_handle_at: a handle leads to its object. */
#include "handles.h"
#include "tree.h"

#include <dirent.h>
#include <sys/fanotify.h>

/* Files, directories, and what cannot be opened but by O_PATH. */
static const char *const objects[] = { "f.c", "f", "d", "d/e/f.c", "s.c", "p.c", "c.c", "." };
#define OBJECTS (sizeof(objects) / sizeof(*objects))

static void make_objects(struct __test_metadata *_metadata)
{
	DOES(put("f.c", "dot c"));
	DOES(put("f", "plain"));
	DOES(make_path("d/e"));
	DOES(put("d/e/f.c", "deep"));
	ASSERT_OK(symlink("f", "s.c"));
	ASSERT_OK(mkfifo("p.c", 0600));
	ASSERT_OK(mknod("c.c", S_IFCHR | 0600, makedev(1, 3)));
}

/* Whether it leads to what PATH names, as far as stat can tell. */
static bool leads_to(const struct handle *h, const char *path)
{
	struct stat a = handle_stat(".", h), b = stat_of(path);

	return a.st_ino && a.st_ino == b.st_ino && a.st_dev == b.st_dev &&
	       a.st_mode == b.st_mode && a.st_size == b.st_size &&
	       a.st_rdev == b.st_rdev && a.st_nlink == b.st_nlink;
}

TEST_F(tree, handle_leads_to_its_object)
{
	struct handle h;
	size_t i;

	make_objects(_metadata);
	for (i = 0; i < OBJECTS; i++) {
		DOES(handle_of(objects[i], &h));
		EXPECT_TRUE(leads_to(&h, objects[i]))
			TH_LOG("object %zu", i);
	}
	DOES(handle_of("f.c", &h));
	EXPECT_STREQ("dot c", handle_get(".", &h));
	EXPECT_EQ(ENOTDIR, handle_opens(".", &h, O_RDONLY | O_DIRECTORY));
	DOES(handle_of("d", &h));
	EXPECT_EQ(EISDIR, handle_opens(".", &h, O_RDWR));
}

TEST_F(tree, handle_survives_dropped_caches)
{
	struct handle h[OBJECTS];
	size_t i;

	make_objects(_metadata);
	for (i = 0; i < OBJECTS; i++)
		DOES(handle_of(objects[i], &h[i]));
	/* The inner ones first: nothing above is in the cache yet. */
	drop_caches();
	EXPECT_STREQ("deep", handle_get(".", &h[3]));
	EXPECT_STREQ("dot c", handle_get(".", &h[0]));
	EXPECT_STREQ("plain", handle_get(".", &h[1]));
	for (i = 0; i < OBJECTS; i++)
		EXPECT_TRUE(leads_to(&h[i], objects[i]))
			TH_LOG("object %zu", i);
}

TEST_F(tree, the_same_object_has_the_same_handle)
{
	struct handle a, b;

	make_objects(_metadata);
	DOES(handle_of("d/e/f.c", &a));
	drop_caches();
	DOES(handle_of("d/e/f.c", &b));
	EXPECT_TRUE(same_handle(&a, &b));
	DOES(handle_of("f.c", &b));
	EXPECT_FALSE(same_handle(&a, &b));
	DOES(handle_as("d/e/f.c", &a, AT_HANDLE_FID));
	DOES(handle_as("d/e/f.c", &b, AT_HANDLE_FID));
	EXPECT_TRUE(same_handle(&a, &b));
}

TEST_F(tree, directory_by_its_handle_is_a_place_in_the_tree)
{
	struct handle h;
	char place[PATH_MAX];
	int fd, sub;

	make_objects(_metadata);
	DOES(handle_of("d/e", &h));
	drop_caches();
	fd = handle_open(".", &h, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("f.c", names_in(fmt("/proc/self/fd/%d", fd)));
	sub = openat(fd, "f.c", O_RDONLY);
	EXPECT_LE(0, sub);
	close(sub);
	sub = openat(fd, "new.c", O_RDWR | O_CREAT | O_EXCL, 0600);
	EXPECT_LE(0, sub);
	close(sub);
	EXPECT_STREQ("f.c new.c", names_in("d/e"));
	ASSERT_OK(renameat(fd, "new.c", fd, "../moved.c"));
	EXPECT_TRUE(present("d/moved.c"));
	ASSERT_OK(fchdir(fd));
	ASSERT_NE(NULL, getcwd(place, sizeof(place)));
	ASSERT_OK(chdir(self->dir));
	EXPECT_STREQ(fmt("%s/d/e", self->dir), place);
	close(fd);
}

TEST_F(tree, file_by_its_handle_can_be_used_as_any)
{
	struct handle h;
	char buf[8];
	int fd;

	make_objects(_metadata);
	DOES(handle_of("f.c", &h));
	drop_caches();
	fd = handle_open(".", &h, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(3, pwrite(fd, "DOT", 3, 0));
	ASSERT_EQ(5, pread(fd, buf, 8, 0));
	ASSERT_OK(fchmod(fd, 0640));
	ASSERT_OK(ftruncate(fd, 4));
	ASSERT_OK(fsync(fd));
	close(fd);
	EXPECT_STREQ("DOT ", get("f.c"));
	EXPECT_EQ(S_IFREG | 0640, stat_of("f.c").st_mode);
	fd = handle_open(".", &h, O_PATH);
	ASSERT_LE(0, fd);
	EXPECT_STREQ("DOT ", get(fmt("/proc/self/fd/%d", fd)));
	ASSERT_OK(linkat(fd, "", AT_FDCWD, "g.c", AT_EMPTY_PATH));
	EXPECT_EQ(2, stat_of("f.c").st_nlink);
	close(fd);
	DOES(handle_of("s.c", &h));
	drop_caches();
	fd = handle_open(".", &h, O_PATH | O_NOFOLLOW);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, readlinkat(fd, "", buf, sizeof(buf)));
	close(fd);
}

TEST_F(tree, handle_survives_a_new_name)
{
	struct handle f, d;

	make_objects(_metadata);
	DOES(handle_of("f.c", &f));
	DOES(handle_of("d/e", &d));
	ASSERT_OK(rename("f.c", "g.c"));
	EXPECT_STREQ("dot c", handle_get(".", &f));
	drop_caches();
	EXPECT_STREQ("dot c", handle_get(".", &f));
	EXPECT_FALSE(present("f.c"));
	/* Under rules a directory is moved by copying. */
	if (rename("d/e", "e")) {
		ASSERT_EQ(EXDEV, errno);
		return;
	}
	EXPECT_TRUE(leads_to(&d, "e"));
	drop_caches();
	EXPECT_TRUE(leads_to(&d, "e"));
}

TEST_F(tree, handle_leads_to_another_link_of_the_object)
{
	struct handle h;

	make_objects(_metadata);
	ASSERT_OK(link("f.c", "a.c"));
	DOES(handle_of("f.c", &h));
	ASSERT_OK(unlink("f.c"));
	EXPECT_STREQ("dot c", handle_get(".", &h));
	drop_caches();
	EXPECT_STREQ("dot c", handle_get(".", &h));
	EXPECT_TRUE(leads_to(&h, "a.c"));
}

TEST_F(tree, handle_of_what_is_removed_is_stale)
{
	struct handle f, d;

	make_objects(_metadata);
	DOES(handle_of("f.c", &f));
	ASSERT_OK(mkdir("gone", 0755));
	DOES(handle_of("gone", &d));
	ASSERT_OK(unlink("f.c"));
	ASSERT_OK(rmdir("gone"));
	drop_caches();
	EXPECT_EQ(ESTALE, handle_opens(".", &f, O_RDONLY));
	EXPECT_EQ(ESTALE, handle_opens(".", &d, O_RDONLY));
	/* Others in their place are others. */
	DOES(put("f.c", "another"));
	ASSERT_OK(mkdir("gone", 0755));
	EXPECT_EQ(ESTALE, handle_opens(".", &f, O_RDONLY));
	EXPECT_EQ(ESTALE, handle_opens(".", &d, O_RDONLY));
}

TEST_F(tree, handle_tells_how_long_it_is)
{
	struct handle h, small = { .fh.handle_bytes = 4 };
	int id;

	make_objects(_metadata);
	DOES(handle_of("f.c", &h));
	EXPECT_ERR(EOVERFLOW, name_to_handle_at(AT_FDCWD, "f.c", &small.fh, &id, 0));
	EXPECT_EQ(h.fh.handle_bytes, small.fh.handle_bytes);
	ASSERT_OK(name_to_handle_at(AT_FDCWD, "f.c", &small.fh, &id, 0));
	EXPECT_TRUE(same_handle(&h, &small));
	small.fh.handle_bytes = 0;
	EXPECT_ERR(EOVERFLOW, name_to_handle_at(AT_FDCWD, "d", &small.fh, &id, 0));
	EXPECT_LT(0, small.fh.handle_bytes);
}

TEST_F(tree, connectable_handle_opens_where_the_path_leads)
{
	struct handle h;
	int err;

	make_objects(_metadata);
	DOES(handle_as("d/e/f.c", &h, AT_HANDLE_CONNECTABLE));
	EXPECT_STREQ("deep", handle_get(".", &h));
	EXPECT_STREQ("deep", handle_get("d", &h));
	drop_caches();
	EXPECT_STREQ("deep", handle_get("d", &h));
	drop_caches();
	EXPECT_STREQ("deep", handle_get(".", &h));
	DOES(make_path("other"));
	err = handle_opens("other", &h, O_RDONLY);
	/* It is relative to a mount whose root is not below the other place. */
	EXPECT_EQ(ESTALE, err);
}

TEST_F(tree, handle_needs_the_capability)
{
	struct handle h;

	make_objects(_metadata);
	DOES(handle_of("f.c", &h));
	EXPECT_EQ(EPERM, AS_USER(SOMEONE, handle_open(self->dir, &h, O_RDONLY)));
}

TEST_F(tree, handle_of_an_open_file_without_a_name_is_the_branchs_matter)
{
	struct handle h;
	int fd, err;

	make_objects(_metadata);
	fd = open("f.c", O_RDWR);
	ASSERT_LE(0, fd);
	DOES(handle_of("f.c", &h));
	ASSERT_OK(unlink("f.c"));
	err = handle_opens(".", &h, O_RDONLY);
	EXPECT_TRUE(!err || err == ESTALE);
	close(fd);
	drop_caches();
	EXPECT_EQ(ESTALE, handle_opens(".", &h, O_RDONLY));
}

/* The handle in the first event of GROUP. */
static bool event_handle(int group, struct handle *h)
{
	char buf[4096] __attribute__((aligned(8)));
	struct fanotify_event_metadata *event = (void *)buf;
	struct fanotify_event_info_fid *info = (void *)(event + 1);
	struct file_handle *fh = (void *)info->handle;
	ssize_t n = read(group, buf, sizeof(buf));

	if (n < (ssize_t)(sizeof(*event) + sizeof(*info)) ||
	    info->hdr.info_type != FAN_EVENT_INFO_TYPE_FID)
		return false;
	memcpy(h, fh, sizeof(*fh) + fh->handle_bytes);
	return true;
}

TEST_F(tree, fanotify_reports_the_handle)
{
	struct handle h, reported = {};
	int group;

	make_objects(_metadata);
	DOES(handle_as("f.c", &h, AT_HANDLE_FID));
	group = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY);
	ASSERT_LE(0, group);
	ASSERT_OK(fanotify_mark(group, FAN_MARK_ADD, FAN_MODIFY, AT_FDCWD, "f.c"));
	DOES(put("f.c", "changed"));
	ASSERT_TRUE(event_handle(group, &reported));
	EXPECT_TRUE(same_handle(&h, &reported));
	close(group);
}

int main(int argc, char **argv)
{
	scale_time_limits();
	/* A server whose objects can be found again after they were forgotten. */
	setenv("SWITCHFS_TREE_SERVER", "--handles=yes", 0);
	return tree_main(argc, argv, "--timeout=60", test_harness_run);
}
