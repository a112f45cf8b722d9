/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 *   owner: one auth_server, one thread
 *
 *   WANT_NEGOTIATE --NEGOTIATE--> WANT_AUTHENTICATE --AUTHENTICATE--> DONE
 *
 * Any error ends the exchange: auth_server takes no further step.
 */
#include "auth/ntlm_server.h"

#include "auth/account.h"
#include "auth/crypto.h"
#include "auth/ntlmssp.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/random.h"
#include "wire/utf16.h"

enum stage { WANT_NEGOTIATE, WANT_AUTHENTICATE, DONE };

/* [MS-NLMP] 3.1.1.1 MaxLifetime: how far a client's clock may be off before its response counts as old. */
#define MAX_LIFETIME ((uint64_t)36 * 3600 * 10000000)

enum { MESSAGE_MAX = 8192 };

/*
 * What is echoed of the client's wishes, and what a client must wish for, [MS-NLMP] 3.2.5.1.1 and 3.2.5.1.2.
 */
#define FLAGS_KNOWN \
	(NTLMSSP_NEGOTIATE_UNICODE | NTLMSSP_REQUEST_TARGET | NTLMSSP_NEGOTIATE_SIGN | \
		NTLMSSP_NEGOTIATE_SEAL | NTLMSSP_NEGOTIATE_ALWAYS_SIGN | \
		NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY | NTLMSSP_NEGOTIATE_VERSION | \
		NTLMSSP_NEGOTIATE_128 | NTLMSSP_NEGOTIATE_KEY_EXCH | NTLMSSP_NEGOTIATE_56)
#define FLAGS_REQUIRED \
	(NTLMSSP_NEGOTIATE_UNICODE | NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY | NTLMSSP_NEGOTIATE_128)

struct ntlm_server {
	const struct auth_policy *policy;
	bool signing_required;
	enum stage stage;
	struct bytes negotiate, challenge; /* whole messages: the MIC covers them */
	uint8_t nonce[NTLM_CHALLENGE_SIZE];
	uint32_t flags; /* of the CHALLENGE, then what both sides want */
	bool has_key;
	uint8_t exported_key[NTLM_KEY_SIZE];
	struct auth_result result;
};

static int wipe(struct ntlm_server *s)
{
	crypto_wipe(s->exported_key, sizeof(s->exported_key));
	crypto_wipe(s->result.session_key, sizeof(s->result.session_key));
	return 0;
}

struct ntlm_server *ntlm_server_new(TALLOC_CTX *mem, const struct auth_policy *policy, bool signing_required)
{
	struct ntlm_server *s = talloc_zero(mem, struct ntlm_server);

	if (!s)
		return NULL;
	s->policy = policy;
	s->signing_required = signing_required;
	talloc_set_destructor(s, wipe);
	return s;
}

static void put_name(struct wr *w, uint16_t id, const char *name)
{
	size_t len = utf16_length(name);

	wr_u16(w, id);
	wr_u16(w, len);
	wr_utf16(w, name);
}

static void put_target_info(struct wr *w, const struct auth_policy *p)
{
	const char *dot = strchr(p->dns_name, '.');
	uint8_t time[8];
	struct wr t = wr_over(time, sizeof(time));

	put_name(w, NTLM_AV_NB_DOMAIN, p->workgroup);
	put_name(w, NTLM_AV_NB_COMPUTER, p->netbios_name);
	put_name(w, NTLM_AV_DNS_DOMAIN, dot ? dot + 1 : "");
	put_name(w, NTLM_AV_DNS_COMPUTER, p->dns_name);
	wr_u64(&t, nttime_now());
	ntlm_av_put(w, NTLM_AV_TIMESTAMP, BYTES(time, sizeof(time)));
	ntlm_av_put(w, NTLM_AV_EOL, BYTES(NULL, 0));
}

static uint32_t answer_flags(uint32_t wished)
{
	uint32_t flags = (wished & FLAGS_KNOWN) | NTLMSSP_NEGOTIATE_NTLM | NTLMSSP_NEGOTIATE_TARGET_INFO;

	return flags & NTLMSSP_REQUEST_TARGET ? flags | NTLMSSP_TARGET_TYPE_SERVER : flags;
}

static bool build_challenge(struct ntlm_server *s)
{
	uint8_t info[MESSAGE_MAX / 2], name[NTLM_NAME_MAX];
	struct wr wi = wr_over(info, sizeof(info)), wn = wr_over(name, sizeof(name));
	uint8_t *message = talloc_size(s, MESSAGE_MAX);
	struct ntlm_challenge c = {.flags = s->flags};

	if (!message)
		return false;
	struct wr w = wr_over(message, MESSAGE_MAX);
	put_target_info(&wi, s->policy);
	if (s->flags & NTLMSSP_REQUEST_TARGET)
		wr_utf16(&wn, s->policy->netbios_name);
	c.target_info = BYTES(info, wi.pos);
	c.target_name = BYTES(name, wn.pos);
	memcpy(c.challenge, s->nonce, sizeof(c.challenge));
	ntlm_challenge_encode(&w, &c);
	s->challenge = BYTES(message, w.pos);
	return !wi.bad && !wn.bad && !w.bad;
}

