/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/smbdirect_rig.h"

/* The connection is lost, or closed, at every step of a conversation that has a bit of everything. */

static const struct smbdirect_params small = {.credits = 3,
	.receive_size = 2048,
	.max_message = 131072,
	.max_read_write = 1 << 20,
	.negotiate_seconds = 60,
	.idle_seconds = 120};

static void work_done(struct rdma_work *w, int error)
{
	free(w);
}

static void write_nowhere(struct rig_side *side)
{
	static uint8_t memory[64];
	static const struct iovec iov = {memory, 64};
	struct rdma_work *w = calloc(1, sizeof(*w));

	w->iov = &iov;
	w->n = 1;
	w->tag = 77;
	w->done = work_done;
	rdma_write(smbdirect_rdma(side->s), w);
}

static void converse(struct rig *r)
{
	for (int i = 0; i < 2; i++) {
		struct rig_side *side = &r->side[i];

		if (!side->s || !side->established || side->ended)
			continue;
		rig_send(side, 1, 1);
		rig_send(side, 20000, 3);
		rig_send(side, 50, 1);
	}
}

static unsigned steps_of_a_whole_conversation(void)
{
	struct rig *r = rig_connected(small, small);
	unsigned steps;

	r->side[0].echo = 200;
	converse(r);
	rig_quiet(r);
	assert_int_equal(r->side[0].received, 3);
	assert_int_equal(r->side[1].received, 6);
	steps = r->loop.steps;
	rig_free(r);
	return steps;
}

/* One round in which side `which` is done something to after n steps. */
static struct rig *up_to(unsigned n, unsigned cut_after)
{
	struct rig *r = rig_new(small, small);
	bool begun = false;

	r->side[0].echo = 200;
	r->loop.cut_after = cut_after;
	while (!rig_idle(r) && r->loop.steps < n) {
		tevent_loop_once(r->ev);
		if (!begun && r->side[0].established && r->side[1].established) {
			begun = true;
			converse(r);
		}
	}
	return r;
}

static void a_lost_connection_ends_both_sides_at_every_step(void **state)
{
	unsigned steps = steps_of_a_whole_conversation();

	assert_true(steps > 50);
	for (unsigned n = 1; n <= steps; n++)
		for (unsigned late = 0; late < 10; late += 9) {
			struct rig *r = up_to(0, n);

			r->loop.late_done = late;
			while (!rig_idle(r) && r->loop.steps < n) {
				tevent_loop_once(r->ev);
				if (r->side[1].established && !r->side[1].sent)
					converse(r);
			}
			rig_quiet(r);
			for (int i = 0; i < 2; i++) {
				assert_int_equal(r->side[i].ended, 1);
				assert_int_equal(r->side[i].done, r->side[i].sent);
				assert_string_equal(r->side[i].why, "the peer is gone");
			}
			rig_free(r);
		}
}

static void a_side_may_be_closed_after_every_step(void **state)
{
	unsigned steps = steps_of_a_whole_conversation();

	for (unsigned n = 0; n <= steps; n++)
		for (unsigned which = 0; which < 2; which++) {
			struct rig *r = up_to(n, 0);

			rig_close(&r->side[which]);
			assert_int_equal(r->side[which].done, r->side[which].sent);
			assert_int_equal(r->side[which].reserved, 0);
			assert_int_equal(r->side[which].ended, 0);
			rig_quiet(r);
			assert_int_equal(r->side[!which].ended, 1);
			rig_free(r);
		}
}

static void a_side_may_be_closed_in_every_callback(void **state)
{
	for (enum rig_callback in = RIG_ESTABLISHED; in <= RIG_ENDED; in++)
		for (unsigned at = 1; at <= 6; at++)
			for (unsigned which = 0; which < 2; which++)
				for (unsigned cut = 0; cut < 120; cut += 7) {
					struct rig *r = rig_new(small, small);

					r->side[which].close_in = in;
					r->side[which].close_at = at;
					r->side[0].echo = 200;
					r->loop.cut_after = cut;
					while (!rig_idle(r)) {
						tevent_loop_once(r->ev);
						if (r->side[1].established && !r->side[1].sent)
							converse(r);
					}
					rig_quiet(r);
					assert_int_equal(r->side[which].done, r->side[which].sent);
					rig_free(r);
				}
}

