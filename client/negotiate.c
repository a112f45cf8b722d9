/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/exchange.h"
#include "client/req.h"
#include "core/random.h"
#include "wire/negotiate_context.h"
#include "wire/utf16.h"

enum { SALT_SIZE = 32, CONTEXTS_ROOM = 1024, NEGOTIATE_ROOM = 256 + CONTEXTS_ROOM, MIN_IO_SIZE = 4096 };

/* In our order of preference; the server has its own. */
static const struct u16_list our_ciphers = {
	4, {SMB2_CIPHER_AES128_GCM, SMB2_CIPHER_AES128_CCM, SMB2_CIPHER_AES256_GCM, SMB2_CIPHER_AES256_CCM}};
static const struct u16_list our_signing = {
	3, {SMB2_SIGNING_AES_GMAC, SMB2_SIGNING_AES_CMAC, SMB2_SIGNING_HMAC_SHA256}};

struct negotiate_state {
	struct daxsmb_conn *conn;
};

static bool list_has(const struct u16_list *l, uint16_t v)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->v[i] == v)
			return true;
	return false;
}

static void encode_contexts(struct daxsmb_conn *c, struct wr *w, uint16_t *count)
{
	uint8_t salt[SALT_SIZE];
	struct smb2_negotiate_contexts n = {
		.has_preauth = true,
		.has_ciphers = true,
		.has_signing = true,
		.has_netname = true,
		.preauth_hashes = {1, {SMB2_PREAUTH_SHA512}},
		.salt = BYTES(salt, sizeof(salt)),
		.ciphers = our_ciphers,
		.signing = our_signing,
		.netname = utf16_from_utf8(c, c->host),
	};

	random_bytes(salt, sizeof(salt));
	n.has_netname = n.netname.len != 0;
	smb2_negotiate_contexts_encode(w, &n, count);
	talloc_free((void *)n.netname.data);
}

static void encode_negotiate(struct daxsmb_conn *c, struct wr *w)
{
	uint8_t contexts[CONTEXTS_ROOM];
	struct wr cw = wr_over(contexts, sizeof(contexts));
	struct smb2_negotiate_req q = {.security_mode = c->security_mode, .capabilities = c->capabilities};

	memcpy(q.client_guid, c->client_guid, sizeof(q.client_guid));
	/* [MS-SMB2] 2.2.3: zero when only 2.0.2 is offered. */
	if (c->max_dialect < SMB2_DIALECT_0210)
		memset(q.client_guid, 0, sizeof(q.client_guid));
	q.dialect_count = client_dialects_between(c->min_dialect, c->max_dialect, q.dialects);
	if (c->max_dialect >= SMB2_DIALECT_0311) {
		encode_contexts(c, &cw, &q.context_count);
		q.contexts = BYTES(contexts, cw.pos);
	}
	smb2_negotiate_req_encode(w, &q);
	w->bad |= cw.bad;
}

/* [MS-SMB2] 3.2.5.2: what a 3.1.1 server chose must be one of what was offered. */
static bool take_contexts(struct daxsmb_conn *c, const struct smb2_negotiate_rsp *p)
{
	struct smb2_negotiate_contexts n;

	if (!smb2_negotiate_contexts_decode(p->contexts, p->context_count, &n))
		return false;
	if (!n.has_preauth || n.preauth_hashes.count != 1 || n.preauth_hashes.v[0] != SMB2_PREAUTH_SHA512)
		return false;
	c->signing = SMB2_SIGNING_AES_CMAC;
	if (n.has_signing) {
		if (n.signing.count != 1 || !list_has(&our_signing, n.signing.v[0]))
			return false;
		c->signing = n.signing.v[0];
	}
	if (n.has_ciphers) {
		/* 0: the server has none in common. */
		if (n.ciphers.count != 1 || (n.ciphers.v[0] && !list_has(&our_ciphers, n.ciphers.v[0])))
			return false;
		c->cipher = n.ciphers.v[0];
	}
	return true;
}

static bool take_algorithms(struct daxsmb_conn *c, const struct smb2_negotiate_rsp *p)
{
	if (c->dialect == SMB2_DIALECT_0311)
		return take_contexts(c, p);
	c->signing = c->dialect >= SMB2_DIALECT_0300 ? SMB2_SIGNING_AES_CMAC : SMB2_SIGNING_HMAC_SHA256;
	if (c->dialect >= SMB2_DIALECT_0300 && p->capabilities & SMB2_GLOBAL_CAP_ENCRYPTION)
		c->cipher = SMB2_CIPHER_AES128_CCM;
	return true;
}

static uint32_t io_size(const struct daxsmb_conn *c, uint32_t offered)
{
	uint32_t most = c->dialect >= SMB2_DIALECT_0210 && c->server_capabilities & SMB2_GLOBAL_CAP_LARGE_MTU
				? MAX_IO_SIZE
				: 65536;

	return offered < most ? offered : most;
}

static bool take_negotiate(struct daxsmb_conn *c, const struct smb2_negotiate_rsp *p)
{
	uint16_t offered[SMB2_MAX_DIALECTS];
	uint16_t n = client_dialects_between(c->min_dialect, c->max_dialect, offered);
	bool known = false;

	for (unsigned i = 0; i < n; i++)
		known |= offered[i] == p->dialect;
	if (!known)
		return false;
	c->dialect = p->dialect;
	c->server_security_mode = p->security_mode;
	c->server_capabilities = p->capabilities;
	memcpy(c->server_guid, p->server_guid, sizeof(c->server_guid));
	c->max_transact = io_size(c, p->max_transact_size);
	c->max_read = io_size(c, p->max_read_size);
	c->max_write = io_size(c, p->max_write_size);
	if (c->max_transact < MIN_IO_SIZE || c->max_read < MIN_IO_SIZE || c->max_write < MIN_IO_SIZE)
		return false;
	c->server_token.len = p->security_buffer.len;
	c->server_token.data = talloc_memdup(c, p->security_buffer.data, p->security_buffer.len);
	return take_algorithms(c, p);
}

static void negotiate_done(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct negotiate_state *s = tevent_req_data(req, struct negotiate_state);
	struct daxsmb_conn *c = s->conn;
	struct smb2_negotiate_rsp p;
	struct rd body;
	ntstatus_t status = exchange_answer(sub, 0, &body, NULL);

	if (status_is_ok(status)) {
		preauth_update(c->preauth, exchange_answer_bytes(sub, 0));
		if (!smb2_negotiate_rsp_decode(&body, &p) || !take_negotiate(c, &p))
			status = STATUS_INVALID_NETWORK_RESPONSE;
	}
	talloc_free(sub);
	if (!req_failed(req, status))
		tevent_req_done(req);
}

struct tevent_req *client_negotiate_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_conn *c)
{
	struct negotiate_state *s;
	struct tevent_req *sub, *req = tevent_req_create(mem, &s, struct negotiate_state);
	struct exchange_params p = {.conn = c, .preauth = c->preauth};

	if (!req)
		return NULL;
	s->conn = c;
	encode_negotiate(c, exchange_add(s, &p, SMB2_NEGOTIATE, 1, NEGOTIATE_ROOM));
	sub = exchange_send(s, ev, &p);
	if (tevent_req_nomem(sub, req))
		return tevent_req_post(req, ev);
	tevent_req_set_callback(sub, negotiate_done, req);
	return req;
}

ntstatus_t client_negotiate_recv(struct tevent_req *req)
{
	return req_status(req);
}
