/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/backend.h"
#include "core/log.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

int vfs_share_init(struct vfs_share *s, const struct vfs_backend *ops, const char *root,
	const struct vfs_share_options *o)
{
	s->ops = ops;
	s->refs = 1;
	s->o = *o;
	s->o.veto = s->o.hide = NULL;
	int rc = wildcard_list_new(o->veto, &s->veto);
	if (rc == 0)
		rc = wildcard_list_new(o->hide, &s->hide);
	s->root = strdup(root);
	return rc == 0 && !s->root ? -ENOMEM : rc;
}

void vfs_share_clean(struct vfs_share *s)
{
	wildcard_list_free(s->veto);
	wildcard_list_free(s->hide);
	free(s->root);
}

const char *vfs_share_root(const struct vfs_share *s)
{
	return s->root;
}

struct vfs_share *vfs_share_ref(struct vfs_share *s)
{
	s->refs++;
	return s;
}

void vfs_share_unref(struct vfs_share *s)
{
	if (s && --s->refs == 0)
		s->ops->share_free(s);
}

bool vfs_share_is_memory_speed(const struct vfs_share *s)
{
	return s->memory_speed;
}

enum vfs_durability vfs_share_durability(const struct vfs_share *s)
{
	return s->durability;
}

const char *vfs_durability_name(enum vfs_durability d)
{
	static const char *const names[] = {[VFS_DURABILITY_AUTO] = "auto",
		[VFS_VISIBLE] = "visible",
		[VFS_FLUSHED] = "flushed",
		[VFS_PERSISTENT] = "persistent"};

	return names[d];
}

bool vfs_share_is_mapped(const struct vfs_share *s)
{
	return s->mapped;
}

int vfs_share_demand(const struct vfs_share *s, const char *why)
{
	if (s->o.min_durability <= s->durability)
		return 0;
	log_error(vfs, "%s: refused: \"%s\" is wanted and \"%s\" is what there is: %s", s->root,
		vfs_durability_name(s->o.min_durability), vfs_durability_name(s->durability), why);
	return -EOPNOTSUPP;
}

const char *vfs_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int vfs_path_vetoed(const struct vfs_share *s, const char *path)
{
	char name[1024];

	if (!s->veto)
		return 0;
	for (const char *end; *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, '/');
		size_t len = (size_t)(end - path);
		if (len >= sizeof(name))
			return -ENAMETOOLONG;
		memcpy(name, path, len);
		name[len] = 0;
		if (wildcard_any(s->veto, name))
			return *end ? -ENOTDIR : -ENOENT;
	}
	return 0;
}

uint32_t vfs_attributes_of_name(const struct vfs_share *s, const char *name)
{
	bool dot = name[0] == '.' && name[1] && !(name[1] == '.' && !name[2]);

	if ((s->o.hide_dot_files && dot) || wildcard_any(s->hide, name))
		return FILE_ATTRIBUTE_HIDDEN;
	return 0;
}

bool vfs_ea_is_reserved(const char *name)
{
	static const char streams[] = "DosStream.";

	return strcasecmp(name, "DOSATTRIB") == 0 || strcasecmp(name, "SAMBA_PAI") == 0 ||
	       strncasecmp(name, streams, sizeof(streams) - 1) == 0;
}

/* As smb.conf(5) defines the masks. */
mode_t vfs_create_mode(const struct vfs_share *s, bool directory, mode_t parent_mode)
{
	if (s->o.inherit_permissions)
		return parent_mode & (directory ? 07777u : 0666u);
	if (directory)
		return ((0777 & s->o.directory_mask) | s->o.force_directory_mode) & 07777u;
	return ((0666 & s->o.create_mask) | s->o.force_create_mode) & 07777u;
}

uint32_t vfs_common_fs_attributes(const struct vfs_share *s)
{
	enum { /* [MS-FSCC] 2.5.1 */
		CASE_SENSITIVE_SEARCH = 0x1,
		CASE_PRESERVED_NAMES = 0x2,
		UNICODE_ON_DISK = 0x4,
		SUPPORTS_SPARSE_FILES = 0x40,
		READ_ONLY_VOLUME = 0x80000,
		SUPPORTS_HARD_LINKS = 0x400000,
		SUPPORTS_EXTENDED_ATTRIBUTES = 0x800000,
	};

	return CASE_SENSITIVE_SEARCH | CASE_PRESERVED_NAMES | UNICODE_ON_DISK | SUPPORTS_SPARSE_FILES |
	       SUPPORTS_HARD_LINKS | SUPPORTS_EXTENDED_ATTRIBUTES | (s->o.read_only ? READ_ONLY_VOLUME : 0);
}

