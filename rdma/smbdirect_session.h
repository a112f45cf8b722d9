/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_SMBDIRECT_SESSION_H
#define RDMA_SMBDIRECT_SESSION_H

#include "rdma/smbdirect.h"
#include "rdma/smbdirect_credits.h"
#include "wire/smbdirect.h"

/*
 * The parts of SMB Direct share this.
 *
 *   CONNECTING --rdma established--> NEGOTIATING --response sent or received--> ESTABLISHED
 *                                         |                                          |
 *                                         +-- no common version --> REFUSING --sent--+--> ENDED
 *
 * Everything may become ENDED at any time; `conn` is closed then, and `ended` is called unless the owner
 * closed.
 *
 * Owner: mem of smbdirect_new. A callback of the owner may close the session, which is freed then, or detach
 * it, and another thread has it then. So each function that the event loop calls keeps a turn on its stack,
 * and whoever has called a callback of the owner looks into that before it touches the session again.
 */
struct smbdirect_turn {
	bool gone;
	struct smbdirect_turn *outer;
};

enum smbdirect_state {
	SMBDIRECT_CONNECTING,
	SMBDIRECT_NEGOTIATING,
	SMBDIRECT_REFUSING,
	SMBDIRECT_ESTABLISHED,
	SMBDIRECT_ENDED,
};

enum {
	SMBDIRECT_LEAST_SIZE = 128,          /* of one Send, 3.1.5.6 */
	SMBDIRECT_LEAST_FRAGMENTED = 131072, /* of a message */
	SMBDIRECT_PADDED_HEADER = 24,
	SMBDIRECT_FRAGMENTS = 128, /* Sends under way at once */
	SMBDIRECT_GATHER = 16,     /* pieces of memory in one of them */
};

/* One Send. */
struct smbdirect_fragment {
	struct rdma_work work;
	struct smbdirect *s;
	struct smbdirect_message *message; /* NULL: it carries nothing of the owner's */
	struct list link;
	uint8_t header[SMBDIRECT_NEGOTIATE_RSP_SIZE];
	struct iovec iov[1 + SMBDIRECT_GATHER];
};

struct smbdirect {
	struct rdma_conn facade;   /* what smbdirect_rdma returns; good until the session is freed */
	struct rdma_conn *conn;    /* NULL once ended */
	struct tevent_context *ev; /* NULL while detached */
	enum smbdirect_state state;
	struct smbdirect_turn *turn; /* the innermost */
	bool closed;                 /* by the owner */
	bool closing;                /* conn: its works are ours, so the session stays until that is over */
	struct smbdirect_params p;
	struct smbdirect_handlers h;
	void *arg;

	uint32_t send_size, receive_size; /* of one Send, agreed */
	uint32_t max_send, max_read_write;
	struct smbdirect_credits credits;

	struct list queue; /* messages that are not yet sent whole */
	unsigned queued;
	struct list flying, free; /* fragments */
	unsigned fragments;
	bool due;            /* credits go to the peer, with a message of their own if need be */
	bool respond;        /* the peer wants a sign of life, */
	bool respond_always; /* and asked without data */
	bool ask;            /* we want one */

	struct {
		void *memory; /* of reserve; NULL: no message is under way */
		uint8_t *data;
		size_t size, have;
	} partial;

	struct tevent_timer *timer;
	uint64_t since_ns; /* when the peer last said something, or was asked to */
	bool asked;        /* for a sign of life */

	struct list refused_messages, refused_works; /* to be done from the event loop */
	struct tevent_immediate *later;
	struct rdma_facts last_facts; /* of conn, when it ended */
};

/* smbdirect.c */
static inline void smbdirect_enter(struct smbdirect *s, struct smbdirect_turn *t)
{
	*t = (struct smbdirect_turn){.outer = s->turn};
	s->turn = t;
}

static inline void smbdirect_leave(struct smbdirect *s, struct smbdirect_turn *t)
{
	if (!t->gone)
		s->turn = t->outer;
}

void smbdirect_end(struct smbdirect *s, const char *why);
bool smbdirect_start_timer(struct smbdirect *s);
/* A peer that has been silent for too long at the time now_ns is asked for a sign of life, or given up. */
void smbdirect_check_silence(struct smbdirect *s, uint64_t now_ns);

/* smbdirect_negotiate.c, smbdirect_receive.c: a message of the peer. NULL, or why the session has to end. */
void smbdirect_request(struct smbdirect *s);
const char *smbdirect_negotiate(struct smbdirect *s, struct bytes message);
const char *smbdirect_receive(struct smbdirect *s, uint8_t *message, size_t len);
void smbdirect_drop_partial(struct smbdirect *s);

/* smbdirect_send.c */
bool smbdirect_send_init(struct smbdirect *s);
void smbdirect_pump(struct smbdirect *s);
/*
 * NULL: there are enough under way, whose end makes room. Post sends the first `header` bytes of its header,
 * and the pieces in its iov.
 */
struct smbdirect_fragment *smbdirect_fragment_get(struct smbdirect *s);
void smbdirect_fragment_post(
	struct smbdirect *s, struct smbdirect_fragment *f, size_t header, unsigned pieces);
void smbdirect_fail_messages(struct smbdirect *s);
/* Their messages are done, though they themselves are not yet. */
void smbdirect_abandon_fragments(struct smbdirect *s);

/* smbdirect_rdma.c */
extern const struct rdma_transport smbdirect_facade;
void smbdirect_later(struct smbdirect *s);
void smbdirect_do_refused(struct smbdirect *s);

#endif
