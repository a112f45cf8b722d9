/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Vectors: [MS-NLMP] 4.2.4, and the exchange in Microsoft's "anatomy of signing and cryptographic keys". */
#include "auth/ntlmssp.h"

#include "auth/crypto.h"
#include "auth/userdb.h"
#include "auth_hex.h"
#include "wire/utf16.h"

static const char challenge_message[] =
	"4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef00000000000000002400240044000000"
	"060070170000000f53006500720076006500720002000c0044006f006d00610069006e0001000c00530065007200760065"
	"00720000000000";

static const char authenticate_message[] =
	"4e544c4d5353500003000000180018006c00000054005400840000000c000c0048000000080008005400000010001000"
	"5c00000010001000d8000000358288e20501280a0000000f44006f006d00610069006e00550073006500720043004f00"
	"4d005000550054004500520086c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa68cd0ab851e51c96aabc927b"
	"ebef6a1c01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e00"
	"01000c005300650072007600650072000000000000000000c5dad2544fc9799094ce1ce90bc9d03e";

static struct bytes wide(const char *ascii)
{
	static uint8_t buffers[4][128];
	static unsigned turn;
	struct wr w = wr_over(buffers[turn++ % 4], 128);

	wr_utf16(&w, ascii);
	return BYTES(w.base, w.pos);
}

static void assert_bytes(struct bytes got, struct bytes want)
{
	assert_int_equal(got.len, want.len);
	if (want.len)
		assert_memory_equal(got.data, want.data, want.len);
}

static void published_keys_are_computed(void **state)
{
	uint8_t hash[16], owf[16], proof[16], base[16], key[16];
	struct ntlm_authenticate a;
	struct ntlmv2_response r;

	assert_true(ntlm_authenticate_decode(hex(authenticate_message), &a));
	assert_true(ntlmv2_response_decode(a.nt_response, &r));
	nt_hash("Password", hash);
	assert_true(ntlm_owf_v2(hash, wide("User"), wide("Domain"), owf));
	assert_bytes(BYTES(owf, 16), hex("0c868a403bfd7a93a3001ef22ef02e3f"));
	assert_true(ntlmv2_proof(owf, hex("0123456789abcdef").data, r.temp, proof));
	assert_bytes(BYTES(proof, 16), hex("68cd0ab851e51c96aabc927bebef6a1c"));
	assert_bytes(BYTES(proof, 16), r.proof);
	assert_true(ntlmv2_session_base_key(owf, proof, base));
	assert_bytes(BYTES(base, 16), hex("8de40ccadbc14a82f15cb0ad0de95ca3"));
	memcpy(key, a.session_key.data, 16);
	assert_true(crypto_rc4(base, key, 16));
	assert_bytes(BYTES(key, 16), hex("55555555555555555555555555555555"));
}

static void user_name_is_upcased_and_domain_is_not(void **state)
{
	uint8_t a[16], b[16], c[16];
	const uint8_t hash[16] = {3};

	assert_true(ntlm_owf_v2(hash, wide("user"), wide("Domain"), a));
	assert_true(ntlm_owf_v2(hash, wide("USER"), wide("Domain"), b));
	assert_true(ntlm_owf_v2(hash, wide("USER"), wide("DOMAIN"), c));
	assert_memory_equal(a, b, 16);
	assert_memory_not_equal(a, c, 16);
	assert_true(ntlm_owf_v2(hash, wide("zo\xc3\xab"), wide(""), a));
	assert_true(ntlm_owf_v2(hash, wide("ZO\xc3\x8b"), wide(""), b));
	assert_memory_equal(a, b, 16);
}

static void published_authenticate_message_is_decoded(void **state)
{
	struct ntlm_authenticate a;
	struct ntlmv2_response r;

	assert_true(ntlm_authenticate_decode(hex(authenticate_message), &a));
	assert_int_equal(a.flags, 0xe2888235);
	assert_bytes(a.domain, wide("Domain"));
	assert_bytes(a.user, wide("User"));
	assert_bytes(a.workstation, wide("COMPUTER"));
	assert_bytes(a.lm_response, hex("86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa"));
	assert_bytes(a.session_key, hex("c5dad2544fc9799094ce1ce90bc9d03e"));
	assert_true(ntlmv2_response_decode(a.nt_response, &r));
	assert_int_equal(r.timestamp, 0);
	assert_false(r.has_mic);
}

