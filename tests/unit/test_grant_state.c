/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/grant_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/*
 * The machine is small enough to be walked whole: every sequence of events, with what the world does (a worker that has or has
 * not the pin, tags that are or are not registered) kept beside it.
 */

enum { STATES = GRANT_DEAD + 1, EVENTS = GRANT_EV_UNPINNED + 1, DEPTH = 9 };

struct world {
	enum grant_state state;
	bool worker_pins, worker_unpins; /* a job is away */
	bool pinned, tags, replied, refused, freed;
	unsigned notified, fenced;
};

static unsigned long walked;

static bool can_happen(const struct world *w, enum grant_event e)
{
	switch (e) {
	case GRANT_EV_PINNED:
	case GRANT_EV_PIN_FAILED:
		return w->worker_pins;
	case GRANT_EV_UNPINNED:
		return w->worker_unpins;
	case GRANT_EV_TAGGED:
		return w->state == GRANT_PINNED;
	case GRANT_EV_QUIESCED:
	case GRANT_EV_DEADLINE:
		return w->state == GRANT_BREAKING;
	default:
		return !w->freed;
	}
}

/* What grant.c does with the actions, and what must hold when it does. */
static void act(struct world *w, enum grant_event e, struct grant_step s)
{
	if (e == GRANT_EV_PINNED || e == GRANT_EV_PIN_FAILED)
		w->worker_pins = false;
	if (e == GRANT_EV_PINNED)
		w->pinned = true;
	if (e == GRANT_EV_UNPINNED)
		w->worker_unpins = w->pinned = false;
	if (e == GRANT_EV_TAGGED)
		w->tags = w->replied = true;
	if (s.actions & GRANT_DO_REGISTER)
		assert_true(w->pinned);
	if (s.actions & GRANT_DO_NOTIFY)
		assert_int_equal(++w->notified, 1);
	if (s.actions & GRANT_DO_REFUSE) {
		assert_false(w->replied || w->refused);
		w->refused = true;
	}
	if (s.actions & GRANT_DO_FENCE) {
		assert_int_equal(++w->fenced, 1);
		w->tags = false;
	}
	if (s.actions & GRANT_DO_UNPIN) {
		assert_true(w->pinned && !w->worker_unpins);
		assert_false(w->tags); /* fenced before the memory goes */
		w->worker_unpins = true;
	}
	if (s.actions & GRANT_DO_FREE) {
		assert_false(w->pinned || w->worker_pins || w->worker_unpins || w->tags || w->freed);
		assert_true(w->replied || w->refused);
		w->freed = true;
	}
	w->state = s.state;
}

static void walk(struct world w, int depth)
{
	walked++;
	assert_int_equal(w.freed, w.state == GRANT_DEAD);
	assert_true(grant_is_open(w.state) == w.tags);
	if (depth == 0 || w.freed)
		return;
	for (int e = 0; e < EVENTS; e++) {
		struct grant_step s = grant_next(w.state, e);
		struct world next = w;
		if (!can_happen(&w, e))
			continue;
		assert_true(s.valid);
		act(&next, e, s);
		walk(next, depth - 1);
	}
}

static void every_sequence_of_events_fences_before_it_unpins_and_frees_once(void **state)
{
	walk((struct world){.state = GRANT_REQUESTED, .worker_pins = true}, DEPTH);
	assert_true(walked > 500);
}

static void an_event_without_a_rule_changes_nothing(void **state)
{
	for (int s = 0; s < STATES; s++) {
		for (int e = 0; e < EVENTS; e++) {
			struct grant_step step = grant_next(s, e);
			if (!step.valid) {
				assert_int_equal(step.state, s);
				assert_int_equal(step.actions, 0);
			}
		}
	}
	assert_false(grant_next(GRANT_DEAD, GRANT_EV_END).valid);
	assert_false(grant_next(GRANT_LIVE, GRANT_EV_QUIESCED).valid);
}

/* From every state an end leads to death, with nothing but the workers' answers. */
static void whatever_ends_it_dies(void **state)
{
	const enum grant_state from[] = {GRANT_REQUESTED, GRANT_PINNED, GRANT_LIVE, GRANT_BREAKING, GRANT_FENCED};

	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		bool worker_pins = from[i] == GRANT_REQUESTED;
		enum grant_state s = grant_next(from[i], GRANT_EV_END).state;
		assert_int_equal(s, GRANT_FENCED);
		if (worker_pins)
			s = grant_next(s, GRANT_EV_PINNED).state;
		assert_int_equal(grant_next(s, GRANT_EV_UNPINNED).state, GRANT_DEAD);
	}
}

static void only_live_and_breaking_grants_let_accesses_through(void **state)
{
	for (int s = 0; s < STATES; s++)
		assert_int_equal(grant_is_open(s), s == GRANT_LIVE || s == GRANT_BREAKING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sequence_of_events_fences_before_it_unpins_and_frees_once),
		cmocka_unit_test(an_event_without_a_rule_changes_nothing),
		cmocka_unit_test(whatever_ends_it_dies),
		cmocka_unit_test(only_live_and_breaking_grants_let_accesses_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
