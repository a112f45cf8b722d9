/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/iwarp_raw.h"

#include <errno.h>

/* Order, limits, fences; durability is in test_iwarp_settle.c. */

enum { BIG = 4 << 20 };

static uint8_t *big_buffer(unsigned seed)
{
	uint8_t *p = malloc(BIG);

	fill_pattern(p, BIG, seed);
	return p;
}

/* ---- order and limits ---- */

static void a_send_arrives_behind_the_writes_before_it(void **state)
{
	uint8_t *from = big_buffer(1), *to = calloc(1, BIG);
	struct rdma_target t = {.base = to, .len = BIG, .rights = RDMA_REMOTE_WRITE};
	struct op writes[8], send;
	struct rig r;

	rig_connect(&r, 0, true);
	assert_int_equal(rdma_register(r.b.conn, &t), 0);
	for (unsigned i = 0; i < 8; i++)
		rdma_write(r.a.conn, access_op(&writes[i], from + i * (BIG / 8), BIG / 8, &t, i * (BIG / 8)));
	rdma_send(r.a.conn, op_over(&send, "done", 4));
	rig_until(&r, &r.b.messages, 1);
	assert_memory_equal(to, from, BIG);
	rig_free(&r);
	free(from);
	free(to);
}

static uint32_t get_read_request(struct raw *x, uint32_t msn, uint32_t size)
{
	uint8_t payload[1 << 16];
	struct ddp_header h;
	struct rdmap_read_request q;
	struct rd r = rd_over(BYTES(payload, raw_get_fpdu(x, &h, payload)));

	assert_int_equal(h.opcode, RDMAP_READ_REQUEST);
	assert_int_equal(h.msn, msn);
	assert_true(rdmap_read_request_decode(&r, &q));
	assert_int_equal(q.size, size);
	return q.sink_tag;
}

static void no_more_reads_are_out_than_ord_and_others_pass_the_rest(void **state)
{
	uint8_t payload[1 << 16], sink[8] = {0};
	struct op reads[6], send;
	struct ddp_header h;
	struct raw x;
	uint32_t tags[7];

	raw_connect(&x, true, true); /* ORD 4 */
	for (unsigned i = 0; i < 6; i++) {
		op_over(&reads[i], sink + i, 1);
		rdma_read(x.s->conn, &reads[i].w);
	}
	rdma_send(x.s->conn, op_over(&send, "past", 4));
	for (unsigned i = 1; i <= 4; i++)
		tags[i] = get_read_request(&x, i, 1);
	assert_int_equal(raw_get_fpdu(&x, &h, payload), 4);
	assert_int_equal(h.opcode, RDMAP_SEND);
	/* Each answer lets the next go. */
	for (unsigned i = 1; i <= 6; i++) {
		h = tagged_header(RDMAP_READ_RESPONSE, tags[i], 0);
		raw_put_fpdu(&x, &h, "123456" + i - 1, 1);
		rig_until(&x.r, &reads[i - 1].done, 1);
		if (i + 4 <= 6)
			tags[i + 4] = get_read_request(&x, i + 4, 1);
	}
	assert_memory_equal(sink, "123456", 6);
	raw_free(&x);
}

static void note_done(struct side *s)
{
	struct op *read = s->user;

	assert_int_equal(read->done, 1);
}

static void a_read_is_done_before_the_message_behind_its_answer(void **state)
{
	uint8_t frames[200], sink[4];
	struct wr w = wr_over(frames, sizeof(frames));
	struct op read;
	struct raw x;

	raw_connect(&x, true, true);
	rdma_read(x.s->conn, op_over(&read, sink, 4));
	x.s->user = &read;
	x.s->on_message = note_done;
	struct ddp_header answer = tagged_header(RDMAP_READ_RESPONSE, get_read_request(&x, 1, 4), 0);
	struct ddp_header message = untagged_header(RDMAP_SEND, DDP_QUEUE_SEND, 1);
	put_fpdu(&w, &answer, BYTES("data", 4), true, false);
	put_fpdu(&w, &message, BYTES("behind", 6), true, false);
	raw_put(&x, frames, w.pos); /* at once */
	rig_until(&x.r, &x.s->messages, 1);
	raw_free(&x);
}

