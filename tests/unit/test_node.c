/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/node.h"
#include "core/bytes.h"
#include "core/clock.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define assert_status(got, want) assert_int_equal((ntstatus_t)(got), (ntstatus_t)(want))

enum { READ = FILE_READ_DATA, WRITE = FILE_WRITE_DATA, SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE };
static const uint64_t BREAK_NS = 35000000000ull;

/* A table, a reactor that gets what the table sends, and what has come, in order. */
static struct world {
	struct node_table *table;
	struct reactors *reactors;
	sem_t came;
	struct event {
		enum { BREAK, LEASE_BREAK, WATCH, WAKE } kind;
		uint64_t who; /* session, or token */
		uint8_t level;
		struct node_break b;
	} events[64];
	unsigned count, seen;
} w;

static void record(struct event e)
{
	assert_true(w.count < ARRAY_SIZE(w.events));
	w.events[w.count++] = e;
	sem_post(&w.came);
}

static void on_break(struct reactor *self, const struct node_break *b)
{
	if (b->lease)
		record((struct event){LEASE_BREAK, b->session_id, .b = *b});
	else
		record((struct event){BREAK, b->session_id, b->to ? SMB2_OPLOCK_LEVEL_II : SMB2_OPLOCK_LEVEL_NONE});
}

static void on_watch(struct reactor *self, const struct node_break *b)
{
	record((struct event){WATCH, b->session_id, .b = *b});
}

static void on_wake(struct reactor *self, uint64_t conn_id, uint64_t token)
{
	record((struct event){WAKE, token});
}

static struct event next_event(void)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 30;
	assert_int_equal(sem_timedwait(&w.came, &limit), 0);
	return w.events[w.seen++];
}

static void expect_break(uint64_t session, uint8_t level)
{
	struct event e = next_event();

	assert_int_equal(e.kind, BREAK);
	assert_int_equal(e.who, session);
	assert_int_equal(e.level, level);
}

static void expect_wake(uint64_t token)
{
	struct event e = next_event();

	assert_int_equal(e.kind, WAKE);
	assert_int_equal(e.who, token);
}

static void *start_local(struct reactor *r, void *arg)
{
	return arg;
}

static void stop_local(struct reactor *r)
{
}

static int set_up(void **state)
{
	w = (struct world){0};
	sem_init(&w.came, 0, 0);
	node_break_sink = on_break;
	node_watch_sink = on_watch;
	w.table = node_table_new(NULL);
	w.reactors = reactors_start(NULL, 1, start_local, stop_local, &w);
	return w.table && w.reactors ? 0 : -1;
}

/* Stopping delivers what is still on its way: nothing may have come unasked. */
static int tear_down(void **state)
{
	reactors_stop(w.reactors);
	bool quiet = w.count == w.seen;
	talloc_free(w.table);
	sem_destroy(&w.came);
	return quiet ? 0 : -1;
}

static struct node_key file(uint64_t ino)
{
	return (struct node_key){1, ino};
}

/* Opener `who` of a file: its session and file id. */
static struct node_claim claim(uint64_t who, uint64_t ino, uint32_t access, uint32_t share)
{
	return (struct node_claim){
		.key = file(ino),
		.root = "/share",
		.path = "file",
		.access = access,
		.share_access = share,
		.reactor = reactors_get(w.reactors, 0),
		.session_id = who,
		.file_id = {who, who},
	};
}

static ntstatus_t try_open(const struct node_claim *c, uint64_t token, struct node_entry **out, uint8_t *level)
{
	struct node_waiter waiter = {c->reactor, on_wake, 1, token};

	return node_open(w.table, c, token ? &waiter : NULL, out, level);
}

static struct node_entry *must_open(struct node_claim c, uint8_t wish, uint8_t want)
{
	struct node_entry *e = NULL;
	uint8_t level = 0xEE;

	c.oplock_level = wish;
	assert_status(try_open(&c, 0, &e, &level), STATUS_SUCCESS);
	assert_int_equal(level, want);
	return e;
}

static struct node_entry *plain(uint64_t who, uint64_t ino, const char *path)
{
	struct node_claim c = claim(who, ino, READ, SHARE_ALL);

