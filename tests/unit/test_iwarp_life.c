/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/unit/iwarp_rig.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

/* Closing, detaching and losing a connection at every moment. */

enum { SIZE = 200000 };

static uint8_t local[SIZE], remote[SIZE], fetched[SIZE];

/* Something of everything: Writes, a Read, Sends both ways, with one that invalidates. */
struct exchange {
	struct rig r;
	struct rdma_target t, mine;
	struct op write, read, send, answer;
	size_t size;                  /* of the Write and the Read */
	unsigned callbacks, close_at; /* that callback closes its connection */
	bool close_b, both;
	bool stopped;
};

static struct exchange *current;

/* Every callback comes through here. */
static void callback(void)
{
	struct exchange *x = current;

	if (++x->callbacks != x->close_at)
		return;
	x->stopped = true;
	if (x->both || x->close_b) {
		rdma_close(x->r.b.conn);
		x->r.b.conn = NULL;
	}
	if (x->both || !x->close_b) {
		rdma_close(x->r.a.conn);
		x->r.a.conn = NULL;
	}
}

static void on_done(struct op *o)
{
	callback();
}

static void on_side(struct side *s)
{
	callback();
}

static void on_settle(struct rdma_target *t)
{
	struct exchange *x = container_of(t, struct exchange, t);

	if (x->r.b.conn)
		rdma_settled(x->r.b.conn, t, 0);
	callback();
}

static bool on_placed(struct rdma_target *t, size_t offset, size_t len)
{
	callback();
	return true;
}

static void on_invalidated(struct rdma_target *t)
{
	callback();
}

static void on_b_message(struct side *s)
{
	struct exchange *x = current;

	op_over(&x->answer, remote, x->size < 3000 ? x->size : 3000)->flags = RDMA_INVALIDATE;
	x->answer.w.tag = x->mine.tag;
	x->answer.then = on_done;
	rdma_send(s->conn, &x->answer.w);
	callback();
}

static void on_a_established(struct side *s)
{
	struct exchange *x = current;

	op_over(&x->write, local, x->size)->tag = x->t.tag;
	op_over(&x->read, fetched, x->size)->tag = x->t.tag;
	op_over(&x->send, local, x->size < 5000 ? x->size : 5000)->flags = RDMA_SOLICITED;
	x->write.then = x->read.then = x->send.then = on_done;
	rdma_write(s->conn, &x->write.w);
	rdma_read(s->conn, &x->read.w);
	rdma_send(s->conn, &x->send.w);
	callback();
}

static void exchange_hooks(struct exchange *x)
{
	x->r.a.on_established = on_a_established;
	x->r.b.on_established = on_side;
	x->r.a.on_message = on_side;
	x->r.b.on_message = on_b_message;
	x->r.a.on_ended = x->r.b.on_ended = on_side;
}

static void exchange_start(struct exchange *x, int fd_a, int fd_b, struct tevent_context *ev_b)
{
	struct rdma_params pa = rig_params(&x->r.a, true), pb = rig_params(&x->r.b, true);

	current = x;
	exchange_hooks(x);
	x->r.a.conn = iwarp_start(x->r.ev, x->r.ev, fd_a, true, &pa);
	x->r.b.conn = iwarp_start(NULL, ev_b, fd_b, false, &pb);
	x->t = (struct rdma_target){.base = remote,
		.len = SIZE,
		.rights = RDMA_REMOTE_READ | RDMA_REMOTE_WRITE,
		.settle = on_settle,
		.placed = on_placed};
	x->mine = (struct rdma_target){
		.base = fetched, .len = 1, .rights = RDMA_REMOTE_WRITE, .invalidated = on_invalidated};
	assert_int_equal(rdma_register(x->r.b.conn, &x->t), 0);
	assert_int_equal(rdma_register(x->r.a.conn, &x->mine), 0);
}

static bool is_over(const struct exchange *x)
{
	return x->read.done && x->write.done && x->send.done && x->answer.done && x->r.a.messages;
}

static void turn_until_over(struct exchange *x)
{
	for (unsigned i = 0; !x->stopped && !is_over(x) && !x->r.a.ended && !x->r.b.ended; i++) {
		assert_true(i < 1000000);
		tevent_loop_once(x->r.ev);
	}
}

