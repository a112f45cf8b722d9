/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len) {
		ssize_t n = getrandom(p, len, 0);
		if (n < 0 && errno != EINTR)
			abort(); /* without randomness no key is safe: our own machine is broken */
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

uint64_t random_u64(void)
{
	uint64_t v;

	random_bytes(&v, sizeof(v));
	return v;
}
