/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_VFS_CASES_H
#define TESTS_VFS_CASES_H

/*
 * What every file backend does. A test program defines open_share(), which makes an empty share with the
 * given options, and close_share(), and runs VFS_CASES.
 */

#include "core/clock.h"
#include "vfs/vfs.h"
#include "wire/short_name.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct vfs_share *open_share(const struct vfs_share_options *o);
static void close_share(struct vfs_share *s);

static const struct vfs_share_options usual = {
	.store_dos_attributes = true, .hide_dot_files = true, .create_mask = 0744, .directory_mask = 0755};

static struct vfs_share *share; /* of the test that runs */

static int open_usual(void **state)
{
	share = open_share(&usual);
	return 0;
}

static int close_usual(void **state)
{
	close_share(share);
	share = NULL;
	return 0;
}

static int create(const char *path, struct vfs_file **f, struct vfs_stat *st)
{
	struct vfs_open_how how = {.path = path,
		.disposition = VFS_CREATE_NEW,
		.access = VFS_READ | VFS_WRITE,
		.attributes = FILE_ATTRIBUTE_ARCHIVE};

	return vfs_open(share, NULL, &how, 0, f, st);
}

static int open_path(const char *path, unsigned access, struct vfs_file **f, struct vfs_stat *st)
{
	struct vfs_open_how how = {.path = path, .access = access};

	return vfs_open(share, NULL, &how, 0, f, st);
}

static struct vfs_file *new_file(const char *path)
{
	struct vfs_file *f;
	struct vfs_stat st;

	assert_int_equal(create(path, &f, &st), 0);
	return f;
}

static struct vfs_file *new_directory(const char *path)
{
	struct vfs_open_how how = {.path = path, .disposition = VFS_CREATE_NEW, .directory = true};
	struct vfs_file *f;
	struct vfs_stat st;

	assert_int_equal(vfs_open(share, NULL, &how, 0, &f, &st), 0);
	assert_true(st.directory);
	return f;
}

static void make_file(const char *path)
{
	vfs_file_unref(new_file(path));
}

static void make_directory_at(const char *path)
{
	vfs_file_unref(new_directory(path));
}

static struct vfs_file *opened(const char *path, unsigned access)
{
	struct vfs_file *f;
	struct vfs_stat st;

	assert_int_equal(open_path(path, access, &f, &st), 0);
	return f;
}

static int exists(const char *path)
{
	struct vfs_stat st;

	return vfs_lookup(share, NULL, path, 0, &st);
}

static ssize_t put(struct vfs_file *f, const void *data, size_t len, uint64_t offset)
{
	struct iovec v = {(void *)(uintptr_t)data, len};

	return vfs_pwrite(f, &v, 1, offset, 0);
}

static ssize_t get(struct vfs_file *f, void *data, size_t len, uint64_t offset)
{
	struct iovec v = {data, len};

	return vfs_pread(f, &v, 1, offset, 0);
}

static struct vfs_stat stat_of(struct vfs_file *f)
{
	struct vfs_stat st;

	assert_int_equal(vfs_fstat(f, 0, &st), 0);
	return st;
}

/* The names that a pattern shows, joined by '|' in the order of the backend, "." and ".." included. */
static const char *listing(struct vfs_file *dir, const char *pattern, bool want_stat)
{
	static char text[4096];
	struct vfs_dir *d;
	struct vfs_dir_entry e;
	int rc;

	text[0] = 0;
	assert_int_equal(vfs_dir_open(dir, NULL, pattern, &d), 0);
	while ((rc = vfs_dir_next(d, want_stat, &e)) > 0) {
		assert_true(strlen(text) + strlen(e.name) + 2 < sizeof(text));
		strcat(text, e.name);
		strcat(text, "|");
	}
	assert_int_equal(rc, 0);
	vfs_dir_close(d);
	return text;
}

static void root_exists_and_is_a_directory(void **state)
{
	struct vfs_file *f = opened("", VFS_NONE);

	assert_true(stat_of(f).directory);
	assert_true(stat_of(f).attributes & FILE_ATTRIBUTE_DIRECTORY);
	assert_string_equal(vfs_file_path(f), "");
	vfs_file_unref(f);
}

