/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/commands.h"

/* The header in front of an encrypted message, [MS-SMB2] 2.2.41. */

bool smb2_transform_header_decode(struct rd *r, struct smb2_transform_header *t)
{
	uint32_t protocol = rd_u32(r);

	rd_copy(r, t->signature, sizeof(t->signature));
	rd_copy(r, t->nonce, sizeof(t->nonce));
	t->original_message_size = rd_u32(r);
	rd_skip(r, 2);
	t->flags = rd_u16(r);
	t->session_id = rd_u64(r);
	return !r->bad && protocol == SMB2_TRANSFORM_PROTOCOL_ID;
}

void smb2_transform_header_encode(struct wr *w, const struct smb2_transform_header *t)
{
	wr_u32(w, SMB2_TRANSFORM_PROTOCOL_ID);
	wr_bytes(w, BYTES(t->signature, sizeof(t->signature)));
	wr_bytes(w, BYTES(t->nonce, sizeof(t->nonce)));
	wr_u32(w, t->original_message_size);
	wr_zero(w, 2);
	wr_u16(w, t->flags);
	wr_u64(w, t->session_id);
}
