/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_SMBDIRECT_H
#define RDMA_SMBDIRECT_H

#include "rdma/rdma.h"

/*
 * SMB Direct, [MS-SMBD]: whole messages of any size over the bounded Sends of an RDMA connection, with credits, both as the server
 * and as the client. Thread, callbacks and errors are those of the RDMA connection under it (rdma/rdma.h).
 */

struct smbdirect;

enum { SMBDIRECT_PORT_IWARP = 5445 };

struct smbdirect_params {
	bool initiator;                  /* the client, which begins the negotiation */
	uint16_t credits;                /* receives that the peer may be granted */
	uint32_t receive_size;           /* of one Send: 128 or more */
	uint32_t max_message;            /* MaxFragmentedRecvSize: 131072 or more */
	uint32_t max_read_write;         /* announced limit of one RDMA transfer */
	unsigned negotiate_seconds;      /* limit of the negotiation */
	unsigned idle_seconds;           /* of silence, before a keep-alive is asked for; and as long again until the end */
};

struct smbdirect_handlers {
	/* Once: negotiated. Messages may be sent from now on. */
	void (*established)(void *arg);
	/*
	 * Memory for a message of `size` bytes that comes in several fragments; NULL: the connection ends. *data: where it goes.
	 * What it returns is given to `received`, or to `release` when the message never gets whole. A reserve that closes the
	 * session returns NULL; neither of the two detaches it.
	 */
	void *(*reserve)(void *arg, size_t size, uint8_t **data);
	void (*release)(void *arg, void *memory);
	/* A whole message; may be written to. memory: what reserve returned, now the receiver's; NULL: data is borrowed until return. */
	void (*received)(void *arg, uint8_t *data, size_t len, void *memory);
	/* Once, the last callback; every message and work is done. */
	void (*ended)(void *arg, const char *why);
};

/*
 * A message on its way out, owned by its sender until done, which comes exactly once. error as of rdma_work; -EMSGSIZE: it is empty or
 * longer than the peer takes, and was not sent.
 */
struct smbdirect_message {
	const struct iovec *iov;
	unsigned n;          /* together at least 1 byte and at most what smbdirect_max_send says */
	bool invalidate;     /* the peer's tag becomes invalid with it, [MS-SMB2] SMB2_CHANNEL_RDMA_V1_INVALIDATE */
	uint32_t tag;
	void (*done)(struct smbdirect_message *m, int error);
	/* SMB Direct's */
	struct list link;
	size_t size, progress;
	unsigned sends; /* not yet done */
	int error;
};

/* Makes the RDMA connection, with the params given (receive_size and handlers are filled in by SMB Direct). NULL: failed. */
typedef struct rdma_conn *(*smbdirect_start_fn)(TALLOC_CTX *mem, struct tevent_context *ev,
	const struct rdma_params *p, void *how);

/* NULL: memory is short or start failed. rdma: ird, ord, crc and setup_seconds of the connection under it. */
struct smbdirect *smbdirect_new(TALLOC_CTX *mem, struct tevent_context *ev, const struct smbdirect_params *p,
	const struct rdma_params *rdma, smbdirect_start_fn start, void *how, const struct smbdirect_handlers *h,
	void *arg);

/* Messages leave in order, and behind the RDMA Writes that were posted before on smbdirect_rdma. */
void smbdirect_send(struct smbdirect *s, struct smbdirect_message *m);

/*
 * While held, the peer is granted no further receives (it may use up those that it has), so that it stops when we are busy.
 * Keep-alives are still answered.
 */
void smbdirect_hold(struct smbdirect *s, bool hold);

/*
 * For RDMA Writes, Reads, targets and facts; not for Sends. Good until smbdirect_close, for after its end it is a connection that has
 * ended.
 */
struct rdma_conn *smbdirect_rdma(struct smbdirect *s);

/* What the peer takes: the longest message; the longest RDMA transfer (its MaxReadWriteSize). Once established. */
uint32_t smbdirect_max_send(const struct smbdirect *s);
uint32_t smbdirect_max_read_write(const struct smbdirect *s);

struct smbdirect_facts {
	uint32_t send_size, receive_size; /* of one Send, agreed */
	unsigned send_credits, receive_credits; /* that we have; that the peer has */
	unsigned queued;                        /* messages that wait for credits */
};
void smbdirect_facts(const struct smbdirect *s, struct smbdirect_facts *out);

/* As rdma_detach and rdma_attach. In a callback, too: another thread may have attached it before that returns. */
void smbdirect_detach(struct smbdirect *s);
int smbdirect_attach(struct smbdirect *s, struct tevent_context *ev);

/* Ends and frees it; outstanding messages and works are done with -ECANCELED before it returns. */
void smbdirect_close(struct smbdirect *s);

#endif
