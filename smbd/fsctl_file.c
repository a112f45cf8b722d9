/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/fsctl.h"
#include "smbd/grant.h"
#include "smbd/node.h"

#include <errno.h>

/* FSCTLs on files, [MS-FSCC] 2.3. */

struct file_call {
	struct call call;
	struct smb2_ioctl_req q;
	uint64_t offset, length;
	bool sparse;
	uint8_t *out;
	size_t cap, used;
	ntstatus_t status;
};

static void file_done(struct req *r, struct call *call)
{
	struct file_call *c = container_of(call, struct file_call, call);

	if (call->result < 0)
		req_error(r, status_from_errno(call->result));
	else if (status_is_error(c->status))
		req_error(r, c->status);
	else
		fsctl_reply(r, &c->q, c->status, BYTES(c->out, c->used));
}

static struct file_call *new_call(struct req *r, const struct smb2_ioctl_req *q, int (*run)(struct call *, unsigned))
{
	struct file_call *c = req_new_call(r, struct file_call, run, file_done);

	if (c)
		c->q = *q;
	return c;
}

static bool may_write_data(const struct req *r)
{
	return r->open->granted_access & (FILE_WRITE_DATA | FILE_APPEND_DATA);
}

/* A stable identifier: of the volume and the inode. */
static int run_object_id(struct call *call, unsigned flags)
{
	struct file_call *c = container_of(call, struct file_call, call);
	struct fsctl_object_id_rsp rsp = {0};
	struct vfs_stat st;
	int rc = vfs_fstat(call->file, flags, &st);

	if (rc < 0)
		return rc;
	memcpy(rsp.object_id, &st.dev, sizeof(st.dev));
	memcpy(rsp.object_id + sizeof(st.dev), &st.file_id, sizeof(st.file_id));
	memcpy(rsp.birth_volume_id, &st.dev, sizeof(st.dev));
	memcpy(rsp.birth_object_id, rsp.object_id, sizeof(rsp.birth_object_id));
	struct wr w = wr_over(c->out, c->cap);
	fsctl_object_id_rsp_encode(&w, &rsp);
	c->status = w.bad ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
	c->used = w.pos;
	return 0;
}

static struct file_call *new_call_with_output(struct req *r, const struct smb2_ioctl_req *q,
	int (*run)(struct call *, unsigned), size_t most)
{
	struct file_call *c = new_call(r, q, run);

	if (!c)
		return NULL;
	c->cap = q->max_output_response < most ? q->max_output_response : most;
	c->out = talloc_array(c, uint8_t, c->cap ? c->cap : 1);
	if (c->out)
		return c;
	talloc_free(c);
	req_error(r, STATUS_INSUFFICIENT_RESOURCES);
	return NULL;
}

void fsctl_object_id(struct req *r, const struct smb2_ioctl_req *q)
{
	struct file_call *c = new_call_with_output(r, q, run_object_id, FSCTL_OBJECT_ID_RSP_SIZE);

	if (c)
		req_call(r, &c->call);
}

/* 3.3.5.15.1: there are none, which is a list of length 0. */
void fsctl_enumerate_snapshots(struct req *r, const struct smb2_ioctl_req *q)
{
	uint8_t buf[FSCTL_ENUMERATE_SNAPSHOTS_RSP_MIN_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));

	if (q->max_output_response < sizeof(buf)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	fsctl_enumerate_snapshots_rsp_encode(&w, &(struct fsctl_enumerate_snapshots_rsp){0});
	fsctl_reply(r, q, STATUS_SUCCESS, BYTES(buf, w.pos));
}

static int run_set_sparse(struct call *call, unsigned flags)
{
	struct file_call *c = container_of(call, struct file_call, call);

	return call_must_wait(call, flags) ? -EAGAIN : vfs_set_sparse(call->file, call->cred, c->sparse);
}

