/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/smbdirect_session.h"

#include "core/clock.h"

#include <errno.h>
#include <stdio.h>

/* With it, all Sends and works are done. */
static void close_connection(struct smbdirect *s)
{
	struct rdma_conn *conn = s->conn;

	s->state = SMBDIRECT_ENDED;
	TALLOC_FREE(s->timer);
	s->conn = NULL;
	if (!conn)
		return;
	rdma_facts(conn, &s->last_facts);
	s->closing = true;
	rdma_close(conn);
	s->closing = false;
}

/* Tells the owner of everything that it will not see again. */
static void give_back(struct smbdirect *s)
{
	struct smbdirect_turn *turn = s->turn;

	smbdirect_fail_messages(s);
	if (!turn->gone)
		smbdirect_drop_partial(s);
	if (!turn->gone)
		smbdirect_do_refused(s);
}

/* It runs callbacks, so it is for the event loop only. */
void smbdirect_end(struct smbdirect *s, const char *why)
{
	struct smbdirect_turn *turn = s->turn;
	char text[128];

	if (s->state == SMBDIRECT_ENDED)
		return;
	snprintf(text, sizeof(text), "%s", why); /* it may be the connection's */
	close_connection(s);
	if (turn->gone) {
		talloc_free(s); /* which was put off */
		return;
	}
	give_back(s);
	if (!turn->gone)
		s->h.ended(s->arg, text);
}

static void gone(struct smbdirect *s)
{
	for (struct smbdirect_turn *t = s->turn; t; t = t->outer)
		t->gone = true;
	s->turn = NULL;
}

static uint64_t deadline_ns(const struct smbdirect *s)
{
	bool established = s->state == SMBDIRECT_ESTABLISHED;
	uint64_t seconds = established ? s->p.idle_seconds : s->p.negotiate_seconds;

	return s->since_ns + seconds * 1000000000;
}

static void timer_fired(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg)
{
	struct smbdirect *s = arg;

	s->timer = NULL;
	smbdirect_check_silence(s, clock_now_ns());
}

/*
 * One timer for all limits. That it is early, because the peer has said something since, costs less than to
 * move it each time.
 */
bool smbdirect_start_timer(struct smbdirect *s)
{
	uint64_t now = clock_now_ns(), end = deadline_ns(s), us = end > now ? (end - now) / 1000 + 1 : 0;

	TALLOC_FREE(s->timer);
	s->timer = tevent_add_timer(s->ev, s,
		tevent_timeval_current_ofs((uint32_t)(us / 1000000), (uint32_t)(us % 1000000)), timer_fired,
		s);
	return s->timer;
}

/* [MS-SMBD] 3.1.6.1, 3.1.6.2 */
void smbdirect_check_silence(struct smbdirect *s, uint64_t now_ns)
{
	struct smbdirect_turn turn;
	const char *why = NULL;

	smbdirect_enter(s, &turn);
	if (now_ns >= deadline_ns(s)) {
		if (s->state != SMBDIRECT_ESTABLISHED)
			why = "the negotiation takes too long";
		else if (s->asked)
			why = "the peer is silent";
		s->asked = s->ask = true;
		s->since_ns = now_ns;
	}
	if (!why && !smbdirect_start_timer(s))
		why = "out of memory";
	if (why)
		smbdirect_end(s, why);
	else
		smbdirect_pump(s);
	smbdirect_leave(s, &turn);
}

static void rdma_is_established(void *arg)
{
	struct smbdirect *s = arg;
	struct smbdirect_turn turn;

	smbdirect_enter(s, &turn);
	s->state = SMBDIRECT_NEGOTIATING;
	s->since_ns = clock_now_ns();
	if (!smbdirect_start_timer(s))
		smbdirect_end(s, "out of memory");
	else if (s->p.initiator)
		smbdirect_request(s);
	smbdirect_leave(s, &turn);
}

static void rdma_has_received(void *arg, uint8_t *message, size_t len, bool solicited)
{
	struct smbdirect *s = arg;
	const char *why = NULL;
	struct smbdirect_turn turn;

	smbdirect_enter(s, &turn);
	s->since_ns = clock_now_ns();
	s->asked = s->ask = false;
	if (s->state == SMBDIRECT_NEGOTIATING)
		why = smbdirect_negotiate(s, BYTES(message, len));
	else if (s->state == SMBDIRECT_ESTABLISHED)
		why = smbdirect_receive(s, message, len);
	if (why)
		smbdirect_end(s, why);
	smbdirect_leave(s, &turn);
}

