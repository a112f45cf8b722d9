/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 *   owner: the client's session, one thread
 *
 *   START --server's hint--> SENT_NEGOTIATE --CHALLENGE--> SENT_AUTHENTICATE --accept--> DONE
 *
 * Any error ends the exchange: ENDED takes nothing more.
 */
#include "auth/auth.h"

#include "auth/crypto.h"
#include "auth/ntlmssp.h"
#include "auth/spnego.h"
#include "auth/userdb.h"
#include "core/clock.h"
#include "core/random.h"
#include "wire/utf16.h"

enum stage { START, SENT_NEGOTIATE, SENT_AUTHENTICATE, DONE, ENDED };

/* Bytes of a message besides the names and what the server's target information brings. */
enum { NEGOTIATE_MAX = 64, FIXED_MAX = 1024, TARGET_INFO_MAX = 16 * 1024 };

#define FLAGS_REQUIRED \
	(NTLMSSP_NEGOTIATE_UNICODE | NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY | NTLMSSP_NEGOTIATE_128 | \
		NTLMSSP_NEGOTIATE_NTLM)
#define FLAGS_WISHED \
	(FLAGS_REQUIRED | NTLMSSP_REQUEST_TARGET | NTLMSSP_NEGOTIATE_SIGN | NTLMSSP_NEGOTIATE_SEAL | \
		NTLMSSP_NEGOTIATE_ALWAYS_SIGN | NTLMSSP_NEGOTIATE_TARGET_INFO | NTLMSSP_NEGOTIATE_VERSION | \
		NTLMSSP_NEGOTIATE_KEY_EXCH | NTLMSSP_NEGOTIATE_56)

struct auth_client {
	enum stage stage;
	bool anonymous;
	struct bytes user, domain, target; /* UTF-16LE; target: "cifs/host" */
	uint8_t nt_hash[16];
	struct bytes negotiate;
	uint32_t flags; /* what both sides want */
	uint8_t exported_key[NTLM_KEY_SIZE];
};

static int wipe(struct auth_client *a)
{
	crypto_wipe(a->nt_hash, sizeof(a->nt_hash));
	crypto_wipe(a->exported_key, sizeof(a->exported_key));
	return 0;
}

static bool fill(
	struct auth_client *a, const char *user, const char *domain, const char *password, const char *host)
{
	const char *target = talloc_asprintf(a, "cifs/%s", host);

	if (!target || utf16_length(password) == SIZE_MAX)
		return false;
	a->anonymous = !*user;
	a->user = utf16_from_utf8(a, user);
	a->domain = utf16_from_utf8(a, domain);
	a->target = utf16_from_utf8(a, target);
	nt_hash(password, a->nt_hash);
	return (a->user.data || !*user) && (a->domain.data || !*domain) && a->target.data &&
	       a->user.len <= NTLM_NAME_MAX && a->domain.len <= NTLM_NAME_MAX &&
	       a->target.len <= NTLM_NAME_MAX;
}

struct auth_client *auth_client_new(
	TALLOC_CTX *mem, const char *user, const char *domain, const char *password, const char *target_host)
{
	struct auth_client *a = talloc_zero(mem, struct auth_client);

	if (!a)
		return NULL;
	talloc_set_destructor(a, wipe);
	if (!fill(a, user, domain, password, target_host)) {
		talloc_free(a);
		return NULL;
	}
	return a;
}

/* A server that has no hint (an empty one) leaves the choice to the client. */
static ntstatus_t begin(struct auth_client *a, struct bytes in, struct bytes *out)
{
	uint8_t *message = talloc_size(a, NEGOTIATE_MAX);
	struct wr w = wr_over(message, NEGOTIATE_MAX);
	struct spnego_token hint;

	if (!message)
		return STATUS_NO_MEMORY;
	if (in.len) {
		if (!spnego_decode(a, in, &hint) || hint.kind != SPNEGO_INIT)
			return STATUS_INVALID_PARAMETER;
		if (!hint.offers_ntlmssp)
			return STATUS_NOT_SUPPORTED;
	}
	ntlm_negotiate_encode(&w, FLAGS_WISHED);
	a->negotiate = BYTES(message, w.pos);
	*out = spnego_encode_init(a, a->negotiate);
	a->stage = SENT_NEGOTIATE;
	return out->data ? STATUS_MORE_PROCESSING_REQUIRED : STATUS_NO_MEMORY;
}

