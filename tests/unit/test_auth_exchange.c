/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Our client against our server, whole SPNEGO tokens, and what happens when somebody between them changes
 * one.
 */
#include "auth_rig.h"

enum { TOKENS = 4 }; /* NEGOTIATE, CHALLENGE, AUTHENTICATE, the server's last */

/* What a man in the middle does to token number `token`; NULL: nothing. */
typedef struct bytes (*meddle_fn)(TALLOC_CTX *mem, unsigned token, struct bytes in, void *arg);

struct exchange {
	struct auth_client *client;
	struct auth_server *server;
	ntstatus_t client_status, server_status;
	struct bytes tokens[TOKENS];
};

static struct exchange run_meddled(struct rig *r, TALLOC_CTX *mem, const char *user, const char *password,
	bool signing, meddle_fn meddle, void *arg)
{
	struct exchange x = {.client = auth_client_new(mem, user, "HOME", password, "server"),
		.server = auth_server_new(mem, &r->policy, signing)};
	struct bytes in = auth_server_hint(mem), out;

	for (unsigned i = 0; i < TOKENS; i += 2) {
		x.server_status = STATUS_UNSUCCESSFUL;
		x.client_status = auth_client_step(x.client, in, &out);
		if (x.client_status != (ntstatus_t)STATUS_MORE_PROCESSING_REQUIRED)
			return x;
		x.tokens[i] = meddle ? meddle(mem, i, out, arg) : out;
		x.server_status = auth_server_step(x.server, x.tokens[i], &out);
		if (x.server_status != (ntstatus_t)STATUS_MORE_PROCESSING_REQUIRED &&
			!status_is_ok(x.server_status))
			return x;
		in = x.tokens[i + 1] = meddle ? meddle(mem, i + 1, out, arg) : out;
	}
	x.client_status = auth_client_step(x.client, in, &out);
	return x;
}

static struct exchange run(struct rig *r, const char *user, const char *password, bool signing)
{
	return run_meddled(r, r->mem, user, password, signing, NULL, NULL);
}

static bool both_succeed(const struct exchange *x)
{
	return status_is_ok(x->client_status) && status_is_ok(x->server_status);
}

static void right_password_gives_both_sides_the_same_key(void **state)
{
	static const uint8_t zero[16];
	struct exchange x = run(*state, "alice", "secret", true), y = run(*state, "alice", "secret", true);

	assert_true(both_succeed(&x) && both_succeed(&y));
	assert_string_equal(auth_server_result(x.server)->user, "alice");
	assert_memory_equal(auth_server_result(x.server)->session_key, auth_client_session_key(x.client), 16);
	assert_memory_not_equal(auth_client_session_key(x.client), zero, 16);
	assert_memory_not_equal(auth_client_session_key(x.client), auth_client_session_key(y.client), 16);
}

static void wrong_password_and_unknown_user_look_the_same(void **state)
{
	struct exchange x = run(*state, "alice", "wrong", true),
			y = run(*state, "nobody-here", "secret", true);

	assert_status(x.server_status, STATUS_LOGON_FAILURE);
	assert_status(y.server_status, STATUS_LOGON_FAILURE);
}

static void guest_completes_without_a_signature_of_the_server(void **state)
{
	struct rig *r = *state;

	r->policy.map_to_guest = MAP_TO_GUEST_BAD_USER;
	struct exchange x = run(r, "stranger", "x", false);
	assert_true(both_succeed(&x));
	assert_true(auth_server_result(x.server)->guest);
	x = run(r, "stranger", "x", true);
	assert_status(x.server_status, STATUS_LOGON_FAILURE);
}

static void anonymous_client_completes_where_allowed(void **state)
{
	struct rig *r = *state;
	struct exchange x = run(r, "", "", false);

	assert_status(x.server_status, STATUS_LOGON_FAILURE);
	r->policy.allow_anonymous = true;
	x = run(r, "", "", false);
	assert_true(both_succeed(&x));
	assert_true(auth_server_result(x.server)->anonymous);
}

static void locked_account_is_refused(void **state)
{
	assert_status(run(*state, "locked", "secret", true).server_status, STATUS_ACCOUNT_DISABLED);
}

