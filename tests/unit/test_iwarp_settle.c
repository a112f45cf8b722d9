/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "iwarp_rig.h"

#include <errno.h>

/* Durability: a Read waits until what was placed before it is settled. */

struct settling {
	struct rdma_target t;
	struct rdma_conn *conn;
	unsigned asked;
	bool at_once;
	int error;
};

static void on_settle(struct rdma_target *t)
{
	struct settling *s = container_of(t, struct settling, t);

	s->asked++;
	if (s->at_once)
		rdma_settled(s->conn, t, s->error);
}

static void settling_init(struct settling *s, struct rig *r, uint8_t *memory, size_t len)
{
	*s = (struct settling){.conn = r->b.conn};
	s->t = (struct rdma_target){.base = memory,
		.len = len,
		.rights = RDMA_REMOTE_READ | RDMA_REMOTE_WRITE,
		.settle = on_settle};
	assert_int_equal(rdma_register(r->b.conn, &s->t), 0);
}

static void a_read_waits_until_all_that_was_placed_is_settled(void **state)
{
	uint8_t m1[64] = {0}, m2[64] = {0}, m3[64] = {0}, sink[64];
	struct settling s1, s2, s3;
	struct op w1, w2, read, behind, mark;
	struct rig r;

	rig_connect(&r, 0, true);
	settling_init(&s1, &r, m1, 64);
	settling_init(&s2, &r, m2, 64);
	settling_init(&s3, &r, m3, 64);
	rdma_write(r.a.conn, access_op(&w1, "one", 3, &s1.t, 0));
	rdma_write(r.a.conn, access_op(&w2, "two", 3, &s2.t, 0));
	/* Of the third, in which nothing was placed: and still it waits. */
	rdma_read(r.a.conn, access_op(&read, sink, 3, &s3.t, 0));
	rdma_read(r.a.conn, access_op(&behind, sink + 3, 3, &s1.t, 0));
	rdma_send(r.a.conn, op_over(&mark, "!", 1));
	rig_until(&r, &s2.asked, 1);
	rig_until(&r, &r.b.messages, 1);
	assert_int_equal(s1.asked, 1);
	assert_int_equal(s3.asked, 0);
	rdma_settled(r.b.conn, &s2.t, 0);
	rig_turn(&r, 5000);
	assert_int_equal(read.done + behind.done, 0);
	rdma_settled(r.b.conn, &s1.t, 0);
	rdma_settled(r.b.conn, &s1.t, 0); /* again is harmless */
	rig_until(&r, &behind.done, 1);
	assert_int_equal(read.done, 1);
	assert_memory_equal(sink + 3, "one", 3);
	assert_int_equal(s1.asked + s2.asked, 2);
	rig_free(&r);
}

/* The Read says nothing of the tag that has gone, and still all of its own: daxsmb-pin(7), DURABILITY. */
static void a_tag_that_goes_frees_reads_of_others_which_still_wait_for_their_own(void **state)
{
	uint8_t m1[64] = {0}, m2[64] = {0}, sink[64];
	struct settling gone, own;
	struct op w1, w2, read;
	struct rig r;

	rig_connect(&r, 0, true);
	settling_init(&gone, &r, m1, 64);
	settling_init(&own, &r, m2, 64);
	for (unsigned own_first = 0; own_first < 2; own_first++) {
		gone.asked = own.asked = 0;
		rdma_write(r.a.conn, access_op(&w1, "one", 3, &gone.t, 0));
		rdma_write(r.a.conn, access_op(&w2, "two", 3, &own.t, 0));
		rdma_read(r.a.conn, access_op(&read, sink, 3, &own.t, 0));
		rig_until(&r, &own.asked, 1);
		assert_int_equal(gone.asked, 1);
		if (own_first)
			rdma_settled(r.b.conn, &own.t, 0);
		else
			rdma_deregister(r.b.conn, &gone.t);
		rig_turn(&r, 5000);
		assert_int_equal(read.done, 0);
		if (own_first)
			rdma_deregister(r.b.conn, &gone.t);
		else
			rdma_settled(r.b.conn, &own.t, 0);
		rig_until(&r, &read.done, 1);
		assert_int_equal(read.error, 0);
		assert_memory_equal(sink, "two", 3);
		rdma_settled(r.b.conn, &gone.t, -EIO); /* its answer comes late, and is nobody's */
		rig_turn(&r, 5000);
		assert_int_equal(r.a.ended + r.b.ended, 0);
		if (!own_first)
			settling_init(&gone, &r, m1, 64);
	}
	rig_free(&r);
}

