/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/cmd.h"

/* SESSION_SETUP, TREE_CONNECT, ERROR and the bodies that say nothing, [MS-SMB2] 2.2.2 and 2.2.5 to 2.2.12. */

enum {
	SETUP_REQ_SIZE = 25, SETUP_RSP_SIZE = 9, EMPTY_SIZE = 4, TREE_REQ_SIZE = 9, TREE_RSP_SIZE = 16,
	ERROR_SIZE = 9,
};
enum {
	SETUP_REQ_BUFFER = SMB2_HEADER_SIZE + 24, SETUP_RSP_BUFFER = SMB2_HEADER_SIZE + 8,
	TREE_REQ_BUFFER = SMB2_HEADER_SIZE + 8, TREE_EXTENSION_SIZE = 16,
};

bool smb2_session_setup_req_decode(struct rd *r, struct smb2_session_setup_req *q)
{
	rd_structure_size(r, SETUP_REQ_SIZE);
	q->flags = rd_u8(r);
	q->security_mode = rd_u8(r);
	q->capabilities = rd_u32(r);
	q->channel = rd_u32(r);
	uint16_t offset = rd_u16(r);
	uint16_t length = rd_u16(r);
	q->previous_session_id = rd_u64(r);
	q->security_buffer = rd_buffer(r, offset, length);
	return !r->bad;
}

void smb2_session_setup_req_encode(struct wr *w, const struct smb2_session_setup_req *q)
{
	wr_u16(w, SETUP_REQ_SIZE);
	wr_u8(w, q->flags);
	wr_u8(w, q->security_mode);
	wr_u32(w, q->capabilities);
	wr_u32(w, q->channel);
	wr_u16(w, SETUP_REQ_BUFFER);
	wr_u16(w, q->security_buffer.len);
	wr_u64(w, q->previous_session_id);
	wr_buffer(w, q->security_buffer);
}

bool smb2_session_setup_rsp_decode(struct rd *r, struct smb2_session_setup_rsp *p)
{
	rd_structure_size(r, SETUP_RSP_SIZE);
	p->session_flags = rd_u16(r);
	uint16_t offset = rd_u16(r);
	uint16_t length = rd_u16(r);
	p->security_buffer = rd_buffer(r, offset, length);
	return !r->bad;
}

void smb2_session_setup_rsp_encode(struct wr *w, const struct smb2_session_setup_rsp *p)
{
	wr_u16(w, SETUP_RSP_SIZE);
	wr_u16(w, p->session_flags);
	wr_u16(w, SETUP_RSP_BUFFER);
	wr_u16(w, p->security_buffer.len);
	wr_bytes(w, p->security_buffer);
}

bool smb2_empty_decode(struct rd *r, struct smb2_empty *e)
{
	rd_structure_size(r, EMPTY_SIZE);
	rd_skip(r, 2);
	e->unused = 0;
	return !r->bad;
}

void smb2_empty_encode(struct wr *w, const struct smb2_empty *e)
{
	wr_u16(w, EMPTY_SIZE);
	wr_zero(w, 2);
}

/* PathOffset counts from the SMB2 header whether or not an extension (2.2.9.1) stands before the path. */
bool smb2_tree_connect_req_decode(struct rd *r, struct smb2_tree_connect_req *q)
{
	rd_structure_size(r, TREE_REQ_SIZE);
	q->flags = rd_u16(r);
	uint16_t offset = rd_u16(r);
	uint16_t length = rd_u16(r);
	q->path = rd_buffer(r, offset, length);
	return !r->bad;
}

void smb2_tree_connect_req_encode(struct wr *w, const struct smb2_tree_connect_req *q)
{
	size_t extension = q->flags & SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT ? TREE_EXTENSION_SIZE : 0;

	wr_u16(w, TREE_REQ_SIZE);
	wr_u16(w, q->flags);
	wr_u16(w, TREE_REQ_BUFFER + extension);
	wr_u16(w, q->path.len);
	wr_zero(w, extension); /* no contexts in it */
	wr_buffer(w, q->path);
}

bool smb2_tree_connect_rsp_decode(struct rd *r, struct smb2_tree_connect_rsp *p)
{
	rd_structure_size(r, TREE_RSP_SIZE);
	p->share_type = rd_u8(r);
	rd_skip(r, 1);
	p->share_flags = rd_u32(r);
	p->capabilities = rd_u32(r);
	p->maximal_access = rd_u32(r);
	return !r->bad;
}

void smb2_tree_connect_rsp_encode(struct wr *w, const struct smb2_tree_connect_rsp *p)
{
	wr_u16(w, TREE_RSP_SIZE);
	wr_u8(w, p->share_type);
	wr_zero(w, 1);
	wr_u32(w, p->share_flags);
	wr_u32(w, p->capabilities);
	wr_u32(w, p->maximal_access);
}

bool smb2_error_rsp_decode(struct rd *r, struct smb2_error_rsp *p)
{
	rd_structure_size(r, ERROR_SIZE);
	p->error_context_count = rd_u8(r);
	rd_skip(r, 1);
	p->error_data = rd_bytes(r, rd_u32(r));
	return !r->bad;
}

/* [MS-SMB2] 2.2.2: with ByteCount 0 one byte of ErrorData is sent all the same. */
void smb2_error_rsp_encode(struct wr *w, const struct smb2_error_rsp *p)
{
	wr_u16(w, ERROR_SIZE);
	wr_u8(w, p->error_context_count);
	wr_zero(w, 1);
	wr_u32(w, p->error_data.len);
	wr_buffer(w, p->error_data);
}
