/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/smbdirect_rig.h"

/* Silence, and signs of life. No test waits for it: the time is said to it (rig_be_silent), or the limit
 * is 0. */

static void a_silent_peer_is_asked_and_then_given_up(void **state)
{
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 0, rig_defaults, 10);
	unsigned before = raw.received;

	rig_be_silent(&r->side[1], -1);
	rig_quiet(r);
	assert_int_equal(raw.received, before);
	rig_be_silent(&r->side[1], 0);
	rig_be_silent(&r->side[1], -1);
	rig_quiet(r);
	assert_int_equal(raw.received, before + 1);
	assert_int_equal(raw_last_data(&raw).flags, SMBDIRECT_RESPONSE_REQUESTED);
	assert_int_equal(raw_last_data(&raw).data.len, 0);
	rig_be_silent(&r->side[1], 0);
	expect_end(r, &raw, "the peer is silent");
}

/* As when the machine has slept: the peer has had no time to answer. */
static void a_peer_is_asked_before_it_is_given_up_however_late_it_is(void **state)
{
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 0, rig_defaults, 10);

	rig_be_silent(&r->side[1], INT64_C(3600000000000));
	rig_be_silent(&r->side[1], -1);
	assert_int_equal(r->side[1].ended, 0);
	raw_send_data(&raw, (struct smbdirect_data){10, 1, 0, 0, {NULL, 0}});
	rig_quiet(r);
	assert_int_equal(raw_last_data(&raw).flags, SMBDIRECT_RESPONSE_REQUESTED);
	assert_false(r->side[1].s->asked);
	rig_free_raw(r, &raw);
}

static void a_peer_that_answers_is_asked_again_and_again(void **state)
{
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 0, rig_defaults, 10);

	for (int i = 0; i < 30; i++) {
		unsigned before = raw.received;

		rig_be_silent(&r->side[1], 0);
		rig_quiet(r);
		assert_in_range(raw.received, before + 1, before + 2);
		assert_int_equal(raw_last_data(&raw).flags, SMBDIRECT_RESPONSE_REQUESTED);
		raw_send_data(&raw, (struct smbdirect_data){10, 1, 0, 0, {NULL, 0}});
		rig_quiet(r);
		assert_int_equal(r->side[1].ended, 0);
	}
	rig_free_raw(r, &raw);
}

/* The acceptor was never given a credit to ask with. */
static void a_peer_that_cannot_be_asked_is_given_up_too(void **state)
{
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 1, rig_defaults, 10);

	rig_be_silent(&r->side[0], 0);
	rig_quiet(r);
	assert_int_equal(raw.received, 1);
	rig_be_silent(&r->side[0], 0);
	expect_end(r, &raw, "the peer is silent");
}

static void both_of_our_sides_keep_each_other_alive(void **state)
{
	struct rig *r = rig_connected(rig_defaults, rig_defaults);

	for (int i = 0; i < 600; i++) {
		struct smbdirect *s = r->side[i & 1].s;

		rig_be_silent(&r->side[i & 1], 0);
		assert_true(s->asked);
		rig_quiet(r);
		assert_false(s->asked);
	}
	assert_int_equal(r->side[0].ended + r->side[1].ended, 0);
	rig_free(r);
}

/* The specification's words would have the answer ask again; then it would never end. */
static void a_question_is_answered_once_and_without_a_question(void **state)
{
	for (size_t data = 0; data < 2; data++) {
		struct rig_raw raw;
		struct rig *r = rig_with_raw(&raw, 1, rig_defaults, 10);

		raw_send_data(&raw, (struct smbdirect_data){10, 5, 1, 0, {NULL, data}});
		rig_quiet(r);
		assert_int_equal(raw.received, 2);
		assert_int_equal(raw_last_data(&raw).flags, 0);
		assert_int_equal(raw_last_data(&raw).data.len, 0);
		rig_free_raw(r, &raw);
	}
}

