/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_PATH_H
#define CLIENT_PATH_H

#include "core/bytes.h"

#include <talloc.h>

/* A path with / or \ between names, as the server wants it: backslashes, none at the ends, none doubled. */
char *client_path_normalize(TALLOC_CTX *mem, const char *path);
/* The same in UTF-16LE; data NULL if it is not UTF-8 or memory is short. */
struct bytes client_path_to_wire(TALLOC_CTX *mem, const char *path);
/* dir\name */
char *client_path_join(TALLOC_CTX *mem, const char *dir, const char *name);
/* What is behind the last backslash. */
const char *client_path_last(const char *path);

#endif
