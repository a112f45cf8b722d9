/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix.h"
#include "core/random.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/*
 * Renaming, linking and removing name a file by its parent's descriptor and its last component. Between the
 * check that the component still is the file and the system call, a local process may put another one there;
 * the server's own users cannot, because the node table keeps them out.
 */

/* A parent's descriptor and the spelling on disk of a name in it. */
struct place {
	struct posix_parent parent;
	char path[PATH_MAX];
	char asked[NAME_DISK_MAX + 1]; /* the last component as the client spells it */
	bool exists;
	uint64_t dev, ino;
	mode_t mode;
};

static int stat_place(struct place *p)
{
	struct statx x;

	if (statx(p->parent.fd, p->parent.leaf, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &x) < 0) {
		p->exists = false;
		return errno == ENOENT ? 0 : -errno;
	}
	p->exists = true;
	p->dev = makedev(x.stx_dev_major, x.stx_dev_minor);
	p->ino = x.stx_ino;
	p->mode = x.stx_mode;
	return 0;
}

/* Finds the component as asked, else in another case, else none; its parent exists. Closed if that fails. */
static int find_place(struct posix_share *s, const char *client, struct place *p)
{
	int rc = posix_disk_path(client, p->path);

	if (rc < 0)
		return rc;
	strcpy(p->asked, vfs_basename(p->path));
	rc = posix_parent_open(s, p->path, &p->parent);
	if (rc == 0)
		rc = stat_place(p);
	if (rc == 0 && p->exists)
		return 0;
	posix_parent_close(&p->parent);
	if (rc < 0 && rc != -ENOTDIR)
		return rc;
	rc = posix_spell(s, p->path, 0);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	rc = posix_parent_open(s, p->path, &p->parent);
	if (rc == 0 && (rc = stat_place(p)) < 0)
		posix_parent_close(&p->parent);
	return rc;
}

/* True if the name is f, or a symlink that f was reached through. */
static bool names_file(const struct posix_share *s, const struct place *p, const struct posix_file *f)
{
	struct statx x;

	if (p->exists && p->dev == f->dev && p->ino == f->ino)
		return true;
	if (!p->exists || !S_ISLNK(p->mode) || !s->base.o.follow_symlinks)
		return false;
	int fd = posix_openat2(s, p->path, O_PATH, 0, 0);
	if (fd < 0)
		return false;
	bool same = statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x) == 0 && x.stx_ino == f->ino &&
		    makedev(x.stx_dev_major, x.stx_dev_minor) == f->dev;
	close(fd);
	return same;
}

