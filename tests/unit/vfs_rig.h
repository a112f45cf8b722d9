/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_VFS_RIG_H
#define TESTS_VFS_RIG_H

/*
 * Shares for the tests of file backends. A test program defines open_share(), which makes an empty share with
 * the given options, and close_share(), and gives each case a share of its own by CASE().
 */

#include "vfs/vfs.h"

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

static inline int open_usual(void **state)
{
	share = open_share(&usual);
	return 0;
}

static inline int close_usual(void **state)
{
	close_share(share);
	share = NULL;
	return 0;
}

static inline int create(const char *path, struct vfs_file **f, struct vfs_stat *st)
{
	struct vfs_open_how how = {.path = path,
		.disposition = VFS_CREATE_NEW,
		.access = VFS_READ | VFS_WRITE,
		.attributes = FILE_ATTRIBUTE_ARCHIVE};

	return vfs_open(share, NULL, &how, 0, f, st);
}

static inline int open_path(const char *path, unsigned access, struct vfs_file **f, struct vfs_stat *st)
{
	struct vfs_open_how how = {.path = path, .access = access};

	return vfs_open(share, NULL, &how, 0, f, st);
}

static inline struct vfs_file *new_file(const char *path)
{
	struct vfs_file *f;
	struct vfs_stat st;

	assert_int_equal(create(path, &f, &st), 0);
	return f;
}

static inline struct vfs_file *new_directory(const char *path)
{
	struct vfs_open_how how = {.path = path, .disposition = VFS_CREATE_NEW, .directory = true};
	struct vfs_file *f;
	struct vfs_stat st;

	assert_int_equal(vfs_open(share, NULL, &how, 0, &f, &st), 0);
	assert_true(st.directory);
	return f;
}

static inline void make_file(const char *path)
{
	vfs_file_unref(new_file(path));
}

static inline void make_directory_at(const char *path)
{
	vfs_file_unref(new_directory(path));
}

static inline struct vfs_file *opened(const char *path, unsigned access)
{
	struct vfs_file *f;
	struct vfs_stat st;

	assert_int_equal(open_path(path, access, &f, &st), 0);
	return f;
}

static inline int exists(const char *path)
{
	struct vfs_stat st;

	return vfs_lookup(share, NULL, path, 0, &st);
}

static inline ssize_t put(struct vfs_file *f, const void *data, size_t len, uint64_t offset)
{
	struct iovec v = {(void *)(uintptr_t)data, len};

	return vfs_pwrite(f, &v, 1, offset, 0);
}

static inline ssize_t get(struct vfs_file *f, void *data, size_t len, uint64_t offset)
{
	struct iovec v = {data, len};

	return vfs_pread(f, &v, 1, offset, 0);
}

static inline struct vfs_stat stat_of(struct vfs_file *f)
{
	struct vfs_stat st;

	assert_int_equal(vfs_fstat(f, 0, &st), 0);
	return st;
}

/* The names that a pattern shows, joined by '|' in the order of the backend, "." and ".." included. */
static inline const char *listing(struct vfs_file *dir, const char *pattern, bool want_stat)
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_usual, close_usual)

/* A path beneath a share's root as the local system sees it, in one of a few buffers. */
static inline const char *local_path(const char *top, const char *path)
{
	static char buffers[4][512];
	static unsigned turn;
	char *out = buffers[turn++ % ARRAY_SIZE(buffers)];

	vfs_act_as_process();
	snprintf(out, sizeof(buffers[0]), "%s/%s", top, path);
	return out;
}

#endif
