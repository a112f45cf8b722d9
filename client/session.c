/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * Log-on, [MS-SMB2] 3.2.4.2.3 and 3.2.5.3: tokens of auth/ go back and forth until the server says
 * STATUS_SUCCESS. The session becomes the connection's at the first answer, and the caller's when keys are
 * made and the last answer's signature is right.
 */
#include "auth/auth.h"
#include "client/exchange.h"
#include "client/req.h"

enum { SETUP_FIXED = 24, MAX_ROUNDS = 8 };

struct session_state {
	struct tevent_context *ev;
	struct daxsmb_conn *conn;
	struct daxsmb_session *session;
	const struct daxsmb_session *primary; /* which this log-on is to join; NULL */
	struct auth_client *auth;
	ntstatus_t auth_status;
	enum daxsmb_protect protect;
	bool anonymous;
	unsigned rounds;
};

static int session_destructor(struct daxsmb_session *s)
{
	struct list *item;

	list_remove(&s->link);
	while ((item = list_pop(&s->trees)))
		container_of(item, struct daxsmb_tree, link)->session = NULL;
	if (s->conn)
		client_conn_end_session(s->conn, s);
	return 0;
}

/* Belongs to the log-on at first, to the connection when it is handed out. */
static struct daxsmb_session *session_new(TALLOC_CTX *mem, struct daxsmb_conn *c)
{
	struct daxsmb_session *s = talloc_zero(mem, struct daxsmb_session);

	if (!s)
		return NULL;
	s->conn = c;
	memcpy(s->preauth, c->preauth, sizeof(s->preauth));
	list_init(&s->trees);
	list_append(&c->sessions, &s->link);
	talloc_set_destructor(s, session_destructor);
	return s;
}

static void session_setup_answered(struct tevent_req *sub);

/* One token to the server. */
static void session_setup_step(struct tevent_req *req, struct bytes token)
{
	struct session_state *s = tevent_req_data(req, struct session_state);
	struct exchange_params p = {.conn = s->conn, .session = s->session, .preauth = s->session->preauth,
		.checks_itself = s->primary != NULL};
	struct smb2_session_setup_req q = {
		.flags = s->primary ? SMB2_SESSION_FLAG_BINDING : 0,
		.security_mode = (uint8_t)s->conn->security_mode, .security_buffer = token};
	struct tevent_req *sub;

	if (++s->rounds > MAX_ROUNDS) {
		tevent_req_error(req, STATUS_LOGON_FAILURE);
		return;
	}
	smb2_session_setup_req_encode(
		exchange_add(s, &p, SMB2_SESSION_SETUP, 1, SETUP_FIXED + token.len + 1), &q);
	sub = exchange_send(s, s->ev, &p);
	if (tevent_req_nomem(sub, req))
		return;
	tevent_req_set_callback(sub, session_setup_answered, req);
}

/* Feeds the server's token to auth/; false if req has ended. */
static bool session_auth(struct tevent_req *req, struct bytes in, struct bytes *out)
{
	struct session_state *s = tevent_req_data(req, struct session_state);

	s->auth_status = auth_client_step(s->auth, in, out);
	if (s->auth_status == STATUS_MORE_PROCESSING_REQUIRED)
		return true;
	return !req_failed(req, s->auth_status);
}

/* 3.2.5.3.1: what the session will sign and seal; an unknown user may be let in without any keys. */
static ntstatus_t session_protection(struct session_state *s, uint16_t flags)
{
	struct daxsmb_session *n = s->session;
	bool required =
		(s->conn->security_mode | s->conn->server_security_mode) & SMB2_NEGOTIATE_SIGNING_REQUIRED;

	n->guest = flags & (SMB2_SESSION_FLAG_IS_GUEST | SMB2_SESSION_FLAG_IS_NULL) || s->anonymous;
	if (n->guest)
		return s->protect == DAXSMB_PROTECT_OFF ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
	n->sign = required;
	n->seal = flags & SMB2_SESSION_FLAG_ENCRYPT_DATA || s->protect == DAXSMB_PROTECT_SEAL;
	if (!client_session_keyed(n, BYTES(auth_client_session_key(s->auth), SESSION_KEY_SIZE)))
		return STATUS_NO_MEMORY;
	if (n->seal && !n->seal_out)
		return STATUS_NOT_SUPPORTED;
	return STATUS_SUCCESS;
}

/*
 * 3.2.5.3.3: a channel signs by a key of its own, which comes from this log-on. It never encrypts: it would
 * use the keys of the session, and counts its nonces for itself.
 */
static ntstatus_t session_joined(struct session_state *s, uint16_t flags, struct bytes answer)
{
	struct daxsmb_session *n = s->session;
	struct session_keys keys;

	if (flags & (SMB2_SESSION_FLAG_IS_GUEST | SMB2_SESSION_FLAG_IS_NULL))
		return STATUS_ACCESS_DENIED;
	session_keys_derive(&keys, s->conn->dialect, s->conn->cipher,
		BYTES(auth_client_session_key(s->auth), SESSION_KEY_SIZE), n->preauth);
	TALLOC_FREE(n->signer);
	n->signer = signer_new(n, s->conn->signing, keys.signing);
	if (!n->signer)
		return STATUS_NO_MEMORY;
	n->sign = s->primary->sign;
	return signer_verify(n->signer, answer, true) ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
}

