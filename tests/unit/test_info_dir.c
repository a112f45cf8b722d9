/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/info.h"
#include "wire/smb2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <talloc.h>

#include <cmocka.h>

enum { BUF = 4096 };

static const struct dir_entry_facts some_entry = {
	.name = "file with a name.txt", .short_name = "FILEWI~1.TXT", .creation_time = 0x01D00000000000A1,
	.last_access_time = 0x01D00000000000A2, .last_write_time = 0x01D00000000000A3,
	.change_time = 0x01D00000000000A4, .end_of_file = 0x1234, .allocation_size = 0x2000,
	.attributes = FILE_ATTRIBUTE_ARCHIVE, .ea_size = 9, .file_id = 0x1122334455667788, .file_index = 5};

static const struct {
	uint8_t info_class;
	size_t fixed;
} dir_classes[] = {
	{FileDirectoryInformation, 64}, {FileFullDirectoryInformation, 68},
	{FileBothDirectoryInformation, 94}, {FileNamesInformation, 12},
	{FileIdBothDirectoryInformation, 104}, {FileIdFullDirectoryInformation, 80},
	{FileIdExtdDirectoryInformation, 88},
};

static void directory_classes_have_the_sizes_of_the_specification(void **state)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dir_classes); i++) {
		uint8_t buf[BUF];
		struct wr w = wr_over(buf, sizeof(buf));
		size_t last = SIZE_MAX;

		assert_true(dir_info_fixed_size(dir_classes[i].info_class, &n));
		assert_int_equal(n, dir_classes[i].fixed);
		assert_true(dir_info_append(&w, dir_classes[i].info_class, &some_entry, &last));
		assert_int_equal(w.pos, n + 40);
	}
	assert_false(dir_info_fixed_size(FileBasicInformation, &n));
}

struct walked {
	unsigned count;
	unsigned stop_after;
	struct dir_entry_facts entries[8];
};

static bool remember(void *arg, const struct dir_entry_facts *e)
{
	struct walked *seen = arg;

	assert_true(seen->count < ARRAY_SIZE(seen->entries));
	seen->entries[seen->count++] = *e;
	return seen->count != seen->stop_after;
}

static size_t three_entries(uint8_t info_class, uint8_t *buf, size_t cap)
{
	static const char *const names[] = {".", "a", "file with a name.txt"};
	struct wr w = wr_over(buf, cap);
	size_t last = SIZE_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct dir_entry_facts e = some_entry;
		e.name = names[i];
		assert_true(dir_info_append(&w, info_class, &e, &last));
	}
	return w.pos;
}

static void directory_entries_are_linked_and_aligned(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(dir_classes); i++) {
		uint8_t buf[BUF];
		size_t n = three_entries(dir_classes[i].info_class, buf, sizeof(buf));
		struct rd r = rd_over(BYTES(buf, n));
		size_t next;

		for (int k = 0; k < 2; k++) {
			size_t start = r.pos;
			next = rd_u32(&r);
			assert_int_equal(next % 8, 0);
			assert_true(next >= dir_classes[i].fixed);
			rd_seek(&r, start + next);
		}
		assert_int_equal(rd_u32(&r), 0);
		assert_false(r.bad);
	}
}

static void directory_entries_survive_a_round_trip(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(dir_classes); i++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		uint8_t first[BUF], second[BUF];
		size_t n = three_entries(dir_classes[i].info_class, first, sizeof(first)), last = SIZE_MAX;
		struct walked seen = {0};
		struct wr w = wr_over(second, sizeof(second));

		assert_true(dir_info_walk(mem, dir_classes[i].info_class, BYTES(first, n), remember, &seen));
		assert_int_equal(seen.count, 3);
		assert_string_equal(seen.entries[2].name, some_entry.name);
		for (unsigned k = 0; k < seen.count; k++)
			assert_true(dir_info_append(&w, dir_classes[i].info_class, &seen.entries[k], &last));
		assert_int_equal(w.pos, n);
		assert_memory_equal(first, second, n);
		talloc_free(mem);
	}
}

static void an_entry_that_does_not_fit_leaves_the_writer_as_it_was(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(dir_classes); i++) {
		uint8_t buf[BUF];
		size_t whole = three_entries(dir_classes[i].info_class, buf, sizeof(buf));

		for (size_t cap = dir_classes[i].fixed + 42; cap < whole; cap++) {
			struct wr w = wr_over(buf, cap);
			size_t last = SIZE_MAX, pos, linked;
			unsigned n = 0;

			do {
				pos = w.pos;
				linked = last;
			} while (++n < 4 &&
				 dir_info_append(&w, dir_classes[i].info_class, &some_entry, &last));
			assert_int_equal(w.pos, pos);
			assert_int_equal(last, linked);
			assert_false(w.bad);
			assert_memory_equal(buf + last, "\0\0\0\0", 4);
		}
	}
}

