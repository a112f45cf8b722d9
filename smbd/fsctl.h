/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_FSCTL_H
#define SMBD_FSCTL_H

#include "smbd/pipe.h"
#include "wire/fsctl.h"

/* Handlers of op_ioctl.c's table. The open, where the row demands one, is r->open. Each completes the element. */
#define FSCTL(name) void fsctl_##name(struct req *r, const struct smb2_ioctl_req *q)
FSCTL(validate_negotiate);
FSCTL(network_interfaces);
FSCTL(pipe_wait);
FSCTL(object_id);
FSCTL(enumerate_snapshots);
FSCTL(set_sparse);
FSCTL(set_zero_data);
FSCTL(query_allocated_ranges);
FSCTL(resume_key);
FSCTL(copychunk);
FSCTL(pmem_map);
FSCTL(pmem_commit);
FSCTL(pmem_unmap);
#undef FSCTL

void fsctl_reply(struct req *r, const struct smb2_ioctl_req *q, ntstatus_t status, struct bytes output);

#endif
