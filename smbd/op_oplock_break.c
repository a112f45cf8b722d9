/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/log.h"
#include "smbd/node.h"
#include "smbd/oplock.h"
#include "smbd/req.h"

/* The acknowledgement of an oplock break, [MS-SMB2] 3.3.5.22.1, and the notification, 3.3.4.6. */

void op_oplock_break(struct req *r, struct rd *body)
{
	struct smb2_oplock_break q;
	uint8_t level;

	/* The longer form acknowledges a lease, of which this server grants none: 3.3.5.22.2. */
	if (!smb2_oplock_break_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	struct open *o = open_find(r->session, q.file_id);
	if (!o || o->tree != r->tree || !o->node) {
		req_error(r, STATUS_FILE_CLOSED);
		return;
	}
	ntstatus_t s = node_oplock_ack(o->node, q.oplock_level, &level);
	o->oplock_level = level;
	if (!status_is_ok(s)) {
		req_error(r, s);
		return;
	}
	q.oplock_level = level;
	struct wr w = req_reply(r, 24);
	smb2_oplock_break_encode(&w, &q);
	req_done(r, STATUS_SUCCESS, &w);
}

void oplock_send_break(struct reactor *self, uint64_t session_id, struct smb2_file_id id, uint8_t new_level)
{
	struct session *s = session_find(reactor_user(self), session_id);
	struct open *o = s ? open_find(s, id) : NULL;

	if (!o)
		return;
	if (new_level == SMB2_OPLOCK_LEVEL_NONE && o->oplock_level == SMB2_OPLOCK_LEVEL_II)
		o->oplock_level = new_level;
	struct smb2_oplock_break b = {.oplock_level = new_level, .file_id = id};
	bool sealed = s->encrypt || o->tree->encrypt;
	struct wr w;
	LIST_FOREACH(item, &s->channels) {
		struct channel *ch = container_of(item, struct channel, session_link);
		if (ch->established && req_notify(ch, SMB2_OPLOCK_BREAK, sealed, &w, 24)) {
			smb2_oplock_break_encode(&w, &b);
			req_notify_send(ch, sealed, &w);
			return;
		}
	}
}
