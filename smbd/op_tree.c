/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/log.h"
#include "smbd/req.h"
#include "smbd/share.h"
#include "smbd/tree.h"
#include "vfs/guard.h"
#include "wire/utf16.h"

#include <strings.h>

/* TREE_CONNECT and TREE_DISCONNECT, [MS-SMB2] 3.3.5.7 and 3.3.5.8. */

enum { READ_ONLY_ACCESS = 0x001200A9, PIPE_ACCESS = 0x001F00A9 };

struct connect_call {
	struct call call;
	struct share_request q;
	struct share_grant grant;
	ntstatus_t status;
	TALLOC_CTX *mem; /* a tree of its own: allocated in by the worker */
};

static int connect_call_destructor(struct connect_call *c)
{
	call_release(&c->call);
	vfs_share_unref(c->grant.vfs);
	vfs_guard_unref(c->grant.guard);
	vfs_cred_unref(c->grant.cred);
	vfs_cred_unref(c->q.session_cred);
	settings_unref(c->q.settings);
	talloc_free(c->mem);
	return 0;
}

static int run_connect(struct call *c, unsigned flags)
{
	struct connect_call *t = container_of(c, struct connect_call, call);

	t->status = STATUS_INTERNAL_ERROR;
	if (vfs_act_as_process() == 0)
		t->status = share_connect(t->mem, &t->q, &t->grant);
	return 0;
}

static void reply(struct req *r, struct tree *t)
{
	struct smb2_tree_connect_rsp rsp = {
		.share_type = t->share ? SMB2_SHARE_TYPE_DISK : SMB2_SHARE_TYPE_PIPE,
		.share_flags = t->share ? SMB2_SHAREFLAG_MANUAL_CACHING : SMB2_SHAREFLAG_NO_CACHING,
		.maximal_access = t->maximal_access,
	};

	if (t->encrypt)
		rsp.share_flags |= SMB2_SHAREFLAG_ENCRYPT_DATA;
	r->tree_id = t->id;
	r->tree = t;
	struct wr w = req_reply(r, 16);
	smb2_tree_connect_rsp_encode(&w, &rsp);
	req_done(r, STATUS_SUCCESS, &w);
}

static void connect_disk(struct req *r, const char *name);

static void connected(struct req *r, struct call *c)
{
	struct connect_call *t = container_of(c, struct connect_call, call);

	if (t->q.settings != r->local->settings) { /* read again meanwhile: it may be refused now */
		connect_disk(r, t->q.name);
		return;
	}
	if (!status_is_ok(t->status)) {
		log_info(audit, "share %s refused to %s from %s: %s", t->q.name, r->session->user, r->conn->peer,
			status_name(t->status));
		req_error(r, t->status);
		return;
	}
	/* [MS-SMB2] 3.3.5.7: a share that demands encryption is closed to a session that cannot encrypt. */
	if (t->grant.encrypt && !r->session->sealer) {
		req_error(r, STATUS_ACCESS_DENIED);
		return;
	}
	if (!share_enter(r->local->server, t->grant.section)) {
		req_error(r, STATUS_REQUEST_NOT_ACCEPTED); /* 3.3.5.7 */
		return;
	}
	struct tree *tree = tree_new(r->session);
	if (!tree) {
		share_leave(r->local->server, t->grant.section);
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return;
	}
	tree->settings = settings_ref(t->q.settings);
	tree->share = t->grant.section;
	tree->share_name = talloc_steal(tree, t->grant.name);
	tree->vfs = t->grant.vfs;
	tree->guard = t->grant.guard;
	tree->cred = t->grant.cred;
	t->grant.vfs = NULL;
	t->grant.guard = NULL;
	t->grant.cred = NULL;
	tree->read_only = t->grant.read_only;
	tree->encrypt = t->grant.encrypt;
	tree->maximal_access = tree->read_only ? READ_ONLY_ACCESS : FILE_ALL_ACCESS;
	log_info(audit, "share %s connected by %s from %s", tree->share_name, r->session->user, r->conn->peer);
	reply(r, tree);
}

static void connect_pipes(struct req *r)
{
	struct tree *t = tree_new(r->session);

	if (!t) {
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return;
	}
	t->share_name = "IPC$";
	t->cred = vfs_cred_ref(r->session->cred);
	t->maximal_access = PIPE_ACCESS;
	reply(r, t);
}

static void connect_disk(struct req *r, const char *name)
{
	struct connect_call *t = req_new_call(r, struct connect_call, run_connect, connected);

	if (!t)
		return;
	t->mem = talloc_new(NULL);
	talloc_set_destructor(t, connect_call_destructor);
	t->q = (struct share_request){
		.server = r->local->server,
		.settings = settings_ref(r->local->settings),
		.name = talloc_strdup(t, name),
		.user = talloc_strdup(t, r->session->user),
		.peer = talloc_strdup(t, r->conn->peer),
		.guest = r->session->guest,
		.anonymous = r->session->anonymous,
		.session_cred = vfs_cred_ref(r->session->cred),
	};
	if (!t->q.name || !t->q.user || !t->q.peer || !t->mem) {
		talloc_free(t);
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return;
	}
	req_call_worker(r, &t->call);
}

/* The share in \\server\share; NULL if path is not of that form. */
static const char *share_of(const char *path)
{
	const char *sep;

	if (path[0] != '\\' || path[1] != '\\' || !(sep = strchr(path + 2, '\\')))
		return NULL;
	return sep[1] && !strchr(sep + 1, '\\') ? sep + 1 : NULL;
}

void op_tree_connect(struct req *r, struct rd *body)
{
	struct smb2_tree_connect_req q;

	if (!smb2_tree_connect_req_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	/* 3.3.5.7: it is what proves that the negotiation was not tampered with. */
	if (r->conn->dialect == SMB2_DIALECT_0311 && r->channel->signer && !r->signed_request && !r->sealed) {
		r->disconnect = "TREE_CONNECT is not signed";
		return;
	}
	char *path = utf16_to_utf8(r, q.path);
	const char *name = path ? share_of(path) : NULL;
	if (!name)
		req_error(r, STATUS_BAD_NETWORK_NAME);
	else if (strcasecmp(name, "IPC$") == 0)
		connect_pipes(r);
	else
		connect_disk(r, name);
}

void op_tree_disconnect(struct req *r, struct rd *body)
{
	struct smb2_empty q;

	if (!smb2_empty_decode(body, &q)) {
		req_error(r, STATUS_INVALID_PARAMETER);
		return;
	}
	struct tree *t = r->tree;
	r->tree = NULL;
	tree_disconnect(t);
	req_done_empty(r);
}
