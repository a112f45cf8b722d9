/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "node_rig.h"

/* Changes of a file's storage, and direct grants: neither begins while the other is there. */

static struct node_entry *writer(uint64_t who)
{
	return must_open(
		claim(who, 1, READ | WRITE, SHARE_ALL), SMB2_OPLOCK_LEVEL_NONE, SMB2_OPLOCK_LEVEL_NONE);
}

static ntstatus_t check_change(struct node_entry *e, uint64_t token, struct node_change *out)
{
	struct node_waiter waiter = {reactors_get(w.reactors, 0), on_wake, 1, token};

	return node_check_change(e, &waiter, out);
}

static void a_change_is_seen_by_all_until_it_ends(void **state)
{
	struct node_entry *one = writer(1), *two = writer(2);
	struct node_entry *other = must_open(claim(3, 2, READ, SHARE_ALL), 0, 0);
	struct node_change c = {0};

	assert_false(node_is_changing(one));
	assert_status(check_change(one, 10, &c), STATUS_SUCCESS);
	node_pin_began(two, false);
	assert_true(node_is_changing(two));
	assert_false(node_is_changing(other));
	node_pin_ended(two, false);
	node_change_end(&c);
	node_change_end(&c);
	assert_false(node_is_changing(two));
	close_entry(one);
	close_entry(two);
	close_entry(other);
}

static void a_change_waits_for_the_last_grant_and_lets_no_new_one_pass(void **state)
{
	struct node_entry *one = writer(1), *two = writer(2);
	struct node_change c = {0}, other = {0};

	node_pin_began(two, false);
	assert_false(node_is_changing(two));
	assert_false(node_try_change(one, &other));
	assert_status(check_change(one, 10, &c), STATUS_PENDING);
	assert_true(node_is_changing(two));
	node_pin_ended(two, false);
	expect_wake(10);
	assert_true(node_is_changing(two));
	assert_status(check_change(one, 11, &c), STATUS_SUCCESS);
	assert_true(node_is_changing(two));
	node_change_end(&c);
	assert_false(node_is_changing(two));
	assert_true(node_try_change(one, &other));
	node_change_end(&other);
	close_entry(one);
	close_entry(two);
}

static void two_changes_end_one_by_one(void **state)
{
	struct node_entry *one = writer(1), *two = writer(2);
	struct node_change a = {0}, b = {0};

	assert_status(check_change(one, 10, &a), STATUS_SUCCESS);
	assert_status(check_change(two, 11, &b), STATUS_SUCCESS);
	node_change_end(&a);
	assert_true(node_is_changing(one));
	node_change_end(&b);
	assert_false(node_is_changing(one));
	close_entry(one);
	close_entry(two);
}

static void a_change_outlives_the_opens_and_meets_the_next(void **state)
{
	struct node_entry *one = writer(1);
	struct node_change c = {0};

	assert_status(check_change(one, 10, &c), STATUS_SUCCESS);
	close_entry(one);
	one = writer(2);
	assert_true(node_is_changing(one));
	close_entry(one);
	node_change_end(&c);
	one = writer(3);
	assert_false(node_is_changing(one));
	close_entry(one);
}

static void an_open_that_overwrites_is_a_change(void **state)
{
	struct node_entry *one = writer(1);
	struct node_change change = {0};
	struct node_claim c = claim(2, 1, WRITE, SHARE_ALL);

	c.overwrites = true;
	c.change = &change;
	node_pin_began(one, false);
	must_wait(c, 10);
	assert_true(node_is_changing(one));
	node_pin_ended(one, false);
	expect_wake(10);
	struct node_entry *two = must_open(c, 0, 0);
	assert_true(node_is_changing(one));
	node_change_end(&change);
	assert_false(node_is_changing(one));
	close_entry(two);
	c.overwrites = false;
	two = must_open(c, 0, 0);
	assert_null(change.table);
	close_entry(one);
	close_entry(two);
}

/* Its answer to the break may be in the table before its grants know that there is one. */
static void an_open_waits_for_grants_to_write_though_the_lease_is_gone(void **state)
{
	static const uint8_t guid[16] = "the holder", key[16] = "its lease";
	struct smb2_lease lease = {.version = 1, .state = SMB2_LEASE_READ | SMB2_LEASE_WRITE};
	struct node_claim c = claim(1, 1, READ | WRITE, SHARE_ALL),
			  stat = claim(3, 1, FILE_READ_ATTRIBUTES, SHARE_ALL);
	struct node_entry *holder = NULL;
	uint8_t level;

	memcpy(lease.key, key, sizeof(key));
	c.lease = &lease;
	c.client_guid = guid;
	assert_status(try_open(&c, 0, &holder, &level), STATUS_SUCCESS);
	node_pin_began(holder, true);
	must_wait(claim(2, 1, READ, SHARE_ALL), 10);
	assert_int_equal(next_event().kind, WATCH);
	assert_int_equal(next_event().kind, LEASE_BREAK);
	assert_status(node_lease_ack(w.table, guid, key, 0), STATUS_SUCCESS);
	expect_wake(10);
	must_wait(claim(2, 1, READ, SHARE_ALL), 11);
	close_entry(must_open(stat, 0, 0)); /* for attributes alone */
	expect_wake(11);
	struct node_entry *own = NULL;
	c.session_id = 4; /* of the same lease: in nobody's way */
	lease.state = 0;
	assert_status(try_open(&c, 0, &own, &level), STATUS_SUCCESS);
	must_wait(claim(2, 1, READ, SHARE_ALL), 12);
	node_pin_ended(holder, true);
	expect_wake(12);
	close_entry(must_open(claim(2, 1, READ, SHARE_ALL), 0, 0));
	close_entry(own);
	close_entry(holder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_change_is_seen_by_all_until_it_ends),
		TEST(a_change_waits_for_the_last_grant_and_lets_no_new_one_pass),
		TEST(two_changes_end_one_by_one),
		TEST(a_change_outlives_the_opens_and_meets_the_next),
		TEST(an_open_that_overwrites_is_a_change),
		TEST(an_open_waits_for_grants_to_write_though_the_lease_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
