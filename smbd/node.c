/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/node.h"

#include "core/clock.h"
#include "core/list.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	BUCKETS = 4096,
	NOT_BREAKING = 0xFF,
};
static const uint64_t BREAK_TIMEOUT_NS = 35000000000ull; /* [MS-SMB2] 3.3.2.1 */

struct node {
	struct list link; /* in its bucket */
	struct node_key key;
	bool delete_pending;
	bool deleting; /* the last opener is unlinking it */
	struct { /* who asked for the deletion, while it is pending */
		struct vfs_file *file; /* counted */
		struct vfs_cred *cred; /* counted */
		const char *root;
		char *path;
	} doom;
	struct list entries;
	struct list waiters;
	unsigned count;
};

struct node_entry {
	struct list link;          /* node->entries */
	struct list breaking_link; /* table->breaking */
	struct node_table *table;
	struct node *node;
	const char *root;
	char *path;
	uint32_t access, share_access;
	uint8_t oplock, breaking_to;
	uint64_t break_started_ns;
	struct reactor *reactor;
	uint64_t session_id;
	struct smb2_file_id file_id;
};

struct node_table {
	pthread_mutex_t lock;
	struct list buckets[BUCKETS];
	struct list breaking;
};

struct parked_waiter {
	struct list link;
	struct node_waiter w;
};

/* A decision for another thread, sent when the lock is given back. */
struct errand {
	struct message m;
	struct list pending;
	struct reactor *to;
	bool is_break;
	uint64_t a;
	struct smb2_file_id file_id;
	uint8_t level;
	struct node_waiter w;
};

void (*node_break_sink)(struct reactor *self, uint64_t session_id, struct smb2_file_id id, uint8_t new_level);

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
	for (int i = 0; i < BUCKETS; i++)
		list_init(&t->buckets[i]);
	list_init(&t->breaking);
	talloc_set_destructor(t, table_destructor);
	return t;
}

static struct list *bucket(struct node_table *t, struct node_key k)
{
	uint64_t h = (k.ino ^ k.dev << 32) * 0x9E3779B97F4A7C15ull;

	return &t->buckets[h >> 52];
}

static struct node *find(struct node_table *t, struct node_key k)
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
	struct node *n = find(t, k);

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->key = k;
	list_init(&n->entries);
	list_init(&n->waiters);
	list_append(bucket(t, k), &n->link);
	return n;
}

/* ---- errands ---- */

static void deliver_errand(struct reactor *self, struct message *m)
{
	struct errand *e = container_of(m, struct errand, m);

	if (e->is_break)
		node_break_sink(self, e->a, e->file_id, e->level);
	else
		e->w.wake(self, e->w.conn_id, e->w.token);
	free(e);
}

static void add_errand(struct list *out, struct errand e)
{
	struct errand *copy = malloc(sizeof(e));

	if (!copy)
		return; /* the waiter's or the break's time-out ends the matter */
	*copy = e;
	copy->m.deliver = deliver_errand;
	list_append(out, &copy->pending);
}

static void unlock_and_send(struct node_table *t, struct list *out)
{
	struct list *item;

	pthread_mutex_unlock(&t->lock);
	while ((item = list_pop(out))) {
		struct errand *e = container_of(item, struct errand, pending);
		reactor_post(e->to, &e->m);
	}
}

static void wake_all(struct node *n, struct list *out)
{
	struct list *item;

	while ((item = list_pop(&n->waiters))) {
		struct parked_waiter *p = container_of(item, struct parked_waiter, link);
		add_errand(out, (struct errand){.to = p->w.reactor, .w = p->w});
		free(p);
	}
}

static void drop_if_unused(struct node *n)
{
	if (!list_empty(&n->entries) || n->deleting || !list_empty(&n->waiters))
		return;
	list_remove(&n->link);
	free(n);
}

/* ---- share modes and oplocks ---- */

static bool is_stat_open(uint32_t access)
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

static void start_break(struct node_entry *e, uint8_t level, struct list *out)
{
	add_errand(out, (struct errand){.to = e->reactor, .is_break = true, .a = e->session_id,
				.file_id = e->file_id, .level = level});
	/* [MS-SMB2] 3.3.4.6: the loss of level II is not acknowledged. */
	if (e->oplock == SMB2_OPLOCK_LEVEL_II) {
		e->oplock = SMB2_OPLOCK_LEVEL_NONE;
		return;
	}
	e->breaking_to = level;
	e->break_started_ns = clock_now_ns();
	list_append(&e->table->breaking, &e->breaking_link);
}

