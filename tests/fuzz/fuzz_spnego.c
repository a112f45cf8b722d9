/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/spnego.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was decoded as a response can be written, and reads the same again. */
static void round_trip(TALLOC_CTX *mem, const struct spnego_token *t)
{
	struct spnego_token again;
	struct bytes out = spnego_encode_resp(mem, t);

	if (out.len > SPNEGO_TOKEN_MAX)
		return;
	if (!spnego_decode(mem, out, &again) || again.state != t->state ||
		again.names_ntlmssp != t->names_ntlmssp || !bytes_equal(again.mech_token, t->mech_token) ||
		!bytes_equal(again.mic, t->mic) || !again.mech_token.data != !t->mech_token.data ||
		!again.mic.data != !t->mic.data)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct spnego_token t;

	if (spnego_decode(mem, BYTES(data, size), &t) && t.kind == SPNEGO_RESP)
		round_trip(mem, &t);
	talloc_free(mem);
	return 0;
}
