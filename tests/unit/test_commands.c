/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/codecs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HDR = SMB2_HEADER_SIZE, MESSAGE_MAX = 1024 };

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
		/* Negotiate contexts reach to the end, wherever that is: other code walks them. */
		size_t tail = codec_is(c, "smb2_negotiate_req")   ? 16
			      : codec_is(c, "smb2_negotiate_rsp") ? 7
								  : 0;
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
		const struct codec *c = codec_find(windows[i].codec);
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
		const struct codec *c = codec_find(windows[i].codec);
		struct bytes m = sample_message(c, buf, sizeof(buf));
		put(buf, windows[i].offset_at, windows[i].offset_width == 1 ? 255 : m.len,
			windows[i].offset_width);
		assert_false(decodes(c, buf, m.len));
		put(buf, windows[i].offset_at, all_ones(windows[i].offset_width), windows[i].offset_width);
		assert_false(decodes(c, buf, m.len));
	}
}

static void a_buffer_longer_than_the_message_is_refused(void **state)
{
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
		const struct codec *c = codec_find(windows[i].codec);
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
		const struct codec *c = codec_find(windows[i].codec);
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
	const struct codec *c = codec_find("smb2_write_req");
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
	const struct codec *c = codec_find("smb2_write_req");

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

	codec_write(codec_find("smb2_write_req"), &w, &q);
	assert_int_equal(w.pos, 112 + 16);
	assert_int_equal(buf[HDR + 2], 0); /* DataOffset */
	assert_true(codec_read(codec_find("smb2_write_req"), BYTES(buf, w.pos), &out));
	assert_true(bytes_equal(out.channel_info, q.channel_info));
	assert_int_equal(out.data.len, 0);
	assert_int_equal(out.remaining_bytes, 4096);
}

static void a_write_with_both_data_and_descriptors_is_not_encoded(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	const struct smb2_write_req q = {.channel = 1, .length = 1, .channel_info = BYTES("16", 2)};
	struct wr w = wr_over(buf, sizeof(buf));

	codec_write(codec_find("smb2_write_req"), &w, &q);
	assert_true(w.bad);
}

static void channel_info_without_a_channel_is_ignored(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct smb2_read_req out;
	struct bytes m = sample_message(codec_find("smb2_read_req"), buf, sizeof(buf));

	put(buf, HDR + 36, 0, 4);
	put(buf, HDR + 44, 3, 2);
	assert_true(codec_read(codec_find("smb2_read_req"), m, &out));
	assert_int_equal(out.channel_info.len, 0);
}