static void settling_is_asked_once_for_what_was_placed_since(void **state)
{
	uint8_t memory[64] = {0}, sink[64];
	struct settling s;
	struct op first, write, read;
	struct rig r;

	rig_connect(&r, 0, false);
	settling_init(&s, &r, memory, 64);
	s.at_once = true;
	for (unsigned i = 1; i <= 3; i++) {
		rdma_write(r.a.conn, access_op(&first, "x", 1, &s.t, i));
		rdma_write(r.a.conn, access_op(&write, "y", 1, &s.t, i));
		rig_until(&r, &write.done, 1);
		for (unsigned k = 0; k < 3; k++) {
			rdma_read(r.a.conn, access_op(&read, sink, 8, &s.t, 0));
			rig_until(&r, &read.done, 1);
			assert_int_equal(s.asked, i);
		}
		assert_int_equal(sink[i], 'y');
	}
	rig_free(&r);
}

static void writes_go_on_while_a_read_waits(void **state)
{
	uint8_t memory[64] = {0}, sink[64];
	struct settling s;
	struct op write, read, more, mark;
	struct rig r;

	rig_connect(&r, 0, true);
	settling_init(&s, &r, memory, 64);
	rdma_write(r.a.conn, access_op(&write, "a", 1, &s.t, 0));
	rdma_read(r.a.conn, access_op(&read, sink, 2, &s.t, 0));
	rig_until(&r, &s.asked, 1);
	rdma_write(r.a.conn, access_op(&more, "b", 1, &s.t, 1));
	rdma_send(r.a.conn, op_over(&mark, "!", 1));
	rig_until(&r, &r.b.messages, 1);
	assert_int_equal(memory[1], 'b');
	assert_int_equal(read.done, 0);
	rdma_settled(r.b.conn, &s.t, 0);
	rig_until(&r, &read.done, 1);
	assert_int_equal(s.asked, 1);
	rdma_read(r.a.conn, access_op(&read, sink, 2, &s.t, 0));
	rig_until(&r, &s.asked, 2); /* for b */
	rdma_settled(r.b.conn, &s.t, 0);
	rig_until(&r, &read.done, 1);
	rig_free(&r);
}

static void what_cannot_be_made_durable_ends_the_connection(void **state)
{
	uint8_t memory[64] = {0}, sink[64];
	struct settling s;
	struct op write, read;
	struct rig r;

	rig_connect(&r, 0, true);
	settling_init(&s, &r, memory, 64);
	s.at_once = true;
	s.error = -EIO;
	rdma_write(r.a.conn, access_op(&write, "a", 1, &s.t, 0));
	rdma_read(r.a.conn, access_op(&read, sink, 2, &s.t, 0));
	rig_until(&r, &r.a.ended, 1);
	assert_string_equal(r.a.why, "terminated by the peer: RDMAP: catastrophic error of the stream");
	assert_int_equal(read.error, -ECONNRESET);
	rig_until(&r, &r.b.ended, 1);
	assert_string_equal(r.b.why, "terminated: RDMAP: catastrophic error of the stream");
	rig_free(&r);
}

static void a_target_that_goes_away_lets_the_reads_of_others_go_on(void **state)
{
	uint8_t m1[64] = {0}, m2[64] = "other", sink[64];
	struct settling s1, s2;
	struct op write, read;
	struct rig r;

	rig_connect(&r, 0, true);
	settling_init(&s1, &r, m1, 64);
	settling_init(&s2, &r, m2, 64);
	rdma_write(r.a.conn, access_op(&write, "a", 1, &s1.t, 0));
	rdma_read(r.a.conn, access_op(&read, sink, 5, &s2.t, 0));
	rig_until(&r, &s1.asked, 1);
	rdma_deregister(r.b.conn, &s1.t);
	rig_until(&r, &read.done, 1);
	assert_memory_equal(sink, "other", 5);
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_read_waits_until_all_that_was_placed_is_settled),
		cmocka_unit_test(a_tag_that_goes_frees_reads_of_others_which_still_wait_for_their_own),
		cmocka_unit_test(settling_is_asked_once_for_what_was_placed_since),
		cmocka_unit_test(writes_go_on_while_a_read_waits),
		cmocka_unit_test(what_cannot_be_made_durable_ends_the_connection),
		cmocka_unit_test(a_target_that_goes_away_lets_the_reads_of_others_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
