/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/fs_kind.h"

#include "core/bytes.h"

#include <linux/magic.h>
#include <sys/statfs.h>

static const struct {
	unsigned long magic;
	struct fs_kind kind;
} kinds[] = {
	{EXT4_SUPER_MAGIC, {.in_place = true}}, /* ext2 and ext3 have the same */
	{XFS_SUPER_MAGIC, {.in_place = true, .shares_blocks = true}},
	{TMPFS_MAGIC, {.in_place = true, .no_device = true, .memory_speed = true}},
	{RAMFS_MAGIC, {.in_place = true, .no_device = true, .memory_speed = true}},
	{OVERLAYFS_SUPER_MAGIC, {.shares_blocks = true, .no_device = true}},
};

struct fs_kind fs_kind_of_magic(unsigned long magic)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].magic == magic)
			return kinds[i].kind;
	return (struct fs_kind){.shares_blocks = true};
}

struct fs_kind fs_kind_of(int fd)
{
	struct statfs fs;

	return fs_kind_of_magic(fstatfs(fd, &fs) < 0 ? 0 : (unsigned long)fs.f_type);
}
