/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_SESSION_KEYS_H
#define AUTH_SESSION_KEYS_H

#include "core/bytes.h"

enum { PREAUTH_HASH_SIZE = 64, SESSION_KEY_SIZE = 16, MAX_CIPHER_KEY_SIZE = 32 };

/* [MS-SMB2] 3.3.5.4: hash = SHA-512(hash || message). */
void preauth_update(uint8_t hash[PREAUTH_HASH_SIZE], struct bytes message);

/* Keys of a session or channel, [MS-SMB2] 3.1.4.2; named from the server's side. */
struct session_keys {
	uint8_t signing[SESSION_KEY_SIZE];
	uint8_t server_in[MAX_CIPHER_KEY_SIZE];  /* decrypts what the client sends */
	uint8_t server_out[MAX_CIPHER_KEY_SIZE]; /* encrypts what the server sends */
	uint8_t application[SESSION_KEY_SIZE];
	uint8_t cipher_key_size; /* 16 or 32 */
};

/*
 * dialect: 0x0202 ... 0x0311. preauth: the session's hash, used for 3.1.1 only. cipher: SMB2_CIPHER_* or 0 (16-byte
 * keys). For 2.x the signing key is the session key. The session key is 16 bytes (longer ones cut, shorter padded).
 */
void session_keys_derive(struct session_keys *out, uint16_t dialect, uint16_t cipher, struct bytes session_key,
	const uint8_t preauth[PREAUTH_HASH_SIZE]);

#endif
