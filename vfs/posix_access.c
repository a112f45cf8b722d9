/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The owner's permissions are those of the mode. For others an access control list may say more or less than
 * the mode does, so the kernel is asked: with AT_EACCESS it answers for the file system identity of the
 * thread.
 */
static bool kernel_grants(int fd, unsigned bits)
{
	/* R_OK, W_OK and X_OK are MAY_READ, MAY_WRITE and MAY_EXECUTE */
	return syscall(SYS_faccessat2, fd, "", bits, AT_EACCESS | AT_EMPTY_PATH) == 0;
}

/* Which of the three an identity has. */
static unsigned permissions(const struct vfs_stat *st, int fd, const struct cred_view *v)
{
	if (v->uid == 0 || v->uid == st->uid)
		return access_from_mode(st, v->uid, v->gid, v->groups, v->ngroups);
	return (kernel_grants(fd, MAY_READ) ? MAY_READ : 0) | (kernel_grants(fd, MAY_WRITE) ? MAY_WRITE : 0) |
	       (kernel_grants(fd, MAY_EXECUTE) ? MAY_EXECUTE : 0);
}

/* Whether it has all of some. */
static bool permits(const struct vfs_stat *st, int fd, const struct cred_view *v, unsigned bits)
{
	if (v->uid == 0 || v->uid == st->uid)
		return (access_from_mode(st, v->uid, v->gid, v->groups, v->ngroups) & bits) == bits;
	return kernel_grants(fd, bits);
}

static int plain_stat(const struct posix_share *s, int fd, struct vfs_stat *st)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x) < 0)
		return -errno;
	posix_fill_stat(s, &x, "", st);
	return 0;
}

/* By the parent in which the file was opened; if it is not there any more, nothing can be deleted from it. */
static bool may_delete(struct posix_file *f, const struct vfs_stat *st, const struct cred_view *v)
{
	struct posix_share *s = posix_share_of_file(f);
	struct posix_parent p;
	struct vfs_stat parent;
	char path[PATH_MAX];

	if (f->path[0] == 0 || posix_disk_path(f->path, path) < 0 || posix_parent_open(s, path, &p) < 0)
		return false;
	bool may = plain_stat(s, p.fd, &parent) == 0 && permits(&parent, p.fd, v, MAY_WRITE | MAY_EXECUTE) &&
		   access_may_delete(MAY_WRITE | MAY_EXECUTE, &parent, st, v->uid);
	posix_parent_close(&p);
	return may;
}

int posix_maximal_access(struct vfs_file *base, struct vfs_cred *cred, uint32_t *mask)
{
	struct posix_file *f = posix_file_of(base);
	struct cred_view v = cred_effective(cred);
	struct vfs_stat st;
	int rc = cred_assume(cred);

	if (rc == 0)
		rc = plain_stat(posix_share_of_file(f), f->fd, &st);
	if (rc < 0)
		return rc;
	*mask = access_mask(&(struct access_facts){
		.on_file = permissions(&st, f->fd, &v),
		.is_owner = v.uid == st.uid,
		.is_root = v.uid == 0,
		.directory = base->directory,
		.read_only = base->share->o.read_only,
		.may_delete_in_parent = may_delete(f, &st, &v),
	});
	return 0;
}

int posix_may_write_attributes(struct posix_file *f, struct vfs_cred *cred)
{
	struct cred_view v = cred_effective(cred);
	struct vfs_stat st;
	int rc = cred_assume(cred);

	if (rc == 0)
		rc = plain_stat(posix_share_of_file(f), f->fd, &st);
	if (rc < 0)
		return rc;
	return v.uid == st.uid || permits(&st, f->fd, &v, MAY_WRITE) ? 0 : -EACCES;
}
