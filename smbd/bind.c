/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/bind.h"

#include <gnutls/gnutls.h>

struct bind_facts bind_facts_of(const struct conn *c)
{
	struct bind_facts f = {
		.dialect = c->dialect,
		.cipher = c->cipher,
		.signing_algorithm = c->signing_algorithm,
		.multi_channel = c->local->server->multi_channel,
	};

	memcpy(f.client_guid, c->client_guid, sizeof(f.client_guid));
	return f;
}

ntstatus_t bind_check(const struct bind_facts *f, const struct session *s, bool is_signed)
{
	bool session_gmac = s && s->signing_algorithm == SMB2_SIGNING_AES_GMAC;
	bool conn_gmac = f->signing_algorithm == SMB2_SIGNING_AES_GMAC;

	/* Windows Server 2022 refuses to mix GMAC with the other algorithms, before anything else. */
	if (session_gmac && !conn_gmac)
		return STATUS_REQUEST_OUT_OF_SEQUENCE;
	if (s && conn_gmac && !session_gmac)
		return STATUS_NOT_SUPPORTED;
	if (f->dialect < SMB2_DIALECT_0300 || !f->multi_channel)
		return STATUS_REQUEST_NOT_ACCEPTED;
	if (!s || s->state != SESSION_VALID)
		return STATUS_USER_SESSION_DELETED;
	if (s->dialect != f->dialect || s->cipher != f->cipher)
		return STATUS_INVALID_PARAMETER;
	if (memcmp(s->client_guid, f->client_guid, sizeof(f->client_guid)) != 0)
		return STATUS_USER_SESSION_DELETED;
	if (!is_signed)
		return STATUS_INVALID_PARAMETER;
	return s->guest || s->anonymous ? STATUS_NOT_SUPPORTED : STATUS_SUCCESS;
}

struct bind_question {
	struct message m;
	struct bind_facts facts;
	uint64_t session_id, conn_id, message_id;
	struct reactor *from;
	bool is_signed, binding;
	ntstatus_t status;
	uint16_t algorithm; /* the session's, for the reply's signature */
	uint8_t key[SESSION_KEY_SIZE];
};

static int question_destructor(struct bind_question *q)
{
	gnutls_memset(q->key, 0, sizeof(q->key));
	return 0;
}

static void deliver_answer(struct reactor *self, struct message *m)
{
	struct bind_question *q = container_of(m, struct bind_question, m);
	struct local *l = reactor_user(self);
	struct conn *c = idtable_get(l->conns, q->conn_id);
	struct req *r = c ? req_find(c, q->message_id) : NULL;

	if (r) {
		req_enter(r);
		req_signed_by_session(r, q->algorithm, q->key);
		req_error(r, status_is_ok(q->status) ? STATUS_USER_SESSION_DELETED : q->status);
		req_leave(r);
	}
	talloc_free(q);
}

static void deliver_question(struct reactor *self, struct message *m)
{
	struct bind_question *q = container_of(m, struct bind_question, m);

	struct session *s = session_find(reactor_user(self), q->session_id);

	q->status = q->binding ? bind_check(&q->facts, s, q->is_signed) : STATUS_USER_SESSION_DELETED;
	if (s) {
		q->algorithm = s->signing_algorithm;
		memcpy(q->key, s->keys.signing, sizeof(q->key));
	}
	q->m.deliver = deliver_answer;
	reactor_post(q->from, &q->m);
}

void bind_ask_elsewhere(struct req *r, bool binding)
{
	struct bind_question *q = talloc_zero(NULL, struct bind_question);

	if (!q || !req_park(r, NULL)) {
		talloc_free(q);
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return;
	}
	talloc_set_destructor(q, question_destructor);
	q->m.deliver = deliver_question;
	q->facts = bind_facts_of(r->conn);
	q->session_id = r->session_id;
	q->conn_id = r->conn->id;
	q->message_id = r->hdr.message_id;
	q->from = r->local->reactor;
	q->is_signed = r->hdr.flags & SMB2_FLAGS_SIGNED;
	q->binding = binding;
	reactor_post(session_id_reactor(r->local, r->session_id), &q->m);
}
