/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/fsctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BUF = 1024 };

#define GUID BYTES("0123456789abcdef", 16)

static void codes_have_names(void **state)
{
	assert_string_equal(fsctl_name(0x0011C017), "FSCTL_PIPE_TRANSCEIVE");
	assert_string_equal(fsctl_name(0x001401FC), "FSCTL_QUERY_NETWORK_INTERFACE_INFO");
	assert_string_equal(fsctl_name(0x000940CF), "FSCTL_QUERY_ALLOCATED_RANGES");
	assert_null(fsctl_name(0x12345678));
}

static void validate_negotiate_requests_survive_a_round_trip(void **state)
{
	struct fsctl_validate_negotiate_req in = {.capabilities = 0x7F,
						    .security_mode = 1,
						    .dialect_count = 3,
						    .dialects = {0x0202, 0x0210, 0x0311}},
					    out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	memcpy(in.guid, GUID.data, 16);
	fsctl_validate_negotiate_req_encode(&w, &in);
	assert_int_equal(w.pos, 30);
	assert_true(fsctl_validate_negotiate_req_decode(BYTES(buf, 30), &out));
	assert_memory_equal(&in, &out, sizeof(in));
	for (size_t n = 0; n < 30; n++)
		assert_false(fsctl_validate_negotiate_req_decode(BYTES(buf, n), &out));
}

static void a_validate_negotiate_request_with_too_many_dialects_is_refused(void **state)
{
	struct fsctl_validate_negotiate_req out = {0};
	uint8_t buf[BUF] = {0};

	buf[22] = SMB2_MAX_DIALECTS;
	assert_true(fsctl_validate_negotiate_req_decode(BYTES(buf, sizeof(buf)), &out));
	buf[22] = SMB2_MAX_DIALECTS + 1;
	assert_false(fsctl_validate_negotiate_req_decode(BYTES(buf, sizeof(buf)), &out));
}

static void validate_negotiate_responses_survive_a_round_trip(void **state)
{
	struct fsctl_validate_negotiate_rsp in = {.capabilities = 0x7F,
						    .security_mode = 3,
						    .dialect = 0x0300},
					    out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	memcpy(in.guid, GUID.data, 16);
	fsctl_validate_negotiate_rsp_encode(&w, &in);
	assert_int_equal(w.pos, FSCTL_VALIDATE_NEGOTIATE_RSP_SIZE);
	assert_true(fsctl_validate_negotiate_rsp_decode(BYTES(buf, w.pos), &out));
	assert_memory_equal(&in, &out, sizeof(in));
	assert_false(fsctl_validate_negotiate_rsp_decode(BYTES(buf, w.pos - 1), &out));
}

struct interfaces {
	unsigned count;
	struct fsctl_network_interface list[4];
};

static bool remember(void *arg, const struct fsctl_network_interface *i)
{
	struct interfaces *seen = arg;

	seen->list[seen->count++] = *i;
	return true;
}

static const struct fsctl_network_interface two_interfaces[] = {
	{2, NETWORK_INTERFACE_RSS_CAPABLE, 10000000000, false, {192, 0, 2, 1}, 0},
	{3, NETWORK_INTERFACE_RDMA_CAPABLE, 100000000000, true, {0x20, 1, 0xD, 0xB8, [15] = 1}, 7},
};

static size_t put_interfaces(uint8_t *buf, size_t cap)
{
	struct wr w = wr_over(buf, cap);
	size_t last = SIZE_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(two_interfaces); i++)
		assert_true(fsctl_network_interface_append(&w, &two_interfaces[i], &last));
	return w.pos;
}

static void network_interfaces_survive_a_round_trip(void **state)
{
	uint8_t buf[BUF];
	struct interfaces seen = {0};
	size_t n = put_interfaces(buf, sizeof(buf));

	assert_int_equal(n, 304);
	assert_true(fsctl_network_interface_walk(BYTES(buf, n), remember, &seen));
	assert_int_equal(seen.count, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(seen.list[i].if_index, two_interfaces[i].if_index);
		assert_int_equal(seen.list[i].capability, two_interfaces[i].capability);
		assert_int_equal(seen.list[i].link_speed, two_interfaces[i].link_speed);
		assert_int_equal(seen.list[i].ipv6, two_interfaces[i].ipv6);
		assert_memory_equal(seen.list[i].address, two_interfaces[i].address, 16);
		assert_int_equal(seen.list[i].scope_id, two_interfaces[i].scope_id);
	}
}