/* A work that was posted is done exactly once, however it ends. */
static void assert_all_done(const struct exchange *x)
{
	if (x->r.a.established) {
		assert_int_equal(x->write.done, 1);
		assert_int_equal(x->read.done, 1);
		assert_int_equal(x->send.done, 1);
	}
	if (x->answer.w.done)
		assert_int_equal(x->answer.done, 1);
}

static void every_callback_may_close_the_connection(void **state)
{
	for (unsigned who = 0; who < 3; who++) {
		bool stopped = true;
		unsigned at;
		for (at = 1; stopped; at++) {
			struct exchange x = {
				.size = SIZE, .close_at = at, .close_b = who == 1, .both = who == 2};
			int fds[2];
			rig_init(&x.r);
			rig_tcp_pair(fds, 1448);
			exchange_start(&x, fds[0], fds[1], x.r.ev);
			turn_until_over(&x);
			stopped = x.stopped;
			x.close_at = 0;
			rig_close(&x.r.a);
			rig_close(&x.r.b);
			assert_all_done(&x);
			talloc_free(x.r.ev);
		}
		assert_true(at > 9); /* established twice, 4 done, 2 received, settle, invalidated */
	}
}

static void freeing_the_parent_closes_it(void **state)
{
	struct exchange x = {.size = SIZE};
	int fds[2];

	rig_init(&x.r);
	rig_tcp_pair(fds, 0);
	exchange_start(&x, fds[0], fds[1], x.r.ev);
	rig_until(&x.r, &x.r.a.established, 1);
	TALLOC_CTX *parent = talloc_new(NULL);
	talloc_steal(parent, x.r.a.conn);
	talloc_free(parent);
	x.r.a.conn = NULL;
	assert_int_equal(x.read.error, -ECANCELED);
	assert_int_equal(x.r.a.ended, 0);
	assert_all_done(&x);
	rig_until(&x.r, &x.r.b.ended, 1);
	rig_free(&x.r);
}

static void post_again(struct op *o)
{
	struct op *other = o->user;

	if (other && !other->done)
		rdma_send(current->r.a.conn, op_over(other, "again", 5));
}

static void what_is_posted_while_it_ends_is_done_too(void **state)
{
	struct exchange x = {.size = SIZE};
	struct op first, second;
	int fds[2];

	rig_init(&x.r);
	rig_tcp_pair(fds, 0);
	exchange_start(&x, fds[0], fds[1], x.r.ev);
	turn_until_over(&x);
	second = (struct op){0};
	op_over(&first, "x", 1);
	first.then = post_again;
	first.user = &second;
	rdma_close(x.r.b.conn);
	x.r.b.conn = NULL;
	rig_until(&x.r, &x.r.a.ended, 1);
	rdma_send(x.r.a.conn, &first.w);
	rig_until(&x.r, &second.done, 1);
	assert_int_equal(first.error, -ECONNRESET);
	assert_int_equal(second.error, -ECONNRESET);
	rig_free(&x.r);
}

static void post_in_ended(struct side *s)
{
	rdma_send(s->conn, op_over(s->user, "x", 1));
}

static void what_is_posted_in_the_last_callback_is_done_too(void **state)
{
	struct op late;
	struct rig r;

	rig_connect(&r, 0, true);
	late = (struct op){0};
	r.a.user = &late;
	r.a.on_ended = post_in_ended;
	rig_close(&r.b);
	rig_until(&r, &late.done, 1);
	assert_int_equal(late.error, -ECONNRESET);
	assert_int_equal(r.a.ended, 1);
	rig_free(&r);
}

static void post_on_close(struct op *o)
{
	rdma_send(current->r.a.conn, o->user);
	rdma_close(current->r.a.conn); /* again is harmless */
}

static void what_is_posted_while_it_is_closed_is_done_too(void **state)
{
	struct exchange x = {.size = SIZE};
	struct op first, second;

	rig_connect(&x.r, 0, true);
	current = &x;
	op_over(&first, "x", 1);
	first.then = post_on_close;
	first.user = op_over(&second, "y", 1);
	rdma_send(x.r.a.conn, &first.w);
	rdma_close(x.r.a.conn);
	x.r.a.conn = NULL;
	assert_int_equal(first.error, -ECANCELED);
	assert_int_equal(second.done, 1);
	assert_int_equal(second.error, -ECANCELED);
	rig_free(&x.r);
}

