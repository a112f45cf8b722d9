/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/iobuf.h"

#include "core/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLASSES = 3, KEEP_TINY = 128, KEEP_SMALL = 32, KEEP_LARGE = 16, SEND_IOV = 64 };

static const struct {
	size_t cap;
	unsigned keep;
} classes[CLASSES] = {{IOBUF_TINY, KEEP_TINY}, {IOBUF_SMALL, KEEP_SMALL}, {IOBUF_LARGE, KEEP_LARGE}};

struct iobuf_pool {
	struct list idle[CLASSES];
	unsigned count[CLASSES];
};

static int pool_destructor(struct iobuf_pool *p)
{
	for (int c = 0; c < CLASSES; c++) {
		struct list *item;
		while ((item = list_pop(&p->idle[c])))
			free(container_of(item, struct iobuf, link));
	}
	return 0;
}

struct iobuf_pool *iobuf_pool_new(TALLOC_CTX *mem)
{
	struct iobuf_pool *p = talloc_zero(mem, struct iobuf_pool);

	if (!p)
		return NULL;
	for (int c = 0; c < CLASSES; c++)
		list_init(&p->idle[c]);
	talloc_set_destructor(p, pool_destructor);
	return p;
}

struct iobuf *iobuf_get(struct iobuf_pool *p, size_t cap)
{
	int c = 0;

	while (c < CLASSES && classes[c].cap < cap)
		c++;
	struct list *item = c < CLASSES ? list_pop(&p->idle[c]) : NULL;
	struct iobuf *b;
	if (item) {
		p->count[c]--;
		b = container_of(item, struct iobuf, link);
	} else {
		size_t size = c < CLASSES ? classes[c].cap : cap;
		b = malloc(sizeof(*b) + size);
		if (!b)
			return NULL;
		b->cap = size;
	}
	list_init(&b->link);
	b->len = b->sent = b->piece_len = 0;
	b->file_offset = 0;
	b->file = NULL;
	b->window = (struct vfs_window){0};
	b->invalidate = b->window_bad = false;
	b->data = (uint8_t *)(b + 1);
	return b;
}

void iobuf_put(struct iobuf_pool *p, struct iobuf *b)
{
	if (!b)
		return;
	list_remove(&b->link);
	vfs_file_unref(b->file);
	vfs_window_close(&b->window);
	for (int c = 0; c < CLASSES; c++) {
		if (classes[c].cap == b->cap && p->count[c] < classes[c].keep) {
			list_prepend(&p->idle[c], &b->link); /* the one used last is still in the cache */
			p->count[c]++;
			return;
		}
	}
	free(b);
}

/*
 * The bytes at the head of the queue, up to and without the first piece that has to be sent by another call; *more says that
 * one follows.
 */
static size_t gather(struct list *queue, struct iovec *iov, bool *more)
{
	size_t n = 0;

	*more = false;
	LIST_FOREACH(item, queue) {
		struct iobuf *b = container_of(item, struct iobuf, link);
		if (b->sent < b->len)
			iov[n++] = (struct iovec){b->data + b->sent, b->len - b->sent};
		size_t done = b->sent > b->len ? b->sent - b->len : 0;
		if (b->window.base && !b->window_bad)
			iov[n++] = (struct iovec){b->window.base + done, b->piece_len - done};
		else if (b->piece_len)
			*more = true;
		if (*more || n >= SEND_IOV - 1) {
			*more |= item->next != queue;
			break;
		}
	}
	return n;
}

/* Counts n bytes as sent and gives back the buffers at the head that are done or empty. */
static void consume(struct iobuf_pool *p, struct list *queue, size_t n)
{
	while (!list_empty(queue)) {
		struct iobuf *b = container_of(queue->next, struct iobuf, link);
		size_t take = iobuf_left(b) < n ? iobuf_left(b) : n;
		b->sent += take;
		n -= take;
		if (iobuf_left(b))
			break;
		iobuf_put(p, b);
	}
}

/*
 * A page of a mapping has faulted: it was cut, and perhaps has grown again since, or the medium fails. The kernel knows
 * which, and reads what there is; 0 or -1 and errno.
 */
static int read_faulted(const struct vfs_window *w, uint8_t *to, size_t n, uint64_t at)
{
	ssize_t got = pread(vfs_file_fd(w->file), to, n, (off_t)at);

	if (got >= 0)
		memset(to + got, 0, n - (size_t)got);
	return got < 0 ? -1 : 0;
}

/*
 * The reply's header has promised piece_len bytes. Where the file has become shorter since, zeros take their place: the
 * client asked for a range that existed when the request was answered. Of a mapping, the pages that are still there are
 * sent; an error where the medium fails, which ends the connection: the client must not take anything for the data.
 */
static ssize_t send_what_is_left(const struct iobuf *b, int fd)
{
	enum { PAGE = 4096, CHUNK = 4 * PAGE };
	uint8_t chunk[CHUNK] = {0};
	size_t n = iobuf_left(b) < CHUNK ? iobuf_left(b) : CHUNK, done = b->sent - b->len;

	for (size_t at = 0; b->window.base && at < n;) {
		const uint8_t *from = b->window.base + done + at;
		size_t page = PAGE - (uintptr_t)from % PAGE;
		if (page > n - at)
			page = n - at;
		if (fault_copy(chunk + at, from, page) < 0 &&
			read_faulted(&b->window, chunk + at, page, b->window.offset + done + at) < 0)
			return -1;
		at += page;
	}
	return send(fd, chunk, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t send_piece(struct iobuf *b, int fd)
{
	off_t at = (off_t)(b->file_offset + b->sent - b->len);
	ssize_t n = b->file ? sendfile(fd, vfs_file_fd(b->file), &at, iobuf_left(b)) : 0;

	return n == 0 ? send_what_is_left(b, fd) : n;
}

/* A send has met memory that is not there: the first mapping in the queue is no longer given to the kernel. False: none. */
static bool mark_bad_window(struct list *queue)
{
	LIST_FOREACH(item, queue) {
		struct iobuf *b = container_of(item, struct iobuf, link);
		if (b->window.base && !b->window_bad)
			return b->window_bad = true;
	}
	return false;
}

int iobuf_send(struct iobuf_pool *p, struct list *queue, int fd, size_t *bytes_sent)
{
	for (consume(p, queue, 0); !list_empty(queue);) {
		struct iovec iov[SEND_IOV];
		bool more;
		size_t n = gather(queue, iov, &more);
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n};
		ssize_t sent;

		if (n)
			sent = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0));
		else
			sent = send_piece(container_of(queue->next, struct iobuf, link), fd);
		if (sent < 0 && errno == EFAULT && mark_bad_window(queue))
			continue;
		if (sent < 0)
			return errno == EAGAIN ? 0 : errno == EINTR ? 0 : -errno;
		*bytes_sent += (size_t)sent;
		consume(p, queue, (size_t)sent);
	}
	return 1;
}
