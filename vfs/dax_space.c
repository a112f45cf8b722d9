/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/dax_inode.h"
#include "vfs/posix.h"

#include <errno.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <unistd.h>

/* Space is the posix backend's business; here is noted that what was known of the file may hold no more. */

int dax_truncate(struct vfs_file *f, uint64_t size, unsigned flags)
{
	int rc = posix_truncate(f, size, flags);

	dax_inode_changed(dax_inode_of(f));
	return rc;
}

int dax_set_allocation(struct vfs_file *f, uint64_t bytes, unsigned flags)
{
	int rc = posix_set_allocation(f, bytes, flags);

	dax_inode_changed(dax_inode_of(f));
	return rc;
}

int dax_zero_range(struct vfs_file *f, uint64_t offset, uint64_t len)
{
	int rc = posix_zero_range(f, offset, len);

	dax_inode_changed(dax_inode_of(f));
	return rc;
}

int dax_copy_range(
	struct vfs_file *from, uint64_t from_offset, struct vfs_file *to, uint64_t to_offset, uint64_t len)
{
	int rc = posix_copy_range(from, from_offset, to, to_offset, len);

	dax_inode_changed(dax_inode_of(to));
	return rc;
}

/* Blocks of its own for the range, not initialised yet: here it is that space may be lacking. */
static int reserve(int fd, uint64_t offset, uint64_t len)
{
	static const int modes[] = {FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_KEEP_SIZE};
	int rc = 0;

	for (size_t k = 0; k < ARRAY_SIZE(modes); k++) {
		do
			rc = fallocate(fd, modes[k], (off_t)offset, (off_t)len);
		while (rc < 0 && errno == EINTR);
		if (rc < 0 && errno != EOPNOTSUPP && errno != EINVAL)
			return -errno;
	}
	return rc < 0 ? -errno : 0;
}

/*
 * Write faults initialise blocks one page after the other, and change nothing of what anybody has stored
 * meanwhile. It is done in a mapping that is not synchronous, since each such fault in one that is waits for
 * the journal.
 */
static int populate(int fd, uint64_t offset, uint64_t len)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), from = offset / page * page;
	size_t size = (size_t)(offset + len - from);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)from);

	if (p == MAP_FAILED)
		return -errno;
	int rc;
	do
		rc = madvise(p, size, MADV_POPULATE_WRITE);
	while (rc < 0 && (errno == EINTR || errno == EAGAIN));
	rc = rc < 0 ? (errno == EFAULT ? -EIO : -errno) : 0;
	munmap(p, size);
	return rc;
}

int dax_allocate(struct dax_inode *i, uint64_t offset, uint64_t len)
{
	if (len == 0)
		return 0;
	int64_t size = dax_inode_size(i);
	if (size < 0 || (uint64_t)size < offset || len > (uint64_t)size - offset)
		return size < 0 ? (int)size : -ERANGE;
	int rc = reserve(i->fd, offset, len);
	if (rc == 0)
		rc = populate(i->fd, offset, len);
	if (rc == 0) {
		dax_inode_wrote(i, (struct dax_extent){offset, offset + len});
		rc = dax_inode_sync(i);
	}
	return rc;
}
