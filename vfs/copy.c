/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/fs_kind.h"
#include "vfs/posix.h"

#include <errno.h>
#include <stdlib.h>

/* Copies between files whose storage is not to become shared. */

bool vfs_copies_share(struct vfs_file *to)
{
	return to->share->ops->on_disk && fs_kind_of(posix_data_fd(to)).shares_blocks;
}

static ssize_t copy_piece(struct vfs_file *from, uint64_t from_offset, struct vfs_file *to,
	uint64_t to_offset, struct iovec piece)
{
	ssize_t n = vfs_pread(from, &piece, 1, from_offset, 0);

	if (n == 0)
		return -EINVAL;
	piece.iov_len = n > 0 ? (size_t)n : 0;
	return n < 0 ? n : vfs_pwrite(to, &piece, 1, to_offset, 0);
}

int vfs_copy_bytes(
	struct vfs_file *from, uint64_t from_offset, struct vfs_file *to, uint64_t to_offset, uint64_t len)
{
	enum { CHUNK = 1 << 20 };
	char *buf = malloc(CHUNK);
	ssize_t n = buf ? 0 : -ENOMEM;

	while (n >= 0 && len) {
		n = copy_piece(
			from, from_offset, to, to_offset, (struct iovec){buf, len < CHUNK ? len : CHUNK});
		if (n == 0)
			n = -ENOSPC;
		if (n < 0)
			break;
		from_offset += (uint64_t)n;
		to_offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	free(buf);
	return n < 0 ? (int)n : 0;
}
