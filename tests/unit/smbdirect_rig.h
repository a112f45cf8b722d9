/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_SMBDIRECT_RIG_H
#define TESTS_SMBDIRECT_RIG_H

#include "rdma/smbdirect_session.h"
#include "tests/unit/rdma_loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Two sessions over a transport in memory, side 0 the acceptor. Each checks what it receives against what the
 * other has sent, and that every callback comes as often and as late as it may.
 */
enum rig_callback { RIG_NONE, RIG_ESTABLISHED, RIG_RESERVE, RIG_RELEASE, RIG_RECEIVED, RIG_DONE, RIG_ENDED };

struct rig_side {
	struct rig *rig;
	unsigned which;
	struct smbdirect *s; /* NULL: closed */
	unsigned established, ended, sent, received, done, failed;
	unsigned reserved; /* memory that is out */
	size_t bytes;
	char why[128];
	size_t size_of[4096]; /* of the messages sent, by number */
	enum rig_callback close_in;
	unsigned close_at;         /* the how-manieth of these callbacks closes the session, */
	bool only_detach;          /* or takes it from the event loop */
	struct smbdirect detached; /* what it was like then */
	bool refuse_memory;
	size_t echo; /* answer each message with one of this size; 0: do not */
	bool hold_each;
	struct rdma_loop_side loop;
	int fd; /* where the transport has one */
};

struct rig {
	struct tevent_context *ev;
	smbdirect_start_fn start; /* with a struct rdma_loop_side */
	struct rdma_loop loop;
	struct rig_side side[2];
	bool threads; /* neither side looks at the other's numbers */
	TALLOC_CTX *mem;
};

struct rig_message {
	struct smbdirect_message m;
	struct rig_side *from;
	uint8_t *data;
	struct iovec iov[64];
};

static const struct smbdirect_params rig_defaults = {.credits = 255,
	.receive_size = 1364,
	.max_message = 1 << 20,
	.max_read_write = 8 << 20,
	.negotiate_seconds = 60,
	.idle_seconds = 120};

static inline uint8_t rig_byte(unsigned side, unsigned number, size_t i)
{
	return (uint8_t)(i * 7 + (i >> 8) + (i >> 16) * 3 + number * 31 + side * 101);
}

static inline void rig_close(struct rig_side *side)
{
	struct smbdirect *s = side->s;

	side->s = NULL;
	if (s) {
		smbdirect_close(s);
		assert_int_equal(side->done, side->sent);
		assert_int_equal(side->reserved, 0);
	}
}

/* After it, the session may be closed. */
static inline void rig_callback(struct rig_side *side, enum rig_callback which)
{
	if (side->close_in != which || side->close_at == 0 || --side->close_at)
		return;
	if (side->only_detach) {
		smbdirect_detach(side->s);
		side->detached = *side->s;
	} else {
		rig_close(side);
	}
}

static inline void rig_done(struct smbdirect_message *m, int error)
{
	struct rig_message *rm = container_of(m, struct rig_message, m);
	struct rig_side *side = rm->from;

	assert_int_equal(m->sends, 0);
	assert_int_equal(side->ended, 0);
	side->done++;
	side->failed += error != 0;
	free(rm->data);
	memset(rm, 0xEE, sizeof(*rm));
	free(rm);
	rig_callback(side, RIG_DONE);
}

/* A message in so many pieces of memory, each of its own so that a read past its end is seen. */
static inline struct rig_message *rig_message(struct rig_side *side, size_t size, unsigned pieces)
{
	struct rig_message *rm = calloc(1, sizeof(*rm));

	assert_true(pieces <= ARRAY_SIZE(rm->iov));
	rm->from = side;
	rm->data = malloc(size ? size : 1);
	for (size_t i = 0; i < size; i++)
		rm->data[i] = rig_byte(side->which, side->sent, i);
	for (unsigned i = 0; i < pieces; i++) {
		size_t from = size * i / pieces;

		rm->iov[i] = (struct iovec){rm->data + from, size * (i + 1) / pieces - from};
	}
	rm->m.iov = rm->iov;
	rm->m.n = pieces;
	rm->m.done = rig_done;
	side->size_of[side->sent++ % ARRAY_SIZE(side->size_of)] = size;
	return rm;
}

static inline void rig_send(struct rig_side *side, size_t size, unsigned pieces)
{
	smbdirect_send(side->s, &rig_message(side, size, pieces)->m);
}

static inline void rig_established(void *arg)
{
	struct rig_side *side = arg;

	side->established++;
	rig_callback(side, RIG_ESTABLISHED);
}

