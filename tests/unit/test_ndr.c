/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/ndr.h"
#include "wire/srvsvc.h"
#include "wire/wkssvc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <talloc.h>

#include <cmocka.h>

enum { BUF = 4096 };

static void numbers_are_aligned_to_the_start_of_the_stub(void **state)
{
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	wr_u8(&w, 7);
	ndr_put_u32(&w, 0x11223344);
	assert_int_equal(w.pos, 8);
	assert_memory_equal(buf, "\x07\0\0\0\x44\x33\x22\x11", 8);
	struct rd r = rd_over(BYTES(buf, w.pos));
	assert_int_equal(rd_u8(&r), 7);
	assert_int_equal(ndr_get_u32(&r), 0x11223344);
	assert_false(r.bad);
}

static void referents_are_not_null_and_differ(void **state)
{
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	ndr_put_pointer(&w, true);
	ndr_put_pointer(&w, true);
	ndr_put_pointer(&w, false);
	struct rd r = rd_over(BYTES(buf, w.pos));
	uint32_t a = rd_u32(&r), b = rd_u32(&r), none = rd_u32(&r);
	assert_int_not_equal(a, 0);
	assert_int_not_equal(b, 0);
	assert_int_not_equal(a, b);
	assert_int_equal(none, 0);
}

static void a_string_has_three_counts_and_a_terminator(void **state)
{
	static const uint8_t expected[] = {3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'a', 0, 0xE9, 0, 0, 0};
	TALLOC_CTX *mem = talloc_new(NULL);
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	ndr_put_string(&w, "a\xC3\xA9");
	assert_int_equal(w.pos, sizeof(expected));
	assert_memory_equal(buf, expected, sizeof(expected));
	struct rd r = rd_over(BYTES(buf, w.pos));
	assert_string_equal(ndr_get_string(mem, &r), "a\xC3\xA9");
	assert_int_equal(rd_left(&r), 0);
	talloc_free(mem);
}

static void a_string_ends_at_its_first_terminator(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	uint8_t buf[18];
	struct wr w = wr_over(buf, sizeof(buf));

	ndr_put_string(&w, "ab");
	buf[14] = 0;
	struct rd r = rd_over(BYTES(buf, sizeof(buf)));
	assert_string_equal(ndr_get_string(mem, &r), "a");
	assert_false(r.bad);
	assert_int_equal(rd_left(&r), 0);
	talloc_free(mem);
}

/* Each row spoils one field of the string "ab": 3, 0, 3, 'a', 'b', 0. */
static void malformed_strings_are_refused(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
	} spoil[] = {
		{0, 2},     /* MaximumCount below ActualCount */
		{4, 1},     /* an offset */
		{8, 0},     /* no characters at all */
		{8, 2},     /* no terminator */
		{8, 4},     /* more characters than bytes */
		{11, 0x80}, /* so many that their bytes would wrap 32 bits */
		{16, 'x'},  /* no terminator */
		{17, 'x'},
	};

	for (size_t i = 0; i < ARRAY_SIZE(spoil); i++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		uint8_t *buf = malloc(18);
		struct wr w = wr_over(buf, 18);

		ndr_put_string(&w, "ab");
		assert_int_equal(w.pos, 18);
		buf[spoil[i].offset] = spoil[i].value;
		struct rd r = rd_over(BYTES(buf, 18));
		assert_null(ndr_get_string(mem, &r));
		assert_true(r.bad);
		free(buf);
		talloc_free(mem);
	}
}

static void a_string_that_is_not_utf8_is_not_written(void **state)
{
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	ndr_put_string(&w, "\xFF");
	assert_true(w.bad);
}

static void a_null_string_differs_from_an_empty_one(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	ndr_put_unique_string(&w, NULL);
	ndr_put_unique_string(&w, "");
	struct rd r = rd_over(BYTES(buf, w.pos));
	assert_null(ndr_get_unique_string(mem, &r));
	assert_string_equal(ndr_get_unique_string(mem, &r), "");
	assert_false(r.bad);
	talloc_free(mem);
}

static const struct srvsvc_share some_shares[] = {
	{"data", STYPE_DISKTREE, "A share of data", 0, UINT32_MAX, 2, "C:\\srv\\data", "", 0x30, {NULL, 0}},
	{"IPC$", STYPE_IPC | STYPE_SPECIAL, "", 1, 10, 0, "C:\\", NULL, 0,
		{(const uint8_t *)"descriptor", 10}},
};