void vfs_file_init(struct vfs_file *f, struct vfs_share *s, const char *path, bool directory, unsigned access)
{
	f->refs = 1;
	f->share = vfs_share_ref(s);
	f->cred = NULL;
	f->path = path;
	f->directory = directory;
	f->access = access;
}

struct vfs_file *vfs_file_ref(struct vfs_file *f)
{
	f->refs++;
	return f;
}

void vfs_file_unref(struct vfs_file *f)
{
	if (!f || --f->refs != 0)
		return;
	struct vfs_share *s = f->share;
	struct vfs_cred *cred = f->cred;
	s->ops->file_free(f);
	vfs_cred_unref(cred);
	vfs_share_unref(s);
}

const char *vfs_file_path(const struct vfs_file *f)
{
	return f->path;
}

static bool is_read_only(const struct vfs_file *f)
{
	return f->share->o.read_only;
}

/* Calls that cannot be answered from memory are left to a worker, unless the share is memory. */
static bool must_not_wait(const struct vfs_share *s, unsigned flags)
{
	return flags & VFS_NOWAIT && !s->memory_speed;
}

/* [MS-FSCC] 2.6: a file that has no attribute shows NORMAL. */
static int with_attributes(int rc, struct vfs_stat *st)
{
	if (rc >= 0 && !st->attributes)
		st->attributes = FILE_ATTRIBUTE_NORMAL;
	return rc;
}

int vfs_open(struct vfs_share *s, struct vfs_cred *cred, const struct vfs_open_how *how, unsigned flags,
	struct vfs_file **out, struct vfs_stat *st)
{
	int rc = vfs_path_vetoed(s, how->path);

	if (rc < 0)
		return rc;
	if (how->disposition == VFS_CREATE_NEW) {
		if (s->o.read_only)
			return -EACCES;
		if (must_not_wait(s, flags))
			return -EAGAIN;
	}
	rc = with_attributes(s->ops->open(s, cred, how, flags, out, st), st);
	if (rc == 0)
		(*out)->cred = cred ? vfs_cred_ref(cred) : NULL;
	return rc;
}

int vfs_reopen(struct vfs_file *f, struct vfs_cred *cred, unsigned access, unsigned flags)
{
	if ((access & ~f->access) == 0)
		return 0;
	if (access & VFS_WRITE && is_read_only(f))
		return -EACCES;
	return f->share->ops->reopen(f, cred, access | f->access, flags);
}

int vfs_maximal_access(struct vfs_file *f, struct vfs_cred *cred, uint32_t *mask)
{
	return f->share->ops->maximal_access(f, cred, mask);
}

int vfs_fstat(struct vfs_file *f, unsigned flags, struct vfs_stat *st)
{
	return with_attributes(f->share->ops->fstat(f, flags, st), st);
}

static int data_access(const struct vfs_file *f, unsigned access)
{
	if (f->directory)
		return -EISDIR;
	return f->access & access ? 0 : -EBADF;
}

/* Setuid bits, reserved blocks and remote servers look at who writes: that is who opened, whatever this thread did last. */
static int write_access(const struct vfs_file *f)
{
	int rc = data_access(f, VFS_WRITE);

	return rc < 0 || !f->share->ops->act_as ? rc : f->share->ops->act_as(f->cred);
}

ssize_t vfs_pread(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags)
{
	int rc = data_access(f, VFS_READ);

	return rc < 0 ? rc : f->share->ops->pread(f, iov, n, offset, flags);
}

ssize_t vfs_pwrite(struct vfs_file *f, const struct iovec *iov, int n, uint64_t offset, unsigned flags)
{
	int rc = write_access(f);

	return rc < 0 ? rc : f->share->ops->pwrite(f, iov, n, offset, flags);
}

int vfs_file_fd(const struct vfs_file *f)
{
	return data_access(f, VFS_READ) < 0 ? -1 : f->share->ops->file_fd(f);
}