static void new_file_has_what_it_was_created_with(void **state)
{
	struct vfs_open_how how = {.path = "a",
		.disposition = VFS_CREATE_NEW,
		.access = VFS_READ | VFS_WRITE,
		.attributes = FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_DIRECTORY,
		.allocation = 1 << 20};
	uint64_t before = nttime_now() - 1000000; /* file systems may stamp with the last tick */
	struct vfs_file *f;
	struct vfs_stat st;

	assert_int_equal(vfs_open(share, NULL, &how, 0, &f, &st), 0);
	assert_false(st.directory);
	assert_int_equal(st.attributes, FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_HIDDEN);
	assert_int_equal(st.size, 0);
	assert_true(st.allocation >= 1 << 20);
	assert_int_equal(st.unix_mode, S_IFREG | 0644);
	assert_in_range(st.creation_time, before, nttime_now());
	assert_in_range(st.write_time, before, nttime_now());
	assert_int_equal(st.nlink, 1);
	struct vfs_stat again = stat_of(f);
	assert_int_equal(again.attributes, st.attributes);
	assert_int_equal(again.creation_time, st.creation_time);
	assert_int_equal(again.write_time, st.write_time);
	assert_int_equal(again.change_time, st.change_time);
	assert_int_equal(again.file_id, st.file_id);
	vfs_file_unref(f);
}

static void creating_what_exists_says_so(void **state)
{
	struct vfs_file *f;
	struct vfs_stat st;

	make_file("a");
	make_directory_at("d");
	assert_int_equal(create("a", &f, &st), -EEXIST);
	assert_int_equal(create("A", &f, &st), -EEXIST);
	assert_int_equal(create("d", &f, &st), -EEXIST);
	assert_int_equal(create("D", &f, &st), -EEXIST);
	assert_int_equal(create("", &f, &st), -EEXIST);
}

static void missing_names_and_missing_folders_differ(void **state)
{
	struct vfs_file *f;
	struct vfs_stat st;

	make_file("file");
	make_directory_at("d");
	assert_int_equal(open_path("none", VFS_READ, &f, &st), -ENOENT);
	assert_int_equal(open_path("d/none", VFS_READ, &f, &st), -ENOENT);
	assert_int_equal(open_path("none/a", VFS_READ, &f, &st), -ENOTDIR);
	assert_int_equal(open_path("d/none/a", VFS_READ, &f, &st), -ENOTDIR);
	assert_int_equal(open_path("file/a", VFS_READ, &f, &st), -ENOTDIR);
	assert_int_equal(create("none/a", &f, &st), -ENOTDIR);
	assert_int_equal(create("file/a", &f, &st), -ENOTDIR);
	assert_int_equal(exists("none"), -ENOENT);
	assert_int_equal(exists("none/a"), -ENOTDIR);
}

static void names_are_found_in_another_case(void **state)
{
	struct vfs_file *f;
	struct vfs_stat st;

	make_directory_at("Folder");
	make_directory_at("Folder/Sub");
	make_file("Folder/Sub/R\xC3\xA9sum\xC3\xA9.TXT");
	assert_int_equal(open_path("FOLDER/sUB/r\xC3\x89SUM\xC3\x89.txt", VFS_READ, &f, &st), 0);
	assert_string_equal(vfs_file_path(f), "Folder/Sub/R\xC3\xA9sum\xC3\xA9.TXT");
	vfs_file_unref(f);
	f = new_file("fOLDER/suB/New");
	assert_string_equal(vfs_file_path(f), "Folder/Sub/New");
	vfs_file_unref(f);
	assert_int_equal(exists("folder/SUB/new"), 0);
}

static void a_file_is_found_by_its_short_name(void **state)
{
	struct vfs_file *f;
	struct vfs_stat st;
	char name[SHORT_NAME_SIZE];

	make_file("A rather long name.text");
	short_name_of("A rather long name.text", name);
	assert_int_equal(open_path(name, VFS_READ, &f, &st), 0);
	assert_string_equal(vfs_file_path(f), "A rather long name.text");
	vfs_file_unref(f);
	name[2] = name[2] == 'A' ? 'B' : 'A';
	assert_int_equal(open_path(name, VFS_READ, &f, &st), -ENOENT);
}

static void exact_case_is_required_where_the_share_says_so(void **state)
{
	struct vfs_share_options o = usual;

	close_share(share);
	o.case_sensitive = true;
	share = open_share(&o);
	make_file("a");
	make_file("A");
	make_directory_at("d");
	assert_int_equal(exists("d"), 0);
	assert_int_equal(exists("D"), -ENOENT);
	assert_int_equal(exists("D/x"), -ENOTDIR);
}

