/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef VFS_POSIX_NAMES_H
#define VFS_POSIX_NAMES_H

#include "core/list.h"
#include "vfs/names.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * Names of a directory without regard to case. To find a name in another case, or to know that there is none
 * before one is created, the whole directory must be read. Of big ones the names are kept, so that filling a
 * folder with n files does not take n * n steps. What is kept holds as long as the directory has the times it
 * was read at. Changes made here are applied to it; one that a local process makes within the same tick of
 * the kernel's clock as such a change can go unnoticed, and then the name is found in its exact case only,
 * for NAMES_TRUST_MS at most.
 */
enum {
	NAMES_KEPT_FROM = 200,   /* entries: reading fewer takes one or two system calls */
	NAMES_KEPT_TO = 1000000, /* in all tables of a share */
	NAMES_TABLES = 32,       /* of a share; the one unused for longest makes room */
	NAMES_TRUST_MS = 1000,
};

struct names {
	pthread_mutex_t lock; /* guards the tables; nothing is waited for while it is held */
	struct list tables;   /* the one used last comes last */
	atomic_uint count;
	size_t total;
	uint64_t last_id;
};

void names_init(struct names *n);
void names_clean(struct names *n);

/* The entry of `dir` (open for reading) that equals `wanted`, a name on disk, but for case. 0, -ENOENT... */
int names_find(struct names *n, int dir, const char *wanted, char out[NAME_DISK_MAX + 1]);

/*
 * Around a change of a directory's names. `dir` may be any descriptor of it. A change that was done and
 * neither removed nor added one name makes what is kept be forgotten.
 */
uint64_t names_begin_change(struct names *n, int dir);
void names_end_change(
	struct names *n, uint64_t change, int dir, bool done, const char *removed, const char *added);

#endif
