/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_FSCTL_H
#define WIRE_FSCTL_H

#include "wire/commands.h"

/*
 * Inputs and outputs of FSCTLs, [MS-SMB2] 2.2.31 and 2.2.32, [MS-FSCC] 2.3. For each X:
 *
 *   bool X_decode(struct bytes in, X *out)         True if all of it lies inside `in`; views borrow from it.
 *                                                  Bytes behind it are ignored, as servers and clients do.
 *   void X_encode(struct wr *w, const struct X *)
 */

#define FSCTL_TABLE(X)                                                                                        \
	X(FSCTL_DFS_GET_REFERRALS, 0x00060194)                                                                \
	X(FSCTL_DFS_GET_REFERRALS_EX, 0x000601B0)                                                             \
	X(FSCTL_GET_COMPRESSION, 0x0009003C)                                                                  \
	X(FSCTL_SET_REPARSE_POINT, 0x000900A4)                                                                \
	X(FSCTL_GET_REPARSE_POINT, 0x000900A8)                                                                \
	X(FSCTL_DELETE_REPARSE_POINT, 0x000900AC)                                                             \
	X(FSCTL_CREATE_OR_GET_OBJECT_ID, 0x000900C0)                                                          \
	X(FSCTL_SET_SPARSE, 0x000900C4)                                                                       \
	X(FSCTL_QUERY_ALLOCATED_RANGES, 0x000940CF)                                                           \
	X(FSCTL_OFFLOAD_READ, 0x00094264)                                                                     \
	X(FSCTL_SET_ZERO_DATA, 0x000980C8)                                                                    \
	X(FSCTL_FILE_LEVEL_TRIM, 0x00098208)                                                                  \
	X(FSCTL_OFFLOAD_WRITE, 0x00098268)                                                                    \
	X(FSCTL_DUPLICATE_EXTENTS_TO_FILE, 0x00098344)                                                        \
	X(FSCTL_DUPLICATE_EXTENTS_TO_FILE_EX, 0x000983E8)                                                     \
	X(FSCTL_SET_COMPRESSION, 0x0009C040)                                                                  \
	X(FSCTL_PIPE_PEEK, 0x0011400C)                                                                        \
	X(FSCTL_PIPE_WAIT, 0x00110018)                                                                        \
	X(FSCTL_PIPE_TRANSCEIVE, 0x0011C017)                                                                  \
	X(FSCTL_SRV_REQUEST_RESUME_KEY, 0x00140078)                                                           \
	X(FSCTL_LMR_REQUEST_RESILIENCY, 0x001401D4)                                                           \
	X(FSCTL_QUERY_NETWORK_INTERFACE_INFO, 0x001401FC)                                                     \
	X(FSCTL_VALIDATE_NEGOTIATE_INFO, 0x00140204)                                                          \
	X(FSCTL_SRV_ENUMERATE_SNAPSHOTS, 0x00144064)                                                          \
	X(FSCTL_SRV_COPYCHUNK, 0x001440F2)                                                                    \
	X(FSCTL_SRV_COPYCHUNK_WRITE, 0x001480F2)

enum {
#define X(name, value) name = (value),
	FSCTL_TABLE(X)
#undef X
};

/* "FSCTL_PIPE_WAIT", or NULL for a code outside the table. */
const char *fsctl_name(uint32_t code);

struct fsctl_validate_negotiate_req {
	uint32_t capabilities;
	uint8_t guid[16];
	uint16_t security_mode;
	uint16_t dialect_count; /* decode fails above SMB2_MAX_DIALECTS */
	uint16_t dialects[SMB2_MAX_DIALECTS];
};

enum { FSCTL_VALIDATE_NEGOTIATE_RSP_SIZE = 24 };
struct fsctl_validate_negotiate_rsp {
	uint32_t capabilities;
	uint8_t guid[16];
	uint16_t security_mode;
	uint16_t dialect;
};

enum { NETWORK_INTERFACE_RSS_CAPABLE = 1, NETWORK_INTERFACE_RDMA_CAPABLE = 2 };
enum { NETWORK_INTERFACE_SIZE = 152 };
/* One address of an interface, [MS-SMB2] 2.2.32.5. */
struct fsctl_network_interface {
	uint32_t if_index;
	uint32_t capability;
	uint64_t link_speed; /* bits per second */
	bool ipv6;
	uint8_t address[16]; /* network order; the first 4 for IPv4 */
	uint32_t scope_id;   /* IPv6 */
};
/* The same contract as dir_info_append: 8-aligned, linked, false with w as it was when it does not fit. */
bool fsctl_network_interface_append(struct wr *w, const struct fsctl_network_interface *i, size_t *last);
/* Calls fn for each entry of a known family; stops early when fn returns false. False if malformed. */
bool fsctl_network_interface_walk(
	struct bytes in, bool (*fn)(void *arg, const struct fsctl_network_interface *i), void *arg);

