/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The client: the first byte says how far the exchange has gone before the server turns odd. */
#include "auth/auth.h"
#include "auth/ntlmssp.h"
#include "auth/spnego.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HINT, CHALLENGE_TOKEN, CHALLENGE_MESSAGE, LAST, POSITIONS };

static struct bytes good_challenge(TALLOC_CTX *mem)
{
	uint8_t buf[256];
	struct wr w = wr_over(buf, sizeof(buf));
	struct ntlm_challenge c = {.flags = 0xE28A8215, .target_info = BYTES("\0\0\0\0", 4)};
	struct spnego_token t = {
		.kind = SPNEGO_RESP, .state = SPNEGO_ACCEPT_INCOMPLETE, .names_ntlmssp = true};

	ntlm_challenge_encode(&w, &c);
	t.mech_token = BYTES(buf, w.pos);
	return spnego_encode_resp(mem, &t);
}

static void step_well(struct auth_client *c, struct bytes in)
{
	struct bytes out;

	if (auth_client_step(c, in, &out) != (ntstatus_t)STATUS_MORE_PROCESSING_REQUIRED || !out.len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	TALLOC_CTX *mem = talloc_new(NULL);
	struct auth_client *c = auth_client_new(mem, "user", "DOMAIN", "password", "host");
	unsigned position = data[0] % POSITIONS;
	struct bytes in = BYTES(data + 1, size - 1), out;
	struct spnego_token t = {.kind = SPNEGO_RESP, .state = SPNEGO_ACCEPT_INCOMPLETE, .mech_token = in};

	if (position > HINT)
		step_well(c, auth_server_hint(mem));
	if (position == CHALLENGE_MESSAGE)
		in = spnego_encode_resp(mem, &t);
	if (position == LAST)
		step_well(c, good_challenge(mem));
	ntstatus_t status = auth_client_step(c, in, &out);
	if (status_is_ok(status) && position != LAST)
		abort();
	talloc_free(mem);
	return 0;
}
