/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The server against clients that misbehave: NTLMSSP made by hand, with and without SPNEGO around. */
#include "auth_rig.h"

static const struct craft good = {.user = "alice", .domain = "HOME", .password = "secret"};

static ntstatus_t outcome(struct rig *r, const struct craft *c)
{
	struct auth_server *s;
	struct crafted x;

	return craft_log_on(r, true, c, &s, &x);
}

static void bare_ntlmssp_logs_on(void **state)
{
	struct rig *r = *state;
	struct auth_server *s;
	struct crafted x;

	assert_status(craft_log_on(r, true, &good, &s, &x), STATUS_SUCCESS);
	const struct auth_result *result = auth_server_result(s);
	assert_string_equal(result->user, "alice");
	assert_string_equal(result->client_name, "alice");
	assert_string_equal(result->domain, "HOME");
	assert_string_equal(result->workstation, "PC");
	assert_false(result->guest || result->anonymous);
	assert_memory_equal(result->session_key, x.key, 16);
}

static void without_key_exchange_the_base_key_is_the_session_key(void **state)
{
	struct rig *r = *state;
	struct craft c = good;
	struct auth_server *s;
	struct crafted x;

	c.clear_flags = NTLMSSP_NEGOTIATE_KEY_EXCH;
	assert_status(craft_log_on(r, true, &c, &s, &x), STATUS_SUCCESS);
	assert_memory_equal(auth_server_result(s)->session_key, x.key, 16);
}

static void missing_exchanged_key_is_refused(void **state)
{
	struct craft c = good;

	c.no_session_key = true;
	assert_status(outcome(*state, &c), STATUS_INVALID_PARAMETER);
}

static void any_domain_is_taken(void **state)
{
	static const char *const domains[] = {"", "HOME", "SERVER", "ELSEWHERE", "MicrosoftAccount"};
	struct craft c = good;

	for (size_t i = 0; i < ARRAY_SIZE(domains); i++) {
		c.domain = domains[i];
		assert_status(outcome(*state, &c), STATUS_SUCCESS);
	}
}

static void client_that_computes_with_an_empty_domain_is_understood(void **state)
{
	struct craft c = good;

	c.hash_domain = "";
	assert_status(outcome(*state, &c), STATUS_SUCCESS);
	c.hash_domain = "OTHER";
	assert_status(outcome(*state, &c), STATUS_LOGON_FAILURE);
}

static void spelling_of_the_name_does_not_matter(void **state)
{
	struct rig *r = *state;
	struct craft c = good;
	struct auth_server *s;
	struct crafted x;

	c.user = "ALICE";
	assert_status(craft_log_on(r, true, &c, &s, &x), STATUS_SUCCESS);
	assert_string_equal(auth_server_result(s)->user, "alice");
	assert_string_equal(auth_server_result(s)->client_name, "ALICE");
}

static void wrong_mic_is_refused_and_absent_mic_is_not(void **state)
{
	struct craft c = good;

	c.bad_mic = true;
	assert_status(outcome(*state, &c), STATUS_LOGON_FAILURE);
	c = good;
	c.no_mic = true;
	assert_status(outcome(*state, &c), STATUS_SUCCESS);
}

static void ntlm_v1_is_refused(void **state)
{
	struct craft c = good;

	c.ntlm_v1 = true;
	assert_status(outcome(*state, &c), STATUS_LOGON_FAILURE);
}

static void old_and_future_responses_are_refused(void **state)
{
	const uint64_t hour = 3600ull * 10000000;
	struct craft c = good;

	c.timestamp = nttime_now() - 35 * hour;
	assert_status(outcome(*state, &c), STATUS_SUCCESS);
	c.timestamp = nttime_now() + 35 * hour;
	assert_status(outcome(*state, &c), STATUS_SUCCESS);
	c.timestamp = nttime_now() - 37 * hour;
	assert_status(outcome(*state, &c), STATUS_LOGON_FAILURE);
	c.timestamp = nttime_now() + 37 * hour;
	assert_status(outcome(*state, &c), STATUS_LOGON_FAILURE);
	c.timestamp = 1;
	assert_status(outcome(*state, &c), STATUS_LOGON_FAILURE);
}

