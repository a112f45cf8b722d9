/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/node.h"
#include "smbd/pipe.h"
#include "smbd/req.h"

/* WRITE [MS-SMB2] 3.3.5.13 and FLUSH 3.3.5.11. The data is written from the frame it came in. */

struct write_call {
	struct call call;
	uint64_t offset;
	uint32_t length;
	size_t data_offset; /* in the frame */
	bool write_through, written;
};

static int run_write(struct call *call, unsigned flags)
{
	struct write_call *c = container_of(call, struct write_call, call);
	/* iov_base is not const though writes only read it */
	struct iovec iov = {(void *)(uintptr_t)(call->req->frame.data + c->data_offset), c->length};

	if (!c->written && c->length) {
		ssize_t n = vfs_pwrite(call->file, &iov, 1, c->offset, flags);
		if (n < 0)
			return (int)n;
	}
	c->written = true;
	return c->write_through ? vfs_flush(call->file, flags) : 0;
}

static void write_done(struct req *r, struct call *call)
{
	struct write_call *c = container_of(call, struct write_call, call);

	if (call->result < 0) {
		req_error(r, status_from_errno(call->result));
		return;
	}
	r->open->position = c->offset + c->length;
	struct wr w = req_reply(r, 16);
	smb2_write_rsp_encode(&w, &(struct smb2_write_rsp){.count = c->length});
	req_done(r, STATUS_SUCCESS, &w);
}

static ntstatus_t check_write(const struct req *r, const struct smb2_write_req *q)
{
	if (q->length > conn_max_payload(r->conn, r->local->server->max_write) || q->channel != SMB2_CHANNEL_NONE || q->data.len != q->length)
		return STATUS_INVALID_PARAMETER;
	if (r->open->pipe)
		return STATUS_SUCCESS;
	if (r->open->directory)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!(r->open->granted_access & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
		return STATUS_ACCESS_DENIED;
	if (q->offset > INT64_MAX || q->length > INT64_MAX - q->offset)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

void op_write(struct req *r, struct rd *body)
{
	struct smb2_write_req q;

	if (!smb2_write_req_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	ntstatus_t s = check_write(r, &q);
	if (!status_is_ok(s)) {
		req_error(r, s);
		return;
	}
	if (r->open->pipe) {
		pipe_write(r, q.data);
		return;
	}
	struct write_call *c = req_new_call(r, struct write_call, run_write, write_done);
	if (!c)
		return;
	node_break_level2(r->open->node);
	c->offset = q.offset;
	c->length = q.length;
	c->data_offset = q.length ? (size_t)(q.data.data - r->frame.data) : 0;
	c->write_through = (q.flags & SMB2_WRITEFLAG_WRITE_THROUGH) || (r->open->mode & FILE_WRITE_THROUGH) ||
			   conf_bool(r->tree->share, P_SYNC_ALWAYS);
	req_call(r, &c->call);
}

static int run_flush(struct call *call, unsigned flags)
{
	return vfs_flush(call->file, flags);
}

static void flush_done(struct req *r, struct call *call)
{
	if (call->result < 0)
		req_error(r, status_from_errno(call->result));
	else
		req_done_empty(r);
}

void op_flush(struct req *r, struct rd *body)
{
	struct smb2_flush_req q;

	if (!smb2_flush_req_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	if (r->open->pipe) {
		req_done_empty(r);
		return;
	}
	/* The same bits are FILE_ADD_FILE and FILE_ADD_SUBDIRECTORY for a directory. */
	if (!(r->open->granted_access & (FILE_WRITE_DATA | FILE_APPEND_DATA))) {
		req_error(r, STATUS_ACCESS_DENIED);
		return;
	}
	struct call *c = req_new_call(r, struct call, run_flush, flush_done);
	if (c)
		req_call(r, c);
}
