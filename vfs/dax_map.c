/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/dax_inode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * A file is mapped as a whole and beyond its end, so that growth rarely needs a new mapping: address space is
 * plenty (128 TiB), and page tables grow only where something is touched, which is where the file has
 * storage. What all files together take is bounded nevertheless, since a client may make sparse files of any
 * length, and a process may have only so many mappings (vm.max_map_count, 65530): a file that finds no room
 * is served by system calls.
 */
#define MAP_LEAST (2ull << 20)    /* a huge page: mmap aligns such mappings so that huge pages can be used */
#define MAP_DOUBLED (64ull << 30) /* up to here lengths are powers of two, from here on multiples of it */
#define MAP_MOST (16ull << 40)
#define SLOW_TO_UNMAP (1ull << 30)
#define UNMAPPED_AT_ONCE (64ull << 20)
#define ALL_MAPS_MOST (32ull << 40)
enum { MAPS_MOST = 16384 };
enum { UNMAP_SECONDS = 5 };

/* A mapping costs about as much as reading this many bytes and making 4096 of them per call. */
enum { WORTH_MAPPING = 64 << 10, COST_OF_CALL = 4096 };

static atomic_uint_fast64_t mapped_bytes;
static atomic_uint mapped_count;

static void give_room(size_t len)
{
	mapped_bytes -= len;
	mapped_count--;
}

static bool take_room(size_t len)
{
	uint64_t bytes = atomic_fetch_add(&mapped_bytes, len) + len;
	unsigned count = atomic_fetch_add(&mapped_count, 1) + 1;

	if (bytes <= ALL_MAPS_MOST && count <= MAPS_MOST)
		return true;
	give_room(len);
	return false;
}

/* 0: too long. */
static size_t length_for(uint64_t end, uint64_t data_end)
{
	uint64_t len = MAP_LEAST;

	if (end < data_end && data_end <= MAP_MOST)
		end = data_end;
	if (end > MAP_MOST)
		return 0;
	while (len < end && len < MAP_DOUBLED)
		len *= 2;
	return len < end ? (end - 1) / MAP_DOUBLED * MAP_DOUBLED + MAP_DOUBLED : len;
}

struct vfs_map *dax_map_ref(struct vfs_map *m)
{
	m->refs++;
	return m;
}

static void unmap(struct vfs_map *m)
{
	for (size_t at = 0; at < m->len; at += UNMAPPED_AT_ONCE)
		munmap(m->base + at, m->len - at < UNMAPPED_AT_ONCE ? m->len - at : UNMAPPED_AT_ONCE);
	give_room(m->len);
	free(m);
}

/*
 * Page tables of gigabytes take long to free, and whoever closes a file must not wait for it: a thread does
 * it, in pieces, so that others can map meanwhile.
 */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned threads;
} apart = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};

static void count_apart(int more)
{
	pthread_mutex_lock(&apart.lock);
	apart.threads += (unsigned)more;
	pthread_cond_broadcast(&apart.ended);
	pthread_mutex_unlock(&apart.lock);
}

static void *unmap_apart(void *arg)
{
	unmap(arg);
	count_apart(-1);
	return NULL;
}

static bool unmap_by_thread(struct vfs_map *m)
{
	pthread_attr_t detached;
	pthread_t thread;

	if (pthread_attr_init(&detached) != 0)
		return false;
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	count_apart(1);
	int rc = pthread_create(&thread, &detached, unmap_apart, m);
	pthread_attr_destroy(&detached);
	if (rc != 0)
		count_apart(-1);
	return rc == 0;
}

bool dax_unmaps_wait(void)
{
	struct timespec until;
	bool any;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += UNMAP_SECONDS;
	pthread_mutex_lock(&apart.lock);
	any = apart.threads;
	while (apart.threads && pthread_cond_timedwait(&apart.ended, &apart.lock, &until) == 0)
		;
	pthread_mutex_unlock(&apart.lock);
	return any;
}

void dax_map_unref(struct vfs_map *m)
{
	if (!m || --m->refs != 0)
		return;
	if (m->len < SLOW_TO_UNMAP || !unmap_by_thread(m))
		unmap(m);
}

