/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/rpc_world.h"

static void pipes_are_known_by_name_in_any_case(void **state)
{
	struct world *w = *state;

	assert_true(rpc_pipe_known("srvsvc"));
	assert_true(rpc_pipe_known("WksSvc"));
	assert_false(rpc_pipe_known("spoolss"));
	assert_false(rpc_pipe_known("\\srvsvc"));
	assert_false(rpc_pipe_known(""));
	assert_null(rpc_pipe_open(w, "samr", &w->env));
}

static void a_bind_is_acknowledged(void **state)
{
	static struct dcerpc_bind_ack ack;
	struct world *w = *state;
	struct bytes c = context(w, 0, srvsvc_interface, dcerpc_ndr20);

	assert_nothing_pending(w, STATUS_PIPE_EMPTY);
	rpc_pipe_write(w->pipe, bind_pdu(w, DCERPC_BIND, 4280, c, 1));
	struct answer a = next_answer(w);
	assert_int_equal(a.h.type, DCERPC_BIND_ACK);
	assert_int_equal(a.h.call_id, 1);
	assert_true(dcerpc_bind_ack_decode(&a.body, &ack));
	assert_int_equal(ack.max_xmit_frag, 4280);
	assert_int_equal(ack.max_recv_frag, 4280);
	assert_int_not_equal(ack.assoc_group_id, 0);
	assert_string_equal((const char *)ack.secondary_address.data, "\\PIPE\\srvsvc");
	assert_int_equal(ack.result_count, 1);
	assert_int_equal(ack.results[0].result, DCERPC_ACCEPTANCE);
	assert_true(dcerpc_syntax_equal(&ack.results[0].transfer, &dcerpc_ndr20));
}

static void every_context_of_a_bind_is_judged_alone(void **state)
{
	static const struct {
		uint16_t result, reason;
	} expected[] = {
		{DCERPC_ACCEPTANCE, 0},
		{DCERPC_PROVIDER_REJECTION, DCERPC_TRANSFER_SYNTAXES_NOT_SUPPORTED},
		{DCERPC_NEGOTIATE_ACK, DCERPC_FEATURE_KEEP_CONNECTION_ON_ORPHAN},
		{DCERPC_PROVIDER_REJECTION, DCERPC_ABSTRACT_SYNTAX_NOT_SUPPORTED},
	};
	static struct dcerpc_bind_ack ack;
	struct world *w = *state;
	struct bytes c[] = {context(w, 0, srvsvc_interface, dcerpc_ndr20),
		context(w, 1, srvsvc_interface, dcerpc_ndr64),
		context(w, 2, srvsvc_interface, dcerpc_features_syntax(3)),
		context(w, 3, wkssvc_interface, dcerpc_ndr20)};
	uint8_t all[256];
	struct wr cw = wr_over(all, sizeof(all));

	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		wr_bytes(&cw, c[i]);
	rpc_pipe_write(w->pipe, bind_pdu(w, DCERPC_BIND, 4280, BYTES(all, cw.pos), ARRAY_SIZE(c)));
	struct answer a = next_answer(w);
	assert_true(dcerpc_bind_ack_decode(&a.body, &ack));
	assert_int_equal(ack.result_count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(ack.results[i].result, expected[i].result);
		assert_int_equal(ack.results[i].reason, expected[i].reason);
	}
	for (uint16_t id = 1; id < 4; id++) {
		rpc_pipe_write(w->pipe, request_pdu(w, WHOLE, id, 15, share_enum_stub(w, list_all)));
		assert_fault(w, DCERPC_FAULT_UNK_IF);
	}
	assert_int_equal(share_enum(w, list_all).werror, 0);
}

static void contexts_beyond_the_limit_are_rejected(void **state)
{
	static struct dcerpc_bind_ack ack;
	struct world *w = *state;
	uint8_t all[UINT8_MAX * 44];
	struct wr cw = wr_over(all, sizeof(all));

	for (uint16_t i = 0; i < UINT8_MAX; i++)
		wr_bytes(&cw, context(w, i, srvsvc_interface, dcerpc_ndr20));
	rpc_pipe_write(w->pipe, bind_pdu(w, DCERPC_BIND, 4280, BYTES(all, cw.pos), UINT8_MAX));
	struct answer a = next_answer(w);
	assert_true(dcerpc_bind_ack_decode(&a.body, &ack));
	assert_int_equal(ack.results[31].result, DCERPC_ACCEPTANCE);
	assert_int_equal(ack.results[32].result, DCERPC_PROVIDER_REJECTION);
	assert_int_equal(ack.results[32].reason, DCERPC_LOCAL_LIMIT_EXCEEDED);
	assert_int_equal(ack.result_count, UINT8_MAX);
}

