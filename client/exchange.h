/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_EXCHANGE_H
#define CLIENT_EXCHANGE_H

#include "client/rdma_buffer.h"

/* One request, or several in a related compound, and their answers. */

enum { EXCHANGE_MAX = 4 };

struct outgoing {
	uint16_t command;
	uint16_t charge;
	struct wr w; /* the header's place, then the encoded body */
};

struct exchange_params {
	struct daxsmb_conn *conn;
	struct daxsmb_session *session; /* NULL: before there is one */
	uint32_t tree_id;
	bool seal;                  /* by the tree's demand */
	bool always_sign;           /* and the answer has to be signed */
	bool checks_itself;         /* the answer's signature is the caller's to check */
	uint8_t *preauth;           /* hash that takes the message as sent; NULL */
	struct bytes payload;       /* behind the last body; borrowed until the exchange ends */
	struct rdma_buffer *buffer; /* registered until the exchange ends; NULL */
	struct outgoing out[EXCHANGE_MAX];
	unsigned count;
};

/* Params of an exchange on a tree. */
struct exchange_params exchange_on_tree(struct daxsmb_tree *t);

/*
 * Adds a message and gives the writer for its body, which takes `room` bytes; bad if memory is short. Child
 * of mem.
 */
struct wr *exchange_add(
	TALLOC_CTX *mem, struct exchange_params *p, uint16_t command, uint16_t charge, size_t room);

/* A CREATE of `path`, which stands for in->name. */
void exchange_add_create(
	TALLOC_CTX *mem, struct exchange_params *p, const char *path, const struct smb2_create_req *in);
/* A related CLOSE of what the message before opened. */
void exchange_add_close(TALLOC_CTX *mem, struct exchange_params *p);

/* The memory of p->out, and p->buffer, are taken. */
struct tevent_req *exchange_send(TALLOC_CTX *mem, struct tevent_context *ev, struct exchange_params *p);

/*
 * The status that the server gave message i, or how the exchange failed. With a status that is no failure
 * *body is a reader behind the header; both borrowed from the request. body may be NULL.
 */
ntstatus_t exchange_answer(struct tevent_req *req, unsigned i, struct rd *body, struct smb2_header *h);
/* The whole message of answer i. */
struct bytes exchange_answer_bytes(struct tevent_req *req, unsigned i);

/* The memory that was lent to the server, as far as the server has filled it; data NULL: none was. */
struct bytes exchange_placed(struct tevent_req *req);

/* For client/receive.c and conn.c. */
struct list *exchange_link(struct exchange *x);
struct exchange *exchange_from_link(struct list *link);
struct daxsmb_session *exchange_session(const struct exchange *x);
bool exchange_wants_seal(const struct exchange *x);
bool exchange_wants_signature(const struct exchange *x);
bool exchange_checks_itself(const struct exchange *x);
void exchange_interim(struct exchange *x, unsigned index, uint64_t async_id);
/*
 * owner: the memory that holds the message if it holds nothing else, and is then taken; else NULL, and it
 * is copied.
 */
void exchange_deliver(struct exchange *x, unsigned index, uint8_t *owner, struct bytes message);
void exchange_fail(struct exchange *x, ntstatus_t why);
/* Sends what waits, as far as credits allow. */
void exchange_pump(struct daxsmb_conn *c);

#endif
