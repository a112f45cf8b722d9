/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/info.h"
#include "wire/smb2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <talloc.h>

#include <cmocka.h>

enum { BUF = 4096 };

#define assert_status(got, expected) assert_int_equal((ntstatus_t)(got), (ntstatus_t)(expected))

static const struct file_stream_fact some_streams[] = {
	{"::$DATA", 6, 4096}, {":Zone.Identifier:$DATA", 26, 4096}, {":x:$DATA", 1, 4096}};

static const struct file_facts some_file = {
	.creation_time = 0x01D00000000000A1, .last_access_time = 0x01D00000000000A2,
	.last_write_time = 0x01D00000000000A3, .change_time = 0x01D00000000000A4,
	.attributes = FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_REPARSE_POINT,
	.allocation_size = 0x12000, .end_of_file = 0x11234, .number_of_links = 3, .delete_pending = true,
	.directory = true, .file_id = 0x1122334455667788, .volume_id = 0x99AABBCCDDEEFF00, .ea_size = 77,
	.access_flags = 0x001F01FF, .position = 0x8001, .mode = 2, .alignment = 1, .reparse_tag = 0xA000000C,
	.name = "\\dir\\f\xC3\xA9.txt", .short_name = "F~1.TXT", .streams = some_streams,
	.stream_count = ARRAY_SIZE(some_streams)};

/* Sizes of [MS-FSCC] 2.4 with the facts above: 10 characters in the name, 7 in the short name. */
static const struct {
	uint8_t info_class;
	size_t minimum, size;
	uint32_t access;
} file_classes[] = {
	{FileBasicInformation, 40, 40, FILE_READ_ATTRIBUTES},
	{FileStandardInformation, 24, 24, 0},
	{FileInternalInformation, 8, 8, 0},
	{FileEaInformation, 4, 4, 0},
	{FileAccessInformation, 4, 4, 0},
	{FileNameInformation, 8, 4 + 22, 0},
	{FilePositionInformation, 8, 8, 0},
	{FileModeInformation, 4, 4, 0},
	{FileAlignmentInformation, 4, 4, 0},
	{FileAllInformation, 104, 100 + 22, FILE_READ_ATTRIBUTES},
	{FileAlternateNameInformation, 8, 4 + 14, 0},
	{FileStreamInformation, 32, 40 + 72 + 40, 0},
	{FileCompressionInformation, 16, 16, 0},
	{FileNetworkOpenInformation, 56, 56, FILE_READ_ATTRIBUTES},
	{FileAttributeTagInformation, 8, 8, FILE_READ_ATTRIBUTES},
	{FileNormalizedNameInformation, 8, 4 + 20, 0},
	{FileIdInformation, 24, 24, 0},
};

static void every_file_class_has_the_size_of_the_specification(void **state)
{
	uint8_t buf[BUF];

	for (size_t i = 0; i < ARRAY_SIZE(file_classes); i++) {
		struct wr w = wr_over(buf, sizeof(buf));
		assert_status(file_info_encode(&w, file_classes[i].info_class, &some_file), STATUS_SUCCESS);
		if (w.pos != file_classes[i].size)
			fail_msg("class %u takes %zu bytes", file_classes[i].info_class, w.pos);
	}
}

static void every_file_class_survives_a_round_trip(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(file_classes); i++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		uint8_t first[BUF], second[BUF];
		struct wr a = wr_over(first, sizeof(first)), b = wr_over(second, sizeof(second));
		struct file_facts f = {0};

		file_info_encode(&a, file_classes[i].info_class, &some_file);
		assert_true(file_info_decode(mem, file_classes[i].info_class, BYTES(first, a.pos), &f));
		assert_status(file_info_encode(&b, file_classes[i].info_class, &f), STATUS_SUCCESS);
		assert_int_equal(a.pos, b.pos);
		assert_memory_equal(first, second, a.pos);
		talloc_free(mem);
	}
}

static void all_information_carries_every_fact(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));
	struct file_facts f = {0};

	file_info_encode(&w, FileAllInformation, &some_file);
	assert_true(file_info_decode(mem, FileAllInformation, BYTES(buf, w.pos), &f));
	assert_int_equal(f.change_time, some_file.change_time);
	assert_int_equal(f.attributes, some_file.attributes);
	assert_int_equal(f.end_of_file, some_file.end_of_file);
	assert_int_equal(f.number_of_links, 3);
	assert_true(f.delete_pending && f.directory);
	assert_int_equal(f.file_id, some_file.file_id);
	assert_int_equal(f.ea_size, 77);
	assert_int_equal(f.access_flags, 0x001F01FF);
	assert_int_equal(f.position, 0x8001);
	assert_int_equal(f.mode, 2);
	assert_int_equal(f.alignment, 1);
	assert_string_equal(f.name, some_file.name);
	talloc_free(mem);
}