static void locked_account_is_told_so_only_with_its_password(void **state)
{
	struct craft c = {.user = "locked", .domain = "HOME", .password = "secret"};

	assert_status(outcome(*state, &c), STATUS_ACCOUNT_DISABLED);
	c.password = "guess";
	assert_status(outcome(*state, &c), STATUS_LOGON_FAILURE);
}

static void account_without_password_does_not_log_on(void **state)
{
	struct craft c = {.user = "empty", .domain = "HOME", .password = ""};

	assert_status(outcome(*state, &c), STATUS_LOGON_FAILURE);
}

/* An unknown user is checked against a hash of zeros: knowing that must not help. */
static void hash_of_zeros_logs_nobody_on(void **state)
{
	struct rig *r = *state;
	struct bytes negotiate = craft_negotiate(r->mem, (uint32_t)CRAFT_FLAGS), challenge, out;
	static const char *const users[] = {"unknown", "empty"};
	static const uint8_t zero[16];

	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		struct auth_server *s = auth_server_new(r->mem, &r->policy, true);
		uint8_t owf[16], buf[1024], nt[60] = {0};
		struct wr w = wr_over(buf, sizeof(buf)), n = wr_over(nt, sizeof(nt));
		struct ntlm_challenge ch;
		assert_status(auth_server_step(s, negotiate, &challenge), STATUS_MORE_PROCESSING_REQUIRED);
		assert_true(ntlm_challenge_decode(challenge, &ch));
		wr_zero(&n, 16);
		wr_u16(&n, 0x0101);
		wr_zero(&n, 6);
		wr_u64(&n, nttime_now());
		struct ntlm_authenticate a = {.flags = ch.flags & ~(uint32_t)NTLMSSP_NEGOTIATE_KEY_EXCH,
			.user = craft_wide(r->mem, users[i]),
			.nt_response = BYTES(nt, sizeof(nt))};
		assert_true(ntlm_owf_v2(zero, a.user, a.domain, owf));
		assert_true(ntlmv2_proof(owf, ch.challenge, BYTES(nt + 16, sizeof(nt) - 16), nt));
		ntlm_authenticate_encode(&w, &a);
		assert_status(auth_server_step(s, BYTES(buf, w.pos), &out), STATUS_LOGON_FAILURE);
	}
}

struct guest_row {
	enum map_to_guest policy;
	bool signing_required;
	const char *user, *password;
	ntstatus_t status;
	bool guest;
};

static void guests_are_made_only_where_configured_and_unsigned(void **state)
{
	static const struct guest_row rows[] = {
		{MAP_TO_GUEST_NEVER, false, "unknown", "x", STATUS_LOGON_FAILURE, false},
		{MAP_TO_GUEST_NEVER, false, "alice", "x", STATUS_LOGON_FAILURE, false},
		{MAP_TO_GUEST_BAD_USER, false, "unknown", "x", STATUS_SUCCESS, true},
		{MAP_TO_GUEST_BAD_USER, false, "alice", "x", STATUS_LOGON_FAILURE, false},
		{MAP_TO_GUEST_BAD_USER, false, "alice", "secret", STATUS_SUCCESS, false},
		{MAP_TO_GUEST_BAD_USER, false, "locked", "secret", STATUS_ACCOUNT_DISABLED, false},
		{MAP_TO_GUEST_BAD_USER, true, "unknown", "x", STATUS_LOGON_FAILURE, false},
		{MAP_TO_GUEST_BAD_PASSWORD, false, "unknown", "x", STATUS_SUCCESS, true},
		{MAP_TO_GUEST_BAD_PASSWORD, false, "alice", "x", STATUS_SUCCESS, true},
		{MAP_TO_GUEST_BAD_PASSWORD, false, "alice", "secret", STATUS_SUCCESS, false},
		{MAP_TO_GUEST_BAD_PASSWORD, true, "unknown", "x", STATUS_LOGON_FAILURE, false},
		{MAP_TO_GUEST_BAD_PASSWORD, true, "alice", "x", STATUS_LOGON_FAILURE, false},
	};
	static const uint8_t zero[16];
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct guest_row *row = &rows[i];
		struct craft c = {.user = row->user, .domain = "HOME", .password = row->password};
		struct auth_server *s;
		struct crafted x;
		r->policy.map_to_guest = row->policy;
		assert_status(craft_log_on(r, row->signing_required, &c, &s, &x), row->status);
		if (!status_is_ok(row->status))
			continue;
		const struct auth_result *result = auth_server_result(s);
		assert_int_equal(result->guest, row->guest);
		assert_string_equal(result->user, row->guest ? "nobody" : row->user);
		assert_int_equal(memcmp(result->session_key, zero, 16) == 0, row->guest);
	}
}