/*
 * The addresses where cifs.ko and Windows read them: family, port, then the address; IPv6 behind its flow
 * label.
 */
static void network_interfaces_have_the_layout_of_the_specification(void **state)
{
	static const uint8_t first[] = {152, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xE4, 0x0B, 0x54,
		2, 0, 0, 0, 2, 0, 0, 0, 192, 0, 2, 1};
	static const uint8_t second[] = {0x17, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0xD, 0xB8};
	uint8_t buf[BUF];

	put_interfaces(buf, sizeof(buf));
	assert_memory_equal(buf, first, sizeof(first));
	assert_memory_equal(buf + 152 + 24, second, sizeof(second));
	assert_memory_equal(buf + 152, "\0\0\0\0", 4);
}

static void an_interface_of_an_unknown_family_is_passed_over(void **state)
{
	uint8_t buf[BUF];
	struct interfaces seen = {0};
	size_t n = put_interfaces(buf, sizeof(buf));

	buf[24] = 9;
	assert_true(fsctl_network_interface_walk(BYTES(buf, n), remember, &seen));
	assert_int_equal(seen.count, 1);
	assert_true(seen.list[0].ipv6);
}

static void malformed_interface_lists_are_refused(void **state)
{
	uint8_t buf[BUF];
	struct interfaces seen = {0};
	size_t n = put_interfaces(buf, sizeof(buf));

	for (size_t cut = 1; cut < n; cut += 7) {
		seen.count = 0;
		assert_false(fsctl_network_interface_walk(BYTES(buf, cut), remember, &seen));
	}
	buf[0] = 144;
	seen.count = 0;
	assert_false(fsctl_network_interface_walk(BYTES(buf, n), remember, &seen));
}

static void an_interface_that_does_not_fit_leaves_the_writer_as_it_was(void **state)
{
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, 2 * NETWORK_INTERFACE_SIZE - 1);
	size_t last = SIZE_MAX;

	assert_true(fsctl_network_interface_append(&w, &two_interfaces[0], &last));
	assert_false(fsctl_network_interface_append(&w, &two_interfaces[1], &last));
	assert_int_equal(w.pos, NETWORK_INTERFACE_SIZE);
	assert_false(w.bad);
	assert_memory_equal(buf, "\0\0\0\0", 4);
}

static void resume_keys_survive_a_round_trip(void **state)
{
	struct fsctl_resume_key_rsp in = {"an opaque key of 24 byte"}, out = {{0}};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	fsctl_resume_key_rsp_encode(&w, &in);
	assert_int_equal(w.pos, FSCTL_RESUME_KEY_RSP_SIZE);
	assert_true(fsctl_resume_key_rsp_decode(BYTES(buf, 28), &out));
	assert_memory_equal(in.key, out.key, 24);
	assert_false(fsctl_resume_key_rsp_decode(BYTES(buf, 27), &out));
}

static void copychunks_survive_a_round_trip(void **state)
{
	static const struct fsctl_copychunk_chunk two[] = {{0, 0x1000, 0x100000}, {0x112233445566, 0, 1}};
	struct fsctl_copychunk_req in = {"an opaque key of 24 byte", 2}, out = {{0}};
	struct fsctl_copychunk_chunk c;
	uint8_t chunks[48], buf[BUF];
	struct wr cw = wr_over(chunks, sizeof(chunks)), w = wr_over(buf, sizeof(buf));

	for (int i = 0; i < 2; i++)
		fsctl_copychunk_chunk_encode(&cw, &two[i]);
	in.chunks = BYTES(chunks, cw.pos);
	fsctl_copychunk_req_encode(&w, &in);
	assert_int_equal(w.pos, FSCTL_COPYCHUNK_REQ_FIXED_SIZE + 48);
	assert_true(fsctl_copychunk_req_decode(BYTES(buf, w.pos), &out));
	assert_int_equal(out.chunk_count, 2);
	assert_memory_equal(out.source_key, in.source_key, 24);
	struct rd r = rd_over(out.chunks);
	for (int i = 0; i < 2; i++) {
		assert_true(fsctl_copychunk_chunk_decode(&r, &c));
		assert_int_equal(c.source_offset, two[i].source_offset);
		assert_int_equal(c.target_offset, two[i].target_offset);
		assert_int_equal(c.length, two[i].length);
	}
	assert_false(fsctl_copychunk_chunk_decode(&r, &c));
}

