/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_AUTH_HEX_H
#define TESTS_AUTH_HEX_H

#include "core/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* The constants of a status are signed where the type is not. */
#define assert_status(got, want) assert_int_equal((uint32_t)(got), (uint32_t)(want))

/* The bytes of a hexadecimal text, in one of a few static buffers: as many may be in use at a time. */
static inline struct bytes hex(const char *text)
{
	enum { BUFFERS = 8, SIZE = 4096 };
	static uint8_t buffers[BUFFERS][SIZE];
	static unsigned turn;
	uint8_t *out = buffers[turn++ % BUFFERS];
	size_t n = 0;

	for (; text[0] && text[1]; text += 2) {
		unsigned v = 0;
		for (int i = 0; i < 2; i++)
			v = v << 4 |
			    (unsigned)((text[i] | 0x20) > '9' ? (text[i] | 0x20) - 'a' + 10 : text[i] - '0');
		assert_true(n < SIZE);
		out[n++] = (uint8_t)v;
	}
	return BYTES(out, n);
}

#endif
