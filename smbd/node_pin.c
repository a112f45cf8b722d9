/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/node_table.h"

/*
 * Direct grants in the node table: how many each opener has, so that changes of the file's storage wait for them. The grants
 * themselves are the openers' (smbd/grant.c).
 */

void node_pin_began(struct node_entry *e, bool write)
{
	pthread_mutex_lock(&e->table->lock);
	e->pins++;
	e->write_pins += write;
	e->node->pins++;
	pthread_mutex_unlock(&e->table->lock);
}

void node_pin_ended(struct node_entry *e, bool write)
{
	struct node_table *t = e->table;
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	e->node->pins--;
	e->pins--;
	e->write_pins -= write;
	node_wake_all(e->node, &errands);
	node_unlock_and_send(t, &errands);
}

bool node_has_writers(const struct node *n, const struct node_holder *self)
{
	LIST_FOREACH(item, &n->entries) {
		const struct node_entry *e = container_of(item, struct node_entry, link);
		if (e->write_pins && e->holder != self)
			return true;
	}
	return false;
}

bool node_recall_pins(struct node_table *t, struct node *n, struct list *errands)
{
	if (!n->pins)
		return false;
	LIST_FOREACH(item, &n->entries) {
		struct node_entry *e = container_of(item, struct node_entry, link);
		if (e->pins && e->holder)
			node_recall_holder(t, e->holder, errands);
	}
	return true;
}

void node_change_begin(struct node_table *t, struct node *n, struct node_change *change)
{
	if (change->table)
		return;
	n->changes++;
	*change = (struct node_change){t, n->key};
}

void node_change_end(struct node_change *c)
{
	struct node_table *t = c->table;

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	struct node *n = node_find(t, c->key);
	n->changes--;
	node_drop_if_unused(n);
	pthread_mutex_unlock(&t->lock);
	c->table = NULL;
}

bool node_is_changing(const struct node_entry *e)
{
	pthread_mutex_lock(&e->table->lock);
	bool changing = e->node->changes;
	pthread_mutex_unlock(&e->table->lock);
	return changing;
}

bool node_try_change(struct node_entry *e, struct node_change *out)
{
	pthread_mutex_lock(&e->table->lock);
	bool nobody = !e->node->pins;
	if (nobody)
		node_change_begin(e->table, e->node, out);
	pthread_mutex_unlock(&e->table->lock);
	return nobody;
}

ntstatus_t node_check_change(struct node_entry *e, const struct node_waiter *w, struct node_change *change)
{
	struct node_table *t = e->table;
	struct list errands;
	ntstatus_t s = STATUS_SUCCESS;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	node_change_begin(t, e->node, change);
	if (node_recall_pins(t, e->node, &errands))
		s = node_wait(e->node, w);
	node_unlock_and_send(t, &errands);
	return s;
}

void node_recall(struct node_entry *e)
{
	struct node_table *t = e->table;
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	if (e->holder)
		node_recall_holder(t, e->holder, &errands);
	node_unlock_and_send(t, &errands);
}

void node_expire(struct node_entry *e)
{
	struct node_table *t = e->table;
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	if (e->holder && e->holder->state.breaking)
		node_expire_holder(e->holder, &errands);
	node_unlock_and_send(t, &errands);
}
