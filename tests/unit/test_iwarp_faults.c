/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/iwarp_raw.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

/* Memory that is a mapped file: it loses its pages, and others change it. */

struct file_memory {
	int fd;
	uint8_t *p;
	size_t len;
};

static void file_map(struct file_memory *f, size_t len)
{
	f->fd = memfd_create("iwarp", 0);
	f->len = len;
	assert_int_equal(ftruncate(f->fd, (off_t)len), 0);
	f->p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	assert_true(f->p != MAP_FAILED);
	memset(f->p, 'f', len);
}

static void file_unmap(struct file_memory *f)
{
	munmap(f->p, f->len);
	close(f->fd);
}

static const struct {
	bool crc;
	unsigned flags;
	int mss;
} ways[] = {{true, 0, 0}, {false, 0, 0}, {true, RDMA_SHARED, 0}, {true, 0, 1448}, {false, RDMA_SHARED, 1448}};

static void a_write_from_memory_that_is_gone_sends_zeros(void **state)
{
	enum { N = 1 << 20, KEPT = 300 << 10 };
	uint8_t *to = malloc(N);
	struct rdma_target t = {.base = to, .len = N, .rights = RDMA_REMOTE_WRITE};

	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		struct file_memory f;
		struct op write, after;
		struct rig r;

		rig_connect(&r, ways[i].mss, ways[i].crc);
		file_map(&f, N);
		assert_int_equal(ftruncate(f.fd, KEPT), 0);
		memset(to, 1, N);
		assert_int_equal(rdma_register(r.b.conn, &t), 0);
		access_op(&write, f.p, N, &t, 0)->flags = ways[i].flags;
		rdma_write(r.a.conn, &write.w);
		rdma_send(r.a.conn, op_over(&after, "on", 2));
		rig_until(&r, &r.b.messages, 1);
		assert_int_equal(write.done, 1);
		assert_int_equal(write.error, -EIO);
		assert_int_equal(after.error, 0);
		for (unsigned k = 0; k < N; k++)
			assert_int_equal(to[k], k < KEPT ? 'f' : 0);
		assert_int_equal(r.a.ended + r.b.ended, 0);
		rig_free(&r);
		file_unmap(&f);
	}
	free(to);
}

/* What was counted of the pieces before the one that is gone counts once. */
static void pieces_before_the_one_that_is_gone_arrive(void **state)
{
	enum { N = 5000 };
	uint8_t first[N], to[3 * N];

	fill_pattern(first, N, 9);
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		struct rdma_target t = {.base = to, .len = sizeof(to), .rights = RDMA_REMOTE_WRITE};
		struct file_memory f;
		struct op write, after;
		struct rig r;

		rig_connect(&r, ways[i].mss, ways[i].crc);
		file_map(&f, N);
		assert_int_equal(ftruncate(f.fd, 0), 0);
		assert_int_equal(rdma_register(r.b.conn, &t), 0);
		memset(to, 1, sizeof(to));
		struct iovec pieces[3] = {{first, N}, {f.p, N}, {first, N}};
		access_op(&write, NULL, 0, &t, 0)->flags = ways[i].flags;
		write.w.iov = pieces;
		write.w.n = 3;
		rdma_write(r.a.conn, &write.w);
		rdma_send(r.a.conn, op_over(&after, "on", 2));
		rig_until(&r, &r.b.messages, 1);
		assert_int_equal(write.error, -EIO);
		assert_memory_equal(to, first, N);
		assert_memory_equal(to + 2 * N, first, N);
		for (unsigned k = N; k < 2 * N; k++)
			assert_int_equal(to[k], 0);
		rig_free(&r);
		file_unmap(&f);
	}
}

static size_t written(const struct raw *x)
{
	struct rdma_facts f;

	rdma_facts(x->s->conn, &f);
	return f.bytes_written;
}

/* Until the socket is full: a batch is under way, and its CRCs are computed. */
static void turn_until_full(struct raw *x)
{
	size_t before;

	do {
		before = written(x);
		rig_turn(&x->r, 5000);
	} while (before == 0 || written(x) != before);
}

/* The payload of each frame is a page, so that none is readable in part: where sendmsg stops in such a one is chance. */
static void raw_connect_for_pages(struct raw *x)
{
	enum { SEGMENT = 2 + 14 + 4096 + 4 }; /* RFC 5044 section 4.1, RFC 5041 section 4.1 */
	int segment = 0;
	socklen_t len = sizeof(segment);

	raw_segment = SEGMENT;
	raw_connect(x, true, true);
	assert_int_equal(getsockopt(x->engine_fd, IPPROTO_TCP, TCP_MAXSEG, &segment, &len), 0);
	if (segment != SEGMENT) { /* what TCP's options take, RFC 6691 */
		raw_free(x);
		raw_segment += SEGMENT - segment;
		raw_connect(x, true, true);
	}
	raw_segment = 0;
}

