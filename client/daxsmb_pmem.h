/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_DAXSMB_PMEM_H
#define CLIENT_DAXSMB_PMEM_H

#include "client/daxsmb.h"
#include "wire/pmem.h"

/*
 * Direct access to files in persistent memory (docs/protocol-pmem.md, daxsmb-pin(7)): a range of a file is
 * mapped, and then read, written and committed by RDMA, without a request to the server.
 *
 *   tree > direct > file > region
 *
 * direct: the RDMA connection on which mappings live, a further channel of the tree's session. It is made
 * when the first region is mapped, and again after it was lost. file: an open with a lease; the lease is the
 * permission. What is said in daxsmb.h of threads, ownership, callbacks and errors holds here, too. The
 * thread is the tree's.
 *
 * Somebody else may need the file. Then the region is revoked: what is under way is finished and committed,
 * the mapping is given back, and reads, writes and commits go over SMB until the range can be mapped again,
 * which is tried at intervals of 20 ms to 5 s. The user of a region sees none of this but time, and the
 * events. When the RDMA connection ends, as it does when the server takes a mapping away without asking, what
 * was written since the last commit may or may not be in the file. The next commit of the region, and each
 * that is under way, then fails with STATUS_LOST_WRITEBEHIND_DATA, once; who wants the data there writes it
 * again and commits. Reads are repeated over SMB, and so are writes that had not ended. The library ends that
 * connection itself if it keeps what is under way for so long that the mapping cannot be given back in time.
 * When the connection of the session ends, everything fails, for good.
 *
 * Encryption: a session or share that is to be encrypted has no direct access. Signatures do not cover what
 * RDMA moves.
 */

struct daxsmb_direct;
struct daxsmb_file;
struct daxsmb_region;

/*
 * t: on a connection of dialect 3.0 or newer, of a user with a password. host, port: where the server takes
 * SMB Direct; port 0: 5445. o: as for the session; copied. A child of t. NULL: memory is short. Does nothing
 * yet.
 */
struct daxsmb_direct *daxsmb_direct_new(struct daxsmb_tree *t, struct tevent_context *ev, const char *host,
	uint16_t port, const struct daxsmb_options *o);

/*
 * How long to look again and again whether something has come by RDMA before sleeping until it does: the time
 * of a Read is short against that of being woken up. Costs that much of a processor. 0, as at first: not at
 * all. False: descriptors or memory are short.
 */
bool daxsmb_direct_set_poll(struct daxsmb_direct *d, unsigned microseconds);
/* In place of tevent_loop_once of the tree's event context: one that looks so before it sleeps. */
int daxsmb_direct_loop_once(struct daxsmb_direct *d);

/*
 * CREATE with a lease and the question what the file offers. in: its contexts and oplock level are the
 * library's; so are impersonation level and share access where they are 0 (shared with everybody). access:
 * PMEM_ACCESS_*, what regions may ask for. A file that is open but cannot be mapped is no error:
 * daxsmb_file_offer tells. Each file has a lease of its own: of a file that is open twice in one program, too,
 * the one takes the other's mappings away, so open it once. The file is a child of d; freeing it does not
 * close it on the server.
 */
struct tevent_req *daxsmb_file_open_send(TALLOC_CTX *mem, struct daxsmb_direct *d, const char *path,
	const struct smb2_create_req *in, uint32_t access);
ntstatus_t daxsmb_file_open_recv(struct tevent_req *req, struct daxsmb_file **out);
/* version 0: the server does not know direct access. status: why MAP would be refused. */
const struct pmem_offer_rsp *daxsmb_file_offer(const struct daxsmb_file *f);
uint64_t daxsmb_file_size(const struct daxsmb_file *f); /* when it was opened */
struct smb2_file_id daxsmb_file_id(const struct daxsmb_file *f);

/* CLOSE, which ends what is mapped. No read, write or commit of its regions may be under way. The file is freed
 * with the request. A MAP that is under way when its file is closed or freed ends with STATUS_CANCELLED. */
struct tevent_req *daxsmb_file_close_send(TALLOC_CTX *mem, struct daxsmb_file *f);
ntstatus_t daxsmb_file_close_recv(struct tevent_req *req);

enum daxsmb_region_event {
	DAXSMB_REGION_REVOKED, /* somebody else needs the file */
	DAXSMB_REGION_LOST,    /* the RDMA connection has ended */
	DAXSMB_REGION_MAPPED,  /* later than at first */
};
typedef void (*daxsmb_region_fn)(void *arg, struct daxsmb_region *r, enum daxsmb_region_event e);

