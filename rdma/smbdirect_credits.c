/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/smbdirect_credits.h"

void smbdirect_credits_requested(struct smbdirect_credits *c, unsigned requested)
{
	c->target = requested < c->max ? requested : c->max;
}

void smbdirect_credits_granted(struct smbdirect_credits *c, unsigned granted)
{
	/* More can never be of use, and a peer that gives without end must not wrap the number. */
	c->send = granted < UINT16_MAX - c->send ? c->send + granted : UINT16_MAX;
}

bool smbdirect_credits_receive(struct smbdirect_credits *c)
{
	if (c->receive == 0)
		return false;
	c->receive--;
	return true;
}

/*
 * A peer without credits always gets some. One that sends data gets them when half are used up, so that a
 * long message costs few messages of ours; and a message without data is no reason, or two sides would thank
 * each other for credits for ever.
 */
bool smbdirect_credits_due(const struct smbdirect_credits *c, bool it_had_data)
{
	return c->receive == 0 || (it_had_data && c->receive <= c->target / 2);
}

/*
 * The last credit (3.1.5.1, 3.1.5.9) buys the peer at least one, though it may have all that it wants; and
 * two if it had none, so that it does not have to spend its only one on returning ours.
 */
static int offer_with_last(const struct smbdirect_credits *c, unsigned owed)
{
	unsigned least = c->receive ? 1 : 2;

	return (int)(owed > least ? owed : least);
}

int smbdirect_credits_offer(const struct smbdirect_credits *c, bool keep_alive)
{
	unsigned owed = c->receive < c->target ? c->target - c->receive : 0;

	if (c->send == 0)
		return SMBDIRECT_NO_CREDIT;
	if (!c->held)
		return c->send == 1 ? offer_with_last(c, owed) : (int)owed;
	if (keep_alive) /* the other side needs a credit to go on with the conversation */
		return c->receive ? 0 : 1;
	/* The last one is kept for the grant that ends the hold. */
	return c->send == 1 ? SMBDIRECT_NO_CREDIT : 0;
}

void smbdirect_credits_sent(struct smbdirect_credits *c, int offer)
{
	c->send--;
	c->receive += (unsigned)offer;
}
