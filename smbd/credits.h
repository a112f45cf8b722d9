/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_CREDITS_H
#define SMBD_CREDITS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The command sequence window of a connection, [MS-SMB2] 3.3.1.1: which message ids a client may use. Pure.
 *
 *   low ........ high     ids below low are used up; those in [low, high) may be used once; the rest not yet
 */
enum { CREDITS_MAX = 8192 };

struct credit_window {
	uint64_t low;
	uint32_t range;   /* high - low */
	uint32_t granted; /* credits that the client holds: unused ids in the window */
	uint32_t max;
	uint64_t used[CREDITS_MAX * 2 / 64]; /* bit of id % (2 * CREDITS_MAX) */
};

void credits_init(struct credit_window *w, uint32_t max);

/* Takes `charge` consecutive ids from id on (0 counts as 1). False: one is not in the window: disconnect (3.3.5.2.3). */
bool credits_consume(struct credit_window *w, uint64_t id, uint16_t charge);

/*
 * How many of the requested credits the client gets; the window grows by them. `charge` was just consumed. A client
 * that still holds none gets at least one, since it could not go on otherwise.
 */
uint16_t credits_grant(struct credit_window *w, uint16_t requested, uint16_t charge);

#endif