static void many_reads_are_answered_whatever_the_limits(void **state)
{
	enum { N = 100, SIZE = 10000 };
	static uint8_t sink[N][SIZE];
	uint8_t *from = big_buffer(3);
	struct rdma_target t = {.base = from, .len = BIG, .rights = RDMA_REMOTE_READ};
	static struct op reads[N];
	struct rig r;

	rig_connect(&r, 1448, true);
	assert_int_equal(rdma_register(r.b.conn, &t), 0);
	for (unsigned i = 0; i < N; i++)
		rdma_read(r.a.conn, access_op(&reads[i], sink[i], SIZE, &t, i * 17));
	rig_until(&r, &reads[N - 1].done, 1);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(reads[i].done, 1);
		assert_memory_equal(sink[i], from + i * 17, SIZE);
	}
	assert_int_equal(t.bytes_read, N * SIZE);
	rig_free(&r);
	free(from);
}

static void memory_in_pieces_is_gathered_and_scattered(void **state)
{
	enum { PIECES = 900 };
	uint8_t *from = big_buffer(5), *to = calloc(1, BIG), *back = calloc(1, BIG);
	struct rdma_target t = {.base = to, .len = BIG, .rights = RDMA_REMOTE_READ | RDMA_REMOTE_WRITE};
	static struct iovec out[PIECES], in[PIECES];
	struct op write, read;
	struct rig r;
	size_t sum = 0;

	for (unsigned i = 0; i < PIECES; i++) {
		size_t n = i % 5 == 0 ? 0 : i % 7 == 0 ? 9001 : i % 13 + 1;
		out[i] = (struct iovec){from + sum, n};
		in[i] = (struct iovec){back + sum, n};
		sum += n;
	}
	rig_connect(&r, 0, true);
	assert_int_equal(rdma_register(r.b.conn, &t), 0);
	access_op(&write, NULL, 0, &t, 3);
	access_op(&read, NULL, 0, &t, 3);
	write.w.iov = out;
	read.w.iov = in;
	write.w.n = read.w.n = PIECES;
	rdma_write(r.a.conn, &write.w);
	rdma_read(r.a.conn, &read.w);
	rig_until(&r, &read.done, 1);
	assert_memory_equal(to + 3, from, sum);
	assert_memory_equal(back, from, sum);
	rig_free(&r);
	free(from);
	free(to);
	free(back);
}

static void lengths_that_the_wire_cannot_say_are_refused(void **state)
{
	struct iovec half[2] = {{NULL, (size_t)1 << 31}, {NULL, (size_t)1 << 31}};
	struct op send, read, write, far, good;
	struct rig r;

	rig_connect(&r, 0, true);
	op_over(&send, NULL, 0);
	op_over(&read, NULL, 0);
	op_over(&write, NULL, 0);
	send.w.iov = read.w.iov = half;
	send.w.n = read.w.n = 2;
	struct iovec wrap[2] = {{NULL, SIZE_MAX}, {NULL, 1}};
	write.w.iov = wrap;
	write.w.n = 2;
	rdma_send(r.a.conn, &send.w);
	rdma_read(r.a.conn, &read.w);
	rdma_write(r.a.conn, &write.w);
	op_over(&far, "xy", 2)->remote_offset = UINT64_MAX;
	rdma_write(r.a.conn, &far.w);
	rdma_send(r.a.conn, op_over(&good, "good", 4));
	assert_int_equal(send.done + read.done + write.done + far.done, 0);
	rig_until(&r, &good.done, 1);
	assert_int_equal(send.error, -EMSGSIZE);
	assert_int_equal(read.error, -EMSGSIZE);
	assert_int_equal(write.error, -EMSGSIZE);
	assert_int_equal(far.error, -EINVAL);
	rig_until(&r, &r.b.messages, 1);
	rig_free(&r);
}

