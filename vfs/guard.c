/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/fs_kind.h"
#include "vfs/guard_core.h"

#include "core/bytes.h"
#include "vfs/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

struct guard_core guard_core = {.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
	.due = {&guard_core.due, &guard_core.due}};

/* ---- kinds ---- */

static const struct guard_ops *const kinds[] = {[VFS_GUARD_FANOTIFY] = &guard_fanotify,
	[VFS_GUARD_LEASE] = &guard_lease,
	[VFS_GUARD_EXCLUSIVE] = &guard_exclusive};

static int probe_nothing(const char *root, char *why, size_t size)
{
	return 0;
}

static int cover_nothing(struct watch *w, unsigned access)
{
	return 0;
}

static void end_nothing(struct watch *w)
{
}

static int settle_nothing(const struct watch *w)
{
	return 0;
}

static int no_descriptor(void)
{
	return -1;
}

static uint64_t tick_nothing(uint64_t now)
{
	return 0;
}

static void stop_nothing(void)
{
}

/* It watches nothing, so that nothing is ever held or readable. */
const struct guard_ops guard_exclusive = {
	.name = "exclusive",
	.probe = probe_nothing,
	.cover = cover_nothing,
	.end = end_nothing,
	.settle = settle_nothing,
	.descriptor = no_descriptor,
	.tick = tick_nothing,
	.stop = stop_nothing,
};

/* ---- a share's guard ---- */

void vfs_guard_prepare(void)
{
	pthread_mutex_lock(&guard_core.lock);
	guard_fanotify_open();
	pthread_mutex_unlock(&guard_core.lock);
}

static int choose(
	const char *root, enum vfs_guard_kind wanted, const struct guard_ops **out, char *why, size_t size)
{
	char no_events[160] = "", no_lease[160] = "";

	if (wanted != VFS_GUARD_AUTO) {
		*out = kinds[wanted];
		return kinds[wanted]->probe(root, why, size);
	}
	*out = &guard_fanotify;
	if (guard_fanotify.probe(root, no_events, sizeof(no_events)) == 0)
		return 0;
	*out = &guard_lease;
	if (guard_lease.probe(root, no_lease, sizeof(no_lease)) == 0)
		return 0;
	snprintf(why, size, "fanotify: %s; lease: %s", no_events, no_lease);
	return -EOPNOTSUPP;
}

int vfs_guard_open(
	const char *root, enum vfs_guard_kind wanted, struct vfs_guard **out, char *why, size_t size)
{
	const struct guard_ops *ops;
	int rc = vfs_act_as_process();

	snprintf(why, size, "the thread cannot act as the server");
	if (rc == 0)
		rc = choose(root, wanted, &ops, why, size);
	if (rc < 0)
		return rc;
	struct vfs_guard *g = calloc(1, sizeof(*g));
	if (!g) {
		snprintf(why, size, "no memory");
		return -ENOMEM;
	}
	*g = (struct vfs_guard){.ops = ops, .refs = 1};
	*why = '\0';
	*out = g;
	return 0;
}

struct vfs_guard *vfs_guard_ref(struct vfs_guard *g)
{
	pthread_mutex_lock(&guard_core.lock);
	g->refs++;
	pthread_mutex_unlock(&guard_core.lock);
	return g;
}

void guard_unref_locked(struct vfs_guard *g)
{
	if (--g->refs == 0)
		free(g);
}

void vfs_guard_unref(struct vfs_guard *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&guard_core.lock);
	guard_unref_locked(g);
	pthread_mutex_unlock(&guard_core.lock);
}

enum vfs_guard_kind vfs_guard_kind_of(const struct vfs_guard *g)
{
	enum vfs_guard_kind k = VFS_GUARD_FANOTIFY;

	while (kinds[k] != g->ops)
		k++;
	return k;
}

const char *vfs_guard_name(const struct vfs_guard *g)
{
	return g->ops->name;
}

void vfs_guard_facts(struct vfs_guard *g, struct vfs_guard_facts *out)
{
	pthread_mutex_lock(&guard_core.lock);
	*out = g->facts;
	pthread_mutex_unlock(&guard_core.lock);
}

/* ---- watches ---- */

static struct list *bucket(dev_t dev, ino_t ino)
{
	uint64_t h = ((uint64_t)ino ^ (uint64_t)dev << 32) * 0x9E3779B97F4A7C15u;
	struct list *b = &guard_core.watches[h >> 56];

	if (!b->next)
		list_init(b);
	return b;
}
_Static_assert(GUARD_BUCKETS == 256, "eight bits choose a bucket");

void guard_each_watch(void (*fn)(struct watch *w, void *arg), void *arg)
{
	for (size_t i = 0; i < GUARD_BUCKETS; i++) {
		struct list *b = &guard_core.watches[i];
		if (!b->next)
			continue;
		LIST_FOREACH (l, b)
			fn(container_of(l, struct watch, link), arg);
	}
}

struct watch *guard_find_watch(const struct guard_ops *ops, dev_t dev, ino_t ino)
{
	struct list *b = bucket(dev, ino);

	LIST_FOREACH (l, b) {
		struct watch *w = container_of(l, struct watch, link);
		if (w->ops == ops && w->dev == dev && w->ino == ino)
			return w;
	}
	return NULL;
}

