/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/memory.h"
#include "core/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

void memory_fill_stat(
	const struct memory_share *s, const struct memory_node *n, const char *name, struct vfs_stat *st)
{
	bool directory = memory_is_directory(n);

	*st = (struct vfs_stat){
		.dev = (uint64_t)(uintptr_t)s, /* a device of its own for each tree */
		.ino = n->ino,
		.file_id = n->ino,
		.unix_mode = n->mode,
		.nlink = n->nlink,
		.uid = n->uid,
		.gid = n->gid,
		.size = n->size,
		.allocation = directory ? 0 : memory_allocation(n),
		.creation_time = n->creation_time,
		.access_time = n->access_time,
		.write_time = n->write_time,
		.change_time = n->change_time,
		.attributes = n->attributes | vfs_attributes_of_name(&s->base, name) |
			      (directory ? FILE_ATTRIBUTE_DIRECTORY : 0),
		.directory = directory,
	};
	if (!s->base.o.store_dos_attributes && !directory && !(n->mode & S_IWUSR))
		st->attributes |= FILE_ATTRIBUTE_READONLY;
}

int memory_fstat(struct vfs_file *base, unsigned flags, struct vfs_stat *st)
{
	struct memory_file *f = memory_file_of(base);

	memory_lock(base->share);
	memory_fill_stat(memory_share_of(base->share), f->node, vfs_basename(f->path), st);
	memory_unlock(base->share);
	return 0;
}

static bool is_owner(const struct memory_node *n, const struct vfs_cred *cred)
{
	return n->uid == (cred ? cred->uid : cred_effective(NULL).uid);
}

static bool is_root(const struct vfs_cred *cred)
{
	return (cred ? cred->uid : cred_effective(NULL).uid) == 0;
}

int memory_maximal_access(struct vfs_file *base, struct vfs_cred *cred, uint32_t *mask)
{
	struct memory_file *f = memory_file_of(base);
	struct memory_share *s = memory_share_of(base->share);
	struct memory_place p;
	struct vfs_stat st, parent;

	memory_lock(base->share);
	memory_fill_stat(s, f->node, "", &st);
	struct access_facts facts = {
		.on_file = memory_permissions(f->node, cred),
		.is_owner = is_owner(f->node, cred),
		.is_root = is_root(cred),
		.directory = base->directory,
		.read_only = base->share->o.read_only,
	};
	if (memory_walk(s, cred, f->path, &p) == 0 && p.parent) {
		memory_fill_stat(s, p.parent, "", &parent);
		facts.may_delete_in_parent = access_may_delete(memory_permissions(p.parent, cred), &parent,
			&st, cred ? cred->uid : cred_effective(NULL).uid);
	}
	memory_unlock(base->share);
	*mask = access_mask(&facts);
	return 0;
}

static int may_write_attributes(const struct memory_node *n, const struct vfs_cred *cred)
{
	return is_owner(n, cred) || memory_permissions(n, cred) & MAY_WRITE ? 0 : -EACCES;
}

int memory_set_times(struct vfs_file *base, struct vfs_cred *cred, const struct vfs_times *t)
{
	struct memory_node *n = memory_file_of(base)->node;

	memory_lock(base->share);
	int rc = may_write_attributes(n, cred);
	if (rc == 0) {
		if (t->creation_time && base->share->o.store_dos_attributes)
			n->creation_time = t->creation_time;
		if (t->access_time)
			n->access_time = t->access_time;
		if (t->write_time)
			n->write_time = t->write_time;
		n->change_time = nttime_now();
	}
	memory_unlock(base->share);
	return rc;
}

static int change_attributes(struct vfs_file *base, struct vfs_cred *cred, uint32_t mask, uint32_t attributes)
{
	struct memory_node *n = memory_file_of(base)->node;

	memory_lock(base->share);
	int rc = may_write_attributes(n, cred);
	if (rc == 0 && base->share->o.store_dos_attributes) {
		n->attributes = (n->attributes & ~mask) | (attributes & mask);
		n->change_time = nttime_now();
	} else if (rc == 0 && mask & FILE_ATTRIBUTE_READONLY && !base->directory) {
		n->mode = attributes & FILE_ATTRIBUTE_READONLY ? n->mode & ~0222u : n->mode | S_IWUSR;
		n->change_time = nttime_now();
	}
	memory_unlock(base->share);
	return rc;
}

int memory_set_attributes(struct vfs_file *base, struct vfs_cred *cred, uint32_t attributes)
{
	return change_attributes(base, cred, vfs_settable_attributes(base->directory), attributes);
}

int memory_set_sparse(struct vfs_file *base, struct vfs_cred *cred, bool sparse)
{
	return change_attributes(
		base, cred, FILE_ATTRIBUTE_SPARSE_FILE, sparse ? FILE_ATTRIBUTE_SPARSE_FILE : 0);
}

int memory_ea_list(struct vfs_file *base, int (*fn)(void *, const char *, struct bytes), void *arg)
{
	struct memory_node *n = memory_file_of(base)->node;
	int rc = 0;

	memory_lock(base->share);
	LIST_FOREACH (pos, &n->eas) {
		struct memory_ea *e = container_of(pos, struct memory_ea, link);
		rc = fn(arg, e->name, e->value);
		if (rc)
			break;
	}
	memory_unlock(base->share);
	return rc;
}

static struct memory_ea *new_ea(const char *name, struct bytes value)
{
	size_t size = strlen(name) + 1;
	struct memory_ea *e = malloc(sizeof(*e) + size + value.len);

	if (!e)
		return NULL;
	memcpy(e->name, name, size);
	memcpy(e->name + size, value.data, value.len);
	e->value = BYTES(e->name + size, value.len);
	return e;
}

static int put_ea(struct memory_node *n, const char *name, struct bytes value)
{
	struct memory_ea *old = NULL, *e = NULL;

	LIST_FOREACH (pos, &n->eas) {
		struct memory_ea *at = container_of(pos, struct memory_ea, link);
		if (strcasecmp(at->name, name) == 0)
			old = at;
	}
	if (value.len && !(e = new_ea(old ? old->name : name, value)))
		return -ENOMEM;
	if (old) {
		list_remove(&old->link);
		free(old);
	}
	if (e)
		list_append(&n->eas, &e->link);
	n->change_time = nttime_now();
	return 0;
}

int memory_ea_set(struct vfs_file *base, struct vfs_cred *cred, const char *name, struct bytes value)
{
	struct memory_node *n = memory_file_of(base)->node;

	memory_lock(base->share);
	int rc = memory_permissions(n, cred) & MAY_WRITE ? put_ea(n, name, value) : -EACCES;
	memory_unlock(base->share);
	return rc;
}
