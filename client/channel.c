/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/conn.h"
#include "client/req.h"

struct channel_state {
	struct tevent_context *ev;
	const struct daxsmb_session *primary;
	struct daxsmb_options options;
	struct daxsmb_conn *conn;
	struct daxsmb_session *session;
};

static void channel_connected(struct tevent_req *sub);
static void channel_bound(struct tevent_req *sub);

/* Why a session cannot have another channel that is of use here; [MS-SMB2] 3.2.4.1.7. */
static ntstatus_t channel_refusal(const struct daxsmb_session *s)
{
	if (!s->conn)
		return STATUS_USER_SESSION_DELETED;
	if (s->conn->dead)
		return s->conn->dead;
	if (s->conn->dialect < SMB2_DIALECT_0300 ||
		!(s->conn->server_capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL) || s->guest)
		return STATUS_NOT_SUPPORTED;
	return s->seal ? STATUS_ACCESS_DISABLED_BY_POLICY_DEFAULT : STATUS_SUCCESS;
}

struct tevent_req *client_channel_send(TALLOC_CTX *mem, struct tevent_context *ev,
	struct daxsmb_session *primary, const char *host, uint16_t port, const struct daxsmb_options *o)
{
	struct channel_state *s;
	struct tevent_req *sub, *req = tevent_req_create(mem, &s, struct channel_state);
	ntstatus_t status = channel_refusal(primary);

	if (!req)
		return NULL;
	s->ev = ev;
	s->primary = primary;
	s->options = *o;
	s->options.via = DAXSMB_VIA_SMBDIRECT;
	if (req_failed(req, status))
		return tevent_req_post(req, ev);
	sub = client_connect_send(s, ev, host, port, &s->options, primary->conn);
	if (tevent_req_nomem(sub, req))
		return tevent_req_post(req, ev);
	tevent_req_set_callback(sub, channel_connected, req);
	return req;
}

/* It has to be the same server, and agree on what the keys of the session are made for. */
static bool channel_fits(const struct daxsmb_conn *c, const struct daxsmb_conn *primary)
{
	return memcmp(c->server_guid, primary->server_guid, sizeof(c->server_guid)) == 0 &&
	       c->dialect == primary->dialect && c->cipher == primary->cipher;
}

static void channel_connected(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct channel_state *s = tevent_req_data(req, struct channel_state);
	ntstatus_t status = daxsmb_connect_recv(sub, s, &s->conn);

	talloc_free(sub);
	if (status_is_ok(status))
		status = channel_refusal(s->primary);
	if (status_is_ok(status) && !channel_fits(s->conn, s->primary->conn))
		status = STATUS_INVALID_NETWORK_RESPONSE;
	if (req_failed(req, status))
		return;
	sub = client_session_setup_send(s, s->ev, s->conn, &s->options, s->primary);
	if (tevent_req_nomem(sub, req))
		return;
	tevent_req_set_callback(sub, channel_bound, req);
}

static void channel_bound(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct channel_state *s = tevent_req_data(req, struct channel_state);
	ntstatus_t status = daxsmb_session_setup_recv(sub, &s->session);

	talloc_free(sub);
	if (!req_failed(req, status))
		tevent_req_done(req);
}

ntstatus_t client_channel_recv(
	struct tevent_req *req, TALLOC_CTX *mem, struct daxsmb_conn **conn, struct daxsmb_session **session)
{
	struct channel_state *s = tevent_req_data(req, struct channel_state);
	ntstatus_t status = req_status(req);

	if (!status_is_ok(status))
		return status;
	*conn = talloc_steal(mem, s->conn);
	*session = s->session;
	return STATUS_SUCCESS;
}
