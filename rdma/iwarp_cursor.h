/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_IWARP_CURSOR_H
#define RDMA_IWARP_CURSOR_H

#include "core/bytes.h"

#include <sys/uio.h>

/* A position in memory that lies in pieces. */
struct iov_cursor {
	const struct iovec *iov;
	unsigned n;
	size_t off; /* in iov[0] */
};

static inline struct iov_cursor iov_start(const struct iovec *iov, unsigned n)
{
	return (struct iov_cursor){.iov = iov, .n = n};
}

/* The next piece, at most `most` bytes, and moves behind it; 0: the end, or most is 0. */
static inline size_t iov_next(struct iov_cursor *c, size_t most, uint8_t **p)
{
	while (c->n && c->off == c->iov->iov_len) {
		c->iov++;
		c->n--;
		c->off = 0;
	}
	*p = NULL;
	if (!c->n || !most)
		return 0;
	size_t left = c->iov->iov_len - c->off;
	size_t len = left < most ? left : most;
	*p = (uint8_t *)c->iov->iov_base + c->off;
	c->off += len;
	return len;
}

static inline void iov_skip(struct iov_cursor *c, size_t n)
{
	uint8_t *p;

	while (n) {
		size_t len = iov_next(c, n, &p);
		if (!len)
			return;
		n -= len;
	}
}

#endif
