/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/exchange.h"
#include "client/req.h"

struct part {
	struct pending *pending; /* NULL: not sent, or answered */
	uint64_t async_id;       /* 0: no interim answer */
	struct smb2_header header;
	struct bytes message; /* the answer */
};

struct exchange {
	struct list link; /* in the queue, while it waits for credits */
	struct tevent_req *req;
	struct daxsmb_conn *conn; /* NULL: ended */
	struct exchange_params p;
	struct part part[EXCHANGE_MAX];
	unsigned answers;
	bool sent;
	struct frame *frame; /* not yet sent whole */
};

struct exchange_params exchange_on_tree(struct daxsmb_tree *t)
{
	if (!t->session)
		return (struct exchange_params){0};
	return (struct exchange_params){
		.conn = t->session->conn, .session = t->session, .tree_id = t->id, .seal = t->seal};
}

struct wr *exchange_add(
	TALLOC_CTX *mem, struct exchange_params *p, uint16_t command, uint16_t charge, size_t room)
{
	struct outgoing *o = &p->out[p->count++];
	size_t size = SMB2_HEADER_SIZE + room;
	uint8_t *buf = talloc_size(mem, size);

	*o = (struct outgoing){.command = command, .charge = charge, .w = wr_over(buf, buf ? size : 0)};
	wr_zero(&o->w, SMB2_HEADER_SIZE);
	return &o->w;
}

/* The exchange is over for everybody but its caller: nothing of the connection points to it any more. */
static void exchange_detach(struct exchange *x)
{
	if (x->p.buffer)
		rdma_buffer_end(x->p.buffer);
	if (!x->conn)
		return;
	list_remove(&x->link);
	for (unsigned i = 0; i < x->p.count; i++) {
		if (x->part[i].pending)
			x->part[i].pending->exchange = NULL;
		x->part[i].pending = NULL;
	}
	if (x->frame) {
		/* The payload's owner may go now, the bytes are still to be sent. */
		x->frame->ref = NULL;
		if (!client_frame_keep_payload(x->frame))
			x->frame->payload.len = 0; /* the stream breaks, the server closes it */
		x->frame = NULL;
	}
	x->conn = NULL;
}

static int exchange_destructor(struct exchange *x)
{
	exchange_detach(x);
	return 0;
}

void exchange_fail(struct exchange *x, ntstatus_t why)
{
	exchange_detach(x);
	tevent_req_error(x->req, why);
}

static bool exchange_seals(const struct exchange *x)
{
	struct daxsmb_session *s = x->p.session;

	return s && s->seal_out && (s->seal || x->p.seal);
}

static bool exchange_signs(const struct exchange *x)
{
	struct daxsmb_session *s = x->p.session;

	return s && s->signer && !exchange_seals(x) && (s->sign || x->p.always_sign);
}

static uint32_t exchange_charge(const struct exchange *x)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < x->p.count; i++)
		sum += x->p.out[i].charge;
	return sum;
}

/* Bytes that message i takes in the frame, padding included. */
static size_t part_size(const struct exchange *x, unsigned i)
{
	size_t len = x->p.out[i].w.pos;

	return i + 1 < x->p.count ? (len + 7) & ~(size_t)7 : len;
}

static void part_header(struct exchange *x, unsigned i, uint64_t id, struct wr *w)
{
	struct daxsmb_conn *c = x->conn;
	const struct outgoing *o = &x->p.out[i];
	struct smb2_header h = {
		.command = o->command,
		.credit_charge = c->dialect >= SMB2_DIALECT_0210 ? o->charge : 0,
		.credits = i == 0 ? client_credits_ask(&c->credits, o->charge) : o->charge,
		.flags =
			(i ? SMB2_FLAGS_RELATED_OPERATIONS : 0) | (exchange_signs(x) ? SMB2_FLAGS_SIGNED : 0),
		.next_command = i + 1 < x->p.count ? (uint32_t)part_size(x, i) : 0,
		.message_id = id,
		.process_id = 0xFEFF,
		.tree_id = x->p.tree_id,
		.session_id = x->p.session ? x->p.session->id : 0,
	};

	smb2_header_encode(w, &h);
}

/* Puts message i at `to` and makes its id pending. */
static bool part_emit(struct exchange *x, unsigned i, uint8_t *to, size_t size, struct bytes payload)
{
	struct daxsmb_conn *c = x->conn;
	const struct outgoing *o = &x->p.out[i];
	struct wr w = wr_over(to, SMB2_HEADER_SIZE);
	uint64_t id;

	memcpy(to, o->w.base, o->w.pos);
	if (!client_credits_take(&c->credits, o->charge, &id))
		return false;
	part_header(x, i, id, &w);
	if (exchange_signs(x) && !client_session_sign(x->p.session, to, size, payload))
		return false;
	x->part[i].pending = client_pending_add(c, x, i, id);
	if (!x->part[i].pending)
		return false;
	x->part[i].pending->command = o->command;
	x->part[i].pending->charge = o->charge;
	c->due++;
	return true;
}

