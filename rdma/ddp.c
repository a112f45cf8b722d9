/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/ddp.h"

enum { TAGGED = 0x80, LAST = 0x40, DDP_VERSION_MASK = 0x03, RDMAP_VERSION_SHIFT = 6, OPCODE_MASK = 0x0f };

uint64_t rd_u64_be(struct rd *r)
{
	uint64_t high = rd_u32_be(r);

	return high << 32 | rd_u32_be(r);
}

void wr_u64_be(struct wr *w, uint64_t v)
{
	wr_u32_be(w, v >> 32);
	wr_u32_be(w, (uint32_t)v);
}

bool ddp_decode(struct rd *r, struct ddp_header *out)
{
	uint8_t ddp = rd_u8(r), rdmap = rd_u8(r);

	*out = (struct ddp_header){
		.tagged = ddp & TAGGED,
		.last = ddp & LAST,
		.ddp_version = ddp & DDP_VERSION_MASK,
		.rdmap_version = rdmap >> RDMAP_VERSION_SHIFT,
		.opcode = rdmap & OPCODE_MASK,
	};
	out->tag = rd_u32_be(r);
	if (out->tagged) {
		out->offset = rd_u64_be(r);
	} else {
		out->queue = rd_u32_be(r);
		out->msn = rd_u32_be(r);
		out->mo = rd_u32_be(r);
	}
	return !r->bad;
}

void ddp_encode(struct wr *w, const struct ddp_header *in)
{
	wr_u8(w, (in->tagged ? TAGGED : 0) | (in->last ? LAST : 0) | in->ddp_version);
	wr_u8(w, (unsigned)in->rdmap_version << RDMAP_VERSION_SHIFT | in->opcode);
	wr_u32_be(w, in->tag);
	if (in->tagged) {
		wr_u64_be(w, in->offset);
	} else {
		wr_u32_be(w, in->queue);
		wr_u32_be(w, in->msn);
		wr_u32_be(w, in->mo);
	}
}