/* [MS-SMB2] 3.3.5.20.1: not even the fixed part fits. */
static void a_buffer_below_the_minimum_is_a_length_mismatch(void **state)
{
	uint8_t buf[BUF];

	for (size_t i = 0; i < ARRAY_SIZE(file_classes); i++) {
		for (size_t cap = 0; cap < file_classes[i].minimum; cap++) {
			struct wr w = wr_over(buf, cap);
			assert_status(file_info_encode(&w, file_classes[i].info_class, &some_file),
				STATUS_INFO_LENGTH_MISMATCH);
			assert_int_equal(w.pos, 0);
			assert_false(w.bad);
		}
		struct wr w = wr_over(buf, file_classes[i].minimum);
		assert_false(status_is_error(file_info_encode(&w, file_classes[i].info_class, &some_file)));
	}
}

static void a_name_that_does_not_fit_is_cut_and_keeps_its_full_length(void **state)
{
	uint8_t buf[BUF];

	for (size_t cap = 8; cap < 26; cap++) {
		struct wr w = wr_over(buf, cap);
		assert_status(file_info_encode(&w, FileNameInformation, &some_file), STATUS_BUFFER_OVERFLOW);
		assert_int_equal(w.pos, cap);
		assert_false(w.bad);
		assert_int_equal(buf[0], 22);
	}
}

static void streams_that_do_not_fit_are_left_out_whole(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, 40 + 72 + 39);
	struct file_facts f = {0};

	assert_status(file_info_encode(&w, FileStreamInformation, &some_file), STATUS_BUFFER_OVERFLOW);
	assert_int_equal(w.pos, 40 + 68);
	assert_true(file_info_decode(mem, FileStreamInformation, BYTES(buf, w.pos), &f));
	assert_int_equal(f.stream_count, 2);
	assert_string_equal(f.streams[1].name, ":Zone.Identifier:$DATA");
	assert_int_equal(f.streams[1].size, 26);
	talloc_free(mem);
}

static void a_file_without_streams_has_an_empty_list(void **state)
{
	struct file_facts f = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	assert_status(file_info_encode(&w, FileStreamInformation, &f), STATUS_SUCCESS);
	assert_int_equal(w.pos, 0);
}

static void a_file_without_a_short_name_has_no_alternate_name(void **state)
{
	struct file_facts f = some_file;
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	f.short_name = NULL;
	assert_status(file_info_encode(&w, FileAlternateNameInformation, &f), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(w.pos, 0);
}

static void the_reparse_tag_shows_only_on_reparse_points(void **state)
{
	struct file_facts f = some_file;
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	f.attributes = FILE_ATTRIBUTE_ARCHIVE;
	file_info_encode(&w, FileAttributeTagInformation, &f);
	assert_memory_equal(buf, "\x20\0\0\0\0\0\0\0", 8);
}

static void set_only_and_unknown_classes_cannot_be_queried(void **state)
{
	static const uint8_t others[] = {0, FileRenameInformation, FileFullEaInformation,
		FileEndOfFileInformation, FileDispositionInformation, FileIdBothDirectoryInformation, 255};
	uint8_t buf[BUF];

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct wr w = wr_over(buf, sizeof(buf));
		struct file_facts f = {0};
		assert_status(file_info_encode(&w, others[i], &some_file), STATUS_INVALID_INFO_CLASS);
		assert_false(file_info_decode(NULL, others[i], BYTES(buf, sizeof(buf)), &f));
	}
}

static void a_query_needs_the_access_of_its_class(void **state)
{
	uint32_t access = 1;

	for (size_t i = 0; i < ARRAY_SIZE(file_classes); i++) {
		assert_true(file_info_required_access(file_classes[i].info_class, &access));
		assert_int_equal(access, file_classes[i].access);
	}
	assert_true(file_info_required_access(FileFullEaInformation, &access));
	assert_int_equal(access, FILE_READ_EA);
	assert_false(file_info_required_access(FileRenameInformation, &access));
}

/* Decodes a copy in memory of its own, so that a sanitizer sees a read behind the end. */
static bool decodes_file(uint8_t info_class, const uint8_t *data, size_t len)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct file_facts f = {0};
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	bool ok = file_info_decode(mem, info_class, BYTES(copy, len), &f);
	free(copy);
	talloc_free(mem);
	return ok;
}

static void file_information_cut_short_is_refused(void **state)
{
	uint8_t buf[BUF];

	for (size_t i = 0; i < ARRAY_SIZE(file_classes); i++) {
		struct wr w = wr_over(buf, sizeof(buf));
		file_info_encode(&w, file_classes[i].info_class, &some_file);
		for (size_t n = file_classes[i].info_class == FileStreamInformation; n < w.pos; n++)
			if (decodes_file(file_classes[i].info_class, buf, n))
				fail_msg("class %u decodes from %zu bytes", file_classes[i].info_class, n);
	}
}

