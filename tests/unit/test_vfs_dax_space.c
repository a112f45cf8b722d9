/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "dax_rig.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

/* Where mapped files have storage, and where not: holes, growth, full file systems, allocation. */

static void holes_have_no_windows_and_stay_holes_when_read(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', PAGE);
	struct vfs_window w;

	assert_int_equal(vfs_truncate(f, 16 * MIB, 0), 0);
	assert_int_equal(put(f, "end", 3, 16 * MIB - 3), 3);
	uint64_t before = stat_of(f).allocation, offset = PAGE, len;
	assert_int_equal(vfs_window_open(f, 4 * MIB, PAGE, VFS_READ, &w), -EAGAIN);
	assert_int_equal(vfs_window_open(f, 0, 16 * MIB, VFS_WRITE, &w), -EAGAIN);
	for (int i = 0; i < 3; i++)
		assert_true(file_holds(f, PAGE, 0, 15 * MIB));
	assert_int_equal(stat_of(f).allocation, before);
	assert_int_equal(vfs_next_data(f, 16 * MIB, &offset, &len), 1);
	assert_true(offset >= 15 * MIB);
	w = window_of(f, 16 * MIB - 3, 3, VFS_READ);
	assert_memory_equal(w.base, "end", 3);
	vfs_window_close(&w);
	vfs_file_unref(f);
}

static void storage_that_was_given_back_is_a_hole(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', MIB);
	struct vfs_window w;

	assert_int_equal(vfs_set_sparse(f, NULL, true), 0);
	assert_int_equal(vfs_zero_range(f, 16 * PAGE, 16 * PAGE), 0);
	assert_int_equal(vfs_window_open(f, 16 * PAGE, PAGE, VFS_READ, &w), -EAGAIN);
	assert_int_equal(vfs_truncate(f, 0, 0), 0);
	assert_int_equal(vfs_truncate(f, MIB, 0), 0);
	assert_int_equal(vfs_window_open(f, 0, PAGE, VFS_READ, &w), -EAGAIN);
	assert_true(file_holds(f, 0, 0, MIB));
	assert_true(stat_of(f).allocation < MIB);
	vfs_file_unref(f);
}

static void writes_into_holes_and_over_their_edges_read_back(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', PAGE);
	char *data = malloc(4 * PAGE);

	memset(data, 'b', 4 * PAGE);
	assert_int_equal(vfs_truncate(f, 100 * PAGE, 0), 0);
	assert_int_equal(put(f, data, 2 * PAGE, PAGE - 10), 2 * PAGE);
	assert_int_equal(put(f, data, PAGE, 50 * PAGE + 1), PAGE);
	assert_int_equal(put(f, data, 3 * PAGE, 48 * PAGE), 3 * PAGE);
	assert_int_equal(vfs_zero_range(f, 48 * PAGE + 5, PAGE), 0);
	assert_true(file_holds(f, 0, 'a', PAGE - 10));
	assert_true(file_holds(f, PAGE - 10, 'b', 2 * PAGE));
	assert_true(file_holds(f, 3 * PAGE - 10, 0, 45 * PAGE + 10));
	assert_true(file_holds(f, 48 * PAGE, 'b', 5));
	assert_true(file_holds(f, 48 * PAGE + 5, 0, PAGE));
	assert_true(file_holds(f, 49 * PAGE + 5, 'b', 2 * PAGE - 4));
	assert_true(file_holds(f, 51 * PAGE + 1, 0, 49 * PAGE - 1));
	assert_int_equal(stat_of(f).size, 100 * PAGE);
	free(data);
	vfs_file_unref(f);
}

/* The bytes of a page that follow the end of the file are not the file's. */
static void growth_shows_zeros_and_no_old_bytes(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', 2 * PAGE);

	for (int i = 0; i < 20; i++) {
		size_t cut = (size_t)(100 + 150 * i);
		assert_int_equal(vfs_truncate(f, cut, 0), 0);
		assert_int_equal(put(f, "z", 1, 2 * PAGE), 1);
		assert_true(file_holds(f, 0, 'a', cut));
		assert_true(file_holds(f, cut, 0, 2 * PAGE - cut));
		assert_true(file_holds(f, 2 * PAGE, 'z', 1));
		char *data = malloc(2 * PAGE);
		memset(data, 'a', 2 * PAGE);
		assert_int_equal(put(f, data, 2 * PAGE, 0), 2 * PAGE);
		free(data);
	}
	vfs_file_unref(f);
}

