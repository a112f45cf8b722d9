/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_NTLMSSP_H
#define AUTH_NTLMSSP_H

#include "wire/cursor.h"

#include <talloc.h>

/*
 * NTLMSSP messages and keys, [MS-NLMP]. Codecs only: no state, no policy. Strings are UTF-16LE and borrowed.
 */

enum { /* NEGOTIATE flags, [MS-NLMP] 2.2.2.5 */
	NTLMSSP_NEGOTIATE_UNICODE = 0x00000001,
	NTLMSSP_REQUEST_TARGET = 0x00000004,
	NTLMSSP_NEGOTIATE_SIGN = 0x00000010,
	NTLMSSP_NEGOTIATE_SEAL = 0x00000020,
	NTLMSSP_NEGOTIATE_NTLM = 0x00000200,
	NTLMSSP_ANONYMOUS = 0x00000800,
	NTLMSSP_NEGOTIATE_ALWAYS_SIGN = 0x00008000,
	NTLMSSP_TARGET_TYPE_SERVER = 0x00020000,
	NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY = 0x00080000,
	NTLMSSP_NEGOTIATE_TARGET_INFO = 0x00800000,
	NTLMSSP_NEGOTIATE_VERSION = 0x02000000,
	NTLMSSP_NEGOTIATE_128 = 0x20000000,
	NTLMSSP_NEGOTIATE_KEY_EXCH = 0x40000000,
};
#define NTLMSSP_NEGOTIATE_56 0x80000000u

enum ntlm_message { NTLM_NEGOTIATE = 1, NTLM_CHALLENGE = 2, NTLM_AUTHENTICATE = 3 };

enum { NTLM_KEY_SIZE = 16, NTLM_CHALLENGE_SIZE = 8, NTLM_MIC_OFFSET = 72, NTLM_MIC_SIZE = 16 };
enum { NTLM_NAME_MAX = 512 };

struct ntlm_challenge {
	uint32_t flags;
	uint8_t challenge[NTLM_CHALLENGE_SIZE];
	struct bytes target_name, target_info;
};

struct ntlm_authenticate {
	uint32_t flags;
	struct bytes lm_response, nt_response, domain, user, workstation, session_key;
	uint8_t mic[NTLM_MIC_SIZE]; /* meaning something only if MsvAvFlags says so */
};

bool ntlm_is_message(struct bytes in); /* starts with NTLMSSP's signature */
bool ntlm_negotiate_decode(struct bytes in, uint32_t *flags);
bool ntlm_challenge_decode(struct bytes in, struct ntlm_challenge *out);
/* False too for names longer than NTLM_NAME_MAX bytes. */
bool ntlm_authenticate_decode(struct bytes in, struct ntlm_authenticate *out);

void ntlm_negotiate_encode(struct wr *w, uint32_t flags);
void ntlm_challenge_encode(struct wr *w, const struct ntlm_challenge *in);
void ntlm_authenticate_encode(struct wr *w, const struct ntlm_authenticate *in);

enum { /* AvId, [MS-NLMP] 2.2.2.1 */
	NTLM_AV_EOL = 0, NTLM_AV_NB_COMPUTER = 1, NTLM_AV_NB_DOMAIN = 2, NTLM_AV_DNS_COMPUTER = 3,
	NTLM_AV_DNS_DOMAIN = 4, NTLM_AV_FLAGS = 6, NTLM_AV_TIMESTAMP = 7, NTLM_AV_TARGET_NAME = 9,
	NTLM_AV_CHANNEL_BINDINGS = 10,
};
enum { NTLM_AV_FLAG_MIC = 0x2 };

/* Moves over one pair; false at the end marker or when the list is malformed (r->bad). */
bool ntlm_av_next(struct rd *r, uint16_t *id, struct bytes *value);
/* False if it is not there, or if the list is malformed. */
bool ntlm_av_find(struct bytes list, uint16_t id, struct bytes *value);
void ntlm_av_put(struct wr *w, uint16_t id, struct bytes value);

/* NTLMv2_RESPONSE, [MS-NLMP] 2.2.2.8. */
struct ntlmv2_response {
	struct bytes proof; /* 16 bytes */
	struct bytes temp;  /* NTLMv2_CLIENT_CHALLENGE: what the proof is computed over */
	uint64_t timestamp; /* NTTIME */
	bool has_mic;
	bool malformed; /* the target information is no list of AV pairs */
};
bool ntlmv2_response_decode(struct bytes in, struct ntlmv2_response *out);

/* Keys. False only when the crypto library fails. */
bool ntlm_owf_v2(const uint8_t nt_hash[16], struct bytes user, struct bytes domain, uint8_t out[16]);
bool ntlmv2_proof(const uint8_t owf[16], const uint8_t challenge[8], struct bytes temp, uint8_t out[16]);
bool ntlmv2_session_base_key(const uint8_t owf[16], const uint8_t proof[16], uint8_t out[16]);
/* auth's MIC field counts as zeros. */
bool ntlm_mic(const uint8_t key[16], struct bytes negotiate, struct bytes challenge, struct bytes auth,
	uint8_t out[16]);

/*
 * GSS_GetMIC for the first message of one direction with extended session security and 128 bits, [MS-NLMP]
 * 3.4.4.2.
 */
bool ntlm_sign(const uint8_t exported_key[16], uint32_t flags, bool from_server, struct bytes message,
	uint8_t out[16]);

#endif
