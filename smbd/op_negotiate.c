/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/negotiate.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/random.h"
#include "smbd/req.h"

/* NEGOTIATE, [MS-SMB2] 3.3.5.4, and its SMB1 form, 3.3.5.3. */

enum { MAX_SMB202_SIZE = 65536, SALT_SIZE = 32 };

uint16_t negotiate_choose(const struct server *s, const uint16_t *dialects, uint16_t count)
{
	static const uint16_t known[] = {SMB2_DIALECT_0202, SMB2_DIALECT_0210, SMB2_DIALECT_0300, SMB2_DIALECT_0302,
		SMB2_DIALECT_0311};
	uint16_t best = 0;

	for (uint16_t i = 0; i < count; i++)
		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			if (dialects[i] == known[k] && known[k] >= s->min_dialect && known[k] <= s->max_dialect &&
				known[k] > best)
				best = known[k];
	return best;
}

uint32_t negotiate_capabilities(const struct server *s, uint16_t dialect, uint32_t client_capabilities)
{
	uint32_t caps = 0;

	if (dialect >= SMB2_DIALECT_0210)
		caps |= SMB2_GLOBAL_CAP_LARGE_MTU | (s->leasing ? SMB2_GLOBAL_CAP_LEASING : 0);
	if (dialect >= SMB2_DIALECT_0300 && s->multi_channel)
		caps |= SMB2_GLOBAL_CAP_MULTI_CHANNEL;
	/* For 3.1.1 a negotiate context says it. */
	if ((dialect == SMB2_DIALECT_0300 || dialect == SMB2_DIALECT_0302) && s->encryption_offered &&
		(client_capabilities & SMB2_GLOBAL_CAP_ENCRYPTION))
		caps |= SMB2_GLOBAL_CAP_ENCRYPTION;
	return caps;
}

static uint16_t first_common(const struct u16_list *ours, const struct u16_list *theirs, uint16_t none)
{
	for (uint16_t i = 0; i < ours->count; i++)
		for (uint16_t k = 0; k < theirs->count; k++)
			if (ours->v[i] == theirs->v[k])
				return ours->v[i];
	return none;
}

static bool has_sha512(const struct u16_list *l)
{
	for (uint16_t i = 0; i < l->count; i++)
		if (l->v[i] == SMB2_PREAUTH_SHA512)
			return true;
	return false;
}

/* Chooses by the contexts of 3.1.1 and makes those of the reply. */
static ntstatus_t choose_contexts(struct conn *c, const struct smb2_negotiate_req *q,
	struct smb2_negotiate_contexts *reply, const uint8_t *salt)
{
	const struct server *s = c->local->server;
	struct smb2_negotiate_contexts in;

	if (!smb2_negotiate_contexts_decode(q->contexts, q->context_count, &in) || !in.has_preauth)
		return STATUS_INVALID_PARAMETER;
	if (!has_sha512(&in.preauth_hashes))
		return STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP;
	*reply = (struct smb2_negotiate_contexts){
		.has_preauth = true,
		.preauth_hashes = {1, {SMB2_PREAUTH_SHA512}},
		.salt = BYTES(salt, SALT_SIZE),
	};
	c->cipher = 0;
	if (in.has_ciphers && s->encryption_offered) {
		c->cipher = first_common(&s->ciphers, &in.ciphers, 0);
		reply->has_ciphers = true;
		reply->ciphers = (struct u16_list){1, {c->cipher}};
	}
	c->signing_algorithm = SMB2_SIGNING_AES_CMAC;
	if (in.has_signing) {
		c->signing_algorithm = first_common(&s->signing, &in.signing, SMB2_SIGNING_AES_CMAC);
		reply->has_signing = true;
		reply->signing = (struct u16_list){1, {c->signing_algorithm}};
	}
	return STATUS_SUCCESS;
}

static void choose_by_dialect(struct conn *c)
{
	c->cipher = c->server_capabilities & SMB2_GLOBAL_CAP_ENCRYPTION ? SMB2_CIPHER_AES128_CCM : 0;
	c->signing_algorithm = c->dialect >= SMB2_DIALECT_0300 ? SMB2_SIGNING_AES_CMAC : SMB2_SIGNING_HMAC_SHA256;
}

static struct smb2_negotiate_rsp make_reply(struct conn *c, struct bytes hint)
{
	const struct server *s = c->local->server;
	struct smb2_negotiate_rsp rsp = {
		.security_mode = c->server_security_mode,
		.dialect = c->dialect,
		.capabilities = c->server_capabilities,
		.max_transact_size = s->max_transact,
		.max_read_size = s->max_read,
		.max_write_size = s->max_write,
		.system_time = nttime_now(),
		.security_buffer = hint,
	};

	memcpy(rsp.server_guid, s->guid, sizeof(rsp.server_guid));
	if (!(c->server_capabilities & SMB2_GLOBAL_CAP_LARGE_MTU))
		rsp.max_transact_size = rsp.max_read_size = rsp.max_write_size = MAX_SMB202_SIZE;
	return rsp;
}

