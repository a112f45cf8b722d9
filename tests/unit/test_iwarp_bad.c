/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/iwarp_raw.h"

#include <errno.h>

/* What a peer may do wrong, and the Terminate it earns. */

enum { LEN = 100 }; /* of the target */

/* Changes to a good Write of 8 bytes, Send of 8 bytes or Read of 8 bytes. */
enum base { WRITE, SEND, READ, RESPONSE };
enum { M = 0x80, D = 0x40, R = 0x20 };

struct bad {
	const char *name;
	enum base base;
	unsigned error;
	unsigned headers;
	void (*spoil)(struct ddp_header *h, struct rdmap_read_request *q, size_t *payload);
};

#define SPOIL(name, what) \
	static void name(struct ddp_header *h, struct rdmap_read_request *q, size_t *payload) \
	{ \
		what; \
	}

SPOIL(other_ddp_version, h->ddp_version = 2)
SPOIL(other_rdmap_version, h->rdmap_version = 2)
SPOIL(no_rdmap_version, h->rdmap_version = 0)
SPOIL(opcode_8, h->opcode = 8)
SPOIL(opcode_15, h->opcode = 15)
SPOIL(opcode_send, h->opcode = RDMAP_SEND)
SPOIL(opcode_write, h->opcode = RDMAP_WRITE)
SPOIL(opcode_read, h->opcode = RDMAP_READ_REQUEST)
SPOIL(opcode_response, h->opcode = RDMAP_READ_RESPONSE)
SPOIL(opcode_terminate, h->opcode = RDMAP_TERMINATE)
SPOIL(queue_1, h->queue = 1)
SPOIL(queue_0, h->queue = 0)
SPOIL(queue_3, h->queue = 3)
SPOIL(queue_large, h->queue = UINT32_MAX)
SPOIL(msn_0, h->msn = 0)
SPOIL(msn_2, h->msn = 2)
SPOIL(mo_1, h->mo = 1)
SPOIL(too_long, *payload = RIG_RECEIVE + 1)
SPOIL(invalidate_unknown, (h->opcode = RDMAP_SEND_INVALIDATE, h->tag = 12345))
SPOIL(unknown_tag, h->tag++)
SPOIL(tag_0, h->tag = 0)
SPOIL(one_too_far, h->offset = LEN - 7)
SPOIL(at_the_end, h->offset = LEN)
SPOIL(far_away, h->offset = 1ull << 32)
SPOIL(wraps, h->offset = UINT64_MAX - 3)
SPOIL(source_unknown, q->source_tag++)
SPOIL(source_one_too_far, q->source_offset = LEN - 7)
SPOIL(source_huge, q->size = UINT32_MAX)
SPOIL(source_wraps, q->source_offset = UINT64_MAX - 3)
SPOIL(not_last, h->last = false)
SPOIL(request_short, *payload = RDMAP_READ_REQUEST_SIZE - 1)
SPOIL(request_long, *payload = RDMAP_READ_REQUEST_SIZE + 1)
SPOIL(request_empty, *payload = 0)
SPOIL(offset_1, h->offset = 1)
SPOIL(payload_9, *payload = 9)
SPOIL(payload_7, *payload = 7)
SPOIL(payload_0, *payload = 0)

