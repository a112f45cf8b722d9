/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/smbdirect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BUF = 2048 };

/* [MS-SMBD] 4.1, first message */
static const uint8_t request_bytes[] = {0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x0A, 0x00, 0x00, 0x04, 0x00,
	0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00};
static const struct smbdirect_negotiate_req request = {0x0100, 0x0100, 10, 1024, 1024, 131072};

/* 4.1, second message */
static const uint8_t response_bytes[] = {0x00, 0x01, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x0A, 0x00, 0x0A,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00,
	0x00, 0x00, 0x02, 0x00};
static const struct smbdirect_negotiate_rsp response = {
	0x0100, 0x0100, 0x0100, 10, 10, 0, 1 << 20, 1024, 1024, 131072};

static void a_negotiate_request_has_the_bytes_of_the_example(void **state)
{
	struct smbdirect_negotiate_req out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	smbdirect_negotiate_req_encode(&w, &request);
	assert_int_equal(w.pos, SMBDIRECT_NEGOTIATE_REQ_SIZE);
	assert_memory_equal(buf, request_bytes, sizeof(request_bytes));
	for (size_t n = 0; n <= sizeof(request_bytes); n++) {
		struct rd r = rd_over(BYTES(request_bytes, n));

		assert_int_equal(smbdirect_negotiate_req_decode(&r, &out), n == sizeof(request_bytes));
	}
	assert_memory_equal(&out, &request, sizeof(out));
}

static void a_negotiate_response_has_the_bytes_of_the_example(void **state)
{
	struct smbdirect_negotiate_rsp out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	smbdirect_negotiate_rsp_encode(&w, &response);
	assert_int_equal(w.pos, SMBDIRECT_NEGOTIATE_RSP_SIZE);
	assert_memory_equal(buf, response_bytes, sizeof(response_bytes));
	for (size_t n = 0; n <= sizeof(response_bytes); n++) {
		struct rd r = rd_over(BYTES(response_bytes, n));

		assert_int_equal(smbdirect_negotiate_rsp_decode(&r, &out), n == sizeof(response_bytes));
	}
	assert_memory_equal(&out, &response, sizeof(out));
}

/* 4.2: a message of 500 bytes; 4.3: the first fragment of 64 KiB; and one without data that asks for a sign
 * of life. */
