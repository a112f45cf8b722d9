/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/grant_core.h"

#include "core/clock.h"
#include "rdma/smbdirect.h"
#include "smbd/fsctl.h"
#include "smbd/node.h"
#include "smbd/share.h"
#include "smbd/tree.h"

#include <errno.h>

/* MAP: whether it may be, the pin, the tags, the answer. */

/* One tag reaches less than 4 GiB, for a descriptor's length has 32 bits; pages are not cut. */
static const uint64_t TAG_SPAN = 0xFFFFF000;

enum { GRANULARITY = 4096 };

uint64_t grant_tags(uint64_t length)
{
	return length / TAG_SPAN + (length % TAG_SPAN != 0);
}

/* ---- may it be ---- */

/* The lease is the permission: R for reading, R and W for writing. */
static uint32_t lease_for(uint32_t access)
{
	return SMB2_LEASE_READ | (access & PMEM_ACCESS_WRITE ? SMB2_LEASE_WRITE : 0);
}

static bool has_right(const struct open *o, uint32_t access)
{
	if (!(o->granted_access & (FILE_READ_DATA | FILE_EXECUTE)))
		return false;
	return !(access & PMEM_ACCESS_WRITE) || (o->granted_access & FILE_WRITE_DATA);
}

/* A tree from before a reload goes on in clear where encryption is demanded since; direct access does not. */
static bool is_encrypted(const struct open *o)
{
	return o->session->encrypt || o->tree->encrypt ||
	       conf_int(o->tree->share, P_SMB_ENCRYPT) == CONF_ENCRYPT_REQUIRED;
}

ntstatus_t grant_policy(const struct open *o)
{
	const struct tree *t = o->tree;

	if (!t->share || t->gone || !conf_bool(t->share, P_AVAILABLE) || !conf_bool(t->share, P_PMEM_DIRECT))
		return STATUS_ACCESS_DISABLED_BY_POLICY_OTHER;
	return is_encrypted(o) ? STATUS_ACCESS_DISABLED_BY_POLICY_DEFAULT : STATUS_SUCCESS;
}

static ntstatus_t refusal(const struct open *o, uint32_t access)
{
	if (!access || access & ~(uint32_t)(PMEM_ACCESS_READ | PMEM_ACCESS_WRITE))
		return STATUS_INVALID_PARAMETER;
	if (o->directory)
		return STATUS_FILE_IS_A_DIRECTORY;
	ntstatus_t s = grant_policy(o);
	if (!status_is_ok(s))
		return s;
	if (!vfs_share_is_mapped(o->tree->vfs))
		return STATUS_NOT_SUPPORTED;
	if (!o->tree->guard)
		return STATUS_LOCK_NOT_GRANTED;
	if (!has_right(o, access))
		return STATUS_ACCESS_DENIED;
	if (!vfs_can_pin(o->file))
		return STATUS_NOT_SUPPORTED;
	struct smb2_lease lease;
	bool breaking;
	if (!node_lease(o->node, &lease) || lease_for(access) & ~node_caching(o->node, &breaking) || breaking)
		return STATUS_CANNOT_GRANT_REQUESTED_OPLOCK;
	return STATUS_SUCCESS;
}

ntstatus_t grant_offer(const struct open *o, uint32_t access, struct pmem_offer_rsp *out)
{
	const struct settings *s = o->session->local->settings;
	ntstatus_t status = refusal(o, access);

	*out = (struct pmem_offer_rsp){
		.version = PMEM_VERSION,
		.durability = o->tree->vfs ? (uint8_t)vfs_share_durability(o->tree->vfs) : 0,
		.guard = o->tree->guard ? (uint8_t)vfs_guard_kind_of(o->tree->guard) : 0,
		.status = status,
		.access = status_is_ok(status) ? access : 0,
		.commit_methods = PMEM_COMMIT_READ_AFTER_WRITE | PMEM_COMMIT_FSCTL,
		.granularity = GRANULARITY,
		.revoke_timeout = s->revoke_timeout * 1000,
	};
	if (o->tree->share) {
		int64_t of_share = conf_int(o->tree->share, P_PMEM_MAX_SHARE_GRANTS);
		out->max_grants = of_share < s->max_session_grants ? (uint32_t)of_share : s->max_session_grants;
		out->max_length = (uint64_t)conf_int(o->tree->share, P_PMEM_MAX_GRANT_SIZE);
	}
	return status;
}

/* ---- the guard's word: on its thread ---- */

struct word {
	struct message m;
	uint64_t grant_id;
	bool lost;
};

static void deliver_word(struct reactor *self, struct message *m)
{
	struct word *w = container_of(m, struct word, m);
	struct local *l = reactor_user(self);
	struct grant *g = idtable_get(l->grants, w->grant_id);

	if (g && w->lost) {
		grant_end(g, GRANT_CAUSE_FAULT);
	} else if (g) {
		if (g->state == GRANT_LIVE) /* else somebody else was first */
			g->cause = GRANT_CAUSE_LOCAL;
		grant_step(g, GRANT_EV_RECALL);
	}
	free(w);
}

