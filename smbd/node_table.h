/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_NODE_TABLE_H
#define SMBD_NODE_TABLE_H

#include "smbd/lease.h"
#include "smbd/node.h"

#include "core/list.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * What the parts of the node table share: node.c (openers, deletion), node_break.c (holders, breaks, waiters), node_name.c
 * (names). All of it is touched under the table's lock only.
 */

enum { NODE_BUCKETS = 4096, NODE_LEASE_BUCKETS = 1024 };

struct node {
	struct list link; /* in its bucket */
	struct node_key key;
	bool delete_pending;
	bool deleting; /* the last opener is unlinking it */
	struct { /* who asked for the deletion, while it is pending */
		struct vfs_file *file; /* counted */
		struct vfs_cred *cred; /* counted */
		const char *root;
		char *path;
	} doom;
	struct list entries;
	struct list holders;
	struct list waiters;
	unsigned count;
	unsigned pins; /* direct grants of its entries */
	unsigned changes; /* of its storage, waiting or under way */
	atomic_uint grants; /* entries that were given something to cache, ever; also read without the lock */
};

struct node_holder {
	struct list link;          /* node->holders */
	struct list key_link;      /* table->leases */
	struct list breaking_link; /* table->breaking */
	struct node *node;
	unsigned entries;
	struct lease_state state;
	uint64_t break_started_ns;
	uint8_t client_guid[16];
	struct smb2_lease lease; /* key, version and parent key; version 0: an oplock */
};

struct node_entry {
	struct list link; /* node->entries */
	struct node_table *table;
	struct node *node;
	struct node_holder *holder; /* NULL: nothing was wished for, or granted */
	const char *root;
	char *path;
	uint32_t access, share_access;
	struct reactor *reactor;
	uint64_t session_id;
	struct smb2_file_id file_id;
	unsigned pins, write_pins; /* direct grants, and those of them for writing */
	unsigned grants_seen; /* node->grants when others' caches were broken last; the owner's */
};

struct node_table {
	pthread_mutex_t lock;
	struct list buckets[NODE_BUCKETS];
	struct list leases[NODE_LEASE_BUCKETS];
	struct list breaking;
};

/* ---- node.c ---- */

struct node *node_find(struct node_table *t, struct node_key k);
void node_drop_if_unused(struct node *n);
/* No access to data: such an open is in nobody's way. */
bool node_is_stat_open(uint32_t access);

/* ---- node_break.c ---- */

/* Gives the lock back and sends what was decided under it. */
void node_unlock_and_send(struct node_table *t, struct list *errands);

/* The holder of the claim's lease, or NULL. */
struct node_holder *node_find_lease(struct node_table *t, const uint8_t *client_guid, const uint8_t *key);
/* Breaks what all holders but self have; true: one of them has to answer first. */
bool node_break_holders(struct node_table *t, struct node *n, const struct node_holder *self, enum lease_cause cause,
	bool waited, struct list *errands);
/* Begins to take all that h caches, or, where a break is under way, sees to it that nothing stays. */
void node_recall_holder(struct node_table *t, struct node_holder *h, struct list *errands);
/* The holder has had its time: nothing is left to it. */
void node_expire_holder(struct node_holder *h, struct list *errands);
/* node_pin.c: those who have direct access are to give it back; true: there are such. */
bool node_recall_pins(struct node_table *t, struct node *n, struct list *errands);
/* Others than self have direct access for writing: it is on its way to an end as their lease is broken. */
bool node_has_writers(const struct node *n, const struct node_holder *self);
void node_change_begin(struct node_table *t, struct node *n, struct node_change *change); /* unless it has */
/* STATUS_PENDING, and w is woken when a break has come further; STATUS_SHARING_VIOLATION: w is NULL, or memory is short. */
ntstatus_t node_wait(struct node *n, const struct node_waiter *w);
void node_wake_all(struct node *n, struct list *errands);

/* Gives a new entry its part of what it wishes for. False: memory is short. */
bool node_grant(struct node_entry *e, const struct node_claim *c);
uint8_t node_oplock_level(const struct node_entry *e);
/* The entry ends, and its holder too if it was the last. */
void node_leave_holder(struct node_entry *e);

#endif
