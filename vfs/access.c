/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "vfs/backend.h"

#include <sys/stat.h>

/* Unix permissions in NT terms, for the MxAc create context and for MAXIMUM_ALLOWED ([MS-SMB2] 3.3.5.9). */

static bool in_groups(gid_t wanted, gid_t gid, const gid_t *groups, size_t n)
{
	if (wanted == gid)
		return true;
	for (size_t i = 0; i < n; i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

unsigned access_from_mode(
	const struct vfs_stat *st, uid_t uid, gid_t gid, const gid_t *groups, size_t ngroups)
{
	if (uid == 0)
		return MAY_READ | MAY_WRITE | MAY_EXECUTE;
	if (uid == st->uid)
		return st->unix_mode >> 6 & 7;
	if (in_groups(st->gid, gid, groups, ngroups))
		return st->unix_mode >> 3 & 7;
	return st->unix_mode & 7;
}

bool access_may_delete(
	unsigned on_parent, const struct vfs_stat *parent, const struct vfs_stat *st, uid_t uid)
{
	if ((on_parent & (MAY_WRITE | MAY_EXECUTE)) != (MAY_WRITE | MAY_EXECUTE))
		return false;
	return !(parent->unix_mode & S_ISVTX) || uid == 0 || uid == st->uid || uid == parent->uid;
}

enum {
	RIGHTS_ALWAYS = FILE_READ_ATTRIBUTES | ACCESS_READ_CONTROL | ACCESS_SYNCHRONIZE,
	RIGHTS_READ = FILE_READ_DATA | FILE_READ_EA,
	/* DELETE_CHILD says nothing about a file, and clients that ask for full control ask for it. */
	RIGHTS_WRITE = FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES |
		       FILE_DELETE_CHILD,
	RIGHTS_OWNER = ACCESS_WRITE_DAC | ACCESS_WRITE_OWNER | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA,
	RIGHTS_CHANGING = FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_DELETE_CHILD |
			  FILE_WRITE_ATTRIBUTES | ACCESS_DELETE | ACCESS_WRITE_DAC | ACCESS_WRITE_OWNER,
};

uint32_t access_mask(const struct access_facts *f)
{
	uint32_t mask = RIGHTS_ALWAYS;

	if (f->is_root)
		mask |= FILE_ALL_ACCESS;
	/* Whoever may read a program can run a copy of it: x is no protection of files. */
	if (f->on_file & MAY_READ)
		mask |= RIGHTS_READ | (f->directory ? 0 : FILE_EXECUTE);
	if (f->on_file & MAY_WRITE)
		mask |= RIGHTS_WRITE;
	if (f->on_file & MAY_EXECUTE)
		mask |= FILE_EXECUTE;
	if (f->is_owner)
		mask |= RIGHTS_OWNER;
	if (f->may_delete_in_parent)
		mask |= ACCESS_DELETE;
	return f->read_only ? mask & ~(uint32_t)RIGHTS_CHANGING : mask;
}
