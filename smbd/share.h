/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_SHARE_H
#define SMBD_SHARE_H

#include "smbd/server.h"
#include "vfs/vfs.h"

/* What a log-on may do with a share, found out on a worker for a TREE_CONNECT. */
struct share_request {
	const struct server *server;
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
 * Counts a tree of the share in, for `max connections`; false if it is one too many. The [homes] share counts as one. Any
 * thread.
 */
bool share_enter(const struct server *s, const struct conf_section *section);
void share_leave(const struct server *s, const struct conf_section *section);

/* Whether its files may be given to clients to access them directly, as things are now. Any thread. */
bool share_is_direct(const struct server *s, const struct conf_section *section);

/* Whether a user sees the share in listings. */
bool share_is_listed(const struct conf_section *s);

#endif