	c.path = path;
	return must_open(c, SMB2_OPLOCK_LEVEL_NONE, SMB2_OPLOCK_LEVEL_NONE);
}

static void must_refuse(struct node_claim c, ntstatus_t want)
{
	struct node_entry *e = NULL;
	uint8_t level;

	assert_status(try_open(&c, 0, &e, &level), want);
	assert_null(e);
}

/* Closes; the name that is to be deleted now, or NULL. */
static char *close_entry(struct node_entry *e)
{
	struct node_doom doom = {0};

	bool unlink_now = node_close(e, w.table, &doom);
	assert_int_equal(unlink_now, doom.path != NULL);
	return doom.path;
}

/* ---- share modes ---- */

static void openers_of_one_file_must_share(void **state)
{
	struct node_entry *e = must_open(claim(1, 1, READ, FILE_SHARE_READ), 0, 0);

	must_refuse(claim(2, 1, WRITE, SHARE_ALL), STATUS_SHARING_VIOLATION);
	must_refuse(claim(2, 1, READ, 0), STATUS_SHARING_VIOLATION);
	struct node_entry *other = must_open(claim(2, 1, READ, SHARE_ALL), 0, 0);
	struct node_entry *stat = must_open(claim(3, 1, FILE_READ_ATTRIBUTES, 0), 0, 0);
	assert_null(close_entry(must_open(claim(4, 2, WRITE, 0), 0, 0))); /* another file */
	assert_null(close_entry(e));
	assert_null(close_entry(other));
	assert_null(close_entry(stat));
	assert_null(close_entry(must_open(claim(2, 1, WRITE, 0), 0, 0)));
}

static void same_inode_of_another_device_is_another_file(void **state)
{
	struct node_claim c = claim(2, 1, WRITE, 0);
	struct node_entry *e = must_open(claim(1, 1, WRITE, 0), 0, 0);

	c.key.dev = 2;
	assert_null(close_entry(must_open(c, 0, 0)));
	assert_null(close_entry(e));
}

static void check_without_opening_sees_the_same_conflicts(void **state)
{
	struct node_entry *e = must_open(claim(1, 1, ACCESS_DELETE, FILE_SHARE_READ), 0, 0);

	assert_status(node_check_share(w.table, file(1), WRITE, SHARE_ALL), STATUS_SHARING_VIOLATION);
	assert_status(node_check_share(w.table, file(1), READ, FILE_SHARE_DELETE), STATUS_SUCCESS);
	assert_status(node_check_share(w.table, file(2), WRITE, 0), STATUS_SUCCESS);
	assert_status(node_check_replace(w.table, file(1), NULL), STATUS_ACCESS_DENIED);
	assert_status(node_check_replace(w.table, file(2), NULL), STATUS_SUCCESS);
	close_entry(e);
	assert_status(node_check_replace(w.table, file(1), NULL), STATUS_SUCCESS);
}

/* ---- oplocks ---- */

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