static void dot_components_and_empty_ones_are_refused(void **state)
{
	static const char *const bad[] = {".", "..", "a/..", "../a", "a//b", "/a", "a/", "a/./b"};

	make_directory_at("a");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(exists(bad[i]), -EINVAL);
	/* characters that map to dots must not make one */
	assert_int_equal(exists("\xEF\x80\xA9"), -EILSEQ);
	assert_int_equal(exists(".\xEF\x80\xA9"), -EILSEQ);
	assert_int_equal(exists("a/.\xEF\x80\xA9/b"), -EILSEQ);
	assert_int_equal(exists("bad\xFFutf"), -EILSEQ);
}

static void long_names_are_refused_and_the_longest_is_not(void **state)
{
	char name[300];
	struct vfs_file *f;
	struct vfs_stat st;

	memset(name, 'x', sizeof(name));
	name[256] = 0;
	assert_int_equal(create(name, &f, &st), -ENAMETOOLONG);
	name[255] = 0;
	assert_int_equal(create(name, &f, &st), 0);
	vfs_file_unref(f);
}

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

static void times_are_kept_and_zero_leaves_them(void **state)
{
	struct vfs_file *f = new_file("a");
	uint64_t t = 130000000000000000ull;
	struct vfs_times all = {t + 10, t + 20, t + 30}, write = {.write_time = t + 50},
			 birth = {.creation_time = t};

	assert_int_equal(vfs_set_times(f, NULL, &all), 0);
	struct vfs_stat st = stat_of(f);
	assert_int_equal(st.creation_time, t + 10);
	assert_int_equal(st.access_time, t + 20);
	assert_int_equal(st.write_time, t + 30);
	assert_int_equal(vfs_set_times(f, NULL, &write), 0);
	assert_int_equal(vfs_set_times(f, NULL, &birth), 0);
	vfs_file_unref(f);
	f = opened("a", VFS_NONE);
	st = stat_of(f);
	assert_int_equal(st.creation_time, t);
	assert_int_equal(st.access_time, t + 20);
	assert_int_equal(st.write_time, t + 50);
	assert_int_equal(st.attributes, FILE_ATTRIBUTE_ARCHIVE);
	assert_int_equal(vfs_set_times(f, NULL, &all), 0); /* also through a handle without data access */
	assert_int_equal(stat_of(f).write_time, t + 30);
	vfs_file_unref(f);
}

static void attributes_are_kept_and_leave_the_creation_time(void **state)
{
	struct vfs_file *f = new_file("a"), *d = new_directory("d");
	struct vfs_stat before = stat_of(f);

	assert_int_equal(vfs_set_sparse(f, NULL, true), 0);
	assert_int_equal(vfs_set_attributes(f, NULL,
				 FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_SYSTEM | FILE_ATTRIBUTE_NORMAL),
		0);
	assert_int_equal(stat_of(f).attributes,
		FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_SYSTEM | FILE_ATTRIBUTE_SPARSE_FILE);
	assert_int_equal(stat_of(f).creation_time, before.creation_time);
	assert_int_equal(stat_of(f).unix_mode, before.unix_mode);
	assert_int_equal(vfs_set_attributes(f, NULL, 0), 0);
	assert_int_equal(stat_of(f).attributes, FILE_ATTRIBUTE_SPARSE_FILE);
	assert_int_equal(vfs_set_attributes(d, NULL, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_TEMPORARY), 0);
	assert_int_equal(stat_of(d).attributes, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_DIRECTORY);
	assert_int_equal(vfs_set_sparse(d, NULL, true), -EISDIR);
	vfs_file_unref(f);
	vfs_file_unref(d);
}

static void readonly_is_the_mode_where_attributes_are_not_stored(void **state)
{
	struct vfs_share_options o = usual;
	struct vfs_file *f;

	close_share(share);
	o.store_dos_attributes = false;
	share = open_share(&o);
	f = new_file("a");
	assert_int_equal(stat_of(f).attributes, FILE_ATTRIBUTE_NORMAL);
	assert_int_equal(vfs_set_attributes(f, NULL, FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN), 0);
	assert_int_equal(stat_of(f).attributes, FILE_ATTRIBUTE_READONLY);
	assert_int_equal(stat_of(f).unix_mode, S_IFREG | 0444);
	assert_int_equal(vfs_set_attributes(f, NULL, 0), 0);
	assert_int_equal(stat_of(f).unix_mode, S_IFREG | 0644);
	vfs_file_unref(f);
}

