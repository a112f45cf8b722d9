/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Messages over TCP, [MS-SMB2] 2.1: one zero byte, three bytes of length (big-endian), the message.
 * A session keep-alive of NetBIOS (0x85) is skipped, anything else closes.
 */
#include "client/transport.h"
#include "wire/cursor.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_MESSAGE = 0xFFFFFF, MESSAGES_PER_EVENT = 32, NBSS_MESSAGE = 0x00, NBSS_KEEP_ALIVE = 0x85 };

struct tcp {
	struct transport t;
	struct tevent_context *ev;
	int fd;
	struct tevent_fd *fde;
	struct tevent_immediate *failure; /* a send failed; said from the event loop */
	ntstatus_t why;
	struct list out;
	uint8_t prefix[4];
	size_t prefix_have;
	uint8_t *body; /* NULL while the prefix is read */
	size_t body_len, body_have;
};

static int frame_destructor(struct frame *f)
{
	if (f->ref)
		*f->ref = NULL;
	list_remove(&f->link);
	return 0;
}

struct frame *client_frame_new(TALLOC_CTX *mem, size_t head_len)
{
	struct frame *f = talloc_zero(mem, struct frame);

	if (!f)
		return NULL;
	list_init(&f->link);
	f->head = talloc_zero_size(f, head_len);
	f->head_len = head_len;
	if (!f->head)
		TALLOC_FREE(f);
	else
		talloc_set_destructor(f, frame_destructor);
	return f;
}

bool client_frame_keep_payload(struct frame *f)
{
	uint8_t *copy;

	if (f->payload.len == 0)
		return true;
	copy = talloc_memdup(f, f->payload.data, f->payload.len);
	f->payload.data = copy;
	return copy != NULL;
}