static void must_wait(struct node_claim c, uint64_t token)
{
	struct node_entry *e = NULL;
	uint8_t level;

	assert_status(try_open(&c, token, &e, &level), STATUS_PENDING);
	assert_null(e);
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

static void change_of_the_data_ends_level_two_of_all_others(void **state)
{
	struct node_entry *e[3];

	for (uint64_t i = 0; i < 3; i++)
		e[i] = must_open(claim(i + 1, 1, READ | WRITE, SHARE_ALL), SMB2_OPLOCK_LEVEL_II, SMB2_OPLOCK_LEVEL_II);
	node_break_caches(e[1]);
	expect_break(1, SMB2_OPLOCK_LEVEL_NONE);
	expect_break(3, SMB2_OPLOCK_LEVEL_NONE);
	node_break_caches(e[1]); /* they have none any more */
	node_break_caches(e[0]);
	expect_break(2, SMB2_OPLOCK_LEVEL_NONE);
	for (int i = 0; i < 3; i++)
		close_entry(e[i]);
}

/* ---- delete pending ---- */

static void last_closer_deletes_and_nobody_gets_in_before(void **state)
{
	struct node_entry *a = plain(1, 1, "doomed"), *b = plain(2, 1, "doomed");

	node_set_delete_pending(a, true, NULL, NULL);
	assert_true(node_delete_pending(b));
	must_refuse(claim(3, 1, READ, SHARE_ALL), STATUS_DELETE_PENDING);
	must_refuse(claim(3, 1, FILE_READ_ATTRIBUTES, SHARE_ALL), STATUS_DELETE_PENDING);
	assert_null(close_entry(a));
	must_refuse(claim(3, 1, READ, SHARE_ALL), STATUS_DELETE_PENDING);
	assert_string_equal(close_entry(b), "doomed");
	must_refuse(claim(3, 1, READ, SHARE_ALL), STATUS_DELETE_PENDING); /* the name is being removed */
	assert_status(node_check_replace(w.table, file(1), NULL), STATUS_ACCESS_DENIED);
	node_deleted(w.table, file(1));
	close_entry(plain(3, 1, "new"));
	assert_status(node_check_replace(w.table, file(1), NULL), STATUS_SUCCESS);
}

static void deletion_can_be_taken_back(void **state)
{
	struct node_entry *a = plain(1, 1, "spared"), *b = plain(2, 1, "spared");

	node_set_delete_pending(a, true, NULL, NULL);
	node_set_delete_pending(b, false, NULL, NULL);
	assert_false(node_delete_pending(a));
	close_entry(plain(3, 1, "spared"));
	assert_null(close_entry(a));
	assert_null(close_entry(b));
}

static void deletion_wakes_those_who_wait_for_an_oplock(void **state)
{
	struct node_entry *holder = must_open(claim(1, 1, READ, SHARE_ALL), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH);

	must_wait(claim(2, 1, READ, SHARE_ALL), 8);
	expect_break(1, SMB2_OPLOCK_LEVEL_II);
	node_set_delete_pending(holder, true, NULL, NULL);
	assert_string_equal(close_entry(holder), "file");
	expect_wake(8);
	must_refuse(claim(2, 1, READ, SHARE_ALL), STATUS_DELETE_PENDING);
	node_deleted(w.table, file(1));
}

static void deletion_of_what_nobody_has_open_is_harmless(void **state)
{
	node_deleted(w.table, file(1));
	node_deleted(w.table, file(2));
	close_entry(plain(1, 1, "x"));
}

/* ---- names ---- */

static void expect_path(const struct node_entry *e, const char *want)
{
	char *path = node_path(e, w.table);

	assert_string_equal(path, want);
	talloc_free(path);
}

static void rename_of_a_file_is_seen_by_all_its_openers(void **state)
{
	struct node_entry *a = plain(1, 1, "old"), *b = plain(2, 1, "old"), *other = plain(3, 2, "older");

	node_renamed(a, "new");
	expect_path(a, "new");
	expect_path(b, "new");
	expect_path(other, "older");
	close_entry(a);
	node_set_delete_pending(b, true, NULL, NULL);
	assert_string_equal(close_entry(b), "new");
	node_deleted(w.table, file(1));
	close_entry(other);
}

static void rename_of_a_directory_moves_what_is_beneath_and_nothing_else(void **state)
{
	static const struct {
		const char *before, *after;
	} names[] = {
		{"dir", "else/where"},
		{"dir/a", "else/where/a"},
		{"dir/a/b/c", "else/where/a/b/c"},
		{"dirt", "dirt"},
		{"dir2/a", "dir2/a"},
		{"a/dir", "a/dir"},
		{"a/dir/b", "a/dir/b"},
		{"DIR/a", "DIR/a"},
	};
	struct node_entry *e[ARRAY_SIZE(names)];

	for (uint64_t i = 0; i < ARRAY_SIZE(names); i++)
		e[i] = plain(i, i + 1, names[i].before);
	node_renamed(e[0], "else/where");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		expect_path(e[i], names[i].after);
		close_entry(e[i]);
	}
}

