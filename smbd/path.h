/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_PATH_H
#define SMBD_PATH_H

#include "core/bytes.h"
#include "core/status.h"

#include <talloc.h>

/*
 * A name from the wire (UTF-16LE, '\' between components) as the vfs takes it (UTF-8, '/'), allocated under mem. Checked
 * by the rules of [MS-FSCC] 2.1.5; a trailing "::$DATA" is dropped, another stream name is OBJECT_NAME_INVALID.
 */
ntstatus_t path_from_wire(TALLOC_CTX *mem, struct bytes name, char **path);

/* Checks a UTF-8 name with '\' and turns it into a path in place. */
ntstatus_t path_normalize(char *name);

/* "a/b" as clients see it: "\a\b" (leading) or "a\b". Allocated under mem. */
char *path_to_wire(TALLOC_CTX *mem, const char *path, bool leading);

#endif
