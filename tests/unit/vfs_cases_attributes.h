/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_VFS_CASES_ATTRIBUTES_H
#define TESTS_VFS_CASES_ATTRIBUTES_H

/* Times, DOS attributes and extended attributes. */

#include "vfs_rig.h"

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

#define VFS_ATTRIBUTES_CASES \
	CASE(times_are_kept_and_zero_leaves_them), CASE(attributes_are_kept_and_leave_the_creation_time), \
		CASE(readonly_is_the_mode_where_attributes_are_not_stored), \
		CASE(extended_attributes_are_set_listed_and_removed)

#endif
