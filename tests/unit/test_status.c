/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/bytes.h"
#include "core/status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define X(name, value) {#name, value},
static const struct {
	const char *name;
	ntstatus_t code;
} table[] = {NTSTATUS_TABLE(X)};
#undef X

static void every_status_has_its_name(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_string_equal(status_name(table[i].code), table[i].name);
}

static void no_code_stands_in_the_table_twice(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		for (size_t k = 0; k < i; k++)
			if (table[i].code == table[k].code)
				fail_msg("%s and %s", table[k].name, table[i].name);
}

static void a_code_outside_the_table_is_shown_in_hexadecimal(void **state)
{
	assert_string_equal(status_name(0xC0FFEE00), "0xC0FFEE00");
	assert_string_equal(status_name(0x0000ABCD), "0x0000ABCD");
}

static void only_severity_three_is_an_error(void **state)
{
	assert_true(status_is_error(STATUS_ACCESS_DENIED));
	assert_true(status_is_error(STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP));
	assert_false(status_is_error(STATUS_SUCCESS));
	assert_false(status_is_error(STATUS_PENDING));
	assert_false(status_is_error(STATUS_BUFFER_OVERFLOW));
	assert_false(status_is_error(STATUS_NO_MORE_FILES));
	assert_true(status_is_ok(STATUS_SUCCESS));
	assert_false(status_is_ok(STATUS_PENDING));
}

static void errno_becomes_the_status_that_clients_expect(void **state)
{
	static const struct {
		int err;
		ntstatus_t code;
	} rows[] = {
		{0, STATUS_SUCCESS},
		{5, STATUS_SUCCESS},
		{-EACCES, STATUS_ACCESS_DENIED},
		{-EPERM, STATUS_ACCESS_DENIED},
		{-ENOENT, STATUS_OBJECT_NAME_NOT_FOUND},
		{-ENOTDIR, STATUS_OBJECT_PATH_NOT_FOUND},
		{-EEXIST, STATUS_OBJECT_NAME_COLLISION},
		{-ENOSPC, STATUS_DISK_FULL},
		{-ENOTEMPTY, STATUS_DIRECTORY_NOT_EMPTY},
		{-EISDIR, STATUS_FILE_IS_A_DIRECTORY},
		{-ECANCELED, STATUS_CANCELLED},
		{-EXDEV, STATUS_NOT_SAME_DEVICE},
		{-ENOMEM, STATUS_INSUFFICIENT_RESOURCES},
		{-EIO, STATUS_UNEXPECTED_IO_ERROR},
		{-EUCLEAN, STATUS_UNEXPECTED_IO_ERROR},
		{-EBADMSG, STATUS_UNEXPECTED_IO_ERROR},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(status_from_errno(rows[i].err), rows[i].code);
}

static void every_errno_becomes_an_error(void **state)
{
	for (int err = 1; err < 4096; err++)
		assert_true(status_is_error(status_from_errno(-err)));
	assert_true(status_from_errno(-4095) == (ntstatus_t)STATUS_UNSUCCESSFUL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_its_name),
		cmocka_unit_test(no_code_stands_in_the_table_twice),
		cmocka_unit_test(a_code_outside_the_table_is_shown_in_hexadecimal),
		cmocka_unit_test(only_severity_three_is_an_error),
		cmocka_unit_test(errno_becomes_the_status_that_clients_expect),
		cmocka_unit_test(every_errno_becomes_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
