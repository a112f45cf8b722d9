/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_BIND_H
#define SMBD_BIND_H

#include "smbd/req.h"

/* Whether a connection may become a further channel of a session, [MS-SMB2] 3.3.5.5.2. */

/* What counts of the connection. */
struct bind_facts {
	uint16_t dialect, cipher, signing_algorithm;
	uint8_t client_guid[16];
	bool multi_channel;
};
struct bind_facts bind_facts_of(const struct conn *c);

/* Pure. s NULL: there is no such session. */
ntstatus_t bind_check(const struct bind_facts *f, const struct session *s, bool is_signed);

/*
 * A SESSION_SETUP names a session of another reactor: its client is another one, so the answer is an error. Which one,
 * and the key that signs it, that reactor knows. Parks and completes the element.
 */
void bind_ask_elsewhere(struct req *r, bool binding);

#endif
