/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/smbdirect_rig.h"

static struct smbdirect_params with(uint16_t credits, uint32_t receive_size)
{
	struct smbdirect_params p = rig_defaults;

	p.credits = credits;
	p.receive_size = receive_size;
	return p;
}

static void both_sides_learn_what_the_other_takes(void **state)
{
	struct smbdirect_params a = with(100, 8192), b = with(50, 1364);
	struct smbdirect_facts f;
	struct rig *r;

	a.max_message = 2 << 20;
	a.max_read_write = 4 << 20;
	r = rig_connected(a, b);
	assert_int_equal(smbdirect_max_send(r->side[0].s), 1 << 20);
	assert_int_equal(smbdirect_max_send(r->side[1].s), 2 << 20);
	assert_int_equal(smbdirect_max_read_write(r->side[0].s), 4 << 20);
	assert_int_equal(smbdirect_max_read_write(r->side[1].s), 4 << 20);
	smbdirect_facts(r->side[0].s, &f);
	assert_int_equal(f.send_size, 1364);
	assert_int_equal(f.receive_size, 1364);
	smbdirect_facts(r->side[1].s, &f);
	assert_int_equal(f.send_size, 1364);
	assert_int_equal(f.receive_size, 1364);
	rig_free(r);
	b.max_read_write = 1 << 20;
	r = rig_connected(a, b);
	assert_int_equal(smbdirect_max_read_write(r->side[0].s), 4 << 20);
	assert_int_equal(smbdirect_max_read_write(r->side[1].s), 1 << 20);
	rig_free(r);
}

static void parameters_out_of_range_are_refused(void **state)
{
	struct smbdirect_params bad[3] = {rig_defaults, rig_defaults, rig_defaults};
	struct rig *r = rig_bare();

	bad[0].credits = 0;
	bad[1].receive_size = 127;
	bad[2].max_message = 131071;
	for (int i = 0; i < 3; i++)
		assert_null(smbdirect_new(r->mem, r->ev, &bad[i], &rig_rdma, rdma_loop_start,
			&r->side[0].loop, &rig_handlers, &r->side[0]));
	rig_free(r);
}

static struct rdma_conn *start_nothing(
	TALLOC_CTX *mem, struct tevent_context *ev, const struct rdma_params *p, void *how)
{
	return NULL;
}

static void a_transport_that_does_not_start_is_no_session(void **state)
{
	struct rig *r = rig_bare();

	assert_null(smbdirect_new(
		r->mem, r->ev, &rig_defaults, &rig_rdma, start_nothing, NULL, &rig_handlers, &r->side[0]));
	rig_free(r);
}

static void messages_of_all_sizes_arrive_both_ways(void **state)
{
	static const size_t sizes[] = {
		1, 2, 1338, 1339, 1340, 1341, 1342, 2680, 2681, 65536, 1048575, 1048576};

	for (unsigned late = 0; late < 40; late += 13) {
		struct rig *r = rig_connected(rig_defaults, rig_defaults);

		r->loop.late_done = late;
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			rig_send(&r->side[0], sizes[i], 1 + (unsigned)i % 5);
			rig_send(&r->side[1], sizes[ARRAY_SIZE(sizes) - 1 - i], 1 + (unsigned)i % 3);
		}
		rig_quiet(r);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(r->side[i].received, ARRAY_SIZE(sizes));
			assert_int_equal(r->side[i].done, ARRAY_SIZE(sizes));
			assert_int_equal(r->side[i].failed, 0);
		}
		assert_int_equal(r->loop.longest_send, 1364);
		rig_free(r);
	}
}

static void a_message_that_fits_is_one_send(void **state)
{
	struct rig *r = rig_connected(rig_defaults, rig_defaults);
	uint64_t before = r->loop.end[1]->facts.sends_out;

	rig_send(&r->side[1], 1364 - 24, 16);
	rig_quiet(r);
	assert_int_equal(r->loop.end[1]->facts.sends_out, before + 1);
	rig_send(&r->side[1], 1364 - 23, 1);
	rig_quiet(r);
	assert_int_equal(r->loop.end[1]->facts.sends_out, before + 3);
	assert_int_equal(r->side[0].received, 2);
	rig_free(r);
}

static void many_pieces_of_memory_make_several_sends(void **state)
{
	struct rig *r = rig_connected(rig_defaults, rig_defaults);
	uint64_t before = r->loop.end[1]->facts.sends_out;

	rig_send(&r->side[1], 64, 64);
	rig_send(&r->side[1], 10, 64); /* most of them empty */
	rig_quiet(r);
	assert_int_equal(r->loop.end[1]->facts.sends_out, before + 5);
	assert_int_equal(r->side[0].received, 2);
	rig_free(r);
}

