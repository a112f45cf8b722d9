/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_PMEM_H
#define CLIENT_PMEM_H

#include "client/conn.h"
#include "client/daxsmb_pmem.h"
#include "rdma/rdma.h"
#include "wire/create_context.h"

/*
 * Direct access, for this room only.
 *
 *   direct --owns--> channel (connection, session, tree), files     file --owns--> regions
 *
 * A region, and which way an operation on it goes:
 *
 *   SMB       -> DIRECT     MAP
 *   DIRECT    -> DRAINING   a break, or the channel has ended; operations wait
 *   DRAINING  -> SMB        nothing is under way, it is committed, and UNMAP is answered
 *
 * When all regions of a file are so far, its break is acknowledged. After the end of the channel UNMAP goes
 * over the session's first connection: only then no Write that is still on its way can come behind what SMB
 * writes.
 *
 * An operation is its tevent_req; it stands in region->held while it waits, in region->issued while it is
 * under way by RDMA, in region->over_smb while it is so. What is written so, and not yet known to be
 * committed, is counted: posted > committed.
 */

enum { RETRY_FIRST_MS = 20, RETRY_LONGEST_MS = 5000, UNMAP_AGAIN_MS = 100 };

enum region_state { REGION_SMB, REGION_DIRECT, REGION_DRAINING };

struct pmem_turn {
	bool came, gone; /* something by RDMA; d */
};

struct daxsmb_direct {
	struct tevent_context *ev;
	struct daxsmb_tree *tree;
	const char *host;
	uint16_t port;
	struct daxsmb_options options;
	struct daxsmb_conn *channel; /* NULL: there is none */
	struct daxsmb_tree *on_channel;
	struct tevent_req *connecting;
	struct list waiting; /* channel_wait */
	struct list files;
	struct list ended;             /* operations whose end is to be told, in order */
	struct tevent_immediate *tell; /* NULL: it is being freed */
	unsigned poll_us;
	uint64_t others_ns;         /* when other events last had their turn */
	struct tevent_fd *breather; /* always ready, but asked only while breathing */
	bool breathing;
	int breather_fd;
	struct pmem_turn *turn; /* on the stack of who calls callbacks; or NULL */
};

struct daxsmb_file {
	struct list link;
	struct daxsmb_direct *direct;
	const char *path;
	struct smb2_file_id id;
	uint64_t size;
	struct break_listener listener;
	uint32_t access, wish, lease; /* PMEM_ACCESS_*; SMB2_LEASE_* asked for and held */
	struct pmem_offer_rsp offer;
	struct list regions;

	bool closed;                    /* or being freed: whatever comes, nothing is asked for any more */
	bool breaking, must_ack, again; /* again: a further break came before the answer to the last */
	uint32_t left;                  /* by the break that is under way */
	struct tevent_req *request;     /* the acknowledgement */
	struct pmem_look *look;         /* the lease is asked for again */
	struct tevent_timer *retry;
	struct tevent_timer *patience; /* with the channel, while the lease is being broken */
	unsigned pause_ms;
	uint64_t mapped_ns; /* when a region was last mapped */
};

/* A Read behind the Writes: it is answered when what they placed is as safe as the level says. */
struct pmem_fence {
	struct rdma_work work;
	struct iovec iov;
	uint8_t byte;
};

struct daxsmb_region {
	struct list link;
	struct daxsmb_file *file;
	uint64_t offset, length;
	uint32_t access;
	enum region_state state;
	struct pmem_map_rsp map;
	struct list held, issued, over_smb;
	struct list commits; /* that wait for the one under way, to share the next */
	bool committing;
	uint64_t posted, committed;
	uint64_t smb_written, smb_flushed; /* WRITEs that have ended, and how many of them a FLUSH covers */
	unsigned lost, reported; /* how often writes were lost, and of which time a commit has told */
	struct tevent_immediate *pump;

	struct pmem_fence drain; /* the commit before a mapping is given back */
	bool draining_commit, unmapped, tell_lost;
	bool gone; /* with the channel */
	struct tevent_timer *unmap_again;
	struct tevent_req *request;   /* MAP or UNMAP */
	struct tevent_req *mapping;   /* the caller's, until it has received the region */
	struct tevent_req *unmapping; /* the caller's, also when it has ended */

	daxsmb_region_fn watcher;
	void *watcher_arg;
	unsigned revocations, losses, mappings;
	uint64_t bytes_direct, bytes_smb;
};

/* pmem_direct.c: done once the channel is there. */
struct tevent_req *pmem_channel_send(TALLOC_CTX *mem, struct daxsmb_direct *d);
ntstatus_t pmem_channel_recv(struct tevent_req *req);
/* NULL: there is no channel. */
struct rdma_conn *pmem_rdma(const struct daxsmb_direct *d);
/* Ends the channel: nothing of the caller's memory is used any more when it returns. */
void pmem_channel_end(struct daxsmb_direct *d);

/* pmem_poll.c: d is being freed. */
void pmem_poll_end(struct daxsmb_direct *d);

/* pmem_map.c */
struct tevent_req *pmem_map_request_send(TALLOC_CTX *mem, struct daxsmb_region *r);
ntstatus_t pmem_map_request_recv(struct tevent_req *req, struct pmem_map_rsp *out);
struct tevent_req *pmem_unmap_request_send(TALLOC_CTX *mem, struct daxsmb_region *r);
/* The file goes: so do regions that their callers have not received yet. */
void pmem_maps_end(struct daxsmb_file *f);

/* pmem_open.c: contexts of a CREATE for the file's lease. */
struct bytes pmem_contexts(TALLOC_CTX *mem, const struct daxsmb_file *f);

/* pmem_break.c */
void pmem_file_broken(void *arg, const struct smb2_lease_break_notification *n);
/* Something of the region has ended: a drain or a break may go on. */
void pmem_drained(struct daxsmb_region *r);
/* So has a region, or it is no more. */
void pmem_file_advance(struct daxsmb_file *f);
void pmem_channel_lost(struct daxsmb_direct *d);
/* A region was mapped. */
void pmem_mapped(struct daxsmb_region *r, const struct pmem_map_rsp *map);
uint32_t pmem_lease_for(uint32_t access);
/* Nothing is done for the file any more. */
void pmem_file_ends(struct daxsmb_file *f);

/* pmem_io.c: posts it; container_of(work, struct pmem_fence, work) is done. */
void pmem_fence_post(const struct daxsmb_region *r, struct rdma_conn *c, struct pmem_fence *f,
	void (*done)(struct rdma_work *work, int error));
/* What is held goes its way, from the event loop. */
void pmem_pump(struct daxsmb_region *r);
/* The region is freed: what concerns it ends. */
void pmem_operations_end(struct daxsmb_region *r);
/* Tells what has ended. Anything of the caller's may be gone afterwards. */
void pmem_tell_ended(struct daxsmb_direct *d);
void pmem_tell(struct daxsmb_region *r, enum daxsmb_region_event e);

#endif