static void a_second_bind_is_not_acknowledged(void **state)
{
	struct world *w = *state;

	bind_srvsvc(w, 4280);
	rpc_pipe_write(
		w->pipe, bind_pdu(w, DCERPC_BIND, 4280, context(w, 0, srvsvc_interface, dcerpc_ndr20), 1));
	assert_int_equal(next_answer(w).h.type, DCERPC_BIND_NAK);
	assert_int_equal(share_enum(w, list_all).count, 3);
}

/* The same PDU with a security trailer of four bytes behind it. */
static struct bytes with_trailer(struct world *w, struct bytes pdu)
{
	size_t len = pdu.len + DCERPC_AUTH_TRAILER_SIZE + 4;
	uint8_t *buf = talloc_zero_size(w, len);
	struct wr p = {.base = buf, .cap = len, .pos = len};

	memcpy(buf, pdu.data, pdu.len);
	wr_patch(&p, DCERPC_FRAG_LENGTH_OFFSET, len, 2);
	wr_patch(&p, DCERPC_FRAG_LENGTH_OFFSET + 2, 4, 2);
	return BYTES(buf, len);
}

static void a_bind_with_authentication_is_not_acknowledged(void **state)
{
	struct world *w = *state;
	struct bytes pdu = bind_pdu(w, DCERPC_BIND, 4280, context(w, 0, srvsvc_interface, dcerpc_ndr20), 1);
	struct dcerpc_bind_nak nak;

	rpc_pipe_write(w->pipe, with_trailer(w, pdu));
	struct answer a = next_answer(w);
	assert_int_equal(a.h.type, DCERPC_BIND_NAK);
	assert_true(dcerpc_bind_nak_decode(&a.body, &nak));
	assert_int_equal(nak.reason, DCERPC_NAK_AUTHENTICATION_TYPE);
	bind_srvsvc(w, 4280);
}

static void calls_with_authentication_are_denied(void **state)
{
	struct world *w = *state;
	struct bytes c = context(w, 1, srvsvc_interface, dcerpc_ndr20);

	bind_srvsvc(w, 4280);
	rpc_pipe_write(w->pipe, with_trailer(w, request_pdu(w, WHOLE, 0, 15, share_enum_stub(w, list_all))));
	assert_fault(w, DCERPC_FAULT_ACCESS_DENIED);
	rpc_pipe_write(w->pipe, with_trailer(w, bind_pdu(w, DCERPC_ALTER_CONTEXT, 4280, c, 1)));
	assert_fault(w, DCERPC_FAULT_ACCESS_DENIED);
	assert_int_equal(share_enum(w, list_all).count, 3);
}

static void cancels_and_late_handshakes_are_ignored(void **state)
{
	static const enum dcerpc_type types[] = {DCERPC_CO_CANCEL, DCERPC_AUTH3};
	struct world *w = *state;

	bind_srvsvc(w, 4280);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		uint8_t pdu[DCERPC_HEADER_SIZE];
		struct wr pw = wr_over(pdu, sizeof(pdu));
		dcerpc_pdu_begin(&pw, types[i], WHOLE, CALL);
		dcerpc_pdu_end(&pw);
		assert_status(rpc_pipe_write(w->pipe, BYTES(pdu, pw.pos)), STATUS_SUCCESS);
	}
	assert_nothing_pending(w, STATUS_PIPE_EMPTY);
	assert_int_equal(share_enum(w, list_all).count, 3);
}

static void a_big_endian_bind_is_not_acknowledged(void **state)
{
	struct world *w = *state;
	static const uint8_t big[] = {
		5, 0, 11, 3, 0, 0, 0, 0, 0, 28, 0, 0, 0, 0, 0, 9, 0x10, 0xB8, 0x10, 0xB8};
	uint8_t pdu[28] = {0};

	memcpy(pdu, big, sizeof(big));
	rpc_pipe_write(w->pipe, BYTES(pdu, sizeof(pdu)));
	struct answer a = next_answer(w);
	assert_int_equal(a.h.type, DCERPC_BIND_NAK);
	assert_int_equal(a.h.call_id, 9);
	bind_srvsvc(w, 4280);
}