static void free_context(void *arg, uint8_t *data, size_t len, void *memory)
{
	struct rig_side *side = arg;

	free(memory);
	side->reserved -= memory != NULL;
	side->s = NULL;
	TALLOC_FREE(side->rig->mem);
}

/* The session hangs on a context that its owner frees. */
static void a_context_may_be_freed_in_a_callback(void **state)
{
	struct rig *r = rig_connected(small, small);
	static const size_t sizes[] = {10, 30000};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		r->side[0].s->h.received = free_context;
		rig_send(&r->side[1], sizes[i], 1);
		talloc_steal(NULL, r->side[1].s);
		rig_quiet(r);
		assert_null(r->side[0].s);
		assert_int_equal(r->side[1].ended, 1);
		rig_free(r);
		r = rig_connected(small, small);
	}
	rig_free(r);
}

static void an_access_outside_of_a_target_ends_the_session(void **state)
{
	struct rig *r = rig_connected(small, small);

	converse(r);
	write_nowhere(&r->side[1]);
	converse(r);
	rig_quiet(r);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(r->side[i].ended, 1);
		assert_int_equal(r->side[i].done, r->side[i].sent);
	}
	rig_free(r);
}

static struct rig_side *closer;

static void close_when_done(struct rdma_work *w, int error)
{
	rig_close(closer);
}

static void a_session_may_be_closed_when_an_rdma_work_is_done(void **state)
{
	for (int lost = 0; lost < 2; lost++) {
		struct rig *r = rig_connected(small, small);
		uint8_t memory[10];
		struct rdma_target t = {.base = memory, .len = 10, .rights = RDMA_REMOTE_READ};
		struct iovec iov = {memory, 10};
		struct rdma_work w = {.iov = &iov, .n = 1, .done = close_when_done};

		assert_int_equal(rdma_register(smbdirect_rdma(r->side[0].s), &t), 0);
		w.tag = t.tag;
		closer = &r->side[1];
		rig_send(&r->side[1], 100000, 1);
		rdma_read(smbdirect_rdma(r->side[1].s), &w);
		if (lost)
			rig_close(&r->side[0]);
		rig_quiet(r);
		assert_null(r->side[1].s);
		rig_free(r);
	}
}

static void no_memory_for_a_message_ends_the_session(void **state)
{
	struct rig *r = rig_connected(small, small);

	r->side[0].refuse_memory = true;
	rig_send(&r->side[1], 10, 1);
	rig_send(&r->side[1], 10000, 1);
	rig_quiet(r);
	assert_int_equal(r->side[0].received, 1);
	assert_string_equal(r->side[0].why, "no memory for a message of the peer");
	assert_int_equal(r->side[1].ended, 1);
	rig_free(r);
}

/* Detached, nothing happens; attached to another loop, all goes on. */
static void move_after(unsigned n, unsigned which)
{
	struct rig *r = up_to(n, 0);
	struct rig_side *side = &r->side[which];
	struct tevent_context *other = tevent_context_init(NULL);
	unsigned received = side->received;

	smbdirect_detach(side->s);
	assert_null(side->s->timer);
	if (side->established)
		rig_send(side, 33, 1);
	rig_quiet(r);
	assert_int_equal(side->received, received);
	assert_int_equal(smbdirect_attach(side->s, other), 0);
	assert_int_equal(!side->s->timer, side->s->state == SMBDIRECT_CONNECTING);
	while (!rig_idle(r)) {
		tevent_loop_once(list_empty(&r->loop.end[which]->events) ? r->ev : other);
		if (r->side[0].established && r->side[1].established && !r->side[!which].sent)
			converse(r);
	}
	assert_non_null(side->s->timer);
	assert_int_equal(r->side[0].received, r->side[1].sent);
	assert_int_equal(r->side[1].received, r->side[0].sent);
	assert_in_range(r->side[1].sent, 3, 7);
	rig_close(side);
	talloc_free(other);
	rig_free(r);
}

static void a_session_moves_at_every_step(void **state)
{
	unsigned steps = steps_of_a_whole_conversation();

	for (unsigned n = 0; n <= steps; n++)
		for (unsigned which = 0; which < 2; which++)
			move_after(n, which);
}

