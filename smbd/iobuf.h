/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_IOBUF_H
#define SMBD_IOBUF_H

#include "core/list.h"
#include "vfs/vfs.h"

#include <stdint.h>
#include <talloc.h>

/*
 * Buffers for frames. One that goes out is bytes, then optionally a piece that is sent without a copy: of a file, or of a
 * file's mapping; a connection's queue is a list of them. One that comes in is bytes. The pool keeps buffers of three sizes, so that large
 * frames cost no page faults. One thread.
 */
struct iobuf {
	struct list link;
	size_t cap, len, sent; /* sent counts through the piece too */
	size_t piece_len;
	struct vfs_file *file; /* counted; NULL: the piece is the window */
	uint64_t file_offset;
	struct vfs_window window;
	bool window_bad; /* it has faulted: what is left is sent page by page */
	bool invalidate; /* SMB Direct: its last frame invalidates the peer's `tag` */
	uint32_t tag;
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
	return b->len + b->piece_len - b->sent;
}

/* Nothing can be put behind what it holds. */
static inline bool iobuf_is_closed(const struct iobuf *b)
{
	return b->piece_len || b->invalidate;
}

/* Sends as much of the queue as fd takes, giving finished buffers back. 1 all gone, 0 fd is full, -errno. */
int iobuf_send(struct iobuf_pool *p, struct list *queue, int fd, size_t *bytes_sent);

#endif
