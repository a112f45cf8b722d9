/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/client_rig.h"

static struct rig rig;

#define assert_status(got, want) assert_string_equal(status_name(got), status_name((ntstatus_t)(want)))

static int setup(void **state)
{
	rig_setup(&rig, SMB2_DIALECT_0311, 4);
	return 0;
}

static int teardown(void **state)
{
	rig_teardown(&rig);
	return 0;
}

static struct tevent_req *echo(void)
{
	return rig_watch(&rig, daxsmb_echo_send(rig.ev, rig.ev, rig.conn));
}

static struct tevent_req *read_at(uint64_t offset, uint32_t length)
{
	struct smb2_read_req q = {.offset = offset, .length = length};

	return rig_watch(&rig, daxsmb_read_send(rig.ev, rig.ev, rig.tree, &q));
}

static struct smb2_header sent_header(unsigned n)
{
	struct rd r = rd_over(rig.sent[n]);
	struct smb2_header h;

	assert_true(smb2_header_decode(&r, &h));
	return h;
}

static void an_answer_ends_its_request(void **state)
{
	struct tevent_req *req = echo();

	assert_int_equal(rig.sent_count, 1);
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_SUCCESS);
	rig_answer(&rig, &h);
	assert_int_equal(rig.ended, 1);
	assert_status(daxsmb_simple_recv(req), STATUS_SUCCESS);
}

static void the_server_s_error_is_what_recv_returns(void **state)
{
	struct tevent_req *req = read_at(0, 10);
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_END_OF_FILE);
	struct smb2_read_rsp p;

	rig_answer(&rig, &h);
	assert_status(daxsmb_read_recv(req, &p), STATUS_END_OF_FILE);
}

static void answers_may_come_in_any_order(void **state)
{
	struct tevent_req *a = echo(), *b = echo();
	struct smb2_header hb = rig_answer_to(&rig, 1, STATUS_SUCCESS),
			   ha = rig_answer_to(&rig, 0, STATUS_ACCESS_DENIED);

	rig_answer(&rig, &hb);
	assert_int_equal(rig.ended, 1);
	assert_false(tevent_req_is_in_progress(b));
	assert_true(tevent_req_is_in_progress(a));
	rig_answer(&rig, &ha);
	assert_status(daxsmb_simple_recv(a), STATUS_ACCESS_DENIED);
}

static void a_large_read_takes_ids_for_its_size(void **state)
{
	read_at(0, 3 * 65536);
	read_at(0, 1);
	assert_int_equal(sent_header(0).credit_charge, 3);
	assert_int_equal(sent_header(0).message_id, 0);
	assert_int_equal(sent_header(1).message_id, 3);
}

static void requests_wait_when_credits_are_out(void **state)
{
	for (int i = 0; i < 6; i++)
		echo();
	assert_int_equal(rig.sent_count, 4);
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_SUCCESS);
	h.credits = 2;
	rig_answer(&rig, &h);
	assert_int_equal(rig.sent_count, 6);
	assert_int_equal(sent_header(4).message_id, 4);
}

static void what_waits_is_sent_in_order(void **state)
{
	read_at(0, 4 * 65536);
	read_at(11, 2 * 65536);
	echo();
	assert_int_equal(rig.sent_count, 1);
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_END_OF_FILE);
	h.credits = 1;
	rig_answer(&rig, &h);
	/*
	 * One credit is enough for the echo behind, which must not overtake; nothing is under way: more are
	 * asked for.
	 */
	assert_int_equal(rig.sent_count, 2);
	assert_int_equal(sent_header(1).command, SMB2_ECHO);
	assert_int_equal(sent_header(1).message_id, 4);
	struct smb2_header more = rig_answer_to(&rig, 1, STATUS_SUCCESS);
	more.credits = 3;
	rig_answer(&rig, &more);
	assert_int_equal(rig.sent_count, 4);
	assert_int_equal(sent_header(2).command, SMB2_READ);
	assert_int_equal(sent_header(3).command, SMB2_ECHO);
}

static void a_server_that_gives_no_credits_fails_what_waits(void **state)
{
	read_at(0, 4 * 65536);
	struct tevent_req *req = read_at(11, 2 * 65536);
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_END_OF_FILE);
	struct smb2_read_rsp p;

	h.credits = 0;
	rig_answer(&rig, &h);
	assert_int_equal(rig.ended, 2);
	assert_status(daxsmb_read_recv(req, &p), STATUS_INSUFF_SERVER_RESOURCES);
}

