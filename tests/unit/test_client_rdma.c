/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Memory that is lent to the server for a READ or WRITE: what the request says of it, and for how long it is
 * lent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/client_rig.h"

#include <errno.h>

enum { LARGE = 65536, TARGETS = 8 };

static struct rig rig;
static struct rdma_target *lent[TARGETS]; /* by tag - 1 */
static unsigned lent_count, lent_ever;
static bool refuse;
static uint8_t memory[2 * LARGE];

#define assert_status(got, want) assert_string_equal(status_name(got), status_name((ntstatus_t)(want)))

static int fake_register(struct transport *t, struct rdma_target *target)
{
	if (refuse)
		return -ENOSPC;
	assert_true(lent_ever < TARGETS);
	lent[lent_ever++] = target;
	target->tag = lent_ever;
	lent_count++;
	return 0;
}

static void fake_deregister(struct transport *t, struct rdma_target *target)
{
	if (lent[target->tag - 1])
		lent_count--;
	lent[target->tag - 1] = NULL;
}

static int setup(void **state)
{
	static struct transport_ops ops;

	rig_setup(&rig, SMB2_DIALECT_0311, 8);
	ops = *rig.transport.ops;
	ops.register_target = fake_register;
	ops.deregister = fake_deregister;
	rig.transport.ops = &ops;
	rig.transport.max_transfer = 2 * LARGE;
	memset(lent, 0, sizeof(lent));
	lent_count = lent_ever = 0;
	refuse = false;
	return 0;
}

static int teardown(void **state)
{
	rig_teardown(&rig);
	assert_int_equal(lent_count, 0);
	return 0;
}

static struct tevent_req *read_into(uint8_t *to, uint32_t length)
{
	struct smb2_read_req q = {.offset = 4096, .length = length};

	return rig_watch(&rig, daxsmb_read_into_send(rig.ev, rig.ev, rig.tree, &q, to));
}

static struct tevent_req *write_from(const uint8_t *from, uint32_t length)
{
	struct smb2_write_req q = {.offset = 4096, .data = BYTES(from, length)};

	return rig_watch(&rig, daxsmb_write_send(rig.ev, rig.ev, rig.tree, &q));
}

static struct smb2_read_req sent_read(unsigned n)
{
	struct rd r = rd_over(rig.sent[n]);
	struct smb2_read_req q;

	rd_seek(&r, SMB2_HEADER_SIZE);
	assert_true(smb2_read_req_decode(&r, &q));
	return q;
}

static struct smb2_write_req sent_write(unsigned n)
{
	struct rd r = rd_over(rig.sent[n]);
	struct smb2_write_req q;

	rd_seek(&r, SMB2_HEADER_SIZE);
	assert_true(smb2_write_req_decode(&r, &q));
	return q;
}

/* As the server's RDMA Write would. */
static void place(unsigned tag, uint8_t with, size_t n)
{
	struct rdma_target *t = lent[tag - 1];

	assert_non_null(t);
	assert_true(n <= t->len);
	memset(t->base, with, n);
	t->bytes_placed += n;
}

static void answer_read(unsigned n, uint32_t remaining, struct bytes data)
{
	static uint8_t buf[SMB2_HEADER_SIZE + SMB2_READ_RSP_FIXED_SIZE + LARGE];
	struct smb2_header h = rig_answer_to(&rig, n, STATUS_SUCCESS);
	struct smb2_read_rsp p = {.data_length = (uint32_t)data.len, .data_remaining = remaining};
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_header_encode(&w, &h);
	smb2_read_rsp_encode(&w, &p);
	wr_bytes(&w, data);
	rig_receive(&rig, BYTES(buf, w.pos));
}

static void answer_write(unsigned n, uint32_t count)
{
	uint8_t buf[128];
	struct smb2_header h = rig_answer_to(&rig, n, STATUS_SUCCESS);
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_header_encode(&w, &h);
	smb2_write_rsp_encode(&w, &(struct smb2_write_rsp){.count = count});
	rig_receive(&rig, BYTES(buf, w.pos));
}

static void expect_descriptor(struct bytes info, uint32_t tag, uint32_t length)
{
	struct smbdirect_descriptor d[SMBDIRECT_MAX_DESCRIPTORS];
	unsigned n;

	assert_true(smbdirect_descriptors_decode(info, d, &n));
	assert_int_equal(n, 1);
	assert_int_equal(d[0].offset, 0);
	assert_int_equal(d[0].token, tag);
	assert_int_equal(d[0].length, length);
}

