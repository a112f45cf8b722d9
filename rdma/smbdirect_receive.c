/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/smbdirect_session.h"

void smbdirect_drop_partial(struct smbdirect *s)
{
	void *memory = s->partial.memory;

	s->partial.memory = NULL;
	if (memory)
		s->h.release(s->arg, memory);
}

static const char *reserve(struct smbdirect *s, size_t size)
{
	struct smbdirect_turn *turn = s->turn;
	uint8_t *data = NULL;
	void *memory = s->h.reserve(s->arg, size, &data);

	if (turn->gone)
		return NULL;
	if (!memory)
		return "no memory for a message of the peer";
	s->partial.memory = memory;
	s->partial.data = data;
	s->partial.size = size;
	s->partial.have = 0;
	return NULL;
}

static void add_fragment(struct smbdirect *s, struct bytes data)
{
	void *memory = s->partial.memory;

	memcpy(s->partial.data + s->partial.have, data.data, data.len);
	s->partial.have += data.len;
	if (s->partial.have < s->partial.size)
		return;
	s->partial.memory = NULL;
	s->h.received(s->arg, s->partial.data, s->partial.size, memory);
}

/*
 * 3.1.5.8: RemainingDataLength counts down to 0 without a gap; with the first DataLength it is the size of
 * the message.
 */
static const char *take_data(struct smbdirect *s, uint8_t *message, const struct smbdirect_data *d)
{
	struct smbdirect_turn *turn = s->turn;
	const char *why = NULL;

	if (s->partial.memory) {
		size_t missing = s->partial.size - s->partial.have;

		if (d->data.len > missing || d->remaining_data_length != missing - d->data.len)
			return "fragments that do not fit each other";
	} else if (d->remaining_data_length == 0) {
		s->h.received(s->arg, message + (d->data.data - message), d->data.len, NULL);
		return NULL;
	} else {
		why = reserve(s, d->data.len + (size_t)d->remaining_data_length);
	}
	if (!why && !turn->gone)
		add_fragment(s, d->data);
	return why;
}

static const char *check(struct smbdirect *s, const struct smbdirect_data *d)
{
	if (d->credits_requested == 0)
		return "a message that requests no credits";
	if (d->data.len > s->p.max_message || d->remaining_data_length > s->p.max_message - d->data.len)
		return "a message that is longer than agreed";
	if (d->data.len == 0 && d->remaining_data_length)
		return "a fragment without data";
	return NULL;
}

const char *smbdirect_receive(struct smbdirect *s, uint8_t *message, size_t len)
{
	struct rd r = rd_over(BYTES(message, len));
	struct smbdirect_turn *turn = s->turn;
	struct smbdirect_data d;
	const char *why;

	if (!smbdirect_credits_receive(&s->credits))
		return "a message without a credit";
	if (len > s->receive_size)
		return "a Send that is longer than agreed";
	if (!smbdirect_data_decode(&r, &d))
		return "malformed message";
	why = check(s, &d);
	if (why)
		return why;
	smbdirect_credits_requested(&s->credits, d.credits_requested);
	smbdirect_credits_granted(&s->credits, d.credits_granted);
	if (d.flags & SMBDIRECT_RESPONSE_REQUESTED) {
		s->respond = true;
		s->respond_always |= d.data.len == 0;
	}
	s->due |= smbdirect_credits_due(&s->credits, d.data.len);
	if (d.data.len)
		why = take_data(s, message, &d);
	if (!why && !turn->gone)
		smbdirect_pump(s);
	return why;
}
