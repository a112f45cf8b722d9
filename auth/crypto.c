/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "auth/crypto.h"

bool crypto_hmac(gnutls_mac_algorithm_t mac, struct bytes key, struct bytes data, uint8_t *out)
{
	return gnutls_hmac_fast(mac, key.data, key.len, data.data, data.len, out) >= 0;
}

/*
 * NTLM is built on MD5 and RC4, which a FIPS build of gnutls forbids unless told that their use is not by
 * choice. Outside FIPS mode the calls do nothing.
 */
static bool relaxed(bool ok)
{
	gnutls_fips140_set_mode(GNUTLS_FIPS140_STRICT, GNUTLS_FIPS140_SET_MODE_THREAD);
	return ok;
}

static void relax(void)
{
	gnutls_fips140_set_mode(GNUTLS_FIPS140_LAX, GNUTLS_FIPS140_SET_MODE_THREAD);
}

static bool hmac_md5v(const uint8_t key[16], const struct bytes *pieces, size_t n, uint8_t out[16])
{
	gnutls_hmac_hd_t h;
	bool ok = true;

	if (gnutls_hmac_init(&h, GNUTLS_MAC_MD5, key, 16) < 0)
		return false;
	for (size_t i = 0; i < n && ok; i++)
		ok = pieces[i].len == 0 || gnutls_hmac(h, pieces[i].data, pieces[i].len) >= 0;
	gnutls_hmac_deinit(h, out);
	return ok;
}

bool crypto_hmac_md5v(const uint8_t key[16], const struct bytes *pieces, size_t n, uint8_t out[16])
{
	relax();
	return relaxed(hmac_md5v(key, pieces, n, out));
}

static bool md5v(const struct bytes *pieces, size_t n, uint8_t out[16])
{
	gnutls_hash_hd_t h;
	bool ok = true;

	if (gnutls_hash_init(&h, GNUTLS_DIG_MD5) < 0)
		return false;
	for (size_t i = 0; i < n && ok; i++)
		ok = pieces[i].len == 0 || gnutls_hash(h, pieces[i].data, pieces[i].len) >= 0;
	gnutls_hash_deinit(h, out);
	return ok;
}

bool crypto_md5v(const struct bytes *pieces, size_t n, uint8_t out[16])
{
	relax();
	return relaxed(md5v(pieces, n, out));
}

static bool rc4(const uint8_t key[16], uint8_t *data, size_t len)
{
	gnutls_datum_t k = {.data = (unsigned char *)key, .size = 16};
	gnutls_cipher_hd_t h;

	if (gnutls_cipher_init(&h, GNUTLS_CIPHER_ARCFOUR_128, &k, NULL) < 0)
		return false;
	bool ok = gnutls_cipher_encrypt(h, data, len) >= 0;
	gnutls_cipher_deinit(h);
	return ok;
}

bool crypto_rc4(const uint8_t key[16], uint8_t *data, size_t len)
{
	relax();
	return relaxed(rc4(key, data, len));
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
	return gnutls_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *p, size_t len)
{
	gnutls_memset(p, 0, len);
}
