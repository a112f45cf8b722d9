/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_DIRECT_COPY_H
#define CLIENT_DIRECT_COPY_H

#include "client/cli.h"
#include "client/daxsmb_pmem.h"
#include "client/progress.h"

/*
 * Bytes between a descriptor and a region, a window at a time: cli->depth blocks of cli->block. Each runs the
 * event loop until it is done. A local error: *local is the -errno, and the status STATUS_UNSUCCESSFUL.
 */
struct direct_copy {
	struct cli *cli;
	struct daxsmb_region *region;
	int fd;
	struct progress *progress; /* NULL: none is shown */
	uint64_t done;             /* bytes */
	bool end;                  /* of the input */
	int local;
};

/* All of the region to fd. */
ntstatus_t direct_copy_out(struct direct_copy *c);
/* fd to the region until the input or the region ends. Each window is committed before the next is read. */
ntstatus_t direct_copy_in(struct direct_copy *c);

/* The command's access to direct memory; made when first asked for. */
struct daxsmb_direct *cli_direct(struct cli *cli);

/* Makes the file so long. */
ntstatus_t direct_set_size(struct cli *cli, struct daxsmb_file *f, uint64_t size);

/* Whole files; as transfer_get and transfer_put. */
ntstatus_t direct_get(struct cli *cli, const char *path, int fd, const char *label, int *local);
ntstatus_t direct_put(struct cli *cli, int fd, const char *path, const char *label, int *local);

#endif
