/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_BACKEND_H
#define VFS_BACKEND_H

#include "vfs/vfs.h"
#include "vfs/wildcard.h"

#include <stdatomic.h>

/*
 * What a backend implements; vfs.c counts references, applies what all backends have in common and calls
 * through this table. The functions have the meaning of those of the same name in vfs.h. A backend embeds the
 * structures below as first member of its own.
 */
struct vfs_backend {
	bool on_disk; /* copy_range takes the files of any backend of which this is true */
	void (*share_free)(struct vfs_share *);
	int (*act_as)(struct vfs_cred *); /* the thread's identity for what follows; NULL: there is none */
	int (*open)(struct vfs_share *, struct vfs_cred *, const struct vfs_open_how *, unsigned flags,
		struct vfs_file **out, struct vfs_stat *);
	void (*file_free)(struct vfs_file *);
	int (*reopen)(struct vfs_file *, struct vfs_cred *, unsigned access, unsigned flags);
	int (*maximal_access)(struct vfs_file *, struct vfs_cred *, uint32_t *mask);
	int (*fstat)(struct vfs_file *, unsigned flags, struct vfs_stat *);
	ssize_t (*pread)(struct vfs_file *, const struct iovec *, int n, uint64_t offset, unsigned flags);
	ssize_t (*pwrite)(struct vfs_file *, const struct iovec *, int n, uint64_t offset, unsigned flags);
	int (*file_fd)(const struct vfs_file *);
	int (*flush)(struct vfs_file *, unsigned flags);
	/* NULL: files have no mapping. The backend takes the reference of out->file, vfs.c gives it back after window_close. */
	int (*window_open)(
		struct vfs_file *, uint64_t offset, size_t len, unsigned access, struct vfs_window *out);
	int (*window_written)(struct vfs_window *, size_t at, size_t len);
	int (*window_flush)(struct vfs_window *);
	void (*window_close)(struct vfs_window *);
	int (*truncate)(struct vfs_file *, uint64_t size, unsigned flags);
	int (*set_allocation)(struct vfs_file *, uint64_t bytes, unsigned flags);
	int (*set_sparse)(struct vfs_file *, struct vfs_cred *, bool sparse);
	int (*zero_range)(struct vfs_file *, uint64_t offset, uint64_t len);
	int (*next_data)(struct vfs_file *, uint64_t end, uint64_t *offset, uint64_t *len);
	int (*copy_range)(struct vfs_file *from, uint64_t from_offset, struct vfs_file *to,
		uint64_t to_offset, uint64_t len);
	int (*set_times)(struct vfs_file *, struct vfs_cred *, const struct vfs_times *);
	int (*set_attributes)(struct vfs_file *, struct vfs_cred *, uint32_t attributes);
	int (*dir_open)(struct vfs_file *, struct vfs_cred *, struct vfs_dir **out);
	int (*dir_next)(struct vfs_dir *, bool want_stat, struct vfs_dir_entry *);
	int (*dir_stat)(struct vfs_dir *, struct vfs_dir_entry *); /* of the entry last returned */
	int (*dir_rewind)(struct vfs_dir *);
	void (*dir_close)(struct vfs_dir *);
	int (*rename)(struct vfs_file *, struct vfs_cred *, const char *from, const char *to, bool replace);
	int (*link)(struct vfs_file *, struct vfs_cred *, const char *to, bool replace);
	int (*unlink)(struct vfs_file *, struct vfs_cred *, const char *path);
	int (*directory_is_empty)(struct vfs_file *, struct vfs_cred *);
	int (*lookup)(
		struct vfs_share *, struct vfs_cred *, const char *path, unsigned flags, struct vfs_stat *);
	int (*ea_list)(struct vfs_file *, int (*fn)(void *, const char *, struct bytes), void *arg);
	int (*ea_set)(struct vfs_file *, struct vfs_cred *, const char *name, struct bytes value);
	int (*statfs)(struct vfs_share *, struct vfs_cred *, struct vfs_statfs *);
};

