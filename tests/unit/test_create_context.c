/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/create_context.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LITERAL(s) BYTES(s, sizeof(s) - 1)
#define KEY {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
#define OTHER_KEY {17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32}

enum { BUF = 1024 };

static struct smb2_create_contexts_req all_in_request(void)
{
	return (struct smb2_create_contexts_req){
		.has_mxac = true,
		.has_mxac_time = true,
		.mxac_time = 0x0102030405060708,
		.has_qfid = true,
		.has_alsi = true,
		.allocation_size = 0x1112131415161718,
		.has_twrp = true,
		.timewarp = 0x2122232425262728,
		.has_lease = true,
		.lease = {.version = 2,
			.key = KEY,
			.state = 7,
			.flags = 4,
			.duration = 0x3132333435363738,
			.parent_key = OTHER_KEY,
			.epoch = 0x4142},
		.has_dhnq = true,
		.has_dhnc = true,
		.dhnc_file_id = {0x5152535455565758, 0x6162636465666768},
		.has_dh2q = true,
		.dh2q = {.timeout = 60000, .flags = 2, .create_guid = KEY},
		.has_dh2c = true,
		.dh2c = {{0x7172737475767778, 0x8182838485868788}, OTHER_KEY, 2},
		.has_extended_attributes = true,
		.extended_attributes = LITERAL("extended"),
		.has_security_descriptor = true,
		.security_descriptor = LITERAL("descriptor"),
		.has_app_instance = true,
		.app_instance_id = OTHER_KEY,
	};
}

static void assert_leases_equal(const struct smb2_lease *a, const struct smb2_lease *b)
{
	assert_int_equal(a->version, b->version);
	assert_memory_equal(a->key, b->key, 16);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->duration, b->duration);
	assert_memory_equal(a->parent_key, b->parent_key, 16);
	assert_int_equal(a->epoch, b->epoch);
}

static void assert_durables_equal(const struct smb2_durable_v2 *a, const struct smb2_durable_v2 *b)
{
	assert_int_equal(a->timeout, b->timeout);
	assert_int_equal(a->flags, b->flags);
	assert_memory_equal(a->create_guid, b->create_guid, 16);
}

static void assert_requests_equal(
	const struct smb2_create_contexts_req *a, const struct smb2_create_contexts_req *b)
{
	assert_true(
		b->has_mxac && b->has_mxac_time && b->has_qfid && b->has_alsi && b->has_twrp && b->has_lease);
	assert_true(b->has_dhnq && b->has_dhnc && b->has_dh2q && b->has_dh2c && b->has_app_instance);
	assert_true(b->has_extended_attributes && b->has_security_descriptor);
	assert_int_equal(a->mxac_time, b->mxac_time);
	assert_int_equal(a->allocation_size, b->allocation_size);
	assert_int_equal(a->timewarp, b->timewarp);
	assert_leases_equal(&a->lease, &b->lease);
	assert_memory_equal(&a->dhnc_file_id, &b->dhnc_file_id, sizeof(a->dhnc_file_id));
	assert_durables_equal(&a->dh2q, &b->dh2q);
	assert_memory_equal(&a->dh2c.file_id, &b->dh2c.file_id, sizeof(a->dh2c.file_id));
	assert_memory_equal(a->dh2c.create_guid, b->dh2c.create_guid, 16);
	assert_int_equal(a->dh2c.flags, b->dh2c.flags);
	assert_true(bytes_equal(a->extended_attributes, b->extended_attributes));
	assert_true(bytes_equal(a->security_descriptor, b->security_descriptor));
	assert_memory_equal(a->app_instance_id, b->app_instance_id, 16);
}

static void a_request_with_all_survives_a_round_trip(void **state)
{
	uint8_t buf[BUF];
	struct smb2_create_contexts_req in = all_in_request(), out;
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_create_contexts_req_encode(&w, &in);
	assert_false(w.bad);
	assert_true(smb2_create_contexts_req_decode(BYTES(buf, w.pos), &out));
	assert_requests_equal(&in, &out);
}

