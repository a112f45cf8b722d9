/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/iwarp.h"
#include "tests/unit/smbdirect_rig.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

/* SMB Direct over the software iWARP, through a socket pair and through TCP on the loopback interface. */

enum { TRANSFER = 8 << 20 };

static struct rdma_conn *start(
	TALLOC_CTX *mem, struct tevent_context *ev, const struct rdma_params *p, void *how)
{
	struct rig_side *side = container_of((struct rdma_loop_side *)how, struct rig_side, loop);

	return iwarp_start(mem, ev, side->fd, side->which == 1, p);
}

static void tcp_pair(int fd[2])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	fd[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd[1], (struct sockaddr *)&a, sizeof(a)), 0);
	fd[0] = accept(listener, NULL, NULL);
	assert_true(fd[0] >= 0);
	close(listener);
}

#define UNTIL(r, condition) \
	while (!(condition)) \
	tevent_loop_once((r)->ev)

static struct rig *over(bool tcp, struct smbdirect_params acceptor, struct smbdirect_params initiator)
{
	struct rig *r = rig_bare();
	int fd[2];

	if (tcp)
		tcp_pair(fd);
	else
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	r->start = start;
	r->side[0].fd = fd[0];
	r->side[1].fd = fd[1];
	rig_start(r, 0, acceptor);
	rig_start(r, 1, initiator);
	UNTIL(r, r->side[0].established && r->side[1].established);
	return r;
}

static struct smbdirect_params with(uint16_t credits, uint32_t receive_size)
{
	struct smbdirect_params p = rig_defaults;

	p.credits = credits;
	p.receive_size = receive_size;
	return p;
}

static bool all_there(const struct rig *r)
{
	return r->side[0].received == r->side[1].sent && r->side[1].received == r->side[0].sent &&
	       r->side[0].done == r->side[0].sent && r->side[1].done == r->side[1].sent;
}

static void messages_of_all_sizes_arrive_both_ways(void **state)
{
	static const size_t sizes[] = {1, 1339, 1340, 1341, 65536, 1048575, 1048576};
	static const uint16_t credits[] = {1, 2, 255};

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(credits); i++) {
		struct rig *r = over(i % 2, with(credits[i / 2], 1364), with(credits[i / 2], 1364));

		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
			rig_send(&r->side[0], sizes[k], 3);
			rig_send(&r->side[1], sizes[ARRAY_SIZE(sizes) - 1 - k], 2);
		}
		UNTIL(r, all_there(r));
		rig_free(r);
	}
}

static void thousands_of_messages_are_answered(void **state)
{
	struct rig *r = over(true, with(255, 8192), with(255, 8192));

	r->side[0].echo = 200;
	for (int i = 0; i < 3000; i++)
		rig_send(&r->side[1], 100 + i % 300, 2);
	UNTIL(r, r->side[1].received == 3000);
	assert_int_equal(r->side[0].failed + r->side[1].failed, 0);
	rig_free(r);
}

struct transfer {
	struct rdma_work w;
	struct iovec iov;
	bool done;
	int error;
};

static void transfer_done(struct rdma_work *w, int error)
{
	struct transfer *t = container_of(w, struct transfer, w);

	t->done = true;
	t->error = error;
}

static struct transfer *transfer(uint8_t *local, uint32_t tag)
{
	struct transfer *t = calloc(1, sizeof(*t));

	t->iov = (struct iovec){local, TRANSFER};
	t->w = (struct rdma_work){.iov = &t->iov, .n = 1, .tag = tag, .done = transfer_done};
	return t;
}

static void fill(uint8_t *p, unsigned seed)
{
	for (size_t i = 0; i < TRANSFER; i++)
		p[i] = rig_byte(seed, seed, i);
}

/* As a server does it: the answer to a READ leaves behind the data, and the client finds that in place when
 * it has the answer. */
static void large_transfers_go_between_messages(void **state)
{
	struct rig *r = over(true, with(255, 8192), with(255, 8192));
	uint8_t *target = calloc(1, TRANSFER), *there = malloc(TRANSFER), *back = calloc(1, TRANSFER);
	struct rdma_target t = {
		.base = target, .len = TRANSFER, .rights = RDMA_REMOTE_READ | RDMA_REMOTE_WRITE};
	struct rdma_facts f;

	fill(there, 5);
	assert_int_equal(rdma_register(smbdirect_rdma(r->side[1].s), &t), 0);
	for (int round = 0; round < 4; round++) {
		struct transfer *w = transfer(there, t.tag), *rd = transfer(back, t.tag);
		unsigned received = r->side[1].received;

		rig_send(&r->side[0], 100000, 1);
		rdma_write(smbdirect_rdma(r->side[0].s), &w->w);
		rig_send(&r->side[0], 100, 1);
		rig_send(&r->side[1], 300000, 1);
		UNTIL(r, r->side[1].received == received + 2);
		assert_memory_equal(target, there, TRANSFER);
		rdma_read(smbdirect_rdma(r->side[0].s), &rd->w);
		rig_send(&r->side[0], 500000, 2);
		rig_send(&r->side[1], 500000, 2);
		UNTIL(r, w->done && rd->done && all_there(r));
		assert_int_equal(w->error, 0);
		assert_int_equal(rd->error, 0);
		assert_memory_equal(back, there, TRANSFER);
		memset(target, 0, TRANSFER);
		memset(back, 0, TRANSFER);
		free(w);
		free(rd);
	}
	rdma_facts(smbdirect_rdma(r->side[1].s), &f);
	assert_int_equal(f.bytes_placed, 4 * (uint64_t)TRANSFER);
	assert_int_equal(f.bytes_read, 4 * (uint64_t)TRANSFER);
	assert_string_equal(f.transport, "iwarp");
	rdma_deregister(smbdirect_rdma(r->side[1].s), &t);
	rig_free(r);
	free(target);
	free(there);
	free(back);
}

