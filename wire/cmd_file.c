/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/cmd.h"

/* READ, WRITE, LOCK and IOCTL, [MS-SMB2] 2.2.19 to 2.2.22, 2.2.26, 2.2.31 and 2.2.32. */

enum {
	READ_REQ_SIZE = 49, READ_RSP_SIZE = 17, WRITE_REQ_SIZE = 49, WRITE_RSP_SIZE = 17, LOCK_REQ_SIZE = 48,
	IOCTL_REQ_SIZE = 57, IOCTL_RSP_SIZE = 49,
};
enum {
	READ_REQ_BUFFER = SMB2_HEADER_SIZE + 48,
	READ_RSP_BUFFER = SMB2_HEADER_SIZE + SMB2_READ_RSP_FIXED_SIZE,
	WRITE_REQ_BUFFER = SMB2_HEADER_SIZE + SMB2_WRITE_REQ_FIXED_SIZE,
	IOCTL_REQ_BUFFER = SMB2_HEADER_SIZE + 56,
	IOCTL_RSP_BUFFER = SMB2_HEADER_SIZE + 48,
};
enum { WRITE_DATA_OFFSET_MAX = 0x100, LOCK_ELEMENT_SIZE = 24 };

/* ReadChannelInfo is ignored without a channel: reserved in 2.x, [MS-SMB2] 2.2.19. */
bool smb2_read_req_decode(struct rd *r, struct smb2_read_req *q)
{
	rd_structure_size(r, READ_REQ_SIZE);
	rd_skip(r, 1); /* Padding */
	q->flags = rd_u8(r);
	q->length = rd_u32(r);
	q->offset = rd_u64(r);
	q->file_id = rd_file_id(r);
	q->minimum_count = rd_u32(r);
	q->channel = rd_u32(r);
	q->remaining_bytes = rd_u32(r);
	uint16_t info_offset = rd_u16(r);
	uint16_t info_length = rd_u16(r);
	q->channel_info = rd_buffer(r, info_offset, q->channel ? info_length : 0);
	return !r->bad;
}

/* Padding is where the client would like the data to be in the response: behind the fixed part. */
void smb2_read_req_encode(struct wr *w, const struct smb2_read_req *q)
{
	wr_u16(w, READ_REQ_SIZE);
	wr_u8(w, READ_RSP_BUFFER);
	wr_u8(w, q->flags);
	wr_u32(w, q->length);
	wr_u64(w, q->offset);
	wr_file_id(w, q->file_id);
	wr_u32(w, q->minimum_count);
	wr_u32(w, q->channel);
	wr_u32(w, q->remaining_bytes);
	wr_u16(w, q->channel_info.len ? READ_REQ_BUFFER : 0);
	wr_u16(w, q->channel_info.len);
	wr_buffer(w, q->channel_info);
}

bool smb2_read_rsp_decode(struct rd *r, struct smb2_read_rsp *p)
{
	rd_structure_size(r, READ_RSP_SIZE);
	p->data_offset = rd_u8(r);
	rd_skip(r, 1);
	p->data_length = rd_u32(r);
	p->data_remaining = rd_u32(r);
	rd_skip(r, 4);
	p->data = rd_buffer(r, p->data_offset, p->data_length);
	return !r->bad;
}

void smb2_read_rsp_encode(struct wr *w, const struct smb2_read_rsp *p)
{
	wr_u16(w, READ_RSP_SIZE);
	wr_u8(w, READ_RSP_BUFFER);
	wr_zero(w, 1);
	wr_u32(w, p->data_length);
	wr_u32(w, p->data_remaining);
	wr_zero(w, 4);
}

/* [MS-SMB2] 3.3.5.13: DataOffset is at most 0x100. Over RDMA Length and DataOffset are 0. */
bool smb2_write_req_decode(struct rd *r, struct smb2_write_req *q)
{
	rd_structure_size(r, WRITE_REQ_SIZE);
	uint16_t data_offset = rd_u16(r);
	q->length = rd_u32(r);
	q->offset = rd_u64(r);
	q->file_id = rd_file_id(r);
	q->channel = rd_u32(r);
	q->remaining_bytes = rd_u32(r);
	uint16_t info_offset = rd_u16(r);
	uint16_t info_length = rd_u16(r);
	q->flags = rd_u32(r);
	q->channel_info = rd_buffer(r, info_offset, q->channel ? info_length : 0);
	q->data = rd_buffer(r, data_offset, q->length);
	return !r->bad && data_offset <= WRITE_DATA_OFFSET_MAX;
}

void smb2_write_req_encode(struct wr *w, const struct smb2_write_req *q)
{
	bool rdma = q->channel_info.len;

	if (rdma && q->length)
		w->bad = true;
	wr_u16(w, WRITE_REQ_SIZE);
	wr_u16(w, rdma ? 0 : WRITE_REQ_BUFFER);
	wr_u32(w, q->length);
	wr_u64(w, q->offset);
	wr_file_id(w, q->file_id);
	wr_u32(w, q->channel);
	wr_u32(w, q->remaining_bytes);
	wr_u16(w, rdma ? WRITE_REQ_BUFFER : 0);
	wr_u16(w, q->channel_info.len);
	wr_u32(w, q->flags);
	wr_bytes(w, q->channel_info);
}

