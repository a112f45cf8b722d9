/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/iwarp_raw.h"

#include "tests/unit/iwarp_hex.h"

#include <errno.h>

/* The handshake of MPA, with a peer of raw bytes. */

#define REQUEST_KEY "4d504120494420526571204672616d65"
#define REPLY_KEY "4d504120494420526570204672616d65"

static void put_hex(struct raw *x, const char *hex)
{
	uint8_t out[MPA_MAX_FRAME + 600];

	raw_put(x, out, from_hex(hex, out, sizeof(out)));
}

static void get_hex(struct raw *x, const char *hex)
{
	uint8_t got[MPA_MAX_FRAME], expected[MPA_MAX_FRAME];
	size_t n = from_hex(hex, expected, sizeof(expected));

	raw_get(x, got, n);
	assert_hex(BYTES(got, n), hex);
}

static const struct refused {
	bool initiator; /* the engine */
	const char *frame, *answer, *why;
} refused[] = {
	{false, REQUEST_KEY "c0 01 0000", REPLY_KEY "60 01 0000", "MPA: the peer wants markers"},
	{false, REQUEST_KEY "50 03 0004 0001 0001", REPLY_KEY "70 02 0004 0001 0001",
		"MPA: unknown revision"},
	{false, REPLY_KEY "40 01 0000", "", "MPA: invalid request or reply frame"},
	{false, "474554202f20485454502f312e310d0a0d0a0d0a", "", "MPA: invalid request or reply frame"},
	{false, REQUEST_KEY "40 01 0201", "", "MPA: invalid request or reply frame"},
	{false, REQUEST_KEY "50 02 0002 0001", "", "MPA: invalid request or reply frame"},
	{false, REQUEST_KEY "40 01 0000 00", "", "MPA: bytes after the request or reply frame"},
	{false, REQUEST_KEY "40 01 0002 6162 00", "", "MPA: bytes after the request or reply frame"},
	{true, REPLY_KEY "70 02 0004 0001 0001", "", "MPA: rejected by the peer"},
	{true, REPLY_KEY "d0 02 0004 0001 0001", "", "MPA: the peer wants markers"},
	{true, REPLY_KEY "50 02 0004 0001 0001 00", "", "MPA: bytes after the request or reply frame"},
	/* Told by a Terminate, with a CRC as we asked for it. */
	{true, REQUEST_KEY "50 02 0004 0001 0001", "0016 4147 00000000 00000002 00000001 00000000 2004 0000",
		"terminated: MPA: invalid request or reply frame (the peer's fault)"},
	{true, REPLY_KEY "50 02 0004 0001 0005", "0016 4147 00000000 00000002 00000001 00000000 2006 0000",
		"terminated: MPA: insufficient IRD (the peer's fault)"},
};

static void bad_frames_end_the_handshake(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		uint8_t buf[MPA_MAX_FRAME];
		struct raw x;

		raw_start(&x, refused[i].initiator, true);
		if (refused[i].initiator)
			(void)raw_get_mpa(&x, buf);
		put_hex(&x, refused[i].frame);
		get_hex(&x, refused[i].answer);
		if (refused[i].answer[0] == '0')
			raw_get(&x, buf, 4); /* the CRC */
		shutdown(x.fd, SHUT_WR);
		rig_until(&x.r, &x.s->ended, 1);
		assert_string_equal(x.s->why, refused[i].why);
		assert_int_equal(x.s->established, 0);
		assert_true(raw_is_closed(&x));
		raw_free(&x);
	}
}

