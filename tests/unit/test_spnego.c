/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Tokens of a Windows client and server: Microsoft's "anatomy of signing and cryptographic keys". */
#include "auth/spnego.h"

#include "auth_hex.h"

static const char windows_init[] =
	"604806062B0601050502A03E303CA00E300C060A2B06010401823702020AA22A04284E544C4D5353500001000000978208E2"
	"00000000000000000000000000000000060380250000000F";
static const char windows_resp[] =
	"A181B03081ADA0030A0101A10C060A2B06010401823702020AA281970481944E544C4D53535000020000000C000C00380000"
	"00"
	"15828AE20D1D8BA31179D008000000000000000050005000440000000A0092270000000F530055005400330031003100"
	"02000C00530055005400330031003100"
	"01000C0053005500540033003100310004000C0053005500540033003100310003000C005300550054003300310031000700"
	"0800A1A1F5ADCBAED00100000000";
static const char windows_last[] = "A11B3019A0030A0100A3120410010000003B453CDC3524164200000000";
/* NEGOEX and NTLMSSP, with a NEGOEX token: the hint of Windows 10. */
static const char negoex_hint[] =
	"604E06062B0601050502A0443042A01A3018060A2B06010401823702021E060A2B06010401823702020AA2240422"
	"4E45474F45585453010000000000000060000000700000007C7CC0FD06D6362D02DD";

static void assert_bytes(struct bytes got, struct bytes want)
{
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
}

static void init_of_windows_is_decoded_and_encoded(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct spnego_token t;

	assert_true(spnego_decode(mem, hex(windows_init), &t));
	assert_int_equal(t.kind, SPNEGO_INIT);
	assert_true(t.offers_ntlmssp && t.prefers_ntlmssp);
	assert_bytes(t.mech_types, spnego_own_mech_types);
	assert_bytes(t.mech_token,
		hex("4E544C4D5353500001000000978208E200000000000000000000000000000000060380250000000F"));
	assert_null(t.mic.data);
	assert_bytes(spnego_encode_init(mem, t.mech_token), hex(windows_init));
	talloc_free(mem);
}

static void resp_of_windows_is_decoded_and_encoded(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct spnego_token t;

	assert_true(spnego_decode(mem, hex(windows_resp), &t));
	assert_int_equal(t.kind, SPNEGO_RESP);
	assert_int_equal(t.state, SPNEGO_ACCEPT_INCOMPLETE);
	assert_true(t.names_mech && t.names_ntlmssp);
	assert_int_equal(t.mech_token.len, 0x94);
	assert_null(t.mic.data);
	assert_bytes(spnego_encode_resp(mem, &t), hex(windows_resp));
	talloc_free(mem);
}

static void last_token_of_windows_is_decoded_and_encoded(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct spnego_token t;

	assert_true(spnego_decode(mem, hex(windows_last), &t));
	assert_int_equal(t.state, SPNEGO_ACCEPT_COMPLETED);
	assert_false(t.names_mech || t.names_ntlmssp);
	assert_null(t.mech_token.data);
	assert_bytes(t.mic, hex("010000003B453CDC3524164200000000"));
	assert_bytes(spnego_encode_resp(mem, &t), hex(windows_last));
	talloc_free(mem);
}

static void list_that_prefers_another_mechanism_is_seen(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct spnego_token t;

	assert_true(spnego_decode(mem, hex(negoex_hint), &t));
	assert_true(t.offers_ntlmssp);
	assert_false(t.prefers_ntlmssp);
	assert_bytes(t.mech_types, hex("3018060A2B06010401823702021E060A2B06010401823702020A"));
	talloc_free(mem);
}

static void hint_offers_ntlmssp_and_has_the_agreed_name(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct bytes hint = spnego_encode_hint(mem);
	struct spnego_token t;

	assert_non_null(memmem(hint.data, hint.len, "not_defined_in_RFC4178@please_ignore", 36));
	assert_true(spnego_decode(mem, hint, &t));
	assert_int_equal(t.kind, SPNEGO_INIT);
	assert_true(t.prefers_ntlmssp);
	assert_null(t.mech_token.data);
	assert_bytes(hint, hex("604806062B0601050502A03E303CA00E300C060A2B06010401823702020AA32A3028A0261B24"
			       "6E6F745F646566696E65645F696E5F5246433431373840706C656173655F69676E6F7265"));
	talloc_free(mem);
}

static void empty_fields_are_not_absent_ones(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct spnego_token in = {.kind = SPNEGO_RESP, .state = SPNEGO_NO_STATE}, out;

	assert_true(spnego_decode(mem, spnego_encode_resp(mem, &in), &out));
	assert_int_equal(out.state, SPNEGO_NO_STATE);
	assert_null(out.mech_token.data);
	assert_true(spnego_decode(mem, hex("A1083006A2020400A3000000"), &out) == false);
	assert_true(spnego_decode(mem, hex("A1063004A2020400"), &out));
	assert_non_null(out.mech_token.data);
	assert_int_equal(out.mech_token.len, 0);
	/* Written from the very end of an allocation: nothing behind it is read. */
	in.mech_token = BYTES((uint8_t *)talloc_size(mem, 96) + 96, 0);
	assert_bytes(spnego_encode_resp(mem, &in), hex("A1063004A2020400"));
	talloc_free(mem);
}