/*
 * The server's target information with what the client adds, [MS-NLMP] 3.1.5.1.2: MsvAvFlags announces the
 * MIC, MsvAvTargetName says whom the client believes to talk to. *time receives the server's time if it is
 * there.
 */
static void put_target_info(struct wr *w, struct bytes info, struct bytes target, uint64_t *time)
{
	static const uint8_t mic_flag[4] = {NTLM_AV_FLAG_MIC}, no_bindings[16];
	struct rd r = rd_over(info);
	struct bytes value;
	uint16_t id;

	while (ntlm_av_next(&r, &id, &value)) {
		if (id == NTLM_AV_FLAGS || id == NTLM_AV_TARGET_NAME || id == NTLM_AV_CHANNEL_BINDINGS)
			continue;
		if (id == NTLM_AV_TIMESTAMP) {
			struct rd t = rd_over(value);
			*time = rd_u64(&t);
		}
		ntlm_av_put(w, id, value);
	}
	w->bad |= r.bad;
	ntlm_av_put(w, NTLM_AV_FLAGS, BYTES(mic_flag, sizeof(mic_flag)));
	ntlm_av_put(w, NTLM_AV_CHANNEL_BINDINGS, BYTES(no_bindings, sizeof(no_bindings)));
	ntlm_av_put(w, NTLM_AV_TARGET_NAME, target);
	ntlm_av_put(w, NTLM_AV_EOL, BYTES(NULL, 0));
}

/* NTLMv2_RESPONSE and the session's base key, [MS-NLMP] 3.3.2. */
static bool respond(struct auth_client *a, const struct ntlm_challenge *c, struct wr *w, uint8_t base_key[16])
{
	uint8_t owf[16], proof[16], nonce[NTLM_CHALLENGE_SIZE];
	uint64_t time = nttime_now();

	wr_zero(w, sizeof(proof));
	wr_u8(w, 1);
	wr_u8(w, 1);
	wr_zero(w, 6);
	size_t time_at = w->pos;
	wr_u64(w, 0);
	random_bytes(nonce, sizeof(nonce));
	wr_bytes(w, BYTES(nonce, sizeof(nonce)));
	wr_zero(w, 4);
	put_target_info(w, c->target_info, a->target, &time);
	wr_zero(w, 4);
	wr_patch(w, time_at, time, 8);
	if (w->bad)
		return false;
	struct bytes temp = BYTES(w->base + sizeof(proof), w->pos - sizeof(proof));
	bool ok = ntlm_owf_v2(a->nt_hash, a->user, a->domain, owf) &&
		  ntlmv2_proof(owf, c->challenge, temp, proof) &&
		  ntlmv2_session_base_key(owf, proof, base_key);
	memcpy(w->base, proof, sizeof(proof));
	crypto_wipe(owf, sizeof(owf));
	return ok;
}

/* The session's key: made up here and sent under the base key, where both sides want that. */
static bool make_key(
	struct auth_client *a, const uint8_t base_key[16], uint8_t sealed[16], struct ntlm_authenticate *m)
{
	memcpy(a->exported_key, base_key, NTLM_KEY_SIZE);
	if (!(a->flags & NTLMSSP_NEGOTIATE_KEY_EXCH))
		return true;
	random_bytes(a->exported_key, NTLM_KEY_SIZE);
	memcpy(sealed, a->exported_key, NTLM_KEY_SIZE);
	m->session_key = BYTES(sealed, NTLM_KEY_SIZE);
	return crypto_rc4(base_key, sealed, NTLM_KEY_SIZE);
}

static bool put_authenticate(
	struct auth_client *a, struct ntlm_authenticate *m, struct bytes challenge, struct wr *w)
{
	uint8_t mic[NTLM_MIC_SIZE];

	ntlm_authenticate_encode(w, m);
	if (w->bad || a->anonymous)
		return !w->bad;
	if (!ntlm_mic(a->exported_key, a->negotiate, challenge, BYTES(w->base, w->pos), mic))
		return false;
	memcpy(w->base + NTLM_MIC_OFFSET, mic, sizeof(mic));
	return true;
}

static bool authenticate(
	struct auth_client *a, const struct ntlm_challenge *c, struct bytes challenge, struct wr *w)
{
	static const uint8_t zero[24];
	uint8_t base_key[16] = {0}, sealed[16];
	uint8_t *response = talloc_size(a, TARGET_INFO_MAX + FIXED_MAX);
	struct wr wr = wr_over(response, TARGET_INFO_MAX + FIXED_MAX);
	struct ntlm_authenticate m = {.flags = a->flags, .domain = a->domain, .user = a->user};

