/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/dcerpc.h"
#include "wire/srvsvc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { BUF = 8192, WHOLE = DCERPC_FIRST_FRAG | DCERPC_LAST_FRAG };

/* The header and the body of a PDU that is all there; fails the test if either is refused. */
static struct rd open_pdu(struct bytes pdu, struct dcerpc_header *h)
{
	struct rd r = rd_over(pdu), body = {0};

	assert_true(dcerpc_header_decode(&r, h));
	assert_true(dcerpc_body(pdu, h, &body));
	return body;
}

static void a_header_survives_a_round_trip(void **state)
{
	static const uint8_t expected[] = {5, 0, 2, 3, 0x10, 0, 0, 0, 20, 0, 0, 0, 0x44, 0x33, 0x22, 0x11};
	struct dcerpc_header h;
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	dcerpc_pdu_begin(&w, DCERPC_RESPONSE, WHOLE, 0x11223344);
	wr_zero(&w, 4);
	dcerpc_pdu_end(&w);
	assert_memory_equal(buf, expected, sizeof(expected));
	struct rd r = rd_over(BYTES(buf, w.pos));
	assert_true(dcerpc_header_decode(&r, &h));
	assert_int_equal(h.type, DCERPC_RESPONSE);
	assert_int_equal(h.flags, WHOLE);
	assert_int_equal(h.frag_length, 20);
	assert_int_equal(h.auth_length, 0);
	assert_int_equal(h.call_id, 0x11223344);
	assert_false(h.foreign);
}

static void malformed_headers_are_refused(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
	} spoil[] = {
		{0, 4},   /* major version */
		{1, 2},   /* minor version */
		{8, 15},  /* shorter than a header */
		{10, 1},  /* no room for the trailer that goes with it */
		{11, 1},  /* longer than the PDU */
	};

	for (size_t i = 0; i < ARRAY_SIZE(spoil); i++) {
		uint8_t buf[] = {5, 0, 0, 3, 0x10, 0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0};
		struct dcerpc_header h;
		struct rd r = rd_over(BYTES(buf, sizeof(buf)));

		assert_true(dcerpc_header_decode(&r, &h));
		buf[spoil[i].offset] = spoil[i].value;
		r = rd_over(BYTES(buf, sizeof(buf)));
		assert_false(dcerpc_header_decode(&r, &h));
	}
}

static void a_header_cut_short_is_refused(void **state)
{
	static const uint8_t header[] = {5, 0, 0, 3, 0x10, 0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0};
	struct dcerpc_header h;

	for (size_t n = 0; n < sizeof(header); n++) {
		struct rd r = rd_over(BYTES(header, n));
		assert_false(dcerpc_header_decode(&r, &h));
	}
}

static void big_endian_headers_are_read_and_marked_foreign(void **state)
{
	static const uint8_t big[] = {5, 0, 11, 3, 0, 0, 0, 0, 0, 72, 0, 0, 0x11, 0x22, 0x33, 0x44};
	static const uint8_t ebcdic[] = {5, 0, 11, 3, 0x11, 0, 0, 0, 72, 0, 0, 0, 0x44, 0x33, 0x22, 0x11};
	static const uint8_t vax[] = {5, 0, 11, 3, 0x10, 1, 0, 0, 72, 0, 0, 0, 0x44, 0x33, 0x22, 0x11};
	static const uint8_t *const headers[] = {big, ebcdic, vax};

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		struct dcerpc_header h;
		struct rd r = rd_over(BYTES(headers[i], 16));

		assert_true(dcerpc_header_decode(&r, &h));
		assert_true(h.foreign);
		assert_int_equal(h.frag_length, 72);
		assert_int_equal(h.call_id, 0x11223344);
	}
}

static void a_body_ends_before_the_security_trailer(void **state)
{
	struct dcerpc_header h = {.frag_length = 60, .auth_length = 16};
	uint8_t buf[60] = {0};
	struct rd r;

	assert_true(dcerpc_body(BYTES(buf, 60), &h, &r));
	assert_int_equal(r.pos, 16);
	assert_int_equal(rd_left(&r), 60 - 16 - 8 - 16);
	assert_false(dcerpc_body(BYTES(buf, 59), &h, &r));
	h.auth_length = 37;
	assert_false(dcerpc_body(BYTES(buf, 60), &h, &r));
}

static void a_pdu_longer_than_its_length_field_is_not_encoded(void **state)
{
	static uint8_t buf[0x10010];
	struct wr w = wr_over(buf, sizeof(buf));

	dcerpc_pdu_begin(&w, DCERPC_RESPONSE, WHOLE, 1);
	wr_zero(&w, 0xFFF0);
	dcerpc_pdu_end(&w);
	assert_true(w.bad);
}

static size_t put_contexts(uint8_t *buf, size_t cap)
{
	uint8_t transfers[40];
	struct wr t = wr_over(transfers, sizeof(transfers)), w = wr_over(buf, cap);

	dcerpc_syntax_encode(&t, &dcerpc_ndr20);
	dcerpc_syntax_encode(&t, &dcerpc_ndr64);
	struct dcerpc_context one = {0, 1, srvsvc_interface, BYTES(transfers, 20)};
	struct dcerpc_context two = {7, 2, srvsvc_interface, BYTES(transfers, 40)};
	dcerpc_context_encode(&w, &one);
	dcerpc_context_encode(&w, &two);
	return w.pos;
}