static void a_response_with_all_survives_a_round_trip(void **state)
{
	uint8_t buf[BUF];
	const struct smb2_create_contexts_rsp in = {
		.has_mxac = true, .mxac_status = 0xC0000022, .maximal_access = 0x001F01FF,
		.has_qfid = true, .qfid_file_id = 0x0102030405060708, .qfid_volume_id = 0x1112131415161718,
		.has_lease = true, .lease = {.version = 1, .key = KEY, .state = 5, .flags = 2},
		.has_dhnq = true, .has_dh2q = true, .dh2q = {.timeout = 30000, .flags = 2},
	};
	struct smb2_create_contexts_rsp out;
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_create_contexts_rsp_encode(&w, &in);
	assert_false(w.bad);
	assert_true(smb2_create_contexts_rsp_decode(BYTES(buf, w.pos), &out));
	assert_true(out.has_mxac && out.has_qfid && out.has_lease && out.has_dhnq && out.has_dh2q);
	assert_int_equal(out.mxac_status, in.mxac_status);
	assert_int_equal(out.maximal_access, in.maximal_access);
	assert_int_equal(out.qfid_file_id, in.qfid_file_id);
	assert_int_equal(out.qfid_volume_id, in.qfid_volume_id);
	assert_leases_equal(&out.lease, &in.lease);
	assert_durables_equal(&out.dh2q, &in.dh2q);
}

static void none_present_writes_nothing(void **state)
{
	uint8_t buf[BUF];
	const struct smb2_create_contexts_rsp none = {0};
	const struct smb2_create_contexts_req nothing = {0};
	struct smb2_create_contexts_rsp out;
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_create_contexts_rsp_encode(&w, &none);
	smb2_create_contexts_req_encode(&w, &nothing);
	assert_int_equal(w.pos, 0);
	assert_true(smb2_create_contexts_rsp_decode(BYTES(NULL, 0), &out));
	assert_false(out.has_lease);
}

/* [MS-SMB2] 2.2.14.2: Next counts from its context and leads to a multiple of 8 from the first. */
static void contexts_are_chained_on_multiples_of_8_from_the_first(void **state)
{
	uint8_t buf[BUF];
	const struct smb2_create_contexts_rsp in = {.has_lease = true,
		.lease = {.version = 2},
		.has_mxac = true,
		.has_qfid = true,
		.has_dh2q = true};
	static const uint32_t nexts[] = {24 + 52 + 4, 24 + 8, 24 + 32, 0};
	static const uint32_t sizes[] = {52, 8, 32, 8};
	struct wr w = wr_over(buf, sizeof(buf));

	wr_zero(&w, 3);
	smb2_create_contexts_rsp_encode(&w, &in);
	struct rd r = rd_over(BYTES(buf + 3, w.pos - 3));
	for (size_t i = 0, at = 0; i < ARRAY_SIZE(nexts); at += nexts[i++]) {
		rd_seek(&r, at);
		assert_int_equal(rd_u32(&r), nexts[i]);
		assert_int_equal(rd_u16(&r), 16);
		assert_int_equal(rd_u16(&r), 4);
		assert_int_equal(rd_u16(&r), 0);
		assert_int_equal(rd_u16(&r), 24);
		assert_int_equal(rd_u32(&r), sizes[i]);
	}
	assert_int_equal(w.pos - 3, 80 + 32 + 56 + 24 + 8);
}

static void a_context_without_data_has_no_data_offset(void **state)
{
	static const char expected[] = "\0\0\0\0\x10\0\x04\0\0\0\0\0\0\0\0\0QFid\0\0\0\0";
	uint8_t buf[BUF];
	const struct smb2_create_contexts_req in = {.has_qfid = true};
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_create_contexts_req_encode(&w, &in);
	assert_int_equal(w.pos, sizeof(expected) - 1);
	assert_memory_equal(buf, expected, w.pos);
}

/* A context of any name around some data, its last byte the last of the list. */
static struct bytes one_context(uint8_t *buf, struct bytes name, struct bytes data)
{
	struct wr w = wr_over(buf, BUF);

	wr_u32(&w, 0);
	wr_u16(&w, 16);
	wr_u16(&w, name.len);
	wr_u16(&w, 0);
	wr_u16(&w, 16 + ((name.len + 7) & ~7u));
	wr_u32(&w, data.len);
	wr_bytes(&w, name);
	wr_align(&w, 8);
	wr_bytes(&w, data);
	assert_false(w.bad);
	return BYTES(buf, w.pos);
}

/* Every length of data from 0 to 63: those of the specification are taken and no other. */
static void data_of_another_length_than_specified_is_refused(void **state)
{
	static const struct {
		const char *name;
		size_t first, second;
	} rows[] = {
		{"RqLs", 32, 52},
		{"MxAc", 0, 8},
		{"QFid", 0, 0},
		{"DH2Q", 32, 32},
		{"DHnQ", 16, 16},
		{"DH2C", 36, 36},
		{"DHnC", 16, 16},
		{"AlSi", 8, 8},
		{"TWrp", 8, 8},
	};
	static const uint8_t data[64];
	uint8_t buf[BUF];
	struct smb2_create_contexts_req out;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t n = 0; n < sizeof(data); n++) {
			struct bytes list = one_context(buf, BYTES(rows[i].name, 4), BYTES(data, n));
			bool right = n == rows[i].first || n == rows[i].second;
			if (smb2_create_contexts_req_decode(list, &out) != right)
				fail_msg("%s with %zu bytes", rows[i].name, n);
		}
}

