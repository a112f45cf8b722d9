/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/rdmap.h"

const struct rdmap_kind rdmap_kinds[RDMAP_OPCODES] = {
	[RDMAP_WRITE] = {.tagged = true},
	[RDMAP_READ_REQUEST] = {.queue = DDP_QUEUE_READ},
	[RDMAP_READ_RESPONSE] = {.tagged = true},
	[RDMAP_SEND] = {.queue = DDP_QUEUE_SEND},
	[RDMAP_SEND_INVALIDATE] = {.queue = DDP_QUEUE_SEND, .invalidates = true},
	[RDMAP_SEND_SE] = {.queue = DDP_QUEUE_SEND, .solicited = true},
	[RDMAP_SEND_SE_INVALIDATE] = {.queue = DDP_QUEUE_SEND, .invalidates = true, .solicited = true},
	[RDMAP_TERMINATE] = {.queue = DDP_QUEUE_TERMINATE},
};

bool rdmap_read_request_decode(struct rd *r, struct rdmap_read_request *out)
{
	out->sink_tag = rd_u32_be(r);
	out->sink_offset = rd_u64_be(r);
	out->size = rd_u32_be(r);
	out->source_tag = rd_u32_be(r);
	out->source_offset = rd_u64_be(r);
	return !r->bad;
}

void rdmap_read_request_encode(struct wr *w, const struct rdmap_read_request *in)
{
	wr_u32_be(w, in->sink_tag);
	wr_u64_be(w, in->sink_offset);
	wr_u32_be(w, in->size);
	wr_u32_be(w, in->source_tag);
	wr_u64_be(w, in->source_offset);
}

static const struct {
	uint16_t error;
	const char *text;
} errors[] = {
	{ERR_RDMAP_LOCAL, "RDMAP: local catastrophic error"},
	{ERR_RDMAP_STAG, "RDMAP: invalid STag"},
	{ERR_RDMAP_BOUNDS, "RDMAP: base or bounds violation"},
	{ERR_RDMAP_RIGHTS, "RDMAP: access rights violation"},
	{ERR_RDMAP_STREAM_TAG, "RDMAP: STag not associated with the stream"},
	{ERR_RDMAP_WRAP, "RDMAP: tagged offset wraps"},
	{ERR_RDMAP_CANNOT_INVALIDATE, "RDMAP: STag cannot be invalidated"},
	{0x01ff, "RDMAP: unspecified protection error"},
	{ERR_RDMAP_VERSION, "RDMAP: invalid version"},
	{ERR_RDMAP_OPCODE, "RDMAP: unexpected opcode"},
	{ERR_RDMAP_STREAM, "RDMAP: catastrophic error of the stream"},
	{0x0208, "RDMAP: catastrophic error of the device"},
	{0x0209, "RDMAP: STag cannot be invalidated"},
	{ERR_RDMAP_UNSPECIFIED, "RDMAP: unspecified operation error"},
	{ERR_DDP_LOCAL, "DDP: local catastrophic error"},
	{ERR_DDP_STAG, "DDP: invalid STag"},
	{ERR_DDP_BOUNDS, "DDP: base or bounds violation"},
	{ERR_DDP_STREAM_TAG, "DDP: STag not associated with the stream"},
	{ERR_DDP_WRAP, "DDP: tagged offset wraps"},
	{ERR_DDP_TAGGED_VERSION, "DDP: invalid version"},
	{ERR_DDP_QUEUE, "DDP: invalid queue number"},
	{ERR_DDP_NO_BUFFER, "DDP: invalid message number, no buffer available"},
	{ERR_DDP_MSN, "DDP: invalid message number"},
	{ERR_DDP_MO, "DDP: invalid message offset"},
	{ERR_DDP_TOO_LONG, "DDP: message too long"},
	{ERR_DDP_UNTAGGED_VERSION, "DDP: invalid version"},
	{ERR_MPA_LOST, "MPA: TCP connection lost"},
	{ERR_MPA_CRC, "MPA: CRC error"},
	{ERR_MPA_LENGTH, "MPA: invalid FPDU length"},
	{ERR_MPA_FRAME, "MPA: invalid request or reply frame"},
	{ERR_MPA_LOCAL, "MPA: local catastrophic error"},
	{ERR_MPA_IRD, "MPA: insufficient IRD"},
	{ERR_MPA_RTR, "MPA: no matching RTR option"},
};

const char *rdmap_error_text(unsigned error)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].error == error)
			return errors[i].text;
	return "unknown error";
}

enum { LENGTH_VALID = 0x80, HAS_DDP = 0x40, HAS_RDMAP = 0x20 }; /* M, D, R */

/*
 * Which headers go with an error, RFC 5040 section 4.8: the DDP header with the errors that a segment made,
 * but not where its version says that it may be laid out otherwise; that of RDMAP, which only a Read Request
 * has, with errors found in it.
 */
static uint8_t headers_of(unsigned error, struct bytes failed)
{
	struct ddp_header h;
	struct rd r = rd_over(failed);
	unsigned layer_and_type = error >> 8;

	if (!ddp_decode(&r, &h) || layer_and_type == 0x00 || layer_and_type == 0x10 ||
		layer_and_type >= 0x20 || h.ddp_version != DDP_VERSION || error == ERR_RDMAP_VERSION)
		return 0;
	if (layer_and_type < 0x10 && h.opcode == RDMAP_READ_REQUEST && rd_left(&r) >= RDMAP_READ_REQUEST_SIZE)
		return LENGTH_VALID | HAS_DDP | HAS_RDMAP;
	return LENGTH_VALID | HAS_DDP;
}

void rdmap_terminate_encode(struct wr *w, unsigned error, struct bytes failed, size_t segment_length)
{
	uint8_t headers = headers_of(error, failed);

	wr_u16_be(w, error);
	wr_u8(w, headers);
	wr_u8(w, 0);
	if (!headers)
		return;
	size_t n = failed.data[0] & 0x80 ? DDP_TAGGED_SIZE : DDP_UNTAGGED_SIZE;
	wr_u16_be(w, segment_length);
	wr_bytes(w, BYTES(failed.data, headers & HAS_RDMAP ? n + RDMAP_READ_REQUEST_SIZE : n));
}

bool rdmap_terminate_decode(struct rd *r, unsigned *error)
{
	*error = rd_u16_be(r);
	rd_skip(r, 2);
	return !r->bad;
}
