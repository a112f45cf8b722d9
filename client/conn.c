/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/conn.h"
#include "client/exchange.h"
#include "core/random.h"

static void conn_end_all(struct daxsmb_conn *c, ntstatus_t why)
{
	struct list *item;

	for (unsigned i = 0; i < PENDING_BUCKETS; i++) {
		while ((item = list_pop(&c->pending[i]))) {
			struct pending *p = container_of(item, struct pending, link);

			if (p->exchange)
				exchange_fail(p->exchange, why);
			talloc_free(p);
		}
	}
	while ((item = list_pop(&c->queue)))
		exchange_fail(exchange_from_link(item), why);
}

void client_conn_fail(struct daxsmb_conn *c, ntstatus_t why)
{
	if (c->dead)
		return;
	c->dead = why;
	if (c->transport)
		c->transport->ops->close(c->transport);
	TALLOC_FREE(c->watch);
	conn_end_all(c, why);
	if (c->lost)
		c->lost(c->lost_arg);
}

static int conn_destructor(struct daxsmb_conn *c)
{
	struct list *item;

	c->lost = NULL;
	client_conn_fail(c, STATUS_CONNECTION_DISCONNECTED);
	while ((item = list_pop(&c->breaks)))
		;
	while ((item = list_pop(&c->sessions)))
		container_of(item, struct daxsmb_session, link)->conn = NULL;
	return 0;
}

static uint32_t offered_capabilities(const struct daxsmb_conn *c)
{
	uint32_t caps = 0;

	if (c->max_dialect >= SMB2_DIALECT_0210)
		caps |= SMB2_GLOBAL_CAP_LARGE_MTU;
	if (c->max_dialect >= SMB2_DIALECT_0300)
		caps |= SMB2_GLOBAL_CAP_ENCRYPTION | SMB2_GLOBAL_CAP_LEASING | SMB2_GLOBAL_CAP_MULTI_CHANNEL;
	return caps;
}

struct daxsmb_conn *client_conn_new(
	TALLOC_CTX *mem, struct tevent_context *ev, const struct daxsmb_options *o)
{
	struct daxsmb_conn *c = talloc_zero(mem, struct daxsmb_conn);

	if (!c)
		return NULL;
	c->ev = ev;
	c->timeout_ms = o->timeout_ms ? o->timeout_ms : DEFAULT_TIMEOUT_MS;
	c->min_dialect = o->min_dialect ? o->min_dialect : SMB2_DIALECT_0202;
	c->max_dialect = o->max_dialect ? o->max_dialect : SMB2_DIALECT_0311;
	c->security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
	if (o->protect == DAXSMB_PROTECT_SIGN)
		c->security_mode |= SMB2_NEGOTIATE_SIGNING_REQUIRED;
	c->capabilities = offered_capabilities(c);
	random_bytes(c->client_guid, sizeof(c->client_guid));
	client_credits_init(&c->credits, o->credits ? o->credits : DEFAULT_CREDITS);
	c->max_transact = c->max_read = c->max_write = 65536;
	for (unsigned i = 0; i < PENDING_BUCKETS; i++)
		list_init(&c->pending[i]);
	list_init(&c->queue);
	list_init(&c->sessions);
	list_init(&c->breaks);
	talloc_set_destructor(c, conn_destructor);
	return c;
}

static void conn_closed(void *arg, ntstatus_t why)
{
	client_conn_fail(arg, why);
}

void client_conn_attach(struct daxsmb_conn *c, struct transport *transport)
{
	c->transport = talloc_steal(c, transport);
	transport->on_message = client_conn_message;
	transport->on_closed = conn_closed;
	transport->arg = c;
}

struct daxsmb_session *client_conn_session(struct daxsmb_conn *c, uint64_t id)
{
	LIST_FOREACH (item, &c->sessions) {
		struct daxsmb_session *s = container_of(item, struct daxsmb_session, link);

		if (s->id == id)
			return s;
	}
	return NULL;
}

void client_conn_end_session(struct daxsmb_conn *c, const struct daxsmb_session *s)
{
	for (unsigned i = 0; i < PENDING_BUCKETS; i++) {
		LIST_FOREACH (item, &c->pending[i]) {
			struct pending *p = container_of(item, struct pending, link);

			if (p->exchange && exchange_session(p->exchange) == s)
				exchange_fail(p->exchange, STATUS_USER_SESSION_DELETED);
		}
	}
	LIST_FOREACH_SAFE (item, &c->queue) {
		struct exchange *x = exchange_from_link(item);

		if (exchange_session(x) == s)
			exchange_fail(x, STATUS_USER_SESSION_DELETED);
	}
}

static int pending_destructor(struct pending *p)
{
	list_remove(&p->link);
	return 0;
}

struct pending *client_pending_add(struct daxsmb_conn *c, struct exchange *x, unsigned index, uint64_t id)
{
	struct pending *p = talloc_zero(c, struct pending);

	if (!p)
		return NULL;
	p->message_id = id;
	p->exchange = x;
	p->index = index;
	list_append(&c->pending[id % PENDING_BUCKETS], &p->link);
	talloc_set_destructor(p, pending_destructor);
	return p;
}

struct pending *client_pending_find(struct daxsmb_conn *c, uint64_t id)
{
	LIST_FOREACH (item, &c->pending[id % PENDING_BUCKETS]) {
		struct pending *p = container_of(item, struct pending, link);

		if (p->message_id == id)
			return p;
	}
	return NULL;
}

static void conn_timeout(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg)
{
	struct daxsmb_conn *c = arg;

	c->watch = NULL;
	if (c->overdue) {
		client_conn_fail(c, STATUS_IO_TIMEOUT);
		return;
	}
	/* Perhaps it was this program that paused, and answers lie in the socket: time to read them. */
	c->overdue = true;
	c->watch = tevent_add_timer(ev, c, tevent_timeval_current_ofs(1, 0), conn_timeout, c);
}

void client_conn_watch(struct daxsmb_conn *c)
{
	struct timeval when = tevent_timeval_current_ofs(c->timeout_ms / 1000, c->timeout_ms % 1000 * 1000);

	c->overdue = false;
	if (c->dead || c->due == 0) {
		TALLOC_FREE(c->watch);
	} else if (c->watch) {
		tevent_update_timer(c->watch, when);
	} else {
		c->watch = tevent_add_timer(c->ev, c, when, conn_timeout, c);
	}
}

uint16_t daxsmb_conn_dialect(const struct daxsmb_conn *c)
{
	return c->dialect;
}

ntstatus_t daxsmb_conn_status(const struct daxsmb_conn *c)
{
	return c->dead;
}
