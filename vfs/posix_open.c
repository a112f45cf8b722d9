/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix.h"
#include "core/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Opening what exists takes openat2, statx and fgetxattr. What a path names is known only then: fifos,
 * sockets and devices are opened O_NONBLOCK, found not to be files, and closed again. That is harmless for
 * fifos; a device node is touched only if the user has been given access to it.
 */

static struct posix_file *new_file(struct posix_share *s, const char *path, int fd, bool path_only,
	unsigned access, const struct vfs_stat *st)
{
	size_t size = strlen(path) + 1;
	struct posix_file *f = malloc(sizeof(*f) + size);

	if (!f)
		return NULL;
	memcpy(f->path, path, size);
	f->fd = fd;
	f->path_only = path_only;
	f->data = NULL;
	f->errors_seen = 0;
	f->symlink = S_ISLNK(st->unix_mode);
	f->dev = st->dev;
	f->ino = st->ino;
	vfs_file_init(&f->base, &s->base, f->path, st->directory, path_only ? VFS_NONE : access);
	return f;
}

void posix_file_free(struct vfs_file *base)
{
	struct posix_file *f = posix_file_of(base);

	if (f->fd >= 0)
		close(f->fd);
	free(f);
}

static int open_flags(const struct vfs_open_how *how)
{
	static const int by_access[] = {[VFS_NONE] = O_PATH,
		[VFS_READ] = O_RDONLY,
		[VFS_WRITE] = O_WRONLY,
		[VFS_READ | VFS_WRITE] = O_RDWR};
	int flags = by_access[how->access & (VFS_READ | VFS_WRITE)];

	return flags | (how->no_follow ? O_NOFOLLOW : 0) | (flags == O_PATH ? 0 : O_NONBLOCK | O_NOCTTY);
}

static bool is_servable(const struct vfs_stat *st, bool no_follow)
{
	return st->directory || S_ISREG(st->unix_mode) || (no_follow && S_ISLNK(st->unix_mode));
}

/* What opening for data says of a socket, of a fifo without readers, of a device without driver. */
static int special_file_error(int rc)
{
	return rc == -ENXIO || rc == -ENODEV ? -EACCES : rc;
}

static int open_existing(
	struct posix_share *s, const struct vfs_open_how *how, unsigned flags, char *path, int *oflags)
{
	*oflags = open_flags(how);
	int fd = posix_open_existing(s, path, *oflags, flags);

	if (fd == -EISDIR) { /* nobody writes a directory: what it is opened for is listing */
		*oflags = O_RDONLY | O_DIRECTORY | (how->no_follow ? O_NOFOLLOW : 0);
		fd = posix_open_existing(s, path, *oflags, flags);
	}
	if (fd == -EACCES && how->no_follow && *oflags != (O_PATH | O_NOFOLLOW)) {
		/* perhaps a symlink that is to be opened itself: it has no data */
		struct vfs_stat st;
		*oflags = O_PATH | O_NOFOLLOW;
		fd = posix_open_existing(s, path, *oflags, flags);
		if (fd >= 0 && (posix_stat_fd(s, fd, true, "", &st) < 0 || !S_ISLNK(st.unix_mode))) {
			close(fd);
			return -EACCES;
		}
	}
	return special_file_error(fd);
}

/* The path of a new handle: what the client asked for, or its right spelling. *allocated is to be freed. */
static const char *spelled_path(const char *asked, const char *disk, bool as_asked, char **allocated)
{
	*allocated = as_asked ? NULL : posix_client_path(disk);
	return as_asked ? asked : *allocated;
}

/* Takes the descriptor over. */
static int finish_existing(struct posix_share *s, const struct vfs_open_how *how, const char *path, int fd,
	int oflags, struct vfs_file **out, struct vfs_stat *st)
{
	bool path_only = oflags & O_PATH;
	struct posix_file *f = NULL;
	int rc = path ? posix_stat_fd(s, fd, path_only, vfs_basename(path), st) : -ENOMEM;

	if (rc == 0 && !is_servable(st, how->no_follow))
		rc = -EACCES;
	if (rc == 0 && !(f = new_file(s, path, fd, path_only, how->access, st)))
		rc = -ENOMEM;
	if (rc < 0)
		close(fd);
	else
		*out = &f->base;
	return rc;
}

static mode_t mode_for_new(const struct posix_share *s, bool directory, int parent)
{
	struct stat st = {0};

	if (s->base.o.inherit_permissions && fstatat(parent, "", &st, AT_EMPTY_PATH) < 0)
		st.st_mode = 0700;
	return vfs_create_mode(&s->base, directory, st.st_mode);
}