static void rdma_has_ended(void *arg, const char *why)
{
	struct smbdirect *s = arg;
	struct smbdirect_turn turn;

	smbdirect_enter(s, &turn);
	smbdirect_end(s, why);
	smbdirect_leave(s, &turn);
}

/* Runs at smbdirect_close, or when mem is freed. */
static int session_destroy(struct smbdirect *s)
{
	struct smbdirect_turn turn;

	s->closed = true;
	gone(s);
	smbdirect_enter(s, &turn);
	if (s->closing)
		smbdirect_abandon_fragments(s);
	else
		close_connection(s);
	give_back(s);
	while (!list_empty(&s->refused_messages) || !list_empty(&s->refused_works))
		smbdirect_do_refused(s); /* what callbacks have added */
	smbdirect_leave(s, &turn);
	return s->closing ? -1 : 0;
}

static struct smbdirect *session_alloc(TALLOC_CTX *mem, struct tevent_context *ev,
	const struct smbdirect_params *p, const struct smbdirect_handlers *h, void *arg)
{
	struct smbdirect *s;

	if (p->credits == 0 || p->receive_size < SMBDIRECT_LEAST_SIZE ||
		p->max_message < SMBDIRECT_LEAST_FRAGMENTED)
		return NULL;
	s = talloc_zero(mem, struct smbdirect);
	if (!s)
		return NULL;
	s->facade.ops = &smbdirect_facade;
	s->ev = ev;
	s->p = *p;
	s->h = *h;
	s->arg = arg;
	s->max_read_write = p->max_read_write;
	s->credits.max = p->credits;
	list_init(&s->refused_messages);
	list_init(&s->refused_works);
	s->later = tevent_create_immediate(s);
	if (s->later && smbdirect_send_init(s))
		return s;
	talloc_free(s);
	return NULL;
}

struct smbdirect *smbdirect_new(TALLOC_CTX *mem, struct tevent_context *ev, const struct smbdirect_params *p,
	const struct rdma_params *rdma, smbdirect_start_fn start, void *how,
	const struct smbdirect_handlers *h, void *arg)
{
	struct smbdirect *s = session_alloc(mem, ev, p, h, arg);
	struct rdma_params params = *rdma;

	if (!s)
		return NULL;
	params.receive_size = p->receive_size;
	params.handlers = (struct rdma_handlers){rdma_is_established, rdma_has_received, rdma_has_ended};
	params.arg = s;
	/* No child of the session: a transport may outlive its close by the callback that is under way. */
	s->conn = start(NULL, ev, &params, how);
	if (!s->conn) {
		talloc_free(s);
		return NULL;
	}
	talloc_set_destructor(s, session_destroy);
	return s;
}

struct rdma_conn *smbdirect_rdma(struct smbdirect *s)
{
	return &s->facade;
}

uint32_t smbdirect_max_send(const struct smbdirect *s)
{
	return s->max_send;
}

uint32_t smbdirect_max_read_write(const struct smbdirect *s)
{
	return s->max_read_write;
}

void smbdirect_facts(const struct smbdirect *s, struct smbdirect_facts *out)
{
	*out = (struct smbdirect_facts){
		.send_size = s->send_size,
		.receive_size = s->receive_size,
		.send_credits = s->credits.send,
		.receive_credits = s->credits.receive,
		.queued = s->queued,
	};
}

void smbdirect_detach(struct smbdirect *s)
{
	if (!s->closing && !s->closed)
		gone(s);
	s->ev = NULL;
	TALLOC_FREE(s->timer);
	TALLOC_FREE(s->later); /* it may be scheduled */
	if (s->conn)
		rdma_detach(s->conn);
}

int smbdirect_attach(struct smbdirect *s, struct tevent_context *ev)
{
	int error;

	s->later = tevent_create_immediate(s);
	if (!s->later)
		return -ENOMEM;
	error = s->conn ? rdma_attach(s->conn, ev) : 0;
	if (error)
		return error;
	s->ev = ev;
	smbdirect_later(s);
	if (s->state != SMBDIRECT_CONNECTING && s->state != SMBDIRECT_ENDED && !smbdirect_start_timer(s))
		return -ENOMEM;
	smbdirect_pump(s);
	return 0;
}

void smbdirect_close(struct smbdirect *s)
{
	talloc_free(s);
}
