/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_IOBUF_H
#define SMBD_IOBUF_H

#include "core/list.h"
#include "vfs/vfs.h"

#include <stdint.h>
#include <talloc.h>

/*
 * Buffers for frames. One that goes out is bytes, then optionally a piece of a file that is sent without a copy; a
 * connection's queue is a list of them. One that comes in is bytes. The pool keeps buffers of three sizes, so that large
 * frames cost no page faults. One thread.
 */
struct iobuf {
	struct list link;
	size_t cap, len, sent; /* sent counts through the file piece too */
	struct vfs_file *file; /* counted; NULL: none */
	uint64_t file_offset;
	size_t file_len;
	uint8_t *data; /* uninitialised beyond len */
};

enum { IOBUF_TINY = 4096, IOBUF_SMALL = 65536 + 1024, IOBUF_LARGE = (1 << 20) + 65536 };

struct iobuf_pool;
struct iobuf_pool *iobuf_pool_new(TALLOC_CTX *mem);

/* At least cap bytes of room; NULL if memory is short. */
struct iobuf *iobuf_get(struct iobuf_pool *p, size_t cap);
/* Drops the file and gives the buffer back. NULL is fine. */
void iobuf_put(struct iobuf_pool *p, struct iobuf *b);

static inline size_t iobuf_left(const struct iobuf *b)
{
	return b->len + b->file_len - b->sent;
}

/* Sends as much of the queue as fd takes, giving finished buffers back. 1 all gone, 0 fd is full, -errno. */
int iobuf_send(struct iobuf_pool *p, struct list *queue, int fd, size_t *bytes_sent);

#endif