/* The frame with all messages in it; NULL if memory is short or a key does not work. */
static struct frame *exchange_frame(struct exchange *x)
{
	bool seal = exchange_seals(x);
	size_t at = seal ? SMB2_TRANSFORM_HEADER_SIZE : 0, total = at;
	struct frame *f;

	for (unsigned i = 0; i < x->p.count; i++)
		total += part_size(x, i);
	f = client_frame_new(x->conn, total + (seal ? x->p.payload.len : 0));
	if (!f)
		return NULL;
	for (unsigned i = 0; i < x->p.count; i++) {
		size_t size = part_size(x, i);
		bool last = i + 1 == x->p.count;

		if (!part_emit(x, i, f->head + at, size, last ? x->p.payload : BYTES(NULL, 0)))
			goto fail;
		at += size;
	}
	if (!seal) {
		f->payload = x->p.payload;
		return f;
	}
	if (x->p.payload.len)
		memcpy(f->head + at, x->p.payload.data, x->p.payload.len);
	at = SMB2_TRANSFORM_HEADER_SIZE;
	if (client_session_seal(x->p.session, f->head, f->head + at, f->head_len - at))
		return f;
fail:
	talloc_free(f);
	return NULL;
}

static void exchange_transmit(struct exchange *x)
{
	struct daxsmb_conn *c = x->conn;
	struct frame *f;

	list_remove(&x->link);
	x->sent = true;
	f = exchange_frame(x);
	if (!f) {
		client_conn_fail(c, STATUS_NO_MEMORY);
		if (x->conn)
			exchange_fail(x, STATUS_NO_MEMORY);
		return;
	}
	if (x->p.preauth)
		preauth_update(x->p.preauth, BYTES(f->head, f->head_len));
	f->ref = &x->frame;
	x->frame = f;
	c->transport->ops->send(c->transport, f);
}

static struct exchange *exchange_new(TALLOC_CTX *mem, struct tevent_context *ev, struct exchange_params *p)
{
	struct exchange *x;
	struct tevent_req *req = tevent_req_create(mem, &x, struct exchange);

	if (!req) {
		talloc_free(p->buffer);
		return NULL;
	}
	x->req = req;
	x->p = *p;
	list_init(&x->link);
	tevent_req_defer_callback(req, ev);
	talloc_set_destructor(x, exchange_destructor);
	talloc_steal(x, p->buffer);
	for (unsigned i = 0; i < p->count; i++) {
		talloc_steal(x, p->out[i].w.base);
		if (p->out[i].w.bad && tevent_req_is_in_progress(req))
			tevent_req_error(req, p->out[i].w.base ? STATUS_INVALID_PARAMETER : STATUS_NO_MEMORY);
	}
	return x;
}

static void exchange_echo_done(struct tevent_req *req)
{
	talloc_free(req);
}

/* Asks for credits with an ECHO, which one credit pays. */
static bool exchange_echo(struct daxsmb_conn *c)
{
	struct exchange_params p = {.conn = c, .session = NULL};
	struct exchange *x;

	if (!list_empty(&c->sessions))
		p.session = container_of(c->sessions.next, struct daxsmb_session, link);
	smb2_empty_encode(exchange_add(c, &p, SMB2_ECHO, 1, 4), &(struct smb2_empty){0});
	x = exchange_new(c, c->ev, &p);
	if (!x)
		return false;
	x->conn = c;
	tevent_req_set_callback(x->req, exchange_echo_done, NULL);
	exchange_transmit(x);
	return true;
}

/*
 * Nothing is under way that could bring credits, and the first in the queue wants more than there are: ask
 * once, then give it up. True if the queue has moved.
 */
static bool exchange_unstick(struct daxsmb_conn *c, struct exchange *x)
{
	if (c->due || c->async)
		return false;
	if (c->credits.available > c->probed) {
		c->probed = c->credits.available;
		if (exchange_echo(c))
			return false;
	}
	c->probed = 0;
	exchange_fail(x, STATUS_INSUFF_SERVER_RESOURCES);
	return true;
}

void exchange_pump(struct daxsmb_conn *c)
{
	while (!c->dead && !list_empty(&c->queue)) {
		struct exchange *x = exchange_from_link(c->queue.next);

		if (exchange_charge(x) <= c->credits.available) {
			c->probed = 0;
			exchange_transmit(x);
		} else if (!exchange_unstick(c, x)) {
			return;
		}
	}
}