static void send_word(const struct grant *g, bool lost)
{
	struct word *w = calloc(1, sizeof(*w));

	if (!w)
		return; /* the change is held until the grant ends otherwise */
	w->m.deliver = deliver_word;
	w->grant_id = g->id;
	w->lost = lost;
	reactor_post(g->home, &w->m);
}

static void conflict(void *arg, uint64_t offset, uint64_t length, uint64_t token)
{
	send_word(arg, false);
}

static void lost(void *arg, const char *reason)
{
	send_word(arg, true);
}

const struct vfs_guard_events grant_guard_events = {.conflict = conflict, .lost = lost};

/* ---- tags ---- */

static struct grant_tag *tag_of(struct rdma_target *t)
{
	return container_of(t, struct grant_tag, target);
}

static size_t offset_of_tag(const struct grant_tag *t)
{
	return (size_t)(t - t->grant->tags) * TAG_SPAN;
}

/* What the client has written goes to the medium piece by piece, so that a commit finds little left to do. */
static bool placed(struct rdma_target *target, size_t offset, size_t len)
{
	struct grant_tag *t = tag_of(target);
	int rc = vfs_window_written(vfs_pin_window(t->grant->pin), offset_of_tag(t) + offset, len);

	if (rc < 0 && rc != -EFAULT)
		t->grant->failed = true;
	return rc != -EFAULT;
}

static void faulted(struct rdma_target *target)
{
	grant_end(tag_of(target)->grant, GRANT_CAUSE_FAULT);
}

/* The client gives one of its tags back: with it the grant is of no use. */
static void invalidated(struct rdma_target *target)
{
	tag_of(target)->registered = false;
	grant_end(tag_of(target)->grant, GRANT_CAUSE_UNMAP);
}

struct settling {
	struct job job;
	struct local *local;
	struct vfs_file *file; /* counted */
	uint64_t grant_id;
	unsigned tag;
	int result;
};

static void run_settle(struct job *j)
{
	struct settling *s = container_of(j, struct settling, job);

	s->result = vfs_flush(s->file, 0);
}

static void settle_done(struct job *j, bool ran)
{
	struct settling *s = container_of(j, struct settling, job);
	struct grant *g = idtable_get(s->local->grants, s->grant_id);

	if (g && grant_is_open(g->state))
		rdma_settled(smbdirect_rdma(g->conn->direct.sd), &g->tags[s->tag].target, ran ? s->result : -ECANCELED);
	vfs_file_unref(s->file);
	free(s);
}

/* A Read of the client waits until what it has written is as safe as the level says; below persistent that may take a disk. */
static void settle(struct rdma_target *target)
{
	struct grant_tag *t = tag_of(target);
	struct grant *g = t->grant;
	int rc = g->failed ? -EIO : vfs_pin_is_clean(g->pin) ? 0 : vfs_flush(g->file, VFS_NOWAIT);
	struct settling *s = rc == -EAGAIN ? calloc(1, sizeof(*s)) : NULL;

	if (!s) {
		rdma_settled(smbdirect_rdma(g->conn->direct.sd), target, rc == -EAGAIN ? -ENOMEM : rc);
		return;
	}
	*s = (struct settling){.job = {.run = run_settle, .done = settle_done}, .local = g->local,
		.file = vfs_file_ref(g->file), .grant_id = g->id, .tag = (unsigned)(t - g->tags)};
	workers_submit(g->local->server->workers, &s->job);
}

static int register_tag(struct grant *g, unsigned i)
{
	struct vfs_window *w = vfs_pin_window(g->pin);
	uint64_t at = i * TAG_SPAN, left = g->length - at;
	bool write = g->access & PMEM_ACCESS_WRITE;

	g->tags[i].grant = g;
	g->tags[i].target = (struct rdma_target){
		.base = w->base + at,
		.len = left < TAG_SPAN ? left : TAG_SPAN,
		.rights = RDMA_REMOTE_READ | (write ? RDMA_REMOTE_WRITE : 0),
		.shared = true,
		.placed = write ? placed : NULL,
		.settle = write ? settle : NULL,
		.faulted = faulted,
		.invalidated = invalidated,
	};
	int rc = rdma_register(smbdirect_rdma(g->conn->direct.sd), &g->tags[i].target);
	g->tags[i].registered = rc == 0;
	return rc;
}

