/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "wire/negotiate_context.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LITERAL(s) BYTES(s, sizeof(s) - 1)

static const char salt[] = "0123456789abcdef0123456789abcdef";

static struct smb2_negotiate_contexts all_kinds(void)
{
	return (struct smb2_negotiate_contexts){
		.has_preauth = true, .preauth_hashes = {1, {SMB2_PREAUTH_SHA512}}, .salt = BYTES(salt, 32),
		.has_ciphers = true, .ciphers = {2, {SMB2_CIPHER_AES128_GCM, SMB2_CIPHER_AES128_CCM}},
		.has_signing = true, .signing = {3, {2, 1, 0}},
		.has_netname = true, .netname = LITERAL("h\0o\0s\0t\0"),
		.has_compression = true, .compression = {1, {2}},
		.has_rdma_transform = true, .rdma_transform = {2, {1, 2}},
	};
}

static void assert_lists_equal(const struct u16_list *a, const struct u16_list *b)
{
	assert_int_equal(a->count, b->count);
	assert_memory_equal(a->v, b->v, a->count * sizeof(a->v[0]));
}

static void all_kinds_survive_a_round_trip(void **state)
{
	uint8_t buf[512];
	struct smb2_negotiate_contexts in = all_kinds(), out;
	struct wr w = wr_over(buf, sizeof(buf));
	uint16_t count;

	smb2_negotiate_contexts_encode(&w, &in, &count);
	assert_false(w.bad);
	assert_int_equal(count, 6);
	assert_true(smb2_negotiate_contexts_decode(BYTES(buf, w.pos), count, &out));
	assert_true(out.has_preauth && out.has_ciphers && out.has_signing && out.has_netname &&
		    out.has_compression && out.has_rdma_transform);
	assert_lists_equal(&out.preauth_hashes, &in.preauth_hashes);
	assert_lists_equal(&out.ciphers, &in.ciphers);
	assert_lists_equal(&out.signing, &in.signing);
	assert_lists_equal(&out.compression, &in.compression);
	assert_lists_equal(&out.rdma_transform, &in.rdma_transform);
	assert_true(bytes_equal(out.salt, in.salt));
	assert_true(bytes_equal(out.netname, in.netname));
}

static void each_context_begins_on_a_multiple_of_8(void **state)
{
	uint8_t buf[512];
	struct smb2_negotiate_contexts in = all_kinds();
	struct wr w = wr_over(buf, sizeof(buf));
	uint16_t count;

	wr_zero(&w, 5); /* counted from the first context, not from base */
	smb2_negotiate_contexts_encode(&w, &in, &count);
	struct rd r = rd_over(BYTES(buf + 5, w.pos - 5));
	static const uint16_t types[] = {1, 2, 3, 5, 7, 8};
	static const uint16_t lengths[] = {4 + 2 + 32, 2 + 4, 8 + 2, 8, 8 + 4, 2 + 6};
	for (unsigned i = 0; i < count; i++) {
		rd_align(&r, 8);
		assert_int_equal(rd_u16(&r), types[i]);
		assert_int_equal(rd_u16(&r), lengths[i]);
		assert_int_equal(rd_u32(&r), 0);
		rd_skip(&r, lengths[i]);
	}
	assert_false(r.bad);
	assert_int_equal(rd_left(&r), 0);
}

static void none_present_writes_nothing(void **state)
{
	uint8_t buf[8];
	const struct smb2_negotiate_contexts in = {0};
	struct smb2_negotiate_contexts out;
	struct wr w = wr_over(buf, sizeof(buf));
	uint16_t count = 9;

	smb2_negotiate_contexts_encode(&w, &in, &count);
	assert_int_equal(count, 0);
	assert_int_equal(w.pos, 0);
	assert_true(smb2_negotiate_contexts_decode(BYTES(NULL, 0), 0, &out));
	assert_false(out.has_preauth);
}

/* As Windows 10 sends them: preauth, ciphers, one that is unknown here, without padding behind the last. */
static void contexts_as_clients_send_them_decode(void **state)
{
	static const char sent[] =
		"\x01\x00\x26\x00\x00\x00\x00\x00\x01\x00\x20\x00\x01\x00"
		"SALTSALTSALTSALTSALTSALTSALTSALT\x00\x00"
		"\x02\x00\x06\x00\x00\x00\x00\x00\x02\x00\x02\x00\x01\x00\x00\x00"
		"\x00\x01\x03\x00\xFF\xFF\xFF\xFF" "abc\x00\x00\x00\x00\x00"
		"\x08\x00\x04\x00\x00\x00\x00\x00\x01\x00\x02\x00";
	struct smb2_negotiate_contexts out;

	assert_true(smb2_negotiate_contexts_decode(LITERAL(sent), 4, &out));
	assert_true(out.has_preauth && out.has_ciphers && out.has_signing);
	assert_int_equal(out.salt.len, 32);
	assert_int_equal(out.ciphers.count, 2);
	assert_int_equal(out.ciphers.v[0], SMB2_CIPHER_AES128_GCM);
	assert_int_equal(out.signing.v[0], SMB2_SIGNING_AES_GMAC);
}