static inline void *rig_reserve(void *arg, size_t size, uint8_t **data)
{
	struct rig_side *side = arg;

	rig_callback(side, RIG_RESERVE);
	if (!side->s || side->refuse_memory)
		return NULL;
	side->reserved++;
	*data = malloc(size);
	return *data;
}

static inline void rig_release(void *arg, void *memory)
{
	struct rig_side *side = arg;

	side->reserved--;
	free(memory);
	rig_callback(side, RIG_RELEASE);
}

static inline void rig_received(void *arg, uint8_t *data, size_t len, void *memory)
{
	struct rig_side *side = arg, *peer = &side->rig->side[!side->which];

	assert_int_equal(side->ended, 0);
	if (side->rig->threads || peer->sent) {
		if (!side->rig->threads)
			assert_int_equal(len, peer->size_of[side->received % ARRAY_SIZE(peer->size_of)]);
		for (size_t i = 0; i < len; i++)
			if (data[i] != rig_byte(peer->which, side->received, i))
				fail_msg("byte %zu of message %u is wrong", i, side->received);
	}
	memset(data, 0xAA, len);
	side->received++;
	side->bytes += len;
	if (memory) {
		side->reserved--;
		free(memory);
	}
	if (side->hold_each)
		smbdirect_hold(side->s, side->received % 2);
	if (side->echo)
		rig_send(side, side->echo, 1);
	rig_callback(side, RIG_RECEIVED);
}

static inline void rig_ended(void *arg, const char *why)
{
	struct rig_side *side = arg;

	assert_int_equal(side->ended, 0);
	assert_int_equal(side->done, side->sent);
	assert_int_equal(side->reserved, 0);
	side->ended++;
	snprintf(side->why, sizeof(side->why), "%s", why);
	rig_callback(side, RIG_ENDED);
}

static const struct smbdirect_handlers rig_handlers = {
	rig_established, rig_reserve, rig_release, rig_received, rig_ended};
static const struct rdma_params rig_rdma = {.ird = 4, .ord = 4, .crc = true, .setup_seconds = 10};

static inline bool rig_try_start(struct rig *r, unsigned which, struct smbdirect_params p)
{
	struct rig_side *side = &r->side[which];

	p.initiator = which == 1;
	side->rig = r;
	side->which = which;
	side->loop = (struct rdma_loop_side){&r->loop, which};
	side->s = smbdirect_new(r->mem, r->ev, &p, &rig_rdma, r->start, &side->loop, &rig_handlers, side);
	return side->s;
}

static inline void rig_start(struct rig *r, unsigned which, struct smbdirect_params p)
{
	assert_true(rig_try_start(r, which, p));
}

/* As if the idle time, and so much more, had gone by since the peer said something, or was asked to. */
static inline void rig_be_silent(struct rig_side *side, int64_t more_ns)
{
	struct smbdirect *s = side->s;

	smbdirect_check_silence(s, s->since_ns + s->p.idle_seconds * 1000000000ull + (uint64_t)more_ns);
}

static inline struct rig *rig_bare(void)
{
	struct rig *r = calloc(1, sizeof(*r));

	alarm(100); /* a test that waits for what never comes */
	r->mem = talloc_new(NULL);
	r->ev = tevent_context_init(NULL);
	r->start = rdma_loop_start;
	return r;
}

static inline struct rig *rig_new(struct smbdirect_params acceptor, struct smbdirect_params initiator)
{
	struct rig *r = rig_bare();

	rig_start(r, 0, acceptor);
	rig_start(r, 1, initiator);
	return r;
}

static inline bool rig_idle(const struct rig *r)
{
	for (int i = 0; i < 2; i++)
		if (r->loop.end[i] && r->loop.end[i]->ev && !list_empty(&r->loop.end[i]->events))
			return false;
	return true;
}

/* Until nothing is under way any more, which has to come within so many steps. */
static inline void rig_quiet(struct rig *r)
{
	for (unsigned i = 0; !rig_idle(r); i++) {
		assert_true(i < 1000000);
		tevent_loop_once(r->ev);
	}
}

static inline struct rig *rig_connected(struct smbdirect_params acceptor, struct smbdirect_params initiator)
{
	struct rig *r = rig_new(acceptor, initiator);

	rig_quiet(r);
	assert_int_equal(r->side[0].established, 1);
	assert_int_equal(r->side[1].established, 1);
	return r;
}

