/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/req.h"
#include "wire/info.h"
#include "wire/utf16.h"

#include <errno.h>

/*
 * QUERY_DIRECTORY, [MS-SMB2] 3.3.5.18. The open's cursor is lent to the call while it runs; a second query of the same
 * handle meanwhile is refused.
 */

enum {
	DATA = SMB2_HEADER_SIZE + SMB2_OUTPUT_RSP_FIXED_SIZE,
	MAX_PATTERN = 255 * 2, /* as long as a name: matching costs its length times the name's */
};

struct list_call {
	struct call call;
	struct smb2_query_directory_req q;
	struct vfs_dir *dir;     /* owned while the call runs */
	char *pattern;
	bool rewind, first;
	size_t used, entries;
	ntstatus_t status;
};

static int list_call_destructor(struct list_call *c)
{
	vfs_dir_close(c->dir);
	call_release(&c->call);
	return 0;
}

static struct dir_entry_facts facts_of(const struct vfs_dir_entry *e)
{
	return (struct dir_entry_facts){
		.name = e->name,
		.creation_time = e->st.creation_time,
		.last_access_time = e->st.access_time,
		.last_write_time = e->st.write_time,
		.change_time = e->st.change_time,
		.end_of_file = e->st.directory ? 0 : e->st.size,
		.allocation_size = e->st.allocation,
		.attributes = e->st.attributes,
		.file_id = e->st.file_id,
	};
}

static int fill(struct list_call *c)
{
	struct wr w = wr_over(req_reply_base(c->call.req) + DATA, c->q.output_length);
	size_t last = SIZE_MAX;
	struct vfs_dir_entry e;
	bool want_stat = c->q.info_class != FileNamesInformation;
	int rc;

	while ((rc = vfs_dir_next(c->dir, want_stat, &e)) > 0) {
		struct dir_entry_facts f = facts_of(&e);
		if (!dir_info_append(&w, c->q.info_class, &f, &last)) {
			vfs_dir_unread(c->dir);
			break;
		}
		c->entries++;
		if (c->q.flags & SMB2_RETURN_SINGLE_ENTRY)
			break;
	}
	c->used = w.pos;
	if (rc < 0)
		return rc;
	if (!c->entries)
		c->status = rc > 0 ? STATUS_INFO_LENGTH_MISMATCH : c->first ? STATUS_NO_SUCH_FILE : STATUS_NO_MORE_FILES;
	return 0;
}

static int run_list(struct call *call, unsigned flags)
{
	struct list_call *c = container_of(call, struct list_call, call);
	int rc = 0;

	if (call_must_wait(call, flags))
		return -EAGAIN;
	if (!c->dir)
		rc = vfs_dir_open(call->file, call->cred, c->pattern, &c->dir);
	else if (c->rewind)
		rc = vfs_dir_rewind(c->dir, c->pattern);
	return rc < 0 ? rc : fill(c);
}

static void list_done(struct req *r, struct call *call)
{
	struct list_call *c = container_of(call, struct list_call, call);

	r->open->dir = c->dir;
	r->open->dir_busy = false;
	c->dir = NULL;
	if (call->result < 0)
		c->status = status_from_errno(call->result);
	if (!status_is_ok(c->status)) {
		req_error(r, c->status);
		return;
	}
	r->open->dir_started = true;
	uint8_t *base = req_reply_base(r);
	struct wr w = wr_over(base, DATA + c->used);
	w.pos = SMB2_HEADER_SIZE;
	smb2_output_rsp_fixed_encode(&w, (uint32_t)c->used);
	w.pos = DATA + c->used;
	req_done(r, STATUS_SUCCESS, &w);
}

static ntstatus_t check_list(const struct req *r, const struct smb2_query_directory_req *q)
{
	size_t fixed;

	if (!r->open->directory)
		return STATUS_INVALID_PARAMETER;
	if (!(r->open->granted_access & FILE_LIST_DIRECTORY))
		return STATUS_ACCESS_DENIED;
	if (!dir_info_fixed_size(q->info_class, &fixed))
		return STATUS_INVALID_INFO_CLASS;
	if (q->output_length > conn_max_payload(r->conn, r->local->server->max_transact))
		return STATUS_INVALID_PARAMETER;
	if (q->output_length < fixed)
		return STATUS_INFO_LENGTH_MISMATCH;
	if (r->open->dir_busy)
		return STATUS_REQUEST_NOT_ACCEPTED;
	return STATUS_SUCCESS;
}

static ntstatus_t take_pattern(struct list_call *c)
{
	if (!c->rewind && !c->first)
		return STATUS_SUCCESS;
	if (c->q.pattern.len > MAX_PATTERN)
		return STATUS_OBJECT_NAME_INVALID;
	c->pattern = utf16_to_utf8(c, c->q.pattern);
	if (!c->pattern || !*c->pattern || strpbrk(c->pattern, "\\/"))
		return STATUS_OBJECT_NAME_INVALID;
	return STATUS_SUCCESS;
}

void op_query_directory(struct req *r, struct rd *body)
{
	struct list_call *c = req_new_call(r, struct list_call, run_list, list_done);
	ntstatus_t s = STATUS_INVALID_PARAMETER;

	if (!c)
		return;
	if (smb2_query_directory_req_decode(body, &c->q))
		s = check_list(r, &c->q);
	if (status_is_ok(s)) {
		c->first = !r->open->dir_started;
		c->rewind = r->open->dir && (c->q.flags & (SMB2_RESTART_SCANS | SMB2_REOPEN));
		c->first |= c->rewind;
		s = take_pattern(c);
	}
	if (!status_is_ok(s)) {
		talloc_free(c);
		req_error(r, s);
		return;
	}
	if (c->q.output_length > conn_max_inline(r->conn))
		c->q.output_length = conn_max_inline(r->conn); /* the rest comes with the next one */
	if (req_reply(r, SMB2_OUTPUT_RSP_FIXED_SIZE + c->q.output_length).bad)
		return;
	c->dir = r->open->dir;
	r->open->dir = NULL;
	r->open->dir_busy = true;
	talloc_set_destructor(c, list_call_destructor);
	req_call(r, &c->call);
}
