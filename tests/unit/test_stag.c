/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/stag.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct stags tags;
static TALLOC_CTX *mem;

static int setup(void **state)
{
	mem = talloc_new(NULL);
	return stags_init(&tags, mem);
}

static int teardown(void **state)
{
	talloc_free(mem);
	return 0;
}

static struct rdma_target target(size_t len, unsigned rights)
{
	return (struct rdma_target){.len = len, .rights = rights};
}

static void bounds_are_exact(void **state)
{
	static const struct {
		uint64_t offset, len;
		enum stag_access expected;
	} cases[] = {
		{0, 100, STAG_OK},
		{99, 1, STAG_OK},
		{100, 0, STAG_OK},
		{0, 101, STAG_BOUNDS},
		{99, 2, STAG_BOUNDS},
		{100, 1, STAG_BOUNDS},
		{101, 0, STAG_BOUNDS},
		{UINT64_MAX, 1, STAG_BOUNDS},
		{UINT64_MAX, 2, STAG_WRAP},
		{1, UINT64_MAX, STAG_BOUNDS},
		{2, UINT64_MAX, STAG_WRAP},
		{1ull << 32, 1, STAG_BOUNDS},
	};
	struct rdma_target t = target(100, RDMA_REMOTE_READ | RDMA_REMOTE_WRITE), *found;

	assert_int_equal(stags_add(&tags, &t), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(
			stags_access(&tags, t.tag, RDMA_REMOTE_READ, cases[i].offset, cases[i].len, &found),
			cases[i].expected);
}

static void rights_are_those_given(void **state)
{
	static const unsigned rights[] = {
		0, RDMA_REMOTE_READ, RDMA_REMOTE_WRITE, RDMA_REMOTE_READ | RDMA_REMOTE_WRITE};

	for (unsigned i = 0; i < ARRAY_SIZE(rights); i++) {
		struct rdma_target t = target(10, rights[i]), *found = NULL;
		assert_int_equal(stags_add(&tags, &t), 0);
		for (unsigned wanted = 1; wanted < 4; wanted++)
			assert_int_equal(stags_access(&tags, t.tag, wanted, 0, 10, &found),
				(rights[i] & wanted) == wanted ? STAG_OK : STAG_RIGHTS);
		assert_true(stags_remove(&tags, &t));
	}
}

static void a_tag_is_good_on_its_own_connection_only(void **state)
{
	struct rdma_target t = target(10, RDMA_REMOTE_READ), *found;
	struct stags other;

	assert_int_equal(stags_init(&other, mem), 0);
	assert_int_equal(stags_add(&tags, &t), 0);
	assert_int_equal(stags_access(&other, t.tag, RDMA_REMOTE_READ, 0, 1, &found), STAG_INVALID);
	assert_false(stags_remove(&other, &t));
	assert_int_equal(stags_access(&tags, t.tag, RDMA_REMOTE_READ, 0, 1, &found), STAG_OK);
	assert_ptr_equal(found, &t);
}

static void removed_twice_is_harmless_and_the_tag_is_stale(void **state)
{
	struct rdma_target t = target(10, RDMA_REMOTE_READ), *found;

	assert_int_equal(stags_add(&tags, &t), 0);
	assert_true(stags_remove(&tags, &t));
	assert_false(stags_remove(&tags, &t));
	assert_int_equal(stags_access(&tags, t.tag, RDMA_REMOTE_READ, 0, 1, &found), STAG_INVALID);
	assert_int_equal(tags.count, 0);
}

static void many_are_found_and_then_there_are_no_more(void **state)
{
	struct rdma_target *all = calloc(STAGS_MAX + 1, sizeof(*all));

	for (unsigned i = 0; i < STAGS_MAX; i++) {
		assert_int_equal(stags_add(&tags, &all[i]), 0);
		assert_int_not_equal(all[i].tag, 0);
	}
	assert_int_equal(stags_add(&tags, &all[STAGS_MAX]), -ENOSPC);
	for (unsigned i = 0; i < STAGS_MAX; i++)
		assert_ptr_equal(stags_find(&tags, all[i].tag), &all[i]); /* so none is there twice */
	for (unsigned i = 0; i < STAGS_MAX; i += 2)
		assert_true(stags_remove(&tags, &all[i]));
	for (unsigned i = 0; i < STAGS_MAX; i++)
		assert_ptr_equal(stags_find(&tags, all[i].tag), i % 2 ? &all[i] : NULL);
	free(all);
}

/* Tags are drawn from 32 bits: two thousand in a row that share their upper half would not be drawn. */
static void tags_are_spread_and_not_used_again(void **state)
{
	uint32_t seen[STAGS_RETIRED], all_bits_set = UINT32_MAX, any_bit_set = 0;
	struct rdma_target t = target(1, 0);

	for (unsigned i = 0; i < STAGS_RETIRED; i++) {
		assert_int_equal(stags_add(&tags, &t), 0);
		seen[i] = t.tag;
		all_bits_set &= t.tag;
		any_bit_set |= t.tag;
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(seen[k], t.tag);
		assert_true(stags_remove(&tags, &t));
	}
	assert_int_equal(all_bits_set, 0);
	assert_int_equal(any_bit_set, UINT32_MAX);
}

static void what_was_given_back_is_remembered(void **state)
{
	struct rdma_target t = target(1, 0);
	unsigned known = 0;

	assert_int_equal(stags_add(&tags, &t), 0);
	assert_true(stags_remove(&tags, &t));
	for (unsigned i = 0; i < STAGS_RETIRED; i++)
		known += tags.retired[i] == t.tag;
	assert_int_equal(known, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bounds_are_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(rights_are_those_given, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tag_is_good_on_its_own_connection_only, setup, teardown),
		cmocka_unit_test_setup_teardown(
			removed_twice_is_harmless_and_the_tag_is_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(many_are_found_and_then_there_are_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(tags_are_spread_and_not_used_again, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_given_back_is_remembered, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
