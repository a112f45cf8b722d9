/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/info.h"
#include "wire/smb2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <talloc.h>

#include <cmocka.h>

enum { BUF = 4096 };

static void basic_information_survives_a_round_trip(void **state)
{
	struct file_basic_info in = {1, UINT64_MAX, UINT64_MAX - 1, 4, FILE_ATTRIBUTE_HIDDEN}, out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	file_basic_info_encode(&w, &in);
	assert_int_equal(w.pos, 40);
	assert_true(file_basic_info_decode(BYTES(buf, 40), &out));
	assert_int_equal(out.creation_time, 1);
	assert_int_equal(out.last_access_time, UINT64_MAX);
	assert_int_equal(out.last_write_time, UINT64_MAX - 1);
	assert_int_equal(out.change_time, 4);
	assert_int_equal(out.attributes, FILE_ATTRIBUTE_HIDDEN);
	assert_false(file_basic_info_decode(BYTES(buf, 39), &out));
}

static void renames_survive_a_round_trip(void **state)
{
	static const uint8_t classes[] = {
		FileRenameInformation, FileRenameInformationEx, FileLinkInformation};

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		uint32_t flags = classes[i] == FileRenameInformationEx ? 0x43 : 1;
		struct file_rename_info in = {flags, 0, BYTES("n\0e\0w\0", 6)}, out = {0};
		uint8_t buf[BUF];
		struct wr w = wr_over(buf, sizeof(buf));

		file_rename_info_encode(&w, classes[i], &in);
		assert_int_equal(w.pos, 26);
		assert_true(file_rename_info_decode(BYTES(buf, 26), classes[i], &out));
		assert_int_equal(out.flags, flags);
		assert_int_equal(out.root_directory, 0);
		assert_true(bytes_equal(in.name, out.name));
		for (size_t n = 0; n < 26; n++)
			assert_false(file_rename_info_decode(BYTES(buf, n), classes[i], &out));
	}
}

static void a_rename_ignores_bytes_behind_the_name(void **state)
{
	struct file_rename_info in = {1, 0, BYTES("n\0", 2)}, out = {0};
	uint8_t buf[32] = {0};
	struct wr w = wr_over(buf, sizeof(buf));

	file_rename_info_encode(&w, FileRenameInformation, &in);
	assert_true(file_rename_info_decode(BYTES(buf, 24), FileRenameInformation, &out));
	assert_int_equal(out.name.len, 2);
}

static void dispositions_survive_a_round_trip(void **state)
{
	uint8_t buf[8];
	uint32_t flags = 0;
	struct wr w = wr_over(buf, sizeof(buf));

	file_disposition_info_encode(&w, FileDispositionInformation, 1);
	assert_int_equal(w.pos, 1);
	assert_true(file_disposition_info_decode(BYTES(buf, 1), FileDispositionInformation, &flags));
	assert_int_equal(flags, 1);
	assert_false(file_disposition_info_decode(BYTES(buf, 0), FileDispositionInformation, &flags));
	w = wr_over(buf, sizeof(buf));
	file_disposition_info_encode(&w, FileDispositionInformationEx, 0x13);
	assert_true(file_disposition_info_decode(BYTES(buf, 4), FileDispositionInformationEx, &flags));
	assert_int_equal(flags, 0x13);
	assert_false(file_disposition_info_decode(BYTES(buf, 3), FileDispositionInformationEx, &flags));
}

static void a_number_of_64_bits_survives_a_round_trip(void **state)
{
	uint8_t buf[8];
	uint64_t v = 0;
	struct wr w = wr_over(buf, sizeof(buf));

	file_u64_info_encode(&w, 0x1122334455667788);
	assert_true(file_u64_info_decode(BYTES(buf, 8), &v));
	assert_int_equal(v, 0x1122334455667788);
	assert_false(file_u64_info_decode(BYTES(buf, 7), &v));
}

struct eas {
	unsigned count;
	struct ea_fact list[4];
	const char *names[4];
};

static bool remember_ea(void *arg, const struct ea_fact *e)
{
	struct eas *seen = arg;

	assert_true(seen->count < ARRAY_SIZE(seen->list));
	seen->list[seen->count++] = *e;
	return true;
}

static bool remember_ea_name(void *arg, const char *name)
{
	struct eas *seen = arg;

	assert_true(seen->count < ARRAY_SIZE(seen->names));
	seen->names[seen->count++] = name;
	return true;
}

static size_t two_eas(uint8_t *buf, size_t cap)
{
	struct ea_fact a = {"ONE", 0x80, BYTES("v1", 2)}, b = {"SECOND", 0, BYTES(NULL, 0)};
	struct wr w = wr_over(buf, cap);
	size_t last = SIZE_MAX;

	assert_true(ea_append(&w, &a, &last));
	assert_true(ea_append(&w, &b, &last));
	return w.pos;
}

