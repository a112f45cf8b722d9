/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/req.h"

#include "core/log.h"

/*
 * Replies. They are written into the free room of the connection's last output buffer, so that many small ones leave
 * in one system call; a request that parks takes what it has so far into a buffer of its own.
 */

enum { PREFIX = 4, FIRST_ROOM = 1024, COMPOUND_EXTRA = 65536, SMALL_BODY = 1024 };

static size_t lead_in(const struct req *r)
{
	return PREFIX + (r->sealed ? SMB2_TRANSFORM_HEADER_SIZE : 0);
}

/* Moves the reply so far into a buffer of at least cap bytes that is r's own. */
static bool move_out(struct req *r, size_t cap)
{
	size_t have = r->end - r->start;
	/* Doubling, so that a long compound is not copied again for each of its replies. */
	struct iobuf *b = iobuf_get(r->local->pool, cap > have * 2 ? cap : have * 2);

	if (!b)
		return false;
	memcpy(b->data, r->out->data + r->start, have);
	if (!r->out_shared)
		iobuf_put(r->local->pool, r->out);
	r->element_start -= r->start;
	r->end -= r->start;
	r->room_end -= r->start < r->room_end ? r->start : r->room_end;
	r->start = 0;
	r->out = b;
	r->out_shared = false;
	return true;
}

/* Behind the replies of other requests; but for what invalidates a tag, for it leaves alone, and takes no more than it needs. */
static bool begin_frame(struct req *r, size_t need)
{
	r->out_shared = !r->invalidate;
	if (r->out_shared)
		r->out = conn_tail(r->conn, need > FIRST_ROOM ? need : FIRST_ROOM);
	else
		r->out = iobuf_get(r->local->pool, need);
	if (!r->out)
		return false;
	r->start = r->out->len;
	r->end = r->start + lead_in(r);
	return true;
}

/* Room for n more bytes behind r->end. */
static bool ensure_room(struct req *r, size_t n)
{
	if (!r->out)
		return begin_frame(r, lead_in(r) + n);
	return r->out->cap - r->end >= n || move_out(r, r->end - r->start + n);
}

/* [MS-SMB2] 3.3.4.1.2: what a reply's header says. The interim reply carries the credits of an asynchronous one. */
static struct smb2_header reply_header(struct req *r, ntstatus_t status, uint32_t next)
{
	struct smb2_header h = r->hdr;
	bool interim = status == STATUS_PENDING;

	h.flags = SMB2_FLAGS_SERVER_TO_REDIR |
		  (h.flags & (SMB2_FLAGS_RELATED_OPERATIONS | SMB2_FLAGS_PRIORITY_MASK | SMB2_FLAGS_REPLAY_OPERATION));
	h.status = status;
	h.next_command = next;
	h.session_id = r->session_id;
	h.tree_id = r->tree_id;
	memset(h.signature, 0, sizeof(h.signature));
	h.credits = 0;
	if (interim || !r->async_id)
		h.credits = credits_grant(&r->conn->credits, r->hdr.credits, r->hdr.credit_charge);
	if (r->async_id) {
		h.flags |= SMB2_FLAGS_ASYNC_COMMAND;
		h.async_id = r->async_id;
	}
	return h;
}

static bool must_sign(const struct req *r)
{
	if (r->sealed)
		return false;
	return r->reply_signer || (r->channel && r->channel->signer &&
					  (r->signed_request || (r->session && r->session->signing_required)));
}

static void sign(struct req *r, uint8_t *element, size_t len)
{
	struct signer *signer = r->reply_signer ? r->reply_signer : r->channel->signer;
	struct iovec iov = {element, len};

	if (!signer_sign(signer, &iov, 1, true, element + SMB2_SIGNATURE_OFFSET))
		r->disconnect = "signing failed";
}

bool req_has_room(const struct req *r, size_t body)
{
	const struct server *s = r->local->server;
	size_t most = (s->max_read > s->max_transact ? s->max_read : s->max_transact) + COMPOUND_EXTRA;

	return !r->out || body <= SMALL_BODY || r->end - r->start + body <= most;
}

struct wr req_reply(struct req *r, size_t body)
{
	struct wr w = {.bad = true};

	if (!req_has_room(r, body)) {
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return w;
	}
	/* The next element's start is aligned to 8 bytes. */
	if (!ensure_room(r, SMB2_HEADER_SIZE + body + 8)) {
		r->disconnect = "out of memory";
		r->completed = true;
		return w;
	}
	r->element_start = r->end;
	r->room_end = r->end + SMB2_HEADER_SIZE + body + 8;
	w = wr_over(r->out->data + r->element_start, r->out->cap - r->element_start);
	w.pos = SMB2_HEADER_SIZE;
	return w;
}

/* Whether no reply follows in the frame: CANCEL has none, [MS-SMB2] 3.3.5.16. */
static bool is_last_reply(const struct req *r)
{
	struct smb2_header h = {.command = SMB2_CANCEL};

	for (size_t at = r->next; at < r->frame.len && h.command == SMB2_CANCEL;) {
		struct rd rd = rd_over(BYTES(r->frame.data + at, r->frame.len - at));
		if (!smb2_header_decode(&rd, &h))
			return false;
		at = h.next_command ? at + h.next_command : r->frame.len;
	}
	return h.command == SMB2_CANCEL;
}

