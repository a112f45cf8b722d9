/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/node_table.h"

#include <stdlib.h>

char *node_path(const struct node_entry *e, TALLOC_CTX *mem)
{
	pthread_mutex_lock(&e->table->lock);
	char *copy = talloc_strdup(mem, e->path);
	pthread_mutex_unlock(&e->table->lock);
	return copy;
}

/* The rest of path beneath dir, with its leading slash; "" for dir itself; NULL: elsewhere. */
static const char *beneath(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strncmp(path, dir, n) != 0)
		return NULL;
	if (path[n] == '\0' || path[n] == '/')
		return path + n;
	return NULL;
}

static bool same_tree(const struct node_entry *a, const struct node_entry *b)
{
	return strcmp(a->root, b->root) == 0;
}

/* ---- before a change ---- */

ntstatus_t node_check_rename(struct node_entry *e, const struct node_waiter *w)
{
	struct node_table *t = e->table;
	ntstatus_t s = STATUS_SUCCESS;
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	if (node_break_holders(t, e->node, e->holder, LEASE_NAME, false, &errands))
		s = node_wait(e->node, w);
	node_unlock_and_send(t, &errands);
	return s;
}

/* n, which is in the way, is open. */
static ntstatus_t clear(struct node_table *t, struct node *n, const struct node_waiter *w, struct list *errands)
{
	if (!node_break_holders(t, n, NULL, LEASE_NAME, false, errands))
		return STATUS_ACCESS_DENIED;
	return w ? node_wait(n, w) : STATUS_ACCESS_DENIED;
}

ntstatus_t node_check_replace(struct node_table *t, struct node_key key, const struct node_waiter *w)
{
	ntstatus_t s = STATUS_SUCCESS;
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	struct node *n = node_find(t, key);
	if (n && n->deleting)
		s = STATUS_ACCESS_DENIED;
	else if (n && !list_empty(&n->entries))
		s = clear(t, n, w, &errands);
	node_unlock_and_send(t, &errands);
	return s;
}

static bool is_beneath(const struct node *n, const struct node_entry *dir)
{
	LIST_FOREACH(item, &n->entries) {
		struct node_entry *e = container_of(item, struct node_entry, link);
		const char *rest = same_tree(e, dir) ? beneath(e->path, dir->path) : NULL;
		if (rest && *rest)
			return n != dir->node;
	}
	return false;
}

ntstatus_t node_check_children(struct node_entry *dir, const struct node_waiter *w)
{
	struct node_table *t = dir->table;
	ntstatus_t s = STATUS_SUCCESS;
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < NODE_BUCKETS && s == STATUS_SUCCESS; i++) {
		LIST_FOREACH(item, &t->buckets[i]) {
			struct node *n = container_of(item, struct node, link);
			if (s == STATUS_SUCCESS && is_beneath(n, dir))
				s = clear(t, n, w, &errands);
		}
	}
	node_unlock_and_send(t, &errands);
	return s;
}

/* ---- after it ---- */

/* *path, where it is `old` or lies beneath it in the same tree, becomes what it is after a rename. */
static void follow_rename(char **path, const char *old, const char *new_path)
{
	const char *rest = beneath(*path, old);
	char *moved = rest ? malloc(strlen(new_path) + strlen(rest) + 1) : NULL;

	if (!moved)
		return; /* short of memory the old name stays: an unlink by it finds another inode and does nothing */
	strcpy(moved, new_path);
	strcat(moved, rest);
	free(*path);
	*path = moved;
}

void node_renamed(struct node_entry *self, const char *new_path)
{
	struct node_table *t = self->table;

	pthread_mutex_lock(&t->lock);
	char *old = strdup(self->path);
	for (int i = 0; i < NODE_BUCKETS && old; i++) {
		LIST_FOREACH(item, &t->buckets[i]) {
			struct node *n = container_of(item, struct node, link);
			LIST_FOREACH(inner, &n->entries) {
				struct node_entry *e = container_of(inner, struct node_entry, link);
				if (same_tree(e, self))
					follow_rename(&e->path, old, new_path);
			}
			if (n->doom.path && strcmp(n->doom.root, self->root) == 0)
				follow_rename(&n->doom.path, old, new_path);
		}
	}
	free(old);
	pthread_mutex_unlock(&t->lock);
}
