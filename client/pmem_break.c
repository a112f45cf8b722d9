/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The break of a file's lease, the end of the channel, and how a region comes back afterwards. */
#include "client/exchange.h"
#include "client/pmem.h"
#include "client/req.h"
#include "core/clock.h"

#include <errno.h>

enum { LEASE_ACK_ROOM = 36, ACK_REQUIRED = 1, IMPERSONATION = 2 };

static bool needs_more(const struct daxsmb_region *r, uint32_t lease)
{
	return pmem_lease_for(r->access) & ~lease;
}

/* ---- coming back ---- */

static void retry_schedule(struct daxsmb_file *f);

/* Another connection of this client is for this file as good as gone: nothing to come back to. */
static bool is_hopeless(const struct daxsmb_file *f)
{
	struct daxsmb_conn *c = daxsmb_tree_conn(f->direct->tree);

	return !c || c->dead;
}

static void remap_answered(struct tevent_req *sub)
{
	struct daxsmb_region *r = tevent_req_callback_data_void(sub);
	struct pmem_map_rsp map;
	ntstatus_t status = pmem_map_request_recv(sub, &map);

	TALLOC_FREE(r->request);
	if (status_is_ok(status)) {
		pmem_mapped(r, &map);
		if (!r->unmapping)
			pmem_tell(r, DAXSMB_REGION_MAPPED);
	} else if (status == STATUS_CANNOT_GRANT_REQUESTED_OPLOCK) {
		r->file->lease = 0; /* whatever we have been told: ask again */
	}
	pmem_drained(r);
}

static void remap_all(struct daxsmb_file *f)
{
	LIST_FOREACH (item, &f->regions) {
		struct daxsmb_region *r = container_of(item, struct daxsmb_region, link);

		if (r->state != REGION_SMB || r->request || r->unmapping || needs_more(r, f->lease))
			continue;
		r->request = pmem_map_request_send(r, r);
		if (r->request)
			tevent_req_set_callback(r->request, remap_answered, r);
	}
	retry_schedule(f);
}

/* An open that is not the file's: closed, whatever has become of the file. So it is the tree's. */
struct pmem_look {
	struct daxsmb_file *file; /* NULL: no more */
	struct daxsmb_tree *tree;
	struct tevent_context *ev;
};

static void forget(struct tevent_req *req)
{
	talloc_free(req);
}

static void look_close(const struct pmem_look *l, struct smb2_file_id id)
{
	struct tevent_req *req =
		daxsmb_close_send(l->tree, l->ev, l->tree, &(struct smb2_close_req){.file_id = id});

	if (req)
		tevent_req_set_callback(req, forget, NULL);
}

static void looked(struct daxsmb_file *f, ntstatus_t status, const struct smb2_create_rsp *p)
{
	struct smb2_create_contexts_rsp c;

	f->look = NULL;
	if (f->breaking)
		return;
	if (status_is_ok(status) && smb2_create_contexts_rsp_decode(p->contexts, &c) && c.has_lease)
		f->lease = c.lease.state;
	remap_all(f);
}

static void look_answered(struct tevent_req *sub)
{
	struct pmem_look *l = tevent_req_callback_data_void(sub);
	struct smb2_create_rsp p;
	ntstatus_t status = daxsmb_create_recv(sub, &p);

	if (status_is_ok(status))
		look_close(l, p.file_id);
	if (l->file)
		looked(l->file, status, &p);
	talloc_free(l);
}

static struct pmem_look *look_send(struct daxsmb_file *f, const struct smb2_create_req *q)
{
	struct daxsmb_direct *d = f->direct;
	struct pmem_look *l = talloc(d->tree, struct pmem_look);
	struct tevent_req *sub;

	if (!l)
		return NULL;
	*l = (struct pmem_look){f, d->tree, d->ev};
	sub = daxsmb_create_send(l, l->ev, l->tree, f->path, q);
	if (sub)
		tevent_req_set_callback(sub, look_answered, l);
	else
		TALLOC_FREE(l);
	return l;
}

