/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/reactor.h"

#include <errno.h>
#include <pthread.h>
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
	void *user;

	pthread_mutex_t inbox_lock;
	struct list inbox;
};

struct reactors {
	unsigned n;
	struct reactor *r;
	void *(*start)(struct reactor *, void *);
	void (*stop)(struct reactor *);
	void *arg;
	pthread_barrier_t ready;
	atomic_bool failed;
};

static _Thread_local struct reactor *current;

static void drain_inbox(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *priv)
{
	struct reactor *r = priv;
	uint64_t count;
	struct list batch, *item;

	if (read(r->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	list_init(&batch);
	pthread_mutex_lock(&r->inbox_lock);
	while ((item = list_pop(&r->inbox)))
		list_append(&batch, item);
	pthread_mutex_unlock(&r->inbox_lock);
	while ((item = list_pop(&batch))) {
		struct message *m = container_of(item, struct message, link);
		m->deliver(r, m);
	}
}

void reactor_post(struct reactor *to, struct message *m)
{
	uint64_t one = 1;

	list_init(&m->link);
	pthread_mutex_lock(&to->inbox_lock);
	bool was_empty = list_empty(&to->inbox);
	list_append(&to->inbox, &m->link);
	pthread_mutex_unlock(&to->inbox_lock);
	if (was_empty && write(to->wake_fd, &one, sizeof(one)) < 0) {
		/* an eventfd refuses only when its counter is full: then the reader is awake already */
	}
}

static void run_loop(struct reactor *r)
{
	struct tevent_fd *fde = tevent_add_fd(r->ev, r->ev, r->wake_fd, TEVENT_FD_READ, drain_inbox, r);

	while (fde && !r->stopping && tevent_loop_once(r->ev) == 0)
		;
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
	pthread_barrier_wait(&all->ready);
	if (r->user && !atomic_load(&all->failed))
		run_loop(r);
	if (r->user)
		all->stop(r);
	talloc_free(r->ev);
	return NULL;
}

struct stop_message {
	struct message m;
};

static void deliver_stop(struct reactor *self, struct message *m)
{
	self->stopping = true;
	talloc_free(container_of(m, struct stop_message, m));
}

void reactors_stop(struct reactors *all)
{
	for (unsigned i = 0; i < all->n; i++) {
		struct stop_message *s = talloc_zero(NULL, struct stop_message);
		if (!s || !all->r[i].running)
			continue;
		s->m.deliver = deliver_stop;
		reactor_post(&all->r[i], &s->m);
	}
	for (unsigned i = 0; i < all->n; i++)
		if (all->r[i].running)
			pthread_join(all->r[i].thread, NULL);
	for (unsigned i = 0; i < all->n; i++) {
		close(all->r[i].wake_fd);
		pthread_mutex_destroy(&all->r[i].inbox_lock);
	}
	pthread_barrier_destroy(&all->ready);
	talloc_free(all);
}

static bool prepare(struct reactors *all)
{
	for (unsigned i = 0; i < all->n; i++) {
		struct reactor *r = &all->r[i];
		r->all = all;
		r->index = i;
		list_init(&r->inbox);
		pthread_mutex_init(&r->inbox_lock, NULL);
		r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (r->wake_fd < 0)
			return false;
	}
	return true;
}

/* Signals belong to the main thread: reactors start with all of them blocked. */
static bool launch(struct reactors *all)
{
	sigset_t block, old;
	bool ok = true;

	sigfillset(&block);
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
	pthread_barrier_init(&all->ready, NULL, n + 1);
	/* tevent registers its backends at the first use, without a lock: that must not happen on two threads at once. */
	talloc_free(tevent_context_init(NULL));
	/* A thread that cannot be created would leave the others at the barrier: nothing to fall back to. */
	if (!prepare(all) || !launch(all))
		goto err_free;
	pthread_barrier_wait(&all->ready);
	if (atomic_load(&all->failed)) {
		reactors_stop(all);
		return NULL;
	}
	return all;
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

struct reactors *reactor_siblings(const struct reactor *r)
{
	return r->all;
}

struct tevent_context *reactor_ev(struct reactor *r)
{
	return r->ev;
}

void *reactor_user(const struct reactor *r)
{
	return r->user;
}
