/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/pipe.h"
#include "smbd/req.h"

#include <sys/stat.h>

/* READ, [MS-SMB2] 3.3.5.12. The data goes straight into the reply; large plain reads are sent from the page cache. */

enum {
	DATA = SMB2_HEADER_SIZE + SMB2_READ_RSP_FIXED_SIZE, /* of the data in the reply */
	SENDFILE_MIN = 65536, /* below that a copy is cheaper */
};

struct read_call {
	struct call call;
	uint64_t offset;
	uint32_t length, minimum;
	ssize_t got;
};

static int run_read(struct call *call, unsigned flags)
{
	struct read_call *c = container_of(call, struct read_call, call);
	struct iovec iov = {req_reply_base(call->req) + DATA, c->length};

	c->got = vfs_pread(call->file, &iov, 1, c->offset, flags);
	return c->got < 0 ? (int)c->got : 0;
}

static void read_done(struct req *r, struct call *call)
{
	struct read_call *c = container_of(call, struct read_call, call);

	if (call->result < 0) {
		req_error(r, status_from_errno(call->result));
		return;
	}
	/* 3.3.5.12: nothing there, or fewer bytes than MinimumCount. */
	if ((c->got == 0 && c->length) || (size_t)c->got < c->minimum) {
		req_error(r, STATUS_END_OF_FILE);
		return;
	}
	r->open->position = c->offset + (uint64_t)c->got;
	struct wr w = wr_over(req_reply_base(r), DATA + (size_t)c->got);
	w.pos = SMB2_HEADER_SIZE;
	smb2_read_rsp_encode(&w, &(struct smb2_read_rsp){.data_length = (uint32_t)c->got});
	w.pos = DATA + (size_t)c->got;
	req_done(r, STATUS_SUCCESS, &w);
}

/* True if the reply has been sent that way. */
static bool send_from_cache(struct req *r, const struct smb2_read_req *q)
{
	struct vfs_file *file = r->open->file;
	struct stat st;
	int fd = vfs_file_fd(file);

	if (q->length < SENDFILE_MIN || fd < 0 || !req_can_send_file(r) || !vfs_share_is_memory_speed(r->tree->vfs))
		return false;
	if (!conf_bool(r->tree->share, P_USE_SENDFILE) || fstat(fd, &st) < 0 || q->offset >= (uint64_t)st.st_size)
		return false;
	uint64_t left = (uint64_t)st.st_size - q->offset;
	size_t len = left < q->length ? (size_t)left : q->length;
	if (len < q->minimum_count || !req_has_room(r, len))
		return false;
	struct wr w = req_reply(r, SMB2_READ_RSP_FIXED_SIZE);
	smb2_read_rsp_encode(&w, &(struct smb2_read_rsp){.data_length = (uint32_t)len});
	if (r->disconnect)
		return true;
	r->open->position = q->offset + len;
	req_done_file(r, &w, file, q->offset, len);
	return true;
}

static ntstatus_t check_read(const struct req *r, const struct smb2_read_req *q)
{
	if (q->length > conn_max_payload(r->conn, r->local->server->max_read))
		return STATUS_INVALID_PARAMETER;
	/* Descriptors need a transport that can write to them. */
	if (q->channel != SMB2_CHANNEL_NONE)
		return STATUS_INVALID_PARAMETER;
	if (r->open->pipe)
		return STATUS_SUCCESS;
	if (r->open->directory)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (q->offset > INT64_MAX || q->length > INT64_MAX - q->offset)
		return STATUS_INVALID_PARAMETER;
	if (!(r->open->granted_access & (FILE_READ_DATA | FILE_EXECUTE)))
		return STATUS_ACCESS_DENIED;
	return STATUS_SUCCESS;
}

void op_read(struct req *r, struct rd *body)
{
	struct smb2_read_req q;

	if (!smb2_read_req_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	ntstatus_t s = check_read(r, &q);
	if (!status_is_ok(s)) {
		req_error(r, s);
		return;
	}
	if (r->open->pipe) {
		pipe_read(r, &q);
		return;
	}
	if (send_from_cache(r, &q))
		return;
	struct wr w = req_reply(r, SMB2_READ_RSP_FIXED_SIZE + q.length);
	struct read_call *c = w.bad ? NULL : req_new_call(r, struct read_call, run_read, read_done);
	if (!c)
		return;
	c->offset = q.offset;
	c->length = q.length;
	c->minimum = q.minimum_count;
	c->call.cancellable = true;
	req_call(r, &c->call);
}
