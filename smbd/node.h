/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_NODE_H
#define SMBD_NODE_H

#include "core/reactor.h"
#include "core/status.h"
#include "vfs/vfs.h"
#include "wire/smb2.h"

#include <talloc.h>

/*
 * The node table: the one room of state that sessions share, keyed by inode. A node exists while a file has openers.
 *
 *   node    (dev, ino), current path, delete-pending flag, entries
 *   entry   one opener: access, share access, oplock, and the ids by which its owner is found. Made by node_open, freed by
 *           node_close; only its owner's thread uses the pointer.
 *
 * One lock; inside it no system call, no callback, no waiting. What concerns another reactor leaves as a message.
 */
struct node_table;
struct node_entry;

struct node_key {
	uint64_t dev, ino;
};

struct node_claim {
	struct node_key key;
	const char *root; /* absolute path of the share's root; must outlive the entry */
	const char *path;    /* relative, as on disk */
	uint32_t access;     /* granted access of the open */
	uint32_t share_access;
	uint8_t oplock_level; /* wished for; the level granted comes back in *oplock_level */
	/* how to reach the owner */
	struct reactor *reactor;
	uint64_t session_id;
	struct smb2_file_id file_id;
	bool is_new;     /* the file has just been made: what is still known of its inode was of another */
	bool overwrites; /* the disposition discards the data: level II holders lose their cache */
};

/* Who waits for an oplock to be given up: told by a message, and then asks again. */
struct node_waiter {
	struct reactor *reactor;
	void (*wake)(struct reactor *self, uint64_t conn_id, uint64_t token);
	uint64_t conn_id, token;
};

struct node_table *node_table_new(TALLOC_CTX *mem);

/*
 * STATUS_SUCCESS and *out; STATUS_SHARING_VIOLATION; STATUS_DELETE_PENDING; STATUS_PENDING: an oplock is being broken,
 * w is woken when that is done. With w NULL no oplock is waited for.
 */
ntstatus_t node_open(struct node_table *t, const struct node_claim *claim, const struct node_waiter *w,
	struct node_entry **out, uint8_t *oplock_level);

/*
 * A file whose last opener has gone and that is to be deleted: under its present name, through the file and with the
 * identity of who asked for it first. References and memory (under the mem of node_close) are the caller's.
 */
struct node_doom {
	struct node_key key;
	struct vfs_file *file;
	struct vfs_cred *cred;
	char *path;
};

/*
 * Takes the entry out. True: it was the last, and *doom is to be carried out now; new opens get STATUS_DELETE_PENDING
 * until node_deleted.
 */
bool node_close(struct node_entry *e, TALLOC_CTX *mem, struct node_doom *doom);
void node_deleted(struct node_table *t, struct node_key key);

/* Delete pending, [MS-FSA] 2.1.5.14.3; file and cred are those of who asks (counted; NULL in tests). */
void node_set_delete_pending(struct node_entry *e, bool pending, struct vfs_file *file, struct vfs_cred *cred);
bool node_delete_pending(const struct node_entry *e);

/* The file's present name; allocated under mem. */
char *node_path(const struct node_entry *e, TALLOC_CTX *mem);
/* It has been renamed: entries of it and, for a directory, of everything beneath it follow. */
void node_renamed(struct node_entry *e, const char *new_path);
/* Whether anything beneath this directory is open. */
bool node_has_open_children(struct node_entry *e);
/*
 * May the name of key's file be taken by another (rename over it)? STATUS_ACCESS_DENIED while it is open,
 * [MS-FSA] 2.1.5.14.11.
 */
ntstatus_t node_check_replace(struct node_table *t, struct node_key key);
/* Would an open of key with this access and sharing conflict with one that exists? */
ntstatus_t node_check_share(struct node_table *t, struct node_key key, uint32_t access, uint32_t share_access);
/* Others' level II oplocks on this file end, without waiting: before its data or size change. */
void node_break_level2(struct node_entry *e);

/* The owner's answer to a break ([MS-SMB2] 3.3.5.22.1), or the end of waiting for it. */
ntstatus_t node_oplock_ack(struct node_entry *e, uint8_t level, uint8_t *now_level);
/* Breaks that have lasted too long end at level none; wakes waiters. now_ns monotonic. Called about once a second. */
void node_expire_breaks(struct node_table *t, uint64_t now_ns);

/* For the owner: delivered on its reactor when an oplock is to be broken. Set once before reactors run. */
extern void (*node_break_sink)(struct reactor *self, uint64_t session_id, struct smb2_file_id id, uint8_t new_level);

/* Pure: may an open with this access and sharing coexist with another? [MS-FSA] 2.1.5.1.2.2. */
bool share_modes_conflict(uint32_t access, uint32_t share, uint32_t other_access, uint32_t other_share);

#endif
