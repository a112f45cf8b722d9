/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/fuzz/iwarp_peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A peer whose frames are well made, with CRCs that are right, and whose owner does things meanwhile. The
 * first byte as in fuzz_iwarp_raw; then steps of a kind, and what the kind wants.
 */
struct run {
	struct peer p;
	struct rd in;
	uint32_t msn[DDP_QUEUES];
	uint32_t mo; /* of the Send that is begun */
};

static void put_segment(struct run *x, const struct ddp_header *h, const uint8_t *payload, size_t n)
{
	static uint8_t frame[PEER_LEN + 200];
	struct wr w = wr_over(frame, sizeof(frame));

	wr_u16_be(&w, ddp_header_size(h) + n);
	ddp_encode(&w, h);
	wr_bytes(&w, BYTES(payload, n));
	wr_align(&w, 4);
	wr_u32(&w, x->p.crc ? crc32c_end(crc32c(CRC32C_START, frame, w.pos)) : 0);
	must(!w.bad);
	/* Some in two parts, so that large ones go straight to where they belong. */
	size_t cut = rd_u8(&x->in) % w.pos;
	peer_put(&x->p, frame, cut);
	peer_put(&x->p, frame + cut, w.pos - cut);
}

static size_t get_length(struct run *x)
{
	size_t n = rd_u16(&x->in);

	return n % (PEER_LEN + 1);
}

static const uint8_t *some_bytes(void)
{
	static uint8_t bytes[PEER_LEN];

	return bytes;
}

static struct ddp_header header(enum rdmap_opcode opcode, bool last)
{
	return (struct ddp_header){.tagged = rdmap_kinds[opcode].tagged,
		.last = last,
		.ddp_version = 1,
		.rdmap_version = 1,
		.opcode = opcode,
		.queue = rdmap_kinds[opcode].queue};
}

/* Nearly always one that is good. */
static uint32_t some_tag(struct run *x)
{
	uint8_t i = rd_u8(&x->in);

	return i < 250 ? x->p.target[i % PEER_TARGETS].t.tag : i;
}

static void step_write(struct run *x)
{
	struct ddp_header h = header(RDMAP_WRITE, true);

	h.tag = some_tag(x);
	h.offset = rd_u16(&x->in);
	put_segment(x, &h, some_bytes(), get_length(x));
}

static void step_send(struct run *x)
{
	uint8_t how = rd_u8(&x->in);
	struct ddp_header h = header(RDMAP_SEND + how % 4, how & 4);
	size_t n = get_length(x) % (PEER_RECEIVE + 2);

	h.tag = some_tag(x);
	h.msn = x->msn[DDP_QUEUE_SEND];
	h.mo = x->mo;
	x->mo = h.last ? 0 : x->mo + (uint32_t)n;
	x->msn[DDP_QUEUE_SEND] += h.last;
	put_segment(x, &h, some_bytes(), n);
}

static void step_read(struct run *x)
{
	struct ddp_header h = header(RDMAP_READ_REQUEST, true);
	uint8_t payload[RDMAP_READ_REQUEST_SIZE];
	struct wr w = wr_over(payload, sizeof(payload));
	struct rdmap_read_request q = {.sink_tag = 7, .source_tag = some_tag(x)};

	q.source_offset = rd_u16(&x->in);
	q.size = (uint32_t)get_length(x);
	h.msn = x->msn[DDP_QUEUE_READ]++;
	rdmap_read_request_encode(&w, &q);
	put_segment(x, &h, payload, w.pos);
}

/* Of the first Read that the engine has asked for. */
static void step_response(struct run *x)
{
	struct peer *p = &x->p;
	uint8_t how = rd_u8(&x->in);
	struct ddp_header h = header(RDMAP_READ_RESPONSE, how & 1);

	h.tag = p->n_tags ? p->tags[0] : 1;
	h.offset = how & 2 ? rd_u16(&x->in) : 0;
	if (h.last && p->n_tags)
		memmove(p->tags, p->tags + 1, --p->n_tags * sizeof(p->tags[0]));
	put_segment(x, &h, some_bytes(), get_length(x));
}

static void step_terminate(struct run *x)
{
	struct ddp_header h = header(RDMAP_TERMINATE, true);
	size_t n = rd_u8(&x->in) % 60, left = rd_left(&x->in);
	struct bytes b = rd_bytes(&x->in, n < left ? n : left);

	h.msn = 1;
	put_segment(x, &h, b.data, b.len);
}

/* Any header at all. */
static void step_any(struct run *x)
{
	struct rd r = rd_over(rd_bytes(&x->in, DDP_UNTAGGED_SIZE));
	struct ddp_header h;

	if (ddp_decode(&r, &h))
		put_segment(x, &h, some_bytes(), get_length(x));
}

static void step_post(struct run *x)
{
	uint8_t how = rd_u8(&x->in);
	struct peer_work *k = &x->p.work[how % PEER_WORKS];

	if (k->done != k->posted || !x->p.conn)
		return;
	k->iov = (struct iovec){k->memory, get_length(x)};
	k->w = (struct rdma_work){
		.iov = &k->iov, .n = 1, .flags = how >> 3 & 7, .done = peer_done, .tag = how};
	k->posted++;
	if (how < 80)
		rdma_read(x->p.conn, &k->w);
	else if (how < 160)
		rdma_write(x->p.conn, &k->w);
	else
		rdma_send(x->p.conn, &k->w);
	peer_run(&x->p);
}

static void step_owner(struct run *x)
{
	uint8_t how = rd_u8(&x->in);
	struct peer *p = &x->p;
	struct peer_target *k = &p->target[how % PEER_TARGETS];

	if (!p->conn)
		return;
	if (how < 100) {
		if (k->asked)
			rdma_settled(p->conn, &k->t, how == 99 ? -EIO : 0);
		k->asked = false;
	} else if (how < 150) {
		rdma_deregister(p->conn, &k->t);
		k->registered = false;
	} else if (how < 200) {
		peer_register(p, how % PEER_TARGETS);
	} else if (how < 240) {
		rdma_detach(p->conn);
		must(rdma_attach(p->conn, p->ev) == 0);
	} else if (how < 244) {
		peer_close(p);
	}
	peer_run(p);
}

static void (*const steps[])(struct run *x) = {
	step_write, step_send, step_read, step_response, step_terminate, step_any, step_post, step_owner};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run x;

	memset(&x, 0, sizeof(x));
	x.in = rd_over(BYTES(data, size));
	x.msn[0] = x.msn[1] = 1;
	uint8_t how = rd_u8(&x.in);
	peer_start(&x.p, how & 1, how & 2);
	x.p.close_in_callback = (how & 24) == 24;
	peer_shake_hands(&x.p);
	while (rd_left(&x.in) && x.p.conn && !x.p.ended)
		steps[rd_u8(&x.in) % ARRAY_SIZE(steps)](&x);
	peer_free(&x.p);
	return 0;
}
