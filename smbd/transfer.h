/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_TRANSFER_H
#define SMBD_TRANSFER_H

#include "rdma/rdma.h"
#include "smbd/req.h"

/*
 * The payload of a READ or WRITE between local memory and the client's, by the RDMA descriptors of the request ([MS-SMB2] 2.2.19,
 * 2.2.21 ChannelInfo).
 *
 *   owner      the call or request that made it (talloc); while it is under way, the connection
 *   memory     a window of the file's mapping, or a buffer
 *   ended by   its request; or by the connection, which ends the RDMA works first
 */
struct transfer;

/* Whether the request may name a channel here, and is well-formed; *out, a child of r, only on success. len: of the payload. */
ntstatus_t transfer_new(struct req *r, uint32_t channel, struct bytes channel_info, size_t len, struct transfer **out);

/* Chooses the memory: the file's mapping if it has one that covers the payload (VFS_READ: what there is of it). */
ntstatus_t transfer_memory(struct req *r, struct transfer *t, struct vfs_file *file, uint64_t offset, unsigned access);

uint8_t *transfer_data(const struct transfer *t);
/* As it was asked for; what there is in the file's window; what was moved. */
size_t transfer_len(const struct transfer *t);
/* The window that the memory is, or NULL. */
struct vfs_window *transfer_window(struct transfer *t);

/*
 * Moves the first len bytes into the client's memory or out of it. The request is parked meanwhile. done:
 * with session, tree and open found again; it completes or parks the element; t is a child of r. False: memory is short.
 */
enum transfer_way { TRANSFER_PUSH, TRANSFER_PULL }; /* RDMA Write, RDMA Read */
typedef void (*transfer_done_fn)(struct req *r, struct transfer *t, int error);
bool transfer_start(
	struct req *r, struct transfer *t, size_t len, enum transfer_way way, transfer_done_fn done);

#endif
