/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/bench.h"
#include "core/clock.h"

enum { PREFIX = 4, TEMPLATE_MAX = 1024, READ_PAYLOAD_AT = SMB2_HEADER_SIZE + SMB2_READ_RSP_FIXED_SIZE };
enum { CREDITS_AT = 14, NEXT_COMMAND_AT = 20, MESSAGE_ID_AT = 24 }; /* [MS-SMB2] 2.2.1 */

struct wr bench_part(struct bench_conn *c, struct bench_template *t)
{
	struct wr w;

	if (!t->buf) {
		t->buf = talloc_zero_size(c->slots, TEMPLATE_MAX);
		t->len = PREFIX;
	}
	if (!t->buf || t->parts == BENCH_PARTS)
		return wr_over(NULL, 0);
	/* Messages of a compound begin at multiples of eight. */
	if (t->parts)
		t->len = PREFIX + ((t->len - PREFIX + 7) & ~(size_t)7);
	w = wr_over(t->buf + t->len, TEMPLATE_MAX - t->len);
	wr_zero(&w, SMB2_HEADER_SIZE);
	return w;
}

/* The size of the part before this one is known now: it is padded, and says where the next one is. */
static void link_parts(struct bench_template *t)
{
	unsigned last = t->parts - 1;
	size_t size = t->part[last].at - t->part[last - 1].at;
	struct wr w = wr_over(t->buf + t->part[last - 1].at + NEXT_COMMAND_AT, 4);

	wr_u32(&w, size);
	t->part[last - 1].size = size;
}

bool bench_part_done(
	struct bench_conn *c, struct bench_template *t, const struct wr *w, uint16_t command, uint16_t charge)
{
	struct smb2_header h = {
		.command = command,
		.credit_charge = c->m.conn->dialect >= SMB2_DIALECT_0210 ? charge : 0,
		.flags = (t->parts ? SMB2_FLAGS_RELATED_OPERATIONS : 0) |
			 (c->sign && !c->seal ? SMB2_FLAGS_SIGNED : 0),
		.tree_id = c->m.tree->id,
		.session_id = c->m.session->id,
		.process_id = 0xFEFF,
	};
	struct wr hw = wr_over(w->base, SMB2_HEADER_SIZE), prefix;

	if (w->bad || !w->base)
		return false;
	smb2_header_encode(&hw, &h);
	t->part[t->parts].at = (size_t)(w->base - t->buf);
	t->part[t->parts].size = w->pos;
	t->part[t->parts].charge = charge;
	t->parts++;
	if (t->parts > 1)
		link_parts(t);
	t->len = (size_t)(w->base - t->buf) + w->pos;
	prefix = wr_over(t->buf, PREFIX);
	wr_u32_be(&prefix, t->len - PREFIX + t->payload.len);
	return !prefix.bad;
}

static uint32_t template_charge(const struct bench_template *t)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < t->parts; i++)
		sum += t->part[i].charge;
	return sum;
}

static void patch_ids(struct bench_slot *s, struct bench_template *t)
{
	struct bench_conn *c = s->conn;

	for (unsigned i = 0; i < t->parts; i++) {
		struct wr w = wr_over(t->buf + t->part[i].at, SMB2_HEADER_SIZE);

		w.pos = SMB2_HEADER_SIZE;
		s->ids[i] = c->next_id;
		wr_patch(&w, CREDITS_AT, t->part[i].charge, 2);
		wr_patch(&w, MESSAGE_ID_AT, c->next_id, 8);
		c->by_id[c->next_id % BENCH_IDS] = s->index * BENCH_PARTS + i;
		c->next_id += t->part[i].charge;
		c->credits -= t->part[i].charge;
	}
}

static void sign_parts(struct bench_conn *c, struct bench_template *t)
{
	for (unsigned i = 0; i < t->parts; i++)
		client_session_sign(c->m.session, t->buf + t->part[i].at, t->part[i].size,
			i + 1 == t->parts ? t->payload : BYTES(NULL, 0));
}

/* Prefix, transform header, and the messages encrypted; the length of it all. */
static size_t seal_frame(struct bench_slot *s, const struct bench_template *t)
{
	size_t plain = t->len - PREFIX;
	uint8_t *body = s->sealed + PREFIX + SMB2_TRANSFORM_HEADER_SIZE;
	struct wr w = wr_over(s->sealed, PREFIX);

	memcpy(body, t->buf + PREFIX, plain);
	if (t->payload.len)
		memcpy(body + plain, t->payload.data, t->payload.len);
	plain += t->payload.len;
	wr_u32_be(&w, SMB2_TRANSFORM_HEADER_SIZE + plain);
	client_session_seal(s->conn->m.session, s->sealed + PREFIX, body, plain);
	return PREFIX + SMB2_TRANSFORM_HEADER_SIZE + plain;
}

/* data: a frame with its prefix, which SMB Direct does not have; payload: the rest of it. */
static void queue(struct bench_conn *c, const uint8_t *data, size_t len, struct bytes payload)
{
	if (c->direct) {
		bench_direct_send(c, BYTES(data + PREFIX, len - PREFIX), payload);
		return;
	}
	c->out[c->out_count++] = (struct iovec){(void *)data, len};
	if (payload.len)
		c->out[c->out_count++] = (struct iovec){(void *)payload.data, payload.len};
}

