/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_FRAME_H
#define SMBD_FRAME_H

#include "smbd/conn.h"

/*
 * A frame without its length prefix: SMB1 negotiate, SMB2 chain, or transformed (encrypted) chain. data is writable
 * and is decrypted in place. owned: the buffer that data lies in, now the callee's, or NULL if borrowed. The
 * connection may be closed by it.
 */
void frame_receive(struct conn *c, uint8_t *data, size_t len, struct iobuf *owned);

/*
 * The other reactor that must see this frame: a NEGOTIATE goes to the one that the client's GUID names. So all
 * connections of a client, which may become channels of one session, meet on one reactor. NULL: this one.
 */
struct reactor *frame_wants_reactor(struct conn *c, struct bytes frame);

#endif
