/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_CREATE_H
#define SMBD_CREATE_H

#include "smbd/req.h"
#include "wire/create_context.h"

/* What CREATE's parts share: op_create.c (the steps), create_check.c (pure decisions), op_create_pipe.c. */

/* Rules on the request alone, [MS-SMB2] 3.3.5.9. */
ntstatus_t create_check_request(const struct smb2_create_req *q);

/* What a disposition does with a file that exists and one that does not. */
struct create_disposition {
	bool may_open, may_create, overwrites;
	uint32_t existing_action;
};
const struct create_disposition *create_disposition(uint32_t disposition);

/* Generic rights and MAXIMUM_ALLOWED apart: the specific rights that are asked for, [MS-DTYP] 2.4.3. */
uint32_t create_map_generic(uint32_t desired);

/* The data access that a handle needs at the vfs (VFS_READ | VFS_WRITE). */
unsigned create_vfs_access(uint32_t access, bool overwrites);

/* Rules on a file that was there already: its kind, its attributes, [MS-FSA] 2.1.5.1.2. */
ntstatus_t create_check_existing(const struct smb2_create_req *q, uint32_t access, const struct vfs_stat *st);

/* True if the vfs_maximal_access must be known to grant `access`, beyond what the open itself has proved. */
bool create_needs_maximal(uint32_t access);

/* Opens a pipe of IPC$. */
void create_pipe(struct req *r, const struct smb2_create_req *q);

/* Sends the reply for an open that is registered. */
void create_reply(struct req *r, struct open *o, uint32_t action, const struct smb2_create_contexts_rsp *contexts);

#endif
