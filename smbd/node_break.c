/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/node_table.h"

#include "core/clock.h"

#include <stdlib.h>

/* Holders of leases and oplocks: what they get, how it is taken from them, and who waits for that. */

static const uint64_t BREAK_TIMEOUT_NS = 35000000000ull; /* [MS-SMB2] 3.3.2.1, 3.3.2.5 */

void (*node_break_sink)(struct reactor *self, const struct node_break *b);
void (*node_watch_sink)(struct reactor *self, const struct node_break *b);

/* ---- errands ---- */

/* A decision for another thread, sent when the lock is given back: a break for `sink`, or the end of waiting. */
struct errand {
	struct message m;
	struct list pending;
	struct reactor *to;
	void (*sink)(struct reactor *self, const struct node_break *b);
	struct node_break b;
	struct node_waiter w;
};

static void deliver_errand(struct reactor *self, struct message *m)
{
	struct errand *e = container_of(m, struct errand, m);

	if (e->sink)
		e->sink(self, &e->b);
	else
		e->w.wake(self, e->w.conn_id, e->w.token);
	free(e);
}

static void add_errand(struct list *out, const struct errand *e)
{
	struct errand *copy = malloc(sizeof(*e));

	if (!copy)
		return; /* the waiter's or the break's time-out ends the matter */
	*copy = *e;
	copy->m.deliver = deliver_errand;
	list_append(out, &copy->pending);
}

void node_unlock_and_send(struct node_table *t, struct list *errands)
{
	struct list *item;

	pthread_mutex_unlock(&t->lock);
	while ((item = list_pop(errands))) {
		struct errand *e = container_of(item, struct errand, pending);
		reactor_post(e->to, &e->m);
	}
}

struct parked_waiter {
	struct list link;
	struct node_waiter w;
};

ntstatus_t node_wait(struct node *n, const struct node_waiter *w)
{
	struct parked_waiter *p = w ? malloc(sizeof(*p)) : NULL;

	if (!p)
		return STATUS_SHARING_VIOLATION;
	p->w = *w;
	list_append(&n->waiters, &p->link);
	return STATUS_PENDING;
}

void node_wake_all(struct node *n, struct list *errands)
{
	struct list *item;

	while ((item = list_pop(&n->waiters))) {
		struct parked_waiter *p = container_of(item, struct parked_waiter, link);
		add_errand(errands, &(struct errand){.to = p->w.reactor, .w = p->w});
		free(p);
	}
}

/* ---- breaks ---- */

static struct node_break describe(const struct node_holder *h, const struct lease_notice *notice)
{
	struct node_break b = {
		.lease = !h->state.is_oplock,
		.from = notice->from,
		.to = notice->to,
		.ack = notice->ack,
		.epoch = h->lease.version == 2 ? h->state.epoch : 0,
	};

	memcpy(b.client_guid, h->client_guid, sizeof(b.client_guid));
	memcpy(b.key, h->lease.key, sizeof(b.key));
	return b;
}

/* Those who watch are told first: all entries of a lease are on one reactor, and messages to one keep their order. */
static void announce(const struct node_holder *h, const struct lease_notice *notice, bool tell_client,
	struct list *errands)
{
	struct errand m = {.b = describe(h, notice)};
	struct errand first = {0};

	LIST_FOREACH(item, &h->node->entries) {
		struct node_entry *e = container_of(item, struct node_entry, link);
		if (e->holder != h)
			continue;
		m.to = e->reactor;
		m.b.session_id = e->session_id;
		m.b.file_id = e->file_id;
		m.sink = node_break_sink;
		if (!first.to)
			first = m;
		m.sink = node_watch_sink;
		if (e->pins)
			add_errand(errands, &m);
	}
	if (tell_client && first.to)
		add_errand(errands, &first);
}

/* A step of a break begins. */
static void send_break(struct node_table *t, struct node_holder *h, const struct lease_notice *notice,
	struct list *errands)
{
	announce(h, notice, true, errands);
	list_remove(&h->breaking_link);
	if (!h->state.breaking)
		return;
	h->break_started_ns = clock_now_ns();
	list_append(&t->breaking, &h->breaking_link);
}

bool node_break_holders(struct node_table *t, struct node *n, const struct node_holder *self, enum lease_cause cause,
	bool waited, struct list *errands)
{
	struct lease_notice notice;
	bool wait = false;

	LIST_FOREACH(item, &n->holders) {
		struct node_holder *h = container_of(item, struct node_holder, link);
		if (h == self)
			continue;
		if (lease_break(&h->state, cause, &notice))
			send_break(t, h, &notice, errands);
		wait |= lease_blocks(&h->state, cause, waited);
	}
	return wait;
}