/* What the receiver of a one-way stream says is little. */
static void a_stream_costs_few_messages_the_other_way(void **state)
{
	struct rig *r = rig_connected(with(255, 8192), with(255, 8192));
	uint64_t before = r->loop.end[0]->facts.sends_out;

	for (int i = 0; i < 10; i++)
		rig_send(&r->side[1], 1 << 20, 1);
	rig_quiet(r);
	assert_int_equal(r->side[0].received, 10);
	assert_in_range(r->loop.end[0]->facts.sends_out - before, 5, 15);
	rig_free(r);
}

static void few_credits_are_enough_in_every_combination(void **state)
{
	static const uint16_t credits[] = {1, 2, 3, 4, 10, 255};

	for (size_t c = 0; c < ARRAY_SIZE(credits) * ARRAY_SIZE(credits); c++) {
		struct rig *r = rig_connected(with(credits[c % ARRAY_SIZE(credits)], 1364),
			with(credits[c / ARRAY_SIZE(credits)], 1364));

		r->loop.late_done = c % 7;
		for (int i = 0; i < 20; i++) {
			rig_send(&r->side[1], 1 + i * 997, 2);
			if (i % 3)
				rig_send(&r->side[0], 1 + i * 1999, 2);
		}
		rig_quiet(r);
		assert_int_equal(r->side[0].received, r->side[1].sent);
		assert_int_equal(r->side[1].received, r->side[0].sent);
		rig_send(&r->side[0], 100000, 2); /* and then one side alone, and then the other */
		rig_quiet(r);
		rig_send(&r->side[1], 100000, 2);
		rig_quiet(r);
		assert_int_equal(r->side[0].received, r->side[1].sent);
		assert_int_equal(r->side[1].received, r->side[0].sent);
		rig_free(r);
	}
}

static void credits_stay_what_they_are_over_thousands_of_messages(void **state)
{
	for (uint16_t credits = 1; credits <= 255; credits = (uint16_t)(credits * 2 + 1)) {
		struct rig *r = rig_connected(with(credits, 1364), with(credits, 1364));
		struct smbdirect_facts f[2];

		r->side[0].echo = 300;
		for (int round = 0; round < 100; round++) {
			for (int i = 0; i < 40; i++)
				rig_send(&r->side[1], 200, 1);
			rig_quiet(r);
			for (int i = 0; i < 2; i++)
				smbdirect_facts(r->side[i].s, &f[i]);
			for (int i = 0; i < 2; i++) {
				assert_int_equal(f[i].queued, 0);
				assert_int_equal(f[i].send_credits, f[!i].receive_credits);
				assert_in_range(f[i].send_credits, 1, credits + 2);
			}
		}
		assert_int_equal(r->side[1].received, 4000);
		rig_free(r);
	}
}

static void messages_of_random_sizes_survive_holds_keep_alives_and_late_completions(void **state)
{
	for (unsigned seed = 1; seed <= 30; seed++) {
		unsigned x = seed * 2654435761u;
		struct rig *r = rig_connected(
			with(1 + seed % 9, 128 + seed * 37), with(1 + seed % 5, 200 + seed * 31));

		r->loop.late_done = seed % 11;
		r->side[0].hold_each = seed % 2;
		for (int i = 0; i < 200; i++) {
			struct rig_side *side;

			x = x * 1664525 + 1013904223;
			side = &r->side[x >> 31];
			rig_send(side, 1 + (x >> 8) % (1u << (x >> 4 & 15)), 1 + (x >> 20) % 6);
			for (unsigned steps = x >> 12 & 31; steps && !rig_idle(r); steps--)
				tevent_loop_once(r->ev);
			if (x % 13 == 0)
				smbdirect_hold(r->side[x >> 30 & 1].s, x & 4096);
			if (x % 17 == 0)
				rig_be_silent(&r->side[x >> 29 & 1], r->side[x >> 29 & 1].s->asked ? -1 : 0);
		}
		r->side[0].hold_each = false;
		smbdirect_hold(r->side[0].s, false);
		smbdirect_hold(r->side[1].s, false);
		rig_quiet(r);
		assert_int_equal(r->side[0].received, r->side[1].sent);
		assert_int_equal(r->side[1].received, r->side[0].sent);
		rig_free(r);
	}
}

