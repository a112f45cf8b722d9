/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef WIRE_SMBDIRECT_H
#define WIRE_SMBDIRECT_H

#include "core/status.h"
#include "wire/cursor.h"

/* SMB Direct messages, [MS-SMBD] 2.2, and the buffer descriptors of READ and WRITE. Decoders: false if malformed. */

enum {
	SMBDIRECT_VERSION_1_0 = 0x0100,
	SMBDIRECT_NEGOTIATE_REQ_SIZE = 20,
	SMBDIRECT_NEGOTIATE_RSP_SIZE = 32,
	SMBDIRECT_DATA_HEADER_SIZE = 20, /* without the padding before the data */
	SMBDIRECT_RESPONSE_REQUESTED = 1,
};

struct smbdirect_negotiate_req { /* 2.2.1 */
	uint16_t min_version, max_version;
	uint16_t credits_requested;
	uint32_t preferred_send_size, max_receive_size, max_fragmented_size;
};

struct smbdirect_negotiate_rsp { /* 2.2.2 */
	uint16_t min_version, max_version, negotiated_version;
	uint16_t credits_requested, credits_granted;
	ntstatus_t status;
	uint32_t max_read_write_size, preferred_send_size, max_receive_size, max_fragmented_size;
};

struct smbdirect_data { /* 2.2.3 */
	uint16_t credits_requested, credits_granted;
	uint16_t flags; /* SMBDIRECT_RESPONSE_REQUESTED */
	uint32_t remaining_data_length;
	struct bytes data; /* decode: borrowed. Encode writes the header and padding; the caller sends it behind. */
};

bool smbdirect_negotiate_req_decode(struct rd *r, struct smbdirect_negotiate_req *out);
void smbdirect_negotiate_req_encode(struct wr *w, const struct smbdirect_negotiate_req *in);
bool smbdirect_negotiate_rsp_decode(struct rd *r, struct smbdirect_negotiate_rsp *out);
void smbdirect_negotiate_rsp_encode(struct wr *w, const struct smbdirect_negotiate_rsp *in);
bool smbdirect_data_decode(struct rd *r, struct smbdirect_data *out);
void smbdirect_data_encode(struct wr *w, const struct smbdirect_data *in);

/* SMB_DIRECT_BUFFER_DESCRIPTOR_V1, 2.2.3.1. */
struct smbdirect_descriptor {
	uint64_t offset;
	uint32_t token, length;
};
enum { SMBDIRECT_DESCRIPTOR_SIZE = 16, SMBDIRECT_MAX_DESCRIPTORS = 64 };

/* Reads a ChannelInfo of whole descriptors, 1 to SMBDIRECT_MAX_DESCRIPTORS; false: it is none. */
bool smbdirect_descriptors_decode(struct bytes in, struct smbdirect_descriptor *out, unsigned *n);
void smbdirect_descriptor_encode(struct wr *w, const struct smbdirect_descriptor *in);

#endif
