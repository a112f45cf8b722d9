/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds on CLOCK_MONOTONIC. */
static inline uint64_t clock_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* NTTIME: 100 ns units since 1601-01-01 UTC, [MS-DTYP] 2.3.3. */
#define NTTIME_UNIX_EPOCH 116444736000000000ull

static inline uint64_t nttime_from_timespec(struct timespec t)
{
	return (uint64_t)((int64_t)NTTIME_UNIX_EPOCH + (int64_t)t.tv_sec * 10000000 + t.tv_nsec / 100);
}

static inline struct timespec nttime_to_timespec(uint64_t nt)
{
	int64_t d = (int64_t)(nt - NTTIME_UNIX_EPOCH);
	int64_t s = d / 10000000, rest = d % 10000000;

	if (rest < 0) {
		rest += 10000000;
		s--;
	}
	return (struct timespec){.tv_sec = s, .tv_nsec = rest * 100};
}

static inline uint64_t nttime_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return nttime_from_timespec(t);
}

#endif
