/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/iwarp_conn.h"

#include "core/fault.h"

#include <errno.h>
#include <stdio.h>

/* A segment that is being looked at, for the Terminate that it may deserve. */
struct segment {
	struct ddp_header h;
	uint8_t *payload;
	size_t len;
	struct bytes all;
};

static bool refuse(struct iwarp *w, unsigned error, const struct segment *s)
{
	return iwarp_terminate(w, error, s->all, s->all.len);
}

/* ---- tagged: Write, Read Response ---- */

static const uint16_t ddp_error[] = {
	[STAG_INVALID] = ERR_DDP_STAG,
	[STAG_BOUNDS] = ERR_DDP_BOUNDS,
	[STAG_RIGHTS] = ERR_RDMAP_RIGHTS, /* DDP knows none */
	[STAG_WRAP] = ERR_DDP_WRAP,
};
static const uint16_t rdmap_error[] = {
	[STAG_INVALID] = ERR_RDMAP_STAG,
	[STAG_BOUNDS] = ERR_RDMAP_BOUNDS,
	[STAG_RIGHTS] = ERR_RDMAP_RIGHTS,
	[STAG_WRAP] = ERR_RDMAP_WRAP,
};

static unsigned open_target(struct iwarp *w, const struct ddp_header *h, size_t len, struct iwarp_sink *out)
{
	struct rdma_target *t;
	enum stag_access a = stags_access(&w->stags, h->tag, RDMA_REMOTE_WRITE, h->offset, len, &t);

	if (a != STAG_OK)
		return ddp_error[a];
	out->target = t;
	out->iov = (struct iovec){t->base + h->offset, len};
	out->at = iov_start(&out->iov, 1);
	out->shared = t->shared;
	return 0;
}

/* The answers come in the order of our requests, each in order: RFC 5040 section 5.5. */
static unsigned open_read(struct iwarp *w, const struct ddp_header *h, size_t len, struct iwarp_sink *out)
{
	if (list_empty(&w->tx.reading))
		return ERR_RDMAP_OPCODE;
	struct rdma_work *work = container_of(w->tx.reading.next, struct rdma_work, link);
	if (h->tag != work->private_tag)
		return ERR_DDP_STAG;
	if (h->offset != work->progress || len > work->length - work->progress ||
		h->last != (len == work->length - work->progress))
		return ERR_DDP_BOUNDS;
	if (work->progress == 0)
		w->rx.read_at = iov_start(work->iov, work->n);
	out->read = work;
	out->at = w->rx.read_at;
	out->shared = work->flags & RDMA_SHARED;
	return 0;
}

unsigned iwarp_sink_open(struct iwarp *w, const struct ddp_header *h, size_t len, struct iwarp_sink *out)
{
	*out = (struct iwarp_sink){0};
	if (h->ddp_version != DDP_VERSION)
		return ERR_DDP_TAGGED_VERSION;
	if (h->rdmap_version != RDMAP_VERSION)
		return ERR_RDMAP_VERSION;
	if (h->opcode == RDMAP_READ_RESPONSE)
		return open_read(w, h, len, out);
	if (h->opcode != RDMAP_WRITE)
		return ERR_RDMAP_OPCODE;
	/* RFC 5041 section 5.1: the tag of a segment without payload is not looked at. */
	return len ? open_target(w, h, len, out) : 0;
}

void iwarp_sink_put(struct iwarp_sink *s, const uint8_t *p, size_t n)
{
	uint8_t *to;

	while (n && !s->faulted) {
		size_t len = iov_next(&s->at, n, &to);
		if (!len)
			return;
		s->faulted = fault_copy(to, p, len) < 0;
		p += len;
		n -= len;
	}
}

bool iwarp_target_faulted(struct iwarp *w, struct rdma_target *t, struct bytes segment, size_t segment_length)
{
	iwarp_terminate(w, ERR_RDMAP_LOCAL, segment, segment_length);
	if (t->faulted)
		t->faulted(t);
	return false;
}