static bool tag_is_gone;

static void invalidated(struct rdma_target *t)
{
	tag_is_gone = true;
}

static void the_answer_invalidates_the_tag(void **state)
{
	struct rig *r = over(false, rig_defaults, rig_defaults);
	uint8_t memory[10] = {0};
	struct rdma_target t = {
		.base = memory, .len = 10, .rights = RDMA_REMOTE_WRITE, .invalidated = invalidated};
	struct rig_message *rm = rig_message(&r->side[0], 5000, 1);
	struct transfer *late;

	tag_is_gone = false;
	assert_int_equal(rdma_register(smbdirect_rdma(r->side[1].s), &t), 0);
	rm->m.invalidate = true;
	rm->m.tag = t.tag;
	smbdirect_send(r->side[0].s, &rm->m);
	UNTIL(r, all_there(r));
	assert_true(tag_is_gone);
	/* Whoever uses it still is thrown out. */
	late = transfer(memory, t.tag);
	late->iov.iov_len = 1;
	rdma_write(smbdirect_rdma(r->side[0].s), &late->w);
	UNTIL(r, r->side[0].ended && r->side[1].ended && late->done);
	assert_non_null(strstr(r->side[0].why, "erminate"));
	free(late);
	rig_free(r);
}

static void a_side_that_closes_in_the_middle_ends_the_other(void **state)
{
	for (unsigned i = 0; i < 24; i++) {
		struct rig *r = over(i % 2, with(20, 4096), with(20, 4096));
		struct rig_side *side = &r->side[i / 2 % 2];

		side->close_in = i / 4 % 2 ? RIG_RECEIVED : RIG_DONE;
		side->close_at = 1 + i / 8;
		for (int k = 0; k < 3; k++) {
			rig_send(&r->side[0], 200000, 1);
			rig_send(&r->side[1], 200000, 1);
		}
		UNTIL(r, !side->s);
		UNTIL(r, r->side[!side->which].ended);
		rig_free(r);
	}
}

/* A peer that does not follow MPA, or is silent. */
static void a_socket_that_speaks_something_else_ends_the_session(void **state)
{
	struct rig *r = rig_bare();
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	r->start = start;
	r->side[0].fd = fd[0];
	rig_start(r, 0, rig_defaults);
	assert_int_equal(write(fd[1], "GET / HTTP/1.1\r\nHost: here\r\n\r\n", 30), 30);
	UNTIL(r, r->side[0].ended);
	assert_int_equal(r->side[0].established, 0);
	close(fd[1]);
	rig_free(r);
}

/* ---- a hand-over to another thread, from within a callback ---- */

struct other_thread {
	struct smbdirect *s;
	struct rig_side *side;
	int wake[2], ready[2];
	bool closes_at_once;
};

static void say(const int pipe_fd[2])
{
	assert_int_equal(write(pipe_fd[1], "x", 1), 1);
}

static void hear(const int pipe_fd[2])
{
	char c;

	assert_int_equal(read(pipe_fd[0], &c, 1), 1);
}

static void *serve(void *arg)
{
	struct other_thread *o = arg;
	struct tevent_context *ev = tevent_context_init(NULL);

	hear(o->wake);
	if (o->closes_at_once) {
		rig_close(o->side);
		say(o->ready);
	} else {
		assert_int_equal(smbdirect_attach(o->s, ev), 0);
		say(o->ready);
		while (o->side->received < 20 || o->side->done < 20)
			tevent_loop_once(ev);
		rig_close(o->side);
	}
	talloc_free(ev);
	return NULL;
}

static struct other_thread *other;

/* The other thread has the session, or has freed it, before this one is out of the callback. */
static void hand_over(void *arg, uint8_t *data, size_t len, void *memory)
{
	struct rig_side *side = arg;

	side->s->h = rig_handlers;
	rig_received(arg, data, len, memory);
	smbdirect_detach(side->s);
	say(other->wake);
	hear(other->ready);
}

static void a_session_is_handed_over_while_it_receives(void **state)
{
	for (int i = 0; i < 20; i++) {
		struct rig *r = over(true, with(255, 4096), with(255, 4096));
		struct other_thread o = {.s = r->side[0].s, .side = &r->side[0], .closes_at_once = i / 2 % 2};
		pthread_t thread;

		other = &o;
		r->side[0].echo = 5000;
		r->side[0].s->h.received = hand_over;
		r->threads = true;
		for (int k = 0; k < 20; k++)
			rig_send(&r->side[1], i % 2 ? 3000 : 30000, 1);
		assert_int_equal(pipe(o.wake), 0);
		assert_int_equal(pipe(o.ready), 0);
		assert_int_equal(pthread_create(&thread, NULL, serve, &o), 0);
		UNTIL(r, r->side[1].received == 20 || r->side[1].ended);
		pthread_join(thread, NULL);
		assert_int_equal(r->side[0].received, o.closes_at_once ? 1 : 20);
		for (int k = 0; k < 2; k++) {
			close(o.wake[k]);
			close(o.ready[k]);
		}
		rig_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_of_all_sizes_arrive_both_ways),
		cmocka_unit_test(thousands_of_messages_are_answered),
		cmocka_unit_test(large_transfers_go_between_messages),
		cmocka_unit_test(the_answer_invalidates_the_tag),
		cmocka_unit_test(a_side_that_closes_in_the_middle_ends_the_other),
		cmocka_unit_test(a_socket_that_speaks_something_else_ends_the_session),
		cmocka_unit_test(a_session_is_handed_over_while_it_receives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
