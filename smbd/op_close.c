/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/node.h"
#include "smbd/req.h"
#include "smbd/tree.h"

#include <errno.h>

/* CLOSE, [MS-SMB2] 3.3.5.10: the last one of a file that is to be deleted deletes it. */

struct close_call {
	struct call call;
	struct server *server;
	bool query, queried, deleting;
	struct node_doom doom;
	struct vfs_stat st;
};

/* New openers are kept out until the name is gone, or the attempt has failed. Also when the call never ran. */
static int close_call_destructor(struct close_call *c)
{
	if (c->deleting) {
		if (c->doom.file)
			doom_carry_out(&c->doom);
		node_deleted(c->server->nodes, c->doom.key);
	}
	call_release(&c->call);
	return 0;
}

static int run_close(struct call *call, unsigned flags)
{
	struct close_call *c = container_of(call, struct close_call, call);

	if (c->deleting && call_must_wait(call, flags))
		return -EAGAIN;
	if (c->query && !c->queried) {
		int rc = vfs_fstat(call->file, flags, &c->st);
		if (rc == -EAGAIN)
			return rc;
		c->queried = rc == 0;
	}
	if (c->deleting) {
		vfs_file_unref(call->file);
		call->file = NULL;
		doom_carry_out(&c->doom);
	}
	return 0;
}

static void reply(struct req *r, const struct vfs_stat *st)
{
	struct smb2_close_rsp rsp = {0};

	if (st)
		rsp = (struct smb2_close_rsp){
			.flags = SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB,
			.creation_time = st->creation_time,
			.last_access_time = st->access_time,
			.last_write_time = st->write_time,
			.change_time = st->change_time,
			.allocation_size = st->allocation,
			.end_of_file = st->directory ? 0 : st->size,
			.file_attributes = st->attributes,
		};
	struct wr w = req_reply(r, 60);
	smb2_close_rsp_encode(&w, &rsp);
	req_done(r, STATUS_SUCCESS, &w);
}

static void close_done(struct req *r, struct call *call)
{
	struct close_call *c = container_of(call, struct close_call, call);

	if (c->deleting)
		node_deleted(c->server->nodes, c->doom.key);
	c->deleting = false;
	reply(r, c->queried ? &c->st : NULL);
}

void op_close(struct req *r, struct rd *body)
{
	struct smb2_close_req q;
	struct open *o = r->open;
	struct node_doom doom = {0};

	if (!smb2_close_req_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	r->open = NULL;
	bool deleting = open_leave_node(o, &doom);
	bool query = o->file && (q.flags & SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB);
	if (!deleting && (!query || r->chain_fresh)) {
		struct vfs_stat st = o->st;
		talloc_free(o);
		reply(r, query ? &st : NULL);
		return;
	}
	struct close_call *c = req_new_call(r, struct close_call, run_close, close_done);
	if (c) {
		c->server = r->local->server;
		c->call.file = vfs_file_ref(o->file);
		c->query = query;
		c->deleting = deleting;
		c->doom = doom;
		talloc_steal(c, doom.path);
		talloc_set_destructor(c, close_call_destructor);
	} else if (deleting) {
		doom_carry_out(&doom);
		node_deleted(r->local->server->nodes, doom.key);
	}
	talloc_free(o);
	if (c)
		req_call(r, &c->call);
}
