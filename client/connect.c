/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/conn.h"
#include "client/req.h"
#include "rdma/smbdirect.h"

enum { PORT_TCP = 445 };

struct connect_state {
	struct tevent_context *ev;
	struct daxsmb_conn *conn;
	enum daxsmb_via via;
};

static void connect_tcp_done(struct tevent_req *sub);
static void connect_negotiated(struct tevent_req *sub);

/* What all channels of a session have in common, [MS-SMB2] 3.2.4.1.7. */
static void connect_as(struct daxsmb_conn *c, struct daxsmb_conn *sibling)
{
	memcpy(c->client_guid, sibling->client_guid, sizeof(c->client_guid));
	c->min_dialect = c->max_dialect = sibling->dialect;
	c->security_mode = sibling->security_mode;
	c->capabilities = sibling->capabilities;
	c->primary = sibling;
}

struct tevent_req *daxsmb_connect_send(TALLOC_CTX *mem, struct tevent_context *ev, const char *host,
	uint16_t port, const struct daxsmb_options *o)
{
	return client_connect_send(mem, ev, host, port, o, NULL);
}

struct tevent_req *client_connect_send(TALLOC_CTX *mem, struct tevent_context *ev, const char *host,
	uint16_t port, const struct daxsmb_options *o, struct daxsmb_conn *sibling)
{
	struct connect_state *s;
	struct tevent_req *sub, *req = tevent_req_create(mem, &s, struct connect_state);
	uint16_t dialects[SMB2_MAX_DIALECTS];

	if (!req)
		return NULL;
	s->ev = ev;
	s->via = o->via;
	s->conn = client_conn_new(s, ev, o);
	if (tevent_req_nomem(s->conn, req))
		return tevent_req_post(req, ev);
	if (sibling)
		connect_as(s->conn, sibling);
	s->conn->host = talloc_strdup(s->conn, host);
	if (tevent_req_nomem(s->conn->host, req))
		return tevent_req_post(req, ev);
	if (client_dialects_between(s->conn->min_dialect, s->conn->max_dialect, dialects) == 0) {
		tevent_req_error(req, STATUS_INVALID_PARAMETER);
		return tevent_req_post(req, ev);
	}
	if (port == 0)
		port = s->via == DAXSMB_VIA_SMBDIRECT ? SMBDIRECT_PORT_IWARP : PORT_TCP;
	sub = client_tcp_connect_send(s, ev, host, port);
	if (tevent_req_nomem(sub, req))
		return tevent_req_post(req, ev);
	tevent_req_set_callback(sub, connect_tcp_done, req);
	tevent_req_set_endtime(req, ev,
		tevent_timeval_current_ofs(s->conn->timeout_ms / 1000, s->conn->timeout_ms % 1000 * 1000));
	return req;
}

static void connect_tcp_done(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct connect_state *s = tevent_req_data(req, struct connect_state);
	struct transport *t;
	int fd;
	ntstatus_t status = client_tcp_connect_recv(sub, &fd);

	talloc_free(sub);
	if (req_failed(req, status))
		return;
	if (s->via == DAXSMB_VIA_SMBDIRECT)
		t = transport_smbdirect_new(s->conn, s->ev, fd, (s->conn->timeout_ms + 999) / 1000);
	else
		t = transport_tcp_new(s->conn, s->ev, fd);
	if (tevent_req_nomem(t, req))
		return;
	client_conn_attach(s->conn, t);
	sub = client_negotiate_send(s, s->ev, s->conn);
	if (tevent_req_nomem(sub, req))
		return;
	tevent_req_set_callback(sub, connect_negotiated, req);
}

static void connect_negotiated(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	ntstatus_t status = client_negotiate_recv(sub);

	talloc_free(sub);
	if (!req_failed(req, status))
		tevent_req_done(req);
}

ntstatus_t daxsmb_connect_recv(struct tevent_req *req, TALLOC_CTX *mem, struct daxsmb_conn **out)
{
	struct connect_state *s = tevent_req_data(req, struct connect_state);
	ntstatus_t status = req_status(req);

	if (status_is_ok(status))
		*out = talloc_steal(mem, s->conn);
	return status;
}
