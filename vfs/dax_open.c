/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/dax_inode.h"
#include "vfs/posix.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Opening resolves the path to an O_PATH descriptor, as the posix backend does for handles without data
 * access; then the user's right to the data is asked for, and the inode's descriptor is shared. A descriptor
 * of this kind counts as nobody's open, so that a lease on the file is not broken by it.
 */

struct dax_inode *dax_inode_of(const struct vfs_file *f)
{
	return f->share->mapped ? posix_file_of(f)->data : NULL;
}

/* For the file system identity of the thread, faccessat2(2) with AT_EACCESS. */
static int may(int fd, unsigned access)
{
	unsigned bits = (access & VFS_READ ? R_OK : 0) | (access & VFS_WRITE ? W_OK : 0);

	return syscall(SYS_faccessat2, fd, "", bits, AT_EACCESS | AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/*
 * A program cannot be run while it is open for writing (ETXTBSY, execve(2)): an executable file is opened so
 * when somebody writes it.
 */
static bool opens_for_writing(const struct posix_file *f, mode_t mode)
{
	return !f->base.share->o.read_only && !(mode & 0111);
}

static int get_inode(
	struct posix_file *f, struct vfs_cred *cred, unsigned access, mode_t mode, struct dax_inode **out)
{
	struct dax_wish w = {.dev = f->dev, .ino = f->ino, .path_fd = f->fd, .cred = cred, .access = access};
	int rc = cred_assume(cred); /* reading attributes may have needed another */

	if (rc == 0)
		rc = may(f->fd, access);
	if (rc < 0)
		return rc;
	w.writable = opens_for_writing(f, mode);
	return dax_inode_get(&w, out);
}

/* The inode's descriptor does for the path, too. Before others know the file. */
static void use_descriptor_of(struct posix_file *f, struct dax_inode *i)
{
	if (f->fd != dax_inode_fd(i))
		close(f->fd);
	f->fd = dax_inode_fd(i);
	f->path_only = false;
	f->errors_seen = i->errors;
	f->data = i;
}

static int finish_new(struct posix_file *f, struct vfs_cred *cred)
{
	struct dax_wish w = {.dev = f->dev, .ino = f->ino, .path_fd = f->fd, .cred = cred};
	struct dax_inode *i;

	w.access = VFS_READ | VFS_WRITE;
	int fd = f->fd, rc = dax_inode_adopt(&w, fd, &i);
	if (rc < 0)
		return rc;
	f->fd = dax_inode_fd(i); /* fd is that, or closed */
	f->errors_seen = i->errors;
	f->data = i;
	return 0;
}

static int finish_existing(
	struct posix_file *f, struct vfs_cred *cred, unsigned access, mode_t mode, unsigned flags)
{
	struct dax_inode *i;

	if (f->symlink || access == VFS_NONE)
		return 0;
	if (f->base.directory)
		return posix_reopen(&f->base, cred, access, flags);
	int rc = get_inode(f, cred, access, mode, &i);
	if (rc < 0)
		return rc;
	use_descriptor_of(f, i);
	f->base.access = access;
	return 0;
}

int dax_open(struct vfs_share *s, struct vfs_cred *cred, const struct vfs_open_how *how, unsigned flags,
	struct vfs_file **out, struct vfs_stat *st)
{
	struct vfs_open_how path = *how;
	bool create = how->disposition == VFS_CREATE_NEW;
	struct vfs_file *f;

	if (how->access & VFS_WRITE && s->o.read_only)
		return -EACCES;
	path.access = create ? how->access : VFS_NONE;
	int rc = posix_open(s, cred, &path, flags, &f, st);
	if (rc < 0)
		return rc;
	if (!create)
		rc = finish_existing(
			posix_file_of(f), cred, how->access & (VFS_READ | VFS_WRITE), st->unix_mode, flags);
	else if (!f->directory)
		rc = finish_new(posix_file_of(f), cred);
	if (rc < 0 && create)
		posix_unlink(f, cred, f->path);
	if (rc < 0)
		vfs_file_unref(f);
	else
		*out = f;
	return rc;
}

/* The descriptor of the path stays, since calls on other threads may use it. */
int dax_reopen(struct vfs_file *base, struct vfs_cred *cred, unsigned access, unsigned flags)
{
	struct posix_file *f = posix_file_of(base);
	struct dax_inode *i, *none = NULL;

	if (base->directory || f->symlink)
		return posix_reopen(base, cred, access, flags);
	struct stat st;
	int rc = fstat(f->fd, &st) < 0 ? -errno : get_inode(f, cred, access, st.st_mode, &i);
	if (rc < 0)
		return rc;
	if (!f->data)
		f->errors_seen = i->errors;
	if (!atomic_compare_exchange_strong(&f->data, &none, i))
		dax_inode_unref(i); /* it has that object already */
	base->access = access;
	return 0;
}

void dax_file_free(struct vfs_file *base)
{
	struct posix_file *f = posix_file_of(base);
	struct dax_inode *i = f->data;

	if (i && f->fd == dax_inode_fd(i))
		f->fd = -1;
	posix_file_free(base);
	dax_inode_unref(i);
}
