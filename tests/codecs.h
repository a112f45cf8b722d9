/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef TESTS_CODECS_H
#define TESTS_CODECS_H

#include "wire/commands.h"

/* All command codecs behind one signature, each with a sample: what unit tests and the fuzz target walk. */

#define LIT(s) {(const uint8_t *)(s), sizeof(s) - 1}
#define GUID "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF"
#define KEY {0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF}
#define FILE_ID {0x1112131415161718, 0x2122232425262728}

static const struct smb2_negotiate_req sample_smb2_negotiate_req = {
	.dialect_count = 3, .dialects = {0x0210, 0x0302, 0x0311}, .security_mode = 1, .capabilities = 0x7F,
	.client_guid = KEY, .context_count = 2, .contexts = LIT("sixteen bytes of")};
static const struct smb2_negotiate_rsp sample_smb2_negotiate_rsp = {
	.security_mode = 3, .dialect = 0x0311, .context_count = 1, .server_guid = KEY, .capabilities = 0x2F,
	.max_transact_size = 0x10001, .max_read_size = 0x20002, .max_write_size = 0x30003,
	.system_time = 0x0102030405060708, .server_start_time = 0x1112131415161718,
	.security_buffer = LIT("spnego"), .contexts = LIT("context")};
static const struct smb2_session_setup_req sample_smb2_session_setup_req = {.flags = 1,
	.security_mode = 2,
	.capabilities = 0x11,
	.channel = 0x21,
	.security_buffer = LIT("token"),
	.previous_session_id = 0x8182838485868788};
static const struct smb2_session_setup_rsp sample_smb2_session_setup_rsp = {
	.session_flags = 4, .security_buffer = LIT("answer")};
static const struct smb2_empty sample_smb2_empty;
static const struct smb2_tree_connect_req sample_smb2_tree_connect_req = {
	.flags = 1, .path = LIT("\\\0\\\0s\0\\\0t\0")};
static const struct smb2_tree_connect_rsp sample_smb2_tree_connect_rsp = {
	.share_type = 2, .share_flags = 0x8030, .capabilities = 0x10, .maximal_access = 0x001F01FF};
static const struct smb2_create_req sample_smb2_create_req = {
	.oplock_level = 0xFF, .impersonation_level = 2, .desired_access = 0x00120089, .file_attributes = 0x80,
	.share_access = 7, .create_disposition = 1, .create_options = 0x40, .name = LIT("n\0a\0m\0"),
	.contexts = LIT("create contexts")};
static const struct smb2_create_rsp sample_smb2_create_rsp = {.oplock_level = 9,
	.flags = 1,
	.create_action = 2,
	.creation_time = 0x0101010101010101,
	.last_access_time = 0x0202020202020202,
	.last_write_time = 0x0303030303030303,
	.change_time = 0x0404040404040404,
	.allocation_size = 0x0505050505050505,
	.end_of_file = 0x0606060606060606,
	.file_attributes = 0x20,
	.file_id = FILE_ID,
	.contexts = LIT("answers!")};
static const struct smb2_close_req sample_smb2_close_req = {.flags = 1, .file_id = FILE_ID};
static const struct smb2_close_rsp sample_smb2_close_rsp = {
	.flags = 1, .creation_time = 0x0101010101010101, .last_access_time = 0x0202020202020202,
	.last_write_time = 0x0303030303030303, .change_time = 0x0404040404040404,
	.allocation_size = 0x0505050505050505, .end_of_file = 0x0606060606060606, .file_attributes = 0x20};
static const struct smb2_flush_req sample_smb2_flush_req = {.file_id = FILE_ID};
static const struct smb2_read_req sample_smb2_read_req = {
	.flags = 1, .length = 0x10000, .offset = 0x3132333435363738, .file_id = FILE_ID, .minimum_count = 5,
	.channel = 2, .remaining_bytes = 6, .channel_info = LIT("sixteen bytes of")};
static const struct smb2_read_rsp sample_smb2_read_rsp = {
	.data_offset = 80, .data_length = 7, .data_remaining = 8, .data = LIT("payload")};
static const struct smb2_write_req sample_smb2_write_req = {
	.length = 7, .offset = 0x3132333435363738, .file_id = FILE_ID, .flags = 1, .data = LIT("payload")};