/* Deprecated because it is slow; here it is the easiest way to run out of memory everywhere. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void limit_memory(TALLOC_CTX *mem, size_t limit)
{
	assert_int_equal(talloc_set_memlimit(mem, limit), 0);
}
#pragma GCC diagnostic pop

/* Memory for a timer, for the first and for further Sends: each of them is missing in some of these. */
static void a_session_without_memory_does_not_begin_or_ends_or_goes_slowly(void **state)
{
	unsigned began = 0, worked = 0, tried = 0;

	for (size_t limit = 100; limit < 20000; limit += 20, tried++) {
		struct rig *r = rig_bare();

		rig_start(r, 1, rig_defaults);
		talloc_steal(NULL, r->side[1].s);
		limit_memory(r->mem, limit);
		if (rig_try_start(r, 0, rig_defaults)) {
			began++;
			rig_quiet(r);
			if (r->side[1].established)
				rig_send(&r->side[1], 5000, 1);
			if (r->side[0].established)
				rig_send(&r->side[0], 5000, 1);
			rig_quiet(r);
			worked += r->side[0].received == 1 && r->side[1].received == 1;
			assert_int_equal(r->side[0].ended, r->side[1].ended);
		}
		rig_free(r);
	}
	assert_true(worked && worked < began && began < tried);
}

static void the_last_fragment_invalidates_the_tag(void **state)
{
	struct rdma_target t = {.base = (uint8_t *)"x", .len = 1, .rights = RDMA_REMOTE_READ};
	struct rig *r = rig_connected(rig_defaults, rig_defaults);
	struct rig_message *rm = rig_message(&r->side[0], 5000, 1);

	assert_int_equal(rdma_register(smbdirect_rdma(r->side[1].s), &t), 0);
	rm->m.invalidate = true;
	rm->m.tag = t.tag;
	smbdirect_send(r->side[0].s, &rm->m);
	rig_send(&r->side[0], 5000, 1);
	rig_quiet(r);
	assert_int_equal(r->side[1].received, 2);
	for (int i = 0; i < 100; i++)
		rig_send(&r->side[0], 5000, 1);
	rig_quiet(r);
	assert_int_equal(r->loop.invalidations, 1);
	assert_int_equal(r->loop.end[1]->facts.targets, 0);
	rig_free(r);
}

static void messages_that_the_peer_does_not_take_are_refused_later(void **state)
{
	struct rig *r = rig_connected(rig_defaults, rig_defaults);

	rig_send(&r->side[0], 0, 1);
	rig_send(&r->side[0], (1 << 20) + 1, 1);
	rig_send(&r->side[0], 1 << 20, 1);
	assert_int_equal(r->side[0].done, 0);
	while (r->side[0].failed < 2)
		tevent_loop_once(r->ev);
	r->side[1].received = 2; /* the numbers of the refused */
	rig_quiet(r);
	assert_int_equal(r->side[0].failed, 2);
	assert_int_equal(r->side[1].received, 3);
	rig_free(r);
}

static void a_message_of_impossible_size_is_refused(void **state)
{
	struct rig *r = rig_connected(rig_defaults, rig_defaults);
	struct rig_message *rm = rig_message(&r->side[0], 10, 2);

	rm->iov[0].iov_len = SIZE_MAX;
	rm->iov[1].iov_len = 11;
	smbdirect_send(r->side[0].s, &rm->m);
	while (r->side[0].failed < 1)
		tevent_loop_once(r->ev);
	rig_free(r);
}

static void messages_before_and_after_the_session_are_refused(void **state)
{
	struct rig *r = rig_new(rig_defaults, rig_defaults);

	rig_send(&r->side[0], 10, 1);
	while (r->side[0].failed < 1)
		tevent_loop_once(r->ev);
	rig_quiet(r);
	rig_close(&r->side[1]);
	rig_quiet(r);
	assert_int_equal(r->side[0].ended, 1);
	r->side[0].ended = 0; /* the session is still there to be talked to */
	rig_send(&r->side[0], 10, 1);
	assert_int_equal(r->side[0].failed, 1);
	while (r->side[0].failed < 2)
		tevent_loop_once(r->ev);
	rig_send(&r->side[0], 10, 1);
	rig_free(r);
}

static void a_held_peer_uses_up_its_credits_and_no_more(void **state)
{
	struct rig *r = rig_connected(with(10, 1364), with(10, 1364));
	struct smbdirect_facts f;

	smbdirect_hold(r->side[0].s, true);
	for (int i = 0; i < 50; i++)
		rig_send(&r->side[1], 100, 1);
	rig_quiet(r);
	for (int i = 0; i < 5; i++)
		rig_send(&r->side[0], 100, 1); /* replies go out meanwhile */
	rig_quiet(r);
	assert_in_range(r->side[0].received, 9, 10);
	assert_int_equal(r->side[1].received, 5);
	smbdirect_facts(r->side[0].s, &f);
	assert_true(f.receive_credits <= 1);
	smbdirect_hold(r->side[0].s, false);
	rig_quiet(r);
	assert_int_equal(r->side[0].received, 50);
	rig_free(r);
}

