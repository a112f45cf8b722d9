/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_CMD_H
#define WIRE_CMD_H

#include "wire/commands.h"

/* What the cmd_*.c codecs share; no header of another room's concern. */

/*
 * StructureSize comes first in every body. An odd one counts a byte of the variable buffer, which senders leave
 * out when the buffer is empty: so the fixed part is StructureSize & ~1, and nothing more is demanded.
 */
static inline void rd_structure_size(struct rd *r, uint16_t size)
{
	if (rd_u16(r) != size)
		r->bad = true;
}

/*
 * The variable buffer at an offset that counts from the SMB2 header. Call it when the fixed part has been read:
 * a buffer that is not empty lies behind it. What offset says about an empty buffer does not matter.
 */
static inline struct bytes rd_buffer(struct rd *r, size_t offset, size_t length)
{
	if (length && offset < r->pos)
		r->bad = true;
	return rd_window(r, offset, length);
}

/* From an offset behind the fixed part to the end of the message. */
static inline struct bytes rd_tail(struct rd *r, size_t offset)
{
	if (r->bad || offset < r->pos || offset > r->len) {
		r->bad = true;
		return BYTES(NULL, 0);
	}
	return BYTES(r->base + offset, r->len - offset);
}

/* The byte that an odd StructureSize counts is sent even when the buffer is empty: servers insist on it. */
static inline void wr_buffer(struct wr *w, struct bytes b)
{
	if (b.len)
		wr_bytes(w, b);
	else
		wr_zero(w, 1);
}

#endif
