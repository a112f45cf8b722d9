/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/crypto.h"
#include "auth/ntlmssp.h"
#include "wire/utf16.h"

/* The upper case of UTF-16 as Windows makes it: unit by unit, so that surrogates stay. */
static bool upcase(struct bytes in, uint8_t *out)
{
	struct rd r = rd_over(in);
	struct wr w = wr_over(out, NTLM_NAME_MAX);

	while (rd_left(&r) && !w.bad) {
		uint16_t unit = rd_u16(&r);
		uint32_t upper = unicode_upcase(unit);
		wr_u16(&w, upper <= UINT16_MAX ? upper : unit);
	}
	return !r.bad && !w.bad;
}

bool ntlm_owf_v2(const uint8_t nt_hash[16], struct bytes user, struct bytes domain, uint8_t out[16])
{
	uint8_t upper[NTLM_NAME_MAX];

	if (!upcase(user, upper))
		return false;
	const struct bytes pieces[] = {BYTES(upper, user.len), domain};
	return crypto_hmac_md5v(nt_hash, pieces, ARRAY_SIZE(pieces), out);
}

bool ntlmv2_proof(const uint8_t owf[16], const uint8_t challenge[8], struct bytes temp, uint8_t out[16])
{
	const struct bytes pieces[] = {BYTES(challenge, NTLM_CHALLENGE_SIZE), temp};

	return crypto_hmac_md5v(owf, pieces, ARRAY_SIZE(pieces), out);
}

bool ntlmv2_session_base_key(const uint8_t owf[16], const uint8_t proof[16], uint8_t out[16])
{
	const struct bytes piece = BYTES(proof, 16);

	return crypto_hmac_md5v(owf, &piece, 1, out);
}

bool ntlm_mic(const uint8_t key[16], struct bytes negotiate, struct bytes challenge, struct bytes auth,
	uint8_t out[16])
{
	static const uint8_t zero[NTLM_MIC_SIZE];
	enum { AFTER = NTLM_MIC_OFFSET + NTLM_MIC_SIZE };

	if (auth.len < AFTER)
		return false;
	const struct bytes pieces[] = {negotiate, challenge, BYTES(auth.data, NTLM_MIC_OFFSET),
		BYTES(zero, sizeof(zero)), BYTES(auth.data + AFTER, auth.len - AFTER)};
	return crypto_hmac_md5v(key, pieces, ARRAY_SIZE(pieces), out);
}

/* The terminating zeros belong to the constants, [MS-NLMP] 3.4.5.2 and 3.4.5.3. */
#define MAGIC(from, to, what) \
	BYTES("session key to " from "-to-" to " " what " key magic constant", \
		sizeof("session key to " from "-to-" to " " what " key magic constant"))

static bool direction_key(const uint8_t exported_key[16], struct bytes magic, uint8_t out[16])
{
	const struct bytes pieces[] = {BYTES(exported_key, NTLM_KEY_SIZE), magic};

	return crypto_md5v(pieces, ARRAY_SIZE(pieces), out);
}

bool ntlm_sign(const uint8_t exported_key[16], uint32_t flags, bool from_server, struct bytes message,
	uint8_t out[16])
{
	static const uint8_t sequence[4]; /* the first message of its direction */
	const struct bytes signing =
		from_server ? MAGIC("server", "client", "signing") : MAGIC("client", "server", "signing");
	const struct bytes sealing =
		from_server ? MAGIC("server", "client", "sealing") : MAGIC("client", "server", "sealing");
	const struct bytes pieces[] = {BYTES(sequence, sizeof(sequence)), message};
	uint8_t key[16], digest[16];
	struct wr w = wr_over(out, 16);

	bool ok = direction_key(exported_key, signing, key) &&
		  crypto_hmac_md5v(key, pieces, ARRAY_SIZE(pieces), digest);
	if (ok && (flags & NTLMSSP_NEGOTIATE_KEY_EXCH))
		ok = direction_key(exported_key, sealing, key) && crypto_rc4(key, digest, 8);
	wr_u32(&w, 1);
	wr_bytes(&w, BYTES(digest, 8));
	wr_bytes(&w, BYTES(sequence, sizeof(sequence)));
	crypto_wipe(key, sizeof(key));
	return ok;
}