static void names_may_hide_and_veto(void **state)
{
	static const char *const veto[] = {"*.exe", "lost+found", NULL}, *const hide[] = {"thumbs.db", NULL};
	struct vfs_share_options o = usual;
	struct vfs_file *f, *root;
	struct vfs_stat st;

	close_share(share);
	o.veto = veto;
	o.hide = hide;
	share = open_share(&o);
	assert_int_equal(create("A.EXE", &f, &st), -ENOENT);
	assert_int_equal(open_path("a.exe", VFS_READ, &f, &st), -ENOENT);
	assert_int_equal(exists("Lost+Found/x"), -ENOTDIR);
	f = new_file("Thumbs.DB");
	assert_int_equal(stat_of(f).attributes, FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_HIDDEN);
	assert_int_equal(vfs_rename(f, NULL, "Thumbs.DB", "x.exe", true), -EACCES);
	assert_int_equal(vfs_link(f, NULL, "x.exe", true), -EACCES);
	vfs_file_unref(f);
	f = new_file(".profile");
	assert_int_equal(stat_of(f).attributes, FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_HIDDEN);
	vfs_file_unref(f);
	root = opened("", VFS_READ);
	assert_non_null(strstr(listing(root, "*", true), "Thumbs.DB|"));
	assert_null(strstr(listing(root, "*", true), "lost"));
	vfs_file_unref(root);
}

static void directory_shows_dots_first_and_each_name_once(void **state)
{
	enum { FILES = 700 }; /* more than fit into one buffer of the kernel */
	struct vfs_file *d = new_directory("d");
	bool seen[FILES] = {false};
	struct vfs_dir *cursor;
	struct vfs_dir_entry e;
	char name[100];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "d/a-name-that-is-long-enough-to-fill-the-buffer-soon-%d", i);
		make_file(name);
	}
	assert_int_equal(vfs_dir_open(d, NULL, NULL, &cursor), 0);
	assert_int_equal(vfs_dir_next(cursor, true, &e), 1);
	assert_string_equal(e.name, ".");
	assert_int_equal(e.st.file_id, stat_of(d).file_id);
	assert_int_equal(vfs_dir_next(cursor, true, &e), 1);
	assert_string_equal(e.name, "..");
	assert_true(e.st.directory);
	for (int i = 0; i < FILES; i++) {
		assert_int_equal(vfs_dir_next(cursor, i % 2, &e), 1);
		int k = atoi(strrchr(e.name, '-') + 1);
		assert_false(seen[k]);
		seen[k] = true;
		if (i % 2)
			assert_int_equal(e.st.attributes, FILE_ATTRIBUTE_ARCHIVE);
	}
	assert_int_equal(vfs_dir_next(cursor, true, &e), 0);
	assert_int_equal(vfs_dir_next(cursor, true, &e), 0);
	vfs_dir_close(cursor);
	vfs_file_unref(d);
}

static void dotdot_of_the_root_is_the_root(void **state)
{
	struct vfs_file *root = opened("", VFS_READ), *d = new_directory("d");
	struct vfs_file *both[] = {root, d};
	struct vfs_dir *cursor;
	struct vfs_dir_entry e;

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		assert_int_equal(vfs_dir_open(both[i], NULL, "*", &cursor), 0);
		assert_int_equal(vfs_dir_next(cursor, true, &e), 1);
		assert_int_equal(vfs_dir_next(cursor, true, &e), 1);
		assert_string_equal(e.name, "..");
		assert_int_equal(e.st.file_id, stat_of(root).file_id);
		vfs_dir_close(cursor);
	}
	vfs_file_unref(root);
	vfs_file_unref(d);
}

static void patterns_choose_names(void **state)
{
	struct vfs_file *root = opened("", VFS_READ);

	make_file("one.txt");
	make_file("Two.TXT");
	make_file("three.doc");
	assert_string_equal(listing(root, "one.txt", true), "one.txt|");
	assert_string_equal(listing(root, "ONE.txt", true), "one.txt|");
	assert_string_equal(listing(root, "two.txt", false), "Two.TXT|");
	assert_string_equal(listing(root, "none", true), "");
	assert_string_equal(listing(root, "t*.DOC", true), "three.doc|");
	assert_non_null(strstr(listing(root, "*.txt", true), "one.txt|"));
	assert_non_null(strstr(listing(root, "*.txt", true), "Two.TXT|"));
	assert_null(strstr(listing(root, "*.txt", true), "doc"));
	vfs_file_unref(root);
}

