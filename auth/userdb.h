/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef AUTH_USERDB_H
#define AUTH_USERDB_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/* Users in a file of smbpasswd(5) format, mode 0600. Changes are made in a new file that replaces the old (lock held). */
struct userdb_entry {
	const char *name;
	uint32_t uid;
	uint8_t nt_hash[16];
	bool has_password, disabled, no_password_required;
	int64_t last_change; /* seconds since 1970 */
};

void nt_hash(const char *password_utf8, uint8_t out[16]); /* MD4 of the UTF-16LE form */

/* 0, -ENOENT (no such user; a missing file has no users), -errno. Names compare without regard to case. */
int userdb_find(TALLOC_CTX *mem, const char *path, const char *name, struct userdb_entry *out);
int userdb_list(const char *path, int (*fn)(void *arg, const struct userdb_entry *e), void *arg);
/* Adds (-EEXIST if there) or with replace sets the password of (-ENOENT if not there) a user. */
int userdb_set(const char *path, const char *name, uint32_t uid, const char *password, bool replace);
int userdb_delete(const char *path, const char *name);
/* Locks an account out (or in again) without touching its password. */
int userdb_disable(const char *path, const char *name, bool disabled);

#endif
