/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * FSCTL_VALIDATE_NEGOTIATE_INFO, [MS-SMB2] 3.2.5.14.12: asks, signed, what the server took from NEGOTIATE.
 * An answer that differs means that somebody in between changed it: the connection ends.
 */
#include "client/exchange.h"
#include "client/req.h"
#include "wire/fsctl.h"

enum { INPUT_ROOM = 24 + 2 * SMB2_MAX_DIALECTS, IOCTL_FIXED = 56 };

static bool answer_agrees(const struct daxsmb_conn *c, struct bytes output)
{
	struct fsctl_validate_negotiate_rsp v;

	return fsctl_validate_negotiate_rsp_decode(output, &v) && v.capabilities == c->server_capabilities &&
	       memcmp(v.guid, c->server_guid, sizeof(v.guid)) == 0 &&
	       v.security_mode == c->server_security_mode && v.dialect == c->dialect;
}

static size_t encode_input(const struct daxsmb_conn *c, uint8_t *buf, size_t size)
{
	struct fsctl_validate_negotiate_req v = {
		.capabilities = c->capabilities, .security_mode = c->security_mode};
	struct wr w = wr_over(buf, size);

	memcpy(v.guid, c->client_guid, sizeof(v.guid));
	v.dialect_count = client_dialects_between(c->min_dialect, c->max_dialect, v.dialects);
	fsctl_validate_negotiate_req_encode(&w, &v);
	return w.pos;
}

struct tevent_req *client_validate_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t)
{
	uint8_t input[INPUT_ROOM];
	struct exchange_params p = exchange_on_tree(t);
	struct smb2_ioctl_req q = {
		.ctl_code = FSCTL_VALIDATE_NEGOTIATE_INFO,
		.file_id = SMB2_FILE_ID_NONE,
		.max_output_response = FSCTL_VALIDATE_NEGOTIATE_RSP_SIZE,
		.flags = SMB2_IOCTL_IS_FSCTL,
	};

	q.input = BYTES(input, encode_input(p.conn, input, sizeof(input)));
	p.always_sign = true;
	smb2_ioctl_req_encode(exchange_add(mem, &p, SMB2_IOCTL, 1, IOCTL_FIXED + q.input.len), &q);
	return exchange_send(mem, ev, &p);
}

ntstatus_t client_validate_recv(struct tevent_req *req, const struct daxsmb_tree *t)
{
	const struct daxsmb_conn *c = daxsmb_tree_conn(t);
	struct smb2_ioctl_rsp p;
	struct rd body;
	ntstatus_t status = exchange_answer(req, 0, &body, NULL);

	/* A server that is older than the FSCTL says so, and its error is signed like every answer. */
	if (status == STATUS_NOT_SUPPORTED || status == STATUS_INVALID_DEVICE_REQUEST ||
		status == STATUS_FILE_CLOSED)
		return STATUS_SUCCESS;
	if (!status_is_ok(status))
		return status;
	if (!c)
		return STATUS_CONNECTION_DISCONNECTED;
	return smb2_ioctl_rsp_decode(&body, &p) && answer_agrees(c, p.output) ? STATUS_SUCCESS
									      : STATUS_ACCESS_DENIED;
}