int vfs_flush(struct vfs_file *f, unsigned flags)
{
	if (!f->share->o.strict_sync)
		return 0;
	/* memory that needs fsync to be safe, as virtio-pmem, is fast until then */
	if (must_not_wait(f->share, flags) || (flags & VFS_NOWAIT && f->share->durability == VFS_FLUSHED))
		return -EAGAIN;
	return f->share->ops->flush(f, flags);
}

int vfs_window_open(struct vfs_file *f, uint64_t offset, size_t len, unsigned access, struct vfs_window *out)
{
	int rc = data_access(f, access);

	if (rc < 0)
		return rc;
	if (!f->share->ops->window_open)
		return -EOPNOTSUPP;
	return f->share->ops->window_open(f, offset, len, access, out);
}

int vfs_window_written(struct vfs_window *w, size_t at, size_t len)
{
	if (len == 0)
		return 0;
	if (at > w->len || len > w->len - at)
		return -EINVAL;
	int rc = data_access(w->file, VFS_WRITE);
	return rc < 0 ? rc : w->file->share->ops->window_written(w, at, len);
}

int vfs_window_flush(struct vfs_window *w)
{
	if (!w->file || !w->file->share->o.strict_sync)
		return 0;
	return w->file->share->ops->window_flush(w);
}

void vfs_window_close(struct vfs_window *w)
{
	if (w->file) {
		w->file->share->ops->window_close(w);
		vfs_file_unref(w->file);
	}
	*w = (struct vfs_window){0};
}

int vfs_truncate(struct vfs_file *f, uint64_t size, unsigned flags)
{
	int rc = write_access(f);

	if (rc < 0)
		return rc;
	return must_not_wait(f->share, flags) ? -EAGAIN : f->share->ops->truncate(f, size, flags);
}

int vfs_set_allocation(struct vfs_file *f, uint64_t bytes, unsigned flags)
{
	int rc = write_access(f);

	if (rc < 0)
		return rc;
	return must_not_wait(f->share, flags) ? -EAGAIN : f->share->ops->set_allocation(f, bytes, flags);
}

int vfs_set_sparse(struct vfs_file *f, struct vfs_cred *cred, bool sparse)
{
	if (is_read_only(f))
		return -EACCES;
	return f->directory ? -EISDIR : f->share->ops->set_sparse(f, cred, sparse);
}

int vfs_zero_range(struct vfs_file *f, uint64_t offset, uint64_t len)
{
	int rc = write_access(f);

	return rc < 0 || len == 0 ? rc : f->share->ops->zero_range(f, offset, len);
}

int vfs_next_data(struct vfs_file *f, uint64_t end, uint64_t *offset, uint64_t *len)
{
	int rc = data_access(f, VFS_READ | VFS_WRITE);

	return rc < 0 ? rc : f->share->ops->next_data(f, end, offset, len);
}

int vfs_copy_range(
	struct vfs_file *from, uint64_t from_offset, struct vfs_file *to, uint64_t to_offset, uint64_t len)
{
	int rc = data_access(from, VFS_READ);

	if (rc == 0)
		rc = write_access(to);
	if (rc < 0)
		return rc;
	if (from->share->ops != to->share->ops && !(from->share->ops->on_disk && to->share->ops->on_disk))
		return -EXDEV;
	return to->share->ops->copy_range(from, from_offset, to, to_offset, len);
}

int vfs_set_times(struct vfs_file *f, struct vfs_cred *cred, const struct vfs_times *t)
{
	return is_read_only(f) ? -EACCES : f->share->ops->set_times(f, cred, t);
}

int vfs_set_attributes(struct vfs_file *f, struct vfs_cred *cred, uint32_t attributes)
{
	return is_read_only(f) ? -EACCES : f->share->ops->set_attributes(f, cred, attributes);
}

bool vfs_dir_shows(const struct vfs_dir *d, const char *name)
{
	if (d->pattern && !wildcard_matches(d->pattern, name))
		return false;
	return !wildcard_any(d->file->share->veto, name);
}

