/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/mpa.h"

#include "rdma/rdmap.h"

enum { KEY_SIZE = 16, MARKERS = 0x80, CRC = 0x40, REJECT = 0x20, ENHANCED = 0x10 };
enum { PEER_TO_PEER = 0x8000, FPDU_RTR = 0x4000, WRITE_RTR = 0x8000, READ_RTR = 0x4000 };

static struct bytes key_of(bool reply)
{
	return BYTES(reply ? "MPA ID Rep Frame" : "MPA ID Req Frame", KEY_SIZE);
}

size_t mpa_frame_size(const uint8_t *header, bool reply)
{
	size_t private_size = (size_t)header[MPA_HEADER_SIZE - 2] << 8 | header[MPA_HEADER_SIZE - 1];

	if (!bytes_equal(BYTES(header, KEY_SIZE), key_of(reply)) || private_size > MPA_MAX_PRIVATE)
		return 0;
	return MPA_HEADER_SIZE + private_size;
}

static void decode_enhanced(struct rd *r, struct mpa_frame *out)
{
	uint16_t ird = rd_u16_be(r), ord = rd_u16_be(r);

	out->ird = ird & MPA_IRD_ORD_MAX;
	out->ord = ord & MPA_IRD_ORD_MAX;
	out->peer_to_peer = ird & PEER_TO_PEER;
	out->rtr = (ird & FPDU_RTR ? MPA_RTR_FPDU : 0) | (ord & WRITE_RTR ? MPA_RTR_WRITE : 0) |
		   (ord & READ_RTR ? MPA_RTR_READ : 0);
}

bool mpa_decode(struct rd *r, struct mpa_frame *out)
{
	struct bytes key = rd_bytes(r, KEY_SIZE);
	uint8_t flags = rd_u8(r);

	*out = (struct mpa_frame){
		.reply = bytes_equal(key, key_of(true)),
		.markers = flags & MARKERS,
		.crc = flags & CRC,
		.reject = flags & REJECT,
	};
	out->revision = rd_u8(r);
	size_t private_size = rd_u16_be(r);
	/* RFC 6581 section 9: the flag was reserved before revision 2, and to be ignored. */
	out->enhanced = out->revision >= MPA_REVISION_2 && (flags & ENHANCED);
	if (private_size != rd_left(r) || private_size > MPA_MAX_PRIVATE ||
		(!out->reply && !bytes_equal(key, key_of(false))))
		return false;
	/* A rejection of old may echo the flag without the block. */
	if (out->enhanced && out->reject && private_size < MPA_ENHANCED_SIZE)
		out->enhanced = false;
	if (out->enhanced)
		decode_enhanced(r, out);
	out->private_data = rd_bytes(r, rd_left(r));
	return !r->bad;
}

void mpa_encode(struct wr *w, const struct mpa_frame *in)
{
	wr_bytes(w, key_of(in->reply));
	wr_u8(w, (in->markers ? MARKERS : 0) | (in->crc ? CRC : 0) | (in->reject ? REJECT : 0) |
			 (in->enhanced ? ENHANCED : 0));
	wr_u8(w, in->revision);
	wr_u16_be(w, (in->enhanced ? MPA_ENHANCED_SIZE : 0) + in->private_data.len);
	if (in->enhanced) {
		wr_u16_be(w, in->ird | (in->peer_to_peer ? PEER_TO_PEER : 0) |
				     (in->rtr & MPA_RTR_FPDU ? FPDU_RTR : 0));
		wr_u16_be(w, in->ord | (in->rtr & MPA_RTR_WRITE ? WRITE_RTR : 0) |
				     (in->rtr & MPA_RTR_READ ? READ_RTR : 0));
	}
	wr_bytes(w, in->private_data);
}

static unsigned at_least_1(unsigned n)
{
	return n ? n : 1;
}

static unsigned least(unsigned a, unsigned b)
{
	return at_least_1(a < b ? a : b);
}

/*
 * [MS-SMBD] 6.1: big-endian; old versions of the Linux client wrote it the other way round. No side has so
 * many Reads that the two could be confused.
 */
static unsigned blob_number(struct rd *r)
{
	uint32_t v = rd_u32_be(r);

	if (v > UINT16_MAX)
		v = __builtin_bswap32(v);
	return v > MPA_IRD_ORD_MAX ? MPA_IRD_ORD_MAX : v;
}

