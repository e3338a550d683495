// SPDX-License-Identifier: GPL-2.0-only
/* Handles that must not lead anywhere, or not out of the branch. */
#include "handles.h"
#include "site.h"

#include <endian.h>
#include <stdlib.h>

FIXTURE_VARIANT_ADD(site, whole) { .parts = SITE_EXT4 };

/* What src/handle.rs puts before the branch's handle. */
struct layout {
	uint8_t version_and_type, branch, kind, words;
	uint32_t generation, check;
	unsigned char inner[];
};

static struct layout *layout_of(struct handle *h)
{
	return (struct layout *)h->fh.f_handle;
}

/* OWN with the branch's handle in it replaced by INNER, of an object of MODE. */
static struct handle forged(const struct handle *own, const struct handle *inner,
			    mode_t mode)
{
	struct handle h = *own;
	struct layout *l = layout_of(&h);

	l->version_and_type = (l->version_and_type & 15) | mode >> 12 << 4;
	l->kind = inner->fh.handle_type;
	l->words = inner->fh.handle_bytes / 4;
	memcpy(l->inner, inner->fh.f_handle, inner->fh.handle_bytes);
	h.fh.handle_bytes = sizeof(*l) + inner->fh.handle_bytes;
	return h;
}

/* Mounts the folder in of hot, a part of its filesystem, and more options. */
#define MOUNT_PART(...)							\
	switchfs_mount("mnt", "branch",					\
		fmt("part=%s", site_path(&self->site, "hot/in")), ##__VA_ARGS__, END)

TEST_F(site, handle_of_another_mount_is_stale)
{
	struct handle f, d;

	DOES(put("hot/f", "f"));
	DOES(make_path("hot/d"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(handle_of("mnt/f", &f));
	DOES(handle_of("mnt/d", &d));
	EXPECT_STREQ("f", handle_get("mnt", &f));
	ASSERT_OK(umount2("mnt", 0));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &f, O_RDONLY));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &d, O_RDONLY));
	EXPECT_EQ(ESTALE, handle_opens("hot", &f, O_RDONLY));
	/* A new one of the same objects is another. */
	DOES(handle_of("mnt/f", &d));
	EXPECT_FALSE(same_handle(&f, &d));
	EXPECT_STREQ("f", handle_get("mnt", &d));
	DOES(handle_of("hot/f", &f));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &f, O_RDONLY));
}

TEST_F(site, handle_of_a_whole_branch_is_the_objects_under_any_name)
{
	struct handle a, b;

	DOES(put("hot/f", "f"));
	DOES(make_path("hot/d"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(handle_of("mnt/f", &a));
	ASSERT_OK(rename("mnt/f", "mnt/d/g"));
	DOES(handle_of("mnt/d/g", &b));
	EXPECT_TRUE(same_handle(&a, &b));
	drop_caches();
	EXPECT_STREQ("f", handle_get("mnt", &a));
	/* Also when the branch was changed underneath. */
	ASSERT_OK(rename("hot/d/g", "hot/h"));
	EXPECT_STREQ("f", handle_get("mnt", &a));
	drop_caches();
	EXPECT_STREQ("f", handle_get("mnt", &a));
}

TEST_F(site, handle_does_not_lead_out_of_the_branch)
{
	static const char *const outside[] = { "hot/secret", "hot/out", "hot/out/f", "hot" };
	struct handle own, inner, h;
	size_t i;
	int pass;

	DOES(make_path("hot/in"));
	DOES(make_path("hot/out"));
	DOES(put("hot/in/f", "inside"));
	DOES(put("hot/secret", "secret"));
	DOES(put("hot/out/f", "secret"));
	ASSERT_EQ(0, MOUNT_PART()) TH_LOG("%s", mount_log);
	DOES(handle_of("mnt/f", &own));
	/* The way in which it is forged works. */
	DOES(handle_of("hot/in/f", &inner));
	h = forged(&own, &inner, S_IFREG);
	EXPECT_STREQ("inside", handle_get("mnt", &h));
	h = forged(&own, &inner, S_IFLNK);
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_PATH));
	/* So does that for a directory. */
	DOES(make_path("hot/in/d"));
	DOES(handle_of("hot/in/d", &inner));
	h = forged(&own, &inner, S_IFDIR);
	EXPECT_EQ(stat_of("hot/in/d").st_ino, handle_stat("mnt", &h).st_ino);
	for (i = 0; i < sizeof(outside) / sizeof(*outside); i++) {
		for (pass = 0; pass < 4; pass++) {
			DOES(handle_as(outside[i], &inner, pass & 1 ?
				       AT_HANDLE_CONNECTABLE : 0));
			inner.fh.handle_type &= 0xff;
			h = forged(&own, &inner, stat_of(outside[i]).st_mode);
			if (pass & 2)
				drop_caches();
			EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_PATH))
				TH_LOG("%s, pass %d", outside[i], pass);
		}
	}
	EXPECT_STREQ("inside", handle_get("mnt", &own));
}

