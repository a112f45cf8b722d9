/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_PIPE_H
#define SMBD_PIPE_H

#include "smbd/req.h"

/* Opens of IPC$: READ, WRITE and FSCTL_PIPE_TRANSCEIVE on smbd/rpc.h. Each completes the element. */
void pipe_read(struct req *r, const struct smb2_read_req *q);
void pipe_write(struct req *r, struct bytes data);
void pipe_transceive(struct req *r, const struct smb2_ioctl_req *q);

#endif