/*
 * The lease is asked for again by an open that only looks at attributes: the server gives the lease what it
 * can, and takes nothing from others for its sake ([MS-FSA] 2.1.4.12).
 */
static void look_again(struct daxsmb_file *f)
{
	struct smb2_create_req q = {
		.oplock_level = SMB2_OPLOCK_LEVEL_LEASE,
		.impersonation_level = IMPERSONATION,
		.desired_access = FILE_READ_ATTRIBUTES,
		.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		.create_disposition = FILE_OPEN,
		.create_options = FILE_NON_DIRECTORY_FILE,
		.contexts = pmem_contexts(f, f),
	};

	if (q.contexts.data)
		f->look = look_send(f, &q);
	talloc_free((void *)q.contexts.data);
	if (!f->look)
		retry_schedule(f);
}

/* Whether some region is to be mapped again; *lease: with a lease that the file does not have. */
static bool some_region_waits(const struct daxsmb_file *f, bool *lease)
{
	bool some = false;

	*lease = false;
	LIST_FOREACH (item, &f->regions) {
		const struct daxsmb_region *r = container_of(item, struct daxsmb_region, link);

		if (r->state != REGION_SMB || r->request || r->unmapping)
			continue;
		some = true;
		*lease |= needs_more(r, f->lease);
	}
	return some;
}

static void retry(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg)
{
	struct daxsmb_file *f = arg;
	bool lease;

	f->retry = NULL;
	if (f->breaking || f->look || is_hopeless(f) || !some_region_waits(f, &lease))
		return;
	if (lease)
		look_again(f);
	else
		remap_all(f);
}

static void retry_schedule(struct daxsmb_file *f)
{
	bool lease;

	if (f->retry || f->closed || f->breaking || f->look || is_hopeless(f) ||
		!some_region_waits(f, &lease))
		return;
	if (!f->pause_ms)
		f->pause_ms = RETRY_FIRST_MS;
	f->retry = tevent_add_timer(f->direct->ev, f,
		tevent_timeval_current_ofs(f->pause_ms / 1000, f->pause_ms % 1000 * 1000), retry, f);
	f->pause_ms = f->pause_ms * 2 < RETRY_LONGEST_MS ? f->pause_ms * 2 : RETRY_LONGEST_MS;
}

void pmem_file_ends(struct daxsmb_file *f)
{
	f->closed = true;
	TALLOC_FREE(f->retry);
	TALLOC_FREE(f->patience);
	pmem_maps_end(f);
	if (f->look)
		f->look->file = NULL;
	f->look = NULL;
}

/* A mapping that did not live long is not rushed to come back: two who want the same file would but take it
 * from each other. */
static void retry_after(struct daxsmb_file *f)
{
	uint64_t lived_ms = (clock_now_ns() - f->mapped_ns) / 1000000;

	if (!f->pause_ms || lived_ms > 10 * (uint64_t)f->pause_ms)
		f->pause_ms = RETRY_FIRST_MS;
}

/* ---- the end of a mapping ---- */

static void recall(struct daxsmb_region *r)
{
	r->state = REGION_DRAINING;
	r->revocations++;
	retry_after(r->file);
	pmem_tell(r, DAXSMB_REGION_REVOKED);
}

void pmem_mapped(struct daxsmb_region *r, const struct pmem_map_rsp *map)
{
	struct daxsmb_file *f = r->file;

	/* The channel may have ended behind the answer. */
	if (!pmem_rdma(f->direct))
		return;
	r->map = *map;
	r->state = REGION_DIRECT;
	r->unmapped = r->gone = false;
	r->mappings++;
	f->mapped_ns = clock_now_ns();
	if (f->breaking && needs_more(r, f->left))
		recall(r);
	else if (r->unmapping)
		r->state = REGION_DRAINING;
}

