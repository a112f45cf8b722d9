/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/node_table.h"

#include <stdlib.h>

static int table_destructor(struct node_table *t)
{
	pthread_mutex_destroy(&t->lock);
	return 0;
}

struct node_table *node_table_new(TALLOC_CTX *mem)
{
	struct node_table *t = talloc_zero(mem, struct node_table);

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	for (int i = 0; i < NODE_BUCKETS; i++)
		list_init(&t->buckets[i]);
	for (int i = 0; i < NODE_LEASE_BUCKETS; i++)
		list_init(&t->leases[i]);
	list_init(&t->breaking);
	talloc_set_destructor(t, table_destructor);
	return t;
}

static struct list *bucket(struct node_table *t, struct node_key k)
{
	uint64_t h = (k.ino ^ k.dev << 32) * 0x9E3779B97F4A7C15ull;

	return &t->buckets[h >> 52];
}

struct node *node_find(struct node_table *t, struct node_key k)
{
	LIST_FOREACH(item, bucket(t, k)) {
		struct node *n = container_of(item, struct node, link);
		if (n->key.ino == k.ino && n->key.dev == k.dev)
			return n;
	}
	return NULL;
}

static struct node *find_or_add(struct node_table *t, struct node_key k)
{
	struct node *n = node_find(t, k);

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->key = k;
	list_init(&n->entries);
	list_init(&n->holders);
	list_init(&n->waiters);
	list_append(bucket(t, k), &n->link);
	return n;
}

void node_drop_if_unused(struct node *n)
{
	if (!list_empty(&n->entries) || n->deleting || n->changes || !list_empty(&n->waiters))
		return;
	list_remove(&n->link);
	free(n);
}

/* ---- share modes ---- */

bool node_is_stat_open(uint32_t access)
{
	return !(access & ~(uint32_t)(FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | ACCESS_SYNCHRONIZE |
				      ACCESS_READ_CONTROL));
}

bool share_modes_conflict(uint32_t access, uint32_t share, uint32_t other_access, uint32_t other_share)
{
	static const struct {
		uint32_t access, share;
	} rules[] = {
		{FILE_READ_DATA | FILE_EXECUTE, FILE_SHARE_READ},
		{FILE_WRITE_DATA | FILE_APPEND_DATA, FILE_SHARE_WRITE},
		{ACCESS_DELETE, FILE_SHARE_DELETE},
	};
	const uint32_t counts = rules[0].access | rules[1].access | rules[2].access;

	if (!(access & counts) || !(other_access & counts))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if ((access & rules[i].access) && !(other_share & rules[i].share))
			return true;
		if ((other_access & rules[i].access) && !(share & rules[i].share))
			return true;
	}
	return false;
}

static bool any_conflict(const struct node *n, uint32_t access, uint32_t share_access)
{
	LIST_FOREACH(item, &n->entries) {
		struct node_entry *e = container_of(item, struct node_entry, link);
		if (share_modes_conflict(access, share_access, e->access, e->share_access))
			return true;
	}
	return false;
}

static enum lease_cause cause_of(const struct node_claim *c)
{
	if (c->overwrites)
		return LEASE_OVERWRITE;
	return node_is_stat_open(c->access) ? LEASE_LOOK : LEASE_OPEN;
}

/* An open for the attributes alone is in nobody's way. */
static bool is_felt(const struct node_claim *c)
{
	return cause_of(c) != LEASE_LOOK || (c->access & ACCESS_READ_CONTROL);
}

/*
 * [MS-FSA] 2.1.5.1.2: in a conflict of share modes handle caching gives way, as who only caches his handle closes it
 * then; write caching gives way once the open is certain.
 */
static ntstatus_t admit(struct node_table *t, struct node *n, const struct node_claim *c, const struct node_waiter *w,
	struct list *out)
{
	const struct node_holder *self = c->lease ? node_find_lease(t, c->client_guid, c->lease->key) : NULL;

	if (self && self->node != n)
		return STATUS_INVALID_PARAMETER; /* [MS-SMB2] 3.3.5.9.8 */
	/* The inode of a deleted file is used again before the word of its end is home. */
	if (c->is_new && list_empty(&n->entries))
		n->deleting = n->delete_pending = false;
	if (n->delete_pending || n->deleting)
		return STATUS_DELETE_PENDING;
	if (c->overwrites && node_recall_pins(t, n, out)) {
		if (c->change)
			node_change_begin(t, n, c->change);
		return node_wait(n, w);
	}
	if (any_conflict(n, c->access, c->share_access)) {
		if (node_break_holders(t, n, self, LEASE_SHARING, c->waited, out))
			return node_wait(n, w);
		return STATUS_SHARING_VIOLATION;
	}
	bool wait = is_felt(c) && node_break_holders(t, n, self, cause_of(c), c->waited, out);
	if (c->deletes && node_break_holders(t, n, self, LEASE_NAME, c->waited, out))
		wait = true;
	/* An answer to the break may come before the grants have heard of it. */
	if (is_felt(c) && node_has_writers(n, self))
		wait = true;
	return wait ? node_wait(n, w) : STATUS_SUCCESS;
}

