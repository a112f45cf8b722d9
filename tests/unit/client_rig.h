/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_CLIENT_RIG_H
#define TESTS_CLIENT_RIG_H

#include "client/conn.h"
#include "client/exchange.h"

/*
 * A client connection whose server is the test: what is sent is kept as a list of messages, what is to be
 * received is handed to rig_receive.
 */

enum { RIG_SENT_MAX = 256 };

struct rig {
	struct tevent_context *ev;
	struct daxsmb_conn *conn;
	struct daxsmb_session *session;
	struct daxsmb_tree *tree;
	struct transport transport;
	unsigned sent_count;
	struct bytes sent[RIG_SENT_MAX]; /* children of the event context */
	bool closed;
	unsigned started, ended; /* requests that rig_watch watches */
	ntstatus_t last;
};

static inline void rig_sent(struct transport *t, struct frame *f)
{
	struct rig *rig = t->arg ? container_of(t, struct rig, transport) : NULL;
	size_t len = f->head_len + f->payload.len;
	uint8_t *copy = talloc_size(rig->ev, len + 1);

	memcpy(copy, f->head, f->head_len);
	if (f->payload.len)
		memcpy(copy + f->head_len, f->payload.data, f->payload.len);
	if (rig->sent_count < RIG_SENT_MAX)
		rig->sent[rig->sent_count++] = BYTES(copy, len);
	talloc_free(f);
}

static inline void rig_closed(struct transport *t)
{
	container_of(t, struct rig, transport)->closed = true;
}

/* A connection that has agreed on a dialect, with a session and a tree that have no keys. */
static inline void rig_setup(struct rig *rig, uint16_t dialect, uint32_t credits)
{
	static const struct transport_ops ops = {.send = rig_sent, .close = rig_closed};
	struct daxsmb_options o = {.credits = 16};

	*rig = (struct rig){.ev = tevent_context_init(NULL), .transport = {.ops = &ops, .max_send = 0xFFFFFF}};
	rig->conn = client_conn_new(rig->ev, rig->ev, &o);
	rig->conn->transport = &rig->transport;
	rig->transport.arg = rig->conn;
	rig->conn->host = "server";
	rig->conn->dialect = dialect;
	rig->conn->credits.available = credits;
	rig->session = talloc_zero(rig->conn, struct daxsmb_session);
	rig->session->conn = rig->conn;
	rig->session->id = 0x1122;
	list_init(&rig->session->trees);
	list_append(&rig->conn->sessions, &rig->session->link);
	rig->tree = talloc_zero(rig->session, struct daxsmb_tree);
	rig->tree->session = rig->session;
	rig->tree->id = 7;
	list_append(&rig->session->trees, &rig->tree->link);
}

static inline void rig_teardown(struct rig *rig)
{
	talloc_free(rig->ev);
}

static inline void rig_flag(struct tevent_context *ev, struct tevent_immediate *im, void *arg)
{
	*(bool *)arg = true;
}

/* Runs what is scheduled, and what that schedules, without waiting for anything. */
static inline void rig_run(struct rig *rig)
{
	for (unsigned i = 0; i < 6; i++) {
		struct tevent_immediate *im = tevent_create_immediate(rig->ev);
		bool reached = false;

		tevent_schedule_immediate(im, rig->ev, rig_flag, &reached);
		while (!reached)
			tevent_loop_once(rig->ev);
		talloc_free(im);
	}
}

static inline void rig_ended(struct tevent_req *req)
{
	struct rig *rig = tevent_req_callback_data_void(req);
	enum tevent_req_state state;
	uint64_t err = 0;

	rig->last = tevent_req_is_error(req, &state, &err) ? (ntstatus_t)err : STATUS_SUCCESS;
	rig->ended++;
}

/* Counts how often the request ends. */
static inline struct tevent_req *rig_watch(struct rig *rig, struct tevent_req *req)
{
	rig->started++;
	tevent_req_set_callback(req, rig_ended, rig);
	return req;
}

static inline void rig_receive(struct rig *rig, struct bytes message)
{
	if (rig->closed || message.len == 0)
		return;
	client_conn_message(rig->conn, talloc_memdup(NULL, message.data, message.len), message.len);
	rig_run(rig);
}

/* The header of the nth message that was sent, as the start of an answer to it. */
static inline struct smb2_header rig_answer_to(const struct rig *rig, unsigned n, ntstatus_t status)
{
	struct rd r = rd_over(rig->sent[n]);
	struct smb2_header h;

	smb2_header_decode(&r, &h);
	h.flags = SMB2_FLAGS_SERVER_TO_REDIR;
	h.status = status;
	h.credits = h.credit_charge ? h.credit_charge : 1;
	h.next_command = 0;
	return h;
}

/* Sends an answer that is a header and an empty body, or an error's. */
static inline void rig_answer(struct rig *rig, const struct smb2_header *h)
{
	uint8_t buf[128];
	struct wr w = wr_over(buf, sizeof(buf));

	smb2_header_encode(&w, h);
	if (h->status == STATUS_SUCCESS)
		smb2_empty_encode(&w, &(struct smb2_empty){0});
	else
		smb2_error_rsp_encode(&w, &(struct smb2_error_rsp){0});
	rig_receive(rig, BYTES(buf, w.pos));
}

#endif
