/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_USER_H
#define SMBD_USER_H

#include "smbd/server.h"
#include "vfs/vfs.h"

/* These ask the name service: they may block and belong on a worker. */

/*
 * The fs identity of a Unix account with its groups; an unprivileged daemon has only its own. One ref; NULL: no such
 * account.
 */
struct vfs_cred *user_cred(const struct server *s, const char *account);

/* Whether the account is in a list as smb.conf(5) writes it: names, @group, +group, &group; "*" stands for everybody. */
bool user_in_list(const char *account, const char *const *list);

/* A copy of c with another primary group (smb.conf's `force group`); NULL: no such group. */
struct vfs_cred *user_cred_with_group(const struct vfs_cred *c, const char *group);

/* The account's home directory, allocated under mem, or NULL. */
char *user_home(TALLOC_CTX *mem, const char *account);

#endif
