/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_VFS_H
#define VFS_VFS_H

#include "core/bytes.h"
#include "wire/smb2.h"

#include <sys/types.h>
#include <sys/uio.h>

/*
 * Files beneath a share's root, as the server sees them: UTF-8 names that clients see, NTTIME, DOS attributes.
 *
 * A file's data is changed as who opened it.
 *
 * Every call returns 0 (or a count) or -errno and is synchronous. VFS_NOWAIT in flags makes it return -EAGAIN,
 * with nothing changed, where the answer cannot be given without waiting for a device: the caller then repeats it
 * without the flag on a worker thread. Any thread may call; a vfs_file may be used by several at once. Each call that
 * names or changes files acts with the fs credentials of `cred` (NULL: those of the process).
 *
 * Paths are relative to the root, separated by '/', "" for the root, without "." or ".." components, as clients spell
 * them: look-up is without regard to case unless the share says otherwise (exact match preferred). Path operations
 * never leave the root: openat2(RESOLVE_BENEATH).
 * -ENOENT: the last component is missing. -ENOTDIR: an earlier one is missing or is no directory.
 */

enum { VFS_NOWAIT = 1 };

/* The identity a request acts with. Immutable, counted; refs may be taken and dropped on any thread. */
struct vfs_cred {
	_Atomic unsigned refs;
	uid_t uid;
	gid_t gid;
	unsigned ngroups;
	gid_t groups[];
};
struct vfs_cred *vfs_cred_new(uid_t uid, gid_t gid, const gid_t *groups, unsigned ngroups);
struct vfs_cred *vfs_cred_ref(struct vfs_cred *c);
void vfs_cred_unref(struct vfs_cred *c); /* NULL is fine */
/*
 * A thread goes on acting as the last cred until another call of this room changes it. Whoever opens files of the
 * server's own (configuration, users, logs) without this room calls this before. 0 or -EPERM. Threads that call this
 * room, other than the main thread, also get a working directory of their own: they must use absolute paths.
 */
int vfs_act_as_process(void);

struct vfs_stat {
	uint64_t dev, ino;
	uint64_t file_id; /* unique in the share while the file exists: what FileInternalInformation shows */
	uint32_t unix_mode, nlink;
	uid_t uid;
	gid_t gid;
	uint64_t size, allocation;
	uint64_t creation_time, access_time, write_time, change_time; /* NTTIME */
	uint32_t attributes; /* FILE_ATTRIBUTE_*; DIRECTORY is set for directories; never 0 (NORMAL) */
	bool directory;
};

/* How safe data is once it is acknowledged, weakest first (daxsmb.conf(5), "pmem durability"). */
enum vfs_durability {
	VFS_DURABILITY_AUTO, /* as a wish: whatever there is */
	VFS_VISIBLE,         /* to other programs; no promise beyond the running system */
	VFS_FLUSHED,         /* what was flushed survives a crash of the system, as after fsync(2) */
	VFS_PERSISTENT,      /* what was flushed survives the loss of power: persistent memory, mapped with MAP_SYNC */
};

/* Whether files are read and written through mappings (the DAX backend) or by read(2) and write(2). */
enum vfs_mapped {
	VFS_MAPPED_AUTO, /* where the file system is DAX */
	VFS_MAPPED_NO,
	VFS_MAPPED_YES,  /* everywhere: through the page cache's memory where it is not DAX */
};

struct vfs_share_options {
	enum vfs_mapped mapped;
	enum vfs_durability min_durability; /* a share that offers less is refused: -EOPNOTSUPP */
	bool case_sensitive;
	bool store_dos_attributes;
	bool follow_symlinks;   /* within the root */
	bool read_only;
	bool hide_dot_files;    /* names with a leading dot get FILE_ATTRIBUTE_HIDDEN */
	bool strict_sync;       /* false: flush is answered without fsync */
	mode_t create_mask, force_create_mode, directory_mask, force_directory_mode;
	bool inherit_permissions; /* new objects get the parent's mode */
	const char *const *veto;  /* NULL-terminated wildcard patterns of names that do not exist for clients, or NULL */
	const char *const *hide;  /* likewise, FILE_ATTRIBUTE_HIDDEN */
};

struct vfs_share; /* a share's root and options; immutable; counted */
struct vfs_file;  /* an open file or directory; counted */

/* Opens the posix backend on an absolute path / makes an empty in-memory tree. *out only on success; one ref. */
int vfs_share_open(const char *root, const struct vfs_share_options *o, struct vfs_share **out);
int vfs_share_open_memory(const struct vfs_share_options *o, struct vfs_share **out);
struct vfs_share *vfs_share_ref(struct vfs_share *s);
void vfs_share_unref(struct vfs_share *s);