TEST_F(site, object_that_left_the_branch_is_stale)
{
	struct handle f, d;

	DOES(make_path("hot/in/d"));
	DOES(put("hot/in/f", "f"));
	ASSERT_EQ(0, MOUNT_PART());
	DOES(handle_of("mnt/f", &f));
	DOES(handle_of("mnt/d", &d));
	ASSERT_OK(rename("hot/in/f", "hot/f"));
	ASSERT_OK(rename("hot/in/d", "hot/d"));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &f, O_RDONLY));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &d, O_RDONLY));
	drop_caches();
	EXPECT_EQ(ESTALE, handle_opens("mnt", &f, O_RDONLY));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &d, O_RDONLY));
	ASSERT_OK(rename("hot/f", "hot/in/f"));
	EXPECT_STREQ("f", handle_get("mnt", &f));
}

/* The limit that the README tells: found by the directory in the handle. */
TEST_F(site, part_of_a_filesystem_finds_a_file_in_the_directory_it_had)
{
	struct handle h;

	DOES(make_path("hot/in/a"));
	DOES(make_path("hot/in/b"));
	DOES(put("hot/in/a/f", "f"));
	ASSERT_EQ(0, MOUNT_PART());
	DOES(handle_of("mnt/a/f", &h));
	drop_caches();
	EXPECT_STREQ("f", handle_get("mnt", &h));
	ASSERT_OK(rename("mnt/a/f", "mnt/b/f"));
	EXPECT_STREQ("f", handle_get("mnt", &h));
	drop_caches();
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
	DOES(handle_of("mnt/b/f", &h));
	drop_caches();
	EXPECT_STREQ("f", handle_get("mnt", &h));
}

TEST_F(site, refused_name_is_refused_for_its_handle)
{
	struct handle f, d, below;

	DOES(make_path("hot/d"));
	DOES(put("hot/f", "f"));
	DOES(put("hot/d/g", "g"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(handle_of("mnt/f", &f));
	DOES(handle_of("mnt/d", &d));
	DOES(handle_of("mnt/d/g", &below));
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, "rule", "path=/f -> deny",
				      "rule", "path=/d/** -> deny", END));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &f, O_RDONLY));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &d, O_RDONLY));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &below, O_RDONLY));
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, END));
	EXPECT_STREQ("f", handle_get("mnt", &f));
	EXPECT_STREQ("g", handle_get("mnt", &below));
	/* What is refused is not the lookup: the object opens by O_PATH alone. */
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, "rule",
				      "op=open path=/f -> deny", END));
	EXPECT_EQ(EACCES, handle_opens("mnt", &f, O_RDONLY));
	EXPECT_EQ(0, handle_opens("mnt", &f, O_PATH));
}

TEST_F(site, another_link_of_a_refused_name_opens)
{
	struct handle h;

	DOES(put("hot/open", "shared"));
	ASSERT_OK(link("hot/open", "hot/shut"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "path=/shut -> deny"));
	EXPECT_EQ(EACCES, opens("mnt/shut", O_RDONLY));
	DOES(handle_of("mnt/open", &h));
	EXPECT_EQ(0, opens("hot/shut", O_RDONLY));
	EXPECT_STREQ("shared", handle_get("mnt", &h));
	ASSERT_OK(unlink("hot/open"));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
}

TEST_F(site, handle_of_a_name_with_another_home_is_stale)
{
	struct handle h, c;

	DOES(put("hot/f", "hot"));
	DOES(put("cold/f", "cold"));
	DOES(put("cold/x.c", "c"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "rule", "name=*.c -> cold"));
	DOES(handle_of("mnt/f", &h));
	DOES(handle_of("mnt/x.c", &c));
	EXPECT_STREQ("hot", handle_get("mnt", &h));
	EXPECT_STREQ("c", handle_get("mnt", &c));
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, "rule", "path=/f -> cold", END));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
	/* The branch is not a home of that name any more. */
	EXPECT_EQ(ESTALE, handle_opens("mnt", &c, O_RDONLY));
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, END));
	EXPECT_EQ(ESTALE, handle_opens("mnt", &c, O_RDONLY));
	EXPECT_STREQ("hot", handle_get("mnt", &h));
}

