/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What comes from the server: [MS-SMB2] 3.2.5.1. The server is a stranger until its signature is checked. */
#include "client/exchange.h"
#include "core/log.h"

/* Whether an answer carries the protection that its request demands, 3.2.5.1.1 and 3.2.5.1.3. */
static bool answer_is_authentic(struct exchange *x, const struct smb2_header *h, struct bytes message,
	const struct daxsmb_session *sealed_by)
{
	struct daxsmb_session *s = exchange_session(x);

	if (exchange_checks_itself(x))
		return true;
	if (sealed_by)
		return s == sealed_by;
	if (exchange_wants_seal(x))
		return false;
	if (!s || !s->signer || h->status == STATUS_PENDING)
		return true;
	if (h->flags & SMB2_FLAGS_SIGNED)
		return signer_verify(s->signer, message, true);
	return !exchange_wants_signature(x);
}

/* STATUS_PENDING, 3.2.5.1.5: the request goes on; its credits come now. */
static bool take_interim(struct daxsmb_conn *c, struct pending *p, const struct smb2_header *h)
{
	if (!(h->flags & SMB2_FLAGS_ASYNC_COMMAND))
		return false;
	client_credits_answered(&c->credits, p->charge, h->credits);
	if (p->charge) {
		c->due--;
		c->async++;
	}
	p->charge = 0;
	if (p->exchange)
		exchange_interim(p->exchange, p->index, h->async_id);
	return true;
}

/* The final answer. *owner is cleared when it was taken. */
static void take_final(struct daxsmb_conn *c, struct pending *p, const struct smb2_header *h, uint8_t **owner,
	struct bytes message)
{
	struct exchange *x = p->exchange;

	client_credits_answered(&c->credits, p->charge, h->credits);
	if (p->charge)
		c->due--;
	else
		c->async--;
	if (x) {
		exchange_deliver(x, p->index, *owner, message);
		*owner = NULL;
	}
	talloc_free(p);
}

/*
 * The break of a lease, 3.2.5.19.2; it may come over any connection of the client. Nobody asks for oplocks
 * here. It is not signed: who forges one makes us give up what we would have to give up for the asking.
 */
static ntstatus_t take_break(struct daxsmb_conn *c, struct bytes message)
{
	struct smb2_lease_break_notification n;
	struct rd r = rd_over(message);

	rd_seek(&r, SMB2_HEADER_SIZE);
	if (!smb2_lease_break_notification_decode(&r, &n))
		return STATUS_SUCCESS;
	LIST_FOREACH_SAFE (item, &(c->primary ? c->primary : c)->breaks) {
		struct break_listener *l = container_of(item, struct break_listener, link);

		if (memcmp(l->key, n.lease_key, sizeof(l->key)) == 0)
			l->broken(l->arg, &n);
	}
	return STATUS_SUCCESS;
}

/* STATUS_SUCCESS, or why the connection has to end. */
static ntstatus_t take_answer(struct daxsmb_conn *c, uint8_t **owner, struct bytes message,
	const struct smb2_header *h, const struct daxsmb_session *sealed_by)
{
	struct pending *p;

	if (!(h->flags & SMB2_FLAGS_SERVER_TO_REDIR))
		return STATUS_INVALID_NETWORK_RESPONSE;
	if (h->message_id == UINT64_MAX)
		return h->command == SMB2_OPLOCK_BREAK ? take_break(c, message) : STATUS_INVALID_NETWORK_RESPONSE;
	p = client_pending_find(c, h->message_id);
	if (!p || p->command != h->command)
		return STATUS_INVALID_NETWORK_RESPONSE;
	if (p->exchange && !answer_is_authentic(p->exchange, h, message, sealed_by)) {
		log_error(client, "answer to command %u is not protected as it has to be", h->command);
		return STATUS_ACCESS_DENIED;
	}
	if (h->status == STATUS_PENDING)
		return take_interim(c, p, h) ? STATUS_SUCCESS : STATUS_INVALID_NETWORK_RESPONSE;
	take_final(c, p, h, owner, message);
	return STATUS_SUCCESS;
}

/* The messages of a frame, one or a compound. */
static ntstatus_t take_messages(
	struct daxsmb_conn *c, uint8_t **owner, struct bytes in, const struct daxsmb_session *sealed_by)
{
	for (bool alone = true;; alone = false) {
		struct rd r = rd_over(in);
		struct smb2_header h;
		struct bytes message = in;
		uint8_t *none = NULL;
		ntstatus_t status;

		if (!smb2_header_decode(&r, &h))
			return STATUS_INVALID_NETWORK_RESPONSE;
		if (h.next_command) {
			if (h.next_command % 8 || h.next_command < SMB2_HEADER_SIZE ||
				h.next_command > in.len)
				return STATUS_INVALID_NETWORK_RESPONSE;
			message.len = h.next_command;
			alone = false;
		}
		status = take_answer(c, alone ? owner : &none, message, &h, sealed_by);
		if (!status_is_ok(status) || !h.next_command)
			return status;
		in = BYTES(in.data + h.next_command, in.len - h.next_command);
	}
}

void client_conn_message(void *arg, uint8_t *message, size_t len)
{
	struct daxsmb_conn *c = arg;
	struct daxsmb_session *sealed_by = NULL;
	struct bytes plain = BYTES(message, len);
	struct rd r = rd_over(plain);
	uint8_t *owner = message;
	ntstatus_t status = STATUS_SUCCESS;

	if (rd_u32(&r) == SMB2_TRANSFORM_PROTOCOL_ID &&
		!client_conn_unseal(c, message, len, &plain, &sealed_by))
		status = STATUS_ACCESS_DENIED;
	if (status_is_ok(status))
		status = take_messages(c, &owner, plain, sealed_by);
	talloc_free(owner);
	if (!status_is_ok(status)) {
		client_conn_fail(c, status);
		return;
	}
	exchange_pump(c);
	client_conn_watch(c);
}