static bool placed(struct iwarp *w, struct rdma_target *t, size_t offset, size_t len, struct bytes segment,
	size_t segment_length)
{
	struct turn *turn = w->turn;

	t->bytes_placed += len;
	w->facts.bytes_placed += len;
	if (t->settle && !t->unsettled) {
		t->unsettled = true;
		list_append(&w->unsettled, &t->settle_link);
	}
	if (t->placed && !t->placed(t, offset, len))
		return iwarp_target_faulted(w, t, segment, segment_length);
	return !turn->gone && w->state == IWARP_OPEN;
}

static bool fetched(struct iwarp *w, const struct ddp_header *h, struct iwarp_sink *s, size_t len)
{
	struct rdma_work *work = s->read;

	work->progress += len;
	w->facts.bytes_fetched += len;
	if (s->faulted)
		work->result = -EIO;
	w->rx.read_at = s->at;
	if (s->faulted) { /* and has not moved on */
		w->rx.read_at = iov_start(work->iov, work->n);
		iov_skip(&w->rx.read_at, work->progress);
	}
	if (h->last) {
		w->tx.reads--;
		iwarp_finish(w, work, work->result);
	}
	return true;
}

bool iwarp_sink_close(struct iwarp *w, const struct ddp_header *h, struct iwarp_sink *s, size_t len,
	struct bytes segment, size_t segment_length)
{
	if (s->read)
		return fetched(w, h, s, len);
	if (s->target && s->faulted)
		return iwarp_target_faulted(w, s->target, segment, segment_length);
	return s->target ? placed(w, s->target, h->offset, len, segment, segment_length) : true;
}

static bool tagged(struct iwarp *w, struct segment *s)
{
	struct iwarp_sink sink;
	unsigned error = iwarp_sink_open(w, &s->h, s->len, &sink);

	if (error)
		return refuse(w, error, s);
	iwarp_sink_put(&sink, s->payload, s->len);
	return iwarp_sink_close(w, &s->h, &sink, s->len, s->all, s->all.len);
}

/* ---- untagged ---- */

/* RFC 5040 section 6.3: it stops being valid before the message is delivered. */
static bool invalidate(struct iwarp *w, const struct segment *s)
{
	struct turn *turn = w->turn;
	struct rdma_target *t = stags_find(&w->stags, s->h.tag);

	if (!t)
		return refuse(w, ERR_RDMAP_CANNOT_INVALIDATE, s);
	iwarp_forget(w, t);
	iwarp_cut_short(w, t);
	if (w->state != IWARP_OPEN)
		return false;
	if (t->invalidated)
		t->invalidated(t);
	return !turn->gone && w->state == IWARP_OPEN;
}

static bool deliver_message(struct iwarp *w, const struct segment *s, uint8_t *message, size_t len)
{
	struct turn *turn = w->turn;
	const struct rdmap_kind *kind = &rdmap_kinds[s->h.opcode];

	w->rx.message_len = 0;
	w->rx.msn[DDP_QUEUE_SEND]++;
	w->facts.sends_in++;
	/* What was completed before it is said before it. */
	if (!iwarp_deliver(w) || (kind->invalidates && !invalidate(w, s)))
		return false;
	w->p.handlers.received(w->p.arg, message, len, kind->solicited);
	return !turn->gone && w->state == IWARP_OPEN;
}

static bool send_segment(struct iwarp *w, const struct segment *s)
{
	struct iwarp_rx *x = &w->rx;

	if (s->h.mo != x->message_len)
		return refuse(w, ERR_DDP_MO, s);
	if (s->len > w->p.receive_size - x->message_len)
		return refuse(w, ERR_DDP_TOO_LONG, s);
	if (s->h.last && !x->message_len)
		return deliver_message(w, s, s->payload, s->len);
	if (!x->message)
		x->message = talloc_size(w, w->p.receive_size);
	if (!x->message)
		return iwarp_end(w, strerror(ENOMEM));
	if (s->len)
		memcpy(x->message + x->message_len, s->payload, s->len);
	x->message_len += s->len;
	return s->h.last ? deliver_message(w, s, x->message, x->message_len) : true;
}

