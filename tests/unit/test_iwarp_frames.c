/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/iwarp_raw.h"

#include "tests/unit/iwarp_hex.h"

/* Every frame as the RFCs lay it out, and as the engine sends it. */

static const struct known {
	const char *hex;
	struct ddp_header h;
} headers[] = {
	/* RFC 5041 section 4.2: control, RDMAP control, STag, tagged offset. */
	{"c1 40 11223344 0102030405060708", {.tagged = true,
						    .last = true,
						    .ddp_version = 1,
						    .rdmap_version = 1,
						    .opcode = RDMAP_WRITE,
						    .tag = 0x11223344,
						    .offset = 0x0102030405060708}},
	{"81 42 00000001 ffffffffffffffff", {.tagged = true,
						    .ddp_version = 1,
						    .rdmap_version = 1,
						    .opcode = RDMAP_READ_RESPONSE,
						    .tag = 1,
						    .offset = UINT64_MAX}},
	/* section 4.3: control, RDMAP control, its 4 bytes, queue, sequence number, offset. */
	{"41 43 00000000 00000000 00000001 00000000",
		{.last = true, .ddp_version = 1, .rdmap_version = 1, .opcode = RDMAP_SEND, .msn = 1}},
	{"01 46 a1b2c3d4 00000000 00000007 00000500", {.ddp_version = 1,
							      .rdmap_version = 1,
							      .opcode = RDMAP_SEND_SE_INVALIDATE,
							      .tag = 0xa1b2c3d4,
							      .msn = 7,
							      .mo = 0x500}},
	{"41 41 00000000 00000001 00000002 00000000", {.last = true,
							      .ddp_version = 1,
							      .rdmap_version = 1,
							      .opcode = RDMAP_READ_REQUEST,
							      .queue = 1,
							      .msn = 2}},
	{"41 47 00000000 00000002 00000001 00000000", {.last = true,
							      .ddp_version = 1,
							      .rdmap_version = 1,
							      .opcode = RDMAP_TERMINATE,
							      .queue = 2,
							      .msn = 1}},
};

static void headers_are_as_the_rfc_lays_them_out(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		uint8_t wire[64], out[64];
		size_t n = from_hex(headers[i].hex, wire, sizeof(wire));
		struct rd r = rd_over(BYTES(wire, n));
		struct wr w = wr_over(out, sizeof(out));
		struct ddp_header h;

		assert_true(ddp_decode(&r, &h));
		assert_int_equal(rd_left(&r), 0);
		assert_int_equal(h.tagged, headers[i].h.tagged);
		assert_int_equal(h.last, headers[i].h.last);
		assert_int_equal(h.opcode, headers[i].h.opcode);
		assert_int_equal(h.tag, headers[i].h.tag);
		assert_true(h.offset == headers[i].h.offset);
		assert_int_equal(h.queue, headers[i].h.queue);
		assert_int_equal(h.msn, headers[i].h.msn);
		assert_int_equal(h.mo, headers[i].h.mo);
		ddp_encode(&w, &headers[i].h);
		assert_hex(BYTES(out, w.pos), headers[i].hex);
		for (size_t cut = 0; cut < n; cut++) {
			struct rd less = rd_over(BYTES(wire, cut));
			assert_false(ddp_decode(&less, &h));
		}
	}
}

static void a_read_request_is_as_the_rfc_lays_it_out(void **state)
{
	static const char hex[] = "01020304 1112131415161718 00010000 0a0b0c0d 2122232425262728";
	static const struct rdmap_read_request q = {
		0x01020304, 0x1112131415161718, 0x10000, 0x0a0b0c0d, 0x2122232425262728};
	uint8_t out[64];
	struct wr w = wr_over(out, sizeof(out));
	struct rdmap_read_request got;

	rdmap_read_request_encode(&w, &q);
	assert_hex(BYTES(out, w.pos), hex);
	struct rd r = rd_over(BYTES(out, w.pos));
	assert_true(rdmap_read_request_decode(&r, &got));
	assert_int_equal(got.sink_tag, q.sink_tag);
	assert_true(got.sink_offset == q.sink_offset && got.source_offset == q.source_offset);
	assert_int_equal(got.size, q.size);
	assert_int_equal(got.source_tag, q.source_tag);
}

