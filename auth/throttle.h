/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include <stdint.h>

/* The decider behind auth_throttle_record: pure, without a lock. */

enum { THROTTLE_FIRST_MS = 250, THROTTLE_FAILURES_MAX = 7 }; /* 0, 250, 500, ... 8000 ms */

struct throttle_slot {
	uint64_t key;
	uint64_t last_ns;
	unsigned failures;
};

/* One more failure; the milliseconds to wait. A quiet minute makes up for one failure. */
unsigned throttle_fail(struct throttle_slot *s, uint64_t now_ns);

#endif