/* The pages go between the computing of a CRC and the sending, which meets EFAULT: the frame is made anew. */
static void frames_that_wait_are_made_anew_when_their_memory_goes(void **state)
{
	enum { N = 8 << 20 };
	static const size_t beyond[] = {4096, 30000, 70000, 130000, 200000};
	static uint8_t payload[1 << 16];

	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++) {
		struct file_memory f;
		struct ddp_header h;
		struct op write;
		struct raw x;

		raw_connect_for_pages(&x);
		raw_send_buffer(&x, 20000);
		file_map(&f, N);
		op_over(&write, f.p, N);
		rdma_write(x.s->conn, &write.w);
		turn_until_full(&x);
		size_t kept = (written(&x) + 65536 + beyond[i]) & ~(size_t)4095;
		assert_true(kept < N);
		assert_int_equal(ftruncate(f.fd, (off_t)kept), 0);
		raw_send_buffer(&x, 4 << 20);
		for (size_t got = 0; got < N;) {
			size_t n = raw_get_fpdu(&x, &h, payload); /* checks the CRC */
			assert_int_equal(h.offset, got);
			assert_int_equal(n, 4096);
			for (size_t k = 0; k < n; k++)
				assert_int_equal(payload[k], got + k < kept ? 'f' : 0);
			got += n;
		}
		rig_until(&x.r, &write.done, 1);
		assert_int_equal(write.error, -EIO);
		assert_int_equal(x.s->ended, 0);
		raw_free(&x);
		file_unmap(&f);
	}
}

/* All whole frames have the right CRC; how many there are. */
static unsigned count_frames(const uint8_t *p, size_t len)
{
	unsigned n = 0;

	while (len >= 2) {
		size_t padded = (2 + ((size_t)p[0] << 8 | p[1]) + 3) & ~(size_t)3;
		if (padded + 4 > len)
			break;
		struct rd c = rd_over(BYTES(p + padded, 4));
		assert_int_equal(rd_u32(&c), crc32c_end(crc32c(CRC32C_START, p, padded)));
		p += padded + 4;
		len -= padded + 4;
		n++;
	}
	return n;
}

/* Of that frame a part has left under a CRC that would be wrong. */
static void a_frame_that_has_begun_to_leave_cannot_be_made_anew(void **state)
{
	enum { N = 8 << 20 };
	uint8_t *got = malloc(2 * N);
	size_t len = 0;
	struct file_memory f;
	struct op write;
	struct raw x;

	raw_segment = 1447; /* so that the socket takes a part of a frame */
	raw_connect(&x, true, true);
	raw_segment = 0;
	raw_send_buffer(&x, 20000);
	file_map(&f, N);
	op_over(&write, f.p, N);
	rdma_write(x.s->conn, &write.w);
	turn_until_full(&x);
	assert_int_equal(ftruncate(f.fd, 0), 0);
	raw_send_buffer(&x, 4 << 20);
	while (!write.done) {
		ssize_t n = recv(x.fd, got + len, 2 * N - len, MSG_DONTWAIT);
		len += n > 0 ? (size_t)n : 0;
		rig_turn(&x.r, 200);
	}
	ssize_t n = recv(x.fd, got + len, 2 * N - len, MSG_DONTWAIT);
	assert_true(count_frames(got, len + (n > 0 ? (size_t)n : 0)) > 0);
	if (x.s->ended)
		assert_string_equal(x.s->why, "local memory faulted");
	else
		assert_int_equal(write.error, -EIO); /* by chance none had begun */
	raw_free(&x);
	file_unmap(&f);
	free(got);
}

static void a_send_from_memory_that_is_gone_ends_the_connection(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		struct file_memory f;
		struct op send;
		struct rig r;

		rig_connect(&r, ways[i].mss, ways[i].crc);
		file_map(&f, 4096);
		assert_int_equal(ftruncate(f.fd, 0), 0);
		op_over(&send, f.p, 4096)->flags = ways[i].flags;
		rdma_send(r.a.conn, &send.w);
		rig_until(&r, &r.b.ended, 1);
		rig_until(&r, &r.a.ended, 1);
		assert_string_equal(r.b.why, "terminated by the peer: RDMAP: local catastrophic error");
		assert_string_equal(r.a.why, "terminated: RDMAP: local catastrophic error");
		assert_int_equal(send.done, 1);
		assert_int_equal(send.error, -EIO);
		assert_int_equal(r.b.messages, 0);
		rig_free(&r);
		file_unmap(&f);
	}
}

static void a_read_into_memory_that_is_gone_goes_without_its_data(void **state)
{
	enum { N = 1 << 20 };
	uint8_t *from = malloc(N), *good = malloc(N);
	struct rdma_target t = {.base = from, .len = N, .rights = RDMA_REMOTE_READ};

	fill_pattern(from, N, 3);
	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		struct file_memory f;
		struct op read, after;
		struct rig r;

		rig_connect(&r, ways[i].mss, ways[i].crc);
		file_map(&f, N);
		assert_int_equal(ftruncate(f.fd, 100 << 10), 0);
		assert_int_equal(rdma_register(r.b.conn, &t), 0);
		access_op(&read, f.p, N, &t, 0)->flags = ways[i].flags;
		rdma_read(r.a.conn, &read.w);
		rdma_read(r.a.conn, access_op(&after, good, N, &t, 0));
		rig_until(&r, &after.done, 1);
		assert_int_equal(read.done, 1);
		assert_int_equal(read.error, -EIO);
		assert_int_equal(after.error, 0);
		assert_memory_equal(good, from, N);
		assert_int_equal(r.a.ended + r.b.ended, 0);
		rig_free(&r);
		file_unmap(&f);
	}
	free(from);
	free(good);
}

