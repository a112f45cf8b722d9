/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_PMEM_OP_H
#define CLIENT_PMEM_OP_H

#include "client/pmem.h"

/* An operation on a region, for pmem_io.c and pmem_smb.c only. */

enum op_kind { OP_READ, OP_WRITE, OP_COMMIT };

struct region_op {
	struct list link;
	struct tevent_req *req;
	struct daxsmb_region *region;
	enum op_kind kind;
	uint64_t offset; /* from the region's beginning */
	uint8_t *buf;    /* read only of a write */
	size_t len, done, piece;
	bool durable; /* a write that becomes a commit when it is done */
	struct tevent_req *over_smb;
	struct rdma_work work;
	struct iovec iov;
	struct pmem_fence fence; /* of a commit */
	unsigned under_way; /* of these two */
	int error;          /* of them, the first */
	bool fenced, freed; /* the fence was posted; while they are under way */
	/* of a commit */
	bool flushed;          /* FLUSH was sent while there was no mapping */
	uint64_t needs;        /* r->posted when it began */
	uint64_t snapshot;     /* r->posted when its Read was posted */
	uint64_t smb_needs;    /* r->smb_written when it began */
	uint64_t smb_snapshot; /* r->smb_written when its FLUSH was sent */
	unsigned lost;         /* r->lost when the request began */
	ntstatus_t status;     /* with which it has ended */
};

/* The next piece, or the end, whichever way it goes now. */
void pmem_op_run(struct region_op *op);
void pmem_op_end(struct region_op *op, ntstatus_t status);
/* A durable write has been done: a commit is left. */
void pmem_commit_begin(struct region_op *op);

/* pmem_smb.c: the next piece; the FLUSH of a commit. */
void pmem_smb_move(struct region_op *op);
void pmem_smb_flush(struct region_op *op);

#endif