static void data_is_an_answer(void **state)
{
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 1, rig_defaults, 10);

	r->side[0].echo = 10;
	raw_send_data(&raw, (struct smbdirect_data){10, 5, 1, 0, {NULL, 1}});
	rig_quiet(r);
	assert_int_equal(raw.received, 2);
	assert_int_equal(raw_last_data(&raw).data.len, 10);
	rig_free_raw(r, &raw);
}

/* Held, and with its last credit spent on the question: it gets one to go on with, but none for a question
 * with data. */
static void a_held_peer_is_answered(void **state)
{
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 1, rig_defaults, 1);
	struct smbdirect_facts f;

	smbdirect_hold(r->side[0].s, true);
	raw_send_data(&raw, (struct smbdirect_data){1, 1, 1, 0, {NULL, 0}});
	rig_quiet(r);
	assert_int_equal(raw.received, 2);
	assert_int_equal(raw_last_data(&raw).credits_granted, 1);
	raw_send_data(&raw, (struct smbdirect_data){1, 1, 1, 0, {NULL, 1}});
	rig_quiet(r);
	assert_int_equal(raw.received, 2);
	smbdirect_hold(r->side[0].s, false);
	rig_quiet(r);
	assert_int_equal(raw.received, 3);
	smbdirect_facts(r->side[0].s, &f);
	assert_in_range(f.receive_credits, 1, 2);
	rig_free_raw(r, &raw);
}

static void a_held_peer_without_credits_can_show_that_it_lives(void **state)
{
	struct rig_raw raw;
	struct rig *r = rig_with_raw(&raw, 1, rig_defaults, 1);
	struct smbdirect *s = r->side[0].s;

	smbdirect_hold(s, true);
	raw_send_data(&raw, (struct smbdirect_data){1, 9, 0, 0, {NULL, 1}});
	rig_quiet(r);
	assert_int_equal(s->credits.receive, 0);
	rig_be_silent(&r->side[0], 0);
	rig_quiet(r);
	assert_int_equal(raw_last_data(&raw).flags, SMBDIRECT_RESPONSE_REQUESTED);
	assert_int_equal(raw_last_data(&raw).credits_granted, 1);
	rig_free_raw(r, &raw);
}

/* The limits of time are those of the event loop's clock: with a limit of 0 they are over at once. */
static void the_timer_ends_a_negotiation_without_an_answer(void **state)
{
	for (unsigned which = 0; which < 2; which++) {
		struct smbdirect_params p = rig_defaults;
		struct rig *r = rig_bare();
		struct rig_raw raw = {0};

		p.negotiate_seconds = 0;
		raw_start(r, &raw, which);
		rig_start(r, !which, p);
		while (!r->side[!which].ended)
			tevent_loop_once(r->ev);
		expect_end(r, &raw, "the negotiation takes too long");
	}
}

static void the_timer_ends_a_session_with_a_silent_peer(void **state)
{
	struct smbdirect_params p = rig_defaults;
	struct rig_raw raw;
	struct rig *r;

	p.idle_seconds = 0;
	r = rig_with_raw(&raw, 1, p, 10);
	while (!r->side[0].ended)
		tevent_loop_once(r->ev);
	expect_end(r, &raw, "the peer is silent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_peer_is_asked_and_then_given_up),
		cmocka_unit_test(a_peer_is_asked_before_it_is_given_up_however_late_it_is),
		cmocka_unit_test(a_peer_that_answers_is_asked_again_and_again),
		cmocka_unit_test(a_peer_that_cannot_be_asked_is_given_up_too),
		cmocka_unit_test(both_of_our_sides_keep_each_other_alive),
		cmocka_unit_test(a_question_is_answered_once_and_without_a_question),
		cmocka_unit_test(data_is_an_answer),
		cmocka_unit_test(a_held_peer_is_answered),
		cmocka_unit_test(a_held_peer_without_credits_can_show_that_it_lives),
		cmocka_unit_test(the_timer_ends_a_negotiation_without_an_answer),
		cmocka_unit_test(the_timer_ends_a_session_with_a_silent_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