/* Servers check for the byte that an odd StructureSize counts. */
static void requests_with_an_empty_buffer_carry_one_byte_of_it(void **state)
{
	static const char *const names[] = {"smb2_session_setup_req", "smb2_tree_connect_req",
		"smb2_create_req", "smb2_read_req", "smb2_ioctl_req", "smb2_query_directory_req",
		"smb2_query_info_req", "smb2_set_info_req", "smb2_error_rsp"};
	static const uint64_t zero[CODEC_STRUCT_MAX / 8];
	uint8_t buf[MESSAGE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct wr w = wr_over(buf, sizeof(buf));
		codec_write(codec_find(names[i]), &w, zero);
		assert_false(w.bad);
		assert_int_equal(w.pos, HDR + codec_find(names[i])->structure_size);
		assert_int_equal(buf[w.pos - 1], 0);
		assert_true(decodes(codec_find(names[i]), buf, w.pos));
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

	codec_write(codec_find("smb2_create_req"), &w, &q);
	assert_int_equal(w.pos, 128);
	assert_true(codec_read(codec_find("smb2_create_req"), BYTES(buf, w.pos), &out));
	assert_int_equal(out.name.len, 0);
	assert_true(bytes_equal(out.contexts, q.contexts));
}

/* Whatever the length in front of it, the second buffer begins on a multiple of 8. */
static void the_second_buffer_is_aligned_behind_the_first(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct smb2_create_req create;
	struct smb2_ioctl_rsp ioctl;

	for (size_t n = 0; n <= 17; n++) {
		const struct smb2_create_req q = {
			.name = BYTES("seventeen letters", n), .contexts = BYTES("contexts", 8)};
		struct wr w = wr_over(buf, sizeof(buf));
		codec_write(codec_find("smb2_create_req"), &w, &q);
		assert_true(codec_read(codec_find("smb2_create_req"), BYTES(buf, w.pos), &create));
		assert_true(bytes_equal(create.name, q.name) && bytes_equal(create.contexts, q.contexts));
		assert_int_equal((create.contexts.data - buf) % 8, 0);

		const struct smb2_ioctl_rsp p = {
			.input = BYTES("seventeen letters", n), .output = BYTES("output", 6)};
		w = wr_over(buf, sizeof(buf));
		codec_write(codec_find("smb2_ioctl_rsp"), &w, &p);
		assert_true(codec_read(codec_find("smb2_ioctl_rsp"), BYTES(buf, w.pos), &ioctl));
		assert_true(bytes_equal(ioctl.input, p.input) && bytes_equal(ioctl.output, p.output));
		assert_int_equal((ioctl.output.data - buf) % 8, 0);
	}
}

static void more_dialects_than_fit_are_refused(void **state)
{
	uint8_t buf[MESSAGE_MAX] = {0};
	struct smb2_negotiate_req q = {.dialect_count = SMB2_MAX_DIALECTS};
	const struct codec *c = codec_find("smb2_negotiate_req");
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
	codec_write(codec_find("smb2_negotiate_req"), &w, &q);
	assert_int_equal(w.pos, HDR + 36 + 6);
	assert_true(codec_read(codec_find("smb2_negotiate_req"), BYTES(buf, w.pos), &out));
	assert_int_equal(out.context_count, 0);
	assert_int_equal(out.contexts.len, 0);
	assert_true(out.client_start_time == UINT64_MAX);
}

static void a_response_of_an_older_dialect_has_no_contexts(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct smb2_negotiate_rsp p = sample_smb2_negotiate_rsp, out;
	struct wr w = wr_over(buf, sizeof(buf));

	p.dialect = SMB2_DIALECT_0302;
	codec_write(codec_find("smb2_negotiate_rsp"), &w, &p);
	assert_int_equal(w.pos, 128 + p.security_buffer.len);
	assert_int_equal(buf[HDR + 6], 0);
	buf[HDR + 6] = 1; /* Reserved in this dialect */
	assert_true(codec_read(codec_find("smb2_negotiate_rsp"), BYTES(buf, w.pos), &out));
	assert_int_equal(out.context_count, 0);
	assert_int_equal(out.contexts.len, 0);
}

static void no_dialects_decode_and_are_left_to_the_server(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct smb2_negotiate_req q = {0};
	struct wr w = wr_over(buf, sizeof(buf));

	codec_write(codec_find("smb2_negotiate_req"), &w, &q);
	assert_true(decodes(codec_find("smb2_negotiate_req"), buf, w.pos));
}

static void negotiate_contexts_before_the_dialects_are_refused(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct bytes m = sample_message(codec_find("smb2_negotiate_req"), buf, sizeof(buf));

	for (uint32_t offset = 0; offset < HDR + 36 + 6; offset++) {
		put(buf, HDR + 28, offset, 4);
		assert_false(decodes(codec_find("smb2_negotiate_req"), buf, m.len));
	}
	put(buf, HDR + 28, m.len + 1, 4);
	assert_false(decodes(codec_find("smb2_negotiate_req"), buf, m.len));
}

/* [MS-SMB2] 2.2.9.1: sixteen bytes in front of the path, which PathOffset steps over. */
static void a_tree_connect_extension_stands_before_the_path(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	struct smb2_tree_connect_req q = sample_smb2_tree_connect_req, out;
	struct wr w = wr_over(buf, sizeof(buf));

	q.flags = SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT;
	codec_write(codec_find("smb2_tree_connect_req"), &w, &q);
	assert_int_equal(buf[HDR + 4], 88);
	assert_int_equal(w.pos, 88 + q.path.len);
	assert_true(codec_read(codec_find("smb2_tree_connect_req"), BYTES(buf, w.pos), &out));
	assert_true(bytes_equal(out.path, q.path));
}

static void lock_elements_have_24_bytes_each(void **state)
{
	uint8_t buf[24];
	const struct smb2_lock_element e = {
		.offset = 0x0102030405060708, .length = UINT64_MAX, .flags = 0x12};
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
	codec_write(codec_find("smb2_lock_req"), &w, &q);
	assert_true(w.bad);
}

static void a_name_too_long_for_its_length_field_is_not_encoded(void **state)
{
	static uint8_t buf[0x20000];
	const struct smb2_create_req q = {.name = BYTES(buf, 0x10000)};
	struct wr w = wr_over(buf, sizeof(buf));

	codec_write(codec_find("smb2_create_req"), &w, &q);
	assert_true(w.bad);
}

/* In a compound r is bounded by the element: a buffer may not reach into the next. */
static void a_buffer_may_not_reach_into_the_next_element_of_a_compound(void **state)
{
	uint8_t buf[MESSAGE_MAX];
	uint64_t out[CODEC_STRUCT_MAX / 8];
	struct bytes m = sample_message(codec_find("smb2_set_info_req"), buf, sizeof(buf));

	assert_true(codec_read(codec_find("smb2_set_info_req"), m, out));
	put(buf, HDR + 4, 9, 4);
	assert_false(codec_read(codec_find("smb2_set_info_req"), m, out));
	assert_true(codec_read(codec_find("smb2_set_info_req"), BYTES(buf, m.len + 8), out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sample_survives_a_round_trip),
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
		cmocka_unit_test(the_second_buffer_is_aligned_behind_the_first),
		cmocka_unit_test(more_dialects_than_fit_are_refused),
		cmocka_unit_test(contexts_exist_only_with_dialect_0311),
		cmocka_unit_test(a_response_of_an_older_dialect_has_no_contexts),
		cmocka_unit_test(no_dialects_decode_and_are_left_to_the_server),
		cmocka_unit_test(negotiate_contexts_before_the_dialects_are_refused),
		cmocka_unit_test(a_tree_connect_extension_stands_before_the_path),
		cmocka_unit_test(lock_elements_have_24_bytes_each),
		cmocka_unit_test(a_lock_count_that_does_not_match_its_elements_is_not_encoded),
		cmocka_unit_test(a_name_too_long_for_its_length_field_is_not_encoded),
		cmocka_unit_test(a_buffer_may_not_reach_into_the_next_element_of_a_compound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
