/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_HISTOGRAM_H
#define CLIENT_HISTOGRAM_H

#include <stdint.h>

/*
 * A log-linear histogram: each power of two has HISTOGRAM_SUB buckets, so a value is known to 1 part in
 * HISTOGRAM_SUB. Fixed memory, no allocation. Values above HISTOGRAM_MAX count as HISTOGRAM_MAX.
 */
enum { HISTOGRAM_SUB_BITS = 6, HISTOGRAM_SUB = 1 << HISTOGRAM_SUB_BITS, HISTOGRAM_BITS = 40 };
enum { HISTOGRAM_BUCKETS = (HISTOGRAM_BITS - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB };
#define HISTOGRAM_MAX ((1ull << HISTOGRAM_BITS) - 1)

struct histogram {
	uint64_t count, sum, max;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

/* Zeroed memory is an empty histogram. */
void histogram_add(struct histogram *h, uint64_t value);

/*
 * The value that a fraction (0 to 1) of the values does not exceed, rounded up to its bucket's end; 0 if
 * empty.
 */
uint64_t histogram_quantile(const struct histogram *h, double fraction);

#endif
