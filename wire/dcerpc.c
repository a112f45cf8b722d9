/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/dcerpc.h"

/* [C706] 14.1: integers and characters in the first byte, floating point in the second, then two of 0. */
enum { DREP_LITTLE_ENDIAN_ASCII = 0x10, DREP_LITTLE_ENDIAN = 0x10 };

static uint16_t field16(struct rd *r, bool big_endian)
{
	return big_endian ? rd_u16_be(r) : rd_u16(r);
}

bool dcerpc_header_decode(struct rd *r, struct dcerpc_header *h)
{
	uint8_t major = rd_u8(r), minor = rd_u8(r), drep[4];
	bool big_endian;

	h->type = rd_u8(r);
	h->flags = rd_u8(r);
	rd_copy(r, drep, sizeof(drep));
	big_endian = !(drep[0] & DREP_LITTLE_ENDIAN);
	h->foreign = drep[0] != DREP_LITTLE_ENDIAN_ASCII || drep[1] != 0;
	h->frag_length = field16(r, big_endian);
	h->auth_length = field16(r, big_endian);
	h->call_id = big_endian ? rd_u32_be(r) : rd_u32(r);
	if (r->bad || major != 5 || minor > 1 || h->frag_length < DCERPC_HEADER_SIZE)
		return false;
	size_t body = h->frag_length - DCERPC_HEADER_SIZE;
	return h->auth_length == 0 ||
		(body >= DCERPC_AUTH_TRAILER_SIZE && h->auth_length <= body - DCERPC_AUTH_TRAILER_SIZE);
}

bool dcerpc_body(struct bytes pdu, const struct dcerpc_header *h, struct rd *r)
{
	size_t trailer = h->auth_length ? DCERPC_AUTH_TRAILER_SIZE + (size_t)h->auth_length : 0;

	if (pdu.len != h->frag_length || pdu.len < DCERPC_HEADER_SIZE ||
		trailer > pdu.len - DCERPC_HEADER_SIZE)
		return false;
	*r = rd_over(BYTES(pdu.data, pdu.len - trailer));
	rd_skip(r, DCERPC_HEADER_SIZE);
	return true;
}

void dcerpc_pdu_begin(struct wr *w, enum dcerpc_type type, uint8_t flags, uint32_t call_id)
{
	wr_u8(w, 5);
	wr_u8(w, 0);
	wr_u8(w, type);
	wr_u8(w, flags);
	wr_u32(w, DREP_LITTLE_ENDIAN_ASCII);
	wr_zero(w, 4);
	wr_u32(w, call_id);
}

void dcerpc_pdu_end(struct wr *w)
{
	wr_patch(w, DCERPC_FRAG_LENGTH_OFFSET, w->pos, 2);
}

const struct dcerpc_syntax dcerpc_ndr20 = {
	{0x04, 0x5D, 0x88, 0x8A, 0xEB, 0x1C, 0xC9, 0x11, 0x9F, 0xE8, 0x08, 0x00, 0x2B, 0x10, 0x48, 0x60}, 2};
const struct dcerpc_syntax dcerpc_ndr64 = {
	{0x33, 0x05, 0x71, 0x71, 0xBA, 0xBE, 0x37, 0x49, 0x83, 0x19, 0xB5, 0xDB, 0xEF, 0x9C, 0xCC, 0x36}, 1};
/* 6CB71C2C-9812-4540-: the first eight bytes; the other eight are the flags. */
static const uint8_t features_prefix[8] = {0x2C, 0x1C, 0xB7, 0x6C, 0x12, 0x98, 0x40, 0x45};

bool dcerpc_syntax_equal(const struct dcerpc_syntax *a, const struct dcerpc_syntax *b)
{
	return memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 && a->version == b->version;
}

bool dcerpc_syntax_is_features(const struct dcerpc_syntax *s, uint16_t *flags)
{
	if (memcmp(s->uuid, features_prefix, sizeof(features_prefix)) != 0 || s->version != 1)
		return false;
	*flags = (uint16_t)(s->uuid[8] | s->uuid[9] << 8);
	return true;
}

struct dcerpc_syntax dcerpc_features_syntax(uint16_t flags)
{
	struct dcerpc_syntax s = {.version = 1};

	memcpy(s.uuid, features_prefix, sizeof(features_prefix));
	s.uuid[8] = (uint8_t)flags;
	s.uuid[9] = (uint8_t)(flags >> 8);
	return s;
}

bool dcerpc_syntax_decode(struct rd *r, struct dcerpc_syntax *out)
{
	rd_copy(r, out->uuid, sizeof(out->uuid));
	out->version = rd_u32(r);
	return !r->bad;
}

void dcerpc_syntax_encode(struct wr *w, const struct dcerpc_syntax *s)
{
	wr_bytes(w, BYTES(s->uuid, sizeof(s->uuid)));
	wr_u32(w, s->version);
}

enum { SYNTAX_SIZE = 20 };

bool dcerpc_context_decode(struct rd *r, struct dcerpc_context *out)
{
	out->id = rd_u16(r);
	out->transfer_count = rd_u8(r);
	rd_skip(r, 1);
	dcerpc_syntax_decode(r, &out->abstract);
	out->transfers = rd_bytes(r, (size_t)out->transfer_count * SYNTAX_SIZE);
	return !r->bad;
}

