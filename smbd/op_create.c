/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/create.h"

#include "core/log.h"
#include "smbd/break_wait.h"
#include "smbd/eas.h"
#include "smbd/grant.h"
#include "smbd/node.h"
#include "smbd/path.h"
#include "smbd/tree.h"

#include <errno.h>

/*
 * CREATE, [MS-SMB2] 3.3.5.9, in steps:
 *
 *   decode and check -> find: open or make the file (may block) -> permit: attributes, access, then share modes and
 *   leases in the node table (may wait for the answer to a break) -> overwrite: truncate (may block) -> reply
 */

struct create_call {
	struct call call;
	struct smb2_create_req q;
	struct smb2_create_contexts_req contexts; /* its views are not used after the first step */
	const struct create_disposition *disposition;
	struct eas eas; /* of a new or overwritten file */
	char *path;
	uint32_t access;  /* asked for, then granted */
	bool want_maximal, refused, cannot_delete;
	bool want_lease; /* contexts.lease */
	bool waited;     /* for the answer to a break */
	struct node_table *nodes;
	struct node_change change; /* of one that overwrites */
	uint8_t client_guid[16];
	uint32_t maximal;
	struct vfs_stat st;
	uint32_t action;
};

/* ---- find ---- */

static int open_existing(struct create_call *c, unsigned flags)
{
	bool late = c->access & ACCESS_MAXIMUM_ALLOWED; /* which access is known only after a look at the file */
	struct vfs_open_how how = {
		.path = c->path,
		.disposition = VFS_OPEN_EXISTING,
		.access = late ? VFS_NONE : create_vfs_access(c->access, c->disposition->overwrites),
		.no_follow = c->q.create_options & FILE_OPEN_REPARSE_POINT,
	};

	c->action = c->disposition->existing_action;
	return vfs_open(c->call.share, c->call.cred, &how, flags, &c->call.file, &c->st);
}

/* [MS-FSA] 2.1.5.1.1: a new file is to be archived; NORMAL only stands for no attribute. */
static uint32_t new_attributes(const struct smb2_create_req *q)
{
	uint32_t a = q->file_attributes & ~(uint32_t)(FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_DIRECTORY);

	return q->create_options & FILE_DIRECTORY_FILE ? a : a | FILE_ATTRIBUTE_ARCHIVE;
}

static int make_new(struct create_call *c, unsigned flags)
{
	struct vfs_open_how how = {
		.path = c->path,
		.disposition = VFS_CREATE_NEW,
		.access = create_vfs_access(c->access & ACCESS_MAXIMUM_ALLOWED ? FILE_ALL_ACCESS : c->access, false),
		.directory = c->q.create_options & FILE_DIRECTORY_FILE,
		.attributes = new_attributes(&c->q),
		.allocation = c->contexts.has_alsi ? c->contexts.allocation_size : 0,
	};

	c->action = FILE_CREATED;
	/* [MS-SMB2] 3.3.5.9.8: the lease is that of another file. */
	if (c->want_lease && node_lease_is_used(c->nodes, c->client_guid, c->contexts.lease.key))
		return -EINVAL;
	int rc = vfs_open(c->call.share, c->call.cred, &how, flags, &c->call.file, &c->st);
	if (rc == 0 && c->eas.count) {
		rc = eas_apply(&c->eas, c->call.file, c->call.cred);
		if (rc < 0)
			vfs_unlink(c->call.file, c->call.cred, vfs_file_path(c->call.file));
	}
	return rc;
}

/* What the open alone has not shown: rights that mode bits of file and parent decide. */
static int find_maximal(struct create_call *c, unsigned flags)
{
	bool any = c->access & ACCESS_MAXIMUM_ALLOWED;
	int rc;

	if (c->action == FILE_CREATED) {
		c->maximal = FILE_ALL_ACCESS;
	} else {
		rc = vfs_maximal_access(c->call.file, c->call.cred, &c->maximal);
		if (rc < 0)
			return rc;
		if (c->st.attributes & FILE_ATTRIBUTE_READONLY && !c->st.directory)
			c->maximal &= ~(uint32_t)(FILE_WRITE_DATA | FILE_APPEND_DATA);
	}
	uint32_t wanted = c->access & ~(uint32_t)ACCESS_MAXIMUM_ALLOWED;
	c->refused = wanted & ~c->maximal;
	if (!any || c->refused)
		return 0;
	c->access = wanted | c->maximal;
	return vfs_reopen(c->call.file, c->call.cred, create_vfs_access(c->access, c->disposition->overwrites), flags);
}

