/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_PIN_H
#define VFS_PIN_H

#include "vfs/guard.h"
#include "vfs/vfs.h"

/*
 * A pin is a range of a file that others may be given access to, by RDMA: mapped, with storage of its own
 * that is allocated and initialised, and guarded against changes by other processes of this machine. While it
 * lives, loads and stores in its window need no space and reach the bytes that pread and pwrite reach.
 *
 * Pins of one file share one kernel descriptor, one mapping and one watch of the guard. A pin keeps its file
 * open.
 *
 * Only files of shares that are mapped can be pinned (vfs_share_is_mapped). What the server's own clients do
 * to the file is not guarded against: whoever serves them knows.
 */
struct vfs_pin;

/*
 * Whether it could be had of this file, in a share that is mapped. Not where each store needs new space, or
 * where the storage is another's (fs_kind.h): there nothing can be promised. Does not block.
 */
bool vfs_can_pin(const struct vfs_file *f);

/*
 * access: VFS_READ, perhaps with VFS_WRITE, and not more than the handle has. ev, which must stay, and arg:
 * see guard.h; the callbacks may come before this returns, but none comes after a failure or after vfs_unpin.
 * *out only on success.
 *
 * -ERANGE: the file is shorter; it is not made longer. -EINVAL: no range. -EACCES: the handle lacks the
 * right, or the range needs storage and the file cannot be written. -ENOSPC, -EDQUOT: no room for it. -EBUSY:
 * another process of this machine has the file open (guard.h), or is about to change the range. -EOPNOTSUPP:
 * no file that can be mapped, or vfs_can_pin says no. -ENOMEM: no address space is left.
 *
 * Blocks, in proportion to what has to be written: call it on a worker. Any thread but the guard's.
 */
int vfs_pin(struct vfs_guard *g, struct vfs_file *f, uint64_t offset, uint64_t len, unsigned access,
	const struct vfs_guard_events *ev, void *arg, struct vfs_pin **out);

/*
 * The whole range, for vfs_window_written and vfs_window_flush, too. Owned by p: it is not closed. Accesses
 * may fault (core/fault.h) where the guard did not reach.
 */
struct vfs_window *vfs_pin_window(struct vfs_pin *p);

/*
 * What was stored in the window and told to vfs_window_written is as safe as the share's level says: vfs_flush, which is right in any
 * case, has nothing to do. It costs no system call.
 */
bool vfs_pin_is_clean(const struct vfs_pin *p);

/*
 * Nobody may access the window any more. Local changes that waited for this pin go on. As vfs_guard_remove,
 * and it may block on the file's last close: a worker's, or the guard's thread inside a callback if the file
 * is open elsewhere. NULL is fine.
 */
void vfs_unpin(struct vfs_pin *p);

#endif
