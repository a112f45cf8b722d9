/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_MPA_H
#define RDMA_MPA_H

#include "wire/cursor.h"

/*
 * The frames that set an MPA connection up (RFC 5044 section 7.1, RFC 6581 section 9) and what two sides
 * agree on by them. No I/O, no state.
 */
enum {
	MPA_REVISION_1 = 1,
	MPA_REVISION_2 = 2,
	MPA_HEADER_SIZE = 20, /* key, flags, revision, length of the private data */
	MPA_ENHANCED_SIZE = 4,
	MPA_MAX_PRIVATE = 512,
	MPA_MAX_FRAME = MPA_HEADER_SIZE + MPA_MAX_PRIVATE,
	MPA_SMBD_SIZE = 8, /* [MS-SMBD] 6.1: IRD and ORD, 4 bytes each */
	MPA_IRD_ORD_MAX = 0x3fff,
};

/* Ready-to-receive indications for peer-to-peer use, RFC 6581 section 9.1. */
enum {
	MPA_RTR_FPDU = 1, /* a zero-length FPDU */
	MPA_RTR_WRITE = 2,
	MPA_RTR_READ = 4,
};

struct mpa_frame {
	bool reply;
	uint8_t revision;
	bool markers, crc, reject;
	bool enhanced; /* ird, ord, peer_to_peer, rtr are there */
	uint16_t ird, ord;
	bool peer_to_peer;
	unsigned rtr;
	struct bytes private_data; /* decode: borrowed; without the enhanced block */
};

/* Of the frame that begins with these MPA_HEADER_SIZE bytes; 0: it is none, or its private data is too long. */
size_t mpa_frame_size(const uint8_t *header, bool reply);

/* A whole frame. False: malformed. */
bool mpa_decode(struct rd *r, struct mpa_frame *out);
void mpa_encode(struct wr *w, const struct mpa_frame *in);

/* What a side wants; and what comes out. */
struct mpa_terms {
	uint8_t revision;
	bool crc;
	unsigned ird, ord; /* 1 to MPA_IRD_ORD_MAX */
};

/* private_data is put into blob, MPA_SMBD_SIZE bytes, where the revision has no other place for it. */
void mpa_request(const struct mpa_terms *want, uint8_t *blob, struct mpa_frame *request);

/*
 * Responder: the reply to a request, and the terms with it. NULL, or why not: then the reply is a rejection,
 * and is sent too.
 */
const char *mpa_answer(const struct mpa_frame *request, const struct mpa_terms *want, uint8_t *blob,
	struct mpa_frame *reply, struct mpa_terms *agreed);

/* Initiator: the terms that a reply gives. NULL, or why not; *error: the Terminate for the peer, or 0. */
const char *mpa_accept(const struct mpa_frame *reply, const struct mpa_terms *want, struct mpa_terms *agreed,
	unsigned *error);

#endif
