/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_CRC32C_H
#define RDMA_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC32c as MPA uses it (RFC 5044 section 4.4, RFC 3720 section 12.1), at memory speed. A state runs from
 * CRC32C_START over any number of pieces; crc32c_end gives the number that goes out, least significant byte
 * first.
 */
#define CRC32C_START UINT32_MAX

uint32_t crc32c(uint32_t state, const void *p, size_t n);

/* As crc32c, of memory that may raise SIGBUS (core/fault.h). 0 or -EIO: *state is of no use then. */
int crc32c_faulting(uint32_t *state, const void *p, size_t n);

static inline uint32_t crc32c_end(uint32_t state)
{
	return ~state;
}

#endif
