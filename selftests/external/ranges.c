// SPDX-License-Identifier: GPL-2.0-only
/*
 * ranges: random operations on one file, compared with a copy in memory.
 *
 *   ranges OPERATIONS SEED FILE
 *
 * What fsx does not have: direct I/O beside buffered I/O and mappings, vectors,
 * appending, and fallocate() and clone in all their ways. What the filesystem
 * lacks is found out first and left out; the last line tells what was done.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK 4096ul
#define BLOCKS 32ul
#define FULL (BLOCK * BLOCKS)
#define SOME (BLOCK * 8)
#define LAST 32
/* A prime: the same place gets the same bytes after that many operations. */
#define PATTERN 65521ul

enum op {
	READ, WRITE, READ_DIRECT, WRITE_DIRECT, READ_VECTOR, WRITE_VECTOR,
	READ_MAPPED, WRITE_MAPPED, APPEND, TRUNCATE, REOPEN, SYNC,
	ALLOCATE, KEEP, PUNCH, ZERO, ZERO_KEEP, COLLAPSE, INSERT, UNSHARE,
	COPY, CLONE, OPS
};

static const char *const names[OPS] = {
	"read", "write", "read-direct", "write-direct", "preadv", "pwritev",
	"read-mapped", "write-mapped", "append", "truncate", "reopen", "sync",
	"allocate", "allocate-keep", "punch", "zero", "zero-keep", "collapse",
	"insert", "unshare", "copy", "clone",
};

/*
 * How often, in a thousand or so. What faults pages in or waits for a device
 * takes ten to a hundred times as long as a read: little of it leaves room for
 * many.
 */
static const unsigned char weights[OPS] = {
	[READ] = 250, [WRITE] = 220, [READ_DIRECT] = 5, [WRITE_DIRECT] = 4,
	[READ_VECTOR] = 220, [WRITE_VECTOR] = 200, [READ_MAPPED] = 6,
	[WRITE_MAPPED] = 6, [APPEND] = 8, [TRUNCATE] = 4, [REOPEN] = 3, [SYNC] = 1,
	[ALLOCATE] = 5, [KEEP] = 5, [PUNCH] = 5, [ZERO] = 4, [ZERO_KEEP] = 4,
	[COLLAPSE] = 3, [INSERT] = 3, [UNSHARE] = 4, [COPY] = 5, [CLONE] = 4,
};

static const int modes[OPS] = {
	[KEEP] = FALLOC_FL_KEEP_SIZE,
	[PUNCH] = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	[ZERO] = FALLOC_FL_ZERO_RANGE,
	[ZERO_KEEP] = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
	[COLLAPSE] = FALLOC_FL_COLLAPSE_RANGE,
	[INSERT] = FALLOC_FL_INSERT_RANGE,
	[UNSHARE] = FALLOC_FL_UNSHARE_RANGE,
};

static const char *path;
static int fd = -1, direct = -1;
static char *model, *buffer, *pattern;
static size_t size;
static bool lacking[OPS];
static unsigned long counts[OPS], operation;
static unsigned long long state;

static struct {
	enum op op;
	size_t from, to, length, size;
} last[LAST];

static unsigned long random_number(unsigned long below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (state >> 11) % below : 0;
}

static void fail(const char *what, size_t at)
{
	unsigned long i = operation >= LAST ? operation - LAST + 1 : 0;

	printf("ranges: operation %lu: %s at %zu: %s\n", operation, what, at,
	       strerror(errno));
	for (; i <= operation; i++)
		printf("%8lu %-13s from %7zu to %7zu length %6zu, size before %7zu\n",
		       i, names[last[i % LAST].op], last[i % LAST].from,
		       last[i % LAST].to, last[i % LAST].length, last[i % LAST].size);
	exit(1);
}

static size_t down(size_t at)
{
	return at & ~(BLOCK - 1);
}

static void reopen(int flags)
{
	if (fd >= 0)
		close(fd);
	if (direct >= 0)
		close(direct);
	fd = open(path, O_RDWR | flags, 0600);
	if (fd < 0)
		fail("open", 0);
	direct = open(path, O_RDWR | O_DIRECT);
	if (direct < 0 && errno != EINVAL)
		fail("open with O_DIRECT", 0);
}

static void compare(const char *what, const char *got, size_t from, size_t length)
{
	size_t i = 0;

	errno = 0;
	if (!memcmp(got, model + from, length))
		return;
	while (got[i] == model[from + i])
		i++;
	fail(what, from + i);
}

/* What is beyond the end counts as zero once the file is larger. */
static void resize(size_t to)
{
	if (to < size)
		memset(model + to, 0, size - to);
	size = to;
}

static void changed(size_t from, size_t length)
{
	if (from + length > size)
		size = from + length;
}

