/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_SMBDIRECT_CREDITS_H
#define RDMA_SMBDIRECT_CREDITS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The credits of one connection, [MS-SMBD] 3.1.5.1, 3.1.5.8, 3.1.5.9, as pure arithmetic. Each message costs
 * its sender a credit; only messages carry new ones. So nobody may spend the last one without granting some,
 * or both sides can fall silent for ever.
 */
struct smbdirect_credits {
	unsigned send;    /* messages that we may send */
	unsigned receive; /* messages that the peer may send */
	unsigned target;  /* how many of these it wants to have, at most max */
	unsigned max;
	bool held; /* the peer is granted none */
};

enum { SMBDIRECT_NO_CREDIT = -1 };

/* What the peer asked for, 3.1.5.6 to 3.1.5.8. */
void smbdirect_credits_requested(struct smbdirect_credits *c, unsigned requested);

/* What it granted. */
void smbdirect_credits_granted(struct smbdirect_credits *c, unsigned granted);

/* A message of the peer is here. False: it had no credit for it. */
bool smbdirect_credits_receive(struct smbdirect_credits *c);

/* A message of the peer is dealt with and nothing that we send carries credits to it: is it time for a
 * message of their own? */
bool smbdirect_credits_due(const struct smbdirect_credits *c, bool it_had_data);

/*
 * How many credits the next message grants, or SMBDIRECT_NO_CREDIT: it has to wait. keep_alive: it asks for a
 * sign of life, or answers such a question that came without data; this goes even while the peer is held.
 */
int smbdirect_credits_offer(const struct smbdirect_credits *c, bool keep_alive);

/* It was sent. */
void smbdirect_credits_sent(struct smbdirect_credits *c, int offer);

#endif
