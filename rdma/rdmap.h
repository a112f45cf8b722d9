/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_RDMAP_H
#define RDMA_RDMAP_H

#include "rdma/ddp.h"

/* RDMAP messages, RFC 5040 section 4. */
enum rdmap_opcode {
	RDMAP_WRITE,
	RDMAP_READ_REQUEST,
	RDMAP_READ_RESPONSE,
	RDMAP_SEND,
	RDMAP_SEND_INVALIDATE,
	RDMAP_SEND_SE,
	RDMAP_SEND_SE_INVALIDATE,
	RDMAP_TERMINATE,
	RDMAP_OPCODES,
};

/* Which way of DDP an opcode takes: tagged, or the queue (RFC 5040 section 4.1, figure 3). */
struct rdmap_kind {
	bool tagged;
	uint8_t queue;
	bool invalidates, solicited;
};
extern const struct rdmap_kind rdmap_kinds[RDMAP_OPCODES];

/* RFC 5040 section 4.4 */
struct rdmap_read_request {
	uint32_t sink_tag;
	uint64_t sink_offset;
	uint32_t size;
	uint32_t source_tag;
	uint64_t source_offset;
};
enum { RDMAP_READ_REQUEST_SIZE = 28 };

bool rdmap_read_request_decode(struct rd *r, struct rdmap_read_request *out);
void rdmap_read_request_encode(struct wr *w, const struct rdmap_read_request *in);

/*
 * Why a stream is terminated: layer, error type and error code as one number 0xLTCC (RFC 5040 section 4.8;
 * RFC 5044 section 8; RFC 6581 section 9.3).
 */
enum rdmap_error {
	ERR_RDMAP_LOCAL = 0x0000, /* local catastrophic error */
	ERR_RDMAP_STAG = 0x0100,  /* remote protection errors */
	ERR_RDMAP_BOUNDS = 0x0101,
	ERR_RDMAP_RIGHTS = 0x0102,
	ERR_RDMAP_STREAM_TAG = 0x0103,
	ERR_RDMAP_WRAP = 0x0104,
	ERR_RDMAP_CANNOT_INVALIDATE = 0x0109,
	ERR_RDMAP_VERSION = 0x0205, /* remote operation errors */
	ERR_RDMAP_OPCODE = 0x0206,
	ERR_RDMAP_STREAM = 0x0207,
	ERR_RDMAP_UNSPECIFIED = 0x02ff,
	ERR_DDP_LOCAL = 0x1000,
	ERR_DDP_STAG = 0x1100, /* tagged buffer errors */
	ERR_DDP_BOUNDS = 0x1101,
	ERR_DDP_STREAM_TAG = 0x1102,
	ERR_DDP_WRAP = 0x1103,
	ERR_DDP_TAGGED_VERSION = 0x1104,
	ERR_DDP_QUEUE = 0x1201, /* untagged buffer errors */
	ERR_DDP_NO_BUFFER = 0x1202,
	ERR_DDP_MSN = 0x1203,
	ERR_DDP_MO = 0x1204,
	ERR_DDP_TOO_LONG = 0x1205,
	ERR_DDP_UNTAGGED_VERSION = 0x1206,
	ERR_MPA_LOST = 0x2001,
	ERR_MPA_CRC = 0x2002,
	ERR_MPA_LENGTH = 0x2003, /* markers and length do not agree */
	ERR_MPA_FRAME = 0x2004,  /* invalid request or reply frame */
	ERR_MPA_LOCAL = 0x2005,
	ERR_MPA_IRD = 0x2006,
	ERR_MPA_RTR = 0x2007,
};

/* "DDP: base or bounds violation"; never NULL. */
const char *rdmap_error_text(unsigned error);

/* The payload of a Terminate: at most this. */
enum { RDMAP_TERMINATE_SIZE = 4 + 2 + DDP_UNTAGGED_SIZE + RDMAP_READ_REQUEST_SIZE };

/*
 * failed: the start of the DDP segment in error, as much as is there, or empty; segment_length: its whole
 * length. The headers that RFC 5040 wants with this error are taken from it.
 */
void rdmap_terminate_encode(struct wr *w, unsigned error, struct bytes failed, size_t segment_length);

/* False: too short to say why. */
bool rdmap_terminate_decode(struct rd *r, unsigned *error);

#endif
