/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/conn.h"

#include "core/clock.h"
#include "core/log.h"
#include "smbd/frame.h"
#include "smbd/listen.h"
#include "smbd/req.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	PREFIX = 4,                /* [MS-SMB2] 2.1: zero, then a 24-bit length */
	MAX_FRAME_UNAUTH = 131072, /* before a log-on nobody has a use for more */
	MAX_FRAME_EXTRA = 65536,   /* headers, names and contexts beside the payload */
	BATCHES_PER_EVENT = 4,     /* then others on this reactor have their turn */
	MAX_REQUESTS = 1024,       /* frames of one connection that are parked */
	OUT_FLUSH = 256 << 10,     /* replies leave before the end of the batch, so that the peer has work */
	WATCH_SECONDS = 2,
	UNREAD_SECONDS = 60,       /* that a peer may leave replies unread without taking one byte */
	OUT_HIGH_WATER = 4 << 20,  /* replies that a slow reader leaves lying: no further request is looked at */
};

static void conn_event(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *priv);
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
	c->fde = c->id ? tevent_add_fd(l->ev, c, c->fd, TEVENT_FD_READ, conn_event, c) : NULL;
	c->resume = tevent_create_immediate(c);
	if (!c->fde || !c->resume)
		return false;
	arm_timer(c, c->authenticated ? l->server->deadtime : l->server->auth_timeout);
	return true;
}

static void detach(struct conn *c)
{
	idtable_remove(c->local->conns, c->id);
	TALLOC_FREE(c->timer);
	TALLOC_FREE(c->watch);
	TALLOC_FREE(c->fde);
	TALLOC_FREE(c->resume);
}

struct conn *conn_new(struct local *local, int fd, const char *peer)
{
	struct conn *c = talloc_zero(NULL, struct conn);

	if (!c) {
		close(fd);
		atomic_fetch_sub(&local->server->stats.unauthenticated, 1);
		listen_connection_ended(local->server, peer);
		return NULL;
	}
	c->fd = fd;
	list_init(&c->out);
	list_init(&c->channels);
	list_init(&c->requests);
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
	credits_init(&c->credits, local->server->max_credits);
	c->last_activity_ns = clock_now_ns();
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
	LIST_FOREACH_SAFE(item, &c->requests)
		req_abandon(container_of(item, struct req, link));
	while (!list_empty(&c->channels))
		channel_free(container_of(c->channels.next, struct channel, conn_link));
	while (!list_empty(&c->out))
		iobuf_put(l->pool, container_of(c->out.next, struct iobuf, link));
	iobuf_put(l->pool, c->in.buf);
	close(c->fd);
	if (!c->authenticated)
		atomic_fetch_sub(&l->server->stats.unauthenticated, 1);
	listen_connection_ended(l->server, c->peer);
	talloc_free(c);
}

/* ---- sending ---- */

static void resume(struct tevent_context *ev, struct tevent_immediate *im, void *priv)
{
	struct conn *c = priv;

	conn_event(ev, c->fde, 0, c);
}

/* True while the peer leaves too much unread, or too much is under way, to begin with more. */
static bool is_full(const struct conn *c)
{
	return c->out_bytes > OUT_HIGH_WATER || c->request_count > MAX_REQUESTS ||
	       c->held_bytes > c->local->server->connection_memory;
}

static void arm_watch(struct conn *c);

/*
 * The event loop reports errors only to who waits for reading. While that is off, or replies lie unread, the socket is
 * asked now and then: a peer that has vanished or never reads must not keep its opens and our memory.
 */
