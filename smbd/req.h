/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_REQ_H
#define SMBD_REQ_H

#include "core/workers.h"
#include "smbd/node.h"
#include "smbd/session.h"
#include "wire/commands.h"

/*
 * One frame on its way: a chain of one or more SMB2 requests and the replies to them.
 *
 *   owner      its connection, until it is finished; while a job of it is with a worker (`job` set) the memory stays
 *              even if the connection goes (`conn` is NULL then)
 *   states     running (inside req_run) -> parked (a job, a timer, or an event will complete the element) -> running
 *              ... -> finished: the replies are queued and it is freed
 *   cancels    SMB2 CANCEL and the end of the connection, through `cancel`
 *
 * Handlers (op_*.c) see the current element. Each completes it exactly once: req_error, or req_reply + req_done. A
 * handler that returns without having completed has parked the request.
 */
struct req {
	struct list link; /* conn->requests */
	struct conn *conn;
	struct local *local;

	struct bytes frame;  /* plain SMB2 messages; borrowed from the scratch buffer unless frame_owned */
	struct iobuf *frame_owned; /* the buffer around it, or NULL */
	size_t held;         /* its share of conn->held_bytes */
	size_t next;         /* offset of the next element */
	bool sealed;         /* came encrypted, goes encrypted */
	uint64_t sealed_for; /* the session whose key that takes */
	unsigned elements;   /* begun so far */
	bool running, completed;
	const char *disconnect; /* set by a handler: the connection ends when the element is done */
	uint64_t end_session;   /* ends when the reply is on its way; 0: none */
	uint8_t *hash_reply;    /* the preauthentication hash that the reply enters, or NULL */

	/* the current element */
	struct smb2_header hdr;
	struct bytes element; /* header and body */
	const struct op *op;
	struct channel *channel;
	struct session *session;
	struct tree *tree;
	struct open *open;
	bool related;
	bool signed_request;
	struct signer *reply_signer; /* talloc child: signs instead of the channel's, or NULL */
	uint64_t session_id;   /* what session, tree and open are found by again after parking */
	uint32_t tree_id;
	struct smb2_file_id file_id;
	uint64_t async_id;     /* set once an interim reply went out */
	void (*cancel)(struct req *);
	ntstatus_t lost;       /* what req_enter did not find again */
	void *op_state;        /* talloc child, freed when the element is complete */

	/* what related elements inherit */
	ntstatus_t chain_status; /* of a failed CREATE */
	struct smb2_file_id chain_file_id;
	bool chain_has_file_id;
	bool chain_fresh;    /* open->st is what CREATE found in this very frame */
	bool chain_unrooted; /* related elements have nothing to be related to */

	/* the reply, from `start` in `out` on: [length prefix][transform header] element, element, ... */
	struct iobuf *out;
	bool out_shared;       /* it is the tail of the connection's queue */
	bool invalidate;       /* the reply invalidates the client's RDMA tag, and is the last of its message */
	uint32_t invalidate_tag;
	size_t start;          /* of the length prefix */
	size_t end;            /* behind the elements that are complete */
	size_t room_end;       /* behind the room that the current one has asked for */
	size_t element_start;  /* of the current element's header */

	struct call *job;      /* with a worker now */
	struct tevent_timer *pend_timer;
};

/*
 * Runs a frame; the bytes are borrowed until it returns, `owned` is taken. sealed_for: the session under whose key it came, 0:
 * in clear. The connection may be closed by it.
 */
void req_start(struct conn *c, struct bytes frame, struct iobuf *owned, uint64_t sealed_for);

/* Ends the current element with an error body. */
void req_error(struct req *r, ntstatus_t status);
/* The same with error data, [MS-SMB2] 2.2.2. */
void req_error_data(struct req *r, ntstatus_t status, struct bytes data);

/*
 * A writer for the body of the reply: base at the SMB2 header, pos behind it, room for at least `body` bytes. On lack of
 * memory the element ends with an error and w->bad is set: the handler returns.
 */
struct wr req_reply(struct req *r, size_t body);
/* [MS-SMB2] 3.3.4.1.3: whether the reply may grow by this much; replies to a compound stay within what one may have. */
bool req_has_room(const struct req *r, size_t body);
/* Ends the current element with what w has written. */
void req_done(struct req *r, ntstatus_t status, struct wr *w);
/* Ends it with the four-byte body that several commands share. */
void req_done_empty(struct req *r);
/* Ends it with a body whose last `len` bytes are a piece of a file, sent without a copy. */
void req_done_file(struct req *r, struct wr *w, struct vfs_file *file, uint64_t offset, size_t len);
/* The same with a piece of a file's mapping, which is taken: *window is empty then. */
void req_done_window(struct req *r, struct wr *w, struct vfs_window *window);
/* True if the reply may end in a file piece: neither signed nor sealed, and the last of its frame. */
bool req_can_send_file(const struct req *r);

/* Parks with an interim reply (STATUS_PENDING) at once; `cancel` runs on CANCEL. False: not possible here. */
bool req_pend(struct req *r, void (*cancel)(struct req *));
/* Parks without one. False: memory is short. */
bool req_park(struct req *r, void (*cancel)(struct req *));
/* Sends the interim reply if the element is still parked after a while; for work that may be slow. */
void req_pend_later(struct req *r);

/*
 * For a connection that is no channel of the session: true if the element is signed with the session's key, with which
 * then the reply is signed too.
 */
