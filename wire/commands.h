/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_COMMANDS_H
#define WIRE_COMMANDS_H

#include "wire/smb2.h"

/*
 * The bodies of all SMB2 commands, both directions, [MS-SMB2] 2.2.3 to 2.2.40. For each X:
 *
 *   bool X_decode(struct rd *r, struct X *out)     r->base is the start of the SMB2 header, r->pos behind the header.
 *                                                  True if StructureSize is right and all fields and windows lie
 *                                                  inside the message; struct bytes fields borrow from it.
 *   void X_encode(struct wr *w, const struct X *)  w->base is the start of the SMB2 header, w->pos behind it. Buffers
 *                                                  that struct bytes fields name are written behind the fixed part.
 *
 * Strings are UTF-16LE as on the wire. Whether the *values* make sense is the caller's business, except lengths and
 * offsets. Sizes are bytes, offsets in files are bytes, times NTTIME.
 */

enum { SMB2_MAX_DIALECTS = 64 };

struct smb2_negotiate_req {
	uint16_t dialect_count; /* as sent; 0 is an error that the server reports */
	uint16_t dialects[SMB2_MAX_DIALECTS];
	uint16_t security_mode;
	uint32_t capabilities;
	uint8_t client_guid[16];
	uint16_t context_count; /* 3.1.1 among the dialects only */
	struct bytes contexts;  /* from the first to the end of the message: walk with wire/negotiate_context.h */
	uint64_t client_start_time;
};

struct smb2_negotiate_rsp {
	uint16_t security_mode;
	uint16_t dialect;
	uint16_t context_count;
	uint8_t server_guid[16];
	uint32_t capabilities;
	uint32_t max_transact_size, max_read_size, max_write_size;
	uint64_t system_time, server_start_time;
	struct bytes security_buffer;
	struct bytes contexts; /* already encoded; 8-aligned behind the security buffer */
};

enum { SMB2_SESSION_FLAG_BINDING = 0x01 };
struct smb2_session_setup_req {
	uint8_t flags;
	uint8_t security_mode;
	uint32_t capabilities;
	uint32_t channel;
	struct bytes security_buffer;
	uint64_t previous_session_id;
};

enum { SMB2_SESSION_FLAG_IS_GUEST = 0x01, SMB2_SESSION_FLAG_IS_NULL = 0x02, SMB2_SESSION_FLAG_ENCRYPT_DATA = 0x04 };
struct smb2_session_setup_rsp {
	uint16_t session_flags;
	struct bytes security_buffer;
};

/* LOGOFF, TREE_DISCONNECT, ECHO (both directions), CANCEL, FLUSH and LOCK responses: StructureSize 4, Reserved. */
struct smb2_empty {
	char unused;
};

enum { SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT = 0x0004 };
struct smb2_tree_connect_req {
	uint16_t flags;
	struct bytes path; /* \\server\share; with the extension flag the one inside the extension */
};

enum { SMB2_SHARE_TYPE_DISK = 1, SMB2_SHARE_TYPE_PIPE = 2, SMB2_SHARE_TYPE_PRINT = 3 };
enum {
	SMB2_SHAREFLAG_MANUAL_CACHING = 0x00, SMB2_SHAREFLAG_NO_CACHING = 0x30,
	SMB2_SHAREFLAG_ACCESS_BASED_DIRECTORY_ENUM = 0x0800, SMB2_SHAREFLAG_ENCRYPT_DATA = 0x8000,
};
struct smb2_tree_connect_rsp {
	uint8_t share_type;
	uint32_t share_flags;
	uint32_t capabilities;
	uint32_t maximal_access;
};

struct smb2_create_req {
	uint8_t oplock_level;
	uint32_t impersonation_level;
	uint32_t desired_access;
	uint32_t file_attributes;
	uint32_t share_access;
	uint32_t create_disposition;
	uint32_t create_options;
	struct bytes name;
	struct bytes contexts; /* walk with wire/create_context.h */
};

struct smb2_create_rsp {
	uint8_t oplock_level;
	uint8_t flags;
	uint32_t create_action;
	uint64_t creation_time, last_access_time, last_write_time, change_time;
	uint64_t allocation_size, end_of_file;
	uint32_t file_attributes;
	struct smb2_file_id file_id;
	struct bytes contexts; /* already encoded */
};

