/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "smbd/break_wait.h"

static void cancel_wait(struct req *r)
{
	req_enter(r);
	req_error(r, STATUS_CANCELLED);
	req_leave(r);
}

static void wake(struct reactor *self, uint64_t conn_id, uint64_t token)
{
	struct local *l = reactor_user(self);
	struct conn *conn = idtable_get(l->conns, conn_id);
	struct req *r = conn ? req_find(conn, token) : NULL;

	if (!r || r->cancel != cancel_wait || !r->op_state)
		return; /* cancelled, or gone */
	struct call *next = r->op_state;
	r->op_state = NULL;
	r->cancel = NULL;
	req_enter(r);
	if (req_refresh(r))
		req_call(r, next);
	else
		talloc_free(next);
	req_leave(r);
}

struct node_waiter break_waiter(const struct req *r)
{
	return (struct node_waiter){r->local->reactor, wake, r->conn->id, r->hdr.message_id};
}

void break_wait(struct req *r, struct call *next)
{
	r->op_state = next;
	if (!req_pend(r, cancel_wait) && !req_park(r, cancel_wait))
		req_error(r, STATUS_SHARING_VIOLATION);
}
