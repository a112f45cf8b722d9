/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/set_info.h"

#include "smbd/break_wait.h"
#include "smbd/eas.h"
#include "smbd/grant.h"

#include <errno.h>

/* SET_INFO, [MS-SMB2] 3.3.5.21. One row per class; rename and link are in set_rename.c. */

struct set_call {
	struct call call;
	struct file_basic_info basic;
	bool directory;
	uint64_t size;
	struct eas eas;
};

void set_info_reply(struct req *r)
{
	struct wr w = req_reply(r, 2);

	wr_u16(&w, 2); /* StructureSize, [MS-SMB2] 2.2.40 */
	req_done(r, STATUS_SUCCESS, &w);
}

static void set_done(struct req *r, struct call *call)
{
	if (call->result < 0)
		req_error(r, status_from_errno(call->result));
	else
		set_info_reply(r);
}

static struct set_call *new_call(struct req *r, int (*run)(struct call *, unsigned),
	void (*done)(struct req *, struct call *))
{
	struct set_call *c = req_new_call(r, struct set_call, run, done);

	if (c)
		c->directory = r->open->directory;
	return c;
}

/* ---- FileBasicInformation ---- */

/* [MS-FSCC] 2.4.7: 0 leaves a time, -1 and -2 stop and restart its automatic change, which the file system does not do. */
static uint64_t time_to_set(uint64_t t)
{
	return t >= UINT64_MAX - 1 ? 0 : t;
}

/* [MS-FSA] 2.1.5.14.2: no negative time but those two. */
static bool times_make_sense(const struct file_basic_info *b)
{
	const uint64_t times[] = {b->creation_time, b->last_access_time, b->last_write_time, b->change_time};

	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (times[i] > INT64_MAX && times[i] < UINT64_MAX - 1)
			return false;
	return true;
}

static int run_basic(struct call *call, unsigned flags)
{
	struct set_call *c = container_of(call, struct set_call, call);
	struct vfs_times t = {
		.creation_time = time_to_set(c->basic.creation_time),
		.access_time = time_to_set(c->basic.last_access_time),
		.write_time = time_to_set(c->basic.last_write_time),
	};
	int rc = 0;

	if (call_must_wait(call, flags))
		return -EAGAIN;
	if (c->basic.attributes)
		rc = vfs_set_attributes(call->file, call->cred,
			c->basic.attributes & ~(uint32_t)(FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_DIRECTORY));
	if (rc == 0 && (t.creation_time || t.access_time || t.write_time))
		rc = vfs_set_times(call->file, call->cred, &t);
	return rc;
}

