/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/throttle.h"

#include "auth/auth.h"
#include "auth_hex.h"

#include <pthread.h>
#include <stdio.h>

static const uint64_t second = 1000000000ull;

static void delay_doubles_from_the_second_failure_to_eight_seconds(void **state)
{
	static const unsigned want[] = {0, 250, 500, 1000, 2000, 4000, 8000, 8000, 8000};
	struct throttle_slot s = {0};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_int_equal(throttle_fail(&s, 5 * second), want[i]);
}

static void every_quiet_minute_forgives_one_failure(void **state)
{
	struct throttle_slot s = {0};

	for (int i = 0; i < 20; i++)
		throttle_fail(&s, 0);
	assert_int_equal(throttle_fail(&s, 59 * second), 8000);
	assert_int_equal(throttle_fail(&s, (59 + 60) * second), 8000); /* one forgiven, one made */
	assert_int_equal(throttle_fail(&s, (59 + 60 + 180) * second), 2000);
	assert_int_equal(throttle_fail(&s, (59 + 60 + 180 + 3600) * second), 0);
}

static void clock_that_stands_or_steps_back_forgives_nothing(void **state)
{
	struct throttle_slot s = {0};

	throttle_fail(&s, 1000 * second);
	throttle_fail(&s, 1000 * second);
	assert_int_equal(throttle_fail(&s, 10 * second), 500);
}

static void address_is_slowed_whatever_user_it_tries(void **state)
{
	struct auth_throttle *t = auth_throttle_new(NULL);

	assert_int_equal(auth_throttle_record(t, "192.0.2.1", "a", false, 0), 0);
	assert_int_equal(auth_throttle_record(t, "192.0.2.1", "b", false, 0), 250);
	assert_int_equal(auth_throttle_record(t, "192.0.2.1", "c", false, 0), 500);
	assert_int_equal(auth_throttle_record(t, "192.0.2.2", "d", false, 0), 0);
	talloc_free(t);
}

static void keys_that_share_a_set_do_not_push_each_other_out(void **state)
{
	for (int seed = 0; seed < 2000; seed++) {
		struct auth_throttle *t = auth_throttle_new(NULL);
		assert_int_equal(auth_throttle_record(t, "192.0.2.1", "a", false, 0), 0);
		assert_int_equal(auth_throttle_record(t, "192.0.2.1", "a", false, 0), 250);
		talloc_free(t);
	}
}

static void user_is_guarded_whatever_address_is_used(void **state)
{
	struct auth_throttle *t = auth_throttle_new(NULL);

	assert_int_equal(auth_throttle_record(t, "192.0.2.1", "alice", false, 0), 0);
	assert_int_equal(auth_throttle_record(t, "192.0.2.2", "ALICE", false, 0), 250);
	assert_int_equal(auth_throttle_record(t, "192.0.2.3", "Alice", false, 0), 500);
	talloc_free(t);
}

static void success_is_never_delayed_and_clears_the_user_but_not_the_address(void **state)
{
	struct auth_throttle *t = auth_throttle_new(NULL);

	for (int i = 0; i < 4; i++)
		auth_throttle_record(t, "192.0.2.1", "alice", false, 0);
	assert_int_equal(auth_throttle_record(t, "192.0.2.1", "alice", true, 0), 0);
	assert_int_equal(auth_throttle_record(t, "192.0.2.9", "alice", false, 0), 0);
	assert_int_equal(auth_throttle_record(t, "192.0.2.1", "bob", false, 0), 2000);
	talloc_free(t);
}

static void user_named_like_an_address_is_another_key(void **state)
{
	struct auth_throttle *t = auth_throttle_new(NULL);

	auth_throttle_record(t, "192.0.2.1", "x", false, 0);
	assert_int_equal(auth_throttle_record(t, "192.0.2.2", "192.0.2.1", false, 0), 0);
	talloc_free(t);
}

static void flood_of_names_does_not_hide_the_address_that_makes_it(void **state)
{
	struct auth_throttle *t = auth_throttle_new(NULL);
	size_t before = talloc_total_size(t);
	unsigned last = 0;
	char user[32];

	for (int i = 0; i < 50000; i++) {
		snprintf(user, sizeof(user), "user%d", i);
		last = auth_throttle_record(t, "192.0.2.1", user, false, (uint64_t)i * 1000);
		if (i > 10)
			assert_int_equal(last, 8000);
	}
	assert_int_equal(talloc_total_size(t), before);
	talloc_free(t);
}

static void *hammer(void *arg)
{
	for (int i = 0; i < 5000; i++)
		auth_throttle_record(arg, "192.0.2.1", i % 2 ? "a" : "b", i % 7 == 0, (uint64_t)i);
	return NULL;
}

static void threads_share_one_table(void **state)
{
	struct auth_throttle *t = auth_throttle_new(NULL);
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, t), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(auth_throttle_record(t, "192.0.2.1", "c", false, 5000), 8000);
	talloc_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delay_doubles_from_the_second_failure_to_eight_seconds),
		cmocka_unit_test(every_quiet_minute_forgives_one_failure),
		cmocka_unit_test(clock_that_stands_or_steps_back_forgives_nothing),
		cmocka_unit_test(address_is_slowed_whatever_user_it_tries),
		cmocka_unit_test(keys_that_share_a_set_do_not_push_each_other_out),
		cmocka_unit_test(user_is_guarded_whatever_address_is_used),
		cmocka_unit_test(success_is_never_delayed_and_clears_the_user_but_not_the_address),
		cmocka_unit_test(user_named_like_an_address_is_another_key),
		cmocka_unit_test(flood_of_names_does_not_hide_the_address_that_makes_it),
		cmocka_unit_test(threads_share_one_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
