/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/fsctl.h"
#include "smbd/node.h"

#include <errno.h>

/* FSCTL_SRV_COPYCHUNK and FSCTL_SRV_COPYCHUNK_WRITE, [MS-SMB2] 3.3.5.15.6: from one open to another. */

enum {
	MAX_CHUNKS = 256,
	MAX_CHUNK_BYTES = 1 << 20,
	MAX_TOTAL_BYTES = 16 << 20,
};

struct copy_call {
	struct call call; /* its file is the target */
	struct smb2_ioctl_req q;
	struct vfs_file *source; /* counted */
	struct node_change source_change;
	bool bytes;              /* storage must not be shared */
	bool must_wait;          /* even where the target's share is at memory speed */
	bool write_through;
	uint32_t count;
	struct fsctl_copychunk_chunk chunks[MAX_CHUNKS];
	struct fsctl_copychunk_rsp rsp;
	ntstatus_t status;
};

static int copy_call_destructor(struct copy_call *c)
{
	vfs_file_unref(c->source);
	node_change_end(&c->source_change);
	call_release(&c->call);
	return 0;
}

static void reply(
	struct req *r, const struct smb2_ioctl_req *q, ntstatus_t s, const struct fsctl_copychunk_rsp *rsp)
{
	uint8_t buf[FSCTL_COPYCHUNK_RSP_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));

	fsctl_copychunk_rsp_encode(&w, rsp);
	fsctl_reply(r, q, s, BYTES(buf, w.pos));
}

/* 3.3.5.15.6.2: the client may ask again within the limits. */
static void reply_limits(struct req *r, const struct smb2_ioctl_req *q)
{
	reply(r, q, STATUS_INVALID_PARAMETER,
		&(struct fsctl_copychunk_rsp){MAX_CHUNKS, MAX_CHUNK_BYTES, MAX_TOTAL_BYTES});
}

static ntstatus_t copy_chunk(struct copy_call *c, const struct fsctl_copychunk_chunk *chunk)
{
	uint64_t to = chunk->target_offset;
	struct vfs_stat st;
	int rc = vfs_fstat(c->source, 0, &st);

	if (rc < 0)
		return status_from_errno(rc);
	if (chunk->source_offset > st.size || chunk->length > st.size - chunk->source_offset)
		return STATUS_INVALID_VIEW_SIZE;
	if (to == UINT64_MAX) { /* behind the end, as with a write, [MS-FSA] 2.1.5.4 */
		rc = vfs_fstat(c->call.file, 0, &st);
		if (rc < 0)
			return status_from_errno(rc);
		to = st.size;
	}
	int (*copy)(struct vfs_file *, uint64_t, struct vfs_file *, uint64_t, uint64_t) =
		c->bytes ? vfs_copy_bytes : vfs_copy_range;
	rc = copy(c->source, chunk->source_offset, c->call.file, to, chunk->length);
	if (rc == -EINVAL) /* the source has been cut short meanwhile */
		return STATUS_INVALID_VIEW_SIZE;
	return rc < 0 ? status_from_errno(rc) : STATUS_SUCCESS;
}

static int run_copy(struct call *call, unsigned flags)
{
	struct copy_call *c = container_of(call, struct copy_call, call);

	if (call_must_wait(call, flags) || ((flags & VFS_NOWAIT) && c->must_wait))
		return -EAGAIN;
	for (uint32_t i = 0; i < c->count; i++) {
		c->status = copy_chunk(c, &c->chunks[i]);
		if (!status_is_ok(c->status))
			break;
		c->rsp.chunks_written++;
		c->rsp.total_bytes_written += c->chunks[i].length;
	}
	return c->write_through && c->rsp.chunks_written ? vfs_flush(call->file, 0) : 0;
}

/* 3.3.5.15.6.1: a failure says how far it came. */
static void copy_done(struct req *r, struct call *call)
{
	struct copy_call *c = container_of(call, struct copy_call, call);

	node_change_end(&c->source_change);
	node_break_late_caches(r->open->node);
	if (call->result < 0)
		req_error(r, status_from_errno(call->result));
	else
		reply(r, &c->q, c->status, &c->rsp);
}

