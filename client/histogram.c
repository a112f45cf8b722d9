/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/histogram.h"

/*
 * Values below HISTOGRAM_SUB have a bucket each; above, the highest bits choose: how long the value is, and
 * what follows.
 */
static unsigned bucket_of(uint64_t v)
{
	unsigned shift;

	if (v < HISTOGRAM_SUB)
		return (unsigned)v;
	shift = 63 - (unsigned)__builtin_clzll(v) - HISTOGRAM_SUB_BITS;
	return (shift + 1) * HISTOGRAM_SUB + (unsigned)(v >> shift) - HISTOGRAM_SUB;
}

/* The largest value in a bucket. */
static uint64_t bucket_end(unsigned i)
{
	unsigned shift = i / HISTOGRAM_SUB;

	if (shift == 0)
		return i;
	return ((uint64_t)(i % HISTOGRAM_SUB + HISTOGRAM_SUB + 1) << (shift - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	if (value > HISTOGRAM_MAX)
		value = HISTOGRAM_MAX;
	h->bucket[bucket_of(value)]++;
	h->count++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
}

uint64_t histogram_quantile(const struct histogram *h, double fraction)
{
	double exact = fraction * (double)h->count;
	uint64_t rank = (uint64_t)exact, seen = 0;

	if ((double)rank < exact || rank == 0)
		rank++;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS && h->count; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return bucket_end(i) < h->max ? bucket_end(i) : h->max;
	}
	return h->max;
}
