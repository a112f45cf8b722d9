/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_IWARP_H
#define RDMA_IWARP_H

#include "rdma/rdma.h"

/*
 * iWARP in software: MPA (RFC 5044, RFC 6581), DDP (RFC 5041), RDMAP (RFC 5040) over a TCP socket. It needs no RDMA hardware and no
 * kernel module, and talks to those that have them.
 *
 * fd: a connected TCP socket, taken at once, made non-blocking. initiator: the side that connected sends the MPA request. The
 * connection is a talloc child of mem; freeing it is rdma_close. NULL: memory is short, the socket is closed.
 */
struct rdma_conn *iwarp_start(TALLOC_CTX *mem, struct tevent_context *ev, int fd, bool initiator,
	const struct rdma_params *p);

#endif