/* Equal as far as level shows: encodes both alone. */
static void assert_same_share(uint32_t level, const struct srvsvc_share *a, const struct srvsvc_share *b)
{
	const struct ndr_layout *l = srvsvc_share_level(level, true);
	uint8_t first[BUF], second[BUF];
	struct wr wa = wr_over(first, sizeof(first)), wb = wr_over(second, sizeof(second));

	ndr_put_fixed(&wa, l, a);
	ndr_put_deferred(&wa, l, a);
	ndr_put_fixed(&wb, l, b);
	ndr_put_deferred(&wb, l, b);
	assert_int_equal(wa.pos, wb.pos);
	assert_memory_equal(first, second, wa.pos);
}

static void share_lists_of_every_level_survive_a_round_trip(void **state)
{
	static const uint32_t levels[] = {0, 1, 2, 501, 502};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		struct srvsvc_share_enum_rsp in = {levels[i], some_shares, 2, 5, true, 2, 234}, out = {0};
		uint8_t buf[BUF];
		struct wr w = wr_over(buf, sizeof(buf));

		srvsvc_share_enum_rsp_encode(&w, &in);
		assert_false(w.bad);
		assert_true(srvsvc_share_enum_rsp_decode(mem, BYTES(buf, w.pos), &out));
		assert_int_equal(out.level, levels[i]);
		assert_int_equal(out.count, 2);
		assert_int_equal(out.total, 5);
		assert_true(out.has_resume);
		assert_int_equal(out.resume, 2);
		assert_int_equal(out.werror, 234);
		for (int k = 0; k < 2; k++) {
			assert_string_equal(out.shares[k].name, some_shares[k].name);
			assert_same_share(levels[i], &some_shares[k], &out.shares[k]);
		}
		for (size_t n = 0; n < w.pos; n++)
			assert_false(srvsvc_share_enum_rsp_decode(mem, BYTES(buf, n), &out));
		talloc_free(mem);
	}
}

/* What another implementation puts on the wire for two shares on level 1. */
static void a_share_list_has_the_layout_that_others_send(void **state)
{
	static const uint8_t expected[] = {1, 0, 0, 0, 1, 0, 0, 0, 8, 0, 2, 0, 2, 0, 0, 0, 16, 0, 2, 0, 2, 0,
		0, 0, 24, 0, 2, 0, 0, 0, 0, 0, 32, 0, 2, 0, 36, 0, 2, 0, 3, 0, 0, 0x80, 44, 0, 2, 0, 2, 0, 0,
		0, 0, 0, 0, 0, 2, 0, 0, 0, 'd', 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'c', 0, 'o', 0,
		0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 'I', 0, 'P', 0, 'C', 0, '$', 0, 0, 0, 0, 0, 1,
		0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	const struct srvsvc_share shares[] = {{.name = "d", .comment = "co"},
		{.name = "IPC$", .type = STYPE_IPC | STYPE_SPECIAL, .comment = ""}};
	struct srvsvc_share_enum_rsp rsp = {.level = 1, .shares = shares, .count = 2, .total = 2};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	srvsvc_share_enum_rsp_encode(&w, &rsp);
	assert_int_equal(w.pos, sizeof(expected));
	assert_memory_equal(buf, expected, sizeof(expected));
}

static void a_share_count_larger_than_its_stub_is_refused(void **state)
{
	static const uint32_t counts[] = {3, 1000, 0x40000000, UINT32_MAX};
	TALLOC_CTX *mem = talloc_new(NULL);
	struct srvsvc_share_enum_rsp in = {.level = 502, .shares = some_shares, .count = 2}, out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	srvsvc_share_enum_rsp_encode(&w, &in);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		wr_patch(&w, 12, counts[i], 4);
		assert_false(srvsvc_share_enum_rsp_decode(mem, BYTES(buf, w.pos), &out));
		wr_patch(&w, 20, counts[i], 4);
		assert_false(srvsvc_share_enum_rsp_decode(mem, BYTES(buf, w.pos), &out));
		wr_patch(&w, 20, 2, 4);
	}
	talloc_free(mem);
}

static void share_enum_requests_survive_a_round_trip(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct srvsvc_share_enum_req in = {"\\\\server", 1, UINT32_MAX, true, 7}, out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	srvsvc_share_enum_req_encode(&w, &in);
	assert_true(srvsvc_share_enum_req_decode(mem, BYTES(buf, w.pos), &out));
	assert_string_equal(out.server_name, "\\\\server");
	assert_int_equal(out.level, 1);
	assert_int_equal(out.preferred_length, UINT32_MAX);
	assert_true(out.has_resume);
	assert_int_equal(out.resume, 7);
	for (size_t n = 0; n < w.pos; n++)
		assert_false(srvsvc_share_enum_req_decode(mem, BYTES(buf, n), &out));
	talloc_free(mem);
}

/*
 * A level outside the union decodes when its container is empty, so that the answer can be
 * ERROR_INVALID_LEVEL.
 */