/* The root's absolute path (a unique made-up one for memory); lives as long as s. */
const char *vfs_share_root(const struct vfs_share *s);

/* True where a call practically never waits for a device (tmpfs, ramfs, memory): no call needs a worker. */
bool vfs_share_is_memory_speed(const struct vfs_share *s);

/* What the share's root really offers, found out when it was opened (statx, a probe with MAP_SYNC); never AUTO. */
enum vfs_durability vfs_share_durability(const struct vfs_share *s);
/* "persistent", "flushed", "visible" or "auto". */
const char *vfs_durability_name(enum vfs_durability d);
/* True if its files are read and written through mappings. */
bool vfs_share_is_mapped(const struct vfs_share *s);

enum vfs_disposition { VFS_OPEN_EXISTING, VFS_CREATE_NEW }; /* -ENOENT / -EEXIST tell the caller to try the other */
enum { VFS_READ = 1, VFS_WRITE = 2, VFS_NONE = 0 }; /* wanted data access; VFS_NONE: attributes only */

struct vfs_open_how {
	const char *path;
	enum vfs_disposition disposition;
	unsigned access;      /* VFS_READ | VFS_WRITE; lack of permission is -EACCES */
	bool directory;       /* CREATE_NEW: make a directory; OPEN_EXISTING: open whatever is there */
	bool no_follow;       /* FILE_OPEN_REPARSE_POINT: open a final symlink itself */
	uint32_t attributes;  /* CREATE_NEW: DOS attributes to store */
	uint64_t allocation;  /* CREATE_NEW: bytes to reserve, 0 none */
};

/* Opens and stats. *out (one ref) and *st only on success. Special files (fifo, device, socket): -EACCES. */
int vfs_open(struct vfs_share *s, struct vfs_cred *cred, const struct vfs_open_how *how, unsigned flags,
	struct vfs_file **out, struct vfs_stat *st);
struct vfs_file *vfs_file_ref(struct vfs_file *f);
void vfs_file_unref(struct vfs_file *f);

/* The data access that the handle has. A handle opened VFS_NONE can be upgraded. */
int vfs_reopen(struct vfs_file *f, struct vfs_cred *cred, unsigned access, unsigned flags);

/* The name as it is on disk, relative to the root, at the time of opening; owned by f. */
const char *vfs_file_path(const struct vfs_file *f);

/* Maximal access of cred on f in NT terms, from mode bits and the parent's (DELETE); read-only shares included. */
int vfs_maximal_access(struct vfs_file *f, struct vfs_cred *cred, uint32_t *mask);

int vfs_fstat(struct vfs_file *f, unsigned flags, struct vfs_stat *st);
/* Bytes moved; fewer than asked only at end of file. offset + len never exceeds INT64_MAX. */
ssize_t vfs_pread(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags);
ssize_t vfs_pwrite(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags);
/* An fd for sendfile, or -1; borrowed from f. Its content may be sent without a copy. */
int vfs_file_fd(const struct vfs_file *f);
int vfs_flush(struct vfs_file *f, unsigned flags);

/*
 * A piece of a file's mapping, to move data from and to without a copy. The memory stays until the window is closed; touching it
 * may fault (core/fault.h). Others may change the file, and so the memory, at any time. Zeroed, it is empty.
 */
struct vfs_window {
	uint8_t *base;
	size_t len;
	struct vfs_file *file; /* counted */
	struct vfs_map *map;   /* counted; the backend's */
	uint64_t offset;
	bool guarded; /* nobody else changes the file's blocks there, nor cuts it (pin.h) */
	int64_t told_ns; /* of a guarded one: the tick of the clock at which the inode was last told of a store */
};
/*
 * access VFS_READ: as much of [offset, offset + len) as the file has now, perhaps nothing. VFS_WRITE: all of it, and -ERANGE where
 * the file is shorter. -EOPNOTSUPP: the file has no mapping; use pread and pwrite. May page-fault later, but never waits
 * for a device now: VFS_NOWAIT is implied, -EAGAIN: use pread and pwrite.
 */
int vfs_window_open(struct vfs_file *f, uint64_t offset, size_t len, unsigned access, struct vfs_window *out);
/*
 * After `len` bytes at `at` in the window were stored through it: keeps the file's times true; flush covers them. -EFAULT: they are
 * not in the file, as the memory has failed or the file was cut. Another -errno: they are, but its times or mode could not be set.
 */
