/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_LISTEN_H
#define SMBD_LISTEN_H

#include "smbd/server.h"

/* Ports given on the command line; 0: as smb.conf says, but no SMB Direct beside an smb port that was given. */
struct listen_ports {
	unsigned smb, rdma;
};

/* Opens the listening sockets, and sets s->rdma_listening. 0 or -errno. Main thread, before the reactors. */
struct listener;
int listen_open(TALLOC_CTX *mem, struct server *s, const struct listen_ports *ports, struct listener **out);

/* Starts to accept, on reactor 0, which owns the counts per address. Main thread. */
void listen_start(struct listener *l);
/* Stops accepting and closes the sockets. Reactor 0. */
void listen_stop(struct server *s);

/* A connection from this address is gone: its place is free again. Any reactor. */
void listen_connection_ended(struct server *s, const char *peer);

/* "127.0.0.1:4450 127.0.0.1:5445/iwarp ...", for the readiness line. */
const char *listen_describe(const struct listener *l);

#endif
