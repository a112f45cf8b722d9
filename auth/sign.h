/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_SIGN_H
#define AUTH_SIGN_H

#include "core/bytes.h"

#include <sys/uio.h>
#include <talloc.h>

/* Signing, [MS-SMB2] 3.1.4.1 and 3.1.5.1. A signer is keyed once and belongs to one thread at a time. */
struct signer;

/* algorithm: SMB2_SIGNING_*; key: 16 bytes. NULL if memory is short. Keys are wiped when freed. */
struct signer *signer_new(TALLOC_CTX *mem, uint16_t algorithm, const uint8_t key[16]);

/*
 * The signature of a message whose first iovec starts with the SMB2 header, its signature field taken as zero (it is
 * not modified). is_server / is_cancel enter GMAC's nonce, message_id is read from the header.
 */
bool signer_sign(struct signer *s, const struct iovec *iov, int n, bool is_server, uint8_t out[16]);

/* The same computation compared, in constant time, with the signature in the header. */
bool signer_verify(struct signer *s, struct bytes message, bool from_server);

#endif
