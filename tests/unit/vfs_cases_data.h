/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_VFS_CASES_DATA_H
#define TESTS_VFS_CASES_DATA_H

/* Bytes of files: read, written, cut, zeroed, copied. */

#include "vfs_rig.h"

static void data_comes_back_as_written(void **state)
{
	struct vfs_file *f = new_file("a");
	char one[5] = "hello", two[6] = " world", out[32] = {0};
	struct iovec in[] = {{one, 5}, {NULL, 0}, {two, 6}}, parts[] = {{out, 3}, {out + 3, 20}};

	assert_int_equal(vfs_pwrite(f, in, 3, 100, 0), 11);
	assert_int_equal(vfs_pread(f, parts, 2, 98, 0), 13);
	assert_memory_equal(out, "\0\0hello world", 13);
	assert_int_equal(stat_of(f).size, 111);
	assert_int_equal(get(f, out, 10, 111), 0);
	assert_int_equal(get(f, out, 10, 1000), 0);
	vfs_file_unref(f);
}

static void reading_stops_at_the_end_only(void **state)
{
	enum { SIZE = 3 * 65536 + 77 };
	struct vfs_file *f = new_file("a");
	uint8_t *data = malloc(SIZE), *out = calloc(1, SIZE + 100);

	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(put(f, data, SIZE, 0), SIZE);
	assert_int_equal(get(f, out, SIZE + 100, 0), SIZE);
	assert_memory_equal(out, data, SIZE);
	assert_int_equal(get(f, out, 100, SIZE - 10), 10);
	assert_memory_equal(out, data + SIZE - 10, 10);
	free(data);
	free(out);
	vfs_file_unref(f);
}

static void access_of_a_handle_is_kept(void **state)
{
	char c = 'x';
	struct vfs_file *f, *dir;

	make_file("a");
	f = opened("a", VFS_NONE);
	assert_int_equal(get(f, &c, 1, 0), -EBADF);
	assert_int_equal(put(f, &c, 1, 0), -EBADF);
	assert_int_equal(vfs_truncate(f, 0, 0), -EBADF);
	assert_int_equal(vfs_reopen(f, NULL, VFS_READ, 0), 0);
	assert_int_equal(get(f, &c, 1, 0), 0);
	assert_int_equal(put(f, &c, 1, 0), -EBADF);
	assert_int_equal(vfs_reopen(f, NULL, VFS_WRITE, 0), 0);
	assert_int_equal(put(f, &c, 1, 0), 1);
	assert_int_equal(get(f, &c, 1, 0), 1);
	dir = opened("", VFS_READ | VFS_WRITE);
	assert_int_equal(get(dir, &c, 1, 0), -EISDIR);
	assert_int_equal(put(dir, &c, 1, 0), -EISDIR);
	assert_int_equal(vfs_file_fd(dir), -1);
	vfs_file_unref(f);
	vfs_file_unref(dir);
}

static void truncation_cuts_and_grows_with_zeros(void **state)
{
	struct vfs_file *f = new_file("a");
	char out[10];

	assert_int_equal(put(f, "abcdefgh", 8, 0), 8);
	assert_int_equal(vfs_truncate(f, 3, 0), 0);
	assert_int_equal(stat_of(f).size, 3);
	assert_int_equal(vfs_truncate(f, 10, 0), 0);
	assert_int_equal(get(f, out, 10, 0), 10);
	assert_memory_equal(out, "abc\0\0\0\0\0\0\0", 10);
	assert_int_equal(vfs_truncate(f, (uint64_t)INT64_MAX + 1, 0), -EFBIG);
	vfs_file_unref(f);
}

static void allocation_reserves_above_the_size_and_cuts_below(void **state)
{
	struct vfs_file *f = new_file("a");

	assert_int_equal(put(f, "abcdefgh", 8, 0), 8);
	assert_int_equal(vfs_set_allocation(f, 1 << 20, 0), 0);
	assert_int_equal(stat_of(f).size, 8);
	assert_true(stat_of(f).allocation >= 1 << 20);
	assert_int_equal(vfs_set_allocation(f, 8, 0), 0);
	assert_int_equal(stat_of(f).size, 8);
	assert_int_equal(vfs_set_allocation(f, 3, 0), 0);
	assert_int_equal(stat_of(f).size, 3);
	vfs_file_unref(f);
}