/* Moves a name where there is none. */
static int move_to_free(int from, const char *from_leaf, int to, const char *to_leaf)
{
	struct stat st;

	if (renameat2(from, from_leaf, to, to_leaf, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* a file system without that flag, or a directory into itself */
	if (fstatat(to, to_leaf, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(from, from_leaf, to, to_leaf) < 0 ? -errno : 0;
}

/*
 * Over an existing name, which then gets the client's spelling. rename(2) does nothing where both names are
 * links to one file: there the old name is removed.
 */
static int move_over(const struct place *from, const struct place *to)
{
	int rc;

	if (S_ISDIR(to->mode) || S_ISDIR(from->mode))
		return -EACCES; /* [MS-FSA] 2.1.5.14.11: a directory is neither replaced nor does it replace
				 */
	if (from->dev == to->dev && from->ino == to->ino)
		rc = unlinkat(from->parent.fd, from->parent.leaf, 0);
	else
		rc = renameat(from->parent.fd, from->parent.leaf, to->parent.fd, to->parent.leaf);
	if (rc < 0)
		return -errno;
	if (strcmp(to->parent.leaf, to->asked) != 0)
		(void)move_to_free(to->parent.fd, to->parent.leaf, to->parent.fd, to->asked);
	return 0;
}

static bool same_name(const struct place *a, const struct place *b)
{
	return strcmp(a->path, b->path) == 0;
}

static int move_name(const struct place *from, const struct place *to, bool replace)
{
	if (!to->exists)
		return move_to_free(from->parent.fd, from->parent.leaf, to->parent.fd, to->asked);
	if (same_name(from, to)) { /* to itself: nothing, or another case */
		if (strcmp(to->parent.leaf, to->asked) == 0)
			return 0;
		return move_to_free(from->parent.fd, from->parent.leaf, to->parent.fd, to->asked);
	}
	return replace ? move_over(from, to) : -EEXIST;
}

/* What is kept of both directories follows. Where they are one, the second change is part of the first. */
static int rename_between(
	struct posix_share *s, const struct place *from, const struct place *to, bool replace)
{
	struct names_change out, in;
	bool over = to->exists && !same_name(from, to);

	names_begin_change(&s->names, &out, from->parent.fd);
	names_begin_change(&s->names, &in, to->parent.fd);
	int rc = move_name(from, to, replace);
	names_end_change(&s->names, &out, rc == 0, from->parent.leaf, NULL);
	names_end_change(&s->names, &in, rc == 0, NULL, over ? NULL : to->asked);
	return rc;
}

int posix_rename(struct vfs_file *base, struct vfs_cred *cred, const char *from, const char *to, bool replace)
{
	struct posix_file *f = posix_file_of(base);
	struct posix_share *s = posix_share_of_file(f);
	struct place a, b;
	int rc = cred_assume(cred);

	if (rc == 0)
		rc = find_place(s, from, &a);
	if (rc < 0)
		return rc == -ENOENT || rc == -ENOTDIR ? -ESTALE : rc;
	rc = find_place(s, to, &b);
	if (rc == 0) {
		rc = names_file(s, &a, f) ? rename_between(s, &a, &b, replace) : -ESTALE;
		posix_parent_close(&b.parent);
	}
	posix_parent_close(&a.parent);
	return rc == -ENOTEMPTY ? -EEXIST : rc;
}

static int link_at(const struct posix_file *f, int dir, const char *leaf)
{
	return linkat(AT_FDCWD, posix_fd_path(f->fd).s, dir, leaf, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* link(2) does not replace: a name of its own first, which then takes the place. */
static int link_over(const struct posix_file *f, const struct place *to)
{
	char temporary[64];

	if (S_ISDIR(to->mode))
		return -EACCES;
	if (to->dev == f->dev && to->ino == f->ino)
		return 0;
	snprintf(temporary, sizeof(temporary), ".daxsmbd-link-%016llx", (unsigned long long)random_u64());
	int rc = link_at(f, to->parent.fd, temporary);
	if (rc < 0)
		return rc;
	rc = renameat(to->parent.fd, temporary, to->parent.fd, to->parent.leaf) < 0 ? -errno : 0;
	if (rc < 0)
		unlinkat(to->parent.fd, temporary, 0);
	else if (strcmp(to->parent.leaf, to->asked) != 0)
		(void)move_to_free(to->parent.fd, to->parent.leaf, to->parent.fd, to->asked);
	return rc;
}

int posix_link(struct vfs_file *base, struct vfs_cred *cred, const char *to, bool replace)
{
	struct posix_file *f = posix_file_of(base);
	struct posix_share *s = posix_share_of_file(f);
	struct names_change change;
	struct place p;
	int rc = cred_assume(cred);

	if (rc == 0)
		rc = f->symlink ? -EACCES : find_place(s, to, &p);
	if (rc < 0)
		return rc;
	names_begin_change(&s->names, &change, p.parent.fd);
	if (!p.exists)
		rc = link_at(f, p.parent.fd, p.asked);
	else
		rc = replace ? link_over(f, &p) : -EEXIST;
	names_end_change(&s->names, &change, rc == 0, NULL, p.exists ? NULL : p.asked);
	posix_parent_close(&p.parent);
	return rc;
}

int posix_unlink(struct vfs_file *base, struct vfs_cred *cred, const char *path)
{
	struct posix_file *f = posix_file_of(base);
	struct posix_share *s = posix_share_of_file(f);
	struct names_change change;
	struct place p;
	int rc = cred_assume(cred);

	if (rc == 0)
		rc = find_place(s, path, &p);
	if (rc < 0)
		return rc == -ENOENT || rc == -ENOTDIR ? -ESTALE : rc;
	names_begin_change(&s->names, &change, p.parent.fd);
	if (!names_file(s, &p, f))
		rc = -ESTALE;
	else if (unlinkat(p.parent.fd, p.parent.leaf, S_ISDIR(p.mode) ? AT_REMOVEDIR : 0) < 0)
		rc = errno == EEXIST ? -ENOTEMPTY : -errno;
	else
		rc = 0;
	names_end_change(&s->names, &change, rc == 0, p.parent.leaf, NULL);
	posix_parent_close(&p.parent);
	return rc;
}
