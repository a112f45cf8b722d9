/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_OPLOCK_H
#define SMBD_OPLOCK_H

#include "core/reactor.h"
#include "wire/smb2.h"

/* node_break_sink: tells the holder. */
void oplock_send_break(struct reactor *self, uint64_t session_id, struct smb2_file_id id, uint8_t new_level);

#endif
