/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef RDMA_IWARP_CONN_H
#define RDMA_IWARP_CONN_H

#include "rdma/iwarp.h"
#include "rdma/iwarp_cursor.h"
#include "rdma/mpa.h"
#include "rdma/rdmap.h"
#include "rdma/stag.h"

/*
 * Inside the iWARP engine.
 *
 *     iwarp.c        the connection: life, posting, the turn of the event loop
 *     iwarp_setup.c  MPA request and reply
 *     iwarp_rx.c     the stream in: FPDUs, found and checked;  iwarp_place.c: where their payload goes
 *     iwarp_tx.c     the stream out: batches of FPDUs;         iwarp_source.c: which message is next
 *
 *     SETUP --(reply sent, or accepted)--> OPEN --(our Terminate)--> TERMINATING --> ENDED
 *       every state --(connection lost, the peer's Terminate, silence in SETUP)--> ENDED
 *
 * A callback may close or detach the connection; then nothing of it may be touched any more, on the way back
 * out of the event either. So whoever calls a callback first keeps w->turn, which lies on the stack of the
 * event, and looks into that. A function that returns bool says false for "stop: gone, or not open any more"
 * and its callers return at once.
 */

enum iwarp_state { IWARP_SETUP, IWARP_OPEN, IWARP_TERMINATING, IWARP_ENDED };

struct turn {
	bool gone;
	bool came; /* something of the peer */
};

/* A Read of the peer that is not yet answered. */
struct iwarp_response {
	struct rdma_target *target; /* NULL: it has no length */
	struct rdmap_read_request request;
	uint32_t msn;
	struct iovec iov;
	bool asked; /* the targets were asked to settle */
};

/* Where the payload of a tagged FPDU goes. It points into itself: not to be copied. */
struct iwarp_sink {
	struct rdma_target *target;
	struct rdma_work *read;
	struct iovec iov;
	struct iov_cursor at; /* at &iov, or in the Read's memory */
	bool shared;
	bool faulted;
};

enum { IWARP_MAX_FPDU = 2 + UINT16_MAX + 3 + 4, IWARP_RX_BUF = 128 << 10 };

struct iwarp_rx {
	uint8_t *buf; /* IWARP_RX_BUF */
	size_t at, end;
	/* An FPDU whose payload is received straight into its sink; its header is gone from buf. */
	bool direct;
	bool crc_unknown; /* the sink faulted before its bytes were counted */
	struct ddp_header header;
	uint8_t segment[DDP_TAGGED_SIZE]; /* of the header, as it came */
	uint16_t segment_length;
	size_t left;
	uint32_t crc;
	struct iwarp_sink sink;
	/* Large ones are expected for so many FPDUs more: only their headers are fetched ahead. */
	unsigned large;
	uint32_t msn[DDP_QUEUES];
	struct iov_cursor read_at; /* of the first of tx.reading */
	uint8_t *message;          /* a Send in several FPDUs: p.receive_size */
	size_t message_len;
};

/* An FPDU in the batch. */
struct tx_fpdu {
	size_t end;             /* in bytes of the batch */
	size_t header, trailer; /* in the arena */
	unsigned iov, n_iov;    /* its payload */
	struct rdma_work *work; /* Write or Send */
	struct iwarp_response *response;
	bool last; /* of its message */
	uint32_t payload;
};

enum {
	TX_BATCH = 256 << 10, /* payload; fits the second-level cache between its CRC and its sending */
	TX_FPDUS = 200,
	TX_IOV = 600,
	TX_FRAMING = 2 + DDP_UNTAGGED_SIZE + RDMAP_READ_REQUEST_SIZE + 3 + 4,
	TX_ARENA = TX_BATCH + UINT16_MAX + TX_FPDUS * TX_FRAMING,
};

struct iwarp_tx {
	struct list posted;  /* in order */
	struct list stalled; /* Reads that wait until ORD allows them, in order */
	struct list sending; /* Sends and Writes begun, in order */
	struct list reading; /* Reads whose request is out, or in the batch, in order */
	unsigned reads;      /* how many */
	uint32_t msn[DDP_QUEUES];
	/* The peer's Reads: a ring of ird. */
	struct iwarp_response *responses;
	unsigned first_response, n_responses;
	unsigned built_responses; /* how many of them are wholly in the batch */
	/* The message that is being cut into FPDUs. */
	struct rdma_work *work;
	struct iwarp_response *response;
	struct iov_cursor at;
	size_t progress, length;
	bool answered_last; /* turns: a response, a work */
	size_t mulpdu;
	unsigned mulpdu_uses;
	/* The batch. */
	struct iovec iov[TX_IOV];
	unsigned iov_at, n_iov;
	struct tx_fpdu fpdu[TX_FPDUS];
	unsigned fpdu_at, n_fpdu;
	size_t bytes, sent;
	uint8_t *arena; /* headers, trailers, payload that is copied */
	size_t fill;
	void *patches; /* payload that stands in for memory that faulted */
};