static const struct fs_facts some_fs = {
	.volume_creation_time = 0x01D00000000000A1, .volume_serial = 0x8F3AC748, .label = "data",
	.total_units = 1000001, .caller_free_units = 500, .actual_free_units = 600, .sectors_per_unit = 8,
	.bytes_per_sector = 512, .device_type = 7, .device_characteristics = 0x20,
	.fs_attributes = 0x0001006F, .max_name_length = 255, .fs_name = "NTFS",
	.object_id = "0123456789abcde", .sector_physical = 4096, .sector_flags = 3};

static const struct {
	uint8_t info_class;
	size_t minimum, size;
} fs_classes[] = {
	{FileFsVolumeInformation, 24, 26}, {FileFsSizeInformation, 24, 24}, {FileFsDeviceInformation, 8, 8},
	{FileFsAttributeInformation, 16, 20}, {FileFsControlInformation, 48, 48},
	{FileFsFullSizeInformation, 32, 32}, {FileFsObjectIdInformation, 64, 64},
	{FileFsSectorSizeInformation, 28, 28},
};

static void every_filesystem_class_survives_a_round_trip(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(fs_classes); i++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		uint8_t first[BUF], second[BUF];
		struct wr a = wr_over(first, sizeof(first)), b = wr_over(second, sizeof(second));
		struct fs_facts f = {0};

		assert_status(fs_info_encode(&a, fs_classes[i].info_class, &some_fs), STATUS_SUCCESS);
		assert_int_equal(a.pos, fs_classes[i].size);
		assert_true(fs_info_decode(mem, fs_classes[i].info_class, BYTES(first, a.pos), &f));
		assert_status(fs_info_encode(&b, fs_classes[i].info_class, &f), STATUS_SUCCESS);
		assert_int_equal(b.pos, a.pos);
		assert_memory_equal(first, second, a.pos);
		for (size_t n = 0; n < a.pos; n++)
			assert_false(fs_info_decode(mem, fs_classes[i].info_class, BYTES(first, n), &f));
		talloc_free(mem);
	}
}

static void a_filesystem_buffer_below_the_minimum_is_a_length_mismatch(void **state)
{
	uint8_t buf[BUF];

	for (size_t i = 0; i < ARRAY_SIZE(fs_classes); i++) {
		struct wr w = wr_over(buf, fs_classes[i].minimum - 1);
		assert_status(
			fs_info_encode(&w, fs_classes[i].info_class, &some_fs), STATUS_INFO_LENGTH_MISMATCH);
		assert_int_equal(w.pos, 0);
		w = wr_over(buf, fs_classes[i].minimum);
		assert_status(fs_info_encode(&w, fs_classes[i].info_class, &some_fs),
			fs_classes[i].minimum < fs_classes[i].size ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS);
		assert_int_equal(w.pos, fs_classes[i].minimum);
	}
	struct wr w = wr_over(buf, sizeof(buf));
	assert_status(fs_info_encode(&w, FileFsLabelInformation, &some_fs), STATUS_INVALID_INFO_CLASS);
}

static void a_label_stands_behind_18_bytes(void **state)
{
	static const uint8_t expected[] = {0xA1, 0, 0, 0, 0, 0, 0xD0, 1, 0x48, 0xC7, 0x3A, 0x8F, 8, 0, 0, 0,
		0, 0, 'd', 0, 'a', 0, 't', 0, 'a', 0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	fs_info_encode(&w, FileFsVolumeInformation, &some_fs);
	assert_memory_equal(buf, expected, sizeof(expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_class_has_the_size_of_the_specification),
		cmocka_unit_test(every_file_class_survives_a_round_trip),
		cmocka_unit_test(all_information_carries_every_fact),
		cmocka_unit_test(a_buffer_below_the_minimum_is_a_length_mismatch),
		cmocka_unit_test(a_name_that_does_not_fit_is_cut_and_keeps_its_full_length),
		cmocka_unit_test(streams_that_do_not_fit_are_left_out_whole),
		cmocka_unit_test(a_file_without_streams_has_an_empty_list),
		cmocka_unit_test(a_file_without_a_short_name_has_no_alternate_name),
		cmocka_unit_test(the_reparse_tag_shows_only_on_reparse_points),
		cmocka_unit_test(set_only_and_unknown_classes_cannot_be_queried),
		cmocka_unit_test(a_query_needs_the_access_of_its_class),
		cmocka_unit_test(file_information_cut_short_is_refused),
		cmocka_unit_test(every_filesystem_class_survives_a_round_trip),
		cmocka_unit_test(a_filesystem_buffer_below_the_minimum_is_a_length_mismatch),
		cmocka_unit_test(a_label_stands_behind_18_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
