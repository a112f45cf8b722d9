/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/codecs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HDR = SMB2_HEADER_SIZE, MESSAGE_MAX = 1024 };

static const struct codec *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++)
		if (codec_is(&codecs[i], name))
			return &codecs[i];
	fail_msg("no codec %s", name);
	return NULL;
}

static struct bytes sample_message(const struct codec *c, uint8_t *buf, size_t cap)
{
	struct wr w = wr_over(buf, cap);

	codec_write(c, &w, c->sample);
	assert_false(w.bad);
	return BYTES(buf, w.pos);
}

static void put(uint8_t *message, size_t offset, uint64_t v, size_t n)
{
	struct wr w = {.base = message, .cap = offset + n, .pos = offset + n};

	wr_patch(&w, offset, v, n);
	assert_false(w.bad);
}

/* Decodes a copy in memory of its own, so that a sanitizer sees a read behind the end. */
static bool decodes(const struct codec *c, const uint8_t *message, size_t len)
{
	uint64_t out[CODEC_STRUCT_MAX / 8];
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, message, len);
	bool ok = codec_read(c, BYTES(copy, len), out);
	free(copy);
	return ok;
}

static void every_sample_survives_a_round_trip(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	uint64_t out[CODEC_STRUCT_MAX / 8];

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		const struct codec *c = &codecs[i];
		struct bytes message = sample_message(c, buf, sizeof(buf));
		if (!codec_read(c, message, out) || !codec_equal(c, c->sample, out))
			fail_msg("%s differs after a round trip", c->name);
	}
}