int vfs_window_written(struct vfs_window *w, size_t at, size_t len);
/* What was stored in it is as safe as the share's level says. May block on levels below persistent. 0 or -errno. */
int vfs_window_flush(struct vfs_window *w);
void vfs_window_close(struct vfs_window *w); /* NULL members are fine; zeroes w */
int vfs_truncate(struct vfs_file *f, uint64_t size, unsigned flags);
/* FileAllocationInformation: smaller than the size truncates, larger reserves without changing the size. */
int vfs_set_allocation(struct vfs_file *f, uint64_t bytes, unsigned flags);
int vfs_set_sparse(struct vfs_file *f, struct vfs_cred *cred, bool sparse);
int vfs_zero_range(struct vfs_file *f, uint64_t offset, uint64_t len);
/* The next allocated range at or after *offset, cut at end; 1 found, 0 none, -errno. */
int vfs_next_data(struct vfs_file *f, uint64_t end, uint64_t *offset, uint64_t *len);
int vfs_copy_range(struct vfs_file *from, uint64_t from_offset, struct vfs_file *to, uint64_t to_offset, uint64_t len);
/* Whether that may leave both with the same storage ... */
bool vfs_copies_share(struct vfs_file *to);
/* ... which this does not. */
int vfs_copy_bytes(struct vfs_file *from, uint64_t from_offset, struct vfs_file *to, uint64_t to_offset, uint64_t len);

/* 0 leaves a time as it is; access and write times go to the inode, creation time to user.DOSATTRIB. */
struct vfs_times {
	uint64_t creation_time, access_time, write_time;
};
int vfs_set_times(struct vfs_file *f, struct vfs_cred *cred, const struct vfs_times *t);
int vfs_set_attributes(struct vfs_file *f, struct vfs_cred *cred, uint32_t attributes);

/*
 * Directory reading. A cursor belongs to one thread at a time. Names come as clients see them (mapped back), without
 * those vetoed; "." and ".." come first. `pattern` has DOS wildcards ("*" "?" and the three DOS ones), NULL for all.
 * Returns 1 and an entry whose name lives until the next call, 0 at the end, -errno.
 */
struct vfs_dir;
struct vfs_dir_entry {
	const char *name;
	struct vfs_stat st; /* only if want_stat */
};
int vfs_dir_open(struct vfs_file *f, struct vfs_cred *cred, const char *pattern, struct vfs_dir **out);
int vfs_dir_next(struct vfs_dir *d, bool want_stat, struct vfs_dir_entry *e);
void vfs_dir_unread(struct vfs_dir *d); /* the last entry comes again: it did not fit */
int vfs_dir_rewind(struct vfs_dir *d, const char *pattern);
void vfs_dir_close(struct vfs_dir *d);

/* f under its present path `from`; -EEXIST without replace; -ESTALE if `from` no longer names f. */
int vfs_rename(struct vfs_file *f, struct vfs_cred *cred, const char *from, const char *to, bool replace);
int vfs_link(struct vfs_file *f, struct vfs_cred *cred, const char *to, bool replace);
/* Removes the name `path` if it still names f (else -ESTALE). -ENOTEMPTY for a directory with entries, vetoed or not. */
int vfs_unlink(struct vfs_file *f, struct vfs_cred *cred, const char *path);
/* 0 or -ENOTEMPTY, for the answer to "delete on close" on a directory. */
int vfs_directory_is_empty(struct vfs_file *f, struct vfs_cred *cred);
/* Stats the object that a path names without opening it. */
int vfs_lookup(struct vfs_share *s, struct vfs_cred *cred, const char *path, unsigned flags, struct vfs_stat *st);

/* Extended attributes of the "user." class, named without it; user.DOSATTRIB and those of streams are not shown. */
int vfs_ea_list(struct vfs_file *f, int (*fn)(void *arg, const char *name, struct bytes value), void *arg);
int vfs_ea_set(struct vfs_file *f, struct vfs_cred *cred, const char *name, struct bytes value); /* empty removes */

struct vfs_statfs {
	uint64_t block_size, blocks, free_blocks, available_blocks;
	uint64_t volume_id;
	uint32_t fs_attributes; /* FILE_* of [MS-FSCC] 2.5.1 */
	uint32_t max_name_length; /* UTF-16 units a client may use */
};
int vfs_statfs(struct vfs_share *s, struct vfs_cred *cred, struct vfs_statfs *out);

/* Does the name match, as FsRtlIsNameInExpression: case-insensitive, '*' '?' '<' '>' '"', [MS-FSA] 2.1.4.4. */
bool vfs_wildcard_match(const char *pattern, const char *name);

#endif