static void big_folders_keep_up_with_changes(void **state)
{
	enum { FILES = 300 };
	struct vfs_file *d = new_directory("Big"), *f;
	struct vfs_stat st;
	char name[64];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "big/File%d", i);
		assert_int_equal(exists(name), -ENOENT);
		make_file(name);
		snprintf(name, sizeof(name), "BIG/FILE%d", i);
		assert_int_equal(exists(name), 0);
		assert_int_equal(create(name, &f, &st), -EEXIST);
	}
	f = opened("big/file7", VFS_NONE);
	assert_string_equal(vfs_file_path(f), "Big/File7");
	assert_int_equal(vfs_rename(f, NULL, "big/file7", "big/Moved", false), 0);
	assert_int_equal(exists("big/file7"), -ENOENT);
	assert_int_equal(exists("big/MOVED"), 0);
	assert_string_equal(listing(d, "mOVED", true), "Moved|");
	assert_int_equal(vfs_rename(f, NULL, "big/moved", "big/FILE8", true), 0);
	assert_string_equal(listing(d, "file8", true), "FILE8|");
	assert_int_equal(vfs_link(f, NULL, "big/Link", false), 0);
	assert_string_equal(listing(d, "LINK", true), "Link|");
	assert_int_equal(vfs_unlink(f, NULL, "big/LINK"), 0);
	assert_int_equal(exists("big/lINK"), -ENOENT);
	make_directory_at("big/Sub");
	assert_int_equal(exists("big/SUB"), 0);
	assert_string_equal(listing(d, "none", true), "");
	vfs_file_unref(f);
	vfs_file_unref(d);
}

static void an_entry_that_did_not_fit_comes_again(void **state)
{
	struct vfs_file *root = opened("", VFS_READ);
	struct vfs_dir *d;
	struct vfs_dir_entry e;

	make_file("a");
	assert_int_equal(vfs_dir_open(root, NULL, "a*", &d), 0);
	assert_int_equal(vfs_dir_next(d, false, &e), 1);
	vfs_dir_unread(d);
	assert_int_equal(vfs_dir_next(d, true, &e), 1);
	assert_string_equal(e.name, "a");
	assert_int_equal(e.st.attributes, FILE_ATTRIBUTE_ARCHIVE);
	vfs_dir_unread(d);
	assert_int_equal(vfs_dir_next(d, true, &e), 1);
	assert_string_equal(e.name, "a");
	assert_int_equal(vfs_dir_next(d, true, &e), 0);
	vfs_dir_close(d);
	vfs_file_unref(root);
}

static void rewinding_shows_what_came_since(void **state)
{
	struct vfs_file *root = opened("", VFS_READ);
	struct vfs_dir *d;
	struct vfs_dir_entry e;

	make_file("a1");
	assert_int_equal(vfs_dir_open(root, NULL, "a1", &d), 0);
	assert_int_equal(vfs_dir_next(d, true, &e), 1);
	assert_int_equal(vfs_dir_next(d, true, &e), 0);
	make_file("b1");
	assert_int_equal(vfs_dir_rewind(d, "b*"), 0);
	assert_int_equal(vfs_dir_next(d, true, &e), 1);
	assert_string_equal(e.name, "b1");
	assert_int_equal(vfs_dir_next(d, true, &e), 0);
	assert_int_equal(vfs_dir_rewind(d, NULL), 0);
	assert_int_equal(vfs_dir_next(d, true, &e), 1);
	assert_string_equal(e.name, ".");
	vfs_dir_close(d);
	vfs_file_unref(root);
}

static void names_windows_forbids_are_shown_and_found_mapped(void **state)
{
	/* "a?b:" and a last period, as the Linux client and a Macintosh spell them */
	static const char mapped[] = "a\xEF\x80\xA5"
				     "b\xEF\x80\xA2\xEF\x80\xA9";
	struct vfs_file *root = opened("", VFS_READ), *f = new_file(mapped);

	assert_string_equal(vfs_file_path(f), mapped);
	assert_string_equal(listing(root, "a*", true), "a\xEF\x80\xA5"
						       "b\xEF\x80\xA2\xEF\x80\xA9|");
	assert_int_equal(exists(mapped), 0);
	assert_int_equal(vfs_unlink(f, NULL, mapped), 0);
	vfs_file_unref(f);
	vfs_file_unref(root);
}

static void renaming_moves_a_name(void **state)
{
	struct vfs_file *f = new_file("a");

	make_directory_at("d");
	assert_int_equal(vfs_rename(f, NULL, "a", "d/b", false), 0);
	assert_int_equal(exists("a"), -ENOENT);
	assert_int_equal(exists("d/b"), 0);
	assert_int_equal(vfs_rename(f, NULL, "D/B", "c", false), 0);
	assert_int_equal(exists("c"), 0);
	assert_int_equal(vfs_rename(f, NULL, "c", "none/c", false), -ENOTDIR);
	assert_int_equal(vfs_rename(f, NULL, "c", "c", false), 0);
	vfs_file_unref(f);
}

