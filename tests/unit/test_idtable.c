/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/idtable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int objects[64];

static int setup(void **state)
{
	*state = talloc_new(NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	return talloc_free(*state);
}

static void an_object_is_found_by_its_id_and_by_no_other(void **state)
{
	struct idtable *t = idtable_new(*state, 64);
	uint64_t ids[64];

	for (unsigned i = 0; i < 64; i++) {
		ids[i] = idtable_add(t, &objects[i]);
		assert_true(ids[i] != 0 && ids[i] != UINT64_MAX);
	}
	for (unsigned i = 0; i < 64; i++) {
		assert_ptr_equal(idtable_get(t, ids[i]), &objects[i]);
		assert_null(idtable_get(t, ids[i] ^ 1ull << 40));
	}
	assert_null(idtable_get(t, 0));
	assert_null(idtable_get(t, UINT64_MAX));
	assert_null(idtable_get(t, 1));
	assert_null(idtable_get(t, 1ull << 32));
	assert_null(idtable_get(t, (ids[0] >> 32 << 32) + 65));
}

static void the_limit_is_a_limit_of_objects_at_a_time(void **state)
{
	struct idtable *t = idtable_new(*state, 3);
	uint64_t first = idtable_add(t, &objects[0]);

	assert_true(idtable_add(t, &objects[1]) && idtable_add(t, &objects[2]));
	assert_true(idtable_add(t, &objects[3]) == 0);
	assert_int_equal(idtable_count(t), 3);
	idtable_remove(t, first);
	assert_int_equal(idtable_count(t), 2);
	assert_true(idtable_add(t, &objects[3]) != 0);
	assert_true(idtable_add(t, &objects[4]) == 0);
}

static void a_table_with_limit_zero_takes_nothing(void **state)
{
	assert_true(idtable_add(idtable_new(*state, 0), &objects[0]) == 0);
}

static void an_id_is_not_used_again(void **state)
{
	struct idtable *t = idtable_new(*state, 4);
	uint64_t previous = 0;

	for (unsigned i = 0; i < 1000; i++) {
		uint64_t id = idtable_add(t, &objects[i % 64]);
		assert_true(id != 0 && id != previous);
		assert_null(idtable_get(t, previous));
		assert_ptr_equal(idtable_get(t, id), &objects[i % 64]);
		idtable_remove(t, id);
		assert_null(idtable_get(t, id));
		previous = id;
	}
}

static void a_slot_rests_until_the_others_have_been_used(void **state)
{
	struct idtable *t = idtable_new(*state, 8);
	uint64_t first = idtable_add(t, &objects[0]);

	idtable_remove(t, first);
	for (unsigned i = 0; i < 7; i++)
		assert_true((uint32_t)idtable_add(t, &objects[i]) != (uint32_t)first);
	assert_true((uint32_t)idtable_add(t, &objects[7]) == (uint32_t)first);
}

static void removing_twice_or_what_is_not_there_is_harmless(void **state)
{
	struct idtable *t = idtable_new(*state, 8);
	uint64_t id = idtable_add(t, &objects[0]);
	uint64_t other = idtable_add(t, &objects[1]);

	idtable_remove(t, id);
	idtable_remove(t, id);
	idtable_remove(t, 0);
	idtable_remove(t, UINT64_MAX);
	assert_int_equal(idtable_count(t), 1);
	assert_ptr_equal(idtable_get(t, other), &objects[1]);
}

static void a_walk_meets_every_object_once(void **state)
{
	struct idtable *t = idtable_new(*state, 64);
	unsigned seen[64] = {0}, n = 0;
	uint64_t ids[20];
	uint32_t cursor = 0;
	int *o;

	for (unsigned i = 0; i < 20; i++)
		ids[i] = idtable_add(t, &objects[i]);
	idtable_remove(t, ids[0]);
	idtable_remove(t, ids[7]);
	idtable_remove(t, ids[19]);
	while ((o = idtable_next(t, &cursor))) {
		seen[o - objects]++;
		n++;
	}
	assert_int_equal(n, 17);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(seen[i], i != 0 && i != 7 && i != 19);
}

static void the_object_just_returned_by_a_walk_may_be_removed(void **state)
{
	struct idtable *t = idtable_new(*state, 64);
	uint64_t ids[10];
	uint32_t cursor = 0;
	int *o;

	for (unsigned i = 0; i < 10; i++)
		ids[i] = idtable_add(t, &objects[i]);
	while ((o = idtable_next(t, &cursor)))
		idtable_remove(t, ids[o - objects]);
	assert_int_equal(idtable_count(t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_object_is_found_by_its_id_and_by_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(the_limit_is_a_limit_of_objects_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(a_table_with_limit_zero_takes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(an_id_is_not_used_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_slot_rests_until_the_others_have_been_used, setup, teardown),
		cmocka_unit_test_setup_teardown(
			removing_twice_or_what_is_not_there_is_harmless, setup, teardown),
		cmocka_unit_test_setup_teardown(a_walk_meets_every_object_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_object_just_returned_by_a_walk_may_be_removed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
