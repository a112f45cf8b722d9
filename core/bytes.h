/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CORE_BYTES_H
#define CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A borrowed view of memory that somebody else owns. len counts bytes. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

#define BYTES(ptr, n) ((struct bytes){(const uint8_t *)(ptr), (n)})
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
