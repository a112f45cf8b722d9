/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_SETUP_H
#define SMBD_SETUP_H

#include "smbd/server.h"

/*
 * What smb.conf says, as the struct server that the reactors share: from a configuration without errors. NULL, and
 * *error under mem, if something it names cannot be had. Main thread.
 */
struct server *server_new(TALLOC_CTX *mem, const struct conf *conf, const char *conf_path, const char **error);

#endif
