/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Vectors: Microsoft's "SMB 2 and SMB 3 security in Windows 10: the anatomy of signing and cryptographic
 * keys".
 */
#include "auth/session_keys.h"

#include "auth_hex.h"
#include "wire/negotiate_context.h"
#include "wire/smb2.h"

struct vector {
	uint16_t dialect;
	const char *session_key, *preauth, *signing, *server_in, *server_out, *application;
};

/* The article names the encryption key from the client's side: it is the server's decryption key. */
static const struct vector vectors[] = {
	{SMB2_DIALECT_0300, "7CD451825D0450D235424E44BA6E78CC", NULL, "0B7E9C5CAC36C0F6EA9AB275298CEDCE",
		"FAD27796665B313EBB578F388632B4F7", "B0F0427F7CEB416D1D9DCC0CD4F99447",
		"BB23A4575AA26C721AF525AF15A87B4F"},
	{SMB2_DIALECT_0302, "B4546771B515F766A86735532DD6C4F0", NULL, "F773CD23C18FD1E08EE510CADA7CF852",
		"261B72350558F2E9DCF613070383EDBF", "8FE2B57EC34D2DB5B1A9727F526BBDB5",
		"77432F808CE99156B5BC6A3676D730D1"},
	{SMB2_DIALECT_0311, "270E1BA896585EEB7AF3472D3B4C75A7",
		"0DD13628CC3ED218EF9DF9772D436D0887AB9814BFAE63A80AA845F36909DB79"
		"28622DDDAD522D9751640A459762C5A9D6BB084CBB3CE6BDADEF5D5BCE3C6C01",
		"73FE7A9A77BEF0BDE49C650D8CCB5F76", "629BCBC54422A0F572B97F45989B6073",
		"E2AF0DCEFAC68DA71A0DFBD0D1350D74", "6D7AD7954E9EC61E907B4D473DC178FF"},
	{SMB2_DIALECT_0311, "419FDDF34C1E001909D362AE7FB6AF79",
		"B23F3CBFD69487D9832B79B1594A367CDD950909B774C3A4C412B4FCEA9EDDDB"
		"A7DB256BA2EA30E977F11F9B113247578E0E915C6D2A513B8F2FCA5707DC8770",
		"8765949DFEAEE105CE9118B45BE988F0", "A2F5E80E5D59103034F32E52F698E5EC",
		"748C50868C90F302962A5C35F5F9A8BF", "099D610789FBE82055B313601C3E8CC4"},
};

static void published_keys_are_derived(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct session_keys k;
		uint8_t preauth[PREAUTH_HASH_SIZE] = {0};

		if (v->preauth)
			memcpy(preauth, hex(v->preauth).data, sizeof(preauth));
		session_keys_derive(&k, v->dialect, SMB2_CIPHER_AES128_GCM, hex(v->session_key), preauth);
		assert_memory_equal(k.signing, hex(v->signing).data, 16);
		assert_memory_equal(k.server_in, hex(v->server_in).data, 16);
		assert_memory_equal(k.server_out, hex(v->server_out).data, 16);
		assert_memory_equal(k.application, hex(v->application).data, 16);
		assert_int_equal(k.cipher_key_size, 16);
	}
}

static void preauth_hash_follows_the_published_messages(void **state)
{
	uint8_t hash[PREAUTH_HASH_SIZE] = {0};

	preauth_update(
		hash, hex("FE534D4240000100000000000000800000000000000000000100000000000000FFFE000000000000"
			  "00000000000000000000000000000000000000000000000024000500000000003F000000ECD86F32"
			  "6276024F9F7752B89BB33F3A70000000020000000202100200030203110300000100260000000000"
			  "010020000100FA49E6578F1F3A9F4CD3E9CC14A67AA884B3D05844E0E5A118225C15887F32FF0000"
			  "0200060000000000020002000100"));
	assert_memory_equal(hash,
		hex("DD94EFC5321BB618A2E208BA8920D2F422992526947A409B5037DE1E0FE8C736"
		    "2B8C47122594CDE0CE26AA9DFC8BCDBDE0621957672623351A7540F1E54A0426")
			.data,
		sizeof(hash));
}