/* What the peer can do bounds what we ask of it: our ORD by its IRD, our IRD by its ORD. */
static void bound(struct mpa_terms *terms, const struct mpa_frame *peer)
{
	struct rd r = rd_over(peer->private_data);

	if (peer->enhanced) {
		terms->ord = least(terms->ord, peer->ird);
		terms->ird = least(terms->ird, peer->ord);
	}
	if (rd_left(&r) == MPA_SMBD_SIZE) {
		terms->ord = least(terms->ord, blob_number(&r));
		terms->ird = least(terms->ird, blob_number(&r));
	}
}

static struct bytes fill_blob(uint8_t *blob, const struct mpa_terms *terms)
{
	struct wr w = wr_over(blob, MPA_SMBD_SIZE);

	wr_u32_be(&w, terms->ird);
	wr_u32_be(&w, terms->ord);
	return BYTES(blob, MPA_SMBD_SIZE);
}

void mpa_request(const struct mpa_terms *want, uint8_t *blob, struct mpa_frame *request)
{
	*request = (struct mpa_frame){
		.revision = want->revision,
		.crc = want->crc,
		.enhanced = want->revision >= MPA_REVISION_2,
		.ird = (uint16_t)want->ird,
		.ord = (uint16_t)want->ord,
	};
	if (!request->enhanced)
		request->private_data = fill_blob(blob, want);
}

/* RFC 6581 section 9.1: one of the indications that are offered; a Write where the peer leaves it open. */
static unsigned choose_rtr(unsigned offered)
{
	if (offered & MPA_RTR_WRITE || !offered)
		return MPA_RTR_WRITE;
	return offered & MPA_RTR_READ ? MPA_RTR_READ : MPA_RTR_FPDU;
}

static const char *refusal(const struct mpa_frame *request)
{
	if (request->revision != MPA_REVISION_1 && request->revision != MPA_REVISION_2)
		return "MPA: unknown revision";
	if (request->markers)
		return "MPA: the peer wants markers";
	return NULL;
}

const char *mpa_answer(const struct mpa_frame *request, const struct mpa_terms *want, uint8_t *blob,
	struct mpa_frame *reply, struct mpa_terms *agreed)
{
	const char *why = refusal(request);

	*agreed = *want;
	agreed->crc |= request->crc; /* RFC 5044 section 7.1: used if either side says so */
	agreed->revision = request->revision == MPA_REVISION_1 ? MPA_REVISION_1 : MPA_REVISION_2;
	bound(agreed, request);
	*reply = (struct mpa_frame){
		.reply = true,
		.revision = agreed->revision,
		.crc = agreed->crc,
		.reject = why,
		.enhanced = request->enhanced,
		.ird = (uint16_t)agreed->ird,
		.ord = (uint16_t)agreed->ord,
		.peer_to_peer = request->peer_to_peer,
		.rtr = request->peer_to_peer ? choose_rtr(request->rtr) : 0,
	};
	if (!request->enhanced && request->private_data.len == MPA_SMBD_SIZE)
		reply->private_data = fill_blob(blob, agreed);
	return why;
}

const char *mpa_accept(const struct mpa_frame *reply, const struct mpa_terms *want, struct mpa_terms *agreed,
	unsigned *error)
{
	*error = 0;
	*agreed = *want;
	if (reply->reject)
		return "MPA: rejected by the peer";
	if (reply->markers)
		return "MPA: the peer wants markers";
	/* RFC 6581 section 8: a reply has the request's revision, or 1 from who knows no other. */
	*error = ERR_MPA_FRAME;
	if (reply->revision < MPA_REVISION_1 || reply->revision > want->revision)
		return "MPA: unknown revision";
	if (reply->enhanced != (reply->revision >= MPA_REVISION_2))
		return "MPA: a reply without IRD and ORD";
	/* RFC 6581 section 9.2: the responder's ORD is to be no more than our IRD. */
	*error = ERR_MPA_IRD;
	if (reply->enhanced && reply->ord > want->ird)
		return "MPA: insufficient IRD";
	*error = 0;
	agreed->crc |= reply->crc;
	agreed->revision = reply->revision;
	bound(agreed, reply);
	return NULL;
}
