/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix.h"
#include "core/clock.h"
#include "core/log.h"
#include "vfs/dosattrib.h"

#include <errno.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/*
 * What SMB knows of a file and the inode does not is in the attribute user.DOSATTRIB, in Samba's format: DOS
 * attributes and the creation time. A file without it has the attributes that its name and type give, and its
 * birth time.
 */
static const char attribute[] = "user.DOSATTRIB";

static uint64_t nttime_of(struct statx_timestamp t)
{
	return nttime_from_timespec((struct timespec){.tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec});
}

static uint64_t oldest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Inode numbers are unique in one file system only; a share may span several. */
static uint64_t file_id(const struct posix_share *s, uint64_t dev, uint64_t ino)
{
	return dev == s->root_dev ? ino : ino ^ (dev - s->root_dev) * 0x9E3779B97F4A7C15ull;
}

void posix_fill_stat(
	const struct posix_share *s, const struct statx *x, const char *name, struct vfs_stat *st)
{
	bool directory = S_ISDIR(x->stx_mode);

	*st = (struct vfs_stat){
		.dev = makedev(x->stx_dev_major, x->stx_dev_minor),
		.ino = x->stx_ino,
		.unix_mode = x->stx_mode,
		.nlink = x->stx_nlink,
		.uid = x->stx_uid,
		.gid = x->stx_gid,
		.size = directory ? 0 : x->stx_size,
		.allocation = directory ? 0 : x->stx_blocks * 512,
		.access_time = nttime_of(x->stx_atime),
		.write_time = nttime_of(x->stx_mtime),
		.change_time = nttime_of(x->stx_ctime),
		.directory = directory,
	};
	st->file_id = file_id(s, st->dev, st->ino);
	st->creation_time = x->stx_mask & STATX_BTIME && x->stx_btime.tv_sec
				    ? nttime_of(x->stx_btime)
				    : oldest(st->access_time, oldest(st->write_time, st->change_time));
	st->attributes = vfs_attributes_of_name(&s->base, name) | (directory ? FILE_ATTRIBUTE_DIRECTORY : 0) |
			 (S_ISLNK(x->stx_mode) ? FILE_ATTRIBUTE_REPARSE_POINT : 0);
	if (!s->base.o.store_dos_attributes && S_ISREG(x->stx_mode) && !(x->stx_mode & S_IWUSR))
		st->attributes |= FILE_ATTRIBUTE_READONLY;
}

/* What the stored value adds to a stat that was filled from the inode. */
static void merge(struct vfs_stat *st, const struct dosattrib *a)
{
	uint32_t shown =
		vfs_settable_attributes(st->directory) | (st->directory ? 0 : FILE_ATTRIBUTE_SPARSE_FILE);

	if (a->has_attributes)
		st->attributes |= a->attributes & shown;
	if (a->has_creation_time)
		st->creation_time = a->creation_time;
}

static bool has_attribute(const struct posix_share *s, const struct vfs_stat *st)
{
	return s->base.o.store_dos_attributes && !s->no_xattr && (st->directory || S_ISREG(st->unix_mode));
}

/* Notes that the file system keeps no attributes; the share goes on without them. */
static bool is_unsupported(struct posix_share *s, ssize_t rc)
{
	if (rc != -EOPNOTSUPP)
		return false;
	if (!atomic_exchange(&s->no_xattr, true))
		log_warning(vfs, "the file system has no user attributes: DOS attributes are not stored");
	return true;
}

/* True if there is a value that makes sense. Whoever may stat may know it: EACCES is asked again as root. */
static bool read_value(struct posix_share *s, int fd, bool path_only, struct dosattrib *a)
{
	uint8_t buf[DOSATTRIB_READ_MAX];
	ssize_t n = posix_getxattr(fd, path_only, attribute, buf, sizeof(buf));

	if (n == -EACCES && cred_assume(NULL) == 0)
		n = posix_getxattr(fd, path_only, attribute, buf, sizeof(buf));
	if (n < 0) {
		is_unsupported(s, n);
		return false;
	}
	return dosattrib_decode(BYTES(buf, n), a);
}

static int stat_inode(const struct posix_share *s, int fd, const char *name, struct vfs_stat *st)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &x) < 0)
		return -errno;
	posix_fill_stat(s, &x, name, st);
	return 0;
}

int posix_stat_fd(struct posix_share *s, int fd, bool path_only, const char *name, struct vfs_stat *st)
{
	struct dosattrib a;
	int rc = stat_inode(s, fd, name, st);

	if (rc == 0 && has_attribute(s, st) && read_value(s, fd, path_only, &a))
		merge(st, &a);
	return rc;
}

int posix_stat_at(
	struct posix_share *s, int dir, const char *name, const char *client_name, struct vfs_stat *st)
{
	struct statx x;
	struct dosattrib a;
	uint8_t buf[DOSATTRIB_READ_MAX];

	if (statx(dir, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &x) < 0)
		return -errno;
	posix_fill_stat(s, &x, client_name, st);
	if (!has_attribute(s, st))
		return 0;
	struct fd_path path = posix_entry_path(dir, name);
	ssize_t n = lgetxattr(path.s, attribute, buf, sizeof(buf));
	if (n < 0 && errno == EACCES && cred_assume(NULL) == 0)
		n = lgetxattr(path.s, attribute, buf, sizeof(buf));
	if (n >= 0 && dosattrib_decode(BYTES(buf, n), &a))
		merge(st, &a);
	else if (n < 0)
		is_unsupported(s, -errno);
	return 0;
}

