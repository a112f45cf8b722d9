/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_POSIX_H
#define VFS_POSIX_H

#include "core/list.h"
#include "vfs/backend.h"
#include "vfs/cred.h"
#include "vfs/dax.h"
#include "vfs/names.h"
#include "vfs/posix_names.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

struct posix_share {
	struct vfs_share base;
	int root; /* O_PATH | O_DIRECTORY */
	uint64_t root_dev, root_ino, volume_id;
	uint64_t resolve;     /* RESOLVE_* of every look-up */
	atomic_bool no_xattr; /* the file system refused user attributes once: they are not stored */
	pthread_mutex_t lock; /* read-modify-write of user.DOSATTRIB */
	struct names names;
};

struct posix_file {
	struct vfs_file base;
	int fd;
	atomic_bool path_only; /* O_PATH: names the file but gives no access to it */
	bool symlink;
	_Atomic(struct dax_inode *) data; /* in a mapped share: what has the data; one ref, or NULL */
	atomic_uint errors_seen;          /* data's errors that this file has been told of, or that came before it */
	uint64_t dev, ino;
	char path[]; /* as a client spells it */
};

static inline struct posix_share *posix_share_of(struct vfs_share *s)
{
	return container_of(s, struct posix_share, base);
}

static inline struct posix_file *posix_file_of(const struct vfs_file *f)
{
	return (struct posix_file *)(uintptr_t)container_of(f, const struct posix_file, base);
}

/* The descriptor that data calls use. */
static inline int posix_data_fd(const struct vfs_file *base)
{
	const struct posix_file *f = posix_file_of(base);
	const struct dax_inode *i = f->data;

	return i ? dax_inode_fd(i) : f->fd;
}

static inline struct posix_share *posix_share_of_file(const struct posix_file *f)
{
	return posix_share_of(f->base.share);
}

/* posix_thread.c: the way to what system calls on an O_PATH descriptor refuse. For the calling thread. */
struct fd_path {
	char s[64 + NAME_DISK_MAX];
};
struct fd_path posix_fd_path(int fd);
struct fd_path posix_entry_path(int dir, const char *name);

/* posix_resolve.c. Paths are those on disk, relative to the share's root, which is "". All return -errno. */
/* Beneath a directory that was opened beneath the root. */
int posix_openat2_in(
	const struct posix_share *s, int dir, const char *path, int oflags, mode_t mode, unsigned flags);
int posix_openat2(const struct posix_share *s, const char *path, int oflags, mode_t mode, unsigned flags);
/* Opens what exists; corrects the case of `path` (of size PATH_MAX) where it must. */
int posix_open_existing(struct posix_share *s, char *path, int oflags, unsigned flags);
/*
 * Corrects the case of `path`, whose last component does not exist, or need not be preferred, as it is
 * spelled. 0: there is one; -ENOENT: the folders before it are right; -ENOTDIR.
 */
int posix_spell(struct posix_share *s, char *path, unsigned flags);
/* A name's folder and last component. parent.fd is to be closed with posix_parent_close. */
struct posix_parent {
	int fd;
	bool owned;
	const char *leaf; /* into path */
};
int posix_parent_open(const struct posix_share *s, const char *path, struct posix_parent *out);
void posix_parent_close(struct posix_parent *p);
/* The folder for a new name, spelled right; -EEXIST if it has that name, also in another case. */
int posix_parent_for_new(struct posix_share *s, char *path, struct posix_parent *out);
/* A client's path to one on disk, for a buffer of PATH_MAX. */
int posix_disk_path(const char *client, char *out);
/* The inverse, malloced. */
char *posix_client_path(const char *disk);

/* Names in a directory, by getdents64. */
struct posix_dents {
	int fd;
	size_t pos, end;
	_Alignas(8) char buf[32768];
};
struct posix_dent {
	const char *name;
	uint64_t ino;
	unsigned char type; /* DT_* */
};
/* 1, 0 at the end, -errno. "." and ".." are left out. */
int posix_dents_next(struct posix_dents *d, struct posix_dent *out);

/* posix_meta.c */
void posix_fill_stat(
	const struct posix_share *s, const struct statx *x, const char *name, struct vfs_stat *st);