static void rename_in_one_share_leaves_others_alone(void **state)
{
	struct node_claim c = claim(2, 2, READ, SHARE_ALL);
	struct node_entry *dir = plain(1, 1, "dir");

	c.root = "/share2";
	c.path = "dir/a";
	struct node_entry *other = must_open(c, 0, 0);
	node_renamed(dir, "new");
	expect_path(other, "dir/a");
	assert_status(node_check_children(dir, NULL), STATUS_SUCCESS);
	close_entry(other);
	close_entry(dir);
}

static void open_children_are_those_beneath(void **state)
{
	struct node_entry *dir = plain(1, 1, "dir"), *again = plain(2, 1, "dir"), *beside = plain(3, 2, "dirt/a");

	assert_status(node_check_children(dir, NULL), STATUS_SUCCESS);
	struct node_entry *deep = plain(4, 3, "dir/x/y");
	assert_status(node_check_children(dir, NULL), STATUS_ACCESS_DENIED);
	assert_status(node_check_children(again, NULL), STATUS_ACCESS_DENIED);
	assert_status(node_check_children(deep, NULL), STATUS_SUCCESS);
	close_entry(deep);
	assert_status(node_check_children(dir, NULL), STATUS_SUCCESS);
	close_entry(dir);
	close_entry(again);
	close_entry(beside);
}

/* ---- many threads ---- */

enum { THREADS = 4, ROUNDS = 3000, FILES = 3 };

static void *hammer(void *arg)
{
	uint64_t who = (uint64_t)(uintptr_t)arg;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct node_claim c = claim(who, 1 + (round + who) % FILES, READ, SHARE_ALL);
		struct node_entry *e = NULL;
		uint8_t level;
		c.path = round % 2 ? "dir/name" : "dir";
		if (try_open(&c, 0, &e, &level) != STATUS_SUCCESS)
			continue;
		if (round % 5 == 0)
			node_renamed(e, c.path);
		if (round % 7 == 0)
			node_set_delete_pending(e, true, NULL, NULL);
		node_break_caches(e);
		(void)node_check_children(e, NULL);
		struct node_doom doom;
		TALLOC_CTX *mem = talloc_new(NULL);
		if (node_close(e, mem, &doom))
			node_deleted(w.table, doom.key);
		talloc_free(mem);
	}
	return NULL;
}

static void threads_leave_the_table_empty(void **state)
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (uint64_t ino = 1; ino <= FILES; ino++) {
		assert_status(node_check_replace(w.table, file(ino), NULL), STATUS_SUCCESS);
		close_entry(must_open(claim(1, ino, WRITE, 0), SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void an_inode_that_is_used_again_is_not_being_deleted(void **state)
{
	struct node_entry *old = must_open(claim(1, 1, ACCESS_DELETE, SHARE_ALL), 0, 0);

	node_set_delete_pending(old, true, NULL, NULL);
	struct node_doom doom;
	assert_true(node_close(old, w.table, &doom));
	must_refuse(claim(2, 1, READ, SHARE_ALL), STATUS_DELETE_PENDING);
	struct node_claim made = claim(2, 1, READ, SHARE_ALL);
	made.is_new = true;
	struct node_entry *e = must_open(made, 0, 0);
	node_set_delete_pending(e, true, NULL, NULL);
	node_deleted(w.table, doom.key); /* late word of the old one */
	assert_true(node_delete_pending(e));
	assert_non_null(close_entry(e));
	node_deleted(w.table, doom.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_inode_that_is_used_again_is_not_being_deleted),
		TEST(openers_of_one_file_must_share),
		TEST(same_inode_of_another_device_is_another_file),
		TEST(check_without_opening_sees_the_same_conflicts),
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
		TEST(change_of_the_data_ends_level_two_of_all_others),
		TEST(last_closer_deletes_and_nobody_gets_in_before),
		TEST(deletion_can_be_taken_back),
		TEST(deletion_wakes_those_who_wait_for_an_oplock),
		TEST(deletion_of_what_nobody_has_open_is_harmless),
		TEST(rename_of_a_file_is_seen_by_all_its_openers),
		TEST(rename_of_a_directory_moves_what_is_beneath_and_nothing_else),
		TEST(rename_in_one_share_leaves_others_alone),
		TEST(open_children_are_those_beneath),
		TEST(threads_leave_the_table_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
