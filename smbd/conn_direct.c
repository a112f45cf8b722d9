/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/conn.h"

#include "core/clock.h"
#include "core/log.h"
#include "rdma/iwarp.h"
#include "rdma/smbdirect.h"
#include "smbd/frame.h"
#include "smbd/session.h"

#include <errno.h>
#include <unistd.h>

/*
 * SMB2 messages over SMB Direct on the software iWARP. What smbdirect borrows for a send, a buffer of the connection's queue
 * with all frames in it, lives in a struct sending until the last of its messages is done.
 */

enum {
	CREDITS = 255,        /* what Windows grants */
	RECEIVE_SIZE = 16384, /* one buffer for each connection: iWARP in software needs no more */
	READS_AT_ONCE = 16,
	IDLE_SECONDS = 120,   /* [MS-SMBD] 3.1.2: KeepaliveInterval */
};

struct direct_message {
	struct smbdirect_message m;
	struct iovec iov;
	struct sending *sending;
	size_t bytes; /* of the queue: with the length in front */
};

struct sending {
	struct list link;
	struct conn *c;
	struct iobuf *buf;
	unsigned left;
	struct direct_message messages[];
};

/* Its last message is done; what the connection does about that may end it. */
static void message_done(struct smbdirect_message *m, int error)
{
	struct direct_message *o = container_of(m, struct direct_message, m);
	struct sending *s = o->sending;
	struct conn *c = s->c;
	size_t n = o->bytes;

	if (--s->left == 0) {
		list_remove(&s->link);
		iobuf_put(c->local->pool, s->buf);
		talloc_free(s);
	}
	if (error == 0)
		conn_sent(c, n);
}