static void a_large_read_lends_the_caller_s_memory_until_it_is_answered(void **state)
{
	struct tevent_req *req = read_into(memory, LARGE);
	struct smb2_read_req q = sent_read(0);
	struct smb2_read_rsp p;

	assert_int_equal(q.channel, SMB2_CHANNEL_RDMA_V1_INVALIDATE);
	assert_int_equal(q.length, LARGE);
	expect_descriptor(q.channel_info, 1, LARGE);
	assert_int_equal(lent[0]->rights, RDMA_REMOTE_WRITE);
	assert_ptr_equal(lent[0]->base, memory);
	place(1, 'x', LARGE);
	answer_read(0, LARGE, BYTES(NULL, 0));
	assert_int_equal(rig.ended, 1);
	assert_int_equal(lent_count, 0);
	assert_status(daxsmb_read_recv(req, &p), STATUS_SUCCESS);
	assert_ptr_equal(p.data.data, memory);
	assert_int_equal(p.data.len, LARGE);
	assert_int_equal(memory[LARGE - 1], 'x');
}

static void without_memory_of_the_caller_the_data_lives_with_the_request(void **state)
{
	struct smb2_read_req q = {.length = LARGE};
	struct tevent_req *req = rig_watch(&rig, daxsmb_read_send(rig.ev, rig.ev, rig.tree, &q));
	struct smb2_read_rsp p;

	place(1, 'y', 100);
	answer_read(0, 100, BYTES(NULL, 0));
	assert_status(daxsmb_read_recv(req, &p), STATUS_SUCCESS);
	assert_int_equal(lent_count, 0);
	assert_int_equal(p.data.len, 100);
	assert_int_equal(p.data.data[99], 'y');
	talloc_free(req);
}

static void a_large_write_lends_its_data_and_does_not_send_it(void **state)
{
	struct tevent_req *req = write_from(memory, LARGE);
	struct smb2_write_req q = sent_write(0);
	struct smb2_write_rsp p;

	assert_int_equal(q.channel, SMB2_CHANNEL_RDMA_V1_INVALIDATE);
	assert_int_equal(q.length, 0);
	assert_int_equal(q.remaining_bytes, LARGE);
	assert_true(rig.sent[0].len < 256);
	expect_descriptor(q.channel_info, 1, LARGE);
	assert_int_equal(lent[0]->rights, RDMA_REMOTE_READ);
	assert_ptr_equal(lent[0]->base, memory);
	answer_write(0, LARGE);
	assert_int_equal(lent_count, 0);
	assert_status(daxsmb_write_recv(req, &p), STATUS_SUCCESS);
	assert_int_equal(p.count, LARGE);
}

static void the_charge_is_for_what_moves(void **state)
{
	struct rd r;
	struct smb2_header h;

	write_from(memory, 2 * LARGE);
	r = rd_over(rig.sent[0]);
	assert_true(smb2_header_decode(&r, &h));
	assert_int_equal(h.credit_charge, 2);
	client_conn_fail(rig.conn, STATUS_CONNECTION_RESET);
}

static void small_payloads_travel_in_the_message(void **state)
{
	read_into(memory, RDMA_BUFFER_MIN - 1);
	write_from(memory, RDMA_BUFFER_MIN - 1);
	assert_int_equal(lent_ever, 0);
	assert_int_equal(sent_read(0).channel, SMB2_CHANNEL_NONE);
	assert_int_equal(sent_write(1).length, RDMA_BUFFER_MIN - 1);
	assert_int_equal(rig.sent[1].len, SMB2_HEADER_SIZE + SMB2_WRITE_REQ_FIXED_SIZE + RDMA_BUFFER_MIN - 1);
}

static void signed_and_encrypted_payloads_travel_in_the_message(void **state)
{
	assert_true(client_session_keyed(rig.session, BYTES("0123456789abcdef", 16)));
	rig.session->sign = true;
	read_into(memory, LARGE);
	write_from(memory, LARGE);
	rig.session->sign = false;
	rig.conn->cipher = 2;
	assert_true(client_session_keyed(rig.session, BYTES("0123456789abcdef", 16)));
	rig.tree->seal = true;
	read_into(memory, LARGE);
	write_from(memory, LARGE);
	rig.tree->seal = false;
	rig.session->seal = true;
	read_into(memory, LARGE);
	assert_int_equal(lent_ever, 0);
	assert_int_equal(sent_write(1).length, LARGE);
}