static void facts_count_what_happened(void **state)
{
	uint8_t memory[100] = {0}, sink[30];
	struct rdma_target t = {.base = memory, .len = 100, .rights = RDMA_REMOTE_READ | RDMA_REMOTE_WRITE};
	struct op write, read, send;
	struct rdma_facts a, b;
	struct rig r;

	rig_connect(&r, 0, true);
	assert_int_equal(rdma_register(r.b.conn, &t), 0);
	rdma_write(r.a.conn, access_op(&write, "0123456789", 10, &t, 0));
	rdma_read(r.a.conn, access_op(&read, sink, 30, &t, 0));
	rdma_send(r.a.conn, op_over(&send, "x", 1));
	rig_until(&r, &read.done, 1);
	rig_until(&r, &r.b.messages, 1);
	rdma_facts(r.a.conn, &a);
	rdma_facts(r.b.conn, &b);
	assert_int_equal(a.bytes_written, 10);
	assert_int_equal(a.bytes_fetched, 30);
	assert_int_equal(a.sends_out, 1);
	assert_int_equal(b.bytes_placed, 10);
	assert_int_equal(b.bytes_read, 30);
	assert_int_equal(b.sends_in, 1);
	assert_int_equal(b.targets, 1);
	assert_int_equal(t.bytes_placed, 10);
	assert_int_equal(t.bytes_read, 30);
	assert_true(a.crc && b.crc);
	assert_int_equal(a.ird + a.ord + b.ird + b.ord, 16);
	rig_free(&r);
}

/* ---- what is placed is told ---- */

struct watched {
	struct rdma_target t;
	struct rdma_conn *conn;
	size_t next; /* offset that is expected */
	unsigned calls;
	size_t leave_at; /* deregisters behind so many bytes */
	size_t fail_at;  /* or has lost its memory */
	unsigned faults;
	bool wrong;
};

static bool on_placed(struct rdma_target *t, size_t offset, size_t len)
{
	struct watched *x = container_of(t, struct watched, t);

	x->wrong |= offset != x->next || len == 0 || t->base[offset] == 0 || t->base[offset + len - 1] == 0;
	x->next = offset + len;
	x->calls++;
	if (x->leave_at && x->next >= x->leave_at)
		rdma_deregister(x->conn, t);
	return !x->fail_at || x->next < x->fail_at;
}

static void on_watched_fault(struct rdma_target *t)
{
	struct watched *x = container_of(t, struct watched, t);

	x->faults++;
	rdma_deregister(x->conn, t);
}

static void watched_init(struct watched *x, struct rig *r, uint8_t *memory, size_t len, bool shared)
{
	*x = (struct watched){.conn = r->b.conn, .next = 10};
	memset(memory, 0, len);
	x->t = (struct rdma_target){.base = memory,
		.len = len,
		.rights = RDMA_REMOTE_WRITE,
		.shared = shared,
		.placed = on_placed,
		.faulted = on_watched_fault};
	assert_int_equal(rdma_register(r->b.conn, &x->t), 0);
}

static void every_piece_that_is_placed_is_told(void **state)
{
	enum { N = 1 << 20 };
	uint8_t *from = malloc(N), *to = malloc(N + 20);

	memset(from, 1, N);
	for (unsigned i = 0; i < 8; i++) {
		struct watched x;
		struct op write, nothing, mark;
		struct rig r;
		rig_connect(&r, i & 1 ? 1448 : 0, i & 2);
		watched_init(&x, &r, to, N + 20, i & 4);
		rdma_write(r.a.conn, access_op(&write, from, N, &x.t, 10));
		rdma_write(r.a.conn, access_op(&nothing, from, 0, &x.t, 0));
		rdma_send(r.a.conn, op_over(&mark, "!", 1));
		rig_until(&r, &r.b.messages, 1);
		assert_int_equal(x.next, 10 + N);
		assert_false(x.wrong);
		assert_in_range(x.calls, N / 65536, N / 1000);
		rig_free(&r);
	}
	free(from);
	free(to);
}