/* Breaks holders of `level`; true if one of them has to answer first. */
static bool break_holders(struct node *n, uint8_t level, bool overwrites, struct list *out)
{
	bool wait = false;

	LIST_FOREACH(item, &n->entries) {
		struct node_entry *e = container_of(item, struct node_entry, link);
		if (e->oplock != level)
			continue;
		wait = true;
		if (e->breaking_to == NOT_BREAKING)
			start_break(e, overwrites ? SMB2_OPLOCK_LEVEL_NONE : SMB2_OPLOCK_LEVEL_II, out);
	}
	return wait;
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

static ntstatus_t wait_for(struct node *n, const struct node_waiter *w)
{
	struct parked_waiter *p = w ? malloc(sizeof(*p)) : NULL;

	if (!p)
		return STATUS_SHARING_VIOLATION;
	p->w = *w;
	list_append(&n->waiters, &p->link);
	return STATUS_PENDING;
}

/* [MS-FSA] 2.1.5.1.2: a batch oplock gives way before sharing is looked at, an exclusive one after. */
static ntstatus_t admit(struct node *n, const struct node_claim *c, const struct node_waiter *w, struct list *out)
{
	bool stat_open = is_stat_open(c->access) && !c->overwrites;

	/* The inode of a deleted file is used again before the word of its end is home. */
	if (c->is_new && list_empty(&n->entries))
		n->deleting = n->delete_pending = false;
	if (n->delete_pending || n->deleting)
		return STATUS_DELETE_PENDING;
	if (!stat_open && break_holders(n, SMB2_OPLOCK_LEVEL_BATCH, c->overwrites, out))
		return wait_for(n, w);
	if (any_conflict(n, c->access, c->share_access))
		return STATUS_SHARING_VIOLATION;
	if (!stat_open && break_holders(n, SMB2_OPLOCK_LEVEL_EXCLUSIVE, c->overwrites, out))
		return wait_for(n, w);
	if (c->overwrites)
		break_holders(n, SMB2_OPLOCK_LEVEL_II, true, out);
	return STATUS_SUCCESS;
}

/* Exclusive and batch are for the only opener; beside others level II is the most, and nothing beside a stat open's need. */
static uint8_t oplock_to_grant(const struct node *n, const struct node_claim *c)
{
	uint8_t level = c->oplock_level;

	if (level != SMB2_OPLOCK_LEVEL_II && level != SMB2_OPLOCK_LEVEL_EXCLUSIVE && level != SMB2_OPLOCK_LEVEL_BATCH)
		return SMB2_OPLOCK_LEVEL_NONE;
	LIST_FOREACH(item, &n->entries) {
		struct node_entry *e = container_of(item, struct node_entry, link);
		if (e->oplock == SMB2_OPLOCK_LEVEL_EXCLUSIVE || e->oplock == SMB2_OPLOCK_LEVEL_BATCH)
			return SMB2_OPLOCK_LEVEL_NONE;
		if (!is_stat_open(e->access))
			level = SMB2_OPLOCK_LEVEL_II;
	}
	return level;
}

static struct node_entry *add_entry(struct node_table *t, struct node *n, const struct node_claim *c)
{
	struct node_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->path = strdup(c->path);
	if (!e->path) {
		free(e);
		return NULL;
	}
	e->table = t;
	e->node = n;
	e->root = c->root;
	e->access = c->access;
	e->share_access = c->share_access;
	e->breaking_to = NOT_BREAKING;
	e->reactor = c->reactor;
	e->session_id = c->session_id;
	e->file_id = c->file_id;
	e->oplock = oplock_to_grant(n, c);
	list_init(&e->breaking_link);
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
		s = admit(n, c, w, &errands);
	if (n && status_is_ok(s)) {
		*out = add_entry(t, n, c);
		if (*out)
			*oplock_level = (*out)->oplock;
		else
			s = STATUS_INSUFFICIENT_RESOURCES;
	}
	if (n)
		drop_if_unused(n);
	unlock_and_send(t, &errands);
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
	list_remove(&e->breaking_link);
	n->count--;
	bool unlink_now = list_empty(&n->entries) && n->delete_pending;
	n->deleting = unlink_now;
	if (unlink_now)
		*doom = take_doom(n);
	wake_all(n, &errands);
	drop_if_unused(n);
	unlock_and_send(t, &errands);
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
	struct node *n = find(t, key);
	if (n && n->deleting) {
		n->deleting = n->delete_pending = false;
		drop_if_unused(n);
	}
	pthread_mutex_unlock(&t->lock);
}

void node_set_delete_pending(struct node_entry *e, bool pending, struct vfs_file *file, struct vfs_cred *cred)
{
	struct node_doom old = {0};
	struct node *n = e->node;

	pthread_mutex_lock(&e->table->lock);
	if (!pending) {
		old = take_doom(n);
	} else if (!n->delete_pending) {
		n->doom.file = file ? vfs_file_ref(file) : NULL;
		n->doom.cred = cred ? vfs_cred_ref(cred) : NULL;
		n->doom.root = e->root;
		n->doom.path = strdup(e->path);
	}
	n->delete_pending = pending;
	pthread_mutex_unlock(&e->table->lock);
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

ntstatus_t node_check_replace(struct node_table *t, struct node_key key)
{
	pthread_mutex_lock(&t->lock);
	struct node *n = find(t, key);
	bool open = n && (!list_empty(&n->entries) || n->deleting);
	pthread_mutex_unlock(&t->lock);
	return open ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

ntstatus_t node_check_share(struct node_table *t, struct node_key key, uint32_t access, uint32_t share_access)
{
	pthread_mutex_lock(&t->lock);
	struct node *n = find(t, key);
	bool conflict = n && any_conflict(n, access, share_access);
	pthread_mutex_unlock(&t->lock);
	return conflict ? STATUS_SHARING_VIOLATION : STATUS_SUCCESS;
}

/* ---- names ---- */

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

bool node_has_open_children(struct node_entry *dir)
{
	struct node_table *t = dir->table;
	bool found = false;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < BUCKETS && !found; i++) {
		LIST_FOREACH(item, &t->buckets[i]) {
			struct node *n = container_of(item, struct node, link);
			LIST_FOREACH(inner, &n->entries) {
				struct node_entry *e = container_of(inner, struct node_entry, link);
				const char *rest = same_tree(e, dir) ? beneath(e->path, dir->path) : NULL;
				found |= rest && *rest && n != dir->node;
			}
		}
	}
	pthread_mutex_unlock(&t->lock);
	return found;
}

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
	for (int i = 0; i < BUCKETS && old; i++) {
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

/* ---- oplock breaks ---- */

void node_break_level2(struct node_entry *self)
{
	struct node_table *t = self->table;
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	if (self->node->count > 1) {
		LIST_FOREACH(item, &self->node->entries) {
			struct node_entry *e = container_of(item, struct node_entry, link);
			if (e != self && e->oplock == SMB2_OPLOCK_LEVEL_II)
				start_break(e, SMB2_OPLOCK_LEVEL_NONE, &errands);
		}
	}
	unlock_and_send(t, &errands);
}

static void end_break(struct node_entry *e, uint8_t level, struct list *errands)
{
	e->oplock = level;
	e->breaking_to = NOT_BREAKING;
	list_remove(&e->breaking_link);
	wake_all(e->node, errands);
}

ntstatus_t node_oplock_ack(struct node_entry *e, uint8_t level, uint8_t *now_level)
{
	struct node_table *t = e->table;
	struct list errands;
	ntstatus_t s = STATUS_SUCCESS;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	if (e->breaking_to == NOT_BREAKING) {
		s = STATUS_INVALID_OPLOCK_PROTOCOL;
	} else {
		/* An answer that keeps more than was allowed loses all: 3.3.5.22.1. */
		bool allowed = level == SMB2_OPLOCK_LEVEL_NONE ||
			       (level == SMB2_OPLOCK_LEVEL_II && e->breaking_to == SMB2_OPLOCK_LEVEL_II);
		if (!allowed)
			s = STATUS_INVALID_PARAMETER;
		end_break(e, allowed ? level : SMB2_OPLOCK_LEVEL_NONE, &errands);
	}
	*now_level = e->oplock;
	unlock_and_send(t, &errands);
	return s;
}

void node_expire_breaks(struct node_table *t, uint64_t now_ns)
{
	struct list errands;

	list_init(&errands);
	pthread_mutex_lock(&t->lock);
	LIST_FOREACH_SAFE(item, &t->breaking) {
		struct node_entry *e = container_of(item, struct node_entry, breaking_link);
		if (now_ns - e->break_started_ns >= BREAK_TIMEOUT_NS)
			end_break(e, SMB2_OPLOCK_LEVEL_NONE, &errands);
	}
	unlock_and_send(t, &errands);
}