static void watch(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *priv)
{
	struct conn *c = priv;
	struct pollfd p = {.fd = c->fd};
	uint64_t t = clock_now_ns();

	c->watch = NULL;
	if (poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP))) {
		conn_close(c, "the peer is gone");
		return;
	}
	if (c->bytes_out != c->watched_bytes || list_empty(&c->out)) {
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

static void want_events(struct conn *c)
{
	uint16_t flags = 0;

	if (!list_empty(&c->out))
		flags |= TEVENT_FD_WRITE;
	if (!c->draining && !is_full(c)) {
		flags |= TEVENT_FD_READ;
		if (c->stalled)
			tevent_schedule_immediate(c->resume, c->local->ev, resume, c);
		c->stalled = false;
	}
	watch_if_needed(c, flags != TEVENT_FD_READ);
	tevent_fd_set_flags(c->fde, flags);
}

/* False: the connection is gone. */
static bool flush_out(struct conn *c)
{
	size_t sent = 0;
	int rc = iobuf_send(c->local->pool, &c->out, c->fd, &sent);

	c->out_bytes -= sent;
	c->bytes_out += sent;
	if (rc < 0) {
		conn_close(c, strerror(-rc));
		return false;
	}
	if (c->draining && list_empty(&c->out) && list_empty(&c->requests)) {
		conn_close(c, "the server stops");
		return false;
	}
	want_events(c);
	return true;
}

struct iobuf *conn_tail(struct conn *c, size_t cap)
{
	if (!list_empty(&c->out)) {
		struct iobuf *b = container_of(c->out.prev, struct iobuf, link);
		if (!b->file_len && b->cap - b->len >= cap)
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
		flush_out(c);
}

void conn_queue(struct conn *c, struct iobuf *b)
{
	if (list_empty(&b->link))
		list_append(&c->out, &b->link);
	conn_settle(c);
}

/* ---- receiving ---- */

static size_t max_frame(const struct conn *c)
{
	const struct server *s = c->local->server;
	uint32_t payload = s->max_write > s->max_transact ? s->max_write : s->max_transact;

	return c->authenticated ? (size_t)payload + MAX_FRAME_EXTRA : MAX_FRAME_UNAUTH;
}

/* The whole length of the frame that starts at p, prefix included; 0: not one. Needs PREFIX bytes. */
static size_t frame_length(const struct conn *c, const uint8_t *p)
{
	size_t n = (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];

	if (p[0] != 0 || n < 4 || n > max_frame(c))
		return 0;
	return PREFIX + n;
}

static bool stash(struct conn *c, const uint8_t *p, size_t len, size_t want)
{
	c->in.buf = iobuf_get(c->local->pool, want > len ? want : len);
	if (!c->in.buf)
		return false;
	memcpy(c->in.buf->data, p, len);
	c->in.buf->len = len;
	c->in.want = want;
	return true;
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
	conn_event(c->local->ev, c->fde, 0, c);
}

/* Gives the connection to another reactor with the bytes that are not yet looked at. */
static bool hand_over(struct conn *c, struct reactor *to, const uint8_t *rest, size_t len)
{
	struct handover *h = talloc_zero(NULL, struct handover);

	if (!h || !stash(c, rest, len, 0)) {
		talloc_free(h);
		return false;
	}
	detach(c);
	h->conn = c;
	h->m.deliver = deliver_handover;
	reactor_post(to, &h->m);
	return true;
}

enum verdict { GO_ON, GONE };

/* Looks at the frames in [p, p+len) and keeps what is left over. `local` tells whether c is still there. */
static enum verdict take_frames(struct conn *c, uint8_t *p, size_t len)
{
	struct local *l = c->local;
	uint64_t id = c->id;

	while (len >= PREFIX) {
		if (is_full(c)) {
			c->stalled = true;
			break;
		}
		size_t n = frame_length(c, p);
		if (!n) {
			conn_close(c, "not an SMB2 frame, or too large");
			return GONE;
		}
		if (n > len)
			/* What may have to go to another reactor is looked at again when it is whole. */
			return stash(c, p, len, c->negotiated ? n : 0) ? GO_ON : (conn_close(c, "out of memory"), GONE);
		struct reactor *home = frame_wants_reactor(c, BYTES(p + PREFIX, n - PREFIX));
		if (home) {
			if (!hand_over(c, home, p, len))
				conn_close(c, "out of memory");
			return GONE;
		}
		frame_receive(c, p + PREFIX, n - PREFIX, NULL);
		if (idtable_get(l->conns, id) != c || (c->out_bytes > OUT_FLUSH && !flush_out(c)))
			return GONE;
		p += n;
		len -= n;
	}
	if (len && !stash(c, p, len, 0)) {
		conn_close(c, "out of memory");
		return GONE;
	}
	return GO_ON;
}

/* A frame that is complete in a buffer of its own: the request takes the buffer. */
static enum verdict take_owned_frame(struct conn *c)
{
	struct local *l = c->local;
	uint64_t id = c->id;
	struct iobuf *buf = c->in.buf;

	c->in.buf = NULL;
	c->in.want = 0;
	frame_receive(c, buf->data + PREFIX, buf->len - PREFIX, buf);
	return idtable_get(l->conns, id) == c ? GO_ON : GONE;
}

/* Bytes kept from before whose frame length may not be known: looked at again together with what came. */
static enum verdict take_raw(struct conn *c, const uint8_t *fresh, size_t len)
{
	struct local *l = c->local;
	struct iobuf *old = c->in.buf;
	struct iobuf *all = iobuf_get(l->pool, old->len + len);

	c->in.buf = NULL;
	c->in.want = 0;
	if (!all) {
		iobuf_put(l->pool, old);
		conn_close(c, "out of memory");
		return GONE;
	}
	memcpy(all->data, old->data, old->len);
	if (len)
		memcpy(all->data + old->len, fresh, len);
	all->len = old->len + len;
	iobuf_put(l->pool, old);
	enum verdict v = take_frames(c, all->data, all->len);
	iobuf_put(l->pool, all);
	return v;
}

/* One receive. 1 more may follow, 0 nothing there, -1 the connection is gone. */
static int receive_once(struct conn *c)
{
	uint8_t *scratch = c->local->scratch;
	struct iobuf *in = c->in.buf;
	size_t missing = c->in.want ? c->in.want - in->len : 0;
	struct iovec iov[2] = {{missing ? in->data + in->len : NULL, missing}, {scratch, SCRATCH_SIZE}};
	ssize_t n = readv(c->fd, missing ? iov : iov + 1, missing ? 2 : 1);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		conn_close(c, n == 0 ? "closed by the peer" : strerror(errno));
		return -1;
	}
	c->bytes_in += (size_t)n;
	size_t got = (size_t)n, own = got < missing ? got : missing;
	bool more = got == missing + SCRATCH_SIZE;
	enum verdict v = GO_ON;
	if (missing) {
		in->len += own;
		if (in->len < c->in.want)
			return 0;
		v = take_owned_frame(c);
	} else if (in) {
		v = take_raw(c, scratch, got);
		return v == GONE ? -1 : more;
	}
	if (v == GO_ON && got > own)
		v = take_frames(c, scratch, got - own);
	return v == GONE ? -1 : more;
}

static void conn_event(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *priv)
{
	struct conn *c = priv;
	int rc = 1;

	c->last_activity_ns = clock_now_ns();
	if ((flags & TEVENT_FD_WRITE) && !flush_out(c))
		return;
	if (flags && !(flags & TEVENT_FD_READ))
		return;
	c->in_batch = true;
	if (!flags && c->in.buf) /* bytes that came along in a hand-over */
		if (take_raw(c, NULL, 0) == GONE)
			return;
	for (int i = 0; i < BATCHES_PER_EVENT && rc > 0 && !c->stalled && !is_full(c); i++)
		rc = receive_once(c);
	if (rc < 0)
		return;
	c->in_batch = false;
	flush_out(c);
}

void conn_drain(struct conn *c)
{
	c->draining = true;
	LIST_FOREACH(item, &c->requests) {
		struct req *r = container_of(item, struct req, link);
		if (r->cancel && !r->job) /* it only waits, for something that may never come */
			req_end_later(r, STATUS_CANCELLED);
	}
	flush_out(c);
}

struct reactor *session_id_reactor(struct local *l, uint64_t session_id)
{
	unsigned index = (unsigned)(session_id >> 56);

	return index < reactors_count(l->server->reactors) ? reactors_get(l->server->reactors, index) : NULL;
}