struct iwarp {
	struct rdma_params p;
	int fd;
	bool initiator;
	enum iwarp_state state;
	bool may_send; /* the responder: once the initiator has sent something, RFC 5044 section 7.1 */
	bool detached;
	bool idle; /* this turn: nothing has come */
	bool due;  /* a turn is, for the sake of what was posted */
	struct tevent_context *ev;
	struct tevent_fd *fde;
	struct tevent_immediate *kick;
	struct tevent_timer *timer;
	uint64_t deadline_ns; /* of SETUP, of TERMINATING */
	struct turn *turn;    /* NULL: not in an event */
	char why[128];
	bool shut; /* TERMINATING: all is sent */
	struct mpa_terms terms;
	uint8_t setup[MPA_MAX_FRAME + 1];
	size_t setup_at, setup_end;
	bool setup_sent;
	struct stags stags;
	struct list unsettled; /* targets, by settle_link */
	unsigned settling;
	struct iwarp_rx rx;
	struct iwarp_tx tx;
	struct list finished; /* works whose done is due, in order */
	struct rdma_facts facts;
};

/* iwarp.c */
bool iwarp_end(struct iwarp *w, const char *why);
/*
 * Sends a Terminate and ends; callbacks come later, from the event loop. failed: the segment in error, as far as
 * it is there.
 */
bool iwarp_terminate(struct iwarp *w, unsigned error, struct bytes failed, size_t segment_length);
void iwarp_finish(struct iwarp *w, struct rdma_work *work, int result);
bool iwarp_deliver(struct iwarp *w);
void iwarp_kick(struct iwarp *w);
bool iwarp_forget(struct iwarp *w, struct rdma_target *t); /* off the table; false: it was not there */

/* iwarp_setup.c */
void iwarp_setup_begin(struct iwarp *w);
bool iwarp_setup(struct iwarp *w);

/* iwarp_rx.c */
bool iwarp_receive(struct iwarp *w);
bool iwarp_discard(struct iwarp *w);

/* iwarp_place.c */
bool iwarp_fpdu(struct iwarp *w, uint8_t *segment, size_t length); /* whole, its CRC checked */
unsigned iwarp_sink_open(struct iwarp *w, const struct ddp_header *h, size_t len, struct iwarp_sink *out);
void iwarp_sink_put(struct iwarp_sink *s, const uint8_t *p, size_t n);
bool iwarp_target_faulted(
	struct iwarp *w, struct rdma_target *t, struct bytes segment, size_t segment_length);
bool iwarp_sink_close(struct iwarp *w, const struct ddp_header *h, struct iwarp_sink *s, size_t len,
	struct bytes segment, size_t segment_length);

/* It was forgotten: what is under way to or from it ends, and with it the connection. */
void iwarp_cut_short(struct iwarp *w, const struct rdma_target *t);

/* iwarp_tx.c */
bool iwarp_send(struct iwarp *w);
void iwarp_tx_cut(struct iwarp *w); /* drops what is not begun; what is, is kept without anybody's memory */
void iwarp_tx_terminate(struct iwarp *w, unsigned error, struct bytes failed, size_t segment_length);
int iwarp_tx_flush(struct iwarp *w); /* 1: all is out, 0: the socket is full, -errno */
bool iwarp_tx_wants(const struct iwarp *w);

/* iwarp_batch.c: puts FPDUs together */
void iwarp_batch_clear(struct iwarp_tx *x);
bool iwarp_batch_fill(struct iwarp *w); /* false: stop */
/* False: some of it could not be read, and is zero. */
bool iwarp_copy_or_zero(uint8_t *to, const uint8_t *from, size_t n);
/* Its memory faulted. True: the connection goes on. */
bool iwarp_unreadable(struct iwarp *w, const struct tx_fpdu *f);
void iwarp_put_crc(struct iwarp *w, const struct tx_fpdu *f); /* anew */
void iwarp_put_fpdu(struct iwarp *w, struct wr *out, const struct ddp_header *h, struct bytes payload);

/* iwarp_source.c */
bool iwarp_settle(struct iwarp *w);
bool iwarp_next_message(struct iwarp *w);
bool iwarp_add_response(
	struct iwarp *w, const struct rdmap_read_request *q, uint32_t msn, struct rdma_target *t);
void iwarp_read_request_encode(struct wr *out, const struct rdmap_read_request *q, uint32_t msn);
bool iwarp_answers_from(const struct iwarp *w, const struct rdma_target *t, struct iwarp_response **which);

#endif
