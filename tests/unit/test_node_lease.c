/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "node_rig.h"

#include <stdatomic.h>

enum { R = SMB2_LEASE_READ, H = SMB2_LEASE_HANDLE, W = SMB2_LEASE_WRITE, RWH = R | W | H };
enum { BREAKING = SMB2_LEASE_FLAG_BREAK_IN_PROGRESS, PARENT = SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET };

static const uint8_t alice[16] = "alice's computer", bob[16] = "bob's machine...";

static struct smb2_lease wish(uint8_t key, uint32_t bits)
{
	return (struct smb2_lease){.version = 2, .key = {[0] = 0xAA, [15] = key}, .state = bits, .epoch = 0x40};
}

/* An open with a lease, for data and without a waiter. */
static ntstatus_t try_lease(uint64_t who, uint64_t ino, const uint8_t *guid, struct smb2_lease lease, struct node_entry **out)
{
	struct node_claim c = claim(who, ino, READ | WRITE, SHARE_ALL);
	uint8_t level;

	c.lease = &lease;
	c.client_guid = guid;
	return try_open(&c, 0, out, &level);
}

static void expect_lease(const struct node_entry *e, uint8_t bits, uint32_t flags, uint16_t epoch)
{
	struct smb2_lease got = {0};
	bool breaking;

	assert_true(node_lease(e, &got));
	assert_int_equal(got.state, bits);
	assert_int_equal(got.flags, flags);
	assert_int_equal(got.epoch, epoch);
	assert_int_equal(node_caching(e, &breaking), bits);
	assert_int_equal(breaking, (flags & BREAKING) != 0);
}

static struct node_entry *leased(uint64_t who, const uint8_t *guid, uint8_t key, uint8_t bits, uint8_t got)
{
	struct node_entry *e = NULL;

	assert_status(try_lease(who, 1, guid, wish(key, bits), &e), STATUS_SUCCESS);
	assert_int_equal(node_caching(e, NULL), got);
	return e;
}

static struct node_break expect_lease_break(uint64_t session, uint8_t from, uint8_t to, bool ack)
{
	struct event e = next_event();

	assert_int_equal(e.kind, LEASE_BREAK);
	assert_int_equal(e.who, session);
	assert_int_equal(e.b.from, from);
	assert_int_equal(e.b.to, to);
	assert_int_equal(e.b.ack, ack);
	return e.b;
}

static ntstatus_t ack(const uint8_t *guid, uint8_t key, uint32_t keeps)
{
	return node_lease_ack(w.table, guid, wish(key, 0).key, keeps);
}

/* ---- who has a lease ---- */

static void opens_with_one_key_share_a_lease_that_outlives_each(void **state)
{
	struct node_entry *a = leased(1, alice, 1, R, R), *b = leased(2, alice, 1, RWH, RWH);

	expect_lease(a, RWH, 0, 0x42);
	expect_lease(b, RWH, 0, 0x42);
	close_entry(a);
	expect_lease(b, RWH, 0, 0x42);
	assert_true(node_lease_is_used(w.table, alice, wish(1, 0).key));
	close_entry(b);
	assert_false(node_lease_is_used(w.table, alice, wish(1, 0).key));
	a = leased(1, alice, 1, R, R);
	expect_lease(a, R, 0, 0x41); /* a new one */
	close_entry(a);
}

static void same_key_of_another_client_is_another_lease(void **state)
{
	struct node_entry *a = leased(1, alice, 1, R | H, R | H), *b = leased(2, bob, 1, RWH, R | H);

	assert_false(node_lease_is_used(w.table, bob, wish(2, 0).key));
	assert_true(node_lease_is_used(w.table, bob, wish(1, 0).key));
	close_entry(a);
	assert_false(node_lease_is_used(w.table, alice, wish(1, 0).key));
	expect_lease(b, R | H, 0, 0x41);
	close_entry(b);
}