static void zeroed_ranges_read_as_zeros_and_do_not_grow_the_file(void **state)
{
	enum { SIZE = 65536 };
	struct vfs_file *f = new_file("a");
	uint8_t *data = malloc(SIZE);

	for (int sparse = 0; sparse < 2; sparse++) {
		memset(data, 'x', SIZE);
		assert_int_equal(put(f, data, SIZE, 0), SIZE);
		assert_int_equal(vfs_set_sparse(f, NULL, sparse), 0);
		assert_int_equal(stat_of(f).attributes & FILE_ATTRIBUTE_SPARSE_FILE,
			sparse ? FILE_ATTRIBUTE_SPARSE_FILE : 0);
		assert_int_equal(vfs_zero_range(f, 100, 40000), 0);
		assert_int_equal(vfs_zero_range(f, SIZE - 10, 1000), 0);
		assert_int_equal(vfs_zero_range(f, 2 * SIZE, 1000), 0);
		assert_int_equal(stat_of(f).size, SIZE);
		assert_int_equal(get(f, data, SIZE, 0), SIZE);
		for (size_t i = 0; i < SIZE; i++)
			assert_int_equal(data[i], (i >= 100 && i < 40100) || i >= SIZE - 10 ? 0 : 'x');
	}
	free(data);
	vfs_file_unref(f);
}

static void data_ranges_are_found_between_holes(void **state)
{
	struct vfs_file *f = new_file("a");
	uint64_t offset = 0, len = 0;
	char block[4096];

	memset(block, 'x', sizeof(block));
	assert_int_equal(vfs_set_sparse(f, NULL, true), 0);
	assert_int_equal(vfs_truncate(f, 1 << 22, 0), 0);
	assert_int_equal(vfs_next_data(f, 1 << 22, &offset, &len), 0);
	assert_int_equal(put(f, block, sizeof(block), 1 << 20), sizeof(block));
	assert_int_equal(put(f, block, sizeof(block), 3 << 20), sizeof(block));
	assert_int_equal(vfs_next_data(f, 1 << 22, &offset, &len), 1);
	assert_int_equal(offset, 1 << 20);
	assert_int_equal(len, 4096);
	offset += len;
	assert_int_equal(vfs_next_data(f, 1 << 22, &offset, &len), 1);
	assert_int_equal(offset, 3 << 20);
	offset = (3 << 20) + 10;
	assert_int_equal(vfs_next_data(f, (3 << 20) + 100, &offset, &len), 1);
	assert_int_equal(offset, (3 << 20) + 10);
	assert_int_equal(len, 90);
	offset = (3 << 20) + 4096;
	assert_int_equal(vfs_next_data(f, 1 << 22, &offset, &len), 0);
	vfs_file_unref(f);
}

static void ranges_are_copied_between_and_within_files(void **state)
{
	struct vfs_file *f = new_file("a"), *g = new_file("b");
	char out[16];

	assert_int_equal(put(f, "0123456789", 10, 0), 10);
	assert_int_equal(vfs_copy_range(f, 2, g, 5, 4), 0);
	assert_int_equal(get(g, out, 16, 0), 9);
	assert_memory_equal(out, "\0\0\0\0\0002345", 9);
	assert_int_equal(vfs_copy_range(f, 0, f, 10, 10), 0);
	assert_int_equal(get(f, out, 16, 10), 10);
	assert_memory_equal(out, "0123456789", 10);
	assert_int_equal(vfs_copy_range(f, 15, g, 0, 10), -EINVAL);
	assert_int_equal(vfs_copy_range(g, 0, f, 0, 0), 0);
	vfs_file_unref(f);
	vfs_file_unref(g);
}

#define VFS_DATA_CASES \
	CASE(data_comes_back_as_written), CASE(reading_stops_at_the_end_only), \
		CASE(access_of_a_handle_is_kept), CASE(truncation_cuts_and_grows_with_zeros), \
		CASE(allocation_reserves_above_the_size_and_cuts_below), \
		CASE(zeroed_ranges_read_as_zeros_and_do_not_grow_the_file), \
		CASE(data_ranges_are_found_between_holes), CASE(ranges_are_copied_between_and_within_files)

#endif
