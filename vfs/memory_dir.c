/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/memory.h"

#include <errno.h>
#include <stdlib.h>

/* A cursor remembers the cookie of the last entry, so that names may come and go meanwhile. */
struct memory_dir {
	struct vfs_dir base;
	unsigned dots; /* how many of "." and ".." were passed */
	uint64_t cookie;
	char disk[NAME_DISK_MAX + 1];
	char name[NAME_CLIENT_MAX];
};

static struct memory_dir *memory_dir_of(struct vfs_dir *d)
{
	return container_of(d, struct memory_dir, base);
}

int memory_dir_open(struct vfs_file *f, struct vfs_cred *cred, struct vfs_dir **out)
{
	struct memory_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	*out = &d->base;
	return 0;
}

void memory_dir_close(struct vfs_dir *d)
{
	free(memory_dir_of(d));
}

int memory_dir_rewind(struct vfs_dir *base)
{
	struct memory_dir *d = memory_dir_of(base);

	d->dots = 0;
	d->cookie = 0;
	return 0;
}

static int stat_locked(struct memory_dir *d, struct vfs_stat *st)
{
	struct memory_node *dir = memory_file_of(d->base.file)->node;
	struct memory_share *s = memory_share_of(d->base.file->share);

	if (!d->disk[0]) {
		memory_fill_stat(s, d->dots == 2 && dir->parent ? dir->parent : dir, "", st);
		return 0;
	}
	if (!(memory_permissions(dir, d->base.cred) & MAY_EXECUTE))
		return -EACCES;
	LIST_FOREACH (pos, &dir->entries) {
		struct memory_entry *e = container_of(pos, struct memory_entry, link);
		if (strcmp(e->name, d->disk) == 0) {
			memory_fill_stat(s, e->node, d->name, st);
			return 0;
		}
	}
	return -ENOENT;
}

static bool next_name(struct memory_dir *d, const struct memory_node *dir)
{
	while (d->dots < 2) {
		strcpy(d->name, d->dots++ ? ".." : ".");
		d->disk[0] = 0;
		if (vfs_dir_shows(&d->base, d->name))
			return true;
	}
	LIST_FOREACH (pos, &dir->entries) {
		struct memory_entry *e = container_of(pos, struct memory_entry, link);
		if (e->cookie <= d->cookie)
			continue;
		d->cookie = e->cookie;
		name_to_client(e->name, d->name);
		if (!vfs_dir_shows(&d->base, d->name))
			continue;
		strcpy(d->disk, e->name);
		return true;
	}
	return false;
}

int memory_dir_next(struct vfs_dir *base, bool want_stat, struct vfs_dir_entry *e)
{
	struct memory_dir *d = memory_dir_of(base);
	struct memory_node *dir = memory_file_of(base->file)->node;
	int rc = 0;

	memory_lock(base->file->share);
	/* to look one name up takes no permission to list */
	if (!base->literal && !(memory_permissions(dir, base->cred) & MAY_READ))
		rc = -EACCES;
	while (rc == 0 && next_name(d, dir))
		if (!want_stat || stat_locked(d, &e->st) == 0)
			rc = 1;
	memory_unlock(base->file->share);
	e->name = d->name;
	return rc;
}

int memory_dir_stat(struct vfs_dir *base, struct vfs_dir_entry *e)
{
	memory_lock(base->file->share);
	int rc = stat_locked(memory_dir_of(base), &e->st);
	memory_unlock(base->file->share);
	return rc;
}

int memory_directory_is_empty(struct vfs_file *base, struct vfs_cred *cred)
{
	memory_lock(base->share);
	bool empty = list_empty(&memory_file_of(base)->node->entries);
	memory_unlock(base->share);
	return empty ? 0 : -ENOTEMPTY;
}
