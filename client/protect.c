/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client/conn.h"
#include "wire/negotiate_context.h"

bool client_session_sign(struct daxsmb_session *s, uint8_t *message, size_t len, struct bytes payload)
{
	struct iovec iov[] = {{message, len}, {(void *)payload.data, payload.len}};

	return signer_sign(s->signer, iov, payload.len ? 2 : 1, false, message + SMB2_SIGNATURE_OFFSET);
}

bool client_session_seal(struct daxsmb_session *s, uint8_t *head, uint8_t *plain, size_t len)
{
	struct smb2_transform_header h = {
		.original_message_size = (uint32_t)len, .flags = 0x0001, .session_id = s->id};
	struct wr w = wr_over(head, SMB2_TRANSFORM_HEADER_SIZE);
	struct wr nonce = wr_over(h.nonce, sizeof(h.nonce));
	struct iovec iov = {plain, len};

	/* Keys serve one session only, so a counter never repeats a nonce under a key. */
	wr_u64(&nonce, ++s->nonce);
	smb2_transform_header_encode(&w, &h);
	return !w.bad && sealer_seal(s->seal_out, head, &iov, 1);
}

bool client_conn_unseal(
	struct daxsmb_conn *c, uint8_t *message, size_t len, struct bytes *out, struct daxsmb_session **s)
{
	struct rd r = rd_over(BYTES(message, len));
	struct smb2_transform_header h;
	size_t plain;

	if (!smb2_transform_header_decode(&r, &h))
		return false;
	plain = len - SMB2_TRANSFORM_HEADER_SIZE;
	*s = client_conn_session(c, h.session_id);
	if (!*s || !(*s)->seal_in || h.flags != 0x0001 || h.original_message_size != plain)
		return false;
	*out = BYTES(message + SMB2_TRANSFORM_HEADER_SIZE, plain);
	return sealer_open((*s)->seal_in, message, message + SMB2_TRANSFORM_HEADER_SIZE, plain);
}

bool client_session_keyed(struct daxsmb_session *s, struct bytes session_key)
{
	struct daxsmb_conn *c = s->conn;

	session_keys_derive(&s->keys, c->dialect, c->cipher, session_key, s->preauth);
	s->signer = signer_new(s, c->signing, s->keys.signing);
	if (!s->signer)
		return false;
	if (c->cipher == 0)
		return true;
	s->seal_out = sealer_new(s, c->cipher, s->keys.server_in);
	s->seal_in = sealer_new(s, c->cipher, s->keys.server_out);
	return s->seal_out && s->seal_in;
}
