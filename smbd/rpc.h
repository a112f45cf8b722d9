/* SPDX-License-Identifier: LGPL-3.0-or-later */
#ifndef SMBD_RPC_H
#define SMBD_RPC_H

#include "core/bytes.h"
#include "core/status.h"

#include <talloc.h>

/*
 * The server's end of a named pipe that speaks DCE/RPC: PDUs in, PDUs out, no sockets, no waiting.
 * One thread.
 *
 *   rpc_pipe (of an open)
 *     in       bytes of a PDU that is not whole yet
 *     stub     the request that is being put together of its fragments
 *     queue    answers, one PDU each, oldest first
 *
 *   FRESH --bind--> BOUND --request--> BOUND
 *     any --protocol error--> BROKEN: what is queued can still be read, then STATUS_PIPE_BROKEN
 */

enum { RPC_MAX_INPUT = 64 << 10, RPC_MAX_OUTPUT = 1 << 20 };

/* A share as the services show it. Strings are UTF-8 and live until the callback's next call. */
struct rpc_share {
	const char *name;
	const char *comment;
	const char *path; /* shown to administrators only; Unix form */
	uint32_t type;    /* STYPE_* of wire/srvsvc.h; STYPE_IPC | STYPE_SPECIAL for IPC$ */
	uint32_t max_users, current_users; /* max_users 0: no limit */
	uint32_t caching; /* the share flags of TREE_CONNECT's response: SMB2_SHAREFLAG_*_CACHING */
	bool hidden;      /* not browseable: left out of lists, known by its name */
};

/* What the services know of the world. Everything it points to outlives the pipe. */
struct rpc_env {
	const char *server_name; /* NetBIOS name */
	const char *workgroup;
	const char *server_comment;
	/* The i-th share, IPC$ included; false behind the last. */
	bool (*share_at)(void *arg, size_t i, struct rpc_share *out);
	void *arg;
	bool user_is_admin;
	uint32_t user_count; /* log-ons at present */
};

/* By name without backslashes or "pipe\", in any case. */
bool rpc_pipe_known(const char *name);

/* NULL if there is no such pipe or memory is short. env is copied, its strings are not. */
struct rpc_pipe *rpc_pipe_open(TALLOC_CTX *mem, const char *name, const struct rpc_env *env);

/*
 * Takes bytes: a part of a PDU, one, or several. STATUS_SUCCESS also when the answer is a fault;
 * STATUS_INSUFF_SERVER_RESOURCES, with nothing taken, when RPC_MAX_INPUT would be passed; STATUS_PIPE_BROKEN
 * after a protocol error.
 */
ntstatus_t rpc_pipe_write(struct rpc_pipe *p, struct bytes data);

/*
 * Message mode: at most one PDU. STATUS_BUFFER_OVERFLOW with the first cap bytes of one that is longer: the
 * rest comes with the next call. STATUS_PIPE_EMPTY when nothing is pending, STATUS_PIPE_BROKEN when nothing
 * ever will be.
 */
ntstatus_t rpc_pipe_read(struct rpc_pipe *p, void *buf, size_t cap, size_t *got);

/* Bytes that the next PDU still has; 0 if nothing is pending. */
size_t rpc_pipe_pending(const struct rpc_pipe *p);

#endif