/* Without KVM, what is written byte by byte takes longer than what is tested. */
static void fill(size_t from, size_t length)
{
	memcpy(model + from, pattern + (from + operation * 257) % PATTERN, length);
	changed(from, length);
}

static void complete(ssize_t got, size_t length, const char *what, size_t from)
{
	if (got < 0 || (size_t)got != length)
		fail(what, from);
}

static void do_read(int file, const char *what, size_t from, size_t length)
{
	size_t expected = from >= size ? 0 : size - from < length ? size - from : length;

	complete(pread(file, buffer, length, from), expected, what, from);
	compare(what, buffer, from, expected);
}

static void do_write(int file, const char *what, size_t from, size_t length)
{
	fill(from, length);
	memcpy(buffer, model + from, length);
	complete(pwrite(file, buffer, length, from), length, what, from);
}

static void do_vector(bool write, size_t from, size_t length)
{
	struct iovec parts[3] = {
		{ buffer, length / 3 },
		{ buffer + length / 3, length / 4 },
		{ buffer + length / 3 + length / 4, length - length / 3 - length / 4 },
	};
	size_t expected = from >= size ? 0 : size - from < length ? size - from : length;

	if (write) {
		fill(from, length);
		memcpy(buffer, model + from, length);
		complete(pwritev2(fd, parts, 3, from, 0), length, "pwritev2", from);
		return;
	}
	complete(preadv2(fd, parts, 3, from, 0), expected, "preadv2", from);
	compare("preadv2", buffer, from, expected);
}

static void do_mapped(bool write, size_t from, size_t length)
{
	size_t start = down(from);
	char *map;

	if (from >= size)
		return;
	if (length > size - from)
		length = size - from;
	if (!length)
		return;
	map = mmap(NULL, from - start + length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, start);
	if (map == MAP_FAILED)
		fail("mmap", from);
	compare("mapping", map + (from - start), from, length);
	if (write) {
		fill(from, length);
		memcpy(map + (from - start), model + from, length);
		if (random_number(16) == 0 && msync(map, from - start + length, MS_SYNC))
			fail("msync", from);
	}
	munmap(map, from - start + length);
}

static void do_append(size_t length)
{
	size_t from = size;
	int file;

	if (from + length > FULL)
		length = FULL - from;
	file = open(path, O_WRONLY | O_APPEND);
	if (file < 0)
		fail("open with O_APPEND", from);
	fill(from, length);
	memcpy(buffer, model + from, length);
	complete(write(file, buffer, length), length, "append", from);
	close(file);
}

/* Applies the allocation to the copy; false if it cannot be asked for. */
static bool allocate(enum op op, size_t *from, size_t *length)
{
	if (op == COLLAPSE || op == INSERT) {
		*from = down(*from);
		*length = down(*length + BLOCK - 1);
		if (op == COLLAPSE && *from + *length >= size)
			return false;
		if (op == INSERT && (*from >= size || size + *length > FULL))
			return false;
	}
	return *length > 0;
}

static void allocated(enum op op, size_t from, size_t length)
{
	size_t within = from >= size ? 0 : size - from < length ? size - from : length;

	switch (op) {
	case ALLOCATE:
	case UNSHARE:
		changed(from, length);
		break;
	case PUNCH:
	case ZERO_KEEP:
		memset(model + from, 0, within);
		break;
	case ZERO:
		memset(model + from, 0, length);
		changed(from, length);
		break;
	case COLLAPSE:
		memmove(model + from, model + from + length, size - from - length);
		resize(size - length);
		break;
	case INSERT:
		memmove(model + from + length, model + from, size - from);
		memset(model + from, 0, length);
		size += length;
		break;
	default:
		break;
	}
}

static void do_allocate(enum op op, size_t from, size_t length)
{
	if (!allocate(op, &from, &length))
		return;
	if (fallocate(fd, modes[op], from, length))
		fail(names[op], from);
	allocated(op, from, length);
}

static void do_copy(size_t from, size_t to, size_t length)
{
	loff_t in = from, out = to;
	size_t left;

	if (from >= size)
		return;
	if (length > size - from)
		length = size - from;
	if (from < to + length && to < from + length)
		return;
	for (left = length; left > 0;) {
		ssize_t got = copy_file_range(fd, &in, fd, &out, left, 0);

		if (got <= 0)
			fail("copy_file_range", from);
		left -= got;
	}
	memcpy(model + to, model + from, length);
	changed(to, length);
}

static void do_clone(size_t from, size_t to, size_t length)
{
	struct file_clone_range range = { .src_fd = fd };

	from = down(from);
	to = down(to);
	length = down(length);
	if (!length || from + length > size || (from < to + length && to < from + length))
		return;
	range.src_offset = from;
	range.src_length = length;
	range.dest_offset = to;
	if (ioctl(fd, FICLONERANGE, &range))
		fail("FICLONERANGE", from);
	memcpy(model + to, model + from, length);
	changed(to, length);
}

