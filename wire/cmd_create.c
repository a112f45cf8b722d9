/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/cmd.h"

/* CREATE, CLOSE and FLUSH, [MS-SMB2] 2.2.13 to 2.2.18. */

enum { CREATE_REQ_SIZE = 57, CREATE_RSP_SIZE = 89, CLOSE_REQ_SIZE = 24, CLOSE_RSP_SIZE = 60, FLUSH_REQ_SIZE = 24 };
enum { CREATE_REQ_BUFFER = SMB2_HEADER_SIZE + 56, CREATE_RSP_BUFFER = SMB2_HEADER_SIZE + 88 };

bool smb2_create_req_decode(struct rd *r, struct smb2_create_req *q)
{
	rd_structure_size(r, CREATE_REQ_SIZE);
	rd_skip(r, 1); /* SecurityFlags: reserved */
	q->oplock_level = rd_u8(r);
	q->impersonation_level = rd_u32(r);
	rd_skip(r, 16); /* SmbCreateFlags, Reserved */
	q->desired_access = rd_u32(r);
	q->file_attributes = rd_u32(r);
	q->share_access = rd_u32(r);
	q->create_disposition = rd_u32(r);
	q->create_options = rd_u32(r);
	uint16_t name_offset = rd_u16(r);
	uint16_t name_length = rd_u16(r);
	uint32_t contexts_offset = rd_u32(r);
	uint32_t contexts_length = rd_u32(r);
	q->name = rd_buffer(r, name_offset, name_length);
	q->contexts = rd_buffer(r, contexts_offset, contexts_length);
	return !r->bad;
}

/* The contexts start on a multiple of 8, behind the name. */
void smb2_create_req_encode(struct wr *w, const struct smb2_create_req *q)
{
	size_t contexts_offset = CREATE_REQ_BUFFER + ((q->name.len + 7) & ~(size_t)7);

	wr_u16(w, CREATE_REQ_SIZE);
	wr_zero(w, 1);
	wr_u8(w, q->oplock_level);
	wr_u32(w, q->impersonation_level);
	wr_zero(w, 16);
	wr_u32(w, q->desired_access);
	wr_u32(w, q->file_attributes);
	wr_u32(w, q->share_access);
	wr_u32(w, q->create_disposition);
	wr_u32(w, q->create_options);
	wr_u16(w, CREATE_REQ_BUFFER);
	wr_u16(w, q->name.len);
	wr_u32(w, q->contexts.len ? contexts_offset : 0);
	wr_u32(w, q->contexts.len);
	if (!q->contexts.len) {
		wr_buffer(w, q->name);
		return;
	}
	wr_bytes(w, q->name);
	wr_align(w, 8);
	wr_bytes(w, q->contexts);
}

bool smb2_create_rsp_decode(struct rd *r, struct smb2_create_rsp *p)
{
	rd_structure_size(r, CREATE_RSP_SIZE);
	p->oplock_level = rd_u8(r);
	p->flags = rd_u8(r);
	p->create_action = rd_u32(r);
	p->creation_time = rd_u64(r);
	p->last_access_time = rd_u64(r);
	p->last_write_time = rd_u64(r);
	p->change_time = rd_u64(r);
	p->allocation_size = rd_u64(r);
	p->end_of_file = rd_u64(r);
	p->file_attributes = rd_u32(r);
	rd_skip(r, 4);
	p->file_id = rd_file_id(r);
	uint32_t offset = rd_u32(r);
	uint32_t length = rd_u32(r);
	p->contexts = rd_buffer(r, offset, length);
	return !r->bad;
}

void smb2_create_rsp_encode(struct wr *w, const struct smb2_create_rsp *p)
{
	wr_u16(w, CREATE_RSP_SIZE);
	wr_u8(w, p->oplock_level);
	wr_u8(w, p->flags);
	wr_u32(w, p->create_action);
	wr_u64(w, p->creation_time);
	wr_u64(w, p->last_access_time);
	wr_u64(w, p->last_write_time);
	wr_u64(w, p->change_time);
	wr_u64(w, p->allocation_size);
	wr_u64(w, p->end_of_file);
	wr_u32(w, p->file_attributes);
	wr_zero(w, 4);
	wr_file_id(w, p->file_id);
	wr_u32(w, p->contexts.len ? CREATE_RSP_BUFFER : 0);
	wr_u32(w, p->contexts.len);
	wr_bytes(w, p->contexts);
}

bool smb2_close_req_decode(struct rd *r, struct smb2_close_req *q)
{
	rd_structure_size(r, CLOSE_REQ_SIZE);
	q->flags = rd_u16(r);
	rd_skip(r, 4);
	q->file_id = rd_file_id(r);
	return !r->bad;
}

void smb2_close_req_encode(struct wr *w, const struct smb2_close_req *q)
{
	wr_u16(w, CLOSE_REQ_SIZE);
	wr_u16(w, q->flags);
	wr_zero(w, 4);
	wr_file_id(w, q->file_id);
}

bool smb2_close_rsp_decode(struct rd *r, struct smb2_close_rsp *p)
{
	rd_structure_size(r, CLOSE_RSP_SIZE);
	p->flags = rd_u16(r);
	rd_skip(r, 4);
	p->creation_time = rd_u64(r);
	p->last_access_time = rd_u64(r);
	p->last_write_time = rd_u64(r);
	p->change_time = rd_u64(r);
	p->allocation_size = rd_u64(r);
	p->end_of_file = rd_u64(r);
	p->file_attributes = rd_u32(r);
	return !r->bad;
}

void smb2_close_rsp_encode(struct wr *w, const struct smb2_close_rsp *p)
{
	wr_u16(w, CLOSE_RSP_SIZE);
	wr_u16(w, p->flags);
	wr_zero(w, 4);
	wr_u64(w, p->creation_time);
	wr_u64(w, p->last_access_time);
	wr_u64(w, p->last_write_time);
	wr_u64(w, p->change_time);
	wr_u64(w, p->allocation_size);
	wr_u64(w, p->end_of_file);
	wr_u32(w, p->file_attributes);
}

bool smb2_flush_req_decode(struct rd *r, struct smb2_flush_req *q)
{
	rd_structure_size(r, FLUSH_REQ_SIZE);
	rd_skip(r, 6);
	q->file_id = rd_file_id(r);
	return !r->bad;
}

void smb2_flush_req_encode(struct wr *w, const struct smb2_flush_req *q)
{
	wr_u16(w, FLUSH_REQ_SIZE);
	wr_zero(w, 6);
	wr_file_id(w, q->file_id);
}