/* False: a limit is exceeded. */
static bool take_chunks(struct copy_call *c, const struct fsctl_copychunk_req *in)
{
	struct rd chunks = rd_over(in->chunks);
	uint32_t left = MAX_TOTAL_BYTES;

	if (in->chunk_count > MAX_CHUNKS)
		return false;
	for (c->count = 0; c->count < in->chunk_count; c->count++) {
		struct fsctl_copychunk_chunk *chunk = &c->chunks[c->count];
		if (!fsctl_copychunk_chunk_decode(&chunks, chunk))
			return false;
		if (!chunk->length || chunk->length > MAX_CHUNK_BYTES || chunk->length > left)
			return false;
		if (chunk->target_offset > INT64_MAX - chunk->length && chunk->target_offset != UINT64_MAX)
			return false;
		left -= chunk->length;
	}
	/* Not even a copy within memory is for a reactor when it is a long one. */
	c->must_wait |= MAX_TOTAL_BYTES - left > MAX_CHUNK_BYTES;
	return true;
}

/* The open that FSCTL_SRV_REQUEST_RESUME_KEY gave the key for; of any tree, but of this session. */
static struct open *find_source(struct req *r, const uint8_t key[FSCTL_RESUME_KEY_SIZE])
{
	struct smb2_file_id id;
	uint64_t session_id;

	memcpy(&id, key, sizeof(id));
	memcpy(&session_id, key + sizeof(id), sizeof(session_id));
	return session_id == r->session->id ? open_find(r->session, id) : NULL;
}

static ntstatus_t check_access(const struct open *source, const struct open *target, uint32_t code)
{
	if (source->directory || target->directory)
		return STATUS_INVALID_DEVICE_REQUEST;
	if (!(source->granted_access & (FILE_READ_DATA | FILE_EXECUTE))) /* as for READ, 3.3.5.12 */
		return STATUS_ACCESS_DENIED;
	if (!(target->granted_access & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
		return STATUS_ACCESS_DENIED;
	if (code == FSCTL_SRV_COPYCHUNK && !(target->granted_access & FILE_READ_DATA))
		return STATUS_ACCESS_DENIED;
	return STATUS_SUCCESS;
}

/* A range to which somebody has direct access must keep storage of its own; while blocks are shared nobody gets it. */
static void choose_way(struct copy_call *c, const struct open *source, const struct open *target)
{
	if (!vfs_copies_share(c->call.file))
		return;
	c->bytes = !node_try_change(source->node, &c->source_change) || !node_try_change(target->node, &c->call.change);
	if (c->bytes) {
		node_change_end(&c->source_change);
		node_change_end(&c->call.change);
	}
}

static void start_copy(struct req *r, const struct smb2_ioctl_req *q, const struct fsctl_copychunk_req *in,
	struct open *source)
{
	struct copy_call *c = req_new_call(r, struct copy_call, run_copy, copy_done);

	if (!c)
		return;
	talloc_set_destructor(c, copy_call_destructor);
	c->source = vfs_file_ref(source->file);
	c->must_wait = !vfs_share_is_memory_speed(source->tree->vfs);
	c->write_through = (r->open->mode & FILE_WRITE_THROUGH) || conf_bool(r->tree->share, P_SYNC_ALWAYS);
	c->q = *q;
	ntstatus_t s =
		take_chunks(c, in) ? check_access(source, r->open, q->ctl_code) : STATUS_INVALID_PARAMETER;
	if (status_is_ok(s)) {
		choose_way(c, source, r->open);
		node_break_caches(r->open->node);
		req_call(r, &c->call);
		return;
	}
	talloc_free(c);
	if (s == STATUS_INVALID_PARAMETER)
		reply_limits(r, q);
	else
		req_error(r, s);
}

void fsctl_copychunk(struct req *r, const struct smb2_ioctl_req *q)
{
	struct fsctl_copychunk_req in;
	bool whole = fsctl_copychunk_req_decode(q->input, &in);
	struct open *source = whole ? find_source(r, in.source_key) : NULL;

	if (whole && !source)
		req_error(r, STATUS_OBJECT_NAME_NOT_FOUND);
	else if (q->max_output_response < FSCTL_COPYCHUNK_RSP_SIZE)
		req_error(r, STATUS_INVALID_PARAMETER);
	else if (!source || source->pipe)
		reply_limits(r, q);
	else
		start_copy(r, q, &in, source);
}
