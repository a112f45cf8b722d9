/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/iwarp_conn.h"

#include "core/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TERMINATE_SECONDS = 2 }; /* for the peer to read a Terminate and close */

/* What the owner holds. The engine outlives it while the callbacks of rdma_close run. */
struct iwarp_handle {
	struct rdma_conn conn;
	struct iwarp *w;
};

static struct iwarp *engine(const struct rdma_conn *conn)
{
	return container_of((struct rdma_conn *)conn, struct iwarp_handle, conn)->w;
}

/* ---- works that are over ---- */

void iwarp_finish(struct iwarp *w, struct rdma_work *work, int result)
{
	list_remove(&work->link);
	work->result = result;
	list_append(&w->finished, &work->link);
}

bool iwarp_deliver(struct iwarp *w)
{
	struct turn *turn = w->turn;
	enum iwarp_state state = w->state;
	struct list *item;

	while ((item = list_pop(&w->finished))) {
		struct rdma_work *work = container_of(item, struct rdma_work, link);
		work->done(work, work->result);
		if (turn->gone)
			return false;
	}
	return w->state == state;
}

static void finish_all(struct iwarp *w, struct list *works, int result)
{
	while (!list_empty(works))
		iwarp_finish(w, container_of(works->next, struct rdma_work, link), result);
}

/* In the order in which they were posted, as near as that can still be told. */
static void finish_everything(struct iwarp *w, int result)
{
	finish_all(w, &w->tx.sending, result);
	finish_all(w, &w->tx.reading, result);
	finish_all(w, &w->tx.stalled, result);
	finish_all(w, &w->tx.posted, result);
}

/* ---- the event loop ---- */