	if (!response)
		return false;
	bool ok = true;
	if (a->anonymous) {
		/* [MS-NLMP] 3.2.5.1.2: no name, no NT response, one zero byte of LM response, no key. */
		m.flags = a->flags = (a->flags | NTLMSSP_ANONYMOUS) & ~(uint32_t)NTLMSSP_NEGOTIATE_KEY_EXCH;
		m.lm_response = BYTES(zero, 1);
	} else {
		ok = respond(a, c, &wr, base_key) && make_key(a, base_key, sealed, &m);
		m.lm_response = BYTES(zero, sizeof(zero));
		m.nt_response = BYTES(response, wr.pos);
	}
	ok = ok && put_authenticate(a, &m, challenge, w);
	crypto_wipe(base_key, sizeof(base_key));
	return ok;
}

static ntstatus_t on_challenge(struct auth_client *a, const struct spnego_token *in, struct bytes *out)
{
	struct spnego_token t = {.kind = SPNEGO_RESP, .state = SPNEGO_NO_STATE};
	size_t cap = TARGET_INFO_MAX + 2 * FIXED_MAX + 2 * NTLM_NAME_MAX;
	struct ntlm_challenge c;
	uint8_t mic[16];

	if (!in->mech_token.data || (in->names_mech && !in->names_ntlmssp) ||
		!ntlm_challenge_decode(in->mech_token, &c) || c.target_info.len > TARGET_INFO_MAX)
		return STATUS_INVALID_PARAMETER;
	a->flags = c.flags & FLAGS_WISHED;
	if ((a->flags & FLAGS_REQUIRED) != FLAGS_REQUIRED)
		return STATUS_NOT_SUPPORTED;
	uint8_t *message = talloc_size(a, cap);
	struct wr w = wr_over(message, cap);
	if (!message)
		return STATUS_NO_MEMORY;
	if (!authenticate(a, &c, in->mech_token, &w))
		return STATUS_INVALID_PARAMETER;
	t.mech_token = BYTES(message, w.pos);
	if (!a->anonymous) {
		if (!ntlm_sign(a->exported_key, a->flags, false, spnego_own_mech_types, mic))
			return STATUS_INTERNAL_ERROR;
		t.mic = BYTES(mic, sizeof(mic));
	}
	*out = spnego_encode_resp(a, &t);
	a->stage = SENT_AUTHENTICATE;
	return out->data ? STATUS_MORE_PROCESSING_REQUIRED : STATUS_NO_MEMORY;
}

/*
 * A guest's server has no key to sign with; only one mechanism was offered, so nothing was there to be taken
 * away.
 */
static ntstatus_t on_final(struct auth_client *a, const struct spnego_token *in)
{
	uint8_t want[16];

	if (in->state != SPNEGO_ACCEPT_COMPLETED)
		return STATUS_INVALID_PARAMETER;
	if (in->mic.data && !a->anonymous) {
		if (!ntlm_sign(a->exported_key, a->flags, true, spnego_own_mech_types, want))
			return STATUS_INTERNAL_ERROR;
		if (in->mic.len != sizeof(want) || !crypto_equal(want, in->mic.data, sizeof(want)))
			return STATUS_ACCESS_DENIED;
	}
	a->stage = DONE;
	return STATUS_SUCCESS;
}

static ntstatus_t step(struct auth_client *a, struct bytes in, struct bytes *out)
{
	struct spnego_token t;

	if (a->stage == START)
		return begin(a, in, out);
	if (a->stage != SENT_NEGOTIATE && a->stage != SENT_AUTHENTICATE)
		return STATUS_INVALID_PARAMETER;
	if (!spnego_decode(a, in, &t) || t.kind != SPNEGO_RESP)
		return STATUS_INVALID_PARAMETER;
	if (t.state == SPNEGO_REJECT)
		return STATUS_LOGON_FAILURE;
	return a->stage == SENT_NEGOTIATE ? on_challenge(a, &t, out) : on_final(a, &t);
}

ntstatus_t auth_client_step(struct auth_client *a, struct bytes in, struct bytes *out)
{
	*out = BYTES(NULL, 0);
	ntstatus_t status = step(a, in, out);
	if (!status_is_ok(status) && status != STATUS_MORE_PROCESSING_REQUIRED) {
		*out = BYTES(NULL, 0);
		a->stage = ENDED;
	}
	return status;
}

const uint8_t *auth_client_session_key(const struct auth_client *a)
{
	return a->exported_key;
}
