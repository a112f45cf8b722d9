/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * A cursor has a descriptor of its own, opened when names are first read: a pattern without wildcards, which
 * is how clients ask for one file, is answered by looking that name up.
 */
enum stage { STAGE_DOT, STAGE_DOTDOT, STAGE_NAMES, STAGE_END };

struct posix_dir {
	struct vfs_dir base;
	enum stage stage;
	char disk[NAME_DISK_MAX + 1]; /* the last entry's name on disk, "" for "." and ".." */
	char name[NAME_CLIENT_MAX];
	struct posix_dents dents; /* dents.fd is -1 until needed */
};

static struct posix_dir *posix_dir_of(struct vfs_dir *d)
{
	return container_of(d, struct posix_dir, base);
}

int posix_dir_open(struct vfs_file *f, struct vfs_cred *cred, struct vfs_dir **out)
{
	struct posix_dir *d = malloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	memset(d, 0, offsetof(struct posix_dir, dents));
	d->dents.fd = -1;
	d->dents.pos = d->dents.end = 0;
	*out = &d->base;
	return 0;
}

void posix_dir_close(struct vfs_dir *base)
{
	struct posix_dir *d = posix_dir_of(base);

	if (d->dents.fd >= 0)
		close(d->dents.fd);
	free(d);
}

static int open_dents(struct posix_dir *d)
{
	struct posix_file *f = posix_file_of(d->base.file);

	if (d->dents.fd >= 0)
		return 0;
	d->dents.fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return d->dents.fd < 0 ? -errno : 0;
}

