/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/smb2.h"

bool smb2_header_decode(struct rd *r, struct smb2_header *h)
{
	uint32_t protocol = rd_u32(r);
	uint16_t size = rd_u16(r);

	h->credit_charge = rd_u16(r);
	h->status = rd_u32(r);
	h->command = rd_u16(r);
	h->credits = rd_u16(r);
	h->flags = rd_u32(r);
	h->next_command = rd_u32(r);
	h->message_id = rd_u64(r);
	h->async_id = 0;
	h->process_id = h->tree_id = 0;
	if (h->flags & SMB2_FLAGS_ASYNC_COMMAND) {
		h->async_id = rd_u64(r);
	} else {
		h->process_id = rd_u32(r);
		h->tree_id = rd_u32(r);
	}
	h->session_id = rd_u64(r);
	rd_copy(r, h->signature, sizeof(h->signature));
	return !r->bad && protocol == SMB2_PROTOCOL_ID && size == SMB2_HEADER_SIZE;
}

void smb2_header_encode(struct wr *w, const struct smb2_header *h)
{
	wr_u32(w, SMB2_PROTOCOL_ID);
	wr_u16(w, SMB2_HEADER_SIZE);
	wr_u16(w, h->credit_charge);
	wr_u32(w, h->status);
	wr_u16(w, h->command);
	wr_u16(w, h->credits);
	wr_u32(w, h->flags);
	wr_u32(w, h->next_command);
	wr_u64(w, h->message_id);
	if (h->flags & SMB2_FLAGS_ASYNC_COMMAND) {
		wr_u64(w, h->async_id);
	} else {
		wr_u32(w, h->process_id);
		wr_u32(w, h->tree_id);
	}
	wr_u64(w, h->session_id);
	wr_bytes(w, BYTES(h->signature, sizeof(h->signature)));
}

struct smb2_file_id rd_file_id(struct rd *r)
{
	struct smb2_file_id id;

	id.persistent_id = rd_u64(r);
	id.volatile_id = rd_u64(r);
	return id;
}

void wr_file_id(struct wr *w, struct smb2_file_id id)
{
	wr_u64(w, id.persistent_id);
	wr_u64(w, id.volatile_id);
}
