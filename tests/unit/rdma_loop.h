/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_RDMA_LOOP_H
#define TESTS_RDMA_LOOP_H

#include "rdma/rdma.h"

#include <errno.h>
#include <stdlib.h>

/*
 * An RDMA transport in memory: two ends that are connected with each other. Each has a queue of what is to
 * happen at it, one thing per round of its event loop. Memory is looked at as late as is allowed: that of a
 * Send when the peer receives it.
 */
enum rdma_loop_kind { LOOP_ESTABLISH, LOOP_SEND, LOOP_WRITE, LOOP_READ, LOOP_DONE, LOOP_END };

struct rdma_loop_event {
	struct list link;
	enum rdma_loop_kind kind;
	struct rdma_work *work;
	unsigned waited;
};

struct rdma_loop;

struct rdma_loop_end {
	struct rdma_conn conn;
	struct rdma_loop *loop;
	struct rdma_loop_end *peer; /* NULL: gone */
	struct tevent_context *ev;  /* NULL: detached */
	struct tevent_immediate *im;
	struct rdma_params p;
	struct rdma_facts facts;
	struct list events, works, targets;
	bool ended, closed, settling;
	unsigned depth;
};

/* One test: the two ends, and what goes wrong. */
struct rdma_loop {
	struct rdma_loop_end *end[2];
	unsigned steps;     /* that have happened at both ends */
	unsigned cut_after; /* steps, then the connection is lost; 0: never */
	unsigned late_done; /* completions wait for as many other steps at their end */
	uint32_t next_tag;
	unsigned fail_attach; /* how many attach calls fail */
	size_t longest_send;
	unsigned invalidations;
};

/* What rdma_loop_start wants as `how`. */
struct rdma_loop_side {
	struct rdma_loop *loop;
	unsigned which;
};

static inline struct rdma_loop_end *loop_end(const struct rdma_conn *c)
{
	return container_of((struct rdma_conn *)c, struct rdma_loop_end, conn);
}

static inline void loop_step(struct tevent_context *ev, struct tevent_immediate *im, void *arg);

static inline void loop_wake(struct rdma_loop_end *e)
{
	if (e->ev && !e->closed && !list_empty(&e->events))
		tevent_schedule_immediate(e->im, e->ev, loop_step, e);
}

static inline void loop_event(struct rdma_loop_end *e, enum rdma_loop_kind kind, struct rdma_work *w)
{
	struct rdma_loop_event *v = calloc(1, sizeof(*v));

	if (!v)
		abort();
	v->kind = kind;
	v->work = w;
	list_append(&e->events, &v->link);
	loop_wake(e);
}

static inline void loop_forget_events(struct rdma_loop_end *e)
{
	struct list *l;

	while ((l = list_pop(&e->events)))
		free(container_of(l, struct rdma_loop_event, link));
}

/* The other side is gone, and with it the memory of the works that it had posted. */
static inline void loop_part(struct rdma_loop_end *e)
{
	struct rdma_loop_end *peer = e->peer;

	e->peer = NULL;
	if (!peer)
		return;
	peer->peer = NULL;
	loop_forget_events(peer);
	if (!peer->ended)
		loop_event(peer, LOOP_END, NULL);
}

static inline void loop_finish_works(struct rdma_loop_end *e, int error)
{
	struct list *l;

	while ((l = list_pop(&e->works))) {
		struct rdma_work *w = container_of(l, struct rdma_work, link);

		w->done(w, error);
	}
}

static inline void loop_finish(struct rdma_loop_end *e, const char *why)
{
	if (e->ended)
		return;
	e->ended = true;
	loop_part(e);
	loop_forget_events(e);
	loop_finish_works(e, -ECONNRESET);
	if (!e->closed)
		e->p.handlers.ended(e->p.arg, why);
}

/* Both sides notice, from their event loops. */
static inline void loop_cut(struct rdma_loop *l)
{
	for (int i = 0; i < 2; i++)
		if (l->end[i] && !l->end[i]->ended && !l->end[i]->closed) {
			loop_forget_events(l->end[i]);
			if (l->end[i]->peer)
				l->end[i]->peer->peer = NULL;
			l->end[i]->peer = NULL;
			loop_event(l->end[i], LOOP_END, NULL);
		}
}

static inline size_t loop_size(const struct rdma_work *w)
{
	size_t n = 0;

	for (unsigned i = 0; i < w->n; i++)
		n += w->iov[i].iov_len;
	return n;
}

