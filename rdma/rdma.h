/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_RDMA_H
#define RDMA_RDMA_H

#include "core/bytes.h"
#include "core/list.h"

#include <sys/uio.h>
#include <talloc.h>
#include <tevent.h>

/*
 * What an RDMA transport is. A connection is reliable and ordered. It carries messages (Send), and moves memory without the
 * peer's program taking part: RDMA Write and RDMA Read name memory of the peer by a tag (iWARP: STag, InfiniBand: R_Key) and an
 * offset. The software iWARP (rdma/iwarp.h) is one; the verbs of libibverbs fit the same table.
 *
 * Thread: a connection belongs to the thread that runs its tevent context; rdma_detach and rdma_attach move it.
 * Callbacks come from the event loop, never from inside a call, but for rdma_close and rdma_poll. A callback may call anything
 *   here, rdma_close included.
 * Order: works of all kinds begin in the order in which they were posted, and a Send arrives behind all Writes posted before it. A
 *   Read does not hold up what is posted after it.
 * Errors: -errno. A connection that fails ends once, with every work that is outstanding.
 * Local memory needs no registration by the caller: a transport whose hardware wants one does it inside, or copies.
 */

struct rdma_conn;

enum {
	RDMA_SOLICITED = 1,  /* Send: the peer is to be woken up */
	RDMA_INVALIDATE = 2, /* Send: the peer's `tag` becomes invalid with it */
	RDMA_SHARED = 4,     /* Write, Read: others may change the local memory meanwhile: checksums are taken of a copy */
};

/*
 * One Send, Write or Read. The poster owns it and what it points to, and leaves both alone until done, which comes exactly once.
 * error 0 of a Send or Write: the memory may be used again (the peer may not have it yet); of a Read: the data is there.
 * -EIO: the local memory faulted (core/fault.h), and the connection goes on: zeros went out in place of what a Write could not
 * read, a Read is without its data. A Send that faults ends the connection. -EMSGSIZE, -EINVAL: longer than the transport
 * can say, the offset wraps. -ECONNRESET, -ECANCELED: the connection has ended, or was closed.
 */
struct rdma_work {
	const struct iovec *iov;
	unsigned n;
	unsigned flags;
	uint32_t tag;           /* the peer's */
	uint64_t remote_offset; /* tagged offset; Write, Read */
	void (*done)(struct rdma_work *w, int error);
	/* the transport's */
	struct list link;
	size_t progress, length;
	uint32_t private_tag;
	int kind, result;
};

enum { RDMA_REMOTE_READ = 1, RDMA_REMOTE_WRITE = 2 };

/*
 * Memory that the peer of one connection may reach by a tag. The owner keeps it, and its memory, until rdma_deregister has
 * returned or the connection is closed.
 */
struct rdma_target {
	uint8_t *base;
	size_t len;          /* tagged offsets 0 to len - 1 are good, exactly */
	unsigned rights;     /* RDMA_REMOTE_* */
	bool shared;         /* as RDMA_SHARED */
	/*
	 * Or NULL. Asked before a Read of the peer is answered, if something was placed in this target since it was last
	 * asked: the owner makes what was placed as durable as it has promised and then, now or later, calls
	 * rdma_settled. Until then the Read, and all other Reads behind it, wait. */
	void (*settle)(struct rdma_target *t);
	/*
	 * Or NULL. A piece of a Write of the peer is in the memory, exactly these bytes, and its checksum was right. What follows
	 * on the connection has not been acted on. It must not block. False: the memory is none any more, and all goes on as if it
	 * had faulted; the target is registered still. */
	bool (*placed)(struct rdma_target *t, size_t offset, size_t len);
	/* Or NULL. The memory faulted; the connection ends with a Terminate, the target is to be deregistered. */
	void (*faulted)(struct rdma_target *t);
	/* Or NULL. The peer has invalidated the tag (Send with Invalidate): it is deregistered already. */
	void (*invalidated)(struct rdma_target *t);
	uint32_t tag;                      /* set by rdma_register */
	uint64_t bytes_read, bytes_placed; /* by the peer */
	/* the transport's */
	struct list link, settle_link;
	bool unsettled, settling;
};

struct rdma_handlers {
	/* Once: the connection is there and its facts are known. Works may be posted from now on. */
	void (*established)(void *arg);
	/* A Send of the peer, whole, at most receive_size bytes; borrowed until return or rdma_detach, and may be written to. */
	void (*received)(void *arg, uint8_t *message, size_t len, bool solicited);
	/* Once, the last callback: every work is done, no peer reaches a target any more. why lives until return. */
	void (*ended)(void *arg, const char *why);
};

