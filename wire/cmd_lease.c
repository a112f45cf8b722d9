/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/cmd.h"

/* OPLOCK_BREAK, [MS-SMB2] 2.2.23 to 2.2.25: StructureSize tells the forms apart. */

enum { OPLOCK_SIZE = 24, LEASE_ACK_SIZE = 36, LEASE_NOTIFICATION_SIZE = 44 };

bool smb2_oplock_break_decode(struct rd *r, struct smb2_oplock_break *b)
{
	rd_structure_size(r, OPLOCK_SIZE);
	b->oplock_level = rd_u8(r);
	rd_skip(r, 5);
	b->file_id = rd_file_id(r);
	return !r->bad;
}

void smb2_oplock_break_encode(struct wr *w, const struct smb2_oplock_break *b)
{
	wr_u16(w, OPLOCK_SIZE);
	wr_u8(w, b->oplock_level);
	wr_zero(w, 5);
	wr_file_id(w, b->file_id);
}

bool smb2_lease_break_ack_decode(struct rd *r, struct smb2_lease_break_ack *a)
{
	rd_structure_size(r, LEASE_ACK_SIZE);
	rd_skip(r, 2);
	a->flags = rd_u32(r);
	rd_copy(r, a->lease_key, sizeof(a->lease_key));
	a->lease_state = rd_u32(r);
	a->lease_duration = rd_u64(r);
	return !r->bad;
}

void smb2_lease_break_ack_encode(struct wr *w, const struct smb2_lease_break_ack *a)
{
	wr_u16(w, LEASE_ACK_SIZE);
	wr_zero(w, 2);
	wr_u32(w, a->flags);
	wr_bytes(w, BYTES(a->lease_key, sizeof(a->lease_key)));
	wr_u32(w, a->lease_state);
	wr_u64(w, a->lease_duration);
}

/* BreakReason, AccessMaskHint and ShareMaskHint are reserved. */
bool smb2_lease_break_notification_decode(struct rd *r, struct smb2_lease_break_notification *n)
{
	rd_structure_size(r, LEASE_NOTIFICATION_SIZE);
	n->new_epoch = rd_u16(r);
	n->flags = rd_u32(r);
	rd_copy(r, n->lease_key, sizeof(n->lease_key));
	n->current_state = rd_u32(r);
	n->new_state = rd_u32(r);
	rd_skip(r, 12);
	return !r->bad;
}

void smb2_lease_break_notification_encode(struct wr *w, const struct smb2_lease_break_notification *n)
{
	wr_u16(w, LEASE_NOTIFICATION_SIZE);
	wr_u16(w, n->new_epoch);
	wr_u32(w, n->flags);
	wr_bytes(w, BYTES(n->lease_key, sizeof(n->lease_key)));
	wr_u32(w, n->current_state);
	wr_u32(w, n->new_state);
	wr_zero(w, 12);
}