enum { SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB = 0x0001 };
struct smb2_close_req {
	uint16_t flags;
	struct smb2_file_id file_id;
};

struct smb2_close_rsp {
	uint16_t flags;
	uint64_t creation_time, last_access_time, last_write_time, change_time;
	uint64_t allocation_size, end_of_file;
	uint32_t file_attributes;
};

struct smb2_flush_req {
	struct smb2_file_id file_id;
};

enum { SMB2_CHANNEL_NONE = 0, SMB2_CHANNEL_RDMA_V1 = 1, SMB2_CHANNEL_RDMA_V1_INVALIDATE = 2,
	SMB2_CHANNEL_RDMA_TRANSFORM = 3 };
enum { SMB2_READFLAG_READ_UNBUFFERED = 0x01, SMB2_READFLAG_REQUEST_COMPRESSED = 0x02 };
struct smb2_read_req {
	uint8_t flags;
	uint32_t length;
	uint64_t offset;
	struct smb2_file_id file_id;
	uint32_t minimum_count;
	uint32_t channel;
	uint32_t remaining_bytes;
	struct bytes channel_info; /* SMB_DIRECT_BUFFER_DESCRIPTOR_V1 array */
};

enum { SMB2_READ_RSP_FIXED_SIZE = 16 };
struct smb2_read_rsp {
	uint8_t data_offset; /* decode only; encode writes 80 */
	uint32_t data_length;    /* encode: what is put behind the fixed part by the caller; decode: data.len */
	uint32_t data_remaining;
	struct bytes data; /* decode only */
};

enum { SMB2_WRITEFLAG_WRITE_THROUGH = 0x01, SMB2_WRITEFLAG_WRITE_UNBUFFERED = 0x02 };
enum { SMB2_WRITE_REQ_FIXED_SIZE = 48 };
struct smb2_write_req {
	uint32_t length;
	uint64_t offset;
	struct smb2_file_id file_id;
	uint32_t channel;
	uint32_t remaining_bytes;
	struct bytes channel_info;
	uint32_t flags;
	/* Borrowed. Encode writes the fixed part, DataOffset 112, and not the data: the caller sends it behind. */
	struct bytes data;
};

struct smb2_write_rsp {
	uint32_t count;
};

enum { SMB2_LOCKFLAG_SHARED_LOCK = 0x01, SMB2_LOCKFLAG_EXCLUSIVE_LOCK = 0x02, SMB2_LOCKFLAG_UNLOCK = 0x04,
	SMB2_LOCKFLAG_FAIL_IMMEDIATELY = 0x10 };
struct smb2_lock_element {
	uint64_t offset, length;
	uint32_t flags;
};
struct smb2_lock_req {
	uint16_t lock_count; /* every element is inside the message */
	uint32_t lock_sequence;
	struct smb2_file_id file_id;
	struct bytes elements; /* 24 bytes each: smb2_lock_element_decode */
};
bool smb2_lock_element_decode(struct rd *r, struct smb2_lock_element *out);
void smb2_lock_element_encode(struct wr *w, const struct smb2_lock_element *e);

enum { SMB2_IOCTL_IS_FSCTL = 0x00000001 };
struct smb2_ioctl_req {
	uint32_t ctl_code;
	struct smb2_file_id file_id;
	uint32_t max_input_response;
	uint32_t max_output_response;
	uint32_t flags;
	struct bytes input;
};

struct smb2_ioctl_rsp {
	uint32_t ctl_code;
	struct smb2_file_id file_id;
	struct bytes input;
	struct bytes output;
};

enum { SMB2_RESTART_SCANS = 0x01, SMB2_RETURN_SINGLE_ENTRY = 0x02, SMB2_INDEX_SPECIFIED = 0x04, SMB2_REOPEN = 0x10 };
struct smb2_query_directory_req {
	uint8_t info_class;
	uint8_t flags;
	uint32_t file_index;
	struct smb2_file_id file_id;
	struct bytes pattern;
	uint32_t output_length;
};

/* QUERY_DIRECTORY, QUERY_INFO and CHANGE_NOTIFY responses share one shape. */
struct smb2_output_rsp {
	struct bytes output;
};
enum { SMB2_OUTPUT_RSP_FIXED_SIZE = 8 };
/* Only the fixed part, for length bytes that stand behind it already. */
void smb2_output_rsp_fixed_encode(struct wr *w, uint32_t length);

