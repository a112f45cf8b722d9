/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/create.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define assert_status(got, want) assert_int_equal((got), (ntstatus_t)(want))

static struct smb2_create_req good(void)
{
	return (struct smb2_create_req){
		.impersonation_level = 2,
		.desired_access = FILE_READ_DATA,
		.create_disposition = FILE_OPEN,
		.share_access = FILE_SHARE_READ,
	};
}

static void plain_request_is_accepted(void **state)
{
	struct smb2_create_req q = good();

	assert_status(create_check_request(&q), STATUS_SUCCESS);
}

static void impersonation_beyond_delegate_is_bad(void **state)
{
	struct smb2_create_req q = good();

	for (uint32_t level = 0; level <= 3; level++) {
		q.impersonation_level = level;
		assert_status(create_check_request(&q), STATUS_SUCCESS);
	}
	q.impersonation_level = 4;
	assert_status(create_check_request(&q), STATUS_BAD_IMPERSONATION_LEVEL);
	q.impersonation_level = UINT32_MAX;
	assert_status(create_check_request(&q), STATUS_BAD_IMPERSONATION_LEVEL);
}

static void disposition_beyond_the_last_is_invalid(void **state)
{
	struct smb2_create_req q = good();

	for (uint32_t d = 0; d < 6; d++)
		assert_non_null(create_disposition(d));
	assert_null(create_disposition(6));
	assert_null(create_disposition(UINT32_MAX));
	q.create_disposition = 6;
	assert_status(create_check_request(&q), STATUS_INVALID_PARAMETER);
}

static void unknown_bits_are_invalid(void **state)
{
	struct smb2_create_req q = good();

	q.share_access = 8;
	assert_status(create_check_request(&q), STATUS_INVALID_PARAMETER);
	q = good();
	q.create_options = 0x01000000;
	assert_status(create_check_request(&q), STATUS_INVALID_PARAMETER);
	q = good();
	q.file_attributes = FILE_ATTRIBUTE_READONLY | 0x8;
	assert_status(create_check_request(&q), STATUS_INVALID_PARAMETER);
}

static void no_access_and_unknown_access_are_denied(void **state)
{
	struct smb2_create_req q = good();

	q.desired_access = 0;
	assert_status(create_check_request(&q), STATUS_ACCESS_DENIED);
	for (int bit = 0; bit < 32; bit++) {
		q.desired_access = 1u << bit;
		bool known = bit <= 8 || (bit >= 16 && bit <= 20) || bit == 24 || bit == 25 || bit >= 28;
		assert_status(create_check_request(&q), known ? STATUS_SUCCESS : STATUS_ACCESS_DENIED);
	}
}

static void directory_is_neither_a_file_nor_overwritten(void **state)
{
	struct smb2_create_req q = good();

	q.create_options = FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE;
	assert_status(create_check_request(&q), STATUS_INVALID_PARAMETER);
	q.create_options = FILE_DIRECTORY_FILE;
	for (uint32_t d = 0; d < 6; d++) {
		bool overwrites = d == FILE_SUPERSEDE || d == FILE_OVERWRITE || d == FILE_OVERWRITE_IF;
		q.create_disposition = d;
		assert_status(create_check_request(&q), overwrites ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS);
	}
}

static void delete_on_close_asks_for_the_right_to_delete(void **state)
{
	struct smb2_create_req q = good();

	q.create_options = FILE_DELETE_ON_CLOSE;
	assert_status(create_check_request(&q), STATUS_INVALID_PARAMETER);
	static const uint32_t enough[] = {ACCESS_DELETE, ACCESS_GENERIC_ALL, ACCESS_MAXIMUM_ALLOWED};
	for (size_t i = 0; i < ARRAY_SIZE(enough); i++) {
		q.desired_access = enough[i];
		assert_status(create_check_request(&q), STATUS_SUCCESS);
	}
}

static void open_by_id_is_not_supported(void **state)
{
	struct smb2_create_req q = good();

	q.create_options = FILE_OPEN_BY_FILE_ID;
	assert_status(create_check_request(&q), STATUS_NOT_SUPPORTED);
}

static void generic_rights_become_specific_ones(void **state)
{
	assert_int_equal(create_map_generic(ACCESS_GENERIC_READ), 0x00120089);
	assert_int_equal(create_map_generic(ACCESS_GENERIC_WRITE), 0x00120116);
	assert_int_equal(create_map_generic(ACCESS_GENERIC_EXECUTE), 0x001200A0);
	assert_int_equal(create_map_generic(ACCESS_GENERIC_ALL), FILE_ALL_ACCESS);
	assert_int_equal(create_map_generic(ACCESS_GENERIC_READ | ACCESS_GENERIC_WRITE), 0x00120089 | 0x00120116);
	assert_int_equal(create_map_generic(ACCESS_MAXIMUM_ALLOWED | 1), ACCESS_MAXIMUM_ALLOWED | 1);
	for (uint32_t n = 0; n < 16; n++)
		assert_false(create_map_generic(n << 28) & 0xF0000000);
}

static void data_access_follows_the_rights(void **state)
{
	assert_int_equal(create_vfs_access(FILE_READ_ATTRIBUTES | ACCESS_DELETE | FILE_READ_EA, false), VFS_NONE);
	assert_int_equal(create_vfs_access(FILE_EXECUTE, false), VFS_READ);
	assert_int_equal(create_vfs_access(FILE_APPEND_DATA, false), VFS_WRITE);
	assert_int_equal(create_vfs_access(FILE_READ_DATA, true), VFS_READ | VFS_WRITE);
}