static void renaming_replaces_only_where_told(void **state)
{
	struct vfs_file *f = new_file("a"), *g = new_file("B"), *d = new_directory("d"),
			*e = new_directory("e");

	assert_int_equal(vfs_rename(f, NULL, "a", "b", false), -EEXIST);
	assert_int_equal(vfs_rename(f, NULL, "a", "b", true), 0);
	assert_int_equal(exists("a"), -ENOENT);
	assert_int_equal(stat_of(g).nlink, 0);
	struct vfs_file *root = opened("", VFS_READ);
	assert_string_equal(listing(root, "b*", true), "b|"); /* in the new spelling */
	assert_int_equal(vfs_rename(f, NULL, "b", "d", true), -EACCES);
	assert_int_equal(vfs_rename(d, NULL, "d", "b", true), -EACCES);
	assert_int_equal(vfs_rename(d, NULL, "d", "e", true), -EACCES);
	assert_int_equal(vfs_rename(d, NULL, "d", "e", false), -EEXIST);
	assert_int_equal(vfs_rename(d, NULL, "d", "e/d", false), 0);
	assert_int_equal(vfs_rename(e, NULL, "e", "e/d/e", false), -EINVAL);
	assert_int_equal(exists("e/d"), 0);
	vfs_file_unref(root);
	vfs_file_unref(f);
	vfs_file_unref(g);
	vfs_file_unref(d);
	vfs_file_unref(e);
}

static void renaming_changes_case_alone(void **state)
{
	struct vfs_file *f = new_file("name"), *d = new_directory("dir"), *root = opened("", VFS_READ);

	assert_int_equal(vfs_rename(f, NULL, "name", "NAME", false), 0);
	assert_int_equal(vfs_rename(d, NULL, "dir", "Dir", false), 0);
	assert_string_equal(listing(root, "n*", true), "NAME|");
	assert_string_equal(listing(root, "d*", true), "Dir|");
	assert_int_equal(vfs_rename(f, NULL, "NAME", "Dir/name", false), 0);
	vfs_file_unref(f);
	vfs_file_unref(d);
	vfs_file_unref(root);
}

static void a_name_that_is_another_file_now_is_stale(void **state)
{
	struct vfs_file *f = new_file("a"), *g = new_file("b");

	assert_int_equal(vfs_rename(f, NULL, "b", "c", false), -ESTALE);
	assert_int_equal(vfs_rename(f, NULL, "none", "c", false), -ESTALE);
	assert_int_equal(vfs_rename(f, NULL, "none/none", "c", false), -ESTALE);
	assert_int_equal(vfs_unlink(f, NULL, "b"), -ESTALE);
	assert_int_equal(vfs_unlink(f, NULL, "none"), -ESTALE);
	assert_int_equal(exists("b"), 0);
	vfs_file_unref(f);
	vfs_file_unref(g);
}

static void links_name_the_same_file(void **state)
{
	struct vfs_file *f = new_file("a"), *g = new_file("other"), *root = opened("", VFS_READ);
	struct vfs_file *d = new_directory("d");
	struct vfs_stat st;

	assert_int_equal(vfs_link(f, NULL, "b", false), 0);
	assert_int_equal(vfs_lookup(share, NULL, "b", 0, &st), 0);
	assert_int_equal(st.file_id, stat_of(f).file_id);
	assert_int_equal(stat_of(f).nlink, 2);
	assert_int_equal(vfs_link(f, NULL, "B", false), -EEXIST);
	assert_int_equal(vfs_link(f, NULL, "b", true), 0);
	assert_int_equal(vfs_link(f, NULL, "OTHER", false), -EEXIST);
	assert_int_equal(vfs_link(f, NULL, "OTHER", true), 0);
	assert_string_equal(listing(root, "o*", true), "OTHER|");
	assert_int_equal(stat_of(f).nlink, 3);
	assert_int_equal(stat_of(g).nlink, 0);
	assert_int_equal(vfs_link(f, NULL, "d", true), -EACCES);
	assert_int_equal(vfs_link(d, NULL, "e", true), -EACCES);
	/* over a link of its own: the old name goes */
	assert_int_equal(vfs_rename(f, NULL, "a", "b", true), 0);
	assert_int_equal(exists("a"), -ENOENT);
	assert_int_equal(stat_of(f).nlink, 2);
	vfs_file_unref(f);
	vfs_file_unref(g);
	vfs_file_unref(d);
	vfs_file_unref(root);
}

