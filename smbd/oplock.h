/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_OPLOCK_H
#define SMBD_OPLOCK_H

#include "smbd/node.h"

/* node_break_sink: tells the client. */
void oplock_send_break(struct reactor *self, const struct node_break *b);

#endif