static void published_challenge_message_is_decoded_and_encoded(void **state)
{
	struct bytes message = hex(challenge_message), value;
	struct ntlm_challenge c;
	uint8_t out[512];
	struct wr w = wr_over(out, sizeof(out));

	assert_true(ntlm_challenge_decode(message, &c));
	assert_int_equal(c.flags, 0xe28a8233);
	assert_bytes(BYTES(c.challenge, 8), hex("0123456789abcdef"));
	assert_bytes(c.target_name, wide("Server"));
	assert_true(ntlm_av_find(c.target_info, NTLM_AV_NB_DOMAIN, &value));
	assert_bytes(value, wide("Domain"));
	assert_true(ntlm_av_find(c.target_info, NTLM_AV_NB_COMPUTER, &value));
	assert_bytes(value, wide("Server"));
	assert_false(ntlm_av_find(c.target_info, NTLM_AV_TIMESTAMP, &value));
	ntlm_challenge_encode(&w, &c);
	assert_false(w.bad);
	assert_int_equal(w.pos, message.len);
	assert_memory_equal(out, message.data, 48);
	assert_memory_equal(
		out + 56, message.data + 56, message.len - 56); /* the version between is our own */
}

static void signatures_of_a_windows_exchange_are_computed(void **state)
{
	struct bytes key = hex("270E1BA896585EEB7AF3472D3B4C75A7"),
		     list = hex("300C060A2B06010401823702020A");
	uint8_t out[16];

	assert_true(ntlm_sign(key.data, 0xE2888215, false, list, out));
	assert_bytes(BYTES(out, 16), hex("0100000063775A9A5FD97F0600000000"));
	assert_true(ntlm_sign(key.data, 0xE2888215, true, list, out));
	assert_bytes(BYTES(out, 16), hex("010000003B453CDC3524164200000000"));
}

static void authenticate_message_survives_a_round_trip(void **state)
{
	struct ntlm_authenticate in = {.flags = 0xe2888215,
		.lm_response = BYTES("\0", 1),
		.nt_response = BYTES("ntntntnt", 8),
		.domain = wide("D"),
		.user = wide("U"),
		.workstation = wide("W"),
		.session_key = BYTES("0123456789abcdef", 16)};
	struct ntlm_authenticate out;
	uint8_t buf[512];
	struct wr w = wr_over(buf, sizeof(buf));

	memset(in.mic, 0x77, sizeof(in.mic));
	ntlm_authenticate_encode(&w, &in);
	assert_false(w.bad);
	assert_true(ntlm_authenticate_decode(BYTES(buf, w.pos), &out));
	assert_int_equal(out.flags, in.flags);
	assert_bytes(out.lm_response, in.lm_response);
	assert_bytes(out.nt_response, in.nt_response);
	assert_bytes(out.domain, in.domain);
	assert_bytes(out.user, in.user);
	assert_bytes(out.workstation, in.workstation);
	assert_bytes(out.session_key, in.session_key);
	assert_memory_equal(out.mic, in.mic, sizeof(in.mic));
}

/* A copy of exactly `len` bytes, so that a sanitizer sees a byte read too far. */
static uint8_t *cut(struct bytes b, size_t len)
{
	uint8_t *p = talloc_size(NULL, len);

	memcpy(p, b.data, len);
	return p;
}

static void truncated_messages_are_refused(void **state)
{
	struct bytes c = hex(challenge_message), a = hex(authenticate_message);
	struct ntlm_challenge challenge;
	struct ntlm_authenticate auth;
	uint32_t flags;

	for (size_t i = 0; i < c.len; i++) {
		uint8_t *p = cut(c, i);
		assert_false(ntlm_challenge_decode(BYTES(p, i), &challenge));
		talloc_free(p);
	}
	for (size_t i = 0; i < a.len; i++) {
		uint8_t *p = cut(a, i);
		assert_false(ntlm_authenticate_decode(BYTES(p, i), &auth));
		talloc_free(p);
	}
	struct bytes n = hex("4e544c4d535350000100000097820820");
	for (size_t i = 0; i <= n.len; i++) {
		uint8_t *p = cut(n, i);
		assert_int_equal(ntlm_negotiate_decode(BYTES(p, i), &flags), i == n.len);
		talloc_free(p);
	}
	assert_int_equal(flags, 0x20088297);
}

static void message_of_another_type_is_refused(void **state)
{
	struct ntlm_challenge challenge;
	struct ntlm_authenticate auth;
	uint32_t flags;

	assert_false(ntlm_negotiate_decode(hex(challenge_message), &flags));
	assert_false(ntlm_challenge_decode(hex(authenticate_message), &challenge));
	assert_false(ntlm_authenticate_decode(hex(challenge_message), &auth));
}