static void removed_files_live_until_closed(void **state)
{
	struct vfs_file *f = new_file("a");
	char out[4];

	assert_int_equal(put(f, "data", 4, 0), 4);
	assert_int_equal(vfs_unlink(f, NULL, "a"), 0);
	assert_int_equal(exists("a"), -ENOENT);
	assert_int_equal(get(f, out, 4, 0), 4);
	assert_int_equal(stat_of(f).nlink, 0);
	make_file("a");
	assert_int_equal(vfs_unlink(f, NULL, "a"), -ESTALE);
	vfs_file_unref(f);
}

static void only_empty_directories_are_removed(void **state)
{
	struct vfs_file *d = new_directory("d"), *f = new_file("d/a");

	assert_int_equal(vfs_directory_is_empty(d, NULL), -ENOTEMPTY);
	assert_int_equal(vfs_unlink(d, NULL, "d"), -ENOTEMPTY);
	assert_int_equal(vfs_unlink(f, NULL, "d/a"), 0);
	assert_int_equal(vfs_directory_is_empty(d, NULL), 0);
	assert_int_equal(vfs_unlink(d, NULL, "d"), 0);
	assert_string_equal(listing(d, "*", false), ".|..|");
	assert_int_equal(vfs_directory_is_empty(f, NULL), -ENOTDIR);
	vfs_file_unref(f);
	vfs_file_unref(d);
}

static int collect_ea(void *arg, const char *name, struct bytes value)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s=%.*s|", name, (int)value.len, (const char *)value.data);
	return 0;
}

static int stop_at_ea(void *arg, const char *name, struct bytes value)
{
	return -ECANCELED;
}

static void extended_attributes_are_set_listed_and_removed(void **state)
{
	struct vfs_file *f = new_file("a");
	char text[200] = "";

	assert_int_equal(vfs_ea_list(f, collect_ea, text), 0);
	assert_string_equal(text, ""); /* the server's own are not shown */
	assert_int_equal(vfs_ea_set(f, NULL, "Color", BYTES("blue", 4)), 0);
	assert_int_equal(vfs_ea_set(f, NULL, "COLOR", BYTES("red", 3)), 0);
	assert_int_equal(vfs_ea_list(f, collect_ea, text), 0);
	assert_string_equal(text, "Color=red|");
	assert_int_equal(vfs_ea_list(f, stop_at_ea, NULL), -ECANCELED);
	assert_int_equal(vfs_ea_set(f, NULL, "color", BYTES(NULL, 0)), 0);
	assert_int_equal(vfs_ea_set(f, NULL, "none", BYTES(NULL, 0)), 0);
	text[0] = 0;
	assert_int_equal(vfs_ea_list(f, collect_ea, text), 0);
	assert_string_equal(text, "");
	assert_int_equal(vfs_ea_set(f, NULL, "DosAttrib", BYTES("x", 1)), -EACCES);
	assert_int_equal(vfs_ea_set(f, NULL, "DosStream.x:$DATA", BYTES("x", 1)), -EACCES);
	vfs_file_unref(f);
}

static void read_only_shares_change_nothing(void **state)
{
	struct vfs_share_options o = usual;
	struct vfs_file *f;
	struct vfs_stat st;
	uint32_t mask;
	struct vfs_times t = {1, 1, 1};

	close_share(share);
	o.read_only = true;
	share = open_share(&o);
	assert_int_equal(create("a", &f, &st), -EACCES);
	assert_int_equal(open_path("", VFS_WRITE, &f, &st), -EACCES);
	f = opened("", VFS_READ);
	assert_int_equal(vfs_reopen(f, NULL, VFS_WRITE, 0), -EACCES);
	assert_int_equal(vfs_set_attributes(f, NULL, FILE_ATTRIBUTE_HIDDEN), -EACCES);
	assert_int_equal(vfs_set_times(f, NULL, &t), -EACCES);
	assert_int_equal(vfs_set_sparse(f, NULL, true), -EACCES);
	assert_int_equal(vfs_ea_set(f, NULL, "a", BYTES("x", 1)), -EACCES);
	assert_int_equal(vfs_rename(f, NULL, "a", "b", true), -EACCES);
	assert_int_equal(vfs_link(f, NULL, "b", true), -EACCES);
	assert_int_equal(vfs_unlink(f, NULL, "a"), -EACCES);
	assert_int_equal(vfs_maximal_access(f, NULL, &mask), 0);
	assert_int_equal(
		mask & (FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_DELETE_CHILD |
			       FILE_WRITE_ATTRIBUTES | ACCESS_DELETE | ACCESS_WRITE_DAC | ACCESS_WRITE_OWNER),
		0);
	assert_int_equal(
		mask & (FILE_READ_DATA | FILE_READ_ATTRIBUTES), FILE_READ_DATA | FILE_READ_ATTRIBUTES);
	vfs_file_unref(f);
}