/* One CANCEL for each message without an answer, [MS-SMB2] 3.2.4.24: the same id, no credit. */
static void exchange_cancel_part(struct exchange *x, const struct part *part)
{
	bool seal = exchange_seals(x);
	size_t at = seal ? SMB2_TRANSFORM_HEADER_SIZE : 0;
	struct frame *f = client_frame_new(x->conn, at + SMB2_HEADER_SIZE + 4);
	struct smb2_header h = {
		.command = SMB2_CANCEL,
		.flags = (part->async_id ? SMB2_FLAGS_ASYNC_COMMAND : 0) |
			 (exchange_signs(x) ? SMB2_FLAGS_SIGNED : 0),
		.message_id = part->pending->message_id,
		.async_id = part->async_id,
		.tree_id = x->p.tree_id,
		.session_id = x->p.session ? x->p.session->id : 0,
	};
	struct wr w;
	bool ok = true;

	if (!f)
		return;
	w = wr_over(f->head + at, SMB2_HEADER_SIZE + 4);
	smb2_header_encode(&w, &h);
	smb2_empty_encode(&w, &(struct smb2_empty){0});
	if (seal)
		ok = client_session_seal(x->p.session, f->head, f->head + at, w.pos);
	else if (exchange_signs(x))
		ok = client_session_sign(x->p.session, f->head, w.pos, BYTES(NULL, 0));
	if (ok)
		x->conn->transport->ops->send(x->conn->transport, f);
	else
		talloc_free(f);
}

static bool exchange_cancel(struct tevent_req *req)
{
	struct exchange *x = tevent_req_data(req, struct exchange);

	if (!x->conn)
		return false;
	if (!x->sent) {
		exchange_fail(x, STATUS_CANCELLED);
		return true;
	}
	for (unsigned i = 0; i < x->p.count; i++)
		if (x->part[i].pending)
			exchange_cancel_part(x, &x->part[i]);
	return true;
}

/* The longest frame that the exchange may need. */
static size_t exchange_size(const struct exchange *x)
{
	size_t size = SMB2_TRANSFORM_HEADER_SIZE + x->p.payload.len;

	for (unsigned i = 0; i < x->p.count; i++)
		size += part_size(x, i);
	return size;
}

struct tevent_req *exchange_send(TALLOC_CTX *mem, struct tevent_context *ev, struct exchange_params *p)
{
	struct exchange *x = exchange_new(mem, ev, p);
	struct daxsmb_conn *c = p->conn;

	if (!x)
		return NULL;
	if (!tevent_req_is_in_progress(x->req)) {
		exchange_detach(x);
		return x->req;
	}
	if (!c || c->dead) {
		exchange_fail(x, c ? c->dead : (ntstatus_t)STATUS_CONNECTION_DISCONNECTED);
		return x->req;
	}
	if (exchange_size(x) > c->transport->max_send) {
		exchange_fail(x, STATUS_INVALID_BUFFER_SIZE);
		return x->req;
	}
	x->conn = c;
	tevent_req_set_cancel_fn(x->req, exchange_cancel);
	list_append(&c->queue, &x->link);
	exchange_pump(c);
	client_conn_watch(c);
	return x->req;
}

struct list *exchange_link(struct exchange *x)
{
	return &x->link;
}

struct exchange *exchange_from_link(struct list *link)
{
	return container_of(link, struct exchange, link);
}

struct daxsmb_session *exchange_session(const struct exchange *x)
{
	return x->p.session;
}

bool exchange_wants_seal(const struct exchange *x)
{
	return exchange_seals(x);
}

bool exchange_wants_signature(const struct exchange *x)
{
	return exchange_signs(x);
}

bool exchange_checks_itself(const struct exchange *x)
{
	return x->p.checks_itself;
}

void exchange_interim(struct exchange *x, unsigned index, uint64_t async_id)
{
	x->part[index].async_id = async_id;
}

void exchange_deliver(struct exchange *x, unsigned index, uint8_t *owner, struct bytes message)
{
	struct part *part = &x->part[index];
	struct rd r;

	if (owner)
		talloc_steal(x, owner);
	else
		message.data = talloc_memdup(x, message.data, message.len);
	part->pending->exchange = NULL;
	part->pending = NULL;
	if (!message.data) {
		exchange_fail(x, STATUS_NO_MEMORY);
		return;
	}
	part->message = message;
	r = rd_over(message);
	(void)smb2_header_decode(&r, &part->header);
	if (++x->answers < x->p.count)
		return;
	exchange_detach(x);
	tevent_req_done(x->req);
}

ntstatus_t exchange_answer(struct tevent_req *req, unsigned i, struct rd *body, struct smb2_header *h)
{
	struct exchange *x = tevent_req_data(req, struct exchange);
	ntstatus_t status = req_status(req);

	if (!status_is_ok(status))
		return status;
	if (body) {
		*body = rd_over(x->part[i].message);
		rd_seek(body, SMB2_HEADER_SIZE);
	}
	if (h)
		*h = x->part[i].header;
	return x->part[i].header.status;
}

struct bytes exchange_placed(struct tevent_req *req)
{
	struct exchange *x = tevent_req_data(req, struct exchange);
	const struct rdma_buffer *b = x->p.buffer;

	return b ? BYTES(b->target.base, b->target.bytes_placed) : BYTES(NULL, 0);
}

struct bytes exchange_answer_bytes(struct tevent_req *req, unsigned i)
{
	struct exchange *x = tevent_req_data(req, struct exchange);

	return x->part[i].message;
}