static void every_truncation_is_refused(void **state)
{
	uint8_t buf[512];
	struct smb2_negotiate_contexts in = all_kinds(), out;
	struct wr w = wr_over(buf, sizeof(buf));
	uint16_t count;

	smb2_negotiate_contexts_encode(&w, &in, &count);
	for (size_t len = 0; len < w.pos; len++)
		assert_false(smb2_negotiate_contexts_decode(BYTES(buf, len), count, &out));
	assert_false(smb2_negotiate_contexts_decode(BYTES(buf, w.pos), (uint16_t)(count + 1), &out));
}

#define REFUSED(s, count) assert_false(smb2_negotiate_contexts_decode(LITERAL(s), count, &out))
#define TAKEN(s, count) assert_true(smb2_negotiate_contexts_decode(LITERAL(s), count, &out))

/* [MS-SMB2] 3.3.5.4 */
static void a_context_that_occurs_twice_is_refused(void **state)
{
	struct smb2_negotiate_contexts out;

#define ONE "\x02\x00\x04\x00\0\0\0\0\x01\x00\x02\x00\0\0\0\0"
	TAKEN(ONE, 1);
	REFUSED(ONE ONE, 2);
	TAKEN(ONE ONE, 1);
	/* unknown ones may */
	TAKEN("\x99\x00\x00\x00\0\0\0\0" "\x99\x00\x00\x00\0\0\0\0", 2);
}

static void a_list_longer_than_its_context_is_refused(void **state)
{
	struct smb2_negotiate_contexts out;

	REFUSED("\x02\x00\x04\x00\0\0\0\0\x02\x00\x02\x00\x01\x00\0\0", 1);
	REFUSED("\x08\x00\x02\x00\0\0\0\0\xFF\xFF\x02\x00\x01\x00\0\0", 1);
	REFUSED("\x01\x00\x06\x00\0\0\0\0\x01\x00\x01\x00\x01\x00S\0", 1); /* salt behind the end */
	REFUSED("\x03\x00\x08\x00\0\0\0\0\x01\x00\0\0\0\0\0\0\x01\x00", 1);
	REFUSED("\x07\x00\x08\x00\0\0\0\0\x01\x00\0\0\0\0\0\0\x01\x00", 1);
}

static void an_empty_list_is_refused(void **state)
{
	struct smb2_negotiate_contexts out;

	REFUSED("\x01\x00\x04\x00\0\0\0\0\0\0\0\0", 1);
	REFUSED("\x02\x00\x02\x00\0\0\0\0\0\0", 1);
	REFUSED("\x03\x00\x08\x00\0\0\0\0\0\0\0\0\0\0\0\0", 1);
	REFUSED("\x07\x00\x08\x00\0\0\0\0\0\0\0\0\0\0\0\0", 1);
	REFUSED("\x08\x00\x02\x00\0\0\0\0\0\0", 1);
	REFUSED("\x02\x00\x00\x00\0\0\0\0", 1);
}

static void a_long_list_is_cut_to_what_fits(void **state)
{
	uint8_t buf[128] = {0x02, 0, 2 + 2 * (NEG_LIST_MAX + 4), 0, 0, 0, 0, 0, NEG_LIST_MAX + 4, 0};
	struct smb2_negotiate_contexts out;

	for (unsigned i = 0; i < NEG_LIST_MAX + 4; i++)
		buf[10 + 2 * i] = (uint8_t)(i + 1);
	assert_true(smb2_negotiate_contexts_decode(BYTES(buf, 10 + 2 * (NEG_LIST_MAX + 4)), 1, &out));
	assert_int_equal(out.ciphers.count, NEG_LIST_MAX);
	assert_int_equal(out.ciphers.v[NEG_LIST_MAX - 1], NEG_LIST_MAX);
	assert_false(smb2_negotiate_contexts_decode(BYTES(buf, 10 + 2 * (NEG_LIST_MAX + 4) - 1), 1, &out));
}

static void a_list_that_is_full_is_encoded(void **state)
{
	uint8_t buf[128];
	struct smb2_negotiate_contexts in = {.has_signing = true, .signing = {NEG_LIST_MAX, {3, 2, 1}}}, out;
	struct wr w = wr_over(buf, sizeof(buf));
	uint16_t count;

	smb2_negotiate_contexts_encode(&w, &in, &count);
	assert_false(w.bad);
	assert_true(smb2_negotiate_contexts_decode(BYTES(buf, w.pos), count, &out));
	assert_lists_equal(&out.signing, &in.signing);
}

static void a_list_out_of_bounds_is_not_encoded(void **state)
{
	uint8_t buf[128];
	const uint16_t counts[] = {0, NEG_LIST_MAX + 1};
	uint16_t count;

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct smb2_negotiate_contexts in = {.has_ciphers = true, .ciphers = {counts[i], {1}}};
		struct wr w = wr_over(buf, sizeof(buf));
		smb2_negotiate_contexts_encode(&w, &in, &count);
		assert_true(w.bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds_survive_a_round_trip),
		cmocka_unit_test(each_context_begins_on_a_multiple_of_8),
		cmocka_unit_test(none_present_writes_nothing),
		cmocka_unit_test(contexts_as_clients_send_them_decode),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(a_context_that_occurs_twice_is_refused),
		cmocka_unit_test(a_list_longer_than_its_context_is_refused),
		cmocka_unit_test(an_empty_list_is_refused),
		cmocka_unit_test(a_long_list_is_cut_to_what_fits),
		cmocka_unit_test(a_list_that_is_full_is_encoded),
		cmocka_unit_test(a_list_out_of_bounds_is_not_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