void node_recall_holder(struct node_table *t, struct node_holder *h, struct list *errands)
{
	struct lease_notice notice;

	if (lease_break(&h->state, LEASE_DATA, &notice))
		send_break(t, h, &notice, errands);
}

void node_expire_holder(struct node_holder *h, struct list *errands)
{
	announce(h, &(struct lease_notice){.from = h->state.held}, false, errands);
	lease_expire(&h->state);
	list_remove(&h->breaking_link);
	node_wake_all(h->node, errands);
}

/* [MS-FSA] 2.1.4.12: level II ends by whoever changes the data, be it its own holder. */
static bool is_level2(const struct node_holder *h)
{
	return h && h->state.is_oplock && h->state.held == SMB2_LEASE_READ;
}

void node_break_caches(struct node_entry *e)
{
	struct node_table *t = e->table;
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	const struct node_holder *self = is_level2(e->holder) ? NULL : e->holder;
	if (e->node->count > 1 || !self)
		node_break_holders(t, e->node, self, LEASE_DATA, false, &errands);
	e->grants_seen = atomic_load(&e->node->grants);
	node_unlock_and_send(t, &errands);
}

void node_break_late_caches(struct node_entry *e)
{
	if (atomic_load(&e->node->grants) != e->grants_seen)
		node_break_caches(e);
}

/* ---- answers ---- */

static ntstatus_t answer(struct node_table *t, struct node_holder *h, uint32_t keeps, struct list *errands)
{
	struct lease_notice notice;
	bool more;
	ntstatus_t s = lease_ack(&h->state, keeps, &more, &notice);

	if (!status_is_ok(s))
		return s;
	if (more)
		send_break(t, h, &notice, errands);
	else
		list_remove(&h->breaking_link);
	node_wake_all(h->node, errands);
	return s;
}

static const struct {
	uint8_t level, caches;
} levels[] = {
	{SMB2_OPLOCK_LEVEL_NONE, 0},
	{SMB2_OPLOCK_LEVEL_II, SMB2_LEASE_READ},
	{SMB2_OPLOCK_LEVEL_EXCLUSIVE, SMB2_LEASE_READ | SMB2_LEASE_WRITE},
	{SMB2_OPLOCK_LEVEL_BATCH, LEASE_ALL},
};

static uint8_t caches_of_level(uint8_t level)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (levels[i].level == level)
			return levels[i].caches;
	return 0;
}

static uint8_t level_of(const struct node_holder *h)
{
	if (h && !h->state.is_oplock)
		return SMB2_OPLOCK_LEVEL_LEASE;
	for (size_t i = 0; h && i < ARRAY_SIZE(levels); i++)
		if (levels[i].caches == h->state.held)
			return levels[i].level;
	return SMB2_OPLOCK_LEVEL_NONE;
}

uint8_t node_oplock_level(const struct node_entry *e)
{
	return level_of(e->holder);
}

ntstatus_t node_oplock_ack(struct node_entry *e, uint8_t level, uint8_t *now_level)
{
	struct node_table *t = e->table;
	struct node_holder *h = e->holder;
	struct list errands;
	ntstatus_t s = STATUS_INVALID_OPLOCK_PROTOCOL;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	if (h && h->state.is_oplock && h->state.breaking) {
		/* An answer that keeps more than was allowed loses all: 3.3.5.22.1. */
		bool allowed = level == SMB2_OPLOCK_LEVEL_NONE || (level == SMB2_OPLOCK_LEVEL_II && h->state.asked);
		s = answer(t, h, allowed ? caches_of_level(level) : 0, &errands);
		if (!allowed)
			s = STATUS_INVALID_PARAMETER;
	}
	*now_level = level_of(h);
	node_unlock_and_send(t, &errands);
	return s;
}

ntstatus_t node_lease_ack(struct node_table *t, const uint8_t *client_guid, const uint8_t *key, uint32_t keeps)
{
	struct list errands;
	ntstatus_t s = STATUS_OBJECT_NAME_NOT_FOUND;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	struct node_holder *h = node_find_lease(t, client_guid, key);
	if (h)
		s = answer(t, h, keeps, &errands);
	node_unlock_and_send(t, &errands);
	return s;
}

void node_expire_breaks(struct node_table *t, uint64_t now_ns)
{
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	LIST_FOREACH_SAFE(item, &t->breaking) {
		struct node_holder *h = container_of(item, struct node_holder, breaking_link);
		if (now_ns - h->break_started_ns >= BREAK_TIMEOUT_NS)
			node_expire_holder(h, &errands);
	}
	node_unlock_and_send(t, &errands);
}

/* ---- holders ---- */

static struct list *lease_bucket(struct node_table *t, const uint8_t *key)
{
	uint64_t h;

	memcpy(&h, key, sizeof(h));
	return &t->leases[h * 0x9E3779B97F4A7C15ull >> 54];
}