static void data_transfer_messages_have_the_bytes_of_the_examples(void **state)
{
	static const struct {
		struct smbdirect_data d;
		size_t header;
		uint8_t bytes[24];
	} known[] = {
		{{10, 1, 0, 0, {NULL, 500}}, 24, {10, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0xF4, 1}},
		{{10, 1, 0, 64536, {NULL, 1000}}, 24,
			{10, 0, 1, 0, 0, 0, 0, 0, 0x18, 0xFC, 0, 0, 24, 0, 0, 0, 0xE8, 3}},
		{{255, 0, SMBDIRECT_RESPONSE_REQUESTED, 0, {NULL, 0}}, 20, {255, 0, 0, 0, 1}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		uint8_t buf[BUF] = {0};
		struct wr w = wr_over(buf, sizeof(buf));
		struct smbdirect_data out;
		size_t len = known[i].header + known[i].d.data.len;
		struct rd r = rd_over(BYTES(buf, len));

		smbdirect_data_encode(&w, &known[i].d);
		assert_int_equal(w.pos, known[i].header);
		assert_memory_equal(buf, known[i].bytes, w.pos);
		assert_true(smbdirect_data_decode(&r, &out));
		assert_int_equal(out.credits_requested, known[i].d.credits_requested);
		assert_int_equal(out.credits_granted, known[i].d.credits_granted);
		assert_int_equal(out.flags, known[i].d.flags);
		assert_int_equal(out.remaining_data_length, known[i].d.remaining_data_length);
		assert_int_equal(out.data.len, known[i].d.data.len);
		if (out.data.len)
			assert_ptr_equal(out.data.data, buf + 24);
		for (size_t n = 0; n < len; n++) {
			struct rd cut = rd_over(BYTES(buf, n));

			assert_false(smbdirect_data_decode(&cut, &out));
		}
	}
}

static bool decodes(uint32_t offset, uint32_t length, size_t message)
{
	uint8_t buf[BUF] = {0};
	struct wr w = wr_over(buf, sizeof(buf));
	struct rd r = rd_over(BYTES(buf, message));
	struct smbdirect_data out;

	wr_u16(&w, 1);
	wr_zero(&w, 10);
	wr_u32(&w, offset);
	wr_u32(&w, length);
	return smbdirect_data_decode(&r, &out);
}

static void data_has_to_lie_aligned_in_the_message(void **state)
{
	assert_true(decodes(24, 8, 32));
	assert_true(decodes(32, 8, 40));
	assert_true(decodes(24, 0, 24));
	assert_true(decodes(0, 0, 20));
	assert_false(decodes(20, 8, 32));
	assert_false(decodes(28, 1, 32));
	assert_false(decodes(25, 1, 32));
	assert_false(decodes(16, 1, 32)); /* in the header */
	assert_false(decodes(0, 1, 32));
	assert_false(decodes(24, 9, 32));
	assert_false(decodes(32, 1, 32));
	assert_false(decodes(24, UINT32_MAX, 32));
	assert_false(decodes(UINT32_MAX - 7, 8, 32));
	assert_false(decodes(24, 0, 20));
	assert_false(decodes(4, 0, 24));
}

static void descriptors_survive_a_round_trip(void **state)
{
	struct smbdirect_descriptor in[SMBDIRECT_MAX_DESCRIPTORS], out[SMBDIRECT_MAX_DESCRIPTORS];
	uint8_t buf[SMBDIRECT_MAX_DESCRIPTORS * SMBDIRECT_DESCRIPTOR_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));
	unsigned n = 0;

	for (unsigned i = 0; i < SMBDIRECT_MAX_DESCRIPTORS; i++) {
		in[i] = (struct smbdirect_descriptor){0x0102030405060708u * i, 0x11223344 + i, i << 20};
		smbdirect_descriptor_encode(&w, &in[i]);
	}
	assert_int_equal(w.pos, sizeof(buf));
	for (unsigned i = 1; i <= SMBDIRECT_MAX_DESCRIPTORS; i++) {
		assert_true(smbdirect_descriptors_decode(BYTES(buf, i * SMBDIRECT_DESCRIPTOR_SIZE), out, &n));
		assert_int_equal(n, i);
		assert_memory_equal(in, out, i * sizeof(in[0]));
	}
}

/* 2.2.3.1: Offset, Token, Length. */
static void a_descriptor_has_its_bytes(void **state)
{
	static const uint8_t bytes[] = {8, 7, 6, 5, 4, 3, 2, 1, 0x44, 0x33, 0x22, 0x11, 0, 0, 0x10, 0};
	uint8_t buf[SMBDIRECT_DESCRIPTOR_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));

	smbdirect_descriptor_encode(
		&w, &(struct smbdirect_descriptor){0x0102030405060708u, 0x11223344, 1 << 20});
	assert_memory_equal(buf, bytes, sizeof(bytes));
}

static void descriptors_that_are_not_whole_or_too_many_are_refused(void **state)
{
	struct smbdirect_descriptor out[SMBDIRECT_MAX_DESCRIPTORS];
	static const uint8_t buf[(SMBDIRECT_MAX_DESCRIPTORS + 1) * SMBDIRECT_DESCRIPTOR_SIZE];
	unsigned n;

	assert_false(smbdirect_descriptors_decode(BYTES(buf, sizeof(buf)), out, &n));
	assert_false(smbdirect_descriptors_decode(BYTES(buf, 0), out, &n));
	for (size_t len = 1; len < 16; len++) {
		assert_false(smbdirect_descriptors_decode(BYTES(buf, len), out, &n));
		assert_false(smbdirect_descriptors_decode(BYTES(buf, 16 + len), out, &n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_negotiate_request_has_the_bytes_of_the_example),
		cmocka_unit_test(a_negotiate_response_has_the_bytes_of_the_example),
		cmocka_unit_test(data_transfer_messages_have_the_bytes_of_the_examples),
		cmocka_unit_test(data_has_to_lie_aligned_in_the_message),
		cmocka_unit_test(descriptors_survive_a_round_trip),
		cmocka_unit_test(a_descriptor_has_its_bytes),
		cmocka_unit_test(descriptors_that_are_not_whole_or_too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