/* What the filesystem lacks; the file is empty before and after. */
static void find_out(void)
{
	struct file_clone_range range = { .src_fd = fd, .src_length = BLOCK, .dest_offset = BLOCK };
	enum op op;

	memset(buffer, 1, BLOCK * 4);
	complete(pwrite(fd, buffer, BLOCK * 4, 0), BLOCK * 4, "write", 0);
	for (op = ALLOCATE; op <= UNSHARE; op++)
		if (fallocate(fd, modes[op], 0, BLOCK)) {
			if (errno != EOPNOTSUPP)
				fail(names[op], 0);
			lacking[op] = true;
		}
	if (ioctl(fd, FICLONERANGE, &range)) {
		if (errno != EOPNOTSUPP && errno != ENOTTY)
			fail("FICLONERANGE", 0);
		lacking[CLONE] = true;
	}
	lacking[READ_DIRECT] = direct < 0;
	lacking[WRITE_DIRECT] = direct < 0;
	if (ftruncate(fd, 0))
		fail("ftruncate", 0);
}

static void perform(enum op op, size_t from, size_t to, size_t length)
{
	switch (op) {
	case READ:
		return do_read(fd, "read", from, length);
	case WRITE:
		return do_write(fd, "write", from, length);
	case READ_DIRECT:
		return do_read(direct, "direct read", down(from), down(length) + BLOCK);
	case WRITE_DIRECT:
		from = down(from);
		length = down(length) + BLOCK;
		if (length > FULL - from)
			length = FULL - from;
		return do_write(direct, "direct write", from, length);
	case READ_VECTOR:
	case WRITE_VECTOR:
		return do_vector(op == WRITE_VECTOR, from, length);
	case READ_MAPPED:
	case WRITE_MAPPED:
		return do_mapped(op == WRITE_MAPPED, from, length);
	case APPEND:
		return do_append(length);
	case TRUNCATE:
		if (random_number(2) ? ftruncate(fd, from) : truncate(path, from))
			fail("truncate", from);
		return resize(from);
	case REOPEN:
		return reopen(0);
	case SYNC:
		if (random_number(2) ? fsync(fd) : fdatasync(fd))
			fail("fsync", 0);
		return;
	case COPY:
		return do_copy(from, to, length);
	case CLONE:
		return do_clone(from, to, length);
	default:
		return do_allocate(op, from, length);
	}
}

static enum op draw(void)
{
	unsigned long sum = 0, at;
	enum op op;

	for (op = 0; op < OPS; op++)
		sum += lacking[op] ? 0 : weights[op];
	at = random_number(sum);
	for (op = 0; lacking[op] || at >= weights[op]; op++)
		at -= lacking[op] ? 0 : weights[op];
	return op;
}

static bool changes(enum op op)
{
	return op != READ && op != READ_VECTOR && op != READ_DIRECT && op != READ_MAPPED;
}

int main(int argc, char **argv)
{
	unsigned long total, i;
	struct stat st;
	enum op op;

	if (argc != 4) {
		fputs("usage: ranges OPERATIONS SEED FILE\n", stderr);
		return 2;
	}
	total = strtoul(argv[1], NULL, 10);
	state = strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15ull + 1;
	path = argv[3];
	/* A collapse or an insert never needs more. */
	model = calloc(1, FULL + SOME);
	pattern = malloc(PATTERN + SOME + BLOCK);
	if (!model || !pattern || posix_memalign((void **)&buffer, BLOCK, FULL + SOME))
		return 2;
	for (i = 0; i < PATTERN + SOME + BLOCK; i++)
		pattern[i] = random_number(256);
	reopen(O_CREAT | O_TRUNC);
	find_out();
	for (; operation < total; operation++) {
		size_t length = 1 + random_number(random_number(16) ? BLOCK : SOME);
		size_t from = random_number(FULL - length);
		size_t to = random_number(FULL - length);

		op = draw();
		last[operation % LAST].op = op;
		last[operation % LAST].from = from;
		last[operation % LAST].to = to;
		last[operation % LAST].length = length;
		last[operation % LAST].size = size;
		counts[op]++;
		perform(op, from, to, length);
		if (changes(op)) {
			if (fstat(fd, &st))
				fail("fstat", 0);
			errno = 0;
			if ((size_t)st.st_size != size)
				fail("fstat shows another size", st.st_size);
		}
		if (operation % 256 == 0)
			do_read(fd, "whole file", 0, FULL);
	}
	do_read(fd, "whole file", 0, FULL);
	unlink(path);
	printf("ranges: %lu operations, seed %s:", total, argv[2]);
	for (op = 0; op < OPS; op++)
		printf(" %s %s%lu", names[op], lacking[op] ? "none " : "", counts[op]);
	printf("\n");
	return 0;
}
