/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef CLIENT_TRANSPORT_H
#define CLIENT_TRANSPORT_H

#include "core/bytes.h"
#include "core/list.h"
#include "core/status.h"

#include <talloc.h>
#include <tevent.h>

/* A message on its way out. Belongs to the transport once sent, which frees it when its bytes are out. */
struct frame {
	struct list link;
	uint8_t prefix[4]; /* the transport's */
	uint8_t *head;     /* child of the frame */
	size_t head_len;
	struct bytes payload; /* borrowed, sent behind the head */
	size_t done;          /* bytes sent, prefix included */
	struct frame **ref;   /* cleared when the frame goes; may be NULL */
};

struct frame *client_frame_new(TALLOC_CTX *mem, size_t head_len);
/* Makes the borrowed payload the frame's own, because its owner goes; false if memory is short. */
bool client_frame_keep_payload(struct frame *f);

/* Carries whole messages both ways. Frames leave in order. Neither callback is made inside send. */
struct transport {
	const struct transport_ops *ops;
	/* frame is a talloc child of nobody: the receiver takes it. len >= 1. */
	void (*on_message)(void *arg, uint8_t *message, size_t len);
	/* Once. No callback is made afterwards. */
	void (*on_closed)(void *arg, ntstatus_t why);
	void *arg;
	/* Bytes of the longest message and RDMA transfer. May grow until the first message has come. */
	uint32_t max_send, max_transfer;
};

struct rdma_target;
struct rdma_conn;

struct transport_ops {
	void (*send)(struct transport *t, struct frame *f);
	/* Drops what is queued and closes; silent: on_closed is not called. */
	void (*close)(struct transport *t);
	/* As rdma_register and rdma_deregister; harmless on a closed transport. NULL: it has no RDMA. */
	int (*register_target)(struct transport *t, struct rdma_target *target);
	void (*deregister)(struct transport *t, struct rdma_target *target);
	/* For Reads and Writes; NULL on a closed transport. */
	struct rdma_conn *(*rdma)(struct transport *t);
};

/*
 * A connected TCP socket, non-blocking; fd belongs to the transport at once. The transport is a child of
 * mem.
 */
struct transport *transport_tcp_new(TALLOC_CTX *mem, struct tevent_context *ev, int fd);

/* The socket of a TCP transport, given away: the transport is closed but for it. For the load generator. */
int transport_tcp_release(struct transport *t);

/* Likewise; SMB Direct is negotiated first, in so many seconds, and what is sent waits for it. */
struct transport *transport_smbdirect_new(
	TALLOC_CTX *mem, struct tevent_context *ev, int fd, unsigned setup_seconds);

/* Resolves (may block) and connects, address after address. The descriptor is the receiver's. */
struct tevent_req *client_tcp_connect_send(
	TALLOC_CTX *mem, struct tevent_context *ev, const char *host, uint16_t port);
ntstatus_t client_tcp_connect_recv(struct tevent_req *req, int *fd);

#endif