/* IRD and ORD of the engine are 4. */
static const struct agreed {
	bool initiator, crc_wanted;
	const char *in, *out;
	unsigned version, ird, ord;
	bool crc;
} agreed[] = {
	{false, true, REQUEST_KEY "50 02 0004 0002 0003", REPLY_KEY "50 02 0004 0003 0002", 2, 3, 2, true},
	{false, false, REQUEST_KEY "50 02 0004 0008 0000", REPLY_KEY "50 02 0004 0001 0004", 2, 1, 4, true},
	{false, false, REQUEST_KEY "10 02 0004 0008 0008", REPLY_KEY "10 02 0004 0004 0004", 2, 4, 4, false},
	{false, true, REQUEST_KEY "00 01 0000", REPLY_KEY "40 01 0000", 1, 4, 4, true},
	{false, false, REQUEST_KEY "00 01 0008 00000008 00000001", REPLY_KEY "00 01 0008 00000001 00000004",
		1, 1, 4, false},
	{true, true, REPLY_KEY "50 02 0004 0002 0003", REQUEST_KEY "50 02 0004 0004 0004", 2, 3, 2, true},
	{true, false, REPLY_KEY "10 02 0004 0002 0003", REQUEST_KEY "10 02 0004 0004 0004", 2, 3, 2, false},
	{true, true, REPLY_KEY "00 01 0000", REQUEST_KEY "50 02 0004 0004 0004", 1, 4, 4, true},
};

static void each_side_takes_what_was_agreed(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(agreed); i++) {
		const struct agreed *a = &agreed[i];
		struct rdma_facts f;
		struct raw x;

		raw_start(&x, a->initiator, a->crc_wanted);
		if (a->initiator)
			get_hex(&x, a->out);
		put_hex(&x, a->in);
		if (!a->initiator)
			get_hex(&x, a->out);
		rig_until(&x.r, &x.s->established, 1);
		rdma_facts(x.s->conn, &f);
		assert_string_equal(f.transport, "iwarp");
		assert_int_equal(f.version, a->version);
		assert_int_equal(f.ird, a->ird);
		assert_int_equal(f.ord, a->ord);
		assert_int_equal(f.crc, a->crc);
		raw_free(&x);
	}
}

static void an_initiator_may_ask_for_revision_1(void **state)
{
	struct raw x = {0};
	int fds[2];

	rig_init(&x.r);
	x.s = &x.r.a;
	struct rdma_params p = rig_params(x.s, false);
	p.version = 1;
	rig_tcp_pair(fds, 0);
	x.fd = fds[0];
	x.s->conn = iwarp_start(x.r.ev, x.r.ev, fds[1], true, &p);
	get_hex(&x, REQUEST_KEY "00 01 0008 00000004 00000004");
	put_hex(&x, REPLY_KEY "40 01 0008 00000002 00000001");
	rig_until(&x.r, &x.s->established, 1);
	struct rdma_facts f;
	rdma_facts(x.s->conn, &f);
	assert_int_equal(f.version, 1);
	assert_int_equal(f.ird, 1);
	assert_int_equal(f.ord, 2);
	assert_true(f.crc);
	raw_free(&x);
}

static void frames_may_come_byte_by_byte(void **state)
{
	uint8_t frame[64];
	size_t n = from_hex(REQUEST_KEY "50 02 000c 0002 0003 00000002 00000002", frame, sizeof(frame));
	struct raw x;

	raw_start(&x, false, true);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(x.s->established, 0);
		raw_put(&x, frame + i, 1);
		rig_turn(&x.r, 100);
	}
	rig_until(&x.r, &x.s->established, 1);
	get_hex(&x, REPLY_KEY "50 02 0004 0002 0002");
	raw_free(&x);
}

static void start_with_a_limit(struct raw *x, bool initiator, unsigned seconds)
{
	int fds[2];

	*x = (struct raw){.crc = true};
	rig_init(&x->r);
	x->s = initiator ? &x->r.a : &x->r.b;
	struct rdma_params p = rig_params(x->s, true);
	p.setup_seconds = seconds;
	rig_tcp_pair(fds, 0);
	x->fd = fds[0];
	x->s->conn = iwarp_start(x->r.ev, x->r.ev, fds[1], initiator, &p);
}

static void half_a_handshake_and_silence_end_at_the_limit(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct raw x;
		uint64_t began = clock_now_ns();

		start_with_a_limit(&x, i, 1);
		put_hex(&x, i ? REPLY_KEY "50 02" : REQUEST_KEY "50 02 0004 00");
		rig_until(&x.r, &x.s->ended, 1);
		assert_string_equal(x.s->why, "MPA: not set up in time");
		assert_true(clock_now_ns() - began >= 990000000ull);
		assert_int_equal(x.s->established, 0);
		raw_free(&x);
	}
}

