/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Vectors: Microsoft's "Encryption in SMB 3.0: A protocol perspective" (CCM) and "SMB 3.1.1 Encryption in
 * Windows 10" (GCM); the 256-bit ciphers against another library.
 */
#include "auth/seal.h"

#include "auth_hex.h"
#include "wire/negotiate_context.h"
#include "wire/smb2.h"

#include <nettle/ccm.h>
#include <nettle/gcm.h>

enum { HEADER = SMB2_TRANSFORM_HEADER_SIZE };

struct vector {
	uint16_t cipher;
	const char *key, *plain, *sealed; /* sealed: with the transform header */
};

static const struct vector vectors[] = {
	{SMB2_CIPHER_AES128_CCM, "261B72350558F2E9DCF613070383EDBF",
		"FE534D4240000100000000000900400008000000000000000400000000000000"
		"FFFE0000010000001100001400E4080000000000000000000000000000000000"
		"3100700017000000000000000000000015010000390000020100000039020000"
		"00000000000000007000000000000000536D623320656E6372797074696F6E20"
		"74657374696E67",
		"FD534D4281A286535415445DAE393921E44FA42E66E69A111892584FB5ED524A"
		"744DA3EE87000000000001001100001400E4080025C8FEE16605A437832D1CD5"
		"2DA9F4645333482A175FE5384563F45FCDAFAEF38BC62BA4D5C62897996625A4"
		"4C29BE5658DE2E6117585779E7B59FFD971278D08580D7FA899E410E910EABF5"
		"AA1DB43050B33B49182637759AC15D84BFCDF5B6B238993C0F4CF4D6012023F6"
		"C627297075D84B7803912D0A9639634453595EF3E33FFE4E7AC2AB"},
	{SMB2_CIPHER_AES128_CCM, "8FE2B57EC34D2DB5B1A9727F526BBDB5",
		"FE534D4240000100000000000900210009000000000000000400000000000000"
		"FFFE0000010000001100001400E4080000000000000000000000000000000000"
		"11000000170000000000000000000000",
		"FD534D42A6015530A18F6D9AFFE22AFAE8E66484860000000000000011000014"
		"00E4080050000000000001001100001400E40800DBF46435C5F14169293CE079"
		"E344479BF670227E49873F458672C3098DAC467DD5809F369D67409166515787"
		"1483E01F7BECD02064EAC3E235F913668BBC2F097980D4B378F1993EFF6E60D1"
		"77309E5B"},
	{SMB2_CIPHER_AES128_GCM, "A2F5E80E5D59103034F32E52F698E5EC",
		"FE534D4240000100000000000900010008000000000000000500000000000000FFFE000001000000"
		"25000000001000000000000000000000000000000000000031007000170000000000000000000000"
		"0600000004000000010000000400000000000000000000007000000000000000536D623320656E63"
		"72797074696F6E2074657374696E67",
		"FD534D42BD73D97D2BC9001BCAFAC0FDFF5FEEBCC7D6822D269CAF48904C664C0000000087000000"
		"0000010025000000001000006ECDD2A7AFC7B47763057A041B8FD4DAFFE990B70C9E09D36C084E02"
		"D14EF247F8BDE38ACF6256F8B1D3B56F77FBDEB312FEA5E92CBCC1ED8FB2EBBFAA75E49A4A394BB4"
		"4576545567C24D4C014D47C9FBDFDAFD2C4F9B72F8D256452620A299F48E29E53D6B61D1C13A19E9"
		"1AF013F00D17E3ABC2FC3D36C8C1B6B93973253852DBD442E46EE8"},
	{SMB2_CIPHER_AES128_GCM, "748C50868C90F302962A5C35F5F9A8BF",
		"FE534D4240000100000000000900010001000000000000000500000000000000FFFE000001000000"
		"25000000001000000000000000000000000000000000000011000000170000000000000000000000",
		"FD534D42ACBE1CB7ED343ADF1725EF144D90D4B0E06831DD2E8EB7B4000000000000000050000000"
		"00000100250000000010000026BBBF949983A6C1C796559D0F2C510CB651D1F7B6AC8DED32A2A0B8"
		"F2D793A815C6F6B848D69767A215841A42D400AE6DDB5F0B44173A014973321FDD7950DA6179159B"
		"82E03C9E18A050FF0EA1C967"},
};

static void published_messages_are_sealed_and_opened(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct bytes sealed = hex(vectors[i].sealed), plain = hex(vectors[i].plain);
		struct sealer *s = sealer_new(NULL, vectors[i].cipher, hex(vectors[i].key).data);
		uint8_t header[HEADER], data[1024];
		struct iovec iov = {data, plain.len};

		assert_int_equal(sealed.len, HEADER + plain.len);
		memcpy(header, sealed.data, HEADER);
		memset(header + 4, 0, 16);
		memcpy(data, plain.data, plain.len);
		assert_true(sealer_seal(s, header, &iov, 1));
		assert_memory_equal(header, sealed.data, HEADER);
		assert_memory_equal(data, sealed.data + HEADER, plain.len);
		assert_true(sealer_open(s, header, data, plain.len));
		assert_memory_equal(data, plain.data, plain.len);
		talloc_free(s);
	}
}

static const uint16_t ciphers[] = {
	SMB2_CIPHER_AES128_CCM, SMB2_CIPHER_AES128_GCM, SMB2_CIPHER_AES256_CCM, SMB2_CIPHER_AES256_GCM};
static const uint8_t key[32] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 11, 12, 13, 14, 15, 16, 99};

