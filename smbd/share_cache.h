/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_SHARE_CACHE_H
#define SMBD_SHARE_CACHE_H

#include "conf/conf.h"
#include "vfs/guard.h"
#include "vfs/vfs.h"

/*
 * Opened share roots, so that a tree connect costs no descriptor of its own. Bounded; any thread (own lock); may block. A
 * root that has been replaced on disk is opened anew.
 */
struct share_cache;
struct share_cache *share_cache_new(TALLOC_CTX *mem);

/*
 * vfs_share_open, or what it gave before for the same section, root and read_only; and the guard of its files, if they are mapped
 * and one is to be had, else NULL. One ref in each; 0 or -errno. generation: of the settings that the section is of; of others
 * nothing is used.
 */
int share_cache_open(struct share_cache *c, uint64_t generation, const struct conf_section *section, const char *root,
	const struct vfs_share_options *o, struct vfs_share **out, struct vfs_guard **guard);

/* conf holds from now on: shares that are not in it are kept no longer, nor what is opened for an older generation. */
void share_cache_prune(struct share_cache *c, uint64_t generation, const struct conf *conf);

/* What is kept of a share. guard: of its files, if they are mapped; NULL: there is none, and no_guard says why. */
struct share_facts {
	const char *name;
	struct vfs_share *share;
	struct vfs_guard *guard;
	const char *no_guard;
};
/* Calls fn for each share that is kept open; not for long: within the lock. */
void share_cache_each(struct share_cache *c, void (*fn)(void *arg, const struct share_facts *f), void *arg);

#endif
