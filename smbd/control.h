/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_CONTROL_H
#define SMBD_CONTROL_H

#include "smbd/server.h"

/*
 * The control socket that daxsmbctl speaks to: "<pid directory>/daxsmbd.ctl", one request line, an answer, end. Only root
 * and the daemon's own user may connect. Main thread.
 */

/* The listening socket or -errno. *path is allocated under mem. */
int control_open(TALLOC_CTX *mem, const struct server *s, char **path);

/* Takes one client of the listening socket. A client that asked to stop is kept: its connection's end tells it that the
 * process is gone. */
void control_serve(struct server *s, int listen_fd);

/* Runs fn on each reactor's thread in turn and waits. */
void server_each_local(struct server *s, void (*fn)(struct local *l, void *arg), void *arg);

#endif
