/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/codecs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { HDR = SMB2_HEADER_SIZE, MESSAGE_MAX = 1024 };

static struct bytes sample_message(const struct codec *c, uint8_t *buf, size_t cap)
{
	struct wr w = wr_over(buf, cap);

	codec_write(c, &w, c->sample);
	assert_false(w.bad);
	return BYTES(buf, w.pos);
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
		struct rd r = rd_over(sample_message(codec_find(layout[i].codec), buf, sizeof(buf)));
		rd_seek(&r, layout[i].offset);
		uint64_t v = rd_uint(&r, layout[i].width);
		if (r.bad || v != layout[i].value)
			fail_msg("%s at %zu: %#lx, not %#lx", layout[i].codec, layout[i].offset, v,
				layout[i].value);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_where_the_specification_puts_it),
		cmocka_unit_test(the_fixed_part_has_the_size_that_structure_size_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