static void make_header(uint8_t header[HEADER], size_t len)
{
	for (unsigned i = 0; i < HEADER; i++)
		header[i] = (uint8_t)(i * 3 + len);
}

static void wide_ciphers_agree_with_another_library(void **state)
{
	enum { LEN = 333 };
	uint8_t plain[LEN], data[LEN], want[LEN], tag[16], header[HEADER];
	struct ccm_aes256_ctx ccm;
	struct gcm_aes256_ctx gcm;

	memset(plain, 0x42, sizeof(plain));
	make_header(header, LEN);
	ccm_aes256_set_key(&ccm, key);
	ccm_aes256_set_nonce(&ccm, 11, header + 20, 32, LEN, 16);
	ccm_aes256_update(&ccm, 32, header + 20);
	ccm_aes256_encrypt(&ccm, LEN, want, plain);
	ccm_aes256_digest(&ccm, 16, tag);
	struct sealer *s = sealer_new(NULL, SMB2_CIPHER_AES256_CCM, key);
	struct iovec iov = {memcpy(data, plain, LEN), LEN};
	assert_true(sealer_seal(s, header, &iov, 1));
	assert_memory_equal(data, want, LEN);
	assert_memory_equal(header + 4, tag, 16);
	talloc_free(s);

	gcm_aes256_set_key(&gcm, key);
	gcm_aes256_set_iv(&gcm, 12, header + 20);
	gcm_aes256_update(&gcm, 32, header + 20);
	gcm_aes256_encrypt(&gcm, LEN, want, plain);
	gcm_aes256_digest(&gcm, 16, tag);
	s = sealer_new(NULL, SMB2_CIPHER_AES256_GCM, key);
	memcpy(data, plain, LEN);
	assert_true(sealer_seal(s, header, &iov, 1));
	assert_memory_equal(data, want, LEN);
	assert_memory_equal(header + 4, tag, 16);
	talloc_free(s);
}

static void pieces_are_sealed_like_the_whole(void **state)
{
	enum { LEN = 150 };
	uint8_t whole[LEN], split[LEN], header[HEADER], header2[HEADER];

	for (size_t c = 0; c < ARRAY_SIZE(ciphers); c++) {
		struct sealer *s = sealer_new(NULL, ciphers[c], key);
		struct iovec one = {memset(whole, 1, LEN), LEN};
		make_header(header, LEN);
		assert_true(sealer_seal(s, header, &one, 1));
		for (size_t i = 0; i <= LEN; i++) {
			size_t j = i + (LEN - i) / 3;
			struct iovec iov[] = {{split, i}, {split + i, j - i}, {split + j, LEN - j}};
			memset(split, 1, LEN);
			make_header(header2, LEN);
			assert_true(sealer_seal(s, header2, iov, 3));
			assert_memory_equal(split, whole, LEN);
			assert_memory_equal(header2, header, HEADER);
		}
		talloc_free(s);
	}
}

static void every_changed_byte_is_noticed(void **state)
{
	enum { LEN = 70 };
	uint8_t sealed[HEADER + LEN], m[HEADER + LEN];

	for (size_t c = 0; c < ARRAY_SIZE(ciphers); c++) {
		struct sealer *s = sealer_new(NULL, ciphers[c], key);
		struct iovec iov = {memset(sealed + HEADER, 5, LEN), LEN};
		make_header(sealed, LEN);
		assert_true(sealer_seal(s, sealed, &iov, 1));
		for (size_t i = 4; i < sizeof(m); i++) { /* the first four bytes are not protected */
			memcpy(m, sealed, sizeof(m));
			m[i] ^= 1;
			assert_false(sealer_open(s, m, m + HEADER, LEN));
		}
		memcpy(m, sealed, sizeof(m));
		assert_false(sealer_open(s, m, m + HEADER, LEN - 1));
		memcpy(m, sealed, sizeof(m));
		assert_true(sealer_open(s, m, m + HEADER, LEN));
		talloc_free(s);
	}
}

static void nothing_to_seal_still_gets_a_tag(void **state)
{
	for (size_t c = 0; c < ARRAY_SIZE(ciphers); c++) {
		struct sealer *s = sealer_new(NULL, ciphers[c], key);
		uint8_t header[HEADER], data[1] = {0};
		struct iovec iov = {data, 0};

		make_header(header, 0);
		assert_true(sealer_seal(s, header, &iov, 1));
		assert_true(sealer_open(s, header, data, 0));
		header[4] ^= 1;
		assert_false(sealer_open(s, header, data, 0));
		talloc_free(s);
	}
}

static void ciphers_have_their_nonce_sizes_and_unknown_ones_no_sealer(void **state)
{
	static const size_t sizes[] = {11, 12, 11, 12};

	for (size_t c = 0; c < ARRAY_SIZE(ciphers); c++) {
		struct sealer *s = sealer_new(NULL, ciphers[c], key);
		assert_int_equal(sealer_nonce_size(s), sizes[c]);
		talloc_free(s);
	}
	assert_null(sealer_new(NULL, 0, key));
	assert_null(sealer_new(NULL, 5, key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_messages_are_sealed_and_opened),
		cmocka_unit_test(wide_ciphers_agree_with_another_library),
		cmocka_unit_test(pieces_are_sealed_like_the_whole),
		cmocka_unit_test(every_changed_byte_is_noticed),
		cmocka_unit_test(nothing_to_seal_still_gets_a_tag),
		cmocka_unit_test(ciphers_have_their_nonce_sizes_and_unknown_ones_no_sealer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
