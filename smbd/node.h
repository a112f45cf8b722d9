/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_NODE_H
#define SMBD_NODE_H

#include "core/reactor.h"
#include "core/status.h"
#include "vfs/vfs.h"
#include "wire/create_context.h"

#include <talloc.h>

/*
 * The node table: the one room of state that sessions share, keyed by inode. A node exists while a file has openers.
 *
 *   node    (dev, ino), current path, delete-pending flag, entries, holders
 *   entry   one opener: access, share access, and the ids by which its owner is found. Made by node_open, freed by
 *           node_close; only its owner's thread uses the pointer.
 *   holder  what may be cached of the file: of a lease (client GUID and key), shared by all its entries, or of one entry's
 *           oplock. It ends with the last of them. What it becomes is decided in lease.c.
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
	const struct smb2_lease *lease; /* what is wished for with SMB2_OPLOCK_LEVEL_LEASE */
	const uint8_t *client_guid;     /* with it */
	bool waited; /* for an answer to a break, once at least */
	/* how to reach the owner */
	struct reactor *reactor;
	uint64_t session_id;
	struct smb2_file_id file_id;
	bool is_new;     /* the file has just been made: what is still known of its inode was of another */
	bool overwrites; /* the disposition discards the data: nobody else may cache it */
	bool deletes;    /* on close: who only caches his handle is not to keep the file */
	bool directory;  /* of which nothing is cached */
	struct node_change *change; /* of one that overwrites: begins when it waits for grants, or is admitted */
};

/*
 * A change of a file's storage that waits or is under way: nobody gets direct access meanwhile (node_is_changing). It
 * outlives the entry that it was asked for with, and is to be ended. table NULL: none, or it has ended.
 */
struct node_change {
	struct node_table *table;
	struct node_key key;
};

/* Who waits for a holder's answer to a break: told by a message, and then asks again. */
struct node_waiter {
	struct reactor *reactor;
	void (*wake)(struct reactor *self, uint64_t conn_id, uint64_t token);
	uint64_t conn_id, token;
};

struct node_table *node_table_new(TALLOC_CTX *mem);

/*
 * STATUS_SUCCESS and *out; STATUS_SHARING_VIOLATION; STATUS_DELETE_PENDING; STATUS_INVALID_PARAMETER: the lease is another
 * file's; STATUS_PENDING: a break is under way, w is woken when it has come further. With w NULL nobody is waited for.
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
/*
 * Before changes of names: others' handle caching ends, and who closes then is out of the way. STATUS_PENDING as with
 * node_open, else:
 */
/* the file itself is renamed, linked or deleted: STATUS_SUCCESS */
ntstatus_t node_check_rename(struct node_entry *e, const struct node_waiter *w);
/* so is all beneath this directory: STATUS_ACCESS_DENIED while anything of it is open, [MS-FSA] 2.1.5.14.11 */
ntstatus_t node_check_children(struct node_entry *dir, const struct node_waiter *w);
/* the name of key's file is taken by another (rename over it): STATUS_ACCESS_DENIED while it is open */
ntstatus_t node_check_replace(struct node_table *t, struct node_key key, const struct node_waiter *w);

/* Would an open of key with this access and sharing conflict with one that exists? */
ntstatus_t node_check_share(struct node_table *t, struct node_key key, uint32_t access, uint32_t share_access);

/* ---- leases and oplocks ---- */

/*
 * Before its data or size change: whatever others may cache of this file, and a level II oplock of e's own, ends without
 * waiting.
 */
void node_break_caches(struct node_entry *e);
/* After the change: what was granted since then may be used for data of before. */
void node_break_late_caches(struct node_entry *e);

/* The owner's answer to the break of an oplock, [MS-SMB2] 3.3.5.22.1, or of a lease, 3.3.5.22.2. */
ntstatus_t node_oplock_ack(struct node_entry *e, uint8_t level, uint8_t *now_level);
ntstatus_t node_lease_ack(struct node_table *t, const uint8_t *client_guid, const uint8_t *key, uint32_t keeps);
/* Breaks that have lasted too long end with nothing left; wakes waiters. now_ns monotonic. Called about once a second. */
void node_expire_breaks(struct node_table *t, uint64_t now_ns);

/* SMB2_LEASE_* that the entry's lease or oplock holds at this moment; *breaking (or NULL): it is to become less. */
uint8_t node_caching(const struct node_entry *e, bool *breaking);
/* The lease as CREATE's reply tells it, [MS-SMB2] 2.2.14.2.10; false: the entry has none. */
bool node_lease(const struct node_entry *e, struct smb2_lease *out);
/* Is this the lease of a file? Then it cannot be that of a file to be made. */
bool node_lease_is_used(struct node_table *t, const uint8_t *client_guid, const uint8_t *key);

/* A break, for a thread of the owner of the lease or oplock. */
struct node_break {
	uint64_t session_id; /* one of its entries, which may have been closed meanwhile */
	struct smb2_file_id file_id;
	bool lease;
	uint8_t client_guid[16], key[16]; /* of a lease */
	uint8_t from, to;                 /* SMB2_LEASE_* */
	uint16_t epoch;                   /* 0: the lease has none */
	bool ack;                         /* an answer is waited for */
};
/* Delivered on the owner's reactor: the client is to be told. Set once before reactors run. */
extern void (*node_break_sink)(struct reactor *self, const struct node_break *b);

/*
 * Who has direct access through an entry learns of each break of its lease or oplock on the entry's reactor, before the client
 * is told; the break then names this entry. What is held at that moment says node_caching. Set once before reactors run.
 */
extern void (*node_watch_sink)(struct reactor *self, const struct node_break *b);

/* ---- direct grants (smbd/grant.h) ---- */

/*
 * The entry's owner has made one, or it is fenced. While there is one the entry's breaks are told to node_watch_sink; while
 * there is one for writing opens by others wait, whatever has become of the lease that it rests on.
 */
void node_pin_began(struct node_entry *e, bool write);
void node_pin_ended(struct node_entry *e, bool write);
/*
 * Before a change of the file's storage (its size, holes): whoever has direct access is asked to give it back.
 * STATUS_PENDING as with node_open, and then to be called again with the same *change; STATUS_SUCCESS when nobody has.
 */
ntstatus_t node_check_change(struct node_entry *e, const struct node_waiter *w, struct node_change *change);
/* The same, but nobody is asked. False: somebody has direct access. */
bool node_try_change(struct node_entry *e, struct node_change *out);
/* Any thread. */
void node_change_end(struct node_change *c);
/* No grant may be made; to be asked after node_pin_began. */
bool node_is_changing(const struct node_entry *e);
/* The lease of the entry is to be given up, all of it: a break without another opener. */
void node_recall(struct node_entry *e);
/* Its break ends now, as if its time were over. */
void node_expire(struct node_entry *e);

/* Pure: may an open with this access and sharing coexist with another? [MS-FSA] 2.1.5.1.2.2. */
bool share_modes_conflict(uint32_t access, uint32_t share, uint32_t other_access, uint32_t other_share);

#endif
