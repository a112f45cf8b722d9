/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_CONN_H
#define SMBD_CONN_H

#include "auth/session_keys.h"
#include "smbd/credits.h"
#include "smbd/iobuf.h"
#include "smbd/server.h"

struct conn;
struct smbdirect;

/*
 * What carries the frames: SMB2 messages, and in front of each, in our buffers, four bytes with its length ([MS-SMB2] 2.1),
 * which TCP sends and SMB Direct leaves out. One table per transport, on the thread of the connection.
 */
struct conn_transport {
	const char *name;
	bool (*attach)(struct conn *c); /* to the event loop of c->local; false: memory is short */
	void (*detach)(struct conn *c); /* from it, for a hand-over: no event comes */
	/* Moves what it can of c->out. What has left for good is told by conn_sent or counted in *sent. 0 or -errno. */
	int (*send)(struct conn *c, size_t *sent);
	void (*want)(struct conn *c, bool requests); /* whether requests are to come in */
	void (*look)(struct conn *c);                /* at what came before and was put by */
	uint32_t (*max_message)(const struct conn *c);
	bool (*is_gone)(const struct conn *c);       /* the peer, though no event told so */
	void (*free)(struct conn *c);                /* ends it, and all work with it that is under way */
};
extern const struct conn_transport conn_tcp, conn_smbdirect;

/*
 * A transport connection, [MS-SMB2] 3.3.1.7.
 *
 *   owner      the reactor in `local`; listed in local->conns by id
 *   states     connected -> negotiated -> (channels come and go) -> closing
 *   moved      to the reactor that its client's GUID names, before it is negotiated (frame_wants_reactor)
 *   ended by   conn_close(): peer gone, protocol violation, drain, time-outs. Frees it, its channels, and those
 *              sessions that have no other channel; requests whose job is still with a worker live on as orphans
 *              until the job is home.
 */
struct conn {
	struct local *local;
	uint64_t id;
	const struct conn_transport *ops;
	struct conn_tcp_state {
		int fd;
		struct tevent_fd *fde;
		/* The piece of a frame that has come so far: `want` bytes with its length, or raw bytes to look at. */
		struct iobuf *in; /* NULL: nothing; in->len bytes have come */
		size_t want;      /* 0: not known yet */
	} tcp;
	struct conn_direct_state {
		struct smbdirect *sd;
		struct list waiting;   /* iobufs: messages that came while the connection was full, or in a hand-over */
		struct list in_flight; /* buffers of which some message is not done */
		struct list pushes;    /* transfers that wait for their turn (transfer.c) */
		size_t pushing;        /* bytes of those whose turn it is */
		struct list pulls;     /* transfers that the client has to answer */
		uint64_t pulled;       /* bytes fetched when that was looked at last */
		struct tevent_timer *patience; /* for the next look; runs on when there are none */
		struct poller poller;  /* listed while there are grants */
		uint64_t moved;        /* what the peer had done when the poller was last asked */
	} direct;
	struct tevent_timer *timer; /* authentication time-out, then deadtime */
	struct tevent_timer *watch; /* runs while the peer leaves replies unread or is not read itself */
	uint64_t watched_bytes, watched_since_ns; /* bytes_out when it last moved */
	char peer[64];              /* address without port */
	uint64_t started_ns, last_activity_ns;

	struct list out; /* iobufs */
	size_t out_bytes; /* queued and not yet sent for good */
	bool in_batch;    /* replies collect until the batch of frames is done */
	struct tevent_immediate *resume; /* looks at frames that were put by while the connection was full */
	bool stalled;                    /* there are such */
	struct tevent_immediate *flush;  /* sends from the event loop */
	bool draining;
	size_t held_bytes; /* frames that parked requests keep */

	bool negotiated, authenticated;
	uint16_t dialect; /* 0 until negotiated; SMB2_DIALECT_WILDCARD after an SMB1 negotiate */
	uint16_t cipher;  /* SMB2_CIPHER_* or 0 */
	uint16_t signing_algorithm;
	uint16_t client_security_mode, server_security_mode;
	uint32_t client_capabilities, server_capabilities;
	uint8_t client_guid[16];
	bool multi_credit;
	uint8_t preauth[PREAUTH_HASH_SIZE];
	struct credit_window credits;

	struct list channels; /* struct channel, conn_link */
	struct list grants;   /* struct grant, conn_link: those whose tags are good here */
	struct list requests; /* struct req that are not finished */
	unsigned request_count;
	uint64_t next_async_id;
	uint64_t bytes_in, bytes_out;
};

/* Takes the socket, over which `ops` runs; NULL (socket closed) when it cannot. peer: its address as text. */
struct conn *conn_new(struct local *local, const struct conn_transport *ops, int fd, const char *peer);

/* Frees the connection. No member may be touched afterwards: callers return at once. */
void conn_close(struct conn *c, const char *why);

/* Puts a finished buffer on the queue; it goes out at the end of the batch or at once. The connection may be closed. */
void conn_queue(struct conn *c, struct iobuf *b);

/* A request has gone without a reply: what waited for its room goes on. The connection may be closed. */
void conn_settle(struct conn *c);

/* The buffer at the end of the queue, with room for cap bytes, or a new one; NULL if memory is short. */
struct iobuf *conn_tail(struct conn *c, size_t cap);

/* ---- for transports ---- */

enum {
	CONN_PREFIX = 4,
	CONN_MAX_FRAME_EXTRA = 65536, /* headers, names and contexts beside the payload */
};

/* The longest message that is taken now. */
size_t conn_max_frame(const struct conn *c);
/* True while the peer leaves too much unread, or too much is under way, to begin with more. */
bool conn_is_full(const struct conn *c);
/* n bytes of c->out have left for good, not inside `send`. The connection may be closed. */
void conn_sent(struct conn *c, size_t n);
/* Sends what is queued; false: the connection is gone. */
bool conn_flush(struct conn *c);
/* The same from the event loop: a failure does not end the connection under the caller. */
void conn_flush_soon(struct conn *c);
/* Replies are queued beyond what the end of the batch should wait for. */
bool conn_has_much_to_send(const struct conn *c);
/* Gives the connection, which the transport is done with for now, to another reactor, where `look` is called. */
void conn_hand_over(struct conn *c, struct reactor *to);

/* The most that a READ, WRITE or query may carry here: 64 KiB where there are no multi-credit requests. */
uint32_t conn_max_payload(const struct conn *c, uint32_t server_max);

/* The most payload that a reply can carry itself: SMB Direct's messages have a longest size. */
uint32_t conn_max_inline(const struct conn *c);

/* A log-on succeeded on it: other limits and time-outs hold from now on. */
void conn_authenticated(struct conn *c);

/* No longer reads; ends when its requests are done. */
void conn_drain(struct conn *c);

/* It has a grant now: the reactor looks for accesses of the peer, as `pmem poll` says. SMB Direct. */
void conn_look_for_accesses(struct conn *c);

/* The reactor that a session id names, or NULL. */
struct reactor *session_id_reactor(struct local *l, uint64_t session_id);

#endif