static void key_names_one_file_only(void **state)
{
	struct node_entry *a = leased(1, alice, 1, R, R), *b = NULL;

	assert_status(try_lease(2, 2, alice, wish(1, R), &b), STATUS_INVALID_PARAMETER);
	assert_null(b);
	assert_status(try_lease(2, 2, alice, wish(2, R), &b), STATUS_SUCCESS);
	close_entry(a);
	close_entry(b);
	assert_status(try_lease(2, 2, alice, wish(1, R), &b), STATUS_SUCCESS);
	close_entry(b);
}

static void directory_has_no_lease_but_keys_are_looked_at(void **state)
{
	struct smb2_lease lease = wish(1, RWH);
	struct node_claim c = claim(1, 1, READ, SHARE_ALL);
	struct node_entry *e = NULL;
	uint8_t level;

	c.lease = &lease;
	c.client_guid = alice;
	c.directory = true;
	assert_status(try_open(&c, 0, &e, &level), STATUS_SUCCESS);
	assert_int_equal(level, SMB2_OPLOCK_LEVEL_NONE);
	assert_false(node_lease(e, &lease));
	close_entry(e);
	e = leased(2, alice, 1, R, R);
	c.key.ino = 2;
	must_refuse(c, STATUS_INVALID_PARAMETER);
	close_entry(e);
}

static void first_version_stays_and_parent_key_comes_back(void **state)
{
	struct smb2_lease one = wish(1, R), two = wish(2, R | H), got;
	struct node_entry *e[4];

	one.version = 1;
	one.epoch = 0;
	one.flags = PARENT;
	two.flags = PARENT;
	memset(two.parent_key, 0x77, sizeof(two.parent_key));
	assert_status(try_lease(1, 1, alice, one, &e[0]), STATUS_SUCCESS);
	assert_status(try_lease(1, 1, alice, wish(1, R | H), &e[1]), STATUS_SUCCESS);
	assert_status(try_lease(1, 1, alice, two, &e[2]), STATUS_SUCCESS);
	two.version = 1;
	assert_status(try_lease(1, 1, alice, two, &e[3]), STATUS_SUCCESS);
	assert_true(node_lease(e[1], &got));
	assert_int_equal(got.version, 1);
	assert_int_equal(got.flags, 0);
	assert_true(node_lease(e[3], &got));
	assert_int_equal(got.version, 2);
	assert_int_equal(got.flags, PARENT);
	assert_memory_equal(got.parent_key, two.parent_key, sizeof(got.parent_key));
	node_break_caches(e[3]);
	assert_int_equal(expect_lease_break(1, R | H, 0, true).epoch, 0); /* version 1 has none */
	for (int i = 0; i < 4; i++)
		close_entry(e[i]);
}

/* ---- breaks ---- */