struct rdma_params {
	unsigned receive_size;  /* longest Send that is taken */
	unsigned ird, ord;      /* Reads at once: of the peer, and ours; what is agreed may be less, never 0 */
	bool crc;               /* wanted; used if either side wants it */
	unsigned setup_seconds; /* limit until established */
	unsigned version;       /* initiator: MPA revision to ask for; 0: the newest */
	struct rdma_handlers handlers;
	void *arg;
};

struct rdma_facts {
	const char *transport; /* "iwarp" */
	unsigned version;      /* MPA revision, or 0 */
	bool crc;
	unsigned ird, ord;
	unsigned targets;                      /* registered now */
	uint64_t bytes_placed, bytes_read;     /* in our memory by Writes of the peer, out of it by its Reads */
	uint64_t bytes_written, bytes_fetched; /* by our Writes and Reads, in the peer's memory and out of it */
	uint64_t sends_in, sends_out;
	bool refused; /* it ends because the peer had no such tag, or not the range or right */
};

/* A transport: the calls below, by it. Each connection begins with a pointer to its table. */
struct rdma_transport {
	const char *name;
	void (*send)(struct rdma_conn *, struct rdma_work *);
	void (*write)(struct rdma_conn *, struct rdma_work *);
	void (*read)(struct rdma_conn *, struct rdma_work *);
	int (*register_target)(struct rdma_conn *, struct rdma_target *);
	void (*deregister)(struct rdma_conn *, struct rdma_target *);
	void (*settled)(struct rdma_conn *, struct rdma_target *, int error);
	void (*detach)(struct rdma_conn *);
	int (*attach)(struct rdma_conn *, struct tevent_context *);
	void (*facts)(const struct rdma_conn *, struct rdma_facts *);
	bool (*poll)(struct rdma_conn *); /* or NULL */
	void (*close)(struct rdma_conn *);
};

struct rdma_conn {
	const struct rdma_transport *ops;
};

/* On an ended connection a posted work is done with -ECONNRESET, from the event loop. */
static inline void rdma_send(struct rdma_conn *c, struct rdma_work *w)
{
	c->ops->send(c, w);
}

static inline void rdma_write(struct rdma_conn *c, struct rdma_work *w)
{
	c->ops->write(c, w);
}

static inline void rdma_read(struct rdma_conn *c, struct rdma_work *w)
{
	c->ops->read(c, w);
}

/* Chooses t->tag: unpredictable, good on this connection only, not soon used again. 0, -ENOMEM, -ENOSPC (too many). */
static inline int rdma_register(struct rdma_conn *c, struct rdma_target *t)
{
	return c->ops->register_target(c, t);
}

/*
 * A fence: when it returns, no access through the tag, begun or to come, touches the memory. A Read or Write of the peer that is cut
 * short by it ends the connection with a Terminate, as does every later use of the tag. Again is harmless.
 */
static inline void rdma_deregister(struct rdma_conn *c, struct rdma_target *t)
{
	c->ops->deregister(c, t);
}

/* Answers t->settle; error 0, or -errno: the connection ends with a Terminate. */
static inline void rdma_settled(struct rdma_conn *c, struct rdma_target *t, int error)
{
	c->ops->settled(c, t, error);
}

/* Off its event loop: no callback comes. All that it has stays. Then, on any thread, attach; -errno: close it. */
static inline void rdma_detach(struct rdma_conn *c)
{
	c->ops->detach(c);
}

static inline int rdma_attach(struct rdma_conn *c, struct tevent_context *ev)
{
	return c->ops->attach(c, ev);
}

static inline void rdma_facts(const struct rdma_conn *c, struct rdma_facts *out)
{
	c->ops->facts(c, out);
}

/*
 * For who would rather look again and again than sleep: does at once what the event loop would do about works that were posted
 * and about what has come. True: something had come. From where the event loop could run, not from a callback. The connection
 * may be gone afterwards.
 */
static inline bool rdma_poll(struct rdma_conn *c)
{
	return c->ops->poll && c->ops->poll(c);
}

/* Ends and frees it; outstanding works are done with -ECANCELED before it returns, `ended` is not called. */
static inline void rdma_close(struct rdma_conn *c)
{
	c->ops->close(c);
}

#endif