static bool read_request(struct iwarp *w, const struct segment *s)
{
	struct rdmap_read_request q;
	struct rd r = rd_over(BYTES(s->payload, s->len));
	struct rdma_target *t = NULL;

	if (s->h.mo != 0)
		return refuse(w, ERR_DDP_MO, s);
	if (s->len > RDMAP_READ_REQUEST_SIZE)
		return refuse(w, ERR_DDP_TOO_LONG, s);
	if (!rdmap_read_request_decode(&r, &q) || !s->h.last)
		return refuse(w, ERR_RDMAP_UNSPECIFIED, s);
	if (q.size) {
		enum stag_access a =
			stags_access(&w->stags, q.source_tag, RDMA_REMOTE_READ, q.source_offset, q.size, &t);
		if (a != STAG_OK)
			return refuse(w, rdmap_error[a], s);
	}
	if (!iwarp_add_response(w, &q, s->h.msn, t))
		return refuse(w, ERR_DDP_NO_BUFFER, s);
	w->rx.msn[DDP_QUEUE_READ]++;
	return true;
}

static bool terminate(struct iwarp *w, const struct segment *s)
{
	struct rd r = rd_over(BYTES(s->payload, s->len));
	unsigned error;

	if (!rdmap_terminate_decode(&r, &error))
		return iwarp_end(w, "terminated by the peer");
	snprintf(w->why, sizeof(w->why), "terminated by the peer: %s", rdmap_error_text(error));
	return iwarp_end(w, w->why);
}

static bool untagged(struct iwarp *w, struct segment *s)
{
	if (s->h.queue >= DDP_QUEUES)
		return refuse(w, ERR_DDP_QUEUE, s);
	if (s->h.msn != w->rx.msn[s->h.queue])
		return refuse(w, ERR_DDP_MSN, s);
	if (rdmap_kinds[s->h.opcode].queue != s->h.queue)
		return refuse(w, ERR_RDMAP_OPCODE, s);
	if (s->h.queue == DDP_QUEUE_SEND)
		return send_segment(w, s);
	return s->h.queue == DDP_QUEUE_READ ? read_request(w, s) : terminate(w, s);
}

static unsigned version_error(const struct ddp_header *h)
{
	if (h->ddp_version != DDP_VERSION)
		return h->tagged ? ERR_DDP_TAGGED_VERSION : ERR_DDP_UNTAGGED_VERSION;
	if (h->rdmap_version != RDMAP_VERSION)
		return ERR_RDMAP_VERSION;
	if (h->opcode >= RDMAP_OPCODES || rdmap_kinds[h->opcode].tagged != h->tagged)
		return ERR_RDMAP_OPCODE;
	return 0;
}

bool iwarp_fpdu(struct iwarp *w, uint8_t *segment, size_t length)
{
	struct segment s = {.all = BYTES(segment, length)};
	struct rd r = rd_over(s.all);

	w->may_send = true;
	if (length == 0)
		return true; /* RFC 6581 section 9: says "ready to receive", and nothing else */
	if (!ddp_decode(&r, &s.h))
		return refuse(w, ERR_MPA_LENGTH, &s);
	unsigned error = version_error(&s.h);
	if (error)
		return refuse(w, error, &s);
	s.payload = segment + r.pos;
	s.len = length - r.pos;
	return s.h.tagged ? tagged(w, &s) : untagged(w, &s);
}

void iwarp_cut_short(struct iwarp *w, const struct rdma_target *t)
{
	struct iwarp_rx *x = &w->rx;
	struct iwarp_response *q;

	if (x->direct && x->sink.target == t) {
		iwarp_terminate(w, ERR_DDP_STAG, BYTES(x->segment, DDP_TAGGED_SIZE), x->segment_length);
	} else if (iwarp_answers_from(w, t, &q)) {
		uint8_t segment[DDP_UNTAGGED_SIZE + RDMAP_READ_REQUEST_SIZE];
		struct wr out = wr_over(segment, sizeof(segment));
		iwarp_read_request_encode(&out, &q->request, q->msn);
		iwarp_terminate(w, ERR_RDMAP_STAG, BYTES(segment, out.pos), out.pos);
	}
}
