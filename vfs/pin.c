/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/pin.h"

#include "vfs/dax_inode.h"
#include "vfs/fs_kind.h"

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct vfs_pin {
	struct vfs_guarded *guarded;
	struct vfs_window window;
};

/* ---- storage of a file that cannot be written ---- */

static bool seek_finds_no_hole(int fd, uint64_t offset, uint64_t end)
{
	off_t hole = lseek(fd, (off_t)offset, SEEK_HOLE);

	return hole >= 0 && (uint64_t)hole >= end;
}

enum { EXTENTS_AT_ONCE = 32 };

/* How far storage reaches from `at` on: `at` itself if it has none that will do; -errno. */
static int64_t storage_until(int fd, uint64_t at, uint64_t end)
{
	const uint32_t bad = FIEMAP_EXTENT_UNWRITTEN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNKNOWN |
			     FIEMAP_EXTENT_SHARED | FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_INLINE;
	_Alignas(struct fiemap) uint8_t room[sizeof(struct fiemap) + EXTENTS_AT_ONCE * sizeof(struct fiemap_extent)];
	struct fiemap *e = (struct fiemap *)(void *)room;

	*e = (struct fiemap){.fm_start = at,
		.fm_length = end - at,
		.fm_flags = FIEMAP_FLAG_SYNC,
		.fm_extent_count = EXTENTS_AT_ONCE};
	if (ioctl(fd, FS_IOC_FIEMAP, e) < 0)
		return -errno;
	for (uint32_t i = 0; i < e->fm_mapped_extents && i < EXTENTS_AT_ONCE; i++) {
		const struct fiemap_extent *x = &e->fm_extents[i];
		if (x->fe_flags & bad || x->fe_logical > at)
			break;
		at = x->fe_logical + x->fe_length;
	}
	return at < end ? (int64_t)at : (int64_t)end;
}

/* Allocated, initialised and not shared, as far as the file system says. */
static bool has_storage(int fd, uint64_t offset, uint64_t end)
{
	uint64_t at = offset;

	while (at < end) {
		int64_t until = storage_until(fd, at, end);
		if (until < 0)
			return until == -EOPNOTSUPP && seek_finds_no_hole(fd, offset, end);
		if ((uint64_t)until == at)
			return false;
		at = (uint64_t)until;
	}
	return true;
}

/* ---- making a pin ---- */

static int check_size(int fd, uint64_t end)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return (uint64_t)st.st_size < end ? -ERANGE : 0;
}

static int give_storage(struct dax_inode *i, uint64_t offset, uint64_t len)
{
	if (dax_inode_access(i) & VFS_WRITE)
		return dax_allocate(i, offset, len);
	return has_storage(dax_inode_fd(i), offset, offset + len) ? 0 : -EACCES;
}

static int map(struct vfs_file *f, struct dax_inode *i, uint64_t offset, uint64_t len, struct vfs_window *out)
{
	struct vfs_map *m;
	int rc = dax_map_get(i, offset + len, &m);

	if (rc < 0)
		return rc;
	*out = (struct vfs_window){.base = m->base + offset,
		.len = (size_t)len,
		.file = vfs_file_ref(f),
		.map = m,
		.offset = offset,
		.guarded = true};
	return 0;
}

/* The guard first, so that whatever changes the file while it is being prepared waits until the pin is
 * complete. */
static int prepare(struct vfs_pin *p, struct vfs_file *f, uint64_t offset, uint64_t len)
{
	struct dax_inode *i = dax_inode_of(f);
	int rc = give_storage(i, offset, len);

	if (rc == 0)
		rc = check_size(dax_inode_fd(i), offset + len);
	return rc < 0 ? rc : map(f, i, offset, len, &p->window);
}

bool vfs_can_pin(const struct vfs_file *f)
{
	struct dax_inode *i = dax_inode_of(f);

	return i && fs_kind_of(dax_inode_fd(i)).in_place;
}

static int check(const struct vfs_file *f, uint64_t offset, uint64_t len, unsigned access)
{
	struct dax_inode *i = dax_inode_of(f);

	if (!len || len > INT64_MAX || offset > INT64_MAX - len || !(access & VFS_READ))
		return -EINVAL;
	if (!i)
		return f->access ? -EOPNOTSUPP : -EACCES;
	if (access & ~f->access)
		return -EACCES;
	if (!fs_kind_of(dax_inode_fd(i)).in_place)
		return -EOPNOTSUPP;
	return check_size(dax_inode_fd(i), offset + len);
}

int vfs_pin(struct vfs_guard *g, struct vfs_file *f, uint64_t offset, uint64_t len, unsigned access,
	const struct vfs_guard_events *ev, void *arg, struct vfs_pin **out)
{
	int rc = check(f, offset, len, access);

	if (rc < 0)
		return rc;
	struct vfs_pin *p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	int fd = dax_inode_fd(dax_inode_of(f));
	rc = vfs_guard_add(g, fd, offset, len, access, ev, arg, &p->guarded);
	if (rc == -EBUSY && dax_unmaps_wait()) /* it may have been one of this file that kept it open */
		rc = vfs_guard_add(g, fd, offset, len, access, ev, arg, &p->guarded);
	if (rc == 0)
		rc = prepare(p, f, offset, len);
	if (rc < 0) {
		vfs_unpin(p);
		return rc;
	}
	*out = p;
	vfs_guard_arm(p->guarded);
	return 0;
}

struct vfs_window *vfs_pin_window(struct vfs_pin *p)
{
	return &p->window;
}

bool vfs_pin_is_clean(const struct vfs_pin *p)
{
	return dax_window_is_clean(&p->window);
}

void vfs_unpin(struct vfs_pin *p)
{
	if (!p)
		return;
	vfs_guard_remove(p->guarded);
	vfs_window_close(&p->window);
	free(p);
}
