/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "node_rig.h"

static void only_opener_gets_what_he_wishes(void **state)
{
	static const uint8_t levels[] = {SMB2_OPLOCK_LEVEL_NONE, SMB2_OPLOCK_LEVEL_II, SMB2_OPLOCK_LEVEL_EXCLUSIVE,
		SMB2_OPLOCK_LEVEL_BATCH};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		close_entry(must_open(claim(1, 1, READ, SHARE_ALL), levels[i], levels[i]));
	close_entry(must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_LEASE, SMB2_OPLOCK_LEVEL_NONE));
	close_entry(must_open(claim(1, 1, READ, SHARE_ALL), 0x55, SMB2_OPLOCK_LEVEL_NONE));
}

static void beside_others_level_two_is_the_most(void **state)
{
	struct node_entry *e = must_open(claim(1, 1, READ, SHARE_ALL), 0, 0);

	close_entry(must_open(claim(2, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_II));
	close_entry(e);
	e = must_open(claim(1, 1, FILE_READ_ATTRIBUTES, SHARE_ALL), 0, 0);
	close_entry(must_open(claim(2, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH));
	close_entry(e);
}

static void batch_holder_is_asked_and_his_answer_wakes_the_waiter(void **state)
{
	struct node_entry *holder = must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
	uint8_t level;

	must_wait(claim(2, 1, READ, SHARE_ALL), 77);
	expect_break(1, SMB2_OPLOCK_LEVEL_II);
	assert_status(node_oplock_ack(holder, SMB2_OPLOCK_LEVEL_II, &level), STATUS_SUCCESS);
	assert_int_equal(level, SMB2_OPLOCK_LEVEL_II);
	expect_wake(77);
	close_entry(must_open(claim(2, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_II, SMB2_OPLOCK_LEVEL_II));
	close_entry(holder);
}

static void holder_is_asked_once_however_many_wait(void **state)
{
	struct node_entry *holder = must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);

	for (uint64_t token = 10; token < 15; token++)
		must_wait(claim(2, 1, READ, SHARE_ALL), token);
	expect_break(1, SMB2_OPLOCK_LEVEL_II);
	close_entry(holder); /* closing is an answer too */
	for (uint64_t token = 10; token < 15; token++)
		expect_wake(token);
}

static void batch_gives_way_before_sharing_is_looked_at_exclusive_does_not(void **state)
{
	struct node_entry *holder = must_open(claim(1, 1, WRITE, 0), SMB2_OPLOCK_LEVEL_EXCLUSIVE, SMB2_OPLOCK_LEVEL_EXCLUSIVE);

	must_refuse(claim(2, 1, READ, SHARE_ALL), STATUS_SHARING_VIOLATION);
	close_entry(holder);
	holder = must_open(claim(1, 1, WRITE, 0), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
	must_wait(claim(2, 1, READ, SHARE_ALL), 5);
	expect_break(1, SMB2_OPLOCK_LEVEL_II);
	close_entry(holder);
	expect_wake(5);
}

static void looking_at_attributes_breaks_nothing(void **state)
{
	struct node_entry *holder = must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);

	close_entry(must_open(claim(2, 1, FILE_READ_ATTRIBUTES | ACCESS_SYNCHRONIZE, 0), 0, 0));
	close_entry(holder);
}

static void overwriting_breaks_to_nothing_even_with_attributes_only(void **state)
{
	struct node_entry *holder = must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
	struct node_claim c = claim(2, 1, FILE_READ_ATTRIBUTES, SHARE_ALL);

	c.overwrites = true;
	must_wait(c, 9);
	expect_break(1, SMB2_OPLOCK_LEVEL_NONE);
	close_entry(holder);
	expect_wake(9);
	holder = must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_II, SMB2_OPLOCK_LEVEL_II);
	close_entry(must_open(c, 0, 0)); /* level II is not waited for */
	expect_break(1, SMB2_OPLOCK_LEVEL_NONE);
	close_entry(holder);
}

static void who_cannot_wait_is_told_of_a_violation(void **state)
{
	struct node_entry *holder = must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);

	must_refuse(claim(2, 1, READ, SHARE_ALL), STATUS_SHARING_VIOLATION);
	expect_break(1, SMB2_OPLOCK_LEVEL_II);
	close_entry(holder);
}

