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
	static const uint8_t others[] = {0, FileRenameInformation, FileFullEaInformation, FileEndOfFileInformation,
		FileDispositionInformation, FileIdBothDirectoryInformation, 255};
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

static const struct dir_entry_facts some_entry = {
	.name = "file with a name.txt", .short_name = "FILEWI~1.TXT", .creation_time = 0x01D00000000000A1,
	.last_access_time = 0x01D00000000000A2, .last_write_time = 0x01D00000000000A3,
	.change_time = 0x01D00000000000A4, .end_of_file = 0x1234, .allocation_size = 0x2000,
	.attributes = FILE_ATTRIBUTE_ARCHIVE, .ea_size = 9, .file_id = 0x1122334455667788, .file_index = 5};

static const struct {
	uint8_t info_class;
	size_t fixed;
} dir_classes[] = {
	{FileDirectoryInformation, 64}, {FileFullDirectoryInformation, 68}, {FileBothDirectoryInformation, 94},
	{FileNamesInformation, 12}, {FileIdBothDirectoryInformation, 104}, {FileIdFullDirectoryInformation, 80},
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
			} while (++n < 4 && dir_info_append(&w, dir_classes[i].info_class, &some_entry, &last));
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
		FileIdBothDirectoryInformation, FileIdFullDirectoryInformation, FileIdExtdDirectoryInformation};

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
		assert_int_equal(seen.entries[0].ea_size, listing[i] == FileIdExtdDirectoryInformation ? 9 : 0);
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

static const struct fs_facts some_fs = {
	.volume_creation_time = 0x01D00000000000A1, .volume_serial = 0x8F3AC748, .label = "data",
	.total_units = 1000001, .caller_free_units = 500, .actual_free_units = 600, .sectors_per_unit = 8,
	.bytes_per_sector = 512, .device_type = 7, .device_characteristics = 0x20, .fs_attributes = 0x0001006F,
	.max_name_length = 255, .fs_name = "NTFS", .object_id = "0123456789abcde", .sector_physical = 4096,
	.sector_flags = 3};

static const struct {
	uint8_t info_class;
	size_t minimum, size;
} fs_classes[] = {
	{FileFsVolumeInformation, 24, 26}, {FileFsSizeInformation, 24, 24}, {FileFsDeviceInformation, 8, 8},
	{FileFsAttributeInformation, 16, 20}, {FileFsControlInformation, 48, 48}, {FileFsFullSizeInformation, 32, 32},
	{FileFsObjectIdInformation, 64, 64}, {FileFsSectorSizeInformation, 28, 28},
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
		assert_status(fs_info_encode(&w, fs_classes[i].info_class, &some_fs), STATUS_INFO_LENGTH_MISMATCH);
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
	static const uint8_t expected[] = {0xA1, 0, 0, 0, 0, 0, 0xD0, 1, 0x48, 0xC7, 0x3A, 0x8F, 8, 0, 0, 0, 0, 0,
		'd', 0, 'a', 0, 't', 0, 'a', 0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	fs_info_encode(&w, FileFsVolumeInformation, &some_fs);
	assert_memory_equal(buf, expected, sizeof(expected));
}

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
	static const uint8_t classes[] = {FileRenameInformation, FileRenameInformationEx, FileLinkInformation};

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
		cmocka_unit_test(every_filesystem_class_survives_a_round_trip),
		cmocka_unit_test(a_filesystem_buffer_below_the_minimum_is_a_length_mismatch),
		cmocka_unit_test(a_label_stands_behind_18_bytes),
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
