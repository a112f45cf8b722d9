/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_AUTH_RIG_H
#define TESTS_AUTH_RIG_H

/* A password file with known users, a policy over it, and NTLM clients that do as they are told. */

#include "auth/auth.h"
#include "auth/crypto.h"
#include "auth/ntlmssp.h"
#include "auth/spnego.h"
#include "auth/userdb.h"
#include "auth_hex.h"
#include "core/clock.h"
#include "wire/utf16.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct rig {
	TALLOC_CTX *mem;
	char file[64];
	struct auth_policy policy;
};

static inline int rig_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->mem = talloc_new(NULL);
	strcpy(r->file, "/tmp/auth-rig-XXXXXX");
	int fd = mkstemp(r->file);
	assert_true(fd >= 0);
	dprintf(fd, "empty:1003:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:NO PASSWORDXXXXXXXXXXXXXXXXXXXXX:[NU        "
		    " ]:LCT-0:\n");
	close(fd);
	assert_int_equal(userdb_set(r->file, "alice", 1000, "secret", false), 0);
	assert_int_equal(userdb_set(r->file, "locked", 1001, "secret", false), 0);
	assert_int_equal(userdb_disable(r->file, "locked", true), 0);
	r->policy = (struct auth_policy){.netbios_name = "SERVER",
		.dns_name = "server.example.org",
		.workgroup = "HOME",
		.smbpasswd_path = r->file,
		.guest_account = "nobody"};
	*state = r;
	return 0;
}

static inline int rig_down(void **state)
{
	struct rig *r = *state;

	talloc_free(r->mem);
	unlink(r->file);
	free(r);
	return 0;
}

/* How a hand-made client answers a challenge. Fields left zero: what a good client does. */
struct craft {
	const char *user, *domain, *password;
	const char *hash_domain; /* if the proof is computed with another domain than is sent */
	uint32_t clear_flags;
	uint64_t timestamp; /* 0: now */
	bool no_mic, bad_mic, ntlm_v1, anonymous, no_session_key;
};

struct crafted {
	struct bytes message;
	uint32_t flags;
	uint8_t key[16];
};

static inline struct bytes craft_wide(TALLOC_CTX *mem, const char *s)
{
	return *s ? utf16_from_utf8(mem, s) : BYTES(NULL, 0);
}

static inline struct bytes craft_response(
	TALLOC_CTX *mem, const struct craft *c, const uint8_t nonce[8], uint8_t base[16])
{
	uint8_t *buf = talloc_zero_size(mem, 512), hash[16], owf[16],
		flag[4] = {c->no_mic ? 0 : NTLM_AV_FLAG_MIC};
	struct wr w = wr_over(buf, 512);
	struct bytes domain = craft_wide(mem, c->hash_domain ? c->hash_domain : c->domain);

	wr_zero(&w, 16);
	wr_u16(&w, 0x0101);
	wr_zero(&w, 6);
	wr_u64(&w, c->timestamp ? c->timestamp : nttime_now());
	wr_zero(&w, 8 + 4);
	ntlm_av_put(&w, NTLM_AV_FLAGS, BYTES(flag, 4));
	ntlm_av_put(&w, NTLM_AV_EOL, BYTES(NULL, 0));
	wr_zero(&w, 4);
	nt_hash(c->password, hash);
	assert_true(ntlm_owf_v2(hash, craft_wide(mem, c->user), domain, owf));
	assert_true(ntlmv2_proof(owf, nonce, BYTES(buf + 16, w.pos - 16), buf));
	assert_true(ntlmv2_session_base_key(owf, buf, base));
	return BYTES(buf, w.pos);
}

static inline struct crafted craft_authenticate(
	TALLOC_CTX *mem, const struct craft *c, struct bytes negotiate, struct bytes challenge)
{
	uint8_t *buf = talloc_size(mem, 2048), base[16] = {0}, sealed[16];
	struct wr w = wr_over(buf, 2048);
	struct ntlm_challenge ch;
	struct crafted out = {0};

	assert_true(ntlm_challenge_decode(challenge, &ch));
	struct ntlm_authenticate a = {.flags = ch.flags & ~c->clear_flags,
		.domain = craft_wide(mem, c->domain),
		.user = craft_wide(mem, c->user),
		.workstation = craft_wide(mem, "PC")};
	if (c->anonymous)
		a.lm_response = BYTES("\0", 1);
	else
		a.nt_response = craft_response(mem, c, ch.challenge, base);
	if (c->ntlm_v1)
		a.nt_response.len = 24;
	memcpy(out.key, base, 16);
	if ((a.flags & NTLMSSP_NEGOTIATE_KEY_EXCH) && !c->no_session_key) {
		memset(out.key, 0x5a, 16);
		memset(sealed, 0x5a, 16);
		assert_true(crypto_rc4(base, sealed, 16));
		a.session_key = BYTES(sealed, 16);
	}
	ntlm_authenticate_encode(&w, &a);
	assert_false(w.bad);
	if (!c->no_mic) {
		assert_true(
			ntlm_mic(out.key, negotiate, challenge, BYTES(buf, w.pos), buf + NTLM_MIC_OFFSET));
		buf[NTLM_MIC_OFFSET] ^= c->bad_mic;
	}
	out.flags = a.flags;
	out.message = BYTES(buf, w.pos);
	return out;
}

enum { CRAFT_FLAGS = (int)0xE2088215 };

static inline struct bytes craft_negotiate(TALLOC_CTX *mem, uint32_t flags)
{
	uint8_t *buf = talloc_size(mem, 64);
	struct wr w = wr_over(buf, 64);

	ntlm_negotiate_encode(&w, flags);
	return BYTES(buf, w.pos);
}

/* A whole exchange without SPNEGO. The server is left for questions. */
static inline ntstatus_t craft_log_on(struct rig *r, bool signing_required, const struct craft *c,
	struct auth_server **server, struct crafted *crafted)
{
	struct bytes negotiate = craft_negotiate(r->mem, (uint32_t)CRAFT_FLAGS), challenge, out;

	*server = auth_server_new(r->mem, &r->policy, signing_required);
	assert_status(auth_server_step(*server, negotiate, &challenge), STATUS_MORE_PROCESSING_REQUIRED);
	*crafted = craft_authenticate(r->mem, c, negotiate, challenge);
	ntstatus_t status = auth_server_step(*server, crafted->message, &out);
	assert_int_equal(out.len, 0);
	return status;
}

#endif