/* What opening for reading, writing or neither has shown. Anything else must be asked for. */
static void right_that_the_open_has_not_proved_must_be_looked_up(void **state)
{
	const uint32_t always = FILE_READ_ATTRIBUTES | ACCESS_READ_CONTROL | ACCESS_SYNCHRONIZE;
	const uint32_t by_reading = FILE_READ_DATA | FILE_READ_EA;
	const uint32_t by_writing = FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA;

	for (int a = 0; a < 32; a++)
		for (int b = 0; b < 32; b++) {
			uint32_t access = 1u << a | 1u << b, proved = always;
			unsigned opened = create_vfs_access(access, false);
			if (opened & VFS_READ)
				proved |= by_reading;
			if (opened & VFS_WRITE)
				proved |= by_writing;
			if ((access & ~proved) && !create_needs_maximal(access))
				fail_msg("access %x is granted unseen", access);
		}
	assert_false(create_needs_maximal(always | by_reading));
	assert_false(create_needs_maximal(always | by_writing));
}

static ntstatus_t existing(uint32_t disposition, uint32_t options, uint32_t attributes, uint32_t access,
	const struct vfs_stat *st)
{
	struct smb2_create_req q = good();

	q.create_disposition = disposition;
	q.create_options = options;
	q.file_attributes = attributes;
	return create_check_existing(&q, access, st);
}

static void kind_must_be_the_one_that_was_asked_for(void **state)
{
	struct vfs_stat file = {.attributes = FILE_ATTRIBUTE_NORMAL};
	struct vfs_stat folder = {.attributes = FILE_ATTRIBUTE_DIRECTORY, .directory = true};

	assert_status(existing(FILE_OPEN, FILE_DIRECTORY_FILE, 0, 1, &file), STATUS_NOT_A_DIRECTORY);
	assert_status(existing(FILE_OPEN, FILE_NON_DIRECTORY_FILE, 0, 1, &folder), STATUS_FILE_IS_A_DIRECTORY);
	assert_status(existing(FILE_OVERWRITE, 0, 0, 1, &folder), STATUS_FILE_IS_A_DIRECTORY);
	assert_status(existing(FILE_SUPERSEDE, 0, 0, 1, &folder), STATUS_FILE_IS_A_DIRECTORY);
	assert_status(existing(FILE_OPEN, FILE_DIRECTORY_FILE, 0, 1, &folder), STATUS_SUCCESS);
	assert_status(existing(FILE_OPEN, 0, 0, 1, &file), STATUS_SUCCESS);
}

static void read_only_file_is_neither_written_nor_deleted(void **state)
{
	struct vfs_stat st = {.attributes = FILE_ATTRIBUTE_READONLY};

	assert_status(existing(FILE_OPEN, 0, 0, FILE_READ_DATA, &st), STATUS_SUCCESS);
	assert_status(existing(FILE_OPEN, 0, 0, FILE_WRITE_DATA, &st), STATUS_ACCESS_DENIED);
	assert_status(existing(FILE_OPEN, 0, 0, FILE_APPEND_DATA, &st), STATUS_ACCESS_DENIED);
	assert_status(existing(FILE_OVERWRITE, 0, FILE_ATTRIBUTE_READONLY, FILE_READ_DATA, &st), STATUS_ACCESS_DENIED);
	assert_status(existing(FILE_OPEN, FILE_DELETE_ON_CLOSE, 0, ACCESS_DELETE, &st), STATUS_CANNOT_DELETE);
	st.directory = true;
	assert_status(existing(FILE_OPEN, FILE_DELETE_ON_CLOSE, 0, ACCESS_DELETE, &st), STATUS_SUCCESS);
}

static void hidden_and_system_files_are_overwritten_only_as_such(void **state)
{
	static const uint32_t kept[] = {FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_SYSTEM, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		struct vfs_stat st = {.attributes = kept[i]};
		assert_status(existing(FILE_OVERWRITE_IF, 0, 0, 1, &st), STATUS_ACCESS_DENIED);
		assert_status(existing(FILE_OVERWRITE_IF, 0, kept[i], 1, &st), STATUS_SUCCESS);
		assert_status(existing(FILE_OPEN_IF, 0, 0, 1, &st), STATUS_SUCCESS);
	}
	struct vfs_stat both = {.attributes = kept[2]};
	assert_status(existing(FILE_OVERWRITE, 0, kept[0], 1, &both), STATUS_ACCESS_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_request_is_accepted),
		cmocka_unit_test(impersonation_beyond_delegate_is_bad),
		cmocka_unit_test(disposition_beyond_the_last_is_invalid),
		cmocka_unit_test(unknown_bits_are_invalid),
		cmocka_unit_test(no_access_and_unknown_access_are_denied),
		cmocka_unit_test(directory_is_neither_a_file_nor_overwritten),
		cmocka_unit_test(delete_on_close_asks_for_the_right_to_delete),
		cmocka_unit_test(open_by_id_is_not_supported),
		cmocka_unit_test(generic_rights_become_specific_ones),
		cmocka_unit_test(data_access_follows_the_rights),
		cmocka_unit_test(right_that_the_open_has_not_proved_must_be_looked_up),
		cmocka_unit_test(kind_must_be_the_one_that_was_asked_for),
		cmocka_unit_test(read_only_file_is_neither_written_nor_deleted),
		cmocka_unit_test(hidden_and_system_files_are_overwritten_only_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