static void every_truncation_is_refused(void **state)
{
	static const char *const tokens[] = {windows_init, windows_resp, windows_last, negoex_hint};

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		struct bytes whole = hex(tokens[i]);
		for (size_t len = 0; len < whole.len; len++) {
			TALLOC_CTX *mem = talloc_new(NULL);
			struct spnego_token t;
			uint8_t *copy = talloc_memdup(mem, whole.data, len);
			assert_false(spnego_decode(mem, BYTES(copy, len), &t));
			talloc_free(mem);
		}
	}
}

static void bytes_behind_the_token_are_refused(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct bytes whole = hex(windows_last);
	struct spnego_token t;
	uint8_t *longer = talloc_zero_size(mem, whole.len + 1);

	memcpy(longer, whole.data, whole.len);
	assert_false(spnego_decode(mem, BYTES(longer, whole.len + 1), &t));
	talloc_free(mem);
}

static void what_is_no_token_is_refused(void **state)
{
	static const char *const wrong[] = {
		"A1093007A0050A0300000001",   /* a state of three bytes */
		"A1073005A0030A0104",         /* a state that does not exist */
		"A10730058003800101",         /* an implicit tag */
		"A1803080A0030A010000000000", /* indefinite lengths */
		"604806062B0601050503A03E303CA00E300C060A2B06010401823702020AA22A04284E544C4D5353500001000000"
		"978208E2"
		"00000000000000000000000000000000060380250000000F", /* another mechanism's identifier */
		"600C06062B0601050502A0023000",                     /* no list of mechanisms */
		"600E06062B0601050502A0043002A000", "4E544C4D53535000",
		"A00E300CA00A3008060633333333FF7F", /* an init without its GSS-API frame */
	};
	TALLOC_CTX *mem = talloc_new(NULL);
	struct spnego_token t;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(spnego_decode(mem, hex(wrong[i]), &t));
	talloc_free(mem);
}

/* DER of a token whose list of mechanisms holds `count` identifiers of three bytes. */
static struct bytes many_mechs(TALLOC_CTX *mem, size_t count)
{
	size_t list = count * 3, size = list + 64, n = 0;
	uint8_t *p = talloc_zero_size(mem, size);
	const uint8_t frame[] = {0x60, 0x82, 0, 0, 6, 6, 0x2b, 6, 1, 5, 5, 2, 0xa0, 0x82, 0, 0, 0x30, 0x82, 0,
		0, 0xa0, 0x82, 0, 0, 0x30, 0x82, 0, 0};

	memcpy(p, frame, sizeof(frame));
	n = sizeof(frame) + list;
	for (size_t i = 0; i < count; i++)
		memcpy(p + sizeof(frame) + i * 3, "\x06\x01\x2a", 3);
	const size_t starts[] = {2, 14, 18, 22, 26};
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		size_t len = n - starts[i] - 2;
		p[starts[i]] = (uint8_t)(len >> 8);
		p[starts[i] + 1] = (uint8_t)len;
	}
	return BYTES(p, n);
}

static void long_lists_of_mechanisms_are_refused_before_they_cost_time(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct spnego_token t;

	assert_true(spnego_decode(mem, many_mechs(mem, 300), &t));
	assert_false(t.offers_ntlmssp);
	assert_false(spnego_decode(mem, many_mechs(mem, 400), &t));
	assert_false(spnego_decode(mem, many_mechs(mem, 20000), &t));
	talloc_free(mem);
}

static void token_larger_than_the_limit_is_refused(void **state)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	struct spnego_token in = {.kind = SPNEGO_RESP, .state = SPNEGO_NO_STATE}, out;
	uint8_t *big = talloc_zero_size(mem, SPNEGO_TOKEN_MAX);

	in.mech_token = BYTES(big, SPNEGO_TOKEN_MAX - 64);
	assert_true(spnego_decode(mem, spnego_encode_resp(mem, &in), &out));
	assert_int_equal(out.mech_token.len, SPNEGO_TOKEN_MAX - 64);
	in.mech_token = BYTES(big, SPNEGO_TOKEN_MAX);
	assert_false(spnego_decode(mem, spnego_encode_resp(mem, &in), &out));
	talloc_free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_of_windows_is_decoded_and_encoded),
		cmocka_unit_test(resp_of_windows_is_decoded_and_encoded),
		cmocka_unit_test(last_token_of_windows_is_decoded_and_encoded),
		cmocka_unit_test(list_that_prefers_another_mechanism_is_seen),
		cmocka_unit_test(hint_offers_ntlmssp_and_has_the_agreed_name),
		cmocka_unit_test(empty_fields_are_not_absent_ones),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(bytes_behind_the_token_are_refused),
		cmocka_unit_test(what_is_no_token_is_refused),
		cmocka_unit_test(long_lists_of_mechanisms_are_refused_before_they_cost_time),
		cmocka_unit_test(token_larger_than_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
