/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The load over SMB Direct: the transport stays with its connection, and the event loop drives it. */
#include "client/bench.h"

enum { WAKE_UP_US = 100000 };

bool bench_direct_lend(struct bench_slot *s, const uint8_t *base, unsigned rights)
{
	struct bench_conn *c = s->conn;

	TALLOC_FREE(s->buffer);
	s->buffer = c->direct ? rdma_buffer_new(c->slots, c->m.tree, base, c->bench->size, rights) : NULL;
	return s->buffer != NULL;
}

void bench_direct_send(struct bench_conn *c, struct bytes head, struct bytes payload)
{
	struct frame *f = client_frame_new(c->direct, head.len);

	if (!f) {
		c->lost = true;
		return;
	}
	memcpy(f->head, head.data, head.len);
	f->payload = payload;
	c->direct->ops->send(c->direct, f);
}

static void direct_message(void *arg, uint8_t *message, size_t len)
{
	struct bench_conn *c = arg;

	c->lost |= !bench_take_message(c, message, len);
	talloc_free(message);
}

static void direct_closed(void *arg, ntstatus_t why)
{
	struct bench_conn *c = arg;

	c->lost = true;
}

void bench_direct_attach(struct bench_conn *c)
{
	c->direct = c->m.conn->transport;
	c->direct->on_message = direct_message;
	c->direct->on_closed = direct_closed;
	c->direct->arg = c;
}

/* The connection goes on where the load has stopped: it logs off, so that the server lets go of its files. */
void bench_direct_detach(struct bench_conn *c)
{
	struct daxsmb_conn *conn = c->m.conn;

	for (unsigned i = 0; c->slots && i < c->bench->depth; i++)
		TALLOC_FREE(c->slots[i].buffer);
	client_conn_attach(conn, c->direct);
	c->direct = NULL;
	conn->credits.next_id = c->next_id;
	conn->credits.available = c->credits;
	if (c->lost)
		client_conn_fail(conn, STATUS_CONNECTION_DISCONNECTED);
	daxsmb_unmount(c->bench->cli->ev, &c->m);
}

/* The clock is looked at even while nothing comes. */
static void direct_wake_up(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg)
{
	struct bench *b = arg;

	b->wake_up = tevent_add_timer(ev, b, tevent_timeval_add(&now, 0, WAKE_UP_US), direct_wake_up, b);
}

bool bench_direct_turn(struct bench *b)
{
	if (!b->wake_up)
		b->wake_up = tevent_add_timer(
			b->cli->ev, b, tevent_timeval_current_ofs(0, WAKE_UP_US), direct_wake_up, b);
	if (!b->wake_up || tevent_loop_once(b->cli->ev))
		return false;
	for (unsigned i = 0; i < b->connections; i++) {
		struct bench_conn *c = &b->conns[i];

		if (c->lost || (c->ready_count && !bench_conn_issue(c)))
			return false;
	}
	return true;
}