static int find(struct call *call, unsigned flags)
{
	struct create_call *c = container_of(call, struct create_call, call);
	int rc = -ENOENT;

	vfs_file_unref(c->call.file);
	c->call.file = NULL;
	/* Somebody may make or remove the file between the two tries: a few rounds settle it. */
	for (int round = 0; round < 8; round++) {
		if (c->disposition->may_open)
			rc = open_existing(c, flags);
		if (rc == -ENOENT && c->disposition->may_create) {
			/* [MS-FSA] 2.1.5.1.1: a new file that is read-only could not be deleted on close. */
			c->cannot_delete = (c->q.create_options & FILE_DELETE_ON_CLOSE) &&
					   (c->q.file_attributes & FILE_ATTRIBUTE_READONLY);
			rc = c->cannot_delete ? -EPERM : make_new(c, flags);
		}
		if (rc != -EEXIST || !c->disposition->may_open)
			break;
	}
	if (rc == 0 && (c->want_maximal || create_needs_maximal(c->access)))
		rc = find_maximal(c, flags);
	return rc;
}

static int create_call_destructor(struct create_call *c)
{
	node_change_end(&c->change);
	call_release(&c->call);
	return 0;
}

/* A call for what comes after c, with all that c has found. NULL: the element has been completed. */
static struct create_call *next_step(struct req *r, struct create_call *c, int (*run)(struct call *, unsigned),
	void (*done)(struct req *, struct call *))
{
	struct create_call *next = req_new_call(r, struct create_call, run, done);

	if (!next)
		return NULL;
	struct call base = next->call;
	*next = *c;
	talloc_set_destructor(next, create_call_destructor);
	c->change.table = NULL; /* it has moved */
	next->call = base;
	next->path = NULL; /* memory of the step before */
	next->call.file = vfs_file_ref(c->call.file);
	return next;
}

/* ---- permit ---- */

static uint8_t oplock_wished(const struct conf_section *share, const struct create_call *c)
{
	uint8_t level = c->q.oplock_level;

	if (level == SMB2_OPLOCK_LEVEL_LEASE || !conf_bool(share, P_OPLOCKS))
		return SMB2_OPLOCK_LEVEL_NONE;
	return level == SMB2_OPLOCK_LEVEL_II && !conf_bool(share, P_LEVEL2_OPLOCKS) ? SMB2_OPLOCK_LEVEL_NONE : level;
}

static struct node_claim claim_of(struct create_call *c, struct open *o)
{
	return (struct node_claim){
		.key = {c->st.dev, c->st.ino},
		.root = vfs_share_root(c->call.share),
		.path = vfs_file_path(c->call.file),
		.access = c->access,
		.share_access = c->q.share_access,
		.oplock_level = oplock_wished(o->tree->share, c),
		.lease = c->want_lease ? &c->contexts.lease : NULL,
		.client_guid = c->client_guid,
		.waited = c->waited,
		.reactor = o->session->local->reactor,
		.session_id = o->session->id,
		.file_id = o->id,
		.is_new = c->action == FILE_CREATED,
		.overwrites = c->disposition->overwrites && c->action != FILE_CREATED,
		.deletes = c->q.create_options & FILE_DELETE_ON_CLOSE,
		.directory = c->st.directory,
		.change = &c->change,
	};
}

static struct open *make_open(struct req *r, struct create_call *c)
{
	struct open *o = open_new(r->session, r->tree);

	if (!o)
		return NULL;
	o->file = vfs_file_ref(c->call.file);
	o->granted_access = c->access;
	o->directory = c->st.directory;
	o->delete_on_close = c->q.create_options & FILE_DELETE_ON_CLOSE;
	o->mode = c->q.create_options & (FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_NO_INTERMEDIATE_BUFFERING |
						FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT |
						FILE_DELETE_ON_CLOSE);
	o->st = c->st;
	return o;
}

static void reply_opened(struct req *r, struct create_call *c, struct open *o)
{
	struct smb2_create_contexts_rsp contexts = {0};

	if (c->contexts.has_mxac) {
		contexts.has_mxac = true;
		contexts.maximal_access = c->maximal;
	}
	if (c->contexts.has_pmem && !o->directory) {
		contexts.has_pmem = true;
		grant_offer(o, c->contexts.pmem.access, &contexts.pmem);
	}
	if (c->contexts.has_qfid) {
		contexts.has_qfid = true;
		contexts.qfid_file_id = c->st.file_id;
		contexts.qfid_volume_id = c->st.dev;
	}
	contexts.has_lease = node_lease(o->node, &contexts.lease);
	o->st = c->st;
	create_reply(r, o, c->action, &contexts);
}

