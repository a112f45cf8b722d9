/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_DAX_H
#define VFS_DAX_H

#include "vfs/backend.h"

#include <pthread.h>

/*
 * The DAX backend: the posix backend, but for the data of regular files, which is read and written through a
 * mapping kept per inode. What open files of one inode share, in all shares of the process, is its dax_inode:
 * one kernel descriptor (an open file description of its own, so that a write lease can be had, fcntl(2)
 * F_SETLEASE), one mapping, and what is known of the file meanwhile.
 *
 * Stores go only to ranges that are known to have storage. Whatever else a write needs (blocks, a new size,
 * new times, set-user-ID bits taken away) is left to pwritev(2), which on a DAX file system copies straight
 * to the medium as well, shows nobody what the blocks held before, and has an answer for each error.
 */
struct dax_inode;

/*
 * A mapping from offset 0; longer than the file, mostly. Counted; it stays while it is used, also when a
 * longer one has replaced it.
 */
struct vfs_map {
	atomic_uint refs;
	uint8_t *base;
	size_t len;
	bool writable;
	bool sync; /* MAP_SYNC: where a page can be stored to, its place in the file is durable, mmap(2) */
};

/* Of a regular file that was opened for data in a mapped share, borrowed from f; else NULL. */
struct dax_inode *dax_inode_of(const struct vfs_file *f);
void dax_inode_unref(struct dax_inode *i); /* NULL is fine */

/*
 * The one descriptor. The number is the inode's as long as the object lives; the open file description behind
 * it changes once at most, when a file that could first be opened for reading only is opened for writing.
 */
int dax_inode_fd(const struct dax_inode *i);
/* VFS_READ | VFS_WRITE: what the descriptor is good for, whatever the rights of single handles. */
unsigned dax_inode_access(struct dax_inode *i);

/*
 * The mapping, of at least `end` bytes, perhaps beyond the end of the file. One ref in *out. -EOPNOTSUPP:
 * there is none of this kind of file. -ENOMEM: no address space is left.
 */
int dax_map_get(struct dax_inode *i, uint64_t end, struct vfs_map **out);
struct vfs_map *dax_map_ref(struct vfs_map *m);
void dax_map_unref(struct vfs_map *m); /* NULL is fine */

/*
 * Gives [offset, offset + len) storage of its own that is initialised, and changes no byte of it, whoever
 * writes there meanwhile: after it, stores need no space. The file must be as long. Durable when it returns.
 * May block. 0, -ENOSPC, -EDQUOT...
 */
int dax_allocate(struct dax_inode *i, uint64_t offset, uint64_t len);

/*
 * [at, at + len) of a mapping is durable as stored, if m->sync. 0; -EIO after a fault; -EOPNOTSUPP if it is
 * not m->sync: fsync the descriptor instead.
 */
int dax_persist(const struct vfs_map *m, size_t at, size_t len);

/* The file was changed by other means than writes of this backend, and may have less storage than before. */
void dax_inode_changed(struct dax_inode *i);

#endif
