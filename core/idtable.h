/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CORE_IDTABLE_H
#define CORE_IDTABLE_H

#include <stdint.h>
#include <talloc.h>

/*
 * 64-bit ids for objects of one thread. An id is never 0, never ~0 and is not used again: the low half is a slot,
 * the high half counts its uses, in 24 bits: the top byte is free. Across threads and callbacks travel ids; a look-up that fails is normal.
 */
struct idtable;

/* At most `limit` objects at a time. The table does not own them. */
struct idtable *idtable_new(TALLOC_CTX *mem, uint32_t limit);

/* 0 when the limit is reached or memory is short. */
uint64_t idtable_add(struct idtable *t, void *object);

/* NULL when there is no such object (any more). */
void *idtable_get(const struct idtable *t, uint64_t id);

void idtable_remove(struct idtable *t, uint64_t id);

uint32_t idtable_count(const struct idtable *t);

/* Walks: start with *cursor = 0; NULL at the end. Removing the object just returned is allowed. */
void *idtable_next(const struct idtable *t, uint32_t *cursor);

#endif