static const struct bad cases[] = {
	{"Write, other DDP version", WRITE, ERR_DDP_TAGGED_VERSION, 0, other_ddp_version},
	{"Send, other DDP version", SEND, ERR_DDP_UNTAGGED_VERSION, 0, other_ddp_version},
	{"Write, other RDMAP version", WRITE, ERR_RDMAP_VERSION, 0, other_rdmap_version},
	{"Send, no RDMAP version", SEND, ERR_RDMAP_VERSION, 0, no_rdmap_version},
	{"tagged, opcode 8", WRITE, ERR_RDMAP_OPCODE, M | D, opcode_8},
	{"untagged, opcode 15", SEND, ERR_RDMAP_OPCODE, M | D, opcode_15},
	{"tagged Send", WRITE, ERR_RDMAP_OPCODE, M | D, opcode_send},
	{"tagged Terminate", WRITE, ERR_RDMAP_OPCODE, M | D, opcode_terminate},
	{"untagged Write", SEND, ERR_RDMAP_OPCODE, M | D, opcode_write},
	{"Read Request on the queue of Sends", SEND, ERR_RDMAP_OPCODE, M | D, opcode_read},
	{"Terminate on the queue of Sends", SEND, ERR_RDMAP_OPCODE, M | D, opcode_terminate},
	{"Read Response that nobody asked for", WRITE, ERR_RDMAP_OPCODE, M | D, opcode_response},
	{"Send on the queue of Reads", SEND, ERR_RDMAP_OPCODE, M | D, queue_1},
	{"Read on the queue of Sends", READ, ERR_RDMAP_OPCODE, M | D | R, queue_0},
	{"queue 3", SEND, ERR_DDP_QUEUE, M | D, queue_3},
	{"queue 4294967295", READ, ERR_DDP_QUEUE, M | D, queue_large},
	{"Send number 0", SEND, ERR_DDP_MSN, M | D, msn_0},
	{"Send number 2 before 1", SEND, ERR_DDP_MSN, M | D, msn_2},
	{"Read number 2 before 1", READ, ERR_DDP_MSN, M | D, msn_2},
	{"Send that begins at 1", SEND, ERR_DDP_MO, M | D, mo_1},
	{"Read that begins at 1", READ, ERR_DDP_MO, M | D, mo_1},
	{"Send that is too long", SEND, ERR_DDP_TOO_LONG, M | D, too_long},
	{"Send that invalidates an unknown tag", SEND, ERR_RDMAP_CANNOT_INVALIDATE, M | D,
		invalidate_unknown},
	{"Write to an unknown tag", WRITE, ERR_DDP_STAG, M | D, unknown_tag},
	{"Write to tag 0", WRITE, ERR_DDP_STAG, M | D, tag_0},
	{"Write one byte too far", WRITE, ERR_DDP_BOUNDS, M | D, one_too_far},
	{"Write behind the end", WRITE, ERR_DDP_BOUNDS, M | D, at_the_end},
	{"Write far away", WRITE, ERR_DDP_BOUNDS, M | D, far_away},
	{"Write that wraps", WRITE, ERR_DDP_WRAP, M | D, wraps},
	{"Read of an unknown tag", READ, ERR_RDMAP_STAG, M | D | R, source_unknown},
	{"Read one byte too far", READ, ERR_RDMAP_BOUNDS, M | D | R, source_one_too_far},
	{"Read of 4 GiB", READ, ERR_RDMAP_BOUNDS, M | D | R, source_huge},
	{"Read that wraps", READ, ERR_RDMAP_WRAP, M | D | R, source_wraps},
	{"Read Request in pieces", READ, ERR_RDMAP_UNSPECIFIED, M | D | R, not_last},
	{"Read Request cut short", READ, ERR_RDMAP_UNSPECIFIED, M | D, request_short},
	{"Read Request without one", READ, ERR_RDMAP_UNSPECIFIED, M | D, request_empty},
	{"Read Request with more", READ, ERR_DDP_TOO_LONG, M | D, request_long},
	{"Response with another tag", RESPONSE, ERR_DDP_STAG, M | D, unknown_tag},
	{"Response that begins at 1", RESPONSE, ERR_DDP_BOUNDS, M | D, offset_1},
	{"Response with a byte too many", RESPONSE, ERR_DDP_BOUNDS, M | D, payload_9},
	{"Response that ends too early", RESPONSE, ERR_DDP_BOUNDS, M | D, payload_7},
	{"Response that ends with nothing", RESPONSE, ERR_DDP_BOUNDS, M | D, payload_0},
	{"Response that is all there and goes on", RESPONSE, ERR_DDP_BOUNDS, M | D, not_last},
};

struct stage {
	struct raw x;
	uint8_t memory[LEN + 32]; /* the target is in the middle */
	struct rdma_target t;
	struct op read;
	uint8_t sink[8 + 32];
	uint32_t tag; /* that the peer uses */
};

static void stage_setup(struct stage *g, bool initiator)
{
	raw_connect(&g->x, initiator, true);
	memset(g->memory, 0x55, sizeof(g->memory));
	memset(g->sink, 0x66, sizeof(g->sink));
	g->t = (struct rdma_target){
		.base = g->memory + 16, .len = LEN, .rights = RDMA_REMOTE_READ | RDMA_REMOTE_WRITE};
	assert_int_equal(rdma_register(g->x.s->conn, &g->t), 0);
	g->tag = g->t.tag;
}

/* The engine begins a Read; returns the header of the good answer. */
static struct ddp_header begin_read(struct stage *g)
{
	uint8_t payload[1 << 16];
	struct ddp_header h;
	struct rdmap_read_request q;

	op_over(&g->read, g->sink + 16, 8)->tag = 77;
	rdma_read(g->x.s->conn, &g->read.w);
	size_t n = raw_get_fpdu(&g->x, &h, payload);
	struct rd r = rd_over(BYTES(payload, n));
	assert_true(rdmap_read_request_decode(&r, &q));
	return tagged_header(RDMAP_READ_RESPONSE, q.sink_tag, q.sink_offset);
}

