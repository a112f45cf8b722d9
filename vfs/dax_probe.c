/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/dax_inode.h"
#include "vfs/fs_kind.h"
#include "vfs/posix.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * What files beneath a root will be like is asked of a file there: one without a name, so that nothing is
 * left behind, or, where none can be made, one that is there already. MAP_SYNC is not granted but by file
 * systems on memory that is persistent without fsync (ext4_file_mmap and xfs_file_mmap ask
 * daxdev_mapping_supported), so that it is proof; STATX_ATTR_DAX alone is none (virtio-pmem wants fsync). A
 * directory never has the attribute.
 */

enum { PROBE_ENTRIES = 64 }; /* of the root are looked at for a file */

/*
 * A region of the NVDIMM bus that loses its content has synchronous mappings, too (is_nvdimm_sync in the
 * kernel). The block device, or its partition, is a grandchild of the region:
 * region0/namespace0.0/block/pmem0.
 */
static bool is_volatile_region(dev_t dev)
{
	static const char *const up[] = {"../../..", "../../../.."};
	static const char volatile_type[] = "nd_volatile";
	char path[128], type[sizeof(volatile_type)];

	for (size_t i = 0; i < ARRAY_SIZE(up); i++) {
		snprintf(
			path, sizeof(path), "/sys/dev/block/%u:%u/%s/devtype", major(dev), minor(dev), up[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, type, sizeof(type) - 1);
		if (fd >= 0)
			close(fd);
		if (n == sizeof(type) - 1 && memcmp(type, volatile_type, sizeof(type) - 1) == 0)
			return true;
	}
	return false;
}

static void probe_file(int fd, bool writable, struct dax_offer *out)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct statx x;

	out->dax =
		statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x) == 0 && x.stx_attributes & STATX_ATTR_DAX;
	void *p = mmap(
		NULL, page, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
	out->sync = out->dax && p != MAP_FAILED && !out->memory;
	if (p != MAP_FAILED)
		munmap(p, page);
}

/* A regular file in the root directory dir, open for reading, or -1. */
static int open_any(int dir)
{
	struct posix_dents d = {.fd = dir};
	struct posix_dent e;
	int fd = -1;

	for (int i = 0; fd < 0 && i < PROBE_ENTRIES && posix_dents_next(&d, &e) > 0; i++)
		if (e.type == DT_REG)
			fd = openat(dir, e.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd;
}

static const char *explain(const struct dax_offer *o, bool probed)
{
	if (o->sync)
		return NULL;
	if (o->memory)
		return "what is stored there is kept in memory that is not persistent, or does not tell "
		       "where it is kept";
	if (!o->fsync)
		return "fsync fails";
	if (!probed)
		return "there is no file to probe, and none can be made";
	return o->dax ? "MAP_SYNC is refused" : "the file system is not DAX";
}

void dax_probe(int root, struct dax_offer *out)
{
	int dir = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	bool writable = fd >= 0;
	struct stat st;

	*out = (struct dax_offer){0};
	out->memory = fstat(root, &st) == 0 && (fs_kind_of(root).no_device || is_volatile_region(st.st_dev));
	if (fd < 0 && dir >= 0)
		fd = open_any(dir);
	if (fd >= 0)
		probe_file(fd, writable, out);
	/* the directory first: mostly there is nothing to wait for */
	out->fsync = !out->memory && ((dir >= 0 && fsync(dir) == 0) || (fd >= 0 && fsync(fd) == 0));
	out->why = explain(out, fd >= 0);
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
}