static void preauth_hash_of_an_empty_message_still_moves_on(void **state)
{
	uint8_t hash[PREAUTH_HASH_SIZE] = {0}, zero[PREAUTH_HASH_SIZE] = {0};

	preauth_update(hash, BYTES(NULL, 0));
	assert_memory_not_equal(hash, zero, sizeof(hash));
}

/* SMB2 2.x has no derivation: [MS-SMB2] 3.3.5.5.3. */
static void older_dialects_sign_with_the_session_key(void **state)
{
	struct session_keys k;
	struct bytes key = hex("00112233445566778899AABBCCDDEEFF");
	uint8_t preauth[PREAUTH_HASH_SIZE] = {0};

	session_keys_derive(&k, SMB2_DIALECT_0210, 0, key, preauth);
	assert_memory_equal(k.signing, key.data, 16);
	assert_memory_equal(k.application, key.data, 16);
}

static void wide_ciphers_get_32_bytes_and_leave_the_signing_key_alone(void **state)
{
	struct session_keys narrow, wide;
	uint8_t preauth[PREAUTH_HASH_SIZE] = {7};
	struct bytes key = hex("270E1BA896585EEB7AF3472D3B4C75A7");

	session_keys_derive(&narrow, SMB2_DIALECT_0311, SMB2_CIPHER_AES128_CCM, key, preauth);
	session_keys_derive(&wide, SMB2_DIALECT_0311, SMB2_CIPHER_AES256_CCM, key, preauth);
	assert_int_equal(wide.cipher_key_size, 32);
	assert_memory_equal(wide.signing, narrow.signing, 16);
	/* L enters the derivation: the long key does not begin with the short one. */
	assert_memory_not_equal(wide.server_in, narrow.server_in, 16);
	assert_memory_not_equal(wide.server_in, wide.server_out, 32);
}

/* L = 256: the value agrees with an independent implementation of SP800-108. */
static void wide_key_is_the_256_bit_derivation(void **state)
{
	struct session_keys k;
	uint8_t preauth[PREAUTH_HASH_SIZE];

	for (unsigned i = 0; i < sizeof(preauth); i++)
		preauth[i] = (uint8_t)i;
	session_keys_derive(&k, SMB2_DIALECT_0311, SMB2_CIPHER_AES256_GCM,
		hex("270E1BA896585EEB7AF3472D3B4C75A7"), preauth);
	assert_memory_equal(k.server_in,
		hex("c273f0de35671e766ef5106b605054d70385f9237f1327662763de8ac2444317").data, 32);
}

static void short_session_key_is_padded_and_long_one_is_cut_for_signing(void **state)
{
	struct session_keys a, b;
	uint8_t preauth[PREAUTH_HASH_SIZE] = {0};

	session_keys_derive(&a, SMB2_DIALECT_0300, 0, hex("0102030405060708"), preauth);
	session_keys_derive(&b, SMB2_DIALECT_0300, 0, hex("01020304050607080000000000000000FFFF"), preauth);
	assert_memory_equal(a.signing, b.signing, 16);
	assert_memory_equal(a.server_in, b.server_in, 16);
}

static void whole_of_a_long_session_key_makes_wide_keys(void **state)
{
	struct session_keys a, b;
	uint8_t preauth[PREAUTH_HASH_SIZE] = {0};

	session_keys_derive(&a, SMB2_DIALECT_0311, SMB2_CIPHER_AES256_GCM,
		hex("01020304050607080000000000000000"), preauth);
	session_keys_derive(&b, SMB2_DIALECT_0311, SMB2_CIPHER_AES256_GCM,
		hex("01020304050607080000000000000000FFFF"), preauth);
	assert_memory_equal(a.signing, b.signing, 16);
	assert_memory_not_equal(a.server_in, b.server_in, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_keys_are_derived),
		cmocka_unit_test(preauth_hash_follows_the_published_messages),
		cmocka_unit_test(preauth_hash_of_an_empty_message_still_moves_on),
		cmocka_unit_test(older_dialects_sign_with_the_session_key),
		cmocka_unit_test(wide_ciphers_get_32_bytes_and_leave_the_signing_key_alone),
		cmocka_unit_test(wide_key_is_the_256_bit_derivation),
		cmocka_unit_test(short_session_key_is_padded_and_long_one_is_cut_for_signing),
		cmocka_unit_test(whole_of_a_long_session_key_makes_wide_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