static void nobody_becomes_guest_because_the_password_file_cannot_be_read(void **state)
{
	struct rig *r = *state;
	struct craft c = {.user = "unknown", .domain = "", .password = "x"};
	struct auth_server *s;
	struct crafted x;

	r->policy.map_to_guest = MAP_TO_GUEST_BAD_PASSWORD;
	r->policy.smbpasswd_path = "/"; /* no file */
	assert_status(craft_log_on(r, false, &c, &s, &x), STATUS_LOGON_FAILURE);
}

static void anonymous_is_let_in_only_where_configured(void **state)
{
	static const uint8_t zero[16];
	struct rig *r = *state;
	struct craft c = {.user = "", .domain = "", .password = "", .anonymous = true, .no_mic = true};
	struct auth_server *s;
	struct crafted x;

	assert_status(craft_log_on(r, false, &c, &s, &x), STATUS_LOGON_FAILURE);
	r->policy.allow_anonymous = true;
	assert_status(craft_log_on(r, false, &c, &s, &x), STATUS_SUCCESS);
	assert_true(auth_server_result(s)->anonymous);
	assert_false(auth_server_result(s)->guest);
	assert_memory_equal(auth_server_result(s)->session_key, zero, 16);
	c.clear_flags = NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY; /* as smbclient -N does */
	assert_status(craft_log_on(r, false, &c, &s, &x), STATUS_SUCCESS);
}

static void empty_name_with_a_response_is_not_anonymous(void **state)
{
	struct rig *r = *state;
	struct craft c = {.user = "", .domain = "", .password = ""};
	struct auth_server *s;
	struct crafted x;

	r->policy.allow_anonymous = true;
	assert_status(craft_log_on(r, false, &c, &s, &x), STATUS_LOGON_FAILURE);
}

static void weak_clients_are_refused_in_either_message(void **state)
{
	static const uint32_t required[] = {
		NTLMSSP_NEGOTIATE_UNICODE, NTLMSSP_NEGOTIATE_128, NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
		struct auth_server *s = auth_server_new(r->mem, &r->policy, true);
		struct craft c = good;
		struct bytes out;
		struct bytes weak = craft_negotiate(r->mem, (uint32_t)CRAFT_FLAGS & ~required[i]);
		assert_status(auth_server_step(s, weak, &out), STATUS_NOT_SUPPORTED);
		c.clear_flags = required[i];
		assert_status(outcome(r, &c), STATUS_NOT_SUPPORTED);
	}
}

static void challenge_names_the_server_and_is_never_the_same(void **state)
{
	struct rig *r = *state;
	struct bytes negotiate = craft_negotiate(r->mem, (uint32_t)CRAFT_FLAGS), first, second, value;
	struct ntlm_challenge a, b;
	static const struct {
		uint16_t id;
		const char *text;
	} names[] = {{NTLM_AV_NB_DOMAIN, "HOME"}, {NTLM_AV_NB_COMPUTER, "SERVER"},
		{NTLM_AV_DNS_DOMAIN, "example.org"}, {NTLM_AV_DNS_COMPUTER, "server.example.org"}};

	assert_status(auth_server_step(auth_server_new(r->mem, &r->policy, true), negotiate, &first),
		STATUS_MORE_PROCESSING_REQUIRED);
	assert_status(auth_server_step(auth_server_new(r->mem, &r->policy, true), negotiate, &second),
		STATUS_MORE_PROCESSING_REQUIRED);
	assert_true(ntlm_challenge_decode(first, &a) && ntlm_challenge_decode(second, &b));
	assert_memory_not_equal(a.challenge, b.challenge, 8);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_true(ntlm_av_find(a.target_info, names[i].id, &value));
		assert_true(bytes_equal(value, craft_wide(r->mem, names[i].text)));
	}
	assert_true(ntlm_av_find(a.target_info, NTLM_AV_TIMESTAMP, &value));
	struct rd t = rd_over(value);
	assert_true(nttime_now() - rd_u64(&t) < 100 * 10000000ull);
}

