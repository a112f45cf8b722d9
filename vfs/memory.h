/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_MEMORY_H
#define VFS_MEMORY_H

#include "core/list.h"
#include "vfs/backend.h"
#include "vfs/cred.h"
#include "vfs/names.h"

#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>

/*
 * A tree in memory, for tests of the server: what the posix backend does, as far as a client can see it. One
 * lock per share guards everything below the share; a node lives while a name or a handle refers to it.
 */
enum { MEMORY_PAGE = 4096 };

struct memory_page {
	uint64_t index;
	uint8_t *bytes;
};

struct memory_ea {
	struct list link;
	struct bytes value;
	char name[];
};

struct memory_node {
	unsigned refs; /* names and handles */
	uint64_t ino;
	uint32_t mode, nlink;
	uid_t uid;
	gid_t gid;
	uint64_t creation_time, access_time, write_time, change_time;
	uint32_t attributes; /* those that are stored */
	struct list eas;

	struct list entries; /* a directory's, in the order of their cookies */
	uint64_t next_cookie;
	struct memory_node *parent; /* a directory's; NULL for the root and for a removed one */

	struct memory_page *pages; /* a file's, sorted; what is not here is a hole */
	size_t npages;
	uint64_t size, reserved;
};

struct memory_entry {
	struct list link;
	uint64_t cookie;
	struct memory_node *node; /* one ref */
	char name[NAME_DISK_MAX + 1];
};

struct memory_share {
	struct vfs_share base;
	pthread_mutex_t lock;
	struct memory_node *root;
	uint64_t next_ino;
};

struct memory_file {
	struct vfs_file base;
	struct memory_node *node; /* one ref */
	char path[];
};

static inline struct memory_share *memory_share_of(struct vfs_share *s)
{
	return container_of(s, struct memory_share, base);
}

static inline struct memory_file *memory_file_of(struct vfs_file *f)
{
	return container_of(f, struct memory_file, base);
}

static inline bool memory_is_directory(const struct memory_node *n)
{
	return S_ISDIR(n->mode);
}

void memory_lock(struct vfs_share *s);
void memory_unlock(struct vfs_share *s);

/* memory_tree.c; all with the lock held. */
struct memory_node *memory_node_new(struct memory_share *s, mode_t mode, const struct vfs_cred *cred);
void memory_node_unref(struct memory_node *n);
unsigned memory_permissions(const struct memory_node *n, const struct vfs_cred *cred);
/* Exactly, or in another case unless the share says otherwise. */
struct memory_entry *memory_find(
	const struct memory_share *s, const struct memory_node *dir, const char *name);
int memory_add_entry(struct memory_node *dir, const char *name, struct memory_node *n);
void memory_remove_entry(struct memory_node *dir, struct memory_entry *e);

/* Where a path leads. */
struct memory_place {
	struct memory_node *parent; /* NULL for the root */
	struct memory_entry *entry; /* NULL if the last component is missing */
	struct memory_node *node;   /* likewise */
	char asked[NAME_DISK_MAX + 1];
	char path[PATH_MAX]; /* on disk: as names are spelled, as far as they exist */
};
/* 0 also where only the last component is missing. */
int memory_walk(
	struct memory_share *s, const struct vfs_cred *cred, const char *client, struct memory_place *out);
/* A path on disk as clients see it; malloced. */
char *memory_client_path(const char *disk);

/* memory_meta.c */
void memory_fill_stat(
	const struct memory_share *s, const struct memory_node *n, const char *name, struct vfs_stat *st);
uint64_t memory_allocation(const struct memory_node *n);
int memory_fstat(struct vfs_file *f, unsigned flags, struct vfs_stat *st);
int memory_maximal_access(struct vfs_file *f, struct vfs_cred *cred, uint32_t *mask);
int memory_set_times(struct vfs_file *f, struct vfs_cred *cred, const struct vfs_times *t);
int memory_set_attributes(struct vfs_file *f, struct vfs_cred *cred, uint32_t attributes);
int memory_set_sparse(struct vfs_file *f, struct vfs_cred *cred, bool sparse);
int memory_ea_list(struct vfs_file *f, int (*fn)(void *, const char *, struct bytes), void *arg);
int memory_ea_set(struct vfs_file *f, struct vfs_cred *cred, const char *name, struct bytes value);

/* memory_data.c */
void memory_drop_pages(struct memory_node *n, uint64_t first_index);
ssize_t memory_pread(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags);
ssize_t memory_pwrite(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags);
int memory_truncate(struct vfs_file *f, uint64_t size, unsigned flags);
int memory_set_allocation(struct vfs_file *f, uint64_t bytes, unsigned flags);
int memory_zero_range(struct vfs_file *f, uint64_t offset, uint64_t len);
int memory_next_data(struct vfs_file *f, uint64_t end, uint64_t *offset, uint64_t *len);
int memory_copy_range(
	struct vfs_file *from, uint64_t from_offset, struct vfs_file *to, uint64_t to_offset, uint64_t len);

/* memory_dir.c */
int memory_dir_open(struct vfs_file *f, struct vfs_cred *cred, struct vfs_dir **out);
int memory_dir_next(struct vfs_dir *d, bool want_stat, struct vfs_dir_entry *e);
int memory_dir_stat(struct vfs_dir *d, struct vfs_dir_entry *e);
int memory_dir_rewind(struct vfs_dir *d);
void memory_dir_close(struct vfs_dir *d);
int memory_directory_is_empty(struct vfs_file *f, struct vfs_cred *cred);

/* memory_rename.c */
int memory_rename(struct vfs_file *f, struct vfs_cred *cred, const char *from, const char *to, bool replace);
int memory_link(struct vfs_file *f, struct vfs_cred *cred, const char *to, bool replace);
int memory_unlink(struct vfs_file *f, struct vfs_cred *cred, const char *path);

#endif
