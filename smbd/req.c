/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/req.h"

#include "core/log.h"
#include "wire/smbdirect.h"

/* The walk along a compound, [MS-SMB2] 3.3.5.2.7, and the checks that come before every handler, 3.3.5.2. */

enum { MAX_COMPOUND = 512 };

static int req_destructor(struct req *r)
{
	iobuf_put(r->local->pool, r->frame_owned);
	if (r->out && !r->out_shared)
		iobuf_put(r->local->pool, r->out);
	if (r->conn) {
		list_remove(&r->link);
		r->conn->request_count--;
		r->conn->held_bytes -= r->held;
	}
	return 0;
}

void req_abandon(struct req *r)
{
	list_remove(&r->link);
	r->conn = NULL;
	r->channel = NULL;
	r->session = NULL;
	r->tree = NULL;
	r->open = NULL;
	TALLOC_FREE(r->pend_timer);
	if (!r->running && !r->job)
		talloc_free(r);
}

bool req_keep_frame(struct req *r)
{
	if (r->frame_owned)
		return true;
	struct iobuf *copy = iobuf_get(r->local->pool, r->frame.len);
	if (!copy)
		return false;
	memcpy(copy->data, r->frame.data, r->frame.len);
	r->element.data = copy->data + (r->element.data - r->frame.data);
	r->frame.data = copy->data;
	r->frame_owned = copy;
	r->held += copy->cap;
	r->conn->held_bytes += copy->cap;
	return true;
}

/* ---- checks before the handler ---- */

bool req_signed_by_session(struct req *r, uint16_t algorithm, const uint8_t key[SESSION_KEY_SIZE])
{
	struct signer *s = r->hdr.flags & SMB2_FLAGS_SIGNED ? signer_new(r, algorithm, key) : NULL;

	if (s && signer_verify(s, r->element, false)) {
		r->reply_signer = s;
		return true;
	}
	talloc_free(s);
	return false;
}

/* [MS-SMB2] 3.3.5.2.4 signature, 3.3.5.2.9 session */
static ntstatus_t check_session(struct req *r)
{
	struct channel *ch = channel_find(r->conn, r->session_id);

	if (!ch || !ch->established) {
		struct session *s = session_find(r->local, r->session_id);
		if (s && s->state == SESSION_VALID)
			req_signed_by_session(r, s->signing_algorithm, s->keys.signing);
		return STATUS_USER_SESSION_DELETED;
	}
	r->channel = ch;
	r->session = ch->session;
	/* 3.3.5.2.1.1: the key speaks for its own session only. */
	if (r->sealed)
		return r->session_id == r->sealed_for ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
	if (r->session->encrypt)
		return STATUS_ACCESS_DENIED;
	if (r->hdr.flags & SMB2_FLAGS_SIGNED) {
		if (!ch->signer)
			return STATUS_SUCCESS; /* guest: no key to check with */
		r->signed_request = true;
		if (!signer_verify(ch->signer, r->element, false))
			return STATUS_ACCESS_DENIED;
	} else if (r->session->signing_required && ch->signer) {
		return STATUS_ACCESS_DENIED;
	}
	return STATUS_SUCCESS;
}

/* [MS-SMB2] 3.3.5.2.11 */
static ntstatus_t check_tree(struct req *r)
{
	r->tree = tree_find(r->session, r->tree_id);
	if (!r->tree)
		return STATUS_NETWORK_NAME_DELETED;
	if (r->tree->encrypt && !r->sealed)
		return STATUS_ACCESS_DENIED;
	return STATUS_SUCCESS;
}

static bool is_none(struct smb2_file_id id)
{
	return id.persistent_id == UINT64_MAX && id.volatile_id == UINT64_MAX;
}

/* The FileId of the body, or for ~0 in a related request the one before, [MS-SMB2] 3.3.5.2.7.2. */
static ntstatus_t check_open(struct req *r)
{
	struct rd body = rd_over(r->element);

	rd_seek(&body, SMB2_HEADER_SIZE + r->op->file_id_offset);
	r->file_id = rd_file_id(&body);
	if (body.bad)
		return STATUS_INVALID_PARAMETER;
	if (r->related && is_none(r->file_id)) {
		if (status_is_error(r->chain_status))
			return r->chain_status;
		if (!r->chain_has_file_id)
			return STATUS_FILE_CLOSED;
		r->file_id = r->chain_file_id;
	}
	r->chain_fresh &= r->file_id.volatile_id == r->chain_file_id.volatile_id;
	r->open = open_find(r->session, r->file_id);
	if (!r->open || r->open->tree != r->tree)
		return STATUS_FILE_CLOSED;
	r->chain_file_id = r->file_id;
	r->chain_has_file_id = true;
	return STATUS_SUCCESS;
}

static uint32_t body_u32(const struct req *r, uint8_t offset)
{
	struct rd body = rd_over(r->element);

	rd_seek(&body, SMB2_HEADER_SIZE + offset);
	return offset ? rd_u32(&body) : 0;
}

