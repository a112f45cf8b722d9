/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Operations on a region. Each goes piece by piece, and each piece by RDMA or over SMB as the region's state
 * then says. */
#include "client/pmem_op.h"
#include "client/req.h"

#include <errno.h>

enum { MAX_PIECE = 1 << 30 };

static void op_tell(struct region_op *op, struct tevent_context *later)
{
	if (later)
		tevent_req_defer_callback(op->req, later);
	if (!req_failed(op->req, op->status))
		tevent_req_done(op->req);
}

/* Whoever is told may free anything, d included. */
void pmem_tell_ended(struct daxsmb_direct *d)
{
	struct tevent_context *later = d->tell ? NULL : d->ev;
	struct list ended, *item;

	list_init(&ended);
	while ((item = list_pop(&d->ended)))
		list_append(&ended, item);
	while ((item = list_pop(&ended)))
		op_tell(container_of(item, struct region_op, link), later);
}

static void tell_ended(struct tevent_context *ev, struct tevent_immediate *im, void *arg)
{
	pmem_tell_ended(arg);
}

/* The region may be freed from now on. */
static void op_leaves(struct region_op *op)
{
	struct daxsmb_region *r = op->region;

	list_remove(&op->link);
	op->region = NULL;
	if (r->unmapping)
		pmem_pump(r);
}

void pmem_op_end(struct region_op *op, ntstatus_t status)
{
	struct daxsmb_direct *d = op->region->file->direct;

	op_leaves(op);
	op->status = status;
	if (!d->tell) {
		op_tell(op, d->ev);
		return;
	}
	if (list_empty(&d->ended))
		tevent_schedule_immediate(d->tell, d->ev, tell_ended, d);
	list_append(&d->ended, &op->link);
}

static void op_hold(struct region_op *op)
{
	list_remove(&op->link);
	list_append(&op->region->held, &op->link);
}

static void ops_end(struct list *list)
{
	struct list *item;

	while ((item = list_pop(list))) {
		struct region_op *op = container_of(item, struct region_op, link);

		TALLOC_FREE(op->over_smb);
		pmem_op_end(op, STATUS_CANCELLED);
	}
}

void pmem_operations_end(struct daxsmb_region *r)
{
	ops_end(&r->held);
	ops_end(&r->commits);
	ops_end(&r->over_smb);
}

static int op_destructor(struct region_op *op)
{
	op->freed = true;
	if (op->under_way)
		pmem_channel_end(op->region->file->direct);
	if (op->region)
		op_leaves(op);
	else
		list_remove(&op->link);
	return 0;
}

/* ---- by RDMA ---- */

/* The peer's memory of the region from `at` on, as far as one tag reaches; how much that is. */
static size_t remote_of(const struct daxsmb_region *r, uint64_t at, size_t len, struct rdma_work *w)
{
	for (unsigned i = 0; i < r->map.descriptor_count; i++) {
		const struct smbdirect_descriptor *d = &r->map.descriptors[i];

		if (at < d->length) {
			uint64_t most = d->length - at < MAX_PIECE ? d->length - at : MAX_PIECE;

			w->tag = d->token;
			w->remote_offset = d->offset + at;
			return len < most ? len : (size_t)most;
		}
		at -= d->length;
	}
	return 0;
}

/* Those that have waited for a commit: it may have done for them what they need; the others share the next.
 */
static void commits_go_on(struct daxsmb_region *r)
{
	struct list waited, *item;

	r->committing = false;
	list_init(&waited);
	while ((item = list_pop(&r->commits)))
		list_append(&waited, item);
	while ((item = list_pop(&waited)))
		pmem_op_run(container_of(item, struct region_op, link));
}

/* What was lost since the write began concerns it: perhaps a piece of it was. */
void pmem_commit_begin(struct region_op *op)
{
	op->kind = OP_COMMIT;
	op->needs = op->fenced ? op->snapshot : op->region->posted;
	op->smb_needs = op->region->smb_written;
}

/* Writes were lost that this commit would have to answer for. */
static bool commit_is_void(struct region_op *op)
{
	struct daxsmb_region *r = op->region;

	if (r->lost == op->lost && r->lost == r->reported)
		return false;
	r->reported = r->lost;
	return true;
}