static void put_case(struct stage *g, const struct bad *c)
{
	static uint8_t payload[RIG_RECEIVE + 16];
	struct rdmap_read_request q = {.sink_tag = 1, .size = 8, .source_tag = g->tag};
	struct wr w = wr_over(payload, sizeof(payload));
	struct ddp_header h = tagged_header(RDMAP_WRITE, g->tag, 0);
	size_t n = c->base == READ ? RDMAP_READ_REQUEST_SIZE : 8;

	if (c->base == SEND)
		h = untagged_header(RDMAP_SEND, DDP_QUEUE_SEND, 1);
	if (c->base == READ)
		h = untagged_header(RDMAP_READ_REQUEST, DDP_QUEUE_READ, 1);
	if (c->base == RESPONSE)
		h = begin_read(g);
	c->spoil(&h, &q, &n);
	memset(payload, 0x77, sizeof(payload));
	if (c->base == READ)
		rdmap_read_request_encode(&w, &q);
	raw_put_fpdu(&g->x, &h, payload, n);
}

static void assert_untouched(const struct stage *g)
{
	for (size_t i = 0; i < sizeof(g->memory); i++)
		assert_int_equal(g->memory[i], 0x55);
	for (size_t i = 0; i < sizeof(g->sink); i++)
		assert_int_equal(g->sink[i], 0x66);
}

/* The engine says why, closes, and tells its owner. */
static void assert_terminated(struct raw *x, unsigned error, unsigned headers)
{
	uint8_t payload[1 << 16];
	char expected[100];

	size_t n = raw_get_terminate(x, payload);
	assert_int_equal((unsigned)payload[0] << 8 | payload[1], error);
	assert_int_equal(payload[2], headers);
	assert_int_equal(payload[3], 0);
	size_t wanted = 4;
	if (headers & D)
		wanted += 2 + (payload[6] & 0x80 ? DDP_TAGGED_SIZE : DDP_UNTAGGED_SIZE);
	if (headers & R)
		wanted += RDMAP_READ_REQUEST_SIZE;
	assert_int_equal(n, wanted);
	close(x->fd);
	x->fd = -1;
	rig_until(&x->r, &x->s->ended, 1);
	snprintf(expected, sizeof(expected), "terminated: %s (the peer's fault)", rdmap_error_text(error));
	assert_string_equal(x->s->why, expected);
}

static void every_broken_rule_has_its_terminate(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct stage g = {0};
		print_message("%s\n", cases[i].name);
		stage_setup(&g, cases[i].base == RESPONSE);
		put_case(&g, &cases[i]);
		assert_terminated(&g.x, cases[i].error, cases[i].headers);
		assert_untouched(&g);
		assert_int_equal(g.x.s->messages, 0);
		if (cases[i].base == RESPONSE) {
			assert_int_equal(g.read.done, 1);
			assert_int_equal(g.read.error, -ECONNRESET);
		}
		raw_free(&g.x);
	}
}

static void rights_are_asked_for(void **state)
{
	static const struct bad write = {"", WRITE, 0, 0, offset_1}, read = {"", READ, 0, 0, queue_1};

	for (unsigned i = 0; i < 2; i++) {
		struct stage g = {0};
		stage_setup(&g, false);
		rdma_deregister(g.x.s->conn, &g.t);
		g.t.rights = i ? RDMA_REMOTE_WRITE : RDMA_REMOTE_READ;
		assert_int_equal(rdma_register(g.x.s->conn, &g.t), 0);
		g.tag = g.t.tag;
		put_case(&g, i ? &read : &write);
		assert_terminated(&g.x, ERR_RDMAP_RIGHTS, i ? M | D | R : M | D);
		assert_untouched(&g);
		raw_free(&g.x);
	}
}

static void stale_tags_and_tags_of_others_are_none(void **state)
{
	static const struct bad write = {"", WRITE, 0, 0, offset_1};

	for (unsigned i = 0; i < 2; i++) {
		struct stage g = {0}, other = {0};
		stage_setup(&g, false);
		stage_setup(&other, false);
		if (i) {
			rdma_deregister(g.x.s->conn, &g.t);
			rdma_deregister(g.x.s->conn, &g.t);
		} else {
			g.tag = other.tag;
		}
		put_case(&g, &write);
		assert_terminated(&g.x, ERR_DDP_STAG, M | D);
		assert_untouched(&g);
		assert_untouched(&other);
		assert_int_equal(other.x.s->ended, 0);
		raw_free(&g.x);
		raw_free(&other.x);
	}
}