/* Offsets, widths and values as [MS-SMB2] 2.2 draws them, from the start of the SMB2 header. */
static const struct {
	const char *codec;
	size_t offset, width;
	uint64_t value;
} layout[] = {
	{"smb2_negotiate_req", HDR + 2, 2, 3},
	{"smb2_negotiate_req", HDR + 4, 2, 1},
	{"smb2_negotiate_req", HDR + 8, 4, 0x7F},
	{"smb2_negotiate_req", HDR + 12, 4, 0xF3F2F1F0},
	{"smb2_negotiate_req", HDR + 28, 4, 112}, /* 64 + 36 + 3 dialects, rounded up to 8 */
	{"smb2_negotiate_req", HDR + 32, 2, 2},
	{"smb2_negotiate_req", HDR + 36, 2, 0x0210},
	{"smb2_negotiate_req", HDR + 40, 2, 0x0311},
	{"smb2_negotiate_rsp", HDR + 2, 2, 3},
	{"smb2_negotiate_rsp", HDR + 4, 2, 0x0311},
	{"smb2_negotiate_rsp", HDR + 6, 2, 1},
	{"smb2_negotiate_rsp", HDR + 8, 4, 0xF3F2F1F0},
	{"smb2_negotiate_rsp", HDR + 24, 4, 0x2F},
	{"smb2_negotiate_rsp", HDR + 28, 4, 0x10001},
	{"smb2_negotiate_rsp", HDR + 32, 4, 0x20002},
	{"smb2_negotiate_rsp", HDR + 36, 4, 0x30003},
	{"smb2_negotiate_rsp", HDR + 40, 8, 0x0102030405060708},
	{"smb2_negotiate_rsp", HDR + 48, 8, 0x1112131415161718},
	{"smb2_negotiate_rsp", HDR + 56, 2, 128},
	{"smb2_negotiate_rsp", HDR + 58, 2, 6},
	{"smb2_negotiate_rsp", HDR + 60, 4, 136},
	{"smb2_session_setup_req", HDR + 2, 1, 1},
	{"smb2_session_setup_req", HDR + 3, 1, 2},
	{"smb2_session_setup_req", HDR + 4, 4, 0x11},
	{"smb2_session_setup_req", HDR + 8, 4, 0x21},
	{"smb2_session_setup_req", HDR + 12, 2, 88},
	{"smb2_session_setup_req", HDR + 14, 2, 5},
	{"smb2_session_setup_req", HDR + 16, 8, 0x8182838485868788},
	{"smb2_session_setup_rsp", HDR + 2, 2, 4},
	{"smb2_session_setup_rsp", HDR + 4, 2, 72},
	{"smb2_session_setup_rsp", HDR + 6, 2, 6},
	{"smb2_tree_connect_req", HDR + 2, 2, 1},
	{"smb2_tree_connect_req", HDR + 4, 2, 72},
	{"smb2_tree_connect_req", HDR + 6, 2, 10},
	{"smb2_tree_connect_rsp", HDR + 2, 1, 2},
	{"smb2_tree_connect_rsp", HDR + 4, 4, 0x8030},
	{"smb2_tree_connect_rsp", HDR + 8, 4, 0x10},
	{"smb2_tree_connect_rsp", HDR + 12, 4, 0x001F01FF},
	{"smb2_create_req", HDR + 3, 1, 0xFF},
	{"smb2_create_req", HDR + 4, 4, 2},
	{"smb2_create_req", HDR + 24, 4, 0x00120089},
	{"smb2_create_req", HDR + 28, 4, 0x80},
	{"smb2_create_req", HDR + 32, 4, 7},
	{"smb2_create_req", HDR + 36, 4, 1},
	{"smb2_create_req", HDR + 40, 4, 0x40},
	{"smb2_create_req", HDR + 44, 2, 120},
	{"smb2_create_req", HDR + 46, 2, 6},
	{"smb2_create_req", HDR + 48, 4, 128},
	{"smb2_create_req", HDR + 52, 4, 15},
	{"smb2_create_rsp", HDR + 2, 1, 9},
	{"smb2_create_rsp", HDR + 3, 1, 1},
	{"smb2_create_rsp", HDR + 4, 4, 2},
	{"smb2_create_rsp", HDR + 8, 8, 0x0101010101010101},
	{"smb2_create_rsp", HDR + 16, 8, 0x0202020202020202},
	{"smb2_create_rsp", HDR + 24, 8, 0x0303030303030303},
	{"smb2_create_rsp", HDR + 32, 8, 0x0404040404040404},
	{"smb2_create_rsp", HDR + 40, 8, 0x0505050505050505},
	{"smb2_create_rsp", HDR + 48, 8, 0x0606060606060606},
	{"smb2_create_rsp", HDR + 56, 4, 0x20},
	{"smb2_create_rsp", HDR + 64, 8, 0x1112131415161718},
	{"smb2_create_rsp", HDR + 72, 8, 0x2122232425262728},
	{"smb2_create_rsp", HDR + 80, 4, 152},
	{"smb2_create_rsp", HDR + 84, 4, 8},
	{"smb2_close_req", HDR + 2, 2, 1},
	{"smb2_close_req", HDR + 8, 8, 0x1112131415161718},
	{"smb2_close_rsp", HDR + 2, 2, 1},
	{"smb2_close_rsp", HDR + 8, 8, 0x0101010101010101},
	{"smb2_close_rsp", HDR + 16, 8, 0x0202020202020202},
	{"smb2_close_rsp", HDR + 24, 8, 0x0303030303030303},
	{"smb2_close_rsp", HDR + 32, 8, 0x0404040404040404},
	{"smb2_close_rsp", HDR + 40, 8, 0x0505050505050505},
	{"smb2_close_rsp", HDR + 48, 8, 0x0606060606060606},
	{"smb2_close_rsp", HDR + 56, 4, 0x20},
	{"smb2_flush_req", HDR + 8, 8, 0x1112131415161718},
	{"smb2_read_req", HDR + 3, 1, 1},
	{"smb2_read_req", HDR + 4, 4, 0x10000},
	{"smb2_read_req", HDR + 8, 8, 0x3132333435363738},
	{"smb2_read_req", HDR + 16, 8, 0x1112131415161718},
	{"smb2_read_req", HDR + 32, 4, 5},
	{"smb2_read_req", HDR + 36, 4, 2},
	{"smb2_read_req", HDR + 40, 4, 6},
	{"smb2_read_req", HDR + 44, 2, 112},
	{"smb2_read_req", HDR + 46, 2, 16},
	{"smb2_read_rsp", HDR + 2, 1, 80},
	{"smb2_read_rsp", HDR + 4, 4, 7},
	{"smb2_read_rsp", HDR + 8, 4, 8},
	{"smb2_write_req", HDR + 2, 2, 112},
	{"smb2_write_req", HDR + 4, 4, 7},
	{"smb2_write_req", HDR + 8, 8, 0x3132333435363738},
	{"smb2_write_req", HDR + 16, 8, 0x1112131415161718},
	{"smb2_write_req", HDR + 44, 4, 1},
	{"smb2_write_rsp", HDR + 4, 4, 0x00123456},
	{"smb2_lock_req", HDR + 2, 2, 2},
	{"smb2_lock_req", HDR + 4, 4, 0x41},
	{"smb2_lock_req", HDR + 8, 8, 0x1112131415161718},
	{"smb2_lock_req", HDR + 24, 4, 0x62203432}, /* "24 b" */
	{"smb2_ioctl_req", HDR + 4, 4, 0x00140204},
	{"smb2_ioctl_req", HDR + 8, 8, 0x1112131415161718},
	{"smb2_ioctl_req", HDR + 24, 4, 120},
	{"smb2_ioctl_req", HDR + 28, 4, 5},
	{"smb2_ioctl_req", HDR + 32, 4, 0x11},
	{"smb2_ioctl_req", HDR + 44, 4, 0x22},
	{"smb2_ioctl_req", HDR + 48, 4, 1},
	{"smb2_ioctl_rsp", HDR + 4, 4, 0x00140204},
	{"smb2_ioctl_rsp", HDR + 8, 8, 0x1112131415161718},
	{"smb2_ioctl_rsp", HDR + 24, 4, 112},
	{"smb2_ioctl_rsp", HDR + 28, 4, 5},
	{"smb2_ioctl_rsp", HDR + 32, 4, 120},
	{"smb2_ioctl_rsp", HDR + 36, 4, 6},
	{"smb2_query_directory_req", HDR + 2, 1, 0x25},
	{"smb2_query_directory_req", HDR + 3, 1, 1},
	{"smb2_query_directory_req", HDR + 4, 4, 0x51},
	{"smb2_query_directory_req", HDR + 8, 8, 0x1112131415161718},
	{"smb2_query_directory_req", HDR + 24, 2, 96},
	{"smb2_query_directory_req", HDR + 26, 2, 2},
	{"smb2_query_directory_req", HDR + 28, 4, 0x10000},
	{"smb2_output_rsp", HDR + 2, 2, 72},
	{"smb2_output_rsp", HDR + 4, 4, 6},
	{"smb2_change_notify_req", HDR + 2, 2, 1},
	{"smb2_change_notify_req", HDR + 4, 4, 0x1000},
	{"smb2_change_notify_req", HDR + 8, 8, 0x1112131415161718},
	{"smb2_change_notify_req", HDR + 24, 4, 0x17},
	{"smb2_query_info_req", HDR + 2, 1, 3},
	{"smb2_query_info_req", HDR + 3, 1, 4},
	{"smb2_query_info_req", HDR + 4, 4, 0x1001},
	{"smb2_query_info_req", HDR + 8, 2, 104},
	{"smb2_query_info_req", HDR + 12, 4, 5},
	{"smb2_query_info_req", HDR + 16, 4, 7},
	{"smb2_query_info_req", HDR + 20, 4, 2},
	{"smb2_query_info_req", HDR + 24, 8, 0x1112131415161718},
	{"smb2_set_info_req", HDR + 2, 1, 1},
	{"smb2_set_info_req", HDR + 3, 1, 20},
	{"smb2_set_info_req", HDR + 4, 4, 8},
	{"smb2_set_info_req", HDR + 8, 2, 96},
	{"smb2_set_info_req", HDR + 12, 4, 7},
	{"smb2_set_info_req", HDR + 16, 8, 0x1112131415161718},
	{"smb2_oplock_break", HDR + 2, 1, 1},
	{"smb2_oplock_break", HDR + 8, 8, 0x1112131415161718},
	{"smb2_lease_break_ack", HDR + 4, 4, 2},
	{"smb2_lease_break_ack", HDR + 8, 4, 0xF3F2F1F0},
	{"smb2_lease_break_ack", HDR + 24, 4, 5},
	{"smb2_lease_break_ack", HDR + 28, 8, 0x6162636465666768},
	{"smb2_lease_break_notification", HDR + 2, 2, 0x71},
	{"smb2_lease_break_notification", HDR + 4, 4, 1},
	{"smb2_lease_break_notification", HDR + 8, 4, 0xF3F2F1F0},
	{"smb2_lease_break_notification", HDR + 24, 4, 7},
	{"smb2_lease_break_notification", HDR + 28, 4, 3},
	{"smb2_error_rsp", HDR + 2, 1, 1},
	{"smb2_error_rsp", HDR + 4, 4, 3},
};

