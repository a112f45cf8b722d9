/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

/*
 * smb.conf, read once into an immutable snapshot that any thread may read. Parameters are rows of
 * conf/params.def: P_<NAME> is the enumerator of a row.
 */
enum conf_param {
#define PARAM(id, ...) P_##id,
#include "conf/params.def"
#undef PARAM
	P_COUNT
};

/* conf_int() of P_SERVER_SIGNING and of P_SMB_ENCRYPT. That of P_MAP_TO_GUEST counts as auth.h does; dialects are
 * 0x0202 and so on. */
enum conf_signing { CONF_SIGNING_DEFAULT, CONF_SIGNING_AUTO, CONF_SIGNING_MANDATORY, CONF_SIGNING_DISABLED };
enum conf_encrypt { CONF_ENCRYPT_OFF, CONF_ENCRYPT_IF_REQUIRED, CONF_ENCRYPT_DESIRED, CONF_ENCRYPT_REQUIRED };
/* Those of P_PMEM_DURABILITY, P_PMEM_MAPPED_IO and P_PMEM_GUARD count as vfs.h and guard.h do. */
enum conf_durability { CONF_DURABILITY_AUTO, CONF_DURABILITY_VISIBLE, CONF_DURABILITY_FLUSHED, CONF_DURABILITY_PERSISTENT };
enum conf_mapped { CONF_MAPPED_AUTO, CONF_MAPPED_NO, CONF_MAPPED_YES };
enum conf_guard { CONF_GUARD_AUTO, CONF_GUARD_FANOTIFY, CONF_GUARD_LEASE, CONF_GUARD_EXCLUSIVE };

struct conf;
struct conf_section; /* [global] or one share */

/* What was found while reading: printed by the checker and logged by the daemon. */
enum conf_severity { CONF_NOTE, CONF_WARNING, CONF_ERROR }; /* an ERROR refuses the start */
struct conf_message {
	enum conf_severity severity;
	const char *file;
	unsigned line;
	const char *parameter;
	const char *text; /* what was expected, the nearest known name, ... */
};

/* NULL only if the file cannot be read or memory is short (then *error, under mem, says why). */
struct conf *conf_load(TALLOC_CTX *mem, const char *path, const char **error);
/* The same from memory; `name` stands for the file in messages, and an include is an error. */
struct conf *conf_parse(TALLOC_CTX *mem, const char *text, size_t len, const char *name, const char **error);
size_t conf_messages(const struct conf *c, const struct conf_message **out);
bool conf_has_errors(const struct conf *c);

const struct conf_section *conf_global(const struct conf *c);
/* Shares in the order of the file, without [global] and [homes]. */
size_t conf_share_count(const struct conf *c);
const struct conf_section *conf_share(const struct conf *c, size_t i);
/* By name without regard to case, or NULL. */
const struct conf_section *conf_find_share(const struct conf *c, const char *name);
const struct conf_section *conf_homes(const struct conf *c); /* or NULL */
/* The section of that name, [homes] too, or NULL: what another snapshot has in a section's place. */
const struct conf_section *conf_find_section(const struct conf *c, const char *name);
const char *conf_section_name(const struct conf_section *s);

/* Values: of the section, else of [global], else the default. The accessor must match the row's type. */
/* conf_bool is also right for numbers (not 0); P_NETBIOS_NAME is never empty. */
bool conf_bool(const struct conf_section *s, enum conf_param p);
int64_t conf_int(const struct conf_section *s, enum conf_param p); /* also enums, octal modes, sizes */
const char *conf_str(const struct conf_section *s, enum conf_param p); /* "" when unset */
const char *const *conf_list(const struct conf_section *s, enum conf_param p); /* NULL-terminated */

/* What % variables stand for; NULL members stay as they are. */
struct conf_vars {
	const char *user;        /* %U %u */
	const char *group;       /* %G %g */
	const char *home;        /* %H */
	const char *client_name; /* %m */
	const char *client_addr; /* %I %i */
	const char *service;     /* %S */
	const char *path;        /* %P */
	const char *server_name; /* %L */
};
/* %h, %v, %d, %T, %% are known without help. Allocated under mem. */
char *conf_expand(TALLOC_CTX *mem, const char *text, const struct conf_vars *v);

/* The password file: of `passdb backend`, `smb passwd file`, or in the private dir. Lives as long as c. NULL if the
 * file's settings are in error. */
const char *conf_smbpasswd_path(const struct conf *c);

/* Rows of the table, for those who list it. */
const char *conf_param_name(enum conf_param p);
bool conf_is_honoured(enum conf_param p); /* or mapped */
bool conf_is_global(enum conf_param p);   /* of [global] only */
bool conf_is_set(const struct conf_section *s, enum conf_param p); /* in this section itself */
/* The value as one would write it; allocated under mem. */
char *conf_show(TALLOC_CTX *mem, const struct conf_section *s, enum conf_param p);

/* The file that is read when none is named. */
const char *conf_default_path(void);

#endif
