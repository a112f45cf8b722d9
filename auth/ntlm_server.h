/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_NTLM_SERVER_H
#define AUTH_NTLM_SERVER_H

#include "auth/auth.h"

/* The server's half of NTLMSSP alone, without SPNEGO around it. */
struct ntlm_server;

struct ntlm_server *ntlm_server_new(TALLOC_CTX *mem, const struct auth_policy *policy, bool signing_required);

/* NEGOTIATE in, CHALLENGE out (MORE_PROCESSING_REQUIRED); AUTHENTICATE in, nothing out. *out is under s. */
ntstatus_t ntlm_server_step(struct ntlm_server *s, struct bytes in, struct bytes *out);

const struct auth_result *ntlm_server_result(const struct ntlm_server *s); /* after success */

/* The signature of the first message of a direction; false if both sides share no key (guests). */
bool ntlm_server_sign(const struct ntlm_server *s, bool from_server, struct bytes message, uint8_t out[16]);

#endif