static const struct smb2_write_rsp sample_smb2_write_rsp = {.count = 0x00123456};
static const struct smb2_lock_req sample_smb2_lock_req = {
	.lock_count = 2, .lock_sequence = 0x41, .file_id = FILE_ID,
	.elements = LIT("24 bytes of lock element24 bytes of lock element")};
static const struct smb2_ioctl_req sample_smb2_ioctl_req = {
	.ctl_code = 0x00140204, .file_id = FILE_ID, .max_input_response = 0x11, .max_output_response = 0x22,
	.flags = 1, .input = LIT("input")};
static const struct smb2_ioctl_rsp sample_smb2_ioctl_rsp = {
	.ctl_code = 0x00140204, .file_id = FILE_ID, .input = LIT("input"), .output = LIT("output")};
static const struct smb2_query_directory_req sample_smb2_query_directory_req = {
	.info_class = 0x25, .flags = 1, .file_index = 0x51, .file_id = FILE_ID, .pattern = LIT("*\0"),
	.output_length = 0x10000};
static const struct smb2_output_rsp sample_smb2_output_rsp = {.output = LIT("output")};
static const struct smb2_change_notify_req sample_smb2_change_notify_req = {
	.flags = 1, .output_length = 0x1000, .file_id = FILE_ID, .completion_filter = 0x17};
static const struct smb2_query_info_req sample_smb2_query_info_req = {
	.info_type = 3, .info_class = 4, .output_length = 0x1001, .additional_information = 7, .flags = 2,
	.file_id = FILE_ID, .input = LIT("input")};
static const struct smb2_set_info_req sample_smb2_set_info_req = {.info_type = 1,
	.info_class = 20,
	.additional_information = 7,
	.file_id = FILE_ID,
	.input = LIT("8 bytes.")};
static const struct smb2_set_info_rsp sample_smb2_set_info_rsp;
static const struct smb2_oplock_break sample_smb2_oplock_break = {.oplock_level = 1, .file_id = FILE_ID};
static const struct smb2_lease_break_ack sample_smb2_lease_break_ack = {
	.flags = 2, .lease_key = KEY, .lease_state = 5, .lease_duration = 0x6162636465666768};
static const struct smb2_lease_break_notification sample_smb2_lease_break_notification = {
	.new_epoch = 0x71, .flags = 1, .lease_key = KEY, .current_state = 7, .new_state = 3};
static const struct smb2_error_rsp sample_smb2_error_rsp = {
	.error_context_count = 1, .error_data = LIT("why")};

/* Name, StructureSize, the struct bytes members. */
#define CODECS(X)                                                                                             \
	X(smb2_negotiate_req, 36, contexts, contexts)                                                         \
	X(smb2_negotiate_rsp, 65, security_buffer, contexts)                                                  \
	X(smb2_session_setup_req, 25, security_buffer, security_buffer)                                       \
	X(smb2_session_setup_rsp, 9, security_buffer, security_buffer)                                        \
	X(smb2_tree_connect_req, 9, path, path)                                                               \
	X(smb2_create_req, 57, name, contexts)                                                                \
	X(smb2_create_rsp, 89, contexts, contexts)                                                            \
	X(smb2_read_req, 49, channel_info, channel_info)                                                      \
	X(smb2_read_rsp, 17, data, data)                                                                      \
	X(smb2_write_req, 49, channel_info, data)                                                             \
	X(smb2_lock_req, 48, elements, elements)                                                              \
	X(smb2_ioctl_req, 57, input, input)                                                                   \
	X(smb2_ioctl_rsp, 49, input, output)                                                                  \
	X(smb2_query_directory_req, 33, pattern, pattern)                                                     \
	X(smb2_output_rsp, 9, output, output)                                                                 \
	X(smb2_query_info_req, 41, input, input)                                                              \
	X(smb2_set_info_req, 33, input, input)                                                                \
	X(smb2_error_rsp, 9, error_data, error_data)