static void a_session_with_keys_that_signs_nothing_lends(void **state)
{
	assert_true(client_session_keyed(rig.session, BYTES("0123456789abcdef", 16)));
	write_from(memory, LARGE);
	assert_int_equal(lent_count, 1);
}

static void the_dialect_decides_about_the_channel(void **state)
{
	static const struct {
		uint16_t dialect;
		uint32_t channel;
	} rows[] = {
		{SMB2_DIALECT_0202, SMB2_CHANNEL_NONE},
		{SMB2_DIALECT_0210, SMB2_CHANNEL_NONE},
		{SMB2_DIALECT_0300, SMB2_CHANNEL_RDMA_V1},
		{SMB2_DIALECT_0302, SMB2_CHANNEL_RDMA_V1_INVALIDATE},
		{SMB2_DIALECT_0311, SMB2_CHANNEL_RDMA_V1_INVALIDATE},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		rig.conn->dialect = rows[i].dialect;
		read_into(memory, LARGE);
		assert_int_equal(sent_read(i).channel, rows[i].channel);
	}
}

static void memory_that_cannot_be_registered_or_is_too_long_is_not_lent(void **state)
{
	refuse = true;
	write_from(memory, LARGE);
	assert_int_equal(sent_write(0).length, LARGE);
	refuse = false;
	rig.transport.max_transfer = LARGE - 1;
	write_from(memory, LARGE);
	assert_int_equal(sent_write(1).length, LARGE);
}

static void a_message_longer_than_the_server_takes_is_not_sent(void **state)
{
	struct tevent_req *req;
	struct smb2_write_rsp p;

	rig.transport.max_send = 32768;
	refuse = true;
	req = write_from(memory, LARGE);
	rig_run(&rig);
	assert_int_equal(rig.sent_count, 0);
	assert_status(daxsmb_write_recv(req, &p), STATUS_INVALID_BUFFER_SIZE);
	assert_status(daxsmb_conn_status(rig.conn), STATUS_SUCCESS);
}

static void blocks_are_as_long_as_their_way_allows(void **state)
{
	rig.conn->max_read = rig.conn->max_write = 1 << 20;
	assert_int_equal(daxsmb_tree_max_read(rig.tree), 2 * LARGE);
	assert_int_equal(daxsmb_tree_max_write(rig.tree), 2 * LARGE);
	rig.transport.max_send = 100000;
	rig.conn->dialect = SMB2_DIALECT_0210;
	assert_int_equal(daxsmb_tree_max_read(rig.tree), 1 << 20);
	uint32_t most = daxsmb_tree_max_write(rig.tree);
	assert_in_range(most, 99000, 100000);
	write_from(memory, most);
	assert_int_equal(rig.sent_count, 1);
}

static void a_server_that_claims_to_have_placed_more_than_it_has_is_not_believed(void **state)
{
	struct tevent_req *req = read_into(memory, LARGE);
	struct smb2_read_rsp p;

	place(1, 'z', 10);
	answer_read(0, 11, BYTES(NULL, 0));
	assert_status(daxsmb_read_recv(req, &p), STATUS_INVALID_NETWORK_RESPONSE);
}

static void a_server_may_answer_in_the_message_all_the_same(void **state)
{
	struct tevent_req *req = read_into(memory, LARGE);
	struct smb2_read_rsp p;

	answer_read(0, 0, BYTES("abc", 3));
	assert_status(daxsmb_read_recv(req, &p), STATUS_SUCCESS);
	assert_int_equal(p.data.len, 3);
	assert_memory_equal(p.data.data, "abc", 3);
}

static void memory_that_the_server_has_invalidated_is_given_up_once_more_without_harm(void **state)
{
	struct tevent_req *req = read_into(memory, LARGE);
	struct smb2_read_rsp p;

	place(1, 'i', LARGE);
	fake_deregister(&rig.transport, lent[0]);
	answer_read(0, LARGE, BYTES(NULL, 0));
	assert_status(daxsmb_read_recv(req, &p), STATUS_SUCCESS);
}