void dcerpc_context_encode(struct wr *w, const struct dcerpc_context *c)
{
	wr_u16(w, c->id);
	wr_u8(w, c->transfer_count);
	wr_zero(w, 1);
	dcerpc_syntax_encode(w, &c->abstract);
	wr_bytes(w, c->transfers);
}

bool dcerpc_bind_decode(struct rd *r, struct dcerpc_bind *out)
{
	struct dcerpc_context c;
	size_t start;

	out->max_xmit_frag = rd_u16(r);
	out->max_recv_frag = rd_u16(r);
	out->assoc_group_id = rd_u32(r);
	out->context_count = rd_u8(r);
	rd_skip(r, 3);
	start = r->pos;
	for (unsigned i = 0; i < out->context_count && !r->bad; i++)
		dcerpc_context_decode(r, &c);
	out->contexts = rd_window(r, start, r->pos - start);
	return !r->bad;
}

void dcerpc_bind_encode(struct wr *w, const struct dcerpc_bind *in)
{
	wr_u16(w, in->max_xmit_frag);
	wr_u16(w, in->max_recv_frag);
	wr_u32(w, in->assoc_group_id);
	wr_u8(w, in->context_count);
	wr_zero(w, 3);
	wr_bytes(w, in->contexts);
}

bool dcerpc_bind_ack_decode(struct rd *r, struct dcerpc_bind_ack *out)
{
	size_t n;

	out->max_xmit_frag = rd_u16(r);
	out->max_recv_frag = rd_u16(r);
	out->assoc_group_id = rd_u32(r);
	n = rd_u16(r);
	out->secondary_address = rd_bytes(r, n);
	rd_align(r, 4);
	out->result_count = rd_u8(r);
	rd_skip(r, 3);
	for (unsigned i = 0; i < out->result_count; i++) {
		out->results[i].result = rd_u16(r);
		out->results[i].reason = rd_u16(r);
		dcerpc_syntax_decode(r, &out->results[i].transfer);
	}
	return !r->bad;
}

void dcerpc_bind_ack_encode(struct wr *w, const struct dcerpc_bind_ack *in)
{
	wr_u16(w, in->max_xmit_frag);
	wr_u16(w, in->max_recv_frag);
	wr_u32(w, in->assoc_group_id);
	wr_u16(w, in->secondary_address.len);
	wr_bytes(w, in->secondary_address);
	wr_align(w, 4);
	wr_u8(w, in->result_count);
	wr_zero(w, 3);
	for (unsigned i = 0; i < in->result_count; i++) {
		wr_u16(w, in->results[i].result);
		wr_u16(w, in->results[i].reason);
		dcerpc_syntax_encode(w, &in->results[i].transfer);
	}
}

bool dcerpc_bind_nak_decode(struct rd *r, struct dcerpc_bind_nak *out)
{
	out->reason = rd_u16(r);
	return !r->bad;
}

void dcerpc_bind_nak_encode(struct wr *w, const struct dcerpc_bind_nak *in)
{
	wr_u16(w, in->reason);
	wr_u8(w, 1);
	wr_u8(w, 5);
	wr_u8(w, 0);
	wr_align(w, 4);
}

enum { OBJECT_UUID_SIZE = 16 };

bool dcerpc_request_decode(struct rd *r, uint8_t flags, struct dcerpc_request *out)
{
	out->alloc_hint = rd_u32(r);
	out->context_id = rd_u16(r);
	out->opnum = rd_u16(r);
	if (flags & DCERPC_OBJECT_UUID)
		rd_skip(r, OBJECT_UUID_SIZE);
	out->stub = rd_bytes(r, rd_left(r));
	return !r->bad;
}

void dcerpc_request_encode(struct wr *w, const struct dcerpc_request *in)
{
	wr_u32(w, in->alloc_hint);
	wr_u16(w, in->context_id);
	wr_u16(w, in->opnum);
	wr_bytes(w, in->stub);
}

bool dcerpc_response_decode(struct rd *r, struct dcerpc_response *out)
{
	out->alloc_hint = rd_u32(r);
	out->context_id = rd_u16(r);
	out->cancel_count = rd_u8(r);
	rd_skip(r, 1);
	out->stub = rd_bytes(r, rd_left(r));
	return !r->bad;
}

void dcerpc_response_encode(struct wr *w, const struct dcerpc_response *in)
{
	wr_u32(w, in->alloc_hint);
	wr_u16(w, in->context_id);
	wr_u8(w, in->cancel_count);
	wr_zero(w, 1);
	wr_bytes(w, in->stub);
}

/* [C706] 12.6.4.7: a fault has no stub; the hint before it is the size of the PDU, as Windows sends it. */
bool dcerpc_fault_decode(struct rd *r, struct dcerpc_fault *out)
{
	rd_skip(r, 4);
	out->context_id = rd_u16(r);
	out->cancel_count = rd_u8(r);
	rd_skip(r, 1);
	out->status = rd_u32(r);
	return !r->bad;
}

void dcerpc_fault_encode(struct wr *w, const struct dcerpc_fault *in)
{
	wr_u32(w, 32);
	wr_u16(w, in->context_id);
	wr_u8(w, in->cancel_count);
	wr_zero(w, 1);
	wr_u32(w, in->status);
	wr_zero(w, 4);
}