struct node_holder *node_find_lease(struct node_table *t, const uint8_t *client_guid, const uint8_t *key)
{
	LIST_FOREACH(item, lease_bucket(t, key)) {
		struct node_holder *h = container_of(item, struct node_holder, key_link);
		if (memcmp(h->lease.key, key, sizeof(h->lease.key)) == 0 &&
			memcmp(h->client_guid, client_guid, sizeof(h->client_guid)) == 0)
			return h;
	}
	return NULL;
}

static struct lease_others others_than(const struct node *n, const struct node_holder *self)
{
	struct lease_others o = {0};

	LIST_FOREACH(item, &n->entries) {
		struct node_entry *e = container_of(item, struct node_entry, link);
		if ((!self || e->holder != self) && !node_is_stat_open(e->access))
			o.opens = true;
	}
	LIST_FOREACH(item, &n->holders) {
		struct node_holder *h = container_of(item, struct node_holder, link);
		if (h == self)
			continue;
		o.held |= h->state.held;
		o.oplocks |= h->state.is_oplock && h->state.held;
	}
	return o;
}

static struct node_holder *new_holder(struct node *n, struct lease_state state)
{
	struct node_holder *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->node = n;
	h->state = state;
	list_init(&h->key_link);
	list_init(&h->breaking_link);
	list_append(&n->holders, &h->link);
	return h;
}

static struct node_holder *grant_oplock(struct node *n, const struct node_claim *c, bool *failed)
{
	struct lease_others others = others_than(n, NULL);
	uint8_t caches = lease_grant(caches_of_level(c->oplock_level), true, &others);
	struct node_holder *h = caches ? new_holder(n, (struct lease_state){.held = caches, .is_oplock = true}) : NULL;

	*failed = caches && !h;
	return h;
}

static struct node_holder *grant_lease(struct node_table *t, struct node *n, const struct node_claim *c)
{
	struct node_holder *h = node_find_lease(t, c->client_guid, c->lease->key);
	struct lease_others others = others_than(n, h);
	uint8_t wish = lease_valid(c->lease->state);

	if (h) {
		lease_upgrade(&h->state, wish, &others);
		return h;
	}
	/* [MS-SMB2] 3.3.5.9.11: the epoch goes on from the client's. */
	h = new_holder(n, (struct lease_state){.held = lease_grant(wish, false, &others),
			.epoch = (uint16_t)(c->lease->epoch + 1)});
	if (!h)
		return NULL;
	h->lease = *c->lease;
	memcpy(h->client_guid, c->client_guid, sizeof(h->client_guid));
	list_append(lease_bucket(t, c->lease->key), &h->key_link);
	return h;
}

bool node_grant(struct node_entry *e, const struct node_claim *c)
{
	bool failed = false;

	if (c->directory)
		return true;
	if (c->lease) {
		e->holder = grant_lease(e->table, e->node, c);
		failed = !e->holder;
	} else {
		e->holder = grant_oplock(e->node, c, &failed);
	}
	if (e->holder) {
		e->holder->entries++;
		atomic_fetch_add(&e->node->grants, 1);
	}
	e->grants_seen = atomic_load(&e->node->grants);
	return !failed;
}

void node_leave_holder(struct node_entry *e)
{
	struct node_holder *h = e->holder;

	if (!h || --h->entries)
		return;
	list_remove(&h->link);
	list_remove(&h->key_link);
	list_remove(&h->breaking_link);
	free(h);
}

/* ---- questions ---- */

uint8_t node_caching(const struct node_entry *e, bool *breaking)
{
	pthread_mutex_lock(&e->table->lock);
	uint8_t held = e->holder ? e->holder->state.held : 0;
	if (breaking)
		*breaking = e->holder && e->holder->state.breaking;
	pthread_mutex_unlock(&e->table->lock);
	return held;
}

bool node_lease(const struct node_entry *e, struct smb2_lease *out)
{
	const struct node_holder *h = e->holder;

	if (!h || h->state.is_oplock)
		return false;
	pthread_mutex_lock(&e->table->lock);
	*out = h->lease;
	out->duration = 0;
	out->state = h->state.held;
	out->epoch = h->state.epoch;
	out->flags = h->state.breaking ? SMB2_LEASE_FLAG_BREAK_IN_PROGRESS : 0;
	if (h->lease.version == 2)
		out->flags |= h->lease.flags & SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET;
	pthread_mutex_unlock(&e->table->lock);
	return true;
}

bool node_lease_is_used(struct node_table *t, const uint8_t *client_guid, const uint8_t *key)
{
	pthread_mutex_lock(&t->lock);
	bool used = node_find_lease(t, client_guid, key);
	pthread_mutex_unlock(&t->lock);
	return used;
}