static ntstatus_t on_negotiate(struct ntlm_server *s, struct bytes in, struct bytes *out)
{
	uint32_t wished;

	if (!ntlm_negotiate_decode(in, &wished))
		return STATUS_INVALID_PARAMETER;
	if ((wished & FLAGS_REQUIRED) != FLAGS_REQUIRED) {
		log_info(auth,
			"client offers NTLM without Unicode, extended session security or 128 bits: %08x",
			wished);
		return STATUS_NOT_SUPPORTED;
	}
	s->flags = answer_flags(wished);
	random_bytes(s->nonce, sizeof(s->nonce));
	uint8_t *copy = talloc_memdup(s, in.data, in.len);
	if (!copy)
		return STATUS_NO_MEMORY;
	s->negotiate = BYTES(copy, in.len);
	if (!build_challenge(s))
		return STATUS_INTERNAL_ERROR;
	*out = s->challenge;
	s->stage = WANT_AUTHENTICATE;
	return STATUS_MORE_PROCESSING_REQUIRED;
}

/*
 * Whether the response is that of a password with this hash, and the key that follows. Clients that compute
 * with an empty domain while they send another are to be understood (3.2.5.1.2). Takes the same time whatever
 * the outcome.
 */
static bool check_response(const struct ntlm_server *s, const struct ntlm_authenticate *a,
	const struct ntlmv2_response *r, const uint8_t nt_hash[16], uint8_t base_key[16])
{
	const struct bytes domains[] = {a->domain, BYTES(NULL, 0)};
	uint8_t owf[16], proof[16], key[16];
	bool match = false;

	for (size_t i = 0; i < ARRAY_SIZE(domains); i++) {
		bool ok = ntlm_owf_v2(nt_hash, a->user, domains[i], owf) &&
			  ntlmv2_proof(owf, s->nonce, r->temp, proof) &&
			  ntlmv2_session_base_key(owf, proof, key) &&
			  crypto_equal(proof, r->proof.data, sizeof(proof));
		if (ok && !match)
			memcpy(base_key, key, sizeof(key));
		match |= ok;
	}
	crypto_wipe(owf, sizeof(owf));
	crypto_wipe(key, sizeof(key));
	return match;
}

static bool is_fresh(uint64_t timestamp)
{
	uint64_t now = nttime_now();

	return (now > timestamp ? now - timestamp : timestamp - now) <= MAX_LIFETIME;
}

static ntstatus_t as_guest_or(struct ntlm_server *s, enum map_to_guest needed, const char *why)
{
	struct auth_result *r = &s->result;

	log_info(auth, "log-on of %s\\%s from %s fails: %s", r->domain, r->client_name, r->workstation, why);
	/* A guest has no key: who demands signing would get a session that nothing protects. */
	if (s->policy->map_to_guest < needed || s->signing_required || !s->policy->guest_account)
		return STATUS_LOGON_FAILURE;
	log_warning(auth, "%s\\%s becomes guest %s", r->domain, r->client_name, s->policy->guest_account);
	r->user = s->policy->guest_account;
	r->guest = true;
	return STATUS_SUCCESS;
}

/* [MS-NLMP] 3.2.5.1.2: the key that the client has made up travels under the one that both can compute. */
static ntstatus_t take_key(
	struct ntlm_server *s, const struct ntlm_authenticate *a, const uint8_t base_key[16])
{
	bool exchange = s->flags & NTLMSSP_NEGOTIATE_KEY_EXCH;

	memcpy(s->exported_key, base_key, sizeof(s->exported_key));
	if (exchange && a->session_key.len == NTLM_KEY_SIZE) {
		memcpy(s->exported_key, a->session_key.data, NTLM_KEY_SIZE);
		if (!crypto_rc4(base_key, s->exported_key, NTLM_KEY_SIZE))
			return STATUS_INTERNAL_ERROR;
	} else if (exchange && (s->flags & (NTLMSSP_NEGOTIATE_SIGN | NTLMSSP_NEGOTIATE_SEAL))) {
		return STATUS_INVALID_PARAMETER;
	}
	s->has_key = true;
	return STATUS_SUCCESS;
}

/* [MS-NLMP] 3.2.5.2.2: the proof covers MsvAvFlags, so nobody can take the MIC away. */
static bool mic_is_right(const struct ntlm_server *s, const struct ntlm_authenticate *a, struct bytes message)
{
	uint8_t mic[NTLM_MIC_SIZE];

	return ntlm_mic(s->exported_key, s->negotiate, s->challenge, message, mic) &&
	       crypto_equal(mic, a->mic, sizeof(mic));
}