static void every_field_is_where_the_specification_puts_it(void **state)
{
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(layout); i++) {
		struct rd r = rd_over(sample_message(find(layout[i].codec), buf, sizeof(buf)));
		rd_seek(&r, layout[i].offset);
		uint64_t v = rd_uint(&r, layout[i].width);
		if (r.bad || v != layout[i].value)
			fail_msg("%s at %zu: %#lx, not %#lx", layout[i].codec, layout[i].offset, v, layout[i].value);
	}
}

static void the_fixed_part_has_the_size_that_structure_size_says(void **state)
{
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		struct bytes m = sample_message(&codecs[i], buf, sizeof(buf));
		assert_int_equal(m.data[HDR] | m.data[HDR + 1] << 8, codecs[i].structure_size);
		if (!codecs[i].has_bytes)
			assert_int_equal(m.len, HDR + (codecs[i].structure_size & ~1));
	}
}

static void another_structure_size_is_refused(void **state)
{
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		struct bytes m = sample_message(&codecs[i], buf, sizeof(buf));
		assert_true(decodes(&codecs[i], buf, m.len));
		buf[HDR]++;
		assert_false(decodes(&codecs[i], buf, m.len));
	}
}

static void a_message_cut_short_anywhere_is_refused(void **state)
{
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		const struct codec *c = &codecs[i];
		struct bytes m = sample_message(c, buf, sizeof(buf));
		/* The list of negotiate contexts reaches to the end, wherever that is: other code walks it. */
		size_t tail = codec_is(c, "smb2_negotiate_req") ? 16 : codec_is(c, "smb2_negotiate_rsp") ? 7 : 0;
		for (size_t len = 0; len < m.len - tail; len++)
			if (decodes(c, buf, len))
				fail_msg("%s decodes from %zu of %zu bytes", c->name, len, m.len);
	}
}