static void a_share_enum_request_of_an_unknown_level_decodes(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct srvsvc_share_enum_req in = {NULL, 503, 0, false, 0}, out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	srvsvc_share_enum_req_encode(&w, &in);
	assert_true(srvsvc_share_enum_req_decode(mem, BYTES(buf, w.pos), &out));
	assert_int_equal(out.level, 503);
	wr_patch(&w, 8, 1, 4);
	assert_false(srvsvc_share_enum_req_decode(mem, BYTES(buf, w.pos), &out));
	talloc_free(mem);
}

static void single_shares_of_every_level_survive_a_round_trip(void **state)
{
	static const uint32_t levels[] = {0, 1, 2, 501, 502, 1005};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		struct srvsvc_share_get_info_rsp in = {levels[i], true, some_shares[1], 0}, out = {0};
		uint8_t buf[BUF];
		struct wr w = wr_over(buf, sizeof(buf));

		srvsvc_share_get_info_rsp_encode(&w, &in);
		assert_true(srvsvc_share_get_info_rsp_decode(mem, BYTES(buf, w.pos), &out));
		assert_int_equal(out.level, levels[i]);
		assert_true(out.present);
		assert_same_share(levels[i], &some_shares[1], &out.share);
		for (size_t n = 0; n < w.pos; n++)
			assert_false(srvsvc_share_get_info_rsp_decode(mem, BYTES(buf, n), &out));
		talloc_free(mem);
	}
}

static void a_blob_whose_two_counts_differ_is_refused(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct srvsvc_share_get_info_rsp in = {502, true, {.security_descriptor = BYTES("abcd", 4)}, 0},
					 out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	srvsvc_share_get_info_rsp_encode(&w, &in);
	assert_true(srvsvc_share_get_info_rsp_decode(mem, BYTES(buf, w.pos), &out));
	assert_true(bytes_equal(out.share.security_descriptor, BYTES("abcd", 4)));
	wr_patch(&w, 8 + 32, 3, 4);
	assert_false(srvsvc_share_get_info_rsp_decode(mem, BYTES(buf, w.pos), &out));
	talloc_free(mem);
}

static void a_level_without_information_is_a_null_pointer(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct srvsvc_share_get_info_rsp in = {.level = 999, .werror = 124}, out = {.present = true};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	srvsvc_share_get_info_rsp_encode(&w, &in);
	assert_int_equal(w.pos, 12);
	assert_true(srvsvc_share_get_info_rsp_decode(mem, BYTES(buf, w.pos), &out));
	assert_false(out.present);
	assert_int_equal(out.werror, 124);
	wr_patch(&w, 4, 1, 4); /* a pointer to something of a level unknown */
	assert_false(srvsvc_share_get_info_rsp_decode(mem, BYTES(buf, w.pos), &out));
	talloc_free(mem);
}

static void get_info_requests_survive_a_round_trip(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct srvsvc_share_get_info_req share = {NULL, "data", 502}, share_out = {0};
	struct srvsvc_server_get_info_req server = {"\\\\s", 101}, server_out = {0};
	struct srvsvc_remote_tod_req tod = {"abc"}, tod_out = {0};
	struct wkssvc_wksta_get_info_req wksta = {"", 102}, wksta_out = {"x", 0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	srvsvc_share_get_info_req_encode(&w, &share);
	assert_true(srvsvc_share_get_info_req_decode(mem, BYTES(buf, w.pos), &share_out));
	assert_null(share_out.server_name);
	assert_string_equal(share_out.share_name, "data");
	assert_int_equal(share_out.level, 502);
	assert_false(srvsvc_share_get_info_req_decode(mem, BYTES(buf, w.pos - 1), &share_out));
	w = wr_over(buf, sizeof(buf));
	srvsvc_server_get_info_req_encode(&w, &server);
	assert_true(srvsvc_server_get_info_req_decode(mem, BYTES(buf, w.pos), &server_out));
	assert_string_equal(server_out.server_name, "\\\\s");
	assert_int_equal(server_out.level, 101);
	w = wr_over(buf, sizeof(buf));
	srvsvc_remote_tod_req_encode(&w, &tod);
	assert_true(srvsvc_remote_tod_req_decode(mem, BYTES(buf, w.pos), &tod_out));
	assert_string_equal(tod_out.server_name, "abc");
	w = wr_over(buf, sizeof(buf));
	wkssvc_wksta_get_info_req_encode(&w, &wksta);
	assert_true(wkssvc_wksta_get_info_req_decode(mem, BYTES(buf, w.pos), &wksta_out));
	assert_string_equal(wksta_out.server_name, "");
	assert_int_equal(wksta_out.level, 102);
	talloc_free(mem);
}

static void server_information_survives_a_round_trip(void **state)
{
	static const uint32_t levels[] = {100, 101, 102};
	struct srvsvc_server s = {
		PLATFORM_ID_NT, "SRV", 6, 1, SV_TYPE_SERVER, "a comment", 1, 2, 3, 4, 5, 6, "C:\\"};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		struct srvsvc_server_get_info_rsp in = {levels[i], true, s, 0}, out = {0};
		uint8_t buf[BUF], again[BUF];
		struct wr w = wr_over(buf, sizeof(buf)), w2 = wr_over(again, sizeof(again));

		srvsvc_server_get_info_rsp_encode(&w, &in);
		assert_true(srvsvc_server_get_info_rsp_decode(mem, BYTES(buf, w.pos), &out));
		assert_string_equal(out.server.name, "SRV");
		if (levels[i] == 102) {
			assert_string_equal(out.server.comment, "a comment");
			assert_int_equal(out.server.licenses, 6);
			assert_string_equal(out.server.user_path, "C:\\");
		}
		srvsvc_server_get_info_rsp_encode(&w2, &out);
		assert_int_equal(w.pos, w2.pos);
		assert_memory_equal(buf, again, w.pos);
		for (size_t n = 0; n < w.pos; n++)
			assert_false(srvsvc_server_get_info_rsp_decode(mem, BYTES(buf, n), &out));
		talloc_free(mem);
	}
}