enum { FSCTL_RESUME_KEY_SIZE = 24, FSCTL_RESUME_KEY_RSP_SIZE = 32 };
struct fsctl_resume_key_rsp {
	uint8_t key[FSCTL_RESUME_KEY_SIZE];
};

enum { FSCTL_COPYCHUNK_REQ_FIXED_SIZE = 32, FSCTL_COPYCHUNK_CHUNK_SIZE = 24, FSCTL_COPYCHUNK_RSP_SIZE = 12 };
struct fsctl_copychunk_req {
	uint8_t source_key[FSCTL_RESUME_KEY_SIZE];
	uint32_t chunk_count; /* every chunk is inside the message; the caller judges their number */
	struct bytes chunks;  /* 24 bytes each: fsctl_copychunk_chunk_decode */
};
struct fsctl_copychunk_chunk {
	uint64_t source_offset, target_offset;
	uint32_t length;
};
bool fsctl_copychunk_chunk_decode(struct rd *r, struct fsctl_copychunk_chunk *out);
void fsctl_copychunk_chunk_encode(struct wr *w, const struct fsctl_copychunk_chunk *c);

/* With STATUS_INVALID_PARAMETER the three carry the server's limits: chunks, bytes a chunk, bytes in all. */
struct fsctl_copychunk_rsp {
	uint32_t chunks_written, chunk_bytes_written, total_bytes_written;
};

/* An empty input means true, [MS-FSCC] 2.3.64. */
struct fsctl_set_sparse_req {
	bool sparse;
};

/* [offset, beyond_final_zero); the caller checks the order and the signs. */
struct fsctl_set_zero_data_req {
	uint64_t offset, beyond_final_zero;
};

/* FSCTL_QUERY_ALLOCATED_RANGES: the input is one range, the output an array of them. */
enum { FSCTL_FILE_RANGE_SIZE = 16 };
struct fsctl_file_range {
	uint64_t offset, length;
};

/* [MS-FSCC] 2.1.3.1 */
enum { FSCTL_OBJECT_ID_RSP_SIZE = 64 };
struct fsctl_object_id_rsp {
	uint8_t object_id[16], birth_volume_id[16], birth_object_id[16], domain_id[16];
};

enum { FSCTL_ENUMERATE_SNAPSHOTS_RSP_MIN_SIZE = 16 };
struct fsctl_enumerate_snapshots_rsp {
	uint32_t count;          /* that exist */
	uint32_t returned_count; /* that are in `names` */
	uint32_t array_size;     /* bytes that `names` takes, or would take had they fitted */
	struct bytes names;      /* UTF-16LE @GMT tokens, each with a terminator, and one more at the end */
};

enum { FSCTL_PIPE_WAIT_REQ_FIXED_SIZE = 14 };
struct fsctl_pipe_wait_req {
	uint64_t timeout; /* units of 100 ms, as [MS-FSCC] 2.3.49 has it */
	bool timeout_specified;
	struct bytes name; /* UTF-16LE, without "\pipe\" */
};

#define FSCTL_CODEC(X)                                                                                        \
	bool X##_decode(struct bytes in, struct X *out);                                                      \
	void X##_encode(struct wr *w, const struct X *in)
FSCTL_CODEC(fsctl_validate_negotiate_req);
FSCTL_CODEC(fsctl_validate_negotiate_rsp);
FSCTL_CODEC(fsctl_resume_key_rsp);
FSCTL_CODEC(fsctl_copychunk_req);
FSCTL_CODEC(fsctl_copychunk_rsp);
FSCTL_CODEC(fsctl_set_sparse_req);
FSCTL_CODEC(fsctl_set_zero_data_req);
FSCTL_CODEC(fsctl_file_range);
FSCTL_CODEC(fsctl_object_id_rsp);
FSCTL_CODEC(fsctl_enumerate_snapshots_rsp);
FSCTL_CODEC(fsctl_pipe_wait_req);
#undef FSCTL_CODEC

#endif
