/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_UNIT_IWARP_HEX_H
#define TESTS_UNIT_IWARP_HEX_H

#include "wire/cursor.h"

#include <stdio.h>

/* Bytes written as hex digits; blanks are skipped. */
static inline size_t from_hex(const char *hex, uint8_t *out, size_t cap)
{
	size_t n = 0;
	unsigned byte;

	while (*hex) {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		assert_true(n < cap && sscanf(hex, "%2x", &byte) == 1);
		out[n++] = (uint8_t)byte;
		hex += 2;
	}
	return n;
}

static inline void assert_hex(struct bytes got, const char *hex)
{
	uint8_t expected[1024];
	size_t n = from_hex(hex, expected, sizeof(expected));

	assert_int_equal(got.len, n);
	assert_memory_equal(got.data, expected, n);
}

#endif