static void a_target_may_leave_when_it_is_told(void **state)
{
	enum { N = 1 << 20 };
	uint8_t *from = malloc(N), *to = malloc(N + 20);
	struct watched x;
	struct op write;
	struct rig r;

	memset(from, 1, N);
	rig_connect(&r, 1448, true);
	watched_init(&x, &r, to, N + 20, false);
	x.leave_at = 5000;
	rdma_write(r.a.conn, access_op(&write, from, N, &x.t, 10));
	rig_until(&r, &r.a.ended, 1);
	assert_string_equal(r.a.why, "terminated by the peer: DDP: invalid STag");
	assert_false(x.wrong);
	for (size_t i = x.next; i < N + 20; i++)
		assert_int_equal(to[i], 0);
	rig_free(&r);
	free(from);
	free(to);
}

static void a_target_may_be_found_gone_when_it_is_told(void **state)
{
	enum { N = 1 << 20 };
	uint8_t *from = malloc(N), *to = malloc(N + 20);

	memset(from, 1, N);
	for (unsigned i = 0; i < 4; i++) {
		struct watched x;
		struct op write;
		struct rig r;
		rig_connect(&r, 1448, i & 1);
		watched_init(&x, &r, to, N + 20, i & 2);
		x.fail_at = 5000;
		rdma_write(r.a.conn, access_op(&write, from, N, &x.t, 10));
		rig_until(&r, &r.a.ended, 1);
		rig_until(&r, &r.b.ended, 1);
		assert_string_equal(r.a.why, "terminated by the peer: RDMAP: local catastrophic error");
		assert_int_equal(x.faults, 1);
		assert_false(x.wrong);
		for (size_t k = x.next; k < N + 20; k++)
			assert_int_equal(to[k], 0);
		rig_free(&r);
	}
	free(from);
	free(to);
}

/* ---- fences ---- */

/* A Write is half received when its target goes: the rest goes nowhere, and the connection ends. */
static void the_rest_of_a_write_goes_nowhere_behind_the_fence(void **state)
{
	enum { N = 60000 };
	uint8_t *memory = malloc(N), *payload = malloc(N), *frame = malloc(N + 64);
	struct rdma_target t = {.base = memory, .len = N, .rights = RDMA_REMOTE_WRITE};
	struct wr w = wr_over(frame, N + 64);
	struct raw x;

	memset(memory, 0, N);
	memset(payload, 1, N);
	raw_connect(&x, false, true);
	assert_int_equal(rdma_register(x.s->conn, &t), 0);
	struct ddp_header h = tagged_header(RDMAP_WRITE, t.tag, 0);
	put_fpdu(&w, &h, BYTES(payload, N), true, false);
	raw_put(&x, frame, N / 2);
	for (unsigned i = 0; *(volatile uint8_t *)memory != 1; i++) {
		assert_true(i < 100000);
		rig_turn(&x.r, 200);
	}
	rdma_deregister(x.s->conn, &t);
	memset(memory, 0, N);
	raw_put(&x, frame + N / 2, w.pos - N / 2);
	assert_int_equal(raw_get_error(&x), ERR_DDP_STAG);
	shutdown(x.fd, SHUT_WR);
	rig_until(&x.r, &x.s->ended, 1);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(memory[i], 0);
	raw_free(&x);
	free(memory);
	free(payload);
	free(frame);
}

/* The engine has begun to answer when the target goes: it finishes the frame, of a copy, and says why it
 * ends. */
