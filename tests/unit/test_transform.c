/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/commands.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void a_transform_header_survives_a_round_trip(void **state)
{
	uint8_t buf[SMB2_TRANSFORM_HEADER_SIZE];
	const struct smb2_transform_header t = {.signature = {0xF0, 0xF1, 0xF2},
		.nonce = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
		.original_message_size = 0x01020304,
		.flags = 1,
		.session_id = 0x1112131415161718};
	struct smb2_transform_header out;
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_transform_header_encode(&w, &t);
	assert_false(w.bad);
	assert_int_equal(w.pos, SMB2_TRANSFORM_HEADER_SIZE);
	assert_memory_equal(buf, "\xFDSMB\xF0\xF1\xF2\0", 8);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transform_header_survives_a_round_trip),
		cmocka_unit_test(a_transform_header_cut_short_or_of_another_protocol_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
