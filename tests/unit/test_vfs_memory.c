/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs_cases.h"

static struct vfs_share *open_share(const struct vfs_share_options *o)
{
	struct vfs_share *s;

	assert_int_equal(vfs_share_open_memory(o, &s), 0);
	return s;
}

static void close_share(struct vfs_share *s)
{
	vfs_share_unref(s);
}

static void memory_needs_no_worker(void **state)
{
	assert_true(vfs_share_is_memory_speed(share));
}

static void two_trees_have_nothing_in_common(void **state)
{
	struct vfs_share *first = share, *second = open_share(&usual);

	make_file("a");
	share = second;
	assert_int_equal(exists("a"), -ENOENT);
	share = first;
	close_share(second);
}

static void mode_bits_are_checked(void **state)
{
	struct vfs_cred *owner = vfs_cred_new(1000, 1000, NULL, 0),
			*other = vfs_cred_new(1001, 1001, NULL, 0);
	struct vfs_open_how how = {.path = "a", .disposition = VFS_CREATE_NEW};
	struct vfs_file *f;
	struct vfs_stat st;
	uint32_t mask;

	assert_int_equal(
		vfs_open(share, owner, &how, 0, &f, &st), -EACCES); /* the root belongs to the process */
	f = new_file("a");
	assert_int_equal(vfs_maximal_access(f, other, &mask), 0);
	assert_int_equal(mask, FILE_READ_DATA | FILE_READ_EA | FILE_EXECUTE | FILE_READ_ATTRIBUTES |
				       ACCESS_READ_CONTROL | ACCESS_SYNCHRONIZE);
	vfs_file_unref(f);
	how = (struct vfs_open_how){.path = "a", .access = VFS_WRITE};
	assert_int_equal(vfs_open(share, other, &how, 0, &f, &st), -EACCES);
	vfs_cred_unref(owner);
	vfs_cred_unref(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VFS_CASES,
		CASE(memory_needs_no_worker),
		CASE(two_trees_have_nothing_in_common),
		CASE(mode_bits_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
