/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_RDMA_BUFFER_H
#define CLIENT_RDMA_BUFFER_H

#include "client/conn.h"
#include "rdma/rdma.h"
#include "wire/smbdirect.h"

/*
 * Memory of a READ or WRITE that the server fills or fetches by RDMA, [MS-SMB2] 3.2.4.6 and 3.2.4.7. It is
 * registered until the request ends, however it ends: then nothing of the server touches it any more.
 */
struct rdma_buffer {
	struct transport *transport; /* NULL: not registered any more */
	struct rdma_target target;
	uint8_t descriptor[SMBDIRECT_DESCRIPTOR_SIZE];
};

/* Shorter payloads travel in the message: to place them by RDMA costs more at both ends. */
enum { RDMA_BUFFER_MIN = 32768 };

/* Whether requests of a tree may have such memory: neither signed nor encrypted, 3.x, and RDMA. */
bool rdma_buffer_allowed(const struct daxsmb_tree *t);

/*
 * base NULL: memory of its own. rights: RDMA_REMOTE_*. NULL where it is not allowed, the length does not
 * suit, or it cannot be registered: the payload then travels in the message.
 */
struct rdma_buffer *rdma_buffer_new(
	TALLOC_CTX *mem, const struct daxsmb_tree *t, const uint8_t *base, size_t len, unsigned rights);

/* Channel and ChannelInfo of the request. */
uint32_t rdma_buffer_channel(const struct daxsmb_conn *c);
struct bytes rdma_buffer_descriptors(const struct rdma_buffer *b);

/* The memory is the owner's alone again. Twice is harmless. */
void rdma_buffer_end(struct rdma_buffer *b);

#endif