static void encoding_into_too_little_room_goes_bad(void **state)
{
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		struct bytes m = sample_message(&codecs[i], buf, sizeof(buf));
		for (size_t cap = HDR; cap < m.len; cap++) {
			struct wr w = wr_over(buf, cap);
			codec_write(&codecs[i], &w, codecs[i].sample);
			assert_true(w.bad);
			assert_true(w.pos <= cap);
		}
	}
}

/* Where the offset of a buffer stands, how wide it is, and where its length does. */
static const struct {
	const char *codec;
	size_t offset_at, offset_width, length_at, length_width;
} windows[] = {
	{"smb2_negotiate_rsp", HDR + 56, 2, HDR + 58, 2},
	{"smb2_session_setup_req", HDR + 12, 2, HDR + 14, 2},
	{"smb2_session_setup_rsp", HDR + 4, 2, HDR + 6, 2},
	{"smb2_tree_connect_req", HDR + 4, 2, HDR + 6, 2},
	{"smb2_create_req", HDR + 44, 2, HDR + 46, 2},
	{"smb2_create_req", HDR + 48, 4, HDR + 52, 4},
	{"smb2_create_rsp", HDR + 80, 4, HDR + 84, 4},
	{"smb2_read_req", HDR + 44, 2, HDR + 46, 2},
	{"smb2_read_rsp", HDR + 2, 1, HDR + 4, 4},
	{"smb2_write_req", HDR + 2, 2, HDR + 4, 4},
	{"smb2_ioctl_req", HDR + 24, 4, HDR + 28, 4},
	{"smb2_ioctl_rsp", HDR + 24, 4, HDR + 28, 4},
	{"smb2_ioctl_rsp", HDR + 32, 4, HDR + 36, 4},
	{"smb2_query_directory_req", HDR + 24, 2, HDR + 26, 2},
	{"smb2_output_rsp", HDR + 2, 2, HDR + 4, 4},
	{"smb2_query_info_req", HDR + 8, 2, HDR + 12, 4},
	{"smb2_set_info_req", HDR + 8, 2, HDR + 4, 4},
};

static uint64_t all_ones(size_t width)
{
	return UINT64_MAX >> (64 - 8 * width);
}

static void a_buffer_inside_the_header_is_refused(void **state)
{
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
		const struct codec *c = find(windows[i].codec);
		struct bytes m = sample_message(c, buf, sizeof(buf));
		for (uint64_t offset = 0; offset < HDR + (c->structure_size & ~1u); offset++) {
			put(buf, windows[i].offset_at, offset, windows[i].offset_width);
			if (decodes(c, buf, m.len))
				fail_msg("%s takes a buffer at %lu", c->name, offset);
		}
	}
}

static void a_buffer_behind_the_end_is_refused(void **state)
{
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
		const struct codec *c = find(windows[i].codec);
		struct bytes m = sample_message(c, buf, sizeof(buf));
		put(buf, windows[i].offset_at, windows[i].offset_width == 1 ? 255 : m.len, windows[i].offset_width);
		assert_false(decodes(c, buf, m.len));
		put(buf, windows[i].offset_at, all_ones(windows[i].offset_width), windows[i].offset_width);
		assert_false(decodes(c, buf, m.len));
	}
}

