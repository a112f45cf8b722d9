/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_FS_KIND_H
#define VFS_FS_KIND_H

#include <stdbool.h>

/* What kinds of file systems are known to do. Of one that is not known the worst is assumed, but for speed.
 */
struct fs_kind {
	/*
	 * A store goes where the data is: a range that has storage of its own needs no more for it. False for
	 * those that write to a new place (btrfs, ZFS, F2FS), and for those whose storage another file system
	 * or machine has.
	 */
	bool in_place;
	bool shares_blocks; /* between files: reflinks */
	bool no_device;     /* kept in memory, or not to be told where */
	bool memory_speed;
};
struct fs_kind fs_kind_of(int fd);

/* By statfs(2)'s f_type. */
struct fs_kind fs_kind_of_magic(unsigned long magic);

#endif