static void an_interim_answer_does_not_end_the_request(void **state)
{
	struct tevent_req *req = read_at(0, 1);
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_PENDING);

	h.flags |= SMB2_FLAGS_ASYNC_COMMAND;
	h.async_id = 99;
	h.credits = 5;
	rig_answer(&rig, &h);
	assert_int_equal(rig.ended, 0);
	assert_int_equal(rig.conn->credits.available, 3 + 5);
	h.status = STATUS_CANCELLED;
	h.credits = 0;
	rig_answer(&rig, &h);
	assert_int_equal(rig.ended, 1);
	assert_false(tevent_req_is_in_progress(req));
}

static void cancel_names_the_message_and_after_an_interim_answer_the_async_id(void **state)
{
	struct tevent_req *a = echo(), *b = echo();
	struct smb2_header h = rig_answer_to(&rig, 1, STATUS_PENDING);

	h.flags |= SMB2_FLAGS_ASYNC_COMMAND;
	h.async_id = 0xABCD;
	rig_answer(&rig, &h);
	assert_true(tevent_req_cancel(a));
	assert_true(tevent_req_cancel(b));
	assert_int_equal(rig.sent_count, 4);
	assert_int_equal(sent_header(2).command, SMB2_CANCEL);
	assert_int_equal(sent_header(2).message_id, 0);
	assert_false(sent_header(2).flags & SMB2_FLAGS_ASYNC_COMMAND);
	assert_int_equal(sent_header(3).async_id, 0xABCD);
	assert_int_equal(rig.ended, 0);
}

static void cancelling_what_is_not_sent_ends_it(void **state)
{
	read_at(0, 4 * 65536);
	struct tevent_req *req = echo();

	assert_true(tevent_req_cancel(req));
	rig_run(&rig);
	assert_status(daxsmb_simple_recv(req), STATUS_CANCELLED);
	assert_int_equal(rig.sent_count, 1);
}

static void a_lost_connection_ends_every_request_once(void **state)
{
	struct tevent_req *reqs[6];

	for (int i = 0; i < 6; i++)
		reqs[i] = echo();
	rig.conn->transport = &rig.transport;
	client_conn_fail(rig.conn, STATUS_CONNECTION_RESET);
	rig_run(&rig);
	assert_int_equal(rig.ended, 6);
	for (int i = 0; i < 6; i++)
		assert_status(daxsmb_simple_recv(reqs[i]), STATUS_CONNECTION_RESET);
	struct tevent_req *late = echo();
	rig_run(&rig);
	assert_status(daxsmb_simple_recv(late), STATUS_CONNECTION_RESET);
}

static void freeing_the_connection_ends_its_requests(void **state)
{
	struct tevent_req *req = echo();

	talloc_free(rig.conn);
	rig_run(&rig);
	assert_int_equal(rig.ended, 1);
	assert_status(daxsmb_simple_recv(req), STATUS_CONNECTION_DISCONNECTED);
}

static void the_answer_to_a_freed_request_still_gives_its_credits(void **state)
{
	struct tevent_req *req = read_at(0, 4 * 65536);
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_END_OF_FILE);

	talloc_free(req);
	h.credits = 4;
	rig_answer(&rig, &h);
	assert_int_equal(rig.ended, 0);
	assert_int_equal(rig.conn->credits.available, 4);
	assert_status(daxsmb_conn_status(rig.conn), STATUS_SUCCESS);
}

static void an_answer_nobody_asked_for_ends_the_connection(void **state)
{
	echo();
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_SUCCESS);
	h.message_id = 3;
	rig_answer(&rig, &h);
	assert_true(rig.closed);
	assert_int_equal(rig.ended, 1);
	assert_status(rig.last, STATUS_INVALID_NETWORK_RESPONSE);
}

static void an_answer_to_another_command_ends_the_connection(void **state)
{
	echo();
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_SUCCESS);
	h.command = SMB2_LOGOFF;
	rig_answer(&rig, &h);
	assert_status(daxsmb_conn_status(rig.conn), STATUS_INVALID_NETWORK_RESPONSE);
}

static void a_second_answer_ends_the_connection(void **state)
{
	echo();
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_SUCCESS);
	rig_answer(&rig, &h);
	rig_answer(&rig, &h);
	assert_int_equal(rig.ended, 1);
	assert_status(daxsmb_conn_status(rig.conn), STATUS_INVALID_NETWORK_RESPONSE);
}

static void a_request_in_place_of_an_answer_ends_the_connection(void **state)
{
	echo();
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_SUCCESS);
	h.flags = 0;
	rig_answer(&rig, &h);
	assert_status(daxsmb_conn_status(rig.conn), STATUS_INVALID_NETWORK_RESPONSE);
}