static void answer(struct grant *g, struct req *r)
{
	struct pmem_map_rsp rsp = {
		.version = PMEM_VERSION,
		.durability = g->durability,
		.guard = g->guard_kind,
		.commit_methods = PMEM_COMMIT_FSCTL | (g->access & PMEM_ACCESS_WRITE ? PMEM_COMMIT_READ_AFTER_WRITE : 0),
		.grant_id = g->id,
		.offset = g->offset,
		.length = g->length,
		.access = g->access,
		.revoke_timeout = g->revoke_timeout * 1000,
		.descriptor_count = (uint16_t)g->tag_count,
	};
	uint8_t buf[PMEM_MAP_RSP_FIXED_SIZE + SMBDIRECT_MAX_DESCRIPTORS * SMBDIRECT_DESCRIPTOR_SIZE];
	struct wr w = wr_over(buf, sizeof(buf));

	for (unsigned i = 0; i < g->tag_count; i++)
		rsp.descriptors[i] = (struct smbdirect_descriptor){
			.token = g->tags[i].target.tag, .length = (uint32_t)g->tags[i].target.len};
	pmem_map_rsp_encode(&w, &rsp);
	fsctl_reply(r, &g->ioctl, STATUS_SUCCESS, BYTES(buf, w.pos));
}

bool grant_register(struct grant *g)
{
	struct req *r = g->conn && g->message_id ? req_find(g->conn, g->message_id) : NULL;

	if (!r)
		return false;
	for (unsigned i = 0; i < g->tag_count; i++)
		if (register_tag(g, i) < 0)
			return false;
	g->message_id = 0;
	conn_look_for_accesses(g->conn);
	grant_step(g, GRANT_EV_TAGGED);
	grant_audit(g, "grant given");
	req_enter(r);
	if (req_refresh(r))
		answer(g, r);
	req_leave(r); /* the connection, and g, may be gone */
	return true;
}

/* ---- the request ---- */

static struct grant *grant_new(struct req *r, const struct pmem_map_req *q)
{
	struct open *o = r->open;
	uint64_t tags = grant_tags(q->length);
	struct grant *g = talloc_zero_size(NULL, sizeof(*g) + tags * sizeof(g->tags[0]));

	if (!g)
		return NULL;
	*g = (struct grant){.local = r->local, .cause = GRANT_CAUSE_UNMAP, .open = o, .conn = r->conn,
		.session_id = r->session_id, .message_id = r->hdr.message_id, .offset = q->offset, .length = q->length,
		.access = q->access | PMEM_ACCESS_READ, .durability = (uint8_t)vfs_share_durability(o->tree->vfs),
		.guard_kind = (uint8_t)vfs_guard_kind_of(o->tree->guard), .refusal = STATUS_CANCELLED,
		.revoke_timeout = r->local->settings->revoke_timeout,
		.home = r->local->reactor, .born_ns = clock_now_ns(), .tag_count = (unsigned)tags};
	g->user = talloc_strdup(g, r->session->user ? r->session->user : "");
	g->peer = talloc_strdup(g, r->conn->peer);
	g->share = talloc_strdup(g, o->tree->share_name);
	g->path = node_path(o->node, g);
	g->id = g->user && g->peer && g->share && g->path ? idtable_add(r->local->grants, g) : 0;
	if (!g->id) {
		talloc_free(g);
		return NULL;
	}
	g->file = vfs_file_ref(o->file);
	g->cred = vfs_cred_ref(o->tree->cred);
	g->guard = vfs_guard_ref(o->tree->guard);
	list_append(&o->grants, &g->open_link);
	list_append(&r->conn->grants, &g->conn_link);
	return g;
}

/* Those that are fenced only wait for a worker, but there may not be any number of them. */
static bool has_enough(const struct session *s)
{
	unsigned most = s->local->settings->max_session_grants, n = 0, fenced = 0;
	uint32_t cursor = 0;
	struct grant *g;

	while ((g = idtable_next(s->local->grants, &cursor))) {
		if (g->session_id == s->id)
			g->state == GRANT_FENCED ? fenced++ : n++;
	}
	return n >= most || fenced >= 2 * most;
}

void grant_map(struct req *r, const struct smb2_ioctl_req *ioctl, const struct pmem_map_req *q)
{
	struct grant *g;

	if (has_enough(r->session) || !share_grant_enter(r->local->server, r->tree->share)) {
		req_error(r, STATUS_QUOTA_EXCEEDED);
		return;
	}
	if (!req_park(r, NULL) || !(g = grant_new(r, q))) {
		share_grant_leave(r->local->server, r->tree->share);
		req_error(r, STATUS_INSUFFICIENT_RESOURCES);
		return;
	}
	g->ioctl = *ioctl;
	g->ioctl.input = BYTES(NULL, 0);
	node_pin_began(r->open->node, q->access & PMEM_ACCESS_WRITE);
	/* A break that began before the open was watched will not be told to the grant; no more will a change. */
	bool changing = node_is_changing(r->open->node), draining = atomic_load(&r->local->server->draining);
	ntstatus_t s = changing ? STATUS_CANNOT_GRANT_REQUESTED_OPLOCK : refusal(r->open, q->access);
	if (draining)
		s = STATUS_CANCELLED;
	if (!status_is_ok(s)) {
		g->message_id = 0; /* while r runs it is not found by that */
		req_end_later(r, s);
		grant_end(g, GRANT_CAUSE_CLIENT);
	}
	grant_pin(g);
}