static void files_of_many_gigabytes_are_sparse_and_work(void **state)
{
	uint64_t at[] = {1ull << 32, (80ull << 30) - 2, 300ull << 30, 8ull << 40};
	struct vfs_file *f = new_file("a");
	struct vfs_window w;
	char out[4];

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		assert_int_equal(put(f, "data", 4, at[i]), 4);
		if (i < ARRAY_SIZE(at) - 1) { /* not everywhere is there address space for terabytes */
			w = window_of(f, at[i], 4, VFS_READ | VFS_WRITE);
			assert_memory_equal(w.base, "data", 4);
			vfs_window_close(&w);
		}
		assert_int_equal(put(f, "DATA", 4, at[i]), 4);
		assert_int_equal(get(f, out, 4, at[i]), 4);
		assert_memory_equal(out, "DATA", 4);
		assert_int_equal(stat_of(f).size, at[i] + 4);
	}
	assert_true(stat_of(f).allocation < MIB);
	vfs_file_unref(f);
}

static void a_file_that_cannot_be_mapped_is_read_and_written_nevertheless(void **state)
{
	uint64_t far = 20ull << 40;
	struct vfs_file *f = mapped_file("a", 'a', MIB);
	char *data = malloc(MIB);
	struct vfs_window w;

	memset(data, 'b', MIB);
	if (put(f, data, MIB, far) == -EFBIG) {
		free(data);
		vfs_file_unref(f);
		skip(); /* the file system has no such files */
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(put(f, data, MIB, far), MIB);
		assert_true(file_holds(f, far, 'b', MIB));
		assert_int_equal(vfs_window_open(f, far, MIB, VFS_READ, &w), -EOPNOTSUPP);
	}
	w = window_of(f, 0, MIB, VFS_WRITE);
	assert_true(all_are(w.base, 'a', MIB));
	vfs_window_close(&w);
	assert_true(file_holds(f, 0, 'a', MIB));
	free(data);
	vfs_file_unref(f);
}

static void a_full_file_system_is_an_error_and_no_fault(void **state)
{
	enum { SMALL = 512 << 10 };
	struct vfs_window w;
	char *block = malloc(SMALL);

	CATCH_FAULTS();
	memset(block, 'x', SMALL);
	assert_int_equal(mkdir(local("small"), 0755), 0);
	if (mount("none", local("small"), "tmpfs", 0, "size=512k") < 0) {
		free(block);
		skip(); /* only root can mount */
	}
	struct vfs_file *f = mapped_file("small/a", 'a', 2 * PAGE);
	assert_int_equal(vfs_truncate(f, 2 * SMALL, 0), 0);
	uint64_t at = 2 * PAGE;
	while (put(f, block, PAGE, at) == PAGE)
		at += PAGE;
	assert_in_range(at, SMALL / 2, SMALL);
	assert_int_equal(put(f, block, PAGE, SMALL + PAGE), -ENOSPC);
	assert_int_equal(dax_allocate(dax_inode_of(f), SMALL, PAGE), -ENOSPC);
	assert_int_equal(put(f, block, PAGE, 2 * SMALL), -ENOSPC);
	/* what has storage can be written and read still */
	assert_int_equal(put(f, block, 2 * PAGE, 0), 2 * PAGE);
	assert_true(file_holds(f, 0, 'x', at));
	assert_true(file_holds(f, at, 0, SMALL));
	/* storage that is taken away by others, so that a store faults */
	w = window_of(f, 0, PAGE, VFS_WRITE);
	int fd = open(local("small/a"), O_RDWR);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), 0);
	assert_int_equal(pwrite(fd, block, PAGE, SMALL + 8 * PAGE), PAGE);
	assert_int_equal(fault_copy(w.base, block, PAGE), -EIO);
	assert_int_equal(put(f, block, PAGE, 0), -ENOSPC);
	close(fd);
	vfs_window_close(&w);
	vfs_file_unref(f);
	assert_int_equal(umount2(local("small"), MNT_DETACH), 0);
	free(block);
}

/* True if all blocks of the range are initialised and no other file's, or the file system does not tell. */
static bool is_initialised(const char *path, uint64_t offset, uint64_t len)
{
	enum { EXTENTS = 64 };
	_Alignas(struct fiemap) char buf[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)];
	struct fiemap *map = (void *)buf;
	*map = (struct fiemap){.fm_start = offset, .fm_length = len, .fm_extent_count = EXTENTS};
	int fd = open(local(path), O_RDONLY), rc = ioctl(fd, FS_IOC_FIEMAP, map);
	uint64_t at = offset;

	close(fd);
	if (rc < 0)
		return errno == EOPNOTSUPP || errno == ENOTTY;
	for (unsigned i = 0; i < map->fm_mapped_extents; i++) {
		const struct fiemap_extent *e = &map->fm_extents[i];
		if (e->fe_logical > at || e->fe_flags & (FIEMAP_EXTENT_UNWRITTEN | FIEMAP_EXTENT_SHARED))
			return false;
		at = e->fe_logical + e->fe_length;
	}
	return at >= offset + len;
}

