/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_BENCH_H
#define CLIENT_BENCH_H

#include "client/cli.h"
#include "client/conn.h"
#include "client/histogram.h"
#include "client/rdma_buffer.h"

#include <sys/uio.h>

/*
 * The load generator. libdaxsmb logs on; then the loop takes the socket and the keys over and drives them
 * itself, so that the server is the limit: requests are encoded once and patched, many leave in one writev,
 * answers are looked at only as far as the result needs. Over SMB Direct the loop takes the transport over
 * instead.
 *
 *   bench > bench_conn, a socket > bench_slot, an operation in flight > bench_template, a frame of requests
 */

enum { BENCH_PARTS = 3, BENCH_STAGES = 3, BENCH_IDS = 32768 };

struct bench;
struct bench_conn;
struct bench_slot;

/* A frame of one request or a related compound, encoded but for ids, credits and protection. */
struct bench_template {
	uint8_t *buf; /* NetBIOS prefix, messages */
	size_t len;
	unsigned parts;
	struct {
		size_t at, size; /* in buf */
		uint16_t charge;
	} part[BENCH_PARTS];
	struct bytes payload; /* behind the last message; shared by all slots */
};

struct bench_slot {
	struct bench_conn *conn;
	uint32_t index;
	uint64_t start_ns;
	unsigned stage;
	struct bench_template stages[BENCH_STAGES];
	uint8_t *sealed; /* where the frame is encrypted */
	uint64_t ids[BENCH_PARTS];
	unsigned due; /* answers */
	bool failed;  /* one of them was bad */
	bool last;    /* what came says that the stage is not to be repeated */
	struct smb2_file_id file;
	uint8_t *memory; /* for what is read: where the server places it, or where it is kept; NULL */
	struct rdma_buffer *buffer; /* of a READ or WRITE; NULL: the payload is in the message */
};

struct bench_conn {
	struct bench *bench;
	struct daxsmb_mount m; /* keeps keys; its connection no longer has the socket */
	int fd;
	struct transport *direct; /* instead of the socket; NULL */
	bool sign, seal, writing, lost;
	uint64_t next_id;
	uint32_t credits;
	struct smb2_file_id file;
	struct bench_slot *slots;
	uint32_t *ready; /* slots that wait to be issued: a stack */
	unsigned ready_count;
	unsigned idle;   /* slots that have ended for good */
	uint32_t *by_id; /* slot and part of each message id, modulo BENCH_IDS */
	struct iovec *out;
	unsigned out_first, out_count;
	uint8_t *in;
	size_t in_len, in_cap, in_chunk;
	size_t discard; /* bytes of the current frame that need not be looked at */
	uint8_t *keep;  /* where they go; NULL: nowhere */
};

struct bench_op {
	const char *name;
	bool needs_file, writes, moves; /* a prepared file, opened; for writing; bytes of it count */
	bool commits;                   /* what it has written, before it counts */
	bool needs_directory;           /* with a thousand entries */
	/* Encodes what a slot sends. */
	bool (*build)(struct bench_conn *c, struct bench_slot *s);
	/* Patches the stage's template before each use; NULL: nothing to patch. */
	void (*patch)(struct bench_slot *s);
	/*
	 * Looks at the answer to one part; h is decoded and body behind it (perhaps cut). False: the
	 * operation has failed.
	 */
	bool (*answer)(struct bench_slot *s, unsigned part, const struct smb2_header *h, struct rd *body);
	/*
	 * All answers of the stage are in: the next stage, or -1 when the operation is done. NULL: always
	 * done.
	 */
	int (*next)(struct bench_slot *s);
	/* An operation that is no loop over a connection: connect. */
	int (*run)(struct bench *b);
};

struct bench {
	struct cli *cli;
	const struct bench_op *op;
	uint64_t size, file_size;
	unsigned depth, connections, hold, poll_us;
	double seconds, warm_up;
	bool json, verify, keep, marks;
	uint8_t durability, guard; /* PMEM_*, of direct access */

	char *folder; /* on the share, ours alone */
	uint8_t *payload;
	struct bench_conn *conns;
	int epoll;
	struct tevent_timer *wake_up;
	uint64_t random, unique;

	bool measuring, stopping;
	uint64_t begin_ns, end_ns;
	uint64_t begin_cpu_ns, cpu_ns;
	uint64_t done, errors, bytes;
	ntstatus_t first_error;
	struct histogram latency;
};

const struct bench_op *bench_op_find(const char *name);
extern const struct bench_op bench_op_connect;

/* bench_setup.c: exit codes. */
int bench_prepare(struct bench *b); /* folder and files */
/* Of connection i, which by direct access has a file of its own. */
const char *bench_file_name(struct bench *b, unsigned i);
void bench_clean(struct bench *b);
int bench_attach(struct bench *b); /* opens b->connections and takes them over */
void bench_detach(struct bench *b);
int bench_hold(struct bench *b);
int bench_mount(struct bench *b, TALLOC_CTX *mem, struct daxsmb_mount *m);

/* bench_loop.c */
int bench_loop(struct bench *b);
/* Whether to go on; begins and ends the measuring by the clock. */
bool bench_tick(struct bench *b, uint64_t now);
void bench_count(
	struct bench *b, uint64_t start_ns, uint64_t now, uint64_t bytes, bool failed, ntstatus_t why);

/* Sends what is ready to be sent; false when the connection is lost. */
bool bench_conn_issue(struct bench_conn *c);

/* bench_direct.c */
void bench_direct_attach(struct bench_conn *c);
void bench_direct_detach(struct bench_conn *c);
void bench_direct_send(struct bench_conn *c, struct bytes head, struct bytes payload);
/* One round of events; false when a connection was lost. */
bool bench_direct_turn(struct bench *b);
/* Registers memory of an operation anew, as s->buffer; false: its payload is to travel in the message. */
bool bench_direct_lend(struct bench_slot *s, const uint8_t *base, unsigned rights);

/* bench_pmem.c: the whole run, by direct access. An exit code. */
int bench_pmem_run(struct bench *b);

/* bench_wire.c: sends what the slot's stage says. False when credits lack. */
bool bench_issue(struct bench_slot *s, uint64_t now);
/* Adds a message to a template that is being built, and finishes the template. */
struct wr bench_part(struct bench_conn *c, struct bench_template *t);
bool bench_part_done(struct bench_conn *c, struct bench_template *t, const struct wr *w, uint16_t command,
	uint16_t charge);
/* One whole message. False: it makes no sense. */
bool bench_take_message(struct bench_conn *c, uint8_t *data, size_t len);
/* The frames in [0, in_len) of the buffer, as many as are whole. False: the stream makes no sense. */
bool bench_take(struct bench_conn *c);
/* c->discard bytes have gone by: the frame whose beginning is in the buffer is complete. */
bool bench_take_discarded(struct bench_conn *c);

#endif
