/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/smbdirect_session.h"

#include <errno.h>

/*
 * What smbdirect_rdma returns: the RDMA connection for as long as there is one, and afterwards one that has
 * ended. So the owner may go on using it until smbdirect_close, also where SMB Direct had to close the
 * connection under it.
 */
static struct smbdirect *session_of(struct rdma_conn *c)
{
	return container_of(c, struct smbdirect, facade);
}

static void do_later(struct tevent_context *ev, struct tevent_immediate *im, void *arg)
{
	struct smbdirect *s = arg;
	struct smbdirect_turn turn;

	smbdirect_enter(s, &turn);
	smbdirect_do_refused(s);
	smbdirect_leave(s, &turn);
}

/* What was refused is done from the event loop. Detached, it waits for attach. */
void smbdirect_later(struct smbdirect *s)
{
	if (s->ev && !(list_empty(&s->refused_messages) && list_empty(&s->refused_works)))
		tevent_schedule_immediate(s->later, s->ev, do_later, s);
}

/* What callbacks add is for the next round, unless there is none. */
void smbdirect_do_refused(struct smbdirect *s)
{
	struct list *last_message = s->refused_messages.prev, *last_work = s->refused_works.prev, *l = NULL;
	struct smbdirect_turn *turn = s->turn;

	while (!turn->gone && l != last_message && (l = list_pop(&s->refused_messages))) {
		struct smbdirect_message *m = container_of(l, struct smbdirect_message, link);

		m->done(m, m->error);
	}
	l = NULL;
	while (!turn->gone && l != last_work && (l = list_pop(&s->refused_works))) {
		struct rdma_work *w = container_of(l, struct rdma_work, link);

		w->done(w, s->closed ? -ECANCELED : -ECONNRESET);
	}
}

static void refuse(struct smbdirect *s, struct rdma_work *w)
{
	list_append(&s->refused_works, &w->link);
	smbdirect_later(s);
}

/* A Send past the credits would break the connection, so there are none. */
static void facade_send(struct rdma_conn *c, struct rdma_work *w)
{
	refuse(session_of(c), w);
}

static void facade_write(struct rdma_conn *c, struct rdma_work *w)
{
	struct smbdirect *s = session_of(c);

	if (s->conn)
		rdma_write(s->conn, w);
	else
		refuse(s, w);
}

static void facade_read(struct rdma_conn *c, struct rdma_work *w)
{
	struct smbdirect *s = session_of(c);

	if (s->conn)
		rdma_read(s->conn, w);
	else
		refuse(s, w);
}

static int facade_register(struct rdma_conn *c, struct rdma_target *t)
{
	struct smbdirect *s = session_of(c);

	return s->conn ? rdma_register(s->conn, t) : -ENOTCONN;
}

static void facade_deregister(struct rdma_conn *c, struct rdma_target *t)
{
	struct smbdirect *s = session_of(c);

	if (s->conn)
		rdma_deregister(s->conn, t);
}

static void facade_settled(struct rdma_conn *c, struct rdma_target *t, int error)
{
	struct smbdirect *s = session_of(c);

	if (s->conn)
		rdma_settled(s->conn, t, error);
}

static void facade_detach(struct rdma_conn *c)
{
	smbdirect_detach(session_of(c));
}

static int facade_attach(struct rdma_conn *c, struct tevent_context *ev)
{
	return smbdirect_attach(session_of(c), ev);
}

static void facade_facts(const struct rdma_conn *c, struct rdma_facts *out)
{
	const struct smbdirect *s = container_of(c, struct smbdirect, facade);

	if (s->conn)
		rdma_facts(s->conn, out);
	else
		*out = s->last_facts;
}

static bool facade_poll(struct rdma_conn *c)
{
	struct smbdirect *s = session_of(c);

	return s->conn && rdma_poll(s->conn);
}

static void facade_close(struct rdma_conn *c)
{
	smbdirect_close(session_of(c));
}

const struct rdma_transport smbdirect_facade = {
	.name = "smbdirect",
	.send = facade_send,
	.write = facade_write,
	.read = facade_read,
	.register_target = facade_register,
	.deregister = facade_deregister,
	.settled = facade_settled,
	.detach = facade_detach,
	.attach = facade_attach,
	.facts = facade_facts,
	.poll = facade_poll,
	.close = facade_close,
};
