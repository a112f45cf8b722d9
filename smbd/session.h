/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_SESSION_H
#define SMBD_SESSION_H

#include "auth/seal.h"
#include "auth/sign.h"
#include "smbd/conn.h"
#include "vfs/vfs.h"

/*
 * A session, [MS-SMB2] 3.3.1.8.
 *
 *   owner      its reactor; listed in local->sessions. talloc: session > tree > open
 *   states     in_progress -> valid -> (reauthenticating -> valid)* ; expired
 *   channels   one per connection that speaks for it; the last one that goes takes the session with it
 *   ended by   session_free(): logoff, last channel gone, a new session naming it as previous
 */
enum session_state { SESSION_IN_PROGRESS, SESSION_VALID };

struct session {
	struct local *local;
	uint64_t id;
	enum session_state state;
	struct list channels; /* struct channel, session_link */
	unsigned channel_count;

	uint16_t dialect, cipher, signing_algorithm; /* a channel must have negotiated the same dialect and cipher */
	uint8_t client_guid[16];
	const char *user, *domain; /* Unix account, as the client wrote it */
	struct vfs_cred *cred;
	bool guest, anonymous;
	bool signing_required;
	bool encrypt; /* every request must be encrypted */
	uint8_t session_key[16];
	struct session_keys keys;
	struct sealer *opener, *sealer; /* NULL: no encryption */
	uint64_t nonce;                 /* counts up from a random start, never used twice with one key */

	struct list trees;
	unsigned tree_count;
	uint32_t next_tree_id;
	struct idtable *opens;
	unsigned pipe_count; /* among them */
	uint64_t start_time; /* NTTIME */
};

/* A session on a connection, [MS-SMB2] 3.3.1.14. Freed with the connection or the session. */
struct channel {
	struct list conn_link, session_link;
	struct conn *conn;
	struct session *session;
	bool established;       /* may carry requests */
	struct signer *signer;  /* NULL: guest or anonymous, or not yet */
	struct auth_server *auth; /* an exchange that is going on */
	bool binding;           /* the exchange is for a further channel */
	bool in_step;           /* a step of it is with a worker, or its answer is delayed */
	uint8_t preauth[PREAUTH_HASH_SIZE];
	struct iobuf *notice; /* being written by req_notify */
};

struct session *session_new(struct conn *c);
struct session *session_find(struct local *l, uint64_t id);
void session_free(struct session *s);
uint64_t session_next_nonce(struct session *s);

struct channel *channel_new(struct conn *c, struct session *s);
struct channel *channel_find(struct conn *c, uint64_t session_id);
/* Ends a channel; the session too if it was the last. */
void channel_free(struct channel *ch);

/* A tree connect, [MS-SMB2] 3.3.1.9. talloc child of its session. */
struct tree {
	struct list link;
	struct session *session;
	uint32_t id;
	const char *share_name;
	struct settings *settings;        /* counted: those that share is of; NULL: IPC$ */
	const struct conf_section *share; /* NULL: IPC$ */
	struct vfs_share *vfs;            /* counted; NULL: IPC$ */
	struct vfs_guard *guard;          /* counted; NULL: files cannot be guarded */
	struct vfs_cred *cred;            /* counted: the session's, or force user's */
	uint32_t maximal_access;
	bool encrypt, read_only;
	bool gone; /* the share is not configured any more: what was open stays */
	uint32_t open_count;
};

struct tree *tree_new(struct session *s);
struct tree *tree_find(struct session *s, uint32_t id);

/* An open, [MS-SMB2] 3.3.1.10. Owned by its session (talloc), listed in session->opens by volatile id. */
struct open {
	struct session *session;
	struct tree *tree;
	struct smb2_file_id id;
	struct vfs_file *file;       /* counted; NULL: a pipe */
	struct rpc_pipe *pipe;       /* NULL: a file */
	struct node_entry *node;     /* its place among the openers of the file; NULL: a pipe */
	struct vfs_dir *dir;         /* listing going on, or NULL */
	bool dir_started, dir_busy;
	struct list grants;          /* struct grant, open_link */
	unsigned notifies; /* CHANGE_NOTIFYs that were sent on it */
	const char *dir_pattern;
	uint32_t granted_access;
	bool directory;
	bool delete_on_close;
	uint64_t position;
	uint32_t mode;
	uint8_t oplock_level;
	struct vfs_stat st; /* as of the last look */
};

/* Of the session, or of the server: no open can be made. */
bool open_limit_reached(const struct session *s);

/* NULL: the limit is reached or memory is short. */
struct open *open_new(struct session *s, struct tree *t);
struct open *open_find(struct session *s, struct smb2_file_id id);

#endif