static void drop_socket(struct iwarp *w)
{
	TALLOC_FREE(w->timer);
	TALLOC_FREE(w->fde);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

bool iwarp_end(struct iwarp *w, const char *why)
{
	struct turn *turn = w->turn;

	if (!w->why[0])
		snprintf(w->why, sizeof(w->why), "%s", why);
	w->state = IWARP_ENDED;
	drop_socket(w);
	finish_everything(w, -ECONNRESET);
	(void)iwarp_deliver(w);
	if (!turn->gone)
		w->p.handlers.ended(w->p.arg, w->why);
	return false;
}

static void timer_due(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg);

static bool arm_timer(struct iwarp *w)
{
	uint64_t now = clock_now_ns(), left = w->deadline_ns > now ? w->deadline_ns - now : 0;
	uint32_t seconds = (uint32_t)(left / 1000000000), microseconds = left / 1000 % 1000000;
	struct timeval when = tevent_timeval_current_ofs(seconds, microseconds);

	TALLOC_FREE(w->timer);
	w->timer = tevent_add_timer(w->ev, w, when, timer_due, w);
	return w->timer;
}

bool iwarp_terminate(struct iwarp *w, unsigned error, struct bytes failed, size_t segment_length)
{
	if (w->state != IWARP_OPEN && w->state != IWARP_SETUP)
		return false;
	snprintf(w->why, sizeof(w->why), "terminated: %s%s", rdmap_error_text(error),
		error == ERR_RDMAP_LOCAL || error == ERR_RDMAP_STREAM ? "" : " (the peer's fault)");
	w->facts.refused = error >> 8 == ERR_RDMAP_STAG >> 8 || error >> 8 == ERR_DDP_STAG >> 8;
	w->state = IWARP_TERMINATING;
	w->rx.direct = false;
	iwarp_tx_terminate(w, error, failed, segment_length);
	w->deadline_ns = clock_now_ns() + TERMINATE_SECONDS * 1000000000ull;
	if (!w->detached)
		arm_timer(w);
	iwarp_kick(w);
	return false;
}

/*
 * The Terminate is on its way; then the peer is to close. Closing at once would make a reset of it where
 * bytes of the peer are unread, and could take the Terminate along.
 */
static bool terminating(struct iwarp *w)
{
	if (!w->shut) {
		int rc = iwarp_tx_flush(w);
		if (rc < 0)
			return iwarp_end(w, w->why);
		if (rc > 0) {
			shutdown(w->fd, SHUT_WR);
			w->shut = true;
		}
	}
	return iwarp_discard(w);
}

/* What may be done now. False: stop. */
static bool step(struct iwarp *w)
{
	if (w->state == IWARP_SETUP && !iwarp_setup(w))
		return false;
	if (w->state == IWARP_OPEN)
		return (w->idle || iwarp_receive(w)) && iwarp_send(w);
	if (w->state == IWARP_ENDED) {
		finish_everything(w, -ECONNRESET);
		return iwarp_deliver(w);
	}
	return true;
}

static bool too_late(struct iwarp *w)
{
	return iwarp_end(w, "MPA: not set up in time");
}

static void want_events(struct iwarp *w)
{
	bool write = w->state == IWARP_SETUP         ? w->initiator && !w->setup_sent
		     : w->state == IWARP_TERMINATING ? !w->shut
						     : iwarp_tx_wants(w);

	if (w->fde)
		tevent_fd_set_flags(w->fde, TEVENT_FD_READ | (write ? TEVENT_FD_WRITE : 0));
	else if (w->state == IWARP_ENDED && !(list_empty(&w->finished) && list_empty(&w->tx.posted)))
		iwarp_kick(w); /* posted by the last callbacks */
}

/* Whether something has come. */
static bool take_turn(struct iwarp *w, bool (*what)(struct iwarp *w))
{
	struct turn turn = {0};

	if (w->turn)
		return false; /* a callback runs the event loop: the turn that called it goes on afterwards */
	w->turn = &turn;
	w->due = false;
	(void)what(w);
	if (!turn.gone && w->state == IWARP_TERMINATING)
		(void)terminating(w);
	if (turn.gone)
		return turn.came;
	w->turn = NULL;
	want_events(w);
	return turn.came;
}

static void socket_event(struct tevent_context *ev, struct tevent_fd *fde, uint16_t flags, void *arg)
{
	struct iwarp *w = arg;

	w->idle = !(flags & TEVENT_FD_READ) && w->rx.at == w->rx.end;
	take_turn(w, step);
}

/* Posted works, or a new event loop: of what has come, some may lie in the buffer already. */
static void kicked(struct tevent_context *ev, struct tevent_immediate *im, void *arg)
{
	struct iwarp *w = arg;

	w->idle = w->rx.at == w->rx.end;
	if (w->due)
		take_turn(w, step);
}

void iwarp_kick(struct iwarp *w)
{
	if (w->turn || w->detached)
		return;
	if (!w->due)
		tevent_schedule_immediate(w->kick, w->ev, kicked, w);
	w->due = true;
}

static bool poll_conn(struct rdma_conn *conn)
{
	struct iwarp *w = engine(conn);

	if (w->detached || w->state != IWARP_OPEN)
		return false;
	w->idle = w->due && w->rx.at == w->rx.end; /* sends first, and looks the next time */
	return take_turn(w, step);
}

static void timer_due(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg)
{
	struct iwarp *w = arg;

	w->timer = NULL;
	take_turn(w, too_late);
}

/* ---- the transport ---- */

/* Its length; or that the wire cannot say it. RFC 5041 section 5.1: the tagged offset does not wrap. */
static int measure(struct rdma_work *work, size_t most)
{
	work->length = 0;
	for (unsigned i = 0; i < work->n; i++) {
		if (work->iov[i].iov_len > most - work->length)
			return -EMSGSIZE;
		work->length += work->iov[i].iov_len;
	}
	bool wraps = work->length && work->length - 1 > UINT64_MAX - work->remote_offset;
	return wraps && work->kind != RDMAP_SEND ? -EINVAL : 0;
}

static void post(struct rdma_conn *conn, struct rdma_work *work, int kind, size_t most)
{
	struct iwarp *w = engine(conn);

	work->kind = kind;
	work->result = 0;
	work->progress = 0;
	list_init(&work->link);
	int error = measure(work, most);
	if (error)
		iwarp_finish(w, work, error);
	else
		list_append(&w->tx.posted, &work->link);
	iwarp_kick(w);
}

static void post_send(struct rdma_conn *conn, struct rdma_work *work)
{
	post(conn, work, RDMAP_SEND, UINT32_MAX); /* the message offset has 32 bits */
}

static void post_write(struct rdma_conn *conn, struct rdma_work *work)
{
	post(conn, work, RDMAP_WRITE, SIZE_MAX);
}

static void post_read(struct rdma_conn *conn, struct rdma_work *work)
{
	post(conn, work, RDMAP_READ_REQUEST, UINT32_MAX); /* so has the size of a Read */
}

static int register_target(struct rdma_conn *conn, struct rdma_target *t)
{
	struct iwarp *w = engine(conn);

	t->bytes_read = t->bytes_placed = 0;
	t->unsettled = t->settling = false;
	list_init(&t->settle_link);
	return stags_add(&w->stags, t);
}

bool iwarp_forget(struct iwarp *w, struct rdma_target *t)
{
	if (!stags_remove(&w->stags, t))
		return false;
	list_remove(&t->settle_link);
	t->unsettled = false;
	if (t->settling) {
		t->settling = false;
		w->settling--;
		iwarp_kick(w);
	}
	return true;
}

/* What is under way through the tag is cut short, and the peer is told. */
static void deregister(struct rdma_conn *conn, struct rdma_target *t)
{
	struct iwarp *w = engine(conn);

	if (iwarp_forget(w, t))
		iwarp_cut_short(w, t);
}

static void settled(struct rdma_conn *conn, struct rdma_target *t, int error)
{
	struct iwarp *w = engine(conn);

	if (!t->settling)
		return;
	t->settling = false;
	w->settling--;
	if (error)
		iwarp_terminate(w, ERR_RDMAP_STREAM, BYTES(NULL, 0), 0);
	iwarp_kick(w);
}

/* No callback comes any more, and whoever is on the way back out of one lets go. */
static void leave_loop(struct iwarp *w)
{
	if (w->turn)
		w->turn->gone = true;
	w->turn = NULL;
	w->detached = true;
	w->due = false;
	TALLOC_FREE(w->timer);
	TALLOC_FREE(w->fde);
	TALLOC_FREE(w->kick);
	w->ev = NULL;
}

static void detach(struct rdma_conn *conn)
{
	leave_loop(engine(conn));
}

static int enter_loop(struct iwarp *w, struct tevent_context *ev)
{
	w->ev = ev;
	w->kick = tevent_create_immediate(w);
	if (w->fd >= 0)
		w->fde = tevent_add_fd(ev, w, w->fd, TEVENT_FD_READ, socket_event, w);
	if (!w->kick || (w->fd >= 0 && !w->fde))
		return -ENOMEM;
	w->detached = false;
	if ((w->state == IWARP_SETUP || w->state == IWARP_TERMINATING) && !arm_timer(w))
		return -ENOMEM;
	iwarp_kick(w);
	return 0;
}

static int attach(struct rdma_conn *conn, struct tevent_context *ev)
{
	return enter_loop(engine(conn), ev);
}

static void facts(const struct rdma_conn *conn, struct rdma_facts *out)
{
	const struct iwarp *w = engine(conn);

	*out = w->facts;
	out->transport = "iwarp";
	out->version = w->terms.revision;
	out->crc = w->terms.crc;
	out->ird = w->terms.ird;
	out->ord = w->terms.ord;
	out->targets = w->stags.count;
}

static void close_conn(struct rdma_conn *conn)
{
	talloc_free(container_of(conn, struct iwarp_handle, conn));
}

static int handle_freed(struct iwarp_handle *h)
{
	struct iwarp *w = h->w;
	struct list *item;

	leave_loop(w);
	drop_socket(w);
	w->state = IWARP_ENDED;
	finish_everything(w, -ECANCELED);
	while ((item = list_pop(&w->finished))) {
		struct rdma_work *work = container_of(item, struct rdma_work, link);
		work->done(work, work->result);
		finish_everything(w, -ECANCELED); /* what it has posted */
	}
	talloc_free(w);
	return 0;
}

static const struct rdma_transport iwarp_transport = {
	.name = "iwarp",
	.send = post_send,
	.write = post_write,
	.read = post_read,
	.register_target = register_target,
	.deregister = deregister,
	.settled = settled,
	.detach = detach,
	.attach = attach,
	.facts = facts,
	.poll = poll_conn,
	.close = close_conn,
};

static unsigned clamp(unsigned n, unsigned most)
{
	return n < 1 ? 1 : n > most ? most : n;
}

static void init(struct iwarp *w, const struct rdma_params *p)
{
	enum { MOST_READS = 1024 };

	w->p = *p;
	w->terms = (struct mpa_terms){
		.revision = p->version == MPA_REVISION_1 ? MPA_REVISION_1 : MPA_REVISION_2,
		.crc = p->crc,
		.ird = clamp(p->ird, MOST_READS),
		.ord = clamp(p->ord, MOST_READS),
	};
	w->detached = true;
	w->deadline_ns = clock_now_ns() + p->setup_seconds * 1000000000ull;
	for (unsigned q = 0; q < DDP_QUEUES; q++)
		w->rx.msn[q] = w->tx.msn[q] = 1; /* RFC 5041 section 4.3 */
	list_init(&w->unsettled);
	list_init(&w->finished);
	list_init(&w->tx.posted);
	list_init(&w->tx.stalled);
	list_init(&w->tx.sending);
	list_init(&w->tx.reading);
}

struct rdma_conn *iwarp_start(
	TALLOC_CTX *mem, struct tevent_context *ev, int fd, bool initiator, const struct rdma_params *p)
{
	struct iwarp_handle *h = talloc_zero(mem, struct iwarp_handle);
	struct iwarp *w = h ? talloc_zero(NULL, struct iwarp) : NULL;
	int on = 1;

	if (!w) {
		talloc_free(h);
		close(fd);
		return NULL;
	}
	h->conn.ops = &iwarp_transport;
	h->w = w;
	w->fd = fd;
	w->initiator = initiator;
	init(w, p);
	talloc_set_destructor(h, handle_freed);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	/* Messages leave when they are complete. Other sockets, in tests, know no such thing. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	iwarp_setup_begin(w);
	if (stags_init(&w->stags, w) < 0 || enter_loop(w, ev) < 0) {
		talloc_free(h);
		return NULL;
	}
	return &h->conn;
}