static void a_response_of_another_length_than_specified_is_refused(void **state)
{
	static const struct {
		const char *name;
		size_t first, second;
	} rows[] = {{"RqLs", 32, 52}, {"MxAc", 8, 8}, {"QFid", 32, 32}, {"DH2Q", 8, 8}, {"DHnQ", 8, 8}};
	static const uint8_t data[64];
	uint8_t buf[BUF];
	struct smb2_create_contexts_rsp out;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t n = 0; n < sizeof(data); n++) {
			struct bytes list = one_context(buf, BYTES(rows[i].name, 4), BYTES(data, n));
			bool right = n == rows[i].first || n == rows[i].second;
			if (smb2_create_contexts_rsp_decode(list, &out) != right)
				fail_msg("%s with %zu bytes", rows[i].name, n);
		}
}

static void the_length_tells_the_versions_of_a_lease_apart(void **state)
{
	static const uint8_t data[52] = {[16] = 5, [48] = 9};
	uint8_t buf[BUF];
	struct smb2_create_contexts_req out;

	assert_true(
		smb2_create_contexts_req_decode(one_context(buf, LITERAL("RqLs"), BYTES(data, 32)), &out));
	assert_int_equal(out.lease.version, 1);
	assert_int_equal(out.lease.state, 5);
	assert_true(
		smb2_create_contexts_req_decode(one_context(buf, LITERAL("RqLs"), BYTES(data, 52)), &out));
	assert_int_equal(out.lease.version, 2);
	assert_int_equal(out.lease.epoch, 9);
}

static void maximal_access_may_come_with_a_time_or_without(void **state)
{
	uint8_t buf[BUF];
	struct smb2_create_contexts_req out;

	assert_true(smb2_create_contexts_req_decode(one_context(buf, LITERAL("MxAc"), LITERAL("")), &out));
	assert_true(out.has_mxac && !out.has_mxac_time);
	assert_true(smb2_create_contexts_req_decode(
		one_context(buf, LITERAL("MxAc"), LITERAL("\1\0\0\0\0\0\0\0")), &out));
	assert_true(out.has_mxac && out.has_mxac_time && out.mxac_time == 1);
}

static void unknown_contexts_are_skipped(void **state)
{
	uint8_t buf[BUF];
	struct smb2_create_contexts_req out;

	assert_true(smb2_create_contexts_req_decode(
		one_context(buf, LITERAL("AAPL"), LITERAL("anything")), &out));
	assert_true(smb2_create_contexts_req_decode(one_context(buf, LITERAL("RqLsX"), LITERAL("")), &out));
	assert_true(smb2_create_contexts_req_decode(
		one_context(buf, LITERAL("sixteen bytes..."), LITERAL("")), &out));
	assert_false(out.has_lease || out.has_app_instance);
}

static void an_app_instance_needs_its_own_structure_size(void **state)
{
	static const char name[] = "\x45\xBC\xA6\x6A\xEF\xA7\xF7\x4A\x90\x08\xFA\x46\x2E\x14\x4D\x74";
	uint8_t buf[BUF];
	struct smb2_create_contexts_req out;

	assert_true(smb2_create_contexts_req_decode(
		one_context(buf, LITERAL(name), LITERAL("\x14\0\0\0sixteen bytes...")), &out));
	assert_true(out.has_app_instance);
	assert_memory_equal(out.app_instance_id, "sixteen bytes...", 16);
	assert_false(smb2_create_contexts_req_decode(
		one_context(buf, LITERAL(name), LITERAL("\x15\0\0\0sixteen bytes...")), &out));
}

static void a_context_that_occurs_twice_is_refused(void **state)
{
#define QFID(next) next "\0\0\0\x10\0\x04\0\0\0\0\0\0\0\0\0QFid\0\0\0\0"
	struct smb2_create_contexts_req out;

	assert_true(smb2_create_contexts_req_decode(LITERAL(QFID("\0")), &out));
	assert_false(smb2_create_contexts_req_decode(LITERAL(QFID("\x18") QFID("\0")), &out));
}