/* Both out of breath, and still there is a way back. */
static void holding_both_sides_is_no_deadlock(void **state)
{
	for (uint16_t credits = 1; credits < 6; credits++)
		for (int first = 0; first < 2; first++) {
			struct rig *r = rig_connected(with(credits, 1364), with(credits, 1364));

			smbdirect_hold(r->side[0].s, true);
			smbdirect_hold(r->side[1].s, true);
			for (int i = 0; i < 2; i++)
				for (int k = 0; k < 30; k++)
					rig_send(&r->side[i], 2000, 1);
			rig_quiet(r);
			assert_true(r->side[0].received < 30 && r->side[1].received < 30);
			smbdirect_hold(r->side[first].s, false);
			rig_quiet(r);
			smbdirect_hold(r->side[!first].s, false);
			rig_quiet(r);
			assert_int_equal(r->side[0].received, 30);
			assert_int_equal(r->side[1].received, 30);
			rig_free(r);
		}
}

static struct rdma_work *done_work;
static int done_error;

static void work_done(struct rdma_work *w, int error)
{
	done_work = w;
	done_error = error;
}

static struct rdma_target *to_settle;

static void settle(struct rdma_target *t)
{
	to_settle = t;
}

/* The connection that smbdirect_rdma returns is the session in other words. */
static void a_read_waits_until_what_was_written_is_settled(void **state)
{
	struct rig *r = rig_connected(rig_defaults, rig_defaults);
	struct rdma_conn *c = smbdirect_rdma(r->side[1].s);
	uint8_t memory[10] = {0}, local[10] = "ten bytes";
	struct rdma_target t = {.base = memory, .len = 10, .rights = 3, .settle = settle};
	struct iovec iov = {local, 10};
	struct rdma_work w[2] = {
		{.iov = &iov, .n = 1, .done = work_done}, {.iov = &iov, .n = 1, .done = work_done}};
	struct rdma_facts f;

	assert_int_equal(rdma_register(c, &t), 0);
	w[0].tag = w[1].tag = t.tag;
	rdma_write(smbdirect_rdma(r->side[0].s), &w[0]);
	rdma_read(smbdirect_rdma(r->side[0].s), &w[1]);
	done_work = NULL;
	while (!to_settle)
		tevent_loop_once(r->ev);
	while (done_work != &w[0])
		tevent_loop_once(r->ev);
	rdma_detach(c);
	assert_int_equal(rdma_attach(c, r->ev), 0);
	rdma_settled(c, to_settle, 0);
	rig_quiet(r);
	assert_ptr_equal(done_work, &w[1]);
	rdma_facts(c, &f);
	assert_int_equal(f.bytes_placed, 10);
	assert_int_equal(f.bytes_read, 10);
	rig_free(r);
}

static void rdma_works_and_messages_keep_their_order(void **state)
{
	struct rig *r = rig_connected(with(1, 1364), with(1, 1364));
	uint8_t memory[100] = {0}, in[100] = "written";
	struct rdma_target t = {.base = memory, .len = 100, .rights = RDMA_REMOTE_WRITE | RDMA_REMOTE_READ};
	struct iovec iov = {in, 100};
	struct rdma_work w = {.iov = &iov, .n = 1, .done = work_done};

	assert_int_equal(rdma_register(smbdirect_rdma(r->side[1].s), &t), 0);
	w.tag = t.tag;
	rdma_write(smbdirect_rdma(r->side[0].s), &w);
	rig_send(&r->side[0], 10, 1);
	while (r->side[1].received == 0)
		tevent_loop_once(r->ev);
	assert_string_equal((char *)memory, "written");
	rig_quiet(r);
	assert_ptr_equal(done_work, &w);
	memcpy(memory, "changed", 7);
	rdma_read(smbdirect_rdma(r->side[0].s), &w);
	rig_quiet(r);
	assert_string_equal((char *)in, "changed");
	rdma_deregister(smbdirect_rdma(r->side[1].s), &t);
	rig_free(r);
}