/* Between the memory of w and a flat copy of it. */
static inline void loop_copy(const struct rdma_work *w, uint8_t *flat, bool to_flat)
{
	for (unsigned i = 0; i < w->n; i++) {
		if (to_flat)
			memcpy(flat, w->iov[i].iov_base, w->iov[i].iov_len);
		else
			memcpy(w->iov[i].iov_base, flat, w->iov[i].iov_len);
		flat += w->iov[i].iov_len;
	}
}

static inline struct rdma_target *loop_find(struct rdma_loop_end *e, uint32_t tag)
{
	LIST_FOREACH (pos, &e->targets) {
		struct rdma_target *t = container_of(pos, struct rdma_target, link);

		if (t->tag == tag)
			return t;
	}
	return NULL;
}

static inline void loop_invalidate(struct rdma_loop_end *e, uint32_t tag)
{
	struct rdma_target *t = loop_find(e, tag);

	e->loop->invalidations++;
	if (!t)
		return;
	list_remove(&t->link);
	e->facts.targets--;
	if (t->invalidated)
		t->invalidated(t);
}

static inline void loop_receive(struct rdma_loop_end *e, struct rdma_work *w)
{
	size_t len = loop_size(w);
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	loop_copy(w, copy, true);
	e->facts.sends_in++;
	if (len > e->loop->longest_send)
		e->loop->longest_send = len;
	if (len > e->p.receive_size) {
		free(copy);
		loop_finish(e, "a Send that is too long");
		return;
	}
	if (w->flags & RDMA_INVALIDATE)
		loop_invalidate(e, w->tag);
	loop_event(e->peer, LOOP_DONE, w);
	e->p.handlers.received(e->p.arg, copy, len, w->flags & RDMA_SOLICITED);
	free(copy);
}

static inline void loop_access(struct rdma_loop_end *e, struct rdma_work *w, bool write)
{
	struct rdma_target *t = loop_find(e, w->tag);
	size_t len = loop_size(w);

	if (!t || !(t->rights & (write ? RDMA_REMOTE_WRITE : RDMA_REMOTE_READ)) ||
		w->remote_offset > t->len || len > t->len - w->remote_offset) {
		loop_finish(e, "an access outside of a target");
		return;
	}
	loop_copy(w, t->base + w->remote_offset, write);
	*(write ? &t->bytes_placed : &t->bytes_read) += len;
	*(write ? &e->facts.bytes_placed : &e->facts.bytes_read) += len;
	t->unsettled |= write;
	loop_event(e->peer, LOOP_DONE, w);
}

/* False: the Read has to wait. */
static inline bool loop_settle(struct rdma_loop_end *e, const struct rdma_work *w)
{
	struct rdma_target *t = loop_find(e, w->tag);

	if (!t || !t->settle || !t->unsettled)
		return true;
	t->unsettled = false;
	t->settling = e->settling = true;
	t->settle(t);
	return !e->settling;
}

static inline void loop_happen(struct rdma_loop_end *e, struct rdma_loop_event *v)
{
	if (v->kind == LOOP_ESTABLISH)
		e->p.handlers.established(e->p.arg);
	else if (v->kind == LOOP_SEND)
		loop_receive(e, v->work);
	else if (v->kind == LOOP_WRITE || v->kind == LOOP_READ)
		loop_access(e, v->work, v->kind == LOOP_WRITE);
	else if (v->kind == LOOP_END)
		loop_finish(e, "the peer is gone");
	else {
		list_remove(&v->work->link);
		v->work->done(v->work, e->ended ? -ECONNRESET : 0);
	}
}

/* Completions that are late let others pass; nothing else changes its place. */
static inline struct list *loop_next(struct rdma_loop_end *e)
{
	struct list *l = e->events.next;
	struct rdma_loop_event *v;

	while (l != &e->events) {
		v = container_of(l, struct rdma_loop_event, link);
		if (v->kind != LOOP_DONE || v->waited >= e->loop->late_done)
			break;
		v->waited++;
		l = l->next;
	}
	return l == &e->events ? e->events.next : l;
}

static inline void loop_leave(struct rdma_loop_end *e)
{
	if (--e->depth == 0 && e->closed)
		talloc_free(e);
}

static inline void loop_step(struct tevent_context *ev, struct tevent_immediate *im, void *arg)
{
	struct rdma_loop_end *e = arg;
	struct list *l = loop_next(e);
	struct rdma_loop_event *v = container_of(l, struct rdma_loop_event, link);

	if (l == &e->events || e->settling)
		return;
	e->depth++;
	if (++e->loop->steps == e->loop->cut_after) {
		loop_cut(e->loop);
		l = e->events.next;
		v = container_of(l, struct rdma_loop_event, link);
	}
	if (v->kind != LOOP_READ || loop_settle(e, v->work)) {
		list_remove(l);
		loop_happen(e, v);
		free(v);
	}
	if (!e->closed)
		loop_wake(e);
	loop_leave(e);
}

