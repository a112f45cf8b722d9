/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/memory.h"

#include <errno.h>

static uid_t uid_of(const struct vfs_cred *cred)
{
	return cred ? cred->uid : cred_effective(NULL).uid;
}

static int may_add(const struct memory_place *p, const struct vfs_cred *cred)
{
	unsigned both = MAY_WRITE | MAY_EXECUTE;

	return (memory_permissions(p->parent, cred) & both) == both ? 0 : -EACCES;
}

static int may_remove(struct memory_share *s, const struct memory_place *p, const struct vfs_cred *cred)
{
	struct vfs_stat st, parent;

	memory_fill_stat(s, p->node, "", &st);
	memory_fill_stat(s, p->parent, "", &parent);
	return access_may_delete(memory_permissions(p->parent, cred), &parent, &st, uid_of(cred)) ? 0
												  : -EACCES;
}

/* True if `dir` is n or lies beneath it. */
static bool is_beneath(const struct memory_node *dir, const struct memory_node *n)
{
	for (; dir; dir = dir->parent)
		if (dir == n)
			return true;
	return false;
}

/* The name moves; what it names is held by the caller's handle. */
static int move(struct memory_place *from, struct memory_node *to, const char *name)
{
	struct memory_node *n = from->node;
	struct memory_entry *old = from->entry;
	int rc = memory_add_entry(to, name, n);

	if (rc < 0)
		return rc;
	memory_remove_entry(from->parent, old);
	if (memory_is_directory(n))
		n->parent = to;
	return 0;
}

static int rename_locked(struct memory_share *s, struct memory_node *n, struct vfs_cred *cred,
	const char *from, const char *to, bool replace)
{
	struct memory_place a, b;

	if (memory_walk(s, cred, from, &a) < 0 || a.node != n)
		return -ESTALE;
	int rc = memory_walk(s, cred, to, &b);
	if (rc == 0)
		rc = may_remove(s, &a, cred);
	if (rc == 0)
		rc = may_add(&b, cred);
	if (rc < 0)
		return rc;
	if (a.entry == b.entry) { /* to itself: nothing, or another case */
		strcpy(a.entry->name, b.asked);
		return 0;
	}
	if (is_beneath(b.parent, n))
		return -EINVAL;
	if (b.node) {
		if (!replace)
			return -EEXIST;
		if (memory_is_directory(b.node) || memory_is_directory(n))
			return -EACCES;
		rc = may_remove(s, &b, cred);
		if (rc < 0)
			return rc;
		memory_remove_entry(b.parent, b.entry);
	}
	return move(&a, b.parent, b.asked);
}

int memory_rename(
	struct vfs_file *base, struct vfs_cred *cred, const char *from, const char *to, bool replace)
{
	memory_lock(base->share);
	int rc = rename_locked(
		memory_share_of(base->share), memory_file_of(base)->node, cred, from, to, replace);
	memory_unlock(base->share);
	return rc;
}

static int link_locked(
	struct memory_share *s, struct memory_node *n, struct vfs_cred *cred, const char *to, bool replace)
{
	struct memory_place p;
	int rc = memory_walk(s, cred, to, &p);

	if (rc == 0)
		rc = may_add(&p, cred);
	if (rc < 0)
		return rc;
	if (p.node) {
		if (!replace)
			return -EEXIST;
		if (memory_is_directory(p.node))
			return -EACCES;
		if (p.node == n)
			return 0;
		memory_remove_entry(p.parent, p.entry);
	}
	return memory_add_entry(p.parent, p.asked, n);
}

int memory_link(struct vfs_file *base, struct vfs_cred *cred, const char *to, bool replace)
{
	memory_lock(base->share);
	int rc = link_locked(memory_share_of(base->share), memory_file_of(base)->node, cred, to, replace);
	memory_unlock(base->share);
	return rc;
}

static int unlink_locked(
	struct memory_share *s, struct memory_node *n, struct vfs_cred *cred, const char *path)
{
	struct memory_place p;

	if (memory_walk(s, cred, path, &p) < 0 || p.node != n)
		return -ESTALE;
	int rc = may_remove(s, &p, cred);
	if (rc < 0)
		return rc;
	if (memory_is_directory(n) && !list_empty(&n->entries))
		return -ENOTEMPTY;
	memory_remove_entry(p.parent, p.entry);
	return 0;
}

int memory_unlink(struct vfs_file *base, struct vfs_cred *cred, const char *path)
{
	memory_lock(base->share);
	int rc = unlink_locked(memory_share_of(base->share), memory_file_of(base)->node, cred, path);
	memory_unlock(base->share);
	return rc;
}
