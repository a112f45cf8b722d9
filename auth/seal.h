/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_SEAL_H
#define AUTH_SEAL_H

#include "core/bytes.h"

#include <sys/uio.h>
#include <talloc.h>

/* Encryption, [MS-SMB2] 3.1.4.3. A sealer is keyed once and belongs to one thread at a time. */
struct sealer;

/* cipher: SMB2_CIPHER_*. key: 16 or 32 bytes. */
struct sealer *sealer_new(TALLOC_CTX *mem, uint16_t cipher, const uint8_t *key);

/* Bytes of nonce that the cipher uses: 11 (CCM) or 12 (GCM). */
size_t sealer_nonce_size(const struct sealer *s);

/*
 * Encrypts the plain text in place. header is a 52-byte transform header already encoded whole but for its signature,
 * which is written into it; bytes 20..51 are the associated data, its nonce field is the nonce.
 */
bool sealer_seal(struct sealer *s, uint8_t *header, struct iovec *plain, int n);

/* Decrypts the bytes behind the header in place; false if the tag does not match (data is then garbage). */
bool sealer_open(struct sealer *s, const uint8_t *header, uint8_t *data, size_t len);

#endif