static void holder_is_told_with_key_and_epoch_and_answers_by_key(void **state)
{
	struct node_entry *a = leased(1, alice, 1, RWH, RWH), *b = NULL;

	assert_status(try_lease(2, 1, bob, wish(2, RWH), &b), STATUS_SHARING_VIOLATION); /* who cannot wait */
	struct node_break told = expect_lease_break(1, RWH, R | H, true);
	assert_int_equal(told.epoch, 0x42);
	assert_memory_equal(told.client_guid, alice, sizeof(alice));
	assert_memory_equal(told.key, wish(1, 0).key, sizeof(told.key));
	assert_int_equal(told.file_id.volatile_id, 1);
	expect_lease(a, RWH, BREAKING, 0x42);
	assert_status(ack(bob, 1, R | H), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(ack(alice, 2, R | H), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(ack(alice, 1, RWH), STATUS_REQUEST_NOT_ACCEPTED);
	assert_status(ack(alice, 1, 0x100 | R), STATUS_REQUEST_NOT_ACCEPTED);
	assert_status(ack(alice, 1, R | H), STATUS_SUCCESS);
	assert_status(ack(alice, 1, R | H), STATUS_UNSUCCESSFUL);
	expect_lease(a, R | H, 0, 0x42);
	b = leased(2, bob, 2, RWH, R | H);
	close_entry(a);
	close_entry(b);
}

static void own_key_is_in_nobodys_way(void **state)
{
	struct node_entry *a = leased(1, alice, 1, RWH, RWH), *b = leased(2, alice, 1, 0, RWH), *c;
	struct smb2_lease lease = wish(1, RWH);
	struct node_claim over = claim(3, 1, WRITE, SHARE_ALL);

	node_break_caches(a);
	assert_status(node_check_rename(b, NULL), STATUS_SUCCESS);
	over.overwrites = true;
	over.lease = &lease;
	over.client_guid = alice;
	c = must_open(over, SMB2_OPLOCK_LEVEL_LEASE, SMB2_OPLOCK_LEVEL_LEASE);
	node_set_delete_pending(c, true, NULL, NULL);
	node_set_delete_pending(c, false, NULL, NULL);
	expect_lease(a, RWH, 0, 0x41);
	close_entry(a);
	close_entry(b);
	close_entry(c);
}

static void open_without_a_lease_is_another_though_of_the_same_client(void **state)
{
	struct node_entry *a = leased(1, alice, 1, RWH, RWH);

	must_wait(claim(1, 1, READ, SHARE_ALL), 5);
	expect_lease_break(1, RWH, R | H, true);
	assert_status(ack(alice, 1, R | H), STATUS_SUCCESS);
	expect_wake(5);
	close_entry(plain(1, 1, "file"));
	close_entry(a);
}

static void sharing_violation_is_certain_only_when_no_handle_is_cached(void **state)
{
	struct smb2_lease lease = wish(1, RWH);
	struct node_claim c = claim(1, 1, WRITE, 0);
	struct node_entry *e[2];
	uint8_t level;

	c.lease = &lease;
	c.client_guid = alice;
	assert_status(try_open(&c, 0, &e[0], &level), STATUS_SUCCESS);
	must_wait(claim(2, 1, READ, SHARE_ALL), 5);
	expect_lease_break(1, RWH, R | W, true);
	assert_status(ack(alice, 1, R | W), STATUS_SUCCESS); /* he has it open really */
	expect_wake(5);
	must_refuse(claim(2, 1, READ, SHARE_ALL), STATUS_SHARING_VIOLATION);
	assert_int_equal(w.seen, w.count);
	assert_status(try_open(&c, 0, &e[1], &level), STATUS_SHARING_VIOLATION); /* his own key does not help him */
	close_entry(e[0]);
	assert_status(try_open(&c, 0, &e[0], &level), STATUS_SUCCESS);
	must_wait(claim(2, 1, READ, SHARE_ALL), 6);
	expect_lease_break(1, RWH, R | W, true);
	close_entry(e[0]); /* he had only kept the handle */
	expect_wake(6);
	close_entry(plain(2, 1, "file"));
}

static void step_follows_step_and_who_waited_waits_for_all(void **state)
{
	struct node_entry *a = leased(1, alice, 1, RWH, RWH);
	struct node_claim reader = claim(2, 1, READ, SHARE_ALL), writer = claim(3, 1, WRITE, SHARE_ALL);

	must_wait(reader, 5);
	assert_int_equal(expect_lease_break(1, RWH, R | H, true).epoch, 0x42);
	writer.overwrites = true;
	must_wait(writer, 6);
	assert_status(ack(alice, 1, R | H), STATUS_SUCCESS);
	assert_int_equal(expect_lease_break(1, R | H, R, true).epoch, 0x42);
	expect_wake(5);
	expect_wake(6);
	reader.waited = writer.waited = true;
	must_wait(reader, 5);
	must_wait(writer, 6);
	assert_status(ack(alice, 1, R), STATUS_SUCCESS);
	assert_int_equal(expect_lease_break(1, R, 0, false).epoch, 0x42);
	expect_wake(5);
	expect_wake(6);
	close_entry(must_open(reader, 0, 0));
	close_entry(must_open(writer, 0, 0));
	assert_int_equal(w.seen, w.count);
	close_entry(a);
}

static void change_of_the_data_takes_all_from_others_and_waits_for_none(void **state)
{
	struct node_entry *a = leased(1, alice, 1, R | H, R | H), *b = leased(2, bob, 2, R, R);
	struct node_entry *c = leased(3, bob, 3, RWH, R | H);

	node_break_caches(b);
	expect_lease_break(1, R | H, 0, true);
	expect_lease_break(3, R | H, 0, true);
	node_break_caches(b);
	expect_lease(b, R, 0, 0x41);
	node_break_caches(a);
	expect_lease_break(2, R, 0, false);
	expect_lease(b, 0, 0, 0x42);
	assert_status(ack(bob, 2, 0), STATUS_UNSUCCESSFUL);
	assert_status(ack(bob, 3, 0), STATUS_SUCCESS);
	close_entry(a);
	close_entry(b);
	close_entry(c);
}

static void what_is_granted_during_a_change_is_taken_after_it(void **state)
{
	struct node_entry *a = plain(1, 1, "file"), *b;

	node_break_caches(a);
	node_break_late_caches(a); /* nothing was */
	node_break_caches(a);
	b = leased(2, bob, 2, R | H, R | H);
	node_break_late_caches(a);
	expect_lease_break(2, R | H, 0, true);
	node_break_late_caches(a);
	assert_status(ack(bob, 2, 0), STATUS_SUCCESS);
	close_entry(leased(2, bob, 2, R, R));
	node_break_late_caches(a); /* an upgrade counts, too */
	expect_lease_break(2, R, 0, false);
	close_entry(a);
	close_entry(b);
}

static void silent_holder_loses_his_lease_after_35_seconds(void **state)
{
	struct node_entry *a = leased(1, alice, 1, RWH, RWH);
	uint64_t before = clock_now_ns();

	must_wait(claim(2, 1, READ, SHARE_ALL), 5);
	expect_lease_break(1, RWH, R | H, true);
	node_expire_breaks(w.table, before + BREAK_NS - 1);
	expect_lease(a, RWH, BREAKING, 0x42);
	node_expire_breaks(w.table, clock_now_ns() + BREAK_NS);
	expect_wake(5);
	expect_lease(a, 0, 0, 0x43);
	assert_status(ack(alice, 1, R | H), STATUS_UNSUCCESSFUL);
	node_expire_breaks(w.table, UINT64_MAX);
	close_entry(a);
	a = leased(1, alice, 1, RWH, RWH);
	close_entry(a);
}

static void end_of_the_last_open_is_an_answer_that_of_another_is_not(void **state)
{
	struct node_entry *a = leased(1, alice, 1, RWH, RWH), *b = leased(2, alice, 1, RWH, RWH);

	must_wait(claim(3, 1, READ, SHARE_ALL), 5);
	expect_lease_break(1, RWH, R | H, true);
	close_entry(a);
	expect_wake(5); /* to look, and find that it is not over */
	must_wait(claim(3, 1, READ, SHARE_ALL), 6);
	assert_int_equal(w.seen, w.count);
	close_entry(b);
	expect_wake(6);
	close_entry(plain(3, 1, "file"));
}

/* ---- changes of names ---- */

static struct node_waiter waiter(uint64_t token)
{
	return (struct node_waiter){reactors_get(w.reactors, 0), on_wake, 1, token};
}

static void rename_waits_for_those_who_cache_the_handle(void **state)
{
	struct node_entry *a = leased(1, alice, 1, R | H, R | H), *b = leased(2, bob, 2, R, R);
	struct node_waiter who = waiter(5);

	assert_status(node_check_rename(b, &who), STATUS_PENDING);
	expect_lease_break(1, R | H, R, true);
	assert_status(node_check_rename(b, NULL), STATUS_SHARING_VIOLATION);
	assert_status(ack(alice, 1, R), STATUS_SUCCESS);
	expect_wake(5);
	assert_status(node_check_rename(b, &who), STATUS_SUCCESS);
	close_entry(a);
	close_entry(b);
}

static void rename_over_a_cached_handle_succeeds_when_that_is_closed(void **state)
{
	struct node_entry *a = leased(1, alice, 1, R | H, R | H);
	struct node_waiter who = waiter(5);

	assert_status(node_check_replace(w.table, file(1), &who), STATUS_PENDING);
	expect_lease_break(1, R | H, R, true);
	close_entry(a);
	expect_wake(5);
	assert_status(node_check_replace(w.table, file(1), &who), STATUS_SUCCESS);
	a = leased(1, alice, 1, R | H, R | H);
	assert_status(node_check_replace(w.table, file(1), NULL), STATUS_ACCESS_DENIED);
	expect_lease_break(1, R | H, R, true);
	assert_status(ack(alice, 1, R), STATUS_SUCCESS);
	assert_status(node_check_replace(w.table, file(1), &who), STATUS_ACCESS_DENIED); /* he has it open really */
	close_entry(a);
}

static void rename_of_a_directory_waits_for_cached_handles_beneath(void **state)
{
	struct node_entry *dir = plain(1, 9, "dir"), *child = NULL;
	struct smb2_lease lease = wish(1, R | H);
	struct node_claim c = claim(2, 1, READ, SHARE_ALL);
	struct node_waiter who = waiter(5);
	uint8_t level;

	c.path = "dir/a/b";
	c.lease = &lease;
	c.client_guid = alice;
	assert_status(try_open(&c, 0, &child, &level), STATUS_SUCCESS);
	assert_status(node_check_children(dir, &who), STATUS_PENDING);
	expect_lease_break(2, R | H, R, true);
	close_entry(child);
	expect_wake(5);
	assert_status(node_check_children(dir, &who), STATUS_SUCCESS);
	close_entry(dir);
}

static void deletion_takes_cached_handles_of_others(void **state)
{
	struct node_entry *a = leased(1, alice, 1, R | H, R | H), *b = plain(2, 1, "file");
	struct node_claim c = claim(3, 1, ACCESS_DELETE, SHARE_ALL);

	node_set_delete_pending(b, true, NULL, NULL);
	expect_lease_break(1, R | H, R, true);
	node_set_delete_pending(b, false, NULL, NULL);
	close_entry(a);
	a = leased(1, alice, 1, R | H, R | H);
	c.deletes = true;
	must_wait(c, 5);
	expect_lease_break(1, R | H, R, true);
	assert_status(ack(alice, 1, R), STATUS_SUCCESS);
	expect_wake(5);
	close_entry(must_open(c, 0, 0));
	close_entry(a);
	close_entry(b);
}

/* ---- who watches ---- */

static void expect_watch(uint64_t session, uint8_t from, uint8_t to)
{
	struct event e = next_event();

	assert_int_equal(e.kind, WATCH);
	assert_int_equal(e.who, session);
	assert_int_equal(e.b.file_id.volatile_id, session);
	assert_int_equal(e.b.from, from);
	assert_int_equal(e.b.to, to);
}

static void watchers_learn_of_each_break_before_the_client(void **state)
{
	struct node_entry *a = leased(1, alice, 1, RWH, RWH), *b = leased(2, alice, 1, RWH, RWH);
	struct node_entry *c = leased(3, alice, 1, RWH, RWH), *other = plain(4, 2, "other");

	node_pin_began(b, false);
	node_pin_began(c, false);
	node_pin_began(other, false);
	must_wait(claim(5, 1, READ, SHARE_ALL), 5);
	expect_watch(2, RWH, R | H);
	expect_watch(3, RWH, R | H);
	expect_lease_break(1, RWH, R | H, true);
	node_pin_ended(c, false);
	expect_wake(5);
	node_expire_breaks(w.table, clock_now_ns() + BREAK_NS);
	expect_watch(2, RWH, 0);
	node_pin_ended(b, false);
	node_pin_ended(other, false);
	close_entry(a);
	close_entry(b);
	close_entry(c);
	close_entry(other);
}

static void watcher_of_an_oplock_learns_of_its_break(void **state)
{
	struct node_entry *a = must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);
	uint8_t level;

	assert_int_equal(node_caching(a, NULL), RWH);
	node_pin_began(a, false);
	must_wait(claim(2, 1, READ, SHARE_ALL), 5);
	expect_watch(1, RWH, R);
	expect_break(1, SMB2_OPLOCK_LEVEL_II);
	assert_status(node_oplock_ack(a, SMB2_OPLOCK_LEVEL_II, &level), STATUS_SUCCESS);
	assert_int_equal(node_caching(a, NULL), R);
	expect_wake(5);
	node_pin_ended(a, false);
	close_entry(a);
}

/* ---- many threads ---- */

enum { THREADS = 4, ROUNDS = 3000, FILES = 2 };
static atomic_uint told;

static void count_break(struct reactor *self, const struct node_break *b)
{
	atomic_fetch_add(&told, 1);
	/* from the owner's thread, while others open and close */
	if (b->lease && b->ack)
		node_lease_ack(w.table, b->client_guid, b->key, b->to);
}

static void count_wake(struct reactor *self, uint64_t conn_id, uint64_t token)
{
	atomic_fetch_add(&told, 1);
}

static void *hammer(void *arg)
{
	uint64_t who = (uint64_t)(uintptr_t)arg;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		uint64_t ino = 1 + round % FILES;
		struct smb2_lease lease = wish((uint8_t)(who * 16 + ino), round % 3 ? RWH : R | H);
		struct node_claim c = claim(who, ino, READ | WRITE, SHARE_ALL);
		struct node_waiter sleeper = {c.reactor, count_wake, 1, round};
		struct node_entry *e = NULL;
		uint8_t level;
		c.lease = round % 5 ? &lease : NULL;
		c.client_guid = who % 2 ? alice : bob;
		c.oplock_level = c.lease ? SMB2_OPLOCK_LEVEL_LEASE : SMB2_OPLOCK_LEVEL_BATCH;
		c.overwrites = round % 7 == 0;
		if (node_open(w.table, &c, &sleeper, &e, &level) != STATUS_SUCCESS)
			continue;
		if (round % 2)
			node_pin_began(e, false);
		node_break_caches(e);
		node_break_late_caches(e);
		(void)node_check_rename(e, &sleeper);
		(void)node_caching(e, NULL);
		(void)node_lease(e, &lease);
		node_expire_breaks(w.table, round % 11 ? 0 : UINT64_MAX);
		if (round % 2)
			node_pin_ended(e, false);
		close_entry(e);
	}
	return NULL;
}

