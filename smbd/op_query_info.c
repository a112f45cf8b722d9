/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/node.h"
#include "smbd/path.h"
#include "smbd/req.h"
#include "wire/info.h"
#include "wire/short_name.h"

#include <errno.h>

/* QUERY_INFO, [MS-SMB2] 3.3.5.20: what the vfs says is collected as facts and written by the tables of wire/info.h. */

enum {
	DATA = SMB2_HEADER_SIZE + SMB2_OUTPUT_RSP_FIXED_SIZE,
	SECTOR = 512,
	FILE_DEVICE_DISK = 7, /* [MS-FSCC] 2.5.10 */
	FILE_DEVICE_IS_MOUNTED = 0x20,
	FILE_REMOTE_DEVICE = 0x10,
	EA_LIST_HEADER = 4,   /* what an EA list takes beyond its entries, [MS-FSCC] 2.4.13 */
	EA_ENTRY_OVERHEAD = 5,
};

struct info_call {
	struct call call;
	struct smb2_query_info_req q;
	struct vfs_stat st;
	bool has_st; /* CREATE has just found it */
	struct vfs_statfs fs;
	uint32_t ea_size;
	size_t used;
	ntstatus_t status;
};

/* Ends the element with what has been written behind the fixed part. */
static void finish(struct req *r, const struct info_call *c)
{
	if (status_is_error(c->status)) {
		req_error(r, c->status);
		return;
	}
	struct wr w = wr_over(req_reply_base(r), DATA + c->used);
	w.pos = SMB2_HEADER_SIZE;
	smb2_output_rsp_fixed_encode(&w, (uint32_t)c->used);
	w.pos = DATA + c->used;
	req_done(r, c->status, &w);
}

static struct wr output_of(const struct info_call *c)
{
	return wr_over(req_reply_base(c->call.req) + DATA, c->q.output_length);
}

static struct info_call *new_call(struct req *r, const struct smb2_query_info_req *q,
	int (*run)(struct call *, unsigned), void (*done)(struct req *, struct call *))
{
	struct wr w = req_reply(r, SMB2_OUTPUT_RSP_FIXED_SIZE + q->output_length);
	struct info_call *c = w.bad ? NULL : req_new_call(r, struct info_call, run, done);

	if (c)
		c->q = *q;
	return c;
}

/* ---- FILE ---- */

static int add_ea_size(void *arg, const char *name, struct bytes value)
{
	uint32_t *total = arg;

	*total += (*total ? 0 : EA_LIST_HEADER) + (uint32_t)(EA_ENTRY_OVERHEAD + strlen(name) + value.len);
	return 0;
}

static bool shows_ea_size(uint8_t info_class)
{
	return info_class == FileEaInformation || info_class == FileAllInformation;
}

static int run_file(struct call *call, unsigned flags)
{
	struct info_call *c = container_of(call, struct info_call, call);
	int rc = c->has_st ? 0 : vfs_fstat(call->file, flags, &c->st);

	if (rc < 0 || !shows_ea_size(c->q.info_class))
		return rc;
	rc = vfs_ea_list(call->file, add_ea_size, &c->ea_size);
	return rc == -EOPNOTSUPP || rc == -EACCES ? 0 : rc;
}

