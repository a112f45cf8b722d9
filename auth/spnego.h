/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_SPNEGO_H
#define AUTH_SPNEGO_H

#include "core/bytes.h"

#include <talloc.h>

/* SPNEGO tokens, RFC 4178 4.2 and [MS-SPNG] 2.2.1. The only mechanism spoken is NTLMSSP. */

enum { SPNEGO_TOKEN_MAX = 64 * 1024, SPNEGO_MECH_LIST_MAX = 1024 };

enum spnego_kind { SPNEGO_INIT, SPNEGO_RESP };

enum spnego_state {
	SPNEGO_ACCEPT_COMPLETED, SPNEGO_ACCEPT_INCOMPLETE, SPNEGO_REJECT, SPNEGO_REQUEST_MIC,
	SPNEGO_NO_STATE, /* field absent */
};

struct spnego_token {
	enum spnego_kind kind;
	/* NegTokenInit */
	struct bytes mech_types; /* DER, as it was sent: what the MIC is computed over */
	bool offers_ntlmssp, prefers_ntlmssp;
	/* NegTokenResp */
	enum spnego_state state;
	bool names_mech, names_ntlmssp; /* supportedMech */
	/* both; data NULL: absent */
	struct bytes mech_token; /* mechToken or responseToken */
	struct bytes mic;
};

/* Views in out are allocated under mem. False if it is neither token, malformed, or too large. */
bool spnego_decode(TALLOC_CTX *mem, struct bytes in, struct spnego_token *out);

/*
 * mech_types and flags of `in` are those of NTLMSSP alone. A hint is the NegTokenInit2 of a server's
 * NEGOTIATE response.
 */
struct bytes spnego_encode_init(TALLOC_CTX *mem, struct bytes mech_token);
struct bytes spnego_encode_hint(TALLOC_CTX *mem);

/*
 * state may be SPNEGO_NO_STATE; names_ntlmssp, mech_token and mic of `in` say which other fields are written.
 */
struct bytes spnego_encode_resp(TALLOC_CTX *mem, const struct spnego_token *in);

/* DER of the MechTypeList that spnego_encode_init writes. */
extern const struct bytes spnego_own_mech_types;

#endif