static void threads_leave_no_lease_behind(void **state)
{
	pthread_t threads[THREADS];

	node_break_sink = node_watch_sink = count_break;
	atomic_store(&told, 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (uint8_t who = 1; who <= THREADS; who++)
		for (uint8_t ino = 1; ino <= FILES; ino++)
			assert_false(node_lease_is_used(
				w.table, who % 2 ? alice : bob, wish((uint8_t)(who * 16 + ino), 0).key));
	struct node_entry *a = leased(1, alice, 1, RWH, RWH);
	close_entry(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_with_one_key_share_a_lease_that_outlives_each),
		TEST(same_key_of_another_client_is_another_lease),
		TEST(key_names_one_file_only),
		TEST(directory_has_no_lease_but_keys_are_looked_at),
		TEST(first_version_stays_and_parent_key_comes_back),
		TEST(holder_is_told_with_key_and_epoch_and_answers_by_key),
		TEST(own_key_is_in_nobodys_way),
		TEST(open_without_a_lease_is_another_though_of_the_same_client),
		TEST(sharing_violation_is_certain_only_when_no_handle_is_cached),
		TEST(step_follows_step_and_who_waited_waits_for_all),
		TEST(change_of_the_data_takes_all_from_others_and_waits_for_none),
		TEST(what_is_granted_during_a_change_is_taken_after_it),
		TEST(silent_holder_loses_his_lease_after_35_seconds),
		TEST(end_of_the_last_open_is_an_answer_that_of_another_is_not),
		TEST(rename_waits_for_those_who_cache_the_handle),
		TEST(rename_over_a_cached_handle_succeeds_when_that_is_closed),
		TEST(rename_of_a_directory_waits_for_cached_handles_beneath),
		TEST(deletion_takes_cached_handles_of_others),
		TEST(watchers_learn_of_each_break_before_the_client),
		TEST(watcher_of_an_oplock_learns_of_its_break),
		TEST(threads_leave_no_lease_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
