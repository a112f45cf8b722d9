/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/cursor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* volatile: the compiler need not warn of a size that is meant to be impossible */
static volatile size_t huge = SIZE_MAX;
static const uint8_t eight[] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct rd over_eight(void)
{
	return rd_over(BYTES(eight, sizeof(eight)));
}

static void integers_are_little_endian_unless_named_be(void **state)
{
	struct rd r = over_eight();

	assert_int_equal(rd_u8(&r), 0x01);
	assert_int_equal(rd_u16(&r), 0x0302);
	assert_int_equal(rd_u32(&r), 0x07060504);
	rd_seek(&r, 0);
	assert_true(rd_u64(&r) == 0x0807060504030201);
	rd_seek(&r, 0);
	assert_int_equal(rd_u16_be(&r), 0x0102);
	assert_int_equal(rd_u32_be(&r), 0x03040506);
	rd_seek(&r, 1);
	assert_int_equal(rd_uint(&r, 3), 0x040302);
	assert_false(r.bad);
}

static void a_read_past_the_end_is_bad_and_yields_zero_from_then_on(void **state)
{
	struct rd r = over_eight();

	rd_skip(&r, 5);
	assert_int_equal(rd_u32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(r.pos, 5);
	assert_int_equal(rd_u8(&r), 0);
	assert_int_equal(rd_left(&r), 0);
	assert_null(rd_bytes(&r, 0).data);
}

static void a_copy_past_the_end_fills_with_zeroes(void **state)
{
	struct rd r = over_eight();
	uint8_t out[9];

	memset(out, 0xEE, sizeof(out));
	rd_copy(&r, out, sizeof(out));
	assert_true(r.bad);
	for (size_t i = 0; i < sizeof(out); i++)
		assert_int_equal(out[i], 0);
}

static void sizes_near_the_limit_of_size_t_do_not_wrap(void **state)
{
	struct rd r = over_eight();

	rd_skip(&r, 4);
	assert_null(rd_bytes(&r, huge).data);
	assert_true(r.bad);
	r = over_eight();
	assert_null(rd_window(&r, 4, huge).data);
	assert_true(r.bad);
	r = over_eight();
	assert_null(rd_window(&r, huge, 4).data);
	assert_true(r.bad);
	r = over_eight();
	rd_seek(&r, huge);
	assert_true(r.bad);
}

static void a_window_does_not_move_and_counts_from_base(void **state)
{
	struct rd r = over_eight();

	rd_skip(&r, 3);
	struct bytes b = rd_window(&r, 1, 7);
	assert_ptr_equal(b.data, eight + 1);
	assert_int_equal(b.len, 7);
	assert_int_equal(r.pos, 3);
	assert_false(r.bad);
	rd_window(&r, 1, 8);
	assert_true(r.bad);
}

static void an_empty_window_is_empty_wherever_it_points(void **state)
{
	struct rd r = over_eight();

	assert_int_equal(rd_window(&r, 1000, 0).len, 0);
	assert_false(r.bad);
}

static void alignment_at_the_end_of_the_data_is_no_error(void **state)
{
	struct rd r = rd_over(BYTES(eight, 6));

	rd_skip(&r, 5);
	rd_align(&r, 4);
	assert_int_equal(r.pos, 6);
	assert_false(r.bad);
	r = over_eight();
	rd_skip(&r, 5);
	rd_align(&r, 4);
	assert_int_equal(r.pos, 8);
	rd_align(&r, 8);
	assert_int_equal(r.pos, 8);
}

static void what_is_written_reads_back(void **state)
{
	uint8_t buf[64];
	struct wr w = wr_over(buf, sizeof(buf));

	wr_u8(&w, 0xAB);
	wr_u16(&w, 0xABCD);
	wr_u32(&w, 0xABCDEF01);
	wr_u64(&w, 0xABCDEF0123456789);
	wr_u16_be(&w, 0x1234);
	wr_u32_be(&w, 0x12345678);
	wr_bytes(&w, BYTES("abc", 3));
	assert_false(w.bad);
	struct rd r = rd_over(BYTES(buf, w.pos));
	assert_int_equal(rd_u8(&r), 0xAB);
	assert_int_equal(rd_u16(&r), 0xABCD);
	assert_int_equal(rd_u32(&r), 0xABCDEF01);
	assert_true(rd_u64(&r) == 0xABCDEF0123456789);
	assert_int_equal(rd_u16_be(&r), 0x1234);
	assert_int_equal(rd_u32_be(&r), 0x12345678);
	assert_true(bytes_equal(rd_bytes(&r, 3), BYTES("abc", 3)));
	assert_int_equal(rd_left(&r), 0);
}

static void a_value_too_wide_is_bad_and_writes_nothing(void **state)
{
	static void (*const writers[])(struct wr *, uint64_t) = {wr_u8, wr_u16, wr_u32, wr_u16_be, wr_u32_be};
	static const uint64_t limits[] = {0xFF, 0xFFFF, 0xFFFFFFFF, 0xFFFF, 0xFFFFFFFF};
	uint8_t buf[8];

	for (size_t i = 0; i < ARRAY_SIZE(writers); i++) {
		struct wr w = wr_over(buf, sizeof(buf));
		writers[i](&w, limits[i]);
		assert_false(w.bad);
		size_t pos = w.pos;
		writers[i](&w, limits[i] + 1);
		assert_true(w.bad);
		assert_int_equal(w.pos, pos);
	}
}

static void a_write_past_the_capacity_is_bad_and_writes_nothing(void **state)
{
	uint8_t buf[5] = {9, 9, 9, 9, 9};
	struct wr w = wr_over(buf, 4);

	wr_u16(&w, 0);
	wr_u32(&w, 0);
	assert_true(w.bad);
	wr_u8(&w, 0); /* would fit, but bad is sticky */
	assert_int_equal(w.pos, 2);
	assert_memory_equal(buf, "\0\0\x09\x09\x09", 5);
	assert_int_equal(wr_left(&w), 0);
	assert_null(wr_room(&w, 0));
}

static void room_is_zeroed(void **state)
{
	uint8_t buf[6] = {9, 9, 9, 9, 9, 9};
	struct wr w = wr_over(buf, sizeof(buf));

	wr_u8(&w, 1);
	assert_ptr_equal(wr_room(&w, 2), buf + 1);
	wr_align(&w, 4);
	assert_int_equal(w.pos, 4);
	wr_align(&w, 4);
	assert_int_equal(w.pos, 4);
	assert_memory_equal(buf, "\1\0\0\0\x09\x09", 6);
	assert_null(wr_room(&w, huge));
}

static void a_patch_reaches_only_what_has_been_written(void **state)
{
	uint8_t buf[8] = {0};
	struct wr w = wr_over(buf, sizeof(buf));

	wr_zero(&w, 4);
	wr_patch(&w, 2, 0x0201, 2);
	assert_false(w.bad);
	assert_int_equal(w.pos, 4);
	assert_memory_equal(buf, "\0\0\1\2\0", 5);
	wr_patch(&w, 3, 0, 2);
	assert_true(w.bad);
}

static void a_patch_too_wide_is_bad(void **state)
{
	uint8_t buf[8];
	struct wr w = wr_over(buf, sizeof(buf));

	wr_zero(&w, 4);
	wr_patch(&w, 0, 0x10000, 2);
	assert_true(w.bad);
}

static void an_empty_view_reads_and_compares(void **state)
{
	struct rd r = rd_over(BYTES(NULL, 0));

	assert_int_equal(rd_bytes(&r, 0).len, 0);
	assert_false(r.bad);
	assert_true(bytes_equal(BYTES(NULL, 0), BYTES("", 0)));
	assert_false(bytes_equal(BYTES("a", 1), BYTES("b", 1)));
	assert_false(bytes_equal(BYTES("a", 1), BYTES("ab", 2)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_little_endian_unless_named_be),
		cmocka_unit_test(a_read_past_the_end_is_bad_and_yields_zero_from_then_on),
		cmocka_unit_test(a_copy_past_the_end_fills_with_zeroes),
		cmocka_unit_test(sizes_near_the_limit_of_size_t_do_not_wrap),
		cmocka_unit_test(a_window_does_not_move_and_counts_from_base),
		cmocka_unit_test(an_empty_window_is_empty_wherever_it_points),
		cmocka_unit_test(alignment_at_the_end_of_the_data_is_no_error),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(a_value_too_wide_is_bad_and_writes_nothing),
		cmocka_unit_test(a_write_past_the_capacity_is_bad_and_writes_nothing),
		cmocka_unit_test(room_is_zeroed),
		cmocka_unit_test(a_patch_reaches_only_what_has_been_written),
		cmocka_unit_test(a_patch_too_wide_is_bad),
		cmocka_unit_test(an_empty_view_reads_and_compares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
