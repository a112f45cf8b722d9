/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_CRYPTO_H
#define AUTH_CRYPTO_H

#include "core/bytes.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

/*
 * Small one-shot helpers over gnutls. All return false only when gnutls itself fails (memory, forbidden
 * algorithm).
 */

/* out has the MAC's full size (16 for MD5, 32 for SHA-256). */
bool crypto_hmac(gnutls_mac_algorithm_t mac, struct bytes key, struct bytes data, uint8_t *out);

/* HMAC-MD5 over the pieces, one after the other. */
bool crypto_hmac_md5v(const uint8_t key[16], const struct bytes *pieces, size_t n, uint8_t out[16]);

/* MD5 of the pieces, one after the other. */
bool crypto_md5v(const struct bytes *pieces, size_t n, uint8_t out[16]);

/* RC4 with a 16-byte key, in place, from the start of the key stream. */
bool crypto_rc4(const uint8_t key[16], uint8_t *data, size_t len);

/* Equal, in a time that does not depend on where they differ. */
bool crypto_equal(const void *a, const void *b, size_t len);

void crypto_wipe(void *p, size_t len);

#endif
