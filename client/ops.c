/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One request, one function pair. What differs is the body, its room and its charge. */
#include "client/exchange.h"
#include "client/path.h"

enum { FIXED_ROOM = 64 };

/* Sends what the last exchange_add wrote, and decodes into *out what came. */
#define RECV(name, RSP) \
	ntstatus_t daxsmb_##name##_recv(struct tevent_req *req, struct RSP *out) \
	{ \
		struct rd body; \
		ntstatus_t status = exchange_answer(req, 0, &body, NULL); \
\
		if (status != STATUS_SUCCESS && status != STATUS_BUFFER_OVERFLOW) \
			return status; \
		return RSP##_decode(&body, out) ? status : (ntstatus_t)STATUS_INVALID_NETWORK_RESPONSE; \
	}

#define OP(name, COMMAND, REQ, VARIABLE, MOVES) \
	struct tevent_req *daxsmb_##name##_send( \
		TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t, const struct REQ *in) \
	{ \
		struct exchange_params p = exchange_on_tree(t); \
		uint16_t charge = client_credits_charge(MOVES); \
\
		REQ##_encode(exchange_add(mem, &p, COMMAND, charge, FIXED_ROOM + (VARIABLE)), in); \
		return exchange_send(mem, ev, &p); \
	}

#define LARGER(a, b) ((a) > (b) ? (a) : (b))

OP(close, SMB2_CLOSE, smb2_close_req, 0, 0)
RECV(close, smb2_close_rsp)
OP(flush, SMB2_FLUSH, smb2_flush_req, 0, 0)
RECV(flush, smb2_empty)
RECV(write, smb2_write_rsp)
OP(ioctl, SMB2_IOCTL, smb2_ioctl_req, in->input.len,
	LARGER((uint64_t)in->input.len, (uint64_t)in->max_output_response + in->max_input_response))
RECV(ioctl, smb2_ioctl_rsp)
OP(query_directory, SMB2_QUERY_DIRECTORY, smb2_query_directory_req, in->pattern.len,
	LARGER(in->pattern.len, in->output_length))
RECV(query_directory, smb2_output_rsp)
OP(change_notify, SMB2_CHANGE_NOTIFY, smb2_change_notify_req, 0, in->output_length)
RECV(change_notify, smb2_output_rsp)
OP(query_info, SMB2_QUERY_INFO, smb2_query_info_req, in->input.len, LARGER(in->input.len, in->output_length))
RECV(query_info, smb2_output_rsp)
OP(set_info, SMB2_SET_INFO, smb2_set_info_req, in->input.len, in->input.len)

struct tevent_req *daxsmb_read_into_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t,
	const struct smb2_read_req *in, uint8_t *to)
{
	struct exchange_params p = exchange_on_tree(t);
	struct smb2_read_req q = *in;

	p.buffer = rdma_buffer_new(mem, t, to, q.length, RDMA_REMOTE_WRITE);
	if (p.buffer) {
		q.channel = rdma_buffer_channel(p.conn);
		q.channel_info = rdma_buffer_descriptors(p.buffer);
	}
	smb2_read_req_encode(exchange_add(mem, &p, SMB2_READ, client_credits_charge(q.length),
				     FIXED_ROOM + q.channel_info.len),
		&q);
	return exchange_send(mem, ev, &p);
}

struct tevent_req *daxsmb_read_send(
	TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t, const struct smb2_read_req *in)
{
	return daxsmb_read_into_send(mem, ev, t, in, NULL);
}

/* [MS-SMB2] 2.2.20: DataRemaining is what was placed; not believed where it is more than what was. */
ntstatus_t daxsmb_read_recv(struct tevent_req *req, struct smb2_read_rsp *out)
{
	struct bytes placed = exchange_placed(req);
	struct rd body;
	ntstatus_t status = exchange_answer(req, 0, &body, NULL);

	if (status != STATUS_SUCCESS && status != STATUS_BUFFER_OVERFLOW)
		return status;
	if (!smb2_read_rsp_decode(&body, out))
		return STATUS_INVALID_NETWORK_RESPONSE;
	if (!placed.data || out->data.len)
		return status;
	if (out->data_remaining > placed.len)
		return STATUS_INVALID_NETWORK_RESPONSE;
	out->data = BYTES(placed.data, out->data_remaining);
	return status;
}

/* The data goes behind the message without a copy, or the server fetches it: Length is 0, 2.2.21. */
struct tevent_req *daxsmb_write_send(
	TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t, const struct smb2_write_req *in)
{
	struct exchange_params p = exchange_on_tree(t);
	struct smb2_write_req q = *in;

	p.buffer = rdma_buffer_new(mem, t, q.data.data, q.data.len, RDMA_REMOTE_READ);
	if (p.buffer) {
		q.channel = rdma_buffer_channel(p.conn);
		q.channel_info = rdma_buffer_descriptors(p.buffer);
		q.remaining_bytes = (uint32_t)q.data.len;
	} else {
		q.length = (uint32_t)q.data.len;
		p.payload = q.data;
	}
	smb2_write_req_encode(exchange_add(mem, &p, SMB2_WRITE, client_credits_charge(q.data.len),
				      FIXED_ROOM + q.channel_info.len),
		&q);
	return exchange_send(mem, ev, &p);
}

ntstatus_t daxsmb_set_info_recv(struct tevent_req *req, struct smb2_empty *out)
{
	/* The response has a StructureSize and nothing else. */
	return exchange_answer(req, 0, NULL, NULL);
}

void exchange_add_create(
	TALLOC_CTX *mem, struct exchange_params *p, const char *path, const struct smb2_create_req *in)
{
	struct smb2_create_req q = *in;
	struct wr *w;

	q.name = client_path_to_wire(mem, path);
	w = exchange_add(mem, p, SMB2_CREATE, 1, FIXED_ROOM + q.name.len + 8 + q.contexts.len);
	w->bad |= !q.name.data;
	smb2_create_req_encode(w, &q);
	talloc_free((void *)q.name.data);
}

struct tevent_req *daxsmb_create_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t,
	const char *path, const struct smb2_create_req *in)
{
	struct exchange_params p = exchange_on_tree(t);

	exchange_add_create(mem, &p, path, in);
	return exchange_send(mem, ev, &p);
}
RECV(create, smb2_create_rsp)

struct tevent_req *daxsmb_echo_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_conn *c)
{
	struct exchange_params p = {.conn = c};

	if (!list_empty(&c->sessions))
		p.session = container_of(c->sessions.next, struct daxsmb_session, link);
	smb2_empty_encode(exchange_add(mem, &p, SMB2_ECHO, 1, FIXED_ROOM), &(struct smb2_empty){0});
	return exchange_send(mem, ev, &p);
}

struct tevent_req *daxsmb_logoff_send(TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_session *s)
{
	struct exchange_params p = {.conn = s->conn, .session = s};

	smb2_empty_encode(exchange_add(mem, &p, SMB2_LOGOFF, 1, FIXED_ROOM), &(struct smb2_empty){0});
	return exchange_send(mem, ev, &p);
}

struct tevent_req *daxsmb_tree_disconnect_send(
	TALLOC_CTX *mem, struct tevent_context *ev, struct daxsmb_tree *t)
{
	struct exchange_params p = exchange_on_tree(t);

	smb2_empty_encode(
		exchange_add(mem, &p, SMB2_TREE_DISCONNECT, 1, FIXED_ROOM), &(struct smb2_empty){0});
	return exchange_send(mem, ev, &p);
}

ntstatus_t daxsmb_simple_recv(struct tevent_req *req)
{
	return exchange_answer(req, 0, NULL, NULL);
}
