/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CORE_WORKERS_H
#define CORE_WORKERS_H

#include "core/reactor.h"

/* Threads for work that may block or that costs per byte. */
struct workers;

/*
 * A piece of work; embed it as a member. It owns its buffers and ids and nothing else: `run` is called on a worker
 * thread, then `done` on the reactor that submitted it, always and exactly once.
 */
struct job {
	struct message m; /* first: this is how `done` comes home */
	void (*run)(struct job *);
	void (*done)(struct job *, bool ran); /* ran is false when the job was cancelled before it began */
	struct reactor *home;
	bool ran;
	bool queued; /* guarded by the pool's lock */
};

struct workers *workers_start(TALLOC_CTX *mem, unsigned n);

/*
 * Waits for the jobs that run; those queued, and those submitted from now on, come home with ran = false. Reactors must
 * still be there.
 */
void workers_stop(struct workers *w);
/* It has been stopped, and nobody submits any more: the reactors are gone. */
void workers_free(struct workers *w);

/* From a reactor's thread. */
void workers_submit(struct workers *w, struct job *j);

/* True when the job had not begun: it comes home soon with ran = false. Home reactor only. */
bool workers_cancel(struct workers *w, struct job *j);

#endif
