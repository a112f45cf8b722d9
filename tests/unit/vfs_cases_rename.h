/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_VFS_CASES_RENAME_H
#define TESTS_VFS_CASES_RENAME_H

/* Names are moved, linked and removed. */

#include "vfs_rig.h"

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

#define VFS_RENAME_CASES \
	CASE(renaming_moves_a_name), CASE(renaming_replaces_only_where_told), \
		CASE(renaming_changes_case_alone), CASE(a_name_that_is_another_file_now_is_stale), \
		CASE(links_name_the_same_file), CASE(removed_files_live_until_closed), \
		CASE(only_empty_directories_are_removed), CASE(the_root_is_neither_renamed_nor_removed)

#endif