static void allocated_ranges_keep_their_bytes_and_have_storage(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', PAGE);
	struct dax_inode *i = dax_inode_of(f);

	assert_int_equal(vfs_truncate(f, 4 * MIB, 0), 0);
	assert_int_equal(put(f, "middle", 6, 2 * MIB + 100), 6);
	assert_int_equal(dax_allocate(i, 4 * MIB - 1, 2), -ERANGE);
	assert_int_equal(dax_allocate(i, 10, 0), 0);
	assert_int_equal(dax_allocate(i, 10, 3 * MIB), 0);
	assert_true(stat_of(f).allocation >= 3 * MIB);
	assert_true(is_initialised("a", 10, 3 * MIB));
	struct vfs_window w = window_of(f, 10, 3 * MIB, VFS_WRITE);
	assert_true(all_are(w.base, 'a', PAGE - 10));
	assert_true(all_are(w.base + PAGE - 10, 0, MIB));
	assert_memory_equal(w.base + 2 * MIB + 90, "middle", 6);
	int rc = dax_persist(w.map, 10, 3 * MIB);
	assert_true(rc == (w.map->sync ? 0 : -EOPNOTSUPP));
	vfs_window_close(&w);
	assert_int_equal(stat_of(f).size, 4 * MIB);
	vfs_file_unref(f);
}

static void allocated_ranges_are_shared_with_no_other_file(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', MIB), *g;

	int from = open(local("a"), O_RDONLY), to = open(local("b"), O_RDWR | O_CREAT, 0644);
	int rc = ioctl(to, FICLONE, from);
	close(from);
	close(to);
	if (rc < 0) {
		vfs_file_unref(f);
		skip(); /* files share no blocks here */
	}
	g = opened("b", VFS_READ | VFS_WRITE);
	assert_false(is_initialised("b", 0, MIB));
	struct vfs_window w = window_of(g, 0, MIB, VFS_WRITE);
	w.base[5] = 'x'; /* a store gives the page blocks of its own */
	assert_true(file_holds(f, 0, 'a', MIB));
	assert_int_equal(dax_allocate(dax_inode_of(g), 0, MIB), 0);
	assert_true(is_initialised("b", 0, MIB));
	assert_int_equal(w.base[5], 'x');
	memset(w.base, 'y', MIB);
	assert_true(file_holds(f, 0, 'a', MIB));
	assert_true(file_holds(g, 0, 'y', MIB));
	vfs_window_close(&w);
	vfs_file_unref(f);
	vfs_file_unref(g);
}

struct filler {
	struct vfs_file *f;
	bool ok;
};
enum { FILLED = MIB, STEP = 777 };

static void *fill_holes(void *arg)
{
	struct filler *w = arg;

	w->ok = true;
	for (uint64_t at = 0; at < FILLED; at += STEP)
		w->ok = put(w->f, "w", 1, at) == 1 && w->ok;
	return NULL;
}

static void allocating_loses_nothing_that_is_written_meanwhile(void **state)
{
	struct filler w = {.f = mapped_file("a", 'a', PAGE)};
	pthread_t t;
	char c;

	for (int i = 0; i < 8; i++) {
		assert_int_equal(vfs_truncate(w.f, 0, 0), 0);
		assert_int_equal(vfs_truncate(w.f, FILLED, 0), 0);
		assert_int_equal(pthread_create(&t, NULL, fill_holes, &w), 0);
		for (uint64_t at = 0; at < FILLED; at += FILLED / 16)
			assert_int_equal(dax_allocate(dax_inode_of(w.f), at, FILLED / 16), 0);
		pthread_join(t, NULL);
		assert_true(w.ok);
		for (uint64_t at = 0; at < FILLED; at += STEP) {
			assert_int_equal(get(w.f, &c, 1, at), 1);
			assert_int_equal(c, 'w');
		}
	}
	vfs_file_unref(w.f);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		CASE(holes_have_no_windows_and_stay_holes_when_read),
		CASE(storage_that_was_given_back_is_a_hole),
		CASE(writes_into_holes_and_over_their_edges_read_back),
		CASE(growth_shows_zeros_and_no_old_bytes),
		CASE(files_of_many_gigabytes_are_sparse_and_work),
		CASE(a_file_that_cannot_be_mapped_is_read_and_written_nevertheless),
		CASE(a_full_file_system_is_an_error_and_no_fault),
		CASE(allocated_ranges_keep_their_bytes_and_have_storage),
		CASE(allocated_ranges_are_shared_with_no_other_file),
		CASE(allocating_loses_nothing_that_is_written_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_in_folders(run_all);
}
