/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "core/bytes.h"
#include "core/status.h"

#include <talloc.h>

/* SPNEGO with NTLMSSP inside, or bare NTLMSSP, as a machine that eats and makes tokens. [MS-SPNG], [MS-NLMP]. */

enum map_to_guest { MAP_TO_GUEST_NEVER, MAP_TO_GUEST_BAD_USER, MAP_TO_GUEST_BAD_PASSWORD };

/* A copy of what the server's configuration says; must outlive the exchanges that use it. Immutable. */
struct auth_policy {
	const char *netbios_name;
	const char *dns_name;
	const char *workgroup;
	const char *smbpasswd_path;
	const char *guest_account;   /* Unix name */
	enum map_to_guest map_to_guest;
	bool allow_anonymous;        /* null sessions: IPC$ and guest shares */
	const char *username_map_path; /* NULL: none */
};

struct auth_result {
	const char *user;    /* Unix account name */
	const char *client_name; /* the name as the client sent it */
	const char *domain;
	const char *workstation;
	bool guest, anonymous;
	uint8_t session_key[16]; /* all zero for guest and anonymous */
};

struct auth_server; /* one exchange; one thread */

/* The token that NEGOTIATE carries (NegTokenInit2 hint). Allocated under mem. */
struct bytes auth_server_hint(TALLOC_CTX *mem);

struct auth_server *auth_server_new(TALLOC_CTX *mem, const struct auth_policy *policy, bool signing_required);

/*
 * One step. *out is allocated under the exchange and may be empty. STATUS_MORE_PROCESSING_REQUIRED, STATUS_SUCCESS (then
 * auth_server_result), or the error for the client. With signing_required nobody unknown becomes a guest.
 * Reads the password file: may block.
 */
ntstatus_t auth_server_step(struct auth_server *a, struct bytes in, struct bytes *out);
/* Owned by a. After a failure the names are those that the client sent, or NULL if it did not get that far. */
const struct auth_result *auth_server_result(const struct auth_server *a);

struct auth_client; /* one exchange; one thread */

/* user "" is anonymous. Strings are copied. */
struct auth_client *auth_client_new(TALLOC_CTX *mem, const char *user, const char *domain, const char *password,
	const char *target_host);
/* in: the server's NEGOTIATE token at first, then its answers. *out is allocated under the exchange. */
ntstatus_t auth_client_step(struct auth_client *a, struct bytes in, struct bytes *out);
const uint8_t *auth_client_session_key(const struct auth_client *a); /* 16 bytes, after success */

/* The delay before a failed log-on is answered: grows with recent failures from an address and for a user. */
struct auth_throttle;
struct auth_throttle *auth_throttle_new(TALLOC_CTX *mem); /* shared by threads, bounded memory */
/*
 * Records an outcome and returns milliseconds to wait before answering (0 after a success). user: the client's name for
 * itself, or NULL if the exchange did not get that far. now_ns: monotonic.
 */
unsigned auth_throttle_record(struct auth_throttle *t, const char *address, const char *user, bool success,
	uint64_t now_ns);

#endif