static void a_read_that_is_half_answered_ends_in_order(void **state)
{
	enum { N = 16 << 20 };
	uint8_t *memory = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t payload[1 << 16], request[RDMAP_READ_REQUEST_SIZE];
	struct rdma_target t = {.base = memory, .len = N, .rights = RDMA_REMOTE_READ};
	struct wr w = wr_over(request, sizeof(request));
	struct raw x;

	memset(memory, 'a', N);
	raw_segment = 1447; /* so that the socket takes a part of a frame */
	raw_connect(&x, false, true);
	raw_segment = 0;
	raw_send_buffer(&x, 20000);
	assert_int_equal(rdma_register(x.s->conn, &t), 0);
	struct rdmap_read_request q = {.sink_tag = 1, .size = N, .source_tag = t.tag};
	struct ddp_header h = untagged_header(RDMAP_READ_REQUEST, DDP_QUEUE_READ, 1);
	rdmap_read_request_encode(&w, &q);
	raw_put_fpdu(&x, &h, request, w.pos);
	for (unsigned i = 0; t.bytes_read == 0 || i < 10; i++) { /* until the socket is full */
		assert_true(i < 100000);
		rig_turn(&x.r, 2000);
	}
	assert_true(t.bytes_read < N);
	rdma_deregister(x.s->conn, &t);
	munmap(memory, N); /* nobody looks there any more */
	size_t got = 0;
	for (;;) {
		size_t n = raw_get_fpdu(&x, &h, payload); /* checks the CRC */
		if (h.opcode == RDMAP_TERMINATE)
			break;
		assert_int_equal(h.offset, got);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(payload[i], 'a');
		got += n;
	}
	assert_true(got < N);
	assert_int_equal((unsigned)payload[0] << 8 | payload[1], ERR_RDMAP_STAG);
	assert_int_equal(payload[2], 0xe0);
	shutdown(x.fd, SHUT_WR);
	rig_until(&x.r, &x.s->ended, 1);
	raw_free(&x);
}

static void on_invalidated(struct rdma_target *t)
{
	t->len = 0;
}

static void a_send_with_invalidate_takes_the_tag_along(void **state)
{
	uint8_t memory[64] = {0};
	struct rdma_target t = {
		.base = memory, .len = 64, .rights = RDMA_REMOTE_WRITE, .invalidated = on_invalidated};
	struct op write, send, late;
	struct rig r;

	rig_connect(&r, 0, true);
	assert_int_equal(rdma_register(r.a.conn, &t), 0);
	rdma_send(r.a.conn, op_over(&send, "go", 2));
	rig_until(&r, &r.b.messages, 1);
	rdma_write(r.b.conn, access_op(&write, "abc", 3, &t, 1));
	op_over(&send, "ok", 2)->flags = RDMA_INVALIDATE | RDMA_SOLICITED;
	send.w.tag = t.tag;
	rdma_send(r.b.conn, &send.w);
	rig_until(&r, &r.a.messages, 1);
	assert_int_equal(r.a.solicited, 1);
	assert_int_equal(t.len, 0);
	assert_memory_equal(memory, "\0abc", 4);
	rdma_write(r.b.conn, access_op(&late, "zzz", 3, &t, 1));
	rig_until(&r, &r.b.ended, 1);
	assert_memory_equal(memory, "\0abc", 4);
	assert_string_equal(r.b.why, "terminated by the peer: DDP: invalid STag");
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_send_arrives_behind_the_writes_before_it),
		cmocka_unit_test(no_more_reads_are_out_than_ord_and_others_pass_the_rest),
		cmocka_unit_test(a_read_is_done_before_the_message_behind_its_answer),
		cmocka_unit_test(many_reads_are_answered_whatever_the_limits),
		cmocka_unit_test(memory_in_pieces_is_gathered_and_scattered),
		cmocka_unit_test(lengths_that_the_wire_cannot_say_are_refused),
		cmocka_unit_test(facts_count_what_happened),
		cmocka_unit_test(every_piece_that_is_placed_is_told),
		cmocka_unit_test(a_target_may_leave_when_it_is_told),
		cmocka_unit_test(a_target_may_be_found_gone_when_it_is_told),
		cmocka_unit_test(the_rest_of_a_write_goes_nowhere_behind_the_fence),
		cmocka_unit_test(a_read_that_is_half_answered_ends_in_order),
		cmocka_unit_test(a_send_with_invalidate_takes_the_tag_along),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