/* SPNEGO around hand-made NTLMSSP */

static const char kerberos_first[] = "3017 06092A864886F712010202 060A2B06010401823702020A";

static struct bytes no_blanks(const char *text)
{
	char packed[512];
	size_t n = 0;

	for (; *text; text++)
		if (*text != ' ')
			packed[n++] = *text;
	packed[n] = 0;
	return hex(packed);
}

/* NegTokenInit with that list of mechanisms (short enough for one-byte lengths) and token. */
static struct bytes make_init(TALLOC_CTX *mem, struct bytes list, struct bytes token)
{
	uint8_t *buf = talloc_size(mem, 512);
	struct wr w = wr_over(buf, 512);
	size_t inner = 2 + list.len + (token.data ? 4 + token.len : 0);

	assert_true(8 + 4 + inner < 128);
	wr_u8(&w, 0x60);
	wr_u8(&w, 8 + 4 + inner);
	wr_bytes(&w, hex("06062B0601050502"));
	wr_u8(&w, 0xa0);
	wr_u8(&w, inner + 2);
	wr_u8(&w, 0x30);
	wr_u8(&w, inner);
	wr_u8(&w, 0xa0);
	wr_u8(&w, list.len);
	wr_bytes(&w, list);
	if (token.data) {
		wr_u8(&w, 0xa2);
		wr_u8(&w, token.len + 2);
		wr_u8(&w, 0x04);
		wr_u8(&w, token.len);
		wr_bytes(&w, token);
	}
	return BYTES(buf, w.pos);
}

static struct spnego_token wrapped_step(
	struct rig *r, struct auth_server *s, struct bytes token, struct bytes mic, ntstatus_t want)
{
	struct spnego_token in = {.kind = SPNEGO_RESP,
				    .state = SPNEGO_NO_STATE,
				    .mech_token = token,
				    .mic = mic},
			    answer = {0};
	struct bytes out;

	assert_status(auth_server_step(s, spnego_encode_resp(r->mem, &in), &out), want);
	if (status_is_error(want) && want != STATUS_MORE_PROCESSING_REQUIRED)
		assert_int_equal(out.len, 0);
	else
		assert_true(spnego_decode(r->mem, out, &answer));
	return answer;
}

enum mic_kind { MIC_NONE, MIC_RIGHT, MIC_WRONG, MIC_SHORT };

/* Everything after a NegTokenInit whose token was not NTLMSSP's. */
static ntstatus_t after_init(
	struct rig *r, struct auth_server *s, struct bytes list, enum mic_kind kind, ntstatus_t want)
{
	struct bytes negotiate = craft_negotiate(r->mem, (uint32_t)CRAFT_FLAGS), mic = {NULL, 0};
	uint8_t sign[16], want_sign[16];

	struct spnego_token t = wrapped_step(r, s, negotiate, mic, STATUS_MORE_PROCESSING_REQUIRED);
	assert_int_equal(t.state, SPNEGO_ACCEPT_INCOMPLETE);
	struct crafted x = craft_authenticate(r->mem, &good, negotiate, t.mech_token);
	assert_true(ntlm_sign(x.key, x.flags, false, list, sign));
	sign[5] ^= kind == MIC_WRONG;
	if (kind != MIC_NONE)
		mic = BYTES(sign, kind == MIC_SHORT ? 15 : 16);
	t = wrapped_step(r, s, x.message, mic, want);
	if (status_is_ok(want)) {
		assert_int_equal(t.state, SPNEGO_ACCEPT_COMPLETED);
		assert_int_equal(t.mic.len, kind == MIC_NONE ? 0 : 16);
		assert_true(ntlm_sign(x.key, x.flags, true, list, want_sign));
		if (t.mic.len)
			assert_memory_equal(t.mic.data, want_sign, 16);
	}
	return want;
}

