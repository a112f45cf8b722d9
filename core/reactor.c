/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/reactor.h"

#include "core/clock.h"
#include "core/fault.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct reactor {
	struct reactors *all;
	unsigned index;
	pthread_t thread;
	bool running; /* thread was created */
	struct tevent_context *ev;
	int wake_fd;
	bool stopping; /* reactor thread only */
	struct message stop_message;
	void *user;

	struct list pollers;
	bool breathing; /* others have their turn until wake_fd is read */

	pthread_mutex_t inbox_lock;
	struct list inbox;
	atomic_bool mail; /* there is something in it */
};

struct reactors {
	unsigned n;
	struct reactor *r;
	void *(*start)(struct reactor *, void *);
	void (*stop)(struct reactor *);
	void *arg;
	sem_t reports; /* one for each thread that has started, well or not */
	atomic_bool failed;
};

static _Thread_local struct reactor *current;

static void drain_inbox(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *priv)
{
	struct reactor *r = priv;
	uint64_t count;
	struct list batch, *item;

	r->breathing = false;
	if (read(r->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	list_init(&batch);
	pthread_mutex_lock(&r->inbox_lock);
	atomic_store_explicit(&r->mail, false, memory_order_relaxed);
	while ((item = list_pop(&r->inbox)))
		list_append(&batch, item);
	pthread_mutex_unlock(&r->inbox_lock);
	while ((item = list_pop(&batch))) {
		struct message *m = container_of(item, struct message, link);
		m->deliver(r, m);
	}
}

static void wake(struct reactor *r)
{
	uint64_t one = 1;

	if (write(r->wake_fd, &one, sizeof(one)) < 0) {
		/* an eventfd refuses only when its counter is full: then the reader is awake already */
	}
}

void reactor_post(struct reactor *to, struct message *m)
{
	list_init(&m->link);
	pthread_mutex_lock(&to->inbox_lock);
	bool was_empty = list_empty(&to->inbox);
	list_append(&to->inbox, &m->link);
	atomic_store_explicit(&to->mail, true, memory_order_relaxed);
	pthread_mutex_unlock(&to->inbox_lock);
	if (was_empty)
		wake(to);
}

/* ---- looking instead of sleeping ---- */

#define OTHERS_NS (50 * 1000ull) /* then the event loop has a round, which does not wait */

void reactor_add_poller(struct reactor *r, struct poller *p)
{
	list_append(&r->pollers, &p->link);
}

/* How long to look, from now on: as the event loop has just found something of theirs, or not. */
static uint64_t time_to_look(struct reactor *r)
{
	uint64_t ns = 0;

	LIST_FOREACH (item, &r->pollers) {
		struct poller *p = container_of(item, struct poller, link);

		if (p->is_busy(p) && p->ns > ns)
			ns = p->ns;
	}
	return ns;
}

/* At the next of them; each may end while it is looked at. How long it is to be looked at from now on, 0: as before. */
static uint64_t look(struct reactor *r)
{
	struct list *item = list_pop(&r->pollers);
	struct poller *p = container_of(item, struct poller, link);
	uint64_t ns = p->ns;

	list_append(&r->pollers, item);
	return p->poll(p) ? ns : 0;
}

static void look_for_a_while(struct reactor *r)
{
	uint64_t begin, now, until;

	if (r->breathing || list_empty(&r->pollers))
		return;
	begin = now = clock_now_ns();
	until = now + time_to_look(r);
	while (now < until && !list_empty(&r->pollers)) {
		uint64_t ns = look(r);

		if (!ns)
			sched_yield(); /* on one processor with the client, it needs it */
		now = clock_now_ns();
		until = ns ? now + ns : until;
		if (now - begin > OTHERS_NS || atomic_load_explicit(&r->mail, memory_order_relaxed)) {
			r->breathing = true;
			wake(r);
			return;
		}
	}
}

static void run_loop(struct reactor *r)
{
	struct tevent_fd *fde = tevent_add_fd(r->ev, r->ev, r->wake_fd, TEVENT_FD_READ, drain_inbox, r);

	while (fde && !r->stopping && tevent_loop_once(r->ev) == 0)
		look_for_a_while(r);
	if (fde)
		drain_inbox(r->ev, fde, 0, r);
}

static void *reactor_main(void *arg)
{
	struct reactor *r = arg;
	struct reactors *all = r->all;
	char name[16];

	current = r;
	snprintf(name, sizeof(name), "reactor-%u", r->index);
	pthread_setname_np(pthread_self(), name);
	r->ev = tevent_context_init(NULL);
	r->user = r->ev ? all->start(r, all->arg) : NULL;
	if (!r->user)
		atomic_store(&all->failed, true);
	sem_post(&all->reports);
	if (r->user) {
		run_loop(r);
		all->stop(r);
	}
	talloc_free(r->ev);
	return NULL;
}

static void deliver_stop(struct reactor *self, struct message *m)
{
	self->stopping = true;
}

void reactors_stop(struct reactors *all)
{
	for (unsigned i = 0; i < all->n; i++) {
		if (!all->r[i].running)
			continue;
		all->r[i].stop_message.deliver = deliver_stop;
		reactor_post(&all->r[i], &all->r[i].stop_message);
	}
	for (unsigned i = 0; i < all->n; i++)
		if (all->r[i].running)
			pthread_join(all->r[i].thread, NULL);
	for (unsigned i = 0; i < all->n; i++) {
		if (all->r[i].wake_fd >= 0)
			close(all->r[i].wake_fd);
		pthread_mutex_destroy(&all->r[i].inbox_lock);
	}
	sem_destroy(&all->reports);
	talloc_free(all);
}

static bool prepare(struct reactors *all)
{
	bool ok = true;

	for (unsigned i = 0; i < all->n; i++) {
		struct reactor *r = &all->r[i];
		r->all = all;
		r->index = i;
		list_init(&r->inbox);
		list_init(&r->pollers);
		pthread_mutex_init(&r->inbox_lock, NULL);
		r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		ok = ok && r->wake_fd >= 0;
	}
	return ok;
}

/* Signals of the process belong to the main thread. */
static bool launch(struct reactors *all)
{
	sigset_t block, old;
	bool ok = true;

	fault_others(&block);
	pthread_sigmask(SIG_SETMASK, &block, &old);
	for (unsigned i = 0; i < all->n && ok; i++) {
		ok = pthread_create(&all->r[i].thread, NULL, reactor_main, &all->r[i]) == 0;
		all->r[i].running = ok;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

struct reactors *reactors_start(TALLOC_CTX *mem, unsigned n, void *(*start)(struct reactor *, void *arg),
	void (*stop)(struct reactor *), void *arg)
{
	struct reactors *all = talloc_zero(mem, struct reactors);

	if (!all)
		return NULL;
	all->r = talloc_zero_array(all, struct reactor, n);
	if (!all->r)
		goto err_free;
	all->n = n;
	all->start = start;
	all->stop = stop;
	all->arg = arg;
	sem_init(&all->reports, 0, 0);
	/* tevent registers its backends at the first use, without a lock: that must not happen on two threads at once. */
	talloc_free(tevent_context_init(NULL));
	bool ok = prepare(all) && launch(all);
	for (unsigned i = 0; i < n; i++)
		while (all->r[i].running && sem_wait(&all->reports) < 0 && errno == EINTR)
			;
	if (ok && !atomic_load(&all->failed))
		return all;
	reactors_stop(all);
	return NULL;
err_free:
	talloc_free(all);
	return NULL;
}

unsigned reactors_count(const struct reactors *all)
{
	return all->n;
}

struct reactor *reactors_get(struct reactors *all, unsigned index)
{
	return &all->r[index];
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
