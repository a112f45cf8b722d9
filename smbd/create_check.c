/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/create.h"

enum {
	IMPERSONATION_DELEGATE = 3,
	ATTRIBUTES_ALLOWED = FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM |
			     FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_NORMAL |
			     FILE_ATTRIBUTE_TEMPORARY | FILE_ATTRIBUTE_OFFLINE | FILE_ATTRIBUTE_NOT_CONTENT_INDEXED |
			     FILE_ATTRIBUTE_SPARSE_FILE | FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_COMPRESSED |
			     FILE_ATTRIBUTE_ENCRYPTED,
	OPTIONS_KNOWN = 0x00FFFFFF,
	OPTIONS_NOT_SUPPORTED = FILE_OPEN_BY_FILE_ID | 0x00000400 | 0x00000080,
	SHARE_ACCESS_KNOWN = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
	WRITE_ACCESS = FILE_WRITE_DATA | FILE_APPEND_DATA,
};
static const uint32_t ACCESS_VALID = 0xF31F01FF; /* no bit outside [MS-SMB2] 2.2.13.1 */

const struct create_disposition *create_disposition(uint32_t disposition)
{
	static const struct create_disposition rows[] = {
		[FILE_SUPERSEDE] = {true, true, true, FILE_SUPERSEDED},
		[FILE_OPEN] = {true, false, false, FILE_OPENED},
		[FILE_CREATE] = {false, true, false, FILE_OPENED},
		[FILE_OPEN_IF] = {true, true, false, FILE_OPENED},
		[FILE_OVERWRITE] = {true, false, true, FILE_OVERWRITTEN},
		[FILE_OVERWRITE_IF] = {true, true, true, FILE_OVERWRITTEN},
	};

	return disposition < ARRAY_SIZE(rows) ? &rows[disposition] : NULL;
}

ntstatus_t create_check_request(const struct smb2_create_req *q)
{
	const struct create_disposition *d = create_disposition(q->create_disposition);
	uint32_t access = create_map_generic(q->desired_access);

	if (q->impersonation_level > IMPERSONATION_DELEGATE)
		return STATUS_BAD_IMPERSONATION_LEVEL;
	if (!d || (q->create_options & ~(uint32_t)OPTIONS_KNOWN) || (q->share_access & ~(uint32_t)SHARE_ACCESS_KNOWN))
		return STATUS_INVALID_PARAMETER;
	if (q->create_options & OPTIONS_NOT_SUPPORTED)
		return STATUS_NOT_SUPPORTED;
	if (q->file_attributes & ~(uint32_t)ATTRIBUTES_ALLOWED)
		return STATUS_INVALID_PARAMETER;
	if (q->desired_access & ~ACCESS_VALID)
		return STATUS_ACCESS_DENIED;
	if (q->desired_access == 0)
		return STATUS_ACCESS_DENIED;
	if ((q->create_options & FILE_DIRECTORY_FILE) &&
		((q->create_options & FILE_NON_DIRECTORY_FILE) || d->overwrites))
		return STATUS_INVALID_PARAMETER;
	/* [MS-FSA] 2.1.5.1: delete on close needs the right to delete. */
	if ((q->create_options & FILE_DELETE_ON_CLOSE) && !(access & (ACCESS_DELETE | ACCESS_MAXIMUM_ALLOWED)))
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

uint32_t create_map_generic(uint32_t desired)
{
	static const struct {
		uint32_t generic, specific;
	} map[] = {
		{ACCESS_GENERIC_READ, 0x00120089},
		{ACCESS_GENERIC_WRITE, 0x00120116},
		{ACCESS_GENERIC_EXECUTE, 0x001200A0},
		{ACCESS_GENERIC_ALL, FILE_ALL_ACCESS},
	};
	uint32_t access = desired;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (desired & map[i].generic)
			access = (access & ~map[i].generic) | map[i].specific;
	return access;
}

unsigned create_vfs_access(uint32_t access, bool overwrites)
{
	unsigned v = VFS_NONE;

	if (access & (FILE_READ_DATA | FILE_EXECUTE))
		v |= VFS_READ;
	if ((access & WRITE_ACCESS) || overwrites)
		v |= VFS_WRITE;
	return v;
}

ntstatus_t create_check_existing(const struct smb2_create_req *q, uint32_t access, const struct vfs_stat *st)
{
	bool overwrites = create_disposition(q->create_disposition)->overwrites;

	if ((q->create_options & FILE_DIRECTORY_FILE) && !st->directory)
		return STATUS_NOT_A_DIRECTORY;
	if (st->directory && ((q->create_options & FILE_NON_DIRECTORY_FILE) || overwrites))
		return STATUS_FILE_IS_A_DIRECTORY;
	if (st->directory)
		return STATUS_SUCCESS;
	if (overwrites) {
		/* [MS-FSA] 2.1.5.1.2.1: hidden and system files are overwritten only by who knows that they are. */
		uint32_t kept = st->attributes & (FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM);
		if (kept & ~q->file_attributes)
			return STATUS_ACCESS_DENIED;
	}
	if (st->attributes & FILE_ATTRIBUTE_READONLY) {
		if ((access & WRITE_ACCESS) || overwrites)
			return STATUS_ACCESS_DENIED;
		if (q->create_options & FILE_DELETE_ON_CLOSE)
			return STATUS_CANNOT_DELETE;
	}
	return STATUS_SUCCESS;
}

bool create_needs_maximal(uint32_t access)
{
	uint32_t proved = FILE_READ_DATA | WRITE_ACCESS | FILE_READ_ATTRIBUTES | ACCESS_READ_CONTROL | ACCESS_SYNCHRONIZE;

	/* Who may read the data may read the extended attributes; who may write it may write those and the attributes. */
	if (access & (FILE_READ_DATA | FILE_EXECUTE))
		proved |= FILE_READ_EA;
	if (access & WRITE_ACCESS)
		proved |= FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA;
	return access & ~proved;
}