static void kerberos_first_choice_is_turned_down_and_the_list_must_be_signed(void **state)
{
	static const struct {
		enum mic_kind kind;
		ntstatus_t status;
	} rows[] = {{MIC_RIGHT, STATUS_SUCCESS}, {MIC_NONE, STATUS_LOGON_FAILURE},
		{MIC_WRONG, STATUS_LOGON_FAILURE}, {MIC_SHORT, STATUS_LOGON_FAILURE}};
	struct rig *r = *state;
	struct bytes list = no_blanks(kerberos_first), out;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct auth_server *s = auth_server_new(r->mem, &r->policy, true);
		struct spnego_token t;
		assert_status(auth_server_step(s, make_init(r->mem, list, BYTES("kerberos", 8)), &out),
			STATUS_MORE_PROCESSING_REQUIRED);
		assert_true(spnego_decode(r->mem, out, &t));
		assert_int_equal(t.state, SPNEGO_REQUEST_MIC);
		assert_true(t.names_ntlmssp);
		assert_null(t.mech_token.data);
		after_init(r, s, list, rows[i].kind, rows[i].status);
	}
}

static void init_without_a_token_is_answered_and_its_mic_is_optional(void **state)
{
	static const struct {
		enum mic_kind kind;
		ntstatus_t status;
	} rows[] = {
		{MIC_RIGHT, STATUS_SUCCESS}, {MIC_NONE, STATUS_SUCCESS}, {MIC_WRONG, STATUS_LOGON_FAILURE}};
	struct rig *r = *state;
	struct bytes out;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct auth_server *s = auth_server_new(r->mem, &r->policy, true);
		struct spnego_token t;
		assert_status(
			auth_server_step(s, make_init(r->mem, spnego_own_mech_types, BYTES(NULL, 0)), &out),
			STATUS_MORE_PROCESSING_REQUIRED);
		assert_true(spnego_decode(r->mem, out, &t));
		assert_int_equal(t.state, SPNEGO_ACCEPT_INCOMPLETE);
		assert_true(t.names_ntlmssp);
		after_init(r, s, spnego_own_mech_types, rows[i].kind, rows[i].status);
	}
}

static void client_without_ntlmssp_is_refused(void **state)
{
	struct rig *r = *state;
	struct bytes list = hex("300B06092A864886F712010202"), out;
	struct auth_server *s = auth_server_new(r->mem, &r->policy, true);

	assert_status(auth_server_step(s, make_init(r->mem, list, BYTES("kerberos", 8)), &out),
		STATUS_LOGON_FAILURE);
	assert_int_equal(out.len, 0);
}

static void rejecting_client_and_tokens_out_of_turn_end_the_exchange(void **state)
{
	struct rig *r = *state;
	struct bytes init = make_init(r->mem, spnego_own_mech_types, BYTES(NULL, 0)), out;
	struct spnego_token reject = {.kind = SPNEGO_RESP, .state = SPNEGO_REJECT};

	struct auth_server *s = auth_server_new(r->mem, &r->policy, true);
	assert_status(auth_server_step(s, init, &out), STATUS_MORE_PROCESSING_REQUIRED);
	assert_status(auth_server_step(s, spnego_encode_resp(r->mem, &reject), &out), STATUS_LOGON_FAILURE);
	assert_status(auth_server_step(s, init, &out), STATUS_INVALID_PARAMETER);

	s = auth_server_new(r->mem, &r->policy, true);
	assert_status(auth_server_step(s, init, &out), STATUS_MORE_PROCESSING_REQUIRED);
	assert_status(auth_server_step(s, init, &out), STATUS_INVALID_PARAMETER);

	s = auth_server_new(r->mem, &r->policy, true);
	assert_status(
		auth_server_step(s, spnego_encode_resp(r->mem, &reject), &out), STATUS_INVALID_PARAMETER);

	s = auth_server_new(r->mem, &r->policy, true);
	assert_status(auth_server_step(s, BYTES(NULL, 0), &out), STATUS_INVALID_PARAMETER);
}

