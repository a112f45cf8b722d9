/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_STAG_H
#define RDMA_STAG_H

#include "rdma/rdma.h"

/*
 * The steering tags of one connection: which target a peer means by a 32-bit number. Tags are random, never
 * 0, and one that was given back is not chosen again while STAGS_RETIRED others have not been given back
 * after it.
 */
enum { STAGS_MAX = 1 << 16, STAGS_RETIRED = 256, STAGS_DRAWN = 64 };

struct stags {
	struct list *buckets; /* of targets, by the low bits of the tag */
	uint32_t mask, count;
	uint32_t retired[STAGS_RETIRED];
	unsigned next_retired;
	uint32_t numbers[STAGS_DRAWN]; /* random, the first `drawn` of them not used yet */
	unsigned drawn;
};

/* The table is a talloc child of mem. 0 or -ENOMEM. */
int stags_init(struct stags *s, TALLOC_CTX *mem);

/* A tag that no target has and none had recently. */
uint32_t stags_unused(struct stags *s);

/* Chooses t->tag. 0, -ENOMEM, -ENOSPC. */
int stags_add(struct stags *s, struct rdma_target *t);

/* False: it is not in the table. */
bool stags_remove(struct stags *s, struct rdma_target *t);

/* NULL: no such tag. */
struct rdma_target *stags_find(const struct stags *s, uint32_t tag);

enum stag_access { STAG_OK, STAG_INVALID, STAG_BOUNDS, STAG_RIGHTS, STAG_WRAP };

/* May the peer reach [offset, offset+len) of the tag, with these rights? STAG_OK: *out is the target. */
enum stag_access stags_access(const struct stags *s, uint32_t tag, unsigned rights, uint64_t offset,
	uint64_t len, struct rdma_target **out);

#endif
