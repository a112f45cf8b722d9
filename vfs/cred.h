/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_CRED_H
#define VFS_CRED_H

#include "vfs/vfs.h"

/*
 * Makes the calling thread act with the file system identity of c (NULL: of the process). Free where the
 * thread acts so already. 0, or -EPERM if the kernel refuses: then the caller must not go on. In a process
 * that is not root there is one identity and nothing to switch.
 */
int cred_assume(struct vfs_cred *c);

/* True if acting as the process could do more than acting as c. */
bool cred_differs_from_process(const struct vfs_cred *c);

struct cred_view {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t ngroups;
};
/* The identity that cred_assume(c) really gives. */
struct cred_view cred_effective(const struct vfs_cred *c);

#endif
