/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/guard_core.h"

#include <stdlib.h>

/* Changes that are held, and the ranges that they wait for. All with guard_core.lock held. */

bool guard_is_held(const struct watch *w, uint64_t offset, uint64_t end)
{
	LIST_FOREACH (l, &w->held) {
		const struct held *h = container_of(l, const struct held, link);
		if (h->offset < end && offset < h->end)
			return true;
	}
	return false;
}

static struct held *held_new(struct watch *w, int event, uint64_t offset, uint64_t end)
{
	struct held *h = guard_core.held < GUARD_HELD_MAX ? calloc(1, sizeof(*h)) : NULL;

	if (!h)
		return NULL;
	*h = (struct held){.watch = w, .event = event, .offset = offset, .end = end};
	list_init(&h->notices);
	list_append(&w->held, &h->link);
	guard_core.held++;
	return h;
}

/* Whose range it touches first counts it. */
static void held_count(struct held *h, struct vfs_guard *g)
{
	if (h->guard)
		return;
	h->guard = g;
	g->refs++;
	g->facts.held++;
	g->facts.held_total++;
}

static void held_free(struct held *h)
{
	list_remove(&h->link);
	guard_core.held--;
	if (h->guard) {
		h->guard->facts.held--;
		guard_unref_locked(h->guard);
	}
	free(h);
}

static bool notice_new(struct held *h, struct vfs_guarded *r)
{
	struct notice *n = calloc(1, sizeof(*n));

	if (!n)
		return false;
	*n = (struct notice){.range = r, .held = h, .token = idtable_add(guard_core.notices, n)};
	if (!n->token) {
		free(n);
		return false;
	}
	list_append(&r->untold, &n->by_range);
	list_append(&h->notices, &n->by_held);
	held_count(h, r->guard);
	guard_due(r);
	return true;
}

static void notice_free(struct notice *n)
{
	idtable_remove(guard_core.notices, n->token);
	list_remove(&n->by_range);
	list_remove(&n->by_held);
	free(n);
}

void guard_notice_end(struct notice *n)
{
	struct held *h = n->held;
	struct watch *w = h->watch;
	int event = h->event;

	notice_free(n);
	if (!list_empty(&h->notices))
		return;
	held_free(h);
	w->ops->let_go(w, event);
}

static void held_cancel(struct held *h)
{
	while (!list_empty(&h->notices))
		notice_free(container_of(h->notices.next, struct notice, by_held));
	held_free(h);
}

enum guard_verdict guard_hold(struct watch *w, int event, uint64_t offset, uint64_t end)
{
	struct held *h = NULL;

	LIST_FOREACH (l, &w->ranges) {
		struct vfs_guarded *r = container_of(l, struct vfs_guarded, link);
		if (r->offset >= end || offset >= r->end)
			continue;
		if (!h && !(h = held_new(w, event, offset, end)))
			return GUARD_REFUSED;
		if (!notice_new(h, r)) {
			held_cancel(h);
			return GUARD_REFUSED;
		}
	}
	return h ? GUARD_HELD : GUARD_PASS;
}

void guard_lose(struct watch *w, const char *reason)
{
	w->lost = true;
	LIST_FOREACH (l, &w->ranges) {
		struct vfs_guarded *r = container_of(l, struct vfs_guarded, link);
		if (r->lost)
			continue;
		r->lost = reason;
		r->guard->facts.lost++;
		guard_due(r);
	}
}

struct loss {
	const struct guard_ops *ops;
	const char *reason;
};

static void lose_if_of_kind(struct watch *w, void *arg)
{
	const struct loss *l = arg;

	if (!l->ops || w->ops == l->ops)
		guard_lose(w, l->reason);
}

void guard_lose_all(const struct guard_ops *ops, const char *reason)
{
	struct loss l = {ops, reason};

	guard_each_watch(lose_if_of_kind, &l);
}