static unsigned faults;

static void on_fault(struct rdma_target *t)
{
	faults++;
}

static void a_target_that_is_gone_ends_the_connection(void **state)
{
	enum { N = 1 << 20 };
	uint8_t *local = calloc(1, N);

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(ways); i++) {
		struct file_memory f;
		struct op op;
		struct rig r;
		bool write = i % 2;

		rig_connect(&r, ways[i / 2].mss, ways[i / 2].crc);
		file_map(&f, N);
		assert_int_equal(ftruncate(f.fd, 100 << 10), 0);
		struct rdma_target t = {.base = f.p,
			.len = N,
			.rights = RDMA_REMOTE_READ | RDMA_REMOTE_WRITE,
			.shared = ways[i / 2].flags & RDMA_SHARED,
			.faulted = on_fault};
		faults = 0;
		assert_int_equal(rdma_register(r.b.conn, &t), 0);
		access_op(&op, local, N, &t, 0);
		if (write)
			rdma_write(r.a.conn, &op.w);
		else
			rdma_read(r.a.conn, &op.w);
		rig_until(&r, &faults, 1);
		rdma_deregister(r.b.conn, &t);
		rig_until(&r, &r.a.ended, 1);
		rig_until(&r, &r.b.ended, 1);
		assert_int_equal(faults, 1);
		assert_string_equal(r.b.why, "terminated: RDMAP: local catastrophic error");
		assert_string_equal(r.a.why, "terminated by the peer: RDMAP: local catastrophic error");
		assert_int_equal(op.done, 1);
		rig_free(&r);
		file_unmap(&f);
	}
	free(local);
}

struct scribbler {
	uint8_t *p;
	size_t len;
	atomic_bool stop;
	pthread_t thread;
};

static void *scribble(void *arg)
{
	struct scribbler *s = arg;

	for (uint8_t value = 0; !atomic_load(&s->stop); value++)
		for (size_t i = 0; i < s->len; i += 61)
			((volatile uint8_t *)s->p)[i] = value;
	return NULL;
}

/* Without the copies that shared memory asks for, a CRC is soon wrong. */
static void memory_that_others_change_meanwhile_breaks_no_crc(void **state)
{
	enum { N = 1 << 20, ROUNDS = 30 };
	struct scribbler s = {.p = malloc(3 * N), .len = 3 * N};
	uint8_t *calm = malloc(N);

	assert_int_equal(pthread_create(&s.thread, NULL, scribble, &s), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct rdma_target wild = {.base = s.p,
			.len = N,
			.rights = RDMA_REMOTE_READ | RDMA_REMOTE_WRITE,
			.shared = true};
		struct rdma_target tame = {
			.base = calm, .len = N, .rights = RDMA_REMOTE_READ | RDMA_REMOTE_WRITE};
		struct op write, into, read, out;
		struct rig r;

		rig_connect(&r, i ? 1448 : 0, true);
		assert_int_equal(rdma_register(r.b.conn, &wild), 0);
		assert_int_equal(rdma_register(r.b.conn, &tame), 0);
		for (unsigned k = 0; k < ROUNDS; k++) {
			access_op(&write, s.p + N, N, &tame, 0)->flags = RDMA_SHARED;
			access_op(&into, s.p + N, N, &wild, 0)->flags = RDMA_SHARED;
			access_op(&read, s.p + 2 * N, N, &wild, 0)->flags = RDMA_SHARED;
			access_op(&out, s.p + 2 * N, N, &tame, 0)->flags = RDMA_SHARED;
			rdma_write(r.a.conn, &write.w);
			rdma_write(r.a.conn, &into.w);
			rdma_read(r.a.conn, &read.w);
			rdma_read(r.a.conn, &out.w);
			rig_until(&r, &out.done, 1);
			assert_int_equal(write.error | into.error | read.error | out.error, 0);
		}
		assert_int_equal(r.a.ended + r.b.ended, 0);
		rig_free(&r);
	}
	atomic_store(&s.stop, true);
	pthread_join(s.thread, NULL);
	free(s.p);
	free(calm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_from_memory_that_is_gone_sends_zeros),
		cmocka_unit_test(pieces_before_the_one_that_is_gone_arrive),
		cmocka_unit_test(frames_that_wait_are_made_anew_when_their_memory_goes),
		cmocka_unit_test(a_frame_that_has_begun_to_leave_cannot_be_made_anew),
		cmocka_unit_test(a_send_from_memory_that_is_gone_ends_the_connection),
		cmocka_unit_test(a_read_into_memory_that_is_gone_goes_without_its_data),
		cmocka_unit_test(a_target_that_is_gone_ends_the_connection),
		cmocka_unit_test(memory_that_others_change_meanwhile_breaks_no_crc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