static void a_bad_crc_ends_it_before_anything_is_placed(void **state)
{
	for (enum base base = WRITE; base <= READ; base++) {
		struct stage g = {0};
		uint8_t out[200];
		struct wr w = wr_over(out, sizeof(out));
		struct ddp_header h = tagged_header(RDMAP_WRITE, 0, 0);

		stage_setup(&g, false);
		h.tag = g.t.tag;
		if (base != WRITE)
			h = untagged_header(base == SEND ? RDMAP_SEND : RDMAP_READ_REQUEST, base == READ, 1);
		put_fpdu(&w, &h, BYTES("0123456789012345678901234567", 28), true, true);
		raw_put(&g.x, out, w.pos);
		assert_terminated(&g.x, ERR_MPA_CRC, 0);
		assert_untouched(&g);
		assert_int_equal(g.x.s->messages, 0);
		raw_free(&g.x);
	}
}

static void a_bad_crc_of_a_large_write_ends_it(void **state)
{
	enum { BIG = 60000 };
	uint8_t *memory = malloc(BIG), *out = malloc(BIG + 100), *payload = calloc(1, BIG);
	struct rdma_target t = {.base = memory, .len = BIG, .rights = RDMA_REMOTE_WRITE};
	struct wr w = wr_over(out, BIG + 100);
	struct raw x;

	raw_connect(&x, false, true);
	assert_int_equal(rdma_register(x.s->conn, &t), 0);
	struct ddp_header h = tagged_header(RDMAP_WRITE, t.tag, 0);
	put_fpdu(&w, &h, BYTES(payload, BIG), true, true);
	/* In two parts, so that the second is received straight into the target. */
	raw_put(&x, out, 100);
	rig_turn(&x.r, 5000);
	raw_put(&x, out + 100, w.pos - 100);
	assert_terminated(&x, ERR_MPA_CRC, 0);
	assert_int_equal(t.bytes_placed, 0);
	raw_free(&x);
	free(memory);
	free(out);
	free(payload);
}

static void segments_too_short_for_a_header_are_refused(void **state)
{
	for (uint8_t n = 1; n < DDP_UNTAGGED_SIZE; n++) {
		uint8_t out[32] = {0, n, n < DDP_TAGGED_SIZE ? 0xc1 : 0x41, 0x43};
		size_t padded = (2u + n + 3) & ~3u;
		struct wr crc = wr_over(out + padded, 4);
		struct raw x;

		wr_u32(&crc, crc32c_end(crc32c(CRC32C_START, out, padded)));
		raw_connect(&x, false, true);
		raw_put(&x, out, padded + 4);
		assert_terminated(&x, ERR_MPA_LENGTH, 0);
		raw_free(&x);
	}
}

/* The Reads themselves are good; one more than was agreed is not. */
static void more_reads_than_ird_are_a_flood(void **state)
{
	static uint8_t slow[1 << 20];
	struct rdma_target t = {.base = slow, .len = sizeof(slow), .rights = RDMA_REMOTE_READ};
	uint8_t out[2000], payload[RDMAP_READ_REQUEST_SIZE];
	struct wr w = wr_over(out, sizeof(out));
	struct raw x;
	struct rdma_facts f;

	raw_connect(&x, false, true);
	rdma_facts(x.s->conn, &f);
	assert_int_equal(f.ird, 4);
	assert_int_equal(rdma_register(x.s->conn, &t), 0);
	for (uint32_t i = 1; i <= 5; i++) {
		struct rdmap_read_request q = {.sink_tag = 1, .size = sizeof(slow), .source_tag = t.tag};
		struct ddp_header h = untagged_header(RDMAP_READ_REQUEST, DDP_QUEUE_READ, i);
		struct wr p = wr_over(payload, sizeof(payload));
		rdmap_read_request_encode(&p, &q);
		put_fpdu(&w, &h, BYTES(payload, p.pos), true, false);
	}
	raw_put(&x, out, w.pos);
	assert_terminated(&x, ERR_DDP_NO_BUFFER, M | D);
	raw_free(&x);
}

static void a_send_in_pieces_is_checked_as_one(void **state)
{
	static uint8_t piece[RIG_RECEIVE];
	struct ddp_header h = untagged_header(RDMAP_SEND, DDP_QUEUE_SEND, 1);
	struct raw x;

	h.last = false;
	raw_connect(&x, false, true);
	raw_put_fpdu(&x, &h, piece, RIG_RECEIVE - 1);
	h.mo = RIG_RECEIVE - 1;
	raw_put_fpdu(&x, &h, piece, 1);
	h.mo = RIG_RECEIVE;
	raw_put_fpdu(&x, &h, piece, 0);
	h.last = true;
	raw_put_fpdu(&x, &h, piece, 1);
	assert_terminated(&x, ERR_DDP_TOO_LONG, M | D);
	assert_int_equal(x.s->messages, 0);
	raw_free(&x);
}