static void binds_survive_a_round_trip(void **state)
{
	uint8_t contexts[BUF], buf[BUF];
	struct dcerpc_bind in = {4280, 4280, 0x1234, 2, BYTES(contexts, put_contexts(contexts, BUF))},
			   out = {0};
	struct wr w = wr_over(buf, sizeof(buf));
	struct dcerpc_context c;
	struct dcerpc_header h;
	struct dcerpc_syntax s;

	dcerpc_pdu_begin(&w, DCERPC_BIND, WHOLE, 1);
	dcerpc_bind_encode(&w, &in);
	dcerpc_pdu_end(&w);
	struct rd r = open_pdu(BYTES(buf, w.pos), &h);
	assert_true(dcerpc_bind_decode(&r, &out));
	assert_int_equal(out.max_xmit_frag, 4280);
	assert_int_equal(out.assoc_group_id, 0x1234);
	assert_int_equal(out.context_count, 2);
	r = rd_over(out.contexts);
	assert_true(dcerpc_context_decode(&r, &c));
	assert_int_equal(c.id, 0);
	assert_true(dcerpc_context_decode(&r, &c));
	assert_int_equal(c.id, 7);
	assert_int_equal(c.transfer_count, 2);
	assert_true(dcerpc_syntax_equal(&c.abstract, &srvsvc_interface));
	r = rd_over(c.transfers);
	assert_true(dcerpc_syntax_decode(&r, &s) && dcerpc_syntax_equal(&s, &dcerpc_ndr20));
	assert_true(dcerpc_syntax_decode(&r, &s) && dcerpc_syntax_equal(&s, &dcerpc_ndr64));
}

static void a_bind_cut_short_is_refused(void **state)
{
	uint8_t contexts[BUF], buf[BUF];
	struct dcerpc_bind in = {4280, 4280, 0, 2, BYTES(contexts, put_contexts(contexts, BUF))}, out;
	struct wr w = wr_over(buf, sizeof(buf));

	wr_zero(&w, DCERPC_HEADER_SIZE);
	dcerpc_bind_encode(&w, &in);
	for (size_t n = DCERPC_HEADER_SIZE; n < w.pos; n++) {
		uint8_t *copy = malloc(n);
		struct rd r = rd_over(BYTES(copy, n));

		memcpy(copy, buf, n);
		rd_skip(&r, DCERPC_HEADER_SIZE);
		assert_false(dcerpc_bind_decode(&r, &out));
		free(copy);
	}
}

static void bind_acks_survive_a_round_trip(void **state)
{
	static const char *const addresses[] = {"", "a", "\\pipe\\srvsvc", "\\pipe\\longer"};

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		static struct dcerpc_bind_ack in = {.max_xmit_frag = 4280,
						      .max_recv_frag = 1432,
						      .assoc_group_id = 9,
						      .result_count = 2,
						      .results = {{DCERPC_ACCEPTANCE, 0},
							      {DCERPC_PROVIDER_REJECTION, 2}}},
					      out;
		struct dcerpc_header h;
		uint8_t buf[BUF];
		struct wr w = wr_over(buf, sizeof(buf));

		in.secondary_address = BYTES(addresses[i], addresses[i][0] ? strlen(addresses[i]) + 1 : 0);
		in.results[0].transfer = dcerpc_ndr20;
		dcerpc_pdu_begin(&w, DCERPC_BIND_ACK, WHOLE, 1);
		dcerpc_bind_ack_encode(&w, &in);
		dcerpc_pdu_end(&w);
		assert_int_equal(w.pos % 4, 0);
		struct rd r = open_pdu(BYTES(buf, w.pos), &h);
		assert_true(dcerpc_bind_ack_decode(&r, &out));
		assert_int_equal(out.max_xmit_frag, 4280);
		assert_int_equal(out.max_recv_frag, 1432);
		assert_true(bytes_equal(out.secondary_address, in.secondary_address));
		assert_int_equal(out.result_count, 2);
		assert_true(dcerpc_syntax_equal(&out.results[0].transfer, &dcerpc_ndr20));
		assert_int_equal(out.results[1].result, DCERPC_PROVIDER_REJECTION);
		assert_int_equal(out.results[1].reason, 2);
		r = rd_over(BYTES(buf, w.pos - 1));
		rd_skip(&r, DCERPC_HEADER_SIZE);
		assert_false(dcerpc_bind_ack_decode(&r, &out));
	}
}

static void bind_naks_survive_a_round_trip(void **state)
{
	struct dcerpc_bind_nak in = {DCERPC_NAK_AUTHENTICATION_TYPE}, out = {0};
	struct dcerpc_header h;
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	dcerpc_pdu_begin(&w, DCERPC_BIND_NAK, WHOLE, 1);
	dcerpc_bind_nak_encode(&w, &in);
	dcerpc_pdu_end(&w);
	struct rd r = open_pdu(BYTES(buf, w.pos), &h);
	assert_true(dcerpc_bind_nak_decode(&r, &out));
	assert_int_equal(out.reason, DCERPC_NAK_AUTHENTICATION_TYPE);
}

