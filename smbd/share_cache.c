/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/share_cache.h"

#include "core/list.h"
#include "core/log.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>

enum { MOST = 256 };

struct entry {
	struct list link; /* least recently used first */
	char *name; /* of the section */
	uint64_t generation;
	char *root;
	bool read_only;
	struct vfs_share *share; /* counted */
	struct vfs_guard *guard; /* counted; or NULL */
	char no_guard[128];
};

struct share_cache {
	pthread_mutex_t lock;
	struct list entries;
	unsigned count;
	uint64_t generation; /* that holds; what is older is not kept */
};

static void free_entry(struct entry *e)
{
	vfs_share_unref(e->share);
	vfs_guard_unref(e->guard);
	talloc_free(e);
}

static void drop(struct share_cache *c, struct entry *e)
{
	list_remove(&e->link);
	c->count--;
	free_entry(e);
}

static int cache_destructor(struct share_cache *c)
{
	while (!list_empty(&c->entries))
		drop(c, container_of(c->entries.next, struct entry, link));
	pthread_mutex_destroy(&c->lock);
	return 0;
}

struct share_cache *share_cache_new(TALLOC_CTX *mem)
{
	struct share_cache *c = talloc_zero(mem, struct share_cache);

	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	list_init(&c->entries);
	talloc_set_destructor(c, cache_destructor);
	return c;
}

static struct entry *find(struct share_cache *c, const char *name, const char *root, bool read_only)
{
	LIST_FOREACH(item, &c->entries) {
		struct entry *e = container_of(item, struct entry, link);
		if (e->read_only == read_only && strcasecmp(e->name, name) == 0 && strcmp(e->root, root) == 0)
			return e;
	}
	return NULL;
}

/* Whether the path still leads to the folder that was opened. */
static bool is_current(const char *root, struct vfs_share *share)
{
	struct vfs_stat opened;
	struct stat now;

	return stat(root, &now) == 0 && vfs_lookup(share, NULL, "", 0, &opened) == 0 && opened.dev == now.st_dev &&
	       opened.ino == now.st_ino;
}

/* What is kept, with refs for the caller, or NULL. */
static struct vfs_share *look_up(struct share_cache *c, uint64_t generation, const char *name, const char *root,
	bool read_only, struct vfs_guard **guard)
{
	struct vfs_share *share = NULL;

	pthread_mutex_lock(&c->lock);
	struct entry *e = find(c, name, root, read_only);
	if (e && e->generation == generation) {
		share = vfs_share_ref(e->share);
		*guard = e->guard ? vfs_guard_ref(e->guard) : NULL;
		list_remove(&e->link);
		list_append(&c->entries, &e->link);
	}
	pthread_mutex_unlock(&c->lock);
	return share;
}

/* Only mapped files can be given away, and need one. */
static void open_guard(struct entry *e, enum vfs_guard_kind wanted)
{
	if (!vfs_share_is_mapped(e->share))
		return;
	if (vfs_guard_open(e->root, wanted, &e->guard, e->no_guard, sizeof(e->no_guard)) < 0)
		log_warning(vfs, "share %s: files cannot be guarded: %s", e->name, e->no_guard);
}

static struct entry *make_entry(uint64_t generation, const struct conf_section *section, const char *root,
	bool read_only, struct vfs_share *share)
{
	struct entry *e = talloc_zero(NULL, struct entry);

	if (!e)
		return NULL;
	*e = (struct entry){.name = talloc_strdup(e, conf_section_name(section)), .generation = generation,
		.root = talloc_strdup(e, root), .read_only = read_only};
	if (!e->name || !e->root) {
		talloc_free(e);
		return NULL;
	}
	e->share = vfs_share_ref(share);
	open_guard(e, (enum vfs_guard_kind)conf_int(section, P_PMEM_GUARD));
	return e;
}

/* Keeps it in place of what was kept before, unless the configuration has been read again meanwhile. */
static void remember(struct share_cache *c, struct entry *e, struct vfs_guard **guard)
{
	if (!e)
		return; /* not kept: the next one opens it again */
	*guard = e->guard ? vfs_guard_ref(e->guard) : NULL;
	pthread_mutex_lock(&c->lock);
	struct entry *old = find(c, e->name, e->root, e->read_only);
	if (e->generation < c->generation || (old && e->generation < old->generation)) {
		pthread_mutex_unlock(&c->lock);
		free_entry(e);
		return;
	}
	if (old)
		drop(c, old);
	list_append(&c->entries, &e->link);
	if (++c->count > MOST)
		drop(c, container_of(c->entries.next, struct entry, link));
	pthread_mutex_unlock(&c->lock);
}

/* A root on a disk that hangs must not hold up others: the lock is not held while the file system is asked. */
int share_cache_open(struct share_cache *c, uint64_t generation, const struct conf_section *section, const char *root,
	const struct vfs_share_options *o, struct vfs_share **out, struct vfs_guard **guard)
{
	*guard = NULL;
	struct vfs_share *kept = look_up(c, generation, conf_section_name(section), root, o->read_only, guard);

	if (kept && is_current(root, kept)) {
		*out = kept;
		return 0;
	}
	vfs_share_unref(kept);
	vfs_guard_unref(*guard);
	*guard = NULL;
	int rc = vfs_share_open(root, o, out);
	if (rc == 0)
		remember(c, make_entry(generation, section, root, o->read_only, *out), guard);
	return rc;
}

void share_cache_prune(struct share_cache *c, uint64_t generation, const struct conf *conf)
{
	pthread_mutex_lock(&c->lock);
	c->generation = generation;
	LIST_FOREACH_SAFE(item, &c->entries) {
		struct entry *e = container_of(item, struct entry, link);
		if (!conf_find_section(conf, e->name))
			drop(c, e);
	}
	pthread_mutex_unlock(&c->lock);
}

void share_cache_each(struct share_cache *c, void (*fn)(void *arg, const struct share_facts *f), void *arg)
{
	pthread_mutex_lock(&c->lock);
	LIST_FOREACH(item, &c->entries) {
		struct entry *e = container_of(item, struct entry, link);
		struct share_facts f = {e->name, e->share, e->guard, e->no_guard};
		fn(arg, &f);
	}
	pthread_mutex_unlock(&c->lock);
}