#define WRITE "c140 11223344 0000000000000010"
#define READ \
	"4141 00000000 00000001 00000001 00000000 " \
	"00000001 0000000000000000 00000004 00000002 0000000000000000"
#define SEND "4143 00000000 00000000 00000001 00000000"

/* RFC 5040 section 4.8: layer, type and code; M, D, R; and with them the length and the headers. */
static const struct terminate {
	unsigned error;
	const char *segment; /* in error */
	size_t length;
	const char *hex;
} terminates[] = {
	{ERR_RDMAP_LOCAL, WRITE, 100, "0000 00 00"},
	{ERR_DDP_LOCAL, WRITE, 100, "1000 00 00"},
	{ERR_MPA_CRC, "", 0, "2002 00 00"},
	{ERR_DDP_BOUNDS, WRITE, 100, "1101 c0 00 0064" WRITE},
	{ERR_RDMAP_RIGHTS, WRITE, 100, "0102 c0 00 0064" WRITE},
	{ERR_DDP_MSN, SEND, 18, "1203 c0 00 0012" SEND},
	{ERR_RDMAP_STAG, READ, 46, "0100 e0 00 002e" READ},
	{ERR_DDP_NO_BUFFER, READ, 46, "1202 c0 00 002e 4141 00000000 00000001 00000001 00000000"},
	{ERR_RDMAP_OPCODE, "414f 00000000 00000000 00000001 00000000", 18,
		"0206 c0 00 0012 414f 00000000 00000000 00000001 00000000"},
	{ERR_DDP_TAGGED_VERSION, "c240 11223344 0000000000000010", 100, "1104 00 00"},
	{ERR_RDMAP_VERSION, "c180 11223344 0000000000000010", 100, "0205 00 00"},
	{ERR_DDP_BOUNDS, "c140 1122", 100, "1101 00 00"},
};

static void a_terminate_carries_the_headers_that_its_error_wants(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(terminates); i++) {
		const struct terminate *t = &terminates[i];
		uint8_t segment[64], out[RDMAP_TERMINATE_SIZE];
		struct bytes failed = BYTES(segment, from_hex(t->segment, segment, sizeof(segment)));
		struct wr w = wr_over(out, sizeof(out));
		unsigned error;

		rdmap_terminate_encode(&w, t->error, failed, t->length);
		assert_false(w.bad);
		assert_hex(BYTES(out, w.pos), t->hex);
		struct rd r = rd_over(BYTES(out, w.pos));
		assert_true(rdmap_terminate_decode(&r, &error));
		assert_int_equal(error, t->error);
		assert_string_not_equal(rdmap_error_text(error), "unknown error");
	}
	assert_string_equal(rdmap_error_text(0xf0ff), "unknown error");
}

/* ---- what the engine puts on the wire ---- */

static void assert_sent(struct raw *x, const char *hex)
{
	uint8_t expected[256], got[256];
	size_t n = from_hex(hex, expected, sizeof(expected));

	raw_get(x, got, n);
	assert_hex(BYTES(got, n), hex);
}