static void a_copychunk_count_larger_than_its_chunks_is_refused(void **state)
{
	struct fsctl_copychunk_req in = {"an opaque key of 24 byte", 2, BYTES("", 0)}, out = {{0}};
	static const uint32_t counts[] = {2, 0x0AAAAAAB, 0x80000000, UINT32_MAX};
	uint8_t buf[BUF];

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct wr w = wr_over(buf, sizeof(buf));
		in.chunk_count = counts[i];
		fsctl_copychunk_req_encode(&w, &in);
		wr_zero(&w, 47);
		assert_false(fsctl_copychunk_req_decode(BYTES(buf, w.pos), &out));
	}
	assert_false(fsctl_copychunk_req_decode(BYTES(buf, 31), &out));
}

static void copychunk_responses_survive_a_round_trip(void **state)
{
	struct fsctl_copychunk_rsp in = {256, 1 << 20, 16 << 20}, out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	fsctl_copychunk_rsp_encode(&w, &in);
	assert_int_equal(w.pos, FSCTL_COPYCHUNK_RSP_SIZE);
	assert_true(fsctl_copychunk_rsp_decode(BYTES(buf, w.pos), &out));
	assert_memory_equal(&in, &out, sizeof(in));
	assert_false(fsctl_copychunk_rsp_decode(BYTES(buf, 11), &out));
}

static void an_empty_set_sparse_means_true(void **state)
{
	struct fsctl_set_sparse_req in = {false}, out = {false};
	uint8_t buf[4] = {0};
	struct wr w = wr_over(buf, sizeof(buf));

	assert_true(fsctl_set_sparse_req_decode(BYTES(NULL, 0), &out));
	assert_true(out.sparse);
	fsctl_set_sparse_req_encode(&w, &in);
	assert_int_equal(w.pos, 1);
	assert_true(fsctl_set_sparse_req_decode(BYTES(buf, 1), &out));
	assert_false(out.sparse);
	buf[0] = 1;
	assert_true(fsctl_set_sparse_req_decode(BYTES(buf, 1), &out));
	assert_true(out.sparse);
}

static void ranges_survive_a_round_trip(void **state)
{
	struct fsctl_set_zero_data_req zero = {0x1000, 0x112233445566}, zero_out = {0};
	struct fsctl_file_range range = {0x2000, 0x665544332211}, range_out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	fsctl_set_zero_data_req_encode(&w, &zero);
	assert_int_equal(w.pos, 16);
	assert_true(fsctl_set_zero_data_req_decode(BYTES(buf, 16), &zero_out));
	assert_memory_equal(&zero, &zero_out, sizeof(zero));
	assert_false(fsctl_set_zero_data_req_decode(BYTES(buf, 15), &zero_out));
	w = wr_over(buf, sizeof(buf));
	fsctl_file_range_encode(&w, &range);
	assert_int_equal(w.pos, FSCTL_FILE_RANGE_SIZE);
	assert_true(fsctl_file_range_decode(BYTES(buf, 16), &range_out));
	assert_memory_equal(&range, &range_out, sizeof(range));
	assert_false(fsctl_file_range_decode(BYTES(buf, 15), &range_out));
}

static void object_ids_survive_a_round_trip(void **state)
{
	struct fsctl_object_id_rsp in, out;
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	for (size_t i = 0; i < sizeof(in); i++)
		((uint8_t *)&in)[i] = (uint8_t)i;
	fsctl_object_id_rsp_encode(&w, &in);
	assert_int_equal(w.pos, FSCTL_OBJECT_ID_RSP_SIZE);
	assert_true(fsctl_object_id_rsp_decode(BYTES(buf, 64), &out));
	assert_memory_equal(&in, &out, sizeof(in));
	assert_false(fsctl_object_id_rsp_decode(BYTES(buf, 63), &out));
}

