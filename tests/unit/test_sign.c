/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/sign.h"

#include "auth_hex.h"
#include "wire/negotiate_context.h"
#include "wire/smb2.h"

#include <nettle/cmac.h>
#include <nettle/gcm.h>
#include <nettle/hmac.h>

static const uint8_t key[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
static const uint16_t algorithms[] = {SMB2_SIGNING_HMAC_SHA256, SMB2_SIGNING_AES_CMAC, SMB2_SIGNING_AES_GMAC};

enum { MESSAGE_SIZE = 64 + 133 };

static void make_message(uint8_t m[MESSAGE_SIZE], uint16_t command)
{
	struct wr w = wr_over(m, MESSAGE_SIZE);
	struct smb2_header h = {.command = command, .message_id = 0x1122334455667788, .session_id = 9};

	memset(h.signature, 0xee, sizeof(h.signature));
	smb2_header_encode(&w, &h);
	for (unsigned i = 64; i < MESSAGE_SIZE; i++)
		m[i] = (uint8_t)(i * 7);
}

/* The same by another library, over a message with the field really zeroed. */
static void reference(
	uint16_t algorithm, const uint8_t *message, size_t len, const uint8_t nonce[12], uint8_t out[16])
{
	uint8_t copy[MESSAGE_SIZE];
	struct hmac_sha256_ctx hmac;
	struct cmac_aes128_ctx cmac;
	struct gcm_aes128_ctx gcm;

	memcpy(copy, message, len);
	memset(copy + SMB2_SIGNATURE_OFFSET, 0, 16);
	switch (algorithm) {
	case SMB2_SIGNING_HMAC_SHA256:
		hmac_sha256_set_key(&hmac, 16, key);
		hmac_sha256_update(&hmac, len, copy);
		hmac_sha256_digest(&hmac, 16, out);
		break;
	case SMB2_SIGNING_AES_CMAC:
		cmac_aes128_set_key(&cmac, key);
		cmac_aes128_update(&cmac, len, copy);
		cmac_aes128_digest(&cmac, 16, out);
		break;
	default:
		gcm_aes128_set_key(&gcm, key);
		gcm_aes128_set_iv(&gcm, 12, nonce);
		gcm_aes128_update(&gcm, len, copy);
		gcm_aes128_digest(&gcm, 16, out);
	}
}

static void sign_one(struct signer *s, uint8_t *m, size_t len, bool is_server, uint8_t out[16])
{
	struct iovec iov = {m, len};

	assert_true(signer_sign(s, &iov, 1, is_server, out));
}

static void signatures_agree_with_another_library(void **state)
{
	uint8_t m[MESSAGE_SIZE], got[16], want[16];
	static const struct {
		uint16_t command;
		bool is_server;
		uint8_t word;
	} roles[] = {
		{SMB2_READ, false, 0}, {SMB2_READ, true, 1}, {SMB2_CANCEL, false, 2}, {SMB2_CANCEL, true, 3}};

	for (size_t a = 0; a < ARRAY_SIZE(algorithms); a++) {
		struct signer *s = signer_new(NULL, algorithms[a], key);
		for (size_t r = 0; r < ARRAY_SIZE(roles); r++) {
			uint8_t nonce[12] = {0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, roles[r].word};
			make_message(m, roles[r].command);
			for (size_t len = 64; len <= MESSAGE_SIZE; len++) {
				sign_one(s, m, len, roles[r].is_server, got);
				reference(algorithms[a], m, len, nonce, want);
				assert_memory_equal(got, want, 16);
			}
		}
		talloc_free(s);
	}
}

static void pieces_give_the_signature_of_the_whole(void **state)
{
	uint8_t m[MESSAGE_SIZE], whole[16], split[16];

	make_message(m, SMB2_WRITE);
	for (size_t a = 0; a < ARRAY_SIZE(algorithms); a++) {
		struct signer *s = signer_new(NULL, algorithms[a], key);
		sign_one(s, m, sizeof(m), true, whole);
		for (size_t i = 64; i <= sizeof(m); i++) {
			for (size_t j = i; j <= sizeof(m); j += 13) {
				struct iovec iov[] = {{m, i}, {m + i, j - i}, {m + j, sizeof(m) - j}};
				assert_true(signer_sign(s, iov, 3, true, split));
				assert_memory_equal(split, whole, 16);
			}
		}
		talloc_free(s);
	}
}

static void many_pieces_are_signed(void **state)
{
	enum { COUNT = 100 };
	uint8_t m[64 + COUNT] = {0}, whole[16], split[16];
	struct iovec iov[1 + COUNT] = {{m, 64}};
	struct signer *s = signer_new(NULL, SMB2_SIGNING_AES_GMAC, key);

	for (int i = 0; i < COUNT; i++) {
		m[64 + i] = (uint8_t)i;
		iov[1 + i] = (struct iovec){m + 64 + i, 1};
	}
	sign_one(s, m, sizeof(m), false, whole);
	assert_true(signer_sign(s, iov, 1 + COUNT, false, split));
	assert_memory_equal(split, whole, 16);
	talloc_free(s);
}

static void message_is_not_modified_and_its_signature_field_does_not_count(void **state)
{
	uint8_t m[MESSAGE_SIZE], before[MESSAGE_SIZE], first[16], second[16];

	for (size_t a = 0; a < ARRAY_SIZE(algorithms); a++) {
		struct signer *s = signer_new(NULL, algorithms[a], key);
		make_message(m, SMB2_READ);
		memcpy(before, m, sizeof(m));
		sign_one(s, m, sizeof(m), true, first);
		assert_memory_equal(m, before, sizeof(m));
		memset(m + SMB2_SIGNATURE_OFFSET, 0x5a, 16);
		sign_one(s, m, sizeof(m), true, second);
		assert_memory_equal(first, second, 16);
		talloc_free(s);
	}
}

static void verify_refuses_every_changed_byte(void **state)
{
	uint8_t m[MESSAGE_SIZE];

	for (size_t a = 0; a < ARRAY_SIZE(algorithms); a++) {
		struct signer *s = signer_new(NULL, algorithms[a], key);
		make_message(m, SMB2_READ);
		sign_one(s, m, sizeof(m), false, m + SMB2_SIGNATURE_OFFSET);
		assert_true(signer_verify(s, BYTES(m, sizeof(m)), false));
		for (size_t i = 0; i < sizeof(m); i++) {
			m[i] ^= 0x10;
			assert_false(signer_verify(s, BYTES(m, sizeof(m)), false));
			m[i] ^= 0x10;
		}
		assert_false(signer_verify(s, BYTES(m, sizeof(m) - 1), false));
		assert_true(signer_verify(s, BYTES(m, sizeof(m)), false));
		talloc_free(s);
	}
}

/* A message that the server has signed cannot be played back as a client's. */
static void gmac_tells_the_roles_apart(void **state)
{
	uint8_t m[MESSAGE_SIZE];
	struct signer *s = signer_new(NULL, SMB2_SIGNING_AES_GMAC, key);

	make_message(m, SMB2_READ);
	sign_one(s, m, sizeof(m), true, m + SMB2_SIGNATURE_OFFSET);
	assert_true(signer_verify(s, BYTES(m, sizeof(m)), true));
	assert_false(signer_verify(s, BYTES(m, sizeof(m)), false));
	talloc_free(s);
}

/* The SESSION_SETUP response of Microsoft's "anatomy of signing and cryptographic keys", dialect 3.1.1. */
static void signature_of_the_published_response_is_verified(void **state)
{
	struct bytes message =
		hex("FE534D4240000100000000000100800009000000000000000300000000000000FFFE000000000000"
		    "1900000000100000EBE146DA120BA25FC3376A49DFE31BC10900000048001D00A11B3019A0030A01"
		    "00A3120410010000003B453CDC3524164200000000");
	struct signer *s =
		signer_new(NULL, SMB2_SIGNING_AES_CMAC, hex("73FE7A9A77BEF0BDE49C650D8CCB5F76").data);

	assert_true(signer_verify(s, message, true));
	talloc_free(s);
}

static void message_shorter_than_a_header_is_refused(void **state)
{
	uint8_t m[64] = {0}, out[16];
	struct iovec halves[] = {{m, 63}, {m + 63, 1}};

	for (size_t a = 0; a < ARRAY_SIZE(algorithms); a++) {
		struct signer *s = signer_new(NULL, algorithms[a], key);
		assert_false(signer_verify(s, BYTES(m, 63), false));
		assert_false(signer_verify(s, BYTES(NULL, 0), false));
		assert_false(signer_sign(s, halves, 2, false, out));
		assert_false(signer_sign(s, NULL, 0, false, out));
		talloc_free(s);
	}
}

static void unknown_algorithm_makes_no_signer(void **state)
{
	assert_null(signer_new(NULL, 3, key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_agree_with_another_library),
		cmocka_unit_test(pieces_give_the_signature_of_the_whole),
		cmocka_unit_test(many_pieces_are_signed),
		cmocka_unit_test(message_is_not_modified_and_its_signature_field_does_not_count),
		cmocka_unit_test(verify_refuses_every_changed_byte),
		cmocka_unit_test(gmac_tells_the_roles_apart),
		cmocka_unit_test(signature_of_the_published_response_is_verified),
		cmocka_unit_test(message_shorter_than_a_header_is_refused),
		cmocka_unit_test(unknown_algorithm_makes_no_signer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