static void a_buffer_longer_than_the_message_is_refused(void **state)
{
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
		const struct codec *c = find(windows[i].codec);
		struct bytes m = sample_message(c, buf, sizeof(buf));
		put(buf, windows[i].length_at, m.len, windows[i].length_width);
		assert_false(decodes(c, buf, m.len));
		put(buf, windows[i].length_at, all_ones(windows[i].length_width), windows[i].length_width);
		assert_false(decodes(c, buf, m.len));
	}
}

/* Clients send 0 there, or the offset of the buffer, or what stood there before: it does not matter. */
static void the_offset_of_an_empty_buffer_does_not_matter(void **state)
{
	const uint64_t offsets[] = {0, 1, HDR, 200, 255};
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
		const struct codec *c = find(windows[i].codec);
		struct bytes m = sample_message(c, buf, sizeof(buf));
		put(buf, windows[i].length_at, 0, windows[i].length_width);
		for (size_t k = 0; k < ARRAY_SIZE(offsets); k++) {
			put(buf, windows[i].offset_at, offsets[k], windows[i].offset_width);
			if (!decodes(c, buf, m.len))
				fail_msg("%s refuses an empty buffer at %lu", c->name, offsets[k]);
		}
	}
}

static void padding_before_a_buffer_is_accepted(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	uint64_t out[CODEC_STRUCT_MAX / 8];
	const struct codec *c = find("smb2_write_req");
	struct bytes m = sample_message(c, buf, sizeof(buf));

	memmove(buf + 128, buf + 112, 7);
	put(buf, HDR + 2, 128, 2);
	assert_true(codec_read(c, BYTES(buf, m.len + 16), out));
	assert_true(bytes_equal(((struct smb2_write_req *)out)->data, BYTES("payload", 7)));
}

/* [MS-SMB2] 3.3.5.13 */
static void write_data_further_than_0x100_is_refused(void **state)
{
	uint8_t buf[MESSAGE_MAX] = {0};
	const struct codec *c = find("smb2_write_req");

	sample_message(c, buf, sizeof(buf));
	put(buf, HDR + 2, 0x100, 2);
	assert_true(decodes(c, buf, 512));
	put(buf, HDR + 2, 0x101, 2);
	assert_false(decodes(c, buf, 512));
}

static void a_write_over_rdma_carries_descriptors_and_no_data(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct smb2_write_req out;
	const struct smb2_write_req q = {.channel = SMB2_CHANNEL_RDMA_V1, .remaining_bytes = 4096,
		.channel_info = BYTES("sixteen bytes of", 16)};
	struct wr w = wr_over(buf, sizeof(buf));

	codec_write(find("smb2_write_req"), &w, &q);
	assert_int_equal(w.pos, 112 + 16);
	assert_int_equal(buf[HDR + 2], 0); /* DataOffset */
	assert_true(codec_read(find("smb2_write_req"), BYTES(buf, w.pos), &out));
	assert_true(bytes_equal(out.channel_info, q.channel_info));
	assert_int_equal(out.data.len, 0);
	assert_int_equal(out.remaining_bytes, 4096);
}

static void a_write_with_both_data_and_descriptors_is_not_encoded(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	const struct smb2_write_req q = {.channel = 1, .length = 1, .channel_info = BYTES("16", 2)};
	struct wr w = wr_over(buf, sizeof(buf));

	codec_write(find("smb2_write_req"), &w, &q);
	assert_true(w.bad);
}

static void channel_info_without_a_channel_is_ignored(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct smb2_read_req out;
	struct bytes m = sample_message(find("smb2_read_req"), buf, sizeof(buf));

	put(buf, HDR + 36, 0, 4);
	put(buf, HDR + 44, 3, 2);
	assert_true(codec_read(find("smb2_read_req"), m, &out));
	assert_int_equal(out.channel_info.len, 0);
}

/* Servers check for the byte that an odd StructureSize counts. */
static void requests_with_an_empty_buffer_carry_one_byte_of_it(void **state)
{
	static const char *const names[] = {"smb2_session_setup_req", "smb2_tree_connect_req", "smb2_create_req",
		"smb2_read_req", "smb2_ioctl_req", "smb2_query_directory_req", "smb2_query_info_req",
		"smb2_set_info_req", "smb2_error_rsp"};
	static const uint64_t zero[CODEC_STRUCT_MAX / 8];
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct wr w = wr_over(buf, sizeof(buf));
		codec_write(find(names[i]), &w, zero);
		assert_false(w.bad);
		assert_int_equal(w.pos, HDR + find(names[i])->structure_size);
		assert_int_equal(buf[w.pos - 1], 0);
		assert_true(decodes(find(names[i]), buf, w.pos));
	}
}

