/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/sign.h"

#include "auth/crypto.h"
#include "wire/negotiate_context.h"
#include "wire/smb2.h"

enum { SIGNATURE_SIZE = 16, COMMAND_OFFSET = 12, MESSAGE_ID_OFFSET = 24, GMAC_NONCE_SIZE = 12 };
enum { GMAC_FROM_SERVER = 1, GMAC_CANCEL = 2 };

struct signer {
	uint16_t algorithm;
	gnutls_hmac_hd_t mac;         /* HMAC-SHA256, AES-CMAC */
	gnutls_aead_cipher_hd_t gmac; /* AES-GMAC */
	struct iovec *pieces;         /* scratch, so that a long message costs no allocation each time */
	size_t piece_cap;
};

static const uint8_t zero_signature[SIGNATURE_SIZE];

static int signer_destroy(struct signer *s)
{
	/* gnutls wipes its key schedules. */
	if (s->mac)
		gnutls_hmac_deinit(s->mac, NULL);
	if (s->gmac)
		gnutls_aead_cipher_deinit(s->gmac);
	return 0;
}

static int key_signer(struct signer *s, const uint8_t key[16])
{
	gnutls_datum_t k = {.data = (unsigned char *)key, .size = 16};

	switch (s->algorithm) {
	case SMB2_SIGNING_HMAC_SHA256:
		return gnutls_hmac_init(&s->mac, GNUTLS_MAC_SHA256, key, 16);
	case SMB2_SIGNING_AES_CMAC:
		return gnutls_hmac_init(&s->mac, GNUTLS_MAC_AES_CMAC_128, key, 16);
	case SMB2_SIGNING_AES_GMAC:
		return gnutls_aead_cipher_init(&s->gmac, GNUTLS_CIPHER_AES_128_GCM, &k);
	}
	return GNUTLS_E_UNKNOWN_HASH_ALGORITHM;
}

struct signer *signer_new(TALLOC_CTX *mem, uint16_t algorithm, const uint8_t key[16])
{
	struct signer *s = talloc_zero(mem, struct signer);

	if (!s)
		return NULL;
	s->algorithm = algorithm;
	talloc_set_destructor(s, signer_destroy);
	if (key_signer(s, key) < 0) {
		talloc_free(s);
		return NULL;
	}
	return s;
}

/* The message as pieces in which zeros stand for the signature field; their number, or 0. */
static size_t cut_message(struct signer *s, const struct iovec *iov, int n)
{
	if (n < 1 || iov[0].iov_len < SMB2_HEADER_SIZE)
		return 0;
	size_t need = (size_t)n + 2, used = 0;
	if (need > s->piece_cap) {
		struct iovec *p = talloc_realloc(s, s->pieces, struct iovec, need);
		if (!p)
			return 0;
		s->pieces = p;
		s->piece_cap = need;
	}
	uint8_t *first = iov[0].iov_base;
	s->pieces[used++] = (struct iovec){first, SMB2_SIGNATURE_OFFSET};
	s->pieces[used++] = (struct iovec){(uint8_t *)zero_signature, SIGNATURE_SIZE};
	if (iov[0].iov_len > SMB2_HEADER_SIZE)
		s->pieces[used++] =
			(struct iovec){first + SMB2_HEADER_SIZE, iov[0].iov_len - SMB2_HEADER_SIZE};
	for (int i = 1; i < n; i++)
		if (iov[i].iov_len)
			s->pieces[used++] = iov[i];
	return used;
}

/* [MS-SMB2] 3.1.4.1: MessageId, then a word whose bit 0 is the sender's role and bit 1 says CANCEL. */
static void gmac_nonce(const uint8_t *header, bool is_server, uint8_t nonce[GMAC_NONCE_SIZE])
{
	struct rd r = rd_over(BYTES(header, SMB2_HEADER_SIZE));
	struct wr w = wr_over(nonce, GMAC_NONCE_SIZE);

	rd_seek(&r, COMMAND_OFFSET);
	bool cancel = rd_u16(&r) == SMB2_CANCEL;
	rd_seek(&r, MESSAGE_ID_OFFSET);
	wr_u64(&w, rd_u64(&r));
	wr_u32(&w, (is_server ? GMAC_FROM_SERVER : 0u) | (cancel ? GMAC_CANCEL : 0u));
}

static bool sign_gmac(struct signer *s, size_t pieces, bool is_server, uint8_t out[16])
{
	uint8_t nonce[GMAC_NONCE_SIZE];
	struct iovec nothing = {NULL, 0};
	size_t tag_size = SIGNATURE_SIZE;

	gmac_nonce(s->pieces[0].iov_base, is_server, nonce);
	return gnutls_aead_cipher_encryptv2(s->gmac, nonce, sizeof(nonce), s->pieces, (int)pieces, &nothing,
		       0, out, &tag_size) >= 0;
}

static bool sign_mac(struct signer *s, size_t pieces, uint8_t out[16])
{
	uint8_t digest[32];
	bool ok = true;

	for (size_t i = 0; i < pieces && ok; i++)
		ok = gnutls_hmac(s->mac, s->pieces[i].iov_base, s->pieces[i].iov_len) >= 0;
	gnutls_hmac_output(s->mac, digest); /* also starts the next message */
	memcpy(out, digest, SIGNATURE_SIZE);
	return ok;
}

bool signer_sign(struct signer *s, const struct iovec *iov, int n, bool is_server, uint8_t out[16])
{
	size_t pieces = cut_message(s, iov, n);

	if (!pieces)
		return false;
	return s->gmac ? sign_gmac(s, pieces, is_server, out) : sign_mac(s, pieces, out);
}

bool signer_verify(struct signer *s, struct bytes message, bool from_server)
{
	struct iovec iov = {(uint8_t *)message.data, message.len};
	uint8_t want[SIGNATURE_SIZE];

	return signer_sign(s, &iov, 1, from_server, want) &&
	       crypto_equal(want, message.data + SMB2_SIGNATURE_OFFSET, sizeof(want));
}