enum { SMB2_WATCH_TREE = 0x0001 };
struct smb2_change_notify_req {
	uint16_t flags;
	uint32_t output_length;
	struct smb2_file_id file_id;
	uint32_t completion_filter;
};

enum { SMB2_0_INFO_FILE = 1, SMB2_0_INFO_FILESYSTEM = 2, SMB2_0_INFO_SECURITY = 3, SMB2_0_INFO_QUOTA = 4 };
struct smb2_query_info_req {
	uint8_t info_type, info_class;
	uint32_t output_length;
	uint32_t additional_information;
	uint32_t flags;
	struct smb2_file_id file_id;
	struct bytes input;
};

struct smb2_set_info_req {
	uint8_t info_type, info_class;
	uint32_t additional_information;
	struct smb2_file_id file_id;
	struct bytes input;
};

/* Nothing but a StructureSize of 2, [MS-SMB2] 2.2.40. */
struct smb2_set_info_rsp {
	char unused;
};

/* StructureSize 24: oplock; 36: lease acknowledgement. */
struct smb2_oplock_break {
	uint8_t oplock_level;
	struct smb2_file_id file_id;
};

struct smb2_lease_break_ack {
	uint32_t flags;
	uint8_t lease_key[16];
	uint32_t lease_state;
	uint64_t lease_duration;
};

struct smb2_lease_break_notification {
	uint16_t new_epoch;
	uint32_t flags;
	uint8_t lease_key[16];
	uint32_t current_state, new_state;
};

struct smb2_error_rsp {
	uint8_t error_context_count;
	struct bytes error_data;
};

/* [MS-SMB2] 2.2.41 */
struct smb2_transform_header {
	uint8_t signature[16];
	uint8_t nonce[16];
	uint32_t original_message_size;
	uint16_t flags; /* 3.1.1: Flags, 0x0001 encrypted; 3.0: EncryptionAlgorithm, 0x0001 AES-128-CCM */
	uint64_t session_id;
};
enum { SMB2_TRANSFORM_AAD_OFFSET = 20, SMB2_TRANSFORM_AAD_SIZE = 32 };

#define SMB2_CODEC(X)                                                                                         \
	bool X##_decode(struct rd *r, struct X *out);                                                         \
	void X##_encode(struct wr *w, const struct X *in)
SMB2_CODEC(smb2_negotiate_req);
SMB2_CODEC(smb2_negotiate_rsp);
SMB2_CODEC(smb2_session_setup_req);
SMB2_CODEC(smb2_session_setup_rsp);
SMB2_CODEC(smb2_empty);
SMB2_CODEC(smb2_tree_connect_req);
SMB2_CODEC(smb2_tree_connect_rsp);
SMB2_CODEC(smb2_create_req);
SMB2_CODEC(smb2_create_rsp);
SMB2_CODEC(smb2_close_req);
SMB2_CODEC(smb2_close_rsp);
SMB2_CODEC(smb2_flush_req);
SMB2_CODEC(smb2_read_req);
SMB2_CODEC(smb2_read_rsp);
SMB2_CODEC(smb2_write_req);
SMB2_CODEC(smb2_write_rsp);
SMB2_CODEC(smb2_lock_req);
SMB2_CODEC(smb2_ioctl_req);
SMB2_CODEC(smb2_ioctl_rsp);
SMB2_CODEC(smb2_query_directory_req);
SMB2_CODEC(smb2_output_rsp);
SMB2_CODEC(smb2_change_notify_req);
SMB2_CODEC(smb2_query_info_req);
SMB2_CODEC(smb2_set_info_req);
SMB2_CODEC(smb2_set_info_rsp);
SMB2_CODEC(smb2_oplock_break);
SMB2_CODEC(smb2_lease_break_ack);
SMB2_CODEC(smb2_lease_break_notification);
SMB2_CODEC(smb2_error_rsp);
SMB2_CODEC(smb2_transform_header);
#undef SMB2_CODEC

/*
 * The SMB1 multi-protocol negotiate, [MS-SMB2] 3.3.5.3: true if b is an SMB_COM_NEGOTIATE; *has_2002 and *has_2xxx
 * say which of "SMB 2.002" and "SMB 2.???" it offers.
 */
bool smb1_negotiate_decode(struct bytes b, bool *has_2002, bool *has_2xxx);

#endif
