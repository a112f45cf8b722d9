/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/smbdirect.h"

enum { DATA_OFFSET = 24 }; /* the first multiple of 8 behind the header */

bool smbdirect_negotiate_req_decode(struct rd *r, struct smbdirect_negotiate_req *out)
{
	out->min_version = rd_u16(r);
	out->max_version = rd_u16(r);
	rd_skip(r, 2);
	out->credits_requested = rd_u16(r);
	out->preferred_send_size = rd_u32(r);
	out->max_receive_size = rd_u32(r);
	out->max_fragmented_size = rd_u32(r);
	return !r->bad;
}

void smbdirect_negotiate_req_encode(struct wr *w, const struct smbdirect_negotiate_req *in)
{
	wr_u16(w, in->min_version);
	wr_u16(w, in->max_version);
	wr_zero(w, 2);
	wr_u16(w, in->credits_requested);
	wr_u32(w, in->preferred_send_size);
	wr_u32(w, in->max_receive_size);
	wr_u32(w, in->max_fragmented_size);
}

bool smbdirect_negotiate_rsp_decode(struct rd *r, struct smbdirect_negotiate_rsp *out)
{
	out->min_version = rd_u16(r);
	out->max_version = rd_u16(r);
	out->negotiated_version = rd_u16(r);
	rd_skip(r, 2);
	out->credits_requested = rd_u16(r);
	out->credits_granted = rd_u16(r);
	out->status = rd_u32(r);
	out->max_read_write_size = rd_u32(r);
	out->preferred_send_size = rd_u32(r);
	out->max_receive_size = rd_u32(r);
	out->max_fragmented_size = rd_u32(r);
	return !r->bad;
}

void smbdirect_negotiate_rsp_encode(struct wr *w, const struct smbdirect_negotiate_rsp *in)
{
	wr_u16(w, in->min_version);
	wr_u16(w, in->max_version);
	wr_u16(w, in->negotiated_version);
	wr_zero(w, 2);
	wr_u16(w, in->credits_requested);
	wr_u16(w, in->credits_granted);
	wr_u32(w, in->status);
	wr_u32(w, in->max_read_write_size);
	wr_u32(w, in->preferred_send_size);
	wr_u32(w, in->max_receive_size);
	wr_u32(w, in->max_fragmented_size);
}

/* [MS-SMBD] 3.1.5.8: DataOffset is a multiple of 8, also where there is no data, and the data lies in the
 * message. */
bool smbdirect_data_decode(struct rd *r, struct smbdirect_data *out)
{
	uint32_t offset, length;

	out->credits_requested = rd_u16(r);
	out->credits_granted = rd_u16(r);
	out->flags = rd_u16(r);
	rd_skip(r, 2);
	out->remaining_data_length = rd_u32(r);
	offset = rd_u32(r);
	length = rd_u32(r);
	if (r->bad || offset % 8 || offset > r->len || (length && offset < SMBDIRECT_DATA_HEADER_SIZE))
		return false;
	out->data = rd_window(r, offset, length);
	return !r->bad;
}

void smbdirect_data_encode(struct wr *w, const struct smbdirect_data *in)
{
	wr_u16(w, in->credits_requested);
	wr_u16(w, in->credits_granted);
	wr_u16(w, in->flags);
	wr_zero(w, 2);
	wr_u32(w, in->remaining_data_length);
	wr_u32(w, in->data.len ? DATA_OFFSET : 0);
	wr_u32(w, in->data.len);
	if (in->data.len)
		wr_zero(w, DATA_OFFSET - SMBDIRECT_DATA_HEADER_SIZE);
}

bool smbdirect_descriptors_decode(struct bytes in, struct smbdirect_descriptor *out, unsigned *n)
{
	struct rd r = rd_over(in);
	size_t count = in.len / SMBDIRECT_DESCRIPTOR_SIZE;

	if (in.len % SMBDIRECT_DESCRIPTOR_SIZE || count < 1 || count > SMBDIRECT_MAX_DESCRIPTORS)
		return false;
	for (size_t i = 0; i < count; i++) {
		out[i].offset = rd_u64(&r);
		out[i].token = rd_u32(&r);
		out[i].length = rd_u32(&r);
	}
	*n = (unsigned)count;
	return !r.bad;
}

void smbdirect_descriptor_encode(struct wr *w, const struct smbdirect_descriptor *in)
{
	wr_u64(w, in->offset);
	wr_u32(w, in->token);
	wr_u32(w, in->length);
}
