/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/conn.h"

#include "core/clock.h"
#include "smbd/frame.h"

#include <errno.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

/* Frames over TCP, [MS-SMB2] 2.1: zero, then a 24-bit length. */

enum {
	PREFIX = CONN_PREFIX,
	BATCHES_PER_EVENT = 4, /* then others on this reactor have their turn */
};

/* The whole length of the frame that starts at p, prefix included; 0: not one. Needs PREFIX bytes. */
static size_t frame_length(const struct conn *c, const uint8_t *p)
{
	size_t n = (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];

	if (p[0] != 0 || n < 4 || n > conn_max_frame(c))
		return 0;
	return PREFIX + n;
}

static bool stash(struct conn *c, const uint8_t *p, size_t len, size_t want)
{
	c->tcp.in = iobuf_get(c->local->pool, want > len ? want : len);
	if (!c->tcp.in)
		return false;
	memcpy(c->tcp.in->data, p, len);
	c->tcp.in->len = len;
	c->tcp.want = want;
	return true;
}

enum verdict { GO_ON, GONE };

/* Looks at the frames in [p, p+len) and keeps what is left over. `local` tells whether c is still there. */
static enum verdict take_frames(struct conn *c, uint8_t *p, size_t len)
{
	struct local *l = c->local;
	uint64_t id = c->id;

	while (len >= PREFIX) {
		if (conn_is_full(c)) {
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
			if (stash(c, p, len, 0))
				conn_hand_over(c, home);
			else
				conn_close(c, "out of memory");
			return GONE;
		}
		frame_receive(c, p + PREFIX, n - PREFIX, NULL);
		if (idtable_get(l->conns, id) != c || (conn_has_much_to_send(c) && !conn_flush(c)))
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
	struct iobuf *buf = c->tcp.in;

	c->tcp.in = NULL;
	c->tcp.want = 0;
	frame_receive(c, buf->data + PREFIX, buf->len - PREFIX, buf);
	return idtable_get(l->conns, id) == c ? GO_ON : GONE;
}

/* Bytes kept from before whose frame length may not be known: looked at again together with what came. */
static enum verdict take_raw(struct conn *c, const uint8_t *fresh, size_t len)
{
	struct local *l = c->local;
	struct iobuf *old = c->tcp.in;
	struct iobuf *all = iobuf_get(l->pool, old->len + len);

	c->tcp.in = NULL;
	c->tcp.want = 0;
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
	struct iobuf *in = c->tcp.in;
	size_t missing = c->tcp.want ? c->tcp.want - in->len : 0;
	struct iovec iov[2] = {{missing ? in->data + in->len : NULL, missing}, {scratch, SCRATCH_SIZE}};
	ssize_t n = readv(c->tcp.fd, missing ? iov : iov + 1, missing ? 2 : 1);

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
		if (in->len < c->tcp.want)
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

static void tcp_event(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *priv)
{
	struct conn *c = priv;
	int rc = 1;

	c->last_activity_ns = clock_now_ns();
	if ((flags & TEVENT_FD_WRITE) && !conn_flush(c))
		return;
	if (flags && !(flags & TEVENT_FD_READ))
		return;
	c->in_batch = true;
	if (!flags && c->tcp.in) /* bytes that came along in a hand-over */
		if (take_raw(c, NULL, 0) == GONE)
			return;
	for (int i = 0; i < BATCHES_PER_EVENT && rc > 0 && !c->stalled && !conn_is_full(c); i++)
		rc = receive_once(c);
	if (rc < 0)
		return;
	c->in_batch = false;
	conn_flush(c);
}

static bool tcp_attach(struct conn *c)
{
	c->tcp.fde = tevent_add_fd(c->local->ev, c, c->tcp.fd, TEVENT_FD_READ, tcp_event, c);
	return c->tcp.fde != NULL;
}

static void tcp_detach(struct conn *c)
{
	TALLOC_FREE(c->tcp.fde);
}

static int tcp_send(struct conn *c, size_t *sent)
{
	int rc = iobuf_send(c->local->pool, &c->out, c->tcp.fd, sent);

	return rc < 0 ? rc : 0;
}

static void tcp_want(struct conn *c, bool requests)
{
	tevent_fd_set_flags(
		c->tcp.fde, (requests ? TEVENT_FD_READ : 0) | (list_empty(&c->out) ? 0 : TEVENT_FD_WRITE));
}

static void tcp_look(struct conn *c)
{
	tcp_event(c->local->ev, c->tcp.fde, 0, c);
}

static uint32_t tcp_max_message(const struct conn *c)
{
	return 0xFFFFFF;
}

static bool tcp_is_gone(const struct conn *c)
{
	struct pollfd p = {.fd = c->tcp.fd};

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP));
}

static void tcp_free(struct conn *c)
{
	tcp_detach(c);
	iobuf_put(c->local->pool, c->tcp.in);
	close(c->tcp.fd);
}

const struct conn_transport conn_tcp = {
	.name = "tcp",
	.attach = tcp_attach,
	.detach = tcp_detach,
	.send = tcp_send,
	.want = tcp_want,
	.look = tcp_look,
	.max_message = tcp_max_message,
	.is_gone = tcp_is_gone,
	.free = tcp_free,
};
