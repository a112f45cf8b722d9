/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/pipe.h"
#include "smbd/transfer.h"

#include <sys/stat.h>

/*
 * READ, [MS-SMB2] 3.3.5.12. The data goes straight into the reply, or is written to the client's memory; large plain reads are
 * sent from the file's mapping or the page cache.
 */

enum {
	DATA = SMB2_HEADER_SIZE + SMB2_READ_RSP_FIXED_SIZE, /* of the data in the reply */
	SENDFILE_MIN = 65536, /* below that a copy is cheaper */
	WINDOW_MIN = 16384,
};

struct read_call {
	struct call call;
	uint64_t offset;
	uint32_t length, minimum;
	bool cut; /* more was asked for than one message can carry */
	struct transfer *transfer; /* where the data goes then; or NULL */
	ssize_t got;
};

static int run_read(struct call *call, unsigned flags)
{
	struct read_call *c = container_of(call, struct read_call, call);
	struct iovec iov = {c->transfer ? transfer_data(c->transfer) : req_reply_base(call->req) + DATA, c->length};

	c->got = vfs_pread(call->file, &iov, 1, c->offset, flags);
	return c->got < 0 ? (int)c->got : 0;
}

/* The data is in the client's memory, or could not be read. */
static void pushed(struct req *r, struct transfer *t, int error)
{
	if (error) {
		req_error(r, status_from_errno(error));
		return;
	}
	struct wr w = req_reply(r, SMB2_READ_RSP_FIXED_SIZE);
	smb2_read_rsp_encode(&w, &(struct smb2_read_rsp){.data_remaining = (uint32_t)transfer_len(t)});
	req_done(r, STATUS_SUCCESS, &w);
}

static void push(struct req *r, struct transfer *t, size_t len)
{
	if (!transfer_start(r, t, len, TRANSFER_PUSH, pushed))
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
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
	/*
	 * cifs.ko asks for more than it has said it takes in one message, and takes what a short answer leaves out for bytes
	 * of the file unless the file ends there.
	 */
	if (c->cut && (size_t)c->got == c->length) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	r->open->position = c->offset + (uint64_t)c->got;
	if (c->transfer) {
		push(r, talloc_steal(r, c->transfer), (size_t)c->got);
		return;
	}
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

/* The same for a file that is mapped: the reply ends in a piece of the mapping. */
static bool send_from_mapping(struct req *r, const struct smb2_read_req *q)
{
	struct vfs_window window;

	if (q->length < WINDOW_MIN || !req_can_send_file(r) || !req_has_room(r, q->length) ||
		vfs_window_open(r->open->file, q->offset, q->length, VFS_READ, &window) < 0)
		return false;
	if (!window.len || window.len < q->minimum_count) {
		vfs_window_close(&window);
		return false;
	}
	struct wr w = req_reply(r, SMB2_READ_RSP_FIXED_SIZE);
	smb2_read_rsp_encode(&w, &(struct smb2_read_rsp){.data_length = (uint32_t)window.len});
	if (r->disconnect) {
		vfs_window_close(&window);
		return true;
	}
	r->open->position = q->offset + window.len;
	req_done_window(r, &w, &window);
	return true;
}

static ntstatus_t check_read(const struct req *r, const struct smb2_read_req *q)
{
	if (q->length > conn_max_payload(r->conn, r->local->server->max_read))
		return STATUS_INVALID_PARAMETER;
	/* 3.3.5.12: no channel for a pipe. */
	if (r->open->pipe)
		return q->channel == SMB2_CHANNEL_NONE ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
	if (r->open->directory)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (q->offset > INT64_MAX || q->length > INT64_MAX - q->offset)
		return STATUS_INVALID_PARAMETER;
	if (!(r->open->granted_access & (FILE_READ_DATA | FILE_EXECUTE)))
		return STATUS_ACCESS_DENIED;
	return STATUS_SUCCESS;
}

static struct read_call *new_read_call(struct req *r, const struct smb2_read_req *q)
{
	struct read_call *c = req_new_call(r, struct read_call, run_read, read_done);

	if (!c)
		return NULL;
	c->offset = q->offset;
	c->length = q->length;
	c->minimum = q->minimum_count;
	c->call.cancellable = true;
	return c;
}

/* The client has named its memory: the data goes there by RDMA, from the mapping or from a buffer. */
static void read_to_client(struct req *r, const struct smb2_read_req *q)
{
	struct transfer *t;
	ntstatus_t s = transfer_new(r, q->channel, q->channel_info, q->length, &t);

	if (status_is_ok(s))
		s = transfer_memory(r, t, r->open->file, q->offset, VFS_READ);
	if (!status_is_ok(s)) {
		req_error(r, s);
		return;
	}
	if (transfer_window(t)) {
		if (transfer_len(t) < q->minimum_count)
			req_error(r, STATUS_END_OF_FILE);
		else
			push(r, t, transfer_len(t));
		return;
	}
	struct read_call *c = new_read_call(r, q);
	if (!c)
		return;
	c->transfer = talloc_steal(c, t);
	req_call(r, &c->call);
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
	if (q.channel != SMB2_CHANNEL_NONE) {
		read_to_client(r, &q);
		return;
	}
	bool cut = q.length > conn_max_inline(r->conn);
	if (cut)
		q.length = conn_max_inline(r->conn);
	if (send_from_mapping(r, &q) || send_from_cache(r, &q))
		return;
	struct wr w = req_reply(r, SMB2_READ_RSP_FIXED_SIZE + q.length);
	struct read_call *c = w.bad ? NULL : new_read_call(r, &q);
	if (!c)
		return;
	c->cut = cut;
	req_call(r, &c->call);
}