static void every_truncation_is_refused(void **state)
{
	uint8_t buf[BUF];
	struct smb2_create_contexts_req in = all_in_request(), out;
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_create_contexts_req_encode(&w, &in);
	/* an empty list is none at all */
	for (size_t len = 1; len < w.pos; len++)
		assert_false(smb2_create_contexts_req_decode(BYTES(buf, len), &out));
}

/* Each change of one field of a context in the middle of the list. */
static void malformed_headers_are_refused(void **state)
{
	static const struct {
		size_t offset, width;
		uint64_t value;
	} rows[] = {
		{0, 4, 4},           /* Next inside the header */
		{0, 4, 33},          /* not a multiple of 8 */
		{0, 4, 0x7FFFFFF8},  /* behind the end */
		{0, 4, 0xFFFFFFF8},
		{4, 2, 8},           /* NameOffset inside the header */
		{4, 2, 0xFFFF},
		{6, 2, 3},           /* NameLength */
		{6, 2, 0xFFFF},
		{10, 2, 8},          /* DataOffset inside the header */
		{10, 2, 0xFFFF},
		{12, 4, 0xFFFFFFFF}, /* DataLength */
		{12, 4, 16},         /* reaches into the next context */
	};
	uint8_t buf[BUF];
	const struct smb2_create_contexts_rsp in = {.has_mxac = true, .has_dhnq = true};
	struct smb2_create_contexts_rsp out;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wr w = wr_over(buf, sizeof(buf));
		smb2_create_contexts_rsp_encode(&w, &in);
		assert_true(smb2_create_contexts_rsp_decode(BYTES(buf, w.pos), &out));
		wr_patch(&w, rows[i].offset, rows[i].value, rows[i].width);
		assert_false(w.bad);
		if (smb2_create_contexts_rsp_decode(BYTES(buf, w.pos), &out))
			fail_msg("row %zu is taken", i);
	}
}

static void contexts_off_a_multiple_of_8_are_refused(void **state)
{
#define MXAC "\0\0\0\0\x10\0\x04\0\0\0\0\0\0\0\0\0MxAc"
	struct smb2_create_contexts_req out;

	assert_true(smb2_create_contexts_req_decode(LITERAL(QFID("\x18") MXAC), &out));
	assert_true(out.has_qfid && out.has_mxac);
	assert_false(smb2_create_contexts_req_decode(LITERAL(QFID("\x19") "\0" MXAC), &out));
}

static void a_last_context_that_points_to_the_end_is_refused(void **state)
{
	struct smb2_create_contexts_req out;

	assert_false(smb2_create_contexts_req_decode(LITERAL(QFID("\x18")), &out));
}

static void padding_behind_the_last_context_is_accepted(void **state)
{
	struct smb2_create_contexts_req out;

	assert_true(smb2_create_contexts_req_decode(LITERAL(QFID("\0") "\0\0\0\0\0\0\0\0"), &out));
}

static void too_little_room_goes_bad(void **state)
{
	uint8_t buf[BUF];
	struct smb2_create_contexts_req in = all_in_request();
	struct wr whole = wr_over(buf, sizeof(buf));

	smb2_create_contexts_req_encode(&whole, &in);
	for (size_t cap = 0; cap < whole.pos; cap++) {
		struct wr w = wr_over(buf, cap);
		smb2_create_contexts_req_encode(&w, &in);
		assert_true(w.bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_with_all_survives_a_round_trip),
		cmocka_unit_test(a_response_with_all_survives_a_round_trip),
		cmocka_unit_test(none_present_writes_nothing),
		cmocka_unit_test(contexts_are_chained_on_multiples_of_8_from_the_first),
		cmocka_unit_test(a_context_without_data_has_no_data_offset),
		cmocka_unit_test(data_of_another_length_than_specified_is_refused),
		cmocka_unit_test(a_response_of_another_length_than_specified_is_refused),
		cmocka_unit_test(the_length_tells_the_versions_of_a_lease_apart),
		cmocka_unit_test(maximal_access_may_come_with_a_time_or_without),
		cmocka_unit_test(unknown_contexts_are_skipped),
		cmocka_unit_test(an_app_instance_needs_its_own_structure_size),
		cmocka_unit_test(a_context_that_occurs_twice_is_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(malformed_headers_are_refused),
		cmocka_unit_test(contexts_off_a_multiple_of_8_are_refused),
		cmocka_unit_test(a_last_context_that_points_to_the_end_is_refused),
		cmocka_unit_test(padding_behind_the_last_context_is_accepted),
		cmocka_unit_test(too_little_room_goes_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