static void complete(struct req *r, ntstatus_t status, size_t len)
{
	bool last = r->invalidate || is_last_reply(r);
	size_t pad = last ? 0 : (8 - len % 8) % 8;
	uint8_t *element = req_reply_base(r);
	struct wr w = wr_over(element, SMB2_HEADER_SIZE);

	memset(element + len, 0, pad);
	struct smb2_header h = reply_header(r, status, last ? 0 : (uint32_t)(len + pad));
	log_debug(smb, "%s -> %s", r->op ? r->op->name : "?", status_name(status));
	/* 3.3.4.2: an interim reply is not signed; under GMAC its nonce would be that of the final one. */
	bool is_signed = must_sign(r) && status != STATUS_PENDING;
	if (is_signed)
		h.flags |= SMB2_FLAGS_SIGNED;
	smb2_header_encode(&w, &h);
	if (is_signed)
		sign(r, element, len + pad);
	if (r->hash_reply)
		preauth_update(r->hash_reply, BYTES(element, len));
	r->hash_reply = NULL;
	r->end = r->element_start + len + pad;
	if (r->hdr.command == SMB2_CREATE)
		r->chain_status = status;
	r->completed = true;
	r->cancel = NULL;
	TALLOC_FREE(r->pend_timer);
}

void req_done(struct req *r, ntstatus_t status, struct wr *w)
{
	if (r->completed)
		return; /* req_reply has ended it already */
	if (w->bad) {
		req_error(r, STATUS_INTERNAL_ERROR);
		return;
	}
	complete(r, status, w->pos);
}

void req_done_empty(struct req *r)
{
	struct wr w = req_reply(r, 4);

	smb2_empty_encode(&w, &(struct smb2_empty){0});
	req_done(r, STATUS_SUCCESS, &w);
}

void req_error_data(struct req *r, ntstatus_t status, struct bytes data)
{
	/* r->end is where the element starts: an abandoned body is overwritten. */
	struct wr w = req_reply(r, 9 + data.len);

	if (r->disconnect)
		return;
	smb2_error_rsp_encode(&w, &(struct smb2_error_rsp){.error_data = data});
	if (w.bad)
		r->disconnect = "a reply did not fit";
	complete(r, status, w.pos);
}

void req_error(struct req *r, ntstatus_t status)
{
	req_error_data(r, status, BYTES(NULL, 0));
}

bool req_can_send_file(const struct req *r)
{
	return r->conn->ops == &conn_tcp && !r->sealed && !must_sign(r) && r->next >= r->frame.len;
}

void req_done_file(struct req *r, struct wr *w, struct vfs_file *file, uint64_t offset, size_t len)
{
	r->out->file = vfs_file_ref(file);
	r->out->file_offset = offset;
	r->out->piece_len = len;
	req_done(r, STATUS_SUCCESS, w);
}

void req_done_window(struct req *r, struct wr *w, struct vfs_window *window)
{
	r->out->window = *window;
	r->out->piece_len = window->len;
	*window = (struct vfs_window){0};
	req_done(r, STATUS_SUCCESS, w);
}

static bool seal(struct req *r)
{
	struct session *s = session_find(r->local, r->sealed_for);

	return s && frame_seal(s, r->out->data + r->start + PREFIX, r->end - r->start - lead_in(r));
}

/* Seals, and writes the length in front; what r->out holds may then leave. False: its session is gone. */
static bool close_frame(struct req *r)
{
	if (r->sealed && !seal(r))
		return false;
	size_t len = r->end - r->start - PREFIX + r->out->piece_len;
	struct wr w = wr_over(r->out->data + r->start, PREFIX);
	wr_u32_be(&w, len);
	r->out->len = r->end;
	r->out->invalidate = r->invalidate;
	r->out->tag = r->invalidate_tag;
	r->conn->out_bytes += PREFIX + len;
	return true;
}

/* For code under which the connection must not end: should the send fail, the event loop will notice. */
static void queue_quietly(struct conn *c, struct iobuf *b)
{
	bool in_batch = c->in_batch;

	c->in_batch = true;
	conn_queue(c, b);
	c->in_batch = in_batch;
	if (!in_batch)
		conn_flush_soon(c);
}

void req_part_leaves(struct req *r)
{
	if (close_frame(r))
		queue_quietly(r->conn, r->out);
	else if (!r->out_shared)
		iobuf_put(r->local->pool, r->out);
	r->out = NULL;
	r->out_shared = r->invalidate = false;
}

/* All elements are complete: the replies leave, r is freed. */
void req_finish(struct req *r)
{
	struct conn *c = r->conn;
	struct iobuf *out = r->out;
	uint64_t end_session = r->end_session;
	struct local *l = r->local;

	/* What was asked under a key that is gone cannot be answered. */
	if (out && !close_frame(r)) {
		if (r->out_shared)
			r->out = NULL;
		talloc_free(r);
		conn_settle(c);
		return;
	}
	r->out = NULL;
	talloc_free(r);
	if (end_session && session_find(l, end_session))
		session_free(session_find(l, end_session));
	if (out)
		conn_queue(c, out);
	else
		conn_settle(c);
}