/*
 * Maps [offset, offset + length), or fails with the server's status. That others use the file now is no
 * failure: the region then goes over SMB until it can be mapped (facts.direct, DAXSMB_REGION_MAPPED). access:
 * PMEM_ACCESS_*. The region is a child of the file; freeing it forgets the mapping, which ends with the file.
 */
struct tevent_req *daxsmb_map_send(
	TALLOC_CTX *mem, struct daxsmb_file *f, uint64_t offset, uint64_t length, uint32_t access);
ntstatus_t daxsmb_map_recv(struct tevent_req *req, struct daxsmb_region **out);
/* fn may be NULL. It may call anything here but must not free the region. */
void daxsmb_region_watch(struct daxsmb_region *r, daxsmb_region_fn fn, void *arg);

struct daxsmb_region_facts {
	uint64_t offset, length;
	uint32_t access;
	bool direct;               /* mapped now; else SMB is in its place */
	uint8_t durability, guard; /* PMEM_*, of the last mapping; 0: there was none, and a commit is FLUSH */
	unsigned descriptors;
	uint32_t revoke_timeout; /* milliseconds */
	unsigned revocations, losses, mappings;
	uint64_t bytes_direct, bytes_smb; /* read and written so */
};
void daxsmb_region_facts(const struct daxsmb_region *r, struct daxsmb_region_facts *out);

/*
 * offset: from the region's beginning. buf and data are borrowed until the request ends. A request that is
 * freed before is not undone, and costs the RDMA connection. Requests may overlap in time; nothing orders
 * them but waiting. A write that has ended is seen by every later read of the region, unless the RDMA
 * connection was lost since (DAXSMB_REGION_LOST); it is safe when a commit that was begun afterwards has
 * succeeded, and others may see it from then on at the latest. Over SMB a write beyond the end of a file that
 * others have cut makes it longer again.
 * STATUS_INVALID_VIEW_SIZE: not within the region. STATUS_ACCESS_DENIED: a region for reading.
 */
struct tevent_req *daxsmb_region_read_send(
	TALLOC_CTX *mem, struct daxsmb_region *r, uint64_t offset, void *buf, size_t len);
struct tevent_req *daxsmb_region_write_send(
	TALLOC_CTX *mem, struct daxsmb_region *r, uint64_t offset, const void *data, size_t len);
/* What has been written is as safe as facts.durability says; over SMB, as FLUSH makes it. */
struct tevent_req *daxsmb_region_commit_send(TALLOC_CTX *mem, struct daxsmb_region *r);
/* A write and, as soon as it is under way, a commit: both in one round trip. */
struct tevent_req *daxsmb_region_write_durably_send(
	TALLOC_CTX *mem, struct daxsmb_region *r, uint64_t offset, const void *data, size_t len);
/* For these four. */
ntstatus_t daxsmb_region_recv(struct tevent_req *req);

/* Gives the mapping back when what is under way has ended. Does not commit. The region is freed with the
 * request. */
struct tevent_req *daxsmb_unmap_send(TALLOC_CTX *mem, struct daxsmb_region *r);
ntstatus_t daxsmb_unmap_recv(struct tevent_req *req);

/* "persistent", "fanotify" and the like. */
const char *daxsmb_durability_name(uint8_t durability);
const char *daxsmb_guard_name(uint8_t guard);

/* The same for programs that wait: each runs the tree's event context until it is done, by
 * daxsmb_direct_loop_once. */
ntstatus_t daxsmb_file_open(struct daxsmb_direct *d, const char *path, const struct smb2_create_req *in,
	uint32_t access, struct daxsmb_file **out);
ntstatus_t daxsmb_file_close(struct daxsmb_file *f);
ntstatus_t daxsmb_map(
	struct daxsmb_file *f, uint64_t offset, uint64_t length, uint32_t access, struct daxsmb_region **out);
ntstatus_t daxsmb_region_read(struct daxsmb_region *r, uint64_t offset, void *buf, size_t len);
ntstatus_t daxsmb_region_write(struct daxsmb_region *r, uint64_t offset, const void *data, size_t len);
ntstatus_t daxsmb_region_commit(struct daxsmb_region *r);
ntstatus_t daxsmb_region_write_durably(struct daxsmb_region *r, uint64_t offset, const void *data, size_t len);
ntstatus_t daxsmb_unmap(struct daxsmb_region *r);

#endif