static int make_directory(const struct posix_parent *p, mode_t mode)
{
	if (mkdirat(p->fd, p->leaf, mode) < 0)
		return -errno;
	int fd = openat(p->fd, p->leaf, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int make_file(const struct posix_share *s, const struct posix_parent *p, mode_t mode)
{
	int oflags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

	return posix_openat2_in(s, p->fd, p->leaf, oflags, mode, 0);
}

static int make(struct posix_share *s, const struct posix_parent *p, bool directory)
{
	mode_t mode = mode_for_new(s, directory, p->fd);
	struct names_change change;

	names_begin_change(&s->names, &change, p->fd);
	int fd = directory ? make_directory(p, mode) : make_file(s, p, mode);
	names_end_change(&s->names, &change, fd >= 0, NULL, p->leaf);
	return fd == -ENOENT ? -ENOTDIR : fd; /* it is the parent that has gone */
}

static void unmake(struct posix_share *s, const struct posix_parent *p, bool directory)
{
	struct names_change change;

	names_begin_change(&s->names, &change, p->fd);
	bool done = unlinkat(p->fd, p->leaf, directory ? AT_REMOVEDIR : 0) == 0;
	names_end_change(&s->names, &change, done, p->leaf, NULL);
}

/* The new file is open at fd; on failure it is to be removed again. */
static int finish_new(struct posix_share *s, const struct vfs_open_how *how, const char *path, int fd,
	uint64_t creation_time, struct vfs_file **out, struct vfs_stat *st)
{
	uint32_t attributes = how->attributes & vfs_settable_attributes(how->directory);
	struct posix_file *f = NULL;
	int rc = path ? 0 : -ENOMEM;

	if (rc == 0 && how->allocation && !how->directory)
		rc = posix_reserve(fd, how->allocation);
	if (rc == 0)
		rc = posix_stat_new(s, fd, how->directory, vfs_basename(path),
			attributes | (how->directory ? FILE_ATTRIBUTE_DIRECTORY : 0), creation_time, st);
	if (rc == 0 && !(f = new_file(s, path, fd, how->directory, VFS_READ | VFS_WRITE, st)))
		rc = -ENOMEM;
	if (rc == 0)
		*out = &f->base;
	return rc;
}

static int create(struct posix_share *s, const struct vfs_open_how *how, char *disk, struct vfs_file **out,
	struct vfs_stat *st)
{
	struct posix_parent p;
	struct timespec now;
	char *allocated;
	int rc = posix_parent_for_new(s, disk, &p);

	if (rc < 0)
		return rc;
	clock_gettime(CLOCK_REALTIME_COARSE, &now); /* the clock that the kernel stamps inodes with */
	int fd = make(s, &p, how->directory);
	if (fd >= 0) {
		const char *path = spelled_path(how->path, disk, s->base.o.case_sensitive, &allocated);
		rc = finish_new(s, how, path, fd, nttime_from_timespec(now), out, st);
		free(allocated);
		if (rc < 0) {
			close(fd);
			unmake(s, &p, how->directory);
		}
	}
	posix_parent_close(&p);
	return fd < 0 ? fd : rc;
}

int posix_open(struct vfs_share *base, struct vfs_cred *cred, const struct vfs_open_how *how, unsigned flags,
	struct vfs_file **out, struct vfs_stat *st)
{
	struct posix_share *s = posix_share_of(base);
	char disk[PATH_MAX], asked[PATH_MAX], *allocated;
	int oflags, rc = posix_disk_path(how->path, disk);

	if (rc == 0 && how->access & VFS_WRITE && base->o.read_only)
		rc = -EACCES;
	if (rc == 0)
		rc = cred_assume(cred);
	if (rc < 0)
		return rc;
	if (how->disposition == VFS_CREATE_NEW)
		return *disk ? create(s, how, disk, out, st) : -EEXIST;
	strcpy(asked, disk);
	int fd = open_existing(s, how, flags, disk, &oflags);
	if (fd < 0)
		return fd;
	const char *path = spelled_path(how->path, disk, strcmp(asked, disk) == 0, &allocated);
	rc = finish_existing(s, how, path, fd, oflags, out, st);
	free(allocated);
	return rc;
}

/* The descriptor keeps its number, so that calls on other threads see either the old or the new one. */
int posix_reopen(struct vfs_file *base, struct vfs_cred *cred, unsigned access, unsigned flags)
{
	struct posix_file *f = posix_file_of(base);
	struct vfs_open_how how = {.access = base->directory ? VFS_READ : access};
	int rc = cred_assume(cred);

	if (rc < 0)
		return rc;
	if (f->symlink)
		return -EACCES;
	int fd = open(posix_fd_path(f->fd).s, open_flags(&how) | O_CLOEXEC);
	if (fd < 0)
		return special_file_error(-errno);
	rc = dup3(fd, f->fd, O_CLOEXEC) < 0 ? -errno : 0;
	close(fd);
	if (rc == 0) {
		f->path_only = false;
		base->access = access;
	}
	return rc;
}

int posix_lookup(
	struct vfs_share *base, struct vfs_cred *cred, const char *path, unsigned flags, struct vfs_stat *st)
{
	struct posix_share *s = posix_share_of(base);
	char disk[PATH_MAX];
	int rc = posix_disk_path(path, disk);

	if (rc == 0)
		rc = cred_assume(cred);
	if (rc < 0)
		return rc;
	int fd = posix_open_existing(s, disk, O_PATH, flags);
	if (fd < 0)
		return fd;
	rc = posix_stat_fd(s, fd, true, vfs_basename(path), st);
	close(fd);
	return rc;
}
