/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/status.h"
#include "core/bytes.h"

#include <errno.h>
#include <stdio.h>

static const struct {
	ntstatus_t code;
	const char *name;
} names[] = {
#define X(n, v) {(ntstatus_t)(v), #n},
	NTSTATUS_TABLE(X)
#undef X
};

/* A missing or non-directory parent is -ENOTDIR by the contract of vfs/vfs.h. */
static const struct {
	int err;
	ntstatus_t code;
} from_errno[] = {
	{EPERM, STATUS_ACCESS_DENIED},
	{EACCES, STATUS_ACCESS_DENIED},
	{ENOENT, STATUS_OBJECT_NAME_NOT_FOUND},
	{ENOTDIR, STATUS_OBJECT_PATH_NOT_FOUND},
	{EEXIST, STATUS_OBJECT_NAME_COLLISION},
	{EISDIR, STATUS_FILE_IS_A_DIRECTORY},
	{ENOTEMPTY, STATUS_DIRECTORY_NOT_EMPTY},
	{ENOSPC, STATUS_DISK_FULL},
	{EDQUOT, STATUS_QUOTA_EXCEEDED},
	{EFBIG, STATUS_DISK_FULL},
	{EROFS, STATUS_MEDIA_WRITE_PROTECTED},
	{EXDEV, STATUS_NOT_SAME_DEVICE},
	{EINVAL, STATUS_INVALID_PARAMETER},
	{ENAMETOOLONG, STATUS_OBJECT_NAME_INVALID},
	{ELOOP, STATUS_OBJECT_PATH_NOT_FOUND},
	{EILSEQ, STATUS_OBJECT_NAME_INVALID},
	{ENOMEM, STATUS_INSUFFICIENT_RESOURCES},
	{EMFILE, STATUS_TOO_MANY_OPENED_FILES},
	{ENFILE, STATUS_TOO_MANY_OPENED_FILES},
	{EMLINK, STATUS_TOO_MANY_LINKS},
	{EBADF, STATUS_FILE_CLOSED},
	{EIO, STATUS_UNEXPECTED_IO_ERROR},
	{EFAULT, STATUS_UNEXPECTED_IO_ERROR}, /* memory that is a file */
	{EBADMSG, STATUS_UNEXPECTED_IO_ERROR}, /* a checksum is wrong, */
	{EUCLEAN, STATUS_UNEXPECTED_IO_ERROR}, /* metadata makes no sense: ext4, XFS */
	{ESTALE, STATUS_FILE_CLOSED},
	{EOPNOTSUPP, STATUS_NOT_SUPPORTED},
	{ENOSYS, STATUS_NOT_SUPPORTED},
	{ENODATA, STATUS_NOT_FOUND},
	{E2BIG, STATUS_EA_TOO_LARGE},
	{ERANGE, STATUS_EA_TOO_LARGE},
	{EAGAIN, STATUS_SHARING_VIOLATION},
	{EBUSY, STATUS_SHARING_VIOLATION},
	{ETXTBSY, STATUS_SHARING_VIOLATION},
	{ECANCELED, STATUS_CANCELLED},
	{ETIMEDOUT, STATUS_IO_TIMEOUT},
	{ENODEV, STATUS_NO_SUCH_DEVICE},
	{ENXIO, STATUS_NO_SUCH_DEVICE},
	{ECONNRESET, STATUS_CONNECTION_RESET},
	{EPIPE, STATUS_CONNECTION_RESET},
	{ENOTCONN, STATUS_CONNECTION_DISCONNECTED},
	{ECONNREFUSED, STATUS_CONNECTION_REFUSED},
};

const char *status_name(ntstatus_t s)
{
	static _Thread_local char unknown[16];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].code == s)
			return names[i].name;
	snprintf(unknown, sizeof(unknown), "0x%08X", s);
	return unknown;
}

ntstatus_t status_from_errno(int negative_errno)
{
	if (negative_errno >= 0)
		return STATUS_SUCCESS;
	for (size_t i = 0; i < ARRAY_SIZE(from_errno); i++)
		if (from_errno[i].err == -negative_errno)
			return from_errno[i].code;
	return STATUS_UNSUCCESSFUL;
}
