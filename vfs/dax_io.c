/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/fault.h"
#include "vfs/dax_inode.h"
#include "vfs/posix.h"

#include <errno.h>
#include <libpmem.h>
#include <unistd.h>

/*
 * A read or write asks for the size, because other processes may have changed it, and copies. Of a disk's
 * page cache nothing is copied where VFS_NOWAIT is asked for: a fault might wait for the disk,
 * preadv2(RWF_NOWAIT) does not.
 */

enum { TICK_NS = 10000000 }; /* the longest tick of the kernel's coarse clock */

static bool must_not_fault(const struct vfs_file *f, unsigned flags)
{
	return flags & VFS_NOWAIT && !f->share->memory_speed;
}

static size_t size_of(const struct iovec *iov, int n)
{
	size_t size = 0;

	for (int k = 0; k < n; k++)
		size += iov[k].iov_len;
	return size;
}

static int copy_out(const struct vfs_map *m, const struct iovec *iov, struct dax_extent e)
{
	int rc = 0;

	for (int k = 0; rc == 0 && e.from < e.to; k++) {
		size_t len = iov[k].iov_len < e.to - e.from ? iov[k].iov_len : (size_t)(e.to - e.from);
		rc = fault_copy(iov[k].iov_base, m->base + e.from, len);
		e.from += len;
	}
	return rc;
}

ssize_t dax_pread(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags)
{
	struct dax_inode *i = dax_inode_of(f);
	uint64_t len = size_of(iov, n);

	if (must_not_fault(f, flags))
		return posix_pread(f, iov, n, offset, flags);
	int64_t size = dax_inode_size(i);
	if (size < 0 || offset >= (uint64_t)size)
		return size < 0 ? size : 0;
	if (len > (uint64_t)size - offset)
		len = (uint64_t)size - offset;
	struct dax_extent e = {offset, offset + len};
	struct vfs_map *m = dax_map_for(i, e, false);
	if (!m)
		return posix_pread(f, iov, n, offset, flags);
	int rc = copy_out(m, iov, e);
	dax_map_unref(m);
	if (rc < 0)
		dax_inode_changed(i); /* by somebody else */
	return rc < 0 ? rc : (ssize_t)len;
}

struct store {
	uint8_t *to;
	const struct iovec *iov;
	int n;
};

/* Past the caches, or flushed from them, and complete on return: what this thread has stored is durable. */
static void store_persistent(void *arg)
{
	const struct store *s = arg;
	uint8_t *to = s->to;

	for (int k = 0; k < s->n; k++) {
		pmem_memcpy(to, s->iov[k].iov_base, s->iov[k].iov_len, PMEM_F_MEM_NODRAIN);
		to += s->iov[k].iov_len;
	}
	pmem_drain();
}

static int store(const struct vfs_map *m, const struct iovec *iov, int n, uint64_t offset)
{
	struct store s = {m->base + offset, iov, n};
	int rc = 0;

	if (m->sync)
		return fault_run(store_persistent, &s);
	for (int k = 0; rc == 0 && k < n; k++) {
		rc = fault_copy(s.to, iov[k].iov_base, iov[k].iov_len);
		s.to += iov[k].iov_len;
	}
	return rc;
}

bool dax_changes_bytes_only(const struct dax_inode *i, uint64_t end)
{
	struct timespec now;
	struct stat st;

	if (fstat(i->fd, &st) < 0 || end > (uint64_t)st.st_size || st.st_mode & (S_ISUID | S_ISGID))
		return false;
	clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the clock that inodes are stamped with */
	int64_t ahead = (st.st_mtim.tv_sec - now.tv_sec) * 1000000000ll + st.st_mtim.tv_nsec - now.tv_nsec;
	return ahead >= 0 && ahead < TICK_NS;
}

static ssize_t write_by_call(
	struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags)
{
	struct dax_inode *i = dax_inode_of(f);
	ssize_t r = posix_pwrite(f, iov, n, offset, flags);

	if (r > 0)
		dax_inode_wrote(i, (struct dax_extent){offset, offset + (uint64_t)r});
	else
		i->changes++; /* a part may have been written */
	return r;
}

/*
 * A fault: the file was cut, or its storage, by somebody else meanwhile, or the medium is bad. Where the file
 * is as long as it should be, the kernel tries, and says what is wrong.
 */
static ssize_t write_after_fault(struct vfs_file *f, const struct iovec *iov, int n, struct dax_extent e)
{
	struct dax_inode *i = dax_inode_of(f);
	int64_t size = dax_inode_size(i);

	dax_inode_changed(i);
	return size < (int64_t)e.to ? -EIO : write_by_call(f, iov, n, e.from, 0);
}

ssize_t dax_pwrite(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags)
{
	struct dax_inode *i = dax_inode_of(f);
	size_t len = size_of(iov, n);
	struct dax_extent e = {offset, offset + len};
	struct vfs_map *m = NULL;

	if (len && !must_not_fault(f, flags) && dax_changes_bytes_only(i, e.to))
		m = dax_map_for(i, e, false);
	if (!m)
		return write_by_call(f, iov, n, offset, flags);
	int rc = store(m, iov, n, offset);
	dax_map_unref(m);
	if (rc < 0)
		return write_after_fault(f, iov, n, e);
	/* what was stored beyond an end that has come nearer meanwhile is not in the file */
	return dax_inode_size(i) < (int64_t)e.to ? write_by_call(f, iov, n, offset, flags) : (ssize_t)len;
}

int dax_file_fd(const struct vfs_file *f)
{
	const struct dax_inode *i = dax_inode_of(f);

	return i ? i->fd : -1;
}

/*
 * With MAP_SYNC, bytes are durable when a write returns, and the places of pages since they could be stored
 * to. What is left is the inode: the size, which another process may have changed too and which the journal
 * may hold back, the times, and blocks that a system call has made. All of them show in the inode's change
 * time.
 */
static bool is_clean(struct dax_inode *i, unsigned changes, const struct stat *st)
{
	pthread_mutex_lock(&i->lock);
	const struct dax_synced *s = &i->synced;
	bool clean = s->valid && s->changes == changes && s->size == (uint64_t)st->st_size &&
		     s->ctime.tv_sec == st->st_ctim.tv_sec && s->ctime.tv_nsec == st->st_ctim.tv_nsec;
	pthread_mutex_unlock(&i->lock);
	return clean;
}

/* Only if all stores go through a synchronous mapping: what has none wants fsync each time. */
static bool stores_are_durable(struct dax_inode *i)
{
	pthread_mutex_lock(&i->lock);
	bool durable = i->map && i->map->sync;
	pthread_mutex_unlock(&i->lock);
	return durable;
}

int dax_inode_flush(struct dax_inode *i)
{
	bool durable = stores_are_durable(i);
	unsigned changes = i->changes;
	struct stat st;

	if (fstat(i->fd, &st) < 0)
		return -errno;
	if (durable && is_clean(i, changes, &st))
		return 0;
	if (fsync(i->fd) < 0)
		return -errno;
	pthread_mutex_lock(&i->lock);
	i->synced = (struct dax_synced){durable, changes, (uint64_t)st.st_size, st.st_ctim};
	pthread_mutex_unlock(&i->lock);
	return 0;
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
	int rc = dax_inode_flush(i ? i : found);
	dax_inode_unref(found);
	return rc;
}