static void workstation_information_survives_a_round_trip(void **state)
{
	static const uint32_t levels[] = {100, 101, 102};
	struct wkssvc_wksta s = {PLATFORM_ID_NT, "SRV", "GROUP", 6, 1, "root", 9};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		TALLOC_CTX *mem = talloc_new(NULL);
		struct wkssvc_wksta_get_info_rsp in = {levels[i], true, s, 5}, out = {0};
		uint8_t buf[BUF];
		struct wr w = wr_over(buf, sizeof(buf));

		wkssvc_wksta_get_info_rsp_encode(&w, &in);
		assert_true(wkssvc_wksta_get_info_rsp_decode(mem, BYTES(buf, w.pos), &out));
		assert_string_equal(out.wksta.computer_name, "SRV");
		assert_string_equal(out.wksta.domain, "GROUP");
		assert_int_equal(out.wksta.version_minor, 1);
		assert_int_equal(out.wksta.logged_on_users, levels[i] == 102 ? 9 : 0);
		assert_int_equal(out.werror, 5);
		for (size_t n = 0; n < w.pos; n++)
			assert_false(wkssvc_wksta_get_info_rsp_decode(mem, BYTES(buf, n), &out));
		talloc_free(mem);
	}
}

static void the_time_of_day_survives_a_round_trip(void **state)
{
	struct srvsvc_remote_tod_rsp in = {true, {1, 2, 3, 4, 5, 6, (uint32_t)-60, 310, 24, 11, 2026, 2}, 0},
				     out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	srvsvc_remote_tod_rsp_encode(&w, &in);
	assert_int_equal(w.pos, 56);
	assert_true(srvsvc_remote_tod_rsp_decode(NULL, BYTES(buf, w.pos), &out));
	assert_memory_equal(&in.time, &out.time, sizeof(in.time));
	assert_false(srvsvc_remote_tod_rsp_decode(NULL, BYTES(buf, w.pos - 1), &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_aligned_to_the_start_of_the_stub),
		cmocka_unit_test(referents_are_not_null_and_differ),
		cmocka_unit_test(a_string_has_three_counts_and_a_terminator),
		cmocka_unit_test(a_string_ends_at_its_first_terminator),
		cmocka_unit_test(malformed_strings_are_refused),
		cmocka_unit_test(a_string_that_is_not_utf8_is_not_written),
		cmocka_unit_test(a_null_string_differs_from_an_empty_one),
		cmocka_unit_test(share_lists_of_every_level_survive_a_round_trip),
		cmocka_unit_test(a_share_list_has_the_layout_that_others_send),
		cmocka_unit_test(a_share_count_larger_than_its_stub_is_refused),
		cmocka_unit_test(share_enum_requests_survive_a_round_trip),
		cmocka_unit_test(a_share_enum_request_of_an_unknown_level_decodes),
		cmocka_unit_test(single_shares_of_every_level_survive_a_round_trip),
		cmocka_unit_test(a_blob_whose_two_counts_differ_is_refused),
		cmocka_unit_test(a_level_without_information_is_a_null_pointer),
		cmocka_unit_test(get_info_requests_survive_a_round_trip),
		cmocka_unit_test(server_information_survives_a_round_trip),
		cmocka_unit_test(workstation_information_survives_a_round_trip),
		cmocka_unit_test(the_time_of_day_survives_a_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