static struct node_entry *add_entry(struct node_table *t, struct node *n, const struct node_claim *c)
{
	struct node_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	*e = (struct node_entry){
		.table = t,
		.node = n,
		.root = c->root,
		.path = strdup(c->path),
		.access = c->access,
		.share_access = c->share_access,
		.reactor = c->reactor,
		.session_id = c->session_id,
		.file_id = c->file_id,
	};
	if (!e->path || !node_grant(e, c)) {
		free(e->path);
		free(e);
		return NULL;
	}
	list_append(&n->entries, &e->link);
	n->count++;
	return e;
}

ntstatus_t node_open(struct node_table *t, const struct node_claim *c, const struct node_waiter *w,
	struct node_entry **out, uint8_t *oplock_level)
{
	struct list errands;
	ntstatus_t s = STATUS_INSUFFICIENT_RESOURCES;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	struct node *n = find_or_add(t, c->key);
	if (n)
		s = admit(t, n, c, w, &errands);
	if (n && status_is_ok(s)) {
		*out = add_entry(t, n, c);
		if (*out)
			*oplock_level = node_oplock_level(*out);
		else
			s = STATUS_INSUFFICIENT_RESOURCES;
		if (*out && c->overwrites && c->change)
			node_change_begin(t, n, c->change);
	}
	if (n)
		node_drop_if_unused(n);
	node_unlock_and_send(t, &errands);
	return s;
}

/* Moves the file and identity of a pending deletion out of the node: they are dropped outside the lock. */
static struct node_doom take_doom(struct node *n)
{
	struct node_doom d = {.key = n->key, .file = n->doom.file, .cred = n->doom.cred, .path = n->doom.path};

	memset(&n->doom, 0, sizeof(n->doom));
	return d;
}

bool node_close(struct node_entry *e, TALLOC_CTX *mem, struct node_doom *doom)
{
	struct node_table *t = e->table;
	struct node *n = e->node;
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	list_remove(&e->link);
	node_leave_holder(e);
	n->count--;
	bool unlink_now = list_empty(&n->entries) && n->delete_pending;
	n->deleting = unlink_now;
	if (unlink_now)
		*doom = take_doom(n);
	node_wake_all(n, &errands);
	node_drop_if_unused(n);
	node_unlock_and_send(t, &errands);
	if (unlink_now) {
		char *path = doom->path;
		doom->path = path ? talloc_strdup(mem, path) : NULL;
		free(path);
	}
	free(e->path);
	free(e);
	return unlink_now;
}

void node_deleted(struct node_table *t, struct node_key key)
{
	pthread_mutex_lock(&t->lock);
	struct node *n = node_find(t, key);
	if (n && n->deleting) {
		n->deleting = n->delete_pending = false;
		node_drop_if_unused(n);
	}
	pthread_mutex_unlock(&t->lock);
}

void node_set_delete_pending(struct node_entry *e, bool pending, struct vfs_file *file, struct vfs_cred *cred)
{
	struct node_table *t = e->table;
	struct node_doom old = {0};
	struct node *n = e->node;
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	if (!pending) {
		old = take_doom(n);
	} else if (!n->delete_pending) {
		n->doom.file = file ? vfs_file_ref(file) : NULL;
		n->doom.cred = cred ? vfs_cred_ref(cred) : NULL;
		n->doom.root = e->root;
		n->doom.path = strdup(e->path);
		node_break_holders(t, n, e->holder, LEASE_NAME, false, &errands);
	}
	n->delete_pending = pending;
	node_unlock_and_send(t, &errands);
	vfs_file_unref(old.file);
	vfs_cred_unref(old.cred);
	free(old.path);
}

bool node_delete_pending(const struct node_entry *e)
{
	pthread_mutex_lock(&e->table->lock);
	bool pending = e->node->delete_pending;
	pthread_mutex_unlock(&e->table->lock);
	return pending;
}

ntstatus_t node_check_share(struct node_table *t, struct node_key key, uint32_t access, uint32_t share_access)
{
	pthread_mutex_lock(&t->lock);
	struct node *n = node_find(t, key);
	bool conflict = n && any_conflict(n, access, share_access);
	pthread_mutex_unlock(&t->lock);
	return conflict ? STATUS_SHARING_VIOLATION : STATUS_SUCCESS;
}
