/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A circular list whose links live in its members. One owner, no locks. */
struct list {
	struct list *next, *prev;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *head, struct list *item)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

static inline void list_prepend(struct list *head, struct list *item)
{
	list_append(head->next, item);
}

/* Leaves item as a list of its own, so that removing twice is harmless. */
static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

static inline struct list *list_pop(struct list *head)
{
	struct list *item = head->next;

	if (item == head)
		return NULL;
	list_remove(item);
	return item;
}

#define LIST_FOREACH(pos, head) for (struct list *pos = (head)->next; pos != (head); pos = pos->next)
/* The current member may be removed; no other. */
#define LIST_FOREACH_SAFE(pos, head)                                                                          \
	for (struct list *pos = (head)->next, *pos##_next = pos->next; pos != (head);                         \
		pos = pos##_next, pos##_next = pos->next)

#endif