static int set_pattern(struct vfs_dir *d, const char *pattern)
{
	struct wildcard *w = NULL;
	char *literal = NULL;

	if (pattern && !(w = wildcard_compile(pattern)))
		return -ENOMEM;
	if (w && wildcard_is_literal(w) && !(literal = strdup(pattern))) {
		free(w);
		return -ENOMEM;
	}
	free(d->pattern);
	free(d->literal);
	d->pattern = w;
	d->literal = literal;
	return 0;
}

int vfs_dir_open(struct vfs_file *f, struct vfs_cred *cred, const char *pattern, struct vfs_dir **out)
{
	struct vfs_dir *d = NULL;
	int rc = f->directory ? f->share->ops->dir_open(f, cred, &d) : -ENOTDIR;

	if (rc < 0)
		return rc;
	d->file = vfs_file_ref(f);
	d->cred = vfs_cred_ref(cred);
	rc = set_pattern(d, pattern);
	if (rc < 0)
		vfs_dir_close(d);
	else
		*out = d;
	return rc;
}

int vfs_dir_next(struct vfs_dir *d, bool want_stat, struct vfs_dir_entry *e)
{
	const struct vfs_backend *ops = d->file->share->ops;
	int rc = 1;

	if (!d->pending)
		rc = ops->dir_next(d, want_stat, &d->last);
	else if (want_stat && !d->last_has_stat && ops->dir_stat(d, &d->last) < 0)
		rc = ops->dir_next(d, want_stat, &d->last); /* it has gone meanwhile */
	if (rc <= 0)
		return rc;
	d->last_has_stat = want_stat;
	d->pending = false;
	*e = d->last;
	with_attributes(0, &e->st);
	return 1;
}

void vfs_dir_unread(struct vfs_dir *d)
{
	d->pending = true;
}

int vfs_dir_rewind(struct vfs_dir *d, const char *pattern)
{
	int rc = set_pattern(d, pattern);

	d->pending = false;
	return rc < 0 ? rc : d->file->share->ops->dir_rewind(d);
}

void vfs_dir_close(struct vfs_dir *d)
{
	if (!d)
		return;
	struct vfs_file *f = d->file;
	vfs_cred_unref(d->cred);
	free(d->pattern);
	free(d->literal);
	f->share->ops->dir_close(d);
	vfs_file_unref(f);
}

int vfs_rename(struct vfs_file *f, struct vfs_cred *cred, const char *from, const char *to, bool replace)
{
	if (is_read_only(f) || vfs_path_vetoed(f->share, to) < 0)
		return -EACCES;
	if (*from == 0 || *to == 0)
		return -EACCES; /* the root stays */
	return f->share->ops->rename(f, cred, from, to, replace);
}

int vfs_link(struct vfs_file *f, struct vfs_cred *cred, const char *to, bool replace)
{
	if (is_read_only(f) || f->directory || *to == 0 || vfs_path_vetoed(f->share, to) < 0)
		return -EACCES;
	return f->share->ops->link(f, cred, to, replace);
}

int vfs_unlink(struct vfs_file *f, struct vfs_cred *cred, const char *path)
{
	if (is_read_only(f) || *path == 0)
		return -EACCES;
	return f->share->ops->unlink(f, cred, path);
}

int vfs_directory_is_empty(struct vfs_file *f, struct vfs_cred *cred)
{
	return f->directory ? f->share->ops->directory_is_empty(f, cred) : -ENOTDIR;
}

int vfs_lookup(
	struct vfs_share *s, struct vfs_cred *cred, const char *path, unsigned flags, struct vfs_stat *st)
{
	int rc = vfs_path_vetoed(s, path);

	return rc < 0 ? rc : with_attributes(s->ops->lookup(s, cred, path, flags, st), st);
}

int vfs_ea_list(struct vfs_file *f, int (*fn)(void *arg, const char *name, struct bytes value), void *arg)
{
	return f->share->ops->ea_list(f, fn, arg);
}

int vfs_ea_set(struct vfs_file *f, struct vfs_cred *cred, const char *name, struct bytes value)
{
	if (is_read_only(f) || *name == 0 || vfs_ea_is_reserved(name))
		return -EACCES;
	return f->share->ops->ea_set(f, cred, name, value);
}

int vfs_statfs(struct vfs_share *s, struct vfs_cred *cred, struct vfs_statfs *out)
{
	return s->ops->statfs(s, cred, out);
}