static void a_big_endian_request_breaks_the_pipe(void **state)
{
	struct world *w = *state;
	static const uint8_t big[24] = {5, 0, 0, 3, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 9};

	bind_srvsvc(w, 4280);
	rpc_pipe_write(w->pipe, BYTES(big, sizeof(big)));
	assert_broken(w, DCERPC_FAULT_PROTO_ERROR);
}

static void an_altered_context_can_be_called(void **state)
{
	static struct dcerpc_bind_ack ack;
	struct world *w = *state;
	struct bytes c = context(w, 5, srvsvc_interface, dcerpc_ndr20);

	bind_srvsvc(w, 4280);
	rpc_pipe_write(w->pipe, bind_pdu(w, DCERPC_ALTER_CONTEXT, 4280, c, 1));
	struct answer a = next_answer(w);
	assert_int_equal(a.h.type, DCERPC_ALTER_CONTEXT_RESP);
	assert_true(dcerpc_bind_ack_decode(&a.body, &ack));
	assert_int_equal(ack.secondary_address.len, 0);
	assert_int_equal(ack.results[0].result, DCERPC_ACCEPTANCE);
	rpc_pipe_write(w->pipe, request_pdu(w, WHOLE, 5, 15, share_enum_stub(w, list_all)));
	assert_int_equal(next_answer(w).h.type, DCERPC_RESPONSE);
}

static void nothing_but_a_bind_comes_first(void **state)
{
	struct world *w = *state;
	struct bytes c = context(w, 0, srvsvc_interface, dcerpc_ndr20);
	struct bytes first[] = {request_pdu(w, WHOLE, 0, 15, share_enum_stub(w, list_all)),
		bind_pdu(w, DCERPC_ALTER_CONTEXT, 4280, c, 1), bind_pdu(w, DCERPC_BIND_ACK, 4280, c, 1)};

	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		w->pipe = rpc_pipe_open(w, "srvsvc", &w->env);
		assert_status(rpc_pipe_write(w->pipe, first[i]), STATUS_SUCCESS);
		assert_broken(w, DCERPC_FAULT_PROTO_ERROR);
	}
}

static void what_is_no_pdu_breaks_the_pipe(void **state)
{
	struct world *w = *state;
	char junk[64];

	memset(junk, 'G', sizeof(junk));
	assert_status(rpc_pipe_write(w->pipe, BYTES(junk, 15)), STATUS_SUCCESS);
	assert_nothing_pending(w, STATUS_PIPE_EMPTY);
	assert_status(rpc_pipe_write(w->pipe, BYTES(junk, 1)), STATUS_SUCCESS);
	assert_broken(w, DCERPC_FAULT_PROTO_ERROR);
}

static void an_unknown_operation_is_a_fault(void **state)
{
	static const uint16_t opnums[] = {0, 14, 17, 37, 0xFFFF};
	struct world *w = *state;

	bind_srvsvc(w, 4280);
	for (size_t i = 0; i < ARRAY_SIZE(opnums); i++) {
		rpc_pipe_write(w->pipe, request_pdu(w, WHOLE, 0, opnums[i], BYTES(NULL, 0)));
		assert_fault(w, DCERPC_FAULT_OP_RNG_ERROR);
	}
	assert_int_equal(share_enum(w, list_all).werror, 0);
}

static void a_malformed_stub_is_a_fault(void **state)
{
	static const uint16_t opnums[] = {SRVSVC_NET_SHARE_ENUM, SRVSVC_NET_SHARE_GET_INFO,
		SRVSVC_NET_SERVER_GET_INFO, SRVSVC_NET_REMOTE_TOD, SRVSVC_NET_SHARE_ENUM_STICKY};
	struct world *w = *state;

	bind_srvsvc(w, 4280);
	for (size_t i = 0; i < ARRAY_SIZE(opnums); i++) {
		rpc_pipe_write(w->pipe, request_pdu(w, WHOLE, 0, opnums[i], BYTES("\1\0\0\0\1", 5)));
		assert_fault(w, DCERPC_FAULT_BAD_STUB_DATA);
	}
	assert_int_equal(share_enum(w, list_all).werror, 0);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	struct world *w = *state;
	struct bytes q = request_pdu(w, WHOLE, 0, 15, share_enum_stub(w, list_all));

	bind_srvsvc(w, 4280);
	for (size_t i = 0; i < q.len; i++) {
		assert_nothing_pending(w, STATUS_PIPE_EMPTY);
		assert_status(rpc_pipe_write(w->pipe, BYTES(q.data + i, 1)), STATUS_SUCCESS);
	}
	assert_true(read_response(w).len > 0);
}