static void requests_decode_without_that_byte(void **state)
{
	static const uint64_t zero[CODEC_STRUCT_MAX / 8];
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		struct wr w = wr_over(buf, sizeof(buf));
		codec_write(&codecs[i], &w, zero);
		size_t fixed = HDR + (codecs[i].structure_size & ~1u);
		if (codec_is(&codecs[i], "smb2_lock_req"))
			fixed -= 24; /* StructureSize counts one element */
		assert_true(decodes(&codecs[i], buf, fixed));
	}
}

static void an_empty_name_with_contexts_has_them_right_behind_the_fixed_part(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	const struct smb2_create_req q = {.contexts = BYTES("contexts", 8)};
	struct smb2_create_req out;
	struct wr w = wr_over(buf, sizeof(buf));

	codec_write(find("smb2_create_req"), &w, &q);
	assert_int_equal(w.pos, 128);
	assert_true(codec_read(find("smb2_create_req"), BYTES(buf, w.pos), &out));
	assert_int_equal(out.name.len, 0);
	assert_true(bytes_equal(out.contexts, q.contexts));
}

static void more_dialects_than_fit_are_refused(void **state)
{
	uint8_t buf[MESSAGE_MAX] = {0};
	struct smb2_negotiate_req q = {.dialect_count = SMB2_MAX_DIALECTS};
	const struct codec *c = find("smb2_negotiate_req");
	struct wr w = wr_over(buf, sizeof(buf));

	codec_write(c, &w, &q);
	assert_true(decodes(c, buf, w.pos));
	put(buf, HDR + 2, SMB2_MAX_DIALECTS + 1, 2);
	assert_false(decodes(c, buf, sizeof(buf)));
	w = wr_over(buf, sizeof(buf));
	q.dialect_count++;
	codec_write(c, &w, &q);
	assert_true(w.bad);
}

/* [MS-SMB2] 2.2.3: the same eight bytes mean one or the other. */
static void contexts_exist_only_with_dialect_0311(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct smb2_negotiate_req q = sample_smb2_negotiate_req, out;
	struct wr w = wr_over(buf, sizeof(buf));

	q.dialects[2] = SMB2_DIALECT_0300;
	q.client_start_time = 0xFFFFFFFFFFFFFFFF;
	codec_write(find("smb2_negotiate_req"), &w, &q);
	assert_int_equal(w.pos, HDR + 36 + 6);
	assert_true(codec_read(find("smb2_negotiate_req"), BYTES(buf, w.pos), &out));
	assert_int_equal(out.context_count, 0);
	assert_int_equal(out.contexts.len, 0);
	assert_true(out.client_start_time == UINT64_MAX);
}

static void no_dialects_decode_and_are_left_to_the_server(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct smb2_negotiate_req q = {0};
	struct wr w = wr_over(buf, sizeof(buf));

	codec_write(find("smb2_negotiate_req"), &w, &q);
	assert_true(decodes(find("smb2_negotiate_req"), buf, w.pos));
}

static void negotiate_contexts_before_the_dialects_are_refused(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct bytes m = sample_message(find("smb2_negotiate_req"), buf, sizeof(buf));

	for (uint32_t offset = 0; offset < HDR + 36 + 6; offset++) {
		put(buf, HDR + 28, offset, 4);
		assert_false(decodes(find("smb2_negotiate_req"), buf, m.len));
	}
	put(buf, HDR + 28, m.len + 1, 4);
	assert_false(decodes(find("smb2_negotiate_req"), buf, m.len));
}

/* [MS-SMB2] 2.2.9.1: sixteen bytes in front of the path, which PathOffset steps over. */
static void a_tree_connect_extension_stands_before_the_path(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct smb2_tree_connect_req q = sample_smb2_tree_connect_req, out;
	struct wr w = wr_over(buf, sizeof(buf));

	q.flags = SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT;
	codec_write(find("smb2_tree_connect_req"), &w, &q);
	assert_int_equal(buf[HDR + 4], 88);
	assert_int_equal(w.pos, 88 + q.path.len);
	assert_true(codec_read(find("smb2_tree_connect_req"), BYTES(buf, w.pos), &out));
	assert_true(bytes_equal(out.path, q.path));
}