/* [MS-SMB2] 3.3.5.2.5: one credit for each 64 KiB that go or come. */
static bool charge_covers_payload(const struct req *r)
{
	uint32_t in = body_u32(r, r->op->payload_in), out = body_u32(r, r->op->payload_out);
	uint32_t payload = in > out ? in : out;
	uint32_t charge = r->hdr.credit_charge ? r->hdr.credit_charge : 1;

	return !r->conn->multi_credit || payload == 0 || (payload - 1) / 65536 + 1 <= charge;
}

static ntstatus_t check(struct req *r)
{
	ntstatus_t s = STATUS_SUCCESS;

	if (!r->op)
		return STATUS_INVALID_PARAMETER;
	if (r->op->needs & OP_SESSION)
		s = check_session(r);
	r->chain_unrooted = s == STATUS_USER_SESSION_DELETED;
	if (!status_is_ok(s))
		return s;
	if (r->op->needs & OP_TREE)
		s = check_tree(r);
	if (status_is_ok(s) && !charge_covers_payload(r))
		s = STATUS_INVALID_PARAMETER;
	if (status_is_ok(s) && (r->op->needs & OP_OPEN))
		s = check_open(r);
	return s;
}

/* Session, tree and open may have ended while r was parked: they are found again by their ids. */
static ntstatus_t find_by_ids(struct req *r)
{
	bool had_session = r->session, had_tree = r->tree, had_open = r->open;

	/* What was lost once stays lost, however often it is looked for while r is parked. */
	if (!r->channel || !status_is_ok(r->lost))
		return r->lost;
	r->channel = channel_find(r->conn, r->session_id);
	r->session = r->channel && had_session ? r->channel->session : NULL;
	r->tree = r->session && had_tree ? tree_find(r->session, r->tree_id) : NULL;
	r->open = r->tree && had_open ? open_find(r->session, r->file_id) : NULL;
	if (!r->channel)
		return STATUS_USER_SESSION_DELETED;
	if (had_tree && !r->tree)
		return STATUS_NETWORK_NAME_DELETED;
	return had_open && !r->open ? STATUS_FILE_CLOSED : STATUS_SUCCESS;
}

bool req_find_again(struct req *r)
{
	r->lost = find_by_ids(r);
	return status_is_ok(r->lost);
}

bool req_refresh(struct req *r)
{
	if (status_is_ok(r->lost))
		return true;
	req_error(r, r->lost);
	return false;
}

/* ---- the walk ---- */

/*
 * What an element takes over from the one before it. False: it is related to nothing, or to one without a session, and
 * so are those related to it, [MS-SMB2] 3.3.5.2.7.2.
 */
static bool inherit(struct req *r, bool first)
{
	r->related = r->hdr.flags & SMB2_FLAGS_RELATED_OPERATIONS;
	if (!r->related) {
		r->session_id = r->hdr.session_id;
		r->tree_id = r->hdr.tree_id;
		r->chain_status = STATUS_SUCCESS;
		r->chain_has_file_id = r->chain_unrooted = r->chain_fresh = false;
	} else if (first) {
		r->chain_unrooted = true;
	}
	return !r->chain_unrooted;
}

static const char *decode_element(struct req *r)
{
	struct rd rd = rd_over(BYTES(r->frame.data + r->next, r->frame.len - r->next));

	if (!smb2_header_decode(&rd, &r->hdr))
		return "malformed SMB2 header";
	if (r->hdr.flags & SMB2_FLAGS_SERVER_TO_REDIR)
		return "a response was sent to the server";
	size_t len = rd.len;
	if (r->hdr.next_command) {
		if (r->hdr.next_command % 8 || r->hdr.next_command < SMB2_HEADER_SIZE + 4 ||
			r->hdr.next_command > rd.len - SMB2_HEADER_SIZE)
			return "malformed compound";
		len = r->hdr.next_command;
	}
	r->element = BYTES(r->frame.data + r->next, len);
	r->next = r->hdr.next_command ? r->next + len : r->frame.len;
	return NULL;
}

/* NULL to go on with the handler; else why the connection has to end. */
static const char *begin_element(struct req *r)
{
	bool first = r->next == 0;
	const char *wrong = decode_element(r);
	struct conn *c = r->conn;

	if (wrong)
		return wrong;
	if (++r->elements > MAX_COMPOUND)
		return "too long a compound";
	r->completed = false;
	r->lost = STATUS_SUCCESS;
	r->async_id = 0;
	r->cancel = NULL;
	r->channel = NULL;
	r->session = NULL;
	r->tree = NULL;
	r->open = NULL;
	r->signed_request = false;
	r->op = op_find(r->hdr.command);
	r->chain_fresh &= r->hdr.command == SMB2_QUERY_INFO || r->hdr.command == SMB2_CLOSE;
	TALLOC_FREE(r->op_state);
	TALLOC_FREE(r->reply_signer);
	/* [MS-SMB2] 3.3.5.16: CANCEL uses no message id and gets no answer. */
	if (r->hdr.command == SMB2_CANCEL)
		return NULL;
	if (!credits_consume(&c->credits, r->hdr.message_id, c->multi_credit ? r->hdr.credit_charge : 1))
		return "message id outside the window";
	if (!c->negotiated && r->hdr.command != SMB2_NEGOTIATE)
		return "first request is not NEGOTIATE";
	if (!inherit(r, first))
		r->op = NULL;
	return NULL;
}