static void answer_nobody_asked_for_is_a_protocol_error(void **state)
{
	struct node_entry *holder = must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
	uint8_t level;

	assert_status(node_oplock_ack(holder, SMB2_OPLOCK_LEVEL_NONE, &level), STATUS_INVALID_OPLOCK_PROTOCOL);
	assert_int_equal(level, SMB2_OPLOCK_LEVEL_BATCH);
	close_entry(holder);
}

static void answer_that_keeps_too_much_loses_all(void **state)
{
	static const uint8_t too_much[] = {SMB2_OPLOCK_LEVEL_EXCLUSIVE, SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_LEASE, 0x55};
	uint8_t level;

	for (size_t i = 0; i < ARRAY_SIZE(too_much); i++) {
		struct node_entry *holder =
			must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
		must_wait(claim(2, 1, READ, SHARE_ALL), 3);
		expect_break(1, SMB2_OPLOCK_LEVEL_II);
		assert_status(node_oplock_ack(holder, too_much[i], &level), STATUS_INVALID_PARAMETER);
		assert_int_equal(level, SMB2_OPLOCK_LEVEL_NONE);
		expect_wake(3);
		close_entry(holder);
	}
}

static void level_two_is_too_much_when_the_file_was_overwritten(void **state)
{
	struct node_entry *holder = must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
	struct node_claim c = claim(2, 1, READ, SHARE_ALL);
	uint8_t level;

	c.overwrites = true;
	must_wait(c, 3);
	expect_break(1, SMB2_OPLOCK_LEVEL_NONE);
	assert_status(node_oplock_ack(holder, SMB2_OPLOCK_LEVEL_II, &level), STATUS_INVALID_PARAMETER);
	expect_wake(3);
	close_entry(holder);
}

static void silent_holder_loses_his_oplock_after_35_seconds(void **state)
{
	struct node_entry *holder = must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
	uint64_t before = clock_now_ns();
	uint8_t level;

	must_wait(claim(2, 1, READ, SHARE_ALL), 3);
	expect_break(1, SMB2_OPLOCK_LEVEL_II);
	node_expire_breaks(w.table, before + BREAK_NS - 1);
	must_wait(claim(3, 1, READ, SHARE_ALL), 4); /* still */
	node_expire_breaks(w.table, clock_now_ns() + BREAK_NS);
	expect_wake(3);
	expect_wake(4);
	assert_status(node_oplock_ack(holder, SMB2_OPLOCK_LEVEL_II, &level), STATUS_INVALID_OPLOCK_PROTOCOL);
	assert_int_equal(level, SMB2_OPLOCK_LEVEL_NONE);
	close_entry(holder);
	node_expire_breaks(w.table, UINT64_MAX);
}

static void change_of_the_data_ends_level_two_of_all_and_be_it_ones_own(void **state)
{
	struct node_entry *e[3];

	for (uint64_t i = 0; i < 3; i++)
		e[i] = must_open(claim(i + 1, 1, READ | WRITE, SHARE_ALL), SMB2_OPLOCK_LEVEL_II, SMB2_OPLOCK_LEVEL_II);
	node_break_caches(e[1]);
	for (uint64_t i = 0; i < 3; i++)
		expect_break(i + 1, SMB2_OPLOCK_LEVEL_NONE);
	node_break_caches(e[1]); /* they have none any more */
	node_break_caches(e[0]);
	for (int i = 0; i < 3; i++)
		close_entry(e[i]);
	e[0] = must_open(claim(1, 1, READ | WRITE, SHARE_ALL), SMB2_OPLOCK_LEVEL_EXCLUSIVE, SMB2_OPLOCK_LEVEL_EXCLUSIVE);
	node_break_caches(e[0]); /* what nobody else can have cached stays */
	close_entry(e[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_opener_gets_what_he_wishes),
		TEST(beside_others_level_two_is_the_most),
		TEST(batch_holder_is_asked_and_his_answer_wakes_the_waiter),
		TEST(holder_is_asked_once_however_many_wait),
		TEST(batch_gives_way_before_sharing_is_looked_at_exclusive_does_not),
		TEST(looking_at_attributes_breaks_nothing),
		TEST(overwriting_breaks_to_nothing_even_with_attributes_only),
		TEST(who_cannot_wait_is_told_of_a_violation),
		TEST(answer_nobody_asked_for_is_a_protocol_error),
		TEST(answer_that_keeps_too_much_loses_all),
		TEST(level_two_is_too_much_when_the_file_was_overwritten),
		TEST(silent_holder_loses_his_oplock_after_35_seconds),
		TEST(change_of_the_data_ends_level_two_of_all_and_be_it_ones_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
