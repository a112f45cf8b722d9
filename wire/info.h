/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_INFO_H
#define WIRE_INFO_H

#include "core/status.h"
#include "wire/cursor.h"

/*
 * Information classes, [MS-FSCC] 2.4 and 2.5. One struct holds every fact that a query class can show; one table
 * row per class says how it is laid out, in both directions.
 */

enum { /* FileInformationClass */
	FileDirectoryInformation = 1, FileFullDirectoryInformation = 2, FileBothDirectoryInformation = 3,
	FileBasicInformation = 4, FileStandardInformation = 5, FileInternalInformation = 6, FileEaInformation = 7,
	FileAccessInformation = 8, FileNameInformation = 9, FileRenameInformation = 10, FileLinkInformation = 11,
	FileNamesInformation = 12, FileDispositionInformation = 13, FilePositionInformation = 14,
	FileFullEaInformation = 15, FileModeInformation = 16, FileAlignmentInformation = 17, FileAllInformation = 18,
	FileAllocationInformation = 19, FileEndOfFileInformation = 20, FileAlternateNameInformation = 21,
	FileStreamInformation = 22, FilePipeInformation = 23, FileCompressionInformation = 28,
	FileNetworkOpenInformation = 34, FileAttributeTagInformation = 35, FileIdBothDirectoryInformation = 37,
	FileIdFullDirectoryInformation = 38, FileValidDataLengthInformation = 39,
	FileNormalizedNameInformation = 48, FileIdInformation = 59, FileIdExtdDirectoryInformation = 60,
	FileDispositionInformationEx = 64, FileRenameInformationEx = 65,
};

enum { /* FsInformationClass */
	FileFsVolumeInformation = 1, FileFsLabelInformation = 2, FileFsSizeInformation = 3, FileFsDeviceInformation = 4,
	FileFsAttributeInformation = 5, FileFsControlInformation = 6, FileFsFullSizeInformation = 7,
	FileFsObjectIdInformation = 8, FileFsSectorSizeInformation = 11,
};

struct file_stream_fact {
	const char *name; /* "::$DATA", ":name:$DATA", UTF-8 */
	uint64_t size, allocation;
};

/* Everything that a FILE query class can show. Names are UTF-8 with backslashes; times NTTIME; sizes bytes. */
struct file_facts {
	uint64_t creation_time, last_access_time, last_write_time, change_time;
	uint32_t attributes;
	uint64_t allocation_size, end_of_file;
	uint32_t number_of_links;
	bool delete_pending, directory;
	uint64_t file_id, volume_id;
	uint32_t ea_size;
	uint32_t access_flags; /* granted access of the open */
	uint64_t position;
	uint32_t mode;
	uint32_t alignment;
	uint32_t reparse_tag;
	const char *name;       /* FileNameInformation, FileAllInformation: "\dir\file"; Normalized: "dir\file" */
	const char *short_name; /* 8.3 or NULL */
	const struct file_stream_fact *streams;
	unsigned stream_count;
};

/*
 * Writes the class. STATUS_SUCCESS; STATUS_BUFFER_OVERFLOW with as much of a trailing name or list as fits (w->pos
 * says how much); STATUS_INFO_LENGTH_MISMATCH when not even the fixed part fits; STATUS_INVALID_INFO_CLASS;
 * STATUS_OBJECT_NAME_NOT_FOUND for the alternate name of a file that has none. On an error w is as it was.
 */
ntstatus_t file_info_encode(struct wr *w, uint8_t info_class, const struct file_facts *f);

/* The access right that a query of this class needs on its handle (0: none); false if there is no such class. */
bool file_info_required_access(uint8_t info_class, uint32_t *access);

/* Client side. f->name and f->short_name are allocated under mem. */
bool file_info_decode(void *mem, uint8_t info_class, struct bytes in, struct file_facts *f);

