/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/conn.h"

#include "core/clock.h"
#include "core/log.h"
#include "smbd/grant.h"
#include "smbd/listen.h"
#include "smbd/req.h"

#include <unistd.h>

/* What all transports have in common: life, limits, the queue of replies. */

enum {
	MAX_FRAME_UNAUTH = 131072, /* before a log-on nobody has a use for more */
	MAX_REQUESTS = 1024,       /* frames of one connection that are parked */
	OUT_FLUSH = 256 << 10,     /* replies leave before the end of the batch, so that the peer has work */
	WATCH_SECONDS = 2,
	UNREAD_SECONDS = 60,       /* that a peer may leave replies unread without taking one byte */
	OUT_HIGH_WATER = 4 << 20,  /* replies that a slow reader leaves lying: no further request is looked at */
};

static void conn_idle(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *priv);

static void arm_timer(struct conn *c, unsigned seconds)
{
	TALLOC_FREE(c->timer);
	if (seconds)
		c->timer = tevent_add_timer(c->local->ev, c, tevent_timeval_current_ofs(seconds, 0), conn_idle, c);
}

static void conn_idle(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *priv)
{
	struct conn *c = priv;
	uint64_t limit_ns = (uint64_t)c->local->server->deadtime * 1000000000u;

	c->timer = NULL;
	if (!c->authenticated) {
		conn_close(c, "no log-on in time");
		return;
	}
	/* deadtime, smb.conf(5): idle connections without open files */
	bool opens = false;
	LIST_FOREACH(item, &c->channels)
		opens |= idtable_count(container_of(item, struct channel, conn_link)->session->opens) > 0;
	if (!opens && clock_now_ns() - c->last_activity_ns >= limit_ns) {
		conn_close(c, "idle for the deadtime");
		return;
	}
	arm_timer(c, c->local->server->deadtime);
}

/* Registers with a reactor: at first, and after a hand-over. */
static bool attach(struct conn *c, struct local *l)
{
	c->local = l;
	c->id = idtable_add(l->conns, c);
	c->resume = tevent_create_immediate(c);
	c->flush = tevent_create_immediate(c);
	if (!c->id || !c->resume || !c->flush || !c->ops->attach(c))
		return false;
	arm_timer(c, c->authenticated ? l->server->deadtime : l->server->auth_timeout);
	return true;
}

static void detach(struct conn *c)
{
	idtable_remove(c->local->conns, c->id);
	TALLOC_FREE(c->timer);
	TALLOC_FREE(c->watch);
	TALLOC_FREE(c->resume);
	TALLOC_FREE(c->flush);
}

struct conn *conn_new(struct local *local, const struct conn_transport *ops, int fd, const char *peer)
{
	struct conn *c = talloc_zero(NULL, struct conn);

	if (!c) {
		close(fd);
		atomic_fetch_sub(&local->server->stats.unauthenticated, 1);
		listen_connection_ended(local->server, peer);
		return NULL;
	}
	c->ops = ops;
	c->tcp.fd = fd;
	list_init(&c->direct.waiting);
	list_init(&c->direct.in_flight);
	list_init(&c->direct.pushes);
	list_init(&c->direct.pulls);
	list_init(&c->direct.poller.link);
	list_init(&c->out);
	list_init(&c->channels);
	list_init(&c->grants);
	list_init(&c->requests);
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
	credits_init(&c->credits, local->server->max_credits);
	c->started_ns = c->last_activity_ns = clock_now_ns();
	c->next_async_id = 1;
	if (!attach(c, local)) {
		conn_close(c, "out of memory");
		return NULL;
	}
	return c;
}

uint32_t conn_max_payload(const struct conn *c, uint32_t server_max)
{
	enum { SINGLE_CREDIT = 65536 };

	return c->multi_credit || server_max < SINGLE_CREDIT ? server_max : SINGLE_CREDIT;
}

uint32_t conn_max_inline(const struct conn *c)
{
	enum { HEADERS = 256 }; /* transform, SMB2, the fixed part of the reply; what stands before it in a compound is little */
	uint32_t most = c->ops->max_message(c);

	return most > HEADERS ? most - HEADERS : 0;
}

void conn_authenticated(struct conn *c)
{
	if (c->authenticated)
		return;
	c->authenticated = true;
	atomic_fetch_sub(&c->local->server->stats.unauthenticated, 1);
	arm_timer(c, c->local->server->deadtime);
}

void conn_close(struct conn *c, const char *why)
{
	struct local *l = c->local;

	log_info(smb, "connection from %s ends: %s", c->peer, why);
	detach(c);
	grants_end_conn(c);
	LIST_FOREACH_SAFE(item, &c->requests)
		req_abandon(container_of(item, struct req, link));
	while (!list_empty(&c->channels))
		channel_free(container_of(c->channels.next, struct channel, conn_link));
	while (!list_empty(&c->out))
		iobuf_put(l->pool, container_of(c->out.next, struct iobuf, link));
	/* Last: a peer that sees the end of the stream may rely on its files being let go of. */
	c->ops->free(c);
	if (!c->authenticated)
		atomic_fetch_sub(&l->server->stats.unauthenticated, 1);
	listen_connection_ended(l->server, c->peer);
	talloc_free(c);
}

/* ---- sending ---- */

static void resume(struct tevent_context *ev, struct tevent_immediate *im, void *priv)
{
	struct conn *c = priv;

	c->ops->look(c);
}