bool req_signed_by_session(struct req *r, uint16_t algorithm, const uint8_t key[SESSION_KEY_SIZE]);

/* The element, which is complete, has ended the session of ch: now, or once the sealed reply has left. */
void req_end_session(struct req *r, struct channel *ch);

/* Ends a parked element soon, from code that must not end it itself: by a message to this reactor. */
void req_end_later(struct req *r, ntstatus_t status);

/* A copy of the element's bytes that stays until the frame is finished: views decoded before are to be decoded anew. */
bool req_keep_frame(struct req *r);

/*
 * Around code that completes or goes on with a parked element from a timer or message: finds session, tree and open again.
 * After req_leave r, and its connection too, may be gone.
 */
void req_enter(struct req *r);
void req_leave(struct req *r);

/*
 * A message that answers no request ([MS-SMB2] 3.3.4.6, 3.3.4.7), in two steps: *w is made for the body, then it is
 * sent, sealed where session or tree demands it. False: memory is short.
 */
bool req_notify(struct channel *ch, uint16_t command, bool sealed, struct wr *w, size_t body);
void req_notify_send(struct channel *ch, bool sealed, struct wr *w);

/* Encrypts len bytes that stand behind room for a transform header, and writes the header. */
bool frame_seal(struct session *s, uint8_t *header, size_t len);

/* Where the reply's body that req_reply gave lies now: parking may have moved it. */
static inline uint8_t *req_reply_base(const struct req *r)
{
	return r->out->data + r->element_start;
}

/* Finds session, tree and open of a parked element again by their ids; false if one is gone. */
bool req_find_again(struct req *r);
/* False, and the element is completed, if req_enter did not find session, tree or open again. */
bool req_refresh(struct req *r);

/* For req*.c: gives the reply a buffer of its own before r parks; lets the replies leave and frees r. */
bool req_detach_reply(struct req *r);
void req_finish(struct req *r);
/* Lets those leave that are complete, while elements are left. */
void req_part_leaves(struct req *r);

/* The connection of r goes away. */
void req_abandon(struct req *r);
/* The parked request that has this message id now, or NULL. */
struct req *req_find(struct conn *c, uint64_t message_id);
bool req_cancel(struct conn *c, const struct smb2_header *cancel);

/* The open goes away: so do the CHANGE_NOTIFYs that wait on it. */
void notify_open_ends(struct open *o);

/*
 * Work that may block. An op's call struct begins with this; it is a talloc child of the request and owns what it
 * needs. A new call holds the tree's share and identity and the open's file, where the request has them.
 */
struct call {
	struct job job;
	struct req *req;
	struct vfs_share *share; /* counted, as the next two; or NULL */
	struct vfs_cred *cred;
	struct vfs_file *file;
	/* Any thread; flags 0 or VFS_NOWAIT. Returns what becomes `result`; -EAGAIN with VFS_NOWAIT: on a worker. */
	int (*run)(struct call *c, unsigned flags);
	bool cancellable; /* nothing is left behind if it never runs */
	/* Reactor, with session, tree and open found again. Completes or parks the element. */
	void (*done)(struct req *r, struct call *c);
	int result;
	struct node_change change; /* of the file's storage: ends when it has run */
};

/* True where the answer may need a device and nobody may wait for one: `run` returns -EAGAIN. */
bool call_must_wait(const struct call *c, unsigned flags);
/* Drops the three references, and ends the change: for a talloc destructor that an op sets in place of the usual one. */
void call_release(struct call *c);

/* Runs c here if that does not block, else on a worker; then done. */
void req_call(struct req *r, struct call *c);
/* Straight to a worker: for work that blocks for sure. */
void req_call_worker(struct req *r, struct call *c);

/* A zeroed call struct of type T, parented to r. NULL: memory is short and the element has been completed. */
#define req_new_call(r, T, run_fn, done_fn) ((T *)req_new_call_size((r), sizeof(T), #T, (run_fn), (done_fn)))
void *req_new_call_size(struct req *r, size_t size, const char *name, int (*run)(struct call *, unsigned),
	void (*done)(struct req *, struct call *));

/* One row per command. */
enum {
	OP_SESSION = 1,   /* needs an established session (implies signing and encryption rules) */
	OP_TREE = 2,      /* ... and a tree */
	OP_OPEN = 4,      /* ... and a FileId, at file_id_offset in the body */
	OP_MODIFIES = 8,  /* channel sequence matters */
	OP_SYNC = 16,     /* the reply tells a TreeId, in whose place asynchronous ones have an AsyncId ([MS-SMB2] 2.2.1.1) */
};
struct op {
	const char *name;
	void (*handle)(struct req *r, struct rd *body);
	unsigned needs;
	uint8_t file_id_offset;  /* from the body's start */
	uint8_t payload_in, payload_out; /* offsets of u32 lengths that the credit charge must cover; 0: none */
	uint8_t channel; /* offset of Channel, behind which RemainingBytes and ChannelInfo's place stand; 0: none */
};
const struct op *op_find(uint16_t command);

/* Handlers. r->base of the reader is the SMB2 header. */
#define OP(name) void op_##name(struct req *r, struct rd *body)
OP(negotiate);
OP(session_setup);
OP(logoff);
OP(tree_connect);
OP(tree_disconnect);
OP(create);
OP(close);
OP(flush);
OP(read);
OP(write);
OP(lock);
OP(ioctl);
OP(echo);
OP(query_directory);
OP(change_notify);
OP(query_info);
OP(set_info);
OP(oplock_break);
#undef OP

#endif