static void entries_may_begin_behind_a_header(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));
	size_t last = SIZE_MAX;
	struct walked seen = {0};

	wr_zero(&w, 72);
	assert_true(dir_info_append(&w, FileNamesInformation, &some_entry, &last));
	assert_int_equal(last, 72);
	assert_true(dir_info_append(&w, FileNamesInformation, &some_entry, &last));
	assert_int_equal(last, 72 + 56);
	assert_true(dir_info_walk(mem, FileNamesInformation, BYTES(buf + 72, w.pos - 72), remember, &seen));
	assert_int_equal(seen.count, 2);
	talloc_free(mem);
}

/* [MS-FSCC] 2.4.17: the EaSize field of classes without one for the tag. */
static void a_reparse_point_shows_its_tag_in_place_of_the_ea_size(void **state)
{
	static const uint8_t listing[] = {FileFullDirectoryInformation, FileBothDirectoryInformation,
		FileIdBothDirectoryInformation, FileIdFullDirectoryInformation,
		FileIdExtdDirectoryInformation};

	for (size_t i = 0; i < ARRAY_SIZE(listing); i++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		uint8_t buf[BUF];
		struct wr w = wr_over(buf, sizeof(buf));
		struct dir_entry_facts e = some_entry;
		struct walked seen = {0};
		size_t last = SIZE_MAX;

		e.attributes = FILE_ATTRIBUTE_REPARSE_POINT;
		e.reparse_tag = 0xA000000C;
		assert_true(dir_info_append(&w, listing[i], &e, &last));
		assert_true(dir_info_walk(mem, listing[i], BYTES(buf, w.pos), remember, &seen));
		assert_int_equal(seen.entries[0].reparse_tag, 0xA000000C);
		assert_int_equal(
			seen.entries[0].ea_size, listing[i] == FileIdExtdDirectoryInformation ? 9 : 0);
		talloc_free(mem);
	}
}

static bool walks(uint8_t info_class, const uint8_t *data, size_t len, struct walked *seen)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	bool ok = dir_info_walk(mem, info_class, BYTES(copy, len), remember, seen);
	free(copy);
	talloc_free(mem);
	return ok;
}

static void a_listing_cut_short_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(dir_classes); i++) {
		uint8_t buf[BUF];
		size_t n = three_entries(dir_classes[i].info_class, buf, sizeof(buf));

		for (size_t cut = n - 1; cut > n - 41; cut--) {
			struct walked seen = {0};
			assert_false(walks(dir_classes[i].info_class, buf, cut, &seen));
		}
	}
}

static void a_next_offset_that_leads_astray_is_refused(void **state)
{
	static const uint32_t astray[] = {1, 4, 8, 11, BUF, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(astray); i++) {
		uint8_t buf[BUF];
		size_t n = three_entries(FileNamesInformation, buf, sizeof(buf));
		struct wr w = {.base = buf, .cap = n, .pos = n};
		struct walked seen = {0};

		wr_patch(&w, 0, astray[i], 4);
		assert_false(walks(FileNamesInformation, buf, n, &seen));
		assert_int_equal(seen.count, 0);
	}
}

static void a_walk_stops_when_told_to(void **state)
{
	uint8_t buf[BUF];
	size_t n = three_entries(FileBothDirectoryInformation, buf, sizeof(buf));
	struct walked seen = {.stop_after = 2};

	assert_true(walks(FileBothDirectoryInformation, buf, n, &seen));
	assert_int_equal(seen.count, 2);
}

static void a_short_name_longer_than_its_field_is_refused(void **state)
{
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));
	struct dir_entry_facts e = some_entry;
	struct walked seen = {0};
	size_t last = SIZE_MAX;

	e.short_name = "THIRTEENCHARS";
	assert_false(dir_info_append(&w, FileBothDirectoryInformation, &e, &last));
	assert_int_equal(w.pos, 0);
	assert_true(dir_info_append(&w, FileBothDirectoryInformation, &some_entry, &last));
	buf[68] = 26;
	assert_false(walks(FileBothDirectoryInformation, buf, w.pos, &seen));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directory_classes_have_the_sizes_of_the_specification),
		cmocka_unit_test(directory_entries_are_linked_and_aligned),
		cmocka_unit_test(directory_entries_survive_a_round_trip),
		cmocka_unit_test(an_entry_that_does_not_fit_leaves_the_writer_as_it_was),
		cmocka_unit_test(entries_may_begin_behind_a_header),
		cmocka_unit_test(a_reparse_point_shows_its_tag_in_place_of_the_ea_size),
		cmocka_unit_test(a_listing_cut_short_is_refused),
		cmocka_unit_test(a_next_offset_that_leads_astray_is_refused),
		cmocka_unit_test(a_walk_stops_when_told_to),
		cmocka_unit_test(a_short_name_longer_than_its_field_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
