/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_RELOAD_H
#define SMBD_RELOAD_H

#include "smbd/server.h"

/* Log file and levels, as configured, or with level instead of that one. NULL; or what is wrong, allocated
 * under mem. */
const char *reload_log(TALLOC_CTX *mem, const struct conf *conf, const char *level);

/*
 * Reads the configuration again and puts it in the place of the one that holds: when this returns each
 * reactor has it, and direct grants that it does not permit are fenced. NULL; or why the old one stays,
 * allocated under mem, which the log says, too. *no_log: why the log is not as configured, likewise. Main thread.
 */
const char *reload(TALLOC_CTX *mem, struct server *s, const char **no_log);

#endif