static bool commit_is_met(const struct region_op *op)
{
	return op->needs <= op->region->committed && op->smb_needs <= op->region->smb_flushed;
}

static void commit_end(struct region_op *op)
{
	pmem_op_end(op, commit_is_void(op) ? (ntstatus_t)STATUS_LOST_WRITEBEHIND_DATA : STATUS_SUCCESS);
}

/* What was posted has been done. */
static void op_moved(struct region_op *op)
{
	struct daxsmb_region *r = op->region;

	if (op->kind != OP_COMMIT) {
		op->done += op->piece;
		r->bytes_direct += op->piece;
	}
	if (op->fenced && r->committed < op->snapshot)
		r->committed = op->snapshot;
	if (op->durable && op->kind != OP_COMMIT && op->done == op->len)
		pmem_commit_begin(op);
	if (op->kind == OP_COMMIT && commit_is_met(op))
		commit_end(op);
	else if (op->kind != OP_COMMIT && op->done == op->len)
		pmem_op_end(op, STATUS_SUCCESS);
	else
		pmem_op_run(op);
}

static void work_ended(struct region_op *op, int error)
{
	struct daxsmb_region *r = op->region;

	op->error = op->error ? op->error : error;
	if (--op->under_way)
		return;
	bool fenced = op->fenced, gone = op->error == -ECONNRESET || op->error == -ECANCELED;

	list_remove(&op->link);
	if (op->freed)
		return;
	if (gone)
		op_hold(op); /* until the end of the channel is told */
	else if (op->error)
		pmem_op_end(op, status_from_errno(op->error));
	else
		op_moved(op);
	if (fenced && !gone)
		commits_go_on(r);
	if (r->state == REGION_DRAINING && list_empty(&r->issued))
		pmem_drained(r);
}

static void moved(struct rdma_work *w, int error)
{
	work_ended(container_of(w, struct region_op, work), error);
}

static void fence_answered(struct rdma_work *w, int error)
{
	work_ended(container_of(w, struct region_op, fence.work), error);
}

/* The connection on which to post, where it is there; else the operation waits. */
static struct rdma_conn *op_issue(struct region_op *op)
{
	struct rdma_conn *c = pmem_rdma(op->region->file->direct);

	op->error = 0;
	op->fenced = false;
	if (c)
		list_append(&op->region->issued, &op->link);
	else
		op_hold(op);
	return c;
}

void pmem_fence_post(const struct daxsmb_region *r, struct rdma_conn *c, struct pmem_fence *f,
	void (*done)(struct rdma_work *work, int error))
{
	f->work = (struct rdma_work){.iov = &f->iov, .n = 1, .done = done};
	f->iov = (struct iovec){&f->byte, remote_of(r, 0, 1, &f->work)};
	rdma_read(c, &f->work);
}

static void post_fence(struct region_op *op, struct rdma_conn *c)
{
	struct daxsmb_region *r = op->region;

	op->snapshot = r->posted;
	op->fenced = true;
	op->under_way++;
	r->committing = true;
	pmem_fence_post(r, c, &op->fence, fence_answered);
}

static void op_move(struct region_op *op)
{
	struct daxsmb_region *r = op->region;
	struct rdma_conn *c = op_issue(op);

	if (!c)
		return;
	op->piece = remote_of(r, op->offset + op->done, op->len - op->done, &op->work);
	op->iov = (struct iovec){op->buf + op->done, op->piece};
	op->work.iov = &op->iov;
	op->work.n = 1;
	op->work.done = moved;
	op->under_way++;
	if (op->kind == OP_READ) {
		rdma_read(c, &op->work);
		return;
	}
	r->posted++;
	rdma_write(c, &op->work);
	if (op->durable && op->done + op->piece == op->len)
		post_fence(op, c);
}

static void op_read_after_write(struct region_op *op)
{
	struct rdma_conn *c = op_issue(op);

	if (c)
		post_fence(op, c);
}

/* ---- which way ---- */