static void tcp_close(struct transport *base)
{
	struct tcp *t = container_of(base, struct tcp, t);
	struct list *item;

	TALLOC_FREE(t->fde);
	TALLOC_FREE(t->failure);
	TALLOC_FREE(t->body);
	while ((item = list_pop(&t->out)))
		talloc_free(container_of(item, struct frame, link));
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

static void tcp_closed(struct tcp *t, ntstatus_t why)
{
	tcp_close(&t->t);
	t->t.on_closed(t->t.arg, why);
}

static void tcp_failure(struct tevent_context *ev, struct tevent_immediate *im, void *arg)
{
	struct tcp *t = arg;

	tcp_closed(t, t->why);
}

/* 0, -EAGAIN or another -errno. */
static int frame_write(struct tcp *t, struct frame *f)
{
	struct iovec iov[] = {
		{f->prefix, sizeof(f->prefix)},
		{f->head, f->head_len},
		{(void *)f->payload.data, f->payload.len},
	};
	size_t total = sizeof(f->prefix) + f->head_len + f->payload.len;

	while (f->done < total) {
		size_t skip = f->done;
		int first = 0;
		ssize_t n;

		for (; skip >= iov[first].iov_len; first++)
			skip -= iov[first].iov_len;
		struct iovec saved = iov[first];
		iov[first].iov_base = (uint8_t *)saved.iov_base + skip;
		iov[first].iov_len -= skip;
		/* not by writev: the program that uses the library may not ignore SIGPIPE */
		n = sendmsg(t->fd,
			&(struct msghdr){.msg_iov = iov + first, .msg_iovlen = ARRAY_SIZE(iov) - (size_t)first},
			MSG_NOSIGNAL);
		iov[first] = saved;
		if (n < 0 && errno != EINTR)
			return -errno;
		f->done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int tcp_flush(struct tcp *t)
{
	while (!list_empty(&t->out)) {
		struct frame *f = container_of(t->out.next, struct frame, link);
		int err = frame_write(t, f);

		if (err)
			return err;
		talloc_free(f);
	}
	return 0;
}

static void tcp_send(struct transport *base, struct frame *f)
{
	struct tcp *t = container_of(base, struct tcp, t);
	bool idle = list_empty(&t->out);
	struct wr w = wr_over(f->prefix, sizeof(f->prefix));
	int err;

	talloc_steal(t, f);
	wr_u32_be(&w, f->head_len + f->payload.len);
	list_append(&t->out, &f->link);
	if (!idle || t->fd < 0 || t->why)
		return;
	err = tcp_flush(t);
	if (err == -EAGAIN) {
		TEVENT_FD_WRITEABLE(t->fde);
	} else if (err) {
		t->why = status_from_errno(err);
		tevent_schedule_immediate(t->failure, t->ev, tcp_failure, t);
	}
}

/* The prefix is complete: prepares for the body. */
static int tcp_prefix_done(struct tcp *t)
{
	struct rd r = rd_over(BYTES(t->prefix, sizeof(t->prefix)));
	uint32_t v = rd_u32_be(&r);

	t->prefix_have = 0;
	if (v >> 24 == NBSS_KEEP_ALIVE && (v & 0xFFFFFF) == 0)
		return 0;
	if (v >> 24 != NBSS_MESSAGE || v == 0)
		return -EPROTO;
	t->body_len = v;
	t->body_have = 0;
	t->body = talloc_size(t, t->body_len);
	return t->body ? 0 : -ENOMEM;
}

/* Reads what the current part lacks. 1: something read, 0: end of stream, -errno. */
static int tcp_fill(struct tcp *t)
{
	uint8_t *to = t->body ? t->body + t->body_have : t->prefix + t->prefix_have;
	size_t want = t->body ? t->body_len - t->body_have : sizeof(t->prefix) - t->prefix_have;
	ssize_t n = read(t->fd, to, want);

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (t->body)
		t->body_have += (size_t)n;
	else
		t->prefix_have += (size_t)n;
	return n > 0;
}

static void tcp_deliver(struct tcp *t)
{
	uint8_t *body = talloc_steal(NULL, t->body);

	t->body = NULL;
	t->t.on_message(t->t.arg, body, t->body_len);
}

static void tcp_readable(struct tcp *t)
{
	for (int messages = 0; messages < MESSAGES_PER_EVENT && t->fd >= 0;) {
		int got = tcp_fill(t);

		if (got == -EAGAIN)
			return;
		if (got > 0 && !t->body && t->prefix_have == sizeof(t->prefix))
			got = tcp_prefix_done(t) ?: 1;
		if (got <= 0) {
			tcp_closed(t, got == -EPROTO ? STATUS_INVALID_NETWORK_RESPONSE
				      : got          ? status_from_errno(got)
						     : STATUS_CONNECTION_DISCONNECTED);
			return;
		}
		if (t->body && t->body_have == t->body_len) {
			tcp_deliver(t);
			messages++;
		}
	}
}

static void tcp_event(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *arg)
{
	struct tcp *t = arg;

	if (flags & TEVENT_FD_WRITE) {
		int err = tcp_flush(t);

		if (err == 0)
			TEVENT_FD_NOT_WRITEABLE(t->fde);
		if (err && err != -EAGAIN) {
			tcp_closed(t, status_from_errno(err));
			return;
		}
	}
	if (flags & TEVENT_FD_READ)
		tcp_readable(t);
}

static int tcp_destructor(struct tcp *t)
{
	tcp_close(&t->t);
	return 0;
}

struct transport *transport_tcp_new(TALLOC_CTX *mem, struct tevent_context *ev, int fd)
{
	static const struct transport_ops ops = {.send = tcp_send, .close = tcp_close};
	struct tcp *t = talloc_zero(mem, struct tcp);

	if (!t) {
		close(fd);
		return NULL;
	}
	t->t.ops = &ops;
	t->t.max_send = MAX_MESSAGE;
	t->ev = ev;
	t->fd = fd;
	list_init(&t->out);
	talloc_set_destructor(t, tcp_destructor);
	t->fde = tevent_add_fd(ev, t, fd, TEVENT_FD_READ, tcp_event, t);
	t->failure = tevent_create_immediate(t);
	if (!t->fde || !t->failure) {
		talloc_free(t);
		return NULL;
	}
	return &t->t;
}

int transport_tcp_release(struct transport *base)
{
	struct tcp *t = container_of(base, struct tcp, t);
	int fd = t->fd;

	t->fd = -1;
	tcp_close(base);
	return fd;
}
