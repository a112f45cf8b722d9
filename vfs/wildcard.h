/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_WILDCARD_H
#define VFS_WILDCARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A pattern made ready for many names. Immutable; any thread. */
struct wildcard;

/* NULL only if memory is short. Freed with free(). */
struct wildcard *wildcard_compile(const char *pattern);
bool wildcard_matches(const struct wildcard *w, const char *name);

/* Patterns that name everything, or exactly one name (without regard to case). */
bool wildcard_is_all(const struct wildcard *w);
bool wildcard_is_literal(const struct wildcard *w);

/* Whether any of a NULL-terminated list of patterns matches; a NULL list matches nothing. */
bool wildcard_any(struct wildcard *const *list, const char *name);

/* A NULL-terminated list from patterns; *out stays NULL for an empty list. 0 or -ENOMEM. */
int wildcard_list_new(const char *const *patterns, struct wildcard ***out);
void wildcard_list_free(struct wildcard **list);

#endif