static void watch_free(struct watch *w)
{
	w->ops->end(w);
	list_remove(&w->link);
	close(w->fd);
	free(w);
}

static int watch_new(const struct guard_ops *ops, int fd, const struct stat *st, struct watch **out)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		return -errno;
	struct watch *w = calloc(1, sizeof(*w));
	if (!w) {
		close(own);
		return -ENOMEM;
	}
	*w = (struct watch){.ops = ops,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.fd = own,
		.name_watch = -1,
		.unnamed = st->st_nlink == 0,
		.shares_blocks = fs_kind_of(own).shares_blocks,
		.lease = F_UNLCK};
	list_init(&w->ranges);
	list_init(&w->held);
	list_append(bucket(w->dev, w->ino), &w->link);
	*out = w;
	return 0;
}

static void watch_free_unless_used(struct watch *w)
{
	if (list_empty(&w->ranges) && list_empty(&w->held))
		watch_free(w);
}

/* The inode's watch, which covers the access; new if it must be. */
static int watch_get(const struct guard_ops *ops, int fd, unsigned access, struct watch **out)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	struct watch *w = guard_find_watch(ops, st.st_dev, st.st_ino);
	int rc = w ? 0 : watch_new(ops, fd, &st, &w);
	if (rc < 0)
		return rc;
	rc = w->lost ? -EBUSY : ops->cover(w, access);
	if (rc < 0) {
		watch_free_unless_used(w);
		return rc;
	}
	*out = w;
	return 0;
}

/* ---- ranges ---- */

static int range_begin(struct vfs_guarded *r, int fd, unsigned access)
{
	struct watch *w = NULL;
	int rc = guard_thread_start();

	if (rc == 0)
		rc = watch_get(r->guard->ops, fd, access, &w);
	if (rc < 0)
		return rc;
	if (guard_is_held(w, r->offset, r->end)) {
		watch_free_unless_used(w);
		return -EBUSY;
	}
	r->watch = w;
	r->guard->refs++;
	r->guard->facts.ranges++;
	list_append(&w->ranges, &r->link);
	guard_thread_wake();
	return 0;
}

/* With the range in place nothing new comes unseen; what came before shows now. */
static int range_settle(struct vfs_guarded *r)
{
	struct watch *w = r->watch; /* lives as long as r */

	pthread_mutex_lock(&guard_core.lock);
	bool settled = w->settled;
	pthread_mutex_unlock(&guard_core.lock);
	int rc = settled ? 0 : w->ops->settle(w);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&guard_core.lock);
	w->settled = true;
	pthread_mutex_unlock(&guard_core.lock);
	return 0;
}

int vfs_guard_add(struct vfs_guard *g, int fd, uint64_t offset, uint64_t len, unsigned access,
	const struct vfs_guard_events *ev, void *arg, struct vfs_guarded **out)
{
	if (!len || len > INT64_MAX || offset > INT64_MAX - len)
		return -EINVAL;
	int rc = vfs_act_as_process();
	struct vfs_guarded *r = rc == 0 ? calloc(1, sizeof(*r)) : NULL;
	if (!r)
		return rc < 0 ? rc : -ENOMEM;
	*r = (struct vfs_guarded){.guard = g, .offset = offset, .end = offset + len, .ev = ev, .arg = arg};
	list_init(&r->link);
	list_init(&r->due);
	list_init(&r->untold);
	list_init(&r->told);
	pthread_mutex_lock(&guard_core.lock);
	rc = range_begin(r, fd, access);
	pthread_mutex_unlock(&guard_core.lock);
	if (rc < 0) {
		free(r);
		return rc;
	}
	rc = range_settle(r);
	if (rc < 0) {
		vfs_guard_remove(r);
		return rc;
	}
	*out = r;
	return 0;
}

void vfs_guard_arm(struct vfs_guarded *r)
{
	pthread_mutex_lock(&guard_core.lock);
	r->armed = true;
	guard_due(r);
	pthread_mutex_unlock(&guard_core.lock);
}

static void end_notices(struct list *l)
{
	while (!list_empty(l))
		guard_notice_end(container_of(l->next, struct notice, by_range));
}

/* Waits for a callback that runs, unless this is it. */
static void stop_telling(struct vfs_guarded *r)
{
	r->closing = true;
	list_remove(&r->due);
	if (guard_core.telling == r && pthread_equal(guard_core.thread, pthread_self()))
		guard_core.telling = NULL;
	while (guard_core.telling == r)
		pthread_cond_wait(&guard_core.changed, &guard_core.lock);
}

void vfs_guard_remove(struct vfs_guarded *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&guard_core.lock);
	stop_telling(r);
	list_remove(&r->link);
	end_notices(&r->untold);
	end_notices(&r->told);
	r->guard->facts.ranges--;
	guard_unref_locked(r->guard);
	watch_free_unless_used(r->watch);
	pthread_mutex_unlock(&guard_core.lock);
	free(r);
}

void vfs_guard_release(uint64_t token)
{
	pthread_mutex_lock(&guard_core.lock);
	struct notice *n = guard_core.notices ? idtable_get(guard_core.notices, token) : NULL;
	if (n)
		guard_notice_end(n);
	pthread_mutex_unlock(&guard_core.lock);
}