static void drain_committed(struct rdma_work *w, int error)
{
	struct daxsmb_region *r = container_of(w, struct daxsmb_region, drain.work);

	r->draining_commit = false;
	if (error == -ECONNRESET || error == -ECANCELED)
		return; /* the end of the channel says the rest */
	if (error) {
		pmem_channel_end(r->file->direct); /* what is not committed counts as lost */
		return;
	}
	r->committed = r->posted;
	pmem_drained(r);
}

/*
 * Whether after this answer no Write reaches the file any more. While there is a channel UNMAP came behind
 * all of them. After its end only what says that the mapping has ended, or what it rests on, will do.
 */
static bool proves_unmapped(const struct daxsmb_region *r, ntstatus_t status)
{
	static const ntstatus_t proofs[] = {STATUS_SUCCESS, STATUS_NOT_FOUND, STATUS_FILE_CLOSED,
		STATUS_NETWORK_NAME_DELETED, STATUS_USER_SESSION_DELETED};

	if (!r->gone || is_hopeless(r->file))
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(proofs); i++)
		if (status == proofs[i])
			return true;
	return false;
}

static void unmap_again(struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg)
{
	struct daxsmb_region *r = arg;

	r->unmap_again = NULL;
	pmem_drained(r);
}

static void unmap_later(struct daxsmb_region *r)
{
	r->unmapped = false;
	r->unmap_again = tevent_add_timer(
		r->file->direct->ev, r, tevent_timeval_current_ofs(0, UNMAP_AGAIN_MS * 1000), unmap_again, r);
}

static void unmap_answered(struct tevent_req *sub)
{
	struct daxsmb_region *r = tevent_req_callback_data_void(sub);
	struct smb2_ioctl_rsp p;
	ntstatus_t status = daxsmb_ioctl_recv(sub, &p);

	TALLOC_FREE(r->request);
	if (r->unmapped && !proves_unmapped(r, status))
		unmap_later(r);
	pmem_drained(r);
}

static void unmap(struct daxsmb_region *r)
{
	r->unmapped = true; /* until the channel ends, or the answer says otherwise */
	r->request = pmem_unmap_request_send(r, r);
	if (r->request)
		tevent_req_set_callback(r->request, unmap_answered, r);
	else
		unmap_later(r);
}

/* One step further, if nothing is under way. */
static void drain(struct daxsmb_region *r)
{
	struct rdma_conn *c = pmem_rdma(r->file->direct);

	if (!list_empty(&r->issued) || r->draining_commit || r->request || r->unmap_again)
		return;
	if (!c && !r->gone)
		return; /* the channel is about to end: region_lost */
	if (!r->gone && r->posted > r->committed && !r->unmapping) {
		r->draining_commit = true;
		pmem_fence_post(r, c, &r->drain, drain_committed);
		return;
	}
	if (!r->unmapped) {
		unmap(r);
		return;
	}
	r->state = REGION_SMB;
	pmem_pump(r);
}

/* ---- the break ---- */

static void break_over(struct daxsmb_file *f)
{
	f->breaking = false;
	f->must_ack = false;
	f->lease = f->left;
	TALLOC_FREE(f->patience);
	retry_schedule(f);
}

static void acknowledged(struct tevent_req *sub)
{
	struct daxsmb_file *f = tevent_req_callback_data_void(sub);

	/* Too late, perhaps: then nothing of the lease is left, and nobody tells. */
	if (!status_is_ok(exchange_answer(sub, 0, NULL, NULL)))
		f->left = 0;
	TALLOC_FREE(f->request);
	if (!f->again) {
		break_over(f);
		return;
	}
	f->again = false;
	pmem_file_advance(f);
}

/* [MS-SMB2] 3.2.4.25 */
static void acknowledge(struct daxsmb_file *f)
{
	struct exchange_params p = exchange_on_tree(f->direct->tree);
	struct smb2_lease_break_ack a = {.lease_state = f->left};

	memcpy(a.lease_key, f->listener.key, sizeof(a.lease_key));
	f->must_ack = false;
	smb2_lease_break_ack_encode(exchange_add(f, &p, SMB2_OPLOCK_BREAK, 1, LEASE_ACK_ROOM), &a);
	f->request = exchange_send(f, f->direct->ev, &p);
	if (f->request)
		tevent_req_set_callback(f->request, acknowledged, f);
	else
		break_over(f);
}