TEST_F(site, file_opened_by_its_handle_keeps_working_under_new_rules)
{
	struct handle h;
	char buf[8];
	int fd, path;

	DOES(make_path("hot/d"));
	DOES(put("hot/d/f", "before"));
	ASSERT_EQ(0, SITE_MOUNT(&self->site));
	DOES(handle_of("mnt/d/f", &h));
	drop_caches();
	fd = handle_open("mnt", &h, O_RDWR);
	path = handle_open("mnt", &h, O_PATH);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, path);
	ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, "rule", "path=/** -> cold", END));
	EXPECT_EQ(6, pread(fd, buf, sizeof(buf), 0));
	EXPECT_OK(fchmod(fd, 0600));
	/* It has no name here for which the rules could speak. */
	EXPECT_STREQ("before", get(fmt("/proc/self/fd/%d", path)));
	EXPECT_OK(fchmod(fd, 0640));
	EXPECT_EQ(S_IFREG | 0640, stat_of("hot/d/f").st_mode);
	EXPECT_EQ(ESTALE, handle_opens("mnt", &h, O_RDONLY));
	close(path);
	close(fd);
}

static void scramble(struct handle *h, unsigned int *seed)
{
	unsigned char *bytes = h->fh.f_handle;
	unsigned int i, n = h->fh.handle_bytes;

	switch (rand_r(seed) % 4) {
	case 0:		/* any bytes */
		n = rand_r(seed) % (MAX_HANDLE_SZ + 1);
		h->fh.handle_bytes = n;
		for (i = 0; i < n; i++)
			bytes[i] = rand_r(seed);
		break;
	case 1:		/* any branch's handle */
		for (i = sizeof(struct layout); i < n; i++)
			bytes[i] = rand_r(seed);
		layout_of(h)->kind = rand_r(seed);
		break;
	case 2:		/* another length, said in both places or in one */
		n = rand_r(seed) % 32;
		h->fh.handle_bytes = n * 4;
		if (rand_r(seed) % 2 && n > 3)
			layout_of(h)->words = n - 3;
		break;
	default:	/* some bits */
		for (i = 0; i < 1 + rand_r(seed) % 3; i++)
			bytes[rand_r(seed) % n] ^= 1 << rand_r(seed) % 8;
	}
	if (rand_r(seed) % 8 == 0)
		h->fh.handle_type = rand_r(seed);
}

TEST_F(site, no_made_up_handle_leads_to_another_object)
{
	const char *const names[] = { "f", "d", "x.c", "d/g" };
	struct handle own[4], h;
	unsigned int seed = 1, opened = 0;
	int log = klog_open(), i, err, at, fd, rules;

	DOES(make_path("hot/in/d"));
	DOES(make_path("cold/d"));
	DOES(put("hot/in/f", "f"));
	DOES(put("hot/in/x.c", "x"));
	DOES(put("cold/x.c", "x"));
	DOES(put("hot/in/d/g", "g"));
	DOES(put("hot/out", "out"));
	for (rules = 0; rules < 2; rules++) {
		ASSERT_EQ(0, MOUNT_PART("branch", self->site.cold, "rule",
					rules ? "name=*.c -> cold" : "op=statfs -> part",
					"default", "part"));
		if (!rules)
			ASSERT_EQ(0, switchfs_remount("mnt", "norules", NULL, END));
		for (i = 0; i < 4; i++)
			DOES(handle_of(fmt("mnt/%s", names[i]), &own[i]));
		at = open("mnt", O_RDONLY | O_DIRECTORY);
		ASSERT_LE(0, at);
		for (i = 0; i < 5000; i++) {
			int which = rand_r(&seed) % 4;
			struct stat st;

			h = own[which];
			scramble(&h, &seed);
			errno = 0;
			fd = open_by_handle_at(at, &h.fh, O_PATH);
			err = errno;
			if (fd < 0) {
				ASSERT_TRUE(err == ESTALE || err == EINVAL)
					TH_LOG("errno %d", err);
				continue;
			}
			/* What was changed did not matter. */
			opened++;
			ASSERT_OK(fstat(fd, &st));
			ASSERT_EQ(stat_of(fmt("mnt/%s", names[which])).st_ino, st.st_ino);
			close(fd);
		}
		close(at);
		ASSERT_OK(umount2("mnt", 0));
	}
	EXPECT_STREQ("", klog_complaints(log, true));
	/* Most must have been wrong, or nothing was shown. */
	EXPECT_GT(5000, opened);
}

SWITCHFS_TEST_MAIN