static void several_pdus_may_come_at_once(void **state)
{
	struct world *w = *state;
	struct bytes b = bind_pdu(w, DCERPC_BIND, 4280, context(w, 0, srvsvc_interface, dcerpc_ndr20), 1);
	struct bytes q = request_pdu(w, WHOLE, 0, 15, share_enum_stub(w, list_all));
	uint8_t all[2048];
	struct wr aw = wr_over(all, sizeof(all));

	wr_bytes(&aw, b);
	wr_bytes(&aw, q);
	wr_bytes(&aw, BYTES(q.data, 20));
	rpc_pipe_write(w->pipe, BYTES(all, aw.pos));
	assert_int_equal(next_answer(w).h.type, DCERPC_BIND_ACK);
	assert_true(read_response(w).len > 0);
	assert_nothing_pending(w, STATUS_PIPE_EMPTY);
	rpc_pipe_write(w->pipe, BYTES(q.data + 20, q.len - 20));
	assert_true(read_response(w).len > 0);
}

static void fragments_of_a_request_are_put_together(void **state)
{
	struct world *w = *state;
	struct bytes stub = share_enum_stub(w, list_all);
	struct srvsvc_share_enum_rsp rsp;

	bind_srvsvc(w, 4280);
	rpc_pipe_write(w->pipe, request_pdu(w, DCERPC_FIRST_FRAG, 0, 15, BYTES(stub.data, 8)));
	rpc_pipe_write(w->pipe, request_pdu(w, 0, 0, 15, BYTES(stub.data + 8, 8)));
	assert_nothing_pending(w, STATUS_PIPE_EMPTY);
	rpc_pipe_write(
		w->pipe, request_pdu(w, DCERPC_LAST_FRAG, 0, 15, BYTES(stub.data + 16, stub.len - 16)));
	assert_true(srvsvc_share_enum_rsp_decode(w, read_response(w), &rsp));
	assert_int_equal(rsp.count, 3);
}

static void fragments_out_of_sequence_break_the_pipe(void **state)
{
	struct world *w = *state;
	struct bytes first = request_pdu(w, DCERPC_FIRST_FRAG, 0, 15, BYTES("\0\0\0\0", 4));
	struct bytes other_call = request_pdu(w, DCERPC_LAST_FRAG, 0, 15, BYTES("\0\0\0\0", 4));
	struct bytes other_context = request_pdu(w, DCERPC_LAST_FRAG, 1, 15, BYTES("\0\0\0\0", 4));
	struct bytes middle = request_pdu(w, 0, 0, 15, BYTES("\0\0\0\0", 4));

	((uint8_t *)other_call.data)[12] = CALL + 1;
	const struct bytes sequences[][2] = {
		{first, other_call}, {first, other_context}, {first, first}, {{0}, middle}};
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++) {
		w->pipe = rpc_pipe_open(w, "srvsvc", &w->env);
		bind_srvsvc(w, 4280);
		rpc_pipe_write(w->pipe, sequences[i][0]);
		rpc_pipe_write(w->pipe, sequences[i][1]);
		assert_broken(w, DCERPC_FAULT_PROTO_ERROR);
	}
}

static void a_fragment_longer_than_agreed_breaks_the_pipe(void **state)
{
	struct world *w = *state;
	uint8_t *stub = talloc_zero_size(w, 4280);

	bind_srvsvc(w, 4280);
	rpc_pipe_write(w->pipe, request_pdu(w, DCERPC_FIRST_FRAG, 0, 15, BYTES(stub, 4280 - 24)));
	assert_nothing_pending(w, STATUS_PIPE_EMPTY);
	rpc_pipe_write(w->pipe, request_pdu(w, 0, 0, 15, BYTES(stub, 4280 - 23)));
	assert_broken(w, DCERPC_FAULT_PROTO_ERROR);
}

