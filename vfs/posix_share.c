/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/posix.h"
#include "core/fault.h"
#include "core/log.h"
#include "vfs/dax_inode.h"
#include "vfs/fs_kind.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <unistd.h>

/* Modes of new files come from the share's masks alone. The umask is the process's, not the thread's. */
static void clear_umask(void)
{
	umask(0);
}

static int open_root(struct posix_share *s, const char *root)
{
	struct statx x;
	struct statfs fs;

	s->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0 || statx(s->root, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x) < 0 ||
		fstatfs(s->root, &fs) < 0)
		return -errno;
	s->root_dev = makedev(x.stx_dev_major, x.stx_dev_minor);
	s->root_ino = x.stx_ino;
	s->volume_id = (uint64_t)(uint32_t)fs.f_fsid.__val[0] << 32 | (uint32_t)fs.f_fsid.__val[1];
	if (s->volume_id == 0)
		s->volume_id = s->root_dev;
	s->base.memory_speed = fs_kind_of_magic((unsigned long)fs.f_type).memory_speed;
	return 0;
}

/* Never more than is known, and never less than what each flush gives. */
static enum vfs_durability durability_of(
	const struct vfs_share *s, const struct dax_offer *o, const char **why)
{
	*why = o->why;
	if (!s->o.strict_sync) {
		*why = "flushes are not waited for (strict sync = no)";
		return VFS_VISIBLE;
	}
	if (o->sync && s->mapped)
		return VFS_PERSISTENT;
	if (o->sync)
		*why = "files are not mapped";
	return o->fsync ? VFS_FLUSHED : VFS_VISIBLE;
}

/* Chooses the backend by what the root offers; -EOPNOTSUPP if that is less than is wanted. */
static int choose_backend(struct posix_share *s)
{
	struct vfs_share *base = &s->base;
	struct dax_offer offer;
	const char *why;

	dax_probe(s->root, &offer);
	base->mapped = base->o.mapped == VFS_MAPPED_YES || (base->o.mapped == VFS_MAPPED_AUTO && offer.dax);
	base->memory_speed = base->memory_speed || offer.dax;
	base->durability = durability_of(base, &offer, &why);
	if (base->mapped)
		base->ops = &vfs_dax;
	int rc = vfs_share_demand(base, why);
	if (rc == 0)
		log_info(vfs, "%s: %s, %s", base->root, base->mapped ? "mapped" : "not mapped",
			vfs_durability_name(base->durability));
	return rc == 0 && base->mapped ? fault_install() : rc;
}

static void posix_share_free(struct vfs_share *base)
{
	struct posix_share *s = posix_share_of(base);

	if (s->root >= 0)
		close(s->root);
	pthread_mutex_destroy(&s->lock);
	names_clean(&s->names);
	vfs_share_clean(base);
	free(s);
}

int vfs_share_open(const char *root, const struct vfs_share_options *o, struct vfs_share **out)
{
	static pthread_once_t umask_once = PTHREAD_ONCE_INIT;
	struct posix_share *s;

	if (*root != '/')
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->root = -1;
	s->resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | (o->follow_symlinks ? 0 : RESOLVE_NO_SYMLINKS);
	pthread_mutex_init(&s->lock, NULL);
	names_init(&s->names, o->case_sensitive);
	int rc = vfs_share_init(&s->base, &vfs_posix, root, o);
	if (rc == 0)
		rc = cred_assume(NULL);
	if (rc == 0)
		rc = open_root(s, root);
	if (rc == 0)
		rc = choose_backend(s);
	if (rc < 0) {
		posix_share_free(&s->base);
		return rc;
	}
	pthread_once(&umask_once, clear_umask);
	*out = &s->base;
	return 0;
}

static int posix_statfs(struct vfs_share *base, struct vfs_cred *cred, struct vfs_statfs *out)
{
	struct posix_share *s = posix_share_of(base);
	struct statfs fs;

	if (fstatfs(s->root, &fs) < 0)
		return -errno;
	*out = (struct vfs_statfs){
		.block_size = (uint64_t)(fs.f_frsize ? fs.f_frsize : fs.f_bsize),
		.blocks = fs.f_blocks,
		.free_blocks = fs.f_bfree,
		.available_blocks = cred_effective(cred).uid == 0 ? fs.f_bfree : fs.f_bavail,
		.volume_id = s->volume_id,
		.fs_attributes = vfs_common_fs_attributes(base),
		.max_name_length = fs.f_namelen > 0 && fs.f_namelen < 255 ? (uint32_t)fs.f_namelen : 255,
	};
	return 0;
}

/* What both backends on disk have in common. */
#define COMMON_CALLS \
	.on_disk = true, .share_free = posix_share_free, .act_as = cred_assume, \
	.maximal_access = posix_maximal_access, .fstat = posix_fstat, .set_sparse = posix_set_sparse, \
	.next_data = posix_next_data, .set_times = posix_set_times, .set_attributes = posix_set_attributes, \
	.dir_open = posix_dir_open, .dir_next = posix_dir_next, .dir_stat = posix_dir_stat, \
	.dir_rewind = posix_dir_rewind, .dir_close = posix_dir_close, .rename = posix_rename, \
	.link = posix_link, .unlink = posix_unlink, .directory_is_empty = posix_directory_is_empty, \
	.lookup = posix_lookup, .ea_list = posix_ea_list, .ea_set = posix_ea_set, .statfs = posix_statfs

const struct vfs_backend vfs_posix = {
	COMMON_CALLS,
	.open = posix_open,
	.file_free = posix_file_free,
	.reopen = posix_reopen,
	.pread = posix_pread,
	.pwrite = posix_pwrite,
	.file_fd = posix_file_fd,
	.flush = posix_flush,
	.truncate = posix_truncate,
	.set_allocation = posix_set_allocation,
	.zero_range = posix_zero_range,
	.copy_range = posix_copy_range,
};

const struct vfs_backend vfs_dax = {
	COMMON_CALLS,
	.open = dax_open,
	.file_free = dax_file_free,
	.reopen = dax_reopen,
	.pread = dax_pread,
	.pwrite = dax_pwrite,
	.file_fd = dax_file_fd,
	.flush = dax_flush,
	.truncate = dax_truncate,
	.set_allocation = dax_set_allocation,
	.zero_range = dax_zero_range,
	.copy_range = dax_copy_range,
	.window_open = dax_window_open,
	.window_written = dax_window_written,
	.window_flush = dax_window_flush,
	.window_close = dax_window_close,
};