static void once_it_is_set_up_silence_is_allowed(void **state)
{
	struct raw x;

	start_with_a_limit(&x, false, 1);
	put_hex(&x, REQUEST_KEY "50 02 0004 0001 0001");
	rig_until(&x.r, &x.s->established, 1);
	rig_turn(&x.r, 1200000);
	assert_int_equal(x.s->ended, 0);
	raw_free(&x);
}

static const struct rtr {
	const char *name, *request, *reply;
} rtrs[] = {
	{"a Send", REQUEST_KEY "10 02 0004 0004 0004", REPLY_KEY "10 02 0004 0004 0004"},
	{"a Write", REQUEST_KEY "10 02 0004 8004 8004", REPLY_KEY "10 02 0004 8004 8004"},
	{"a Read", REQUEST_KEY "10 02 0004 8004 4004", REPLY_KEY "10 02 0004 8004 4004"},
	{"a frame of nothing", REQUEST_KEY "10 02 0004 c004 0004", REPLY_KEY "10 02 0004 c004 0004"},
};

static void put_ready(struct raw *x, unsigned kind)
{
	struct rdmap_read_request q = {0};
	uint8_t payload[RDMAP_READ_REQUEST_SIZE];
	struct wr w = wr_over(payload, sizeof(payload));
	struct ddp_header h = kind == 0   ? untagged_header(RDMAP_SEND, DDP_QUEUE_SEND, 1)
			      : kind == 1 ? tagged_header(RDMAP_WRITE, 0, 0)
					  : untagged_header(RDMAP_READ_REQUEST, DDP_QUEUE_READ, 1);

	rdmap_read_request_encode(&w, &q);
	if (kind == 3)
		put_hex(x, "0000 0000 00000000");
	else
		raw_put_fpdu(x, &h, payload, kind == 2 ? w.pos : 0);
}

/* RFC 5044 section 7.1.2, RFC 6581 section 9. */
static void a_responder_is_silent_until_the_initiator_was_ready(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rtrs); i++) {
		uint8_t payload[1 << 16];
		struct ddp_header h;
		struct op send;
		struct raw x;
		char c;

		raw_start(&x, false, false);
		put_hex(&x, rtrs[i].request);
		get_hex(&x, rtrs[i].reply);
		rig_until(&x.r, &x.s->established, 1);
		rdma_send(x.s->conn, (op_over(&send, "now", 3), &send.w));
		rig_turn(&x.r, 20000);
		assert_int_equal(recv(x.fd, &c, 1, MSG_DONTWAIT), -1);
		assert_int_equal(errno, EAGAIN);
		put_ready(&x, i);
		if (i == 2) { /* the Read is answered, with nothing */
			assert_int_equal(raw_get_fpdu(&x, &h, payload), 0);
			assert_int_equal(h.opcode, RDMAP_READ_RESPONSE);
		}
		assert_int_equal(raw_get_fpdu(&x, &h, payload), 3);
		assert_int_equal(h.opcode, RDMAP_SEND);
		assert_int_equal(send.done, 1);
		raw_free(&x);
	}
}

static void a_peer_that_closes_meanwhile_is_noticed(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		struct raw x;
		raw_start(&x, i, true);
		close(x.fd);
		x.fd = -1;
		rig_until(&x.r, &x.s->ended, 1);
		assert_int_equal(x.s->established, 0);
		raw_free(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_frames_end_the_handshake),
		cmocka_unit_test(each_side_takes_what_was_agreed),
		cmocka_unit_test(an_initiator_may_ask_for_revision_1),
		cmocka_unit_test(frames_may_come_byte_by_byte),
		cmocka_unit_test(half_a_handshake_and_silence_end_at_the_limit),
		cmocka_unit_test(once_it_is_set_up_silence_is_allowed),
		cmocka_unit_test(a_responder_is_silent_until_the_initiator_was_ready),
		cmocka_unit_test(a_peer_that_closes_meanwhile_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