void req_end_session(struct req *r, struct channel *ch)
{
	ch->established = false;
	if (r->sealed)
		r->end_session = ch->session->id;
	else
		session_free(ch->session);
	r->channel = NULL;
	r->session = NULL;
	r->tree = NULL;
	r->open = NULL;
}

/* ---- parking ---- */

/*
 * 3.3.4.2: the interim reply is the last element of the compound, so that what is complete reaches the client now; the
 * final reply will be a frame of its own.
 */
static bool move_complete_elements(struct req *r, struct req *interim)
{
	size_t have = r->out ? r->end - r->start - lead_in(r) : 0;

	if (!have)
		return true;
	if (!ensure_room(interim, have + SMB2_HEADER_SIZE + SMALL_BODY))
		return false;
	memcpy(interim->out->data + interim->end, r->out->data + r->start + lead_in(r), have);
	interim->end += have;
	r->start = r->end - lead_in(r);
	r->out->sent = r->start; /* the buffer is r's own: what lies before has left it */
	return true;
}

static void send_interim(struct req *r)
{
	struct req interim = *r;

	r->async_id = interim.async_id = r->conn->next_async_id++;
	interim.out = NULL;
	interim.out_shared = false;
	interim.next = interim.frame.len;
	interim.hash_reply = NULL;
	interim.pend_timer = NULL;
	interim.invalidate = false;
	if (!move_complete_elements(r, &interim))
		return;
	struct wr w = req_reply(&interim, 9);
	if (interim.disconnect)
		return;
	smb2_error_rsp_encode(&w, &(struct smb2_error_rsp){0});
	complete(&interim, STATUS_PENDING, w.pos);
	if (close_frame(&interim))
		queue_quietly(r->conn, interim.out);
}

bool req_detach_reply(struct req *r)
{
	if (!r->out_shared)
		return true;
	/* the current element's room goes along: it may be written to from a worker */
	if (!move_out(r, r->room_end - r->start))
		return false;
	r->held += r->out->cap;
	r->conn->held_bytes += r->out->cap;
	return true;
}

static void pend_timeout(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *priv)
{
	struct req *r = priv;

	r->pend_timer = NULL;
	if (!r->async_id && r->conn && req_find_again(r))
		send_interim(r);
}

void req_pend_later(struct req *r)
{
	enum { SLOW_US = 500000 };

	if (!r->async_id && !r->pend_timer)
		r->pend_timer = tevent_add_timer(
			r->local->ev, r, tevent_timeval_current_ofs(0, SLOW_US), pend_timeout, r);
}

bool req_park(struct req *r, void (*cancel)(struct req *))
{
	if (!req_keep_frame(r) || !req_detach_reply(r))
		return false;
	r->cancel = cancel;
	return true;
}

bool req_pend(struct req *r, void (*cancel)(struct req *))
{
	/* [MS-SMB2] 3.3.4.2: only the last request of a compound may be answered asynchronously. */
	if (r->next < r->frame.len || !req_park(r, cancel))
		return false;
	if (!r->async_id)
		send_interim(r);
	return true;
}

struct ending {
	struct message m;
	uint64_t conn_id, message_id;
	ntstatus_t status;
};

static void deliver_ending(struct reactor *self, struct message *m)
{
	struct ending *e = container_of(m, struct ending, m);
	struct local *l = reactor_user(self);
	struct conn *c = idtable_get(l->conns, e->conn_id);
	struct req *r = c ? req_find(c, e->message_id) : NULL;

	if (r) {
		req_enter(r);
		req_error(r, e->status);
		req_leave(r);
	}
	talloc_free(e);
}

void req_end_later(struct req *r, ntstatus_t status)
{
	struct ending *e = talloc_zero(NULL, struct ending);

	if (!e)
		return; /* it stays parked until its connection ends */
	*e = (struct ending){.m.deliver = deliver_ending, .conn_id = r->conn->id, .message_id = r->hdr.message_id,
		.status = status};
	r->cancel = NULL; /* nobody else ends it now */
	reactor_post(r->local->reactor, &e->m);
}

struct req *req_find(struct conn *c, uint64_t message_id)
{
	LIST_FOREACH(item, &c->requests) {
		struct req *r = container_of(item, struct req, link);
		if (r->hdr.message_id == message_id && !r->running)
			return r;
	}
	return NULL;
}

bool req_cancel(struct conn *c, const struct smb2_header *h)
{
	LIST_FOREACH(item, &c->requests) {
		struct req *r = container_of(item, struct req, link);
		bool match = h->flags & SMB2_FLAGS_ASYNC_COMMAND ? r->async_id == h->async_id && h->async_id
								  : r->hdr.message_id == h->message_id;
		if (match && r->session_id == h->session_id && !r->running && r->cancel) {
			r->cancel(r);
			return true;
		}
	}
	return false;
}
