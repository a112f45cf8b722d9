/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_DDP_H
#define RDMA_DDP_H

#include "wire/cursor.h"

/*
 * The header of a DDP segment (RFC 5041 section 4) with the control byte of RDMAP in it (RFC 5040
 * section 4.1). An FPDU of MPA (RFC 5044 section 4.1) is a length of 2 bytes, such a segment, padding to a
 * multiple of 4, and the CRC.
 */
enum {
	DDP_VERSION = 1,
	RDMAP_VERSION = 1,
	DDP_TAGGED_SIZE = 14,
	DDP_UNTAGGED_SIZE = 18,
};

enum ddp_queue { DDP_QUEUE_SEND, DDP_QUEUE_READ, DDP_QUEUE_TERMINATE, DDP_QUEUES };

struct ddp_header {
	bool tagged, last;
	uint8_t ddp_version, rdmap_version;
	uint8_t opcode;          /* enum rdmap_opcode */
	uint32_t tag;            /* tagged: the sink; untagged: what a Send with Invalidate invalidates */
	uint64_t offset;         /* tagged */
	uint32_t queue, msn, mo; /* untagged */
};

static inline size_t ddp_header_size(const struct ddp_header *h)
{
	return h->tagged ? DDP_TAGGED_SIZE : DDP_UNTAGGED_SIZE;
}

/* False: too short. What the fields say is not checked. */
bool ddp_decode(struct rd *r, struct ddp_header *out);
void ddp_encode(struct wr *w, const struct ddp_header *in);

uint64_t rd_u64_be(struct rd *r);
void wr_u64_be(struct wr *w, uint64_t v);

#endif
