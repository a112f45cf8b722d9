/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/ntlmssp.h"

/* The signature counts its terminating zero. */
static const uint8_t signature[8] = "NTLMSSP";

/* VERSION, [MS-NLMP] 2.2.2.10: for debugging only; the last byte is NTLMSSP_REVISION_W2K3. */
static const uint8_t version[8] = {6, 1, 0, 0, 0, 0, 0, 15};

enum { NEGOTIATE_SIZE = 40, CHALLENGE_SIZE = 56, AUTHENTICATE_SIZE = NTLM_MIC_OFFSET + NTLM_MIC_SIZE };

bool ntlm_is_message(struct bytes in)
{
	return in.len >= sizeof(signature) && memcmp(in.data, signature, sizeof(signature)) == 0;
}

static bool rd_start(struct rd *r, enum ntlm_message type)
{
	struct bytes s = rd_bytes(r, sizeof(signature));

	return ntlm_is_message(s) && rd_u32(r) == (uint32_t)type;
}

static void wr_start(struct wr *w, enum ntlm_message type)
{
	wr_bytes(w, BYTES(signature, sizeof(signature)));
	wr_u32(w, type);
}

/* Len, MaxLen (ignored), BufferOffset: [MS-NLMP] 2.2.1. */
static struct bytes rd_field(struct rd *r)
{
	uint16_t len = rd_u16(r);

	rd_skip(r, 2);
	return rd_window(r, rd_u32(r), len);
}

/* Writes the descriptor of a field whose bytes come at *at, which moves behind them. */
static void wr_field(struct wr *w, struct bytes b, size_t *at)
{
	wr_u16(w, b.len);
	wr_u16(w, b.len);
	wr_u32(w, *at);
	*at += b.len;
}

/* Older clients end before the domain, the workstation or the version; nothing there is of use. */
bool ntlm_negotiate_decode(struct bytes in, uint32_t *flags)
{
	struct rd r = rd_over(in);
	bool ok = rd_start(&r, NTLM_NEGOTIATE);

	*flags = rd_u32(&r);
	return ok && !r.bad;
}

void ntlm_negotiate_encode(struct wr *w, uint32_t flags)
{
	size_t at = NEGOTIATE_SIZE;

	wr_start(w, NTLM_NEGOTIATE);
	wr_u32(w, flags);
	wr_field(w, BYTES(NULL, 0), &at);
	wr_field(w, BYTES(NULL, 0), &at);
	wr_bytes(w, BYTES(version, sizeof(version)));
}

bool ntlm_challenge_decode(struct bytes in, struct ntlm_challenge *out)
{
	struct rd r = rd_over(in);
	bool ok = rd_start(&r, NTLM_CHALLENGE);

	out->target_name = rd_field(&r);
	out->flags = rd_u32(&r);
	rd_copy(&r, out->challenge, sizeof(out->challenge));
	rd_skip(&r, 8);
	out->target_info = rd_field(&r);
	return ok && !r.bad;
}

void ntlm_challenge_encode(struct wr *w, const struct ntlm_challenge *in)
{
	size_t at = CHALLENGE_SIZE;

	wr_start(w, NTLM_CHALLENGE);
	wr_field(w, in->target_name, &at);
	wr_u32(w, in->flags);
	wr_bytes(w, BYTES(in->challenge, sizeof(in->challenge)));
	wr_zero(w, 8);
	wr_field(w, in->target_info, &at);
	wr_bytes(w, BYTES(version, sizeof(version)));
	wr_bytes(w, in->target_name);
	wr_bytes(w, in->target_info);
}

bool ntlm_authenticate_decode(struct bytes in, struct ntlm_authenticate *out)
{
	struct rd r = rd_over(in);
	bool ok = rd_start(&r, NTLM_AUTHENTICATE);

	out->lm_response = rd_field(&r);
	out->nt_response = rd_field(&r);
	out->domain = rd_field(&r);
	out->user = rd_field(&r);
	out->workstation = rd_field(&r);
	out->session_key = rd_field(&r);
	out->flags = rd_u32(&r);
	ok = ok && !r.bad && out->domain.len <= NTLM_NAME_MAX && out->user.len <= NTLM_NAME_MAX &&
	     out->workstation.len <= NTLM_NAME_MAX;
	/*
	 * Clients that know no version or MIC put their payload here: whether these are a MIC, MsvAvFlags
	 * says.
	 */
	struct rd m = rd_over(in);
	rd_seek(&m, NTLM_MIC_OFFSET);
	rd_copy(&m, out->mic, sizeof(out->mic));
	return ok;
}

void ntlm_authenticate_encode(struct wr *w, const struct ntlm_authenticate *in)
{
	size_t at = AUTHENTICATE_SIZE;

	wr_start(w, NTLM_AUTHENTICATE);
	wr_field(w, in->lm_response, &at);
	wr_field(w, in->nt_response, &at);
	wr_field(w, in->domain, &at);
	wr_field(w, in->user, &at);
	wr_field(w, in->workstation, &at);
	wr_field(w, in->session_key, &at);
	wr_u32(w, in->flags);
	wr_bytes(w, BYTES(version, sizeof(version)));
	wr_bytes(w, BYTES(in->mic, sizeof(in->mic)));
	wr_bytes(w, in->lm_response);
	wr_bytes(w, in->nt_response);
	wr_bytes(w, in->domain);
	wr_bytes(w, in->user);
	wr_bytes(w, in->workstation);
	wr_bytes(w, in->session_key);
}

bool ntlm_av_next(struct rd *r, uint16_t *id, struct bytes *value)
{
	*id = rd_u16(r);
	*value = rd_bytes(r, rd_u16(r));
	return !r->bad && *id != NTLM_AV_EOL;
}

bool ntlm_av_find(struct bytes list, uint16_t id, struct bytes *value)
{
	struct rd r = rd_over(list);
	struct bytes v;
	uint16_t i;

	while (ntlm_av_next(&r, &i, &v)) {
		if (i != id)
			continue;
		*value = v;
		return true;
	}
	return false;
}

/* No pair runs over the end; a list that stops without a terminator is read as far as it goes. */
static bool av_list_is_whole(struct bytes list)
{
	struct rd r = rd_over(list);
	struct bytes v;
	uint16_t i;

	while (rd_left(&r) && ntlm_av_next(&r, &i, &v))
		;
	return !r.bad;
}

void ntlm_av_put(struct wr *w, uint16_t id, struct bytes value)
{
	wr_u16(w, id);
	wr_u16(w, value.len);
	wr_bytes(w, value);
}

bool ntlmv2_response_decode(struct bytes in, struct ntlmv2_response *out)
{
	struct rd r = rd_over(in);
	struct bytes flags;

	out->proof = rd_bytes(&r, NTLM_KEY_SIZE);
	out->temp = rd_window(&r, NTLM_KEY_SIZE, rd_left(&r));
	/* NTLMv2_CLIENT_CHALLENGE, [MS-NLMP] 2.2.2.7 */
	bool known = rd_u8(&r) == 1;
	known &= rd_u8(&r) == 1;
	rd_skip(&r, 2 + 4);
	out->timestamp = rd_u64(&r);
	rd_skip(&r, NTLM_CHALLENGE_SIZE + 4);
	struct bytes pairs = rd_bytes(&r, rd_left(&r));
	out->has_mic = ntlm_av_find(pairs, NTLM_AV_FLAGS, &flags) && flags.len == 4 &&
		       (flags.data[0] & NTLM_AV_FLAG_MIC);
	out->malformed = known && !r.bad && !av_list_is_whole(pairs);
	return known && !r.bad;
}