static void password_changed_in_the_file_counts_at_once(void **state)
{
	struct rig *r = *state;

	assert_int_equal(userdb_set(r->file, "alice", 0, "new one", true), 0);
	assert_status(run(r, "alice", "secret", true).server_status, STATUS_LOGON_FAILURE);
	struct exchange x = run(r, "alice", "new one", true);
	assert_true(both_succeed(&x));
}

static void names_beyond_ascii_log_on(void **state)
{
	struct rig *r = *state;

	assert_int_equal(userdb_set(r->file, "j\xc3\xbcrgen", 1005, "p\xc3\xa4ss\xe2\x82\xac", false), 0);
	struct exchange x = run(r, "J\xc3\x9cRGEN", "p\xc3\xa4ss\xe2\x82\xac", true);
	assert_true(both_succeed(&x));
	assert_string_equal(auth_server_result(x.server)->user, "j\xc3\xbcrgen");
}

struct flip {
	unsigned token;
	size_t at;
};

static struct bytes flip_byte(TALLOC_CTX *mem, unsigned token, struct bytes in, void *arg)
{
	const struct flip *f = arg;

	if (token != f->token || f->at >= in.len)
		return in;
	uint8_t *copy = talloc_memdup(mem, in.data, in.len);
	copy[f->at] ^= 1;
	return BYTES(copy, in.len);
}

static size_t ntlmssp_offset(struct bytes token)
{
	const uint8_t *p = memmem(token.data, token.len, "NTLMSSP", 8);

	assert_non_null(p);
	return (size_t)(p - token.data);
}

/* The MIC covers the three messages; behind the last one in its token is only the list's signature. */
static void any_changed_byte_of_a_message_spoils_the_exchange(void **state)
{
	struct rig *r = *state;
	struct exchange x = run(r, "alice", "secret", true);

	for (unsigned token = 0; token < 3; token++) {
		for (size_t at = ntlmssp_offset(x.tokens[token]); at < x.tokens[token].len; at++) {
			TALLOC_CTX *mem = talloc_new(r->mem);
			struct flip f = {token, at};
			struct exchange y = run_meddled(r, mem, "alice", "secret", true, flip_byte, &f);
			assert_false(status_is_ok(y.server_status));
			talloc_free(mem);
		}
	}
}

static void changed_signature_of_the_server_is_noticed_by_the_client(void **state)
{
	struct rig *r = *state;
	struct exchange x = run(r, "alice", "secret", true);

	for (size_t i = 1; i <= 16; i++) {
		struct flip f = {3, x.tokens[3].len - i};
		struct exchange y = run_meddled(r, r->mem, "alice", "secret", true, flip_byte, &f);
		assert_status(y.server_status, STATUS_SUCCESS);
		assert_status(y.client_status, STATUS_ACCESS_DENIED);
	}
}

static struct bytes replay(TALLOC_CTX *mem, unsigned token, struct bytes in, void *arg)
{
	const struct exchange *old = arg;

	return token == 2 ? old->tokens[2] : in;
}

static void replayed_message_is_refused(void **state)
{
	struct rig *r = *state;
	struct exchange x = run(r, "alice", "secret", true);
	struct exchange y = run_meddled(r, r->mem, "alice", "secret", true, replay, &x);

	assert_true(both_succeed(&x));
	assert_status(y.server_status, STATUS_LOGON_FAILURE);
}

static struct bytes truncate_token(TALLOC_CTX *mem, unsigned token, struct bytes in, void *arg)
{
	const struct flip *f = arg;

	/* A copy of the very size: a sanitizer sees a byte read behind it. */
	return token == f->token ? BYTES(talloc_memdup(mem, in.data, f->at), f->at) : in;
}

static void every_truncated_token_is_refused(void **state)
{
	struct rig *r = *state;
	struct exchange x = run(r, "alice", "secret", true);

	for (unsigned token = 0; token < TOKENS; token++) {
		for (size_t at = 0; at < x.tokens[token].len; at++) {
			TALLOC_CTX *mem = talloc_new(r->mem);
			struct flip f = {token, at};
			struct exchange y = run_meddled(r, mem, "alice", "secret", true, truncate_token, &f);
			assert_false(both_succeed(&y));
			assert_status(
				token % 2 ? y.client_status : y.server_status, STATUS_INVALID_PARAMETER);
			talloc_free(mem);
		}
	}
}

