/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/cmd.h"

/* QUERY_DIRECTORY, CHANGE_NOTIFY, QUERY_INFO and SET_INFO, [MS-SMB2] 2.2.33 to 2.2.40. */

enum {
	DIRECTORY_REQ_SIZE = 33, OUTPUT_RSP_SIZE = 9, NOTIFY_REQ_SIZE = 32, QUERY_INFO_REQ_SIZE = 41,
	SET_INFO_REQ_SIZE = 33, SET_INFO_RSP_SIZE = 2,
};
enum {
	DIRECTORY_REQ_BUFFER = SMB2_HEADER_SIZE + 32,
	OUTPUT_RSP_BUFFER = SMB2_HEADER_SIZE + SMB2_OUTPUT_RSP_FIXED_SIZE,
	QUERY_INFO_REQ_BUFFER = SMB2_HEADER_SIZE + 40, SET_INFO_REQ_BUFFER = SMB2_HEADER_SIZE + 32,
};

bool smb2_query_directory_req_decode(struct rd *r, struct smb2_query_directory_req *q)
{
	rd_structure_size(r, DIRECTORY_REQ_SIZE);
	q->info_class = rd_u8(r);
	q->flags = rd_u8(r);
	q->file_index = rd_u32(r);
	q->file_id = rd_file_id(r);
	uint16_t offset = rd_u16(r);
	uint16_t length = rd_u16(r);
	q->output_length = rd_u32(r);
	q->pattern = rd_buffer(r, offset, length);
	return !r->bad;
}

void smb2_query_directory_req_encode(struct wr *w, const struct smb2_query_directory_req *q)
{
	wr_u16(w, DIRECTORY_REQ_SIZE);
	wr_u8(w, q->info_class);
	wr_u8(w, q->flags);
	wr_u32(w, q->file_index);
	wr_file_id(w, q->file_id);
	wr_u16(w, DIRECTORY_REQ_BUFFER);
	wr_u16(w, q->pattern.len);
	wr_u32(w, q->output_length);
	wr_buffer(w, q->pattern);
}

bool smb2_output_rsp_decode(struct rd *r, struct smb2_output_rsp *p)
{
	rd_structure_size(r, OUTPUT_RSP_SIZE);
	uint16_t offset = rd_u16(r);
	uint32_t length = rd_u32(r);
	p->output = rd_buffer(r, offset, length);
	return !r->bad;
}

void smb2_output_rsp_fixed_encode(struct wr *w, uint32_t length)
{
	wr_u16(w, OUTPUT_RSP_SIZE);
	wr_u16(w, OUTPUT_RSP_BUFFER);
	wr_u32(w, length);
}

void smb2_output_rsp_encode(struct wr *w, const struct smb2_output_rsp *p)
{
	smb2_output_rsp_fixed_encode(w, (uint32_t)p->output.len);
	wr_bytes(w, p->output);
}

bool smb2_change_notify_req_decode(struct rd *r, struct smb2_change_notify_req *q)
{
	rd_structure_size(r, NOTIFY_REQ_SIZE);
	q->flags = rd_u16(r);
	q->output_length = rd_u32(r);
	q->file_id = rd_file_id(r);
	q->completion_filter = rd_u32(r);
	rd_skip(r, 4);
	return !r->bad;
}

void smb2_change_notify_req_encode(struct wr *w, const struct smb2_change_notify_req *q)
{
	wr_u16(w, NOTIFY_REQ_SIZE);
	wr_u16(w, q->flags);
	wr_u32(w, q->output_length);
	wr_file_id(w, q->file_id);
	wr_u32(w, q->completion_filter);
	wr_zero(w, 4);
}

bool smb2_query_info_req_decode(struct rd *r, struct smb2_query_info_req *q)
{
	rd_structure_size(r, QUERY_INFO_REQ_SIZE);
	q->info_type = rd_u8(r);
	q->info_class = rd_u8(r);
	q->output_length = rd_u32(r);
	uint16_t offset = rd_u16(r);
	rd_skip(r, 2);
	uint32_t length = rd_u32(r);
	q->additional_information = rd_u32(r);
	q->flags = rd_u32(r);
	q->file_id = rd_file_id(r);
	q->input = rd_buffer(r, offset, length);
	return !r->bad;
}

void smb2_query_info_req_encode(struct wr *w, const struct smb2_query_info_req *q)
{
	wr_u16(w, QUERY_INFO_REQ_SIZE);
	wr_u8(w, q->info_type);
	wr_u8(w, q->info_class);
	wr_u32(w, q->output_length);
	wr_u16(w, q->input.len ? QUERY_INFO_REQ_BUFFER : 0);
	wr_zero(w, 2);
	wr_u32(w, q->input.len);
	wr_u32(w, q->additional_information);
	wr_u32(w, q->flags);
	wr_file_id(w, q->file_id);
	wr_buffer(w, q->input);
}

bool smb2_set_info_req_decode(struct rd *r, struct smb2_set_info_req *q)
{
	rd_structure_size(r, SET_INFO_REQ_SIZE);
	q->info_type = rd_u8(r);
	q->info_class = rd_u8(r);
	uint32_t length = rd_u32(r);
	uint16_t offset = rd_u16(r);
	rd_skip(r, 2);
	q->additional_information = rd_u32(r);
	q->file_id = rd_file_id(r);
	q->input = rd_buffer(r, offset, length);
	return !r->bad;
}

void smb2_set_info_req_encode(struct wr *w, const struct smb2_set_info_req *q)
{
	wr_u16(w, SET_INFO_REQ_SIZE);
	wr_u8(w, q->info_type);
	wr_u8(w, q->info_class);
	wr_u32(w, q->input.len);
	wr_u16(w, SET_INFO_REQ_BUFFER);
	wr_zero(w, 2);
	wr_u32(w, q->additional_information);
	wr_file_id(w, q->file_id);
	wr_buffer(w, q->input);
}

bool smb2_set_info_rsp_decode(struct rd *r, struct smb2_set_info_rsp *p)
{
	rd_structure_size(r, SET_INFO_RSP_SIZE);
	p->unused = 0;
	return !r->bad;
}

void smb2_set_info_rsp_encode(struct wr *w, const struct smb2_set_info_rsp *p)
{
	wr_u16(w, SET_INFO_RSP_SIZE);
}
