/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/log.h"
#include "smbd/req.h"

/* ECHO [MS-SMB2] 3.3.5.17, LOGOFF 3.3.5.6. */

void op_echo(struct req *r, struct rd *body)
{
	struct smb2_empty q;

	if (!smb2_empty_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	/* An ECHO within a session is signed like any other request. */
	struct channel *ch = channel_find(r->conn, r->session_id);
	if (ch && ch->established && !r->sealed && (r->hdr.flags & SMB2_FLAGS_SIGNED) && ch->signer) {
		if (!signer_verify(ch->signer, r->element, false)) {
			req_error(r, STATUS_ACCESS_DENIED);
			return;
		}
		r->channel = ch;
		r->session = ch->session;
		r->signed_request = true;
	}
	req_done_empty(r);
}

void op_logoff(struct req *r, struct rd *body)
{
	struct smb2_empty q;

	if (!smb2_empty_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	log_info(audit, "log-off: user %s from %s", r->session->user, r->conn->peer);
	req_done_empty(r);
	req_end_session(r, r->channel);
}