/* The NTLMSSP inside cut short, with the SPNEGO around it whole. */
static void every_truncated_message_is_refused(void **state)
{
	struct rig *r = *state;
	struct exchange x = run(r, "alice", "secret", true);
	struct spnego_token t;

	assert_true(spnego_decode(r->mem, x.tokens[1], &t));
	struct bytes whole = t.mech_token;
	for (size_t len = 0; len < whole.len; len++) {
		TALLOC_CTX *mem = talloc_new(r->mem);
		struct auth_client *c = auth_client_new(mem, "alice", "HOME", "secret", "server");
		struct bytes out;
		assert_status(
			auth_client_step(c, auth_server_hint(mem), &out), STATUS_MORE_PROCESSING_REQUIRED);
		t.mech_token = BYTES(talloc_memdup(mem, whole.data, len), len);
		assert_status(
			auth_client_step(c, spnego_encode_resp(mem, &t), &out), STATUS_INVALID_PARAMETER);
		assert_int_equal(out.len, 0);
		talloc_free(mem);
	}
}

static void hint_without_ntlmssp_or_malformed_stops_the_client(void **state)
{
	struct rig *r = *state;
	struct bytes kerberos = hex("601906062B0601050502A00F300DA00B300906072A8648824301020000"), out;
	struct auth_client *c = auth_client_new(r->mem, "alice", "HOME", "secret", "server");

	/* kerberos alone: a list of one other identifier */
	kerberos = hex("601B06062B0601050502A011300FA00D300B06092A864886F712010202");
	assert_status(auth_client_step(c, kerberos, &out), STATUS_NOT_SUPPORTED);
	c = auth_client_new(r->mem, "alice", "HOME", "secret", "server");
	assert_status(auth_client_step(c, hex("60020600"), &out), STATUS_INVALID_PARAMETER);
	assert_status(auth_client_step(c, auth_server_hint(r->mem), &out), STATUS_INVALID_PARAMETER);
}

static void client_begins_on_its_own_when_the_server_gives_no_hint(void **state)
{
	struct rig *r = *state;
	struct auth_client *c = auth_client_new(r->mem, "alice", "HOME", "secret", "server");
	struct bytes out;

	assert_status(auth_client_step(c, BYTES(NULL, 0), &out), STATUS_MORE_PROCESSING_REQUIRED);
	assert_true(out.len > 0);
}

/* A server that grants less than the client's minimum, or whose answer makes no sense. */
static void weak_or_odd_challenges_stop_the_client(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint32_t clear;
		bool other_mech;
		ntstatus_t status;
	} rows[] = {{0, false, STATUS_MORE_PROCESSING_REQUIRED},
		{NTLMSSP_NEGOTIATE_128, false, STATUS_NOT_SUPPORTED},
		{NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY, false, STATUS_NOT_SUPPORTED},
		{NTLMSSP_NEGOTIATE_UNICODE, false, STATUS_NOT_SUPPORTED},
		{0, true, STATUS_INVALID_PARAMETER}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct auth_client *c = auth_client_new(r->mem, "alice", "HOME", "secret", "server");
		struct ntlm_challenge ch = {
			.flags = 0xE28A8215 & ~rows[i].clear, .target_info = BYTES("\0\0\0\0", 4)};
		struct spnego_token t = {
			.kind = SPNEGO_RESP, .state = SPNEGO_ACCEPT_INCOMPLETE, .names_ntlmssp = true};
		uint8_t buf[256], *other;
		struct wr w = wr_over(buf, sizeof(buf));
		struct bytes out, in;
		ntlm_challenge_encode(&w, &ch);
		t.mech_token = BYTES(buf, w.pos);
		in = spnego_encode_resp(r->mem, &t);
		if (rows[i].other_mech) {
			other = memmem(in.data, in.len, "\x82\x37\x02\x02\x0a", 5);
			assert_non_null(other);
			other[4] = 0x1e;
		}
		assert_status(
			auth_client_step(c, auth_server_hint(r->mem), &out), STATUS_MORE_PROCESSING_REQUIRED);
		assert_status(auth_client_step(c, in, &out), rows[i].status);
	}
}

