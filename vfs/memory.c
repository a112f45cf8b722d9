/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void memory_lock(struct vfs_share *s)
{
	pthread_mutex_lock(&memory_share_of(s)->lock);
}

void memory_unlock(struct vfs_share *s)
{
	pthread_mutex_unlock(&memory_share_of(s)->lock);
}

static void memory_share_free(struct vfs_share *base)
{
	struct memory_share *s = memory_share_of(base);

	memory_node_unref(s->root);
	pthread_mutex_destroy(&s->lock);
	vfs_share_clean(base);
	free(s);
}

int vfs_share_open_memory(const struct vfs_share_options *o, struct vfs_share **out)
{
	struct memory_share *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	char root[32];
	snprintf(root, sizeof(root), "memory:%p", (void *)s);
	int rc = vfs_share_init(&s->base, &vfs_memory, root, o);
	s->base.memory_speed = true;
	s->base.durability = VFS_VISIBLE;
	if (rc == 0)
		rc = vfs_share_demand(&s->base, "it is a tree in memory");
	s->root = memory_node_new(s, S_IFDIR | 0755, NULL);
	if (rc == 0 && !s->root)
		rc = -ENOMEM;
	if (rc < 0)
		memory_share_free(&s->base);
	else
		*out = &s->base;
	return rc;
}

static struct memory_file *new_file(
	struct memory_share *s, struct memory_node *n, const char *disk, unsigned access)
{
	char *path = memory_client_path(disk);
	struct memory_file *f = path ? malloc(sizeof(*f) + strlen(path) + 1) : NULL;

	if (f) {
		strcpy(f->path, path);
		f->node = n;
		n->refs++;
		vfs_file_init(&f->base, &s->base, f->path, memory_is_directory(n), access);
	}
	free(path);
	return f;
}

static void memory_file_free(struct vfs_file *base)
{
	struct memory_file *f = memory_file_of(base);

	memory_lock(base->share);
	memory_node_unref(f->node);
	memory_unlock(base->share);
	free(f);
}

static int check_access(const struct memory_node *n, const struct vfs_cred *cred, unsigned access)
{
	unsigned need = (access & VFS_READ ? MAY_READ : 0) |
			(access & VFS_WRITE && !memory_is_directory(n) ? MAY_WRITE : 0);

	return need & ~memory_permissions(n, cred) ? -EACCES : 0;
}

static int create(struct memory_share *s, const struct vfs_cred *cred, const struct vfs_open_how *how,
	struct memory_place *p)
{
	if (p->node)
		return -EEXIST;
	if ((memory_permissions(p->parent, cred) & (MAY_WRITE | MAY_EXECUTE)) != (MAY_WRITE | MAY_EXECUTE))
		return -EACCES;
	mode_t mode = vfs_create_mode(&s->base, how->directory, p->parent->mode & 07777);
	struct memory_node *n = memory_node_new(s, (how->directory ? S_IFDIR : S_IFREG) | mode, cred);
	if (!n)
		return -ENOMEM;
	if (s->base.o.store_dos_attributes)
		n->attributes = how->attributes & vfs_settable_attributes(how->directory);
	n->reserved = how->directory ? 0 : how->allocation;
	int rc = memory_add_entry(p->parent, p->asked, n);
	p->node = n;
	memory_node_unref(n);
	return rc;
}

static int open_locked(struct memory_share *s, struct vfs_cred *cred, const struct vfs_open_how *how,
	struct vfs_file **out, struct vfs_stat *st)
{
	struct memory_place p;
	unsigned access = how->access;
	int rc = memory_walk(s, cred, how->path, &p);

	if (rc < 0)
		return rc;
	if (how->disposition == VFS_CREATE_NEW) {
		rc = create(s, cred, how, &p);
		access = how->directory ? VFS_NONE : VFS_READ | VFS_WRITE;
	} else {
		rc = p.node ? check_access(p.node, cred, access) : -ENOENT;
	}
	if (rc < 0)
		return rc;
	struct memory_file *f = new_file(s, p.node, p.path, access);
	if (!f)
		return -ENOMEM;
	memory_fill_stat(s, p.node, vfs_basename(f->path), st);
	*out = &f->base;
	return 0;
}

static int memory_open(struct vfs_share *base, struct vfs_cred *cred, const struct vfs_open_how *how,
	unsigned flags, struct vfs_file **out, struct vfs_stat *st)
{
	if (how->access & VFS_WRITE && base->o.read_only)
		return -EACCES;
	memory_lock(base);
	int rc = open_locked(memory_share_of(base), cred, how, out, st);
	memory_unlock(base);
	return rc;
}

static int memory_reopen(struct vfs_file *base, struct vfs_cred *cred, unsigned access, unsigned flags)
{
	memory_lock(base->share);
	int rc = check_access(memory_file_of(base)->node, cred, access);
	if (rc == 0)
		base->access = access;
	memory_unlock(base->share);
	return rc;
}

static int memory_lookup(
	struct vfs_share *base, struct vfs_cred *cred, const char *path, unsigned flags, struct vfs_stat *st)
{
	struct memory_place p;

	memory_lock(base);
	int rc = memory_walk(memory_share_of(base), cred, path, &p);
	if (rc == 0 && !p.node)
		rc = -ENOENT;
	if (rc == 0)
		memory_fill_stat(memory_share_of(base), p.node, vfs_basename(path), st);
	memory_unlock(base);
	return rc;
}

static int memory_file_fd(const struct vfs_file *f)
{
	return -1;
}

static int memory_flush(struct vfs_file *f, unsigned flags)
{
	return 0;
}

/* The machine's memory is not counted: a volume of fixed size that is never full. */
static int memory_statfs(struct vfs_share *s, struct vfs_cred *cred, struct vfs_statfs *out)
{
	*out = (struct vfs_statfs){
		.block_size = MEMORY_PAGE,
		.blocks = 1u << 28,
		.free_blocks = 1u << 27,
		.available_blocks = 1u << 27,
		.volume_id = 0x6D656D6F7279ull,
		.fs_attributes = vfs_common_fs_attributes(s),
		.max_name_length = NAME_DISK_MAX,
	};
	return 0;
}

const struct vfs_backend vfs_memory = {
	.share_free = memory_share_free,
	.open = memory_open,
	.file_free = memory_file_free,
	.reopen = memory_reopen,
	.maximal_access = memory_maximal_access,
	.fstat = memory_fstat,
	.pread = memory_pread,
	.pwrite = memory_pwrite,
	.file_fd = memory_file_fd,
	.flush = memory_flush,
	.truncate = memory_truncate,
	.set_allocation = memory_set_allocation,
	.set_sparse = memory_set_sparse,
	.zero_range = memory_zero_range,
	.next_data = memory_next_data,
	.copy_range = memory_copy_range,
	.set_times = memory_set_times,
	.set_attributes = memory_set_attributes,
	.dir_open = memory_dir_open,
	.dir_next = memory_dir_next,
	.dir_stat = memory_dir_stat,
	.dir_rewind = memory_dir_rewind,
	.dir_close = memory_dir_close,
	.rename = memory_rename,
	.link = memory_link,
	.unlink = memory_unlink,
	.directory_is_empty = memory_directory_is_empty,
	.lookup = memory_lookup,
	.ea_list = memory_ea_list,
	.ea_set = memory_ea_set,
	.statfs = memory_statfs,
};