static void an_empty_list_of_snapshots_has_16_bytes(void **state)
{
	struct fsctl_enumerate_snapshots_rsp none = {0}, out = {.count = 1};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	fsctl_enumerate_snapshots_rsp_encode(&w, &none);
	assert_int_equal(w.pos, FSCTL_ENUMERATE_SNAPSHOTS_RSP_MIN_SIZE);
	assert_true(fsctl_enumerate_snapshots_rsp_decode(BYTES(buf, 16), &out));
	assert_int_equal(out.count, 0);
	assert_int_equal(out.names.len, 0);
	assert_false(fsctl_enumerate_snapshots_rsp_decode(BYTES(buf, 11), &out));
}

static void snapshots_survive_a_round_trip(void **state)
{
	struct bytes names = BYTES("@\0G\0M\0T\0\0\0\0\0", 12);
	struct fsctl_enumerate_snapshots_rsp in = {1, 1, 12, names}, out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	fsctl_enumerate_snapshots_rsp_encode(&w, &in);
	assert_true(fsctl_enumerate_snapshots_rsp_decode(BYTES(buf, w.pos), &out));
	assert_int_equal(out.returned_count, 1);
	assert_true(bytes_equal(out.names, names));
	assert_false(fsctl_enumerate_snapshots_rsp_decode(BYTES(buf, w.pos - 1), &out));
}

/* The client asks with too little room first, to learn the size. */
static void snapshots_that_were_not_returned_need_no_array(void **state)
{
	struct fsctl_enumerate_snapshots_rsp in = {3, 0, 152, BYTES(NULL, 0)}, out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	fsctl_enumerate_snapshots_rsp_encode(&w, &in);
	assert_true(fsctl_enumerate_snapshots_rsp_decode(BYTES(buf, w.pos), &out));
	assert_int_equal(out.count, 3);
	assert_int_equal(out.array_size, 152);
}

static void pipe_waits_survive_a_round_trip(void **state)
{
	struct fsctl_pipe_wait_req in = {50, true, BYTES("s\0r\0v\0", 6)}, out = {0};
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	fsctl_pipe_wait_req_encode(&w, &in);
	assert_int_equal(w.pos, FSCTL_PIPE_WAIT_REQ_FIXED_SIZE + 6);
	assert_true(fsctl_pipe_wait_req_decode(BYTES(buf, w.pos), &out));
	assert_int_equal(out.timeout, 50);
	assert_true(out.timeout_specified);
	assert_true(bytes_equal(out.name, in.name));
	for (size_t n = 0; n < w.pos; n++)
		assert_false(fsctl_pipe_wait_req_decode(BYTES(buf, n), &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_have_names),
		cmocka_unit_test(validate_negotiate_requests_survive_a_round_trip),
		cmocka_unit_test(a_validate_negotiate_request_with_too_many_dialects_is_refused),
		cmocka_unit_test(validate_negotiate_responses_survive_a_round_trip),
		cmocka_unit_test(network_interfaces_survive_a_round_trip),
		cmocka_unit_test(network_interfaces_have_the_layout_of_the_specification),
		cmocka_unit_test(an_interface_of_an_unknown_family_is_passed_over),
		cmocka_unit_test(malformed_interface_lists_are_refused),
		cmocka_unit_test(an_interface_that_does_not_fit_leaves_the_writer_as_it_was),
		cmocka_unit_test(resume_keys_survive_a_round_trip),
		cmocka_unit_test(copychunks_survive_a_round_trip),
		cmocka_unit_test(a_copychunk_count_larger_than_its_chunks_is_refused),
		cmocka_unit_test(copychunk_responses_survive_a_round_trip),
		cmocka_unit_test(an_empty_set_sparse_means_true),
		cmocka_unit_test(ranges_survive_a_round_trip),
		cmocka_unit_test(object_ids_survive_a_round_trip),
		cmocka_unit_test(an_empty_list_of_snapshots_has_16_bytes),
		cmocka_unit_test(snapshots_survive_a_round_trip),
		cmocka_unit_test(snapshots_that_were_not_returned_need_no_array),
		cmocka_unit_test(pipe_waits_survive_a_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