void create_reply(struct req *r, struct open *o, uint32_t action, const struct smb2_create_contexts_rsp *contexts)
{
	uint8_t buf[512];
	struct wr cw = wr_over(buf, sizeof(buf));
	struct smb2_create_rsp rsp = {
		.oplock_level = o->oplock_level,
		.create_action = action,
		.creation_time = o->st.creation_time,
		.last_access_time = o->st.access_time,
		.last_write_time = o->st.write_time,
		.change_time = o->st.change_time,
		.allocation_size = o->st.allocation,
		.end_of_file = o->st.directory ? 0 : o->st.size,
		.file_attributes = o->st.attributes,
		.file_id = o->id,
	};

	smb2_create_contexts_rsp_encode(&cw, contexts);
	rsp.contexts = BYTES(buf, cw.pos);
	r->chain_file_id = o->id;
	r->chain_has_file_id = r->chain_fresh = true;
	struct wr w = req_reply(r, 96 + cw.pos);
	smb2_create_rsp_encode(&w, &rsp);
	req_done(r, STATUS_SUCCESS, &w);
}

/* ---- overwrite ---- */

static int overwrite(struct call *call, unsigned flags)
{
	struct create_call *c = container_of(call, struct create_call, call);
	uint32_t attributes = new_attributes(&c->q);
	int rc = vfs_truncate(c->call.file, 0, flags);

	if (rc < 0)
		return rc;
	/* [MS-FSA] 2.1.5.1.2.1: an overwrite adds the new attributes, a supersede replaces the old ones. */
	if (c->action == FILE_OVERWRITTEN)
		attributes |= c->st.attributes & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM);
	rc = vfs_set_attributes(c->call.file, c->call.cred, attributes);
	if (rc == 0)
		rc = eas_apply(&c->eas, c->call.file, c->call.cred);
	if (rc == 0 && c->contexts.has_alsi)
		rc = vfs_set_allocation(c->call.file, c->contexts.allocation_size, flags);
	return rc < 0 ? rc : vfs_fstat(c->call.file, flags, &c->st);
}

static void overwritten(struct req *r, struct call *call)
{
	struct create_call *c = container_of(call, struct create_call, call);
	struct open *o = open_find(r->session, r->file_id);

	if (!o) {
		req_error(r, STATUS_FILE_CLOSED);
	} else if (call->result < 0) {
		open_end(o);
		req_error(r, status_from_errno(call->result));
	} else {
		node_break_late_caches(o->node);
		reply_opened(r, c, o);
	}
}

static void admitted(struct req *r, struct create_call *c, struct open *o)
{
	if (!c->disposition->overwrites || c->action == FILE_CREATED) {
		reply_opened(r, c, o);
		return;
	}
	struct create_call *step = next_step(r, c, overwrite, overwritten);
	if (!step) {
		open_end(o);
		return;
	}
	step->call.change = step->change;
	step->change.table = NULL;
	r->file_id = o->id;
	req_call(r, &step->call);
}

/* ---- admission ---- */

static void try_admit(struct req *r, struct create_call *c);

/* The holder may have flushed what it had cached: size and times are those of now. */
static int look_again(struct call *call, unsigned flags)
{
	struct create_call *c = container_of(call, struct create_call, call);

	return vfs_fstat(call->file, flags, &c->st);
}

static void looked_again(struct req *r, struct call *call)
{
	if (call->result < 0)
		req_error(r, status_from_errno(call->result));
	else
		try_admit(r, container_of(call, struct create_call, call));
}

static void wait_for_holder(struct req *r, struct create_call *c)
{
	struct create_call *next = next_step(r, c, look_again, looked_again);

	if (!next)
		return;
	next->waited = true;
	break_wait(r, &next->call);
}

static void try_admit(struct req *r, struct create_call *c)
{
	struct node_waiter w = break_waiter(r);
	struct open *o = make_open(r, c);

	if (!o) {
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return;
	}
	struct node_claim claim = claim_of(c, o);
	ntstatus_t s = node_open(c->nodes, &claim, &w, &o->node, &o->oplock_level);
	if (status_is_ok(s)) {
		admitted(r, c, o);
		return;
	}
	talloc_free(o);
	if (s == STATUS_PENDING)
		wait_for_holder(r, c);
	else
		req_error(r, s);
}