static void a_session_may_leave_its_loop_in_a_callback(void **state)
{
	static const enum rig_callback callbacks[] = {RIG_ESTABLISHED, RIG_RECEIVED, RIG_DONE};

	for (unsigned i = 0; i < ARRAY_SIZE(callbacks) * 2 * 5; i++) {
		struct rig *r = rig_new(small, small);
		struct rig_side *side = &r->side[i & 1];

		side->close_in = callbacks[i / 10];
		side->close_at = 1 + i / 2 % 5;
		side->only_detach = true;
		r->side[0].echo = 200;
		while (!rig_idle(r)) {
			tevent_loop_once(r->ev);
			if (!side->s->ev && side->only_detach) { /* nobody has touched it on the way back */
				assert_memory_equal(side->s, &side->detached, sizeof(*side->s));
				side->only_detach = false;
			}
			if (r->side[1].established && !r->side[1].sent)
				converse(r);
			if (!side->s->ev && rig_idle(r)) /* only it has something to do */
				assert_int_equal(smbdirect_attach(side->s, r->ev), 0);
		}
		assert_int_equal(r->side[0].ended + r->side[1].ended, 0);
		assert_int_equal(r->side[0].received, r->side[1].sent);
		assert_int_equal(r->side[1].received, r->side[0].sent);
		assert_true(r->side[1].sent);
		rig_free(r);
	}
}

static void ran(struct tevent_context *ev, struct tevent_immediate *im, void *arg)
{
	*(bool *)arg = true;
}

/* Everything that is due in the event loop has been done. */
static void run_what_is_due(struct rig *r)
{
	struct tevent_immediate *im = tevent_create_immediate(r->mem);
	bool done = false;

	tevent_schedule_immediate(im, r->ev, ran, &done);
	while (!done)
		tevent_loop_once(r->ev);
	talloc_free(im);
}

static void what_was_refused_is_done_after_the_move(void **state)
{
	struct rig *r = rig_connected(small, small);
	struct tevent_context *other = tevent_context_init(NULL);

	rig_send(&r->side[0], 0, 1);
	smbdirect_detach(r->side[0].s);
	rig_send(&r->side[0], 0, 1);
	run_what_is_due(r);
	assert_int_equal(r->side[0].done, 0);
	assert_int_equal(smbdirect_attach(r->side[0].s, other), 0);
	while (r->side[0].done < 2)
		tevent_loop_once(other);
	rig_close(&r->side[0]);
	talloc_free(other);
	rig_free(r);
}

static void a_move_that_fails_leaves_a_session_to_close(void **state)
{
	struct rig *r = rig_connected(small, small);

	rig_send(&r->side[0], 5000, 1);
	smbdirect_detach(r->side[0].s);
	r->loop.fail_attach = 1;
	assert_int_equal(smbdirect_attach(r->side[0].s, r->ev), -ENOMEM);
	rig_close(&r->side[0]);
	assert_int_equal(r->side[0].failed, 1);
	rig_free(r);
}

static void an_ended_session_moves_too(void **state)
{
	struct rig *r = rig_connected(small, small);

	rig_close(&r->side[1]);
	rig_quiet(r);
	smbdirect_detach(r->side[0].s);
	assert_int_equal(smbdirect_attach(r->side[0].s, r->ev), 0);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_connection_ends_both_sides_at_every_step),
		cmocka_unit_test(a_side_may_be_closed_after_every_step),
		cmocka_unit_test(a_side_may_be_closed_in_every_callback),
		cmocka_unit_test(a_context_may_be_freed_in_a_callback),
		cmocka_unit_test(an_access_outside_of_a_target_ends_the_session),
		cmocka_unit_test(a_session_may_be_closed_when_an_rdma_work_is_done),
		cmocka_unit_test(no_memory_for_a_message_ends_the_session),
		cmocka_unit_test(a_session_moves_at_every_step),
		cmocka_unit_test(a_session_may_leave_its_loop_in_a_callback),
		cmocka_unit_test(what_was_refused_is_done_after_the_move),
		cmocka_unit_test(a_move_that_fails_leaves_a_session_to_close),
		cmocka_unit_test(an_ended_session_moves_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
