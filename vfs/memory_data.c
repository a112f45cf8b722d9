/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/memory.h"
#include "core/clock.h"

#include <errno.h>
#include <stdlib.h>

/* Position of the first page whose index is not below. */
static size_t page_at_or_after(const struct memory_node *n, uint64_t index)
{
	size_t low = 0, high = n->npages;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (n->pages[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint8_t *existing_page(const struct memory_node *n, uint64_t index)
{
	size_t i = page_at_or_after(n, index);

	return i < n->npages && n->pages[i].index == index ? n->pages[i].bytes : NULL;
}

static uint8_t *make_page(struct memory_node *n, uint64_t index)
{
	size_t i = page_at_or_after(n, index);

	if (i < n->npages && n->pages[i].index == index)
		return n->pages[i].bytes;
	struct memory_page *pages = realloc(n->pages, (n->npages + 1) * sizeof(*pages));
	if (!pages)
		return NULL;
	n->pages = pages;
	uint8_t *bytes = calloc(1, MEMORY_PAGE);
	if (!bytes)
		return NULL;
	memmove(pages + i + 1, pages + i, (n->npages - i) * sizeof(*pages));
	pages[i] = (struct memory_page){index, bytes};
	n->npages++;
	return bytes;
}

static void drop_between(struct memory_node *n, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		free(n->pages[i].bytes);
	if (end > first)
		memmove(n->pages + first, n->pages + end, (n->npages - end) * sizeof(*n->pages));
	n->npages -= end - first;
}

void memory_drop_pages(struct memory_node *n, uint64_t first_index)
{
	drop_between(n, page_at_or_after(n, first_index), n->npages);
}

uint64_t memory_allocation(const struct memory_node *n)
{
	uint64_t held = (uint64_t)n->npages * MEMORY_PAGE;
	uint64_t reserved =
		n->reserved / MEMORY_PAGE * MEMORY_PAGE + (n->reserved % MEMORY_PAGE ? MEMORY_PAGE : 0);

	return held > reserved ? held : reserved;
}

/* How much of len lies in the page of offset. */
static size_t in_page(uint64_t offset, size_t len)
{
	size_t room = MEMORY_PAGE - offset % MEMORY_PAGE;

	return len < room ? len : room;
}

static void read_bytes(const struct memory_node *n, uint8_t *out, size_t len, uint64_t offset)
{
	while (len) {
		size_t part = in_page(offset, len);
		const uint8_t *page = existing_page(n, offset / MEMORY_PAGE);
		if (page)
			memcpy(out, page + offset % MEMORY_PAGE, part);
		else
			memset(out, 0, part);
		out += part;
		offset += part;
		len -= part;
	}
}

static int write_bytes(struct memory_node *n, const uint8_t *in, size_t len, uint64_t offset)
{
	while (len) {
		size_t part = in_page(offset, len);
		uint8_t *page = make_page(n, offset / MEMORY_PAGE);
		if (!page)
			return -ENOSPC;
		memcpy(page + offset % MEMORY_PAGE, in, part);
		in += part;
		offset += part;
		len -= part;
		if (n->size < offset)
			n->size = offset;
	}
	return 0;
}

ssize_t memory_pread(
	struct vfs_file *base, const struct iovec *iov, int count, uint64_t offset, unsigned flags)
{
	struct memory_node *n = memory_file_of(base)->node;
	size_t done = 0;

	memory_lock(base->share);
	for (int i = 0; i < count && offset < n->size; i++) {
		size_t len = iov[i].iov_len < n->size - offset ? iov[i].iov_len : n->size - offset;
		read_bytes(n, iov[i].iov_base, len, offset);
		offset += len;
		done += len;
	}
	memory_unlock(base->share);
	return (ssize_t)done;
}

ssize_t memory_pwrite(
	struct vfs_file *base, const struct iovec *iov, int count, uint64_t offset, unsigned flags)
{
	struct memory_node *n = memory_file_of(base)->node;
	size_t done = 0;
	int rc = 0;

	memory_lock(base->share);
	for (int i = 0; rc == 0 && i < count; i++) {
		rc = write_bytes(n, iov[i].iov_base, iov[i].iov_len, offset + done);
		done += iov[i].iov_len;
	}
	n->write_time = n->change_time = nttime_now();
	memory_unlock(base->share);
	return rc < 0 ? rc : (ssize_t)done;
}

static void zero_in_page(struct memory_node *n, uint64_t offset, size_t len)
{
	uint8_t *page = existing_page(n, offset / MEMORY_PAGE);

	if (page)
		memset(page + offset % MEMORY_PAGE, 0, len);
}

static void set_size(struct memory_node *n, uint64_t size)
{
	if (size < n->size) {
		uint64_t first = size / MEMORY_PAGE + (size % MEMORY_PAGE ? 1 : 0);
		memory_drop_pages(n, first);
		if (size % MEMORY_PAGE)
			zero_in_page(n, size, MEMORY_PAGE - size % MEMORY_PAGE);
		n->reserved = 0;
	}
	n->size = size;
	n->write_time = n->change_time = nttime_now();
}

int memory_truncate(struct vfs_file *base, uint64_t size, unsigned flags)
{
	if (size > INT64_MAX)
		return -EFBIG;
	memory_lock(base->share);
	set_size(memory_file_of(base)->node, size);
	memory_unlock(base->share);
	return 0;
}

int memory_set_allocation(struct vfs_file *base, uint64_t bytes, unsigned flags)
{
	struct memory_node *n = memory_file_of(base)->node;

	if (bytes > INT64_MAX)
		return -EFBIG;
	memory_lock(base->share);
	if (bytes < n->size)
		set_size(n, bytes);
	else if (bytes > n->reserved)
		n->reserved = bytes;
	memory_unlock(base->share);
	return 0;
}

int memory_zero_range(struct vfs_file *base, uint64_t offset, uint64_t len)
{
	struct memory_node *n = memory_file_of(base)->node;

	memory_lock(base->share);
	uint64_t end = offset < n->size && len < n->size - offset ? offset + len : n->size;
	while (offset < end) {
		size_t part =
			in_page(offset, end - offset < MEMORY_PAGE ? (size_t)(end - offset) : MEMORY_PAGE);
		size_t i = page_at_or_after(n, offset / MEMORY_PAGE);
		if (i == n->npages)
			break;
		if (n->pages[i].index > offset / MEMORY_PAGE) {
			/* a hole: on to the next page that is there */
			offset = n->pages[i].index * MEMORY_PAGE;
			continue;
		}
		if (part == MEMORY_PAGE && n->attributes & FILE_ATTRIBUTE_SPARSE_FILE)
			drop_between(n, i, i + 1);
		else
			zero_in_page(n, offset, part);
		offset += part;
	}
	n->write_time = n->change_time = nttime_now();
	memory_unlock(base->share);
	return 0;
}

static int next_data(const struct memory_node *n, uint64_t end, uint64_t *offset, uint64_t *len)
{
	if (end > n->size)
		end = n->size;
	if (*offset >= end)
		return 0;
	size_t i = page_at_or_after(n, *offset / MEMORY_PAGE);
	if (i == n->npages || n->pages[i].index * MEMORY_PAGE >= end)
		return 0;
	uint64_t start = n->pages[i].index * MEMORY_PAGE, stop = n->pages[i].index + 1;
	for (i++; i < n->npages && n->pages[i].index == stop; i++)
		stop++;
	*offset = start > *offset ? start : *offset;
	*len = (stop * MEMORY_PAGE < end ? stop * MEMORY_PAGE : end) - *offset;
	return 1;
}

int memory_next_data(struct vfs_file *base, uint64_t end, uint64_t *offset, uint64_t *len)
{
	memory_lock(base->share);
	int rc = next_data(memory_file_of(base)->node, end, offset, len);
	memory_unlock(base->share);
	return rc;
}

/* Through a buffer: the two may lie in different trees, each with a lock. */
int memory_copy_range(
	struct vfs_file *from, uint64_t from_offset, struct vfs_file *to, uint64_t to_offset, uint64_t len)
{
	enum { CHUNK = 1 << 16 };
	uint8_t *buf = malloc(CHUNK);
	int rc = buf ? 0 : -ENOMEM;

	while (rc == 0 && len) {
		struct iovec v = {buf, len < CHUNK ? (size_t)len : CHUNK};
		ssize_t n = memory_pread(from, &v, 1, from_offset, 0);
		v.iov_len = n > 0 ? (size_t)n : 0;
		if (n > 0)
			n = memory_pwrite(to, &v, 1, to_offset, 0);
		if (n <= 0) {
			rc = n < 0 ? (int)n : -EINVAL;
			break;
		}
		from_offset += (uint64_t)n;
		to_offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	free(buf);
	return rc;
}
