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
 * was read at. Changes made here are announced, and applied to it; one that a local process makes within the
 * same tick of the kernel's clock as such a change can go unnoticed, and then the name is found in its exact
 * case only, until NAMES_TRUST_MS after the last change made here.
 */
enum {
	NAMES_KEPT_FROM = 200,   /* entries: reading fewer takes one or two system calls */
	NAMES_KEPT_TO = 1000000, /* in all tables of a share */
	NAMES_TABLES = 32,       /* of a share; the one unused for longest makes room */
	NAMES_TRUST_MS = 1000,
};

struct names {
	pthread_mutex_t lock; /* guards all below; nothing is waited for while it is held */
	bool off;             /* names are compared exactly: nothing is kept and nothing announced */
	struct list tables;   /* the one used last comes last */
	struct list changes;  /* names_change: begun and not ended */
	struct list readers;  /* reads of directories that are going on */
	unsigned count;
	size_t total;
};

void names_init(struct names *n, bool off);
void names_clean(struct names *n);

/* The entry of `dir` (open for reading) that equals `wanted`, a name on disk, but for case. 0, -ENOENT... */
int names_find(struct names *n, int dir, const char *wanted, char out[NAME_DISK_MAX + 1]);

/* A change of a directory's names, on the stack of whoever makes it. `dir` may be any descriptor of it. */
struct names_change {
	struct list link;
	uint64_t dev, ino;
	int dir;
};
void names_begin_change(struct names *n, struct names_change *c, int dir);
/* One that was done and neither removed nor added one name makes what is kept be forgotten. */
void names_end_change(
	struct names *n, struct names_change *c, bool done, const char *removed, const char *added);

#endif
