/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/exchange.h"
#include "client/req.h"
#include "wire/utf16.h"

struct tree_state {
	struct tevent_context *ev;
	struct daxsmb_tree *tree;
};

static void tree_connect_answered(struct tevent_req *sub);
static void tree_validated(struct tevent_req *sub);

static int tree_destructor(struct daxsmb_tree *t)
{
	list_remove(&t->link);
	return 0;
}

static struct daxsmb_tree *tree_new(TALLOC_CTX *mem, struct daxsmb_session *s)
{
	struct daxsmb_tree *t = talloc_zero(mem, struct daxsmb_tree);

	if (!t)
		return NULL;
	t->session = s;
	list_append(&s->trees, &t->link);
	talloc_set_destructor(t, tree_destructor);
	return t;
}

struct daxsmb_tree *client_tree_on_channel(struct daxsmb_session *channel, const struct daxsmb_tree *t)
{
	struct daxsmb_tree *same = tree_new(channel, channel);

	if (same) {
		same->id = t->id;
		same->type = t->type;
		same->seal = t->seal;
	}
	return same;
}

struct tevent_req *daxsmb_tree_connect_send(
	TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_session *n, const char *share)
{
	struct tree_state *s;
	struct tevent_req *sub, *req = tevent_req_create(mem, &s, struct tree_state);
	struct exchange_params p = {.conn = n->conn, .session = n};
	struct smb2_tree_connect_req q = {0};
	char *unc;

	if (!req)
		return NULL;
	s->ev = ev;
	s->tree = tree_new(s, n);
	if (tevent_req_nomem(s->tree, req))
		return tevent_req_post(req, ev);
	/* [MS-SMB2] 3.2.4.1.1: with 3.1.1 this request is protected even where nothing else is. */
	p.always_sign = n->conn && n->conn->dialect == SMB2_DIALECT_0311;
	unc = talloc_asprintf(s, "\\\\%s\\%s", n->conn ? n->conn->host : "", share);
	q.path = utf16_from_utf8(s, unc);
	if (!q.path.data) {
		tevent_req_error(req, STATUS_BAD_NETWORK_NAME);
		return tevent_req_post(req, ev);
	}
	smb2_tree_connect_req_encode(exchange_add(s, &p, SMB2_TREE_CONNECT, 1, 8 + q.path.len), &q);
	sub = exchange_send(s, ev, &p);
	if (tevent_req_nomem(sub, req))
		return tevent_req_post(req, ev);
	tevent_req_set_callback(sub, tree_connect_answered, req);
	return req;
}

static ntstatus_t tree_connected(struct daxsmb_tree *t, struct rd *body, const struct smb2_header *h)
{
	struct smb2_tree_connect_rsp p;

	if (!t->session)
		return STATUS_USER_SESSION_DELETED;
	if (!smb2_tree_connect_rsp_decode(body, &p))
		return STATUS_INVALID_NETWORK_RESPONSE;
	t->id = h->tree_id;
	t->type = p.share_type;
	t->seal = p.share_flags & SMB2_SHAREFLAG_ENCRYPT_DATA;
	/* [MS-SMB2] 3.2.5.5: a share that demands encryption of a client that has none. */
	return t->seal && !t->session->seal_out ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

/*
 * 3.2.5.5: with 3.0 and 3.0.2 nothing else protects NEGOTIATE; without keys there is nothing to check with.
 */
static bool tree_must_validate(const struct daxsmb_tree *t)
{
	const struct daxsmb_conn *c = t->session->conn;

	return c && (c->dialect == SMB2_DIALECT_0300 || c->dialect == SMB2_DIALECT_0302) &&
	       t->session->signer;
}

static void tree_connect_answered(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct tree_state *s = tevent_req_data(req, struct tree_state);
	struct smb2_header h;
	struct rd body;
	ntstatus_t status = exchange_answer(sub, 0, &body, &h);

	if (status_is_ok(status))
		status = tree_connected(s->tree, &body, &h);
	talloc_free(sub);
	if (req_failed(req, status))
		return;
	if (!tree_must_validate(s->tree)) {
		tevent_req_done(req);
		return;
	}
	sub = client_validate_send(s, s->ev, s->tree);
	if (tevent_req_nomem(sub, req))
		return;
	tevent_req_set_callback(sub, tree_validated, req);
}

static void tree_validated(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct tree_state *s = tevent_req_data(req, struct tree_state);
	ntstatus_t status = client_validate_recv(sub, s->tree);

	talloc_free(sub);
	if (!req_failed(req, status))
		tevent_req_done(req);
}

ntstatus_t daxsmb_tree_connect_recv(struct tevent_req *req, struct daxsmb_tree **out)
{
	struct tree_state *s = tevent_req_data(req, struct tree_state);
	ntstatus_t status = req_status(req);

	if (!status_is_ok(status))
		return status;
	if (!s->tree->session)
		return STATUS_USER_SESSION_DELETED;
	*out = talloc_steal(s->tree->session, s->tree);
	s->tree = NULL;
	return STATUS_SUCCESS;
}

struct daxsmb_session *daxsmb_tree_session(const struct daxsmb_tree *t)
{
	return t->session;
}

struct daxsmb_conn *daxsmb_tree_conn(const struct daxsmb_tree *t)
{
	return t->session ? t->session->conn : NULL;
}

/* What a message carries besides its payload, at most. */
enum { MESSAGE_OVERHEAD = SMB2_TRANSFORM_HEADER_SIZE + SMB2_HEADER_SIZE + 128 };

static uint32_t tree_max(const struct daxsmb_tree *t, uint32_t agreed, bool sent)
{
	const struct transport *transport = daxsmb_tree_conn(t)->transport;
	uint32_t most = agreed;

	if (rdma_buffer_allowed(t))
		most = transport->max_transfer;
	else if (sent)
		most = transport->max_send - MESSAGE_OVERHEAD;
	return most < agreed ? most : agreed;
}

uint32_t daxsmb_tree_max_read(const struct daxsmb_tree *t)
{
	const struct daxsmb_conn *c = daxsmb_tree_conn(t);

	return c ? tree_max(t, c->max_read, false) : 0;
}

uint32_t daxsmb_tree_max_write(const struct daxsmb_tree *t)
{
	const struct daxsmb_conn *c = daxsmb_tree_conn(t);

	return c ? tree_max(t, c->max_write, true) : 0;
}