/* ---- from one event loop to another ---- */

struct other_loop {
	struct exchange *x;
	struct rdma_conn *conn;
	pthread_t thread;
	bool failed;
};

static void *other_thread(void *arg)
{
	struct other_loop *o = arg;
	struct tevent_context *ev = tevent_context_init(NULL);
	unsigned i = 0;

	o->failed = rdma_attach(o->conn, ev) != 0;
	while (!o->failed && !o->x->answer.done && i++ < 100000) {
		bool late = false;
		tevent_add_timer(ev, ev, tevent_timeval_current_ofs(0, 1000), rig_pass, &late);
		while (!late)
			tevent_loop_once(ev);
	}
	rdma_detach(o->conn);
	talloc_free(ev);
	return NULL;
}

static void a_connection_moves_to_another_thread_with_all_that_it_has(void **state)
{
	struct exchange x = {.size = SIZE};
	struct other_loop o = {.x = &x};
	int fds[2];

	memset(remote, 0, SIZE);
	memset(fetched, 1, SIZE);
	fill_pattern(local, SIZE, 1);
	rig_init(&x.r);
	rig_tcp_pair(fds, 1448);
	exchange_start(&x, fds[0], fds[1], x.r.ev);
	for (unsigned i = 0; i < 6; i++) /* somewhere in the middle */
		tevent_loop_once(x.r.ev);
	rdma_detach(x.r.b.conn);
	o.conn = x.r.b.conn;
	/* This thread stands still: nobody else uses what the other's callbacks use. */
	struct pollfd p = {.fd = -1};
	assert_int_equal(pthread_create(&o.thread, NULL, other_thread, &o), 0);
	while (!x.r.a.messages && !x.r.a.ended) {
		tevent_loop_once(x.r.ev);
		poll(&p, 0, 0);
	}
	pthread_join(o.thread, NULL);
	assert_false(o.failed);
	assert_int_equal(x.read.error | x.write.error | x.send.error | x.answer.error, 0);
	assert_memory_equal(remote, local, SIZE);
	assert_memory_equal(fetched, local, SIZE);
	assert_int_equal(rdma_attach(x.r.b.conn, x.r.ev), 0);
	assert_all_done(&x);
	rig_free(&x.r);
}

static void detach_at_message(struct side *s)
{
	rdma_detach(s->conn);
}

static void messages_that_have_come_wait_for_the_attach(void **state)
{
	struct op sends[5];
	struct rig r;

	rig_connect(&r, 0, true);
	r.b.on_message = detach_at_message;
	for (unsigned i = 0; i < 5; i++)
		rdma_send(r.a.conn, op_over(&sends[i], "12345" + i, 1));
	for (unsigned i = 1; i <= 5; i++) {
		rig_until(&r, &r.b.messages, i);
		rig_turn(&r, 2000);
		assert_int_equal(r.b.messages, i);
		assert_int_equal(r.b.last[0], '0' + i);
		assert_int_equal(rdma_attach(r.b.conn, r.ev), 0);
	}
	rig_free(&r);
}

static void a_detached_connection_can_be_closed(void **state)
{
	struct op send;
	struct rig r;

	rig_connect(&r, 0, true);
	rdma_detach(r.a.conn);
	rdma_send(r.a.conn, op_over(&send, "x", 1));
	rig_turn(&r, 2000);
	assert_int_equal(send.done, 0);
	rig_close(&r.a);
	assert_int_equal(send.error, -ECANCELED);
	rig_until(&r, &r.b.ended, 1);
	assert_string_equal(r.b.why, "closed by the peer");
	rig_free(&r);
}

/* ---- losing the peer ---- */

enum { RELAY_MOST = 65536 };

/* Passes bytes on, in both directions together at most `left`, then closes both. */
struct relay {
	int fd[2];
	size_t left, step; /* so many at a time */
};

static void relay_pass(struct relay *l)
{
	uint8_t buf[RELAY_MOST];

	for (unsigned i = 0; i < 2 && l->fd[0] >= 0; i++) {
		size_t most = l->left < l->step ? l->left : l->step;
		ssize_t n = most ? recv(l->fd[i], buf, most, MSG_DONTWAIT) : 0;
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n > 0 && send(l->fd[!i], buf, (size_t)n, MSG_NOSIGNAL) == n) {
			l->left -= (size_t)n;
			continue;
		}
		close(l->fd[0]);
		close(l->fd[1]);
		l->fd[0] = l->fd[1] = -1;
	}
}