/* One entry of a directory listing. */
struct dir_entry_facts {
	const char *name; /* UTF-8 */
	const char *short_name; /* or NULL */
	uint64_t creation_time, last_access_time, last_write_time, change_time;
	uint64_t end_of_file, allocation_size;
	uint32_t attributes, ea_size, reparse_tag;
	uint64_t file_id;
	uint32_t file_index;
};

/* Whether QUERY_DIRECTORY knows the class, and the bytes before the name in one entry. */
bool dir_info_fixed_size(uint8_t info_class, size_t *size);

/*
 * Appends an entry, 8-aligned, and links the one before it (*last: offset of the previous entry from w->base, or
 * SIZE_MAX for the first; updated). False, with w as it was, when it does not fit.
 */
bool dir_info_append(struct wr *w, uint8_t info_class, const struct dir_entry_facts *e, size_t *last);

/* Client side: calls fn for each entry; names are allocated under mem. False if malformed. */
bool dir_info_walk(void *mem, uint8_t info_class, struct bytes in,
	bool (*fn)(void *arg, const struct dir_entry_facts *e), void *arg);

/* Everything that a FILESYSTEM query class can show. */
struct fs_facts {
	uint64_t volume_creation_time;
	uint32_t volume_serial;
	const char *label;
	uint64_t total_units, caller_free_units, actual_free_units; /* allocation units */
	uint32_t sectors_per_unit, bytes_per_sector;
	uint32_t device_type, device_characteristics;
	uint32_t fs_attributes, max_name_length;
	const char *fs_name;
	uint8_t object_id[16];
	uint32_t sector_physical, sector_flags; /* FileFsSectorSizeInformation */
};
ntstatus_t fs_info_encode(struct wr *w, uint8_t info_class, const struct fs_facts *f);
bool fs_info_decode(void *mem, uint8_t info_class, struct bytes in, struct fs_facts *f);

/* SET_INFO bodies. Both directions, like wire/commands.h. Views borrow. */
struct file_basic_info { /* times: 0 leave, -1 stop updating, -2 resume updating; attributes 0: leave */
	uint64_t creation_time, last_access_time, last_write_time, change_time;
	uint32_t attributes;
};
struct file_rename_info { /* also FileLinkInformation; flags of RenameEx: bit 0 replace, bit 1 posix semantics */
	uint32_t flags;
	uint64_t root_directory;
	struct bytes name; /* UTF-16LE */
};
bool file_basic_info_decode(struct bytes in, struct file_basic_info *out);
void file_basic_info_encode(struct wr *w, const struct file_basic_info *i);
/* info_class: FileRenameInformation, FileRenameInformationEx or FileLinkInformation. */
bool file_rename_info_decode(struct bytes in, uint8_t info_class, struct file_rename_info *out);
void file_rename_info_encode(struct wr *w, uint8_t info_class, const struct file_rename_info *i);
/* FileDispositionInformation(Ex): flags bit 0 delete. */
bool file_disposition_info_decode(struct bytes in, uint8_t info_class, uint32_t *flags);
void file_disposition_info_encode(struct wr *w, uint8_t info_class, uint32_t flags);
/* EndOfFile, Allocation, Position, ValidDataLength: one u64. Mode: one u32. */
bool file_u64_info_decode(struct bytes in, uint64_t *v);
void file_u64_info_encode(struct wr *w, uint64_t v);

/* FILE_FULL_EA_INFORMATION lists, [MS-FSCC] 2.4.15. Names ASCII. */
struct ea_fact {
	const char *name; /* UTF-8, without "user." */
	uint8_t flags;
	struct bytes value;
};
/* Same contract as dir_info_append. */
bool ea_append(struct wr *w, const struct ea_fact *e, size_t *last);
bool ea_walk(void *mem, struct bytes in, bool (*fn)(void *arg, const struct ea_fact *e), void *arg);

/* FILE_GET_EA_INFORMATION lists, [MS-FSCC] 2.4.16.1: names that a query of FileFullEaInformation asks for. */
bool ea_name_append(struct wr *w, const char *name, size_t *last);
bool ea_name_walk(void *mem, struct bytes in, bool (*fn)(void *arg, const char *name), void *arg);

#endif
