/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_GUARD_H
#define VFS_GUARD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A guard watches ranges of files for changes that other processes of this machine make: it holds such a
 * change before it takes effect and tells the range's owner, until the owner lets it go on. How far that
 * reaches depends on the kind:
 *
 * - fanotify holds write, truncate, open with O_TRUNC, fallocate and reflinks that touch a range. It does not
 *   hold reading, mapping, nor stores through a mapping.
 * - lease holds open and truncate; open for reading only where the server has the file open for writing. It
 *   does not see what comes through descriptors of before, and so does not begin where there are any.
 * - exclusive holds nothing: the administrator says that nobody else comes.
 *
 * What the server's own process does is never held; it knows what its clients do. Renaming over a file or
 * removing its last name is held by none: it takes the name and not the storage, and is told (`unnamed`).
 *
 * One thread, started with the first range, serves all guards of the process and calls the owners' callbacks.
 * It waits for nothing that another thread may hold while it does I/O.
 */
enum vfs_guard_kind {
	VFS_GUARD_AUTO, /* fanotify, else lease; never exclusive, which only an administrator can know */
	VFS_GUARD_FANOTIFY,
	VFS_GUARD_LEASE,
	VFS_GUARD_EXCLUSIVE,
};

struct vfs_guard;   /* of one share; counted */
struct vfs_guarded; /* one range of one file */

/*
 * Before privileges are dropped: fanotify needs CAP_SYS_ADMIN to begin and CAP_SYS_PTRACE for as long as it
 * is used, leases need CAP_LEASE for files of other users. Without this call the kinds are as good as the
 * privileges at the time. Main thread.
 */
void vfs_guard_prepare(void);

/*
 * Chooses a guard for the share whose root is this folder, trying out what works there. *out (one ref) only
 * on success. -EOPNOTSUPP: the wanted kind, or with AUTO any, is not to be had, and `why` says for what
 * reason. May block.
 */
int vfs_guard_open(
	const char *root, enum vfs_guard_kind wanted, struct vfs_guard **out, char *why, size_t size);
struct vfs_guard *vfs_guard_ref(struct vfs_guard *g);
void vfs_guard_unref(struct vfs_guard *g);             /* NULL is fine */
enum vfs_guard_kind vfs_guard_kind_of(const struct vfs_guard *g);
const char *vfs_guard_name(const struct vfs_guard *g); /* "fanotify", "lease" or "exclusive" */

struct vfs_guard_facts {
	unsigned ranges;     /* guarded now */
	unsigned held;       /* changes that wait now */
	uint64_t held_total; /* changes that ever waited */
	uint64_t lost;       /* ranges that lost their guard, ever */
};
/* Any thread. A change that touches ranges of two shares counts for one of them. */
void vfs_guard_facts(struct vfs_guard *g, struct vfs_guard_facts *out);

/*
 * Called on the guard's thread, one at a time and never within a lock: they must not block, nor do I/O on a
 * guarded file. They may call vfs_guard_release and vfs_guard_remove. Commonly they post a message to the
 * reactor concerned.
 */
struct vfs_guard_events {
	/*
	 * Somebody is about to change [offset, offset + length), which lies in the range, and waits until the
	 * token is released or the range is removed. Several may wait at once, each with a token of its own.
	 */
	void (*conflict)(void *arg, uint64_t offset, uint64_t length, uint64_t token);
	/* Changes may have passed, or soon may, without being held. Once, and the last call for this range.
	 */
	void (*lost)(void *arg, const char *reason);
	/* The file has no name any more. Nobody waits, and the storage stays the file's as long as the range.
	 * NULL: not told. */
	void (*unnamed)(void *arg);
};

/*
 * Guards [offset, offset + len) of the file that fd has open. From the return on changes are held, but
 * nothing is told before vfs_guard_arm. access is what the owner does with the range: VFS_READ, perhaps with
 * VFS_WRITE, and not more than fd was opened for. *out only on success; it ends with vfs_guard_remove. fd is
 * not needed afterwards. -EBUSY: another process has the file open for writing (lease: at all), or a change
 * of the range waits already. Others: lack of kernel resources. May block. Any thread but the guard's.
 */
int vfs_guard_add(struct vfs_guard *g, int fd, uint64_t offset, uint64_t len, unsigned access,
	const struct vfs_guard_events *ev, void *arg, struct vfs_guarded **out);
/* Any thread. */
void vfs_guard_arm(struct vfs_guarded *r);
/*
 * What waited for this range goes on. On return no callback for it runs or will; elsewhere than on the
 * guard's thread this waits for one that runs. Any thread that the callbacks do not wait for. NULL is fine.
 */
void vfs_guard_remove(struct vfs_guarded *r);

/*
 * The change goes on as far as this range is concerned. A token that is not known any more is ignored. Under
 * `lease` that is the end of the guard: ranges that are still there are lost. Any thread; does not block.
 */
void vfs_guard_release(uint64_t token);

/* At shutdown: ranges that are still there are lost, all that waits goes on, the thread ends. Main thread. */
void vfs_guards_stop(void);

#endif
