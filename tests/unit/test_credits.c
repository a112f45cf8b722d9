/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/credits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct credit_window new_window(uint32_t max)
{
	struct credit_window w;

	credits_init(&w, max);
	return w;
}

static void first_request_is_id_zero_and_nothing_else(void **state)
{
	struct credit_window w = new_window(100);

	assert_false(credits_consume(&w, 1, 1));
	assert_false(credits_consume(&w, UINT64_MAX, 1));
	assert_false(credits_consume(&w, 0, 2));
	assert_true(credits_consume(&w, 0, 1));
	assert_false(credits_consume(&w, 0, 1));
	assert_false(credits_consume(&w, 1, 1));
}

static void charge_of_zero_takes_one(void **state)
{
	struct credit_window w = new_window(100);

	assert_true(credits_consume(&w, 0, 0));
	assert_false(credits_consume(&w, 0, 0));
}

static void ids_may_be_used_in_any_order_and_once(void **state)
{
	struct credit_window w = new_window(100);

	assert_true(credits_consume(&w, 0, 1));
	assert_int_equal(credits_grant(&w, 5, 1), 5);
	for (uint64_t id = 5; id > 0; id--) {
		assert_true(credits_consume(&w, id, 1));
		assert_false(credits_consume(&w, id, 1));
	}
	assert_false(credits_consume(&w, 6, 1));
}

static void charge_takes_consecutive_ids_or_none(void **state)
{
	struct credit_window w = new_window(100);

	assert_true(credits_consume(&w, 0, 1));
	credits_grant(&w, 10, 1); /* 1..10 */
	assert_true(credits_consume(&w, 4, 1));
	assert_false(credits_consume(&w, 2, 3)); /* 4 is used */
	assert_true(credits_consume(&w, 2, 2));  /* the refusal took none of them */
	assert_false(credits_consume(&w, 8, 4)); /* 11 is beyond */
	assert_true(credits_consume(&w, 8, 3));
	assert_false(credits_consume(&w, 7, 65535));
}

static void who_holds_none_gets_one_though_he_asks_for_none(void **state)
{
	struct credit_window w = new_window(100);

	assert_true(credits_consume(&w, 0, 1));
	assert_int_equal(credits_grant(&w, 0, 1), 1);
	assert_int_equal(credits_grant(&w, 0, 1), 0);
	assert_true(credits_consume(&w, 1, 1));
}

static void nobody_holds_more_than_the_limit(void **state)
{
	struct credit_window w = new_window(10);

	assert_true(credits_consume(&w, 0, 1));
	assert_int_equal(credits_grant(&w, 65535, 1), 10);
	assert_int_equal(credits_grant(&w, 65535, 1), 0);
	assert_true(credits_consume(&w, 1, 3));
	assert_int_equal(credits_grant(&w, 65535, 3), 3);
}

static void limit_is_never_above_what_the_window_can_remember(void **state)
{
	struct credit_window w = new_window(UINT32_MAX);

	assert_true(credits_consume(&w, 0, 1));
	uint32_t granted = 0;
	for (int i = 0; i < 10; i++)
		granted += credits_grant(&w, 65535, 1);
	assert_int_equal(granted, CREDITS_MAX);
}

/* The client leaves id 1 unused and goes on with the others. */
static void unused_id_stops_the_window_at_twice_the_limit(void **state)
{
	struct credit_window w = new_window(16);
	uint64_t id = 2;

	assert_true(credits_consume(&w, 0, 1));
	credits_grant(&w, 16, 1);
	while (credits_consume(&w, id, 1)) {
		id++;
		credits_grant(&w, 65535, 1);
		assert_true(id < 1000);
	}
	assert_int_equal(id, 1 + 2 * 16);
	/* with the old id used, the window moves on */
	assert_true(credits_consume(&w, 1, 1));
	assert_int_equal(credits_grant(&w, 65535, 1), 16);
	assert_true(credits_consume(&w, id, 1));
}

static void old_ids_stay_used_when_the_window_wraps_around_its_memory(void **state)
{
	struct credit_window w = new_window(CREDITS_MAX);
	uint64_t id = 0;

	assert_true(credits_consume(&w, id++, 1));
	credits_grant(&w, 64, 1);
	for (; id < 5 * CREDITS_MAX; id++) {
		assert_true(credits_consume(&w, id, 1));
		assert_false(credits_consume(&w, id, 1));
		if (id >= 2 * CREDITS_MAX)
			assert_false(credits_consume(&w, id - 2 * CREDITS_MAX, 1));
		assert_int_equal(credits_grant(&w, 1, 1), 1);
	}
}

/* The same rules, written down naively: what the window must agree with. */
enum { MODEL_IDS = 4096 };
struct model {
	bool issued[MODEL_IDS], used[MODEL_IDS];
	uint64_t next;
};

static bool model_consume(struct model *m, uint64_t id, uint16_t charge)
{
	uint32_t n = charge ? charge : 1;

	for (uint64_t i = id; i < id + n; i++)
		if (i >= MODEL_IDS || !m->issued[i] || m->used[i])
			return false;
	for (uint64_t i = id; i < id + n; i++)
		m->used[i] = true;
	return true;
}

static unsigned model_held(const struct model *m)
{
	unsigned held = 0;

	for (uint64_t i = 0; i < m->next; i++)
		held += m->issued[i] && !m->used[i];
	return held;
}

static void random_clients_agree_with_the_naive_rules(void **state)
{
	srandom(1);
	for (int round = 0; round < 60; round++) {
		uint32_t max = 1 + (uint32_t)random() % 64;
		struct credit_window w = new_window(max);
		struct model *m = calloc(1, sizeof(*m));
		m->issued[0] = true;
		m->next = 1;
		for (int step = 0; step < 300; step++) {
			uint64_t id = (uint64_t)random() % (m->next + 4);
			uint16_t charge = (uint16_t)(random() % 4);
			bool ok = model_consume(m, id, charge);
			assert_int_equal(credits_consume(&w, id, charge), ok);
			if (!ok)
				continue;
			uint16_t n = credits_grant(&w, (uint16_t)(random() % 100), charge);
			for (uint16_t i = 0; i < n && m->next < MODEL_IDS; i++)
				m->issued[m->next++] = true;
			assert_true(model_held(m) <= max);
			assert_true(model_held(m) >= 1);
		}
		free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_request_is_id_zero_and_nothing_else),
		cmocka_unit_test(charge_of_zero_takes_one),
		cmocka_unit_test(ids_may_be_used_in_any_order_and_once),
		cmocka_unit_test(charge_takes_consecutive_ids_or_none),
		cmocka_unit_test(who_holds_none_gets_one_though_he_asks_for_none),
		cmocka_unit_test(nobody_holds_more_than_the_limit),
		cmocka_unit_test(limit_is_never_above_what_the_window_can_remember),
		cmocka_unit_test(unused_id_stops_the_window_at_twice_the_limit),
		cmocka_unit_test(old_ids_stay_used_when_the_window_wraps_around_its_memory),
		cmocka_unit_test(random_clients_agree_with_the_naive_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