int posix_dir_rewind(struct vfs_dir *base)
{
	struct posix_dir *d = posix_dir_of(base);

	d->stage = STAGE_DOT;
	d->dents.pos = d->dents.end = 0;
	return d->dents.fd >= 0 && lseek(d->dents.fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* A client's path for an entry of the directory. */
static int entry_path(const struct posix_dir *d, const char *disk_name, char *out)
{
	const struct posix_file *f = posix_file_of(d->base.file);
	int rc = posix_disk_path(f->path, out);

	if (rc < 0)
		return rc;
	size_t len = strlen(out), n = strlen(disk_name);
	if (n + 2 > PATH_MAX - len)
		return -ENAMETOOLONG;
	if (len)
		out[len++] = '/';
	memcpy(out + len, disk_name, n + 1);
	return 0;
}

/* A symlink is shown as what it leads to, beneath the root; one that leads nowhere is not shown. */
static int stat_target(struct posix_dir *d, struct vfs_stat *st)
{
	struct posix_share *s = posix_share_of(d->base.file->share);
	char path[PATH_MAX];
	int rc = s->base.o.follow_symlinks ? entry_path(d, d->disk, path) : -ENOENT;
	int fd = rc < 0 ? rc : posix_openat2(s, path, O_PATH, 0, 0);

	if (fd < 0)
		return fd;
	rc = posix_stat_fd(s, fd, true, d->name, st);
	close(fd);
	return rc;
}

/* ".." of the root is the root: what lies above is nobody's business. */
static int stat_dots(struct posix_dir *d, struct vfs_stat *st)
{
	struct posix_file *f = posix_file_of(d->base.file);
	struct posix_share *s = posix_share_of_file(f);
	struct posix_parent p;
	char path[PATH_MAX];

	if (d->name[1] == 0 || f->path[0] == 0 || posix_disk_path(f->path, path) < 0 ||
		posix_parent_open(s, path, &p) < 0)
		return posix_stat_fd(s, f->fd, f->path_only, "", st);
	int rc = posix_stat_fd(s, p.fd, true, "", st);
	posix_parent_close(&p);
	return rc;
}

static int stat_entry(struct posix_dir *d, struct vfs_stat *st)
{
	struct posix_file *f = posix_file_of(d->base.file);

	if (d->disk[0] == 0)
		return stat_dots(d, st);
	int rc = posix_stat_at(posix_share_of_file(f), f->fd, d->disk, d->name, st);
	return rc == 0 && S_ISLNK(st->unix_mode) ? stat_target(d, st) : rc;
}

int posix_dir_stat(struct vfs_dir *base, struct vfs_dir_entry *e)
{
	int rc = cred_assume(base->cred);

	return rc < 0 ? rc : stat_entry(posix_dir_of(base), &e->st);
}

static bool next_dots(struct posix_dir *d)
{
	strcpy(d->name, d->stage++ == STAGE_DOT ? "." : "..");
	d->disk[0] = 0;
	return vfs_dir_shows(&d->base, d->name);
}

/* 1: d->name is an entry that the pattern shows; 0 at the end. */
static int next_name(struct posix_dir *d, unsigned char *type)
{
	struct posix_dent e;
	int rc;

	while (d->stage < STAGE_NAMES) {
		*type = DT_DIR;
		if (next_dots(d))
			return 1;
	}
	rc = open_dents(d);
	if (rc < 0)
		return rc;
	while ((rc = posix_dents_next(&d->dents, &e)) > 0) {
		name_to_client(e.name, d->name);
		if (!vfs_dir_shows(&d->base, d->name))
			continue;
		strcpy(d->disk, e.name);
		*type = e.type;
		return 1;
	}
	return rc;
}

/* The spelling on disk of the name that is asked for: as it is, or in another case. */
static bool find_literal(struct posix_dir *d, const char *asked, struct vfs_stat *st)
{
	struct posix_share *s = posix_share_of(d->base.file->share);

	strcpy(d->disk, asked);
	if (stat_entry(d, st) == 0)
		return true;
	if (s->base.o.case_sensitive || cred_assume(d->base.cred) < 0 || open_dents(d) < 0 ||
		names_find(&s->names, d->dents.fd, asked, d->disk) < 0)
		return false;
	name_to_client(d->disk, d->name);
	return stat_entry(d, st) == 0;
}

/* 1: the pattern is one name, and it exists; 0: it does not; -EAGAIN: the pattern is to be searched for. */
static int try_literal(struct posix_dir *d, struct vfs_stat *st)
{
	char path[PATH_MAX];

	if (d->stage == STAGE_END)
		return 0;
	if (!d->base.literal || strlen(d->base.literal) >= sizeof(d->name) || strchr(d->base.literal, '/') ||
		path_to_disk(d->base.literal, path, sizeof(path)) < 0 || *path == 0)
		return -EAGAIN;
	d->stage = STAGE_END;
	strcpy(d->name, d->base.literal);
	return vfs_dir_shows(&d->base, d->name) && find_literal(d, path, st);
}

int posix_dir_next(struct vfs_dir *base, bool want_stat, struct vfs_dir_entry *e)
{
	struct posix_dir *d = posix_dir_of(base);
	unsigned char type = DT_UNKNOWN;
	int rc = cred_assume(base->cred);

	if (rc < 0)
		return rc;
	e->name = d->name;
	rc = try_literal(d, &e->st);
	if (rc != -EAGAIN)
		return rc;
	while ((rc = next_name(d, &type)) > 0) {
		if (!want_stat && type != DT_LNK && type != DT_UNKNOWN)
			return 1;
		rc = cred_assume(base->cred); /* a stat may have become the process to read an attribute */
		if (rc < 0)
			return rc;
		if (stat_entry(d, &e->st) == 0)
			return 1; /* else: gone meanwhile, or not to be seen */
	}
	return rc;
}

/* Whatever rmdir(2) will count: names that clients do not see included. */
int posix_directory_is_empty(struct vfs_file *base, struct vfs_cred *cred)
{
	struct posix_dents d;
	struct posix_dent e;
	int rc = cred_assume(cred);

	if (rc < 0)
		return rc;
	d.pos = d.end = 0;
	d.fd = openat(posix_file_of(base)->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d.fd < 0)
		return -errno;
	rc = posix_dents_next(&d, &e);
	close(d.fd);
	return rc > 0 ? -ENOTEMPTY : rc;
}
