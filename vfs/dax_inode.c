/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/dax_inode.h"
#include "vfs/posix.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * One table for the process, keyed by device and inode number: an inode's number is not used again while a
 * descriptor of it is open, and the object has one: with a second, if only for a moment, no lease is to be had
 * (fcntl(2)), and one that is there is broken. The table's lock is held for look-ups only; files are opened and
 * closed without it, and who wants the same inode meanwhile waits. Only where a descriptor for reading is replaced
 * by one for both are there two for a moment. Lock order: the table's, then nothing.
 */
enum { BUCKETS = 4096 };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t passed;
	struct list buckets[BUCKETS]; /* zeroed until used */
} table = {.lock = PTHREAD_MUTEX_INITIALIZER, .passed = PTHREAD_COND_INITIALIZER};

static struct list *bucket_of(uint64_t dev, uint64_t ino)
{
	struct list *b = &table.buckets[(ino ^ dev * 0x9E3779B97F4A7C15ull) % BUCKETS];

	if (!b->next)
		list_init(b);
	return b;
}

/* Lock held. */
static struct dax_inode *find(uint64_t dev, uint64_t ino)
{
	struct list *b = bucket_of(dev, ino);

	LIST_FOREACH (l, b) {
		struct dax_inode *i = container_of(l, struct dax_inode, link);
		if (i->ino == ino && i->dev == dev)
			return i;
	}
	return NULL;
}

/* Lock held, but not all the time. */
static struct dax_inode *find_passed(uint64_t dev, uint64_t ino)
{
	struct dax_inode *i;

	while ((i = find(dev, ino)) && i->passing)
		pthread_cond_wait(&table.passed, &table.lock);
	return i;
}

struct dax_inode *dax_inode_find(uint64_t dev, uint64_t ino)
{
	pthread_mutex_lock(&table.lock);
	struct dax_inode *i = find_passed(dev, ino);
	if (i)
		i->refs++;
	pthread_mutex_unlock(&table.lock);
	return i;
}

static void destroy(struct dax_inode *i)
{
	pthread_mutex_destroy(&i->sync_lock);
	pthread_mutex_destroy(&i->lock);
	free(i);
}

/* Its descriptor is open, or closed, and it is to be found, or not any more. */
static void pass(struct dax_inode *i, bool stays)
{
	pthread_mutex_lock(&table.lock);
	i->passing = false;
	if (!stays)
		list_remove(&i->link);
	pthread_cond_broadcast(&table.passed);
	pthread_mutex_unlock(&table.lock);
	if (!stays)
		destroy(i);
}

void dax_inode_unref(struct dax_inode *i)
{
	if (!i)
		return;
	pthread_mutex_lock(&table.lock);
	bool last = --i->refs == 0;
	i->passing = last;
	pthread_mutex_unlock(&table.lock);
	if (!last)
		return;
	dax_map_unref(i->map);
	close(i->fd);
	pass(i, false);
}

int dax_inode_fd(const struct dax_inode *i)
{
	return i->fd;
}

unsigned dax_inode_access(struct dax_inode *i)
{
	pthread_mutex_lock(&i->lock);
	unsigned access = i->access;
	pthread_mutex_unlock(&i->lock);
	return access;
}

/* SEEK_END is the cheapest question for the size; nobody uses the position. */
int64_t dax_inode_size(const struct dax_inode *i)
{
	off_t size = lseek(i->fd, 0, SEEK_END);

	return size < 0 ? -errno : size;
}