static void extended_attributes_survive_a_round_trip(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	uint8_t buf[BUF];
	size_t n = two_eas(buf, sizeof(buf));
	struct eas seen = {0};

	assert_int_equal(n, 16 + 15);
	assert_true(ea_walk(mem, BYTES(buf, n), remember_ea, &seen));
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.list[0].name, "ONE");
	assert_int_equal(seen.list[0].flags, 0x80);
	assert_true(bytes_equal(seen.list[0].value, BYTES("v1", 2)));
	assert_string_equal(seen.list[1].name, "SECOND");
	assert_int_equal(seen.list[1].value.len, 0);
	talloc_free(mem);
}

static void an_extended_attribute_has_the_layout_of_the_specification(void **state)
{
	static const uint8_t expected[] = {16, 0, 0, 0, 0x80, 3, 2, 0, 'O', 'N', 'E', 0, 'v', '1', 0, 0,
		0, 0, 0, 0, 0, 6, 0, 0, 'S', 'E', 'C', 'O', 'N', 'D', 0};
	uint8_t buf[BUF];

	assert_int_equal(two_eas(buf, sizeof(buf)), sizeof(expected));
	assert_memory_equal(buf, expected, sizeof(expected));
}

static void an_extended_attribute_too_long_for_its_fields_is_not_written(void **state)
{
	char name[257];
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));
	struct ea_fact e = {name, 0, BYTES("v", 1)};
	size_t last = SIZE_MAX;

	memset(name, 'n', 256);
	name[256] = 0;
	assert_false(ea_append(&w, &e, &last));
	name[255] = 0;
	e.value = BYTES(buf, 0x10000);
	assert_false(ea_append(&w, &e, &last));
	assert_int_equal(w.pos, 0);
	assert_false(w.bad);
	e.value = BYTES("v", 1);
	assert_true(ea_append(&w, &e, &last));
}

static bool walks_eas(const uint8_t *data, size_t len)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	uint8_t *copy = malloc(len ? len : 1);
	struct eas seen = {0};

	memcpy(copy, data, len);
	bool ok = ea_walk(mem, BYTES(copy, len), remember_ea, &seen);
	free(copy);
	talloc_free(mem);
	return ok;
}

static void malformed_extended_attributes_are_refused(void **state)
{
	uint8_t buf[BUF];
	size_t n = two_eas(buf, sizeof(buf));

	assert_true(walks_eas(buf, n));
	for (size_t cut = 1; cut < n; cut++)
		assert_false(walks_eas(buf, cut));
	buf[11] = 'X'; /* no terminator */
	assert_false(walks_eas(buf, n));
	buf[11] = 0;
	buf[5] = 0; /* no name */
	assert_false(walks_eas(buf, n));
	buf[5] = 3;
	buf[9] = 0; /* a terminator inside the name */
	assert_false(walks_eas(buf, n));
	buf[9] = 'N';
	buf[0] = 4; /* the next entry inside this one */
	assert_false(walks_eas(buf, n));
	buf[0] = 16;
	assert_true(walks_eas(buf, n));
}

static void a_list_of_attribute_names_survives_a_round_trip(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));
	size_t last = SIZE_MAX;
	struct eas seen = {0};

	assert_true(ea_name_append(&w, "ONE", &last));
	assert_true(ea_name_append(&w, "SECOND", &last));
	assert_int_equal(w.pos, 12 + 12);
	assert_true(ea_name_walk(mem, BYTES(buf, w.pos), remember_ea_name, &seen));
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.names[0], "ONE");
	assert_string_equal(seen.names[1], "SECOND");
	assert_false(ea_name_walk(mem, BYTES(buf, w.pos - 1), remember_ea_name, &seen));
	talloc_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(basic_information_survives_a_round_trip),
		cmocka_unit_test(renames_survive_a_round_trip),
		cmocka_unit_test(a_rename_ignores_bytes_behind_the_name),
		cmocka_unit_test(dispositions_survive_a_round_trip),
		cmocka_unit_test(a_number_of_64_bits_survives_a_round_trip),
		cmocka_unit_test(extended_attributes_survive_a_round_trip),
		cmocka_unit_test(an_extended_attribute_has_the_layout_of_the_specification),
		cmocka_unit_test(an_extended_attribute_too_long_for_its_fields_is_not_written),
		cmocka_unit_test(malformed_extended_attributes_are_refused),
		cmocka_unit_test(a_list_of_attribute_names_survives_a_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