/* Synchronous where the file can be. */
static int map_file(int fd, struct vfs_map *m)
{
	int prot = PROT_READ | (m->writable ? PROT_WRITE : 0);
	void *p = mmap(NULL, m->len, prot, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);

	m->sync = p != MAP_FAILED;
	if (!m->sync)
		p = mmap(NULL, m->len, prot, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	m->base = p;
	return 0;
}

static int new_map(int fd, size_t len, bool writable, struct vfs_map **out)
{
	struct vfs_map *m = malloc(sizeof(*m));

	if (!m || !len || !take_room(len)) {
		free(m);
		return -ENOMEM;
	}
	*m = (struct vfs_map){.refs = 1, .len = len, .writable = writable};
	int rc = map_file(fd, m);
	if (rc < 0) {
		give_room(len);
		free(m);
		return rc;
	}
	*out = m;
	return 0;
}

/* The present map, if it will do: one ref. Lock held. */
static struct vfs_map *present_map(struct dax_inode *i, uint64_t end)
{
	return i->map && i->map->len >= end ? dax_map_ref(i->map) : NULL;
}

/*
 * Makes m the inode's, unless another thread was faster; one ref in *out. False if the descriptor has become
 * another meanwhile.
 */
static bool install(struct dax_inode *i, struct vfs_map *m, uint64_t end, struct vfs_map **out)
{
	struct vfs_map *old = m;

	pthread_mutex_lock(&i->lock);
	*out = present_map(i, end);
	bool current = m->writable == (i->access == (VFS_READ | VFS_WRITE));
	if (!*out && current) {
		old = i->map;
		i->map = m;
		i->moved = WORTH_MAPPING; /* from now on it is used */
		*out = dax_map_ref(m);
	}
	pthread_mutex_unlock(&i->lock);
	dax_map_unref(old); /* whoever uses it has a reference */
	return *out;
}

static void note_unmappable(struct dax_inode *i)
{
	pthread_mutex_lock(&i->lock);
	i->unmappable = true;
	pthread_mutex_unlock(&i->lock);
}

int dax_map_get(struct dax_inode *i, uint64_t end, struct vfs_map **out)
{
	struct vfs_map *m;
	bool writable, unmappable;
	size_t len;
	int rc;

	do {
		pthread_mutex_lock(&i->lock);
		*out = present_map(i, end);
		writable = i->access == (VFS_READ | VFS_WRITE);
		unmappable = i->unmappable;
		/* all that has storage in one piece: a long file of holes gets no address space for its
		 * length */
		len = length_for(end, i->data.from <= end ? i->data.to : end);
		pthread_mutex_unlock(&i->lock);
		if (*out)
			return 0;
		rc = unmappable ? -EOPNOTSUPP : new_map(i->fd, len, writable, &m);
	} while (rc == 0 && !install(i, m, end, out));
	if (rc == -ENOMEM || rc == -EAGAIN)
		return -ENOMEM;
	if (rc < 0)
		note_unmappable(i);
	return rc < 0 ? -EOPNOTSUPP : 0;
}

static bool covers(struct dax_extent known, struct dax_extent e)
{
	return known.from <= e.from && e.to <= known.to;
}

/* Lock held. One extent is remembered: mostly it is the whole file. */
static void note_data(struct dax_inode *i, struct dax_extent e)
{
	if (e.from > i->data.to || e.to < i->data.from) {
		i->data = e;
		return;
	}
	if (e.from < i->data.from)
		i->data.from = e.from;
	if (e.to > i->data.to)
		i->data.to = e.to;
}

/* Whether all of e has storage. What the kernel calls data is written, or at least initialised, lseek(2). */
static bool has_storage(struct dax_inode *i, struct dax_extent e)
{
	pthread_mutex_lock(&i->lock);
	bool known = covers(i->data, e);
	unsigned cuts = i->cuts;
	pthread_mutex_unlock(&i->lock);
	if (known)
		return true;
	off_t hole = lseek(i->fd, (off_t)e.from, SEEK_HOLE);
	if (hole < 0 || (uint64_t)hole < e.to)
		return false;
	pthread_mutex_lock(&i->lock);
	if (i->cuts == cuts)
		note_data(i, (struct dax_extent){e.from, (uint64_t)hole});
	pthread_mutex_unlock(&i->lock);
	return true;
}

bool dax_is_worth_a_map(struct dax_inode *i, uint64_t len)
{
	if (i->moved >= WORTH_MAPPING)
		return true;
	i->moved += len < WORTH_MAPPING ? (size_t)len + COST_OF_CALL : WORTH_MAPPING;
	return i->moved >= WORTH_MAPPING;
}

struct vfs_map *dax_map_for(struct dax_inode *i, struct dax_extent e)
{
	struct vfs_map *m = NULL;

	pthread_mutex_lock(&i->lock);
	if (covers(i->data, e))
		m = present_map(i, e.to);
	pthread_mutex_unlock(&i->lock);
	if (m)
		return m;
	return has_storage(i, e) && dax_map_get(i, e.to, &m) == 0 ? m : NULL;
}

void dax_inode_wrote(struct dax_inode *i, struct dax_extent e)
{
	i->changes++;
	pthread_mutex_lock(&i->lock);
	note_data(i, e);
	pthread_mutex_unlock(&i->lock);
}

void dax_inode_changed(struct dax_inode *i)
{
	i->changes++;
	pthread_mutex_lock(&i->lock);
	i->data = (struct dax_extent){0, 0};
	i->cuts++;
	pthread_mutex_unlock(&i->lock);
}