static void an_orphaned_call_is_forgotten(void **state)
{
	struct world *w = *state;
	uint8_t orphaned[DCERPC_HEADER_SIZE];
	struct wr ow = wr_over(orphaned, sizeof(orphaned));

	bind_srvsvc(w, 4280);
	rpc_pipe_write(w->pipe, request_pdu(w, DCERPC_FIRST_FRAG, 0, 15, BYTES("\0\0\0\0", 4)));
	dcerpc_pdu_begin(&ow, DCERPC_ORPHANED, WHOLE, CALL);
	dcerpc_pdu_end(&ow);
	rpc_pipe_write(w->pipe, BYTES(orphaned, ow.pos));
	assert_nothing_pending(w, STATUS_PIPE_EMPTY);
	assert_int_equal(share_enum(w, list_all).count, 3);
}

static void a_maybe_call_is_not_answered(void **state)
{
	struct world *w = *state;

	bind_srvsvc(w, 4280);
	rpc_pipe_write(w->pipe, request_pdu(w, WHOLE | DCERPC_MAYBE, 0, 15, share_enum_stub(w, list_all)));
	rpc_pipe_write(w->pipe, request_pdu(w, WHOLE | DCERPC_MAYBE, 0, 99, share_enum_stub(w, list_all)));
	assert_nothing_pending(w, STATUS_PIPE_EMPTY);
}

static void a_long_response_is_cut_into_fragments_that_the_client_can_take(void **state)
{
	static const uint16_t sizes[] = {4280, 2000, 1432, 0};
	struct world *w = *state;
	struct srvsvc_share_enum_rsp rsp;

	w->many = 1000;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t max = sizes[i] ? sizes[i] : DCERPC_MUST_RECV_FRAG_SIZE;
		uint8_t *stub = talloc_size(w, 1 << 20);
		size_t n = 0;
		struct answer a;
		struct dcerpc_response part;
		struct bytes last;

		w->pipe = rpc_pipe_open(w, "srvsvc", &w->env);
		bind_srvsvc(w, sizes[i]);
		rpc_pipe_write(w->pipe, request_pdu(w, WHOLE, 0, 15, share_enum_stub(w, list_all)));
		do {
			a = next_answer(w);
			assert_true(a.len <= max);
			assert_true(dcerpc_response_decode(&a.body, &part));
			assert_true(part.alloc_hint >= part.stub.len);
			memcpy(stub + n, part.stub.data, part.stub.len);
			n += part.stub.len;
			last = part.stub;
		} while (!(a.h.flags & DCERPC_LAST_FRAG));
		assert_int_equal(part.alloc_hint, last.len);
		assert_true(n > 50000);
		assert_true(srvsvc_share_enum_rsp_decode(w, BYTES(stub, n), &rsp));
		assert_int_equal(rsp.count, 1003);
		assert_string_equal(rsp.shares[1002].name, "share1003");
	}
}

static void a_pdu_that_does_not_fit_comes_in_parts(void **state)
{
	struct world *w = *state;
	uint8_t buf[BUF];
	size_t got, whole, n = 0;

	bind_srvsvc(w, 4280);
	rpc_pipe_write(w->pipe, request_pdu(w, WHOLE, 0, 15, share_enum_stub(w, list_all)));
	whole = rpc_pipe_pending(w->pipe);
	assert_status(rpc_pipe_read(w->pipe, buf, 0, &got), STATUS_BUFFER_OVERFLOW);
	assert_int_equal(got, 0);
	while (rpc_pipe_pending(w->pipe) > 100) {
		assert_status(rpc_pipe_read(w->pipe, buf + n, 100, &got), STATUS_BUFFER_OVERFLOW);
		assert_int_equal(got, 100);
		n += got;
	}
	assert_status(rpc_pipe_read(w->pipe, buf + n, 100, &got), STATUS_SUCCESS);
	assert_int_equal(n + got, whole);
	assert_int_equal(buf[0], 5);
	assert_int_equal(buf[8] | buf[9] << 8, whole);
	assert_nothing_pending(w, STATUS_PIPE_EMPTY);
}