static void set_security_mode(struct conn *c)
{
	c->server_security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
	if (c->local->server->signing_required)
		c->server_security_mode |= SMB2_NEGOTIATE_SIGNING_REQUIRED;
}

static ntstatus_t settle(struct conn *c, const struct smb2_negotiate_req *q, uint16_t dialect,
	struct smb2_negotiate_contexts *contexts, const uint8_t *salt)
{
	c->client_security_mode = q->security_mode;
	c->client_capabilities = q->capabilities;
	memcpy(c->client_guid, q->client_guid, sizeof(c->client_guid));
	c->server_capabilities = negotiate_capabilities(c->local->server, dialect, q->capabilities);
	set_security_mode(c);
	c->dialect = dialect;
	c->multi_credit = dialect >= SMB2_DIALECT_0210;
	if (dialect == SMB2_DIALECT_0311)
		return choose_contexts(c, q, contexts, salt);
	choose_by_dialect(c);
	return STATUS_SUCCESS;
}

void op_negotiate(struct req *r, struct rd *body)
{
	struct conn *c = r->conn;
	struct smb2_negotiate_req q;
	struct smb2_negotiate_contexts contexts = {0};
	uint8_t salt[SALT_SIZE], buf[256];

	if (c->negotiated) {
		r->disconnect = "second NEGOTIATE";
		return;
	}
	if (!smb2_negotiate_req_decode(body, &q) || q.dialect_count == 0) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	uint16_t dialect = negotiate_choose(c->local->server, q.dialects, q.dialect_count);
	if (!dialect) {
		req_error(r, STATUS_NOT_SUPPORTED);
		return;
	}
	random_bytes(salt, sizeof(salt));
	ntstatus_t s = settle(c, &q, dialect, &contexts, salt);
	if (!status_is_ok(s)) {
		req_error(r, s);
		return;
	}
	c->negotiated = true;
	struct smb2_negotiate_rsp rsp = make_reply(c, auth_server_hint(r));
	struct wr cw = wr_over(buf, sizeof(buf));
	if (dialect == SMB2_DIALECT_0311) {
		smb2_negotiate_contexts_encode(&cw, &contexts, &rsp.context_count);
		rsp.contexts = BYTES(buf, cw.pos);
		preauth_update(c->preauth, r->element);
		r->hash_reply = c->preauth;
	}
	log_debug(smb, "%s speaks %x, cipher %u, signing %u", c->peer, dialect, c->cipher, c->signing_algorithm);
	struct wr w = req_reply(r, 128 + rsp.security_buffer.len + rsp.contexts.len);
	smb2_negotiate_rsp_encode(&w, &rsp);
	req_done(r, STATUS_SUCCESS, &w);
}

/* The answer to an SMB1 negotiate is a plain SMB2 one with message id 0. */
static bool send_smb1_answer(struct conn *c)
{
	enum { PREFIX = 4, ROOM = 1024 };
	TALLOC_CTX *mem = talloc_new(c);
	struct iobuf *b = conn_tail(c, ROOM);
	struct smb2_header h = {.command = SMB2_NEGOTIATE, .credits = 1, .flags = SMB2_FLAGS_SERVER_TO_REDIR};
	struct smb2_negotiate_rsp rsp = make_reply(c, auth_server_hint(mem));
	bool ok = false;

	if (b) {
		struct wr w = wr_over(b->data + b->len + PREFIX, ROOM - PREFIX);
		smb2_header_encode(&w, &h);
		smb2_negotiate_rsp_encode(&w, &rsp);
		struct wr prefix = wr_over(b->data + b->len, PREFIX);
		wr_u32_be(&prefix, w.pos);
		ok = !w.bad;
		if (ok) {
			b->len += PREFIX + w.pos;
			c->out_bytes += PREFIX + w.pos;
		}
	}
	talloc_free(mem);
	return ok;
}

bool negotiate_smb1(struct conn *c, struct bytes message)
{
	const struct server *s = c->local->server;
	bool has_2002, has_2xxx;

	if (c->negotiated || c->dialect || !smb1_negotiate_decode(message, &has_2002, &has_2xxx))
		return false;
	set_security_mode(c);
	if (has_2xxx && s->max_dialect >= SMB2_DIALECT_0210) {
		c->dialect = SMB2_DIALECT_WILDCARD;
		c->server_capabilities = negotiate_capabilities(s, SMB2_DIALECT_0210, 0);
	} else if (has_2002 && s->min_dialect <= SMB2_DIALECT_0202) {
		c->dialect = SMB2_DIALECT_0202;
		c->negotiated = true;
		choose_by_dialect(c);
	} else {
		return false;
	}
	credits_consume(&c->credits, 0, 1);
	credits_grant(&c->credits, 1, 1);
	return send_smb1_answer(c);
}
