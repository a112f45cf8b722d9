/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_CONN_H
#define SMBD_CONN_H

#include "auth/session_keys.h"
#include "smbd/credits.h"
#include "smbd/iobuf.h"
#include "smbd/server.h"

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
	int fd;
	struct tevent_fd *fde;
	struct tevent_timer *timer; /* authentication time-out, then deadtime */
	struct tevent_timer *watch; /* runs while the peer leaves replies unread or is not read itself */
	uint64_t watched_bytes, watched_since_ns; /* bytes_out when it last moved */
	char peer[64];              /* address without port */
	uint64_t last_activity_ns;

	/* The piece of a frame that has come so far: `want` bytes with its length prefix, or raw bytes to look at. */
	struct {
		struct iobuf *buf; /* NULL: nothing; buf->len bytes have come */
		size_t want;       /* 0: not known yet */
	} in;

	struct list out; /* iobufs */
	size_t out_bytes; /* queued and not sent */
	bool in_batch;    /* replies collect until the batch of frames is done */
	struct tevent_immediate *resume; /* looks at frames that were put by while the peer did not read */
	bool stalled;                    /* there are such */
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
	struct list requests; /* struct req that are not finished */
	unsigned request_count;
	uint64_t next_async_id;
	uint64_t bytes_in, bytes_out;
};

/* Takes the socket; NULL (socket closed) when memory is short. peer: its address as text. */
struct conn *conn_new(struct local *local, int fd, const char *peer);

/* Frees the connection. No member may be touched afterwards: callers return at once. */
void conn_close(struct conn *c, const char *why);

/* Puts a finished buffer on the queue; it goes out at the end of the batch or at once. The connection may be closed. */
void conn_queue(struct conn *c, struct iobuf *b);

/* A request has gone without a reply: what waited for its room goes on. The connection may be closed. */
void conn_settle(struct conn *c);

/* The buffer at the end of the queue, with room for cap bytes, or a new one; NULL if memory is short. */
struct iobuf *conn_tail(struct conn *c, size_t cap);

/* The most that a READ, WRITE or query may carry here: 64 KiB where there are no multi-credit requests. */
uint32_t conn_max_payload(const struct conn *c, uint32_t server_max);

/* A log-on succeeded on it: other limits and time-outs hold from now on. */
void conn_authenticated(struct conn *c);

/* No longer reads; ends when its requests are done. */
void conn_drain(struct conn *c);

/* The reactor that a session id names, or NULL. */
struct reactor *session_id_reactor(struct local *l, uint64_t session_id);

#endif
