/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/clock.h"
#include "core/log.h"
#include "smbd/req.h"
#include "smbd/bind.h"
#include "smbd/user.h"

/*
 * SESSION_SETUP, [MS-SMB2] 3.3.5.5: log-on, reauthentication, and binding of a further channel. The token machine runs
 * on a worker (it reads the password file and asks the name service); its state is the channel's `auth`, lent to the
 * call while it runs.
 */

struct setup_call {
	struct call call;
	uint64_t session_id;
	struct auth_server *auth; /* owned while with the worker */
	struct bytes token;       /* inside the frame, which parking keeps */
	size_t token_offset;
	ntstatus_t status;
	struct bytes out;
	struct vfs_cred *cred; /* on success; counted */
	unsigned delay_ms;     /* after a failure */
	uint64_t previous_session_id;
	const char *peer;
};

static int setup_call_destructor(struct setup_call *s)
{
	call_release(&s->call);
	vfs_cred_unref(s->cred);
	talloc_free(s->auth);
	return 0;
}

static int run_auth(struct call *c, unsigned flags)
{
	struct setup_call *s = container_of(c, struct setup_call, call);
	struct server *server = c->req->local->server;

	if (vfs_act_as_process() < 0) {
		s->status = STATUS_INTERNAL_ERROR;
		return 0;
	}
	s->status = auth_server_step(s->auth, BYTES(c->req->frame.data + s->token_offset, s->token.len), &s->out);
	if (status_is_ok(s->status)) {
		const struct auth_result *a = auth_server_result(s->auth);
		s->cred = user_cred(server, a->user);
		if (!s->cred)
			s->status = STATUS_LOGON_FAILURE;
	}
	if (s->status == STATUS_MORE_PROCESSING_REQUIRED)
		return 0;
	const struct auth_result *a = auth_server_result(s->auth);
	s->delay_ms = auth_throttle_record(server->throttle, s->peer, a && a->client_name ? a->client_name : "",
		status_is_ok(s->status), clock_now_ns());
	return 0;
}

/* ---- outcomes ---- */

/*
 * 3.3.5.5.3: a failed log-on ends its session, and so does a failed reauthentication; a failed bind ends the new
 * channel only.
 */
static void fail(struct req *r, struct channel *ch, ntstatus_t status)
{
	if (ch->established) {
		r->channel = ch;
		req_error(r, status);
		req_end_session(r, ch);
		return;
	}
	req_error(r, status);
	channel_free(ch);
	r->channel = NULL;
	r->session = NULL;
}

static bool signing_wanted(const struct conn *c, const struct smb2_session_setup_req *q)
{
	return c->local->server->signing_required ||
	       ((q->security_mode | c->client_security_mode) & SMB2_NEGOTIATE_SIGNING_REQUIRED);
}

static bool make_keys(struct session *s, const uint8_t *preauth)
{
	session_keys_derive(&s->keys, s->dialect, s->cipher, BYTES(s->session_key, sizeof(s->session_key)), preauth);
	if (!s->cipher)
		return true;
	s->opener = sealer_new(s, s->cipher, s->keys.server_in);
	s->sealer = sealer_new(s, s->cipher, s->keys.server_out);
	return s->opener && s->sealer;
}

static bool make_channel_signer(struct channel *ch)
{
	struct session *s = ch->session;
	struct session_keys keys;

	session_keys_derive(&keys, s->dialect, s->cipher, BYTES(s->session_key, sizeof(s->session_key)), ch->preauth);
	ch->signer = signer_new(ch, ch->conn->signing_algorithm, keys.signing);
	return ch->signer;
}

static void log_user(const struct channel *ch, const char *what)
{
	const struct session *s = ch->session;

	log_info(audit, "%s: user %s%s from %s", what, s->user, s->guest ? " (guest)" : "", ch->conn->peer);
}