static void found(struct req *r, struct call *call)
{
	struct create_call *c = container_of(call, struct create_call, call);
	ntstatus_t s = STATUS_SUCCESS;

	if (call->result < 0) {
		req_error(r, c->cannot_delete ? STATUS_CANNOT_DELETE : status_from_errno(call->result));
		return;
	}
	if (c->action != FILE_CREATED)
		s = create_check_existing(&c->q, c->access, &c->st);
	/* With MAXIMUM_ALLOWED it is known only now whether there is the right to delete. */
	bool may_delete = c->access & ACCESS_DELETE;
	if (status_is_ok(s) && (c->refused || ((c->q.create_options & FILE_DELETE_ON_CLOSE) && !may_delete)))
		s = STATUS_ACCESS_DENIED;
	if (!status_is_ok(s))
		req_error(r, s);
	else
		try_admit(r, c);
}

/* ---- decode and check ---- */

/* [MS-SMB2] 3.3.5.9.8, 3.3.5.9.11: a context that the dialect does not know is ignored. */
static void read_lease(struct req *r, struct create_call *c)
{
	uint16_t dialect = c->contexts.lease.version == 2 ? SMB2_DIALECT_0300 : SMB2_DIALECT_0210;

	c->nodes = r->local->server->nodes;
	c->want_lease = r->local->server->leasing && c->q.oplock_level == SMB2_OPLOCK_LEVEL_LEASE &&
			c->contexts.has_lease && r->conn->dialect >= dialect;
	memcpy(c->client_guid, r->session->client_guid, sizeof(c->client_guid));
	if (!conf_bool(r->tree->share, P_OPLOCKS))
		c->contexts.lease.state = 0;
}

static ntstatus_t prepare(struct req *r, struct create_call *c)
{
	ntstatus_t s = create_check_request(&c->q);

	if (!status_is_ok(s))
		return s;
	if (open_limit_reached(r->session))
		return STATUS_INSUFFICIENT_RESOURCES;
	if (!smb2_create_contexts_req_decode(c->q.contexts, &c->contexts))
		return STATUS_INVALID_PARAMETER;
	if (c->contexts.has_twrp)
		return STATUS_OBJECT_NAME_NOT_FOUND; /* there are no previous versions */
	read_lease(r, c);
	s = path_from_wire(c, c->q.name, &c->path);
	log_debug(smb, "CREATE \"%s\": access %x, share %x, disposition %u, options %x, attributes %x", c->path ? c->path : "",
		c->q.desired_access, c->q.share_access, c->q.create_disposition, c->q.create_options, c->q.file_attributes);
	if (!status_is_ok(s))
		return s;
	if (c->contexts.has_extended_attributes) {
		if (!conf_bool(r->tree->share, P_EA_SUPPORT))
			return STATUS_EAS_NOT_SUPPORTED;
		s = eas_decode(r, c->contexts.extended_attributes, &c->eas);
		if (!status_is_ok(s))
			return s;
	}
	c->access = create_map_generic(c->q.desired_access);
	c->disposition = create_disposition(c->q.create_disposition);
	c->want_maximal = (c->access & ACCESS_MAXIMUM_ALLOWED) || c->contexts.has_mxac;
	/* [MS-SMB2] 3.3.5.9: what the tree does not allow, no file in it does. */
	if (c->access & ~(uint32_t)ACCESS_MAXIMUM_ALLOWED & ~r->tree->maximal_access & ~(uint32_t)ACCESS_SYSTEM_SECURITY)
		return STATUS_ACCESS_DENIED;
	if (c->access & ACCESS_SYSTEM_SECURITY)
		return STATUS_PRIVILEGE_NOT_HELD;
	return STATUS_SUCCESS;
}

void op_create(struct req *r, struct rd *body)
{
	struct create_call *c = req_new_call(r, struct create_call, find, found);

	if (!c)
		return;
	talloc_set_destructor(c, create_call_destructor);
	if (!smb2_create_req_decode(body, &c->q)) {
		talloc_free(c);
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	if (!r->tree->vfs) {
		create_pipe(r, &c->q);
		talloc_free(c);
		return;
	}
	ntstatus_t s = prepare(r, c);
	if (!status_is_ok(s)) {
		talloc_free(c);
		req_error(r, s);
		return;
	}
	req_call(r, &c->call);
}
