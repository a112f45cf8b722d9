/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/req.h"

/*
 * CHANGE_NOTIFY, [MS-SMB2] 3.3.5.19. Nothing is watched: a request stays until the client cancels it, closes the
 * directory or leaves, as with a server whose change notification is switched off.
 */

enum { MAX_PER_CONNECTION = 512 };

static void cancel_notify(struct req *r)
{
	req_enter(r);
	req_error(r, STATUS_CANCELLED);
	req_leave(r);
}

static void end_on_connection(struct conn *c, struct open *o)
{
	LIST_FOREACH(item, &c->requests) {
		struct req *r = container_of(item, struct req, link);
		if (r->cancel == cancel_notify && r->session_id == o->session->id &&
			r->file_id.volatile_id == o->id.volatile_id)
			req_end_later(r, STATUS_NOTIFY_CLEANUP);
	}
}

void notify_open_ends(struct open *o)
{
	if (!o->notifies)
		return;
	LIST_FOREACH(item, &o->session->channels)
		end_on_connection(container_of(item, struct channel, session_link)->conn, o);
}

void op_change_notify(struct req *r, struct rd *body)
{
	struct smb2_change_notify_req q;
	ntstatus_t s = STATUS_SUCCESS;

	if (!smb2_change_notify_req_decode(body, &q) || !r->open->directory ||
		q.output_length > conn_max_payload(r->conn, r->local->server->max_transact))
		s = STATUS_INVALID_PARAMETER;
	else if (!(r->open->granted_access & FILE_LIST_DIRECTORY))
		s = STATUS_ACCESS_DENIED;
	else if (r->conn->request_count > MAX_PER_CONNECTION)
		s = STATUS_INSUFFICIENT_RESOURCES;
	else if (!req_pend(r, cancel_notify)) /* only the last of a compound can wait */
		s = STATUS_INTERNAL_ERROR;
	if (!status_is_ok(s))
		req_error(r, s);
	else
		r->open->notifies++;
}
