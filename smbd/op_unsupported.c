/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/req.h"

/* Byte-range locks and change notification: answered as by a server without them. */

void op_lock(struct req *r, struct rd *body)
{
	struct smb2_lock_req q;

	/* [MS-SMB2] 3.3.5.14: no element is an error of the client */
	req_error(r, !smb2_lock_req_decode(body, &q) || !q.lock_count ? STATUS_INVALID_PARAMETER : STATUS_NOT_SUPPORTED);
}

void op_change_notify(struct req *r, struct rd *body)
{
	struct smb2_change_notify_req q;

	/* [MS-SMB2] 3.3.5.19: only a directory can be watched; an object store that cannot watch says so */
	if (!smb2_change_notify_req_decode(body, &q) || !r->open->directory)
		req_error(r, STATUS_INVALID_PARAMETER);
	else
		req_error(r, STATUS_NOT_SUPPORTED);
}
