/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_GRANT_H
#define SMBD_GRANT_H

#include "rdma/rdma.h"
#include "smbd/grant_state.h"
#include "smbd/node.h"
#include "smbd/req.h"
#include "vfs/pin.h"
#include "wire/create_context.h"
#include "wire/pmem.h"

/*
 * A direct grant: a range of a file that the client of one RDMA connection reads and writes by itself. Here alone a pin (vfs/pin.h)
 * meets a tag (rdma/rdma.h). What a grant promises is in daxsmb-pin(7), how it lives in smbd/grant_state.h.
 *
 *   owner      the reactor of its session; listed in local->grants by id, in its open and in its connection. It outlives both
 *              until its pin is given back by a worker
 *   cancels    the end of the open (close, tree disconnect, logoff) and of the connection: fenced at once. A break of the
 *              lease, a local change: recalled, and fenced when the holder says so or at the deadline
 *   frees      the answer of the worker that has given back the pin
 */
enum grant_cause {
	GRANT_CAUSE_UNMAP,
	GRANT_CAUSE_CLOSE,      /* of the open: close, tree disconnect, logoff */
	GRANT_CAUSE_DISCONNECT, /* of the RDMA connection */
	GRANT_CAUSE_CLIENT,     /* another client's open, write, truncate, rename or delete: its lease is broken */
	GRANT_CAUSE_OWN,        /* the holder's own change of the file's storage */
	GRANT_CAUSE_LOCAL,      /* a program on this machine is about to change it */
	GRANT_CAUSE_ADMIN,      /* daxsmbctl revoke */
	GRANT_CAUSE_RELOAD,     /* the configuration has been read again and does not allow it any more */
	GRANT_CAUSE_SHUTDOWN,   /* the server ends */
	GRANT_CAUSE_FAULT,      /* the memory faulted, or the guard was lost */
	GRANT_CAUSES
};
const char *grant_cause_name(enum grant_cause c);

struct grant;

/* What a MAP on this open would get, or why not; for discovery and for MAP. access: PMEM_ACCESS_*. */
ntstatus_t grant_offer(const struct open *o, uint32_t access, struct pmem_offer_rsp *out);

/* How many descriptors a range of this length takes. */
uint64_t grant_tags(uint64_t length);

/* MAP: completes or parks r. q has been checked by grant_offer. */
void grant_map(struct req *r, const struct smb2_ioctl_req *ioctl, const struct pmem_map_req *q);

/* One of the session's, or NULL. */
struct grant *grant_find(const struct session *s, uint64_t id);
/* Whether all of the range lies in the grant. */
bool grant_covers(const struct grant *g, struct pmem_range range);
uint8_t grant_durability(const struct grant *g);
/* Nothing is left to do for what was placed to be as safe as that says. */
bool grant_is_clean(const struct grant *g);
/* A Write has not had all of its effects on the file: no commit succeeds any more. */
bool grant_has_failed(const struct grant *g);
bool grant_is_live(const struct grant *g);
bool grant_is_of(const struct grant *g, const struct open *o);

/* Fenced when it returns. g may be gone then. */
void grant_end(struct grant *g, enum grant_cause cause);
void grants_end_open(struct open *o, enum grant_cause cause);
void grants_end_conn(struct conn *c);
/* Of this reactor, those that are still being made too: all, or those of a share (name as configured). How many. */
unsigned grants_end_local(struct local *l, const char *share, enum grant_cause cause);

/* Of this reactor: those that the configuration does not permit any more. */
void grants_end_forbidden(struct local *l);

/* node_watch_sink: a lease is being broken; grants that need more than is left are recalled. */
void grants_lease_breaks(struct reactor *self, const struct node_break *b);
/* A client is about to acknowledge a break of its lease: recalled grants that need more than it keeps are fenced then. */
void grants_lease_answered(struct local *l, const uint8_t *client_guid, const uint8_t *key, uint32_t keeps);
/*
 * It has, and may have kept less than it was left: all others that need more are fenced, too, as the lease has nothing any more
 * that could be broken to recall them.
 */
void grants_lease_acked(struct local *l, const uint8_t *client_guid, const uint8_t *key, uint32_t keeps);

/*
 * A call of r that changes the storage of r's open file (its size, holes): it runs when nobody has direct access to the file any
 * more. Breaks the caches of others, too. Completes or parks r.
 */
void grant_change_storage(struct req *r, struct call *next);

/* For status, of this reactor. */
struct grant_facts {
	uint64_t id;
	const char *user, *peer, *share, *path, *guard;
	uint64_t offset, length, age_ns, bytes_read, bytes_written;
	bool write;
	uint8_t durability;
	const char *state;
};
void grants_each(struct local *l, void (*fn)(void *arg, const struct grant_facts *f), void *arg);

/* Of a reactor. */
struct grant_stats *grant_stats_new(TALLOC_CTX *mem);

/* How long it took from the recall to the fence: what is remembered of each cause, newest first. */
enum { GRANT_TIMES = 512 };
struct grant_times {
	uint64_t count; /* ever */
	uint64_t longest_ns;
	uint32_t us[GRANT_TIMES]; /* count of them at most */
};
const struct grant_times *grant_times(const struct local *l, enum grant_cause cause);

#endif