static void set_basic(struct req *r, struct bytes in)
{
	struct file_basic_info b;

	if (!file_basic_info_decode(in, &b) || !times_make_sense(&b) || ((b.attributes & FILE_ATTRIBUTE_DIRECTORY) && !r->open->directory) ||
		((b.attributes & FILE_ATTRIBUTE_TEMPORARY) && r->open->directory)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	struct set_call *c = new_call(r, run_basic, set_done);
	if (!c)
		return;
	c->basic = b;
	req_call(r, &c->call);
}

/* ---- sizes ---- */

static int run_end_of_file(struct call *call, unsigned flags)
{
	struct set_call *c = container_of(call, struct set_call, call);

	return vfs_truncate(call->file, c->size, flags);
}

static int run_allocation(struct call *call, unsigned flags)
{
	struct set_call *c = container_of(call, struct set_call, call);

	return vfs_set_allocation(call->file, c->size, flags);
}

static void size_done(struct req *r, struct call *call)
{
	node_break_late_caches(r->open->node);
	set_done(r, call);
}

static void set_size(struct req *r, struct bytes in, int (*run)(struct call *, unsigned))
{
	uint64_t size;

	if (!file_u64_info_decode(in, &size) || size > INT64_MAX || r->open->directory) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	struct set_call *c = new_call(r, run, size_done);
	if (!c)
		return;
	c->size = size;
	grant_change_storage(r, &c->call);
}

static void set_end_of_file(struct req *r, struct bytes in)
{
	set_size(r, in, run_end_of_file);
}

static void set_allocation(struct req *r, struct bytes in)
{
	set_size(r, in, run_allocation);
}

/* ---- what only the open knows ---- */

static void set_position(struct req *r, struct bytes in)
{
	uint64_t position;

	if (!file_u64_info_decode(in, &position) || position > INT64_MAX) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	r->open->position = position;
	set_info_reply(r);
}

/* [MS-FSCC] 2.4.31; [MS-FSA] 2.1.5.14.7: the two synchronous bits exclude each other. */
static void set_mode(struct req *r, struct bytes in)
{
	const uint32_t valid = FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_NO_INTERMEDIATE_BUFFERING |
			       FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
	const uint32_t sync = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
	struct rd rd = rd_over(in);
	uint32_t mode = rd_u32(&rd);

	if (rd.bad || (mode & ~valid) || (mode & sync) == sync) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	r->open->mode = mode;
	set_info_reply(r);
}

/* ---- delete ---- */

static void disposition_done(struct req *r, struct call *call);

static int run_disposition(struct call *call, unsigned flags)
{
	struct set_call *c = container_of(call, struct set_call, call);
	struct vfs_stat st;
	int rc;

	if (call_must_wait(call, flags))
		return -EAGAIN;
	rc = vfs_fstat(call->file, flags, &st);
	if (rc < 0)
		return rc;
	if (st.attributes & FILE_ATTRIBUTE_READONLY)
		return -EPERM;
	return c->directory ? vfs_directory_is_empty(call->file, call->cred) : 0;
}

/* Who only caches his handle may close it now, instead of when he comes to know that it keeps the file. */
static void mark_for_deletion(struct req *r)
{
	struct node_waiter w = break_waiter(r);
	ntstatus_t s = node_check_rename(r->open->node, &w);

	if (s == STATUS_PENDING) {
		struct set_call *c = new_call(r, run_disposition, disposition_done);
		if (c)
			break_wait(r, &c->call);
	} else if (!status_is_ok(s)) {
		req_error(r, s);
	} else {
		node_set_delete_pending(r->open->node, true, r->open->file, r->tree->cred);
		set_info_reply(r);
	}
}

static void disposition_done(struct req *r, struct call *call)
{
	if (call->result == -EPERM)
		req_error(r, STATUS_CANNOT_DELETE);
	else if (call->result < 0)
		req_error(r, status_from_errno(call->result));
	else
		mark_for_deletion(r);
}

static void set_disposition_as(struct req *r, struct bytes in, uint8_t info_class)
{
	uint32_t flags;

	if (!file_disposition_info_decode(in, info_class, &flags)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	if (!(flags & 1)) {
		r->open->delete_on_close = false;
		node_set_delete_pending(r->open->node, false, NULL, NULL);
		set_info_reply(r);
		return;
	}
	if (*vfs_file_path(r->open->file) == '\0') {
		req_error(r, STATUS_CANNOT_DELETE); /* the root of the share */
		return;
	}
	struct set_call *c = new_call(r, run_disposition, disposition_done);
	if (c)
		req_call(r, &c->call);
}

static void set_disposition(struct req *r, struct bytes in)
{
	set_disposition_as(r, in, FileDispositionInformation);
}

static void set_disposition_ex(struct req *r, struct bytes in)
{
	set_disposition_as(r, in, FileDispositionInformationEx);
}

/* ---- extended attributes ---- */

static int run_eas(struct call *call, unsigned flags)
{
	struct set_call *c = container_of(call, struct set_call, call);

	return call_must_wait(call, flags) ? -EAGAIN : eas_apply(&c->eas, call->file, call->cred);
}

static void set_eas(struct req *r, struct bytes in)
{
	struct set_call *c;

	if (!conf_bool(r->tree->share, P_EA_SUPPORT)) {
		req_error(r, STATUS_EAS_NOT_SUPPORTED);
		return;
	}
	c = new_call(r, run_eas, set_done);
	if (!c)
		return;
	ntstatus_t s = eas_decode(c, in, &c->eas);
	if (!status_is_ok(s)) {
		talloc_free(c);
		req_error(r, s);
		return;
	}
	req_call(r, &c->call);
}

/* ---- the table ---- */

static const struct {
	uint8_t info_class;
	uint32_t access; /* one of these rights */
	void (*set)(struct req *, struct bytes);
} classes[] = {
	{FileBasicInformation, FILE_WRITE_ATTRIBUTES, set_basic},
	{FileRenameInformation, ACCESS_DELETE, set_rename},
	{FileRenameInformationEx, ACCESS_DELETE, set_rename_ex},
	{FileLinkInformation, 0, set_link},
	{FileDispositionInformation, ACCESS_DELETE, set_disposition},
	{FileDispositionInformationEx, ACCESS_DELETE, set_disposition_ex},
	{FilePositionInformation, 0, set_position},
	{FileFullEaInformation, FILE_WRITE_EA, set_eas},
	{FileModeInformation, 0, set_mode},
	{FileAllocationInformation, FILE_WRITE_DATA, set_allocation},
	{FileEndOfFileInformation, FILE_WRITE_DATA, set_end_of_file},
};

static void set_file(struct req *r, const struct smb2_set_info_req *q)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (classes[i].info_class != q->info_class)
			continue;
		if (classes[i].access && !(r->open->granted_access & classes[i].access))
			req_error(r, STATUS_ACCESS_DENIED);
		else
			classes[i].set(r, q->input);
		return;
	}
	req_error(r, STATUS_INVALID_INFO_CLASS);
}

void op_set_info(struct req *r, struct rd *body)
{
	struct smb2_set_info_req q;

	if (!smb2_set_info_req_decode(body, &q) || q.input.len > conn_max_payload(r->conn, r->local->server->max_transact))
		req_error(r, STATUS_INVALID_PARAMETER);
	else if (!r->open->file)
		req_error(r, STATUS_INVALID_DEVICE_REQUEST);
	else if (q.info_type == SMB2_0_INFO_FILE)
		set_file(r, &q);
	else
		req_error(r, STATUS_NOT_SUPPORTED); /* no settable volume facts, no ACLs, no quotas */
}
