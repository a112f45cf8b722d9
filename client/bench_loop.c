/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/bench.h"
#include "core/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 64, IOV_BATCH = 1024 };
#define PATIENCE_NS (30ull * 1000 * 1000 * 1000)
#define DRAIN_NS (10ull * 1000 * 1000 * 1000)

static uint64_t cpu_now_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return ((uint64_t)u.ru_utime.tv_sec + (uint64_t)u.ru_stime.tv_sec) * 1000000000u +
	       ((uint64_t)u.ru_utime.tv_usec + (uint64_t)u.ru_stime.tv_usec) * 1000u;
}

static void mark(const struct bench *b, const char *what)
{
	if (!b->marks)
		return;
	printf("%s\n", what);
	fflush(stdout);
}

bool bench_tick(struct bench *b, uint64_t now)
{
	if (now < b->begin_ns)
		return true;
	if (!b->measuring) {
		b->measuring = true;
		b->done = b->errors = b->bytes = 0;
		b->latency = (struct histogram){0};
		b->begin_cpu_ns = cpu_now_ns();
		b->begin_ns = now;
		b->end_ns = now + (uint64_t)(b->seconds * 1e9);
		mark(b, "begin");
	}
	if (now < b->end_ns)
		return true;
	/* A slow server gets the time to finish one operation at least. */
	if (b->done + b->errors == 0 && now < b->end_ns + PATIENCE_NS)
		return true;
	b->end_ns = now;
	b->cpu_ns = cpu_now_ns() - b->begin_cpu_ns;
	mark(b, "end");
	return false;
}

void bench_count(
	struct bench *b, uint64_t start_ns, uint64_t now, uint64_t bytes, bool failed, ntstatus_t why)
{
	if (b->stopping)
		return;
	if (failed) {
		b->errors++;
		if (!b->first_error)
			b->first_error = why ? why : (ntstatus_t)STATUS_INVALID_NETWORK_RESPONSE;
		return;
	}
	b->done++;
	b->bytes += bytes;
	histogram_add(&b->latency, now - start_ns);
}

/* Moves past n bytes that were sent. */
static void out_advance(struct bench_conn *c, size_t n)
{
	while (c->out_first < c->out_count && n >= c->out[c->out_first].iov_len)
		n -= c->out[c->out_first++].iov_len;
	if (n) {
		c->out[c->out_first].iov_base = (uint8_t *)c->out[c->out_first].iov_base + n;
		c->out[c->out_first].iov_len -= n;
	}
	if (c->out_first == c->out_count)
		c->out_first = c->out_count = 0;
}

static bool want_writable(struct bench_conn *c, bool on)
{
	struct epoll_event e = {.events = EPOLLIN | (on ? EPOLLOUT : 0), .data.ptr = c};

	if (c->writing == on)
		return true;
	c->writing = on;
	return epoll_ctl(c->bench->epoll, EPOLL_CTL_MOD, c->fd, &e) == 0;
}

static bool conn_flush(struct bench_conn *c)
{
	while (c->out_count) {
		struct msghdr m = {
			.msg_iov = c->out + c->out_first, .msg_iovlen = c->out_count - c->out_first};
		ssize_t n;

		if (m.msg_iovlen > IOV_BATCH)
			m.msg_iovlen = IOV_BATCH;
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return want_writable(c, true);
		if (n < 0 && errno != EINTR)
			return false;
		out_advance(c, n > 0 ? (size_t)n : 0);
	}
	return want_writable(c, false);
}

/* Makes room for the pieces that all slots can add. */
static void out_compact(struct bench_conn *c)
{
	if (c->out_first == 0)
		return;
	c->out_count -= c->out_first;
	memmove(c->out, c->out + c->out_first, c->out_count * sizeof(c->out[0]));
	c->out_first = 0;
}

bool bench_conn_issue(struct bench_conn *c)
{
	uint64_t now = clock_now_ns();

	out_compact(c);
	while (c->ready_count) {
		struct bench_slot *s = &c->slots[c->ready[c->ready_count - 1]];

		if (c->bench->stopping && s->stage == 0)
			c->idle++;
		else if (!bench_issue(s, now))
			break;
		c->ready_count--;
	}
	return conn_flush(c);
}

/* Something is read and taken: 1; nothing there: 0; the connection is over: -1. */
static int conn_read(struct bench_conn *c)
{
	size_t room = c->in_cap - c->in_len;
	ssize_t n;

	if (c->discard)
		n = recv(c->fd, c->keep, c->discard, (c->keep ? 0 : MSG_TRUNC) | MSG_DONTWAIT);
	else
		n = recv(c->fd, c->in + c->in_len, room < c->in_chunk ? room : c->in_chunk, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	if (c->discard) {
		c->discard -= (size_t)n;
		c->keep += c->keep ? n : 0;
		return c->discard || bench_take_discarded(c) ? 1 : -1;
	}
	c->in_len += (size_t)n;
	if (!bench_take(c))
		return -1;
	/* A read that did not fill its room has emptied the socket. */
	return (size_t)n == c->in_chunk || c->discard;
}

static bool conn_event(struct bench_conn *c, uint32_t events)
{
	int more;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		do
			more = conn_read(c);
		while (more > 0);
		if (more < 0)
			return false;
	}
	return bench_conn_issue(c);
}

static int lost(struct bench *b)
{
	cli_error("bench: the server ended the connection, or its answers make no sense");
	b->end_ns = clock_now_ns();
	return CLI_FAILED;
}

static bool start(struct bench *b)
{
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; b->epoll >= 0 && i < b->connections; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = &b->conns[i]};

		if (!b->conns[i].direct && epoll_ctl(b->epoll, EPOLL_CTL_ADD, b->conns[i].fd, &e))
			return false;
		if (!bench_conn_issue(&b->conns[i]))
			return false;
	}
	return b->epoll >= 0;
}

/* One round of events; false when a connection was lost. */
static bool turn(struct bench *b)
{
	struct epoll_event events[EVENTS];
	int n;

	if (b->cli->options.via == DAXSMB_VIA_SMBDIRECT)
		return bench_direct_turn(b);
	n = epoll_wait(b->epoll, events, EVENTS, 100);
	for (int i = 0; i < n; i++)
		if (!conn_event(events[i].data.ptr, events[i].events))
			return false;
	return true;
}

static bool all_idle(const struct bench *b)
{
	for (unsigned i = 0; i < b->connections; i++)
		if (b->conns[i].idle < b->depth)
			return false;
	return true;
}

/* Finishes what is in flight, so that nothing stays open at the server; what it says counts no more. */
static bool drain(struct bench *b)
{
	uint64_t until = clock_now_ns() + DRAIN_NS;

	b->stopping = true;
	for (unsigned i = 0; i < b->connections; i++)
		if (!bench_conn_issue(&b->conns[i]))
			return false;
	while (!all_idle(b) && clock_now_ns() < until)
		if (!turn(b))
			return false;
	return true;
}

int bench_loop(struct bench *b)
{
	int code = CLI_OK;

	if (!start(b))
		code = lost(b);
	while (code == CLI_OK && bench_tick(b, clock_now_ns()))
		if (!turn(b))
			code = lost(b);
	if (code == CLI_OK)
		drain(b);
	if (b->epoll >= 0)
		close(b->epoll);
	return code;
}
