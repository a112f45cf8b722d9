/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/smbdirect_session.h"
#include "tests/unit/rdma_loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A session, acceptor or initiator, and a peer that does what the input says: Sends of any bytes, Sends in
 * order but for their fields, messages of the session's own, holds, moves, silence, the end of the
 * connection. Whatever comes, the session keeps to the credits it was given, holds memory for one message,
 * and is done with everything once.
 */
enum { MAX_MESSAGE = 131072, RECEIVE_SIZE = 512, CREDITS = 5, MESSAGES = 64, STEPS = 100000 };

struct world {
	struct tevent_context *ev;
	struct rdma_loop loop;
	struct rdma_loop_side sides[2];
	struct smbdirect *s; /* NULL: closed */
	struct rdma_conn *peer;
	bool initiator, ended, established;
	unsigned reserved, sent, done;
	size_t reserved_bytes;
	struct smbdirect_message messages[MESSAGES];
	struct iovec iov[MESSAGES][3];
	unsigned works;
	uint64_t granted, used; /* credits of the session, at most and really */
	size_t remaining;       /* of a message of the session that is under way */
	unsigned trap;          /* so many callbacks more, and one of them closes or detaches the session */
	bool trap_closes;
};

struct peer_send {
	struct rdma_work w;
	struct iovec iov;
	struct world *world;
	uint8_t data[];
};

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void close_session(struct world *w)
{
	struct smbdirect *s = w->s;

	w->s = NULL;
	if (!s)
		return;
	smbdirect_close(s);
	must(w->done == w->sent && !w->reserved);
}

static void spring(struct world *w)
{
	if (!w->s || w->trap == 0 || --w->trap)
		return;
	if (w->trap_closes)
		close_session(w);
	else if (w->s->ev)
		smbdirect_detach(w->s);
}

static void established(void *arg)
{
	struct world *w = arg;

	must(!w->established && !w->ended);
	w->established = true;
	spring(w);
}

static void *reserve(void *arg, size_t size, uint8_t **data)
{
	struct world *w = arg;

	must(!w->reserved && size <= MAX_MESSAGE);
	w->reserved++;
	return *data = malloc(size);
}

static void release(void *arg, void *memory)
{
	struct world *w = arg;

	w->reserved--;
	free(memory);
}

static void received(void *arg, uint8_t *data, size_t len, void *memory)
{
	struct world *w = arg;

	must(!w->ended && len && len <= MAX_MESSAGE);
	memset(data, 1, len);
	if (memory)
		release(w, memory);
	spring(w);
}

static void ended(void *arg, const char *why)
{
	struct world *w = arg;

	must(!w->ended && w->done == w->sent && !w->reserved && why[0]);
	w->ended = true;
	spring(w);
}

static void message_done(struct smbdirect_message *m, int error)
{
	struct world *w = m->iov[0].iov_base;

	w->done++;
	spring(w);
}

static void peer_established(void *arg)
{
}

/* What the session sends is in order. */
static void peer_received(void *arg, uint8_t *message, size_t len, bool solicited)
{
	struct world *w = arg;
	struct rd r = rd_over(BYTES(message, len));
	struct smbdirect_data d;

	if (loop_end(w->peer)->facts.sends_in == 1)
		return; /* the negotiation's */
	must(smbdirect_data_decode(&r, &d));
	must(d.credits_requested == CREDITS && d.credits_granted <= CREDITS + 2);
	must(++w->used <= w->granted);
	must(!w->remaining || !d.data.len || w->remaining == d.data.len + d.remaining_data_length);
	must(d.data.len || !d.remaining_data_length);
	if (d.data.len)
		w->remaining = d.remaining_data_length;
}

static void peer_ended(void *arg, const char *why)
{
}

static void peer_done(struct rdma_work *work, int error)
{
	struct peer_send *q = container_of(work, struct peer_send, w);

	q->world->works--;
	free(q);
}

static void peer_send(struct world *w, struct bytes head, size_t zeros)
{
	struct peer_send *q = calloc(1, sizeof(*q) + head.len + zeros);
	struct rd r = rd_over(head);

	if (!w->peer) {
		free(q);
		return;
	}
	if (head.len)
		memcpy(q->data, head.data, head.len);
	if (w->initiator && loop_end(w->peer)->facts.sends_out == 0)
		rd_skip(&r, 8); /* CreditsGranted of a negotiate response */
	rd_skip(&r, 2);
	w->granted += rd_u16(&r);
	q->world = w;
	q->iov = (struct iovec){q->data, head.len + zeros};
	q->w = (struct rdma_work){.iov = &q->iov, .n = 1, .done = peer_done};
	w->works++;
	rdma_send(w->peer, &q->w);
}

static bool something_to_do(const struct world *w)
{
	for (int i = 0; i < 2; i++)
		if (w->loop.end[i] && w->loop.end[i]->ev && !list_empty(&w->loop.end[i]->events))
			return true;
	return w->s && w->s->ev && !list_empty(&w->s->refused_messages);
}

static void run(struct world *w, unsigned steps)
{
	while (steps-- && something_to_do(w))
		tevent_loop_once(w->ev);
}

/* ---- what the input can say ---- */

static void say_bytes(struct world *w, struct rd *r)
{
	size_t n = rd_u8(r);

	peer_send(w, rd_bytes(r, n < rd_left(r) ? n : rd_left(r)), 0);
}