/* Those without. */
#define PLAIN_CODECS(X)                                                                                       \
	X(smb2_empty, 4)                                                                                      \
	X(smb2_tree_connect_rsp, 16)                                                                          \
	X(smb2_close_req, 24)                                                                                 \
	X(smb2_close_rsp, 60)                                                                                 \
	X(smb2_flush_req, 24)                                                                                 \
	X(smb2_write_rsp, 17)                                                                                 \
	X(smb2_change_notify_req, 32)                                                                         \
	X(smb2_set_info_rsp, 2)                                                                               \
	X(smb2_oplock_break, 24)                                                                              \
	X(smb2_lease_break_ack, 36)                                                                           \
	X(smb2_lease_break_notification, 44)

struct codec {
	const char *name;
	uint16_t structure_size;
	size_t size; /* of the struct */
	bool has_bytes;
	size_t bytes_at[2];
	const void *sample;
	bool (*decode)(struct rd *r, void *out);
	void (*encode)(struct wr *w, const void *in);
};

#define WRAP(n)                                                                                               \
	static bool n##_decode_any(struct rd *r, void *out)                                                   \
	{                                                                                                     \
		return n##_decode(r, out);                                                                    \
	}                                                                                                     \
	static void n##_encode_any(struct wr *w, const void *in)                                              \
	{                                                                                                     \
		n##_encode(w, in);                                                                            \
	}
#define WRAP_CODEC(n, structure_size, first, second) WRAP(n)
#define WRAP_PLAIN(n, structure_size) WRAP(n)
CODECS(WRAP_CODEC)
PLAIN_CODECS(WRAP_PLAIN)

#define ROW_CODEC(n, structure_size, first, second)                                                           \
	{#n, structure_size, sizeof(struct n), true, {offsetof(struct n, first), offsetof(struct n, second)}, \
		&sample_##n, n##_decode_any, n##_encode_any},
#define ROW_PLAIN(n, structure_size)                                                                          \
	{#n, structure_size, sizeof(struct n), false, {0, 0}, &sample_##n, n##_decode_any, n##_encode_any},
static const struct codec codecs[] = {CODECS(ROW_CODEC) PLAIN_CODECS(ROW_PLAIN)};

enum { CODEC_STRUCT_MAX = 512 };

static inline struct bytes *codec_bytes(const struct codec *c, void *value, unsigned i)
{
	return c->has_bytes ? (struct bytes *)((char *)value + c->bytes_at[i]) : NULL;
}

static inline bool codec_is(const struct codec *c, const char *name)
{
	return strcmp(c->name, name) == 0;
}

static inline const struct codec *codec_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++)
		if (codec_is(&codecs[i], name))
			return &codecs[i];
	return NULL;
}

/* A whole message behind a zeroed header, with what a sender puts behind the encoded part. */
static inline void codec_write(const struct codec *c, struct wr *w, const void *value)
{
	wr_zero(w, SMB2_HEADER_SIZE);
	c->encode(w, value);
	if (codec_is(c, "smb2_read_rsp"))
		wr_bytes(w, ((const struct smb2_read_rsp *)value)->data);
	if (codec_is(c, "smb2_write_req"))
		wr_bytes(w, ((const struct smb2_write_req *)value)->data);
}

static inline bool codec_read(const struct codec *c, struct bytes message, void *out)
{
	struct rd r = rd_over(message);

	memset(out, 0, c->size);
	rd_skip(&r, SMB2_HEADER_SIZE);
	return c->decode(&r, out);
}

/* Equal in every field, buffers by what they hold. */
static inline bool codec_equal(const struct codec *c, const void *a, const void *b)
{
	uint8_t x[CODEC_STRUCT_MAX], y[CODEC_STRUCT_MAX];
	const struct bytes none = {NULL, 0};

	memcpy(x, a, c->size);
	memcpy(y, b, c->size);
	for (unsigned i = 0; c->has_bytes && i < 2; i++) {
		struct bytes bx, by;
		memcpy(&bx, x + c->bytes_at[i], sizeof(bx));
		memcpy(&by, y + c->bytes_at[i], sizeof(by));
		if (!bytes_equal(bx, by))
			return false;
	}
	for (unsigned i = 0; c->has_bytes && i < 2; i++) {
		memcpy(x + c->bytes_at[i], &none, sizeof(none));
		memcpy(y + c->bytes_at[i], &none, sizeof(none));
	}
	return memcmp(x, y, c->size) == 0;
}

#endif
