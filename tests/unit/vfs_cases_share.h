/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_VFS_CASES_SHARE_H
#define TESTS_VFS_CASES_SHARE_H

/* What holds for a share as a whole. */

#include "vfs_rig.h"

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

#define VFS_SHARE_CASES \
	CASE(read_only_shares_change_nothing), CASE(the_volume_has_room_and_a_name_limit), \
		CASE(modes_come_from_masks_or_from_the_parent)

#endif
