/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_UNIT_IWARP_RIG_H
#define TESTS_UNIT_IWARP_RIG_H

#include "core/clock.h"
#include "core/fault.h"
#include "rdma/iwarp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Two iWARP engines, or one and a peer of raw bytes, on one event loop. */

enum { RIG_PATIENCE_SECONDS = 60, RIG_RECEIVE = 8192 };

struct side;
typedef void (*side_hook)(struct side *s);

struct side {
	struct rdma_conn *conn;
	unsigned established, ended, messages, solicited, invalidated, faulted, settles;
	char why[160];
	uint8_t *last; /* the last message */
	size_t last_len;
	side_hook on_established, on_message, on_settle, on_ended;
	struct rdma_target *settle_target;
	void *user;
};

struct rig {
	struct tevent_context *ev;
	struct side a, b; /* a: the initiator */
};

static inline void rig_established(void *arg)
{
	struct side *s = arg;

	s->established++;
	if (s->on_established)
		s->on_established(s);
}

static inline void rig_received(void *arg, uint8_t *message, size_t len, bool solicited)
{
	struct side *s = arg;

	s->messages++;
	s->solicited += solicited;
	free(s->last);
	s->last = malloc(len + 1);
	if (len)
		memcpy(s->last, message, len);
	s->last_len = len;
	if (s->on_message)
		s->on_message(s);
}

static inline void rig_ended(void *arg, const char *why)
{
	struct side *s = arg;

	s->ended++;
	snprintf(s->why, sizeof(s->why), "%s", why);
	if (s->on_ended)
		s->on_ended(s);
}

static inline struct rdma_params rig_params(struct side *s, bool crc)
{
	return (struct rdma_params){
		.receive_size = RIG_RECEIVE,
		.ird = 4,
		.ord = 4,
		.crc = crc,
		.setup_seconds = RIG_PATIENCE_SECONDS,
		.handlers = {rig_established, rig_received, rig_ended},
		.arg = s,
	};
}

/* A connected pair over loopback; mss 0: as it comes. */
static inline void rig_tcp_pair(int fds[2], int mss)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (mss) {
		assert_int_equal(setsockopt(l, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)), 0);
		assert_int_equal(setsockopt(fds[0], IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)), 0);
	}
	assert_int_equal(bind(l, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&at, sizeof(at)), 0);
	fds[1] = accept(l, NULL, NULL);
	assert_true(fds[1] >= 0);
	close(l);
}

static inline void rig_init(struct rig *r)
{
	*r = (struct rig){0};
	assert_int_equal(fault_install(), 0);
	r->ev = tevent_context_init(NULL);
	assert_non_null(r->ev);
}

static inline void rig_pass(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg)
{
	*(bool *)arg = true;
}

/* Turns the event loop until *flag is `least` or more. */
static inline void rig_until(struct rig *r, const unsigned *flag, unsigned least)
{
	bool late = false;
	struct tevent_timer *te = tevent_add_timer(
		r->ev, r->ev, tevent_timeval_current_ofs(RIG_PATIENCE_SECONDS, 0), rig_pass, &late);

	while (*flag < least && !late)
		tevent_loop_once(r->ev);
	if (late)
		fail_msg("nothing happened in time (a: %s, b: %s)", r->a.why, r->b.why);
	talloc_free(te);
}

/* Turns the event loop for a little while. */
static inline void rig_turn(struct rig *r, unsigned microseconds)
{
	bool late = false;

	tevent_add_timer(r->ev, r->ev, tevent_timeval_current_ofs(0, microseconds), rig_pass, &late);
	while (!late)
		tevent_loop_once(r->ev);
}

static inline void rig_connect(struct rig *r, int mss, bool crc)
{
	struct rdma_params pa = rig_params(&r->a, crc), pb = rig_params(&r->b, crc);
	int fds[2];

	rig_init(r);
	rig_tcp_pair(fds, mss);
	r->a.conn = iwarp_start(r->ev, r->ev, fds[0], true, &pa);
	r->b.conn = iwarp_start(r->ev, r->ev, fds[1], false, &pb);
	rig_until(r, &r->a.established, 1);
	rig_until(r, &r->b.established, 1);
}

static inline void rig_close(struct side *s)
{
	if (s->conn)
		rdma_close(s->conn);
	s->conn = NULL;
	free(s->last);
	s->last = NULL;
}

static inline void rig_free(struct rig *r)
{
	rig_close(&r->a);
	rig_close(&r->b);
	talloc_free(r->ev);
}

/* A work that remembers how it went. */
struct op {
	struct rdma_work w;
	struct iovec iov;
	unsigned done;
	int error;
	void (*then)(struct op *o);
	void *user;
};

static inline void op_done(struct rdma_work *w, int error)
{
	struct op *o = container_of(w, struct op, w);

	o->done++;
	o->error = error;
	if (o->then)
		o->then(o);
}

static inline struct rdma_work *op_over(struct op *o, const void *p, size_t n)
{
	*o = (struct op){.iov = {(void *)p, n}};
	o->w.iov = &o->iov;
	o->w.n = 1;
	o->w.done = op_done;
	return &o->w;
}

static inline struct rdma_work *access_op(
	struct op *o, const void *p, size_t n, const struct rdma_target *t, uint64_t offset)
{
	op_over(o, p, n);
	o->w.tag = t->tag;
	o->w.remote_offset = offset;
	return &o->w;
}

static inline void fill_pattern(uint8_t *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + seed);
}

#endif