static int open_as(struct vfs_cred *cred, int path_fd, int oflags)
{
	int rc = cred_assume(cred);

	if (rc < 0)
		return rc;
	int fd = open(posix_fd_path(path_fd).s, oflags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * The process opens for reading and writing, for all users to come, each of whom is checked; where it may not
 * (a read-only file system, a server that does not trust root), the user opens what the user may. *access:
 * what the descriptor is good for.
 */
static int open_data(const struct dax_wish *w, unsigned *access)
{
	static const int by_access[] = {[VFS_READ] = O_RDONLY, [VFS_WRITE] = O_WRONLY};
	bool write = w->access & VFS_WRITE || w->writable;
	int fd = -EACCES;

	*access = VFS_READ | VFS_WRITE;
	if (write)
		fd = open_as(NULL, w->path_fd, O_RDWR);
	if (fd < 0 && w->access & VFS_WRITE)
		fd = open_as(w->cred, w->path_fd, O_RDWR);
	if (fd >= 0 || w->access == (VFS_READ | VFS_WRITE))
		return fd;
	*access = w->access;
	fd = open_as(NULL, w->path_fd, by_access[w->access]);
	return fd >= 0 ? fd : open_as(w->cred, w->path_fd, by_access[w->access]);
}

/* Without a descriptor yet. */
static struct dax_inode *new_inode(const struct dax_wish *w)
{
	struct dax_inode *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->refs = 1;
	i->dev = w->dev;
	i->ino = w->ino;
	i->fd = -1;
	i->passing = true;
	pthread_mutex_init(&i->lock, NULL);
	pthread_mutex_init(&i->sync_lock, NULL);
	return i;
}

/* The descriptor keeps its number, so that calls on other threads see either the old or the new one. Takes fd
 * over. */
static int replace_descriptor(struct dax_inode *i, int fd)
{
	struct vfs_map *old = NULL;
	int rc = 0;

	pthread_mutex_lock(&i->lock);
	if (i->access != (VFS_READ | VFS_WRITE)) {
		rc = dup3(fd, i->fd, O_CLOEXEC) < 0 ? -errno : 0;
		if (rc == 0) {
			i->access = VFS_READ | VFS_WRITE;
			i->unmappable = false;
			old = i->map; /* of the old description, and perhaps for reading only */
			i->map = NULL;
		}
	}
	pthread_mutex_unlock(&i->lock);
	close(fd);
	dax_map_unref(old);
	return rc;
}

static int make_good_for(struct dax_inode *i, const struct dax_wish *w)
{
	struct dax_wish both = *w;
	unsigned access;

	if ((w->access & ~dax_inode_access(i)) == 0)
		return 0;
	both.access = VFS_READ | VFS_WRITE;
	int fd = open_data(&both, &access);
	return fd < 0 ? fd : replace_descriptor(i, fd);
}

/* One ref, whose object is there already; or *mine: it is the caller's to give a descriptor, and others wait. NULL: no memory. */
static struct dax_inode *enter(const struct dax_wish *w, bool *mine)
{
	pthread_mutex_lock(&table.lock);
	struct dax_inode *i = find_passed(w->dev, w->ino);
	*mine = !i;
	if (i)
		i->refs++;
	else if ((i = new_inode(w)))
		list_append(bucket_of(w->dev, w->ino), &i->link);
	pthread_mutex_unlock(&table.lock);
	return i;
}

int dax_inode_adopt(const struct dax_wish *w, int fd, struct dax_inode **out)
{
	bool mine;
	struct dax_inode *i = enter(w, &mine);

	if (!i)
		return -ENOMEM;
	if (mine) {
		i->fd = fd;
		i->access = VFS_READ | VFS_WRITE;
		pass(i, true);
	} else { /* somebody was quick to open the new file */
		int rc = make_good_for(i, w);
		if (rc < 0) {
			dax_inode_unref(i);
			return rc;
		}
		close(fd);
	}
	*out = i;
	return 0;
}

static int open_descriptor(struct dax_inode *i, const struct dax_wish *w)
{
	int fd = open_data(w, &i->access);

	i->fd = fd;
	pass(i, fd >= 0);
	return fd < 0 ? fd : 0;
}

int dax_inode_get(const struct dax_wish *w, struct dax_inode **out)
{
	bool mine;
	struct dax_inode *i = enter(w, &mine);

	if (!i)
		return -ENOMEM;
	int rc = mine ? open_descriptor(i, w) : make_good_for(i, w);
	if (rc == 0)
		*out = i;
	else if (!mine)
		dax_inode_unref(i);
	return rc;
}
