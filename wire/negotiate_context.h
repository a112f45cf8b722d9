/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_NEGOTIATE_CONTEXT_H
#define WIRE_NEGOTIATE_CONTEXT_H

#include "wire/cursor.h"

/* Negotiate contexts, [MS-SMB2] 2.2.3.1 and 2.2.4.1. Lists are cut to what fits; `count` says what was kept. */

enum {
	SMB2_PREAUTH_INTEGRITY_CAPABILITIES = 1, SMB2_ENCRYPTION_CAPABILITIES = 2, SMB2_COMPRESSION_CAPABILITIES = 3,
	SMB2_NETNAME_NEGOTIATE_CONTEXT_ID = 5, SMB2_TRANSPORT_CAPABILITIES = 6, SMB2_RDMA_TRANSFORM_CAPABILITIES = 7,
	SMB2_SIGNING_CAPABILITIES = 8,
};
enum { SMB2_PREAUTH_SHA512 = 1 };
enum { SMB2_CIPHER_AES128_CCM = 1, SMB2_CIPHER_AES128_GCM = 2, SMB2_CIPHER_AES256_CCM = 3, SMB2_CIPHER_AES256_GCM = 4 };
enum { SMB2_SIGNING_HMAC_SHA256 = 0, SMB2_SIGNING_AES_CMAC = 1, SMB2_SIGNING_AES_GMAC = 2 };

enum { NEG_LIST_MAX = 16, NEG_SALT_MAX = 64 };

struct u16_list {
	uint16_t count;
	uint16_t v[NEG_LIST_MAX];
};

/* All contexts of one message. A context that occurs twice, or is malformed, makes decoding fail (3.3.5.4). */
struct smb2_negotiate_contexts {
	bool has_preauth, has_ciphers, has_signing, has_netname, has_compression, has_rdma_transform;
	struct u16_list preauth_hashes;
	struct bytes salt; /* borrowed */
	struct u16_list ciphers;
	struct u16_list signing;
	struct u16_list compression;
	struct u16_list rdma_transform;
	struct bytes netname; /* borrowed, UTF-16LE */
};

bool smb2_negotiate_contexts_decode(struct bytes contexts, uint16_t count, struct smb2_negotiate_contexts *out);
/* Writes those that are present, 8-aligned; *count receives how many. */
void smb2_negotiate_contexts_encode(struct wr *w, const struct smb2_negotiate_contexts *in, uint16_t *count);

#endif