static void lock_elements_have_24_bytes_each(void **state)
{
	uint8_t buf[24];
	const struct smb2_lock_element e = {.offset = 0x0102030405060708, .length = UINT64_MAX, .flags = 0x12};
	struct smb2_lock_element out;
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_lock_element_encode(&w, &e);
	assert_false(w.bad);
	assert_int_equal(w.pos, 24);
	struct rd r = rd_over(BYTES(buf, 24));
	assert_true(smb2_lock_element_decode(&r, &out));
	assert_true(out.offset == e.offset && out.length == e.length && out.flags == e.flags);
	assert_false(smb2_lock_element_decode(&r, &out));
}

static void a_lock_count_that_does_not_match_its_elements_is_not_encoded(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct smb2_lock_req q = sample_smb2_lock_req;
	struct wr w = wr_over(buf, sizeof(buf));

	q.lock_count = 1;
	codec_write(find("smb2_lock_req"), &w, &q);
	assert_true(w.bad);
}

static void a_name_too_long_for_its_length_field_is_not_encoded(void **state)
{
	static uint8_t buf[0x20000];
	const struct smb2_create_req q = {.name = BYTES(buf, 0x10000)};
	struct wr w = wr_over(buf, sizeof(buf));

	codec_write(find("smb2_create_req"), &w, &q);
	assert_true(w.bad);
}

/* In a compound r is bounded by the element: a buffer may not reach into the next. */
static void a_buffer_may_not_reach_into_the_next_element_of_a_compound(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	uint64_t out[CODEC_STRUCT_MAX / 8];
	struct bytes m = sample_message(find("smb2_set_info_req"), buf, sizeof(buf));

	assert_true(codec_read(find("smb2_set_info_req"), m, out));
	put(buf, HDR + 4, 9, 4);
	assert_false(codec_read(find("smb2_set_info_req"), m, out));
	assert_true(codec_read(find("smb2_set_info_req"), BYTES(buf, m.len + 8), out));
}

static void a_transform_header_survives_a_round_trip(void **state)
{
	uint8_t buf[SMB2_TRANSFORM_HEADER_SIZE];
	const struct smb2_transform_header t = {.signature = KEY, .nonce = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
		.original_message_size = 0x01020304, .flags = 1, .session_id = 0x1112131415161718};
	struct smb2_transform_header out;
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_transform_header_encode(&w, &t);
	assert_false(w.bad);
	assert_int_equal(w.pos, SMB2_TRANSFORM_HEADER_SIZE);
	assert_memory_equal(buf, "\xFDSMB\xF0\xF1", 6);
	assert_memory_equal(buf + SMB2_TRANSFORM_AAD_OFFSET, t.nonce, 16);
	assert_memory_equal(buf + 36, "\x04\x03\x02\x01\x00\x00\x01\x00\x18\x17", 10);
	struct rd r = rd_over(BYTES(buf, sizeof(buf)));
	memset(&out, 0, sizeof(out));
	assert_true(smb2_transform_header_decode(&r, &out));
	assert_memory_equal(out.signature, t.signature, 16);
	assert_memory_equal(out.nonce, t.nonce, 16);
	assert_int_equal(out.original_message_size, t.original_message_size);
	assert_int_equal(out.flags, 1);
	assert_true(out.session_id == t.session_id);
}

static void a_transform_header_cut_short_or_of_another_protocol_is_refused(void **state)
{
	uint8_t buf[SMB2_TRANSFORM_HEADER_SIZE] = {0xFD, 'S', 'M', 'B'};
	struct smb2_transform_header out;

	for (size_t len = 0; len < sizeof(buf); len++) {
		struct rd r = rd_over(BYTES(buf, len));
		assert_false(smb2_transform_header_decode(&r, &out));
	}
	struct rd whole = rd_over(BYTES(buf, sizeof(buf)));
	assert_true(smb2_transform_header_decode(&whole, &out));
	buf[0] = 0xFE;
	struct rd other = rd_over(BYTES(buf, sizeof(buf)));
	assert_false(smb2_transform_header_decode(&other, &out));
}

enum { SMB1_FIXED = 35 };
/* An SMB_COM_NEGOTIATE with these dialects, each with its 0x02 and its NUL. */
static struct bytes smb1_negotiate(uint8_t *buf, const char *dialects, size_t len)
{
	memset(buf, 0, SMB1_FIXED);
	memcpy(buf, "\xFFSMB\x72", 5);
	put(buf, 33, len, 2);
	memcpy(buf + SMB1_FIXED, dialects, len);
	return BYTES(buf, SMB1_FIXED + len);
}
#define SMB1(buf, s) smb1_negotiate(buf, s, sizeof(s) - 1)

