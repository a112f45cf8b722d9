/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/cmd.h"

/* NEGOTIATE, [MS-SMB2] 2.2.3 and 2.2.4. */

enum { REQ_SIZE = 36, RSP_SIZE = 65 };
enum { REQ_CONTEXT_OFFSET_AT = 28, RSP_CONTEXT_OFFSET_AT = 60 }; /* from the start of the body */
enum { RSP_BUFFER = SMB2_HEADER_SIZE + 64 };

static bool offers_0311(const struct smb2_negotiate_req *q)
{
	for (unsigned i = 0; i < q->dialect_count; i++)
		if (q->dialects[i] == SMB2_DIALECT_0311)
			return true;
	return false;
}

/* The eight bytes before Dialects are a start time or, with 3.1.1 among the dialects, name the contexts. */
static void decode_start_or_contexts(struct rd *r, uint64_t field, struct smb2_negotiate_req *q)
{
	q->client_start_time = 0;
	q->context_count = 0;
	q->contexts = BYTES(NULL, 0);
	if (!offers_0311(q)) {
		q->client_start_time = field;
		return;
	}
	q->context_count = (uint16_t)(field >> 32);
	if (q->context_count)
		q->contexts = rd_tail(r, (uint32_t)field);
}

bool smb2_negotiate_req_decode(struct rd *r, struct smb2_negotiate_req *q)
{
	rd_structure_size(r, REQ_SIZE);
	q->dialect_count = rd_u16(r);
	q->security_mode = rd_u16(r);
	rd_skip(r, 2);
	q->capabilities = rd_u32(r);
	rd_copy(r, q->client_guid, sizeof(q->client_guid));
	uint64_t field = rd_u64(r);
	if (r->bad || q->dialect_count > SMB2_MAX_DIALECTS)
		return false;
	for (unsigned i = 0; i < q->dialect_count; i++)
		q->dialects[i] = rd_u16(r);
	if (r->bad)
		return false;
	decode_start_or_contexts(r, field, q);
	return !r->bad;
}

void smb2_negotiate_req_encode(struct wr *w, const struct smb2_negotiate_req *q)
{
	size_t body = w->pos;

	if (q->dialect_count > SMB2_MAX_DIALECTS) {
		w->bad = true;
		return;
	}
	bool contexts = offers_0311(q);
	wr_u16(w, REQ_SIZE);
	wr_u16(w, q->dialect_count);
	wr_u16(w, q->security_mode);
	wr_zero(w, 2);
	wr_u32(w, q->capabilities);
	wr_bytes(w, BYTES(q->client_guid, sizeof(q->client_guid)));
	wr_u64(w, contexts ? (uint64_t)q->context_count << 32 : q->client_start_time);
	for (unsigned i = 0; i < q->dialect_count; i++)
		wr_u16(w, q->dialects[i]);
	if (!contexts || !q->context_count)
		return;
	wr_align(w, 8);
	wr_patch(w, body + REQ_CONTEXT_OFFSET_AT, w->pos, 4);
	wr_bytes(w, q->contexts);
}

bool smb2_negotiate_rsp_decode(struct rd *r, struct smb2_negotiate_rsp *p)
{
	rd_structure_size(r, RSP_SIZE);
	p->security_mode = rd_u16(r);
	p->dialect = rd_u16(r);
	p->context_count = rd_u16(r);
	rd_copy(r, p->server_guid, sizeof(p->server_guid));
	p->capabilities = rd_u32(r);
	p->max_transact_size = rd_u32(r);
	p->max_read_size = rd_u32(r);
	p->max_write_size = rd_u32(r);
	p->system_time = rd_u64(r);
	p->server_start_time = rd_u64(r);
	uint16_t buffer_offset = rd_u16(r);
	uint16_t buffer_length = rd_u16(r);
	uint32_t context_offset = rd_u32(r);
	p->security_buffer = rd_buffer(r, buffer_offset, buffer_length);
	p->contexts = BYTES(NULL, 0);
	if (p->dialect != SMB2_DIALECT_0311)
		p->context_count = 0;
	if (p->context_count)
		p->contexts = rd_tail(r, context_offset);
	return !r->bad;
}

void smb2_negotiate_rsp_encode(struct wr *w, const struct smb2_negotiate_rsp *p)
{
	size_t body = w->pos;
	bool contexts = p->dialect == SMB2_DIALECT_0311 && p->context_count;

	wr_u16(w, RSP_SIZE);
	wr_u16(w, p->security_mode);
	wr_u16(w, p->dialect);
	wr_u16(w, contexts ? p->context_count : 0);
	wr_bytes(w, BYTES(p->server_guid, sizeof(p->server_guid)));
	wr_u32(w, p->capabilities);
	wr_u32(w, p->max_transact_size);
	wr_u32(w, p->max_read_size);
	wr_u32(w, p->max_write_size);
	wr_u64(w, p->system_time);
	wr_u64(w, p->server_start_time);
	wr_u16(w, RSP_BUFFER);
	wr_u16(w, p->security_buffer.len);
	wr_u32(w, 0);
	wr_bytes(w, p->security_buffer);
	if (!contexts)
		return;
	wr_align(w, 8);
	wr_patch(w, body + RSP_CONTEXT_OFFSET_AT, w->pos, 4);
	wr_bytes(w, p->contexts);
}
