/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "node_rig.h"

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
