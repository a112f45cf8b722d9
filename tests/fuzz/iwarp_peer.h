/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_FUZZ_IWARP_PEER_H
#define TESTS_FUZZ_IWARP_PEER_H

#include "core/fault.h"
#include "rdma/crc32c.h"
#include "rdma/iwarp.h"
#include "rdma/mpa.h"
#include "rdma/rdmap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * An iWARP engine whose peer is the fuzzer, over a pair of sockets. Whatever comes: every work is done once,
 * nothing outside of a target changes, and a target without the right to be written to does not change
 * either.
 */
enum {
	PEER_TARGETS = 3,
	PEER_LEN = 40000,
	PEER_GUARD = 64,
	PEER_WORKS = 8,
	PEER_RECEIVE = 3000,
	PEER_TAGS = 16
};

struct peer_target {
	struct rdma_target t;
	uint8_t memory[PEER_LEN + 2 * PEER_GUARD];
	struct peer *p;
	bool registered, asked;
};

struct peer_work {
	struct rdma_work w;
	struct iovec iov;
	uint8_t memory[PEER_LEN];
	unsigned posted, done;
};

struct peer {
	struct tevent_context *ev;
	struct rdma_conn *conn;
	int fd, mark;
	unsigned marks, established, ended;
	bool crc, initiator, close_in_callback;
	bool in_stream; /* the handshake was done for it: FPDUs follow */
	struct peer_target target[PEER_TARGETS];
	struct peer_work work[PEER_WORKS];
	/* Of the engine's Reads, so that they can be answered. */
	uint32_t tags[PEER_TAGS];
	unsigned n_tags;
	uint8_t in[1 << 17];
	size_t in_len;
};

static inline void must(bool what)
{
	if (!what)
		abort();
}

static inline void peer_close(struct peer *p)
{
	if (p->conn)
		rdma_close(p->conn);
	p->conn = NULL;
}

static inline void peer_established(void *arg)
{
	struct peer *p = arg;

	p->established++;
}

static inline void peer_received(void *arg, uint8_t *message, size_t len, bool solicited)
{
	struct peer *p = arg;

	must(len <= PEER_RECEIVE && p->established && !p->ended);
	memset(message, 0xaa, len); /* as the receiver may */
	if (p->close_in_callback)
		peer_close(p);
}

static inline void peer_ended(void *arg, const char *why)
{
	struct peer *p = arg;

	must(why && why[0]);
	p->ended++;
	if (p->close_in_callback)
		peer_close(p);
}

static inline void peer_done(struct rdma_work *w, int error)
{
	struct peer_work *k = container_of(w, struct peer_work, w);

	k->done++;
	must(k->done <= k->posted);
}

static inline void peer_settle(struct rdma_target *t)
{
	struct peer_target *k = container_of(t, struct peer_target, t);

	must(k->registered);
	k->asked = true;
}

static inline void peer_invalidated(struct rdma_target *t)
{
	struct peer_target *k = container_of(t, struct peer_target, t);

	must(k->registered);
	k->registered = false;
}

static inline bool peer_placed(struct rdma_target *t, size_t offset, size_t len)
{
	struct peer_target *k = container_of(t, struct peer_target, t);

	must(k->registered && len && offset < PEER_LEN && len <= PEER_LEN - offset);
	must(t->rights & RDMA_REMOTE_WRITE);
	if (k->p->close_in_callback && len % 3 == 0)
		return false;
	if (k->p->close_in_callback && len % 2) {
		k->registered = false;
		rdma_deregister(k->p->conn, t);
	} else if (k->p->close_in_callback) {
		peer_close(k->p);
	}
	return true;
}

static inline void peer_faulted(struct rdma_target *t)
{
	struct peer_target *k = container_of(t, struct peer_target, t);

	must(k->registered);
	k->registered = false;
	rdma_deregister(k->p->conn, t);
}

static inline void peer_register(struct peer *p, unsigned i)
{
	struct peer_target *k = &p->target[i];

	if (k->registered || !p->conn)
		return;
	k->p = p;
	k->asked = false;
	k->t = (struct rdma_target){
		.base = k->memory + PEER_GUARD,
		.len = PEER_LEN,
		.rights = i == 2 ? RDMA_REMOTE_READ : RDMA_REMOTE_READ | RDMA_REMOTE_WRITE,
		.shared = i == 1,
		.settle = i == 0 ? peer_settle : NULL,
		.placed = peer_placed,
		.faulted = peer_faulted,
		.invalidated = peer_invalidated,
	};
	must(rdma_register(p->conn, &k->t) == 0);
	k->registered = true;
}

static inline void peer_marked(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *arg)
{
	struct peer *p = arg;

	p->marks++;
}

