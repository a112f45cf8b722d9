/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix.h"

#include <errno.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <unistd.h>

static int allocate(int fd, int mode, uint64_t offset, uint64_t len)
{
	int rc;

	do
		rc = fallocate(fd, mode, (off_t)offset, (off_t)len);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/* A file system that cannot reserve is not a reason to refuse the file. */
int posix_reserve(int fd, uint64_t bytes)
{
	if (bytes > INT64_MAX)
		return -EFBIG;
	int rc = bytes ? allocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes) : 0;
	return rc == -EOPNOTSUPP || rc == -ENOSYS ? 0 : rc;
}

int posix_truncate(struct vfs_file *base, uint64_t size, unsigned flags)
{
	if (size > INT64_MAX)
		return -EFBIG;
	return ftruncate(posix_data_fd(base), (off_t)size) < 0 ? -errno : 0;
}

int posix_set_allocation(struct vfs_file *base, uint64_t bytes, unsigned flags)
{
	int fd = posix_data_fd(base);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (bytes < (uint64_t)st.st_size)
		return posix_truncate(base, bytes, flags);
	return bytes <= (uint64_t)st.st_blocks * 512 ? 0 : posix_reserve(fd, bytes);
}

static int write_zeros(int fd, uint64_t offset, uint64_t len)
{
	enum { CHUNK = 1 << 16 };
	char *zeros = calloc(1, CHUNK);
	int rc = zeros ? 0 : -ENOMEM;

	while (rc == 0 && len) {
		ssize_t n = pwrite(fd, zeros, len < CHUNK ? len : CHUNK, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			rc = n < 0 ? -errno : -ENOSPC;
			break;
		}
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	free(zeros);
	return rc;
}

/* What is a hole is zero already. */
static int zero_data(struct vfs_file *base, uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len, n;
	int rc;

	while ((rc = posix_next_data(base, end, &offset, &n)) > 0) {
		rc = write_zeros(posix_data_fd(base), offset, n);
		if (rc < 0)
			return rc;
		offset += n;
	}
	return rc;
}

/* [MS-FSCC] 2.3.71: the file does not grow; only a sparse file gives its space back. */
int posix_zero_range(struct vfs_file *base, uint64_t offset, uint64_t len)
{
	int fd = posix_data_fd(base);
	struct vfs_stat st;
	int rc = posix_fstat(base, 0, &st);

	if (rc < 0 || offset >= st.size)
		return rc;
	if (len > st.size - offset)
		len = st.size - offset;
	int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    zero = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
	rc = allocate(fd, st.attributes & FILE_ATTRIBUTE_SPARSE_FILE ? punch : zero, offset, len);
	return rc == -EOPNOTSUPP ? zero_data(base, offset, len) : rc;
}

int posix_next_data(struct vfs_file *base, uint64_t end, uint64_t *offset, uint64_t *len)
{
	int fd = posix_data_fd(base);

	if (end > INT64_MAX)
		end = INT64_MAX;
	if (*offset >= end)
		return 0;
	off_t data = lseek(fd, (off_t)*offset, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? 0 : -errno;
	if ((uint64_t)data >= end)
		return 0;
	off_t hole = lseek(fd, data, SEEK_HOLE);
	if (hole < 0)
		return errno == ENXIO ? 0 : -errno; /* truncated meanwhile */
	*offset = (uint64_t)data;
	*len = ((uint64_t)hole < end ? (uint64_t)hole : end) - (uint64_t)data;
	return 1;
}
