/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "client/credits.h"

static void the_first_message_has_one_credit_and_id_0(void **state)
{
	struct client_credits c;
	uint64_t id = 99;

	client_credits_init(&c, 10);
	assert_true(client_credits_take(&c, 1, &id));
	assert_int_equal(id, 0);
	assert_false(client_credits_take(&c, 1, &id));
}

static void a_charge_takes_consecutive_ids(void **state)
{
	struct client_credits c;
	uint64_t id;

	client_credits_init(&c, 10);
	client_credits_answered(&c, 0, 9);
	assert_true(client_credits_take(&c, 4, &id));
	assert_int_equal(id, 0);
	assert_true(client_credits_take(&c, 6, &id));
	assert_int_equal(id, 4);
}

static void too_few_credits_take_nothing(void **state)
{
	struct client_credits c;
	uint64_t id;

	client_credits_init(&c, 10);
	assert_false(client_credits_take(&c, 2, &id));
	assert_true(client_credits_take(&c, 1, &id));
	assert_int_equal(id, 0);
}

static void what_is_asked_for_fills_the_window_to_its_target(void **state)
{
	struct client_credits c;
	uint64_t id;

	client_credits_init(&c, 10);
	assert_true(client_credits_take(&c, 1, &id));
	assert_int_equal(client_credits_ask(&c, 1), 1 + 9);
	client_credits_answered(&c, 1, 10);
	assert_true(client_credits_take(&c, 3, &id));
	assert_int_equal(client_credits_ask(&c, 3), 3);
}

static void grants_beyond_the_limit_are_not_believed(void **state)
{
	struct client_credits c;

	client_credits_init(&c, 10);
	for (int i = 0; i < 1000; i++)
		client_credits_answered(&c, 1, UINT16_MAX);
	assert_int_equal(c.available, CREDITS_MAX);
	assert_int_equal(c.in_flight, 0);
}

static void the_charge_is_one_for_each_64_kib_begun(void **state)
{
	assert_int_equal(client_credits_charge(0), 1);
	assert_int_equal(client_credits_charge(1), 1);
	assert_int_equal(client_credits_charge(65536), 1);
	assert_int_equal(client_credits_charge(65537), 2);
	assert_int_equal(client_credits_charge(8 << 20), 128);
	assert_int_equal(client_credits_charge(UINT64_MAX), UINT16_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_message_has_one_credit_and_id_0),
		cmocka_unit_test(a_charge_takes_consecutive_ids),
		cmocka_unit_test(too_few_credits_take_nothing),
		cmocka_unit_test(what_is_asked_for_fills_the_window_to_its_target),
		cmocka_unit_test(grants_beyond_the_limit_are_not_believed),
		cmocka_unit_test(the_charge_is_one_for_each_64_kib_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