static inline void loop_post(struct rdma_conn *c, struct rdma_work *w, enum rdma_loop_kind kind)
{
	struct rdma_loop_end *e = loop_end(c);

	if (!e->ev)
		abort(); /* nothing is posted to a detached one */
	list_append(&e->works, &w->link);
	if (e->peer && !e->ended)
		loop_event(e->peer, kind, w);
	else
		loop_event(e, LOOP_DONE, w);
}

static inline void loop_send(struct rdma_conn *c, struct rdma_work *w)
{
	loop_end(c)->facts.sends_out++;
	loop_post(c, w, LOOP_SEND);
}

static inline void loop_write(struct rdma_conn *c, struct rdma_work *w)
{
	loop_end(c)->facts.bytes_written += loop_size(w);
	loop_post(c, w, LOOP_WRITE);
}

static inline void loop_read(struct rdma_conn *c, struct rdma_work *w)
{
	loop_end(c)->facts.bytes_fetched += loop_size(w);
	loop_post(c, w, LOOP_READ);
}

static inline int loop_register(struct rdma_conn *c, struct rdma_target *t)
{
	struct rdma_loop_end *e = loop_end(c);

	t->tag = ++e->loop->next_tag;
	list_append(&e->targets, &t->link);
	e->facts.targets++;
	return 0;
}

static inline void loop_deregister(struct rdma_conn *c, struct rdma_target *t)
{
	struct rdma_loop_end *e = loop_end(c);

	if (loop_find(e, t->tag) != t)
		return;
	list_remove(&t->link);
	e->facts.targets--;
}

static inline void loop_settled(struct rdma_conn *c, struct rdma_target *t, int error)
{
	struct rdma_loop_end *e = loop_end(c);

	t->settling = e->settling = false;
	if (error)
		loop_event(e, LOOP_END, NULL);
	loop_wake(e);
}

static inline void loop_detach(struct rdma_conn *c)
{
	struct rdma_loop_end *e = loop_end(c);

	TALLOC_FREE(e->im);
	e->ev = NULL;
}

static inline int loop_attach(struct rdma_conn *c, struct tevent_context *ev)
{
	struct rdma_loop_end *e = loop_end(c);

	if (e->loop->fail_attach) {
		e->loop->fail_attach--;
		return -ENOMEM;
	}
	e->im = tevent_create_immediate(e);
	e->ev = ev;
	loop_wake(e);
	return 0;
}

static inline void loop_facts(const struct rdma_conn *c, struct rdma_facts *out)
{
	*out = loop_end(c)->facts;
}

static inline int loop_destroy(struct rdma_loop_end *e)
{
	if (!e->closed) {
		e->closed = true;
		e->depth++;
		loop_part(e);
		loop_forget_events(e);
		e->ended = true;
		loop_finish_works(e, -ECANCELED);
		e->depth--;
		for (int i = 0; i < 2; i++)
			if (e->loop->end[i] == e)
				e->loop->end[i] = NULL;
	}
	return e->depth ? -1 : 0;
}

static inline void loop_close(struct rdma_conn *c)
{
	talloc_free(loop_end(c));
}

static const struct rdma_transport rdma_loop_transport = {
	.name = "loop",
	.send = loop_send,
	.write = loop_write,
	.read = loop_read,
	.register_target = loop_register,
	.deregister = loop_deregister,
	.settled = loop_settled,
	.detach = loop_detach,
	.attach = loop_attach,
	.facts = loop_facts,
	.close = loop_close,
};

/* A smbdirect_start_fn. When both sides have started, they are connected. */
static inline struct rdma_conn *rdma_loop_start(
	TALLOC_CTX *mem, struct tevent_context *ev, const struct rdma_params *p, void *how)
{
	const struct rdma_loop_side *side = how;
	struct rdma_loop *l = side->loop;
	struct rdma_loop_end *e = talloc_zero(mem, struct rdma_loop_end);

	e->conn.ops = &rdma_loop_transport;
	e->loop = l;
	e->ev = ev;
	e->im = tevent_create_immediate(e);
	e->p = *p;
	e->facts = (struct rdma_facts){.transport = "loop", .ird = p->ird, .ord = p->ord};
	list_init(&e->events);
	list_init(&e->works);
	list_init(&e->targets);
	talloc_set_destructor(e, loop_destroy);
	l->end[side->which] = e;
	e->peer = l->end[!side->which];
	if (e->peer) {
		e->peer->peer = e;
		loop_event(e->peer, LOOP_ESTABLISH, NULL);
		loop_event(e, LOOP_ESTABLISH, NULL);
	}
	return &e->conn;
}

#endif