static void requests_survive_a_round_trip(void **state)
{
	struct dcerpc_request in = {5, 3, 15, BYTES("hello", 5)}, out = {0};
	struct dcerpc_header h;
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	dcerpc_pdu_begin(&w, DCERPC_REQUEST, WHOLE, 1);
	dcerpc_request_encode(&w, &in);
	dcerpc_pdu_end(&w);
	struct rd r = open_pdu(BYTES(buf, w.pos), &h);
	assert_true(dcerpc_request_decode(&r, h.flags, &out));
	assert_int_equal(out.alloc_hint, 5);
	assert_int_equal(out.context_id, 3);
	assert_int_equal(out.opnum, 15);
	assert_true(bytes_equal(out.stub, in.stub));
}

static void an_object_uuid_stands_before_the_stub(void **state)
{
	struct dcerpc_request out = {0};
	uint8_t buf[DCERPC_HEADER_SIZE + 8 + 16 + 3] = {0};
	struct rd r = rd_over(BYTES(buf, sizeof(buf)));

	rd_skip(&r, DCERPC_HEADER_SIZE);
	assert_true(dcerpc_request_decode(&r, WHOLE | DCERPC_OBJECT_UUID, &out));
	assert_int_equal(out.stub.len, 3);
	r = rd_over(BYTES(buf, DCERPC_HEADER_SIZE + 8 + 15));
	rd_skip(&r, DCERPC_HEADER_SIZE);
	assert_false(dcerpc_request_decode(&r, WHOLE | DCERPC_OBJECT_UUID, &out));
}

static void responses_and_faults_survive_a_round_trip(void **state)
{
	struct dcerpc_response in = {5, 3, 0, BYTES("hello", 5)}, out = {0};
	struct dcerpc_fault fault = {3, 1, DCERPC_FAULT_OP_RNG_ERROR}, fault_out = {0};
	struct dcerpc_header h;
	uint8_t buf[BUF];
	struct wr w = wr_over(buf, sizeof(buf));

	dcerpc_pdu_begin(&w, DCERPC_RESPONSE, WHOLE, 1);
	dcerpc_response_encode(&w, &in);
	dcerpc_pdu_end(&w);
	assert_int_equal(w.pos, DCERPC_RESPONSE_OVERHEAD + 5);
	struct rd r = open_pdu(BYTES(buf, w.pos), &h);
	assert_true(dcerpc_response_decode(&r, &out));
	assert_int_equal(out.context_id, 3);
	assert_true(bytes_equal(out.stub, in.stub));
	w = wr_over(buf, sizeof(buf));
	dcerpc_pdu_begin(&w, DCERPC_FAULT, WHOLE, 1);
	dcerpc_fault_encode(&w, &fault);
	dcerpc_pdu_end(&w);
	assert_int_equal(w.pos, 32);
	r = open_pdu(BYTES(buf, w.pos), &h);
	assert_true(dcerpc_fault_decode(&r, &fault_out));
	assert_int_equal(fault_out.status, DCERPC_FAULT_OP_RNG_ERROR);
	assert_int_equal(fault_out.cancel_count, 1);
}

static void a_features_syntax_carries_its_flags(void **state)
{
	struct dcerpc_syntax s = dcerpc_features_syntax(3);
	static const uint8_t uuid[] = {
		0x2C, 0x1C, 0xB7, 0x6C, 0x12, 0x98, 0x40, 0x45, 3, 0, 0, 0, 0, 0, 0, 0};
	uint16_t flags = 0;

	assert_memory_equal(s.uuid, uuid, 16);
	assert_true(dcerpc_syntax_is_features(&s, &flags));
	assert_int_equal(flags, 3);
	assert_false(dcerpc_syntax_is_features(&dcerpc_ndr20, &flags));
	assert_false(dcerpc_syntax_is_features(&dcerpc_ndr64, &flags));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_survives_a_round_trip),
		cmocka_unit_test(malformed_headers_are_refused),
		cmocka_unit_test(a_header_cut_short_is_refused),
		cmocka_unit_test(big_endian_headers_are_read_and_marked_foreign),
		cmocka_unit_test(a_body_ends_before_the_security_trailer),
		cmocka_unit_test(a_pdu_longer_than_its_length_field_is_not_encoded),
		cmocka_unit_test(binds_survive_a_round_trip),
		cmocka_unit_test(a_bind_cut_short_is_refused),
		cmocka_unit_test(bind_acks_survive_a_round_trip),
		cmocka_unit_test(bind_naks_survive_a_round_trip),
		cmocka_unit_test(requests_survive_a_round_trip),
		cmocka_unit_test(an_object_uuid_stands_before_the_stub),
		cmocka_unit_test(responses_and_faults_survive_a_round_trip),
		cmocka_unit_test(a_features_syntax_carries_its_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
