/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/req.h"

/* Byte-range locks: answered as by a server without them. */

void op_lock(struct req *r, struct rd *body)
{
	struct smb2_lock_req q;

	/* [MS-SMB2] 3.3.5.14: no element is an error of the client */
	req_error(r, !smb2_lock_req_decode(body, &q) || !q.lock_count ? STATUS_INVALID_PARAMETER : STATUS_NOT_SUPPORTED);
}
