/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/smbdirect_session.h"

#include <errno.h>

/* Takes m's next bytes, at most room, by reference; the number of pieces of memory. */
static unsigned gather(struct smbdirect_fragment *f, struct smbdirect_message *m, size_t room)
{
	size_t skip = m->progress;
	unsigned pieces = 0;

	for (unsigned i = 0; i < m->n && room && pieces < SMBDIRECT_GATHER; i++) {
		size_t len = m->iov[i].iov_len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		len = len - skip < room ? len - skip : room;
		f->iov[++pieces] = (struct iovec){(uint8_t *)m->iov[i].iov_base + skip, len};
		skip = 0;
		room -= len;
		m->progress += len;
	}
	return pieces;
}

static void message_done(struct smbdirect_message *m, int error)
{
	m->done(m, m->error ? m->error : error);
}

/* One of m's Sends is done. */
static void one_less(struct smbdirect_message *m, int error)
{
	m->sends--;
	if (!m->error)
		m->error = error;
	if (m->sends == 0 && m->progress == m->size)
		message_done(m, 0);
}

static void fragment_done(struct rdma_work *w, int error)
{
	struct smbdirect_fragment *f = container_of(w, struct smbdirect_fragment, work);
	struct smbdirect_message *m = f->message;
	struct smbdirect *s = f->s;
	struct smbdirect_turn turn;

	smbdirect_enter(s, &turn);
	list_remove(&f->link);
	list_append(&s->free, &f->link);
	if (m)
		one_less(m, error);
	if (!turn.gone && s->state == SMBDIRECT_REFUSING)
		smbdirect_end(s, "no common version");
	else if (!turn.gone)
		smbdirect_pump(s);
	smbdirect_leave(s, &turn);
}

static bool add_fragment(struct smbdirect *s)
{
	struct smbdirect_fragment *f = talloc_zero(s, struct smbdirect_fragment);

	if (!f)
		return false;
	f->s = s;
	f->work.done = fragment_done;
	f->work.iov = f->iov;
	f->iov[0].iov_base = f->header;
	list_append(&s->free, &f->link);
	s->fragments++;
	return true;
}

/* One fragment is there from the beginning, so that the others may fail. */
bool smbdirect_send_init(struct smbdirect *s)
{
	list_init(&s->queue);
	list_init(&s->free);
	list_init(&s->flying);
	return add_fragment(s);
}

struct smbdirect_fragment *smbdirect_fragment_get(struct smbdirect *s)
{
	struct list *l;

	if (list_empty(&s->free) && s->fragments < SMBDIRECT_FRAGMENTS)
		add_fragment(s);
	l = list_pop(&s->free);
	if (!l)
		return NULL;
	struct smbdirect_fragment *f = container_of(l, struct smbdirect_fragment, link);
	f->message = NULL;
	f->work.flags = 0;
	return f;
}

void smbdirect_fragment_post(
	struct smbdirect *s, struct smbdirect_fragment *f, size_t header, unsigned pieces)
{
	f->iov[0].iov_len = header;
	f->work.n = 1 + pieces;
	list_append(&s->flying, &f->link);
	rdma_send(s->conn, &f->work);
}

/* m's next bytes, which are on their way with f. */
static unsigned take(struct smbdirect *s, struct smbdirect_fragment *f, struct smbdirect_message *m)
{
	unsigned pieces = gather(f, m, s->send_size - SMBDIRECT_PADDED_HEADER);

	f->message = m;
	m->sends++;
	if (m->progress < m->size)
		return pieces;
	list_remove(&m->link);
	s->queued--;
	/* The tag is of no more use to the peer when it has the whole message. */
	if (m->invalidate) {
		f->work.flags = RDMA_INVALIDATE;
		f->work.tag = m->tag;
	}
	return pieces;
}

