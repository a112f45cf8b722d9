/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/pipe.h"

#include "core/clock.h"
#include "smbd/create.h"
#include "smbd/rpc.h"
#include "smbd/share.h"
#include "wire/srvsvc.h"
#include "wire/utf16.h"

#include <strings.h>

enum { MAX_PIPES = 32 }; /* of all sessions of a connection */

static bool share_at(void *arg, size_t i, struct rpc_share *out)
{
	const struct conf *conf = arg;
	size_t n = conf_share_count(conf);

	*out = (struct rpc_share){.caching = SMB2_SHAREFLAG_MANUAL_CACHING};
	if (i == n) {
		out->name = "IPC$";
		out->comment = "Remote IPC";
		out->type = STYPE_IPC | STYPE_SPECIAL;
		out->path = "";
		out->caching = SMB2_SHAREFLAG_NO_CACHING;
		return true;
	}
	if (i > n)
		return false;
	const struct conf_section *share = conf_share(conf, i);
	out->name = conf_section_name(share);
	out->comment = conf_str(share, P_COMMENT);
	out->path = conf_str(share, P_PATH);
	out->type = STYPE_DISKTREE;
	out->hidden = !share_is_listed(share);
	return true;
}

static struct rpc_env env_of(struct session *s)
{
	struct server *server = s->local->server;

	return (struct rpc_env){
		.server_name = server->policy.netbios_name,
		.workgroup = server->policy.workgroup,
		.server_comment = server->comment,
		.share_at = share_at,
		.arg = (void *)(uintptr_t)s->local->settings->conf,
		.user_is_admin = s->cred && s->cred->uid == 0 && server->privileged,
		.user_count = atomic_load(&server->stats.sessions),
	};
}

static unsigned pipes_of(const struct conn *c)
{
	unsigned n = 0;

	LIST_FOREACH(item, &c->channels)
		n += container_of(item, struct channel, conn_link)->session->pipe_count;
	return n;
}

void create_pipe(struct req *r, const struct smb2_create_req *q)
{
	char *name = utf16_to_utf8(r, q->name);
	struct rpc_env env = env_of(r->session);

	if (!name || !rpc_pipe_known(name)) {
		req_error(r, STATUS_OBJECT_NAME_NOT_FOUND);
		return;
	}
	if (q->create_disposition != FILE_OPEN && q->create_disposition != FILE_OPEN_IF) {
		req_error(r, STATUS_ACCESS_DENIED);
		return;
	}
	/* A pipe may hold megabytes. */
	struct open *o = pipes_of(r->conn) < MAX_PIPES ? open_new(r->session, r->tree) : NULL;
	if (o)
		o->pipe = rpc_pipe_open(o, name, &env);
	if (o && o->pipe)
		r->session->pipe_count++;
	if (!o || !o->pipe) {
		talloc_free(o);
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return;
	}
	o->granted_access = create_map_generic(q->desired_access);
	o->st = (struct vfs_stat){.attributes = FILE_ATTRIBUTE_NORMAL, .allocation = 4096};
	create_reply(r, o, FILE_OPENED, &(struct smb2_create_contexts_rsp){0});
}

void pipe_read(struct req *r, const struct smb2_read_req *q)
{
	struct wr w = req_reply(r, SMB2_READ_RSP_FIXED_SIZE + q->length);
	size_t fixed = SMB2_HEADER_SIZE + SMB2_READ_RSP_FIXED_SIZE, got = 0;

	if (w.bad)
		return;
	ntstatus_t s = rpc_pipe_read(r->open->pipe, w.base + fixed, q->length, &got);
	if (status_is_error(s)) {
		req_error(r, s);
		return;
	}
	smb2_read_rsp_encode(&w, &(struct smb2_read_rsp){.data_length = (uint32_t)got});
	w.pos = fixed + got;
	req_done(r, s, &w);
}

void pipe_write(struct req *r, struct bytes data)
{
	ntstatus_t s = rpc_pipe_write(r->open->pipe, data);

	if (!status_is_ok(s)) {
		req_error(r, s);
		return;
	}
	struct wr w = req_reply(r, 16);
	smb2_write_rsp_encode(&w, &(struct smb2_write_rsp){.count = (uint32_t)data.len});
	req_done(r, STATUS_SUCCESS, &w);
}

void pipe_transceive(struct req *r, const struct smb2_ioctl_req *q)
{
	ntstatus_t s = rpc_pipe_write(r->open->pipe, q->input);
	uint8_t *out = talloc_array(r, uint8_t, q->max_output_response ? q->max_output_response : 1);
	size_t got = 0;

	if (!out)
		s = STATUS_INSUFFICIENT_RESOURCES;
	if (status_is_ok(s))
		s = rpc_pipe_read(r->open->pipe, out, q->max_output_response, &got);
	if (status_is_error(s)) {
		req_error(r, s);
		return;
	}
	struct smb2_ioctl_rsp rsp = {.ctl_code = q->ctl_code, .file_id = r->file_id, .output = BYTES(out, got)};
	struct wr w = req_reply(r, 64 + got);
	smb2_ioctl_rsp_encode(&w, &rsp);
	req_done(r, s, &w);
	talloc_free(out);
}
