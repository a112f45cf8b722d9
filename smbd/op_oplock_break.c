/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/log.h"
#include "smbd/grant.h"
#include "smbd/oplock.h"
#include "smbd/req.h"

/*
 * The acknowledgement of the break of an oplock or a lease, [MS-SMB2] 3.3.5.22, and the notification of it, 3.3.4.6 and
 * 3.3.4.7.
 */

enum { ACK_REQUIRED = 1 };

static void acknowledge_oplock(struct req *r, struct smb2_oplock_break *q)
{
	struct open *o = open_find(r->session, q->file_id);
	uint8_t level;

	if (!o || o->tree != r->tree || !o->node) {
		req_error(r, STATUS_FILE_CLOSED);
		return;
	}
	ntstatus_t s = node_oplock_ack(o->node, q->oplock_level, &level);
	o->oplock_level = level;
	if (!status_is_ok(s)) {
		req_error(r, s);
		return;
	}
	q->oplock_level = level;
	struct wr w = req_reply(r, 24);
	smb2_oplock_break_encode(&w, q);
	req_done(r, STATUS_SUCCESS, &w);
}

/* The lease is found by key and client, on whichever of its sessions the answer comes. */
static void acknowledge_lease(struct req *r, struct smb2_lease_break_ack *q)
{
	/* The fence comes before the word that lets others go on. */
	grants_lease_answered(r->local, r->session->client_guid, q->lease_key, q->lease_state);
	ntstatus_t s = node_lease_ack(
		r->local->server->nodes, r->session->client_guid, q->lease_key, q->lease_state);

	if (!status_is_ok(s)) {
		req_error(r, s);
		return;
	}
	grants_lease_acked(r->local, r->session->client_guid, q->lease_key, q->lease_state);
	q->flags = 0;
	q->lease_duration = 0;
	struct wr w = req_reply(r, 36);
	smb2_lease_break_ack_encode(&w, q);
	req_done(r, STATUS_SUCCESS, &w);
}

void op_oplock_break(struct req *r, struct rd *body)
{
	struct rd again = *body;
	struct smb2_oplock_break oplock;
	struct smb2_lease_break_ack lease;

	if (smb2_oplock_break_decode(body, &oplock))
		acknowledge_oplock(r, &oplock);
	else if (r->conn->dialect >= SMB2_DIALECT_0210 && smb2_lease_break_ack_decode(&again, &lease))
		acknowledge_lease(r, &lease);
	else
		req_error(r, STATUS_INVALID_PARAMETER);
}

static void encode_lease_break(struct wr *w, const struct node_break *b)
{
	struct smb2_lease_break_notification n = {
		.new_epoch = b->epoch,
		.flags = b->ack ? ACK_REQUIRED : 0,
		.current_state = b->from,
		.new_state = b->to,
	};

	memcpy(n.lease_key, b->key, sizeof(n.lease_key));
	smb2_lease_break_notification_encode(w, &n);
}

static void encode_oplock_break(struct wr *w, const struct node_break *b)
{
	struct smb2_oplock_break n = {
		.oplock_level = b->to ? SMB2_OPLOCK_LEVEL_II : SMB2_OPLOCK_LEVEL_NONE,
		.file_id = b->file_id,
	};

	smb2_oplock_break_encode(w, &n);
}

/* False: memory is short. */
static bool send_break(struct channel *ch, bool sealed, const struct node_break *b)
{
	enum { ROOM = 44 };
	struct wr w;

	if (!req_notify(ch, SMB2_OPLOCK_BREAK, sealed, &w, ROOM))
		return false;
	if (b->lease)
		encode_lease_break(&w, b);
	else
		encode_oplock_break(&w, b);
	req_notify_send(ch, sealed, &w);
	return true;
}

/* Over the first channel of s that can take it. */
static void notify_session(struct session *s, bool sealed, const struct node_break *b)
{
	LIST_FOREACH(item, &s->channels) {
		struct channel *ch = container_of(item, struct channel, session_link);
		if (ch->established && send_break(ch, sealed, b))
			return;
	}
}

/* Of all connections of the client: a lease is not a session's. */
static struct channel *oldest_channel(struct local *l, const uint8_t *client_guid)
{
	struct channel *oldest = NULL;
	uint32_t cursor = 0;
	struct session *s;

	while ((s = idtable_next(l->sessions, &cursor))) {
		if (memcmp(s->client_guid, client_guid, sizeof(s->client_guid)) != 0)
			continue;
		LIST_FOREACH(item, &s->channels) {
			struct channel *ch = container_of(item, struct channel, session_link);
			if (ch->established && (!oldest || ch->conn->started_ns < oldest->conn->started_ns))
				oldest = ch;
		}
	}
	return oldest;
}

void oplock_send_break(struct reactor *self, const struct node_break *b)
{
	struct local *l = reactor_user(self);
	struct session *s = session_find(l, b->session_id);
	struct open *o = s ? open_find(s, b->file_id) : NULL;
	bool sealed = o && (s->encrypt || o->tree->encrypt);
	struct channel *ch = b->lease && !sealed ? oldest_channel(l, b->client_guid) : NULL;

	if (o && !b->lease && !b->ack)
		o->oplock_level = SMB2_OPLOCK_LEVEL_NONE;
	if (ch)
		send_break(ch, ch->session->encrypt, b);
	else if (o)
		notify_session(s, sealed, b);
}
