/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/dax_inode.h"
#include "vfs/posix.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whether touching the range would not wait for a device. */
static bool is_resident(const struct vfs_map *m, struct dax_extent e)
{
	enum { PAGES = 1024 };
	unsigned char in[PAGES];
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	for (uint64_t at = e.from / page * page; at < e.to;) {
		size_t len = e.to - at < PAGES * page ? (size_t)(e.to - at) : (size_t)(PAGES * page);
		if (mincore(m->base + at, len, in) < 0)
			return false;
		for (size_t k = 0; k < (len + page - 1) / page; k++)
			if (!(in[k] & 1))
				return false;
		at += len;
	}
	return true;
}

/* A map of the range, without waiting; one ref in *out. */
static int map_range(const struct vfs_file *f, struct dax_extent e, struct vfs_map **out)
{
	struct dax_inode *i = dax_inode_of(f);
	struct vfs_map *m;
	int rc = dax_map_get(i, e.to, &m);

	if (rc == 0 && !f->share->memory_speed && !is_resident(m, e)) {
		dax_map_unref(m);
		return -EAGAIN;
	}
	if (rc < 0)
		return -EOPNOTSUPP;
	dax_map_unref(m);
	*out = dax_map_for(i, e);
	return *out ? 0 : -EAGAIN; /* a hole */
}

int dax_window_open(struct vfs_file *f, uint64_t offset, size_t len, unsigned access, struct vfs_window *out)
{
	int64_t size = dax_inode_size(dax_inode_of(f));

	if (size < 0)
		return (int)size;
	uint64_t left = offset < (uint64_t)size ? (uint64_t)size - offset : 0;
	if (access & VFS_WRITE && len > left)
		return -ERANGE;
	if (len > left)
		len = (size_t)left;
	*out = (struct vfs_window){.offset = offset};
	if (len == 0)
		return 0;
	int rc = map_range(f, (struct dax_extent){offset, offset + len}, &out->map);
	if (rc < 0)
		return rc;
	out->base = out->map->base + offset;
	out->len = len;
	out->file = vfs_file_ref(f);
	return 0;
}

/* The process acts, for not everybody who may write a file may set its times or mode, utimensat(2). */
static int set_times_to_now(struct dax_inode *i)
{
	const struct timespec now[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
	int rc = cred_assume(NULL);

	if (rc < 0)
		return rc;
	return futimens(i->fd, now) < 0 && (errno != EPERM || futimens(i->fd, NULL) < 0) ? -errno : 0;
}

/* As write(2): not for root, and set-group-ID without group execution means something else, inode(7). */
static int drop_set_id(struct dax_inode *i, const struct vfs_cred *cred)
{
	struct stat st;

	if (fstat(i->fd, &st) < 0)
		return -errno;
	mode_t drop = st.st_mode & (S_ISUID | (st.st_mode & S_IXGRP ? S_ISGID : 0));
	if (drop == 0 || cred_effective(cred).uid == 0)
		return 0;
	return fchmod(i->fd, (st.st_mode & 07777) & ~drop) < 0 ? -errno : 0;
}

/* What a store that ends at `end` changes in the inode besides its bytes. */
static int tell_inode(struct vfs_window *w, uint64_t end)
{
	struct dax_inode *i = dax_inode_of(w->file);
	struct dax_stamp before;
	enum dax_effect effect = dax_effect_of_write(i, end, &before);
	int64_t size = effect == DAX_MORE ? dax_inode_size(i) : (int64_t)end;

	if (size < (int64_t)end)
		return size < 0 ? (int)size : -EFAULT; /* it was cut meanwhile */
	int rc = effect == DAX_BYTES ? 0 : set_times_to_now(i);
	if (rc == 0 && effect == DAX_TIMES)
		dax_times_set(i, &before, w->guarded);
	if (rc == 0 && effect == DAX_MORE) {
		rc = drop_set_id(i, w->file->cred);
		i->changes++;
	}
	return rc;
}

/* The clock that inodes are stamped with. */
static int64_t inode_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/*
 * Within one tick of its clock the inode is told once: who changes its times or mode after a store in the same tick
 * has done so after all stores of that tick. A file that is not guarded may have been cut.
 */
int dax_window_written(struct vfs_window *w, size_t at, size_t len)
{
	uint64_t from = w->offset + at;

	if (w->map->sync && dax_persist(w->map, (size_t)from, len) < 0)
		return -EFAULT;
	int64_t now = inode_clock_ns();
	if (w->guarded && w->told_ns == now)
		return 0;
	int rc = tell_inode(w, from + len);
	if (rc == 0)
		w->told_ns = now;
	return rc;
}

int dax_window_flush(struct vfs_window *w)
{
	return dax_flush(w->file, 0);
}

void dax_window_close(struct vfs_window *w)
{
	dax_map_unref(w->map);
}