static void an_error_gives_the_memory_back(void **state)
{
	struct tevent_req *req = read_into(memory, LARGE);
	struct smb2_header h = rig_answer_to(&rig, 0, STATUS_END_OF_FILE);
	struct smb2_read_rsp p;

	rig_answer(&rig, &h);
	assert_int_equal(lent_count, 0);
	assert_status(daxsmb_read_recv(req, &p), STATUS_END_OF_FILE);
}

static void an_interim_answer_does_not_give_the_memory_back(void **state)
{
	struct smb2_header h;

	read_into(memory, LARGE);
	h = rig_answer_to(&rig, 0, STATUS_PENDING);
	h.flags |= SMB2_FLAGS_ASYNC_COMMAND;
	rig_answer(&rig, &h);
	assert_int_equal(lent_count, 1);
}

static void freeing_a_request_gives_the_memory_back_at_once(void **state)
{
	struct tevent_req *a = read_into(memory, LARGE), *b = write_from(memory + LARGE, LARGE);

	assert_int_equal(lent_count, 2);
	talloc_free(a);
	assert_null(lent[0]);
	talloc_free(b);
	assert_null(lent[1]);
}

static void freeing_a_request_that_waits_for_credits_gives_the_memory_back(void **state)
{
	struct tevent_req *req;

	rig.conn->credits.available = 1;
	read_into(memory, LARGE);
	req = read_into(memory + LARGE, LARGE);
	assert_int_equal(rig.sent_count, 1);
	assert_int_equal(lent_count, 2);
	talloc_free(req);
	assert_int_equal(lent_count, 1);
}

static void a_lost_connection_gives_all_memory_back_before_its_requests_end(void **state)
{
	rig.conn->credits.available = 2;
	for (unsigned i = 0; i < 4; i++)
		read_into(memory, LARGE);
	assert_int_equal(rig.sent_count, 2);
	client_conn_fail(rig.conn, STATUS_IO_TIMEOUT);
	assert_int_equal(lent_count, 0);
	assert_int_equal(rig.ended, 0);
	rig_run(&rig);
	assert_int_equal(rig.ended, 4);
	assert_status(rig.last, STATUS_IO_TIMEOUT);
}

static void freeing_connection_or_session_gives_all_memory_back(void **state)
{
	read_into(memory, LARGE);
	client_conn_end_session(rig.conn, rig.session);
	assert_int_equal(lent_count, 0);
	read_into(memory, LARGE);
	assert_int_equal(lent_count, 1);
	talloc_free(rig.conn);
	assert_int_equal(lent_count, 0);
}

static void a_request_that_outlives_its_connection_does_not_touch_it(void **state)
{
	struct tevent_req *sent = read_into(memory, LARGE), *late;

	client_conn_fail(rig.conn, STATUS_CONNECTION_RESET);
	late = read_into(memory, LARGE);
	assert_int_equal(lent_ever, 1);
	rig_run(&rig);
	talloc_free(rig.conn);
	talloc_free(sent);
	talloc_free(late);
	assert_int_equal(rig.ended, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_large_read_lends_the_caller_s_memory_until_it_is_answered),
		T(without_memory_of_the_caller_the_data_lives_with_the_request),
		T(a_large_write_lends_its_data_and_does_not_send_it),
		T(the_charge_is_for_what_moves),
		T(small_payloads_travel_in_the_message),
		T(signed_and_encrypted_payloads_travel_in_the_message),
		T(a_session_with_keys_that_signs_nothing_lends),
		T(the_dialect_decides_about_the_channel),
		T(memory_that_cannot_be_registered_or_is_too_long_is_not_lent),
		T(a_message_longer_than_the_server_takes_is_not_sent),
		T(blocks_are_as_long_as_their_way_allows),
		T(a_server_that_claims_to_have_placed_more_than_it_has_is_not_believed),
		T(a_server_may_answer_in_the_message_all_the_same),
		T(memory_that_the_server_has_invalidated_is_given_up_once_more_without_harm),
		T(an_error_gives_the_memory_back),
		T(an_interim_answer_does_not_give_the_memory_back),
		T(freeing_a_request_gives_the_memory_back_at_once),
		T(freeing_a_request_that_waits_for_credits_gives_the_memory_back),
		T(a_lost_connection_gives_all_memory_back_before_its_requests_end),
		T(freeing_connection_or_session_gives_all_memory_back),
		T(a_request_that_outlives_its_connection_does_not_touch_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