static void a_second_send_inside_the_first_is_refused(void **state)
{
	struct ddp_header h = untagged_header(RDMAP_SEND, DDP_QUEUE_SEND, 1);
	struct raw x;

	raw_connect(&x, false, true);
	h.last = false;
	raw_put_fpdu(&x, &h, "abc", 3);
	h.msn = 2;
	raw_put_fpdu(&x, &h, "abc", 3);
	assert_terminated(&x, ERR_DDP_MSN, M | D);
	raw_free(&x);
}

static void zero_length_everything_is_fine(void **state)
{
	uint8_t payload[RDMAP_READ_REQUEST_SIZE], answer[1 << 16], empty[8] = {0};
	struct wr w = wr_over(payload, sizeof(payload)), crc = wr_over(empty + 4, 4);
	struct rdmap_read_request q = {.sink_tag = 9, .sink_offset = 3};
	struct ddp_header h = tagged_header(RDMAP_WRITE, 0, UINT64_MAX);
	struct raw x;

	raw_connect(&x, false, true);
	raw_put_fpdu(&x, &h, "", 0);
	wr_u32(&crc, crc32c_end(crc32c(CRC32C_START, empty, 4)));
	raw_put(&x, empty, sizeof(empty));
	h = untagged_header(RDMAP_READ_REQUEST, DDP_QUEUE_READ, 1);
	rdmap_read_request_encode(&w, &q);
	raw_put_fpdu(&x, &h, payload, w.pos);
	h = untagged_header(RDMAP_SEND, DDP_QUEUE_SEND, 1);
	raw_put_fpdu(&x, &h, "", 0);
	assert_int_equal(raw_get_fpdu(&x, &h, answer), 0);
	assert_true(h.tagged && h.last);
	assert_int_equal(h.opcode, RDMAP_READ_RESPONSE);
	assert_int_equal(h.tag, 9);
	assert_int_equal(h.offset, 3);
	rig_until(&x.r, &x.s->messages, 1);
	assert_int_equal(x.s->last_len, 0);
	assert_int_equal(x.s->ended, 0);
	raw_free(&x);
}

static const struct {
	const char *payload;
	size_t len;
	const char *why;
} received[] = {
	{"\x11\x01\0\0", 4, "terminated by the peer: DDP: base or bounds violation"},
	{"\x01\x02\x80\0", 4, "terminated by the peer: RDMAP: access rights violation"},
	{"\x20\x02\0\0", 4, "terminated by the peer: MPA: CRC error"},
	{"\xff\xff\xff\xff", 4, "terminated by the peer: unknown error"},
	{"\x20\x02", 2, "terminated by the peer"},
	{"", 0, "terminated by the peer"},
};

static void a_terminate_of_the_peer_ends_it_with_its_reason(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(received); i++) {
		struct ddp_header h = untagged_header(RDMAP_TERMINATE, DDP_QUEUE_TERMINATE, 1);
		struct op send;
		struct raw x;

		raw_connect(&x, true, true);
		raw_put_fpdu(&x, &h, received[i].payload, received[i].len);
		rig_until(&x.r, &x.s->ended, 1);
		assert_string_equal(x.s->why, received[i].why);
		op_over(&send, "late", 4);
		rdma_send(x.s->conn, &send.w);
		assert_int_equal(send.done, 0);
		rig_until(&x.r, &send.done, 1);
		assert_int_equal(send.error, -ECONNRESET);
		raw_free(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_broken_rule_has_its_terminate),
		cmocka_unit_test(rights_are_asked_for),
		cmocka_unit_test(stale_tags_and_tags_of_others_are_none),
		cmocka_unit_test(a_bad_crc_ends_it_before_anything_is_placed),
		cmocka_unit_test(a_bad_crc_of_a_large_write_ends_it),
		cmocka_unit_test(segments_too_short_for_a_header_are_refused),
		cmocka_unit_test(more_reads_than_ird_are_a_flood),
		cmocka_unit_test(a_send_in_pieces_is_checked_as_one),
		cmocka_unit_test(a_second_send_inside_the_first_is_refused),
		cmocka_unit_test(zero_length_everything_is_fine),
		cmocka_unit_test(a_terminate_of_the_peer_ends_it_with_its_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