bool smb2_write_rsp_decode(struct rd *r, struct smb2_write_rsp *p)
{
	rd_structure_size(r, WRITE_RSP_SIZE);
	rd_skip(r, 2);
	p->count = rd_u32(r);
	rd_skip(r, 8); /* Remaining, WriteChannelInfoOffset and -Length: reserved */
	return !r->bad;
}

void smb2_write_rsp_encode(struct wr *w, const struct smb2_write_rsp *p)
{
	wr_u16(w, WRITE_RSP_SIZE);
	wr_zero(w, 2);
	wr_u32(w, p->count);
	wr_zero(w, 8);
}

bool smb2_lock_req_decode(struct rd *r, struct smb2_lock_req *q)
{
	rd_structure_size(r, LOCK_REQ_SIZE);
	q->lock_count = rd_u16(r);
	q->lock_sequence = rd_u32(r);
	q->file_id = rd_file_id(r);
	q->elements = rd_bytes(r, (size_t)q->lock_count * LOCK_ELEMENT_SIZE);
	return !r->bad;
}

void smb2_lock_req_encode(struct wr *w, const struct smb2_lock_req *q)
{
	if (q->elements.len != (size_t)q->lock_count * LOCK_ELEMENT_SIZE)
		w->bad = true;
	wr_u16(w, LOCK_REQ_SIZE);
	wr_u16(w, q->lock_count);
	wr_u32(w, q->lock_sequence);
	wr_file_id(w, q->file_id);
	wr_bytes(w, q->elements);
}

bool smb2_lock_element_decode(struct rd *r, struct smb2_lock_element *e)
{
	e->offset = rd_u64(r);
	e->length = rd_u64(r);
	e->flags = rd_u32(r);
	rd_skip(r, 4);
	return !r->bad;
}

void smb2_lock_element_encode(struct wr *w, const struct smb2_lock_element *e)
{
	wr_u64(w, e->offset);
	wr_u64(w, e->length);
	wr_u32(w, e->flags);
	wr_zero(w, 4);
}

bool smb2_ioctl_req_decode(struct rd *r, struct smb2_ioctl_req *q)
{
	rd_structure_size(r, IOCTL_REQ_SIZE);
	rd_skip(r, 2);
	q->ctl_code = rd_u32(r);
	q->file_id = rd_file_id(r);
	uint32_t input_offset = rd_u32(r);
	uint32_t input_count = rd_u32(r);
	q->max_input_response = rd_u32(r);
	rd_skip(r, 8); /* OutputOffset, OutputCount: 0 in a request */
	q->max_output_response = rd_u32(r);
	q->flags = rd_u32(r);
	rd_skip(r, 4);
	q->input = rd_buffer(r, input_offset, input_count);
	return !r->bad;
}

void smb2_ioctl_req_encode(struct wr *w, const struct smb2_ioctl_req *q)
{
	wr_u16(w, IOCTL_REQ_SIZE);
	wr_zero(w, 2);
	wr_u32(w, q->ctl_code);
	wr_file_id(w, q->file_id);
	wr_u32(w, q->input.len ? IOCTL_REQ_BUFFER : 0);
	wr_u32(w, q->input.len);
	wr_u32(w, q->max_input_response);
	wr_zero(w, 8);
	wr_u32(w, q->max_output_response);
	wr_u32(w, q->flags);
	wr_zero(w, 4);
	wr_buffer(w, q->input);
}

bool smb2_ioctl_rsp_decode(struct rd *r, struct smb2_ioctl_rsp *p)
{
	rd_structure_size(r, IOCTL_RSP_SIZE);
	rd_skip(r, 2);
	p->ctl_code = rd_u32(r);
	p->file_id = rd_file_id(r);
	uint32_t input_offset = rd_u32(r);
	uint32_t input_count = rd_u32(r);
	uint32_t output_offset = rd_u32(r);
	uint32_t output_count = rd_u32(r);
	rd_skip(r, 8);
	p->input = rd_buffer(r, input_offset, input_count);
	p->output = rd_buffer(r, output_offset, output_count);
	return !r->bad;
}

/* [MS-SMB2] 3.3.5.15: the output lies behind the input, on a multiple of 8. */
void smb2_ioctl_rsp_encode(struct wr *w, const struct smb2_ioctl_rsp *p)
{
	size_t output_offset = IOCTL_RSP_BUFFER + ((p->input.len + 7) & ~(size_t)7);

	wr_u16(w, IOCTL_RSP_SIZE);
	wr_zero(w, 2);
	wr_u32(w, p->ctl_code);
	wr_file_id(w, p->file_id);
	wr_u32(w, IOCTL_RSP_BUFFER);
	wr_u32(w, p->input.len);
	wr_u32(w, output_offset);
	wr_u32(w, p->output.len);
	wr_zero(w, 8);
	wr_bytes(w, p->input);
	if (p->output.len)
		wr_align(w, 8);
	wr_bytes(w, p->output);
}
