/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

typedef ssize_t (*transfer_fn)(int fd, const struct iovec *iov, int n, off_t offset, int flags);

/* Copies iov without its first `skip` bytes to out; the count of entries. */
static int iov_after(const struct iovec *iov, int n, size_t skip, struct iovec *out)
{
	int m = 0;

	for (int i = 0; i < n; i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		out[m].iov_base = (char *)iov[i].iov_base + skip;
		out[m++].iov_len = iov[i].iov_len - skip;
		skip = 0;
	}
	return m;
}

static size_t iov_size(const struct iovec *iov, int n)
{
	size_t size = 0;

	for (int i = 0; i < n; i++)
		size += iov[i].iov_len;
	return size;
}

/*
 * The kernel's word for "not without waiting", and those of a file system that cannot tell: EINVAL is
 * what buffered writes answer in Linux 6.1 where the file system does not support it.
 */
static bool would_wait(int err, int flags)
{
	return flags & RWF_NOWAIT && (err == EAGAIN || err == EOPNOTSUPP || err == EINVAL);
}

/* After a short count: goes on until all is moved, nothing comes, or an error. */
static ssize_t transfer_rest(transfer_fn fn, int fd, const struct iovec *iov, int n, size_t done, size_t size,
	uint64_t offset, int flags)
{
	struct iovec *rest = malloc((size_t)n * sizeof(*rest));

	if (!rest)
		return -ENOMEM;
	while (done < size) {
		int m = iov_after(iov, n, done, rest);
		ssize_t r = fn(fd, rest, m, (off_t)(offset + done), flags);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			int err = r < 0 ? (would_wait(errno, flags) ? EAGAIN : errno) : 0;
			free(rest);
			return err ? -err : (ssize_t)done;
		}
		done += (size_t)r;
	}
	free(rest);
	return (ssize_t)done;
}

static ssize_t transfer(transfer_fn fn, int fd, const struct iovec *iov, int n, uint64_t offset, int flags)
{
	size_t size = iov_size(iov, n);
	ssize_t r;

	do
		r = fn(fd, iov, n, (off_t)offset, flags);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return would_wait(errno, flags) ? -EAGAIN : -errno;
	if ((size_t)r == size || r == 0)
		return r;
	return transfer_rest(fn, fd, iov, n, (size_t)r, size, offset, flags);
}

static int rwf_of(const struct vfs_file *f, unsigned flags)
{
	return flags & VFS_NOWAIT && !f->share->memory_speed ? RWF_NOWAIT : 0;
}

ssize_t posix_pread(struct vfs_file *base, const struct iovec *iov, int n, uint64_t offset, unsigned flags)
{
	return transfer(preadv2, posix_data_fd(base), iov, n, offset, rwf_of(base, flags));
}

/* -EAGAIN may leave a part written: the caller writes the same bytes to the same place again. */
ssize_t posix_pwrite(struct vfs_file *base, const struct iovec *iov, int n, uint64_t offset, unsigned flags)
{
	ssize_t r = transfer(pwritev2, posix_data_fd(base), iov, n, offset, rwf_of(base, flags));

	return r >= 0 && (size_t)r < iov_size(iov, n) ? -ENOSPC : r;
}

int posix_file_fd(const struct vfs_file *base)
{
	const struct posix_file *f = posix_file_of(base);

	return f->path_only ? -1 : f->fd;
}

int posix_flush(struct vfs_file *base, unsigned flags)
{
	struct posix_file *f = posix_file_of(base);

	if (!f->path_only)
		return fsync(f->fd) < 0 ? -errno : 0;
	/* a handle without data access has no data to flush, but perhaps attributes */
	if (f->symlink)
		return 0;
	int rc = cred_assume(NULL);
	int fd = rc < 0 ? -1 : open(posix_fd_path(f->fd).s, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return rc < 0 ? rc : -errno;
	rc = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

/* Where the kernel cannot copy between the two files, or the ranges overlap. */
static int copy_by_hand(int in, off_t from, int out, off_t to, uint64_t len)
{
	enum { CHUNK = 1 << 20 };
	char *buf = malloc(CHUNK);
	int rc = buf ? 0 : -ENOMEM;

	while (rc == 0 && len) {
		struct iovec v = {buf, len < CHUNK ? len : CHUNK};
		ssize_t n = transfer(preadv2, in, &v, 1, (uint64_t)from, 0);
		if (n > 0) {
			v.iov_len = (size_t)n;
			n = transfer(pwritev2, out, &v, 1, (uint64_t)to, 0);
		}
		if (n <= 0) {
			rc = n < 0 ? (int)n : -EINVAL;
			break;
		}
		from += n;
		to += n;
		len -= (uint64_t)n;
	}
	free(buf);
	return rc;
}

/* -EINVAL: the source ends before. */
int posix_copy_range(
	struct vfs_file *from, uint64_t from_offset, struct vfs_file *to, uint64_t to_offset, uint64_t len)
{
	int in = posix_data_fd(from), out = posix_data_fd(to);
	off_t in_at = (off_t)from_offset, out_at = (off_t)to_offset;

	while (len) {
		ssize_t n = copy_file_range(in, &in_at, out, &out_at, len < SSIZE_MAX ? len : SSIZE_MAX, 0);
		if (n == 0)
			return copy_by_hand(
				in, in_at, out, out_at, len); /* the end, or a file system that says so */
		if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS))
			return copy_by_hand(in, in_at, out, out_at, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len -= n > 0 ? (uint64_t)n : 0;
	}
	return 0;
}