static void an_initiator_sends_these_bytes(void **state)
{
	struct op send, silent, write, read, nothing;
	uint8_t sink[4];
	struct raw x;

	raw_connect(&x, true, false);
	op_over(&send, "hello", 5)->flags = 0;
	op_over(&silent, "xyz", 3)->flags = RDMA_SOLICITED | RDMA_INVALIDATE;
	silent.w.tag = 0xcafe0001;
	op_over(&write, "data", 4)->tag = 0x01020304;
	write.w.remote_offset = 0x100000002;
	op_over(&read, sink, 4)->tag = 0x05060708;
	read.w.remote_offset = 9;
	op_over(&nothing, NULL, 0)->flags = RDMA_SOLICITED;
	rdma_send(x.s->conn, &send.w);
	rdma_send(x.s->conn, &silent.w);
	rdma_write(x.s->conn, &write.w);
	rdma_read(x.s->conn, &read.w);
	rdma_send(x.s->conn, &nothing.w);
	rig_until(&x.r, &nothing.done, 1);
	/* Length, header, payload, padding to 4, CRC: 0 as it is not used. */
	assert_sent(&x, "0017 4143 00000000 00000000 00000001 00000000 68656c6c6f 000000 00000000");
	assert_sent(&x, "0015 4146 cafe0001 00000000 00000002 00000000 78797a 00 00000000");
	assert_sent(&x, "0012 c140 01020304 0000000100000002 64617461 00000000");
	assert_sent(&x, "002e 4141 00000000 00000001 00000001 00000000");
	uint8_t own[4]; /* a tag of its own choice */
	raw_get(&x, own, sizeof(own));
	assert_sent(&x, "0000000000000000 00000004 05060708 0000000000000009 00000000");
	assert_sent(&x, "0012 4145 00000000 00000000 00000003 00000000 00000000");
	assert_int_equal(send.done + silent.done + write.done + nothing.done, 4);
	assert_int_equal(read.done, 0);
	/* It answers as it was asked. */
	struct ddp_header h = tagged_header(RDMAP_READ_RESPONSE,
		(uint32_t)own[0] << 24 | (uint32_t)own[1] << 16 | (uint32_t)own[2] << 8 | own[3], 0);
	raw_put_fpdu(&x, &h, "read", 4);
	rig_until(&x.r, &read.done, 1);
	assert_int_equal(read.error, 0);
	assert_memory_equal(sink, "read", 4);
	raw_free(&x);
}

static void a_responder_sends_these_bytes(void **state)
{
	static const struct rdmap_read_request q = {0xaabbccdd, 0x1000, 4, 0, 2};
	struct rdma_target t = {.base = (uint8_t *)"0123456789", .len = 10, .rights = RDMA_REMOTE_READ};
	uint8_t payload[RDMAP_READ_REQUEST_SIZE];
	struct wr w = wr_over(payload, sizeof(payload));
	struct rdmap_read_request asked = q;
	struct raw x;

	raw_connect(&x, false, false);
	assert_int_equal(rdma_register(x.s->conn, &t), 0);
	asked.source_tag = t.tag;
	rdmap_read_request_encode(&w, &asked);
	struct ddp_header h = untagged_header(RDMAP_READ_REQUEST, DDP_QUEUE_READ, 1);
	raw_put_fpdu(&x, &h, payload, w.pos);
	assert_sent(&x, "0012 c142 aabbccdd 0000000000001000 32333435 00000000");
	assert_int_equal(t.bytes_read, 4);
	raw_free(&x);
}

static void the_crc_of_a_frame_is_this(void **state)
{
	struct op send;
	struct raw x;
	uint8_t frame[28];

	raw_connect(&x, true, true);
	op_over(&send, "ab", 2);
	rdma_send(x.s->conn, &send.w);
	raw_get(&x, frame, sizeof(frame));
	/* As computed bit by bit from RFC 3720's polynomial over the 24 bytes. */
	uint32_t crc = UINT32_MAX;
	for (unsigned i = 0; i < 24; i++) {
		crc ^= frame[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	crc = ~crc;
	assert_int_equal(frame[24], crc & 0xff);
	assert_int_equal(frame[25], crc >> 8 & 0xff);
	assert_int_equal(frame[26], crc >> 16 & 0xff);
	assert_int_equal(frame[27], crc >> 24);
	raw_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_as_the_rfc_lays_them_out),
		cmocka_unit_test(a_read_request_is_as_the_rfc_lays_it_out),
		cmocka_unit_test(a_terminate_carries_the_headers_that_its_error_wants),
		cmocka_unit_test(an_initiator_sends_these_bytes),
		cmocka_unit_test(a_responder_sends_these_bytes),
		cmocka_unit_test(the_crc_of_a_frame_is_this),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