/* 3.3.5.16: no answer; but nobody cancels in a session whose rules about signing and encryption he does not keep. */
static void dispatch_cancel(struct req *r)
{
	uint64_t session_id = r->session_id;

	r->session_id = r->hdr.session_id;
	/* The reply of the request that it ends goes out at once: r's own must not be half-way in the same buffer. */
	if (status_is_ok(check_session(r)) && req_detach_reply(r))
		req_cancel(r->conn, &r->hdr);
	r->session_id = session_id;
	r->completed = true;
}

/*
 * What becomes of the request, the client leaves it to the reply to invalidate its (first) tag: also where it fails in the
 * checks below or in those of the handler.
 */
static void note_tag(struct req *r)
{
	struct rd body = rd_over(r->element);
	struct smbdirect_descriptor d[SMBDIRECT_MAX_DESCRIPTORS];
	unsigned n;

	if (!r->op || !r->op->channel || r->conn->ops != &conn_smbdirect || r->conn->dialect < SMB2_DIALECT_0302)
		return;
	rd_seek(&body, SMB2_HEADER_SIZE + r->op->channel);
	if (rd_u32(&body) != SMB2_CHANNEL_RDMA_V1_INVALIDATE)
		return;
	rd_skip(&body, 4);
	uint16_t offset = rd_u16(&body), length = rd_u16(&body);
	rd_seek(&body, offset);
	struct bytes info = rd_bytes(&body, length);
	if (body.bad || !smbdirect_descriptors_decode(info, d, &n))
		return;
	r->invalidate = true;
	r->invalidate_tag = d[0].token;
}

static void dispatch(struct req *r)
{
	if (r->hdr.command == SMB2_CANCEL) {
		dispatch_cancel(r);
		return;
	}
	note_tag(r);
	ntstatus_t s = check(r);
	if (!status_is_ok(s)) {
		req_error(r, s);
		return;
	}
	struct rd body = rd_over(r->element);
	rd_seek(&body, SMB2_HEADER_SIZE);
	r->op->handle(r, &body);
}

/* Runs elements until one parks or the frame is finished; then r is gone. */
static void run(struct req *r)
{
	const char *wrong = NULL;

	while (r->completed && r->next < r->frame.len && !wrong && r->conn) {
		r->running = true;
		/*
		 * [MS-SMBD] 3.1.5.1: a message takes one tag along. [MS-SMB2] 3.3.4.1.3: replies may be
		 * compounded, but need not be.
		 */
		if (r->invalidate)
			req_part_leaves(r);
		wrong = begin_element(r);
		if (!wrong) {
			dispatch(r);
			wrong = r->disconnect;
		}
		r->running = false;
	}
	if (!r->conn) {
		if (!r->job)
			talloc_free(r);
		return;
	}
	if (wrong) {
		struct conn *c = r->conn;
		if (r->out_shared)
			r->out = NULL;
		talloc_free(r);
		conn_close(c, wrong);
		return;
	}
	if (r->completed)
		req_finish(r);
}

void req_enter(struct req *r)
{
	r->running = true;
	if (r->conn)
		req_find_again(r);
}

void req_leave(struct req *r)
{
	r->running = false;
	if (!r->conn) {
		if (!r->job)
			talloc_free(r);
		return;
	}
	if (r->completed || r->disconnect) {
		if (r->disconnect) {
			struct conn *c = r->conn;
			const char *why = r->disconnect;
			talloc_free(r);
			conn_close(c, why);
			return;
		}
		run(r);
	}
}

void req_start(struct conn *c, struct bytes frame, struct iobuf *owned, uint64_t sealed_for)
{
	struct req *r = talloc_zero(NULL, struct req);

	if (!r) {
		iobuf_put(c->local->pool, owned);
		conn_close(c, "out of memory");
		return;
	}
	r->conn = c;
	r->local = c->local;
	r->frame = frame;
	r->frame_owned = owned;
	r->sealed = sealed_for != 0;
	r->sealed_for = sealed_for;
	r->completed = true;
	r->held = owned ? owned->cap : 0;
	c->held_bytes += r->held;
	list_append(&c->requests, &r->link);
	c->request_count++;
	talloc_set_destructor(r, req_destructor);
	run(r);
}