/* The security buffers begin at 12: Len, MaxLen, BufferOffset. */
static void field_that_points_outside_is_refused(void **state)
{
	for (size_t field = 12; field < 60; field += 8) {
		struct bytes a = hex(authenticate_message);
		struct ntlm_authenticate auth;
		struct wr w = wr_over((uint8_t *)a.data, a.len);
		w.pos = a.len;
		wr_patch(&w, field + 4, UINT32_MAX - 1, 4);
		assert_false(ntlm_authenticate_decode(a, &auth));
		wr_patch(&w, field + 4, a.len - 1, 4);
		assert_false(ntlm_authenticate_decode(a, &auth));
	}
}

static void overlong_names_are_refused(void **state)
{
	uint8_t name[NTLM_NAME_MAX + 2] = {0}, buf[2048];
	struct ntlm_authenticate in = {.user = BYTES(name, NTLM_NAME_MAX)}, out;
	struct wr w = wr_over(buf, sizeof(buf));

	ntlm_authenticate_encode(&w, &in);
	assert_true(ntlm_authenticate_decode(BYTES(buf, w.pos), &out));
	in.user.len += 2;
	w = wr_over(buf, sizeof(buf));
	ntlm_authenticate_encode(&w, &in);
	assert_false(ntlm_authenticate_decode(BYTES(buf, w.pos), &out));
}

static void lists_of_pairs_end_at_the_marker_and_never_outside(void **state)
{
	struct bytes value;

	assert_false(ntlm_av_find(hex("0000000007000800aaaaaaaaaaaaaaaa"), NTLM_AV_TIMESTAMP, &value));
	assert_false(ntlm_av_find(hex("07000800aaaaaa"), NTLM_AV_TIMESTAMP, &value));
	assert_false(ntlm_av_find(hex("0700"), NTLM_AV_TIMESTAMP, &value));
	assert_false(ntlm_av_find(BYTES(NULL, 0), NTLM_AV_TIMESTAMP, &value));
	assert_true(ntlm_av_find(hex("0600040002000000"), NTLM_AV_FLAGS, &value));
	assert_bytes(value, hex("02000000"));
}

static void responses_older_than_ntlmv2_are_not_taken_for_one(void **state)
{
	struct ntlm_authenticate a;
	struct ntlmv2_response r;
	uint8_t other[256];

	assert_true(ntlm_authenticate_decode(hex(authenticate_message), &a));
	assert_false(ntlmv2_response_decode(
		BYTES(a.nt_response.data, 24), &r)); /* the size of an NTLMv1 response */
	assert_false(ntlmv2_response_decode(BYTES(NULL, 0), &r));
	for (size_t i = 0; i < 44; i++)
		assert_false(ntlmv2_response_decode(BYTES(a.nt_response.data, i), &r));
	memcpy(other, a.nt_response.data, a.nt_response.len);
	other[16] = 2; /* RespType */
	assert_false(ntlmv2_response_decode(BYTES(other, a.nt_response.len), &r));
}

static void mic_needs_a_message_that_has_room_for_it(void **state)
{
	uint8_t message[100] = {0}, key[16] = {1}, first[16], second[16];

	assert_false(ntlm_mic(key, BYTES("n", 1), BYTES("c", 1), BYTES(message, 87), first));
	assert_true(ntlm_mic(key, BYTES("n", 1), BYTES("c", 1), BYTES(message, 88), first));
	message[NTLM_MIC_OFFSET] = 9; /* its own bytes do not count */
	assert_true(ntlm_mic(key, BYTES("n", 1), BYTES("c", 1), BYTES(message, 88), second));
	assert_memory_equal(first, second, 16);
	message[NTLM_MIC_OFFSET - 1] = 9;
	assert_true(ntlm_mic(key, BYTES("n", 1), BYTES("c", 1), BYTES(message, 88), second));
	assert_memory_not_equal(first, second, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_keys_are_computed),
		cmocka_unit_test(user_name_is_upcased_and_domain_is_not),
		cmocka_unit_test(published_authenticate_message_is_decoded),
		cmocka_unit_test(published_challenge_message_is_decoded_and_encoded),
		cmocka_unit_test(signatures_of_a_windows_exchange_are_computed),
		cmocka_unit_test(authenticate_message_survives_a_round_trip),
		cmocka_unit_test(truncated_messages_are_refused),
		cmocka_unit_test(message_of_another_type_is_refused),
		cmocka_unit_test(field_that_points_outside_is_refused),
		cmocka_unit_test(overlong_names_are_refused),
		cmocka_unit_test(lists_of_pairs_end_at_the_marker_and_never_outside),
		cmocka_unit_test(responses_older_than_ntlmv2_are_not_taken_for_one),
		cmocka_unit_test(mic_needs_a_message_that_has_room_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
