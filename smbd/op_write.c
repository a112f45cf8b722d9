/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/node.h"
#include "smbd/pipe.h"
#include "smbd/transfer.h"

#include <errno.h>

/*
 * WRITE [MS-SMB2] 3.3.5.13 and FLUSH 3.3.5.11. The data is written from the frame it came in, or is fetched from the client's
 * memory, into the file's mapping where that covers it.
 */

struct write_call {
	struct call call;
	uint64_t offset;
	uint32_t length;
	size_t data_offset;        /* in the frame */
	struct transfer *transfer; /* has the data then; or NULL */
	bool write_through, written;
};

static int store(struct write_call *c, unsigned flags)
{
	struct vfs_window *window = c->transfer ? transfer_window(c->transfer) : NULL;
	const uint8_t *data =
		c->transfer ? transfer_data(c->transfer) : c->call.req->frame.data + c->data_offset;
	/* iov_base is not const though writes only read it */
	struct iovec iov = {(void *)(uintptr_t)data, c->length};

	if (window)
		return vfs_window_written(window, 0, c->length);
	ssize_t n = vfs_pwrite(c->call.file, &iov, 1, c->offset, flags);
	return n < 0 ? (int)n : 0;
}

static int run_write(struct call *call, unsigned flags)
{
	struct write_call *c = container_of(call, struct write_call, call);
	int rc = c->written || !c->length ? 0 : store(c, flags);

	if (rc < 0)
		return rc;
	c->written = true;
	return c->write_through ? vfs_flush(call->file, flags) : 0;
}

static void write_done(struct req *r, struct call *call)
{
	struct write_call *c = container_of(call, struct write_call, call);

	node_break_late_caches(r->open->node);
	if (call->result < 0) {
		req_error(r, status_from_errno(call->result));
		return;
	}
	r->open->position = c->offset + c->length;
	struct wr w = req_reply(r, 16);
	smb2_write_rsp_encode(&w, &(struct smb2_write_rsp){.count = c->length});
	req_done(r, STATUS_SUCCESS, &w);
}

/* 3.3.5.13: what a channel carries is told by RemainingBytes. */
static uint32_t payload_length(const struct smb2_write_req *q)
{
	return q->channel == SMB2_CHANNEL_NONE ? q->length : q->remaining_bytes;
}

static ntstatus_t check_write(const struct req *r, const struct smb2_write_req *q)
{
	uint32_t length = payload_length(q);

	if (length > conn_max_payload(r->conn, r->local->server->max_write) || q->data.len != q->length)
		return STATUS_INVALID_PARAMETER;
	if (q->channel != SMB2_CHANNEL_NONE && (q->length || r->open->pipe))
		return STATUS_INVALID_PARAMETER;
	if (r->open->pipe)
		return STATUS_SUCCESS;
	if (r->open->directory)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!(r->open->granted_access & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
		return STATUS_ACCESS_DENIED;
	if (q->offset > INT64_MAX || length > INT64_MAX - q->offset)
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

/* The write of `length` bytes, which are in the frame or come by t. */
static void start_write(struct req *r, const struct smb2_write_req *q, struct transfer *t)
{
	struct write_call *c = req_new_call(r, struct write_call, run_write, write_done);

	if (!c)
		return;
	node_break_caches(r->open->node);
	c->offset = q->offset;
	c->length = payload_length(q);
	c->transfer = talloc_steal(c, t);
	c->data_offset = q->length ? (size_t)(q->data.data - r->frame.data) : 0;
	c->write_through = (q->flags & SMB2_WRITEFLAG_WRITE_THROUGH) || (r->open->mode & FILE_WRITE_THROUGH) ||
			   conf_bool(r->tree->share, P_SYNC_ALWAYS);
	req_call(r, &c->call);
}

/* The data has come from the client's memory, or could not be stored where it was to go. */
static void pulled(struct req *r, struct transfer *t, int error)
{
	struct rd body = rd_over(r->element);
	struct smb2_write_req q;

	rd_seek(&body, SMB2_HEADER_SIZE);
	if (error || !smb2_write_req_decode(&body, &q))
		req_error(r, status_from_errno(error ? error : -EINVAL));
	else
		start_write(r, &q, t);
}

static void write_from_client(struct req *r, const struct smb2_write_req *q)
{
	struct transfer *t;
	size_t length = payload_length(q);
	ntstatus_t s = transfer_new(r, q->channel, q->channel_info, length, &t);

	if (status_is_ok(s))
		s = transfer_memory(r, t, r->open->file, q->offset, VFS_WRITE);
	if (!status_is_ok(s))
		req_error(r, s);
	else if (!transfer_start(r, t, length, TRANSFER_PULL, pulled))
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
}

void op_write(struct req *r, struct rd *body)
{
	struct smb2_write_req q;

	if (!smb2_write_req_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	ntstatus_t s = check_write(r, &q);
	if (!status_is_ok(s))
		req_error(r, s);
	else if (r->open->pipe)
		pipe_write(r, q.data);
	else if (q.channel != SMB2_CHANNEL_NONE)
		write_from_client(r, &q);
	else
		start_write(r, &q, NULL);
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