static void the_root_is_neither_renamed_nor_removed(void **state)
{
	struct vfs_file *f = opened("", VFS_NONE);

	assert_int_equal(vfs_unlink(f, NULL, ""), -EACCES);
	assert_int_equal(vfs_rename(f, NULL, "", "a", false), -EACCES);
	make_file("a");
	vfs_file_unref(f);
	f = opened("a", VFS_NONE);
	assert_int_equal(vfs_rename(f, NULL, "a", "", true), -EACCES);
	vfs_file_unref(f);
}

static void the_volume_has_room_and_a_name_limit(void **state)
{
	struct vfs_statfs fs;

	assert_int_equal(vfs_statfs(share, NULL, &fs), 0);
	assert_true(fs.block_size >= 512);
	assert_true(fs.free_blocks <= fs.blocks);
	assert_true(fs.available_blocks <= fs.free_blocks);
	assert_int_equal(fs.max_name_length, 255);
	assert_true(fs.volume_id != 0);
	assert_true(fs.fs_attributes & 2); /* FILE_CASE_PRESERVED_NAMES */
}

static void modes_come_from_masks_or_from_the_parent(void **state)
{
	struct vfs_share_options o = usual;
	struct vfs_file *f, *d;

	close_share(share);
	o.create_mask = 0640;
	o.force_create_mode = 0010;
	o.directory_mask = 0700;
	o.force_directory_mode = 0070;
	share = open_share(&o);
	f = new_file("a");
	d = new_directory("d");
	assert_int_equal(stat_of(f).unix_mode, S_IFREG | 0650);
	assert_int_equal(stat_of(d).unix_mode, S_IFDIR | 0770);
	vfs_file_unref(f);
	vfs_file_unref(d);
	close_share(share);
	o.inherit_permissions = true;
	share = open_share(&o);
	mode_t root = stat_of(f = opened("", VFS_NONE)).unix_mode & 0777;
	vfs_file_unref(f);
	f = new_file("a");
	d = new_directory("d");
	assert_int_equal(stat_of(f).unix_mode, S_IFREG | (root & 0666));
	assert_int_equal(stat_of(d).unix_mode, S_IFDIR | root);
	vfs_file_unref(f);
	vfs_file_unref(d);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_usual, close_usual)
#define VFS_CASES \
	CASE(root_exists_and_is_a_directory), CASE(new_file_has_what_it_was_created_with), \
		CASE(creating_what_exists_says_so), CASE(missing_names_and_missing_folders_differ), \
		CASE(names_are_found_in_another_case), CASE(a_file_is_found_by_its_short_name), \
		CASE(exact_case_is_required_where_the_share_says_so), \
		CASE(dot_components_and_empty_ones_are_refused), \
		CASE(long_names_are_refused_and_the_longest_is_not), CASE(data_comes_back_as_written), \
		CASE(reading_stops_at_the_end_only), CASE(access_of_a_handle_is_kept), \
		CASE(truncation_cuts_and_grows_with_zeros), \
		CASE(allocation_reserves_above_the_size_and_cuts_below), \
		CASE(zeroed_ranges_read_as_zeros_and_do_not_grow_the_file), \
		CASE(data_ranges_are_found_between_holes), CASE(ranges_are_copied_between_and_within_files), \
		CASE(times_are_kept_and_zero_leaves_them), \
		CASE(attributes_are_kept_and_leave_the_creation_time), \
		CASE(readonly_is_the_mode_where_attributes_are_not_stored), CASE(names_may_hide_and_veto), \
		CASE(directory_shows_dots_first_and_each_name_once), CASE(dotdot_of_the_root_is_the_root), \
		CASE(patterns_choose_names), CASE(big_folders_keep_up_with_changes), \
		CASE(an_entry_that_did_not_fit_comes_again), CASE(rewinding_shows_what_came_since), \
		CASE(names_windows_forbids_are_shown_and_found_mapped), CASE(renaming_moves_a_name), \
		CASE(renaming_replaces_only_where_told), CASE(renaming_changes_case_alone), \
		CASE(a_name_that_is_another_file_now_is_stale), CASE(links_name_the_same_file), \
		CASE(removed_files_live_until_closed), CASE(only_empty_directories_are_removed), \
		CASE(extended_attributes_are_set_listed_and_removed), CASE(read_only_shares_change_nothing), \
		CASE(the_root_is_neither_renamed_nor_removed), CASE(the_volume_has_room_and_a_name_limit), \
		CASE(modes_come_from_masks_or_from_the_parent)

#endif
