/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_SHARE_H
#define SMBD_SHARE_H

#include "smbd/server.h"
#include "vfs/vfs.h"

/* What a log-on may do with a share, found out on a worker for a TREE_CONNECT. */
struct share_request {
	const struct server *server;
	struct settings *settings; /* borrowed */
	const char *name; /* as the client wrote it */
	const char *user;
	const char *peer;
	bool guest, anonymous;
	struct vfs_cred *session_cred; /* borrowed */
};

struct share_grant {
	const struct conf_section *section;
	char *name;             /* as configured; allocated under mem */
	struct vfs_share *vfs;  /* one ref */
	struct vfs_guard *guard; /* one ref; NULL: files cannot be guarded */
	struct vfs_cred *cred;  /* one ref */
	bool read_only, encrypt;
};

/* Policy and opening. May block. On success *out holds refs that the caller drops. */
ntstatus_t share_connect(TALLOC_CTX *mem, const struct share_request *q, struct share_grant *out);

/*
 * How much the shares are used, by name: the [homes] share counts as one, and a share that is configured anew goes on counting.
 * Own lock; any thread.
 */
struct share_uses;
struct share_uses *share_uses_new(TALLOC_CTX *mem);

/* Counts a tree of the share in, for `max connections`; false: it is one too many, or memory is short. */
bool share_enter(const struct server *s, const struct conf_section *section);
void share_leave(const struct server *s, const struct conf_section *section);

/* The same for a direct grant, for `pmem max share grants`. */
bool share_grant_enter(const struct server *s, const struct conf_section *section);
void share_grant_leave(const struct server *s, const struct conf_section *section);

/* Whether a user sees the share in listings. */
bool share_is_listed(const struct conf_section *s);

#endif
