/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_NODE_RIG_H
#define TESTS_NODE_RIG_H

/* A node table, a reactor that gets what the table sends, and openers of files. */

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

static inline void record(struct event e)
{
	assert_true(w.count < ARRAY_SIZE(w.events));
	w.events[w.count++] = e;
	sem_post(&w.came);
}

static inline void on_break(struct reactor *self, const struct node_break *b)
{
	if (b->lease)
		record((struct event){LEASE_BREAK, b->session_id, .b = *b});
	else
		record((struct event){BREAK, b->session_id, b->to ? SMB2_OPLOCK_LEVEL_II : SMB2_OPLOCK_LEVEL_NONE});
}

static inline void on_watch(struct reactor *self, const struct node_break *b)
{
	record((struct event){WATCH, b->session_id, .b = *b});
}

static inline void on_wake(struct reactor *self, uint64_t conn_id, uint64_t token)
{
	record((struct event){WAKE, token});
}

static inline struct event next_event(void)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 30;
	assert_int_equal(sem_timedwait(&w.came, &limit), 0);
	return w.events[w.seen++];
}

static inline void expect_break(uint64_t session, uint8_t level)
{
	struct event e = next_event();

	assert_int_equal(e.kind, BREAK);
	assert_int_equal(e.who, session);
	assert_int_equal(e.level, level);
}

static inline void expect_wake(uint64_t token)
{
	struct event e = next_event();

	assert_int_equal(e.kind, WAKE);
	assert_int_equal(e.who, token);
}

static inline void *start_local(struct reactor *r, void *arg)
{
	return arg;
}

static inline void stop_local(struct reactor *r)
{
}

static inline int set_up(void **state)
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
static inline int tear_down(void **state)
{
	reactors_stop(w.reactors);
	bool quiet = w.count == w.seen;
	talloc_free(w.table);
	sem_destroy(&w.came);
	return quiet ? 0 : -1;
}

static inline struct node_key file(uint64_t ino)
{
	return (struct node_key){1, ino};
}

/* Opener `who` of a file: its session and file id. */
static inline struct node_claim claim(uint64_t who, uint64_t ino, uint32_t access, uint32_t share)
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

static inline ntstatus_t try_open(const struct node_claim *c, uint64_t token, struct node_entry **out, uint8_t *level)
{
	struct node_waiter waiter = {c->reactor, on_wake, 1, token};

	return node_open(w.table, c, token ? &waiter : NULL, out, level);
}

static inline struct node_entry *must_open(struct node_claim c, uint8_t wish, uint8_t want)
{
	struct node_entry *e = NULL;
	uint8_t level = 0xEE;

	c.oplock_level = wish;
	assert_status(try_open(&c, 0, &e, &level), STATUS_SUCCESS);
	assert_int_equal(level, want);
	return e;
}

static inline struct node_entry *plain(uint64_t who, uint64_t ino, const char *path)
{
	struct node_claim c = claim(who, ino, READ, SHARE_ALL);

	c.path = path;
	return must_open(c, SMB2_OPLOCK_LEVEL_NONE, SMB2_OPLOCK_LEVEL_NONE);
}

static inline void must_refuse(struct node_claim c, ntstatus_t want)
{
	struct node_entry *e = NULL;
	uint8_t level;

	assert_status(try_open(&c, 0, &e, &level), want);
	assert_null(e);
}

/* Closes; the name that is to be deleted now, or NULL. */
static inline char *close_entry(struct node_entry *e)
{
	struct node_doom doom = {0};

	bool unlink_now = node_close(e, w.table, &doom);
	assert_int_equal(unlink_now, doom.path != NULL);
	return doom.path;
}

static inline void must_wait(struct node_claim c, uint64_t token)
{
	struct node_entry *e = NULL;
	uint8_t level;

	assert_status(try_open(&c, token, &e, &level), STATUS_PENDING);
	assert_null(e);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
