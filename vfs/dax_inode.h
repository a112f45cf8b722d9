/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_DAX_INODE_H
#define VFS_DAX_INODE_H

#include "core/list.h"
#include "vfs/dax.h"

/* What the files of the DAX backend have between them; others need dax.h only. */

struct dax_extent {
	uint64_t from, to;
};

/* What shows that a file was changed by others. */
struct dax_stamp {
	uint64_t size;
	struct timespec ctime;
};

struct dax_inode {
	struct list link; /* guarded by the table's lock, like refs and passing */
	unsigned refs;
	bool passing; /* its descriptor is being opened or closed: it is nobody else's */
	uint64_t dev, ino;
	int fd;
	atomic_uint changes; /* of sizes and blocks, by calls of this backend that have returned */
	atomic_size_t moved; /* bytes read and written by system calls, before there was a mapping */

	pthread_mutex_t lock;   /* guards what follows; no system call is made under it but dup3 */
	unsigned access;        /* VFS_READ | VFS_WRITE: what fd is good for */
	bool unmappable;        /* mmap has refused for good */
	struct vfs_map *map;    /* one ref, or NULL */
	struct dax_extent data; /* known to have storage */
	unsigned cuts;          /* how often storage was taken away */
	bool synced;            /* it has been flushed, when changes were these */
	unsigned synced_changes;
	struct dax_stamp seen; /* then, or when this backend set the times since */

	pthread_mutex_t sync_lock; /* held over fsync, taken before lock: who comes after a failure learns of it */
	atomic_uint errors;        /* of fsync, ever: written under both locks */
	int error;                 /* the last of them, -errno; guarded by lock */
};

/* dax_probe.c: what a root offers. */
struct dax_offer {
	bool memory;     /* tmpfs and the like: no device at all */
	bool dax;        /* STATX_ATTR_DAX */
	bool sync;       /* MAP_SYNC works */
	bool fsync;      /* fsync(2) works, and something is behind it */
	const char *why; /* not persistent */
};
void dax_probe(int root, struct dax_offer *out);

/* dax_inode.c */
/*
 * The object of the regular file that path_fd names, made if need be, with a descriptor good for `access`;
 * cred has been checked. In a read-only share it is not opened for writing for others' sake. One ref in *out.
 */
struct dax_wish {
	uint64_t dev, ino;
	int path_fd;
	struct vfs_cred *cred;
	unsigned access;
	bool writable; /* open it for writing although nobody writes yet */
};
int dax_inode_get(const struct dax_wish *w, struct dax_inode **out);
/* Likewise of a new file open at fd for both, which is taken over on success. */
int dax_inode_adopt(const struct dax_wish *w, int fd, struct dax_inode **out);
/* One ref, or NULL. */
struct dax_inode *dax_inode_find(uint64_t dev, uint64_t ino);

/* How long the file is now, or -errno. */
int64_t dax_inode_size(const struct dax_inode *i);

/* Files of which little is read or written are not worth a mapping. Another `len` bytes are about to be. */
bool dax_is_worth_a_map(struct dax_inode *i, uint64_t len);
/* A map in which all of `e` has storage, as far as is known: one ref. NULL: use system calls. */
struct vfs_map *dax_map_for(struct dax_inode *i, struct dax_extent e);
/*
 * Waits until no mapping is being taken down: each keeps its open file, for which a lease is refused, until then.
 * False: there was none. May block for seconds.
 */
bool dax_unmaps_wait(void);
/* `e` has been written by a system call. */
void dax_inode_wrote(struct dax_inode *i, struct dax_extent e);

/* dax_open.c */
int dax_open(struct vfs_share *s, struct vfs_cred *cred, const struct vfs_open_how *how, unsigned flags,
	struct vfs_file **out, struct vfs_stat *st);
int dax_reopen(struct vfs_file *f, struct vfs_cred *cred, unsigned access, unsigned flags);
void dax_file_free(struct vfs_file *f);

/* dax_io.c */
ssize_t dax_pread(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags);
ssize_t dax_pwrite(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags);
int dax_file_fd(const struct vfs_file *f);

/* dax_sync.c */
/*
 * What a write that ends at `end` changes in the inode: nothing, if its times are those of now already, as
 * exactly as the kernel keeps them; its times; or more, as a longer file, or set-user-ID bits that might have
 * to go (write(2)).
 */
enum dax_effect { DAX_BYTES, DAX_TIMES, DAX_MORE };
enum dax_effect dax_effect_of_write(struct dax_inode *i, uint64_t end, struct dax_stamp *before);
/*
 * The times have been set by this backend, and nothing else. guarded: for a store where what others may have done to the inode
 * does not matter.
 */
void dax_times_set(struct dax_inode *i, const struct dax_stamp *before, bool guarded);
/*
 * errors_seen: of the file that asks. Linux tells an open file description of a write-back error once (fsync(2)), and the files of
 * an inode have one between them: so each that was open then is told of it here. NULL: who asks has no data.
 */
int dax_inode_flush(struct dax_inode *i, atomic_uint *errors_seen);
/* fsync, which is told of as above. */
int dax_inode_sync(struct dax_inode *i);
/* All of a guarded window is as safe as can be, without a flush, and its file has no error to learn of. */
bool dax_window_is_clean(const struct vfs_window *w);
int dax_flush(struct vfs_file *f, unsigned flags);

/* dax_space.c */
int dax_truncate(struct vfs_file *f, uint64_t size, unsigned flags);
int dax_set_allocation(struct vfs_file *f, uint64_t bytes, unsigned flags);
int dax_zero_range(struct vfs_file *f, uint64_t offset, uint64_t len);
int dax_copy_range(
	struct vfs_file *from, uint64_t from_offset, struct vfs_file *to, uint64_t to_offset, uint64_t len);

/* dax_window.c */
int dax_window_open(struct vfs_file *f, uint64_t offset, size_t len, unsigned access, struct vfs_window *out);
int dax_window_written(struct vfs_window *w, size_t at, size_t len);
int dax_window_flush(struct vfs_window *w);
void dax_window_close(struct vfs_window *w);

#endif