static void say_data(struct world *w, struct rd *r)
{
	uint8_t buf[24];
	struct wr out = wr_over(buf, sizeof(buf));
	uint8_t requested = rd_u8(r), granted = rd_u8(r), flags = rd_u8(r);
	uint32_t remaining = rd_u16(r);
	struct smbdirect_data d = {.credits_requested = requested,
		.credits_granted = granted,
		.flags = flags,
		.remaining_data_length = remaining};

	d.data.len = rd_u8(r) * 2;
	smbdirect_data_encode(&out, &d);
	peer_send(w, BYTES(buf, out.pos), d.data.len);
}

/* Fragments of a message, in order, as many as there are credits for. */
static void say_fragments(struct world *w, struct rd *r)
{
	uint32_t remaining = rd_u16(r), step = 1 + rd_u8(r);

	for (int i = 0; i < CREDITS && remaining; i++) {
		uint8_t buf[24];
		struct wr out = wr_over(buf, sizeof(buf));
		uint32_t n = remaining < step ? remaining : step;

		remaining -= n;
		smbdirect_data_encode(&out,
			&(struct smbdirect_data){3, 1, 0, .remaining_data_length = remaining, .data.len = n});
		peer_send(w, BYTES(buf, out.pos), n);
	}
}

static void say_negotiate(struct world *w, struct rd *r)
{
	uint8_t buf[32], credits = rd_u8(r);
	struct wr out = wr_over(buf, sizeof(buf));

	if (w->initiator)
		smbdirect_negotiate_rsp_encode(
			&out, &(struct smbdirect_negotiate_rsp){0x100, 0x100, 0x100, credits, credits, 0,
				      1 << 20, RECEIVE_SIZE, 128, MAX_MESSAGE});
	else
		smbdirect_negotiate_req_encode(&out, &(struct smbdirect_negotiate_req){0x100, 0x100, credits,
							     RECEIVE_SIZE, 128, MAX_MESSAGE});
	peer_send(w, BYTES(buf, out.pos), 0);
}

/* A message of the session; its memory begins with the world, for its done. */
static void say_message(struct world *w, struct rd *r)
{
	unsigned size = rd_u16(r), i = w->sent;

	if (i == MESSAGES)
		return;
	w->sent++;
	w->iov[i][0] = (struct iovec){w, size != 0};
	w->iov[i][1] = (struct iovec){w->messages, size % 3000};
	w->iov[i][2] = (struct iovec){w->iov, size % 50};
	w->messages[i] = (struct smbdirect_message){
		.iov = w->iov[i], .n = 3, .invalidate = size & 1, .tag = size, .done = message_done};
	smbdirect_send(w->s, &w->messages[i]);
}

static void say_hold(struct world *w, struct rd *r)
{
	smbdirect_hold(w->s, rd_u8(r) & 1);
}

static void say_steps(struct world *w, struct rd *r)
{
	run(w, rd_u8(r));
}

static void say_silence(struct world *w, struct rd *r)
{
	if (w->s->ev && !w->ended && w->loop.end[0] && w->s->state != SMBDIRECT_CONNECTING)
		smbdirect_check_silence(w->s, w->s->since_ns + 1000 * 1000000000ull);
}

static void say_move(struct world *w, struct rd *r)
{
	if (w->s->ev)
		smbdirect_detach(w->s);
	else
		must(smbdirect_attach(w->s, w->ev) == 0);
}

static void say_trap(struct world *w, struct rd *r)
{
	uint8_t b = rd_u8(r);

	w->trap_closes = b & 1;
	w->trap = b >> 1;
}

static void say_end(struct world *w, struct rd *r)
{
	struct rdma_conn *peer = w->peer;

	w->peer = NULL;
	if (peer)
		rdma_close(peer);
}

static void play(struct world *w, struct rd *r)
{
	static void (*const said[])(struct world *, struct rd *) = {say_bytes, say_data, say_fragments,
		say_negotiate, say_message, say_hold, say_steps, say_silence, say_move, say_end, say_trap};

	while (rd_left(r) && w->s)
		said[rd_u8(r) % ARRAY_SIZE(said)](w, r);
	do {
		if (w->s && !w->s->ev)
			say_move(w, r);
		run(w, STEPS);
	} while (w->s && !w->s->ev);
	must(!something_to_do(w));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct smbdirect_handlers handlers = {established, reserve, release, received, ended};
	struct smbdirect_params p = {.credits = CREDITS,
		.receive_size = RECEIVE_SIZE,
		.max_message = MAX_MESSAGE,
		.negotiate_seconds = 1000,
		.idle_seconds = 1000};
	struct rdma_params raw = {
		.receive_size = RECEIVE_SIZE, .handlers = {peer_established, peer_received, peer_ended}};
	struct rd r = rd_over(BYTES(data, size));
	struct world *w = calloc(1, sizeof(*w));
	uint8_t flags = rd_u8(&r);

	p.initiator = w->initiator = flags & 1;
	w->loop.late_done = flags >> 1 & 15;
	w->ev = tevent_context_init(NULL);
	raw.arg = w;
	w->sides[0] = (struct rdma_loop_side){&w->loop, 0};
	w->sides[1] = (struct rdma_loop_side){&w->loop, 1};
	w->peer = rdma_loop_start(NULL, w->ev, &raw, &w->sides[1]);
	w->s = smbdirect_new(NULL, w->ev, &p, &raw, rdma_loop_start, &w->sides[0], &handlers, w);
	if (!(flags & 32))
		run(w, STEPS); /* the RDMA connection is there */
	play(w, &r);
	close_session(w);
	must(w->done == w->sent && !w->reserved);
	say_end(w, &r);
	must(!w->works);
	talloc_free(w->ev);
	free(w);
	return 0;
}
