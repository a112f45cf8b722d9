/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_GRANT_STATE_H
#define SMBD_GRANT_STATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The life of a direct grant, as a pure machine: state and event give a new state and what is to be done. grant.c does it.
 *
 *   requested --pin done--> pinned --tags made, reply on its way--> live --recall--> breaking --quiesced, deadline--> fenced
 *       |                      |                                     |                                                  |
 *       +-- pin failed, end ---+------------- end ------------------+--- end (fence at once) ---> fenced --unpinned--> dead
 *
 * requested  the range is being pinned, on a worker; nobody can reach it
 * pinned     guarded and mapped; tags not yet made
 * live       the client has the tags
 * breaking   it has been told to quiesce (lease break), until a deadline
 * fenced     no access gets through; the pin is being given back, on a worker
 * dead       all is given back, waiters go on
 */
enum grant_state { GRANT_REQUESTED, GRANT_PINNED, GRANT_LIVE, GRANT_BREAKING, GRANT_FENCED, GRANT_DEAD };

enum grant_event {
	GRANT_EV_PINNED,    /* the pin is there */
	GRANT_EV_PIN_FAILED,
	GRANT_EV_TAGGED,    /* tags are registered and the reply is queued */
	GRANT_EV_RECALL,    /* somebody waits for the range: the holder is to quiesce */
	GRANT_EV_QUIESCED,  /* the holder says that it has: lease acknowledged */
	GRANT_EV_DEADLINE,  /* it has not, in time */
	GRANT_EV_END,       /* unmap, close, logoff, disconnect, fault, lost guard, shutdown: without asking */
	GRANT_EV_UNPINNED,  /* the pin is given back */
};

enum { /* what is to be done, in this order */
	GRANT_DO_REGISTER = 1, /* make the tags and reply */
	GRANT_DO_NOTIFY = 2,   /* break the lease, start the deadline */
	GRANT_DO_FENCE = 4,    /* invalidate the tags; when that returns nothing gets through */
	GRANT_DO_REFUSE = 8,   /* the MAP request fails */
	GRANT_DO_UNPIN = 16,   /* give the pin back */
	GRANT_DO_FREE = 32,    /* wake who waits, and free */
};

struct grant_step {
	enum grant_state state;
	unsigned actions;
	bool valid; /* false: the event cannot come in this state (a fault of ours) */
};
struct grant_step grant_next(enum grant_state state, enum grant_event event);

/* Whether the client's accesses may get through. */
static inline bool grant_is_open(enum grant_state s)
{
	return s == GRANT_LIVE || s == GRANT_BREAKING;
}

#endif
