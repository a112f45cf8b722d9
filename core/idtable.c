/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/idtable.h"

#include <stdbool.h>

enum { FREE_END = UINT32_MAX, USES_MAX = (1 << 24) - 1 };

struct slot {
	void *object; /* NULL: free */
	uint32_t uses;
	uint32_t next_free;
};

struct idtable {
	struct slot *slots;
	uint32_t size, count, limit, free_head, free_tail;
};

struct idtable *idtable_new(TALLOC_CTX *mem, uint32_t limit)
{
	struct idtable *t = talloc_zero(mem, struct idtable);

	if (!t)
		return NULL;
	t->limit = limit < FREE_END ? limit : FREE_END - 1;
	t->free_head = t->free_tail = FREE_END;
	return t;
}

static void push_free(struct idtable *t, uint32_t i)
{
	t->slots[i].next_free = FREE_END;
	if (t->free_head == FREE_END)
		t->free_head = i;
	else
		t->slots[t->free_tail].next_free = i;
	t->free_tail = i;
}

static bool grow(struct idtable *t)
{
	uint32_t size = t->size ? t->size * 2 : 8;

	if (size > t->limit)
		size = t->limit;
	if (size <= t->size)
		return false;
	struct slot *slots = talloc_realloc(t, t->slots, struct slot, size);
	if (!slots)
		return false;
	t->slots = slots;
	for (uint32_t i = t->size; i < size; i++) {
		slots[i] = (struct slot){0};
		push_free(t, i);
	}
	t->size = size;
	return true;
}

/* Free slots are taken oldest first, so that an id stays unused for long after its object is gone. */
uint64_t idtable_add(struct idtable *t, void *object)
{
	if (t->free_head == FREE_END && !grow(t))
		return 0;
	uint32_t i = t->free_head;
	struct slot *s = &t->slots[i];

	t->free_head = s->next_free;
	s->uses = s->uses % USES_MAX + 1;
	s->object = object;
	t->count++;
	return (uint64_t)s->uses << 32 | (i + 1);
}

void *idtable_get(const struct idtable *t, uint64_t id)
{
	uint32_t i = (uint32_t)id - 1;

	if (i >= t->size || t->slots[i].uses != id >> 32)
		return NULL;
	return t->slots[i].object;
}

void idtable_remove(struct idtable *t, uint64_t id)
{
	if (!idtable_get(t, id))
		return;
	uint32_t i = (uint32_t)id - 1;
	t->slots[i].object = NULL;
	t->count--;
	push_free(t, i);
}

uint32_t idtable_count(const struct idtable *t)
{
	return t->count;
}

void *idtable_next(const struct idtable *t, uint32_t *cursor)
{
	while (*cursor < t->size) {
		void *object = t->slots[(*cursor)++].object;
		if (object)
			return object;
	}
	return NULL;
}
