/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_ACCOUNT_H
#define AUTH_ACCOUNT_H

#include "auth/auth.h"

/* Whom a client means: the username map, then the password file. */
struct account {
	const char *name; /* Unix name, in the spelling of the password file if it is there */
	uint8_t nt_hash[16];
	bool known;        /* is in the password file */
	bool has_password; /* nt_hash means something */
	bool disabled;
};

/* 0 also for an unknown user; -errno if it cannot be found out. Strings under mem. Wipe nt_hash after use. */
int account_find(TALLOC_CTX *mem, const struct auth_policy *policy, const char *client_name,
	const char *domain, struct account *out);

/* smb.conf(5) `username map`: what the file makes of a client's name. NULL only if memory is short. */
const char *username_map_apply(TALLOC_CTX *mem, const char *path, const char *name, const char *domain);

#endif