static void the_rdma_connection_may_be_used_after_the_end(void **state)
{
	struct rig *r = rig_connected(rig_defaults, rig_defaults);
	struct rdma_conn *c = smbdirect_rdma(r->side[0].s);
	uint8_t memory[1];
	struct iovec iov = {memory, 1};
	struct rdma_work w = {.iov = &iov, .n = 1, .done = work_done};
	struct rdma_target t = {.base = memory, .len = 1, .rights = RDMA_REMOTE_READ};
	struct rdma_facts f;
	void (*const post[])(struct rdma_conn *, struct rdma_work *) = {rdma_write, rdma_read, rdma_send};

	assert_int_equal(rdma_register(c, &t), 0);
	rig_close(&r->side[1]);
	rig_quiet(r);
	assert_int_equal(r->side[0].ended, 1);
	for (size_t i = 0; i < ARRAY_SIZE(post); i++) {
		done_work = NULL;
		post[i](c, &w);
		assert_null(done_work);
		while (!done_work)
			tevent_loop_once(r->ev);
		assert_int_equal(done_error, -ECONNRESET);
	}
	rdma_deregister(c, &t);
	rdma_settled(c, &t, 0);
	assert_int_equal(rdma_register(c, &t), -ENOTCONN);
	rdma_facts(c, &f);
	assert_string_equal(f.transport, "loop");
	assert_true(f.sends_out);
	done_work = NULL;
	rdma_read(c, &w);
	r->side[0].s = NULL;
	rdma_close(c);
	assert_ptr_equal(done_work, &w);
	assert_int_equal(done_error, -ECANCELED);
	rig_free(r);
}

static struct rig_side *closer;
static unsigned works_done;

static void close_when_done(struct rdma_work *w, int error)
{
	works_done++;
	rig_close(closer);
}

static void a_session_may_be_closed_when_something_refused_is_done(void **state)
{
	struct rig *r = rig_connected(rig_defaults, rig_defaults);
	struct rdma_work w[3] = {
		{.done = close_when_done}, {.done = close_when_done}, {.done = close_when_done}};

	r->side[0].close_in = RIG_DONE;
	r->side[0].close_at = 2;
	for (int i = 0; i < 3; i++)
		rig_send(&r->side[0], 0, 1);
	while (r->side[0].s)
		tevent_loop_once(r->ev);
	assert_int_equal(r->side[0].failed, 3);
	rig_quiet(r);
	assert_int_equal(r->side[1].ended, 1);
	closer = &r->side[1];
	for (int i = 0; i < 3; i++)
		rdma_write(smbdirect_rdma(r->side[1].s), &w[i]);
	while (r->side[1].s)
		tevent_loop_once(r->ev);
	assert_int_equal(works_done, 3);
	rig_free(r);
}

static void a_session_goes_with_its_memory_context(void **state)
{
	struct rig *r = rig_connected(rig_defaults, rig_defaults);

	rig_send(&r->side[0], 100000, 1);
	r->side[0].s = r->side[1].s = NULL;
	TALLOC_FREE(r->mem);
	assert_int_equal(r->side[0].failed, 1);
	assert_int_equal(r->side[0].ended, 0);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_learn_what_the_other_takes),
		cmocka_unit_test(parameters_out_of_range_are_refused),
		cmocka_unit_test(a_transport_that_does_not_start_is_no_session),
		cmocka_unit_test(messages_of_all_sizes_arrive_both_ways),
		cmocka_unit_test(a_message_that_fits_is_one_send),
		cmocka_unit_test(many_pieces_of_memory_make_several_sends),
		cmocka_unit_test(a_stream_costs_few_messages_the_other_way),
		cmocka_unit_test(few_credits_are_enough_in_every_combination),
		cmocka_unit_test(credits_stay_what_they_are_over_thousands_of_messages),
		cmocka_unit_test(messages_of_random_sizes_survive_holds_keep_alives_and_late_completions),
		cmocka_unit_test(a_session_without_memory_does_not_begin_or_ends_or_goes_slowly),
		cmocka_unit_test(the_last_fragment_invalidates_the_tag),
		cmocka_unit_test(messages_that_the_peer_does_not_take_are_refused_later),
		cmocka_unit_test(a_message_of_impossible_size_is_refused),
		cmocka_unit_test(messages_before_and_after_the_session_are_refused),
		cmocka_unit_test(a_held_peer_uses_up_its_credits_and_no_more),
		cmocka_unit_test(holding_both_sides_is_no_deadlock),
		cmocka_unit_test(a_read_waits_until_what_was_written_is_settled),
		cmocka_unit_test(rdma_works_and_messages_keep_their_order),
		cmocka_unit_test(the_rdma_connection_may_be_used_after_the_end),
		cmocka_unit_test(a_session_may_be_closed_when_something_refused_is_done),
		cmocka_unit_test(a_session_goes_with_its_memory_context),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