static void an_smb1_negotiate_says_which_smb2_dialects_it_offers(void **state)
{
	uint8_t buf[256];
	bool has_2002, has_2xxx;

	assert_true(smb1_negotiate_decode(SMB1(buf, "\2NT LM 0.12\0\2SMB 2.002\0\2SMB 2.???\0"), &has_2002, &has_2xxx));
	assert_true(has_2002 && has_2xxx);
	assert_true(smb1_negotiate_decode(SMB1(buf, "\2NT LM 0.12\0\2SMB 2.002\0"), &has_2002, &has_2xxx));
	assert_true(has_2002 && !has_2xxx);
	assert_true(smb1_negotiate_decode(SMB1(buf, "\2NT LM 0.12\0"), &has_2002, &has_2xxx));
	assert_false(has_2002 || has_2xxx);
	assert_true(smb1_negotiate_decode(SMB1(buf, "\2SMB 2.0022\0\2SMB 2.00\0"), &has_2002, &has_2xxx));
	assert_false(has_2002);
}

static void a_malformed_smb1_negotiate_is_refused(void **state)
{
	uint8_t buf[256];
	bool has_2002, has_2xxx;
	struct bytes m = SMB1(buf, "\2SMB 2.???\0");

	for (size_t len = 0; len < m.len; len++)
		assert_false(smb1_negotiate_decode(BYTES(buf, len), &has_2002, &has_2xxx));
	assert_false(smb1_negotiate_decode(SMB1(buf, "\2SMB 2.???"), &has_2002, &has_2xxx));
	assert_false(smb1_negotiate_decode(SMB1(buf, "\3SMB 2.???\0"), &has_2002, &has_2xxx));
	SMB1(buf, "\2SMB 2.???\0");
	buf[4] = 0x73;
	assert_false(smb1_negotiate_decode(m, &has_2002, &has_2xxx));
	buf[4] = 0x72;
	buf[32] = 1; /* WordCount */
	assert_false(smb1_negotiate_decode(m, &has_2002, &has_2xxx));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_survives_a_round_trip),
		cmocka_unit_test(every_field_is_where_the_specification_puts_it),
		cmocka_unit_test(the_fixed_part_has_the_size_that_structure_size_says),
		cmocka_unit_test(another_structure_size_is_refused),
		cmocka_unit_test(a_message_cut_short_anywhere_is_refused),
		cmocka_unit_test(encoding_into_too_little_room_goes_bad),
		cmocka_unit_test(a_buffer_inside_the_header_is_refused),
		cmocka_unit_test(a_buffer_behind_the_end_is_refused),
		cmocka_unit_test(a_buffer_longer_than_the_message_is_refused),
		cmocka_unit_test(the_offset_of_an_empty_buffer_does_not_matter),
		cmocka_unit_test(padding_before_a_buffer_is_accepted),
		cmocka_unit_test(write_data_further_than_0x100_is_refused),
		cmocka_unit_test(a_write_over_rdma_carries_descriptors_and_no_data),
		cmocka_unit_test(a_write_with_both_data_and_descriptors_is_not_encoded),
		cmocka_unit_test(channel_info_without_a_channel_is_ignored),
		cmocka_unit_test(requests_with_an_empty_buffer_carry_one_byte_of_it),
		cmocka_unit_test(requests_decode_without_that_byte),
		cmocka_unit_test(an_empty_name_with_contexts_has_them_right_behind_the_fixed_part),
		cmocka_unit_test(more_dialects_than_fit_are_refused),
		cmocka_unit_test(contexts_exist_only_with_dialect_0311),
		cmocka_unit_test(no_dialects_decode_and_are_left_to_the_server),
		cmocka_unit_test(negotiate_contexts_before_the_dialects_are_refused),
		cmocka_unit_test(a_tree_connect_extension_stands_before_the_path),
		cmocka_unit_test(lock_elements_have_24_bytes_each),
		cmocka_unit_test(a_lock_count_that_does_not_match_its_elements_is_not_encoded),
		cmocka_unit_test(a_name_too_long_for_its_length_field_is_not_encoded),
		cmocka_unit_test(a_buffer_may_not_reach_into_the_next_element_of_a_compound),
		cmocka_unit_test(a_transform_header_survives_a_round_trip),
		cmocka_unit_test(a_transform_header_cut_short_or_of_another_protocol_is_refused),
		cmocka_unit_test(an_smb1_negotiate_says_which_smb2_dialects_it_offers),
		cmocka_unit_test(a_malformed_smb1_negotiate_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