/* The length of the frame at p, without what stands in front. */
static size_t frame_length(const uint8_t *p)
{
	return (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

static unsigned count_frames(const struct iobuf *b)
{
	unsigned n = 0;

	for (size_t at = b->sent; at < b->len; at += CONN_PREFIX + frame_length(b->data + at))
		n++;
	return n;
}

static int post(struct conn *c, struct sending *s)
{
	struct iobuf *b = s->buf;
	struct direct_message *o = s->messages;

	for (size_t at = b->sent; at < b->len; at += o++->bytes) {
		size_t len = frame_length(b->data + at);
		if (len > smbdirect_max_send(c->direct.sd))
			return -EMSGSIZE;
		o->iov = (struct iovec){b->data + at + CONN_PREFIX, len};
		o->bytes = CONN_PREFIX + len;
		o->sending = s;
		o->m = (struct smbdirect_message){.iov = &o->iov, .n = 1, .done = message_done};
	}
	if (b->invalidate) {
		o[-1].m.invalidate = true;
		o[-1].m.tag = b->tag;
	}
	for (unsigned i = 0, n = s->left; i < n; i++)
		smbdirect_send(c->direct.sd, &s->messages[i].m);
	return 0;
}

static int send_buffer(struct conn *c, struct iobuf *b)
{
	unsigned n = count_frames(b);
	struct sending *s;

	if (n == 0) {
		iobuf_put(c->local->pool, b);
		return 0;
	}
	s = talloc_zero_size(c, sizeof(*s) + n * sizeof(s->messages[0]));
	if (!s)
		return -ENOMEM;
	s->c = c;
	s->buf = b;
	s->left = n;
	int rc = post(c, s);
	if (rc < 0) {
		talloc_free(s);
		return rc;
	}
	list_remove(&b->link);
	list_append(&c->direct.in_flight, &s->link);
	return 0;
}

static int direct_send(struct conn *c, size_t *sent)
{
	int rc = 0;

	LIST_FOREACH_SAFE(item, &c->out) {
		rc = rc < 0 ? rc : send_buffer(c, container_of(item, struct iobuf, link));
	}
	return rc;
}

/* ---- receiving ---- */

/* Keeps a message for later: in the buffer it has, or in one of its own. */
static bool put_by(struct conn *c, const uint8_t *data, size_t len, struct iobuf *b)
{
	if (!b) {
		b = iobuf_get(c->local->pool, len);
		if (!b)
			return false;
		memcpy(b->data, data, len);
		b->len = len;
	}
	list_append(&c->direct.waiting, &b->link);
	return true;
}

/* False: the connection is gone, or with another reactor. */
static bool take(struct conn *c, uint8_t *data, size_t len, struct iobuf *b)
{
	struct reactor *home = frame_wants_reactor(c, BYTES(data, len));
	struct local *l = c->local;
	uint64_t id = c->id;

	if (home) {
		if (put_by(c, data, len, b))
			conn_hand_over(c, home);
		else
			conn_close(c, "out of memory");
		return false;
	}
	c->in_batch = true;
	frame_receive(c, data, len, b);
	if (idtable_get(l->conns, id) != c)
		return false;
	c->in_batch = false;
	return conn_flush(c);
}

static void direct_look(struct conn *c)
{
	while (!list_empty(&c->direct.waiting) && !conn_is_full(c) && !c->draining) {
		struct iobuf *b = container_of(list_pop(&c->direct.waiting), struct iobuf, link);
		if (!take(c, b->data, b->len, b))
			return;
	}
	c->stalled = !list_empty(&c->direct.waiting);
}

static void received(void *arg, uint8_t *data, size_t len, void *memory)
{
	struct conn *c = arg;
	struct iobuf *b = memory;

	c->bytes_in += len;
	c->last_activity_ns = clock_now_ns();
	if (b)
		b->len = len;
	if (len > conn_max_frame(c)) {
		iobuf_put(c->local->pool, b);
		conn_close(c, "too long a message");
		return;
	}
	if (list_empty(&c->direct.waiting) && !conn_is_full(c) && !c->draining) {
		take(c, data, len, b);
		return;
	}
	c->stalled = true;
	if (!put_by(c, data, len, b))
		conn_close(c, "out of memory");
}

static void *reserve(void *arg, size_t size, uint8_t **data)
{
	struct conn *c = arg;
	struct iobuf *b = size <= conn_max_frame(c) ? iobuf_get(c->local->pool, size) : NULL;

	if (b)
		*data = b->data;
	return b;
}

static void release(void *arg, void *memory)
{
	struct conn *c = arg;

	iobuf_put(c->local->pool, memory);
}

static void established(void *arg)
{
	struct conn *c = arg;

	log_debug(rdma, "SMB Direct with %s", c->peer);
}

/* A client may reach what a grant gives it; that it has tried more is for the record. */
static void audit_refused_access(const struct conn *c, const char *why)
{
	struct rdma_facts f;

	rdma_facts(smbdirect_rdma(c->direct.sd), &f);
	if (!f.refused)
		return;
	if (list_empty(&c->channels))
		log_info(audit, "RDMA access refused to nobody in particular from %s: %s", c->peer, why);
	LIST_FOREACH(item, &c->channels) {
		const struct session *s = container_of(item, struct channel, conn_link)->session;
		log_info(audit, "RDMA access refused to user %s from %s: %s", s->user ? s->user : "", c->peer, why);
	}
}

static void ended(void *arg, const char *why)
{
	audit_refused_access(arg, why);
	conn_close(arg, why);
}

/* ---- looking for accesses ---- */

static bool poll_accesses(struct poller *p)
{
	struct conn *c = container_of(p, struct conn, direct.poller);

	if (!list_empty(&c->grants))
		return rdma_poll(smbdirect_rdma(c->direct.sd));
	list_remove(&p->link);
	return false;
}

static bool is_busy(struct poller *p)
{
	struct conn *c = container_of(p, struct conn, direct.poller);
	struct rdma_facts f;
	uint64_t before = c->direct.moved;

	rdma_facts(smbdirect_rdma(c->direct.sd), &f);
	c->direct.moved = f.bytes_placed + f.bytes_read;
	return c->direct.moved != before;
}

void conn_look_for_accesses(struct conn *c)
{
	struct poller *p = &c->direct.poller;

	if (!c->local->settings->poll_us || !list_empty(&p->link))
		return;
	*p = (struct poller){.poll = poll_accesses,
		.is_busy = is_busy,
		.ns = c->local->settings->poll_us * 1000ull};
	list_init(&p->link);
	reactor_add_poller(c->local->reactor, p);
}

/* ---- life ---- */

static struct rdma_conn *start(TALLOC_CTX *mem, struct tevent_context *ev, const struct rdma_params *p, void *how)
{
	struct conn *c = how;
	int fd = c->tcp.fd;

	c->tcp.fd = -1;
	return iwarp_start(mem, ev, fd, false, p);
}

static bool direct_attach(struct conn *c)
{
	static const struct smbdirect_handlers handlers = {
		.established = established,
		.reserve = reserve,
		.release = release,
		.received = received,
		.ended = ended,
	};
	const struct server *s = c->local->server;
	uint32_t payload = s->max_write > s->max_transact ? s->max_write : s->max_transact;
	struct smbdirect_params p = {
		.credits = CREDITS,
		.receive_size = RECEIVE_SIZE,
		.max_message = payload + CONN_MAX_FRAME_EXTRA,
		.max_read_write = s->max_read > s->max_write ? s->max_read : s->max_write,
		.negotiate_seconds = s->auth_timeout,
		.idle_seconds = IDLE_SECONDS,
	};
	struct rdma_params rdma = {
		.ird = READS_AT_ONCE,
		.ord = READS_AT_ONCE,
		.crc = s->rdma_crc,
		.setup_seconds = s->auth_timeout,
	};

	if (c->direct.sd) /* after a hand-over */
		return smbdirect_attach(c->direct.sd, c->local->ev) == 0;
	c->direct.sd = smbdirect_new(c, c->local->ev, &p, &rdma, start, c, &handlers, c);
	return c->direct.sd != NULL;
}

static void direct_detach(struct conn *c)
{
	list_remove(&c->direct.poller.link);
	smbdirect_detach(c->direct.sd);
}

static void direct_want(struct conn *c, bool requests)
{
	smbdirect_hold(c->direct.sd, !requests);
}

static uint32_t direct_max_message(const struct conn *c)
{
	return smbdirect_max_send(c->direct.sd);
}

/* SMB Direct finds out by itself, by its keep-alive. */
static bool direct_is_gone(const struct conn *c)
{
	return false;
}

static void direct_free(struct conn *c)
{
	list_remove(&c->direct.poller.link);
	if (c->direct.sd)
		smbdirect_close(c->direct.sd);
	else if (c->tcp.fd >= 0)
		close(c->tcp.fd);
	while (!list_empty(&c->direct.waiting))
		iobuf_put(c->local->pool, container_of(c->direct.waiting.next, struct iobuf, link));
}

const struct conn_transport conn_smbdirect = {
	.name = "smbdirect",
	.attach = direct_attach,
	.detach = direct_detach,
	.send = direct_send,
	.want = direct_want,
	.look = direct_look,
	.max_message = direct_max_message,
	.is_gone = direct_is_gone,
	.free = direct_free,
};