/*
 * Whether all regions have given back what the break takes. A MAP that waits for its channel has not been
 * sent: when it is, it will ask by the lease that is held then.
 */
static bool is_quiet(const struct daxsmb_file *f)
{
	bool sent = pmem_rdma(f->direct);

	LIST_FOREACH (item, &f->regions) {
		const struct daxsmb_region *r = container_of(item, struct daxsmb_region, link);

		if (needs_more(r, f->left) && (r->state != REGION_SMB || (r->request && sent)))
			return false;
	}
	return true;
}

void pmem_file_advance(struct daxsmb_file *f)
{
	if (f->closed)
		return;
	if (!f->breaking) {
		retry_schedule(f);
		return;
	}
	if (f->request || !is_quiet(f))
		return;
	if (f->must_ack)
		acknowledge(f);
	else
		break_over(f);
}

/* Nothing is mapped, asked for or under way. */
static bool is_idle(const struct daxsmb_region *r)
{
	return r->state == REGION_SMB && !r->request && list_empty(&r->held) && list_empty(&r->over_smb) &&
	       list_empty(&r->commits);
}

void pmem_drained(struct daxsmb_region *r)
{
	struct daxsmb_file *f = r->file;

	if (r->state == REGION_DRAINING)
		drain(r);
	if (r->unmapping && tevent_req_is_in_progress(r->unmapping) && is_idle(r)) {
		list_remove(&r->link);
		tevent_req_done(r->unmapping);
	}
	pmem_file_advance(f);
}

static void channel_given_up(
	struct tevent_context *ev, struct tevent_timer *te, struct timeval now, void *arg)
{
	struct daxsmb_file *f = arg;

	f->patience = NULL;
	if (!is_quiet(f))
		pmem_channel_end(f->direct);
}

/* A silent channel is ended before the server's deadline: UNMAP and the answer go over the first connection.
 */
static void be_patient(struct daxsmb_file *f)
{
	uint32_t ms = f->offer.revoke_timeout / 8 * 7;

	if (f->offer.revoke_timeout && !f->patience)
		f->patience = tevent_add_timer(f->direct->ev, f,
			tevent_timeval_current_ofs(ms / 1000, ms % 1000 * 1000), channel_given_up, f);
}

void pmem_file_broken(void *arg, const struct smb2_lease_break_notification *n)
{
	struct daxsmb_file *f = arg;

	if (f->closed)
		return; /* CLOSE answers, too */
	f->breaking = true;
	f->again = f->request != NULL;
	f->left = n->new_state;
	f->lease = n->new_state;
	f->must_ack |= n->flags & ACK_REQUIRED;
	TALLOC_FREE(f->retry);
	be_patient(f);
	LIST_FOREACH (item, &f->regions) {
		struct daxsmb_region *r = container_of(item, struct daxsmb_region, link);

		if (r->state == REGION_DIRECT && needs_more(r, f->left)) {
			recall(r);
			drain(r);
		}
	}
	pmem_file_advance(f);
}

/* ---- the end of the channel ---- */

static void region_lost(struct daxsmb_region *r)
{
	if (r->state == REGION_SMB || r->gone)
		return;
	r->state = REGION_DRAINING;
	r->gone = true;
	r->unmapped = false;
	r->losses++;
	if (r->posted > r->committed) {
		r->lost++;
		r->committed = r->posted;
	}
	r->tell_lost = true;
	retry_after(r->file);
	pmem_pump(r);
}

void pmem_channel_lost(struct daxsmb_direct *d)
{
	LIST_FOREACH (item, &d->files) {
		struct daxsmb_file *f = container_of(item, struct daxsmb_file, link);

		LIST_FOREACH (ritem, &f->regions)
			region_lost(container_of(ritem, struct daxsmb_region, link));
	}
}