bool bench_issue(struct bench_slot *s, uint64_t now)
{
	struct bench_conn *c = s->conn;
	struct bench_template *t = &s->stages[s->stage];

	if (template_charge(t) > c->credits)
		return false;
	if (s->stage == 0) {
		s->start_ns = now;
		s->failed = false;
	}
	s->last = false;
	if (c->bench->op->patch)
		c->bench->op->patch(s);
	patch_ids(s, t);
	s->due = t->parts;
	if (c->seal) {
		queue(c, s->sealed, seal_frame(s, t), BYTES(NULL, 0));
		return true;
	}
	if (c->sign)
		sign_parts(c, t);
	queue(c, t->buf, t->len, t->payload);
	return true;
}

/* The stage is over: go on with the operation or count it. The slot becomes ready in either case. */
static void stage_done(struct bench_slot *s, uint64_t now, ntstatus_t why)
{
	struct bench_conn *c = s->conn;
	const struct bench_op *op = c->bench->op;
	int next = op->next ? op->next(s) : -1;

	if (s->buffer)
		rdma_buffer_end(s->buffer);
	if (next < 0) {
		bench_count(c->bench, s->start_ns, now, op->moves ? c->bench->size : 0, s->failed, why);
		next = 0;
	}
	s->stage = (unsigned)next;
	c->ready[c->ready_count++] = s->index;
}

static bool take_message(struct bench_conn *c, struct bytes message, const struct smb2_header *h,
	struct rd *body, bool whole, uint64_t now)
{
	struct bench_slot *s;
	uint32_t where;
	unsigned part;

	c->credits += h->credits;
	if (h->status == STATUS_PENDING || h->message_id == UINT64_MAX)
		return true;
	where = c->by_id[h->message_id % BENCH_IDS];
	s = &c->slots[where / BENCH_PARTS];
	part = where % BENCH_PARTS;
	if (!s->due || s->ids[part] != h->message_id)
		return false;
	if (whole && c->bench->verify && c->sign && !c->seal &&
		!(h->flags & SMB2_FLAGS_SIGNED && signer_verify(c->m.session->signer, message, true)))
		return false;
	if (!c->bench->op->answer(s, part, h, body))
		s->failed = true;
	if (--s->due == 0)
		stage_done(s, now, h->status);
	return true;
}

/* in: a frame without its prefix; only its beginning where the rest was discarded. */
static bool take_frame(struct bench_conn *c, struct bytes in, bool whole, uint64_t now)
{
	for (;;) {
		struct rd r = rd_over(in);
		struct bytes message = in;
		struct smb2_header h;

		if (!smb2_header_decode(&r, &h) || h.next_command > in.len)
			return false;
		if (h.next_command)
			message.len = h.next_command;
		if (!take_message(c, message, &h, &r, whole, now))
			return false;
		if (!h.next_command)
			return true;
		in = BYTES(in.data + h.next_command, in.len - h.next_command);
	}
}

bool bench_take_message(struct bench_conn *c, uint8_t *data, size_t len)
{
	struct daxsmb_session *session;
	struct bytes plain = BYTES(data, len);

	if (c->seal && !client_conn_unseal(c->m.conn, data, len, &plain, &session))
		return false;
	return take_frame(c, plain, true, clock_now_ns());
}

/* Copies the beginning of a READ's payload. Where the rest goes; NULL: nobody asked for it. */
static uint8_t *keep_beginning(struct bench_conn *c, struct bytes message, size_t len)
{
	struct rd r = rd_over(message);
	struct smb2_header h;
	struct bench_slot *s;

	if (!smb2_header_decode(&r, &h))
		return NULL;
	s = &c->slots[c->by_id[h.message_id % BENCH_IDS] / BENCH_PARTS];
	if (!s->memory || len - READ_PAYLOAD_AT != c->bench->size)
		return NULL;
	memcpy(s->memory, message.data + READ_PAYLOAD_AT, message.len - READ_PAYLOAD_AT);
	return s->memory + message.len - READ_PAYLOAD_AT;
}

/* A long rest of the frame that begins the buffer is payload: it goes past the buffer. */
static void discard_rest(struct bench_conn *c)
{
	struct rd r = rd_over(BYTES(c->in, c->in_len));
	size_t len = rd_u32_be(&r) & 0xFFFFFF, have = c->in_len - PREFIX;

	if (have < READ_PAYLOAD_AT || len - have <= c->in_chunk / 2)
		return;
	c->discard = len - have;
	c->keep = c->bench->keep ? keep_beginning(c, BYTES(c->in + PREFIX, have), len) : NULL;
}

bool bench_take(struct bench_conn *c)
{
	bool cuts = !c->seal && !c->bench->verify;
	size_t at = 0;

	while (c->in_len - at >= PREFIX) {
		struct rd r = rd_over(BYTES(c->in + at, PREFIX));
		size_t len = rd_u32_be(&r) & 0xFFFFFF;

		if (len > c->in_len - at - PREFIX) {
			if (len > c->in_cap - PREFIX && !cuts)
				return false;
			break;
		}
		if (!bench_take_message(c, c->in + at + PREFIX, len))
			return false;
		at += PREFIX + len;
	}
	memmove(c->in, c->in + at, c->in_len - at);
	c->in_len -= at;
	if (cuts && c->in_len > PREFIX)
		discard_rest(c);
	return true;
}

bool bench_take_discarded(struct bench_conn *c)
{
	bool ok = take_frame(c, BYTES(c->in + PREFIX, c->in_len - PREFIX), false, clock_now_ns());

	c->in_len = 0;
	return ok;
}