/* [MS-SMBD] 3.1.5.1. m NULL: a message without data. */
static void send_fragment(
	struct smbdirect *s, struct smbdirect_fragment *f, struct smbdirect_message *m, int offer)
{
	size_t before = m ? m->progress : 0;
	unsigned pieces = m ? take(s, f, m) : 0;
	struct wr w = wr_over(f->header, sizeof(f->header));
	struct smbdirect_data d = {
		.credits_requested = s->p.credits,
		.credits_granted = (uint16_t)offer,
		.flags = s->ask ? SMBDIRECT_RESPONSE_REQUESTED : 0,
		.remaining_data_length = m ? (uint32_t)(m->size - m->progress) : 0,
		.data.len = m ? m->progress - before : 0,
	};

	smbdirect_data_encode(&w, &d);
	smbdirect_credits_sent(&s->credits, offer);
	s->due = s->ask = s->respond = s->respond_always = false;
	smbdirect_fragment_post(s, f, w.pos, pieces);
}

/* What a message without data would grant, where there is reason for one. */
static int offer_alone(const struct smbdirect *s)
{
	bool keep_alive = s->ask || s->respond_always;
	int offer = SMBDIRECT_NO_CREDIT;

	if (keep_alive || s->respond || s->due)
		offer = smbdirect_credits_offer(&s->credits, keep_alive);
	return offer == 0 && !keep_alive && !s->respond ? SMBDIRECT_NO_CREDIT : offer;
}

static bool send_next(struct smbdirect *s)
{
	struct smbdirect_message *m = NULL;
	struct smbdirect_fragment *f;
	int offer = SMBDIRECT_NO_CREDIT;

	if (!list_empty(&s->queue)) {
		m = container_of(s->queue.next, struct smbdirect_message, link);
		offer = smbdirect_credits_offer(&s->credits, false);
	}
	if (offer == SMBDIRECT_NO_CREDIT) {
		m = NULL;
		offer = offer_alone(s);
	}
	f = offer == SMBDIRECT_NO_CREDIT ? NULL : smbdirect_fragment_get(s);
	if (f)
		send_fragment(s, f, m, offer);
	return f;
}

/* Sends what may be sent. It runs no callback. */
void smbdirect_pump(struct smbdirect *s)
{
	while (s->state == SMBDIRECT_ESTABLISHED && s->ev && send_next(s))
		;
}

/* UINT32_MAX + 1 for everything that no peer takes. */
static uint64_t message_size(const struct smbdirect_message *m)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < m->n; i++) {
		if (m->iov[i].iov_len > UINT32_MAX - size)
			return (uint64_t)UINT32_MAX + 1;
		size += m->iov[i].iov_len;
	}
	return size;
}

void smbdirect_send(struct smbdirect *s, struct smbdirect_message *m)
{
	uint64_t size = message_size(m);

	m->size = (size_t)size;
	m->progress = 0;
	m->sends = 0;
	m->error = 0;
	if (s->state != SMBDIRECT_ESTABLISHED)
		m->error = -ECONNRESET;
	else if (size == 0 || size > s->max_send)
		m->error = -EMSGSIZE;
	if (m->error) {
		list_append(&s->refused_messages, &m->link);
		smbdirect_later(s);
		return;
	}
	list_append(&s->queue, &m->link);
	s->queued++;
	smbdirect_pump(s);
}

void smbdirect_hold(struct smbdirect *s, bool hold)
{
	bool freed = s->credits.held && !hold;

	s->credits.held = hold;
	s->due |= freed && s->credits.receive < s->credits.target;
	smbdirect_pump(s);
}

/* The connection is closed: no Send is under way. */
void smbdirect_fail_messages(struct smbdirect *s)
{
	struct smbdirect_turn *turn = s->turn;
	struct list *l;

	while (!turn->gone && (l = list_pop(&s->queue))) {
		s->queued--;
		message_done(container_of(l, struct smbdirect_message, link),
			s->closed ? -ECANCELED : -ECONNRESET);
	}
}

void smbdirect_abandon_fragments(struct smbdirect *s)
{
	struct list *l;

	while ((l = list_pop(&s->flying))) {
		struct smbdirect_fragment *f = container_of(l, struct smbdirect_fragment, link);
		struct smbdirect_message *m = f->message;

		f->message = NULL;
		if (m)
			one_less(m, -ECANCELED);
	}
}
