/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/smbdirect_session.h"

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* [MS-SMBD] 3.1.5.2. Our receives and Sends are of one size. */
void smbdirect_request(struct smbdirect *s)
{
	struct smbdirect_fragment *f = smbdirect_fragment_get(s);
	struct wr w = wr_over(f->header, sizeof(f->header));
	struct smbdirect_negotiate_req q = {
		.min_version = SMBDIRECT_VERSION_1_0,
		.max_version = SMBDIRECT_VERSION_1_0,
		.credits_requested = s->p.credits,
		.preferred_send_size = s->p.receive_size,
		.max_receive_size = s->p.receive_size,
		.max_fragmented_size = s->p.max_message,
	};

	smbdirect_negotiate_req_encode(&w, &q);
	smbdirect_fragment_post(s, f, w.pos, 0);
}

static void send_response(struct smbdirect *s, const struct smbdirect_negotiate_rsp *rsp)
{
	struct smbdirect_fragment *f = smbdirect_fragment_get(s);
	struct wr w = wr_over(f->header, sizeof(f->header));

	smbdirect_negotiate_rsp_encode(&w, rsp);
	smbdirect_fragment_post(s, f, w.pos, 0);
}

/* What both negotiate messages say about their sender; 3.1.5.6, 3.1.5.7. */
static bool agree(struct smbdirect *s, uint16_t credits_requested, uint32_t preferred_send_size,
	uint32_t max_receive_size, uint32_t max_fragmented_size)
{
	if (credits_requested == 0 || max_receive_size < SMBDIRECT_LEAST_SIZE ||
		max_fragmented_size < SMBDIRECT_LEAST_FRAGMENTED)
		return false;
	s->send_size = least(s->p.receive_size, max_receive_size);
	s->receive_size = least(s->p.receive_size, preferred_send_size);
	if (s->receive_size < SMBDIRECT_LEAST_SIZE)
		s->receive_size = SMBDIRECT_LEAST_SIZE;
	s->max_send = max_fragmented_size;
	smbdirect_credits_requested(&s->credits, credits_requested);
	return true;
}

/* The negotiation is over; what happens next is for `established` to say. */
static void begin(struct smbdirect *s)
{
	struct smbdirect_turn *turn = s->turn;

	s->state = SMBDIRECT_ESTABLISHED;
	if (!smbdirect_start_timer(s)) {
		smbdirect_end(s, "out of memory");
		return;
	}
	/* The acceptor cannot say a word before it was given credits. */
	s->due = s->credits.receive == 0;
	s->h.established(s->arg);
	if (!turn->gone)
		smbdirect_pump(s);
}

/* 3.1.5.6 */
static const char *accept_request(struct smbdirect *s, struct bytes message)
{
	struct rd r = rd_over(message);
	struct smbdirect_negotiate_req q;
	struct smbdirect_negotiate_rsp rsp = {
		.min_version = SMBDIRECT_VERSION_1_0, .max_version = SMBDIRECT_VERSION_1_0};

	if (!smbdirect_negotiate_req_decode(&r, &q))
		return "malformed negotiate request";
	if (q.min_version > SMBDIRECT_VERSION_1_0 || q.max_version < SMBDIRECT_VERSION_1_0) {
		rsp.status = STATUS_NOT_SUPPORTED;
		s->state = SMBDIRECT_REFUSING;
		send_response(s, &rsp);
		return NULL;
	}
	if (!agree(s, q.credits_requested, q.preferred_send_size, q.max_receive_size, q.max_fragmented_size))
		return "negotiate request with sizes or credits out of range";
	s->credits.receive = s->credits.target;
	rsp.negotiated_version = SMBDIRECT_VERSION_1_0;
	rsp.credits_requested = s->p.credits;
	rsp.credits_granted = (uint16_t)s->credits.receive;
	rsp.max_read_write_size = s->p.max_read_write;
	rsp.preferred_send_size = s->send_size;
	rsp.max_receive_size = s->receive_size;
	rsp.max_fragmented_size = s->p.max_message;
	send_response(s, &rsp);
	begin(s);
	return NULL;
}

/* 3.1.5.7 */
static const char *take_response(struct smbdirect *s, struct bytes message)
{
	struct rd r = rd_over(message);
	struct smbdirect_negotiate_rsp p;

	if (!smbdirect_negotiate_rsp_decode(&r, &p))
		return "malformed negotiate response";
	if (p.status == STATUS_NOT_SUPPORTED)
		return "the peer does not speak SMB Direct 1.0";
	if (p.status != STATUS_SUCCESS)
		return "the peer refuses to negotiate";
	if (p.negotiated_version != SMBDIRECT_VERSION_1_0)
		return "the peer has chosen a version that was not offered";
	if (p.credits_granted == 0 || p.preferred_send_size > s->p.receive_size ||
		!agree(s, p.credits_requested, p.preferred_send_size, p.max_receive_size,
			p.max_fragmented_size))
		return "negotiate response with sizes or credits out of range";
	s->max_read_write = least(s->p.max_read_write, p.max_read_write_size);
	smbdirect_credits_granted(&s->credits, p.credits_granted);
	begin(s);
	return NULL;
}

const char *smbdirect_negotiate(struct smbdirect *s, struct bytes message)
{
	return s->p.initiator ? take_response(s, message) : accept_request(s, message);
}