static ntstatus_t accept_user(struct ntlm_server *s, const struct ntlm_authenticate *a, struct bytes message,
	bool has_mic, const uint8_t base_key[16])
{
	ntstatus_t status = take_key(s, a, base_key);

	if (!status_is_ok(status))
		return status;
	if (has_mic && !mic_is_right(s, a, message)) {
		log_warning(auth, "log-on of %s\\%s: somebody has changed the NTLM messages",
			s->result.domain, s->result.client_name);
		return STATUS_LOGON_FAILURE;
	}
	memcpy(s->result.session_key, s->exported_key, sizeof(s->result.session_key));
	return STATUS_SUCCESS;
}

static ntstatus_t log_on(struct ntlm_server *s, const struct ntlm_authenticate *a, struct bytes message)
{
	struct ntlmv2_response r;
	struct account account;
	uint8_t base_key[16] = {0};
	ntstatus_t status;

	if (account_find(s, s->policy, s->result.client_name, s->result.domain, &account) < 0)
		return STATUS_LOGON_FAILURE;
	/*
	 * An unknown user's response is checked too, against a hash of zeros, so that the time tells nothing.
	 */
	bool v2 = ntlmv2_response_decode(a->nt_response, &r);
	if (v2 && r.malformed)
		return STATUS_INVALID_PARAMETER;
	bool match = v2 && check_response(s, a, &r, account.nt_hash, base_key);
	match = match && account.known && account.has_password;
	if (!account.known)
		status = as_guest_or(s, MAP_TO_GUEST_BAD_USER, "no such user");
	else if (!match)
		status = as_guest_or(
			s, MAP_TO_GUEST_BAD_PASSWORD, v2 ? "wrong password" : "no NTLMv2 response");
	else if (account.disabled)
		status = STATUS_ACCOUNT_DISABLED;
	else if (!is_fresh(r.timestamp))
		status = STATUS_LOGON_FAILURE;
	else
		status = accept_user(s, a, message, r.has_mic, base_key);
	if (status_is_ok(status) && !s->result.guest)
		s->result.user = account.name;
	crypto_wipe(account.nt_hash, sizeof(account.nt_hash));
	crypto_wipe(base_key, sizeof(base_key));
	return status;
}

/* [MS-NLMP] 3.2.5.1.2: no name and no NT response; the LM response is one zero byte or nothing. */
static bool is_anonymous(const struct ntlm_authenticate *a)
{
	return a->user.len == 0 && a->nt_response.len == 0 &&
	       (a->lm_response.len == 0 || (a->lm_response.len == 1 && a->lm_response.data[0] == 0));
}

static ntstatus_t log_on_anonymous(struct ntlm_server *s, const struct ntlm_authenticate *a)
{
	static const uint8_t zero_key[16];

	if (!s->policy->allow_anonymous)
		return STATUS_LOGON_FAILURE;
	s->result.anonymous = true;
	s->result.user = s->policy->guest_account ? s->policy->guest_account : "";
	/* The key is no secret and protects nothing, but some clients sign the mechanism list with it. */
	return take_key(s, a, zero_key);
}

static bool take_names(struct ntlm_server *s, const struct ntlm_authenticate *a)
{
	s->result.client_name = utf16_to_utf8(s, a->user);
	s->result.domain = utf16_to_utf8(s, a->domain);
	s->result.workstation = utf16_to_utf8(s, a->workstation);
	return s->result.client_name && s->result.domain && s->result.workstation;
}

static ntstatus_t on_authenticate(struct ntlm_server *s, struct bytes in)
{
	struct ntlm_authenticate a;

	if (!ntlm_authenticate_decode(in, &a) || !take_names(s, &a))
		return STATUS_INVALID_PARAMETER;
	/* Who is nobody has nothing to protect: smbclient then drops the flag of session security. */
	uint32_t required = is_anonymous(&a) ? NTLMSSP_NEGOTIATE_UNICODE : FLAGS_REQUIRED;
	if ((a.flags & required) != required)
		return STATUS_NOT_SUPPORTED;
	s->flags &= a.flags;
	s->stage = DONE;
	return is_anonymous(&a) ? log_on_anonymous(s, &a) : log_on(s, &a, in);
}

ntstatus_t ntlm_server_step(struct ntlm_server *s, struct bytes in, struct bytes *out)
{
	*out = BYTES(NULL, 0);
	switch (s->stage) {
	case WANT_NEGOTIATE:
		return on_negotiate(s, in, out);
	case WANT_AUTHENTICATE:
		return on_authenticate(s, in);
	case DONE:
		break;
	}
	return STATUS_INVALID_PARAMETER;
}

const struct auth_result *ntlm_server_result(const struct ntlm_server *s)
{
	return &s->result;
}

bool ntlm_server_sign(const struct ntlm_server *s, bool from_server, struct bytes message, uint8_t out[16])
{
	return s->has_key && ntlm_sign(s->exported_key, s->flags, from_server, message, out);
}