bool conn_is_full(const struct conn *c)
{
	return c->out_bytes > OUT_HIGH_WATER || c->request_count > MAX_REQUESTS ||
	       c->held_bytes > c->local->server->connection_memory;
}

static void arm_watch(struct conn *c);

/*
 * Transports tell of errors only to who waits for requests. While that is off, or replies lie unread, the peer is looked
 * at now and then: one that has vanished or never reads must not keep its opens and our memory.
 */
static void watch(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *priv)
{
	struct conn *c = priv;
	uint64_t t = clock_now_ns();

	c->watch = NULL;
	if (c->ops->is_gone(c)) {
		conn_close(c, "the peer is gone");
		return;
	}
	if (c->bytes_out != c->watched_bytes || !c->out_bytes) {
		c->watched_bytes = c->bytes_out;
		c->watched_since_ns = t;
	} else if (t - c->watched_since_ns > UNREAD_SECONDS * 1000000000ull) {
		conn_close(c, "the peer does not read");
		return;
	}
	arm_watch(c);
}

static void arm_watch(struct conn *c)
{
	struct timeval when = tevent_timeval_current_ofs(WATCH_SECONDS, 0);

	c->watch = tevent_add_timer(c->local->ev, c, when, watch, c);
}

static void watch_if_needed(struct conn *c, bool needed)
{
	if (!needed) {
		TALLOC_FREE(c->watch);
	} else if (!c->watch) {
		c->watched_bytes = c->bytes_out;
		c->watched_since_ns = clock_now_ns();
		arm_watch(c);
	}
}

/* What the transport is to wait for now. False: the connection is gone. */
static bool go_on(struct conn *c)
{
	bool requests = !c->draining && !conn_is_full(c);

	if (c->draining && !c->out_bytes && list_empty(&c->requests)) {
		conn_close(c, "the server stops");
		return false;
	}
	if (requests && c->stalled) {
		tevent_schedule_immediate(c->resume, c->local->ev, resume, c);
		c->stalled = false;
	}
	watch_if_needed(c, !requests || c->out_bytes);
	c->ops->want(c, requests);
	return true;
}

void conn_sent(struct conn *c, size_t n)
{
	c->out_bytes -= n;
	c->bytes_out += n;
	if (!c->in_batch)
		go_on(c);
}

bool conn_flush(struct conn *c)
{
	size_t sent = 0;
	int rc = c->ops->send(c, &sent);

	c->out_bytes -= sent;
	c->bytes_out += sent;
	if (rc < 0) {
		conn_close(c, strerror(-rc));
		return false;
	}
	return go_on(c);
}

static void flush_now(struct tevent_context *ev, struct tevent_immediate *im, void *priv)
{
	conn_flush(priv);
}

void conn_flush_soon(struct conn *c)
{
	tevent_schedule_immediate(c->flush, c->local->ev, flush_now, c);
}

bool conn_has_much_to_send(const struct conn *c)
{
	return c->out_bytes > OUT_FLUSH;
}

struct iobuf *conn_tail(struct conn *c, size_t cap)
{
	if (!list_empty(&c->out)) {
		struct iobuf *b = container_of(c->out.prev, struct iobuf, link);
		if (!iobuf_is_closed(b) && b->cap - b->len >= cap)
			return b;
	}
	/* Roomy, so that the replies of a batch find place in one. */
	struct iobuf *b = iobuf_get(c->local->pool, cap > IOBUF_SMALL ? cap : IOBUF_SMALL);
	if (b)
		list_append(&c->out, &b->link);
	return b;
}

void conn_settle(struct conn *c)
{
	if (!c->in_batch)
		conn_flush(c);
}

void conn_queue(struct conn *c, struct iobuf *b)
{
	if (list_empty(&b->link))
		list_append(&c->out, &b->link);
	conn_settle(c);
}

/* ---- receiving ---- */

size_t conn_max_frame(const struct conn *c)
{
	const struct server *s = c->local->server;
	uint32_t payload = s->max_write > s->max_transact ? s->max_write : s->max_transact;

	return c->authenticated ? (size_t)payload + CONN_MAX_FRAME_EXTRA : MAX_FRAME_UNAUTH;
}

struct handover {
	struct message m;
	struct conn *conn;
};

static void deliver_handover(struct reactor *self, struct message *m)
{
	struct handover *h = container_of(m, struct handover, m);
	struct conn *c = h->conn;

	talloc_free(h);
	if (!attach(c, reactor_user(self))) {
		conn_close(c, "out of memory");
		return;
	}
	if (atomic_load(&c->local->server->draining)) {
		conn_close(c, "the server stops");
		return;
	}
	c->ops->look(c);
}

void conn_hand_over(struct conn *c, struct reactor *to)
{
	struct handover *h = talloc_zero(NULL, struct handover);

	if (!h) {
		conn_close(c, "out of memory");
		return;
	}
	detach(c);
	c->ops->detach(c);
	h->conn = c;
	h->m.deliver = deliver_handover;
	reactor_post(to, &h->m);
}

void conn_drain(struct conn *c)
{
	c->draining = true;
	LIST_FOREACH(item, &c->requests) {
		struct req *r = container_of(item, struct req, link);
		if (r->cancel && !r->job) /* it only waits, for something that may never come */
			req_end_later(r, STATUS_CANCELLED);
	}
	conn_flush(c);
}

struct reactor *session_id_reactor(struct local *l, uint64_t session_id)
{
	unsigned index = (unsigned)(session_id >> 56);

	return index < reactors_count(l->server->reactors) ? reactors_get(l->server->reactors, index) : NULL;
}