static inline void rig_free(struct rig *r)
{
	rig_close(&r->side[0]);
	rig_close(&r->side[1]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(r->side[i].done, r->side[i].sent);
		assert_int_equal(r->side[i].reserved, 0);
		assert_null(r->loop.end[i]);
	}
	talloc_free(r->mem);
	talloc_free(r->ev);
	free(r);
	alarm(0);
}

/* A side without SMB Direct, which says what it likes. */
struct rig_raw {
	struct rdma_conn *conn;
	struct rdma_loop_side loop;
	unsigned received, ended;
	uint8_t last[8192];
	size_t len;
};

struct rig_raw_send {
	struct rdma_work w;
	struct iovec iov;
	uint8_t data[];
};

static inline void raw_established(void *arg)
{
}

static inline void raw_received(void *arg, uint8_t *message, size_t len, bool solicited)
{
	struct rig_raw *raw = arg;

	raw->received++;
	raw->len = len;
	memcpy(raw->last, message, len);
}

static inline void raw_ended(void *arg, const char *why)
{
	((struct rig_raw *)arg)->ended++;
}

static inline void raw_start(struct rig *r, struct rig_raw *raw, unsigned which)
{
	struct rdma_params p = {.receive_size = sizeof(raw->last),
		.handlers = {raw_established, raw_received, raw_ended},
		.arg = raw};

	raw->loop = (struct rdma_loop_side){&r->loop, which};
	raw->conn = rdma_loop_start(NULL, r->ev, &p, &raw->loop);
}

static inline void raw_done(struct rdma_work *w, int error)
{
	free(container_of(w, struct rig_raw_send, w));
}

static inline void raw_send(struct rig_raw *raw, const void *data, size_t len)
{
	struct rig_raw_send *q = calloc(1, sizeof(*q) + len);

	memcpy(q->data, data, len);
	q->iov = (struct iovec){q->data, len};
	q->w.iov = &q->iov;
	q->w.n = 1;
	q->w.done = raw_done;
	rdma_send(raw->conn, &q->w);
}

/* A data transfer message, with as much data as its DataLength says. */
static inline void raw_send_data(struct rig_raw *raw, struct smbdirect_data d)
{
	uint8_t buf[8192] = {0};
	struct wr w = wr_over(buf, sizeof(buf));
	size_t len = d.data.len;

	smbdirect_data_encode(&w, &d);
	wr_zero(&w, len);
	raw_send(raw, buf, w.pos);
}

static inline void raw_negotiate(struct rig_raw *raw, uint16_t credits)
{
	uint8_t buf[64];
	struct wr w = wr_over(buf, sizeof(buf));

	if (raw->loop.which == 1)
		smbdirect_negotiate_req_encode(
			&w, &(struct smbdirect_negotiate_req){0x100, 0x100, credits, 1024, 1024, 131072});
	else
		smbdirect_negotiate_rsp_encode(&w, &(struct smbdirect_negotiate_rsp){0x100, 0x100, 0x100,
							   credits, credits, 0, 1 << 20, 1024, 1024, 131072});
	raw_send(raw, buf, w.pos);
}

static inline struct smbdirect_data raw_last_data(const struct rig_raw *raw)
{
	struct rd r = rd_over(BYTES(raw->last, raw->len));
	struct smbdirect_data d;

	assert_true(smbdirect_data_decode(&r, &d));
	return d;
}

/* A session and a raw peer that have negotiated. raw_which: 1: the session is the acceptor. */
static inline struct rig *rig_with_raw(
	struct rig_raw *raw, unsigned raw_which, struct smbdirect_params p, uint16_t credits)
{
	struct rig *r = rig_bare();

	*raw = (struct rig_raw){0};
	raw_start(r, raw, raw_which);
	rig_start(r, !raw_which, p);
	rig_quiet(r);
	raw_negotiate(raw, credits);
	rig_quiet(r);
	assert_int_equal(r->side[!raw_which].established, 1);
	return r;
}

static inline void rig_free_raw(struct rig *r, struct rig_raw *raw)
{
	rdma_close(raw->conn);
	rig_free(r);
}

/* The session ends for this reason, and the raw peer notices. */
static inline void expect_end(struct rig *r, struct rig_raw *raw, const char *why)
{
	struct rig_side *side = &r->side[!raw->loop.which];

	rig_quiet(r);
	assert_int_equal(side->ended, 1);
	assert_string_equal(side->why, why);
	assert_int_equal(raw->ended, 1);
	rig_free_raw(r, raw);
}

#endif
