/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_OUTBUF_H
#define SMBD_OUTBUF_H

#include "core/list.h"
#include "vfs/vfs.h"

#include <stdint.h>
#include <talloc.h>

/*
 * Buffers for what goes out. A connection's queue is a list of them; each is bytes, then optionally a piece of a
 * file that is sent without a copy. The pool keeps buffers of two sizes, so that large replies cost no page faults.
 * One thread.
 */
struct outbuf {
	struct list link;
	size_t cap, len, sent; /* sent counts through the file piece too */
	struct vfs_file *file; /* counted; NULL: none */
	uint64_t file_offset;
	size_t file_len;
	uint8_t *data; /* uninitialised beyond len */
};

enum { OUTBUF_SMALL = 65536 + 1024, OUTBUF_LARGE = (1 << 20) + 65536 };

struct outbuf_pool;
struct outbuf_pool *outbuf_pool_new(TALLOC_CTX *mem);

/* At least cap bytes of room; NULL if memory is short. */
struct outbuf *outbuf_get(struct outbuf_pool *p, size_t cap);
/* Drops the file and gives the buffer back. */
void outbuf_put(struct outbuf_pool *p, struct outbuf *b);

static inline size_t outbuf_left(const struct outbuf *b)
{
	return b->len + b->file_len - b->sent;
}

/* Sends as much of the queue as fd takes, giving finished buffers back. 1 all gone, 0 fd is full, -errno. */
int outbuf_send(struct outbuf_pool *p, struct list *queue, int fd, size_t *bytes_sent);

#endif
