/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/fault.h"
#include "vfs/dax_inode.h"
#include "vfs/posix.h"

#include <errno.h>
#include <libpmem.h>
#include <unistd.h>

/*
 * What makes data durable, and what the inode has to do with it.
 *
 * With MAP_SYNC bytes are durable when a write returns (libpmem), and the places of pages in the file since
 * they could be stored to (mmap(2)). What the journal may still hold back is what system calls have changed:
 * sizes and blocks. Those of this backend count themselves (changes); those of other processes show in the
 * inode's size and change time, for which the inode is looked at before this backend sets the times itself,
 * and afterwards. Times alone are no reason for fsync, as they are none for fdatasync(2): fsync also takes
 * away the right to store from all pages of the mapping, each of which then faults again.
 *
 * Without MAP_SYNC it is fsync each time, which covers what was stored through mappings, too.
 */

enum { TICK_NS = 10000000 }; /* the longest tick of the kernel's coarse clock */

static struct dax_stamp stamp_of(const struct stat *st)
{
	return (struct dax_stamp){(uint64_t)st->st_size, st->st_ctim};
}

static bool same_stamp(const struct dax_stamp *a, const struct dax_stamp *b)
{
	return a->size == b->size && a->ctime.tv_sec == b->ctime.tv_sec &&
	       a->ctime.tv_nsec == b->ctime.tv_nsec;
}

enum dax_effect dax_effect_of_write(struct dax_inode *i, uint64_t end, struct dax_stamp *before)
{
	struct timespec now;
	struct stat st;

	if (fstat(i->fd, &st) < 0 || end > (uint64_t)st.st_size || st.st_mode & (S_ISUID | S_ISGID))
		return DAX_MORE;
	*before = stamp_of(&st);
	clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the clock that inodes are stamped with */
	int64_t ahead = (st.st_mtim.tv_sec - now.tv_sec) * 1000000000ll + st.st_mtim.tv_nsec - now.tv_nsec;
	return ahead >= 0 && ahead < TICK_NS ? DAX_BYTES : DAX_TIMES;
}

void dax_times_set(struct dax_inode *i, const struct dax_stamp *before, bool guarded)
{
	struct stat st = {0};
	int rc = fstat(i->fd, &st);
	struct dax_stamp after = stamp_of(&st);

	pthread_mutex_lock(&i->lock);
	if (rc == 0 && same_stamp(before, &i->seen) && after.size == before->size)
		i->seen = after;
	else if (!guarded)
		i->changes++; /* somebody else's */
	pthread_mutex_unlock(&i->lock);
}

static bool is_clean(struct dax_inode *i, unsigned changes, const struct dax_stamp *now)
{
	pthread_mutex_lock(&i->lock);
	bool clean = i->map && i->map->sync && i->synced && i->synced_changes == changes &&
		     same_stamp(&i->seen, now);
	pthread_mutex_unlock(&i->lock);
	return clean;
}

/*
 * The first store to a page after fsync faults, and the fault changes the times; to fsync because of that would take away the
 * right to store again. Where a guard keeps others from the blocks it need not be: only what this backend has done counts.
 */
bool dax_window_is_clean(const struct vfs_window *w)
{
	struct dax_inode *i = dax_inode_of(w->file);

	pthread_mutex_lock(&i->lock);
	bool clean = w->guarded && w->map->sync && i->synced && i->synced_changes == i->changes &&
		     posix_file_of(w->file)->errors_seen == i->errors;
	pthread_mutex_unlock(&i->lock);
	return clean;
}

int dax_inode_sync(struct dax_inode *i)
{
	pthread_mutex_lock(&i->sync_lock);
	int rc = fsync(i->fd) < 0 ? -errno : 0;
	if (rc < 0) {
		pthread_mutex_lock(&i->lock);
		i->errors++;
		i->error = rc;
		pthread_mutex_unlock(&i->lock);
	}
	pthread_mutex_unlock(&i->sync_lock);
	return rc;
}

static int sync_if_changed(struct dax_inode *i)
{
	unsigned changes = i->changes;
	struct stat st;

	if (fstat(i->fd, &st) < 0)
		return -errno;
	struct dax_stamp now = stamp_of(&st);
	if (is_clean(i, changes, &now))
		return 0;
	int rc = dax_inode_sync(i);
	if (rc < 0)
		return rc;
	pthread_mutex_lock(&i->lock);
	i->synced = true;
	i->synced_changes = changes;
	i->seen = now;
	pthread_mutex_unlock(&i->lock);
	return 0;
}

int dax_inode_flush(struct dax_inode *i, atomic_uint *errors_seen)
{
	int rc = sync_if_changed(i);

	if (!errors_seen)
		return rc;
	pthread_mutex_lock(&i->lock);
	if (*errors_seen != i->errors) {
		*errors_seen = i->errors;
		rc = i->error;
	}
	pthread_mutex_unlock(&i->lock);
	return rc;
}

/* A handle without data access has no data to flush, but others of the inode may, and the inode has
 * attributes. */
int dax_flush(struct vfs_file *base, unsigned flags)
{
	struct posix_file *f = posix_file_of(base);
	struct dax_inode *i = dax_inode_of(base);
	struct dax_inode *found = i ? NULL : dax_inode_find(f->dev, f->ino);

	if (!i && !found)
		return posix_flush(base, flags);
	int rc = i ? dax_inode_flush(i, &f->errors_seen) : dax_inode_flush(found, NULL);
	dax_inode_unref(found);
	return rc;
}

struct range {
	const uint8_t *base;
	size_t len;
};

static void persist(void *arg)
{
	const struct range *r = arg;

	pmem_persist(r->base, r->len);
}

int dax_persist(const struct vfs_map *m, size_t at, size_t len)
{
	struct range r = {m->base + at, len};

	return m->sync ? fault_run(persist, &r) : -EOPNOTSUPP;
}
