/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CORE_STATUS_H
#define CORE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

/* NTSTATUS, [MS-ERREF] 2.3.1. The high two bits are the severity: 0 success, 1 information, 2 warning, 3 error. */
typedef uint32_t ntstatus_t;

#define NTSTATUS_TABLE(X)                                                                                     \
	X(STATUS_SUCCESS, 0x00000000)                                                                         \
	X(STATUS_PENDING, 0x00000103)                                                                         \
	X(STATUS_NOTIFY_CLEANUP, 0x0000010B)                                                                  \
	X(STATUS_NOTIFY_ENUM_DIR, 0x0000010C)                                                                 \
	X(STATUS_BUFFER_OVERFLOW, 0x80000005)                                                                 \
	X(STATUS_NO_MORE_FILES, 0x80000006)                                                                   \
	X(STATUS_NO_MORE_EAS, 0x80000012)                                                                     \
	X(STATUS_EA_LIST_INCONSISTENT, 0x80000014)                                                            \
	X(STATUS_INVALID_EA_NAME, 0x80000013)                                                                 \
	X(STATUS_STOPPED_ON_SYMLINK, 0x8000002D)                                                              \
	X(STATUS_UNSUCCESSFUL, 0xC0000001)                                                                    \
	X(STATUS_NOT_IMPLEMENTED, 0xC0000002)                                                                 \
	X(STATUS_INVALID_INFO_CLASS, 0xC0000003)                                                              \
	X(STATUS_INFO_LENGTH_MISMATCH, 0xC0000004)                                                            \
	X(STATUS_INVALID_HANDLE, 0xC0000008)                                                                  \
	X(STATUS_INVALID_PARAMETER, 0xC000000D)                                                               \
	X(STATUS_NO_SUCH_DEVICE, 0xC000000E)                                                                  \
	X(STATUS_NO_SUCH_FILE, 0xC000000F)                                                                    \
	X(STATUS_INVALID_DEVICE_REQUEST, 0xC0000010)                                                          \
	X(STATUS_END_OF_FILE, 0xC0000011)                                                                     \
	X(STATUS_MORE_PROCESSING_REQUIRED, 0xC0000016)                                                        \
	X(STATUS_NO_MEMORY, 0xC0000017)                                                                       \
	X(STATUS_INVALID_VIEW_SIZE, 0xC000001F)                                                               \
	X(STATUS_ACCESS_DENIED, 0xC0000022)                                                                   \
	X(STATUS_BUFFER_TOO_SMALL, 0xC0000023)                                                                \
	X(STATUS_OBJECT_TYPE_MISMATCH, 0xC0000024)                                                            \
	X(STATUS_OBJECT_NAME_INVALID, 0xC0000033)                                                             \
	X(STATUS_OBJECT_NAME_NOT_FOUND, 0xC0000034)                                                           \
	X(STATUS_OBJECT_NAME_COLLISION, 0xC0000035)                                                           \
	X(STATUS_PORT_DISCONNECTED, 0xC0000037)                                                               \
	X(STATUS_OBJECT_PATH_INVALID, 0xC0000039)                                                             \
	X(STATUS_OBJECT_PATH_NOT_FOUND, 0xC000003A)                                                           \
	X(STATUS_OBJECT_PATH_SYNTAX_BAD, 0xC000003B)                                                          \
	X(STATUS_DATA_ERROR, 0xC000003E)                                                                      \
	X(STATUS_CRC_ERROR, 0xC000003F)                                                                       \
	X(STATUS_SHARING_VIOLATION, 0xC0000043)                                                               \
	X(STATUS_QUOTA_EXCEEDED, 0xC0000044)                                                                  \
	X(STATUS_EAS_NOT_SUPPORTED, 0xC000004F)                                                               \
	X(STATUS_EA_TOO_LARGE, 0xC0000050)                                                                    \
	X(STATUS_NONEXISTENT_EA_ENTRY, 0xC0000051)                                                            \
	X(STATUS_NO_EAS_ON_FILE, 0xC0000052)                                                                  \
	X(STATUS_FILE_LOCK_CONFLICT, 0xC0000054)                                                              \
	X(STATUS_LOCK_NOT_GRANTED, 0xC0000055)                                                                \
	X(STATUS_DELETE_PENDING, 0xC0000056)                                                                  \
	X(STATUS_REVISION_MISMATCH, 0xC0000059)                                                               \
	X(STATUS_INVALID_CONNECTION, 0xC0000140)                                                              \
	X(STATUS_ACCESS_DISABLED_BY_POLICY_DEFAULT, 0xC0000361)                                               \
	X(STATUS_ACCESS_DISABLED_BY_POLICY_OTHER, 0xC0000364)                                                 \
	X(STATUS_CANNOT_GRANT_REQUESTED_OPLOCK, 0xC000042E)                                                   \
	X(STATUS_PRIVILEGE_NOT_HELD, 0xC0000061)                                                              \
	X(STATUS_NO_SUCH_USER, 0xC0000064)                                                                    \
	X(STATUS_WRONG_PASSWORD, 0xC000006A)                                                                  \
	X(STATUS_LOGON_FAILURE, 0xC000006D)                                                                   \
	X(STATUS_ACCOUNT_RESTRICTION, 0xC000006E)                                                             \
	X(STATUS_PASSWORD_EXPIRED, 0xC0000071)                                                                \
	X(STATUS_ACCOUNT_DISABLED, 0xC0000072)                                                                \
	X(STATUS_NONE_MAPPED, 0xC0000073)                                                                     \
	X(STATUS_RANGE_NOT_LOCKED, 0xC000007E)                                                                \
	X(STATUS_DISK_FULL, 0xC000007F)                                                                       \
	X(STATUS_INSUFFICIENT_RESOURCES, 0xC000009A)                                                          \
	X(STATUS_MEDIA_WRITE_PROTECTED, 0xC00000A2)                                                           \
	X(STATUS_BAD_IMPERSONATION_LEVEL, 0xC00000A5)                                                         \
	X(STATUS_INVALID_PIPE_STATE, 0xC00000AD)                                                              \
	X(STATUS_PIPE_BUSY, 0xC00000AE)                                                                       \
	X(STATUS_PIPE_DISCONNECTED, 0xC00000B0)                                                               \
	X(STATUS_PIPE_EMPTY, 0xC00000D9)                                                                      \
	X(STATUS_IO_TIMEOUT, 0xC00000B5)                                                                      \
	X(STATUS_FILE_IS_A_DIRECTORY, 0xC00000BA)                                                             \
	X(STATUS_NOT_SUPPORTED, 0xC00000BB)                                                                   \
	X(STATUS_INVALID_NETWORK_RESPONSE, 0xC00000C3)                                                        \
	X(STATUS_NETWORK_NAME_DELETED, 0xC00000C9)                                                            \
	X(STATUS_NETWORK_ACCESS_DENIED, 0xC00000CA)                                                           \
	X(STATUS_BAD_NETWORK_NAME, 0xC00000CC)                                                                \
	X(STATUS_REQUEST_NOT_ACCEPTED, 0xC00000D0)                                                            \
	X(STATUS_NOT_SAME_DEVICE, 0xC00000D4)                                                                 \
	X(STATUS_FILE_RENAMED, 0xC00000D5)                                                                    \
	X(STATUS_OPLOCK_NOT_GRANTED, 0xC00000E2)                                                              \
	X(STATUS_INVALID_OPLOCK_PROTOCOL, 0xC00000E3)                                                         \
	X(STATUS_INTERNAL_ERROR, 0xC00000E5)                                                                  \
	X(STATUS_UNEXPECTED_IO_ERROR, 0xC00000E9)                                                             \
	X(STATUS_DIRECTORY_NOT_EMPTY, 0xC0000101)                                                             \
	X(STATUS_NOT_A_DIRECTORY, 0xC0000103)                                                                 \
	X(STATUS_NAME_TOO_LONG, 0xC0000106)                                                                   \
	X(STATUS_CANCELLED, 0xC0000120)                                                                       \
	X(STATUS_CANNOT_DELETE, 0xC0000121)                                                                   \
	X(STATUS_FILE_DELETED, 0xC0000123)                                                                    \
	X(STATUS_FILE_CLOSED, 0xC0000128)                                                                     \
	X(STATUS_INVALID_LEVEL, 0xC0000148)                                                                   \
	X(STATUS_TOO_MANY_OPENED_FILES, 0xC000011F)                                                           \
	X(STATUS_PIPE_BROKEN, 0xC000014B)                                                                     \
	X(STATUS_USER_SESSION_DELETED, 0xC0000203)                                                            \
	X(STATUS_INSUFF_SERVER_RESOURCES, 0xC0000205)                                                         \
	X(STATUS_INVALID_BUFFER_SIZE, 0xC0000206)                                                             \
	X(STATUS_LOST_WRITEBEHIND_DATA, 0xC0000222)                                                           \
	X(STATUS_NOT_FOUND, 0xC0000225)                                                                       \
	X(STATUS_DUPLICATE_OBJECTID, 0xC000022A)                                                              \
	X(STATUS_CONNECTION_DISCONNECTED, 0xC000020C)                                                         \
	X(STATUS_CONNECTION_RESET, 0xC000020D)                                                                \
	X(STATUS_CONNECTION_REFUSED, 0xC0000236)                                                              \
	X(STATUS_FS_DRIVER_REQUIRED, 0xC000019C)                                                              \
	X(STATUS_TOO_MANY_LINKS, 0xC0000265)                                                                  \
	X(STATUS_PATH_NOT_COVERED, 0xC0000257)                                                                \
	X(STATUS_NETWORK_SESSION_EXPIRED, 0xC000035C)                                                         \
	X(STATUS_NOT_A_REPARSE_POINT, 0xC0000275)                                                             \
	X(STATUS_IO_REPARSE_TAG_NOT_HANDLED, 0xC0000279)                                                      \
	X(STATUS_REQUEST_OUT_OF_SEQUENCE, 0xC000042A)                                                         \
	X(STATUS_FILE_SYSTEM_LIMITATION, 0xC0000427)                                                          \
	X(STATUS_FILE_NOT_AVAILABLE, 0xC0000467)                                                              \
	X(STATUS_HASH_NOT_SUPPORTED, 0xC000A100)                                                              \
	X(STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP, 0xC05D0000)

enum {
#define X(name, value) name = (int)(value),
	NTSTATUS_TABLE(X)
#undef X
};

static inline bool status_is_error(ntstatus_t s)
{
	return s >> 30 == 3;
}

static inline bool status_is_ok(ntstatus_t s)
{
	return s == 0;
}

/* "STATUS_ACCESS_DENIED"; for a code outside the table its hexadecimal form in a buffer of this thread. */
const char *status_name(ntstatus_t s);

/* The border between the two error currencies: 0 or -errno below, NTSTATUS above. */
ntstatus_t status_from_errno(int negative_errno);

#endif
