/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_UNIT_IWARP_RAW_H
#define TESTS_UNIT_IWARP_RAW_H

#include "rdma/crc32c.h"
#include "rdma/mpa.h"
#include "rdma/rdmap.h"
#include "tests/unit/iwarp_rig.h"

/* One engine, and a peer that is a socket with whatever bytes the test makes. */

struct raw {
	struct rig r;
	struct side *s; /* the engine: r.b is a responder, r.a an initiator */
	int fd;         /* the peer's */
	int engine_fd;  /* belongs to the engine */
	bool crc;
};

/* An FPDU with these fields; break_crc: a bit of its CRC is wrong. */
static inline void put_fpdu(
	struct wr *w, const struct ddp_header *h, struct bytes payload, bool crc, bool break_crc)
{
	size_t start = w->pos;

	wr_u16_be(w, ddp_header_size(h) + payload.len);
	ddp_encode(w, h);
	wr_bytes(w, payload);
	wr_zero(w, (4 - (w->pos - start) % 4) % 4);
	uint32_t c = crc ? crc32c_end(crc32c(CRC32C_START, w->base + start, w->pos - start)) : 0;
	wr_u32(w, break_crc ? c ^ 0x400 : c);
}

static inline struct ddp_header tagged_header(enum rdmap_opcode opcode, uint32_t tag, uint64_t offset)
{
	return (struct ddp_header){.tagged = true,
		.last = true,
		.ddp_version = 1,
		.rdmap_version = 1,
		.opcode = opcode,
		.tag = tag,
		.offset = offset};
}

static inline struct ddp_header untagged_header(enum rdmap_opcode opcode, uint32_t queue, uint32_t msn)
{
	return (struct ddp_header){.last = true,
		.ddp_version = 1,
		.rdmap_version = 1,
		.opcode = opcode,
		.queue = queue,
		.msn = msn};
}

/* Of the next connections; 0: loopback's. FPDUs end where TCP's segments end only if it is a multiple of 4,
 * with 12. */
static int raw_segment;

static inline void raw_start(struct raw *x, bool initiator, bool crc)
{
	int fds[2];

	*x = (struct raw){.crc = crc};
	rig_init(&x->r);
	x->s = initiator ? &x->r.a : &x->r.b;
	struct rdma_params p = rig_params(x->s, crc);
	rig_tcp_pair(fds, raw_segment);
	x->fd = fds[0];
	x->engine_fd = fds[1];
	x->s->conn = iwarp_start(x->r.ev, x->r.ev, fds[1], initiator, &p);
	assert_non_null(x->s->conn);
}

/* Of the engine's socket: a small one takes a part of a frame at a time. */
static inline void raw_send_buffer(struct raw *x, int size)
{
	assert_int_equal(setsockopt(x->engine_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
}

static inline void raw_put(struct raw *x, const void *p, size_t n)
{
	assert_int_equal(send(x->fd, p, n, MSG_NOSIGNAL), n);
}

/* n bytes from the engine. */
static inline void raw_get(struct raw *x, void *p, size_t n)
{
	uint64_t until = clock_now_ns() + RIG_PATIENCE_SECONDS * 1000000000ull;
	size_t got = 0;

	while (got < n) {
		ssize_t k = recv(x->fd, (uint8_t *)p + got, n - got, MSG_DONTWAIT);
		assert_true(k != 0 && clock_now_ns() < until);
		if (k > 0)
			got += (size_t)k;
		else
			rig_turn(&x->r, 200);
	}
}

/* True: the engine has closed and no byte was left. */
static inline bool raw_is_closed(struct raw *x)
{
	char c;

	return recv(x->fd, &c, 1, MSG_DONTWAIT) <= 0;
}

static inline void raw_put_mpa(struct raw *x, const struct mpa_frame *f)
{
	uint8_t out[MPA_MAX_FRAME];
	struct wr w = wr_over(out, sizeof(out));

	mpa_encode(&w, f);
	raw_put(x, out, w.pos);
}

static inline struct mpa_frame raw_get_mpa(struct raw *x, uint8_t *buf)
{
	struct mpa_frame f;
	bool reply = x->s == &x->r.b;

	raw_get(x, buf, MPA_HEADER_SIZE);
	size_t size = mpa_frame_size(buf, reply);
	assert_true(size);
	raw_get(x, buf + MPA_HEADER_SIZE, size - MPA_HEADER_SIZE);
	struct rd r = rd_over(BYTES(buf, size));
	assert_true(mpa_decode(&r, &f));
	return f;
}

/* The whole handshake, with IRD and ORD 4. */
static inline void raw_connect(struct raw *x, bool initiator, bool crc)
{
	uint8_t buf[MPA_MAX_FRAME];
	struct mpa_frame f = {
		.reply = initiator, .revision = 2, .crc = crc, .enhanced = true, .ird = 4, .ord = 4};

	raw_start(x, initiator, crc);
	if (!initiator)
		raw_put_mpa(x, &f);
	(void)raw_get_mpa(x, buf);
	if (initiator)
		raw_put_mpa(x, &f);
	rig_until(&x->r, &x->s->established, 1);
}

static inline void raw_put_fpdu(struct raw *x, const struct ddp_header *h, const void *payload, size_t n)
{
	uint8_t *out = malloc(n + 64);
	struct wr w = wr_over(out, n + 64);

	put_fpdu(&w, h, BYTES(payload, n), x->crc, false);
	assert_false(w.bad);
	raw_put(x, out, w.pos);
	free(out);
}

/* The next FPDU of the engine, its CRC checked; payload: 64 KiB. */
static inline size_t raw_get_fpdu(struct raw *x, struct ddp_header *h, uint8_t *payload)
{
	uint8_t *frame = malloc(70000);

	raw_get(x, frame, 2);
	size_t n = (size_t)frame[0] << 8 | frame[1], padded = (2 + n + 3) & ~(size_t)3;
	raw_get(x, frame + 2, padded + 4 - 2);
	struct rd r = rd_over(BYTES(frame + 2, n));
	struct rd c = rd_over(BYTES(frame + padded, 4));
	if (x->crc)
		assert_int_equal(rd_u32(&c), crc32c_end(crc32c(CRC32C_START, frame, padded)));
	assert_true(ddp_decode(&r, h));
	n = rd_left(&r);
	rd_copy(&r, payload, n);
	free(frame);
	return n;
}

/* The engine's next FPDU is a Terminate: returns its payload's length. */
static inline size_t raw_get_terminate(struct raw *x, uint8_t *payload)
{
	struct ddp_header h;
	size_t n = raw_get_fpdu(x, &h, payload);

	assert_false(h.tagged);
	assert_int_equal(h.opcode, RDMAP_TERMINATE);
	assert_int_equal(h.queue, DDP_QUEUE_TERMINATE);
	assert_int_equal(h.msn, 1);
	assert_int_equal(h.mo, 0);
	assert_true(h.last);
	assert_true(n >= 4);
	return n;
}

static inline unsigned raw_get_error(struct raw *x)
{
	uint8_t payload[1 << 16];

	raw_get_terminate(x, payload);
	return (unsigned)payload[0] << 8 | payload[1];
}

static inline void raw_free(struct raw *x)
{
	if (x->fd >= 0)
		close(x->fd);
	rig_free(&x->r);
}

#endif
