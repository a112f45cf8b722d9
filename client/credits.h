/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_CREDITS_H
#define CLIENT_CREDITS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The client's side of the sequence window, [MS-SMB2] 3.2.4.1.2 and 3.2.5.1.4: each credit allows one
 * message id, ids are used in order. Pure state; one owner.
 */
struct client_credits {
	uint64_t next_id;
	uint32_t available; /* ids that may be used now */
	uint32_t in_flight; /* charges of requests whose answer is due */
	uint32_t target;    /* available + in_flight that we would like to have */
};

enum { CREDITS_MAX = 0x10000 }; /* what a server grants beyond is not believed */

void client_credits_init(struct client_credits *c, uint32_t target);

/* Takes `charge` consecutive ids, the first in *id; false and nothing taken when there are too few. */
bool client_credits_take(struct client_credits *c, uint32_t charge, uint64_t *id);

/*
 * CreditRequest of a message with that charge, taken already: what it uses, and more while the window is
 * too small.
 */
uint16_t client_credits_ask(const struct client_credits *c, uint32_t charge);

/* An answer, interim or final, came: `charge` is no longer in flight (0 if that was said before). */
void client_credits_answered(struct client_credits *c, uint32_t charge, uint16_t granted);

/* CreditCharge of a message that moves so many bytes in its larger direction, [MS-SMB2] 3.2.4.1.5. */
uint16_t client_credits_charge(uint64_t bytes);

#endif
