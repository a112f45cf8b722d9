/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CONF_SNAPSHOT_H
#define CONF_SNAPSHOT_H

#include "conf/table.h"

/*
 * What a snapshot is made of, for conf/ alone. talloc: conf > sections > values. The global section holds the
 * defaults of all rows from the start, so a look-up ends there at the latest.
 */

struct conf_place {
	const char *file;
	unsigned line;
};

struct conf_setting {
	struct conf_value value;
	struct conf_place place;
	bool set; /* in this section itself */
};

struct conf_section {
	struct conf *conf;
	const char *name;
	struct conf_place place;
	bool left_out; /* for printing, without a path, ...: a message has said why */
	struct conf_setting settings[P_COUNT];
};

struct conf {
	struct conf_section *global, *homes;
	struct conf_section **shares;
	size_t share_count;
	struct conf_message *messages;
	size_t message_count;
	bool errors;
	const char *smbpasswd_path;
};

/* Records a message; after the bound is reached only that there is an error is kept. False: no memory. */
bool conf_say(struct conf *c, enum conf_severity severity, struct conf_place at, const char *parameter,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

struct conf_section *conf_section_new(struct conf *c, const char *name, struct conf_place at);
const struct conf_setting *conf_setting(const struct conf_section *s, enum conf_param p);

/* Reads text into the snapshot, includes and all. False: no memory. */
bool conf_read_text(struct conf *c, const char *text, size_t len, const char *name, bool may_include);
/* NULL with *error if the file cannot be read or is too large. */
char *conf_read_file(TALLOC_CTX *mem, const char *path, size_t *len, const char **error);

/* Judges what no single value shows, and settles what follows from several. False: no memory. */
bool conf_apply_rules(struct conf *c);

/* Does the text name a variable that has no value before a client is there? */
bool conf_depends_on_client(const char *text);
/* The text with each such variable replaced by `with`. */
char *conf_replace_client_variables(TALLOC_CTX *mem, const char *text, const char *with);

#endif