int posix_stat_new(struct posix_share *s, int fd, bool path_only, const char *name, uint32_t attributes,
	uint64_t creation_time, struct vfs_stat *st)
{
	uint8_t value[DOSATTRIB_SIZE];
	struct dosattrib a = {true, true, attributes, creation_time};
	bool stored = false;
	int rc;

	if (s->base.o.store_dos_attributes && !s->no_xattr) {
		dosattrib_encode(&a, value);
		rc = posix_setxattr(fd, path_only, attribute, value, sizeof(value));
		/* a mode that denies the owner to write denies this too: the file goes without */
		if (rc < 0 && !is_unsupported(s, rc) && rc != -EACCES && rc != -EPERM)
			return rc;
		stored = rc == 0;
	}
	rc = stat_inode(s, fd, name, st);
	if (rc == 0 && stored)
		merge(st, &a);
	return rc;
}

int posix_fstat(struct vfs_file *base, unsigned flags, struct vfs_stat *st)
{
	struct posix_file *f = posix_file_of(base);

	return posix_stat_fd(posix_share_of_file(f), f->fd, f->path_only, vfs_basename(f->path), st);
}

/*
 * Changes the stored value: attributes under mask, and the creation time if it is not 0. The owner, and
 * whoever may write the file, may do so in NT terms; Unix asks for write permission, so the process acts for
 * those who have not got it. Callers have checked posix_may_write_attributes.
 */
static int change_value(struct posix_file *f, uint32_t mask, uint32_t attributes, uint64_t creation_time)
{
	struct posix_share *s = posix_share_of_file(f);
	struct dosattrib a = {0};
	uint8_t value[DOSATTRIB_SIZE];
	struct vfs_stat st;
	int rc = cred_assume(NULL);

	if (rc < 0 || s->no_xattr)
		return rc;
	pthread_mutex_lock(&s->lock);
	rc = posix_stat_fd(s, f->fd, f->path_only, "", &st);
	if (rc == 0) {
		uint32_t kept = st.attributes & ~(mask | FILE_ATTRIBUTE_DIRECTORY);
		a.has_attributes = a.has_creation_time = true;
		a.attributes = kept | (attributes & mask) | (st.directory ? FILE_ATTRIBUTE_DIRECTORY : 0);
		a.creation_time = creation_time ? creation_time : st.creation_time;
		dosattrib_encode(&a, value);
		rc = posix_setxattr(f->fd, f->path_only, attribute, value, sizeof(value));
	}
	pthread_mutex_unlock(&s->lock);
	return is_unsupported(s, rc) ? 0 : rc;
}

/* 0: the time stays as it is. */
static struct timespec timespec_or_omit(uint64_t nt)
{
	return nt ? nttime_to_timespec(nt) : (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int set_inode_times(struct posix_file *f, const struct vfs_times *t)
{
	struct timespec ts[2] = {timespec_or_omit(t->access_time), timespec_or_omit(t->write_time)};
	int rc = f->path_only ? utimensat(AT_FDCWD, posix_fd_path(f->fd).s, ts, 0) : futimens(f->fd, ts);

	return rc < 0 ? -errno : 0;
}

int posix_set_times(struct vfs_file *base, struct vfs_cred *cred, const struct vfs_times *t)
{
	struct posix_file *f = posix_file_of(base);
	int rc = posix_may_write_attributes(f, cred);

	if (rc == 0)
		rc = cred_assume(NULL);
	if (rc == 0 && t->creation_time && base->share->o.store_dos_attributes)
		rc = change_value(f, 0, 0, t->creation_time);
	/* last, because the times of the inode are what the caller asked for and no later change may touch
	 * them */
	if (rc == 0 && (t->access_time || t->write_time))
		rc = set_inode_times(f, t);
	return rc;
}

/* Where attributes are not stored, READONLY is the absence of write permission. */
static int set_readonly_mode(struct posix_file *f, bool readonly)
{
	struct vfs_stat st;
	int rc = posix_stat_fd(posix_share_of_file(f), f->fd, f->path_only, "", &st);

	if (rc < 0 || st.directory || readonly == !(st.unix_mode & S_IWUSR))
		return rc;
	mode_t mode = readonly ? st.unix_mode & ~0222u : st.unix_mode | S_IWUSR;
	rc = f->path_only ? chmod(posix_fd_path(f->fd).s, mode & 07777) : fchmod(f->fd, mode & 07777);
	return rc < 0 ? -errno : 0;
}

int posix_set_attributes(struct vfs_file *base, struct vfs_cred *cred, uint32_t attributes)
{
	struct posix_file *f = posix_file_of(base);
	int rc = posix_may_write_attributes(f, cred);

	if (rc == 0)
		rc = cred_assume(NULL);
	if (rc < 0)
		return rc;
	if (!base->share->o.store_dos_attributes)
		return set_readonly_mode(f, attributes & FILE_ATTRIBUTE_READONLY);
	return change_value(f, vfs_settable_attributes(base->directory), attributes, 0);
}

int posix_set_sparse(struct vfs_file *base, struct vfs_cred *cred, bool sparse)
{
	struct posix_file *f = posix_file_of(base);
	int rc = posix_may_write_attributes(f, cred);

	if (rc < 0 || !base->share->o.store_dos_attributes)
		return rc;
	return change_value(f, FILE_ATTRIBUTE_SPARSE_FILE, sparse ? FILE_ATTRIBUTE_SPARSE_FILE : 0, 0);
}