/* What the engine sends is taken out of the way; of its Read Requests the tags are kept. */
static inline void peer_look(struct peer *p, struct bytes segment)
{
	struct rd r = rd_over(segment);
	struct ddp_header h;
	struct rdmap_read_request q;

	must(ddp_decode(&r, &h) && h.ddp_version == 1 && h.rdmap_version == 1);
	if (h.opcode == RDMAP_READ_REQUEST && rdmap_read_request_decode(&r, &q) && p->n_tags < PEER_TAGS)
		p->tags[p->n_tags++] = q.sink_tag;
}

static inline void peer_parse(struct peer *p)
{
	size_t at = 0;

	while (p->in_len - at >= 2) {
		size_t n = (size_t)p->in[at] << 8 | p->in[at + 1], padded = (2 + n + 3) & ~(size_t)3;
		if (p->in_len - at < padded + 4)
			break;
		struct rd c = rd_over(BYTES(p->in + at + padded, 4));
		must(!p->crc || rd_u32(&c) == crc32c_end(crc32c(CRC32C_START, p->in + at, padded)));
		peer_look(p, BYTES(p->in + at + 2, n));
		at += padded + 4;
	}
	memmove(p->in, p->in + at, p->in_len - at);
	p->in_len -= at;
}

static inline void peer_drain(struct peer *p)
{
	ssize_t n;

	while ((n = recv(p->fd, p->in + p->in_len, sizeof(p->in) - p->in_len, MSG_DONTWAIT)) > 0) {
		p->in_len += (size_t)n;
		if (p->in_stream)
			peer_parse(p);
		else
			p->in_len = 0;
	}
}

/* Runs the engine until it has nothing to do; the mark is always ready, and has its turn last. */
static inline void peer_run(struct peer *p)
{
	for (unsigned round = 0; round < 3; round++) {
		p->marks = 0;
		while (p->marks < 2)
			tevent_loop_once(p->ev);
		peer_drain(p);
	}
}

static inline void peer_put(struct peer *p, const void *data, size_t n)
{
	size_t at = 0;

	while (p->conn && at < n) {
		ssize_t k = send(p->fd, (const uint8_t *)data + at, n - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (k < 0 && errno != EAGAIN)
			return;
		at += k > 0 ? (size_t)k : 0;
		peer_run(p);
		if (p->ended)
			return;
	}
}

static inline void peer_start(struct peer *p, bool initiator, bool crc)
{
	struct rdma_params params = {
		.receive_size = PEER_RECEIVE,
		.ird = 3,
		.ord = 2,
		.crc = crc,
		.setup_seconds = 3600,
		.handlers = {peer_established, peer_received, peer_ended},
		.arg = p,
	};
	int fds[2];

	p->initiator = initiator;
	p->crc = crc;
	p->ev = tevent_context_init(NULL);
	p->mark = eventfd(1, EFD_NONBLOCK);
	must(fault_install() == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	must(tevent_add_fd(p->ev, p->ev, p->mark, TEVENT_FD_READ, peer_marked, p));
	p->fd = fds[0];
	p->conn = iwarp_start(NULL, p->ev, fds[1], initiator, &params);
	must(p->conn);
	for (unsigned i = 0; i < PEER_TARGETS; i++) {
		memset(p->target[i].memory, 0x5a, sizeof(p->target[i].memory));
		peer_register(p, i);
	}
}

/* The handshake as it should be. */
static inline void peer_shake_hands(struct peer *p)
{
	struct mpa_frame f = {
		.reply = p->initiator, .revision = 2, .crc = p->crc, .enhanced = true, .ird = 2, .ord = 3};
	uint8_t out[MPA_MAX_FRAME];
	struct wr w = wr_over(out, sizeof(out));

	mpa_encode(&w, &f);
	peer_run(p);
	peer_put(p, out, w.pos);
	peer_run(p);
	must(p->established == 1);
	p->in_stream = true;
}

static inline void peer_check(const struct peer *p)
{
	for (unsigned i = 0; i < PEER_TARGETS; i++) {
		const uint8_t *m = p->target[i].memory;
		for (size_t k = 0; k < PEER_GUARD; k++)
			must(m[k] == 0x5a && m[sizeof(p->target[i].memory) - 1 - k] == 0x5a);
	}
	for (size_t k = 0; k < PEER_LEN; k++)
		must(p->target[2].memory[PEER_GUARD + k] == 0x5a);
}

static inline void peer_free(struct peer *p)
{
	close(p->fd);
	if (p->conn && !p->ended) {
		p->marks = 0;
		peer_run(p);
		must(p->ended == 1 || !p->conn);
	}
	peer_close(p);
	for (unsigned i = 0; i < PEER_WORKS; i++)
		must(p->work[i].done == p->work[i].posted);
	peer_check(p);
	talloc_free(p->ev);
	close(p->mark);
}

#endif