void fsctl_set_sparse(struct req *r, const struct smb2_ioctl_req *q)
{
	struct fsctl_set_sparse_req in = {.sparse = true};

	if (r->open->directory || !fsctl_set_sparse_req_decode(q->input, &in)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	if (!may_write_data(r) && !(r->open->granted_access & FILE_WRITE_ATTRIBUTES)) {
		req_error(r, STATUS_ACCESS_DENIED);
		return;
	}
	struct file_call *c = new_call(r, q, run_set_sparse);
	if (!c)
		return;
	c->sparse = in.sparse;
	req_call(r, &c->call);
}

static int run_zero(struct call *call, unsigned flags)
{
	struct file_call *c = container_of(call, struct file_call, call);

	return call_must_wait(call, flags) ? -EAGAIN : vfs_zero_range(call->file, c->offset, c->length);
}

static void zero_done(struct req *r, struct call *call)
{
	node_break_late_caches(r->open->node);
	file_done(r, call);
}

void fsctl_set_zero_data(struct req *r, const struct smb2_ioctl_req *q)
{
	struct fsctl_set_zero_data_req in;

	if (!fsctl_set_zero_data_req_decode(q->input, &in) || in.offset > INT64_MAX ||
		in.beyond_final_zero > INT64_MAX || in.offset > in.beyond_final_zero || r->open->directory) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	if (!(r->open->granted_access & FILE_WRITE_DATA)) {
		req_error(r, STATUS_ACCESS_DENIED);
		return;
	}
	struct file_call *c = new_call(r, q, run_zero);
	if (!c)
		return;
	c->call.done = zero_done;
	c->offset = in.offset;
	c->length = in.beyond_final_zero - in.offset;
	grant_change_storage(r, &c->call);
}

static int run_ranges(struct call *call, unsigned flags)
{
	struct file_call *c = container_of(call, struct file_call, call);
	uint64_t end = c->offset + c->length, at = c->offset;
	struct wr w = wr_over(c->out, c->cap);
	struct fsctl_file_range range;
	int rc;

	if (call_must_wait(call, flags))
		return -EAGAIN;
	while ((rc = vfs_next_data(call->file, end, &at, &range.length)) > 0) {
		range.offset = at;
		if (wr_left(&w) < FSCTL_FILE_RANGE_SIZE) {
			c->status = STATUS_BUFFER_OVERFLOW;
			break;
		}
		fsctl_file_range_encode(&w, &range);
		at += range.length;
	}
	c->used = w.pos;
	if (c->status == STATUS_BUFFER_OVERFLOW && !c->used)
		c->status = STATUS_BUFFER_TOO_SMALL;
	return rc < 0 ? rc : 0;
}

void fsctl_query_allocated_ranges(struct req *r, const struct smb2_ioctl_req *q)
{
	enum { MOST = 1 << 20 };
	struct fsctl_file_range in;

	if (!fsctl_file_range_decode(q->input, &in) || in.offset > INT64_MAX || in.length > INT64_MAX - in.offset ||
		r->open->directory) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	if (!(r->open->granted_access & FILE_READ_DATA)) {
		req_error(r, STATUS_ACCESS_DENIED);
		return;
	}
	struct file_call *c = new_call_with_output(r, q, run_ranges, MOST);
	if (!c)
		return;
	c->offset = in.offset;
	c->length = in.length;
	req_call(r, &c->call);
}

/* 3.3.5.15.5: the key names the open; COPYCHUNK gives it back. */
void fsctl_resume_key(struct req *r, const struct smb2_ioctl_req *q)
{
	uint8_t buf[FSCTL_RESUME_KEY_RSP_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));
	struct fsctl_resume_key_rsp rsp = {0};

	if (q->max_output_response < sizeof(buf)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	memcpy(rsp.key, &r->open->id, sizeof(r->open->id));
	memcpy(rsp.key + sizeof(r->open->id), &r->session->id, sizeof(r->session->id));
	fsctl_resume_key_rsp_encode(&w, &rsp);
	fsctl_reply(r, q, STATUS_SUCCESS, BYTES(buf, w.pos));
}
