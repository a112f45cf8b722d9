/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_FUZZ_SERVER_DOUBLES_H
#define TESTS_FUZZ_SERVER_DOUBLES_H

/*
 * Doubles of core/reactor.h, core/workers.h, core/random.h, of timers and of the share cache: messages are
 * delivered, jobs are run and timers fire when the input says so.
 */

#include "server_input.h"

#include "core/random.h"
#include "core/reactor.h"
#include "core/workers.h"
#include "smbd/listen.h"
#include "smbd/share_cache.h"

/* ---- core/random.h ---- */

static uint64_t random_state;

uint64_t random_u64(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return random_state ^ random_state >> 33;
}

void random_bytes(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)random_u64();
}

/* ---- core/reactor.h ---- */

struct reactor {
	unsigned index;
	struct tevent_context *ev;
	void *user;
	struct list inbox;
};
struct reactors {
	char unused;
};

static struct reactor reactors[REACTORS];
static struct reactors all_reactors;
static struct reactor *current;

unsigned reactors_count(const struct reactors *all)
{
	return REACTORS;
}

struct reactor *reactors_get(struct reactors *all, unsigned index)
{
	must(index < REACTORS);
	return &reactors[index];
}

struct reactor *reactor_current(void)
{
	return current;
}

unsigned reactor_index(const struct reactor *r)
{
	return r->index;
}

struct tevent_context *reactor_ev(struct reactor *r)
{
	return r->ev;
}

void *reactor_user(const struct reactor *r)
{
	return r->user;
}

void reactor_post(struct reactor *to, struct message *m)
{
	list_append(&to->inbox, &m->link);
}

/* Nobody looks: what comes is told by the event loop. */
void reactor_add_poller(struct reactor *r, struct poller *p)
{
}

static bool deliver_one(void)
{
	for (int i = 0; i < REACTORS; i++) {
		struct list *item = list_pop(&reactors[i].inbox);
		if (!item)
			continue;
		struct message *m = container_of(item, struct message, link);
		list_init(&m->link);
		current = &reactors[i];
		m->deliver(&reactors[i], m);
		return true;
	}
	return false;
}

/* ---- core/workers.h ---- */

static struct list jobs;

static void job_comes_home(struct reactor *self, struct message *m)
{
	struct job *j = container_of(m, struct job, m);

	j->done(j, j->ran);
}

void workers_submit(struct workers *w, struct job *j)
{
	j->home = current;
	j->queued = true;
	list_append(&jobs, &j->m.link);
}

bool workers_cancel(struct workers *w, struct job *j)
{
	if (!j->queued)
		return false;
	list_remove(&j->m.link);
	j->queued = false;
	j->ran = false;
	j->m.deliver = job_comes_home;
	reactor_post(j->home, &j->m);
	return true;
}

static bool run_one_job(void)
{
	struct list *item = list_pop(&jobs);

	if (!item)
		return false;
	struct job *j = container_of(item, struct job, m.link);
	j->queued = false;
	current = NULL;
	j->run(j);
	j->ran = true;
	j->m.deliver = job_comes_home;
	reactor_post(j->home, &j->m);
	return true;
}

/* ---- timers: they fire when the input says so, the earliest first ---- */

struct tevent_timer {
	struct list link;
	struct tevent_context *ev;
	struct timeval due;
	tevent_timer_handler_t handler;
	void *arg;
	bool *freed;
};

static struct list timers;

static int timer_destructor(struct tevent_timer *t)
{
	list_remove(&t->link);
	if (t->freed)
		*t->freed = true;
	return 0;
}

struct tevent_timer *_tevent_add_timer(struct tevent_context *ev, TALLOC_CTX *mem, struct timeval due,
	tevent_timer_handler_t handler, void *arg, const char *handler_name, const char *location)
{
	struct tevent_timer *t = talloc_zero(mem, struct tevent_timer);

	must(t);
	*t = (struct tevent_timer){.ev = ev, .due = due, .handler = handler, .arg = arg};
	list_append(&timers, &t->link);
	talloc_set_destructor(t, timer_destructor);
	return t;
}

static void fire_timer(void)
{
	struct tevent_timer *first = NULL;
	bool freed = false;

	LIST_FOREACH (item, &timers) {
		struct tevent_timer *t = container_of(item, struct tevent_timer, link);
		if (!first || timercmp(&t->due, &first->due, <))
			first = t;
	}
	if (!first)
		return;
	for (int i = 0; i < REACTORS; i++)
		if (reactors[i].ev == first->ev)
			current = &reactors[i];
	list_remove(&first->link);
	first->freed = &freed;
	first->handler(first->ev, first, first->due, first->arg);
	if (!freed)
		talloc_free(first);
}

/* ---- smbd/share_cache.h and smbd/listen.h ---- */

static struct vfs_share *share;

struct share_cache *share_cache_new(TALLOC_CTX *mem)
{
	return talloc_zero_size(mem, 1);
}

int share_cache_open(struct share_cache *c, uint64_t generation, const struct conf_section *section,
	const char *root, const struct vfs_share_options *o, struct vfs_share **out, struct vfs_guard **guard)
{
	*out = vfs_share_ref(share);
	*guard = NULL;
	return 0;
}

void listen_connection_ended(struct server *s, const char *peer)
{
	atomic_fetch_sub(&s->stats.connections, 1);
}

#endif
