/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/guard_core.h"

#include "core/bytes.h"
#include "core/clock.h"
#include "core/fault.h"
#include "vfs/vfs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * The guard's thread. It logs nothing and opens no file outside /proc: whoever holds the log's lock, or
 * another, may be waiting for an answer of this thread to its own I/O.
 */

/* ---- telling owners ---- */

void guard_thread_wake(void)
{
	uint64_t one = 1;

	if (write(guard_core.wake, &one, sizeof(one)) < 0)
		return; /* full: it is awake */
}

void guard_due(struct vfs_guarded *r)
{
	if (!r->armed || r->closing || r->lost_told || !list_empty(&r->due))
		return;
	if (!r->unnamed_due && !r->lost && list_empty(&r->untold))
		return;
	list_append(&guard_core.due, &r->due);
	if (guard_core.running)
		guard_thread_wake();
}

/* One thing that is to be told about r. */
struct word {
	bool unnamed;
	const char *lost;
	uint64_t offset, length, token;
};

static bool next_word(struct vfs_guarded *r, struct word *out)
{
	struct list *l;

	*out = (struct word){0};
	if (r->lost_told)
		return false;
	if (r->unnamed_due) {
		r->unnamed_due = false;
		out->unnamed = true;
	} else if ((l = list_pop(&r->untold))) {
		struct notice *n = container_of(l, struct notice, by_range);
		const struct held *h = n->held;
		list_append(&r->told, l);
		out->offset = h->offset > r->offset ? h->offset : r->offset;
		out->length = (h->end < r->end ? h->end : r->end) - out->offset;
		out->token = n->token;
	} else if (r->lost) {
		r->lost_told = true;
		out->lost = r->lost;
	} else {
		return false;
	}
	return true;
}

/* Without the lock. */
static void say(const struct vfs_guard_events *ev, void *arg, const struct word *w)
{
	if (w->lost)
		ev->lost(arg, w->lost);
	else if (!w->unnamed)
		ev->conflict(arg, w->offset, w->length, w->token);
	else if (ev->unnamed)
		ev->unnamed(arg);
}

static void tell(struct vfs_guarded *r)
{
	struct word w;

	guard_core.telling = r;
	/* A callback that removes its own range makes `telling` NULL; then r is gone. */
	while (guard_core.telling == r && !r->closing && next_word(r, &w)) {
		const struct vfs_guard_events *ev = r->ev;
		void *arg = r->arg;
		pthread_mutex_unlock(&guard_core.lock);
		say(ev, arg, &w);
		pthread_mutex_lock(&guard_core.lock);
	}
	guard_core.telling = NULL;
	pthread_cond_broadcast(&guard_core.changed);
}

static void tell_all(void)
{
	struct list *l;

	while ((l = list_pop(&guard_core.due)))
		tell(container_of(l, struct vfs_guarded, due));
}

/* ---- the loop ---- */

static const struct guard_ops *const kinds[] = {&guard_fanotify, &guard_lease, &guard_exclusive};

static uint64_t tick_all(uint64_t now)
{
	uint64_t first = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint64_t at = kinds[i]->tick(now);
		if (at && (!first || at < first))
			first = at;
	}
	return first;
}

static int milliseconds_until(uint64_t at, uint64_t now)
{
	if (!at)
		return -1;
	uint64_t ms = at > now ? (at - now + 999999) / 1000000 : 0;
	return ms < 60000 ? (int)ms : 60000;
}

/* Waits and handles what came. */
static void turn(int timeout)
{
	struct pollfd p[ARRAY_SIZE(kinds) + 2];
	size_t n = ARRAY_SIZE(kinds);
	uint64_t count;

	for (size_t i = 0; i < n; i++)
		p[i] = (struct pollfd){.fd = kinds[i]->descriptor(), .events = POLLIN};
	p[n] = (struct pollfd){.fd = guard_unnamed_descriptor(), .events = POLLIN};
	p[n + 1] = (struct pollfd){.fd = guard_core.wake, .events = POLLIN};
	pthread_mutex_unlock(&guard_core.lock);
	int ready = poll(p, n + 2, timeout);
	pthread_mutex_lock(&guard_core.lock);
	if (ready <= 0)
		return;
	if (p[n + 1].revents && read(guard_core.wake, &count, sizeof(count)) < 0)
		return; /* EAGAIN: nothing to undo */
	for (size_t i = 0; i < n; i++)
		if (p[i].revents && kinds[i]->descriptor() == p[i].fd)
			kinds[i]->readable();
	if (p[n].revents)
		guard_unnamed_readable();
}

static void let_all_go(struct watch *w, void *arg)
{
	while (!list_empty(&w->held)) {
		struct held *h = container_of(w->held.next, struct held, link);
		guard_notice_end(container_of(h->notices.next, struct notice, by_held));
	}
}

static void *run(void *arg)
{
	pthread_mutex_lock(&guard_core.lock);
	guard_core.tid = gettid();
	vfs_act_as_process();
	guard_core.running = true;
	guard_core.starting = false;
	pthread_cond_broadcast(&guard_core.changed);
	while (!guard_core.stop) {
		uint64_t now = clock_now_ns(), next = tick_all(now);
		if (list_empty(&guard_core.due))
			turn(milliseconds_until(next, now));
		tell_all();
	}
	guard_lose_all(NULL, "the server stops");
	tell_all();
	guard_each_watch(let_all_go, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		kinds[i]->stop();
	guard_unnamed_stop();
	pthread_mutex_unlock(&guard_core.lock);
	return NULL;
}

/* Signals are for the main thread, and those of leases are read by signalfd. */
static int create(void)
{
	sigset_t all, before;

	fault_others(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&guard_core.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return -rc;
	pthread_setname_np(guard_core.thread, "guard");
	guard_core.starting = true;
	return 0;
}

/* The first to come starts it, and all wait until it has. */
static void wait_until_running(void)
{
	while (guard_core.starting)
		pthread_cond_wait(&guard_core.changed, &guard_core.lock);
}

int guard_thread_start(void)
{
	wait_until_running();
	if (guard_core.running)
		return guard_core.stop ? -ESHUTDOWN : 0;
	if (!guard_core.notices)
		guard_core.notices = idtable_new(NULL, GUARD_NOTICES_MAX);
	if (!guard_core.notices)
		return -ENOMEM;
	guard_core.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (guard_core.wake < 0)
		return -errno;
	int rc = create();
	if (rc < 0)
		close(guard_core.wake);
	wait_until_running();
	return rc;
}

void vfs_guards_stop(void)
{
	pthread_mutex_lock(&guard_core.lock);
	bool running = guard_core.running;
	guard_core.stop = running;
	if (running)
		guard_thread_wake();
	else
		guard_fanotify.stop();
	pthread_mutex_unlock(&guard_core.lock);
	if (!running)
		return;
	pthread_join(guard_core.thread, NULL);
	pthread_mutex_lock(&guard_core.lock);
	guard_core.running = guard_core.stop = false;
	close(guard_core.wake);
	talloc_free(guard_core.notices);
	guard_core.notices = NULL;
	pthread_mutex_unlock(&guard_core.lock);
}