/* The server accepted: keys, and the signature of this very answer, 3.2.5.3.3. */
static ntstatus_t session_accepted(
	struct session_state *s, uint16_t flags, const struct smb2_header *h, struct bytes answer)
{
	struct daxsmb_session *n = s->session;
	ntstatus_t status;

	if (s->primary)
		return session_joined(s, flags, answer);
	status = session_protection(s, flags);
	if (!status_is_ok(status) || n->guest)
		return status;
	if (h->flags & SMB2_FLAGS_SIGNED)
		return signer_verify(n->signer, answer, true) ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
	return n->sign || s->conn->dialect == SMB2_DIALECT_0311 ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static void session_setup_success(struct tevent_req *req, const struct smb2_session_setup_rsp *p,
	const struct smb2_header *h, struct bytes answer)
{
	struct session_state *s = tevent_req_data(req, struct session_state);
	struct bytes rest;

	/* The server's last token proves that it knew the key; a guest or null log-on has none to prove. */
	bool unknown = p->session_flags & (SMB2_SESSION_FLAG_IS_GUEST | SMB2_SESSION_FLAG_IS_NULL);

	if (s->auth_status == STATUS_MORE_PROCESSING_REQUIRED && p->security_buffer.len && !unknown &&
		!session_auth(req, p->security_buffer, &rest))
		return;
	if (!req_failed(req, session_accepted(s, p->session_flags, h, answer)))
		tevent_req_done(req);
}

/* 3.2.5.1.3: until a channel has its own key, answers are signed by the session's. */
static bool session_is_same(const struct session_state *s, const struct smb2_header *h, struct bytes answer)
{
	if (!s->primary)
		return true;
	if (h->session_id != s->session->id || !(h->flags & SMB2_FLAGS_SIGNED))
		return false;
	return status_is_ok(h->status) || signer_verify(s->session->signer, answer, true);
}

static void session_setup_answered(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct session_state *s = tevent_req_data(req, struct session_state);
	struct smb2_session_setup_rsp p;
	struct smb2_header h;
	struct rd body;
	ntstatus_t status = exchange_answer(sub, 0, &body, &h);
	struct bytes out;

	if (!s->session->conn)
		status = STATUS_CONNECTION_DISCONNECTED;
	if (!status_is_ok(status) && status != STATUS_MORE_PROCESSING_REQUIRED) {
		tevent_req_error(req, status);
	} else if (!smb2_session_setup_rsp_decode(&body, &p)) {
		tevent_req_error(req, STATUS_INVALID_NETWORK_RESPONSE);
	} else if (!session_is_same(s, &h, exchange_answer_bytes(sub, 0))) {
		tevent_req_error(req, STATUS_ACCESS_DENIED);
	} else {
		s->session->id = h.session_id;
		if (status_is_ok(status)) {
			session_setup_success(req, &p, &h, exchange_answer_bytes(sub, 0));
		} else {
			preauth_update(s->session->preauth, exchange_answer_bytes(sub, 0));
			if (session_auth(req, p.security_buffer, &out))
				session_setup_step(req, out);
		}
	}
	talloc_free(sub);
}

/* [MS-SMB2] 3.2.4.2.3.1: the requests of a binding bear the session's id and are signed by its key. */
static bool session_join(struct daxsmb_session *n, const struct daxsmb_session *primary)
{
	n->id = primary->id;
	n->sign = true;
	n->signer = signer_new(n, n->conn->signing, primary->keys.signing);
	return n->signer != NULL;
}

struct tevent_req *daxsmb_session_setup_send(
	TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_conn *c, const struct daxsmb_options *o)
{
	return client_session_setup_send(mem, ev, c, o, NULL);
}

struct tevent_req *client_session_setup_send(TALLOC_CTX *mem, struct tevent_context *ev,
	struct daxsmb_conn *c, const struct daxsmb_options *o, const struct daxsmb_session *primary)
{
	struct session_state *s;
	struct tevent_req *req = tevent_req_create(mem, &s, struct session_state);
	struct bytes token;

	if (!req)
		return NULL;
	/* Answers are looked at after the request has ended, so its owner must not free it meanwhile. */
	tevent_req_defer_callback(req, ev);
	s->ev = ev;
	s->conn = c;
	s->protect = o->protect;
	s->anonymous = !o->user || !*o->user;
	s->primary = primary;
	s->session = session_new(s, c);
	s->auth = auth_client_new(s, o->user ?: "", o->domain ?: "", o->password ?: "", c->host);
	if (tevent_req_nomem(s->session, req) || tevent_req_nomem(s->auth, req))
		return tevent_req_post(req, ev);
	if (primary && !session_join(s->session, primary)) {
		tevent_req_oom(req);
		return tevent_req_post(req, ev);
	}
	if (session_auth(req, c->server_token, &token))
		session_setup_step(req, token);
	return req;
}

ntstatus_t daxsmb_session_setup_recv(struct tevent_req *req, struct daxsmb_session **out)
{
	struct session_state *s = tevent_req_data(req, struct session_state);
	ntstatus_t status = req_status(req);

	if (!status_is_ok(status))
		return status;
	if (!s->session->conn)
		return STATUS_CONNECTION_DISCONNECTED;
	*out = talloc_steal(s->session->conn, s->session);
	s->session = NULL;
	return STATUS_SUCCESS;
}

bool daxsmb_session_signs(const struct daxsmb_session *s)
{
	return s->sign && s->signer;
}

bool daxsmb_session_seals(const struct daxsmb_session *s)
{
	return s->seal && s->seal_out;
}
