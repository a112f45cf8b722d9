/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/seal.h"

#include "auth/crypto.h"
#include "wire/negotiate_context.h"
#include "wire/smb2.h"

/* SMB2 TRANSFORM_HEADER, [MS-SMB2] 2.2.41 */
enum {
	TAG_OFFSET = 4,
	TAG_SIZE = 16,
	NONCE_OFFSET = 20,
	AAD_OFFSET = 20,
	AAD_SIZE = SMB2_TRANSFORM_HEADER_SIZE - 20
};

struct cipher_kind {
	gnutls_cipher_algorithm_t algorithm;
	uint8_t key_size, nonce_size;
};

static const struct cipher_kind kinds[] = {
	[SMB2_CIPHER_AES128_CCM] = {GNUTLS_CIPHER_AES_128_CCM, 16, 11},
	[SMB2_CIPHER_AES128_GCM] = {GNUTLS_CIPHER_AES_128_GCM, 16, 12},
	[SMB2_CIPHER_AES256_CCM] = {GNUTLS_CIPHER_AES_256_CCM, 32, 11},
	[SMB2_CIPHER_AES256_GCM] = {GNUTLS_CIPHER_AES_256_GCM, 32, 12},
};

struct sealer {
	const struct cipher_kind *kind;
	gnutls_aead_cipher_hd_t aead;
};

static int sealer_destroy(struct sealer *s)
{
	if (s->aead)
		gnutls_aead_cipher_deinit(s->aead); /* wipes the key schedule */
	return 0;
}

struct sealer *sealer_new(TALLOC_CTX *mem, uint16_t cipher, const uint8_t *key)
{
	if (cipher >= ARRAY_SIZE(kinds) || !kinds[cipher].key_size)
		return NULL;
	struct sealer *s = talloc_zero(mem, struct sealer);
	if (!s)
		return NULL;
	s->kind = &kinds[cipher];
	talloc_set_destructor(s, sealer_destroy);
	gnutls_datum_t k = {.data = (unsigned char *)key, .size = s->kind->key_size};
	if (gnutls_aead_cipher_init(&s->aead, s->kind->algorithm, &k) < 0) {
		talloc_free(s);
		return NULL;
	}
	return s;
}

size_t sealer_nonce_size(const struct sealer *s)
{
	return s->kind->nonce_size;
}

bool sealer_seal(struct sealer *s, uint8_t *header, struct iovec *plain, int n)
{
	struct iovec aad = {header + AAD_OFFSET, AAD_SIZE};
	size_t tag_size = TAG_SIZE;

	return gnutls_aead_cipher_encryptv2(s->aead, header + NONCE_OFFSET, s->kind->nonce_size, &aad, 1,
		       plain, n, header + TAG_OFFSET, &tag_size) >= 0;
}

bool sealer_open(struct sealer *s, const uint8_t *header, uint8_t *data, size_t len)
{
	struct iovec aad = {(uint8_t *)header + AAD_OFFSET, AAD_SIZE};
	struct iovec body = {data, len};

	return gnutls_aead_cipher_decryptv2(s->aead, header + NONCE_OFFSET, s->kind->nonce_size, &aad, 1,
		       &body, 1, (uint8_t *)header + TAG_OFFSET, TAG_SIZE) >= 0;
}
