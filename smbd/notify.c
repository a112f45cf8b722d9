/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/req.h"

/* Messages that the server sends of its own accord. */

enum { PREFIX = 4 };

bool frame_seal(struct session *s, uint8_t *header, size_t len)
{
	struct smb2_transform_header t = {.original_message_size = (uint32_t)len, .flags = 1, .session_id = s->id};
	struct wr nonce = wr_over(t.nonce, sizeof(t.nonce));
	struct wr w = wr_over(header, SMB2_TRANSFORM_HEADER_SIZE);
	struct iovec iov = {header + SMB2_TRANSFORM_HEADER_SIZE, len};

	wr_u64(&nonce, session_next_nonce(s));
	smb2_transform_header_encode(&w, &t);
	return s->sealer && sealer_seal(s->sealer, header, &iov, 1);
}

static size_t lead_in(bool sealed)
{
	return PREFIX + (sealed ? SMB2_TRANSFORM_HEADER_SIZE : 0);
}

bool req_notify(struct channel *ch, uint16_t command, bool sealed, struct wr *w, size_t body)
{
	/* [MS-SMB2] 3.3.4.6: no credits, no session; it is not signed */
	struct smb2_header h = {
		.command = command, .flags = SMB2_FLAGS_SERVER_TO_REDIR, .message_id = UINT64_MAX, .session_id = 0};
	size_t need = lead_in(sealed) + SMB2_HEADER_SIZE + body;
	struct iobuf *b = iobuf_get(ch->conn->local->pool, need);

	if (!b)
		return false;
	ch->notice = b;
	*w = wr_over(b->data + lead_in(sealed), b->cap - lead_in(sealed));
	smb2_header_encode(w, &h);
	return true;
}

void req_notify_send(struct channel *ch, bool sealed, struct wr *w)
{
	struct iobuf *b = ch->notice;
	struct conn *c = ch->conn;

	ch->notice = NULL;
	if (w->bad || (sealed && !frame_seal(ch->session, b->data + PREFIX, w->pos))) {
		iobuf_put(c->local->pool, b);
		return;
	}
	b->len = lead_in(sealed) + w->pos;
	struct wr p = wr_over(b->data, PREFIX);
	wr_u32_be(&p, b->len - PREFIX);
	c->out_bytes += b->len;
	conn_queue(c, b);
}
