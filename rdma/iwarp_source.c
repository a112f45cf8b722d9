/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/iwarp_conn.h"

/*
 * Which message is sent next. Messages leave whole, one after the other (RFC 5041 section 5.3). The peer's
 * Reads are answered in their order, our own works begin in theirs, and the two take turns. Only a Read of
 * ours may be overtaken, while ORD does not let it go.
 */

/* ---- the peer's Reads ---- */

static struct iwarp_response *response_at(const struct iwarp *w, unsigned i)
{
	return &w->tx.responses[(w->tx.first_response + i) % w->terms.ird];
}

bool iwarp_add_response(
	struct iwarp *w, const struct rdmap_read_request *q, uint32_t msn, struct rdma_target *t)
{
	if (w->tx.n_responses == w->terms.ird)
		return false;
	*response_at(w, w->tx.n_responses++) = (struct iwarp_response){
		.target = t,
		.request = *q,
		.msn = msn,
		.iov = {t ? t->base + q->source_offset : NULL, q->size},
	};
	return true;
}

bool iwarp_answers_from(const struct iwarp *w, const struct rdma_target *t, struct iwarp_response **which)
{
	for (unsigned i = 0; i < w->tx.n_responses; i++) {
		*which = response_at(w, i);
		if ((*which)->target == t)
			return true;
	}
	return false;
}

/* The first whose answer is not begun, or NULL. */
static struct iwarp_response *waiting_response(const struct iwarp *w)
{
	if (w->tx.response || w->tx.built_responses == w->tx.n_responses)
		return NULL;
	return response_at(w, w->tx.built_responses);
}

/*
 * Before a Read is answered all that was placed before it is to be settled, rdma.h. One round of settling is
 * for all Reads that have come.
 */
bool iwarp_settle(struct iwarp *w)
{
	struct turn *turn = w->turn;
	struct iwarp_response *r = waiting_response(w);
	struct list *item;

	if (!r || r->asked)
		return true;
	for (unsigned i = w->tx.built_responses; i < w->tx.n_responses; i++)
		response_at(w, i)->asked = true;
	while ((item = list_pop(&w->unsettled))) {
		struct rdma_target *t = container_of(item, struct rdma_target, settle_link);
		t->unsettled = false;
		t->settling = true;
		w->settling++;
		t->settle(t);
		if (turn->gone || w->state != IWARP_OPEN)
			return false;
	}
	return true;
}

static bool begin_response(struct iwarp *w)
{
	struct iwarp_tx *x = &w->tx;
	struct iwarp_response *r = waiting_response(w);

	if (!r || !r->asked || w->settling)
		return false;
	x->response = r;
	x->at = iov_start(&r->iov, 1);
	x->length = r->request.size;
	x->progress = 0;
	return true;
}

/* ---- our works ---- */

static struct rdma_work *first_of(struct list *l)
{
	return list_empty(l) ? NULL : container_of(l->next, struct rdma_work, link);
}

static struct rdma_work *next_work(struct iwarp *w)
{
	struct iwarp_tx *x = &w->tx;
	bool may_read = x->reads < w->terms.ord;
	struct rdma_work *work = first_of(&x->stalled);

	if (work && may_read)
		return work;
	while ((work = first_of(&x->posted))) {
		if (work->kind != RDMAP_READ_REQUEST || (may_read && list_empty(&x->stalled)))
			return work;
		list_remove(&work->link);
		list_append(&x->stalled, &work->link);
	}
	return NULL;
}

static bool begin_work(struct iwarp *w)
{
	struct iwarp_tx *x = &w->tx;
	struct rdma_work *work = next_work(w);

	if (!work)
		return false;
	list_remove(&work->link);
	if (work->kind == RDMAP_READ_REQUEST) {
		list_append(&x->reading, &work->link);
		x->reads++;
		work->private_tag = stags_unused(&w->stags);
	} else {
		list_append(&x->sending, &work->link);
	}
	x->work = work;
	x->at = iov_start(work->iov, work->n);
	x->length = work->length;
	x->progress = 0;
	return true;
}

bool iwarp_next_message(struct iwarp *w)
{
	struct iwarp_tx *x = &w->tx;

	if (x->work || x->response)
		return true;
	if (!w->may_send)
		return false;
	bool response_first = !x->answered_last;
	if (response_first ? begin_response(w) || begin_work(w) : begin_work(w) || begin_response(w)) {
		x->answered_last = x->response;
		return true;
	}
	return false;
}

/* Is there something to send once the socket takes it? */
bool iwarp_tx_wants(const struct iwarp *w)
{
	const struct iwarp_tx *x = &w->tx;
	const struct iwarp_response *r = waiting_response(w);

	if (x->n_iov > x->iov_at || x->work || x->response)
		return true;
	if (!w->may_send)
		return false;
	return !list_empty(&x->posted) || (!list_empty(&x->stalled) && x->reads < w->terms.ord) ||
	       (r && (!r->asked || !w->settling));
}
