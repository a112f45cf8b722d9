/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/crc32c.h"

#include "core/fault.h"

#include <isa-l/crc.h>

uint32_t crc32c(uint32_t state, const void *p, size_t n)
{
	enum { MOST = 1 << 30 }; /* the library counts in int */
	unsigned char *at = (unsigned char *)p;

	for (; n > MOST; n -= MOST, at += MOST)
		state = crc32_iscsi(at, MOST, state);
	return crc32_iscsi(at, (int)n, state);
}

struct job {
	uint32_t state;
	const void *p;
	size_t n;
};

static void run(void *arg)
{
	struct job *j = arg;

	j->state = crc32c(j->state, j->p, j->n);
}

int crc32c_faulting(uint32_t *state, const void *p, size_t n)
{
	struct job j = {*state, p, n};
	int rc = fault_run(run, &j);

	*state = j.state;
	return rc;
}
