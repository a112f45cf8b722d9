/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "rdma/stag.h"

#include "core/random.h"

#include <errno.h>

static struct rdma_target *of(struct list *item)
{
	return container_of(item, struct rdma_target, link);
}

static bool resize(struct stags *s, TALLOC_CTX *mem, uint32_t buckets)
{
	struct list *fresh = talloc_array(mem, struct list, buckets);

	if (!fresh)
		return false;
	for (uint32_t i = 0; i < buckets; i++)
		list_init(&fresh[i]);
	for (uint32_t i = 0; s->buckets && i <= s->mask; i++) {
		struct list *item;
		while ((item = list_pop(&s->buckets[i])))
			list_append(&fresh[of(item)->tag & (buckets - 1)], item);
	}
	talloc_free(s->buckets);
	s->buckets = fresh;
	s->mask = buckets - 1;
	return true;
}

int stags_init(struct stags *s, TALLOC_CTX *mem)
{
	enum { FIRST_BUCKETS = 16 };

	*s = (struct stags){0};
	return resize(s, mem, FIRST_BUCKETS) ? 0 : -ENOMEM;
}

struct rdma_target *stags_find(const struct stags *s, uint32_t tag)
{
	struct list *bucket = &s->buckets[tag & s->mask];

	LIST_FOREACH(item, bucket)
		if (of(item)->tag == tag)
			return of(item);
	return NULL;
}

static bool is_retired(const struct stags *s, uint32_t tag)
{
	for (unsigned i = 0; i < STAGS_RETIRED; i++)
		if (s->retired[i] == tag)
			return true;
	return false;
}

/* Numbers are fetched many at a time: every Read takes one. */
static uint32_t draw(struct stags *s)
{
	if (s->drawn == 0) {
		random_bytes(s->numbers, sizeof(s->numbers));
		s->drawn = STAGS_DRAWN;
	}
	return s->numbers[--s->drawn];
}

uint32_t stags_unused(struct stags *s)
{
	uint32_t tag;

	do {
		tag = draw(s);
	} while (tag == 0 || is_retired(s, tag) || stags_find(s, tag));
	return tag;
}

int stags_add(struct stags *s, struct rdma_target *t)
{
	if (s->count >= STAGS_MAX)
		return -ENOSPC;
	if (s->count > s->mask && !resize(s, talloc_parent(s->buckets), (s->mask + 1) * 2))
		return -ENOMEM;
	t->tag = stags_unused(s);
	list_append(&s->buckets[t->tag & s->mask], &t->link);
	s->count++;
	return 0;
}

bool stags_remove(struct stags *s, struct rdma_target *t)
{
	if (stags_find(s, t->tag) != t)
		return false;
	list_remove(&t->link);
	s->count--;
	s->retired[s->next_retired] = t->tag;
	s->next_retired = (s->next_retired + 1) % STAGS_RETIRED;
	return true;
}

enum stag_access stags_access(const struct stags *s, uint32_t tag, unsigned rights, uint64_t offset,
	uint64_t len, struct rdma_target **out)
{
	struct rdma_target *t = stags_find(s, tag);

	if (!t)
		return STAG_INVALID;
	if ((t->rights & rights) != rights)
		return STAG_RIGHTS;
	if (len && len - 1 > UINT64_MAX - offset)
		return STAG_WRAP;
	if (offset > t->len || len > t->len - offset)
		return STAG_BOUNDS;
	*out = t;
	return STAG_OK;
}
