/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include "conf/conf.h"

/* conf/params.def as data. Names compare without regard to case and blanks. For conf/ alone. */

enum conf_type {
	CONF_TYPE_BOOL,
	CONF_TYPE_INT,
	CONF_TYPE_BYTES,
	CONF_TYPE_OCTAL,
	CONF_TYPE_STRING,
	CONF_TYPE_WORDS,
	CONF_TYPE_SLASHED,
	/* from here on: sets of VALUE rows */
	CONF_TYPE_DIALECT,
	CONF_TYPE_SIGNING,
	CONF_TYPE_ENCRYPT,
	CONF_TYPE_NTLM,
	CONF_TYPE_MAP_TO_GUEST,
	CONF_TYPE_INHERIT_OWNER,
	CONF_TYPE_CASE,
	CONF_TYPE_UTF8,
	CONF_TYPE_ROLE,
	CONF_TYPE_SECURITY,
	CONF_TYPE_CONFIG_BACKEND,
	CONF_TYPE_DURABILITY,
	CONF_TYPE_MAPPED_IO,
	CONF_TYPE_GUARD,
};

enum conf_scope { CONF_SCOPE_GLOBAL, CONF_SCOPE_SHARE };
enum conf_class { CONF_CLASS_HONOURED, CONF_CLASS_MAPPED, CONF_CLASS_HARMLESS, CONF_CLASS_REFUSED };

struct conf_row {
	const char *name;
	enum conf_type type;
	enum conf_scope scope;
	const char *initial;
	enum conf_class class;
	const char *doc;
};

struct conf_value_row {
	enum conf_type type;
	const char *name;
	int64_t number;
	enum conf_class class;
	const char *doc;
};

struct conf_module_row {
	const char *name;
	enum conf_class class;
	const char *doc;
};

/* The text of a value and what it means in its row's type. */
struct conf_value {
	const char *text;
	int64_t number;
	const char *const *list;
	const struct conf_value_row *named; /* of a set of VALUE rows */
};

const struct conf_row *conf_row(enum conf_param p);
/* False if nothing has this name. */
bool conf_lookup(const char *name, enum conf_param *p, bool *inverted);
/* What becomes of names that begin like this one, or NULL. */
const char *conf_family(const char *name);
const struct conf_module_row *conf_module(const char *name);
/* The known name with the fewest differences, or NULL if none is near. */
const char *conf_nearest(const char *name);
bool conf_name_equal(const char *a, const char *b);

/* Fills *out with memory under mem, or says in *expected what the value should have been. NULL *expected: no
 * memory. */
bool conf_value_read(
	TALLOC_CTX *mem, enum conf_param p, const char *text, struct conf_value *out, const char **expected);
/* Yes and no swapped: for inverted synonyms. NULL if it is neither. */
const char *conf_invert(const char *text);

#endif
