/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_VFS_CASES_DIRECTORY_H
#define TESTS_VFS_CASES_DIRECTORY_H

/* What listings of directories show. */

#include "vfs_rig.h"

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

#define VFS_DIRECTORY_CASES \
	CASE(names_may_hide_and_veto), CASE(directory_shows_dots_first_and_each_name_once), \
		CASE(dotdot_of_the_root_is_the_root), CASE(patterns_choose_names), \
		CASE(big_folders_keep_up_with_changes), CASE(an_entry_that_did_not_fit_comes_again), \
		CASE(rewinding_shows_what_came_since), \
		CASE(names_windows_forbids_are_shown_and_found_mapped)

#endif