/* Stats fd. The attributes are those of `name` and of user.DOSATTRIB. */
int posix_stat_fd(struct posix_share *s, int fd, bool path_only, const char *name, struct vfs_stat *st);
/* Stats `name` in a directory, not following a symlink. */
int posix_stat_at(
	struct posix_share *s, int dir, const char *name, const char *client_name, struct vfs_stat *st);
/* Stats fd, which is new, and gives it a user.DOSATTRIB, unless the file system cannot keep one. */
int posix_stat_new(struct posix_share *s, int fd, bool path_only, const char *name, uint32_t attributes,
	uint64_t creation_time, struct vfs_stat *st);
int posix_fstat(struct vfs_file *f, unsigned flags, struct vfs_stat *st);
int posix_set_times(struct vfs_file *f, struct vfs_cred *cred, const struct vfs_times *t);
int posix_set_attributes(struct vfs_file *f, struct vfs_cred *cred, uint32_t attributes);
int posix_set_sparse(struct vfs_file *f, struct vfs_cred *cred, bool sparse);

/* posix_access.c */
int posix_maximal_access(struct vfs_file *f, struct vfs_cred *cred, uint32_t *mask);
/* 0 if cred may change the file's attributes and times in NT terms, else -EACCES. */
int posix_may_write_attributes(struct posix_file *f, struct vfs_cred *cred);

/* posix_ea.c: extended attributes on a descriptor of either kind; counts or -errno. */
ssize_t posix_getxattr(int fd, bool path_only, const char *name, void *buf, size_t size);
int posix_setxattr(int fd, bool path_only, const char *name, const void *value, size_t size);
int posix_ea_list(struct vfs_file *f, int (*fn)(void *, const char *, struct bytes), void *arg);
int posix_ea_set(struct vfs_file *f, struct vfs_cred *cred, const char *name, struct bytes value);

/* posix_open.c */
int posix_open(struct vfs_share *s, struct vfs_cred *cred, const struct vfs_open_how *how, unsigned flags,
	struct vfs_file **out, struct vfs_stat *st);
void posix_file_free(struct vfs_file *f);
int posix_reopen(struct vfs_file *f, struct vfs_cred *cred, unsigned access, unsigned flags);
int posix_lookup(
	struct vfs_share *s, struct vfs_cred *cred, const char *path, unsigned flags, struct vfs_stat *st);

/* posix_io.c */
ssize_t posix_pread(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags);
ssize_t posix_pwrite(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags);
int posix_file_fd(const struct vfs_file *f);
int posix_flush(struct vfs_file *f, unsigned flags);
int posix_copy_range(
	struct vfs_file *from, uint64_t from_offset, struct vfs_file *to, uint64_t to_offset, uint64_t len);

/* posix_space.c */
int posix_reserve(int fd, uint64_t bytes);
int posix_truncate(struct vfs_file *f, uint64_t size, unsigned flags);
int posix_set_allocation(struct vfs_file *f, uint64_t bytes, unsigned flags);
int posix_zero_range(struct vfs_file *f, uint64_t offset, uint64_t len);
int posix_next_data(struct vfs_file *f, uint64_t end, uint64_t *offset, uint64_t *len);

/* posix_dir.c */
int posix_dir_open(struct vfs_file *f, struct vfs_cred *cred, struct vfs_dir **out);
int posix_dir_next(struct vfs_dir *d, bool want_stat, struct vfs_dir_entry *e);
int posix_dir_stat(struct vfs_dir *d, struct vfs_dir_entry *e);
int posix_dir_rewind(struct vfs_dir *d);
void posix_dir_close(struct vfs_dir *d);
int posix_directory_is_empty(struct vfs_file *f, struct vfs_cred *cred);

/* posix_rename.c */
int posix_rename(struct vfs_file *f, struct vfs_cred *cred, const char *from, const char *to, bool replace);
int posix_link(struct vfs_file *f, struct vfs_cred *cred, const char *to, bool replace);
int posix_unlink(struct vfs_file *f, struct vfs_cred *cred, const char *path);

#endif
