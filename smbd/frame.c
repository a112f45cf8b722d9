/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/frame.h"

#include "core/log.h"
#include "smbd/negotiate.h"
#include "smbd/req.h"


struct reactor *frame_wants_reactor(struct conn *c, struct bytes frame)
{
	struct reactors *all = c->local->server->reactors;
	struct rd r = rd_over(frame);
	struct smb2_header h;
	struct smb2_negotiate_req q;

	if (c->negotiated || !list_empty(&c->requests))
		return NULL;
	if (!smb2_header_decode(&r, &h) || h.command != SMB2_NEGOTIATE || !smb2_negotiate_req_decode(&r, &q))
		return NULL;
	struct rd guid = rd_over(BYTES(q.client_guid, sizeof(q.client_guid)));
	uint64_t hash = (rd_u64(&guid) ^ rd_u64(&guid)) * 0x9E3779B97F4A7C15ull;
	if (!hash) /* 2.0.2 clients have no GUID, and no second channel */
		return NULL;
	struct reactor *home = reactors_get(all, (unsigned)(hash >> 32) % reactors_count(all));
	return home == c->local->reactor ? NULL : home;
}

/* [MS-SMB2] 3.3.5.2.1.1: what cannot be decrypted ends the connection. NULL, or the reason. */
static const char *decrypt(struct conn *c, uint8_t *data, size_t len, uint64_t *session_id)
{
	struct rd r = rd_over(BYTES(data, len));
	struct smb2_transform_header t;

	if (!smb2_transform_header_decode(&r, &t))
		return "malformed transform header";
	if (len == SMB2_TRANSFORM_HEADER_SIZE)
		return "nothing behind the transform header";
	if (t.flags != 1 || t.original_message_size != len - SMB2_TRANSFORM_HEADER_SIZE)
		return "wrong transform header";
	struct channel *ch = channel_find(c, t.session_id);
	*session_id = t.session_id;
	if (!ch || !ch->established || !ch->session->opener)
		return "encrypted for a session that has no keys";
	if (!sealer_open(ch->session->opener, data, data + SMB2_TRANSFORM_HEADER_SIZE,
		    len - SMB2_TRANSFORM_HEADER_SIZE))
		return "decryption failed";
	return NULL;
}

void frame_receive(struct conn *c, uint8_t *data, size_t len, struct iobuf *owned)
{
	struct rd r = rd_over(BYTES(data, len));
	uint32_t protocol = rd_u32(&r);
	const char *wrong = NULL;

	if (protocol == SMB2_PROTOCOL_ID) {
		req_start(c, BYTES(data, len), owned, 0);
		return;
	}
	if (protocol == SMB2_TRANSFORM_PROTOCOL_ID) {
		uint64_t session_id;
		wrong = decrypt(c, data, len, &session_id);
		struct bytes plain = BYTES(data + SMB2_TRANSFORM_HEADER_SIZE, wrong ? 0 : len - SMB2_TRANSFORM_HEADER_SIZE);
		if (!wrong) {
			req_start(c, plain, owned, session_id);
			return;
		}
	} else if (protocol == SMB1_PROTOCOL_ID) {
		if (!negotiate_smb1(c, BYTES(data, len)))
			wrong = "SMB1 message that offers no SMB2 dialect";
	} else {
		wrong = "unknown protocol";
	}
	iobuf_put(c->local->pool, owned);
	if (wrong)
		conn_close(c, wrong);
}