static void rejection_ends_the_client(void **state)
{
	struct rig *r = *state;
	struct spnego_token t = {.kind = SPNEGO_RESP, .state = SPNEGO_REJECT};
	struct auth_client *c = auth_client_new(r->mem, "alice", "HOME", "secret", "server");
	struct bytes out;

	assert_status(auth_client_step(c, auth_server_hint(r->mem), &out), STATUS_MORE_PROCESSING_REQUIRED);
	assert_status(auth_client_step(c, spnego_encode_resp(r->mem, &t), &out), STATUS_LOGON_FAILURE);
	assert_status(auth_client_step(c, spnego_encode_resp(r->mem, &t), &out), STATUS_INVALID_PARAMETER);
}

static void client_is_not_done_before_the_server_says_so(void **state)
{
	struct rig *r = *state;
	struct spnego_token t = {.kind = SPNEGO_RESP, .state = SPNEGO_ACCEPT_INCOMPLETE};
	struct exchange x = {.client = auth_client_new(r->mem, "alice", "HOME", "secret", "server"),
		.server = auth_server_new(r->mem, &r->policy, true)};
	struct bytes out;

	assert_status(
		auth_client_step(x.client, auth_server_hint(r->mem), &out), STATUS_MORE_PROCESSING_REQUIRED);
	assert_status(auth_server_step(x.server, out, &out), STATUS_MORE_PROCESSING_REQUIRED);
	assert_status(auth_client_step(x.client, out, &out), STATUS_MORE_PROCESSING_REQUIRED);
	assert_status(
		auth_client_step(x.client, spnego_encode_resp(r->mem, &t), &out), STATUS_INVALID_PARAMETER);
}

static void client_tells_whom_it_believes_to_talk_to(void **state)
{
	struct rig *r = *state;
	struct exchange x = run(r, "alice", "secret", true);
	struct spnego_token t;
	struct ntlm_authenticate a;
	struct ntlmv2_response v2;
	struct bytes name;

	assert_true(spnego_decode(r->mem, x.tokens[2], &t));
	assert_true(ntlm_authenticate_decode(t.mech_token, &a));
	assert_true(ntlmv2_response_decode(a.nt_response, &v2));
	assert_true(v2.has_mic);
	assert_true(ntlm_av_find(BYTES(v2.temp.data + 28, v2.temp.len - 28), NTLM_AV_TARGET_NAME, &name));
	assert_true(bytes_equal(name, craft_wide(r->mem, "cifs/server")));
}

static void what_is_no_text_makes_no_client(void **state)
{
	struct rig *r = *state;
	char longest[600];

	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	assert_null(auth_client_new(r->mem, "\xff", "HOME", "x", "server"));
	assert_null(auth_client_new(r->mem, "a", "\xff", "x", "server"));
	assert_null(auth_client_new(r->mem, "a", "HOME", "\xff", "server"));
	assert_null(auth_client_new(r->mem, longest, "HOME", "x", "server"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(right_password_gives_both_sides_the_same_key),
		TEST(wrong_password_and_unknown_user_look_the_same),
		TEST(guest_completes_without_a_signature_of_the_server),
		TEST(anonymous_client_completes_where_allowed),
		TEST(locked_account_is_refused),
		TEST(password_changed_in_the_file_counts_at_once),
		TEST(names_beyond_ascii_log_on),
		TEST(any_changed_byte_of_a_message_spoils_the_exchange),
		TEST(changed_signature_of_the_server_is_noticed_by_the_client),
		TEST(replayed_message_is_refused),
		TEST(every_truncated_token_is_refused),
		TEST(every_truncated_message_is_refused),
		TEST(hint_without_ntlmssp_or_malformed_stops_the_client),
		TEST(client_begins_on_its_own_when_the_server_gives_no_hint),
		TEST(weak_or_odd_challenges_stop_the_client),
		TEST(rejection_ends_the_client),
		TEST(client_is_not_done_before_the_server_says_so),
		TEST(client_tells_whom_it_believes_to_talk_to),
		TEST(what_is_no_text_makes_no_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
