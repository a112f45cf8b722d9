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

	if (must_not_fault(f, flags) || !dax_is_worth_a_map(i, len))
		return posix_pread(f, iov, n, offset, flags);
	int64_t size = dax_inode_size(i);
	if (size < 0 || offset >= (uint64_t)size)
		return size < 0 ? size : 0;
	if (len > (uint64_t)size - offset)
		len = (uint64_t)size - offset;
	struct dax_extent e = {offset, offset + len};
	struct vfs_map *m = dax_map_for(i, e);
	if (!m)
		return posix_pread(f, iov, n, offset, flags);
	int rc = copy_out(m, iov, e);
	dax_map_unref(m);
	if (rc == 0)
		return (ssize_t)len;
	dax_inode_changed(i); /* by somebody else, or the medium fails: the kernel knows */
	return posix_pread(f, iov, n, offset, flags);
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

/* Takes m over. */
static ssize_t write_by_store(
	struct vfs_file *f, const struct iovec *iov, int n, struct dax_extent e, struct vfs_map *m)
{
	int rc = store(m, iov, n, e.from);

	dax_map_unref(m);
	if (rc < 0)
		return write_after_fault(f, iov, n, e);
	/* what was stored beyond an end that has come nearer meanwhile is not in the file */
	if (dax_inode_size(dax_inode_of(f)) < (int64_t)e.to)
		return write_by_call(f, iov, n, e.from, 0);
	return (ssize_t)(e.to - e.from);
}

/*
 * Once in a tick of its clock the kernel writes, for it sets the times then, and tells those who watch the
 * file. Where stores are to be durable the bytes are stored nevertheless: the call may have found no storage
 * after all, and given the file new blocks.
 */
ssize_t dax_pwrite(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags)
{
	struct dax_inode *i = dax_inode_of(f);
	size_t len = size_of(iov, n);
	struct dax_extent e = {offset, offset + len};
	enum dax_effect effect = DAX_MORE;
	struct dax_stamp before;
	struct vfs_map *m = NULL;

	if (len && !must_not_fault(f, flags) && dax_is_worth_a_map(i, len))
		effect = dax_effect_of_write(i, e.to, &before);
	if (effect != DAX_MORE)
		m = dax_map_for(i, e);
	if (m && effect == DAX_TIMES && m->sync) {
		ssize_t r = posix_pwrite(f, iov, n, offset, flags);
		dax_times_set(i, &before, false);
		if (r < 0) {
			dax_map_unref(m);
			return r;
		}
	} else if (!m || effect == DAX_TIMES) {
		dax_map_unref(m);
		return write_by_call(f, iov, n, offset, flags);
	}
	return write_by_store(f, iov, n, e, m);
}

int dax_file_fd(const struct vfs_file *f)
{
	const struct dax_inode *i = dax_inode_of(f);

	return i ? i->fd : -1;
}
