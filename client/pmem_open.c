/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A file that is open with a lease, and what it offers. */
#include "client/pmem.h"
#include "client/req.h"
#include "core/random.h"

enum { CONTEXTS_ROOM = 256, IMPERSONATION = 2 };

uint32_t pmem_lease_for(uint32_t access)
{
	return SMB2_LEASE_READ | (access & PMEM_ACCESS_WRITE ? SMB2_LEASE_WRITE : 0);
}

struct bytes pmem_contexts(TALLOC_CTX *mem, const struct daxsmb_file *f)
{
	struct smb2_create_contexts_req c = {
		.has_lease = true,
		.lease = {.version = 2, .state = f->wish},
		.has_pmem = true,
		.pmem = {.version = PMEM_VERSION, .access = f->access},
	};
	uint8_t *buf = talloc_size(mem, CONTEXTS_ROOM);
	struct wr w = wr_over(buf, buf ? CONTEXTS_ROOM : 0);

	memcpy(c.lease.key, f->listener.key, sizeof(c.lease.key));
	smb2_create_contexts_req_encode(&w, &c);
	return w.bad ? BYTES(NULL, 0) : BYTES(buf, w.pos);
}

static int file_destructor(struct daxsmb_file *f)
{
	pmem_file_ends(f);
	list_remove(&f->link);
	list_remove(&f->listener.link);
	return 0;
}

static struct daxsmb_file *file_new(
	TALLOC_CTX *mem, struct daxsmb_direct *d, const char *path, uint32_t access)
{
	struct daxsmb_file *f = talloc_zero(mem, struct daxsmb_file);

	if (!f)
		return NULL;
	f->direct = d;
	f->path = talloc_strdup(f, path);
	f->access = access;
	f->wish = SMB2_LEASE_READ | SMB2_LEASE_HANDLE | (access & PMEM_ACCESS_WRITE ? SMB2_LEASE_WRITE : 0);
	f->listener.broken = pmem_file_broken;
	f->listener.arg = f;
	random_bytes(f->listener.key, sizeof(f->listener.key));
	list_init(&f->regions);
	list_init(&f->listener.link);
	list_append(&d->files, &f->link);
	talloc_set_destructor(f, file_destructor);
	if (!f->path)
		TALLOC_FREE(f);
	return f;
}

struct open_state {
	struct daxsmb_file *file;
};

static void open_answered(struct tevent_req *sub);

struct tevent_req *daxsmb_file_open_send(TALLOC_CTX *mem, struct daxsmb_direct *d, const char *path,
	const struct smb2_create_req *in, uint32_t access)
{
	struct open_state *s;
	struct tevent_req *sub, *req = tevent_req_create(mem, &s, struct open_state);
	struct daxsmb_conn *c = daxsmb_tree_conn(d->tree);
	struct smb2_create_req q = *in;

	if (!req)
		return NULL;
	if (!c) {
		tevent_req_error(req, STATUS_USER_SESSION_DELETED);
		return tevent_req_post(req, d->ev);
	}
	s->file = file_new(s, d, path, access);
	if (tevent_req_nomem(s->file, req))
		return tevent_req_post(req, d->ev);
	list_append(&c->breaks, &s->file->listener.link);
	q.oplock_level = SMB2_OPLOCK_LEVEL_LEASE;
	q.impersonation_level = q.impersonation_level ? q.impersonation_level : IMPERSONATION;
	if (!q.share_access)
		q.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
	q.contexts = pmem_contexts(s, s->file);
	if (tevent_req_nomem(q.contexts.data, req))
		return tevent_req_post(req, d->ev);
	sub = daxsmb_create_send(s, d->ev, d->tree, path, &q);
	if (tevent_req_nomem(sub, req))
		return tevent_req_post(req, d->ev);
	tevent_req_set_callback(sub, open_answered, req);
	return req;
}

static ntstatus_t opened(struct daxsmb_file *f, const struct smb2_create_rsp *p)
{
	struct smb2_create_contexts_rsp c;

	f->id = p->file_id;
	f->size = p->end_of_file;
	if (!smb2_create_contexts_rsp_decode(p->contexts, &c))
		return STATUS_INVALID_NETWORK_RESPONSE;
	if (c.has_lease)
		f->lease = c.lease.state;
	if (c.has_pmem)
		f->offer = c.pmem;
	else
		f->offer.status = STATUS_NOT_SUPPORTED;
	return STATUS_SUCCESS;
}

static void open_answered(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct open_state *s = tevent_req_data(req, struct open_state);
	struct smb2_create_rsp p;
	ntstatus_t status = daxsmb_create_recv(sub, &p);

	if (status_is_ok(status))
		status = opened(s->file, &p);
	talloc_free(sub);
	if (!req_failed(req, status))
		tevent_req_done(req);
}

ntstatus_t daxsmb_file_open_recv(struct tevent_req *req, struct daxsmb_file **out)
{
	struct open_state *s = tevent_req_data(req, struct open_state);
	ntstatus_t status = req_status(req);

	if (status_is_ok(status))
		*out = talloc_steal(s->file->direct, s->file);
	return status;
}

const struct pmem_offer_rsp *daxsmb_file_offer(const struct daxsmb_file *f)
{
	return &f->offer;
}

uint64_t daxsmb_file_size(const struct daxsmb_file *f)
{
	return f->size;
}

struct smb2_file_id daxsmb_file_id(const struct daxsmb_file *f)
{
	return f->id;
}

static void close_answered(struct tevent_req *sub)
{
	struct tevent_req *req = tevent_req_callback_data(sub, struct tevent_req);
	struct smb2_close_rsp p;
	ntstatus_t status = daxsmb_close_recv(sub, &p);

	talloc_free(sub);
	if (!req_failed(req, status))
		tevent_req_done(req);
}

struct tevent_req *daxsmb_file_close_send(TALLOC_CTX *mem, struct daxsmb_file *f)
{
	struct open_state *s;
	struct tevent_req *sub, *req = tevent_req_create(mem, &s, struct open_state);
	struct smb2_close_req q = {.file_id = f->id};

	if (!req)
		return NULL;
	s->file = talloc_steal(s, f);
	pmem_file_ends(f);
	sub = daxsmb_close_send(s, f->direct->ev, f->direct->tree, &q);
	if (tevent_req_nomem(sub, req))
		return tevent_req_post(req, f->direct->ev);
	tevent_req_set_callback(sub, close_answered, req);
	return req;
}

ntstatus_t daxsmb_file_close_recv(struct tevent_req *req)
{
	return req_status(req);
}