extern const struct vfs_backend vfs_posix, vfs_dax, vfs_memory;

struct vfs_share {
	const struct vfs_backend *ops;
	atomic_uint refs;
	struct vfs_share_options o; /* veto and hide are NULL here: compiled below */
	struct wildcard **veto, **hide;
	char *root; /* what vfs_share_root tells */
	bool memory_speed, mapped;
	enum vfs_durability durability;
};

/* Copies the options; 0 or -errno. vfs_share_clean undoes it. */
int vfs_share_init(struct vfs_share *s, const struct vfs_backend *ops, const char *root,
	const struct vfs_share_options *o);
void vfs_share_clean(struct vfs_share *s);
/* 0 if s->durability is what is wanted at least; else -EOPNOTSUPP and a line in the log that says why it is not. */
int vfs_share_demand(const struct vfs_share *s, const char *why);

struct vfs_file {
	atomic_uint refs;
	struct vfs_share *share; /* one ref */
	struct vfs_cred *cred;   /* who opened it: changes of the data are made as this identity; one ref or NULL */
	const char *path;        /* memory of the backend */
	bool directory;
	atomic_uint access; /* VFS_READ | VFS_WRITE */
};

/* A new file's references and share; the backend fills the rest. */
void vfs_file_init(
	struct vfs_file *f, struct vfs_share *s, const char *path, bool directory, unsigned access);

struct vfs_dir {
	struct vfs_file *file;     /* one ref */
	struct vfs_cred *cred;     /* one ref, or NULL */
	struct wildcard *pattern;  /* NULL: all */
	char *literal;             /* the name, if the pattern names just one */
	bool pending;              /* the last entry comes again */
	struct vfs_dir_entry last; /* its name is memory of the backend */
	bool last_has_stat;
};

/* True if a name that a client sees matches the cursor's pattern and is not vetoed. */
bool vfs_dir_shows(const struct vfs_dir *d, const char *name);

/* -ENOENT if the last component of a client's path is vetoed, -ENOTDIR if an earlier one is; else 0. */
int vfs_path_vetoed(const struct vfs_share *s, const char *path);

/* HIDDEN, where the name says so. */
uint32_t vfs_attributes_of_name(const struct vfs_share *s, const char *name);

/* The last component of a path. */
const char *vfs_basename(const char *path);

/* Attributes that clients may set; DIRECTORY and SPARSE_FILE have rules of their own. */
static inline uint32_t vfs_settable_attributes(bool directory)
{
	return FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM |
	       FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_OFFLINE | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED |
	       (directory ? 0 : FILE_ATTRIBUTE_TEMPORARY);
}

/* EA names that belong to the server: hidden from clients and refused. */
bool vfs_ea_is_reserved(const char *name);

/* The mode of a new file or directory; `parent_mode` counts only where permissions are inherited. */
mode_t vfs_create_mode(const struct vfs_share *s, bool directory, mode_t parent_mode);

/* FILE_* bits that both backends announce. */
uint32_t vfs_common_fs_attributes(const struct vfs_share *s);

enum { MAY_READ = 4, MAY_WRITE = 2, MAY_EXECUTE = 1 };

/* rwx of a mode for an identity, as the owner, group or other class. uid 0 may all. */
unsigned access_from_mode(
	const struct vfs_stat *st, uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups);

struct access_facts {
	unsigned on_file; /* MAY_* */
	bool is_owner, is_root, directory, read_only, may_delete_in_parent;
};
/* The access mask in NT terms. */
uint32_t access_mask(const struct access_facts *f);
/* The restricted deletion flag: with it only the owner of the file or of the directory may remove a name. */
bool access_may_delete(
	unsigned on_parent, const struct vfs_stat *parent, const struct vfs_stat *st, uid_t uid);

#endif