static void bare_messages_out_of_turn_end_the_exchange(void **state)
{
	struct rig *r = *state;
	struct bytes negotiate = craft_negotiate(r->mem, (uint32_t)CRAFT_FLAGS), out;
	struct auth_server *s;
	struct crafted x;

	assert_status(craft_log_on(r, true, &good, &s, &x), STATUS_SUCCESS);
	assert_status(auth_server_step(s, x.message, &out), STATUS_INVALID_PARAMETER);

	s = auth_server_new(r->mem, &r->policy, true);
	assert_status(auth_server_step(s, x.message, &out), STATUS_INVALID_PARAMETER);

	s = auth_server_new(r->mem, &r->policy, true);
	assert_status(auth_server_step(s, negotiate, &out), STATUS_MORE_PROCESSING_REQUIRED);
	assert_status(auth_server_step(s, negotiate, &out), STATUS_INVALID_PARAMETER);

	/* Another exchange has another challenge. */
	s = auth_server_new(r->mem, &r->policy, true);
	assert_status(auth_server_step(s, negotiate, &out), STATUS_MORE_PROCESSING_REQUIRED);
	assert_status(auth_server_step(s, x.message, &out), STATUS_LOGON_FAILURE);
}

static void oversized_token_is_refused(void **state)
{
	struct rig *r = *state;
	struct bytes negotiate = craft_negotiate(r->mem, (uint32_t)CRAFT_FLAGS), out;
	uint8_t *big = talloc_zero_size(r->mem, SPNEGO_TOKEN_MAX + 1);
	struct auth_server *s = auth_server_new(r->mem, &r->policy, true);

	memcpy(big, negotiate.data, negotiate.len);
	assert_status(auth_server_step(s, BYTES(big, SPNEGO_TOKEN_MAX + 1), &out), STATUS_INVALID_PARAMETER);
	s = auth_server_new(r->mem, &r->policy, true);
	assert_status(
		auth_server_step(s, BYTES(big, SPNEGO_TOKEN_MAX), &out), STATUS_MORE_PROCESSING_REQUIRED);
}

static void names_are_known_after_a_failure(void **state)
{
	struct rig *r = *state;
	struct craft c = {.user = "mallory", .domain = "D", .password = "x"};
	struct auth_server *s;
	struct crafted x;

	assert_status(craft_log_on(r, true, &c, &s, &x), STATUS_LOGON_FAILURE);
	assert_string_equal(auth_server_result(s)->client_name, "mallory");
	assert_null(auth_server_result(s)->user);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bare_ntlmssp_logs_on),
		TEST(without_key_exchange_the_base_key_is_the_session_key),
		TEST(missing_exchanged_key_is_refused),
		TEST(any_domain_is_taken),
		TEST(client_that_computes_with_an_empty_domain_is_understood),
		TEST(spelling_of_the_name_does_not_matter),
		TEST(wrong_mic_is_refused_and_absent_mic_is_not),
		TEST(ntlm_v1_is_refused),
		TEST(old_and_future_responses_are_refused),
		TEST(locked_account_is_told_so_only_with_its_password),
		TEST(account_without_password_does_not_log_on),
		TEST(hash_of_zeros_logs_nobody_on),
		TEST(guests_are_made_only_where_configured_and_unsigned),
		TEST(nobody_becomes_guest_because_the_password_file_cannot_be_read),
		TEST(anonymous_is_let_in_only_where_configured),
		TEST(empty_name_with_a_response_is_not_anonymous),
		TEST(weak_clients_are_refused_in_either_message),
		TEST(challenge_names_the_server_and_is_never_the_same),
		TEST(kerberos_first_choice_is_turned_down_and_the_list_must_be_signed),
		TEST(init_without_a_token_is_answered_and_its_mic_is_optional),
		TEST(client_without_ntlmssp_is_refused),
		TEST(rejecting_client_and_tokens_out_of_turn_end_the_exchange),
		TEST(bare_messages_out_of_turn_end_the_exchange),
		TEST(oversized_token_is_refused),
		TEST(names_are_known_after_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
