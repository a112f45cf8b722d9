/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CORE_REACTOR_H
#define CORE_REACTOR_H

#include "core/list.h"

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>
#include <tevent.h>

/*
 * A reactor is a thread with its own tevent context. All state of a connection or session is touched by one
 * reactor's thread only. What concerns another reactor is posted to it as a message that carries ids.
 */
struct reactor;
struct reactors;

/* A message; embed it as a member. The sender gives the memory away by posting. */
struct message {
	struct list link;
	void (*deliver)(struct reactor *self, struct message *m); /* runs on the receiving reactor; frees m */
};

/*
 * What the reactor looks at again and again, rather than sleep until the event loop tells: for `ns` after something has come
 * from it. Everything else has its turn meanwhile, a little later than else. Embed it as a member; list_remove ends it, from
 * anywhere on the reactor's thread.
 */
struct poller {
	struct list link;
	bool (*poll)(struct poller *p);     /* does what there is to do; true: something has come. May end and free p */
	bool (*is_busy)(struct poller *p);  /* something has come by the event loop since this was last asked */
	uint64_t ns;
};

/*
 * Starts n threads. `start` runs first on each, and what it returns is the reactor's user pointer (NULL: failure,
 * all are stopped again); `stop` runs last on each. NULL on failure. Called from the main thread.
 */
struct reactors *reactors_start(TALLOC_CTX *mem, unsigned n, void *(*start)(struct reactor *, void *arg),
	void (*stop)(struct reactor *), void *arg);

/* Ends all reactor threads after the messages already posted, and frees. Main thread. */
void reactors_stop(struct reactors *all);

unsigned reactors_count(const struct reactors *all);
struct reactor *reactors_get(struct reactors *all, unsigned index);

/* The reactor whose thread this is, or NULL. */
struct reactor *reactor_current(void);
unsigned reactor_index(const struct reactor *r);
struct tevent_context *reactor_ev(struct reactor *r);
void *reactor_user(const struct reactor *r);

/* On its thread. */
void reactor_add_poller(struct reactor *r, struct poller *p);

/* Any thread. Messages from one thread to one reactor arrive in their order. */
void reactor_post(struct reactor *to, struct message *m);

#endif