static void an_unsigned_answer_in_a_signed_session_ends_the_connection(void **state)
{
	static const uint8_t key[16] = {1};

	rig.session->signer = signer_new(rig.session, 1, key);
	rig.session->sign = true;
	echo();
	assert_true(sent_header(0).flags & SMB2_FLAGS_SIGNED);
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_SUCCESS);
	rig_answer(&rig, &h);
	assert_status(daxsmb_conn_status(rig.conn), STATUS_ACCESS_DENIED);
	assert_status(rig.last, STATUS_ACCESS_DENIED);
}

static void a_wrong_signature_ends_the_connection(void **state)
{
	static const uint8_t key[16] = {1};

	rig.session->signer = signer_new(rig.session, 1, key);
	echo();
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_SUCCESS);
	h.flags |= SMB2_FLAGS_SIGNED;
	rig_answer(&rig, &h);
	assert_status(daxsmb_conn_status(rig.conn), STATUS_ACCESS_DENIED);
}

static void a_plain_answer_to_a_sealed_request_ends_the_connection(void **state)
{
	rig.conn->cipher = 2;
	assert_true(client_session_keyed(rig.session, BYTES("0123456789abcdef", 16)));
	rig.session->seal = true;
	echo();
	struct rd r = rd_over(rig.sent[0]);
	assert_int_equal(rd_u32(&r), SMB2_TRANSFORM_PROTOCOL_ID);
	struct smb2_header h = {
		.command = SMB2_ECHO, .flags = SMB2_FLAGS_SERVER_TO_REDIR, .session_id = 0x1122};
	rig_answer(&rig, &h);
	assert_status(daxsmb_conn_status(rig.conn), STATUS_ACCESS_DENIED);
}

static void a_compound_ends_when_all_its_answers_are_there(void **state)
{
	struct smb2_create_req q = {.create_disposition = FILE_CREATE};
	struct tevent_req *req = rig_watch(&rig, daxsmb_touch_send(rig.ev, rig.ev, rig.tree, "a/b", &q));
	struct smb2_header create = rig_answer_to(&rig, 0, STATUS_OBJECT_NAME_COLLISION), close = create;

	assert_int_equal(rig.sent_count, 1);
	assert_int_equal(sent_header(0).next_command % 8, 0);
	rig_answer(&rig, &create);
	assert_int_equal(rig.ended, 0);
	close.message_id++;
	close.command = SMB2_CLOSE;
	rig_answer(&rig, &close);
	assert_int_equal(rig.ended, 1);
	assert_status(daxsmb_touch_recv(req), STATUS_OBJECT_NAME_COLLISION);
}

static void a_compound_link_that_leads_outside_ends_the_connection(void **state)
{
	echo();
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_SUCCESS);
	h.next_command = 4096;
	rig_answer(&rig, &h);
	assert_status(daxsmb_conn_status(rig.conn), STATUS_INVALID_NETWORK_RESPONSE);
}

static void freeing_a_session_ends_its_requests_and_orphans_its_trees(void **state)
{
	struct tevent_req *req = read_at(0, 1);
	struct smb2_read_rsp p;

	client_conn_end_session(rig.conn, rig.session);
	rig_run(&rig);
	assert_status(daxsmb_read_recv(req, &p), STATUS_USER_SESSION_DELETED);
	rig.tree->session = NULL;
	req = read_at(0, 1);
	rig_run(&rig);
	assert_status(daxsmb_read_recv(req, &p), STATUS_CONNECTION_DISCONNECTED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_answer_ends_its_request),
		T(the_server_s_error_is_what_recv_returns),
		T(answers_may_come_in_any_order),
		T(a_large_read_takes_ids_for_its_size),
		T(requests_wait_when_credits_are_out),
		T(what_waits_is_sent_in_order),
		T(a_server_that_gives_no_credits_fails_what_waits),
		T(an_interim_answer_does_not_end_the_request),
		T(cancel_names_the_message_and_after_an_interim_answer_the_async_id),
		T(cancelling_what_is_not_sent_ends_it),
		T(a_lost_connection_ends_every_request_once),
		T(freeing_the_connection_ends_its_requests),
		T(the_answer_to_a_freed_request_still_gives_its_credits),
		T(an_answer_nobody_asked_for_ends_the_connection),
		T(an_answer_to_another_command_ends_the_connection),
		T(a_second_answer_ends_the_connection),
		T(a_request_in_place_of_an_answer_ends_the_connection),
		T(an_unsigned_answer_in_a_signed_session_ends_the_connection),
		T(a_wrong_signature_ends_the_connection),
		T(a_plain_answer_to_a_sealed_request_ends_the_connection),
		T(a_compound_ends_when_all_its_answers_are_there),
		T(a_compound_link_that_leads_outside_ends_the_connection),
		T(freeing_a_session_ends_its_requests_and_orphans_its_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