static void commit_run(struct region_op *op)
{
	struct daxsmb_region *r = op->region;

	if (commit_is_void(op))
		pmem_op_end(op, STATUS_LOST_WRITEBEHIND_DATA);
	else if (op->smb_needs > r->smb_flushed || (r->state == REGION_SMB && !op->flushed))
		pmem_smb_flush(op);
	else if (r->state != REGION_DIRECT || commit_is_met(op))
		commit_end(op);
	else if (r->committing)
		list_append(&r->commits, &op->link);
	else
		op_read_after_write(op);
}

void pmem_op_run(struct region_op *op)
{
	struct daxsmb_region *r = op->region;
	struct daxsmb_conn *c = daxsmb_tree_conn(r->file->direct->tree);

	list_remove(&op->link);
	if (!c || c->dead)
		pmem_op_end(op, c ? c->dead : (ntstatus_t)STATUS_USER_SESSION_DELETED);
	else if (r->state == REGION_DRAINING)
		op_hold(op);
	else if (op->kind == OP_COMMIT)
		commit_run(op);
	else if (r->state == REGION_DIRECT)
		op_move(op);
	else
		pmem_smb_move(op);
}

/* ---- what waits ---- */

void pmem_tell(struct daxsmb_region *r, enum daxsmb_region_event e)
{
	if (r->watcher)
		r->watcher(r->watcher_arg, r, e);
}

static void pump(struct tevent_context *ev, struct tevent_immediate *im, void *arg)
{
	struct daxsmb_region *r = arg;
	struct list *item;

	if (r->tell_lost) {
		r->tell_lost = false;
		pmem_tell(r, DAXSMB_REGION_LOST);
	}
	if (r->state == REGION_SMB)
		commits_go_on(r);
	while (r->state != REGION_DRAINING && (item = list_pop(&r->held)))
		pmem_op_run(container_of(item, struct region_op, link));
	pmem_drained(r);
}

void pmem_pump(struct daxsmb_region *r)
{
	tevent_schedule_immediate(r->pump, r->file->direct->ev, pump, r);
}

/* ---- the caller's side ---- */

static struct tevent_req *op_send(TALLOC_CTX *mem, struct daxsmb_region *r, enum op_kind kind,
	uint64_t offset, uint8_t *buf, size_t len, bool durable)
{
	struct region_op *op;
	struct tevent_req *req = tevent_req_create(mem, &op, struct region_op);

	if (!req)
		return NULL;
	op->req = req;
	op->region = r;
	op->kind = durable && !len ? OP_COMMIT : kind;
	op->offset = offset;
	op->buf = buf;
	op->len = len;
	op->durable = durable;
	op->lost = r->lost;
	op->needs = r->posted;
	op->smb_needs = r->smb_written;
	list_init(&op->link);
	talloc_set_destructor(op, op_destructor);
	if (offset > r->length || len > r->length - offset)
		pmem_op_end(op, STATUS_INVALID_VIEW_SIZE);
	else if (kind != OP_READ && !(r->access & PMEM_ACCESS_WRITE))
		pmem_op_end(op, STATUS_ACCESS_DENIED);
	else if (op->kind != OP_COMMIT && len == 0)
		pmem_op_end(op, STATUS_SUCCESS);
	else
		pmem_op_run(op);
	return req;
}

struct tevent_req *daxsmb_region_read_send(
	TALLOC_CTX *mem, struct daxsmb_region *r, uint64_t offset, void *buf, size_t len)
{
	return op_send(mem, r, OP_READ, offset, buf, len, false);
}

struct tevent_req *daxsmb_region_write_send(
	TALLOC_CTX *mem, struct daxsmb_region *r, uint64_t offset, const void *data, size_t len)
{
	return op_send(mem, r, OP_WRITE, offset, (uint8_t *)data, len, false);
}

struct tevent_req *daxsmb_region_write_durably_send(
	TALLOC_CTX *mem, struct daxsmb_region *r, uint64_t offset, const void *data, size_t len)
{
	return op_send(mem, r, OP_WRITE, offset, (uint8_t *)data, len, true);
}

struct tevent_req *daxsmb_region_commit_send(TALLOC_CTX *mem, struct daxsmb_region *r)
{
	return op_send(mem, r, OP_COMMIT, 0, NULL, 0, false);
}

ntstatus_t daxsmb_region_recv(struct tevent_req *req)
{
	return req_status(req);
}