static void more_input_than_the_limit_is_refused(void **state)
{
	struct world *w = *state;
	uint8_t *much = talloc_zero_size(w, RPC_MAX_INPUT + 1);

	bind_srvsvc(w, 4280);
	assert_status(
		rpc_pipe_write(w->pipe, BYTES(much, RPC_MAX_INPUT + 1)), STATUS_INSUFF_SERVER_RESOURCES);
	assert_int_equal(share_enum(w, list_all).count, 3);
}

static void a_request_longer_than_the_limit_breaks_the_pipe(void **state)
{
	struct world *w = *state;
	uint8_t *stub = talloc_zero_size(w, 4000);
	struct bytes first = request_pdu(w, DCERPC_FIRST_FRAG, 0, 15, BYTES(stub, 4000));
	struct bytes middle = request_pdu(w, 0, 0, 15, BYTES(stub, 4000));

	bind_srvsvc(w, 4280);
	rpc_pipe_write(w->pipe, first);
	for (int i = 1; i < RPC_MAX_INPUT / 4000; i++)
		assert_status(rpc_pipe_write(w->pipe, middle), STATUS_SUCCESS);
	assert_nothing_pending(w, STATUS_PIPE_EMPTY);
	assert_status(rpc_pipe_write(w->pipe, middle), STATUS_SUCCESS);
	assert_broken(w, DCERPC_FAULT_REMOTE_NO_MEMORY);
}

/*
 * A client that calls and never reads gets faults in place of long answers, then is cut off: memory stays
 * bounded.
 */
static void unread_answers_are_bounded(void **state)
{
	struct world *w = *state;
	struct bytes q = request_pdu(w, WHOLE, 0, 15, share_enum_stub(w, list_all));
	ntstatus_t status = STATUS_SUCCESS;
	unsigned calls = 0;

	w->many = 1000;
	bind_srvsvc(w, 4280);
	while (status == STATUS_SUCCESS && calls < 100000) {
		status = rpc_pipe_write(w->pipe, q);
		calls++;
	}
	assert_status(status, STATUS_PIPE_BROKEN);
	assert_true(talloc_total_size(w->pipe) < RPC_MAX_OUTPUT + (256 << 10));
	assert_true(read_response(w).len > 0);
}

static void a_response_larger_than_the_limit_is_a_fault(void **state)
{
	struct world *w = *state;

	w->many = 60000;
	bind_srvsvc(w, 4280);
	rpc_pipe_write(w->pipe, request_pdu(w, WHOLE, 0, 15, share_enum_stub(w, list_all)));
	assert_fault(w, DCERPC_FAULT_OUT_ARGS_TOO_BIG);
	w->many = 0;
	assert_int_equal(share_enum(w, list_all).count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(pipes_are_known_by_name_in_any_case),
		with_world(a_bind_is_acknowledged),
		with_world(every_context_of_a_bind_is_judged_alone),
		with_world(contexts_beyond_the_limit_are_rejected),
		with_world(a_second_bind_is_not_acknowledged),
		with_world(a_bind_with_authentication_is_not_acknowledged),
		with_world(calls_with_authentication_are_denied),
		with_world(cancels_and_late_handshakes_are_ignored),
		with_world(a_big_endian_bind_is_not_acknowledged),
		with_world(a_big_endian_request_breaks_the_pipe),
		with_world(an_altered_context_can_be_called),
		with_world(nothing_but_a_bind_comes_first),
		with_world(what_is_no_pdu_breaks_the_pipe),
		with_world(an_unknown_operation_is_a_fault),
		with_world(a_malformed_stub_is_a_fault),
		with_world(a_request_may_come_byte_by_byte),
		with_world(several_pdus_may_come_at_once),
		with_world(fragments_of_a_request_are_put_together),
		with_world(fragments_out_of_sequence_break_the_pipe),
		with_world(a_fragment_longer_than_agreed_breaks_the_pipe),
		with_world(an_orphaned_call_is_forgotten),
		with_world(a_maybe_call_is_not_answered),
		with_world(a_long_response_is_cut_into_fragments_that_the_client_can_take),
		with_world(a_pdu_that_does_not_fit_comes_in_parts),
		with_world(more_input_than_the_limit_is_refused),
		with_world(a_request_longer_than_the_limit_breaks_the_pipe),
		with_world(unread_answers_are_bounded),
		with_world(a_response_larger_than_the_limit_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
