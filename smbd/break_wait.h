/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_BREAK_WAIT_H
#define SMBD_BREAK_WAIT_H

#include "smbd/node.h"
#include "smbd/req.h"

/* A request that waits for the answer to a break: its waiter for node_open and the node_check_* ... */
struct node_waiter break_waiter(const struct req *r);
/*
 * ... and, after STATUS_PENDING: r is parked until it is woken, and then goes on with `next`. Where it cannot be parked it
 * ends as in a conflict of share modes.
 */
void break_wait(struct req *r, struct call *next);

#endif
