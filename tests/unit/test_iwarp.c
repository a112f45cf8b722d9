/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/iwarp_rig.h"

#include <errno.h>

/* Two engines against each other. */

/*
 * Among them one less and one more than a segment takes, tagged and untagged, for the segment sizes below;
 * loopback's grows with the window, so some come again when much has been sent.
 */
static const size_t sizes[] = {0, 1, 3, 4, 499, 500, 501, 503, 504, 505, 1411, 1412, 1413, 1415, 1416, 1417,
	8191, 32719, 32720, 32721, 1 << 20, 16 << 20, 65459, 65460, 65461};

static const struct setting {
	int mss;
	bool crc;
	unsigned flags;
} settings[] = {
	{0, true, 0},
	{0, false, 0},
	{0, true, RDMA_SHARED},
	{0, false, RDMA_SHARED},
	{1448, true, 0},
	{1448, true, RDMA_SHARED},
	{536, false, 0},
};

static void write_and_check(struct rig *r, struct rdma_target *t, uint8_t *from, size_t n, unsigned flags)
{
	struct op write, mark;

	memset(t->base, 0xee, t->len);
	fill_pattern(from, n, (unsigned)n);
	op_over(&write, from, n)->flags = flags;
	write.w.tag = t->tag;
	write.w.remote_offset = 5;
	op_over(&mark, "!", 1);
	unsigned before = r->b.messages;
	rdma_write(r->a.conn, &write.w);
	rdma_send(r->a.conn, &mark.w);
	rig_until(r, &r->b.messages, before + 1);
	rig_until(r, &mark.done, 1);
	assert_int_equal(write.done, 1);
	assert_int_equal(write.error, 0);
	assert_int_equal(mark.error, 0);
	assert_memory_equal(t->base + 5, from, n);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(t->base[i], 0xee);
	assert_int_equal(t->base[5 + n], 0xee);
}

static void read_and_check(struct rig *r, struct rdma_target *t, uint8_t *to, size_t n, unsigned flags)
{
	struct op read;

	fill_pattern(t->base, n + 10, (unsigned)n + 3);
	memset(to, 0xdd, n + 1);
	op_over(&read, to, n)->flags = flags;
	read.w.tag = t->tag;
	read.w.remote_offset = 7;
	rdma_read(r->a.conn, &read.w);
	rig_until(r, &read.done, 1);
	assert_int_equal(read.error, 0);
	assert_memory_equal(to, t->base + 7, n);
	assert_int_equal(to[n], 0xdd);
}

static void writes_and_reads_of_all_sizes_arrive(void **state)
{
	enum { MOST = 16 << 20 };
	uint8_t *local = malloc(MOST + 64), *remote = malloc(MOST + 64);

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *s = &settings[i];
		struct rdma_target t = {.base = remote,
			.len = MOST + 64,
			.rights = RDMA_REMOTE_READ | RDMA_REMOTE_WRITE,
			.shared = s->flags & RDMA_SHARED};
		struct rig r;

		rig_connect(&r, s->mss, s->crc);
		assert_int_equal(rdma_register(r.b.conn, &t), 0);
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
			write_and_check(&r, &t, local, sizes[k], s->flags);
			read_and_check(&r, &t, local, sizes[k], s->flags);
		}
		rig_free(&r);
	}
	free(local);
	free(remote);
}

static void sends_of_all_sizes_arrive(void **state)
{
	uint8_t message[RIG_RECEIVE];

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		struct rig r;
		rig_connect(&r, settings[i].mss, settings[i].crc);
		for (size_t k = 0; k < ARRAY_SIZE(sizes) && sizes[k] <= RIG_RECEIVE; k++) {
			struct op send;
			fill_pattern(message, sizes[k], 9);
			op_over(&send, message, sizes[k])->flags = k % 2 ? RDMA_SOLICITED : 0;
			rdma_send(r.a.conn, &send.w);
			rig_until(&r, &r.b.messages, (unsigned)k + 1);
			assert_int_equal(r.b.last_len, sizes[k]);
			assert_memory_equal(r.b.last, message, sizes[k]);
			assert_int_equal(r.b.solicited, (k + 1) / 2);
		}
		rig_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads_of_all_sizes_arrive),
		cmocka_unit_test(sends_of_all_sizes_arrive),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
