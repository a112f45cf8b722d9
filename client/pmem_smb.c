/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The pieces of operations on a region that go over SMB. */
#include "client/pmem_op.h"

static void smb_moved(struct region_op *op, ntstatus_t status, size_t n)
{
	if (status_is_ok(status) && (n == 0 || n > op->piece))
		status = STATUS_INVALID_NETWORK_RESPONSE;
	if (!status_is_ok(status)) {
		pmem_op_end(op, status);
		return;
	}
	op->done += n;
	op->region->bytes_smb += n;
	if (op->kind == OP_WRITE)
		op->region->smb_written++;
	if (op->done == op->len && op->durable)
		pmem_commit_begin(op);
	if (op->done == op->len && !op->durable)
		pmem_op_end(op, STATUS_SUCCESS);
	else
		pmem_op_run(op);
}

static void smb_read_done(struct tevent_req *sub)
{
	struct region_op *op = tevent_req_callback_data_void(sub);
	struct smb2_read_rsp p = {0};
	ntstatus_t status = daxsmb_read_recv(sub, &p);
	uint8_t *to = op->buf + op->done;

	if (status_is_ok(status) && p.data.len && p.data.len <= op->piece && p.data.data != to)
		memcpy(to, p.data.data, p.data.len);
	TALLOC_FREE(op->over_smb);
	smb_moved(op, status, p.data.len);
}

static void smb_write_done(struct tevent_req *sub)
{
	struct region_op *op = tevent_req_callback_data_void(sub);
	struct smb2_write_rsp p = {0};
	ntstatus_t status = daxsmb_write_recv(sub, &p);

	TALLOC_FREE(op->over_smb);
	smb_moved(op, status, p.count);
}

static void smb_flush_done(struct tevent_req *sub)
{
	struct region_op *op = tevent_req_callback_data_void(sub);
	struct smb2_empty p;
	ntstatus_t status = daxsmb_flush_recv(sub, &p);

	TALLOC_FREE(op->over_smb);
	if (!status_is_ok(status)) {
		pmem_op_end(op, status);
		return;
	}
	if (op->region->smb_flushed < op->smb_snapshot)
		op->region->smb_flushed = op->smb_snapshot;
	pmem_op_run(op);
}

static struct tevent_req *smb_send(struct region_op *op)
{
	struct daxsmb_region *r = op->region;
	struct daxsmb_file *f = r->file;
	struct daxsmb_direct *d = f->direct;
	bool write = op->kind == OP_WRITE;
	uint32_t most = write ? daxsmb_tree_max_write(d->tree) : daxsmb_tree_max_read(d->tree);
	uint64_t at = r->offset + op->offset + op->done;
	size_t left = op->len - op->done;

	op->piece = left < most ? left : most;
	if (write) {
		struct smb2_write_req q = {
			.offset = at, .file_id = f->id, .data = BYTES(op->buf + op->done, op->piece)};

		return daxsmb_write_send(op, d->ev, d->tree, &q);
	}
	return daxsmb_read_into_send(op, d->ev, d->tree,
		&(struct smb2_read_req){.offset = at, .length = (uint32_t)op->piece, .file_id = f->id},
		op->buf + op->done);
}

static void smb_go(struct region_op *op, struct tevent_req *sub, tevent_req_fn done)
{
	if (!sub) {
		pmem_op_end(op, STATUS_NO_MEMORY);
		return;
	}
	op->over_smb = sub;
	list_append(&op->region->over_smb, &op->link);
	tevent_req_set_callback(sub, done, op);
}

void pmem_smb_flush(struct region_op *op)
{
	struct daxsmb_region *r = op->region;
	struct daxsmb_direct *d = r->file->direct;
	struct smb2_flush_req q = {.file_id = r->file->id};

	op->flushed = r->state == REGION_SMB;
	op->smb_snapshot = r->smb_written;
	smb_go(op, daxsmb_flush_send(op, d->ev, d->tree, &q), smb_flush_done);
}

void pmem_smb_move(struct region_op *op)
{
	smb_go(op, smb_send(op), op->kind == OP_WRITE ? smb_write_done : smb_read_done);
}