static void relay_tick(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg)
{
	struct relay *l = arg;

	relay_pass(l);
	if (l->fd[0] >= 0)
		tevent_add_timer(ev, ev, tevent_timeval_current_ofs(0, 50), relay_tick, l);
}

/* The whole exchange over a relay that passes so many bytes; false: it was cut before the end. */
static bool exchange_over_relay(size_t size, size_t left, size_t step)
{
	struct exchange x = {.size = size};
	struct relay l = {.left = left, .step = step};
	int a[2], b[2];

	rig_init(&x.r);
	rig_tcp_pair(a, 0);
	rig_tcp_pair(b, 0);
	l.fd[0] = a[1];
	l.fd[1] = b[0];
	exchange_start(&x, a[0], b[1], x.r.ev);
	relay_tick(x.r.ev, NULL, (struct timeval){0}, &l);
	while (!is_over(&x) && !(x.r.a.ended && x.r.b.ended))
		tevent_loop_once(x.r.ev);
	bool over = is_over(&x);
	if (l.fd[0] >= 0) {
		close(l.fd[0]);
		close(l.fd[1]);
		l.fd[0] = l.fd[1] = -1;
	}
	rig_until(&x.r, &x.r.a.ended, 1);
	rig_until(&x.r, &x.r.b.ended, 1);
	assert_all_done(&x);
	assert_int_equal(x.r.a.ended + x.r.b.ended, 2);
	rig_turn(&x.r, 100);
	rig_free(&x.r);
	return over;
}

static void bytes_may_come_one_at_a_time(void **state)
{
	memset(remote, 0, 1000);
	memset(fetched, 1, 1000);
	fill_pattern(local, 1000, 3);
	assert_true(exchange_over_relay(1000, SIZE_MAX, 1));
	assert_memory_equal(remote, local, 1000);
	assert_memory_equal(fetched, local, 1000);
}

/* So that the parts of large ones that go straight to their place are of every length. */
static void bytes_may_come_in_odd_portions(void **state)
{
	for (size_t step = 997; step < RELAY_MOST; step = step * 3 + 1) {
		memset(remote, 0, SIZE);
		memset(fetched, 1, SIZE);
		fill_pattern(local, SIZE, (unsigned)step);
		assert_true(exchange_over_relay(SIZE, SIZE_MAX, step));
		assert_memory_equal(remote, local, SIZE);
		assert_memory_equal(fetched, local, SIZE);
	}
}

static void the_peer_may_be_lost_after_every_byte(void **state)
{
	enum { SMALL = 61 };
	size_t cut = 0;

	while (!exchange_over_relay(SMALL, cut, RELAY_MOST))
		cut++;
	assert_true(cut > 2 * 24 + 4 * SMALL); /* the handshake; a Write, a Read, two Sends */
}

static void the_peer_may_be_lost_within_large_transfers(void **state)
{
	size_t cut = 300;

	while (!exchange_over_relay(SIZE, cut, RELAY_MOST))
		cut += cut % 7 == 0 ? 12345 : 4001;
	assert_true(cut > 2 * SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_callback_may_close_the_connection),
		cmocka_unit_test(freeing_the_parent_closes_it),
		cmocka_unit_test(what_is_posted_while_it_ends_is_done_too),
		cmocka_unit_test(what_is_posted_in_the_last_callback_is_done_too),
		cmocka_unit_test(what_is_posted_while_it_is_closed_is_done_too),
		cmocka_unit_test(a_connection_moves_to_another_thread_with_all_that_it_has),
		cmocka_unit_test(messages_that_have_come_wait_for_the_attach),
		cmocka_unit_test(a_detached_connection_can_be_closed),
		cmocka_unit_test(bytes_may_come_one_at_a_time),
		cmocka_unit_test(bytes_may_come_in_odd_portions),
		cmocka_unit_test(the_peer_may_be_lost_after_every_byte),
		cmocka_unit_test(the_peer_may_be_lost_within_large_transfers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
