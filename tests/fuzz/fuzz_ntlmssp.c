/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The server: the first byte says whether a good first message goes before, and how it is wrapped. */
#include "auth/auth.h"
#include "auth/ntlmssp.h"
#include "auth/spnego.h"
#include "core/log.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BEGUN = 1, WRAPPED = 2, SIGNING = 4 };

static const struct auth_policy policy = {.netbios_name = "SERVER",
	.dns_name = "server.example.org",
	.workgroup = "HOME",
	.guest_account = "nobody",
	.map_to_guest = MAP_TO_GUEST_BAD_USER,
	.allow_anonymous = true};

static void begin(TALLOC_CTX *mem, struct auth_server *s, bool wrapped)
{
	uint8_t buf[64];
	struct wr w = wr_over(buf, sizeof(buf));
	struct bytes out;

	ntlm_negotiate_encode(&w, 0xE2088297);
	struct bytes message = BYTES(buf, w.pos);
	if (auth_server_step(s, wrapped ? spnego_encode_init(mem, message) : message, &out) !=
		(ntstatus_t)STATUS_MORE_PROCESSING_REQUIRED)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_threshold[LOGC_auth] = -1; /* every guest is worth a warning */
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	TALLOC_CTX *mem = talloc_new(NULL);
	struct auth_server *s = auth_server_new(mem, &policy, data[0] & SIGNING);
	struct spnego_token t = {
		.kind = SPNEGO_RESP, .state = SPNEGO_NO_STATE, .mech_token = BYTES(data + 1, size - 1)};
	struct bytes out;

	if (data[0] & BEGUN)
		begin(mem, s, data[0] & WRAPPED);
	/* Wrapped here, so that the fuzzer need not find lengths of DER; fuzz_spnego does that. */
	struct bytes in = t.mech_token;
	if (data[0] & WRAPPED)
		in = data[0] & BEGUN ? spnego_encode_resp(mem, &t) : spnego_encode_init(mem, in);
	ntstatus_t status = auth_server_step(s, in, &out);
	/* There is no password to know: who gets in is a guest or anonymous. */
	const struct auth_result *r = auth_server_result(s);
	if (status_is_ok(status) && !r->guest && !r->anonymous)
		abort();
	if (status_is_ok(status) && r->guest && (data[0] & SIGNING))
		abort();
	talloc_free(mem);
	return 0;
}