/* A first log-on has succeeded. */
static ntstatus_t establish(struct req *r, struct channel *ch, const struct auth_result *a, struct vfs_cred *cred,
	const struct smb2_session_setup_req *q)
{
	struct session *s = ch->session;
	const struct server *server = r->local->server;

	s->user = talloc_strdup(s, a->user);
	s->domain = talloc_strdup(s, a->domain ? a->domain : "");
	s->cred = vfs_cred_ref(cred);
	s->guest = a->guest;
	s->anonymous = a->anonymous;
	memcpy(s->session_key, a->session_key, sizeof(s->session_key));
	bool keyed = !s->guest && !s->anonymous;
	if (keyed && (!make_keys(s, ch->preauth) || !make_channel_signer(ch)))
		return STATUS_INSUFFICIENT_RESOURCES;
	s->signing_required = keyed && signing_wanted(ch->conn, q);
	s->encrypt = keyed && server->encryption_desired && s->sealer;
	/* `required` refuses who cannot, guests included. */
	if (server->encryption_required && !s->encrypt)
		return STATUS_ACCESS_DENIED;
	s->state = SESSION_VALID;
	ch->established = true;
	conn_authenticated(ch->conn);
	log_user(ch, "log-on");
	return s->user && s->domain ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* 3.3.5.5.3, reauthentication: the keys stay, the identity must not change hands. */
static ntstatus_t reauthenticated(struct channel *ch, const struct auth_result *a, struct vfs_cred *cred)
{
	struct session *s = ch->session;

	if (a->guest != s->guest || a->anonymous != s->anonymous || strcmp(a->user, s->user) != 0)
		return STATUS_ACCESS_DENIED;
	vfs_cred_unref(s->cred);
	s->cred = vfs_cred_ref(cred);
	log_user(ch, "reauthentication");
	return STATUS_SUCCESS;
}

static ntstatus_t bound(struct channel *ch, const struct auth_result *a)
{
	struct session *s = ch->session;

	if (a->guest || a->anonymous || strcmp(a->user, s->user) != 0)
		return STATUS_ACCESS_DENIED;
	/* 3.1.4.2: the channel's key comes from the log-on on this connection. */
	struct session_keys keys;
	session_keys_derive(&keys, s->dialect, s->cipher, BYTES(a->session_key, sizeof(a->session_key)), ch->preauth);
	ch->signer = signer_new(ch, ch->conn->signing_algorithm, keys.signing);
	if (!ch->signer)
		return STATUS_INSUFFICIENT_RESOURCES;
	ch->established = true;
	ch->binding = false;
	conn_authenticated(ch->conn);
	log_user(ch, "channel bound");
	return STATUS_SUCCESS;
}

static ntstatus_t succeed(struct req *r, struct channel *ch, struct setup_call *c)
{
	const struct auth_result *a = auth_server_result(c->auth);
	struct rd body = rd_over(r->element);
	struct smb2_session_setup_req q;

	rd_seek(&body, SMB2_HEADER_SIZE);
	if (!smb2_session_setup_req_decode(&body, &q))
		return STATUS_INVALID_PARAMETER;
	if (ch->binding)
		return bound(ch, a);
	if (ch->established)
		return reauthenticated(ch, a, c->cred);
	return establish(r, ch, a, c->cred, &q);
}

static void reply(struct req *r, struct channel *ch, ntstatus_t status, struct bytes token)
{
	struct session *s = ch->session;
	struct smb2_session_setup_rsp rsp = {.security_buffer = token};

	r->session_id = s->id;
	if (status_is_ok(status)) {
		if (s->guest)
			rsp.session_flags |= SMB2_SESSION_FLAG_IS_GUEST;
		if (s->anonymous)
			rsp.session_flags |= SMB2_SESSION_FLAG_IS_NULL;
		if (s->encrypt)
			rsp.session_flags |= SMB2_SESSION_FLAG_ENCRYPT_DATA;
		r->channel = ch;
		r->session = s;
		r->signed_request = true; /* 3.3.5.5.3: the final reply is signed where there is a key */
		TALLOC_FREE(r->reply_signer); /* of a binding, by the channel's own key */
	} else {
		r->channel = ch;
		if (!ch->established && r->conn->dialect == SMB2_DIALECT_0311)
			r->hash_reply = ch->preauth;
	}
	struct wr w = req_reply(r, 16 + token.len);
	smb2_session_setup_rsp_encode(&w, &rsp);
	req_done(r, status, &w);
}

/* ---- a session named as previous, [MS-SMB2] 3.3.5.5.3 ---- */

struct expire {
	struct message m;
	uint64_t session_id;
	uint64_t conn_id; /* whose request waits; 0: nobody */
	struct reactor *from;
	uint64_t message_id;
	char *user;
};

static void deliver_expired(struct reactor *self, struct message *m);

static void expire_session(struct local *l, uint64_t id, const char *user)
{
	struct session *s = session_find(l, id);

	/* Guests are not one person. */
	if (s && s->state == SESSION_VALID && !s->guest && !s->anonymous && strcmp(s->user, user) == 0)
		session_free(s);
}

static void deliver_expire(struct reactor *self, struct message *m)
{
	struct expire *e = container_of(m, struct expire, m);

	expire_session(reactor_user(self), e->session_id, e->user);
	e->m.deliver = deliver_expired;
	reactor_post(e->from, &e->m);
}

struct finish_state {
	struct bytes token;
	uint64_t session_id;
};

static void finish_setup(struct req *r)
{
	struct finish_state *f = r->op_state;
	struct channel *ch = channel_find(r->conn, f->session_id);

	if (ch)
		reply(r, ch, STATUS_SUCCESS, f->token);
	else
		req_error(r, STATUS_USER_SESSION_DELETED);
}

static void deliver_expired(struct reactor *self, struct message *m)
{
	struct expire *e = container_of(m, struct expire, m);
	struct local *l = reactor_user(self);
	struct conn *c = idtable_get(l->conns, e->conn_id);

	struct req *r = c ? req_find(c, e->message_id) : NULL;

	if (r) {
		req_enter(r);
		finish_setup(r);
		req_leave(r);
	}
	talloc_free(e);
}

/* True: r waits for the other reactor's word. */
static bool expire_previous(struct req *r, struct channel *ch, uint64_t previous, struct bytes token)
{
	struct reactor *home = session_id_reactor(r->local, previous);

	if (!previous || previous == ch->session->id || !home || ch->session->guest || ch->session->anonymous)
		return false;
	if (home == r->local->reactor) {
		expire_session(r->local, previous, ch->session->user);
		return false;
	}
	struct expire *e = talloc_zero(NULL, struct expire);
	struct finish_state *f = talloc_zero(r, struct finish_state);
	if (e)
		e->user = talloc_strdup(e, ch->session->user);
	if (!e || !e->user || !f || !req_keep_frame(r) || !req_detach_reply(r)) {
		talloc_free(e);
		talloc_free(f);
		return false;
	}
	f->token = BYTES(talloc_memdup(f, token.data, token.len), token.len);
	f->session_id = ch->session->id;
	r->op_state = f;
	e->m.deliver = deliver_expire;
	e->session_id = previous;
	e->conn_id = r->conn->id;
	e->from = r->local->reactor;
	e->message_id = r->hdr.message_id;
	reactor_post(home, &e->m);
	return true;
}

/* ---- the steps ---- */

static void conclude(struct req *r, struct call *c)
{
	struct setup_call *s = container_of(c, struct setup_call, call);
	struct channel *ch = channel_find(r->conn, s->session_id);

	if (!ch) {
		req_error(r, STATUS_USER_SESSION_DELETED);
		return;
	}
	ch->in_step = false;
	if (s->status == STATUS_MORE_PROCESSING_REQUIRED) {
		ch->auth = talloc_steal(ch, s->auth);
		s->auth = NULL;
		reply(r, ch, s->status, s->out);
		return;
	}
	if (status_is_ok(s->status))
		s->status = succeed(r, ch, s);
	if (!status_is_ok(s->status)) {
		log_info(audit, "log-on refused: %s from %s", status_name(s->status), r->conn->peer);
		fail(r, ch, s->status);
		return;
	}
	if (!expire_previous(r, ch, s->previous_session_id, s->out))
		reply(r, ch, STATUS_SUCCESS, s->out);
}

struct delayed {
	struct req *r;
	struct setup_call *s;
};

static void delay_over(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *priv)
{
	struct delayed *d = priv;
	struct req *r = d->r;

	req_enter(r);
	conclude(r, &d->s->call);
	req_leave(r);
}

static void auth_done(struct req *r, struct call *c)
{
	struct setup_call *s = container_of(c, struct setup_call, call);

	if (!s->delay_ms) {
		conclude(r, c);
		return;
	}
	/* Failures are answered ever later; the connection goes on with other requests meanwhile. */
	struct delayed *d = talloc_zero(r, struct delayed);
	struct setup_call *kept = d ? talloc_zero(d, struct setup_call) : NULL;
	if (!kept) {
		conclude(r, c);
		return;
	}
	*kept = (struct setup_call){.session_id = s->session_id, .status = s->status};
	*d = (struct delayed){.r = r, .s = kept};
	r->op_state = d;
	tevent_add_timer(r->local->ev, d, tevent_timeval_current_ofs(s->delay_ms / 1000, s->delay_ms % 1000 * 1000),
		delay_over, d);
}

static void start_auth(struct req *r, struct channel *ch, const struct smb2_session_setup_req *q)
{
	struct setup_call *s = req_new_call(r, struct setup_call, run_auth, auth_done);

	if (!s)
		return;
	talloc_set_destructor(s, setup_call_destructor);
	if (ch->auth)
		s->auth = talloc_steal(NULL, ch->auth);
	else
		s->auth = auth_server_new(NULL, &r->local->server->policy, signing_wanted(r->conn, q));
	ch->auth = NULL;
	ch->in_step = true;
	s->session_id = ch->session->id;
	s->token = q->security_buffer;
	s->token_offset = q->security_buffer.len ? (size_t)(q->security_buffer.data - r->frame.data) : 0;
	s->previous_session_id = q->previous_session_id;
	s->peer = talloc_strdup(s, r->conn->peer);
	if (!s->auth) {
		talloc_free(s);
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return;
	}
	/* 3.1.1: each request enters the hash before its keys are derived. */
	if (r->conn->dialect == SMB2_DIALECT_0311 && (!ch->established || ch->binding))
		preauth_update(ch->preauth, r->element);
	req_call_worker(r, &s->call);
}

/* The requests of a binding are signed with the session's key, and so are their replies. */
static struct channel *begin_bind(struct req *r, ntstatus_t *status)
{
	enum { MAX_CHANNELS_OF_SESSION = 32 }; /* as Windows */
	struct session *s = session_find(r->local, r->session_id);
	struct channel *ch = channel_find(r->conn, r->session_id);
	struct bind_facts facts = bind_facts_of(r->conn);
	bool genuine = s && s->state == SESSION_VALID && req_signed_by_session(r, s->signing_algorithm, s->keys.signing);

	*status = bind_check(&facts, s, r->hdr.flags & SMB2_FLAGS_SIGNED);
	if (status_is_ok(*status) && !genuine)
		*status = STATUS_ACCESS_DENIED;
	if (!status_is_ok(*status))
		return NULL;
	if (!ch && s->channel_count < MAX_CHANNELS_OF_SESSION)
		ch = channel_new(r->conn, s);
	if (!ch)
		*status = STATUS_INSUFFICIENT_RESOURCES;
	else
		ch->binding = true;
	return ch;
}

static struct channel *begin_session(struct req *r, ntstatus_t *status)
{
	enum { MAX_CHANNELS = 1024, MAX_IN_PROGRESS = 8 };
	unsigned count = 0, in_progress = 0;

	LIST_FOREACH(item, &r->conn->channels) {
		count++;
		in_progress += !container_of(item, struct channel, conn_link)->established;
	}
	bool full = count >= MAX_CHANNELS || in_progress >= MAX_IN_PROGRESS;
	struct session *s = full ? NULL : session_new(r->conn);
	struct channel *ch = s ? channel_new(r->conn, s) : NULL;

	if (!ch) {
		talloc_free(s);
		*status = STATUS_INSUFFICIENT_RESOURCES;
		return NULL;
	}
	r->session_id = s->id;
	return ch;
}

static struct channel *continue_session(struct req *r, struct channel *ch, ntstatus_t *status)
{
	if (!ch) {
		struct session *s = session_find(r->local, r->session_id);
		if (s)
			req_signed_by_session(r, s->signing_algorithm, s->keys.signing);
		*status = STATUS_USER_SESSION_DELETED;
		return NULL;
	}
	if ((r->sealed && r->sealed_for == r->session_id) || !ch->signer)
		return ch;
	/* Nobody but the holder of the key may start a reauthentication, since it can end the session. */
	if (!(r->hdr.flags & SMB2_FLAGS_SIGNED))
		*status = ch->session->signing_required ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
	else if (!signer_verify(ch->signer, r->element, false))
		*status = STATUS_ACCESS_DENIED;
	r->signed_request = r->hdr.flags & SMB2_FLAGS_SIGNED;
	r->channel = ch;
	return status_is_ok(*status) ? ch : NULL;
}

void op_session_setup(struct req *r, struct rd *body)
{
	struct smb2_session_setup_req q;
	struct channel *ch;
	ntstatus_t status = STATUS_SUCCESS;

	if (!smb2_session_setup_req_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	struct reactor *home = session_id_reactor(r->local, r->session_id);
	if (r->session_id && home && home != r->local->reactor) {
		bind_ask_elsewhere(r, q.flags & SMB2_SESSION_FLAG_BINDING);
		return;
	}
	if (atomic_load(&r->local->server->draining)) {
		req_error(r, STATUS_REQUEST_NOT_ACCEPTED);
		return;
	}
	bool binding = q.flags & SMB2_SESSION_FLAG_BINDING;
	ch = channel_find(r->conn, r->session_id);
	if (binding && !(ch && ch->established))
		ch = begin_bind(r, &status);
	else if (r->session_id == 0)
		ch = begin_session(r, &status);
	else
		ch = continue_session(r, ch, &status);
	if (binding && ch && ch->established) /* 3.3.5.5.2: it is a channel already */
		status = STATUS_REQUEST_NOT_ACCEPTED;
	/* One step at a time: a second request while the machine is with a worker finds it missing. */
	if (ch && ch->in_step)
		status = STATUS_REQUEST_NOT_ACCEPTED;
	if (ch && status_is_ok(status))
		start_auth(r, ch, &q);
	else
		req_error(r, status);
}