static struct file_facts facts_of(const struct open *o, const struct info_call *c, const char *name)
{
	return (struct file_facts){
		.creation_time = c->st.creation_time,
		.last_access_time = c->st.access_time,
		.last_write_time = c->st.write_time,
		.change_time = c->st.change_time,
		.attributes = c->st.attributes,
		.allocation_size = c->st.allocation,
		.end_of_file = c->st.directory ? 0 : c->st.size,
		.number_of_links = c->st.nlink,
		.delete_pending = o->node && node_delete_pending(o->node),
		.directory = c->st.directory,
		.file_id = c->st.file_id,
		.volume_id = c->st.dev,
		.ea_size = c->ea_size,
		.access_flags = o->granted_access,
		.position = o->position,
		.mode = o->mode,
		.name = name,
	};
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void file_done(struct req *r, struct call *call)
{
	struct info_call *c = container_of(call, struct info_call, call);
	uint8_t class = c->q.info_class;

	if (call->result < 0) {
		req_error(r, status_from_errno(call->result));
		return;
	}
	char *path = node_path(r->open->node, c);
	char *name = path ? path_to_wire(c, path, class != FileNormalizedNameInformation) : NULL;
	if (!name) {
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return;
	}
	struct file_stream_fact data = {"::$DATA", c->st.size, c->st.allocation};
	char short_name[SHORT_NAME_SIZE];
	struct file_facts f = facts_of(r->open, c, name);
	short_name_of(last_component(path), short_name);
	f.short_name = short_name;
	f.streams = &data;
	f.stream_count = c->st.directory ? 0 : 1;
	struct wr w = output_of(c);
	c->status = file_info_encode(&w, class, &f);
	c->used = w.pos;
	finish(r, c);
}

struct ea_writer {
	struct wr w;
	size_t last;
	bool full;
};

static int write_ea(void *arg, const char *name, struct bytes value)
{
	struct ea_writer *e = arg;
	struct ea_fact f = {.name = name, .value = value};

	if (!e->full)
		e->full = !ea_append(&e->w, &f, &e->last);
	return 0;
}

static int run_ea_list(struct call *call, unsigned flags)
{
	struct info_call *c = container_of(call, struct info_call, call);
	struct ea_writer e = {.w = output_of(c), .last = SIZE_MAX};
	int rc;

	if (call_must_wait(call, flags))
		return -EAGAIN;
	rc = vfs_ea_list(call->file, write_ea, &e);
	if (rc < 0)
		return rc;
	c->used = e.w.pos;
	if (e.last == SIZE_MAX)
		c->status = e.full ? STATUS_BUFFER_TOO_SMALL : STATUS_NO_EAS_ON_FILE;
	else
		c->status = e.full ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
	return 0;
}

static void ea_list_done(struct req *r, struct call *call)
{
	struct info_call *c = container_of(call, struct info_call, call);

	if (call->result == -EOPNOTSUPP)
		c->status = STATUS_NO_EAS_ON_FILE;
	else if (call->result < 0)
		c->status = status_from_errno(call->result);
	finish(r, c);
}

static void query_file(struct req *r, const struct smb2_query_info_req *q)
{
	bool ea_list = q->info_class == FileFullEaInformation;
	uint32_t access = FILE_READ_EA;

	if (!ea_list && !file_info_required_access(q->info_class, &access)) {
		req_error(r, STATUS_INVALID_INFO_CLASS);
		return;
	}
	if ((r->open->granted_access & access) != access) {
		req_error(r, STATUS_ACCESS_DENIED);
		return;
	}
	struct info_call *c = ea_list ? new_call(r, q, run_ea_list, ea_list_done) : new_call(r, q, run_file, file_done);
	if (!c)
		return;
	c->has_st = r->chain_fresh;
	c->st = r->open->st;
	req_call(r, &c->call);
}

/* ---- FILESYSTEM ---- */

static int run_fs(struct call *call, unsigned flags)
{
	struct info_call *c = container_of(call, struct info_call, call);

	if (call_must_wait(call, flags))
		return -EAGAIN;
	return vfs_statfs(call->share, call->cred, &c->fs);
}

static void fs_done(struct req *r, struct call *call)
{
	struct info_call *c = container_of(call, struct info_call, call);
	const struct server *s = r->local->server;
	const char *label = conf_str(r->tree->share, P_VOLUME);

	if (call->result < 0) {
		req_error(r, status_from_errno(call->result));
		return;
	}
	struct fs_facts f = {
		.volume_creation_time = s->start_time,
		.volume_serial = (uint32_t)(c->fs.volume_id ^ c->fs.volume_id >> 32),
		.label = *label ? label : r->tree->share_name,
		.total_units = c->fs.blocks,
		.caller_free_units = c->fs.available_blocks,
		.actual_free_units = c->fs.free_blocks,
		.bytes_per_sector = SECTOR,
		.sectors_per_unit = c->fs.block_size >= SECTOR ? (uint32_t)(c->fs.block_size / SECTOR) : 1,
		.device_type = FILE_DEVICE_DISK,
		.device_characteristics = FILE_DEVICE_IS_MOUNTED | FILE_REMOTE_DEVICE,
		.fs_attributes = c->fs.fs_attributes,
		.max_name_length = c->fs.max_name_length,
		.fs_name = conf_str(r->tree->share, P_FSTYPE),
		.sector_physical = c->fs.block_size >= SECTOR ? (uint32_t)c->fs.block_size : SECTOR,
		.sector_flags = 3, /* aligned, no seek penalty known: [MS-FSCC] 2.5.7 */
	};
	memcpy(f.object_id, &c->fs.volume_id, sizeof(c->fs.volume_id));
	struct wr w = output_of(c);
	c->status = fs_info_encode(&w, c->q.info_class, &f);
	c->used = w.pos;
	finish(r, c);
}

static void query_fs(struct req *r, const struct smb2_query_info_req *q)
{
	struct info_call *c = new_call(r, q, run_fs, fs_done);

	if (c)
		req_call(r, &c->call);
}

/* ---- which kind ---- */

/* Security descriptors and quotas are features that this server does not have: 3.3.5.20.3, 3.3.5.20.4. */
static void query_security(struct req *r, const struct smb2_query_info_req *q)
{
	req_error(r, r->open->granted_access & ACCESS_READ_CONTROL ? STATUS_NOT_SUPPORTED : STATUS_ACCESS_DENIED);
}

static void query_quota(struct req *r, const struct smb2_query_info_req *q)
{
	req_error(r, STATUS_NOT_SUPPORTED);
}

void op_query_info(struct req *r, struct rd *body)
{
	static void (*const kinds[])(struct req *, const struct smb2_query_info_req *) = {
		[SMB2_0_INFO_FILE] = query_file,
		[SMB2_0_INFO_FILESYSTEM] = query_fs,
		[SMB2_0_INFO_SECURITY] = query_security,
		[SMB2_0_INFO_QUOTA] = query_quota,
	};
	struct smb2_query_info_req q;
	ntstatus_t s = STATUS_SUCCESS;

	if (!smb2_query_info_req_decode(body, &q) || q.output_length > conn_max_payload(r->conn, r->local->server->max_transact))
		s = STATUS_INVALID_PARAMETER;
	else if (q.info_type >= ARRAY_SIZE(kinds) || !kinds[q.info_type])
		s = STATUS_INVALID_PARAMETER;
	else if (!r->open->file)
		s = STATUS_INVALID_DEVICE_REQUEST;
	if (!status_is_ok(s))
		req_error(r, s);
	else
		kinds[q.info_type](r, &q);
}
