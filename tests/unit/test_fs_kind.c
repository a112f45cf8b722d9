/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/fs_kind.h"

#include "core/bytes.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

/* Those that write to a new place, and those whose storage another file system or machine has. */
static void where_stores_do_not_stay_in_place_nothing_can_be_pinned(void **state)
{
	static const unsigned long magic[] = {BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, NILFS_SUPER_MAGIC,
		OVERLAYFS_SUPER_MAGIC, FUSE_SUPER_MAGIC, NFS_SUPER_MAGIC, V9FS_MAGIC, ECRYPTFS_SUPER_MAGIC,
		0x2FC12FC1 /* ZFS */, 0xCA451A4E /* bcachefs */, 0xFE534D42 /* SMB */, 0};

	for (size_t i = 0; i < ARRAY_SIZE(magic); i++) {
		assert_false(fs_kind_of_magic(magic[i]).in_place);
		assert_true(fs_kind_of_magic(magic[i]).shares_blocks);
		assert_false(fs_kind_of_magic(magic[i]).memory_speed);
	}
}

static void those_that_stay_in_place_are_known(void **state)
{
	assert_true(fs_kind_of_magic(EXT4_SUPER_MAGIC).in_place);
	assert_false(fs_kind_of_magic(EXT4_SUPER_MAGIC).shares_blocks);
	assert_true(fs_kind_of_magic(XFS_SUPER_MAGIC).in_place);
	assert_true(fs_kind_of_magic(XFS_SUPER_MAGIC).shares_blocks);
	assert_true(fs_kind_of_magic(TMPFS_MAGIC).in_place);
	assert_true(fs_kind_of_magic(TMPFS_MAGIC).no_device);
	assert_true(fs_kind_of_magic(TMPFS_MAGIC).memory_speed);
}

static void the_kind_is_asked_of_a_descriptor(void **state)
{
	int proc = open("/proc/self/status", O_RDONLY | O_CLOEXEC),
	    shm = open("/dev/shm", O_PATH | O_CLOEXEC);

	assert_true(proc >= 0 && shm >= 0);
	assert_false(fs_kind_of(proc).in_place);
	assert_true(fs_kind_of(shm).memory_speed);
	assert_false(fs_kind_of(-1).in_place);
	close(proc);
	close(shm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_stores_do_not_stay_in_place_nothing_can_be_pinned),
		cmocka_unit_test(those_that_stay_in_place_are_known),
		cmocka_unit_test(the_kind_is_asked_of_a_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
