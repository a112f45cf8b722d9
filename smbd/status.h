/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_STATUS_H
#define SMBD_STATUS_H

#include "smbd/server.h"

/* What the server is doing, for daxsmbctl status. Allocated under mem; main thread. */
char *status_json(TALLOC_CTX *mem, struct server *s);
char *status_text(TALLOC_CTX *mem, struct server *s);

/* status_grant.c: appended to what is there already. */
char *status_grants_json(char *out, struct server *s);
char *status_grants_text(char *out, struct server *s);

/* A JSON string, quotes included. */
char *status_quoted(TALLOC_CTX *mem, const char *s);

#endif
