/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 *   owner: the session being set up, one thread
 *
 *   START --NegTokenInit--> GOING --NegTokenResp ...--> ENDED        (SPNEGO, RFC 4178)
 *   START --"NTLMSSP"-----> GOING --"NTLMSSP"--------> ENDED        (bare)
 *
 * An error ends the exchange too; nothing is taken after the end.
 */
#include "auth/auth.h"

#include "auth/crypto.h"
#include "auth/ntlm_server.h"
#include "auth/ntlmssp.h"
#include "auth/spnego.h"

enum progress { START, GOING, ENDED };

struct auth_server {
	enum progress progress;
	bool bare;       /* no SPNEGO around */
	bool mic_needed; /* RFC 4178 5: the client would have preferred another mechanism */
	bool named_mech; /* supportedMech has been sent */
	struct bytes mech_types;
	struct ntlm_server *ntlm;
};

struct bytes auth_server_hint(TALLOC_CTX *mem)
{
	return spnego_encode_hint(mem);
}

struct auth_server *auth_server_new(TALLOC_CTX *mem, const struct auth_policy *policy, bool signing_required)
{
	struct auth_server *a = talloc_zero(mem, struct auth_server);

	if (!a)
		return NULL;
	a->ntlm = ntlm_server_new(a, policy, signing_required);
	if (!a->ntlm) {
		talloc_free(a);
		return NULL;
	}
	return a;
}

static ntstatus_t answer(
	struct auth_server *a, ntstatus_t status, const struct spnego_token *t, struct bytes *out)
{
	*out = spnego_encode_resp(a, t);
	return out->data ? status : STATUS_NO_MEMORY;
}

/*
 * The last token: the client's MIC over the list of mechanisms is checked and answered with our own. Who
 * preferred NTLMSSP may leave it out, RFC 4178 5.
 */
static ntstatus_t finish(struct auth_server *a, struct bytes client_mic, struct bytes *out)
{
	const struct auth_result *r = ntlm_server_result(a->ntlm);
	struct spnego_token t = {.kind = SPNEGO_RESP, .state = SPNEGO_ACCEPT_COMPLETED};
	bool keyless = r->guest || r->anonymous;
	uint8_t want[16], own[16];
	bool right = client_mic.len == sizeof(want) &&
		     ntlm_server_sign(a->ntlm, false, a->mech_types, want) &&
		     crypto_equal(want, client_mic.data, sizeof(want));

	if (!right && !keyless && (client_mic.data || a->mic_needed))
		return STATUS_LOGON_FAILURE;
	if (right) {
		if (!ntlm_server_sign(a->ntlm, true, a->mech_types, own))
			return STATUS_INTERNAL_ERROR;
		t.mic = BYTES(own, sizeof(own));
	}
	return answer(a, STATUS_SUCCESS, &t, out);
}

static ntstatus_t feed_ntlm(struct auth_server *a, const struct spnego_token *in, struct bytes *out)
{
	struct spnego_token t = {
		.kind = SPNEGO_RESP, .state = SPNEGO_ACCEPT_INCOMPLETE, .names_ntlmssp = !a->named_mech};
	ntstatus_t status = ntlm_server_step(a->ntlm, in->mech_token, &t.mech_token);

	if (status_is_ok(status))
		return finish(a, in->mic, out);
	if (status != STATUS_MORE_PROCESSING_REQUIRED)
		return status;
	a->named_mech = true;
	return answer(a, status, &t, out);
}

static ntstatus_t on_init(struct auth_server *a, const struct spnego_token *in, struct bytes *out)
{
	struct spnego_token t = {
		.kind = SPNEGO_RESP, .state = SPNEGO_ACCEPT_INCOMPLETE, .names_ntlmssp = true};

	if (!in->offers_ntlmssp)
		return STATUS_LOGON_FAILURE;
	a->mech_types = in->mech_types;
	if (in->prefers_ntlmssp && in->mech_token.data)
		return feed_ntlm(a, in, out);
	/* The token, if there is one, is of a mechanism that we do not speak (Kerberos): RFC 4178 4.2.2. */
	if (!in->prefers_ntlmssp) {
		a->mic_needed = true;
		t.state = SPNEGO_REQUEST_MIC;
	}
	a->named_mech = true;
	return answer(a, STATUS_MORE_PROCESSING_REQUIRED, &t, out);
}

static ntstatus_t on_resp(struct auth_server *a, const struct spnego_token *in, struct bytes *out)
{
	if (in->state == SPNEGO_REJECT)
		return STATUS_LOGON_FAILURE;
	return in->mech_token.data ? feed_ntlm(a, in, out) : STATUS_INVALID_PARAMETER;
}

static ntstatus_t step_spnego(struct auth_server *a, struct bytes in, struct bytes *out)
{
	struct spnego_token t;

	if (!spnego_decode(a, in, &t))
		return STATUS_INVALID_PARAMETER;
	if ((t.kind == SPNEGO_INIT) != (a->progress == START))
		return STATUS_INVALID_PARAMETER;
	return t.kind == SPNEGO_INIT ? on_init(a, &t, out) : on_resp(a, &t, out);
}

ntstatus_t auth_server_step(struct auth_server *a, struct bytes in, struct bytes *out)
{
	ntstatus_t status = STATUS_INVALID_PARAMETER;

	*out = BYTES(NULL, 0);
	if (a->progress == START)
		a->bare = ntlm_is_message(in);
	if (a->progress != ENDED && in.len <= SPNEGO_TOKEN_MAX)
		status = a->bare ? ntlm_server_step(a->ntlm, in, out) : step_spnego(a, in, out);
	a->progress = status == STATUS_MORE_PROCESSING_REQUIRED ? GOING : ENDED;
	return status;
}

const struct auth_result *auth_server_result(const struct auth_server *a)
{
	return ntlm_server_result(a->ntlm);
}
