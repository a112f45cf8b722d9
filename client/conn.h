/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_CONN_H
#define CLIENT_CONN_H

#include "auth/seal.h"
#include "auth/session_keys.h"
#include "auth/sign.h"
#include "client/credits.h"
#include "client/daxsmb.h"
#include "client/transport.h"

/*
 * The objects of a client, for this room only.
 *
 *   conn --owns--> transport, sessions, pending ids
 *   session --owns--> trees, signer, sealers         tree
 *
 *   exchange (client/exchange.h): belongs to its caller; queued -> sent -> (interim) -> ended
 *
 * A pending id ties a message id to the exchange that waits for it. It belongs to the connection and
 * outlives an exchange that its caller freed, so that a late answer still returns its credits. A connection
 * dies once (client_conn_fail): status set, transport closed, every exchange ended with the reason.
 */

enum { PENDING_BUCKETS = 64, DEFAULT_TIMEOUT_MS = 60000, DEFAULT_CREDITS = 512, MAX_IO_SIZE = 8 << 20 };

struct exchange;

struct pending {
	struct list link;
	uint64_t message_id;
	uint16_t command;
	uint32_t charge;           /* 0 once an interim answer came */
	struct exchange *exchange; /* NULL: nobody waits any more */
	unsigned index;            /* which message of the exchange */
};

/* Who is to hear of the breaks of a lease. */
struct break_listener {
	struct list link;
	uint8_t key[16];
	void (*broken)(void *arg, const struct smb2_lease_break_notification *n);
	void *arg;
};

struct daxsmb_conn {
	struct tevent_context *ev;
	struct transport *transport;
	ntstatus_t dead; /* why it is lost */
	unsigned timeout_ms;
	struct tevent_timer *watch; /* armed while answers are due */
	bool overdue;

	uint16_t min_dialect, max_dialect, security_mode; /* what was offered */
	uint32_t capabilities;
	uint8_t client_guid[16];
	uint16_t dialect, server_security_mode, cipher, signing; /* what was agreed */
	uint32_t server_capabilities, max_transact, max_read, max_write;
	uint8_t server_guid[16];
	uint8_t preauth[PREAUTH_HASH_SIZE];
	struct bytes server_token; /* child of the connection */
	const char *host;

	struct client_credits credits;
	unsigned due;    /* requests without any answer */
	unsigned async;  /* requests with an interim answer only */
	uint32_t probed; /* credits that were available when an ECHO asked for more */
	struct list pending[PENDING_BUCKETS];
	struct list queue; /* exchanges that wait for credits */
	struct list sessions;

	struct list breaks; /* break_listener */
	/* Of a further channel of a session: the session's first connection, which outlives this one; else NULL. */
	struct daxsmb_conn *primary;
	/* When the connection is lost, perhaps inside another call; NULL. */
	void (*lost)(void *arg);
	void *lost_arg;
};

struct daxsmb_session {
	struct list link;
	struct daxsmb_conn *conn; /* NULL after the connection was freed first */
	uint64_t id;
	uint8_t preauth[PREAUTH_HASH_SIZE];
	bool sign, seal, guest;
	struct signer *signer;             /* NULL: no keys (guest, anonymous, log-on not finished) */
	struct sealer *seal_out, *seal_in; /* NULL: no encryption */
	struct session_keys keys;
	uint64_t nonce;
	struct list trees;
};

struct daxsmb_tree {
	struct list link;
	struct daxsmb_session *session; /* NULL after the session was freed first */
	uint32_t id;
	uint8_t type;
	bool seal;
};

struct daxsmb_conn *client_conn_new(
	TALLOC_CTX *mem, struct tevent_context *ev, const struct daxsmb_options *o);
/* transport is adopted: moved under the connection. */
void client_conn_attach(struct daxsmb_conn *c, struct transport *transport);
void client_conn_fail(struct daxsmb_conn *c, ntstatus_t why);
/* Ends every exchange of a session that goes. */
void client_conn_end_session(struct daxsmb_conn *c, const struct daxsmb_session *s);
struct daxsmb_session *client_conn_session(struct daxsmb_conn *c, uint64_t id);

/* NULL if memory is short. */
struct pending *client_pending_add(struct daxsmb_conn *c, struct exchange *x, unsigned index, uint64_t id);
struct pending *client_pending_find(struct daxsmb_conn *c, uint64_t id);

/* (Re)starts the watch for a silent server, or stops it when no answer is due. */
void client_conn_watch(struct daxsmb_conn *c);

/* A message from the transport; taken. client/receive.c */
void client_conn_message(void *arg, uint8_t *message, size_t len);

/*
 * protect.c: the transform header in front of a message. head: 52 bytes. The plain text is encrypted in
 * place.
 */
bool client_session_seal(struct daxsmb_session *s, uint8_t *head, uint8_t *plain, size_t len);
/* Decrypts a message that starts with a transform header; *out is the plain text inside it. */
bool client_conn_unseal(
	struct daxsmb_conn *c, uint8_t *message, size_t len, struct bytes *out, struct daxsmb_session **s);
bool client_session_sign(struct daxsmb_session *s, uint8_t *message, size_t len, struct bytes payload);
/* Keys of a session that has just succeeded. */
bool client_session_keyed(struct daxsmb_session *s, struct bytes session_key);

/*
 * channel.c: a further channel of a session, [MS-SMB2] 3.2.4.2.3.1, over SMB Direct. *out is a child of mem;
 * its session has the id of s, and keys of its own. o: who logs on, and the rest is as with s.
 */
struct tevent_req *client_channel_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_session *s,
	const char *host, uint16_t port, const struct daxsmb_options *o);
ntstatus_t client_channel_recv(
	struct tevent_req *req, TALLOC_CTX *mem, struct daxsmb_conn **conn, struct daxsmb_session **session);
/* As daxsmb_connect_send; sibling: the connection of the session that this one is to join; NULL. */
struct tevent_req *client_connect_send(TALLOC_CTX *mem, struct tevent_context *ev, const char *host,
	uint16_t port, const struct daxsmb_options *o, struct daxsmb_conn *sibling);
/* As daxsmb_session_setup_send; primary: the session to join; NULL. */
struct tevent_req *client_session_setup_send(TALLOC_CTX *mem, struct tevent_context *ev,
	struct daxsmb_conn *c, const struct daxsmb_options *o, const struct daxsmb_session *primary);
/* The same tree, reached by another channel of its session. */
struct daxsmb_tree *client_tree_on_channel(struct daxsmb_session *channel, const struct daxsmb_tree *t);

struct tevent_req *client_negotiate_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_conn *c);
ntstatus_t client_negotiate_recv(struct tevent_req *req);

struct tevent_req *client_validate_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t);
ntstatus_t client_validate_recv(struct tevent_req *req, const struct daxsmb_tree *t);

/* The dialects between two, ascending; how many. */
uint16_t client_dialects_between(uint16_t min, uint16_t max, uint16_t *out);

#endif
