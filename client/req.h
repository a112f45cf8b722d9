/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_REQ_H
#define CLIENT_REQ_H

#include "core/status.h"

#include <tevent.h>

/* How a request ended: errors of requests in this room are NTSTATUS. */
static inline ntstatus_t req_status(struct tevent_req *req)
{
	enum tevent_req_state state;
	uint64_t err;

	if (!tevent_req_is_error(req, &state, &err))
		return STATUS_SUCCESS;
	switch (state) {
	case TEVENT_REQ_USER_ERROR:
		return (ntstatus_t)err;
	case TEVENT_REQ_TIMED_OUT:
		return STATUS_IO_TIMEOUT;
	default:
		return STATUS_NO_MEMORY;
	}
}

/* Ends req with an error; false when there was none. */
static inline bool req_failed(struct tevent_req *req, ntstatus_t status)
{
	return tevent_req_error(req, status);
}

#endif
