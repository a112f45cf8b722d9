/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_NEGOTIATE_H
#define SMBD_NEGOTIATE_H

#include "smbd/conn.h"

/* The SMB1 multi-protocol negotiate, [MS-SMB2] 3.3.5.3. False: nothing to offer, the connection is to be closed. */
bool negotiate_smb1(struct conn *c, struct bytes message);

/* The server's capabilities as NEGOTIATE and VALIDATE_NEGOTIATE_INFO state them for a dialect. */
uint32_t negotiate_capabilities(const struct server *s, uint16_t dialect, uint32_t client_capabilities);

/* The highest dialect that both sides speak, or 0. */
uint16_t negotiate_choose(const struct server *s, const uint16_t *dialects, uint16_t count);

#endif
