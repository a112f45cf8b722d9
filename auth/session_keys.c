/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/session_keys.h"

#include "auth/crypto.h"
#include "core/random.h"
#include "wire/negotiate_context.h"
#include "wire/smb2.h"

#include <gnutls/crypto.h>

void preauth_update(uint8_t hash[PREAUTH_HASH_SIZE], struct bytes message)
{
	gnutls_hash_hd_t h;

	/*
	 * Without the digest the two sides must not agree by accident: the hash becomes one that nobody
	 * knows.
	 */
	if (gnutls_hash_init(&h, GNUTLS_DIG_SHA512) < 0) {
		random_bytes(hash, PREAUTH_HASH_SIZE);
		return;
	}
	bool ok = gnutls_hash(h, hash, PREAUTH_HASH_SIZE) >= 0;
	if (message.len)
		ok = gnutls_hash(h, message.data, message.len) >= 0 && ok;
	gnutls_hash_deinit(h, hash);
	if (!ok)
		random_bytes(hash, PREAUTH_HASH_SIZE);
}

/* [MS-SMB2] 3.1.4.2: SP800-108 in counter mode, r = 32, HMAC-SHA256. One block is enough for 32 bytes. */
static void derive(uint8_t *out, size_t out_len, struct bytes key, struct bytes label, struct bytes context)
{
	uint8_t input[128], block[32];
	struct wr w = wr_over(input, sizeof(input));

	wr_u32_be(&w, 1);
	wr_bytes(&w, label);
	wr_u8(&w, 0);
	wr_bytes(&w, context);
	wr_u32_be(&w, out_len * 8);
	/* A failure here is our own lack of memory: a key that nobody knows verifies and decrypts nothing. */
	if (w.bad || !crypto_hmac(GNUTLS_MAC_SHA256, key, BYTES(input, w.pos), block))
		random_bytes(block, sizeof(block));
	memcpy(out, block, out_len);
	gnutls_memset(block, 0, sizeof(block));
}

struct labels {
	struct bytes label, context; /* context: dialects 3.0 and 3.0.2 only */
};

/* The terminating zeros belong to the strings. */
#define TEXT(s) BYTES(s, sizeof(s))

enum { KEY_SIGNING, KEY_APPLICATION, KEY_SERVER_OUT, KEY_SERVER_IN, KEY_COUNT };

/* [MS-SMB2] 3.3.5.5.3 */
static const struct labels labels_30[KEY_COUNT] = {
	[KEY_SIGNING] = {TEXT("SMB2AESCMAC"), TEXT("SmbSign")},
	[KEY_APPLICATION] = {TEXT("SMB2APP"), TEXT("SmbRpc")},
	[KEY_SERVER_OUT] = {TEXT("SMB2AESCCM"), TEXT("ServerOut")},
	[KEY_SERVER_IN] = {TEXT("SMB2AESCCM"), TEXT("ServerIn ")},
};

static const struct labels labels_311[KEY_COUNT] = {
	[KEY_SIGNING] = {TEXT("SMBSigningKey")},
	[KEY_APPLICATION] = {TEXT("SMBAppKey")},
	[KEY_SERVER_OUT] = {TEXT("SMBS2CCipherKey")},
	[KEY_SERVER_IN] = {TEXT("SMBC2SCipherKey")},
};

static void derive_3x(
	struct session_keys *out, bool is_311, struct bytes key, struct bytes full_key, struct bytes preauth)
{
	const struct labels *l = is_311 ? labels_311 : labels_30;
	struct bytes cipher_key = out->cipher_key_size == 32 ? full_key : key;
	const struct {
		uint8_t *out;
		size_t len;
		struct bytes key;
	} wanted[KEY_COUNT] = {
		[KEY_SIGNING] = {out->signing, SESSION_KEY_SIZE, key},
		[KEY_APPLICATION] = {out->application, SESSION_KEY_SIZE, key},
		[KEY_SERVER_OUT] = {out->server_out, out->cipher_key_size, cipher_key},
		[KEY_SERVER_IN] = {out->server_in, out->cipher_key_size, cipher_key},
	};

	for (int i = 0; i < KEY_COUNT; i++)
		derive(wanted[i].out, wanted[i].len, wanted[i].key, l[i].label,
			is_311 ? preauth : l[i].context);
}

void session_keys_derive(struct session_keys *out, uint16_t dialect, uint16_t cipher,
	struct bytes session_key, const uint8_t preauth[PREAUTH_HASH_SIZE])
{
	uint8_t key[SESSION_KEY_SIZE] = {0};
	bool wide = cipher == SMB2_CIPHER_AES256_CCM || cipher == SMB2_CIPHER_AES256_GCM;

	*out = (struct session_keys){.cipher_key_size = wide ? 32 : 16};
	if (session_key.len)
		memcpy(key, session_key.data, session_key.len < sizeof(key) ? session_key.len : sizeof(key));
	struct bytes cut = BYTES(key, sizeof(key));
	/* Session.FullSessionKey: the whole key, where that is longer, makes the keys of 256-bit ciphers. */
	struct bytes full = session_key.len > sizeof(key) ? session_key : cut;

	if (dialect >= SMB2_DIALECT_0300) {
		derive_3x(out, dialect == SMB2_DIALECT_0311, cut, full, BYTES(preauth, PREAUTH_HASH_SIZE));
	} else {
		memcpy(out->signing, key, sizeof(key));
		memcpy(out->application, key, sizeof(key));
	}
	gnutls_memset(key, 0, sizeof(key));
}
