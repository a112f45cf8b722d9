/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_TRANSFER_H
#define CLIENT_TRANSFER_H

#include "client/cli.h"

enum { TRANSFER_DEPTH = 16 };

/*
 * Whole files, in either direction, with cli->depth requests in flight. Each runs the event loop until it
 * is done. Errors of the local file are reported as well: *local is then the -errno and the status
 * STATUS_UNSUCCESSFUL.
 */

/* Copies the remote file to fd, in order, from where fd stands. label: for the progress bar. */
ntstatus_t transfer_get(struct cli *cli, const char *path, int fd, const char *label, int *local);

/* Copies fd, to its end, over the remote file, which is made or emptied. */
ntstatus_t transfer_put(struct cli *cli, int fd, const char *path, const char *label, int *local);

#endif
