/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/credits.h"

void client_credits_init(struct client_credits *c, uint32_t target)
{
	/* [MS-SMB2] 3.2.1.2: one id, 0, is there from the start. */
	*c = (struct client_credits){.available = 1, .target = target};
}

bool client_credits_take(struct client_credits *c, uint32_t charge, uint64_t *id)
{
	if (charge > c->available)
		return false;
	*id = c->next_id;
	c->next_id += charge;
	c->available -= charge;
	c->in_flight += charge;
	return true;
}

uint16_t client_credits_ask(const struct client_credits *c, uint32_t charge)
{
	uint32_t window = c->available + c->in_flight;
	uint32_t ask = charge + (window < c->target ? c->target - window : 0);

	return ask > UINT16_MAX ? UINT16_MAX : (uint16_t)ask;
}

void client_credits_answered(struct client_credits *c, uint32_t charge, uint16_t granted)
{
	c->in_flight -= charge < c->in_flight ? charge : c->in_flight;
	c->available += granted;
	if (c->available > CREDITS_MAX)
		c->available = CREDITS_MAX;
}

uint16_t client_credits_charge(uint64_t bytes)
{
	uint64_t charge = bytes ? (bytes - 1) / 65536 + 1 : 1;

	return charge > UINT16_MAX ? UINT16_MAX : (uint16_t)charge;
}
