/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_VFS_CASES_NAMES_H
#define TESTS_VFS_CASES_NAMES_H

/* Names are found, created and refused. */

#include "core/clock.h"
#include "vfs_rig.h"
#include "wire/short_name.h"

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

#define VFS_NAMES_CASES \
	CASE(root_exists_and_is_a_directory), CASE(new_file_has_what_it_was_created_with), \
		CASE(creating_what_exists_says_so), CASE(missing_names_and_missing_folders_differ), \
		CASE(names_are_found_in_another_case), CASE(a_file_is_found_by_its_short_name), \
		CASE(exact_case_is_required_where_the_share_says_so), \
		CASE(dot_components_and_empty_ones_are_refused), \
		CASE(long_names_are_refused_and_the_longest_is_not)

#endif
